//! What a bank reports: `pain.002` (customer payment status report) and `camt.053` (bank to customer
//! statement), ISO 20022, of whichever version.
//!
//! Elements are read by their place in ISO's schemas; what they mean is decided in [`status`] and
//! [`statement`]. A line that is not understood does not affect the others, and nothing that bears an id of
//! this treasury is skipped: it is applied, or reported with the reason.

pub(crate) mod amount;
pub(crate) mod codes;
mod details;
mod entry;
mod message;
mod statement;
mod status;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use jiff::civil::{Date, Time};
use praman_store::named::named;
use roxmltree::Document;
use serde::Serialize;

use super::own_name::OwnName;
use message::Element;
pub use message::decode;

named! {
    /// The kind of a report.
    ReportKind {
        /// A status report.
        Status = "pain.002",
        /// A statement of an account.
        Statement = "camt.053",
        /// A status report in the bank's own format.
        OwnFormat = "bank-report",
    }
}

impl ReportKind {
    /// Whether it says what became of payments, and not what was booked.
    pub(super) fn is_status(self) -> bool {
        self != Self::Statement
    }
}

/// What became of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The money has reached the account.
    Paid,
    /// It could not be paid, or came back; with the reasons, ISO's codes first.
    Returned(Vec<String>),
    /// On its way, or not yet decided.
    Pending,
    /// The statement is unknown here, or contradicts itself: it is reported, and changes nothing.
    Unclear(&'static str),
}

/// Why a line in another currency changes nothing.
const FOREIGN: &str = "booked in a currency other than rupees: ask the bank";
/// Why a line whose amount can't be read changes nothing.
pub(crate) const MALFORMED: &str = "its amount is not in rupees and paise: ask the bank";

/// Why a line whose ids contradict each other changes nothing.
const OF_TWO: &str = "its ids are of two payments: ask the bank which one it is";

/// What a line of a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A transfer, by its reference.
    Transfer(String),
    /// A transfer, by the beginning of its reference: a bank has cut it. It is one of a part or message.
    Cut {
        /// What is left of it.
        start: String,
        /// The part or message.
        whole: Box<Named>,
    },
    /// A part of a message: all of its transfers that have no line of their own.
    Part(String),
    /// A whole message.
    Message(String),
}

impl Named {
    /// The name.
    pub fn text(&self) -> &str {
        match self {
            Self::Transfer(name) | Self::Part(name) | Self::Message(name) => name,
            Self::Cut { start, .. } => start,
        }
    }

    /// Whether the name has the form of this treasury's names.
    pub(super) fn is_own(&self) -> bool {
        OwnName::of(self.text()).is_some()
    }

    /// The message or part that a name of ours belongs to; none for a name of another form.
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

/// Returns the payments of ours that some ids are of, each once.
fn own_transfers(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut own = Vec::new();
    for id in ids {
        if let Some(OwnName::Transfer(name)) = OwnName::of(&id)
            && !own.contains(&name)
        {
            own.push(name);
        }
    }
    own
}

/// Returns a name in our own spelling if it is ours, else unchanged.
pub(crate) fn own_or_as_it_is(text: &str) -> String {
    OwnName::of(text).map_or_else(|| text.to_owned(), |own| own.text().to_owned())
}

/// A reported amount, in paise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportedAmount {
    /// What was booked.
    pub paise: u64,
    /// What was ordered, according to the bank.
    pub instructed: Option<u64>,
    /// What the bank has charged, as part of the sum.
    pub charges: Option<u64>,
}

impl ReportedAmount {
    /// Returns an amount without charges.
    pub fn of(paise: u64) -> Self {
        Self { paise, instructed: None, charges: None }
    }
}

/// A line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedTransfer {
    /// What it is about: several where they are booked as one sum, none where there is no id.
    pub of: Vec<Named>,
    /// The parts and messages that it says it belongs to.
    pub within: Vec<Named>,
    /// Payments of ours that a sum lists, if it does not list all.
    pub lists: Vec<String>,
    /// The name that it is reported under.
    pub label: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The amount, if it is given.
    pub amount: Option<ReportedAmount>,
    /// How many payments there are in a part or message, according to the bank.
    pub count: Option<u64>,
    /// How a statement has booked it.
    pub booking: Booking,
    /// The place of its message in the file.
    pub message: usize,
    /// Whether a status says that it is rejected, whatever comes of that.
    pub is_rejected: bool,
}

/// How a statement has booked a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booking {
    /// The day, in India.
    pub day: Option<Date>,
    /// The time of that day, if it is given.
    pub time: Option<Time>,
    /// The bank's own reference for the entry.
    pub reference: Option<String>,
    /// Its reference for the payment within the entry.
    pub own_reference: Option<String>,
    /// The place of its statement in the message.
    pub statement: usize,
    /// The number of the statement's account.
    pub account: Option<String>,
    /// Whether it undoes an earlier booking.
    pub is_reversal: bool,
    /// Whether the bank calls it a return.
    pub is_return: bool,
}

