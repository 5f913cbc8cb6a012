//! Who sends a request, and whether they may.

use axum::response::Response;
use jiff::civil::Date;
use praman_access::{
    AccessRefusal, AccessStore, Action, Admission, ApiKey, Approval, Caller, Credential, Decision,
    NewPrincipal, Principal, PrincipalNumber, Role, TenantName, Usage,
};
use praman_audit::{AuditEntry, AuditStore};
use praman_claims::Origin;
use praman_language::sentence::Sentence;
use praman_treasury::TreasuryDecisions;

use super::{Application, Fault};

/// The certificate that a client has shown in the handshake, by its digest.
#[derive(Clone, Copy)]
pub(crate) struct PeerCertificate(pub(crate) Credential);

/// The credentials that a request shows.
#[derive(Default)]
pub(crate) struct Shown {
    /// The header `Authorization`.
    pub(crate) authorization: Option<String>,
    /// The certificate of mutual TLS.
    pub(crate) certificate: Option<PeerCertificate>,
}

/// Returns whether an answer refuses a request to its caller, over HTTP or gRPC.
pub(crate) fn is_refusal(response: &Response) -> bool {
    // gRPC reports an immediate refusal in a header: not found, already exists, permission denied, resource
    // exhausted, failed precondition, aborted.
    let grpc = response.headers().get("grpc-status").and_then(|status| status.to_str().ok());
    grpc.is_some_and(|status| matches!(status, "5" | "6" | "7" | "8" | "9" | "10"))
        || matches!(response.status().as_u16(), 403 | 404 | 409 | 422 | 429)
}

impl Application {
    /// Returns the caller, if they may do an action; none, without checking, if anyone may.
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
        AuditStore(self.store()).authorise(&caller, action, subject).await?;
        Ok(Some(caller))
    }

    /// Returns the origin of a claim that a user hands in who may: their claims go before those of others. A caller
    /// that is not identified counts as anyone.
    pub(crate) async fn admitted_origin(&self, shown: &Shown) -> Option<Origin> {
        let caller = self.identify(shown).await.ok()??;
        let brings = [Role::Kiosk, Role::Office, Role::Department, Role::Relayer];
        let principal = caller.principal.filter(|_| brings.contains(&caller.role));
        principal.map(Origin::Admitted)
    }

    /// Does an action of a caller: authorised, counted and logged first.
    pub(crate) async fn perform<T>(
        &self,
        caller: &Caller,
        action: Action,
        subject: &str,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        AuditStore(self.store()).perform(caller, action, subject, work).await
    }

    /// Identifies the caller, if any credential is shown.
    pub(crate) async fn identify(&self, shown: &Shown) -> Result<Option<Caller>, AccessRefusal> {
        let store = self.store();
        let Some(authorization) = &shown.authorization else {
            let Some(PeerCertificate(certificate)) = shown.certificate else { return Ok(None) };
            return Ok(AccessStore(store).caller_of(certificate).await?);
        };
        // The scheme is case-insensitive: RFC 9110, section 11.1.
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

    /// Returns what a tenant used in a month: the caller's own, or any for a caller who sees all.
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

    /// Adds a user, or asks a second person to approve it.
    pub(crate) async fn admit_principal(
        &self,
        caller: &Caller,
        new: &NewPrincipal,
    ) -> Result<Admission, Fault> {
        let subject = format!("{} of {}: {}", new.role.name(), new.tenant, new.name);
        self.perform(caller, Action::AdmitPrincipal, &subject, async {
            Ok(AccessStore(self.store()).admit_principal(new, caller).await?)
        })
        .await
    }

    /// Removes a user.
    pub(crate) async fn revoke_principal(
        &self,
        caller: &Caller,
        number: PrincipalNumber,
    ) -> Result<bool, Fault> {
        let subject = format!("principal {}", number.0);
        self.perform(caller, Action::RevokePrincipal, &subject, async {
            let access = AccessStore(self.store());
            Ok(access.revoke_principal(number, caller, &TreasuryDecisions).await?)
        })
        .await
    }

    pub(crate) async fn approvals(&self, caller: &Caller) -> Result<Vec<Approval>, Fault> {
        Ok(AccessStore(self.store()).approvals(caller).await?)
    }

    /// Approves or denies a request, as the second person.
    pub(crate) async fn decide(
        &self,
        caller: &Caller,
        number: u32,
        decision: Decision,
    ) -> Result<Approval, Fault> {
        let subject = format!("approval {number}: {}", decision.name());
        self.perform(caller, Action::Decide, &subject, async {
            let access = AccessStore(self.store());
            Ok(access.decide(number, decision, caller, &TreasuryDecisions).await?)
        })
        .await
    }

    /// Returns entries of the audit log; reading them is an entry too.
    pub(crate) async fn audit_entries(
        &self,
        caller: &Caller,
        from: u64,
    ) -> Result<Vec<AuditEntry>, Fault> {
        self.perform(caller, Action::ReadAudit, &format!("entries from {from}"), async {
            Ok(AuditStore(self.store()).audit_entries(from).await?)
        })
        .await
    }
}
