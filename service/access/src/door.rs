//! The doors: every path and every remote procedure, and the action behind it.

use super::action::Action::{self, *};

/// A door: one way to request an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// The method; of gRPC `RPC`.
    pub method: &'static str,
    /// The path, as routes are written: `/v1/claims/{id}`.
    pub path: &'static str,
    /// What is done by it.
    pub action: Action,
}

const fn door(method: &'static str, path: &'static str, action: Action) -> Door {
    Door { method, path, action }
}

/// A remote procedure.
const fn rpc(path: &'static str, action: Action) -> Door {
    door("RPC", path, action)
}

/// All doors.
pub const DOORS: &[Door] = &[
    door("POST", "/v1/claims", SubmitClaim),
    door("GET", "/v1/claims/{id}", ReadClaim),
    door("GET", "/v1/claims/{id}/events", ReadClaim),
    door("GET", "/v1/proofs/key", ReadProvingKey),
    door("POST", "/v1/proofs", AskForProof),
    door("GET", "/v1/proofs/{id}", ReadProof),
    door("GET", "/v1/proofs/{id}/events", ReadProof),
    door("GET", "/v1/schemes", ReadSchemes),
    door("GET", "/v1/schemes/{id}", ReadSchemes),
    door("GET", "/v1/snapshot", ReadSnapshot),
    door("GET", "/v1/snapshot/changes", ReadSnapshot),
    door("GET", "/v1/snapshot/{office}/{number}", ReadSnapshot),
    door("GET", "/v1/nullifiers/{scope}/{period}", ReadSnapshot),
    door("GET", "/v1/nullifiers/{scope}/{period}/{prefix}", ReadSnapshot),
    door("POST", "/v1/verify", VerifyProof),
    door("GET", "/v1/ceremonies/{name}", ReadCeremony),
    door("GET", "/v1/ceremonies/{name}/file", ReadCeremony),
    door("GET", "/ceremony", ReadCeremony),
    door("POST", "/v1/ceremonies/{name}/turns", TakeTurn),
    door("POST", "/v1/ceremonies/{name}/contributions", ContributeToKeys),
    door("POST", "/v1/ceremonies/{name}/attestations", ContributeToKeys),
    door("POST", "/v1/offices/{office}/registers", UploadRegister),
    door("GET", "/v1/offices/{office}/registers", ReadRegisters),
    door("GET", "/v1/offices/{office}/registers/{id}", ReadRegisters),
    door("DELETE", "/v1/offices/{office}/registers/{id}", ForgetRegister),
    door("GET", "/v1/offices/{office}/registers/{id}/events", ReadRegisters),
    door("GET", "/v1/offices/{office}/registers/{id}/{content}", FetchRegister),
    door("POST", "/v1/offices/{office}/revocations", Revoke),
    door("POST", "/v1/accesses", ReleaseRecord),
    door("POST", "/v1/withdrawals", EndAccesses),
    door("POST", "/v1/consents/requests", AskForConsent),
    door("GET", "/v1/providers", ReadProviders),
    door("GET", "/v1/providers/{provider}/records", ReadProviders),
    door("GET", "/v1/providers/{provider}/consents", ReadProviders),
    door("GET", "/v1/providers/{provider}/accesses", ReadProviders),
    door("GET", "/v1/erasures/{consent}", ReadErasure),
    door("POST", "/v1/erasures/{consent}", ConfirmErasure),
    door("GET", "/v1/identity", ReadIdentity),
    door("GET", "/v1/usage", ReadUsage),
    door("GET", "/v1/principals", ReadPrincipals),
    door("POST", "/v1/principals", AdmitPrincipal),
    door("DELETE", "/v1/principals/{number}", RevokePrincipal),
    door("GET", "/v1/approvals", ReadApprovals),
    door("POST", "/v1/approvals/{number}", Decide),
    door("GET", "/v1/audit", ReadAudit),
    door("GET", "/v1/openapi.json", ReadService),
    door("GET", "/healthz", ReadService),
    door("GET", "/readyz", ReadService),
    door("POST", "/v1/cases", OpenCase),
    door("GET", "/v1/cases", ReadCases),
    door("GET", "/v1/cases/figures", ReadExclusion),
    door("POST", "/v1/cases/{number}/answer", AnswerCase),
    door("POST", "/v1/cases/{number}/appeal", FollowCase),
    door("POST", "/v1/cases/{number}/decision", DecideAppeal),
    door("POST", "/v1/cases/{number}/slip", FollowCase),
    door("GET", "/desk", EnterDesk),
    door("GET", "/desk/enter", EnterDesk),
    door("POST", "/desk/enter", KeepSession),
    door("GET", "/desk/enter/openid", EnterDesk),
    door("GET", "/desk/enter/openid/back", KeepSession),
    door("POST", "/desk/leave", KeepSession),
    door("GET", "/desk/assets/{file}", EnterDesk),
    door("GET", "/desk/schemes", ReadSchemes),
    door("GET", "/desk/schemes/{scheme}", ReadSchemes),
    door("GET", "/desk/schemes/{scheme}/changes", CompareSchemes),
    door("POST", "/desk/schemes/{scheme}/changes", CompareSchemes),
    door("GET", "/desk/registers", ReadRegisters),
    door("GET", "/desk/offices/{office}/registers", ReadRegisters),
    door("POST", "/desk/offices/{office}/registers", UploadRegister),
    door("GET", "/desk/offices/{office}/registers/{id}", ReadRegisters),
    door("GET", "/desk/offices/{office}/registers/{id}/rows", FetchRegister),
    door("GET", "/desk/offices/{office}/registers/{id}/duplicates", ReviewRegister),
    door("POST", "/desk/offices/{office}/registers/{id}/duplicates", ReviewRegister),
    door("GET", "/desk/revocations", Revoke),
    door("POST", "/desk/offices/{office}/revocations", Revoke),
    door("GET", "/desk/claims", ReadClaimFigures),
    door("GET", "/desk/payments", ReadPayments),
    door("GET", "/desk/disputes", ReadDisputes),
    door("GET", "/desk/workers", ReadWorkers),
    door("GET", "/desk/principals", ReadPrincipals),
    door("POST", "/desk/principals", AdmitPrincipal),
    door("POST", "/desk/principals/{number}/end", RevokePrincipal),
    door("GET", "/desk/approvals", ReadApprovals),
    door("POST", "/desk/approvals/{number}", Decide),
    door("GET", "/desk/cases", ReadCases),
    door("GET", "/desk/cases/new", OpenCase),
    door("POST", "/desk/cases/new", OpenCase),
    door("POST", "/desk/cases/{number}/answer", AnswerCase),
    door("POST", "/desk/cases/{number}/decision", DecideAppeal),
    door("GET", "/desk/cases/figures", ReadExclusion),
    door("GET", "/desk/slip", FollowCase),
    door("POST", "/desk/slip", FollowCase),
    door("POST", "/desk/slip/appeal", FollowCase),
    door("GET", "/desk/audit", ReadAudit),
    rpc("/praman.v1.Claims/Submit", SubmitClaim),
    rpc("/praman.v1.Claims/Status", ReadClaim),
    rpc("/praman.v1.Claims/Watch", ReadClaim),
    rpc("/praman.v1.Proving/Key", ReadProvingKey),
    rpc("/praman.v1.Proving/Prove", AskForProof),
    rpc("/praman.v1.Proving/ProveMany", AskForProof),
    rpc("/praman.v1.Proving/Watch", ReadProof),
    rpc("/praman.v1.Schemes/List", ReadSchemes),
    rpc("/praman.v1.Schemes/Get", ReadSchemes),
    rpc("/praman.v1.Snapshots/Head", ReadSnapshot),
    rpc("/praman.v1.Snapshots/Subtree", ReadSnapshot),
    rpc("/praman.v1.Snapshots/Leaves", ReadSnapshot),
    rpc("/praman.v1.Snapshots/Changes", ReadSnapshot),
    rpc("/praman.v1.Issuing/Upload", UploadRegister),
    rpc("/praman.v1.Issuing/List", ReadRegisters),
    rpc("/praman.v1.Issuing/Status", ReadRegisters),
    rpc("/praman.v1.Issuing/Watch", ReadRegisters),
    rpc("/praman.v1.Issuing/Download", FetchRegister),
    rpc("/praman.v1.Issuing/Forget", ForgetRegister),
    rpc("/praman.v1.Issuing/Revoke", Revoke),
    rpc("/praman.v1.Verification/Verify", VerifyProof),
    rpc("/praman.v1.Consents/Release", ReleaseRecord),
    rpc("/praman.v1.Consents/Ask", AskForConsent),
    rpc("/praman.v1.Consents/Accesses", ReadProviders),
    rpc("/grpc.health.v1.Health/Check", ReadService),
    rpc("/grpc.health.v1.Health/List", ReadService),
    rpc("/grpc.health.v1.Health/Watch", ReadService),
    rpc("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", ReadService),
    rpc("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", ReadService),
];

/// Returns the action behind a route, as it is written; none if it has no rule, and then it is refused.
pub fn action_of(method: &str, route: &str) -> Option<Action> {
    // A user who may read may request the head alone.
    let method = if method == "HEAD" { "GET" } else { method };
    let found = DOORS.iter().find(|door| door.method == method && door.path == route);
    found.map(|door| door.action)
}

/// Returns the action behind a remote procedure's path.
pub fn action_of_procedure(path: &str) -> Option<Action> {
    action_of("RPC", path)
}

/// Returns a remote procedure's name, or that there is none.
pub fn procedure_of(path: &str) -> String {
    if action_of_procedure(path).is_some() { path.to_owned() } else { "none".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_without_a_rule_is_open_to_nobody() {
        assert_eq!(action_of("POST", "/v1/schemes"), None);
        assert_eq!(action_of("GET", "/v1/claims"), None);
        assert_eq!(action_of("HEAD", "/v1/schemes"), Some(ReadSchemes));
        assert_eq!(action_of_procedure("/praman.v1.Claims/Delete"), None);
    }
}
