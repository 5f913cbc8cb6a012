//! Proofs for others: the queue on both databases, and the whole way by the service and its workers.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use postgres::Postgres;
use praman::proving::{
    JobId, JobState, NewJob, Priority, ProvingFault, ProvingStore, QueueLimits, Queued, WorkerKey,
    WorkerPublicKey,
};
use praman::store::{Location, Store};
use running::Service;
use serde_json::{Value, json};
use support::State;
use tempfile::TempDir;

use crate::support;
use crate::support::{postgres, service as running};

const KEY: WorkerPublicKey = WorkerPublicKey([7; 32]);
const SCHEME: &str = "krishak-bandhu";

async fn on_both(test: impl AsyncFn(Store, Location)) {
    let folder = TempDir::new().expect("a folder");
    let location = Location::Folder(folder.path().to_owned());
    test(Store::connect(&location).await.expect("a store"), location).await;
    let server = Postgres::start();
    let location = Location::Server(server.address());
    test(Store::connect(&location).await.expect("a store"), location).await;
}

fn job(tenant: &str, priority: Priority, number: u32) -> NewJob {
    NewJob {
        tenant: tenant.to_owned(),
        priority,
        worker: KEY,
        sealed: format!("{tenant} {number}").into_bytes(),
        deadline: Duration::from_secs(600),
    }
}

async fn ask(store: &Store, job: &NewJob) -> JobId {
    match ProvingStore(store).queue_proof(job, &QueueLimits::default()).await.expect("kept") {
        Queued::Kept(kept) => kept.id,
        Queued::Full => panic!("there is room"),
    }
}

async fn state_of(store: &Store, id: JobId) -> (JobState, Option<ProvingFault>) {
    let job = ProvingStore(store).proving_job(id).await.expect("read").expect("known");
    (job.state, job.reason)
}

