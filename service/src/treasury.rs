//! The treasury: opens envelopes, checks that amount and account are those that were proved, and
//! writes the bank's file.
//!
//! Orders are drafted into a batch in the store before the batch's file is written, and closed after
//! it. A crash in between leaves a drafted batch, whose file is then written again, the same to the
//! letter: nothing is lost, and a bank that knows a message by its id pays it once.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use praman_circuits::nullifier::{Nullifier, SchemeId};
use praman_circuits::payee::Payee;
use praman_circuits::payout::{EnvelopeHash, PayoutCommitment, payout};
use praman_circuits::period::Period;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::envelope::{self, Payout, TreasuryPublicKey};
use crate::error::ServiceError;
use crate::failpoint::may_die;
use crate::files;
use crate::payment_file::{Debtor, PaymentBatch, PaymentOrder};
use crate::sealed::{Passphrase, SealedKey, random_key};
use crate::store::{Store, bytes, field};
use zeroize::Zeroizing;

const KEY_FORMAT: &str = "praman-treasury-1";
const PAYOUT_FORMAT: &str = "praman-payout-1";
const PURPOSE: &str = "praman treasury key";

/// The treasury's opened key.
pub struct TreasuryKey {
    private: Zeroizing<[u8; 32]>,
    public: TreasuryPublicKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TreasuryKeyFile {
    format: String,
    public_key: String,
    sealed: SealedKey,
}

/// What a holder needs to be paid: the treasury's public key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PayoutFile {
    format: String,
    treasury_public_key: String,
}

impl TreasuryKey {
    /// A fresh key.
    pub fn generate() -> Self {
        let private = random_key();
        let public = envelope::public_key(&private).expect("any 32 bytes are an X25519 key");
        Self { private, public }
    }

    /// The public key.
    pub fn public(&self) -> TreasuryPublicKey {
        self.public
    }

    /// Writes the key, sealed.
    ///
    /// # Errors
    /// [`ServiceError::File`].
    pub fn save(&self, path: &Path, passphrase: &Passphrase) -> Result<(), ServiceError> {
        let file = TreasuryKeyFile {
            format: KEY_FORMAT.to_owned(),
            public_key: hex::encode(self.public.0),
            sealed: SealedKey::seal(&self.private, PURPOSE, passphrase)?,
        };
        files::write_new_json(path, &file)
    }

    /// Reads and opens a key.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] for a wrong passphrase; else what is wrong with the file.
    pub fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, ServiceError> {
        let file: TreasuryKeyFile = files::read_json(path)?;
        if file.format != KEY_FORMAT {
            return Err(ServiceError::malformed(path, "not a treasury's key of a form known here"));
        }
        let private = file.sealed.open(PURPOSE, passphrase)?;
        let public =
            envelope::public_key(&private).map_err(|error| ServiceError::malformed(path, error))?;
        Ok(Self { private, public })
    }

    /// Writes what holders need to be paid by this treasury.
    ///
    /// # Errors
    /// [`ServiceError::File`].
    pub fn save_payout(&self, path: &Path) -> Result<(), ServiceError> {
        let treasury_public_key = hex::encode(self.public.0);
        files::write_json(
            path,
            &PayoutFile { format: PAYOUT_FORMAT.to_owned(), treasury_public_key },
        )
    }
}

/// Reads what holders need to be paid.
///
/// # Errors
/// What is wrong with the file.
pub fn read_payout(path: &Path) -> Result<TreasuryPublicKey, ServiceError> {
    let file: PayoutFile = files::read_json(path)?;
    let key = hex::decode(&file.treasury_public_key).ok().and_then(|key| key.try_into().ok());
    match key {
        Some(key) if file.format == PAYOUT_FORMAT => Ok(TreasuryPublicKey(key)),
        _ => Err(ServiceError::malformed(path, "not a payout file of a form known here")),
    }
}

/// Opens an envelope and holds it to its claim.
///
/// # Errors
/// Why it is not paid, without a word of what it holds.
pub fn open_checked(
    sealed: &[u8],
    key: &TreasuryKey,
    commitment: PayoutCommitment,
) -> Result<Payout, &'static str> {
    let opened = envelope::open(sealed, &key.private)
        .map_err(|_| "the envelope can't be opened with this treasury's key")?;
    let contents = "the envelope's salts are no field elements";
    let (salt, blinding) =
        (opened.payee_salt().ok_or(contents)?, opened.blinding().ok_or(contents)?);
    if !is_payable(&opened.payee) {
        return Err("the registered account, branch or name is not one that a bank takes");
    }
    let digest = opened.payee.digest(&salt);
    if payout(opened.amount, digest, EnvelopeHash::of(sealed), &blinding) != commitment {
        return Err("the envelope does not hold what was proved");
    }
    Ok(opened)
}

