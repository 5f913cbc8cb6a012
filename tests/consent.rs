//! Consents to health records: what is granted, what the gate releases, and what is refused.

use std::time::Duration;

use consent_scene::{ConsentScene, bar, in_hours, publish, request_json};
use jiff::{SignedDuration, Timestamp};
use postgres::Postgres;
use praman::consent::access::AccessRequest;
use praman::consent::document::{self, RequestDocument};
use praman::consent::{
    ConsentDesk, ConsentError, ConsentRefusal, ConsentStore, GateRefusal, Narrowing, PatientAddress,
};
use praman::language::Language;
use praman::ledger::{ManagerNumber, RequesterNumber};
use praman_circuits::artefact::{AccessMode, Minute, Purpose, RecordTypes};
use praman_circuits::health_record::RecordType;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{consent_scene, postgres};

fn later(hours: i64) -> Timestamp {
    Timestamp::now().checked_add(SignedDuration::from_hours(hours)).expect("in the calendar")
}

async fn receive(desk: &ConsentDesk, request: &Value) -> Result<String, ConsentError> {
    let document = document::read::<RequestDocument>(&request.to_string())?;
    Ok(desk.receive(&document, Timestamp::now()).await?.id)
}

fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut request = request_json();
    change(&mut request);
    request
}

#[tokio::test]
async fn fault_in_a_request_is_reported_by_its_field() {
    let scene = ConsentScene::open(None).await;
    let permission = |field: &'static str, value: Value| {
        move |request: &mut Value| {
            let pointer = format!("/consent/permission/{field}");
            *request.pointer_mut(&pointer).expect("a field") = value;
        }
    };
    let consent = |field: &'static str, value: Value| {
        move |request: &mut Value| {
            *request.pointer_mut(&format!("/consent/{field}")).expect("a field") = value;
        }
    };
    let cases: Vec<(&str, Value)> = vec![
        ("requestId", changed(|r| r["requestId"] = json!("one"))),
        ("timestamp", changed(|r| r["timestamp"] = json!("2026-11-25"))),
        ("consent.purpose.code", changed(consent("purpose/code", json!("CARE")))),
        ("consent.purpose.code", changed(consent("purpose/code", json!("BTG")))),
        ("consent.patient.id", changed(consent("patient/id", json!("rahima")))),
        ("consent.hiu.id", changed(consent("hiu/id", json!("a b")))),
        ("consent.hiTypes", changed(consent("hiTypes", json!([])))),
        ("consent.hiTypes[0]", changed(consent("hiTypes", json!(["XRay", "ECG"])))),
        ("consent.hiTypes[1]", changed(consent("hiTypes", json!(["Invoice", "Invoice"])))),
        ("consent.permission.accessMode", changed(permission("accessMode", json!("READ")))),
        (
            "consent.permission.dateRange.to",
            changed(permission("dateRange/to", json!("2023-12-31T00:00:00.000Z"))),
        ),
        (
            "consent.permission.dateRange.from",
            changed(permission("dateRange/from", json!("01-01-2024"))),
        ),
        (
            "consent.permission.dateRange.from",
            changed(permission("dateRange/from", json!("1899-12-31T00:00:00.000Z"))),
        ),
        ("consent.permission.dataEraseAt", changed(permission("dataEraseAt", json!(in_hours(-1))))),
        (
            "consent.permission.frequency.unit",
            changed(permission("frequency/unit", json!("MINUTE"))),
        ),
        (
            "consent.permission.frequency.repeats",
            changed(permission("frequency/repeats", json!(10_001))),
        ),
        (
            "consent.permission.frequency.value",
            changed(permission("frequency/value", json!(10_001))),
        ),
        ("consent.permission.frequency.value", changed(permission("frequency/value", json!(-1)))),
    ];
    for (field, request) in cases {
        match receive(&scene.desk, &request).await {
            Err(ConsentError::Field(fault)) => assert_eq!(fault.field, field, "{fault}"),
            Err(error) => panic!("{field}: {error}"),
            Ok(_) => panic!("{field} was taken in"),
        }
    }
    for (refusal, request) in [
        (ConsentRefusal::UnknownRequester, changed(consent("hiu", json!({ "id": "nobody" })))),
        (
            ConsentRefusal::UnknownProvider,
            changed(|r| r["consent"]["hip"] = json!({ "id": "nobody" })),
        ),
    ] {
        let refused = receive(&scene.desk, &request).await;
        assert!(matches!(refused, Err(ConsentError::Refused(r)) if r == refusal), "{refusal}");
    }
    // Of types that are not known, the others are asked for, and these are named.
    let mixed = changed(consent("hiTypes", json!(["Invoice", "XRay", "ECG"])));
    let document: RequestDocument = document::read(&mixed.to_string()).expect("a request");
    for repeated in [false, true] {
        let received = scene.desk.receive(&document, Timestamp::now()).await.expect("taken in");
        assert_eq!(
            (received.repeated, received.unknown_types),
            (repeated, vec!["XRay".into(), "ECG".into()])
        );
    }
    let kept = scene.desk.request(&document.request_id).await.expect("known");
    assert_eq!(kept.terms.types, RecordTypes(1 << RecordType::Invoice.number()));
    // Times as the gateway and its members write them.
    for time in [
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00.5Z",
        "2024-01-01T00:00:00.123456Z",
        "2024-01-01T05:30:00+05:30",
        "2024-01-01T00:00:00.883786689",
        "2024-01-01T00:00:00",
    ] {
        let request = changed(|request| {
            request["timestamp"] = json!(time);
            request["requestId"] = json!(Uuid::new_v4());
            request["consent"]["permission"]["dateRange"]["from"] = json!(time);
            request["consent"]["careContexts"] = Value::Null;
        });
        let id =
            receive(&scene.desk, &request).await.unwrap_or_else(|error| panic!("{time}: {error}"));
        let from = scene.desk.request(&id).await.expect("known").terms.from;
        assert_eq!(from.as_second(), 1_704_067_200, "{time}");
        assert_eq!(from.subsec_nanosecond() % 1_000_000, 0, "as praman writes it: {time}");
    }
    for time in [
        "2024-01-01",
        "2024-01-01T10",
        "2024-01-01T00:00:00[Asia/Kolkata]",
        "9999-12-30T12:00:00-11:00",
        "1704067200",
        "soon",
    ] {
        let request = changed(permission("dateRange/from", json!(time)));
        assert!(receive(&scene.desk, &request).await.is_err(), "{time}");
    }
    // An alias of a purpose is taken, and what is not looked at is let be.
    let alias = changed(|request| {
        request["consent"]["purpose"]["code"] = json!("PATRQST");
        request["consent"]["extension"] = json!({ "a": 1 });
    });
    receive(&scene.desk, &alias).await.expect("taken in");
}

