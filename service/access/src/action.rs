//! What can be done, and by whom: the one place that says so.

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

/// Who may do something.
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
    /// It is not: it is public, tells only of its own progress, or the ledger itself has it.
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
    /// Hand in a claim. Who claims is told by nothing.
    SubmitClaim = "claims.submit": Anyone, Statutory, No;
    /// See what became of a claim, by its id.
    ReadClaim = "claims.read": Anyone, NoData, No;
    /// See what can be claimed.
    ReadSchemes = "schemes.read": Anyone, NoData, No;
    /// Take the public state, whole or in large parts.
    ReadSnapshot = "snapshot.read": Anyone, NoData, No;
    /// Have a proof checked.
    VerifyProof = "proofs.verify": Anyone, NoData, No;
    /// See the key that requests for proofs are sealed to.
    ReadProvingKey = "proofs.key": Anyone, NoData, No;
    /// Ask for a proof, for a person who has no device that makes it.
    AskForProof = "proofs.ask": Roles(&[Department, Office, Kiosk]), Statutory, No;
    /// See what became of one's requests for proofs.
    ReadProof = "proofs.read": Roles(&[Department, Office, Kiosk]), Statutory, No;
    /// Bring a register.
    UploadRegister = "registers.upload": Roles(&[Office]), Statutory, Yes;
    /// See which registers were brought, and how far they are.
    ReadRegisters = "registers.read": Roles(&[Department, Office]), NoData, No;
    /// Fetch what a register holds or what was issued to it: it opens what is sealed.
    FetchRegister = "registers.fetch": Roles(&[Office]), Statutory, Yes;
    /// Forget a register.
    ForgetRegister = "registers.forget": Roles(&[Office]), Statutory, Yes;
    /// Learn of a register's people that they are, or may be, enrolled already: each is counted.
    LearnMatches = "registers.matches": Roles(&[Office]), Statutory, Yes;
    /// Issue credentials, at the command line.
    Issue = "credentials.issue": Roles(&[]), Statutory, Yes;
    /// Revoke credentials.
    Revoke = "credentials.revoke": Roles(&[Department, Office]), Statutory, Yes;
    /// See which providers there are, their trees and the accesses that they gave, which name nobody.
    ReadProviders = "providers.read": Anyone, NoData, No;
    /// Have a record released by a patient's consent. The ledger keeps each access.
    ReleaseRecord = "records.release": Roles(&[Provider, Application]), Consent, No;
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
    /// Add providers, requesters and records, at the command line.
    KeepProviders = "providers.keep": Roles(&[]), Consent, Yes;
    /// See an order to erase.
    ReadErasure = "erasures.read": Roles(&[Auditor, Application]), NoData, No;
    /// Confirm that something is erased.
    ConfirmErasure = "erasures.confirm": Roles(&[Application]), Consent, Yes;
    /// See who one is taken for.
    ReadIdentity = "identity.read": Roles(KNOWN), NoData, No;
    /// See what was used, and what it costs.
    ReadUsage = "usage.read": Roles(KNOWN), NoData, No;
    /// Set quotas and prices, at the command line.
    SetTariff = "usage.set": Roles(&[]), NoData, Yes;
    /// See who may act.
    ReadPrincipals = "principals.read": Roles(&[Oversight, Agency, Department, Auditor]), NoData, No;
    /// Let somebody act.
    AdmitPrincipal = "principals.admit": Roles(&[Oversight, Agency, Department]), NoData, Yes;
    /// Let somebody act no more.
    RevokePrincipal = "principals.revoke": Roles(&[Oversight, Agency, Department]), NoData, Yes;
    /// Bring a tenant in, at the command line.
    AdmitTenant = "tenants.admit": Roles(&[]), NoData, Yes;
    /// See what waits for a second person.
    ReadApprovals = "approvals.read": Roles(&[Oversight, Agency, Office, Treasury, Auditor]), NoData, No;
    /// Be the second person.
    Decide = "approvals.decide": Roles(&[Oversight, Agency, Office, Treasury]), NoData, Yes;
    /// Read the audit log.
    ReadAudit = "audit.read": Roles(&[Oversight, Auditor]), Accountability, Yes;
    /// Write the bank's file, and read what the bank reports.
    Pay = "payments.pay": Roles(&[Treasury]), Statutory, Yes;
    /// See what the treasury has ordered and what the bank has done, by scheme and period.
    ReadPayments = "payments.read": Roles(&[Oversight, Agency, Department, Treasury, Auditor]), NoData, No;
    /// Open a period that is over for arrears, at the command line.
    OpenArrears = "periods.arrears": Roles(&[]), NoData, Yes;
    /// See how many claims there are, by day and district.
    ReadClaimFigures = "claims.figures": Roles(&[Oversight, Agency, Department, Treasury, Auditor]), NoData, No;
    /// Compare the rules of two versions of a scheme, and whom the change would affect.
    CompareSchemes = "schemes.compare": Roles(&[Oversight, Agency, Department, Auditor]), NoData, No;
    /// Say of rows that were taken for duplicates whose they are: it opens what is sealed.
    ReviewRegister = "registers.review": Roles(&[Office]), Statutory, Yes;
    /// See what must not be paid, and what was decided of it.
    ReadDisputes = "disputes.read": Roles(&[Oversight, Agency, Department, Treasury, Auditor]), NoData, No;
    /// See who proves, and what waits to be proved.
    ReadWorkers = "workers.read": Roles(&[Oversight, Agency, Department, Auditor]), NoData, No;
    /// Open a case for somebody who was refused.
    OpenCase = "cases.open": Roles(&[Department, Office, Kiosk]), Statutory, Yes;
    /// See the cases of one's own.
    ReadCases = "cases.read": Roles(&[Oversight, Department, Office, Auditor]), Statutory, No;
    /// Answer a case.
    AnswerCase = "cases.answer": Roles(&[Department]), Statutory, Yes;
    /// Decide an appeal.
    DecideAppeal = "cases.appeals": Roles(&[Oversight, Agency]), Statutory, Yes;
    /// See or appeal a case by the slip that its person holds.
    FollowCase = "cases.follow": Anyone, Statutory, No;
    /// See how many were refused, by office and cause.
    ReadExclusion = "cases.figures": Roles(&[Oversight, Agency, Department, Auditor]), NoData, No;
    /// See the desk's entrance.
    EnterDesk = "desk.enter": Anyone, NoData, No;
    /// Come in at the desk, and leave it. Who comes in is known by then.
    KeepSession = "desk.session": Anyone, NoData, Yes;
    /// See how the service is described, and whether it is well.
    ReadService = "service.read": Anyone, NoData, No;
}

