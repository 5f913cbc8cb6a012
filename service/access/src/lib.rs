//! Who may do what.
//!
//! A **principal** is a person or a machine that acts for a **tenant** in a **role**, and is known by one
//! credential: an API key, the certificate of mutual TLS, or a subject of an OpenID issuer. An **action** is
//! what can be done, however it is requested; [`Action::may_be_done_by`] is the only place that says by whom,
//! and [`door::action_of`] knows the action behind every path and every remote procedure. What has no rule is
//! refused. [`matrix`] prints all of it.
//!
//! Roles are those of the ledger, and three more that it knows in another form or not at all: the oversight
//! committee, kiosks, and the operator, who runs the program on the machine itself.
//!
//! ```
//! use praman_access::{Action, Role};
//!
//! assert!(Action::ReadSchemes.is_open());
//! assert!(Action::FetchRegister.may_be_done_by(Role::Office));
//! assert!(!Action::FetchRegister.may_be_done_by(Role::Department));
//! ```

mod action;
mod api_key;
mod approval;
mod caller;
pub mod door;
pub mod matrix;
mod openid;
mod openid_client_key;
mod openid_error;
mod openid_key;
mod openid_login;
mod openid_token;
mod principal;
mod refusal;
mod role;
mod scheme_scope;
mod tenant;
mod two_persons;
mod usage;

use praman_store::Store;

pub use action::{Action, LegalBasis};
pub use api_key::ApiKey;
pub use approval::{
    Admission, Approval, ApprovalKind, ApprovalState, Decision, DecisionError, PaymentDecisions,
    end_waiting,
};
pub use approval::{Waiting, person};
pub use caller::Caller;
pub use openid::OpenIdIssuer;
pub use openid_client_key::OpenIdClientKey;
pub use openid_error::OpenIdSettingError;
pub use openid_login::{LoggedIn, LoginAnswer, LoginAttempt, OpenIdClient, OpenIdClientProof};
pub use principal::days_from_now;
pub use principal::{Credential, NewPrincipal, Principal, PrincipalNumber, certificate_digest};
pub use refusal::AccessRefusal;
pub use role::Role;
pub use scheme_scope::SchemeScope;
pub use tenant::{Tenant, TenantError, TenantName};
pub use usage::{Price, Quota, TariffError, Usage, UsageLine};

/// Users, approval requests, departments and their quotas, in a store.
#[derive(Clone, Copy)]
pub struct AccessStore<'s>(pub &'s Store);
