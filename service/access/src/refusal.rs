//! Why an action is refused.

use praman_language::sentence::Sentence;
use praman_store::error::StoreError;

use super::action::Action;
use super::approval::DecisionError;
use super::role::Role;

const NOT_AUTHORISED: Sentence = Sentence::of("fault-not-authorised");
const ISSUER_AWAY: Sentence = Sentence::of("fault-issuer-away");

/// Why an action is refused to a caller.
#[derive(Debug, thiserror::Error)]
pub enum AccessRefusal {
    /// The caller has not said who they are, and not anyone may do it.
    #[error(
        "{action} needs a credential: send an API key or a token as `Authorization: Bearer …`, or \
         a client's certificate"
    )]
    Unknown {
        /// What was to be done.
        action: &'static str,
    },
    /// What was shown is no credential that is valid now.
    #[error("{NOT_AUTHORISED}")]
    NotAuthorised,
    /// What was shown is an identity whose issuer can't be asked now.
    #[error("{ISSUER_AWAY}")]
    IssuerAway,
    /// The role may not.
    #[error("{} may not do this ({}); only {} may", role.name(), action.name(), allowed(*action))]
    Role {
        /// The role.
        role: Role,
        /// What was to be done.
        action: Action,
    },
    /// It belongs to another.
    #[error("{0}")]
    Another(Sentence),
    /// The tenant's quota is used up.
    #[error("the quota of {quota} a day for {action} is used up: try again tomorrow")]
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
    Refused(Sentence),
    /// What was approved can't be done any more, for a reason that the payments have.
    #[error("{0}")]
    NotDone(Box<dyn std::error::Error + Send + Sync>),
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

impl AccessRefusal {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(error) => error.exit_code(),
            _ => 1,
        }
    }
}

impl AccessRefusal {
    /// Returns the same for a person, in their language; none for what only programs and operators see.
    pub fn sentence(&self) -> Option<Sentence> {
        Some(match self {
            Self::Unknown { .. } => Sentence::of("fault-come-in"),
            Self::NotAuthorised => NOT_AUTHORISED,
            Self::IssuerAway => ISSUER_AWAY,
            Self::Role { role, action } => {
                let roles = match action.roles().unwrap_or_default() {
                    [] => &[Role::Operator],
                    roles => roles,
                };
                Sentence::of("fault-role")
                    .named("role", [role.text_name()])
                    .named("allowed", roles.iter().map(|role| role.text_name()))
            }
            Self::Another(sentence) | Self::Refused(sentence) => sentence.clone(),
            Self::Quota { quota, .. } => Sentence::of("fault-quota").count("quota", *quota),
            Self::NotDone(_) | Self::Failed(_) => return None,
        })
    }
}

/// Returns who may do an action, as programs and operators call them.
fn allowed(action: Action) -> String {
    match action.roles().unwrap_or_default() {
        [] => "the operator, at the command line".to_owned(),
        roles => roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", "),
    }
}

impl From<sqlx::Error> for AccessRefusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<DecisionError> for AccessRefusal {
    fn from(error: DecisionError) -> Self {
        match error {
            DecisionError::Refused(reason) => Self::NotDone(reason),
            DecisionError::Failed(error) => Self::Failed(error),
        }
    }
}
