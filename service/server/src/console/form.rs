//! Submitted forms, each with the token that shows that it is from the session's own page.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use praman_language::sentence::Sentence;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::visitor::Visitor;
use crate::application::{Fault, Told};

/// The name of the field that holds the session's form token.
pub(super) const TOKEN_FIELD: &str = "token";

/// Returns the fault for a form that no page sends like this: programs see why.
pub(super) fn form_broken(reason: impl ToString) -> Fault {
    Fault::malformed(Told::with(reason, Sentence::of("fault-form-broken")))
}

/// A submitted form whose token is checked.
pub(super) struct Posted<T>(pub(super) T);

/// A submitted form that begins a session, and so has no token yet. The browser's headers show that it is from
/// the service's own page.
pub(super) struct Entering<T>(pub(super) T);

impl<T, S> FromRequest<S> for Entering<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        read(&body(request, state).await?).map(Self)
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Fault> {
    let body = Bytes::from_request(request, state).await;
    body.map_err(|_| Fault::malformed(Sentence::of("fault-form-too-long")))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_urlencoded::from_bytes(body).map_err(form_broken)
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

impl<T, S> FromRequest<S> for Posted<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let visitor = request.extensions().get::<Visitor>().cloned();
        let visitor = visitor.ok_or_else(|| form_broken("a form without its page"))?;
        let body = body(request, state).await?;
        let token: Token = read(&body)?;
        visitor.check_token(&token.token)?;
        read(&body).map(Self)
    }
}

impl Visitor {
    /// Checks that a form is from a page of this session.
    ///
    /// # Errors
    /// [`Fault`] if it is not; a caller that shows a credential with each request needs no token.
    pub(super) fn check_token(&self, token: &str) -> Result<(), Fault> {
        let Some(own) = &self.form_token else { return Ok(()) };
        // The token is a hash of a secret: the time of the comparison reveals nothing useful.
        if token == own {
            return Ok(());
        }
        Err(Fault::malformed(Sentence::of("fault-form-old")))
    }
}

/// A form that has only its token.
#[derive(Deserialize)]
pub(super) struct Nothing {}
