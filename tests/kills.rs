//! A service that is killed again and again, at points that a seed draws: by SIGKILL at any moment, and by
//! itself at the points where a step has just been kept, or just has not.
//!
//! Claims come in all the while, and the treasury pays. After it every claim is accepted once and paid
//! once, and store, chain and bank files tell the same. `PRAMAN_SEED` replays a run's choices.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use claim_scene::Scene;
use postgres::Postgres;
use praman::ledger::history;
use praman::sealed::Passphrase;
use praman::store::Location;
use praman::treasury::TreasuryKey;
use rand::rngs::OsRng;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use running::Service;
use serde_json::Value;
use support::{State, rounds};

use crate::support;
use crate::support::{claim_scene, postgres, service as running};

const SCHEME: &str = "old-age-pension";

const POINTS: [&str; 7] = [
    "claims::keep",
    "claims::kept",
    "claims::mark",
    "claims::marked",
    "chain::block",
    "chain::kept",
    "claims::settled",
];

const TREASURY_POINTS: [&str; 4] =
    ["treasury::drafted", "treasury::ordered", "treasury::written", "treasury::closed"];

/// Hands in a claim; its answer, if the service lived to give one.
fn post(host: &str, claim: &str, query: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(40))).ok()?;
    let head = format!(
        "POST /v1/claims{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n",
        claim.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(claim.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    serde_json::from_str(body).ok()
}

struct Counts {
    by_point: usize,
    by_signal: usize,
    treasury: usize,
    handed_in: usize,
}

/// Clients that hand in claims, each one again and again, whether the service lives or not.
struct Clients {
    stop: Arc<AtomicBool>,
    host: Arc<Mutex<String>>,
    handed_in: Arc<AtomicUsize>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Clients {
    fn start(claims: &Arc<Vec<String>>, progress: &Arc<AtomicUsize>, seed: u64) -> Self {
        let (stop, host) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(String::new())));
        let handed_in = Arc::new(AtomicUsize::new(0));
        let threads = (0..3)
            .map(|number| {
                let (claims, stop, host) = (claims.clone(), stop.clone(), host.clone());
                let (progress, handed_in) = (progress.clone(), handed_in.clone());
                std::thread::spawn(move || {
                    let mut rng = ChaCha20Rng::seed_from_u64(seed ^ number);
                    while !stop.load(Ordering::Relaxed) {
                        // New people come as the kills go on, and those of before come again.
                        let newest = progress.load(Ordering::Relaxed).clamp(1, claims.len());
                        let oldest = newest.saturating_sub(6);
                        let claim = &claims[rng.gen_range(oldest..newest)];
                        let host = host.lock().expect("whole").clone();
                        match post(&host, claim, "") {
                            Some(_) => {
                                handed_in.fetch_add(1, Ordering::Relaxed);
                            }
                            None => sleep(Duration::from_millis(2)),
                        }
                    }
                })
            })
            .collect();
        Self { stop, host, handed_in, threads }
    }

    fn go_to(&self, service: &Service) {
        service.host().clone_into(&mut self.host.lock().expect("whole"));
    }

    fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("no client panics");
        }
        self.handed_in.load(Ordering::Relaxed)
    }
}

fn serve(state: &State, failpoint: Option<String>) -> Option<Service> {
    let mut command = state.command(&["serve", "--keys", "keys", "--listen", "127.0.0.1:0"]);
    if let Some(point) = failpoint {
        command.env("FAILPOINTS", point);
    }
    Service::run(command, "praman: listening at ")
}

/// The treasury pays, and dies at it if a point is named.
fn pay(state: &State, period: &str, failpoint: Option<String>) {
    let arguments = support::pay_arguments(SCHEME, period);
    let mut command = state.command(&arguments.each_ref().map(String::as_str));
    if let Some(point) = failpoint {
        command.env("FAILPOINTS", point);
    }
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it starts");
    assert!(status.code().is_none_or(|code| code == 0), "{status}");
}

