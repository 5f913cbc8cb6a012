//! Why somebody may not.

use super::action::Action;
use super::role::Role;
use crate::error::ServiceError;

/// Why something is not done for whoever asks.
#[derive(Debug, thiserror::Error)]
pub enum AccessRefusal {
    /// Nobody has said who they are, and not anyone may do it.
    #[error(
        "{action} needs a credential: show an API key or a token as `Authorization: Bearer …`, or a \
         client's certificate"
    )]
    Unknown {
        /// What was to be done.
        action: &'static str,
    },
    /// What was shown is no credential that is good now.
    #[error("the credential that was shown is not known here, has expired or was revoked")]
    NotAuthorised,
    /// What was shown is an identity whose issuer can't be asked now.
    #[error("the issuer of the token can't be reached; ask again, or show an API key")]
    IssuerAway,
    /// The role may not.
    #[error("{role} may not do this ({action}); it is for {allowed}")]
    Role {
        /// The role.
        role: &'static str,
        /// What was to be done.
        action: &'static str,
        /// Who may.
        allowed: String,
    },
    /// It is another's.
    #[error("{0}")]
    Another(String),
    /// The tenant's quota is used up.
    #[error("the quota of {quota} a day for {action} is used up")]
    Quota {
        /// What was to be done.
        action: &'static str,
        /// How often a day.
        quota: u64,
        /// Seconds until the next day.
        retry_after_s: u64,
    },
    /// The answer is no, for a reason.
    #[error("{0}")]
    Refused(String),
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] ServiceError),
}

impl AccessRefusal {
    /// A role that may not.
    pub(super) fn role(role: Role, action: Action) -> Self {
        let roles = action.roles().unwrap_or_default().iter().map(|role| role.name());
        let mut allowed = roles.collect::<Vec<_>>().join(", ");
        if allowed.is_empty() {
            allowed = "the operator, at the command line".to_owned();
        }
        Self::Role { role: role.name(), action: action.name(), allowed }
    }
}

impl From<sqlx::Error> for AccessRefusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// At the command line.
impl From<AccessRefusal> for ServiceError {
    fn from(refusal: AccessRefusal) -> Self {
        match refusal {
            AccessRefusal::Failed(error) => error,
            other => Self::Refused(other.to_string()),
        }
    }
}
