//! In which role a user acts.

use praman_store::named::named;

named! {
    /// A role. All but three are roles on the ledger too, by the same names.
    Role {
        /// A member of the oversight committee; on the ledger a member of the committee's contract.
        Oversight = "oversight",
        /// The state's implementing agency.
        Agency = "agency",
        /// A department.
        Department = "department",
        /// An issuing office.
        Office = "office",
        /// A treasury.
        Treasury = "treasury",
        /// An auditor.
        Auditor = "auditor",
        /// A relayer, which submits claims to the ledger.
        Relayer = "relayer",
        /// A kiosk, which proves for people who have no device. The ledger does not know it.
        Kiosk = "kiosk",
        /// A provider of health care.
        Provider = "provider",
        /// Someone else's program; it asks for health records.
        Application = "application",
        /// Who runs the program on the machine itself, and so has the store and its keys.
        Operator = "operator",
    }
}

impl Role {
    /// Returns whether its users can move money, add other users, or see what others must not: two persons add
    /// such a user.
    pub fn needs_two_persons(self) -> bool {
        match self {
            Self::Oversight | Self::Agency | Self::Treasury | Self::Auditor | Self::Relayer => true,
            Self::Department | Self::Office | Self::Kiosk | Self::Provider | Self::Application => {
                false
            }
            Self::Operator => true,
        }
    }

    /// Returns whether its users have a number: the office's, or the participant's on the ledger.
    pub fn has_member(self) -> bool {
        matches!(self, Self::Office | Self::Provider | Self::Application)
    }

    /// Returns the name of the text that people read for it.
    pub fn text_name(self) -> String {
        format!("role-{}", self.name())
    }

    /// Returns the roles that a credential can be given for: no one is the operator remotely.
    pub fn from_afar() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|&role| role != Self::Operator)
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known: Vec<&str> = Self::from_afar().map(Self::name).collect();
        let found = Self::from_afar().find(|role| role.name() == text);
        found.ok_or_else(|| format!("{text:?} is not a role; the roles are {}", known.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operator_is_refused_as_a_role_from_afar() {
        assert!("operator".parse::<Role>().is_err(), "nobody is it from afar");
    }
}
