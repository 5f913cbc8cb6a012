//! Why a person was refused, and what they are advised.

use jiff::ToSpan;
use jiff::civil::Date;
use praman_language::Language;
use praman_register::Verdict;
use praman_store::named::named;
use serde::Serialize;

use super::state::Reason;

/// Within how many days of a refusal, or of an answer, a person may appeal.
pub const APPEAL_DAYS: i64 = 30;

named! {
    /// Why a person was refused.
    Cause {
        /// The office's register does not have them.
        NotInRegister = "not-in-register",
        /// Something in their row of the register is wrong or missing.
        RowWrong = "row-wrong",
        /// Their row was taken for another person's.
        TakenForDuplicate = "taken-for-duplicate",
        /// The scheme's rules do not hold for them.
        RulesNotMet = "rules-not-met",
        /// Their credential is no longer valid.
        CredentialEnded = "credential-ended",
        /// They have claimed for this period already.
        ClaimedAlready = "claimed-already",
        /// The scheme takes no claims for this period now.
        PeriodClosed = "period-closed",
        /// The proof was not accepted.
        ProofNotTaken = "proof-not-taken",
        /// A kiosk, or another helper, turned them away.
        TurnedAway = "turned-away",
        /// The bank knows no such account.
        AccountWrong = "account-wrong",
        /// The account is closed.
        AccountClosed = "account-closed",
        /// The account is in another name.
        NameDiffers = "name-differs",
        /// The account is blocked.
        AccountBlocked = "account-blocked",
        /// The bank says that the account's holder has died.
        HolderDeceased = "holder-deceased",
        /// The bank has returned the payment.
        ReturnedByBank = "returned-by-bank",
        /// The payment was reported as made, and no money has come.
        NotPaid = "not-paid",
    }
}

/// Advice for a person who was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Advice {
    /// The cause's code, as slips and figures show it.
    pub code: &'static str,
    /// Why, in a plain sentence.
    pub sentence: String,
    /// What to bring, and where.
    pub bring: String,
    /// The last day to appeal.
    #[schema(value_type = String, format = Date)]
    pub appeal_by: Date,
}

impl Cause {
    /// Returns its code: E1 at the register, E2 by the rules, E3 at the claim, E4 at the bank.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotInRegister => "E11",
            Self::RowWrong => "E12",
            Self::TakenForDuplicate => "E13",
            Self::RulesNotMet => "E21",
            Self::CredentialEnded => "E22",
            Self::ClaimedAlready => "E31",
            Self::PeriodClosed => "E32",
            Self::ProofNotTaken => "E33",
            Self::TurnedAway => "E34",
            Self::AccountWrong => "E41",
            Self::AccountClosed => "E42",
            Self::NameDiffers => "E43",
            Self::AccountBlocked => "E44",
            Self::HolderDeceased => "E45",
            Self::ReturnedByBank => "E46",
            Self::NotPaid => "E47",
        }
    }

    /// Why, in a plain sentence.
    pub fn sentence(self, language: Language) -> String {
        language.text(&format!("cause-{}", self.name()))
    }

    /// What to bring, and where.
    pub fn bring(self, language: Language) -> String {
        language.text(&format!("bring-{}", self.name()))
    }

    /// Returns the advice for a person who was refused on a day.
    pub fn advice(self, language: Language, refused_on: Date) -> Advice {
        let appeal_by = refused_on.saturating_add(APPEAL_DAYS.days());
        let (sentence, bring) = (self.sentence(language), self.bring(language));
        Advice { code: self.code(), sentence, bring, appeal_by }
    }

    /// Returns the cause of a claim's refusal or return.
    pub fn of_claim(reason: Reason) -> Self {
        match reason {
            Reason::AlreadyClaimed => Self::ClaimedAlready,
            Reason::PeriodWithoutRules
            | Reason::PeriodNotOpen
            | Reason::PeriodNotBegun
            | Reason::PeriodOver
            | Reason::SchemeUnknown => Self::PeriodClosed,
            Reason::ProofInvalid
            | Reason::CheckpointNotGood
            | Reason::EnvelopeMalformed
            | Reason::LedgerRefuses => Self::ProofNotTaken,
            Reason::AccountWrong => Self::AccountWrong,
            Reason::AccountClosed => Self::AccountClosed,
            Reason::AccountBlocked => Self::AccountBlocked,
            Reason::NameDiffers => Self::NameDiffers,
            Reason::HolderDeceased => Self::HolderDeceased,
            Reason::ReturnedByBank => Self::ReturnedByBank,
        }
    }

    /// Returns the cause of a register row's verdict; none if it was accepted.
    pub fn of_row(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Accept => None,
            Verdict::Reject(_) => Some(Self::RowWrong),
            Verdict::Duplicate(_) => Some(Self::TakenForDuplicate),
        }
    }
}

impl std::str::FromStr for Cause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL
            .iter()
            .copied()
            .find(|cause| cause.name() == text || cause.code().eq_ignore_ascii_case(text));
        let known: Vec<&str> = Self::ALL.iter().map(|cause| cause.name()).collect();
        found.ok_or_else(|| format!("{text:?} is not a cause; the causes are {}", known.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_cause_has_a_code_of_its_own_and_texts_in_every_language() {
        let codes: HashSet<&str> = Cause::ALL.iter().map(|cause| cause.code()).collect();
        assert_eq!(codes.len(), Cause::ALL.len());
        for &cause in Cause::ALL {
            assert_eq!(cause.name().parse(), Ok(cause));
            assert_eq!(cause.code().to_lowercase().parse(), Ok(cause));
            for language in Language::ALL {
                let advice = cause.advice(language, "2026-11-25".parse().expect("a day"));
                // A missing text shows as its name.
                assert!(!advice.sentence.contains("cause-"), "{advice:?}");
                assert!(!advice.bring.contains("bring-"), "{advice:?}");
                assert_eq!(advice.appeal_by.to_string(), "2026-12-25");
            }
        }
        assert!("E99".parse::<Cause>().is_err());
    }

    #[test]
    fn every_refusal_of_a_claim_has_a_cause() {
        for &reason in Reason::ALL {
            assert!(!Cause::of_claim(reason).code().is_empty());
        }
        assert_eq!(Cause::of_row(Verdict::Accept), None);
        assert_eq!(Cause::of_row(Verdict::Duplicate(3)), Some(Cause::TakenForDuplicate));
    }
}
