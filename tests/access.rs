//! Who may do what, through public doors: every way in, in every role; two persons; tenants; quotas;
//! certificates and tokens; and the audit log of all of it.

use std::fs;
use std::process::Command;

use postgres::on_both;
use praman::access_control::door::DOORS;
use praman::access_control::{
    AccessRefusal, AccessStore, Action, Admission, ApiKey, ApprovalState, Caller, Credential,
    Decision, NewPrincipal, Role, TenantName,
};
use praman::audit::{self, AuditEntry, AuditFault, AuditStore};
use praman::ledger::{LedgerAnchor, ParticipantNumber};
use praman::store::Store;
use praman::treasury::TreasuryDecisions;
use running::Service;
use serde_json::{Value, json};
use support::State;
use tempfile::TempDir;

use crate::support;
use crate::support::{postgres, service as running};

/// A ledger and an office that is a tenant's.
fn with_office() -> State {
    let state = State::new();
    state.set_up("eligibility", "keys");
    for arguments in [
        &["office", "new", "--name", "Block", "--schema", "resident", "--out", "office.json"][..],
        &["ledger", "start", "--keys", "keys"],
        &["access", "tenant", "tests", "--title", "Tests", "--office", "0"],
    ] {
        state.json(arguments);
    }
    state
}

fn member_of(role: Role) -> &'static [&'static str] {
    match role {
        Role::Office => &["--member", "0"],
        Role::Provider | Role::Application => &["--member", "7"],
        _ => &[],
    }
}

/// What an answer says of who asked.
#[derive(Debug, PartialEq)]
enum Said {
    LetIn,
    Unknown,
    Forbidden,
}

/// Asks at a door, with as little as a program can send.
fn knock(service: &Service, method: &str, path: &str, shown: Option<&str>) -> Said {
    let mut path = path.to_owned();
    for (name, value) in [
        ("{office}", "0"),
        ("{number}", "99"),
        ("{id}", &"0".repeat(64)),
        ("{content}", "report"),
        ("{provider}", "1"),
        ("{consent}", "none"),
        ("{scheme}", "annapurna"),
        ("{file}", "desk.css"),
    ] {
        path = path.replace(name, value);
    }
    let mut curl = Command::new("curl");
    // What is watched goes on for ever: its headers come at once.
    let patience = if path.ends_with("/Watch") { "2" } else { "30" };
    curl.args(["--silent", "--max-time", patience, "--output", "/dev/null", "--dump-header", "-"]);
    if method == "RPC" {
        let empty = ["--http2-prior-knowledge", "-H", "content-type: application/grpc"];
        curl.args(empty).args(["--data-binary", "@-"]);
    } else {
        curl.args(["--request", method]);
        if method == "POST" {
            curl.args(["--data", "{}"]);
        }
    }
    if let Some(shown) = shown {
        curl.args(["-H", shown]);
    }
    // The message of five bytes that holds nothing.
    let empty = TempDir::new().expect("a folder");
    let file = empty.path().join("message");
    fs::write(&file, [0; 5]).expect("written");
    curl.arg(format!("{}{path}", service.address));
    // Answered before the request was read to its end, curl may lose the answer: it is asked again.
    let mut headers = String::new();
    for _ in 0..20 {
        curl.stdin(fs::File::open(&file).expect("opened"));
        let output = curl.output().expect("curl is there");
        headers = String::from_utf8_lossy(&output.stdout).to_lowercase();
        if method != "RPC" || headers.starts_with("http/") {
            break;
        }
    }
    let status = headers.split(' ').nth(1).unwrap_or_default();
    if method != "RPC" {
        return match status {
            "401" => Said::Unknown,
            "403" => Said::Forbidden,
            // What can't be done now is answered, too; a fault of the service's own is not.
            "" | "500" => panic!("{method} {path} is not answered: {status}"),
            _ => Said::LetIn,
        };
    }
    let told = headers.lines().find_map(|line| line.strip_prefix("grpc-status: "));
    match told.map(str::trim) {
        Some("16") => Said::Unknown,
        Some("7") => Said::Forbidden,
        _ if status == "200" => Said::LetIn,
        _ => panic!("{path} is not answered: {headers}"),
    }
}