#[tokio::test]
async fn repeated_request_is_one_and_another_under_its_id_is_refused() {
    let scene = ConsentScene::open(None).await;
    let request = request_json();
    let document: RequestDocument = document::read(&request.to_string()).expect("a request");
    let now = Timestamp::now();
    let first = scene.desk.receive(&document, now).await.expect("taken in");
    // A callback that repeats has a time of its own.
    let mut repeated = document.clone();
    repeated.timestamp = in_hours(0);
    let second = scene.desk.receive(&repeated, now).await.expect("taken in");
    assert!(!first.repeated && second.repeated);
    assert_eq!((first.id.clone(), first.number), (second.id, second.number));
    let mut other = document;
    other.consent.hi_types.pop();
    let refused = scene.desk.receive(&other, now).await;
    assert!(matches!(refused, Err(ConsentError::Refused(ConsentRefusal::RequestIdUsed))));
    // Denied, it is denied for good; ignored, it expires, which is no denial.
    scene.desk.deny(&first.id).await.expect("denied");
    let again = scene.desk.deny(&first.id).await;
    assert!(matches!(again, Err(ConsentError::Refused(ConsentRefusal::AlreadyDecided))));
    let ignored = scene.receive(&request_json()).await;
    ConsentStore(&scene.store).end_what_is_over(later(24 * 8)).await.expect("ended");
    let state = scene.desk.request(&ignored).await.expect("known").state.name();
    assert_eq!(state, "EXPIRED");
    let denied = scene.desk.request(&first.id).await.expect("known").state.name();
    assert_eq!(denied, "DENIED");
}

