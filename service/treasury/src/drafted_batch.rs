//! A drafted batch, and the files that it is written into.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use praman_circuits::scope::SchemeId;
use praman_files::FileError;
use praman_holder::envelope::Payout;
use sqlx::AnyConnection;

use super::bank_format::{BankFormat, WrittenFile};
use super::envelopes::Envelopes;
use super::payment_file::{
    Debtor, ISO_KIND, PaymentBatch, PaymentPart, Transfer, date_of_part, share,
};
use super::transfer::{self, TransferRow};
use crate::refusal::PaymentError;
use crate::refusal::PaymentRefusal;

praman_store::row! {
    /// A batch as it was drafted.
    pub(super) struct DraftedBatch {
        pub(super) id: String,
        pub(super) created_on: String,
        pub(super) instalments: i64,
        pub(super) debtor: String,
        pub(super) folder: String,
        pub(super) approval: Option<i64>,
        pub(super) written: i64,
        /// The bank's format that its files are written in; none for ISO's.
        pub(super) format: Option<String>,
    }
}

pub(super) const DRAFTED: &str = "SELECT id, created_on, instalments, debtor, folder, approval, written, format FROM payment_batch";

impl DraftedBatch {
    /// Returns an error: the batch in the store is not the one that was drafted.
    pub(super) fn differs(&self) -> PaymentError {
        PaymentRefusal::NotAsDrafted(self.id.clone()).into()
    }

    /// Returns the account that it is paid from.
    pub(super) fn debtor(&self) -> Result<Debtor, PaymentError> {
        serde_json::from_str(&self.debtor).map_err(|_| self.differs())
    }

    /// Returns a drafted batch's files, from nothing but the draft: the same each time.
    pub(super) async fn compose(
        &self,
        connection: &mut AnyConnection,
        envelopes: &Envelopes<'_>,
        scheme: &SchemeId,
    ) -> Result<BankFiles, PaymentError> {
        let id = &self.id;
        let broken = || self.differs();
        let created_on: Date = self.created_on.parse().map_err(|_| broken())?;
        let debtor = self.debtor()?;
        let instalments = u32::try_from(self.instalments).map_err(|_| broken())?;
        let (claims,): (i64,) =
            sqlx::query_as("SELECT count(*) FROM accepted_claim WHERE batch = $1")
                .bind(id)
                .fetch_one(&mut *connection)
                .await?;
        let mut rows = transfer::of_batch(connection, id).await?;
        if rows.is_empty() && claims > 0 {
            // Drafted by a version that stored no transfers, or with nothing to pay.
            order_all(connection, envelopes, (id, instalments)).await?;
            rows = transfer::of_batch(connection, id).await?;
        }
        let (mut opened, mut rupees) = (Vec::new(), 0);
        for row in rows {
            let payout = envelopes.of_transfer(connection, &row).await?.map_err(|reason| {
                PaymentRefusal::DraftedUnopened { batch: id.to_owned(), reason }
            })?;
            let amount = share(payout.amount, row.part(), instalments);
            for earlier in transfer::attempts(connection, &row.nullifier, row.part()).await? {
                let written = earlier.amount.as_deref();
                let written =
                    written.map(|sealed| envelopes.key().open_amount(&earlier.reference, sealed));
                // A part is paid again with the amount that came back.
                if written.is_some_and(|written| written != Some(amount)) {
                    return Err(broken());
                }
            }
            rupees += u64::from(amount);
            opened.push(Opened { row, amount, payout });
        }
        let claims = claims as usize;
        // An entitlement without money needs no bank.
        if opened.is_empty() {
            return Ok(BankFiles { files: Vec::new(), claims, rupees, transfers: Vec::new() });
        }
        let mut parts: Vec<PaymentPart<'_>> = Vec::new();
        opened.sort_by_key(|transfer| transfer.row.part);
        for Opened { row, amount, payout } in &opened {
            let number = row.part() + 1;
            if parts.last().is_none_or(|part| part.number != number) {
                // What is paid again is paid at once.
                let on = match row.attempt {
                    0 => date_of_part(created_on, row.part(), instalments)?,
                    _ => created_on,
                };
                parts.push(PaymentPart { number, on, transfers: Vec::new() });
            }
            let transfer = Transfer {
                reference: row.reference.clone(),
                amount: *amount,
                payee: &payout.payee,
            };
            parts.last_mut().expect("pushed").transfers.push(transfer);
        }
        let scheme = scheme.as_str();
        let file = PaymentBatch { id, scheme, created_on, debtor: &debtor, parts: &parts };
        let files = match &self.format {
            None => vec![BankFile {
                name: format!("{ISO_KIND}-{scheme}-{id}.xml"),
                bytes: file.to_xml()?,
                day: None,
                references: opened.iter().map(|one| one.row.reference.clone()).collect(),
            }],
            Some(text) => {
                let format = BankFormat::parse(text).map_err(|_| broken())?;
                let named = |WrittenFile { day, bytes, references }| {
                    let of_day = day.map_or_else(String::new, |day| format!("-{day}"));
                    let (kind, end) = (format.name(), format.extension());
                    let name = format!("{kind}-{scheme}-{id}{of_day}.{end}");
                    BankFile { name, bytes, day, references }
                };
                format.write(&file)?.into_iter().map(named).collect()
            }
        };
        let transfers = opened.iter().map(|one| (one.row.reference.clone(), one.amount)).collect();
        Ok(BankFiles { files, claims, rupees, transfers })
    }
}

