//! Corrections: to whom a returned payment is paid again.
//!
//! A bank that returns a payment says why; a holder whose account was closed or mistyped goes to the office
//! with the payment's reference. The office looks at the passbook, signs a correction, and seals the account
//! to the treasury: it sees no amount, and no one else sees the account. The treasury takes a correction for a
//! transfer that was returned, once, and only to an account of the same name as the one that was proved: neither an
//! officer nor a thief of the reference can redirect the money to another person. Only the office that registered the
//! account corrects it, while it is in good standing on the ledger.

use std::path::Path;

use praman_access::{AccessStore, ApprovalKind, ApprovalState, Caller};
use praman_circuits::office::OfficeId;
use praman_circuits::payee::Payee;
use praman_files::FileError;
use praman_files::sealed_box;
use praman_holder::envelope::{Payout, TreasuryPublicKey};
use praman_holder::wallet::{is_signed, payee_message};
use praman_offices::office_key::OfficeKey;
use praman_offices::standing;
use praman_store::{Store, broken};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;
use zeroize::Zeroizing;

use super::key::TreasuryKey;
use super::payout_check::is_payable;
use super::transfer::{self, TransferReference, TransferRow};
use crate::refusal::CorrectionFault;
use crate::refusal::OrderFault;
use crate::refusal::OrderRefusal;
use crate::refusal::PaymentError;

const FORMAT: &str = "praman-payment-correction-1";
const PURPOSE: &[u8] = b"praman.payment-correction.1";
/// Plaintexts are padded to this length.
const PLAIN_BYTES: usize = 1_024;

/// A corrected payee, sealed and signed.
pub struct Correction {
    /// The transfer that it corrects.
    pub reference: TransferReference,
    office: OfficeId,
    sealed: Vec<u8>,
    signature: [u8; 64],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CorrectionFile {
    format: String,
    reference: String,
    office: OfficeId,
    sealed: String,
    signature: String,
}

/// What each of two officers approves. Only the treasury sees the account: they compare the digest with that of their
/// file, and the passbook with the account that they wrote.
#[derive(Serialize)]
struct CorrectDocument<'a> {
    office: u32,
    /// The first or the second.
    officer: u32,
    transfer: &'a str,
    correction: String,
}

/// What is sealed: with the reference, so that it fits no other transfer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    reference: String,
    payee: Payee,
}

impl Correction {
    /// Signs and seals a corrected payee.
    ///
    /// # Errors
    /// [`CorrectionFault`] for an account that no bank takes.
    pub fn new(
        key: &OfficeKey,
        reference: TransferReference,
        payee: &Payee,
        treasury: TreasuryPublicKey,
    ) -> Result<Self, CorrectionFault> {
        if !is_payable(payee) {
            return Err(CorrectionFault::Payee);
        }
        let mut plain = Zeroizing::new(Vec::with_capacity(PLAIN_BYTES));
        let content = Plain { reference: reference.to_string(), payee: payee.clone() };
        serde_json::to_writer(&mut *plain, &content).expect("plain data");
        if plain.len() > PLAIN_BYTES {
            return Err(CorrectionFault::TooLong);
        }
        plain.resize(PLAIN_BYTES, b' ');
        let sealed = sealed_box::seal(PURPOSE, &plain, &treasury.0)
            .map_err(|_| CorrectionFault::TreasuryKey)?;
        let signature = key.sign_message(PURPOSE, &signed(&reference, key.office, &sealed));
        Ok(Self { reference, office: key.office, sealed, signature })
    }