#[tokio::test]
async fn patient_grants_less_but_never_more_and_once_a_provider() {
    let mut scene = ConsentScene::open(None).await;
    let id = scene.receive(&request_json()).await;
    let narrowed = |change: &dyn Fn(&mut Value)| -> Narrowing {
        let mut narrowing = json!({ "hip": { "id": "city-laboratory" } });
        change(&mut narrowing);
        document::read(&narrowing.to_string()).expect("a narrowing")
    };
    let now = Timestamp::now();
    for (field, change) in [
        ("hiTypes", json!({ "hiTypes": ["Invoice"] })),
        ("hiTypes[0]", json!({ "hiTypes": ["XRay"] })),
        (
            "dateRange",
            json!({ "dateRange": {
                "from": "2023-01-01T00:00:00.000Z", "to": "2026-12-31T00:00:00.000Z" } }),
        ),
        (
            "dateRange.to",
            json!({ "dateRange": {
                "from": "2026-01-01T00:00:00.000Z", "to": "2025-12-31T00:00:00.000Z" } }),
        ),
        ("dataEraseAt", json!({ "dataEraseAt": in_hours(24 * 31) })),
        ("dataEraseAt", json!({ "dataEraseAt": in_hours(-1) })),
        ("validUntil", json!({ "validUntil": in_hours(24 * 31) })),
        ("validUntil", json!({ "validUntil": in_hours(-1) })),
        ("accessMode", json!({ "accessMode": "STORE" })),
        ("frequency", json!({ "frequency": { "unit": "DAY", "value": 1, "repeats": 4 } })),
        ("frequency", json!({ "frequency": { "unit": "HOUR", "value": 1, "repeats": 1 } })),
        ("hip.id", json!({ "hip": { "id": "" } })),
    ] {
        let narrowing = narrowed(&|narrowing: &mut Value| {
            for (name, value) in change.as_object().expect("fields") {
                narrowing[name.as_str()] = value.clone();
            }
        });
        let refused =
            scene.desk.grant(&id, &[narrowing], &scene.wallet, Language::Hindi, now).await;
        match refused {
            Err(ConsentError::Field(fault)) => assert_eq!(fault.field, field),
            Err(ConsentError::Refused(ConsentRefusal::UnknownProvider)) => {
                assert_eq!(field, "hip.id")
            }
            Err(error) => panic!("{field}: {error}"),
            Ok(_) => panic!("{field} was granted"),
        }
    }
    // Somebody else's wallet grants nothing of this patient's, nor does one that nobody registered.
    let stranger = praman::wallet::Wallet::generate();
    let whole = || Narrowing::none("city-laboratory");
    let refused = scene.desk.grant(&id, &[whole()], &stranger, Language::Hindi, now).await;
    assert!(matches!(refused, Err(ConsentError::Refused(ConsentRefusal::OtherWallet))));
    let again = scene.desk.register_patient(&scene.patient, Language::Hindi, None, &stranger).await;
    assert!(matches!(again, Err(ConsentError::Refused(ConsentRefusal::OtherWallet))));
    let theirs = changed(|r| r["consent"]["patient"]["id"] = json!("second@praman-cm"));
    let theirs = scene.receive(&theirs).await;
    let refused = scene.desk.grant(&theirs, &[whole()], &stranger, Language::Hindi, now).await;
    assert!(matches!(refused, Err(ConsentError::Refused(ConsentRefusal::UnknownPatient))));
    let second = PatientAddress::new("second@praman-cm", "patient").expect("an address");
    let registered = scene.desk.register_patient(&second, Language::Hindi, None, &stranger).await;
    registered.expect("registered");
    let refused = scene.desk.grant(&theirs, &[whole()], &stranger, Language::Hindi, now).await;
    assert!(matches!(refused, Err(ConsentError::Refused(ConsentRefusal::NoRecords))));
    // All or none: the second of these is not granted, so neither is the first.
    let twice = [whole(), whole()];
    let refused = scene.desk.grant(&id, &twice, &scene.wallet, Language::Hindi, now).await;
    assert!(matches!(refused, Err(ConsentError::Refused(ConsentRefusal::AlreadyGranted))));
    let granted = scene.desk.grant(&id, &[whole()], &scene.wallet, Language::Hindi, now).await;
    let consent = granted.expect("granted").pop().expect("one");
    assert!(consent.notice.contains("आप किस बात की सहमति दे रहे हैं"));
    publish(&scene.store, &mut scene.ledger, consent.provider()).await.expect("published");
    let again = scene.desk.grant(&id, &[whole()], &scene.wallet, Language::Hindi, now).await;
    assert!(matches!(again, Err(ConsentError::Refused(ConsentRefusal::AlreadyGranted))));
    // The other provider may still be granted; one request gives one artefact a provider.
    let other = [Narrowing::none("village-clinic")];
    scene.desk.grant(&id, &other, &scene.wallet, Language::Hindi, now).await.expect("granted");
    // Another request that covers some of the same would double the count.
    let second = scene.receive(&request_json()).await;
    let refused = scene.desk.grant(&second, &[whole()], &scene.wallet, Language::Hindi, now).await;
    assert!(matches!(refused, Err(ConsentError::Refused(ConsentRefusal::Overlaps))));
    scene.withdraw(&consent).await;
    scene
        .desk
        .grant(&second, &[whole()], &scene.wallet, Language::Hindi, now)
        .await
        .expect("granted");

    // The file says what was signed, and nothing else.
    let text = serde_json::to_string(&consent).expect("JSON");
    let read = document::read::<praman::consent::ConsentFile>(&text).expect("a consent");
    read.checked().expect("signed");
    for (from, to) in [("\"VIEW\"", "\"STORE\""), ("\"repeats\":3", "\"repeats\":9")] {
        assert!(text.contains(from));
        let altered = document::read::<praman::consent::ConsentFile>(&text.replace(from, to));
        assert!(altered.expect("a consent").checked().is_err(), "{from}");
    }
}