/// Whether a bank's file can carry an account. One that can't would sink the whole file.
fn is_payable(payee: &Payee) -> bool {
    let plain = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let named = payee.name.chars().any(|character| !character.is_whitespace());
    plain(&payee.account, 1..=34) && plain(&payee.ifsc, 11..=11) && named
}

/// What came of paying a scheme's period.
#[derive(Debug, Default, Serialize)]
pub struct Paid {
    /// Claims paid.
    pub claims: usize,
    /// Their sum.
    pub rupees: u64,
    /// The bank's files.
    pub files: Vec<PathBuf>,
    /// Accepted claims that are not paid, with the reason. They wait for an envelope that fits.
    pub held: Vec<(Nullifier, &'static str)>,
}

/// A batch as it was drafted.
#[derive(sqlx::FromRow)]
struct DraftedBatch {
    id: String,
    created_on: String,
    instalments: i64,
    debtor: String,
    folder: String,
}

/// Which claims to pay, and how.
pub struct PaymentRun<'a> {
    /// The scheme.
    pub scheme: &'a SchemeId,
    /// Its period.
    pub period: Period,
    /// In how many parts an amount is paid.
    pub instalments: u32,
    /// The day of the first part.
    pub on: Date,
    /// Who pays.
    pub debtor: &'a Debtor,
    /// Where the bank's files go.
    pub folder: &'a Path,
}

