//! A case of somebody who was refused.
//!
//! Source of the deadlines: the Government of India's guidelines for grievances of the public of August
//! 2024, 21 days to an answer and 30 to an appeal's.

use jiff::civil::Date;
use praman_circuits::nullifier::SchemeId;
use praman_circuits::office::OfficeId;
use praman_claims::{Advice, Cause};
use praman_language::{Language, calendar};
use praman_store::named::named;
use serde::Serialize;

use super::slip::SlipCode;

/// Within how many days a case is answered.
pub(super) const ANSWER_DAYS: u32 = 21;

/// Within how many days an appeal is decided.
pub(super) const DECISION_DAYS: u32 = 30;

named! {
    /// Where a case is.
    CaseState {
        /// It waits for an answer.
        Open = "open",
        /// It was answered, and may be appealed.
        Answered = "answered",
        /// It waits for a decision on the appeal.
        Appealed = "appealed",
        /// The appeal is decided.
        Decided = "decided",
    }
}

impl CaseState {
    /// Whether it is an office's turn, not the person's.
    pub fn waits_for_an_office(self) -> bool {
        matches!(self, Self::Open | Self::Appealed)
    }
}

named! {
    /// What came of a case.
    CaseOutcome {
        /// The person was right: it is set right.
        SetRight = "set-right",
        /// The refusal stands.
        Stands = "stands",
    }
}

impl std::str::FromStr for CaseOutcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::of_name(text).ok_or_else(|| format!("{text:?} is no outcome: set-right or stands"))
    }
}

/// A case that is to be opened. It says nothing of who the person is.
#[derive(Clone, Debug)]
pub struct NewCase {
    /// The office whose register it is about.
    pub office: OfficeId,
    /// The scheme.
    pub scheme: SchemeId,
    /// Why they were refused.
    pub cause: Cause,
    /// In which language they are told.
    pub language: Language,
}

impl NewCase {
    /// What is opened, in the audit log.
    pub fn subject(&self) -> String {
        format!("office {}: {} of {}", self.office.0, self.cause.code(), self.scheme)
    }
}

impl CaseOutcome {
    /// What is answered or decided of a case, in the audit log.
    pub fn subject(self, number: u32) -> String {
        format!("case {number}: {}", self.name())
    }
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Its number.
    pub number: u32,
    /// Whose it is to answer.
    pub tenant: String,
    /// The office whose register it is about.
    pub office: u32,
    /// The scheme.
    pub scheme: String,
    /// Why the person was refused.
    pub cause: Cause,
    /// The cause's code.
    pub code: &'static str,
    /// In which language they are told.
    pub language: Language,
    /// Where it is.
    pub state: CaseState,
    /// When it was opened, in milliseconds since 1970.
    pub opened_at: i64,
    /// By when it is answered.
    pub answer_by: i64,
    /// What was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<CaseOutcome>,
    /// By when it may be appealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appeal_by: Option<i64>,
    /// By when the appeal is decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decide_by: Option<i64>,
    /// What the appeal came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appeal_outcome: Option<CaseOutcome>,
    /// Whether a deadline of the department's has passed.
    pub is_late: bool,
}

impl Case {
    /// What came of it in the end so far.
    pub fn came_to(&self) -> Option<CaseOutcome> {
        self.appeal_outcome.or(self.outcome)
    }

    /// The last day of whoever has to act next; none if nobody has.
    pub fn due_on(&self) -> Option<Date> {
        let due = match self.state {
            CaseState::Open => Some(self.answer_by),
            CaseState::Answered => self.appeal_by,
            CaseState::Appealed => self.decide_by,
            CaseState::Decided => None,
        };
        calendar::date_at(due?)
    }

    /// What its person is told when it is opened.
    pub fn advice(&self) -> Advice {
        let opened_on = calendar::date_at(self.opened_at).unwrap_or_default();
        self.cause.advice(self.language, opened_on)
    }
}

/// A case that was just opened, with the code that the person is given and nobody else has.
pub struct OpenedCase {
    /// The case.
    pub case: Case,
    /// The code on the slip.
    pub slip: SlipCode,
}