/// What a batch results in.
pub(super) struct BankFiles {
    /// The files; none if there is nothing to pay.
    pub(super) files: Vec<BankFile>,
    pub(super) claims: usize,
    pub(super) rupees: u64,
    /// What is in it, by reference.
    pub(super) transfers: Vec<(String, u32)>,
}

/// A file for the bank.
pub(super) struct BankFile {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    /// The day of its payments, if each day has a file.
    pub(super) day: Option<Date>,
    /// The references of its payments.
    pub(super) references: Vec<String>,
}

/// Puts a batch's files into a folder.
pub(super) fn put(folder: &Path, files: &[BankFile]) -> Result<Vec<PathBuf>, PaymentError> {
    std::fs::create_dir_all(folder).map_err(FileError::io(folder))?;
    let folder = std::path::absolute(folder).map_err(FileError::io(folder))?;
    let placed = |file: &BankFile| folder.join(&file.name);
    let paths: Vec<PathBuf> = files.iter().map(placed).collect();
    let together: Vec<(PathBuf, &[u8])> =
        paths.iter().cloned().zip(files.iter().map(|file| file.bytes.as_slice())).collect();
    praman_files::write_together(&together)?;
    Ok(paths)
}

/// Whether a folder has one of a batch's files.
pub(super) fn is_any_in(folder: &Path, files: &[BankFile]) -> bool {
    files.iter().any(|file| folder.join(&file.name).exists())
}

/// A transfer, opened.
struct Opened {
    row: TransferRow,
    amount: u32,
    payout: Payout,
}

/// Returns the instalments in which something is left to pay.
pub(super) fn parts_of(amount: u32, instalments: u32) -> impl Iterator<Item = u32> {
    (0..instalments).filter(move |&part| share(amount, part, instalments) > 0)
}

/// Drafts a transfer for each instalment of each claim of a batch.
async fn order_all(
    connection: &mut AnyConnection,
    envelopes: &Envelopes<'_>,
    (batch, instalments): (&str, u32),
) -> Result<(), PaymentError> {
    let claims: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT nullifier, payout_commitment FROM accepted_claim WHERE batch = $1")
            .bind(batch)
            .fetch_all(&mut *connection)
            .await?;
    for (nullifier, commitment) in claims {
        let payout = envelopes.payout(&nullifier, &commitment).await?;
        let payout = payout.map_err(|reason| PaymentRefusal::DraftedUnopened {
            batch: batch.to_owned(),
            reason,
        })?;
        for part in parts_of(payout.amount, instalments) {
            transfer::draft(connection, envelopes.key(), batch, &nullifier, (part, 0)).await?;
        }
    }
    Ok(())
}
