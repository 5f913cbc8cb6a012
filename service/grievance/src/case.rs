//! A grievance of a person who was refused.
//!
//! Source of the deadlines: the Government of India's guidelines for grievances of the public of August
//! 2024, 21 days to an answer and 30 to an appeal's.

use jiff::civil::Date;
use praman_circuits::office::OfficeId;
use praman_circuits::scope::SchemeId;
use praman_claims::{Advice, Cause};
use praman_language::{Language, calendar};
use praman_store::named::named;
use serde::Serialize;

use super::slip::SlipCode;

/// The days within which a case is answered.
pub(super) const ANSWER_DAYS: u32 = 21;

/// The days within which an appeal is decided.
pub(super) const DECISION_DAYS: u32 = 30;

named! {
    /// The state of a case.
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
    /// Whether the office acts next, not the person.
    pub fn waits_for_an_office(self) -> bool {
        matches!(self, Self::Open | Self::Appealed)
    }
}

named! {
    /// The outcome of a case.
    CaseOutcome {
        /// The person was right: it is fixed.
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

/// A case to be opened. It does not say who the person is.
#[derive(Clone, Debug)]
pub struct NewCase {
    /// The office whose register it is about.
    pub office: OfficeId,
    /// The scheme.
    pub scheme: SchemeId,
    /// Why they were refused.
    pub cause: Cause,
    /// The person's language.
    pub language: Language,
}

impl NewCase {
    /// Returns the audit log's subject when it is opened.
    pub fn subject(&self) -> String {
        format!("office {}: {} of {}", self.office.0, self.cause.code(), self.scheme)
    }
}

impl CaseOutcome {
    /// Returns the audit log's subject when a case is answered or decided.
    pub fn subject(self, number: u32) -> String {
        format!("case {number}: {}", self.name())
    }
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Its number.
    pub number: u32,
    /// The department that answers it.
    pub tenant: String,
    /// The office whose register it is about.
    pub office: u32,
    /// The scheme.
    pub scheme: String,
    /// Why the person was refused.
    pub cause: Cause,
    /// The cause's code.
    pub code: &'static str,
    /// The person's language.
    pub language: Language,
    /// Its state.
    pub state: CaseState,
    /// When it was opened, in milliseconds since 1970.
    pub opened_at: i64,
    /// By when it must be answered.
    pub answer_by: i64,
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<CaseOutcome>,
    /// By when it may be appealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appeal_by: Option<i64>,
    /// By when the appeal must be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decide_by: Option<i64>,
    /// The outcome of the appeal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appeal_outcome: Option<CaseOutcome>,
    /// Whether a deadline of the department's has passed.
    pub is_late: bool,
}

impl Case {
    /// Returns its latest outcome.
    pub fn came_to(&self) -> Option<CaseOutcome> {
        self.appeal_outcome.or(self.outcome)
    }

    /// Returns the due date of the next act; none if there is none.
    pub fn due_on(&self) -> Option<Date> {
        let due = match self.state {
            CaseState::Open => Some(self.answer_by),
            CaseState::Answered => self.appeal_by,
            CaseState::Appealed => self.decide_by,
            CaseState::Decided => None,
        };
        calendar::date_at(due?)
    }

    /// Returns the advice to the person when it is opened.
    pub fn advice(&self) -> Advice {
        let opened_on = calendar::date_at(self.opened_at).unwrap_or_default();
        self.cause.advice(self.language, opened_on)
    }
}

/// A case that was just opened, with the code that only the person has.
pub struct OpenedCase {
    /// The case.
    pub case: Case,
    /// The code on the slip.
    pub slip: SlipCode,
}
