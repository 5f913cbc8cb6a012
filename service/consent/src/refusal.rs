//! Refusals about consents, and why.

use praman_ledger::LedgerError;
use praman_store::error::ServiceError;

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
    /// It can't be done now.
    #[error(transparent)]
    Failed(#[from] ServiceError),
}

impl From<sqlx::Error> for ConsentError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<LedgerError> for ConsentError {
    fn from(error: LedgerError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ConsentError> for ServiceError {
    fn from(error: ConsentError) -> Self {
        match error {
            ConsentError::Field(fault) => Self::WrongUse(fault.to_string()),
            ConsentError::Refused(refusal) => Self::Refused(refusal.to_string()),
            ConsentError::Failed(error) => error,
        }
    }
}
