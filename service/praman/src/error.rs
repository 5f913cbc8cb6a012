//! What a command says when it does not do its work, and the exit code that shows a script what to do.

use std::path::Path;
use std::{fmt, io};

use praman_access::{AccessRefusal, OpenIdSettingError, TariffError, TenantError};
use praman_ceremony::CeremonyError;
use praman_claims::KeepEnvelopeError;
use praman_claims::terms::TermsError;
use praman_consent::{ConsentError, ConsentFailure, GateKeyError};
use praman_coordinator::CoordinatorError;
use praman_files::FileError;
use praman_holder::HolderError;
use praman_ledger::snapshot::SnapshotError;
use praman_ledger::{
    ArrearsError, ChainError, LastDayError, LedgerError, LedgerFailure, NetworkSettingError,
};
use praman_offices::OfficeError;
use praman_prover::{KeyError, ProvingError};
use praman_proving::SealRequestError;
use praman_sandbox::SandboxError;
use praman_server::request_log::LogSettingError;
use praman_store::error::StoreError;
use praman_store::key_store::KeyStoreError;
use praman_treasury::{CorrectionFault, PaymentError, SettlingError};

/// Why a command does not do its work. Below the command line each operation has an error of its own; here they are
/// told apart by their [`exit code`](CommandError::exit_code).
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command itself refuses, in words.
    #[error("{0}")]
    Refused(String),
    /// The command was used wrongly, in words.
    #[error("{0}")]
    WrongUse(String),
    /// The system does not let the command work, in words.
    #[error("{0}")]
    Failed(String),
    /// A file can't be read or written, or does not hold what it should.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What a holder's file says does not hold.
    #[error(transparent)]
    Holder(#[from] HolderError),
    /// Keys can't be made or used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A file of a ceremony is refused.
    #[error(transparent)]
    Ceremony(CeremonyError),
    /// A coordinator of ceremonies refuses.
    #[error(transparent)]
    Coordinator(#[from] CoordinatorError),
    /// No proof was made.
    #[error(transparent)]
    Proving(#[from] ProvingError),
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessRefusal),
    /// A department does not get an office or a scheme.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// A quota or a price is not set.
    #[error(transparent)]
    Tariff(#[from] TariffError),
    /// The OpenID issuer's settings are wrong.
    #[error(transparent)]
    OpenId(#[from] OpenIdSettingError),
    /// An office refuses.
    #[error(transparent)]
    Office(#[from] OfficeError),
    /// The ledger refuses, or failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A period can't be opened until a day.
    #[error(transparent)]
    LastDay(#[from] LastDayError),
    /// Arrears are not opened.
    #[error(transparent)]
    Arrears(#[from] ArrearsError),
    /// No snapshot was taken.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A period is paid on other terms.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// An envelope is not kept.
    #[error(transparent)]
    Envelope(#[from] KeepEnvelopeError),
    /// A request for a proof can't be sealed.
    #[error(transparent)]
    Seal(#[from] SealRequestError),
    /// The treasury refuses.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// A period is not settled.
    #[error(transparent)]
    Settling(#[from] SettlingError),
    /// Something about consents is refused.
    #[error(transparent)]
    Consent(#[from] ConsentError),
    /// The gate's key is of another circuit.
    #[error(transparent)]
    GateKey(#[from] GateKeyError),
    /// A demonstration or a rehearsal did not come to its end.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// Logging does not begin.
    #[error(transparent)]
    Log(#[from] LogSettingError),
}

praman_store::through! {
    CommandError:
    sqlx::Error => Store,
    praman_circuits::merkle::TreeError => Store,
    KeyStoreError => Store,
    ChainError => Ledger,
    LedgerFailure => Ledger,
    NetworkSettingError => Ledger,
    ConsentFailure => Consent,
    CorrectionFault => Payment,
}

impl From<CeremonyError> for CommandError {
    fn from(error: CeremonyError) -> Self {
        match error {
            CeremonyError::File(error) => error.into(),
            refused => Self::Ceremony(refused),
        }
    }
}

impl CommandError {
    /// Creates an error of the system at a file.
    pub(crate) fn file(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| FileError::io(path)(source).into()
    }

    /// Creates the error of a file that does not hold what it should.
    pub(crate) fn malformed(path: &Path, reason: impl fmt::Display) -> Self {
        FileError::malformed(path, reason).into()
    }

    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Seal(_) | Self::Ceremony(_) => 1,
            Self::WrongUse(_) | Self::GateKey(_) | Self::Log(_) => 2,
            Self::Failed(_) | Self::Proving(_) => 3,
            Self::File(error) => error.exit_code(),
            Self::Store(error) => error.exit_code(),
            Self::Holder(error) => error.exit_code(),
            Self::Keys(KeyError::File { .. } | KeyError::Setup(_)) => 3,
            Self::Keys(_) => 2,
            Self::Access(error) => error.exit_code(),
            Self::Tenant(error) => error.exit_code(),
            Self::Tariff(error) => error.exit_code(),
            Self::OpenId(error) => error.exit_code(),
            Self::Office(error) => error.exit_code(),
            Self::Ledger(error) => error.exit_code(),
            Self::LastDay(error) => error.exit_code(),
            Self::Arrears(error) => error.exit_code(),
            Self::Snapshot(error) => error.exit_code(),
            Self::Terms(error) => error.exit_code(),
            Self::Envelope(error) => error.exit_code(),
            Self::Payment(error) => error.exit_code(),
            Self::Settling(error) => error.exit_code(),
            Self::Consent(error) => error.exit_code(),
            Self::Coordinator(error) => error.exit_code(),
            Self::Sandbox(error) => error.exit_code(),
        }
    }
}