#[tokio::test]
async fn gate_gives_each_access_once_and_refuses_what_was_not_consented_to() {
    let mut scene = ConsentScene::open(None).await;
    let consent = scene.consent(0, 3).await;
    let access = scene.access(&consent, 0).await;
    let given = scene.ask(&access).await.expect("released");
    assert_eq!((given.record, given.repeated), (access.record, false));
    // The same request again is the same access; another request with its proof is a replay.
    let again = scene.ask(&access).await.expect("released");
    assert_eq!((again.block, again.repeated), (given.block, true));
    let mut replayed = access.clone();
    replayed.request_id = Uuid::new_v4();
    assert_eq!(scene.ask(&replayed).await, Err(GateRefusal::Used));
    let fresh = scene.access(&consent, 0).await;
    assert_eq!(scene.ask(&fresh).await, Err(GateRefusal::Used));

    let honest = scene.access(&consent, 1).await;
    let bent = |change: &dyn Fn(&mut AccessRequest)| {
        let mut bent = honest.clone();
        change(&mut bent);
        bent
    };
    let now = Timestamp::now();
    let record = |scene: &ConsentScene, place: usize| {
        scene.records[place].record().expect("a record").commitment()
    };
    let others_record = record(&scene, 1);
    for (refusal, request) in [
        (GateRefusal::BreakGlass, bent(&|r| r.purpose = Purpose::BreakTheGlass)),
        (GateRefusal::Proof, bent(&|r| r.purpose = Purpose::HealthcarePayment)),
        (GateRefusal::Proof, bent(&|r| r.record_type = RecordType::Invoice)),
        (GateRefusal::Proof, bent(&|r| r.as_of = Minute(r.as_of.0 - 1))),
        (GateRefusal::Proof, bent(&|r| r.nullifier = scene.nullifier(&consent, 2))),
        // A consent to look is none to keep.
        (GateRefusal::Proof, bent(&|r| r.mode = AccessMode::Store)),
        (GateRefusal::Manager, bent(&|r| r.manager = ManagerNumber(r.requester.0))),
        (GateRefusal::Manager, bent(&|r| r.manager = ManagerNumber(4_000))),
        (GateRefusal::Requester, bent(&|r| r.requester = RequesterNumber(1))),
        (GateRefusal::Requester, bent(&|r| r.requester = RequesterNumber(4_000))),
        (GateRefusal::Provider, bent(&|r| r.provider = praman::ledger::ProviderId(1))),
        (GateRefusal::Provider, bent(&|r| r.provider = praman::ledger::ProviderId(4_000))),
        (GateRefusal::Moment, bent(&|r| r.as_of = Minute(r.as_of.0 - 60))),
        (GateRefusal::Moment, bent(&|r| r.as_of = Minute(r.as_of.0 + 60))),
        (GateRefusal::Record, bent(&|r| r.record = others_record)),
    ] {
        assert_eq!(scene.ask_at(&request, now).await, Err(refusal), "{refusal}");
    }
    // None of these has used the access up.
    assert!(scene.ask(&honest).await.is_ok());

    // A proof against roots that never stood, as of a tree of the prover's own.
    let mut own = scene.access(&consent, 2).await;
    own.consents = praman_circuits::artefact::ConsentsRoot::from_field(7u64.into());
    scene.prove_again(&mut own);
    assert_eq!(scene.ask(&own).await, Err(GateRefusal::Roots));
    // A nullifier above the field's order can't be said; one is as good as another otherwise, and the
    // proof ties it to consent, window and number.
    let history = scene.history().await;
    assert_eq!((history.accesses, history.withdrawals), (2, 0));
}