#[test]
fn every_way_in_is_open_to_whom_the_matrix_says_and_to_nobody_else() {
    let state = with_office();
    // Oversight and agency last: from then on two persons are needed.
    let mut roles: Vec<Role> = Role::from_afar().collect();
    roles.sort_by_key(|role| matches!(role, Role::Oversight | Role::Agency));
    let keys: Vec<(Role, String)> =
        roles.iter().map(|&role| (role, state.shown(role.name(), member_of(role)))).collect();
    let service = Service::start(&state, &["--office", "office.json"]);
    let (mut let_in, mut refused) = (0, 0);
    for door in DOORS {
        let open = door.action.is_open();
        let said = knock(&service, door.method, door.path, None);
        let expected = if open { Said::LetIn } else { Said::Unknown };
        assert_eq!(said, expected, "nobody at {} {}", door.method, door.path);
        for (role, shown) in &keys {
            let said = knock(&service, door.method, door.path, Some(shown));
            let may = door.action.may_be_done_by(*role);
            let expected = if may { Said::LetIn } else { Said::Forbidden };
            let role = role.name();
            assert_eq!(said, expected, "{role} at {} {}", door.method, door.path);
            (let_in, refused) = (let_in + usize::from(may), refused + usize::from(!may));
        }
        if !open {
            let wrong = format!("Authorization: Bearer praman_{}", "0".repeat(64));
            let said = knock(&service, door.method, door.path, Some(&wrong));
            assert_eq!(said, Said::Unknown, "a key of nobody at {}", door.path);
        }
    }
    println!("{} ways in, {} roles: {let_in} let in, {refused} refused", DOORS.len(), keys.len());
    assert!(let_in > 300 && refused > 200, "{let_in} let in, {refused} refused");
    // A known principal that was refused what is logged stands in the log, and the log holds.
    let entries = service.curl_as(&keys_of(&keys, Role::Auditor), "/v1/audit?from=1", &[]).json();
    let entries = entries.as_array().expect("entries");
    let kiosk = |entry: &&Value| entry["role"] == "kiosk" && entry["outcome"] == "refused";
    assert!(entries.iter().filter(kiosk).count() > 5, "{entries:?}");
    assert_eq!(service.stop(), 0);
    assert_eq!(state.run(&["audit", "verify"]).code, 0);
}

fn keys_of(keys: &[(Role, String)], role: Role) -> String {
    keys.iter().find(|(known, _)| *known == role).expect("a key").1.clone()
}

