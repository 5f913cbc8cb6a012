//! Tenants: what they see of each other, which is nothing; their quotas, and what they pay.

use std::fs;

use postgres::on_both;
use praman::access_control::{
    AccessRefusal, AccessStore, Action, Admission, Caller, Credential, NewPrincipal, Price, Quota,
    Role, SchemeScope, TenantName,
};
use praman::claims::ClaimStore;
use praman::ledger::LedgerStore;
use praman::store::Store;
use praman::treasury::TreasuryStore;
use running::Service;
use serde_json::json;
use support::State;

use crate::support;
use crate::support::{postgres, service as running};

/// Six claims of each of two schemes, of which one transfer is returned and one claim is disputed.
async fn put_claims(store: &Store) {
    for (batch, scheme) in [(0u8, "annapurna"), (1, "krishak-bandhu")] {
        let id = format!("batch-{batch}");
        sqlx::query(
            "INSERT INTO payment_batch (id, scheme, period, created_on, instalments, debtor, folder,
                                        written) VALUES ($1, $2, 1, '2026-12-01', 1, '', '', 1)",
        )
        .bind(&id)
        .bind(scheme)
        .execute(store.writer())
        .await
        .expect("a batch");
        for number in 0..6u8 {
            let nullifier = vec![batch, number];
            sqlx::query(
                "INSERT INTO accepted_claim (nullifier, scheme, period, payout_commitment, block)
                 VALUES ($1, $2, 1, $1, 1)",
            )
            .bind(&nullifier)
            .bind(scheme)
            .execute(store.writer())
            .await
            .expect("a claim");
            let state = if number == 0 { "returned" } else { "paid" };
            sqlx::query(
                "INSERT INTO payment_transfer (reference, batch, nullifier, part, attempt, state)
                 VALUES ($1, $2, $3, 0, 0, $4)",
            )
            .bind(format!("{scheme}-{number}"))
            .bind(&id)
            .bind(&nullifier)
            .bind(state)
            .execute(store.writer())
            .await
            .expect("a transfer");
        }
        sqlx::query("INSERT INTO dispute (nullifier, payable, block) VALUES ($1, 0, 1)")
            .bind(vec![batch, 0])
            .execute(store.writer())
            .await
            .expect("a dispute");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn department_sees_claims_and_payments_of_its_own_schemes_alone() {
    on_both(async |store| {
        put_claims(&store).await;
        let name = |text: &str| text.parse::<TenantName>().expect("a name");
        let scheme = "annapurna".parse().expect("an id");
        let other = "krishak-bandhu".parse().expect("an id");
        let food = [scheme];
        AccessStore(&store)
            .admit_tenant(&name("food"), "Food", &[], &food)
            .await
            .expect("admitted");
        AccessStore(&store)
            .admit_tenant(&name("farms"), "Farms", &[], &[])
            .await
            .expect("admitted");
        let taken = AccessStore(&store).admit_tenant(&name("farms"), "Farms", &[], &food).await;
        assert!(taken.is_err_and(|refusal| refusal.to_string().contains("to another department")));
        // What was given to one by mistake is moved from it, and from no other.
        let (food_name, farms) = (name("food"), name("farms"));
        let of_farms = AccessStore(&store)
            .admit_tenant_from(&farms, "Farms", &[], &food, Some(&food_name))
            .await;
        of_farms.expect("moved");
        let wrong =
            AccessStore(&store).admit_tenant_from(&food_name, "Food", &[], &food, None).await;
        assert!(wrong.is_err(), "it is the other's now");
        let back = AccessStore(&store)
            .admit_tenant_from(&food_name, "Food", &[], &food, Some(&farms))
            .await;
        back.expect("moved back");
        let seen = async |role: Role, tenant: &str| {
            let tenant = Some(name(tenant));
            let scope = SchemeScope::of(&Caller { role, tenant, ..Caller::operator() });
            let figures = ClaimStore(&store).claim_figures(&scope, None).await.expect("told");
            let claims: Vec<String> = figures.schemes.into_iter().map(|one| one.scheme).collect();
            let transfers = TreasuryStore(&store).transfer_figures(&scope).await.expect("told");
            let transfers: Vec<String> = transfers.into_iter().map(|one| one.scheme).collect();
            let returned =
                TreasuryStore(&store).returned_transfers(&scope, 10).await.expect("told");
            let returned: Vec<String> = returned.into_iter().map(|one| one.scheme).collect();
            assert_eq!(
                TreasuryStore(&store).count_returned(&scope).await.expect("told"),
                returned.len()
            );
            let first = TreasuryStore(&store).returned_transfers(&scope, 1).await.expect("told");
            assert_eq!(first.len(), returned.len().min(1));
            let mut disputes = LedgerStore(&store).disputes(&scope).await.expect("told");
            let frozen = disputes.iter().filter(|dispute| !dispute.payable).count();
            assert_eq!(LedgerStore(&store).count_frozen(&scope).await.expect("told"), frozen);
            disputes.sort_by(|one, other| one.scheme.cmp(&other.scheme));
            let disputes: Vec<String> = disputes.into_iter().map(|one| one.scheme).collect();
            assert_eq!(claims, transfers);
            assert_eq!((&claims, &claims), (&returned, &disputes));
            // To ask for another's by name tells nothing.
            let asked =
                ClaimStore(&store).claim_figures(&scope, Some(&other)).await.expect("told").schemes;
            assert_eq!(asked.len(), claims.iter().filter(|id| *id == other.as_str()).count());
            claims
        };
        assert_eq!(seen(Role::Department, "food").await, ["annapurna"]);
        assert!(seen(Role::Department, "farms").await.is_empty(), "none is given to it yet");
        AccessStore(&store)
            .admit_tenant(&name("farms"), "Farms", &[], std::slice::from_ref(&other))
            .await
            .expect("given");
        assert_eq!(seen(Role::Department, "farms").await, ["krishak-bandhu"]);
        for role in [Role::Oversight, Role::Agency, Role::Auditor, Role::Treasury] {
            assert_eq!(seen(role, "farms").await.len(), 2, "{role:?}");
        }
    })
    .await;
}

#[test]
fn tenants_see_nothing_of_each_others_proofs_and_registers() {
    let state = State::with_everything("krishak-bandhu", support::year());
    state.json(&["access", "tenant", "food", "--title", "Food", "--office", "0"]);
    state.json(&["access", "tenant", "other", "--title", "Other"]);
    state.refused(
        &["access", "tenant", "other", "--title", "Other", "--office", "0"],
        1,
        "belongs to another department",
    );
    let key = |name: &str, role: &str, tenant: &str| {
        let out = format!("{name}.key");
        let admit = ["access", "admit", "--name", name, "--role", role, "--tenant", tenant];
        state.json(&[&admit[..], &["--key-out", &out]].concat());
        let key = fs::read_to_string(state.path(&out)).expect("a key");
        format!("Authorization: Bearer {}", key.trim())
    };
    let (food, other) = (key("f", "department", "food"), key("o", "department", "other"));
    let (kiosk, stranger) = (key("k", "kiosk", "food"), key("s", "kiosk", "other"));
    let service = Service::start(&state, &["--office", "office.json"]);
    let request = service.seal(&state, "WB070000002", "krishak-bandhu", &[]);
    let body = format!("@{}", state.path(&request).display());
    let ask = |shown: &str| service.curl_as(shown, "/v1/proofs?wait=20", &["--data-binary", &body]);
    let job = ask(&kiosk).json();
    assert_eq!(job["state"], "proved", "{job}");
    let path = format!("/v1/proofs/{}", job["id"].as_str().expect("an id"));
    assert_eq!(service.curl_as(&kiosk, &path, &[]).status, 200);
    assert_eq!(service.curl_as(&food, &path, &[]).status, 200, "the kiosk's department");
    assert_eq!(service.curl_as(&stranger, &path, &[]).status, 404);
    let events = service.curl_as(&stranger, &format!("{path}/events"), &[]).body;
    assert!(events.contains("event: error") && !events.contains("claim"), "{events}");
    assert_eq!(ask(&stranger).code(), "another-tenants");

    let registers = "/v1/offices/0/registers";
    assert_eq!(service.curl_as(&food, registers, &[]).json()["registers"], json!([]));
    assert_eq!(service.curl_as(&other, registers, &[]).status, 404);
    let revoke = ["--data", r#"{"register_nos":["WB070000003"]}"#];
    assert_eq!(service.curl_as(&other, "/v1/offices/0/revocations", &revoke).status, 404);
    assert_eq!(service.curl_as(&food, "/v1/offices/0/revocations", &revoke).status, 200);
    assert_eq!(service.curl_as(&kiosk, "/v1/offices/0/revocations", &revoke).status, 403);

    // Within its quota, and what it costs.
    state.json(&["access", "quota", "food", "proofs.ask", "--a-day", "2"]);
    let today = praman::calendar::date_of(praman::calendar::today()).expect("a date").to_string();
    state.json(&["access", "price", "proofs.ask", "--paise", "25", "--from", &today]);
    let price = ["access", "price", "proofs.ask", "--paise", "5", "--from", &today];
    state.refused(
        &[&price[..], &["--tenant", "nobody"]].concat(),
        1,
        "there is no department nobody",
    );
    // The same request brought again is counted once, and answered beyond the quota, too.
    assert_eq!(ask(&kiosk).status, 200);
    let another = || {
        let request = service.seal(&state, "WB070000002", "krishak-bandhu", &[]);
        let body = format!("@{}", state.path(&request).display());
        service.curl_as(&kiosk, "/v1/proofs?wait=20", &["--data-binary", &body])
    };
    fs::copy(state.path(&request), state.path("first.request")).expect("copied");
    assert_eq!(another().status, 200);
    let full = another();
    assert_eq!((full.status, full.code().as_str()), (429, "quota"), "{}", full.body);
    let body = format!("@{}", state.path("first.request").display());
    let known = service.curl_as(&kiosk, "/v1/proofs?wait=20", &["--data-binary", &body]);
    assert_eq!(known.status, 200, "{}", known.body);
    assert!(full.headers.contains("retry-after: "), "{}", full.headers);
    let usage = service.curl_as(&food, "/v1/usage", &[]).json();
    assert_eq!(usage["lines"][1], json!({"action": "proofs.ask", "count": 2, "paise": 50}));
    assert_eq!(usage["paise"], 50, "{usage}");
    assert_eq!(service.curl_as(&other, "/v1/usage?tenant=food", &[]).status, 404);
    assert_eq!(service.curl_as(&food, "/v1/usage?month=2026-13", &[]).status, 400);
    assert_eq!(state.json(&["access", "usage", "food"])["paise"], 50);
    assert_eq!(service.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn quota_holds_whoever_counts_and_a_price_is_of_its_day() {
    on_both(async |store| {
        let tenant: TenantName = "food".parse().expect("a name");
        AccessStore(&store).admit_tenant(&tenant, "Food", &[], &[]).await.expect("admitted");
        let action = Action::AskForProof;
        let quota = |a_day| Quota { tenant: tenant.clone(), action, a_day };
        AccessStore(&store).set_quota(&quota(Some(30))).await.expect("set");
        // Eight programs at once, ten times each.
        let mut programs = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (store, tenant) = (store.clone(), tenant.clone());
            programs.spawn(async move {
                let mut counted = 0;
                for _ in 0..10 {
                    match AccessStore(&store).meter(&tenant, action, 1).await {
                        Ok(()) => counted += 1,
                        Err(AccessRefusal::Quota { quota: 30, retry_after_s, .. }) => {
                            assert!((1..=86_400).contains(&retry_after_s));
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                counted
            });
        }
        assert_eq!(programs.join_all().await.iter().sum::<u32>(), 30);
        AccessStore(&store).set_quota(&quota(Some(0))).await.expect("set");
        assert!(AccessStore(&store).meter(&tenant, action, 1).await.is_err());
        AccessStore(&store).set_quota(&quota(None)).await.expect("set");
        AccessStore(&store).meter(&tenant, action, 1).await.expect("no quota");
        let other = Quota { action: Action::ReadSchemes, ..quota(Some(1)) };
        assert!(AccessStore(&store).set_quota(&other).await.is_err(), "it is not counted");

        // 25 paise from a day on, then 40; one's own price goes first.
        let today = praman::calendar::today();
        let date = |days: i64| {
            let day = praman::calendar::date_of(today).expect("a date");
            day.checked_add(jiff::Span::new().days(days)).expect("a date")
        };
        let price = |paise, from, tenant: Option<&TenantName>| Price {
            tenant: tenant.cloned(),
            action,
            from,
            paise,
        };
        AccessStore(&store).set_price(&price(25, date(0), None)).await.expect("set");
        AccessStore(&store).set_price(&price(40, date(1), None)).await.expect("set");
        assert!(
            AccessStore(&store).set_price(&price(1, date(-1), None)).await.is_err(),
            "it is gone by"
        );
        let usage = async || AccessStore(&store).usage(&tenant, date(0)).await.expect("told");
        assert_eq!((usage().await.lines[0].count, usage().await.paise), (31, 31 * 25));
        AccessStore(&store).set_price(&price(7, date(0), Some(&tenant))).await.expect("set");
        assert_eq!(usage().await.paise, 31 * 7);
    })
    .await;
}

#[tokio::test]
async fn officers_of_an_office_that_moves_lose_their_access() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).await.expect("a store");
    let key = praman::offices::OfficeStore(&store)
        .new_office("Howrah", &praman::schema::RESIDENT, |_| Ok(()))
        .await
        .expect("an office");
    let name = |text: &str| text.parse::<TenantName>().expect("a name");
    let (access, operator) = (AccessStore(&store), Caller::operator());
    let offices = [key.office];
    access.admit_tenant(&name("health"), "Health", &offices, &[]).await.expect("admitted");
    let credential = || Credential::open_id("https://login.example", "officer");
    let officer = NewPrincipal {
        name: "S. Roy".to_owned(),
        role: Role::Office,
        tenant: name("health"),
        member: Some(key.office.0),
        credential: credential(),
        expires_at: None,
    };
    let admitted = access.admit_principal(&officer, &operator).await.expect("admitted");
    assert!(matches!(admitted, Admission::Admitted(_)));
    assert!(access.caller_of(credential()).await.expect("asked").is_some());
    let (food, health) = (name("food"), name("health"));
    let moved = access.admit_tenant_from(&food, "Food", &offices, &[], Some(&health));
    assert_eq!(moved.await.expect("moved"), 1);
    assert!(access.caller_of(credential()).await.expect("asked").is_none());
}

#[test]
fn revoking_at_the_command_line_counts_for_ones_own_department() {
    let state = State::with_everything("krishak-bandhu", support::year());
    for arguments in [
        &["office", "new", "--name", "Other", "--schema", "resident", "--out", "other.json"][..],
        &["access", "tenant", "tests", "--title", "Tests", "--office", "0"],
        &["access", "tenant", "farms", "--title", "Farms", "--office", "1"],
        &["access", "quota", "tests", "credentials.revoke", "--a-day", "1"],
    ] {
        state.json(arguments);
    }
    state.shown("department", &[]);
    let used = || state.json(&["access", "usage", "tests"])["lines"].clone();
    let revoke = |office: &'static str, number: &'static str| {
        ["--as", "department.key", "revoke", "--office", office, "--register-no", number]
    };
    // What belongs to another department is refused, and does not count.
    state.refused(&revoke("other.json", "WB070000002"), 1, "office 1 is another's");
    assert_eq!(used(), json!([]));
    assert_eq!(state.json(&revoke("office.json", "WB070000002"))["revoked"], 1);
    assert_eq!(used()[0]["count"], 1);
    state.refused(&revoke("office.json", "WB070000003"), 1, "the quota of 1 a day");
    assert_eq!(used()[0]["count"], 1);
    // The operator, who has the machine, counts for nobody.
    let by_operator = ["revoke", "--office", "office.json", "--register-no", "WB070000003"];
    assert_eq!(state.json(&by_operator)["revoked"], 1);
    assert_eq!(used()[0]["count"], 1);
    state.json(&["audit", "export", "--out", "log.ndjson"]);
    let log = fs::read_to_string(state.path("log.ndjson")).expect("a log");
    let entries = log
        .lines()
        .map(|line| -> serde_json::Value { serde_json::from_str(line).expect("an entry") });
    let of_revoking: Vec<(String, String)> = entries
        .filter(|entry| entry["action"] == "credentials.revoke")
        .map(|entry| (entry["role"].to_string(), entry["outcome"].to_string()))
        .collect();
    let expected = [
        ("department", "refused"),
        ("department", "allowed"),
        ("department", "refused"),
        ("operator", "allowed"),
    ];
    let expected = expected.map(|(role, outcome)| (format!("{role:?}"), format!("{outcome:?}")));
    assert_eq!(of_revoking, expected);
}
