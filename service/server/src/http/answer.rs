//! How answers are written.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::application::{Fault, FaultKind, seconds};

/// An error.
#[derive(Serialize, ToSchema)]
pub(super) struct Error {
    error: ErrorBody,
}

#[derive(Serialize, ToSchema)]
struct ErrorBody {
    /// A stable code for programs.
    code: &'static str,
    /// What is wrong, and what to do.
    message: String,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = match self.kind {
            FaultKind::Malformed => StatusCode::BAD_REQUEST,
            FaultKind::NotFound => StatusCode::NOT_FOUND,
            FaultKind::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            FaultKind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
            FaultKind::NotAuthorised => StatusCode::UNAUTHORIZED,
            FaultKind::Forbidden => StatusCode::FORBIDDEN,
            FaultKind::Conflict => StatusCode::CONFLICT,
            FaultKind::Busy => StatusCode::TOO_MANY_REQUESTS,
            FaultKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            FaultKind::TimedOut => StatusCode::REQUEST_TIMEOUT,
        };
        let message = self.message.clone();
        let error = Error { error: ErrorBody { code: self.code, message } };
        let mut response = (status, Json(error)).into_response();
        if self.kind == FaultKind::NotAuthorised {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // For the layer that writes it as a page.
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// The longest time to wait for the result, in seconds.
    #[serde(default)]
    wait: u32,
}

pub(super) type WaitQuery = Result<Query<Wait>, QueryRejection>;

/// Reads how long to wait.
pub(super) fn patience(wait: WaitQuery) -> Result<Duration, Fault> {
    let Query(Wait { wait }) = wait.map_err(|_| Fault::malformed("wait must be whole seconds"))?;
    Ok(seconds(wait))
}

/// Sends each item as a server-sent event; a fault is the last, named `error`.
pub(super) fn events<T: Serialize>(
    told: impl Stream<Item = Result<T, Fault>> + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = told.map(|told| {
        Ok(match told {
            Ok(told) => Event::default().json_data(told).unwrap_or_default(),
            Err(fault) => Event::default().event("error").data(fault.message),
        })
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
