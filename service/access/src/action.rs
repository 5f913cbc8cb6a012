//! What can be done and by whom: the only place that defines it.

use praman_store::named::named;

use super::role::Role::{
    self, Agency, Application, Auditor, Department, Kiosk, Office, Oversight, Provider, Relayer,
    Treasury,
};

named! {
    /// On what the processing of people's data rests.
    LegalBasis {
        /// No data of a person is processed.
        None = "none",
        /// The law of the benefit.
        Statutory = "statutory",
        /// The person's consent.
        Consent = "consent",
        /// A medical emergency.
        Emergency = "emergency",
        /// The duty to account for what was done.
        Accountability = "accountability",
    }
}

/// Who may do an action.
enum Who {
    /// Anyone, who need not say who they are.
    Anyone,
    /// Those in some roles.
    Roles(&'static [Role]),
}

/// Whether what was done is written to the audit log.
#[derive(PartialEq)]
enum Log {
    /// It is: it changes something, or opens what is sealed.
    Yes,
    /// It is not: it is public, reports only its own progress, or the ledger itself records it.
    No,
}

use LegalBasis::{Accountability, Consent, Emergency, None as NoData, Statutory};
use Log::{No, Yes};
use Who::{Anyone, Roles};

/// Everybody who has a credential.
const KNOWN: &[Role] = &[
    Oversight,
    Agency,
    Department,
    Office,
    Treasury,
    Auditor,
    Relayer,
    Kiosk,
    Provider,
    Application,
];

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal: $who:expr, $basis:ident, $log:ident;)*) => {
        named! {
            /// What can be done.
            Action { $($(#[$doc])* $variant = $name,)* }
        }

        impl Action {
            fn who(self) -> Who {
                match self { $(Self::$variant => $who,)* }
            }

            /// On what the processing rests.
            pub fn legal_basis(self) -> LegalBasis {
                match self { $(Self::$variant => $basis,)* }
            }

            fn log(self) -> Log {
                match self { $(Self::$variant => $log,)* }
            }
        }
    };
}

actions! {
    /// Hand in a claim. Nothing shows who claims.
    SubmitClaim = "claims.submit": Anyone, Statutory, No;
    /// See what became of a claim, by its id.
    ReadClaim = "claims.read": Anyone, NoData, No;
    /// See what can be claimed.
    ReadSchemes = "schemes.read": Anyone, NoData, No;
    /// Take the public state, whole or in large parts.
    ReadSnapshot = "snapshot.read": Anyone, NoData, No;
    /// Have a proof checked.
    VerifyProof = "proofs.verify": Anyone, NoData, No;
    /// See how a ceremony of keys stands, and its newest file.
    ReadCeremony = "ceremonies.read": Anyone, NoData, No;
    /// Take a turn to contribute to keys, or see how one's own stands.
    TakeTurn = "ceremonies.turn": Roles(KNOWN), NoData, No;
    /// Contribute to keys, in turn.
    ContributeToKeys = "ceremonies.contribute": Roles(KNOWN), Statutory, Yes;
    /// See the key that requests for proofs are sealed to.
    ReadProvingKey = "proofs.key": Anyone, NoData, No;
    /// Ask for a proof, for a person who has no device that makes it.
    AskForProof = "proofs.ask": Roles(&[Department, Office, Kiosk]), Statutory, No;
    /// See what became of one's requests for proofs.
    ReadProof = "proofs.read": Roles(&[Department, Office, Kiosk]), Statutory, No;
    /// Upload a register.
    UploadRegister = "registers.upload": Roles(&[Office]), Statutory, Yes;
    /// See which registers were uploaded, and how far they are.
    ReadRegisters = "registers.read": Roles(&[Department, Office]), NoData, No;
    /// Fetch what a register holds or what was issued to it: it opens what is sealed.
    FetchRegister = "registers.fetch": Roles(&[Office]), Statutory, Yes;
    /// Forget a register.
    ForgetRegister = "registers.forget": Roles(&[Office]), Statutory, Yes;
    /// Learn which people of a register are, or may be, enrolled already: each is counted.
    LearnMatches = "registers.matches": Roles(&[Office]), Statutory, Yes;
    /// Issue credentials, at the command line.
    Issue = "credentials.issue": Roles(&[]), Statutory, Yes;
    /// Revoke credentials.
    Revoke = "credentials.revoke": Roles(&[Department, Office]), Statutory, Yes;
    /// See the providers, their trees and the accesses that they gave, which name no person.
    ReadProviders = "providers.read": Anyone, NoData, No;
    /// Have a record released by a patient's consent. The ledger keeps each access.
    ReleaseRecord = "records.release": Roles(&[Provider, Application]), Consent, No;
    /// End the accesses that are left of a consent, by the patient's wallet. Nothing shows who withdraws.
    EndAccesses = "accesses.end": Anyone, Consent, No;
    /// Ask a patient for consent.
    AskForConsent = "consents.ask": Roles(&[Application]), Consent, Yes;
    /// Keep a patient's consents: register, grant, deny, withdraw, at the command line.
    KeepConsents = "consents.keep": Roles(&[]), Consent, Yes;
    /// Show a patient's consents, at the command line: it opens what is sealed.
    ShowConsents = "consents.show": Roles(&[]), Consent, Yes;
    /// Open a record in an emergency, at the command line.
    OpenInEmergency = "records.emergency": Roles(&[]), Emergency, Yes;
    /// Say which clinicians may sign emergency accesses, at the command line.
    KeepClinicians = "clinicians.keep": Roles(&[]), Emergency, Yes;
    /// Add providers, requesters, a consent manager and records, at the command line.
    KeepProviders = "providers.keep": Roles(&[]), Consent, Yes;
    /// See an order to erase.
    ReadErasure = "erasures.read": Roles(&[Auditor, Application]), NoData, No;
    /// Confirm that something is erased.
    ConfirmErasure = "erasures.confirm": Roles(&[Application]), Consent, Yes;
    /// See which user one's credential belongs to.
    ReadIdentity = "identity.read": Roles(KNOWN), NoData, No;
    /// See what was used, and what it costs.
    ReadUsage = "usage.read": Roles(KNOWN), NoData, No;
    /// Set quotas and prices, at the command line.
    SetTariff = "usage.set": Roles(&[]), NoData, Yes;
    /// See the users.
    ReadPrincipals = "principals.read": Roles(&[Oversight, Agency, Department, Auditor]), NoData, No;
    /// Add a user.
    AdmitPrincipal = "principals.admit": Roles(&[Oversight, Agency, Department]), NoData, Yes;
    /// Remove a user.
    RevokePrincipal = "principals.revoke": Roles(&[Oversight, Agency, Department]), NoData, Yes;
    /// Add a tenant, at the command line.
    AdmitTenant = "tenants.admit": Roles(&[]), NoData, Yes;
    /// See the approval requests.
    ReadApprovals = "approvals.read": Roles(&[Oversight, Agency, Office, Treasury, Auditor]), NoData, No;
    /// Approve or deny a request, as the second person.
    Decide = "approvals.decide": Roles(&[Oversight, Agency, Office, Treasury]), NoData, Yes;
    /// Read the audit log.
    ReadAudit = "audit.read": Roles(&[Oversight, Auditor]), Accountability, Yes;
    /// Write the bank's file, and read what the bank reports.
    Pay = "payments.pay": Roles(&[Treasury]), Statutory, Yes;
    /// Prove the sum of a period's paid claims, and tell it on the ledger, for good.
    SettlePeriod = "payments.settle": Roles(&[Treasury]), Statutory, Yes;
    /// See what the treasury has ordered and what the bank has done, by scheme and period.
    ReadPayments = "payments.read": Roles(&[Oversight, Agency, Department, Treasury, Auditor]), NoData, No;
    /// Open a period that is over for arrears, at the command line.
    OpenArrears = "periods.arrears": Roles(&[]), NoData, Yes;
    /// See how many claims there are, by day and district.
    ReadClaimFigures = "claims.figures": Roles(&[Oversight, Agency, Department, Treasury, Auditor]), NoData, No;
    /// Compare the rules of two versions of a scheme, and whom the change would affect.
    CompareSchemes = "schemes.compare": Roles(&[Oversight, Agency, Department, Auditor]), NoData, No;
    /// Review the possible duplicates of a register: it opens what is sealed.
    ReviewRegister = "registers.review": Roles(&[Office]), Statutory, Yes;
    /// See which claims must not be paid, and what was decided about them.
    ReadDisputes = "disputes.read": Roles(&[Oversight, Agency, Department, Treasury, Auditor]), NoData, No;
    /// See the workers, and what is pending for them.
    ReadWorkers = "workers.read": Roles(&[Oversight, Agency, Department, Auditor]), NoData, No;
    /// Open a case for a person who was refused.
    OpenCase = "cases.open": Roles(&[Department, Office, Kiosk]), Statutory, Yes;
    /// See one's own cases.
    ReadCases = "cases.read": Roles(&[Oversight, Department, Office, Auditor]), Statutory, No;
    /// Answer a case.
    AnswerCase = "cases.answer": Roles(&[Department]), Statutory, Yes;
    /// Decide an appeal.
    DecideAppeal = "cases.appeals": Roles(&[Oversight, Agency]), Statutory, Yes;
    /// See or appeal a case by the slip that its person holds.
    FollowCase = "cases.follow": Anyone, Statutory, No;
    /// See how many were refused, by office and cause.
    ReadExclusion = "cases.figures": Roles(&[Oversight, Agency, Department, Auditor]), NoData, No;
    /// See the desk's sign-in page.
    EnterDesk = "desk.enter": Anyone, NoData, No;
    /// Sign in to the desk and sign out. Who signs in is known by then.
    KeepSession = "desk.session": Anyone, NoData, Yes;
    /// See the service's description and its health.
    ReadService = "service.read": Anyone, NoData, No;
}

impl Action {
    /// Returns whether anyone may do it, without saying who they are.
    pub fn is_open(self) -> bool {
        matches!(self.who(), Anyone)
    }

    /// Returns whether a user in a role may do it. The operator may do everything: they have the machine.
    pub fn may_be_done_by(self, role: Role) -> bool {
        match self.who() {
            Anyone => true,
            Roles(roles) => role == Role::Operator || roles.contains(&role),
        }
    }

    /// Returns the remote roles that may do it; none if anyone may.
    pub fn roles(self) -> Option<&'static [Role]> {
        match self.who() {
            Anyone => None,
            Roles(roles) => Some(roles),
        }
    }

    /// Returns whether doing it is written to the audit log.
    pub fn is_logged(self) -> bool {
        self.log() == Yes
    }

    /// Returns whether a tenant can have a quota and a price for it.
    pub fn is_metered(self) -> bool {
        matches!(
            self,
            Self::AskForProof
                | Self::UploadRegister
                | Self::LearnMatches
                | Self::Revoke
                | Self::ReleaseRecord
                | Self::AskForConsent
        )
    }
}

impl std::str::FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::of_name(text)
            .ok_or_else(|| format!("{text:?} is not an action; see `praman access matrix`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_that_opens_or_changes_something_sealed_is_logged() {
        for &action in Action::ALL.iter().filter(|action| action.is_open()) {
            let names_somebody = action == Action::KeepSession;
            assert_eq!(action.is_logged(), names_somebody, "{}", action.name());
            assert!(!action.is_metered(), "{}: nobody pays", action.name());
        }
        for action in [
            Action::FetchRegister,
            Action::ShowConsents,
            Action::Pay,
            Action::SettlePeriod,
            Action::ReadAudit,
        ] {
            assert!(action.is_logged());
        }
    }

    #[test]
    fn patients_records_and_money_are_out_of_a_departments_reach() {
        for action in [
            Action::ReleaseRecord,
            Action::FetchRegister,
            Action::Pay,
            Action::SettlePeriod,
            Action::Decide,
        ] {
            assert!(!action.may_be_done_by(Department), "{}", action.name());
        }
    }
}
