//! What a client is told when something is wrong.

use axum::BoxError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::claim::ClaimFault;
use crate::claims::{DeskError, Reason, Refusal};
use crate::error::ServiceError;

/// An answer that is no answer.
#[derive(Debug)]
pub(super) struct Fault {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after_s: Option<u64>,
}

impl Fault {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after_s: None }
    }

    fn again_after(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    pub(super) fn wrong_method() -> Self {
        let message = "this path does not take this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", message)
    }

    /// A request that is not of the form asked for.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// Well-formed, and the answer is no.
    pub(super) fn refused(reason: Reason) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason.name(), reason.sentence())
    }

    fn busy(message: impl Into<String>, seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", message).again_after(seconds)
    }

    /// Not now.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message).again_after(2)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let error = json!({ "error": { "code": self.code, "message": self.message } });
        let mut response = (self.status, Json(error)).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<ClaimFault> for Fault {
    fn from(fault: ClaimFault) -> Self {
        match fault {
            ClaimFault::Form(reason) => Self::malformed(reason),
            ClaimFault::Proof(_) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                Reason::ProofInvalid.name(),
                fault.to_string(),
            ),
        }
    }
}

impl From<DeskError> for Fault {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Refused(Refusal::Reason(reason)) => Self::refused(reason),
            DeskError::Refused(Refusal::KeyUsed) => {
                Self::new(StatusCode::CONFLICT, "key-used", error.to_string())
            }
            DeskError::Busy { retry_after } => Self::busy(error.to_string(), retry_after.as_secs()),
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

/// More requests than there is room for, or one that takes too long.
pub(super) async fn out_of_bounds(error: BoxError) -> Fault {
    if error.is::<tower::timeout::error::Elapsed>() {
        Fault::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the request took too long")
    } else {
        Fault::busy("too many requests at a time; come again", 1)
    }
}