impl ReportedTransfer {
    /// Returns a line without an amount.
    pub(crate) fn new(of: Vec<Named>, label: String, outcome: Outcome) -> Self {
        Self {
            of,
            within: Vec::new(),
            lists: Vec::new(),
            label,
            outcome,
            amount: None,
            count: None,
            booking: Booking::default(),
            message: 0,
            is_rejected: false,
        }
    }

    /// A name of ours in a place that names no payment: it is reported, and changes nothing.
    pub(crate) fn unplaced(name: &OwnName, reason: &'static str) -> Self {
        Self::new(Vec::new(), name.text().to_owned(), Outcome::Unclear(reason))
    }
}

/// Reports the names of ours that no line is about, wherever a bank has put them. In an entry a transfer's own line
/// says which message or part it belongs to.
fn unplaced(
    names: Vec<OwnName>,
    lines: &[ReportedTransfer],
    is_entry: bool,
) -> Vec<ReportedTransfer> {
    const UNPLACED: &str = "named where no payment's id belongs: ask the bank what it is";
    if names.is_empty() {
        return Vec::new();
    }
    let told = lines.iter().map(|line| OwnName::of(&line.label));
    let of = lines.iter().flat_map(|line| &line.of).map(|named| OwnName::of(named.text()));
    let listed = lines.iter().flat_map(|line| &line.lists).map(|name| OwnName::of(name));
    let within = lines.iter().flat_map(|line| &line.within).map(|named| OwnName::of(named.text()));
    let placed: HashSet<OwnName> = told.chain(of).chain(listed).chain(within).flatten().collect();
    let has_transfer = is_entry && placed.iter().any(|name| matches!(name, OwnName::Transfer(_)));
    let messages: HashSet<String> = placed.iter().filter_map(OwnName::message).collect();
    let is_placed = |name: &OwnName| match name {
        OwnName::Transfer(_) => placed.contains(name),
        _ => has_transfer || name.message().is_some_and(|name| messages.contains(&name)),
    };
    let unplaced = names.iter().filter(|name| !is_placed(name));
    unplaced.map(|name| ReportedTransfer::unplaced(name, UNPLACED)).collect()
}

/// The days that a statement covers, and its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementDays {
    /// The first day.
    pub from: Date,
    /// The last day that it covers in full.
    pub to: Date,
    /// The account's number, if the statement gives it.
    pub account: Option<String>,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankReport {
    /// What kind it is.
    pub kind: ReportKind,
    /// Its message's id.
    pub message: String,
    /// Its lines: a status report's in their order, a statement's in the order of booking.
    pub transfers: Vec<ReportedTransfer>,
    /// For statements: the days that they claim to cover.
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
    /// Reads a report, bare or in a bank's envelope.
    ///
    /// # Errors
    /// [`ReportFault`] with the line.
    pub fn read(text: &str) -> Result<Self, ReportFault> {
        let text = text.trim_start();
        let document = message::parse(text)?;
        // An envelope may have the report as a text.
        match &message::inner(&document)[..] {
            [] => Self::of(&document),
            [inner] => Self::of(&message::parse(inner.trim_start())?),
            _ => {
                let reason = "the file has several reports as texts: import each separately";
                Err(ReportFault { line: 1, reason: reason.to_owned() })
            }
        }
    }

    /// Reads a parsed report.
    fn of(document: &Document<'_>) -> Result<Self, ReportFault> {
        let message::Found { kind, messages, others } = message::find(document)?;
        let id = messages.iter().find_map(|one| one.text_at(&["GrpHdr", "MsgId"]));
        let message = id.ok_or_else(|| ReportFault {
            line: 1,
            reason: "the report has no message id (GrpHdr/MsgId)".to_owned(),
        })?;
        let (mut transfers, mut days) = (Vec::new(), Vec::new());
        for (place, one) in messages.into_iter().enumerate() {
            let before = transfers.len();
            match kind {
                ReportKind::Statement => statement::read(one, &mut transfers, &mut days),
                ReportKind::Status | ReportKind::OwnFormat => status::read(one, &mut transfers),
            }
            for line in &mut transfers[before..] {
                line.message = place;
            }
        }
        if kind == ReportKind::Statement {
            statement::in_order(&mut transfers);
        }
        // A message of another kind is not read, but our names in it are reported.
        for name in others.into_iter().flat_map(Element::own_names) {
            const OTHER: &str =
                "named in a message of a kind that is not known here: ask the bank what it is";
            transfers.push(ReportedTransfer::unplaced(&name, OTHER));
        }
        Ok(Self { kind, message, transfers, days })
    }
}
