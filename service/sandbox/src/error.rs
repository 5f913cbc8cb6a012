//! Why a demonstration or a rehearsal did not come to its end.

use praman_claims::KeepEnvelopeError;
use praman_claims::terms::TermsError;
use praman_consent::document::FieldFault;
use praman_consent::{ConsentError, ConsentFailure, GateKeyError};
use praman_files::FileError;
use praman_holder::HolderError;
use praman_holder::envelope::EnvelopeError;
use praman_ledger::snapshot::SnapshotError;
use praman_ledger::{LedgerError, LedgerFailure};
use praman_offices::OfficeError;
use praman_prover::{KeyError, ProvingError};
use praman_register::RegisterError;
use praman_rules::scheme::SchemeError;
use praman_store::error::StoreError;
use praman_treasury::{PaymentError, ReportFault};

/// Why a demonstration or a rehearsal did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The day of a rehearsal has no number.
    #[error("--on must be a day after 1900")]
    Day,
    /// A scheme has no rules for the period.
    #[error("{}", .0.reason)]
    Scheme(SchemeError),
    /// A scheme can't be claimed in the month of the demonstration.
    #[error(transparent)]
    Month(SchemeError),
    /// A scheme is for people of another schema than residents.
    #[error(
        "synthetic people are residents: a sandbox can only try schemes of the schema resident"
    )]
    OtherSchema,
    /// Nobody could claim.
    #[error("none of {0} synthetic people qualifies: raise --people")]
    NobodyQualifies(usize),
    /// A register of synthetic people is none.
    #[error("the {0} register: {1}")]
    Register(&'static str, RegisterError),
    /// A fraud can't be rehearsed.
    #[error("{0}")]
    NoFraud(&'static str),
    /// A report of the mock bank is none.
    #[error("the mock bank: {0}")]
    Bank(ReportFault),
    /// A proof does not hold.
    #[error(transparent)]
    Proof(#[from] praman_verifier::Refusal),
    /// An envelope can't be sealed.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A step of the demonstration did not do what it shows.
    #[error("the demonstration: {0}")]
    Unexpected(&'static str),
    /// A field of a document of the demonstration is wrong.
    #[error(transparent)]
    Field(#[from] FieldFault),
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A holder's file does not fit.
    #[error(transparent)]
    Holder(#[from] HolderError),
    /// Keys can't be made or used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// No proof was made.
    #[error(transparent)]
    Proving(#[from] ProvingError),
    /// An office refuses.
    #[error(transparent)]
    Office(#[from] OfficeError),
    /// The ledger refuses, or failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No snapshot was taken.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// An envelope is not kept.
    #[error(transparent)]
    KeepEnvelope(#[from] KeepEnvelopeError),
    /// A period is paid on other terms.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The treasury refuses.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// Something about consents is refused.
    #[error(transparent)]
    Consent(#[from] ConsentError),
    /// The gate's key is of another circuit.
    #[error(transparent)]
    GateKey(#[from] GateKeyError),
}

praman_store::from_database!(SandboxError);

praman_store::through!(SandboxError: LedgerFailure => Ledger, ConsentFailure => Consent);

impl SandboxError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Day | Self::Scheme(_) | Self::Field(_) | Self::GateKey(_) => 2,
            Self::Month(_)
            | Self::OtherSchema
            | Self::NobodyQualifies(_)
            | Self::Register(..)
            | Self::NoFraud(_)
            | Self::Bank(_)
            | Self::Proof(_)
            | Self::Envelope(_) => 1,
            Self::Unexpected(_) | Self::Proving(_) => 3,
            Self::File(error) => error.exit_code(),
            Self::Store(error) => error.exit_code(),
            Self::Holder(error) => error.exit_code(),
            Self::Keys(KeyError::File { .. } | KeyError::Setup(_)) => 3,
            Self::Keys(_) => 2,
            Self::Office(error) => error.exit_code(),
            Self::Ledger(error) => error.exit_code(),
            Self::Snapshot(error) => error.exit_code(),
            Self::KeepEnvelope(error) => error.exit_code(),
            Self::Terms(error) => error.exit_code(),
            Self::Payment(error) => error.exit_code(),
            Self::Consent(error) => error.exit_code(),
        }
    }

    /// Returns whether it is a refusal, as opposed to a failure.
    pub(crate) fn is_refusal(&self) -> bool {
        self.exit_code() == 1
    }
}