#[tokio::test]
async fn access_under_differing_clocks_is_refused_and_not_used_up() {
    let mut scene = ConsentScene::open(None).await;
    let consent = scene.consent(0, 3).await;
    let access = scene.access(&consent, 0).await;
    let minutes = |count| SignedDuration::from_mins(count);
    let moved = |by| Timestamp::now().checked_add(by).expect("in the calendar");
    // The provider's clock is an hour behind, or ahead.
    for hours in [-60, 60] {
        assert_eq!(scene.ask_at(&access, moved(minutes(hours))).await, Err(GateRefusal::Moment));
    }
    // The chain's clock is ahead of the provider's: its windows would not be the proof's.
    let ahead = moved(minutes(10));
    scene.ledger.network.chain.set_timestamp(ahead.as_second() as u64);
    assert_eq!(scene.ask(&access).await, Err(GateRefusal::Clock));
    // The chain's clock is behind: the contract does not take a proof from its future.
    let behind = moved(minutes(-10));
    scene.ledger.network.chain.set_timestamp(behind.as_second() as u64);
    assert_eq!(scene.ask(&access).await, Err(GateRefusal::Clock));
    scene.ledger.network.chain.set_timestamp(Timestamp::now().as_second() as u64);
    assert!(scene.ask(&access).await.is_ok());
}

#[tokio::test]
async fn withdrawal_has_no_grace_and_other_providers_proofs_live_on() {
    let mut scene = ConsentScene::open(None).await;
    let first = scene.consent(0, 3).await;
    let second = scene.consent(1, 3).await;
    let [in_flight, beside] = [scene.access(&first, 0).await, scene.access(&second, 0).await];
    // What is added leaves earlier roots good.
    let early = scene.access(&second, 1).await;
    let provider = scene.provider(1);
    let subject = scene.wallet.at_provider(provider).subject();
    let day = jiff::civil::date(2026, 6, 1);
    let kind = RecordType::Prescription;
    ConsentStore(&scene.store)
        .add_record(provider, subject, kind, day, b"more", |_| Ok(()))
        .await
        .expect("kept");
    publish(&scene.store, &mut scene.ledger, provider).await.expect("published");
    assert!(scene.ask(&early).await.is_ok());

    scene.withdraw(&first).await;
    assert_eq!(scene.ask(&in_flight).await, Err(GateRefusal::Roots));
    assert!(scene.ask(&beside).await.is_ok());
    let again = scene.desk.withdraw(first.id(), Timestamp::now()).await;
    assert!(matches!(again, Err(ConsentError::Refused(ConsentRefusal::AlreadyWithdrawn))));
    let none = scene.desk.withdraw("none", Timestamp::now()).await;
    assert!(matches!(none, Err(ConsentError::Refused(ConsentRefusal::NoSuchConsent))));
    // A record that is taken away is given to nobody, whatever was proved before.
    let proved = scene.access(&second, 2).await;
    ConsentStore(&scene.store).remove_record(provider, proved.record).await.expect("removed");
    publish(&scene.store, &mut scene.ledger, provider).await.expect("published");
    assert_eq!(scene.ask(&proved).await, Err(GateRefusal::Record));
    let history = scene.history().await;
    assert_eq!((history.accesses, history.withdrawals), (2, 1));
}