impl Action {
    /// Whether anyone may do it, without saying who they are.
    pub fn is_open(self) -> bool {
        matches!(self.who(), Anyone)
    }

    /// Whether somebody in a role may do it. The operator has the machine.
    pub fn may_be_done_by(self, role: Role) -> bool {
        match self.who() {
            Anyone => true,
            Roles(roles) => role == Role::Operator || roles.contains(&role),
        }
    }

    /// Who may do it, of those who come from afar; none if anyone may.
    pub fn roles(self) -> Option<&'static [Role]> {
        match self.who() {
            Anyone => None,
            Roles(roles) => Some(roles),
        }
    }

    /// Whether it is written to the audit log when somebody does it.
    pub fn is_logged(self) -> bool {
        self.log() == Yes
    }

    /// Whether a tenant can have a quota and a price for it.
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
    fn what_opens_something_sealed_or_changes_it_is_logged() {
        for &action in Action::ALL.iter().filter(|action| action.is_open()) {
            let names_somebody = action == Action::KeepSession;
            assert_eq!(action.is_logged(), names_somebody, "{}", action.name());
            assert!(!action.is_metered(), "{}: nobody pays", action.name());
        }
        for action in [Action::FetchRegister, Action::ShowConsents, Action::Pay, Action::ReadAudit]
        {
            assert!(action.is_logged());
        }
    }

    #[test]
    fn a_patients_records_and_money_are_out_of_a_departments_reach() {
        for action in [Action::ReleaseRecord, Action::FetchRegister, Action::Pay, Action::Decide] {
            assert!(!action.may_be_done_by(Department), "{}", action.name());
        }
    }
}
