//! Who asks, and whether they may.

use axum::response::Response;
use jiff::civil::Date;
use praman_access::{
    AccessRefusal, AccessStore, Action, Admission, ApiKey, Approval, Caller, Credential, Decision,
    NewPrincipal, Principal, PrincipalNumber, Role, TenantName, Usage,
};
use praman_audit::{AuditEntry, AuditOutcome, AuditStore};
use praman_claims::Origin;
use praman_language::sentence::Sentence;
use praman_treasury::TreasuryDecisions;

use super::{Application, Fault};

/// The certificate that a client has shown in the handshake, by its digest.
#[derive(Clone, Copy)]
pub(crate) struct PeerCertificate(pub(crate) Credential);

/// What somebody shows of who they are.
#[derive(Default)]
pub(crate) struct Shown {
    /// The header `Authorization`.
    pub(crate) authorization: Option<String>,
    /// The certificate of mutual TLS.
    pub(crate) certificate: Option<PeerCertificate>,
}

/// Whether an answer is that something is not for who asks, over HTTP or gRPC.
pub(crate) fn is_refusal(response: &Response) -> bool {
    // gRPC answers what it refuses at once by a header: not found, there already, not permitted, too much,
    // not now, aborted.
    let grpc = response.headers().get("grpc-status").and_then(|status| status.to_str().ok());
    grpc.is_some_and(|status| matches!(status, "5" | "6" | "7" | "8" | "9" | "10"))
        || matches!(response.status().as_u16(), 403 | 404 | 409 | 422 | 429)
}

impl Application {
    /// Who asks, if they may do something; nobody is asked who they are where anyone may.
    pub(crate) async fn let_in(
        &self,
        action: Action,
        shown: &Shown,
        subject: &str,
    ) -> Result<Option<Caller>, Fault> {
        if action.is_open() {
            return Ok(None);
        }
        let caller = self.identify(shown).await?;
        let unknown = || AccessRefusal::Unknown { action: action.name() };
        let caller = caller.ok_or_else(unknown)?;
        self.permit(&caller, action, subject).await?;
        Ok(Some(caller))
    }

    /// From whom a claim comes, if somebody brings it who was let in to bring claims: theirs go before those
    /// of anyone. Who can't be told is anyone.
    pub(crate) async fn admitted_origin(&self, shown: &Shown) -> Option<Origin> {
        let caller = self.identify(shown).await.ok()??;
        let brings = [Role::Kiosk, Role::Office, Role::Department, Role::Relayer];
        let principal = caller.principal.filter(|_| brings.contains(&caller.role));
        principal.map(Origin::Admitted)
    }

    /// Whether somebody may do something; that they may not is written down.
    pub(crate) async fn permit(
        &self,
        caller: &Caller,
        action: Action,
        subject: &str,
    ) -> Result<(), Fault> {
        if let Err(refusal) = caller.require(action) {
            if action.is_logged() {
                AuditStore(self.store())
                    .log(caller, action, subject, AuditOutcome::Refused)
                    .await?;
            }
            return Err(refusal.into());
        }
        Ok(())
    }

    /// Writes down that something was asked for by somebody whose role may do it, and was not done: it is
    /// another's, or not theirs to decide.
    pub(crate) async fn note_refusal(&self, caller: &Caller, action: Action, subject: &str) {
        if !action.is_logged() || action.is_open() {
            return;
        }
        let logged =
            AuditStore(self.store()).log(caller, action, subject, AuditOutcome::Refused).await;
        if let Err(error) = logged {
            tracing::error!("a refusal could not be written to the audit log: {error}");
        }
    }

    /// Who shows something, if anybody does.
    pub(crate) async fn identify(&self, shown: &Shown) -> Result<Option<Caller>, AccessRefusal> {
        let store = self.store();
        let Some(authorization) = &shown.authorization else {
            let Some(PeerCertificate(certificate)) = shown.certificate else { return Ok(None) };
            return Ok(AccessStore(store).caller_of(certificate).await?);
        };
        // The scheme is written in any case: RFC 9110, section 11.1.
        let shown = authorization.split_once(' ');
        let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let token = shown.ok_or(AccessRefusal::NotAuthorised)?.1;
        let caller = if let Some(key) = ApiKey::parse(token) {
            AccessStore(store).caller_of(key.credential()).await?
        } else if let (Some(issuer), true) = (&self.openid, token.contains('.')) {
            AccessStore(store).caller_of(issuer.credential_of(token).await?).await?
        } else if let Some(office) =
            self.issuing.as_ref().and_then(|desk| desk.office_of_token(token))
        {
            Some(Caller::office(office, AccessStore(store).tenant_of_office(office).await?))
        } else {
            None
        };
        caller.map(Some).ok_or(AccessRefusal::NotAuthorised)
    }

    /// What a tenant used in a month: one's own, or any for who sees all.
    pub(crate) async fn usage(
        &self,
        caller: &Caller,
        tenant: Option<TenantName>,
        month: Date,
    ) -> Result<Usage, Fault> {
        let tenant = tenant.or_else(|| caller.tenant.clone());
        let tenant = tenant.ok_or_else(|| Fault::malformed("tenant is missing: give it"))?;
        if !caller.sees(&tenant) {
            return Err(Fault::not_found(Sentence::of("fault-no-tenant").text("tenant", &tenant)));
        }
        Ok(AccessStore(self.store()).usage(&tenant, month).await?)
    }

    pub(crate) async fn principals(&self, caller: &Caller) -> Result<Vec<Principal>, Fault> {
        Ok(AccessStore(self.store()).principals(caller).await?)
    }

    /// Lets somebody act, or has it wait for a second person.
    pub(crate) async fn admit_principal(
        &self,
        caller: &Caller,
        new: &NewPrincipal,
    ) -> Result<Admission, Fault> {
        let subject = format!("{} of {}: {}", new.role.name(), new.tenant, new.name);
        AuditStore(self.store()).log_allowed(caller, Action::AdmitPrincipal, &subject).await?;
        Ok(AccessStore(self.store()).admit_principal(new, caller).await?)
    }

    /// Lets somebody act no more.
    pub(crate) async fn revoke_principal(
        &self,
        caller: &Caller,
        number: PrincipalNumber,
    ) -> Result<bool, Fault> {
        AuditStore(self.store())
            .log_allowed(caller, Action::RevokePrincipal, &format!("principal {}", number.0))
            .await?;
        Ok(AccessStore(self.store()).revoke_principal(number, caller, &TreasuryDecisions).await?)
    }

    pub(crate) async fn approvals(&self, caller: &Caller) -> Result<Vec<Approval>, Fault> {
        Ok(AccessStore(self.store()).approvals(caller).await?)
    }

    /// Is the second person.
    pub(crate) async fn decide(
        &self,
        caller: &Caller,
        number: u32,
        decision: Decision,
    ) -> Result<Approval, Fault> {
        let subject = format!("approval {number}: {}", decision.name());
        AuditStore(self.store()).log_allowed(caller, Action::Decide, &subject).await?;
        Ok(AccessStore(self.store()).decide(number, decision, caller, &TreasuryDecisions).await?)
    }

    /// Entries of the audit log; that they are read is one too.
    pub(crate) async fn audit_entries(
        &self,
        caller: &Caller,
        from: u64,
    ) -> Result<Vec<AuditEntry>, Fault> {
        AuditStore(self.store())
            .log_allowed(caller, Action::ReadAudit, &format!("entries from {from}"))
            .await?;
        Ok(AuditStore(self.store()).audit_entries(from).await?)
    }
}