/// Kills a service so many times while claims come in.
async fn kill(state: State, location: Location, kills: usize) -> Counts {
    let given = std::env::var("PRAMAN_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| OsRng.next_u64());
    println!("PRAMAN_SEED={seed}");
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut scene = Scene::open(location).await;
    scene.write_keys(&state.path("keys"));
    let treasury = TreasuryKey::generate();
    let passphrase = Passphrase::new("a passphrase for tests".to_owned()).expect("not empty");
    treasury.save(&state.path("treasury.json"), &passphrase).expect("written");
    // A point is come to when a new person claims: where kills are few, each has a person of its own.
    let people = (kills / 3).max(kills.min(30));
    let claims: Vec<String> = (1..=people as u64)
        .map(|person| scene.payable_claim(person, treasury.public()).to_json())
        .collect();
    let claims = Arc::new(claims);
    let today = praman::calendar::date_of(scene.checkpoint.as_of).expect("a date").to_string();
    let period = &today[..7];

    let progress = Arc::new(AtomicUsize::new(1));
    let clients = Clients::start(&claims, &progress, seed);
    let mut counts = Counts { by_point: 0, by_signal: 0, treasury: 0, handed_in: 0 };
    for round in 0..kills {
        progress.store(1 + round * people / kills, Ordering::Relaxed);
        let by_point = rng.gen_bool(0.5);
        let point = by_point.then(|| {
            let (point, hits) = (POINTS[rng.gen_range(0..POINTS.len())], rng.gen_range(0..2));
            format!("{point}={hits}*off->return")
        });
        // What a dead program held is held until its time is over, which is now.
        let passed = sqlx::query("UPDATE lease SET expires_at = 0").execute(scene.store.writer());
        passed.await.expect("time has passed");
        let moment = Duration::from_micros(rng.gen_range(0..50_000));
        if let Some(mut service) = serve(&state, point) {
            clients.go_to(&service);
            // A point that is not come to is no kill: then it is killed by the signal.
            let mut died = false;
            if by_point {
                for _ in 0..300 {
                    died = service.child.try_wait().expect("asked").is_some();
                    if died {
                        break;
                    }
                    sleep(Duration::from_millis(2));
                }
            } else {
                sleep(moment);
            }
            let _ = service.child.kill();
            service.child.wait().expect("it was started");
            counts.by_point += usize::from(died);
            counts.by_signal += usize::from(!died);
        } else {
            counts.by_point += 1;
        }
        if round % 50 == 49 {
            let point = TREASURY_POINTS[rng.gen_range(0..TREASURY_POINTS.len())];
            pay(&state, period, Some(format!("{point}=return")));
            counts.treasury += 1;
        }
    }
    counts.handed_in = clients.end();

    // The storm is over: who has no answer asks again.
    let service = serve(&state, None).expect("it starts");
    for claim in claims.iter() {
        let receipt = post(service.host(), claim, "?wait=30").expect("answered");
        let outcome = receipt["state"].as_str().unwrap_or_default();
        assert!(["accepted", "ordered"].contains(&outcome), "{receipt}");
        assert_eq!(post(service.host(), claim, "?wait=30"), Some(receipt));
    }
    assert_eq!(service.stop(), 0);
    pay(&state, period, None);
    books_agree(&state, &scene, people).await;
    counts
}

/// Store, chain and bank files tell the same.
async fn books_agree(state: &State, scene: &Scene, people: usize) {
    let count = async |statement| {
        let (count,): (i64,) =
            sqlx::query_as(statement).fetch_one(scene.store.pool()).await.expect("a count");
        count as usize
    };
    assert_eq!(count("SELECT count(*) FROM accepted_claim").await, people);
    assert_eq!(count("SELECT count(*) FROM claim WHERE state = 'ordered'").await, people);
    assert_eq!(
        count("SELECT count(*) FROM claim WHERE state NOT IN ('ordered', 'refused')").await,
        0
    );
    let mut ledger = scene.ledger().await;
    let told = history::verify(&mut ledger.network, None).await.expect("replayed");
    assert!(told.faults.is_empty(), "{:?}", told.faults);
    assert_eq!(told.claims, people);
    let (mut accounts, mut transfers, mut files) = (HashSet::new(), 0, 0);
    for entry in std::fs::read_dir(state.path("bank")).expect("files") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "xml") {
            continue;
        }
        files += 1;
        let xml = std::fs::read_to_string(&path).expect("whole");
        assert!(xml.trim_end().ends_with("</Document>"), "half a file: {}", path.display());
        for transfer in xml.split("<CdtTrfTxInf>").skip(1) {
            transfers += 1;
            let creditor = transfer.split("<CdtrAcct>").nth(1).expect("an account");
            let account = creditor.split("<Id>").last().expect("a number");
            accounts.insert(account.split('<').next().expect("a number").to_owned());
        }
    }
    println!("{files} bank files, {transfers} transfers");
    assert_eq!((transfers, accounts.len()), (people, people), "each person is paid once");
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_any_point_lose_nothing_and_pay_nothing_twice() {
    let state = State::new();
    let location = Location::Folder(state.path("state"));
    let kills = rounds(100, 1_000);
    let counts = kill(state, location, kills).await;
    let Counts { by_point, by_signal, treasury, handed_in } = counts;
    println!("{by_point} by points, {by_signal} by signals, {treasury} of the treasury");
    println!("{handed_in} times a claim was answered");
    assert_eq!(by_point + by_signal, kills);
    assert!(by_point > kills / 10, "{by_point} by points");
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_on_postgresql_lose_nothing_and_pay_nothing_twice() {
    let server = Postgres::start();
    let state = State::empty_on(Some(server.address()));
    let kills = rounds(30, 150);
    let counts = kill(state, Location::Server(server.address()), kills).await;
    assert!(counts.by_point > kills / 10, "{} by points", counts.by_point);
}