#[test]
fn money_and_keys_take_two_persons() {
    let state = with_office();
    let admit = |name: &str, role: &str, out: &str, more: &[&str]| {
        let admit = ["access", "admit", "--name", name, "--role", role, "--tenant", "tests"];
        state.json(&[more, &admit[..], &["--key-out", out]].concat())
    };
    // The first ones the operator brings in alone.
    assert_eq!(admit("R. Das", "agency", "das.key", &[])["admitted"]["role"], "agency");
    assert_eq!(admit("M. Ali", "oversight", "ali.key", &[])["admitted"]["number"], 2);
    // From then on also the operator needs somebody.
    assert_eq!(admit("T. Sen", "treasury", "sen.key", &[])["waits"], 1);
    state.refused(&["--as", "sen.key", "access", "approvals"], 1, "not known here");
    state.refused(&["access", "approve", "1"], 1, "their own credential");
    assert_eq!(admit("T. Roy", "treasury", "roy.key", &["--as", "das.key"])["waits"], 2);
    state.refused(&["--as", "das.key", "access", "approve", "2"], 1, "can't be the second");
    // Another principal of the same person is no second person.
    assert_eq!(admit("R  DAS", "agency", "das2.key", &["--as", "ali.key"])["waits"], 3);
    state.json(&["--as", "das.key", "access", "approve", "3"]);
    state.refused(&["--as", "das2.key", "access", "approve", "2"], 1, "can't be the second");
    let waiting = state.json(&["--as", "ali.key", "access", "approvals"]);
    assert_eq!(waiting["approvals"][1]["document"]["name"], "T. Roy", "{waiting}");
    assert_eq!(state.json(&["--as", "ali.key", "access", "deny", "2"])["state"], "denied");
    state.refused(&["--as", "ali.key", "access", "approve", "2"], 1, "already denied");
    // The operator may be either of two overseers: the first who approves only stands for it.
    let stands = state.json(&["--as", "das.key", "access", "approve", "1"]);
    assert_eq!((&stands["state"], &stands["asked_by"]), (&json!("waiting"), &json!("R. Das")));
    state.refused(&["--as", "sen.key", "access", "approvals"], 1, "not known here");
    state.refused(&["--as", "das.key", "access", "approve", "1"], 1, "can't be the second");
    state.json(&["--as", "ali.key", "access", "approve", "1"]);
    // What was approved acts; what was denied does not; a role that is not asked decides nothing.
    state.json(&["--as", "sen.key", "access", "approvals"]);
    state.refused(&["--as", "roy.key", "access", "approvals"], 1, "not known here");
    assert_eq!(admit("A. Paul", "auditor", "paul.key", &["--as", "das.key"])["waits"], 4);
    state.refused(&["--as", "sen.key", "access", "approve", "4"], 1, "decided by oversight");
    state.refused(&["--as", "sen.key", "access", "revoke", "1"], 1, "treasury may not do this");
    // A kiosk takes one person; a key file is not overwritten; the same credential is one principal's.
    assert!(admit("Kiosk 1", "kiosk", "kiosk.key", &["--as", "das.key"])["admitted"].is_object());
    let again =
        ["access", "admit", "--name", "b", "--role", "kiosk", "--tenant", "tests", "--key-out"];
    state.refused(&[&again[..], &["kiosk.key"]].concat(), 2, "never overwritten");
    let digest = state.json(&["access", "key", "--out", "own.key"])["digest"].clone();
    let digest = digest.as_str().expect("a digest");
    let by_digest = ["access", "admit", "--name", "c", "--role", "kiosk", "--tenant", "tests"];
    let by_digest = [&by_digest[..], &["--digest", digest]].concat();
    state.json(&by_digest);
    state.refused(&by_digest, 1, "already used");
    // Over HTTP the same, by who shows a key; and to take away takes one person.
    let service = Service::start(&state, &[]);
    let shown = |file: &str| {
        let key = fs::read_to_string(state.path(file)).expect("a key");
        format!("Authorization: Bearer {}", key.trim())
    };
    let approve = ["--data", r#"{"decision":"approve"}"#];
    let refused = service.curl_as(&shown("das.key"), "/v1/approvals/4", &approve);
    assert_eq!((refused.status, refused.code().as_str()), (422, "refused"), "{}", refused.body);
    let done = service.curl_as(&shown("ali.key"), "/v1/approvals/4", &approve);
    assert_eq!((done.status, &done.json()["state"]), (200, &json!("approved")), "{}", done.body);
    let body = json!({ "name": "d", "role": "kiosk", "tenant": "tests",
                       "credential_kind": "api-key", "credential": "0".repeat(64) });
    let body = body.to_string();
    let made = service.curl_as(&shown("das.key"), "/v1/principals", &["--data", &body]);
    assert_eq!(made.status, 201, "{}", made.body);
    let bad = body.replace("kiosk", "operator");
    let bad = service.curl_as(&shown("das.key"), "/v1/principals", &["--data", &bad]);
    assert!(bad.status == 400 && bad.body.contains("role: "), "{}", bad.body);
    let who = service.curl_as(&shown("kiosk.key"), "/v1/identity", &[]).json();
    assert_eq!((&who["role"], &who["tenant"]), (&json!("kiosk"), &json!("tests")));
    let kiosk = format!("/v1/principals/{}", who["principal"]);
    let ended = service.curl_as(&shown("das.key"), &kiosk, &["--request", "DELETE"]);
    assert_eq!(ended.json()["ended"], true, "{}", ended.body);
    assert_eq!(service.curl_as(&shown("kiosk.key"), "/v1/identity", &[]).status, 401);
    assert_eq!(service.stop(), 0);
    // No key, and nothing that was sent, is in the log.
    state.json(&["audit", "export", "--out", "audit.ndjson"]);
    let log = fs::read_to_string(state.path("audit.ndjson")).expect("exported");
    for file in ["das.key", "ali.key", "kiosk.key"] {
        let key = fs::read_to_string(state.path(file)).expect("a key");
        assert!(!log.contains(key.trim().trim_start_matches("praman_")), "{file}");
    }
    let decided = log.lines().filter(|line| line.contains("\"approvals.decide\"")).count();
    assert!(decided >= 8, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn person_admitted_again_by_the_same_subject_is_no_second_person() {
    on_both(async |store| {
        let operator = Caller::operator();
        let name = |text: &str| text.parse::<TenantName>().expect("a name");
        for tenant in ["food", "health"] {
            AccessStore(&store).admit_tenant(&name(tenant), tenant, &[], &[]).await.expect("admitted");
        }
        let subject = |subject: &str| Credential::open_id("https://login.example", subject);
        let new = |person: &str, role: Role, credential: Credential| NewPrincipal {
            name: person.to_owned(),
            role,
            tenant: name("food"),
            member: None,
            credential,
            expires_at: None,
        };
        let admitted = async |new: &NewPrincipal| {
            let admission = AccessStore(&store).admit_principal(new, &operator).await.expect("admitted");
            assert!(matches!(admission, Admission::Admitted(_)), "{admission:?}");
            AccessStore(&store).caller_of(new.credential).await.expect("read").expect("known")
        };
        let asker = admitted(&new("A. Sen", Role::Treasury, subject("one"))).await;
        let number = asker.principal.expect("a number");
        assert!(AccessStore(&store).revoke_principal(number, &operator, &TreasuryDecisions).await.expect("revoked"));
        // As an earlier version left it: what a revoked person had asked to pay waited on.
        sqlx::query(
            "INSERT INTO approval (number, kind, tenant, document, asked_by, asked_by_name, asked_at,
                                   expires_at, state)
             VALUES (1, 'pay', 'food', '{}', $1, 'A. Sen', 0, $2, 'waiting')",
        )
        .bind(i64::from(number.0))
        .bind(i64::MAX)
        .execute(store.writer())
        .await
        .expect("a batch that waits");
        let again = admitted(&new("Anil Sen", Role::Treasury, subject("one"))).await;
        let decided = AccessStore(&store).decide(1, Decision::Approve, &again, &TreasuryDecisions).await;
        let refusal = decided.expect_err("it is the one who asked").to_string();
        assert_eq!(refusal, "the person who requested this can't be the second person");
        let another = admitted(&new("B. Roy", Role::Treasury, subject("two"))).await;
        AccessStore(&store).decide(1, Decision::Approve, &another, &TreasuryDecisions).await.expect("another person");

        // Whose subject it is, another department is not told; and none takes it as if it were a key's.
        let health = NewPrincipal {
            tenant: name("health"),
            ..new("Health", Role::Department, ApiKey::generate().credential())
        };
        let health = admitted(&health).await;
        let kiosk = |credential| NewPrincipal {
            tenant: name("health"),
            ..new("Kiosk", Role::Kiosk, credential)
        };
        let taken = AccessStore(&store).admit_principal(&kiosk(subject("two")), &health).await;
        let told = taken.expect_err("it is somebody's").to_string();
        assert_eq!(told, "this credential was already used: make a new one");
        let Credential::OpenId(digest) = subject("three") else { panic!("a subject") };
        AccessStore(&store).admit_principal(&kiosk(Credential::ApiKey(digest)), &health).await.expect("a key");
        admitted(&new("C. Pal", Role::Kiosk, subject("three"))).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_that_waited_too_long_is_over_and_departments_stay_apart() {
    on_both(async |store| {
        let operator = Caller::operator();
        let name = |text: &str| text.parse::<TenantName>().expect("a name");
        for tenant in ["food", "health"] {
            AccessStore(&store)
                .admit_tenant(&name(tenant), tenant, &[], &[])
                .await
                .expect("admitted");
        }
        let new = |person: &str, role: Role, tenant: &str| NewPrincipal {
            name: person.to_owned(),
            role,
            tenant: name(tenant),
            member: None,
            credential: ApiKey::generate().credential(),
            expires_at: None,
        };
        let admitted = async |new: &NewPrincipal, by: &Caller| {
            let admission = AccessStore(&store).admit_principal(new, by).await.expect("admitted");
            assert!(matches!(admission, Admission::Admitted(_)));
            AccessStore(&store).caller_of(new.credential).await.expect("read").expect("known")
        };
        let food = admitted(&new("Food", Role::Department, "food"), &operator).await;
        let health = admitted(&new("Health", Role::Department, "health"), &operator).await;
        admitted(&new("Kiosk", Role::Kiosk, "food"), &food).await;
        for (who, what) in [
            (&health, new("Kiosk", Role::Kiosk, "food")),
            (&health, new("More", Role::Department, "health")),
            (&food, new("Own", Role::Treasury, "food")),
        ] {
            let refused = AccessStore(&store).admit_principal(&what, who).await;
            assert!(matches!(refused, Err(AccessRefusal::Another(_))), "{refused:?}");
        }
        let seen: Vec<_> = AccessStore(&store).principals(&health).await.expect("listed");
        assert_eq!(seen.len(), 1, "a department sees its own");
        let kiosk = AccessStore(&store).principals(&food).await.expect("listed")[1].number;
        assert!(
            AccessStore(&store).revoke_principal(kiosk, &health, &TreasuryDecisions).await.is_err(),
            "another's is none"
        );
        assert!(
            AccessStore(&store)
                .revoke_principal(kiosk, &food, &TreasuryDecisions)
                .await
                .expect("revoked")
        );
        assert!(
            !AccessStore(&store)
                .revoke_principal(kiosk, &food, &TreasuryDecisions)
                .await
                .expect("told")
        );

        // An expired credential is none.
        let over = NewPrincipal { expires_at: Some(1), ..new("Old", Role::Kiosk, "food") };
        AccessStore(&store).admit_principal(&over, &operator).await.expect("admitted");
        assert_eq!(AccessStore(&store).caller_of(over.credential).await.expect("read"), None);

        // What waited for a week is over.
        let first = admitted(&new("First", Role::Agency, "food"), &operator).await;
        let second = admitted(&new("Second", Role::Agency, "food"), &operator).await;
        let third = new("Third", Role::Agency, "food");
        let Admission::Waits(number) =
            AccessStore(&store).admit_principal(&third, &first).await.expect("asked")
        else {
            panic!("two persons are needed");
        };
        sqlx::query("UPDATE approval SET expires_at = 1")
            .execute(store.writer())
            .await
            .expect("set");
        let late = AccessStore(&store)
            .decide(number, Decision::Approve, &second, &TreasuryDecisions)
            .await;
        assert!(late.is_err_and(|refusal| refusal.to_string().contains("request it again")));
        assert_eq!(AccessStore(&store).caller_of(third.credential).await.expect("read"), None);
    })
    .await;
}

/// Writes an entry, as somebody who has the store could.
async fn put(store: &Store, entry: &AuditEntry) {
    sqlx::query(
        "INSERT INTO audit_entry (number, at, name, role, tenant, action, subject, outcome,
                                  legal_basis, previous, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(entry.number as i64)
    .bind(entry.at)
    .bind(&entry.name)
    .bind(&entry.role)
    .bind(&entry.tenant)
    .bind(&entry.action)
    .bind(&entry.subject)
    .bind(entry.outcome.name())
    .bind(&entry.legal_basis)
    .bind(entry.previous.to_vec())
    .bind(entry.hash.to_vec())
    .execute(store.writer())
    .await
    .expect("written");
}

/// Sets what the log's head says.
async fn set_head(store: &Store, number: i64, hash: [u8; 32]) {
    sqlx::query("UPDATE audit_head SET number = $1, hash = $2")
        .bind(number)
        .bind(hash.to_vec())
        .execute(store.writer())
        .await
        .expect("tampered");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_programs_write_one_log_and_whatever_is_changed_is_named() {
    on_both(async |store| {
        let mut programs = tokio::task::JoinSet::new();
        for program in 0..6 {
            let store = store.clone();
            programs.spawn(async move {
                for number in 0..10 {
                    let caller = Caller::operator();
                    let subject = format!("program {program}, act {number}");
                    AuditStore(&store)
                        .admit(&caller, Action::Issue, &subject)
                        .await
                        .expect("logged");
                }
            });
        }
        programs.join_all().await;
        let entries = AuditStore(&store).audit_entries(1).await.expect("read");
        assert_eq!(entries.len(), 60);
        let fault = async |anchors: &[LedgerAnchor], named: &[ParticipantNumber]| {
            let kept = AuditStore(&store).audit_anchors().await.expect("read");
            audit::verify(&store, &kept, anchors, named).await.expect("looked").fault
        };
        assert_eq!(fault(&[], &[]).await, None);
        let set = async |statement: &'static str| {
            sqlx::query(statement).execute(store.writer()).await.expect("tampered");
        };
        // Each kind of tampering, and back.
        let restore = async || {
            set("DELETE FROM audit_entry").await;
            for entry in &entries {
                put(&store, entry).await;
            }
        };
        let changed = AuditFault::Changed { number: 17 };
        for statement in [
            "UPDATE audit_entry SET subject = 'another' WHERE number = 17",
            "UPDATE audit_entry SET at = at + 1 WHERE number = 17",
            "UPDATE audit_entry SET name = 'somebody else' WHERE number = 17",
            "UPDATE audit_entry SET outcome = 'refused' WHERE number = 17",
            "UPDATE audit_entry SET legal_basis = 'consent' WHERE number = 17",
            "UPDATE audit_entry SET principal = 3 WHERE number = 17",
        ] {
            set(statement).await;
            assert_eq!(fault(&[], &[]).await, Some(changed.clone()), "{statement}");
            restore().await;
        }
        set("DELETE FROM audit_entry WHERE number = 23").await;
        let missing = AuditFault::Missing { number: 23, after: 22, next: 24 };
        assert_eq!(fault(&[], &[]).await, Some(missing));
        restore().await;
        set("UPDATE audit_entry SET outcome = 'perhaps' WHERE number = 5").await;
        assert_eq!(fault(&[], &[]).await, Some(AuditFault::Unreadable { number: 5 }));
        restore().await;
        // Two that change places: the first of them is named.
        set("UPDATE audit_entry SET number = 100 WHERE number = 30").await;
        set("UPDATE audit_entry SET number = 30 WHERE number = 31").await;
        set("UPDATE audit_entry SET number = 31 WHERE number = 100").await;
        assert_eq!(fault(&[], &[]).await, Some(AuditFault::Changed { number: 30 }));
        restore().await;
        set("DELETE FROM audit_entry WHERE number > 50").await;
        let cut = AuditFault::CutOff { ends_at: 50, entries: 60 };
        assert_eq!(fault(&[], &[]).await, Some(cut.clone()));

        // Who cuts the head off too is found by what the ledger has.
        let participant = ParticipantNumber(6);
        let anchor = |number: u64, digest| LedgerAnchor {
            participant,
            number,
            digest,
            count: number,
            block: 9,
        };
        let said = [anchor(40, entries[39].hash), anchor(60, entries[59].hash)];
        set_head(&store, 50, entries[49].hash).await;
        assert_eq!(fault(&[], &[participant]).await, None, "without the ledger it looks whole");
        assert_eq!(fault(&said, &[participant]).await, Some(cut));
        // And who writes an entry and all after it anew, with hashes that fit.
        let mut previous = entries[42].previous;
        for entry in &entries[42..] {
            let mut forged = entry.clone();
            forged.previous = previous;
            forged.subject = "nothing to see".to_owned();
            forged.hash = forged.compute_hash();
            previous = forged.hash;
            sqlx::query("DELETE FROM audit_entry WHERE number = $1")
                .bind(forged.number as i64)
                .execute(store.writer())
                .await
                .expect("tampered");
            put(&store, &forged).await;
        }
        set_head(&store, 60, previous).await;
        assert_eq!(fault(&[], &[participant]).await, None, "without the ledger it looks whole");
        let rewritten = AuditFault::NotAsAnchored { number: 60, block: 9, after: 40 };
        assert_eq!(fault(&said, &[participant]).await, Some(rewritten));
        let other = ParticipantNumber(7);
        assert_eq!(fault(&said, &[other]).await, None, "another's anchors are of another log");
    })
    .await;
}

#[test]
fn audit_log_is_fixed_by_the_ledger_and_verified_by_anyone() {
    let state = with_office();
    let anchored = state.json(&["audit", "anchor"]);
    assert_eq!(anchored["anchor"]["entries"], 1, "the tenant: {anchored}");
    let participant = anchored["anchor"]["participant"].to_string();
    assert_eq!(state.json(&["audit", "anchor"])["anchor"], Value::Null, "nothing is new");
    state.json(&["access", "tenant", "more", "--title", "More"]);
    let verified = state.json(&["audit", "verify", "--participant", &participant]);
    assert_eq!((&verified["entries"], &verified["anchored"]), (&json!(2), &json!(1)));
    state.json(&["audit", "anchor"]);
    assert_eq!(state.json(&["audit", "verify"])["anchored"], 2);
    // Somebody makes up that the ledger has all that ever will be: it is named, and stops nothing.
    state.sql("insert into audit_anchor values (1000000, 1, 7, 0)");
    let entry_and_block = "has fixed entry 1000000 in block 7, but the ledger has not";
    state.refused(&["audit", "verify"], 1, entry_and_block);
    assert_eq!(state.run(&["audit", "verify", "--offline"]).code, 0, "a store alone can't tell");
    state.json(&["access", "tenant", "third", "--title", "Third"]);
    assert_eq!(state.json(&["audit", "anchor"])["anchor"]["entries"], 3);
    state.sql("delete from audit_anchor where entries = 1000000");
    assert_eq!(state.json(&["audit", "verify"])["anchored"], 3);
    // The whole log is thrown away, with all that the store knew of it.
    for table in ["audit_entry", "audit_head", "audit_anchor"] {
        state.sql(&format!("delete from {table}"));
    }
    assert_eq!(state.run(&["audit", "verify"]).code, 0, "a store alone can't tell");
    let verify = ["audit", "verify", "--participant", &participant];
    state.refused(&verify, 1, "ends at entry 0, but it had 3 entries");
}

#[tokio::test(flavor = "multi_thread")]
async fn overseers_who_were_two_are_not_passed_over_when_one_is_revoked() {
    on_both(async |store| {
        let operator = Caller::operator();
        let food: TenantName = "food".parse().expect("a name");
        AccessStore(&store).admit_tenant(&food, "Food", &[], &[]).await.expect("admitted");
        let new = |person: &str, role: Role| NewPrincipal {
            name: person.to_owned(),
            role,
            tenant: food.clone(),
            member: None,
            credential: ApiKey::generate().credential(),
            expires_at: None,
        };
        let admit = async |new: &NewPrincipal| {
            AccessStore(&store).admit_principal(new, &operator).await.expect("asked")
        };
        let mut overseers = Vec::new();
        let sen = new("A. Sen", Role::Oversight);
        for one in [&sen, &new("B. Roy", Role::Oversight)] {
            let Admission::Admitted(one) = admit(one).await else {
                panic!("the first ones are brought in alone");
            };
            overseers.push(one.number);
        }
        assert!(
            AccessStore(&store)
                .revoke_principal(overseers[1], &operator, &TreasuryDecisions)
                .await
                .expect("revoked")
        );
        // One is left of two: the operator brings in nobody alone, in whatever role others depend on.
        for role in [Role::Treasury, Role::Auditor, Role::Relayer, Role::Agency, Role::Oversight] {
            let admission = admit(&new("C. Pal", role)).await;
            assert!(matches!(admission, Admission::Waits(_)), "{role:?}: {admission:?}");
        }
        // The one who is left does not approve for the operator alone, either.
        let alone =
            AccessStore(&store).caller_of(sen.credential).await.expect("read").expect("known");
        let stands = AccessStore(&store)
            .decide(1, Decision::Approve, &alone, &TreasuryDecisions)
            .await
            .expect("stands for it");
        assert_eq!(stands.state, ApprovalState::Waiting);
        assert!(
            AccessStore(&store)
                .decide(1, Decision::Approve, &alone, &TreasuryDecisions)
                .await
                .is_err(),
            "one person"
        );
        // With nobody left, an overseer comes back once it was asked and nobody answered in the time.
        assert!(
            AccessStore(&store)
                .revoke_principal(overseers[0], &operator, &TreasuryDecisions)
                .await
                .expect("revoked")
        );
        let again = new("C. Pal", Role::Oversight);
        assert!(matches!(admit(&again).await, Admission::Waits(_)));
        sqlx::query("UPDATE approval SET expires_at = 1")
            .execute(store.writer())
            .await
            .expect("a week later");
        let treasurer = new("C. Pal", Role::Treasury);
        assert!(matches!(admit(&treasurer).await, Admission::Waits(_)), "no treasurer");
        let other = new("D. Das", Role::Oversight);
        assert!(matches!(admit(&other).await, Admission::Waits(_)), "nobody else");
        assert!(matches!(admit(&again).await, Admission::Admitted(_)));
    })
    .await;
}
