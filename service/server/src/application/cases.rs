//! Cases of people who were refused.

use praman_access::{Action, Caller};
use praman_audit::AuditStore;
use praman_grievance::{Case, CaseOutcome, GrievanceStore, NewCase, OpenedCase};

use super::{Application, Fault};

impl Application {
    /// Opens a case.
    pub(crate) async fn open_case(
        &self,
        caller: &Caller,
        new: &NewCase,
    ) -> Result<OpenedCase, Fault> {
        AuditStore(self.store()).log_allowed(caller, Action::OpenCase, &new.subject()).await?;
        Ok(GrievanceStore(self.store()).open_case(new, caller).await?)
    }

    /// Answers a case.
    pub(crate) async fn answer_case(
        &self,
        caller: &Caller,
        number: u32,
        outcome: CaseOutcome,
    ) -> Result<Case, Fault> {
        let subject = outcome.subject(number);
        AuditStore(self.store()).log_allowed(caller, Action::AnswerCase, &subject).await?;
        Ok(GrievanceStore(self.store()).answer_case(number, outcome, caller).await?)
    }

    /// Decides an appeal.
    pub(crate) async fn decide_appeal(
        &self,
        caller: &Caller,
        number: u32,
        outcome: CaseOutcome,
    ) -> Result<Case, Fault> {
        let subject = outcome.subject(number);
        AuditStore(self.store()).log_allowed(caller, Action::DecideAppeal, &subject).await?;
        Ok(GrievanceStore(self.store()).decide_appeal(number, outcome, caller).await?)
    }
}