    /// Writes the correction.
    ///
    /// # Errors
    /// [`PaymentError::File`].
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let file = CorrectionFile {
            format: FORMAT.to_owned(),
            reference: self.reference.to_string(),
            office: self.office,
            sealed: hex::encode(&self.sealed),
            signature: hex::encode(self.signature),
        };
        praman_files::write_json(path, &file)
    }

    /// Reads a correction.
    ///
    /// # Errors
    /// [`PaymentError`] naming file and field.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let file: CorrectionFile = praman_files::read_json(path)?;
        let wrong = |reason: String| FileError::malformed(path, reason);
        if file.format != FORMAT {
            return Err(wrong("not a correction in a known format".to_owned()));
        }
        let signature = hex::decode(&file.signature).ok().and_then(|bytes| bytes.try_into().ok());
        Ok(Self {
            reference: file
                .reference
                .parse()
                .map_err(|fault| wrong(format!("reference: {fault}")))?,
            office: file.office,
            sealed: hex::decode(&file.sealed)
                .map_err(|_| wrong("sealed: is not hexadecimal".to_owned()))?,
            signature: signature
                .ok_or_else(|| wrong("signature: must have 128 hexadecimal digits".to_owned()))?,
        })
    }

    /// Stores it for a transfer that was returned, if the office has signed it and the account has the name that was
    /// proved.
    pub(super) async fn keep(
        &self,
        connection: &mut AnyConnection,
        key: &TreasuryKey,
        proved: &Payout,
    ) -> Result<(), PaymentError> {
        let refused = |fault| Err(self.refused(fault).into());
        if standing::on_ledger(connection, self.office).await?.is_some_and(|known| !known.standing)
        {
            return refused(OrderFault::OfficeNotStanding);
        }
        let payee = self.payee(connection, key, proved).await?;
        if !is_payable(&payee) || !is_same_name(&payee.name, &proved.payee.name) {
            return refused(OrderFault::CorrectedAccount);
        }
        let kept = sqlx::query(
            "INSERT INTO payment_correction (reference, office, sealed, signature)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (reference) DO UPDATE
                 SET office = excluded.office, sealed = excluded.sealed, signature = excluded.signature
                 WHERE payment_correction.signature IS NULL",
        )
        .bind(self.reference.as_str())
        .bind(i64::from(self.office.0))
        .bind(self.sealed.clone())
        .bind(self.signature.to_vec())
        .execute(&mut *connection)
        .await?;
        if kept.rows_affected() == 0 {
            return refused(OrderFault::Corrected);
        }
        Ok(())
    }

    /// Makes the correction wait for two officers of its office, if it has two: no matter who signed it with the
    /// office's key, a second person has reviewed it.
    ///
    /// # Errors
    /// [`PaymentError::Order`] until both have approved it, and if one has denied it.
    pub(super) async fn require_officers(
        &self,
        store: &Store,
        by: &Caller,
    ) -> Result<(), PaymentError> {
        let kind = ApprovalKind::Correct;
        let tenant = AccessStore(store).tenant_of_office(self.office).await?;
        let mut transaction = store.begin().await?;
        let mut asked = Vec::new();
        for officer in [1, 2] {
            let document = CorrectDocument {
                office: self.office.0,
                officer,
                transfer: self.reference.as_str(),
                correction: hex::encode(Sha256::digest(&self.sealed)),
            };
            let document = serde_json::to_string(&document).expect("plain data");
            let known =
                AccessStore(store).newest_approval(&mut transaction, kind, &document).await?;
            // What an officer denied stays denied, however many are left. A request that ended with its requester's
            // key is made again.
            let known = match known {
                Some(known) if known.state == ApprovalState::Denied => {
                    if known.decided_by.is_some() {
                        return Err(self
                            .refused(OrderFault::CorrectionDenied(known.number))
                            .into());
                    }
                    None
                }
                known => known,
            };
            asked.push((officer, document, known));
        }
        if !AccessStore(store).takes_two_officers(&mut transaction, self.office.0).await? {
            return Ok(());
        }
        let mut asker = by.clone();
        for (officer, document, known) in asked {
            let number = match known {
                Some(known) if known.state == ApprovalState::Approved => {
                    // The first officer can't be the second.
                    (asker.principal, asker.name) = (known.decided_by, known.decided_by_name);
                    continue;
                }
                Some(known) => known.number,
                None => {
                    let access = AccessStore(store);
                    let asked = access.ask_approval(
                        &mut transaction,
                        kind,
                        tenant.as_str(),
                        &document,
                        &asker,
                    );
                    let number = asked.await?;
                    transaction.commit().await?;
                    number
                }
            };
            let office = self.office.0;
            let waits = OrderFault::CorrectionWaits { officer, office, number };
            return Err(self.refused(waits).into());
        }
        Ok(())
    }

    fn refused(&self, fault: OrderFault) -> OrderRefusal {
        OrderRefusal::of(&self.reference, fault)
    }

    /// Returns the corrected payee, if the office that registered the proved account has signed it and it is sealed
    /// to this treasury.
    async fn payee(
        &self,
        connection: &mut AnyConnection,
        key: &TreasuryKey,
        proved: &Payout,
    ) -> Result<Payee, PaymentError> {
        let refused = |fault| Err(self.refused(fault).into());
        let public: Option<(Vec<u8>,)> =
            sqlx::query_as("SELECT public_key FROM office WHERE id = $1")
                .bind(i64::from(self.office.0))
                .fetch_optional(&mut *connection)
                .await?;
        let public: Option<[u8; 32]> = public.and_then(|(bytes,)| bytes.try_into().ok());
        let message = [PURPOSE, &signed(&self.reference, self.office, &self.sealed)].concat();
        let signature = hex::encode(self.signature);
        let Some(public) = public.filter(|key| is_signed(key, &signature, &message)) else {
            return refused(OrderFault::CorrectionUnsigned);
        };
        // Only the office that registered the account may say where its money goes instead.
        let registered = || {
            let (office, signature) = proved.registrar()?;
            let message = payee_message(office, proved.payee.digest(&proved.payee_salt()?));
            Some(office == self.office && is_signed(&public, signature, &message))
        };
        // A claim that was accepted before envelopes named the office may be corrected by any office in good
        // standing.
        let (before,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM accepted_claim WHERE old_envelope = 1 AND nullifier =
                 (SELECT nullifier FROM payment_transfer WHERE reference = $1)",
        )
        .bind(self.reference.as_str())
        .fetch_one(&mut *connection)
        .await?;
        let is_before = before > 0 && proved.registrar().is_none();
        if registered() != Some(true) && !is_before {
            return refused(OrderFault::NotRegistrar);
        }
        open(key, &self.reference, &self.sealed)
            .map_or_else(|| refused(OrderFault::CorrectionOfAnother), Ok)
    }
}

