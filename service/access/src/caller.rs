//! The caller of an action.

use praman_circuits::office::OfficeId;
use praman_language::sentence::Sentence;

use super::action::Action;
use super::principal::PrincipalNumber;
use super::refusal::AccessRefusal;
use super::role::Role;
use super::tenant::TenantName;

/// The caller, once identified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Which principal; none for the operator, and for a caller with an office's own token.
    pub principal: Option<PrincipalNumber>,
    /// As people call them.
    pub name: String,
    /// In which role they act.
    pub role: Role,
    /// For whom; none for the operator, who acts for the whole service.
    pub tenant: Option<TenantName>,
    /// The office's or participant's number, of roles that have one.
    pub member: Option<u32>,
}

impl Caller {
    /// Returns the operator, who runs the program on the machine itself.
    pub fn operator() -> Self {
        Self {
            principal: None,
            name: "operator".to_owned(),
            role: Role::Operator,
            tenant: None,
            member: None,
        }
    }

    /// Returns the caller of the token that an office's key derives.
    pub fn office(office: OfficeId, tenant: TenantName) -> Self {
        Self {
            principal: None,
            name: format!("office {}", office.0),
            role: Role::Office,
            tenant: Some(tenant),
            member: Some(office.0),
        }
    }

    /// Checks that they may do an action at all; what it is done to is checked later.
    ///
    /// # Errors
    /// [`AccessRefusal::Role`].
    pub fn require(&self, action: Action) -> Result<(), AccessRefusal> {
        if action.may_be_done_by(self.role) {
            return Ok(());
        }
        Err(AccessRefusal::Role { role: self.role, action })
    }

    /// Returns whether they see all tenants.
    pub fn sees_all(&self) -> bool {
        matches!(self.role, Role::Oversight | Role::Agency | Role::Auditor | Role::Operator)
    }

    /// Returns whether they may see what a tenant owns.
    pub fn sees(&self, tenant: &TenantName) -> bool {
        self.sees_all() || self.tenant.as_ref() == Some(tenant)
    }

    /// Returns the tenant's name as a column has it; the operator's is empty.
    pub fn tenant_column(&self) -> &str {
        self.tenant.as_ref().map_or("", TenantName::as_str)
    }

    /// Checks that a number is that of the member they act for.
    ///
    /// # Errors
    /// [`AccessRefusal::Another`].
    pub fn require_member(&self, number: u32) -> Result<(), AccessRefusal> {
        if self.role == Role::Operator || self.member == Some(number) {
            return Ok(());
        }
        Err(AccessRefusal::Another(match self.member {
            Some(own) => {
                Sentence::of("fault-another-member").count("number", number).count("own", own)
            }
            None => Sentence::of("fault-no-member-own").count("number", number),
        }))
    }
}
