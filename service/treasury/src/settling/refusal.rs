//! Why an opening is not settled.

use praman_circuits::nullifier::Nullifier;
use praman_ledger::LedgerError;
use praman_prover::ProvingError;
use praman_store::error::StoreError;

use super::classify::LeftOut;
use crate::refusal::PaymentError;

/// Why nothing is settled.
#[derive(Debug, thiserror::Error)]
pub enum SettlingError {
    /// It is refused.
    #[error(transparent)]
    Refused(#[from] SettlingRefusal),
    /// A payment can't be read, or a restored state does not pay.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// The ledger refuses, or failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No proof was made.
    #[error("the sum could not be proved: {0}")]
    Proving(#[from] ProvingError),
}

praman_store::through! {
    SettlingError:
    StoreError => Payment,
    praman_store::sqlx::Error => Payment,
}

impl SettlingError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Payment(error) => error.exit_code(),
            Self::Ledger(error) => error.exit_code(),
            Self::Proving(_) => 3,
        }
    }
}

/// Why an opening is not settled. Nothing of it tells an amount.
#[derive(Debug, thiserror::Error)]
pub enum SettlingRefusal {
    /// There is no such opening.
    #[error("this scheme's period was never opened on the ledger")]
    NotOpened,
    /// It takes claims.
    #[error(
        "opening {0} is not over: its agency closes it first (praman ledger seal {0}); a claim that came later \
         would show what it adds"
    )]
    StillOpen(u32),
    /// Claims must be paid or decided first.
    #[error("{} claims are in the way of settling{}", .0.len(), lines(.0))]
    InTheWay(Vec<(Nullifier, InTheWay)>),
    /// Claims would not be in the sum.
    #[error(
        "{} claims would not be in the sum, and later only their number is told: settle without them by \
         --leave-out{}",
        .0.len(),
        left_out_lines(.0)
    )]
    LeftOut(Vec<LeftOut>),
    /// A sum of so few would tell too much.
    #[error("fewer than {0} claims count: their sum would tell too much, and is never told")]
    TooFew(u32),
    /// The files do not have what the envelopes have.
    #[error(
        "what the bank's files have of these claims is not what was proved of them: see praman treasury \
         reconcile; nothing was sent"
    )]
    Unbalanced,
    /// What stands on the ledger is not what was brought.
    #[error("the chunks on the ledger are not those of this run: {0}: settle again")]
    NotOnLedger(&'static str),
    /// A claim was frozen while the sum was prepared.
    #[error(
        "claims of this opening were frozen while the sum was prepared; nothing of it was told: settle again{}",
        names(.0)
    )]
    FrozenMeanwhile(Vec<Nullifier>),
}

/// What must be done about a claim before its opening is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InTheWay {
    /// It can be paid, and is not.
    #[error("it is not paid yet: run praman treasury pay")]
    Unpaid,
    /// Its batch is drafted, or waits for a second treasurer.
    #[error("its batch is drafted, and its file is not written: run praman treasury pay")]
    NotWritten,
    /// It was frozen after its file went out.
    #[error("it was frozen after its file was written: its case must end first")]
    FrozenInFile,
    /// An instalment is in no file.
    #[error("an instalment of it is in no file that was written: see praman treasury reconcile")]
    PartMissing,
    /// The files have another amount.
    #[error("the bank's files have another amount for it than was proved")]
    AmountDiffers,
    /// It was paid, and its envelope is lost.
    #[error("it was paid, but now {0}: submit the claim again")]
    PaidUnopened(&'static str),
    /// The ledger has it, the store has not.
    #[error("this state does not know it yet: run praman treasury settle again")]
    Unknown,
}

/// A line for each claim, with why.
fn lines(of: &[(Nullifier, InTheWay)]) -> String {
    of.iter().map(|(claim, why)| format!("\n{claim}: {why}")).collect()
}

fn left_out_lines(of: &[LeftOut]) -> String {
    of.iter().map(|one| format!("\n{}: {}", one.claim, one.why())).collect()
}

fn names(of: &[Nullifier]) -> String {
    of.iter().map(|claim| format!("\n{claim}")).collect()
}