/// As if time had passed.
async fn set(store: &Store, what: &'static str) {
    let statement = sqlx::AssertSqlSafe(format!("UPDATE proving_job SET {what}"));
    sqlx::query(statement).execute(store.writer()).await.expect("set");
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_take_turns_and_a_person_goes_first() {
    on_both(async |store, _| {
        let limits = QueueLimits::default();
        for number in 0..20 {
            ask(&store, &job("large", Priority::Batch, number)).await;
        }
        for number in 0..3 {
            ask(&store, &job("small", Priority::Batch, number)).await;
        }
        ask(&store, &job("kiosk", Priority::Interactive, 0)).await;
        let mut order = Vec::new();
        for _ in 0..4 {
            for taken in
                ProvingStore(&store).take_proofs("w", &KEY, 2, &limits).await.expect("taken")
            {
                assert_eq!(taken.attempt, 1);
                let name = String::from_utf8(taken.sealed).expect("as it came");
                order.push(name.split(' ').next().expect("a tenant").to_owned());
            }
        }
        assert_eq!(order[0], "kiosk", "a person waits");
        assert_eq!(order[1..7].iter().filter(|tenant| *tenant == "small").count(), 3, "{order:?}");
        assert_eq!(order[7], "large");
        let other = WorkerPublicKey([8; 32]);
        assert!(
            ProvingStore(&store)
                .take_proofs("w", &other, 9, &limits)
                .await
                .expect("asked")
                .is_empty()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_job_is_given_to_one_worker() {
    on_both(async |store, location| {
        let limits = QueueLimits::default();
        for number in 0..100 {
            ask(&store, &job(["a", "b", "c"][number % 3], Priority::Batch, number as u32)).await;
        }
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..4 {
            let store = Store::connect(&location).await.expect("a store");
            workers.spawn(async move {
                let (mut taken, mut idle) = (Vec::new(), 0);
                while idle < 20 {
                    let name = format!("worker {worker}");
                    let jobs = ProvingStore(&store)
                        .take_proofs(&name, &KEY, 2, &limits)
                        .await
                        .expect("taken");
                    if jobs.is_empty() {
                        idle += 1;
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    taken.extend(jobs.iter().map(|job| job.id));
                }
                taken
            });
        }
        let taken: Vec<JobId> = workers.join_all().await.concat();
        assert_eq!(taken.len(), 100);
        assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 100);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_that_lost_a_job_changes_nothing_any_more() {
    on_both(async |store, _| {
        let limits = QueueLimits::default();
        let id = ask(&store, &job("a", Priority::Batch, 0)).await;
        assert_eq!(
            ProvingStore(&store).take_proofs("dead", &KEY, 1, &limits).await.expect("taken").len(),
            1
        );
        ProvingStore(&store).tidy_proofs(&limits).await.expect("tidied");
        assert_eq!(state_of(&store, id).await, (JobState::Proving, None), "its lease holds");
        set(&store, "lease_until = 0").await;
        ProvingStore(&store).tidy_proofs(&limits).await.expect("tidied");
        assert_eq!(state_of(&store, id).await, (JobState::Waiting, None));
        let again =
            ProvingStore(&store).take_proofs("next", &KEY, 1, &limits).await.expect("taken");
        assert_eq!(again[0].attempt, 2);
        // The first holder was only slow.
        assert_eq!(
            ProvingStore(&store).still_proving(&[(id, 1)], &limits).await.expect("told"),
            [id]
        );
        assert!(!ProvingStore(&store).finish_proof(id, 1, "late").await.expect("answered"));
        ProvingStore(&store)
            .fail_proof(id, 1, ProvingFault::NotEligible, &limits)
            .await
            .expect("answered");
        assert_eq!(state_of(&store, id).await, (JobState::Proving, None));
        assert!(
            ProvingStore(&store).still_proving(&[(id, 2)], &limits).await.expect("told").is_empty()
        );
        assert!(ProvingStore(&store).finish_proof(id, 2, "claim").await.expect("finished"));
        assert!(!ProvingStore(&store).finish_proof(id, 2, "twice").await.expect("answered"));
        let done = ProvingStore(&store).proving_job(id).await.expect("read").expect("known");
        assert_eq!((done.state, done.claim.as_deref()), (JobState::Proved, Some("claim")));
        let sealed: (Option<Vec<u8>>,) = sqlx::query_as("SELECT sealed FROM proving_job")
            .fetch_one(store.pool())
            .await
            .expect("a row");
        assert_eq!(sealed, (None,), "what it was made from is forgotten");
        let (finished, now) = ProvingStore(&store).proofs_finished_after(0).await.expect("told");
        assert_eq!(finished, [id]);
        assert!(
            ProvingStore(&store).proofs_finished_after(now + 1).await.expect("told").0.is_empty()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_that_fails_is_tried_again_and_ends_with_a_reason() {
    on_both(async |store, _| {
        let limits = QueueLimits { attempts_max: 2, ..QueueLimits::default() };
        let take =
            async || ProvingStore(&store).take_proofs("w", &KEY, 9, &limits).await.expect("taken");
        // An engine that fails.
        let id = ask(&store, &job("a", Priority::Batch, 0)).await;
        assert_eq!(take().await.len(), 1);
        let engine = ProvingFault::EngineFailed;
        ProvingStore(&store).fail_proof(id, 1, engine, &limits).await.expect("told");
        assert_eq!(state_of(&store, id).await, (JobState::Waiting, Some(engine)));
        assert!(take().await.is_empty(), "not at once");
        set(&store, "not_before = 0").await;
        assert_eq!(take().await[0].attempt, 2);
        ProvingStore(&store).fail_proof(id, 2, engine, &limits).await.expect("told");
        assert_eq!(state_of(&store, id).await, (JobState::Failed, Some(engine)));
        // A job that kills whoever takes it.
        let id = ask(&store, &job("a", Priority::Batch, 1)).await;
        for _ in 0..2 {
            assert_eq!(take().await.len(), 1);
            set(&store, "lease_until = 0").await;
            ProvingStore(&store).tidy_proofs(&limits).await.expect("tidied");
        }
        let lost = (JobState::Failed, Some(ProvingFault::WorkerLost));
        assert_eq!(state_of(&store, id).await, lost);
        // One that is not true is not tried again.
        let id = ask(&store, &job("a", Priority::Batch, 2)).await;
        assert_eq!(take().await.len(), 1);
        ProvingStore(&store)
            .fail_proof(id, 1, ProvingFault::NotEligible, &limits)
            .await
            .expect("told");
        assert_eq!(state_of(&store, id).await.0, JobState::Failed);
        // One that nobody took in time.
        let late = NewJob { deadline: Duration::ZERO, ..job("a", Priority::Batch, 3) };
        let id = ask(&store, &late).await;
        assert!(take().await.is_empty());
        ProvingStore(&store).tidy_proofs(&limits).await.expect("tidied");
        let late = (JobState::Failed, Some(ProvingFault::DeadlinePassed));
        assert_eq!(state_of(&store, id).await, late);
        // What is over is forgotten after a while.
        set(&store, "finished_at = 5").await;
        ProvingStore(&store).tidy_proofs(&limits).await.expect("tidied");
        assert_eq!(ProvingStore(&store).proving_job(id).await.expect("read"), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queue_is_bounded_in_all_and_for_each_tenant() {
    on_both(async |store, _| {
        let limits =
            QueueLimits { waiting_max: 5, tenant_waiting_max: 3, ..QueueLimits::default() };
        let ask = async |tenant, number| {
            let job = job(tenant, Priority::Batch, number);
            ProvingStore(&store).queue_proof(&job, &limits).await.expect("answered")
        };
        for number in 0..3 {
            assert!(matches!(ask("a", number).await, Queued::Kept(_)));
        }
        assert_eq!(ask("a", 3).await, Queued::Full);
        assert!(matches!(ask("a", 2).await, Queued::Kept(_)), "it is there already");
        assert!(matches!(ask("b", 0).await, Queued::Kept(_)));
        assert!(matches!(ask("b", 1).await, Queued::Kept(_)));
        assert_eq!(ask("c", 0).await, Queued::Full);
        assert_eq!(
            ProvingStore(&store).take_proofs("w", &KEY, 1, &limits).await.expect("taken").len(),
            1
        );
        assert!(matches!(ask("c", 0).await, Queued::Kept(_)));
    })
    .await;
}

fn claim_of(job: &Value, state: &State, name: &str) {
    let folder = state.path(name);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("claim.json"), job["claim"].to_string()).expect("written");
}

#[test]
fn claim_is_proved_for_a_holder_without_a_device() {
    let state = State::with_everything(SCHEME, support::year());
    let service = Service::start(&state, &[]);
    let request = service.seal(&state, "WB070000002", SCHEME, &[]);
    let asked = service.ask(&state, &request, "?wait=20");
    assert_eq!(asked.status, 200, "{}", asked.body);
    let job = asked.json();
    assert_eq!((&job["state"], &job["attempts"]), (&json!("proved"), &json!(1)), "{job}");
    // The same request is the same job.
    assert_eq!(service.ask(&state, &request, "").json(), job);
    let id = job["id"].as_str().expect("an id");
    let kiosk = state.shown("kiosk", &[]);
    assert_eq!(service.curl_as(&kiosk, &format!("/v1/proofs/{id}"), &[]).json(), job);
    let told = service.curl_as(&kiosk, &format!("/v1/proofs/{id}/events"), &[]);
    assert!(told.headers.contains("text/event-stream"), "{}", told.headers);
    assert!(told.body.starts_with("data: {\"id\""), "{}", told.body);
    claim_of(&job, &state, "proved");
    let receipt = service.submit(&state, "proved", "?wait=20", &[]).json();
    assert_eq!(receipt["state"], "accepted", "{receipt}");
    let claim = receipt["id"].as_str().expect("an id");
    let told = service.curl(&format!("/v1/claims/{claim}/events"), &[]);
    assert!(told.body.contains("\"state\":\"accepted\""), "{}", told.body);
    // With the receipt's path from a part of the tree, as a wallet would.
    let part = service.curl("/v1/snapshot/0/0", &[]).json();
    assert_eq!(part["leaves"].as_array().map(Vec::len), Some(512));
    assert_eq!(service.curl("/v1/snapshot/0/99", &[]).status, 404);
    assert_eq!(service.curl("/v1/snapshot/9/0", &[]).status, 404);
    assert_eq!(service.curl("/v1/snapshot/0/x", &[]).status, 400);

    // What is not so.
    let text = fs::read_to_string(state.path(&request)).expect("a request");
    let request: Value = serde_json::from_str(&text).expect("JSON");
    let with = |field: &str, value: Value| {
        let mut other = request.clone();
        other[field] = value;
        fs::write(state.path("other.json"), other.to_string()).expect("written");
        let answer = service.ask(&state, "other.json", "?wait=20");
        (answer.status, answer.json())
    };
    let code = |(status, json): (u16, Value)| {
        (status, json["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let malformed = (400, "malformed".to_owned());
    let other_key = WorkerKey::generate().public().to_string();
    assert_eq!(code(with("worker_key", json!(other_key))), (422, "other-key".to_owned()));
    assert_eq!(code(with("worker_key", json!("zz"))), malformed);
    assert_eq!(code(with("sealed", json!("00"))), malformed);
    assert_eq!(code(with("sealed", json!("zz"))), malformed);
    assert_eq!(code(with("tenant", json!("another"))), malformed);
    assert_eq!(code(with("priority", json!("soon"))), malformed);
    assert_eq!(code(with("secret", json!(1))), malformed);
    let bytes = request["sealed"].as_str().expect("hex").len();
    let (status, failed) = with("sealed", json!("00".repeat(bytes / 2)));
    assert_eq!((status, &failed["reason"]), (200, &json!("unreadable")), "{failed}");
    assert!(failed["message"].as_str().is_some_and(|words| words.contains("seal the request")));
    assert_eq!(service.curl_as(&kiosk, "/v1/proofs/zz", &[]).status, 400);
    let unknown = format!("/v1/proofs/{}", "0".repeat(64));
    assert_eq!(service.curl_as(&kiosk, &unknown, &[]).status, 404);
    assert_eq!(service.stop(), 0);
}

#[test]
fn two_services_and_two_workers_on_one_database_do_the_same() {
    let server = Postgres::start();
    let state = State::on_database(Some(server.address()), SCHEME, support::year());
    state.json(&["worker", "new", "--out", "worker.json"]);
    state.refused(&["serve", "--keys", "keys", "--proofs", "0"], 2, "--worker-key");
    let arguments = ["--worker-key", "worker.json", "--proofs", "0"];
    let services = [Service::start(&state, &arguments), Service::start(&state, &arguments)];
    let workers = [Service::worker(&state), Service::worker(&state)];
    let holders =
        ["WB070000002", "WB070000003", "WB070000005", "WB070000009", "WB070000010", "WB070000013"];
    let mut jobs = HashMap::new();
    let mut claimants = Vec::new();
    for (number, holder) in holders.into_iter().enumerate() {
        // Whoever has land is paid; the others can't even be sealed.
        let state_prove = state.prove(holder, SCHEME, support::year(), "try");
        if state_prove.code != 0 {
            continue;
        }
        let service = &services[number % 2];
        let request = service.seal(&state, holder, SCHEME, &["--batch"]);
        let job = service.ask(&state, &request, "").json();
        jobs.insert(holder, job["id"].as_str().expect("an id").to_owned());
        claimants.push(holder);
    }
    assert!(claimants.len() >= 4, "{claimants:?}");
    // One worker dies at it; the other has its jobs when their leases end.
    let [dies, lives] = workers;
    drop(dies);
    for holder in &claimants {
        let path = format!("/v1/proofs/{}?wait=30", jobs[holder]);
        // Asked at the other service.
        let kiosk = state.shown("kiosk", &[]);
        let mut job = services[1].curl_as(&kiosk, &path, &[]).json();
        if job["state"] != "proved" {
            job = services[0].curl_as(&kiosk, &path, &[]).json();
        }
        assert_eq!(job["state"], "proved", "{job}");
        claim_of(&job, &state, holder);
        let receipts = services
            .each_ref()
            .map(|service| service.submit(&state, holder, "?wait=30", &[]).json());
        assert_eq!(receipts[0]["state"], "accepted", "{}", receipts[0]);
        assert_eq!(receipts[0], receipts[1]);
    }
    assert_eq!(lives.stop(), 0);
    for service in services {
        assert_eq!(service.stop(), 0);
    }
    assert_eq!(state.pay(SCHEME, support::year())["claims"], claimants.len());
}

/// How often some bytes stand in what a process may write.
fn in_memory(process: u32, needles: &[Vec<u8>]) -> Vec<usize> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).expect("Linux tells");
    let mut memory = fs::File::open(format!("/proc/{process}/mem")).expect("ours to read");
    let mut counts = vec![0; needles.len()];
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (begin, end) =
            line.split_once(' ').expect("a range").0.split_once('-').expect("a range");
        let [begin, end] = [begin, end].map(|text| u64::from_str_radix(text, 16).expect("hex"));
        let mut bytes = vec![0; (end - begin) as usize];
        if memory.seek(SeekFrom::Start(begin)).is_ok() && memory.read_exact(&mut bytes).is_ok() {
            for (count, needle) in counts.iter_mut().zip(needles) {
                *count += bytes.windows(needle.len()).filter(|window| window == needle).count();
            }
        }
    }
    counts
}

/// What a holder's files say that nobody else may know, in the forms that a program could have them.
fn canaries(state: &State, holder: &str) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| -> Value {
        serde_json::from_str(&fs::read_to_string(state.path(&name)).expect("a file")).expect("JSON")
    };
    let wallet = read(format!("credentials/wallets/{holder}.json"));
    let credential = read(format!("credentials/{holder}.json"));
    let mut canaries = Vec::new();
    let mut text = |name: &str, value: &Value| {
        let value = value.as_str().expect("a text");
        canaries.push((name.to_owned(), value.as_bytes().to_vec()));
        if let Ok(element) = praman_circuits::field::parse_decimal(value)
            && value.len() > 20
        {
            let bytes = praman_circuits::field::to_be_bytes(element);
            canaries.push((format!("{name}, bytes"), bytes.to_vec()));
            canaries.push((format!("{name}, hex"), hex::encode(bytes).into_bytes()));
        }
    };
    text("secret", &wallet["secret"]);
    text("blinding", &wallet["blinding"]);
    text("salt", &credential["salt"]);
    text("account", &credential["payee"]["account"]);
    text("name", &credential["payee"]["name"]);
    text("register number", &json!(holder));
    canaries
}

#[test]
#[cfg(target_os = "linux")]
fn witness_data_is_left_nowhere_after_proving() {
    let state = State::with_everything(SCHEME, support::year());
    state.json(&["worker", "new", "--out", "worker.json"]);
    let service = Service::start(&state, &["--worker-key", "worker.json", "--proofs", "0"]);
    let worker = Service::worker(&state);
    let holder = "WB070000002";
    let canaries = canaries(&state, holder);
    for round in 0..5 {
        // Sealed anew each time, so that each is a job of its own.
        let request = service.seal(&state, holder, SCHEME, &[]);
        let job = service.ask(&state, &request, "?wait=30").json();
        assert_eq!(job["state"], "proved", "round {round}: {job}");
        claim_of(&job, &state, "proved");
    }
    assert_eq!(service.submit(&state, "proved", "?wait=20", &[]).json()["state"], "accepted");

    let needles: Vec<Vec<u8>> = canaries.iter().map(|(_, bytes)| bytes.clone()).collect();
    // The search itself finds what is there.
    let here = in_memory(std::process::id(), &needles);
    assert!(here.iter().all(|&count| count > 0), "{here:?}");
    for (process, name) in [(worker.child.id(), "worker"), (service.child.id(), "service")] {
        for ((canary, _), count) in canaries.iter().zip(in_memory(process, &needles)) {
            // A machine's stack may keep one until the next call.
            let most = usize::from(name == "worker");
            assert!(count <= most, "{canary} stands {count} times in the {name}'s memory");
        }
        let limits = fs::read_to_string(format!("/proc/{process}/limits")).expect("Linux tells");
        if name == "worker" {
            let core = limits.lines().find(|line| line.starts_with("Max core file size"));
            let core: Vec<_> = core.expect("a line").split_whitespace().collect();
            assert_eq!(core[4..6], ["0", "0"], "no core dumps");
        }
    }
    let written = [&worker, &service].map(|program| program.said.lock().expect("whole").clone());
    let mut places = vec![("what was said".to_owned(), written.concat().into_bytes())];
    for entry in fs::read_dir(state.path("state")).expect("a folder") {
        let path = entry.expect("an entry").path();
        places.push((path.display().to_string(), fs::read(&path).expect("a file")));
    }
    assert!(places.iter().any(|(name, _)| name.ends_with("-wal")), "the journal is looked at");
    for (place, bytes) in places {
        for (canary, needle) in &canaries {
            let stands = bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!stands, "{canary} stands in {place}");
        }
    }
    assert_eq!(worker.stop(), 0);
    assert_eq!(service.stop(), 0);
}

#[test]
fn grpc_calls_of_another_implementation_are_answered() {
    let state = State::with_everything(SCHEME, support::year());
    state.json(&["office", "token", "--office", "office.json", "--out", "token"]);
    let service = Service::start(&state, &["--office", "office.json"]);
    let request = service.seal(&state, "WB070000002", SCHEME, &[]);
    let second = service.seal(&state, "WB070000003", SCHEME, &[]);
    let (token, kiosk) = (fs::read_to_string(state.path("token")), state.shown("kiosk", &[]));
    // As a page does over gRPC-Web, once the office's register was issued to over gRPC.
    for client in ["grpc.mjs", "web.mjs"] {
        let output = Command::new("node")
            .arg(support::root().join("tests/peers").join(client))
            .env("OFFICE_TOKEN", token.as_ref().expect("a token"))
            .env("KIOSK", &kiosk)
            .env("REGISTER", support::register())
            .arg(service.host())
            .arg(state.path(&request))
            .arg(state.path(&second))
            .output()
            .expect("node is there");
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{client}: {out}{err}");
        assert!(out.trim_end().ends_with("all as described"), "{client}: {out}");
    }
    assert_eq!(service.stop(), 0);
    assert_eq!(state.pay(SCHEME, support::year())["claims"], 2);
}

#[test]
fn stream_that_is_left_open_does_not_hold_the_service_up() {
    let state = State::with_everything(SCHEME, support::year());
    let service = Service::start(&state, &[]);
    let mut peer = Command::new("node")
        .arg(support::root().join("tests/peers/idle.mjs"))
        .env("KIOSK", state.shown("kiosk", &[]))
        .arg(service.host())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is there");
    let mut lines = BufReader::new(peer.stdout.take().expect("piped")).lines();
    let mut next = || lines.next().expect("a line").expect("text");
    assert_eq!(next(), "open");
    let begun = Instant::now();
    assert_eq!(service.stop(), 0);
    // Far less than requests are given to end in.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(next(), "ended");
    assert!(peer.wait().expect("it ends").success());
}
