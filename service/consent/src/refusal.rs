//! Refusals about consents, and why.

use praman_circuits::consent::Violation;
use praman_files::FileError;
use praman_ledger::LedgerError;
use praman_ledger::ProviderId;
use praman_store::error::StoreError;

use super::document::FieldFault;

/// Why something about consents is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConsentRefusal {
    /// A request id that another request has.
    #[error("this request id was used for another request: give each request its own id")]
    RequestIdUsed,
    /// An unknown requester.
    #[error("hiu.id: no requester with this id participates in this network")]
    UnknownRequester,
    /// An unknown provider.
    #[error("hip.id: no provider with this id participates in this network")]
    UnknownProvider,
    /// No such request.
    #[error("there is no such request")]
    NoSuchRequest,
    /// A request that was granted, denied or expired.
    #[error("this request was already decided, or its time has passed")]
    AlreadyDecided,
    /// Two grants of one request for one provider.
    #[error(
        "this request was already granted for this provider: one request gives each provider one \
         artefact"
    )]
    AlreadyGranted,
    /// No consent manager in this store.
    #[error("no consent manager keeps consents here: add one with `praman consent manager`")]
    NoManager,
    /// A consent manager whose key is another's than the store's.
    #[error("this state belongs to another consent manager than the key")]
    OtherManager,
    /// A provider without records of the patient.
    #[error("this provider has no record of this patient")]
    NoRecords,
    /// A consent that covers some of the same records.
    #[error(
        "a live consent of this patient to this requester for this purpose covers some of the same \
         records: withdraw it first, so that no access is counted twice"
    )]
    Overlaps,
    /// No such consent.
    #[error("there is no such consent")]
    NoSuchConsent,
    /// A consent that was withdrawn.
    #[error("this consent was already withdrawn")]
    AlreadyWithdrawn,
    /// A consent that has expired.
    #[error("this consent has already expired")]
    AlreadyExpired,
    /// No such record.
    #[error("the provider has no such record")]
    NoSuchRecord,
    /// A patient that is not known here.
    #[error("this patient is not registered here: register them with `praman consent register`")]
    UnknownPatient,
    /// Another patient's wallet.
    #[error("this is not the wallet that the patient is registered with")]
    OtherWallet,
    /// No such erasure order.
    #[error("there is no order to erase for this consent")]
    NoSuchOrder,
    /// A signature that is not the requester's.
    #[error("the signature is not from the requester")]
    NotSigned,
    /// An emergency access that is not allowed.
    #[error("an emergency access needs two different clinicians of the provider")]
    TwoClinicians,
    /// An emergency access of too much or for too long.
    #[error("an emergency access needs some types, a reason, and at most 24 hours")]
    TooWide,
    /// No emergency access that waits for a review.
    #[error("there is no such emergency access, or it was already reviewed")]
    NothingToReview,
}

impl ConsentRefusal {
    /// Returns a stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RequestIdUsed => "request-id-used",
            Self::UnknownRequester => "unknown-requester",
            Self::UnknownProvider => "unknown-provider",
            Self::NoSuchRequest => "no-such-request",
            Self::AlreadyDecided => "already-decided",
            Self::AlreadyGranted => "already-granted",
            Self::NoManager => "no-manager",
            Self::OtherManager => "other-manager",
            Self::NoRecords => "no-records",
            Self::Overlaps => "overlaps",
            Self::NoSuchConsent => "no-such-consent",
            Self::AlreadyWithdrawn => "already-withdrawn",
            Self::AlreadyExpired => "already-expired",
            Self::NoSuchRecord => "no-such-record",
            Self::UnknownPatient => "unknown-patient",
            Self::OtherWallet => "other-wallet",
            Self::NoSuchOrder => "no-such-order",
            Self::NotSigned => "not-signed",
            Self::TwoClinicians => "two-clinicians",
            Self::TooWide => "too-wide",
            Self::NothingToReview => "nothing-to-review",
        }
    }
}

/// An error about consents.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// A wrong field of a document.
    #[error(transparent)]
    Field(#[from] FieldFault),
    /// The act is refused.
    #[error(transparent)]
    Refused(#[from] ConsentRefusal),
    /// A participant can't be added.
    #[error(transparent)]
    Participant(#[from] ParticipantRefusal),
    /// A clause of the statement does not hold.
    #[error(transparent)]
    Untrue(#[from] Violation),
    /// It can't be done now.
    #[error(transparent)]
    Failed(#[from] ConsentFailure),
}

impl ConsentError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Field(_) => 2,
            Self::Refused(_) | Self::Participant(_) | Self::Untrue(_) => 1,
            Self::Failed(failure) => failure.exit_code(),
        }
    }
}

/// Why a provider, a requester, a clinician or a patient is not added.
#[derive(Debug, thiserror::Error)]
pub enum ParticipantRefusal {
    /// Another participant has the name, the number or the key.
    #[error("{0:?}, its number or its key is already in use")]
    InUse(String),
    /// The store belongs to another consent manager.
    #[error(
        "this state belongs to the consent manager {0:?}: use another state folder for another manager"
    )]
    OtherManager(String),
    /// The key is none that signs.
    #[error("the requester's key is not an Ed25519 key")]
    NoKey,
    /// A clinician of the provider has the name.
    #[error("{0:?} is a clinician of this provider already")]
    ClinicianKnown(String),
    /// Another program has added the clinician meanwhile.
    #[error("{0:?} was added by another program in this moment")]
    ClinicianAdded(String),
    /// Another clinician has, or had, the key.
    #[error("the key is another clinician's, or was removed: make a new one")]
    ClinicianKeyUsed,
    /// Another patient has the telephone.
    #[error("this telephone belongs to another patient")]
    TelephoneUsed,
}

/// Why something about consents can't be done now. The same may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum ConsentFailure {
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger failed, or refuses.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Roots change faster than the ledger takes them.
    #[error("the ledger: the roots of provider {} change too fast: try again later", .0.0)]
    RootsChange(ProviderId),
    /// The gate's key does not fit the statement.
    #[error("the ledger: the gate's key: {0}")]
    GateKey(praman_verifier::Refusal),
    /// A message was not accepted.
    #[error("a message was not sent: {0}")]
    Message(Box<dyn std::error::Error + Send + Sync>),
}

impl ConsentFailure {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::File(error) => error.exit_code(),
            Self::Store(error) => error.exit_code(),
            Self::Ledger(error) => error.exit_code(),
            Self::RootsChange(_) | Self::GateKey(_) | Self::Message(_) => 3,
        }
    }
}

praman_store::through! {
    ConsentError:
    StoreError => Failed,
    FileError => Failed,
    LedgerError => Failed,
}

praman_store::from_database!(ConsentError);
