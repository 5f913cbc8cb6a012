//! What a client sees when something is wrong.

use std::time::Duration;

use praman_access::AccessRefusal;
use praman_claims::{DeskError, Reason, Refusal};
use praman_consent::ConsentFailure;
use praman_holder::HolderError;
use praman_holder::claim::ClaimFault;
use praman_language::sentence::Sentence;
use praman_ledger::snapshot::SnapshotError;
use praman_offices::OfficeError;
use praman_proving::ProvingRefusal;
use praman_sandbox::SandboxError;
use praman_store::error::StoreError;

/// The kind of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// Malformed.
    Malformed,
    /// Nothing is there.
    NotFound,
    /// There, but not for this method.
    WrongMethod,
    /// Well-formed, and the answer is no.
    Refused,
    /// The caller has not shown that they may.
    NotAuthorised,
    /// The caller is known, and may not.
    Forbidden,
    /// It contradicts an earlier request.
    Conflict,
    /// Too much at a time.
    Busy,
    /// Not now.
    Unavailable,
    /// It took too long.
    TimedOut,
}

/// An answer that reports what is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// A word that does not change.
    pub(crate) code: &'static str,
    /// What is wrong, and what to do.
    pub(crate) message: String,
    /// The same for people, in each language; none if it is for programs alone.
    pub(crate) sentence: Option<Sentence>,
    pub(crate) retry_after_s: Option<u64>,
}

/// What is wrong, for programs, and for people if they see it.
pub(crate) struct Told {
    message: String,
    sentence: Option<Sentence>,
}

impl Told {
    /// Combines a message for programs, with more in it than people need, and a sentence for people.
    pub(crate) fn with(message: impl ToString, sentence: impl Into<Option<Sentence>>) -> Self {
        Self { message: message.to_string(), sentence: sentence.into() }
    }
}

impl From<&str> for Told {
    fn from(message: &str) -> Self {
        Self::with(message, None)
    }
}

impl From<String> for Told {
    fn from(message: String) -> Self {
        Self { message, sentence: None }
    }
}

impl From<Sentence> for Told {
    fn from(sentence: Sentence) -> Self {
        Self::with(&sentence, sentence.clone())
    }
}

impl Fault {
    fn new(kind: FaultKind, code: &'static str, told: impl Into<Told>) -> Self {
        let Told { message, sentence } = told.into();
        Self { kind, code, message, sentence, retry_after_s: None }
    }

    pub(crate) fn not_found(told: impl Into<Told>) -> Self {
        Self::new(FaultKind::NotFound, "not-found", told)
    }

    pub(crate) fn wrong_method() -> Self {
        let sentence = Sentence::of("fault-wrong-method");
        Self::new(FaultKind::WrongMethod, "wrong-method", sentence)
    }

    /// A malformed request.
    pub(crate) fn malformed(told: impl Into<Told>) -> Self {
        Self::new(FaultKind::Malformed, "malformed", told)
    }

    pub(super) fn refused(code: &'static str, told: impl Into<Told>) -> Self {
        Self::new(FaultKind::Refused, code, told)
    }

    pub(crate) fn busy(told: impl Into<Told>, seconds: u64) -> Self {
        let fault = Self::new(FaultKind::Busy, "busy", told);
        Self { retry_after_s: Some(seconds), ..fault }
    }

    pub(super) fn conflict(code: &'static str, told: impl Into<Told>) -> Self {
        Self::new(FaultKind::Conflict, code, told)
    }

    pub(crate) fn not_authorised(told: impl Into<Told>) -> Self {
        Self::new(FaultKind::NotAuthorised, "not-authorised", told)
    }

    pub(super) fn forbidden(told: impl Into<Told>) -> Self {
        Self::new(FaultKind::Forbidden, "forbidden", told)
    }

    /// Not now.
    pub(crate) fn unavailable(told: impl Into<Told>) -> Self {
        let fault = Self::new(FaultKind::Unavailable, "unavailable", told);
        Self { retry_after_s: Some(2), ..fault }
    }

    pub(crate) fn timed_out() -> Self {
        Self::new(FaultKind::TimedOut, "timeout", Sentence::of("fault-timed-out"))
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
            DeskError::FailedTogether(_) => {
                tracing::error!("{error}");
                Self::unavailable(Sentence::of("fault-unavailable"))
            }
        }
    }
}

/// What has failed here. Its message is for the operator: the client learns that it may try again.
macro_rules! unavailable {
    ($($error:ty),*) => {
        $(impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                tracing::error!("{error}");
                Self::unavailable(Sentence::of("fault-unavailable"))
            }
        })*
    };
}

// Offices, snapshots, the ledger and rehearsals are of the service's own folder: what is wrong with them is no
// client's fault.
unavailable!(StoreError, HolderError, OfficeError, SnapshotError, ConsentFailure, SandboxError);

impl From<AccessRefusal> for Fault {
    fn from(refusal: AccessRefusal) -> Self {
        let told = Told::with(&refusal, refusal.sentence());
        match refusal {
            AccessRefusal::Unknown { .. } | AccessRefusal::NotAuthorised => {
                Self::not_authorised(told)
            }
            AccessRefusal::IssuerAway => Self::unavailable(told),
            AccessRefusal::Role { .. } | AccessRefusal::Another(_) => Self::forbidden(told),
            AccessRefusal::Quota { retry_after_s, .. } => {
                let fault = Self::new(FaultKind::Busy, "quota", told);
                Self { retry_after_s: Some(retry_after_s), ..fault }
            }
            AccessRefusal::Refused(_) | AccessRefusal::NotDone(_) => Self::refused("refused", told),
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

#[cfg(test)]
mod tests {
    use praman_store::broken;

    use super::*;

    #[test]
    fn decision_that_cannot_be_carried_out_says_why_and_a_failure_does_not() {
        let reason = "payment order 7: it is no longer contested: deny this request";
        let refused = Fault::from(AccessRefusal::NotDone(reason.into()));
        assert_eq!((refused.kind, refused.message.as_str()), (FaultKind::Refused, reason));
        for failed in [
            Fault::from(AccessRefusal::Failed(broken("an approval's document"))),
            Fault::from(broken("an approval's document")),
            Fault::from(OfficeError::Store(broken("an office's schema"))),
        ] {
            assert_eq!(failed.kind, FaultKind::Unavailable);
            assert!(!failed.message.contains("stored"), "{}", failed.message);
        }
    }
}