impl PaymentRun<'_> {
    /// Pays all accepted claims of the scheme and period that are not yet in a file.
    ///
    /// # Errors
    /// [`ServiceError`]; what was drafted is written by the next run.
    pub async fn pay(&self, store: &Store, key: &TreasuryKey) -> Result<Paid, ServiceError> {
        let mut paid = Paid::default();
        self.draft(store, key, &mut paid).await?;
        may_die!("treasury::drafted");
        // One process at a time writes and closes what is drafted.
        let mut transaction = store.begin().await?;
        let drafted: Vec<DraftedBatch> = sqlx::query_as(
            "SELECT id, created_on, instalments, debtor, folder FROM payment_batch
             WHERE scheme = $1 AND period = $2 AND written = 0 ORDER BY length(id), id",
        )
        .bind(self.scheme.as_str())
        .bind(i64::from(self.period.0))
        .fetch_all(&mut *transaction)
        .await?;
        for batch in &drafted {
            self.write(store, key, batch, &mut paid).await?;
            may_die!("treasury::written");
            sqlx::query("UPDATE payment_batch SET written = 1 WHERE id = $1")
                .bind(&batch.id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        may_die!("treasury::closed");
        Ok(paid)
    }

    /// Puts every unpaid claim whose envelope fits into a new batch.
    async fn draft(
        &self,
        store: &Store,
        key: &TreasuryKey,
        paid: &mut Paid,
    ) -> Result<(), ServiceError> {
        let mut transaction = store.begin().await?;
        let claims: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT nullifier, payout_commitment FROM accepted_claim
             WHERE scheme = $1 AND period = $2 AND batch IS NULL
                 AND NOT EXISTS (SELECT 1 FROM dispute WHERE payable = 0
                                 AND dispute.nullifier = accepted_claim.nullifier)
             ORDER BY block",
        )
        .bind(self.scheme.as_str())
        .bind(i64::from(self.period.0))
        .fetch_all(&mut *transaction)
        .await?;
        let mut payable = Vec::new();
        for (nullifier, commitment) in claims {
            match self.open_any(store, key, &nullifier, &commitment).await? {
                Ok(_) => payable.push(nullifier),
                Err(reason) => {
                    paid.held.push((Nullifier::from_field(field(&nullifier)?), reason));
                }
            }
        }
        if payable.is_empty() {
            return Ok(());
        }
        let (count,): (i64,) =
            sqlx::query_as("SELECT count(*) FROM payment_batch WHERE scheme = $1 AND period = $2")
                .bind(self.scheme.as_str())
                .bind(i64::from(self.period.0))
                .fetch_one(&mut *transaction)
                .await?;
        let id = self.batch_id(count + 1);
        let folder = std::path::absolute(self.folder).map_err(ServiceError::file(self.folder))?;
        sqlx::query(
            "INSERT INTO payment_batch
                 (id, scheme, period, created_on, instalments, debtor, folder, written)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
        )
        .bind(&id)
        .bind(self.scheme.as_str())
        .bind(i64::from(self.period.0))
        .bind(self.on.to_string())
        .bind(i64::from(self.instalments))
        .bind(serde_json::to_string(self.debtor).expect("a debtor is plain data"))
        .bind(folder.to_string_lossy().into_owned())
        .execute(&mut *transaction)
        .await?;
        for nullifier in payable {
            sqlx::query("UPDATE accepted_claim SET batch = $1 WHERE nullifier = $2")
                .bind(&id)
                .bind(&nullifier)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(
                "UPDATE claim SET state = 'ordered' WHERE nullifier = $1
                     AND state NOT IN ('received', 'refused') AND state = 'accepted'",
            )
            .bind(&nullifier)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Writes a drafted batch's file, of nothing but what was drafted.
    async fn write(
        &self,
        store: &Store,
        key: &TreasuryKey,
        batch: &DraftedBatch,
        paid: &mut Paid,
    ) -> Result<(), ServiceError> {
        let id = &batch.id;
        let claims: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT nullifier, payout_commitment FROM accepted_claim WHERE batch = $1
             ORDER BY block",
        )
        .bind(id)
        .fetch_all(store.pool())
        .await?;
        let mut orders = Vec::with_capacity(claims.len());
        for (nullifier, commitment) in claims {
            let payout =
                self.open_any(store, key, &nullifier, &commitment).await?.map_err(|reason| {
                    ServiceError::Refused(format!("batch {id} was drafted, but now {reason}"))
                })?;
            let reference = hex::encode(&Sha256::digest(&nullifier)[..16]);
            orders.push(PaymentOrder { reference, payout });
        }
        let broken = || ServiceError::Refused(format!("batch {id} is not as it was drafted"));
        let created_on: Date = batch.created_on.parse().map_err(|_| broken())?;
        let debtor: Debtor = serde_json::from_str(&batch.debtor).map_err(|_| broken())?;
        let folder = Path::new(&batch.folder);
        paid.claims += orders.len();
        paid.rupees += orders.iter().map(|order| u64::from(order.payout.amount)).sum::<u64>();
        // An entitlement without money needs no bank.
        orders.retain(|order| order.payout.amount > 0);
        if !orders.is_empty() {
            let file = PaymentBatch {
                id,
                scheme: self.scheme.as_str(),
                created_on,
                instalments: u32::try_from(batch.instalments).map_err(|_| broken())?,
                debtor: &debtor,
                orders: &orders,
            };
            std::fs::create_dir_all(folder).map_err(ServiceError::file(folder))?;
            let path = folder.join(format!("pain.001-{}-{id}.xml", self.scheme));
            files::write(&path, &file.to_xml()?)?;
            paid.files.push(path);
        }
        Ok(())
    }

    /// The payout of the first of a claim's envelopes that fits it.
    async fn open_any(
        &self,
        store: &Store,
        key: &TreasuryKey,
        nullifier: &[u8],
        commitment: &[u8],
    ) -> Result<Result<Payout, &'static str>, ServiceError> {
        let commitment = PayoutCommitment::from_field(field(commitment)?);
        let envelopes: Vec<(Vec<u8>,)> =
            sqlx::query_as("SELECT sealed FROM envelope WHERE nullifier = $1")
                .bind(nullifier)
                .fetch_all(store.pool())
                .await?;
        let mut reason = "no envelope was handed in";
        for (sealed,) in envelopes {
            match open_checked(&sealed, key, commitment) {
                Ok(payout) => return Ok(Ok(payout)),
                Err(fault) => reason = fault,
            }
        }
        Ok(Err(reason))
    }

    /// At most 35 characters, as ISO 20022 has it; the same for the same batch.
    fn batch_id(&self, number: i64) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.scheme.as_str());
        hasher.update(self.period.0.to_be_bytes());
        format!("{}-{number}", hex::encode(&hasher.finalize()[..8]))
    }
}

impl Store {
    /// Keeps an envelope that was handed in for a claim.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn keep_envelope(
        &self,
        nullifier: Nullifier,
        sealed: &[u8],
    ) -> Result<(), ServiceError> {
        if sealed.len() != envelope::SEALED_BYTES {
            let reason = format!("an envelope has {} bytes", envelope::SEALED_BYTES);
            return Err(ServiceError::Refused(reason));
        }
        sqlx::query(
            "INSERT INTO envelope (nullifier, digest, sealed) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
        )
        .bind(bytes(nullifier.to_field()))
        .bind(Sha256::digest(sealed).to_vec())
        .bind(sealed)
        .execute(self.writer())
        .await?;
        Ok(())
    }
}
