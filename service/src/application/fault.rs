//! What a client is told when something is wrong.

use std::time::Duration;

use crate::access_control::AccessRefusal;
use crate::claim::ClaimFault;
use crate::claims::{DeskError, Reason, Refusal};
use crate::error::ServiceError;
use crate::proving::ProvingRefusal;

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// Not of the form asked for.
    Malformed,
    /// Nothing is there.
    NotFound,
    /// There, but not so.
    WrongMethod,
    /// Well-formed, and the answer is no.
    Refused,
    /// Who asks has not shown that they may.
    NotAuthorised,
    /// Who asks is known, and may not.
    Forbidden,
    /// It contradicts what was said before.
    Conflict,
    /// Too much at a time.
    Busy,
    /// Not now.
    Unavailable,
    /// It took too long.
    TimedOut,
}

/// An answer that is no answer.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// A word that does not change.
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) retry_after_s: Option<u64>,
}

impl Fault {
    fn new(kind: FaultKind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), retry_after_s: None }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(FaultKind::NotFound, "not-found", message)
    }

    pub(crate) fn wrong_method() -> Self {
        let message = "this path does not take this method";
        Self::new(FaultKind::WrongMethod, "wrong-method", message)
    }

    /// A request that is not of the form asked for.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Malformed, "malformed", message)
    }

    pub(super) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FaultKind::Refused, code, message)
    }

    pub(crate) fn busy(message: impl Into<String>, seconds: u64) -> Self {
        let fault = Self::new(FaultKind::Busy, "busy", message);
        Self { retry_after_s: Some(seconds), ..fault }
    }

    pub(super) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FaultKind::Conflict, code, message)
    }

    pub(crate) fn not_authorised(message: impl Into<String>) -> Self {
        Self::new(FaultKind::NotAuthorised, "not-authorised", message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Forbidden, "forbidden", message)
    }

    /// Not now.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        let fault = Self::new(FaultKind::Unavailable, "unavailable", message);
        Self { retry_after_s: Some(2), ..fault }
    }

    pub(crate) fn timed_out() -> Self {
        Self::new(FaultKind::TimedOut, "timeout", "the request took too long")
    }
}

fn seconds(duration: Duration) -> u64 {
    duration.as_secs().max(1)
}

impl From<ClaimFault> for Fault {
    fn from(fault: ClaimFault) -> Self {
        match fault {
            ClaimFault::Form(reason) => Self::malformed(reason),
            ClaimFault::Proof(_) => Self::refused(Reason::ProofInvalid.name(), fault.to_string()),
        }
    }
}

impl From<DeskError> for Fault {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Refused(Refusal::Reason(reason)) => {
                Self::refused(reason.name(), reason.sentence())
            }
            DeskError::Refused(Refusal::KeyUsed) => Self::conflict("key-used", error.to_string()),
            DeskError::Busy { retry_after } => Self::busy(error.to_string(), seconds(retry_after)),
            DeskError::Stopping => Self::unavailable(error.to_string()),
            DeskError::Failed(error) => error.into(),
        }
    }
}

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Self {
        // What the system says is for the operator.
        eprintln!("praman: {error}");
        Self::unavailable("the service can't do this now; ask again with the same request")
    }
}

impl From<AccessRefusal> for Fault {
    fn from(refusal: AccessRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            AccessRefusal::Unknown { .. } | AccessRefusal::NotAuthorised => {
                Self::not_authorised(message)
            }
            AccessRefusal::IssuerAway => Self::unavailable(message),
            AccessRefusal::Role { .. } | AccessRefusal::Another(_) => Self::forbidden(message),
            AccessRefusal::Quota { retry_after_s, .. } => {
                let fault = Self::new(FaultKind::Busy, "quota", message);
                Self { retry_after_s: Some(retry_after_s), ..fault }
            }
            AccessRefusal::Refused(_) => Self::refused("refused", message),
            AccessRefusal::Failed(error) => error.into(),
        }
    }
}

impl From<ProvingRefusal> for Fault {
    fn from(refusal: ProvingRefusal) -> Self {
        match refusal {
            ProvingRefusal::OtherKey => Self::refused("other-key", refusal.to_string()),
            ProvingRefusal::Length | ProvingRefusal::Tenant => Self::malformed(refusal.to_string()),
            ProvingRefusal::Busy { retry_after } => {
                Self::busy(refusal.to_string(), seconds(retry_after))
            }
            ProvingRefusal::Failed(error) => error.into(),
        }
    }
}
