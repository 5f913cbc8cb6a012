//! What a proof is made from, as it travels to a worker: sealed, and always of one length.

use praman_circuits::context::Context;
use praman_circuits::eligibility::Checkpoint;
use praman_circuits::field::{from_be_bytes, to_be_bytes};
use praman_circuits::memory_lock::MemoryLock;
use praman_circuits::office::StateRoot;
use praman_circuits::period::{Day, Period};
use praman_circuits::policy::TierIndex;
use praman_circuits::scope::SchemeId;
use praman_circuits::subject::{HolderSecret, SubjectBlinding};
use praman_claims::Schemes;
use praman_files::sealed_box;
use praman_holder::claim::{ClaimTerms, CredentialPaths, PreparedClaim};
use praman_holder::envelope::TreasuryPublicKey;
use praman_holder::wallet::{CredentialFile, Wallet};
use praman_rules::scheme::ClaimPeriod;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::job::ProvingFault;
use super::worker_key::{WorkerKey, WorkerPublicKey};

/// Requests are padded to this length, so that a sealed one reveals nothing of names or numbers.
const PLAIN_BYTES: usize = 12 * 1024;

/// A sealed request's length.
pub const REQUEST_BYTES: usize = PLAIN_BYTES + sealed_box::OVERHEAD_BYTES;

/// Why a request can't be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealRequestError {
    /// The texts leave no room.
    #[error("the credential's texts are too long for a request")]
    TooLong,
    /// The worker's key is none.
    #[error("the worker's public key is not a valid X25519 key")]
    WorkerKey,
}

/// All that a worker needs to prove one claim.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvingRequest {
    scheme: SchemeId,
    period: Period,
    window: Period,
    tier: u8,
    context: Context,
    state_root: StateRoot,
    as_of: Day,
    treasury: String,
    secret: SecretHex,
    blinding: SecretHex,
    credential: CredentialFile,
    paths: CredentialPaths,
}

/// 32 secret bytes as text; wiped.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct SecretHex(String);

impl SecretHex {
    fn new(element: praman_circuits::Fr) -> Self {
        Self(hex::encode(*Zeroizing::new(to_be_bytes(element))))
    }

    fn read(&self) -> Option<praman_circuits::Fr> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(&self.0, &mut *bytes).ok()?;
        from_be_bytes(&bytes)
    }
}

impl ProvingRequest {
    /// Creates the request for a holder's claim to a tier.
    pub fn new(
        terms: &ClaimTerms<'_>,
        period: ClaimPeriod,
        credential: CredentialFile,
        wallet: &Wallet,
        tier: TierIndex,
        paths: CredentialPaths,
    ) -> Self {
        Self {
            scheme: terms.scheme.scheme.clone(),
            period: period.period,
            window: period.window,
            tier: tier.number(),
            context: terms.context,
            state_root: terms.checkpoint.state_root,
            as_of: terms.checkpoint.as_of,
            treasury: hex::encode(terms.treasury.0),
            secret: SecretHex::new(wallet.secret.expose()),
            blinding: SecretHex::new(wallet.blinding.expose()),
            credential,
            paths,
        }
    }

    /// Seals it to the workers.
    ///
    /// # Errors
    /// [`SealRequestError`] if the worker's key is invalid, or the credential's texts are too long.
    pub fn seal(&self, worker: &WorkerPublicKey) -> Result<Vec<u8>, SealRequestError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(PLAIN_BYTES));
        serde_json::to_writer(&mut *plain, self).expect("a request is plain data");
        if plain.len() > PLAIN_BYTES {
            return Err(SealRequestError::TooLong);
        }
        plain.resize(PLAIN_BYTES, b' ');
        worker.seal(&plain).map_err(|_| SealRequestError::WorkerKey)
    }

    /// Opens a sealed request.
    ///
    /// # Errors
    /// [`ProvingFault::Unreadable`].
    pub fn open(sealed: &[u8], key: &WorkerKey) -> Result<Self, ProvingFault> {
        let plain = key.unseal(sealed).map_err(|_| ProvingFault::Unreadable)?;
        let _lock = MemoryLock::new(&plain);
        serde_json::from_slice(&plain).map_err(|_| ProvingFault::Unreadable)
    }

    /// Returns the claim, checked natively, and its period.
    ///
    /// # Errors
    /// [`ProvingFault`].
    pub(super) fn prepare(
        self,
        schemes: &Schemes,
    ) -> Result<(PreparedClaim, ClaimPeriod), ProvingFault> {
        let unreadable = ProvingFault::Unreadable;
        let period = ClaimPeriod { period: self.period, window: self.window };
        let published = schemes.find(&self.scheme).ok_or(ProvingFault::SchemeUnknown)?;
        let scheme = published.scheme.in_period(period).map_err(|_| ProvingFault::SchemeUnknown)?;
        let mut treasury = [0; 32];
        hex::decode_to_slice(&self.treasury, &mut treasury).map_err(|_| unreadable)?;
        let terms = ClaimTerms {
            context: self.context,
            checkpoint: Checkpoint { state_root: self.state_root, as_of: self.as_of },
            scheme: &scheme,
            treasury: TreasuryPublicKey(treasury),
        };
        let wallet = Wallet {
            secret: HolderSecret::from_field(self.secret.read().ok_or(unreadable)?),
            blinding: SubjectBlinding::from_field(self.blinding.read().ok_or(unreadable)?),
        };
        let tier = TierIndex::new(self.tier).ok_or(unreadable)?;
        let prepared = terms
            .prepare(&self.credential, &wallet, tier, self.paths)
            .map_err(|_| ProvingFault::NotEligible)?;
        Ok((prepared, period))
    }
}
