//! The states of a claim, step by step.

use praman_circuits::nullifier::Nullifier;
use praman_language::{Language, calendar};
use praman_store::named::{digest_id, named};
use serde::Serialize;

use super::cause::{Advice, Cause};

digest_id! {
    /// A claim as a client knows it: the digest of all that was handed in. Only who has seen the claim
    /// can name it, so it may appear in a URL.
    ClaimId: "a claim's id"
}

named! {
    /// The state of a claim.
    ClaimState {
        /// Kept by an earlier version of this program, which checked its proof after that.
        Received = "received",
        /// Kept: its proof holds.
        Verified = "verified",
        /// On its way to the chain.
        Submitted = "submitted",
        /// On the chain: it will be paid.
        Accepted = "accepted",
        /// Not accepted, for a reason.
        Refused = "refused",
        /// In a bank's file.
        Ordered = "ordered",
        /// The bank has paid.
        Paid = "paid",
        /// The bank could not pay.
        Returned = "returned",
    }
}

impl ClaimState {
    /// Returns whether the ledger has decided.
    pub fn is_decided(self) -> bool {
        !matches!(self, Self::Received | Self::Verified | Self::Submitted)
    }
}

named! {
    /// Why a claim is refused.
    Reason {
        /// The proof does not hold.
        ProofInvalid = "proof-invalid",
        /// Claimed already for this period, from this scheme or from one that excludes it.
        AlreadyClaimed = "already-claimed",
        /// The scheme is not one of this service.
        SchemeUnknown = "scheme-unknown",
        /// The scheme has no rules in this period.
        PeriodWithoutRules = "period-without-rules",
        /// The scheme's period takes no claims.
        PeriodNotOpen = "period-not-open",
        /// The period has not begun.
        PeriodNotBegun = "period-not-begun",
        /// The period's last day is over.
        PeriodOver = "period-over",
        /// The state that it was proved against is no checkpoint, or no longer valid.
        CheckpointNotGood = "checkpoint-not-good",
        /// The envelope has the wrong size.
        EnvelopeMalformed = "envelope-malformed",
        /// The ledger refuses for another reason.
        LedgerRefuses = "ledger-refuses",
        /// The bank knows no such account.
        AccountWrong = "account-wrong",
        /// The account is closed.
        AccountClosed = "account-closed",
        /// The account is blocked.
        AccountBlocked = "account-blocked",
        /// The account is in another name.
        NameDiffers = "name-differs",
        /// The bank says that the account's holder has died.
        HolderDeceased = "holder-deceased",
        /// The bank has returned the payment for another reason.
        ReturnedByBank = "returned-by-bank",
    }
}

impl Reason {
    /// Returns the sentence for the claimant: what is wrong, and what they can do.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::ProofInvalid => {
                "the proof does not hold for this scheme, period, state and ledger: take a new \
                 snapshot and prove again"
            }
            Self::AlreadyClaimed => {
                "this person has already claimed for this period, from this scheme or from one that excludes it"
            }
            Self::SchemeUnknown => "this scheme does not take claims here",
            Self::PeriodWithoutRules => "the scheme has no rules in this period",
            Self::PeriodNotOpen => "the scheme's period is not open for claims",
            Self::PeriodNotBegun => {
                "the period begins after the day of the state that the proof was made against"
            }
            Self::PeriodOver => {
                "the last day for this period is over; a person who could not claim in time can \
                 ask the department"
            }
            Self::CheckpointNotGood => {
                "the state that the proof was made against is no longer valid: take a new snapshot \
                 and prove again"
            }
            Self::EnvelopeMalformed => "the envelope has the wrong size",
            Self::LedgerRefuses => "the ledger refuses the claim: ask the department",
            Self::AccountWrong => {
                "the bank does not know this account: bring your passbook to the office, which \
                 corrects it; you need not claim again"
            }
            Self::AccountClosed => {
                "the account is closed: bring the passbook of another account of yours to the office; \
                 you need not claim again"
            }
            Self::AccountBlocked => {
                "the bank has blocked the account: ask the bank to unblock it, or bring the \
                 passbook of another account of yours to the office; you need not claim again"
            }
            Self::NameDiffers => {
                "the account's name differs from the name that the office has: bring your passbook \
                 to the office"
            }
            Self::HolderDeceased => {
                "the bank reports that the account's holder has died: ask the office what the \
                 family is due"
            }
            Self::ReturnedByBank => {
                "the bank has returned the payment: ask your bank for the reason, and tell the \
                 office; you need not claim again"
            }
        }
    }

    /// Returns whether the same claim may be handed in again: the reason may pass.
    pub fn may_pass(self) -> bool {
        matches!(
            self,
            Self::PeriodNotOpen | Self::PeriodNotBegun | Self::PeriodOver | Self::CheckpointNotGood
        )
    }
}

/// What is known of a claim. It is the same for every client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimReceipt {
    /// The claim; if it was handed in before in another form, that one.
    pub id: ClaimId,
    /// Its nullifier.
    pub nullifier: Nullifier,
    /// Its state.
    pub state: ClaimState,
    /// Why it is refused or returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The block that accepted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// When it was kept, in milliseconds since 1970.
    pub received_at: u64,
}

impl ClaimReceipt {
    /// Returns whether it is refused for a reason that may pass.
    pub(super) fn may_pass(&self) -> bool {
        self.state == ClaimState::Refused && self.reason.is_some_and(Reason::may_pass)
    }

    /// Returns the claimant's advice on a refusal or return; none if there is neither.
    pub fn advice(&self, language: Language) -> Option<Advice> {
        let cause = Cause::of_claim(self.reason?);
        Some(cause.advice(language, calendar::date_at(self.received_at as i64)?))
    }
}
