//! The treasury: opens envelopes, checks that amount and account are those that were proved, writes the
//! bank's files, reads what the bank reports, and reconciles.
//!
//! A batch is drafted in the store, with a transfer for each instalment of each claim, before its file is
//! written, and closed after it. A crash in between leaves a drafted batch, whose file is then written
//! again, the same to the letter: nothing is lost, and a bank that knows a message by its id pays it once.
//! A transfer is known by a reference that names nobody. The store holds no account, and no amount but sealed
//! by the treasury's key: both are opened from the envelopes whenever they are needed.

mod bank_report;
mod contested;
mod correction;
mod envelopes;
mod key;
mod lost_file;
mod lost_transfers;
mod named_transfers;
mod overview;
mod own_name;
mod payment_file;
mod payout_check;
mod reconciliation;
mod reissue;
mod release;
mod reporting;
mod restored;
mod resumed;
mod run;
mod same_account;
mod terms;
mod transfer;

pub(crate) use bank_report::decode;
pub use bank_report::{
    BankReport, Named, Outcome, ReportFault, ReportKind, ReportedAmount, ReportedTransfer,
    StatementDays,
};
pub use contested::ContestedOutcome;
pub(crate) use contested::resolve;
pub use correction::Correction;
pub use key::{TreasuryKey, read_payout};
pub use lost_file::LostFile;
pub use overview::TransferFigures;
pub use payment_file::Debtor;
pub use payout_check::open_checked;
pub use reconciliation::{Reconciliation, Totals};
pub use reissue::{Reissue, Reissued};
pub use release::KeptFile;
pub(crate) use release::drop_batch;
pub use reporting::{Discrepancy, Imported};
pub use resumed::Said;
pub(crate) use resumed::resume;
pub use run::{Paid, PaymentRun};
pub(crate) use same_account::release;
pub use transfer::{ReturnedTransfer, TransferReference, TransferState};
