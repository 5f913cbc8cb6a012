//! What a bank reports: `pain.002` (customer payment status report) and `camt.053` (bank to customer
//! statement), ISO 20022, of whichever version.
//!
//! Elements are read by their place, as ISO's schemas have them; what they mean is decided in [`status`] and
//! [`statement`]. A line that is not understood sinks no other, and nothing that bears an id of this treasury's
//! is passed over: it is applied, or told with the reason.

mod amount;
mod codes;
mod message;
mod statement;
mod status;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use praman_store::named::named;
use serde::Serialize;

use super::own_name::OwnName;
use message::Element;
pub use message::decode;

named! {
    /// What kind of report it is.
    ReportKind {
        /// A status report.
        Status = "pain.002",
        /// A statement of an account.
        Statement = "camt.053",
    }
}

/// What became of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The money is with its account.
    Paid,
    /// It could not be paid, or came back: why, ISO's first code first.
    Returned(Vec<String>),
    /// On its way, or not yet decided.
    Pending,
    /// What is said is not known here, or says two things: it is told, and changes nothing.
    Unclear(&'static str),
}

/// Why a line in another currency changes nothing.
const FOREIGN: &str = "booked in a currency other than rupees: ask the bank";
/// Why a line whose amount can't be read changes nothing.
const MALFORMED: &str = "its amount is not in rupees and paise: ask the bank";

/// Of what something is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// Of a transfer, by its reference.
    Transfer(String),
    /// Of a part of a message: all of its transfers that are not named by themselves.
    Part(String),
    /// Of a whole message.
    Message(String),
}

impl Named {
    /// The name.
    pub fn text(&self) -> &str {
        let (Self::Transfer(name) | Self::Part(name) | Self::Message(name)) = self;
        name
    }

    /// Whether the name is of this treasury's form.
    fn is_own(&self) -> bool {
        OwnName::of(self.text()).is_some()
    }

    /// The whole that a name of ours is of; none of another form.
    fn of_whole(text: &str) -> Option<Self> {
        let own = OwnName::of(text).filter(|own| !matches!(own, OwnName::Transfer(_)));
        own.map(Self::from)
    }
}

impl From<OwnName> for Named {
    fn from(own: OwnName) -> Self {
        match own {
            OwnName::Transfer(name) => Self::Transfer(name),
            OwnName::Part(name) => Self::Part(name),
            OwnName::Message(name) => Self::Message(name),
        }
    }
}

/// A name in our own spelling if it is ours, else as it is.
fn own_or_as_it_is(text: &str) -> String {
    OwnName::of(text).map_or_else(|| text.to_owned(), |own| own.text().to_owned())
}

/// An amount that is reported, in paise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportedAmount {
    /// What was booked.
    pub paise: u64,
    /// What was ordered, as the bank says.
    pub instructed: Option<u64>,
    /// What the bank has charged within the sum.
    pub charges: Option<u64>,
}

impl ReportedAmount {
    /// An amount without charges.
    pub fn of(paise: u64) -> Self {
        Self { paise, instructed: None, charges: None }
    }
}

/// A line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedTransfer {
    /// Of what: of several where they are booked as one sum, of nothing where no id is there.
    pub of: Vec<Named>,
    /// By what it is told.
    pub label: String,
    /// What became of it.
    pub outcome: Outcome,
    /// How much, where it is said.
    pub amount: Option<ReportedAmount>,
    /// On which day it was booked, where a statement says it.
    pub booked_on: Option<Date>,
}

impl ReportedTransfer {
    /// A name of ours that stands where no payment is named: told, and nothing is changed.
    fn unplaced(name: &OwnName, reason: &'static str) -> Self {
        let (label, outcome) = (name.text().to_owned(), Outcome::Unclear(reason));
        Self { of: Vec::new(), label, outcome, amount: None, booked_on: None }
    }
}

/// From which day to which a statement is, and of which account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementDays {
    /// The first day.
    pub from: Date,
    /// The last day that it has whole.
    pub to: Date,
    /// The account's number, if the statement says it.
    pub account: Option<String>,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankReport {
    /// What kind it is.
    pub kind: ReportKind,
    /// Its message's id.
    pub message: String,
    /// What it says: of a status report in its order, of a statement in that of booking.
    pub transfers: Vec<ReportedTransfer>,
    /// Of statements: from which days to which they are, by their own word.
    pub days: Vec<StatementDays>,
}

/// What is wrong with a report, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ReportFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl BankReport {
    /// Reads a report, by itself or in a bank's envelope.
    ///
    /// # Errors
    /// [`ReportFault`] with the line.
    pub fn read(text: &str) -> Result<Self, ReportFault> {
        let document = message::parse(text)?;
        let message::Found { kind, messages, others } = message::find(&document)?;
        let id = messages.iter().find_map(|one| one.text_at(&["GrpHdr", "MsgId"]));
        let message = id.ok_or_else(|| ReportFault {
            line: 1,
            reason: "the report has no message id (GrpHdr/MsgId)".to_owned(),
        })?;
        let (mut transfers, mut days) = (Vec::new(), Vec::new());
        for one in messages {
            match kind {
                ReportKind::Status => status::read(one, &mut transfers),
                ReportKind::Statement => statement::read(one, &mut transfers, &mut days),
            }
        }
        // A message of another kind is not read, and what it says of ours is not passed over.
        for name in others.into_iter().flat_map(Element::own_names) {
            const OTHER: &str =
                "named in a message of a kind that is not known here: ask the bank what it is";
            transfers.push(ReportedTransfer::unplaced(&name, OTHER));
        }
        Ok(Self { kind, message, transfers, days })
    }
}
