//! The one way to act: authorised, counted, written down, then done.

use praman_access::{AccessRefusal, AccessStore, Action, Caller};
use praman_store::error::StoreError;

use super::entry::AuditOutcome;
use crate::AuditStore;

impl AuditStore<'_> {
    /// Does an action of a caller: their role must allow it; it counts for their tenant, if tenants have quotas and
    /// prices for it; it is written to the audit log, if the action is; and only then is the work done.
    ///
    /// The subject is what the action is on. It names nobody, and nothing that a document holds. What the caller may
    /// act on is checked before: an action on what belongs to another does not count.
    ///
    /// # Errors
    /// [`AccessRefusal::Role`], [`AccessRefusal::Quota`], [`AccessRefusal::Failed`] if it can't be written down, and
    /// then the work is not begun; otherwise the work's own.
    pub async fn perform<T, E: From<AccessRefusal>>(
        &self,
        caller: &Caller,
        action: Action,
        subject: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.admit(caller, action, subject).await?;
        work.await
    }

    /// Admits an action that the caller then does by itself, as [`perform`](Self::perform) does.
    ///
    /// # Errors
    /// As of [`perform`](Self::perform); then it must not be done.
    pub async fn admit(
        &self,
        caller: &Caller,
        action: Action,
        subject: &str,
    ) -> Result<(), AccessRefusal> {
        self.admit_many(caller, action, 1, subject).await
    }

    /// Admits an action that counts several times.
    ///
    /// # Errors
    /// As of [`perform`](Self::perform); then it must not be done.
    pub async fn admit_many(
        &self,
        caller: &Caller,
        action: Action,
        times: u32,
        subject: &str,
    ) -> Result<(), AccessRefusal> {
        self.authorise(caller, action, subject).await?;
        if action.is_metered()
            && let Some(tenant) = &caller.tenant
        {
            AccessStore(self.0).meter(tenant, action, times).await?;
        }
        if action.is_logged() {
            self.log(caller, action, subject, AuditOutcome::Allowed).await?;
        }
        Ok(())
    }

    /// Checks that a caller's role may do an action; a refusal is written down.
    ///
    /// # Errors
    /// [`AccessRefusal::Role`]; [`AccessRefusal::Failed`] if the refusal can't be written down.
    pub async fn authorise(
        &self,
        caller: &Caller,
        action: Action,
        subject: &str,
    ) -> Result<(), AccessRefusal> {
        let Err(refusal) = caller.require(action) else { return Ok(()) };
        self.keep_refusal(caller, action, subject).await?;
        Err(refusal)
    }

    /// Writes down that an action was refused which the caller's role may do: it belongs to another, or there is a
    /// reason against it. An action that is not logged leaves no entry. What can't be written is reported: the action
    /// was not done in any case.
    pub async fn note_refusal(&self, caller: &Caller, action: Action, subject: &str) {
        if let Err(error) = self.keep_refusal(caller, action, subject).await {
            tracing::error!("a refusal could not be written to the audit log: {error}");
        }
    }

    /// The same, for what must not be answered before it is written down.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn keep_refusal(
        &self,
        caller: &Caller,
        action: Action,
        subject: &str,
    ) -> Result<(), StoreError> {
        if !action.is_logged() || action.is_open() {
            return Ok(());
        }
        self.log(caller, action, subject, AuditOutcome::Refused).await
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use praman_access::{Quota, Role, TenantName};
    use praman_store::Store;

    use super::*;

    /// What an action leaves in the log, whether it was done, and how it ended.
    async fn done(
        store: &Store,
        caller: &Caller,
        action: Action,
    ) -> (Vec<AuditOutcome>, bool, Result<(), AccessRefusal>) {
        let before = AuditStore(store).audit_length().await.expect("a length");
        let is_done = Cell::new(false);
        let work = async {
            is_done.set(true);
            Ok(())
        };
        let outcome = AuditStore(store).perform(caller, action, "a register", work).await;
        let entries = AuditStore(store).audit_entries(before + 1).await.expect("entries");
        (entries.into_iter().map(|entry| entry.outcome).collect(), is_done.get(), outcome)
    }

    #[tokio::test]
    async fn action_is_authorised_counted_and_logged_before_it_is_done() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let tenant: TenantName = "food".parse().expect("a name");
        AccessStore(&store).admit_tenant(&tenant, "Food", &[], &[]).await.expect("admitted");
        let tenant_of = |role| Caller {
            principal: None,
            name: "Asha".to_owned(),
            role,
            tenant: Some(tenant.clone()),
            member: Some(1),
        };
        let office = tenant_of(Role::Office);
        let quota = Quota { tenant: tenant.clone(), action: Action::Revoke, a_day: Some(1) };
        AccessStore(&store).set_quota(&quota).await.expect("set");

        let (entries, is_done, outcome) = done(&store, &office, Action::Revoke).await;
        assert_eq!((entries, is_done), (vec![AuditOutcome::Allowed], true));
        outcome.expect("done");
        // Beyond the quota nothing is done, and nothing is said to be allowed.
        let (entries, is_done, outcome) = done(&store, &office, Action::Revoke).await;
        assert_eq!((entries, is_done), (Vec::new(), false));
        assert!(matches!(outcome, Err(AccessRefusal::Quota { quota: 1, .. })), "{outcome:?}");
        // A role that may not is written down, and does not count.
        let kiosk = tenant_of(Role::Kiosk);
        let (entries, is_done, outcome) = done(&store, &kiosk, Action::UploadRegister).await;
        assert_eq!((entries, is_done), (vec![AuditOutcome::Refused], false));
        assert!(matches!(outcome, Err(AccessRefusal::Role { .. })), "{outcome:?}");
        // What is not logged leaves no entry, done or refused.
        let (entries, is_done, outcome) = done(&store, &office, Action::ReadRegisters).await;
        assert_eq!((entries, is_done, outcome.is_ok()), (Vec::new(), true, true));
        let (entries, is_done, outcome) = done(&store, &kiosk, Action::ReadAudit).await;
        assert_eq!((entries, is_done), (vec![AuditOutcome::Refused], false));
        assert!(outcome.is_err());
        let month = praman_language::calendar::date_of(praman_language::calendar::today());
        let usage = AccessStore(&store).usage(&tenant, month.expect("a date")).await;
        let lines = usage.expect("usage").lines;
        assert_eq!(
            lines.iter().map(|line| (line.action, line.count)).collect::<Vec<_>>(),
            [(Action::Revoke.name(), 1)]
        );
    }

    #[tokio::test]
    async fn work_that_is_refused_is_noted_by_its_door() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let operator = Caller::operator();
        for (action, expected) in [(Action::Pay, 1), (Action::ReadPayments, 0)] {
            let before = AuditStore(&store).audit_length().await.expect("a length");
            AuditStore(&store).note_refusal(&operator, action, "batch 7").await;
            let after = AuditStore(&store).audit_length().await.expect("a length");
            assert_eq!(after - before, expected, "{}", action.name());
        }
    }
}