#[tokio::test]
async fn debarred_provider_gives_nothing_and_can_still_let_patients_withdraw() {
    let mut scene = ConsentScene::open(None).await;
    let consent = scene.consent(0, 3).await;
    let access = scene.access(&consent, 0).await;
    let (provider, requester) = (scene.provider(0), scene.requester);
    bar(&mut scene.ledger, requester.0, true).await;
    assert_eq!(scene.ask(&access).await, Err(GateRefusal::Requester));
    bar(&mut scene.ledger, requester.0, false).await;
    bar(&mut scene.ledger, provider.0, true).await;
    assert_eq!(scene.ask(&access).await, Err(GateRefusal::Provider));
    // The contract refuses too, whatever a gate says.
    let entry = praman::ledger::LedgerAccess {
        nullifier: access.nullifier,
        records: access.records,
        manager: access.manager,
        consents: access.consents,
        requester,
        as_of: access.as_of,
        digest: [7; 32],
    };
    let recorded = scene.ledger.record_accesses(provider, &[entry]).await;
    assert!(matches!(recorded, Err(praman::ledger::LedgerError::NotPermitted(_))));
    scene.withdraw(&consent).await;
    bar(&mut scene.ledger, provider.0, false).await;
    assert_eq!(scene.ask(&access).await, Err(GateRefusal::Roots));
}

/// Gates side by side on one state, each asked for all accesses of a window by proofs of its own.
async fn count_holds(database: Option<String>) {
    const ACCESSES: u32 = 12;
    const GATES: usize = 3;
    let mut scene = ConsentScene::open(database).await;
    let consent = scene.consent(0, ACCESSES).await;
    let mut gates = Vec::new();
    for _ in 0..GATES {
        let mut requests = Vec::new();
        for number in 0..ACCESSES {
            requests.push(scene.access(&consent, number).await);
        }
        let (store, mut ledger, gate) = scene.replica().await;
        gates.push(async move {
            let mut released = 0;
            for request in &requests {
                let one = std::slice::from_ref(request);
                let verdicts = gate.release(&mut ledger, one, Timestamp::now()).await;
                released += verdicts.expect("verdicts").iter().filter(|v| v.is_ok()).count();
            }
            drop(store);
            released
        });
    }
    let released: usize = futures_util::future::join_all(gates).await.into_iter().sum();
    assert_eq!(released, ACCESSES as usize);
    assert_eq!(scene.history().await.accesses, ACCESSES as usize);
    assert_eq!(scene.next_number(&consent).await, ACCESSES);
}

#[tokio::test]
async fn count_is_not_exceeded_by_gates_side_by_side() {
    count_holds(None).await;
}

#[test]
fn count_is_not_exceeded_by_gates_side_by_side_on_postgresql() {
    let postgres = Postgres::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(count_holds(Some(postgres.address())));
}

/// A withdrawal against an access, again and again: either order, never both.
async fn race(database: Option<String>, rounds: usize) -> (usize, usize) {
    let mut scene = ConsentScene::open(database).await;
    let (store, mut ledger, gate) = scene.replica().await;
    let (mut released, mut refused) = (0, 0);
    // Each round the one that came first is held back a little: they meet where they are nearest.
    let (mut wait, step) = (Duration::ZERO, Duration::from_micros(700));
    for round in 0..rounds {
        let consent = scene.consent(0, 1).await;
        let access = scene.access(&consent, 0).await;
        let one = std::slice::from_ref(&access);
        let ask = async {
            tokio::time::sleep(wait).await;
            gate.release(&mut ledger, one, Timestamp::now()).await.expect("a verdict")
        };
        let (verdicts, ()) = tokio::join!(ask, scene.withdraw(&consent));
        match verdicts[0] {
            Ok(_) => {
                released += 1;
                wait += step;
            }
            Err(GateRefusal::Roots) => {
                refused += 1;
                wait = wait.saturating_sub(step);
            }
            Err(other) => panic!("round {round}: {other}"),
        }
        // Withdrawn on the ledger, it is withdrawn for every gate, also of what was given before.
        assert_eq!(scene.ask(&access).await, Err(GateRefusal::Roots));
    }
    drop(store);
    // The history holds every access against the roots that were good in its block.
    let history = scene.history().await;
    assert_eq!((history.accesses, history.withdrawals), (released, rounds));
    (released, refused)
}

#[test]
fn withdrawal_that_races_an_access_comes_before_or_after_it() {
    let postgres = Postgres::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    for (name, database, rounds) in
        [("SQLite", None, 300), ("PostgreSQL", Some(postgres.address()), 100)]
    {
        let (released, refused) = runtime.block_on(race(database, rounds));
        println!("{name}: {rounds} races, {released} accesses came first, {refused} withdrawals");
        assert_eq!(released + refused, rounds);
        assert!(released > 0 && refused > 0, "{name}: only one order was seen");
    }
}