fn signed(reference: &TransferReference, office: OfficeId, sealed: &[u8]) -> Vec<u8> {
    [reference.as_str().as_bytes(), &office.0.to_be_bytes(), sealed].concat()
}

fn open(key: &TreasuryKey, reference: &TransferReference, sealed: &[u8]) -> Option<Payee> {
    let plain = sealed_box::open(PURPOSE, sealed, &key.private).ok()?;
    let plain: Plain = serde_json::from_slice(&plain).ok()?;
    (plain.reference == reference.as_str()).then_some(plain.payee)
}

/// Compares names as banks do: ignoring case and spaces.
fn is_same_name(one: &str, other: &str) -> bool {
    let plain = |name: &str| {
        Zeroizing::new(name.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" "))
    };
    *plain(one) == *plain(other)
}

/// Returns the payee of a transfer that is paid again, by the newest correction of its earlier attempts; none if
/// there is no correction. The office's signature is checked each time: a correction written into the store behind
/// the program's back redirects no money.
pub(super) async fn payee_of(
    connection: &mut AnyConnection,
    key: &TreasuryKey,
    row: &TransferRow,
    proved: &Payout,
) -> Result<Option<Payee>, PaymentError> {
    type Kept = (i64, Vec<u8>, Option<Vec<u8>>);
    let earlier = transfer::attempts(connection, &row.nullifier, row.part()).await?;
    for earlier in earlier.into_iter().rev().filter(|earlier| earlier.attempt < row.attempt) {
        let kept: Option<Kept> = sqlx::query_as(
            "SELECT office, sealed, signature FROM payment_correction WHERE reference = $1",
        )
        .bind(&earlier.reference)
        .fetch_optional(&mut *connection)
        .await?;
        let Some((office, sealed, signature)) = kept else { continue };
        let reference: TransferReference =
            earlier.reference.parse().map_err(|_| broken("a transfer's reference"))?;
        let Some(signature) = signature.and_then(|bytes| bytes.try_into().ok()) else {
            let fault = OrderFault::CorrectionWithoutSignature;
            return Err(OrderRefusal::of(&reference, fault).into());
        };
        let correction = Correction {
            reference,
            office: OfficeId(u32::try_from(office).map_err(|_| broken("a correction's office"))?),
            sealed,
            signature,
        };
        return correction.payee(connection, key, proved).await.map(Some);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::is_same_name;

    #[test]
    fn names_are_compared_as_banks_do() {
        assert!(is_same_name("Rahima  Bibi", " rahima bibi"));
        assert!(!is_same_name("Rahima Bibi", "Rahima B"));
        assert!(!is_same_name("", "a"));
    }
}
