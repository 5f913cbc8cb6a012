//! Envelopes: opened, and checked against their claims.

use praman_circuits::payee::Payee;
use praman_circuits::payout::{EnvelopeHash, PayoutCommitment, payout};
use praman_claims::envelope_of;
use praman_holder::envelope::{self, Payout};
use praman_register::bank_account::{is_account, is_ifsc};
use praman_store::{Store, field};

use super::key::TreasuryKey;
use super::payment_file::name_in_file;
use crate::refusal::PaymentError;

/// Why a claim without an envelope is not paid.
pub(super) const NO_ENVELOPE: &str = "no envelope was submitted";

/// Opens an envelope and checks it against its claim.
///
/// # Errors
/// Why it is not paid, without anything of its contents.
pub fn open_checked(
    sealed: &[u8],
    key: &TreasuryKey,
    commitment: PayoutCommitment,
) -> Result<Payout, &'static str> {
    let opened = envelope::open(sealed, &key.private)
        .map_err(|_| "the envelope can't be opened with this treasury's key")?;
    let contents = "the envelope's salts are not field elements";
    let (salt, blinding) =
        (opened.payee_salt().ok_or(contents)?, opened.blinding().ok_or(contents)?);
    if !is_payable(&opened.payee) {
        return Err("the registered account, branch or name is not one that a bank accepts");
    }
    let digest = opened.payee.digest(&salt);
    if payout(opened.amount, digest, EnvelopeHash::of(sealed), &blinding) != commitment {
        return Err("the envelope's content is not what was proved");
    }
    Ok(opened)
}

/// Whether a bank's file can carry an account. One that it can't carry would spoil the whole file.
pub(super) fn is_payable(payee: &Payee) -> bool {
    let named = name_in_file(&payee.name).chars().any(|character| !character.is_whitespace());
    is_account(&payee.account) && is_ifsc(&payee.ifsc) && named
}

impl TreasuryKey {
    /// Returns the payout of an accepted claim from its envelope, or why it can't be paid.
    pub(super) async fn open_of(
        &self,
        store: &Store,
        nullifier: &[u8],
        commitment: &[u8],
    ) -> Result<Result<Payout, &'static str>, PaymentError> {
        let commitment = PayoutCommitment::from_field(field(commitment)?);
        match envelope_of(&mut *store.pool().acquire().await?, nullifier).await? {
            None => Ok(Err(NO_ENVELOPE)),
            Some(sealed) => Ok(open_checked(&sealed, self, commitment)),
        }
    }
}
