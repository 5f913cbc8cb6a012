//! Cases of people who were refused.

use praman_access::{Action, Caller};
use praman_grievance::{Case, CaseOutcome, GrievanceStore, NewCase, OpenedCase};

use super::{Application, Fault};

impl Application {
    /// Opens a case.
    pub(crate) async fn open_case(
        &self,
        caller: &Caller,
        new: &NewCase,
    ) -> Result<OpenedCase, Fault> {
        self.perform(caller, Action::OpenCase, &new.subject(), async {
            Ok(GrievanceStore(self.store()).open_case(new, caller).await?)
        })
        .await
    }

    /// Answers a case.
    pub(crate) async fn answer_case(
        &self,
        caller: &Caller,
        number: u32,
        outcome: CaseOutcome,
    ) -> Result<Case, Fault> {
        self.perform(caller, Action::AnswerCase, &outcome.subject(number), async {
            Ok(GrievanceStore(self.store()).answer_case(number, outcome, caller).await?)
        })
        .await
    }

    /// Decides an appeal.
    pub(crate) async fn decide_appeal(
        &self,
        caller: &Caller,
        number: u32,
        outcome: CaseOutcome,
    ) -> Result<Case, Fault> {
        self.perform(caller, Action::DecideAppeal, &outcome.subject(number), async {
            Ok(GrievanceStore(self.store()).decide_appeal(number, outcome, caller).await?)
        })
        .await
    }
}
