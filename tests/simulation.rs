//! The claim machine among crashes and a chain that fails, drawn from a seed.
//!
//! A crash is a step whose future is dropped after so many polls: at any point at which it waits for the
//! store. The chain fails before it does what it is asked, or after, without saying which. The store
//! refuses to write to a table, in the midst of what is written together. The clock is set forward or back
//! by a day. Whatever comes, each person's claim is accepted once, and store and chain tell the same. `PRAMAN_SEED`
//! replays a run.

use std::collections::HashMap;
use std::pin::pin;
use std::task::Poll;

use claim_scene::Scene;
use postgres::Postgres;
use praman::claim::SubmittedClaim;
use praman::claims::{
    Check, ClaimId, ClaimMachine, ClaimState, ClaimStore, HandedIn, Reason, Schemes,
};
use praman::ledger::LedgerFailure;
use praman::ledger::{
    JoinedLedger, Ledger, LedgerClaim, LedgerError, OfficeState, Receipt, history,
};
use praman::scheme::ClaimPeriod;
use praman::store::error::StoreError;
use praman::store::{Database, Location, Store};
use praman_circuits::context::Context;
use praman_circuits::eligibility::{Checkpoint, SchemePeriod};
use praman_circuits::period::Day;
use rand::rngs::OsRng;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use tempfile::TempDir;

use crate::support::{claim_scene, postgres, rounds};

/// Drops a future after so many polls; none if it was.
async fn crashing<T>(future: impl Future<Output = T>, polls: u32) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// What a chain does wrong next.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// It is gone before it was told.
    Before,
    /// It did what it was told, and is gone before it says so.
    After,
}

struct FaultyLedger {
    ledger: JoinedLedger,
    fault: Fault,
}

impl FaultyLedger {
    fn gone<T>() -> Result<T, LedgerError> {
        Err(LedgerError::Failed(LedgerFailure::Chain("the chain is gone".to_owned())))
    }
}

impl Ledger for FaultyLedger {
    fn context(&self) -> Context {
        self.ledger.context()
    }

    async fn publish_checkpoint(
        &mut self,
        offices: &[OfficeState],
        checkpoint: Checkpoint,
    ) -> Result<u64, LedgerError> {
        self.ledger.publish_checkpoint(offices, checkpoint).await
    }

    async fn find_checkpoint(&self, checkpoint: Checkpoint) -> Result<Option<u64>, LedgerError> {
        self.ledger.find_checkpoint(checkpoint).await
    }

    async fn open_period(
        &mut self,
        scheme: &SchemePeriod,
        period: ClaimPeriod,
        last_day: Day,
    ) -> Result<(), LedgerError> {
        self.ledger.open_period(scheme, period, last_day).await
    }

    async fn extend_period(
        &mut self,
        scheme: &SchemePeriod,
        period: ClaimPeriod,
        last_day: Day,
    ) -> Result<(), LedgerError> {
        self.ledger.extend_period(scheme, period, last_day).await
    }

    async fn claim(&mut self, claim: &LedgerClaim) -> Result<Receipt, LedgerError> {
        if self.fault == Fault::Before {
            return Self::gone();
        }
        let receipt = self.ledger.claim(claim).await?;
        if self.fault == Fault::After { Self::gone() } else { Ok(receipt) }
    }

    async fn claim_batch(&mut self, claims: &[LedgerClaim]) -> Result<Receipt, LedgerError> {
        if self.fault == Fault::Before {
            return Self::gone();
        }
        let receipt = self.ledger.claim_batch(claims).await?;
        if self.fault == Fault::After { Self::gone() } else { Ok(receipt) }
    }
}

/// One of several programs on the store.
struct Program {
    machine: ClaimMachine,
    ledger: FaultyLedger,
}

impl Program {
    async fn start(scene: &Scene) -> Self {
        // Connections of its own: a crash ends them, and with them what was not committed.
        let store = Store::connect(&scene.location).await.expect("a store");
        let key = scene.key.verifying_key();
        let ledger =
            JoinedLedger::join(&store, &[], key, praman::EVENT_HANDLERS).await.expect("a ledger");
        let machine = ClaimMachine::new(&store, key, Schemes::shipped(), scene.context);
        Self { machine, ledger: FaultyLedger { ledger, fault: Fault::None } }
    }

    /// Settles; whether there was something to do.
    async fn work(&mut self) -> Result<bool, StoreError> {
        Ok(!self.machine.settle(&mut self.ledger).await?.is_idle())
    }
}

/// What the store refuses to write, sometimes.
const TABLES: [(&str, &str); 6] = [
    ("INSERT", "claim"),
    ("UPDATE", "claim"),
    ("INSERT", "envelope"),
    ("INSERT", "chain_block"),
    ("INSERT", "chain_slot"),
    ("INSERT", "accepted_claim"),
];

async fn run(store: &Store, statement: String) {
    let ran = sqlx::query(sqlx::AssertSqlSafe(statement)).execute(store.writer()).await;
    ran.expect("the test's own statement");
}

/// Lets the store refuse to write to a table, as a full disk would.
async fn refuse_writing(store: &Store, event: &str, table: &str) {
    let trigger = match store.database() {
        Database::Sqlite => format!(
            "CREATE TRIGGER refuses BEFORE {event} ON {table}
             BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        ),
        Database::Postgres => {
            let refuses = "CREATE OR REPLACE FUNCTION refuses() RETURNS trigger AS
                           $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$ LANGUAGE plpgsql";
            run(store, refuses.to_owned()).await;
            format!(
                "CREATE TRIGGER refuses BEFORE {event} ON {table}
                 FOR EACH ROW EXECUTE FUNCTION refuses()"
            )
        }
    };
    run(store, trigger).await;
}

/// What the store has kept of time, as it looks once the clock was set by so many days.
async fn set_clock(store: &Store, days: i64) {
    let before = -days * 86_400_000;
    for (table, column) in [("claim", "received_at"), ("lease", "expires_at")] {
        run(store, format!("UPDATE {table} SET {column} = {column} + {before}")).await;
    }
}

#[derive(Default, Debug)]
struct Counts {
    crashes: u32,
    faults: u32,
    store_faults: u32,
    jumps: u32,
    steps: u32,
    sent: u32,
}

/// Runs a simulation until it has crashed so often.
async fn simulate(location: Location, seed: u64, crashes: usize) -> Counts {
    println!("PRAMAN_SEED={seed}");
    let mut scene = Scene::open(location).await;
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut counts = Counts::default();
    // Each person's claim, in two forms, and a second claim; and forgeries under their nullifiers.
    let mut handed_in: HashMap<u64, Vec<SubmittedClaim>> = HashMap::new();
    let mut forged: Vec<ClaimId> = Vec::new();
    let mut programs = vec![Program::start(&scene).await, Program::start(&scene).await];
    while (counts.crashes as usize) < crashes {
        counts.steps += 1;
        if rng.gen_ratio(1, 40) {
            counts.jumps += 1;
            let days = if rng.gen_bool(0.5) { 1 } else { -1 };
            set_clock(&scene.store, days).await;
        }
        let refused = rng.gen_ratio(1, 12).then(|| TABLES[rng.gen_range(0..TABLES.len())]);
        if let Some((event, table)) = refused {
            counts.store_faults += 1;
            refuse_writing(&scene.store, event, table).await;
        }
        let polls = if rng.gen_bool(0.5) { rng.gen_range(1..60) } else { u32::MAX };
        let at = rng.gen_range(0..programs.len());
        // New people come all the time, and those who came lately come again.
        let newest = 10 + u64::from(counts.crashes);
        let (drawn, person) = (rng.gen_range(0..10), rng.gen_range(newest - 9..=newest));
        let crashed = match drawn {
            0..=5 => {
                let forms = handed_in.entry(person).or_default();
                let claim = match forms.first() {
                    None => {
                        forms.push(scene.claim(person, 10));
                        forms[0].clone()
                    }
                    Some(first) if drawn == 0 => {
                        let other = scene.other_form(first);
                        forms.push(other.clone());
                        other
                    }
                    Some(_) if drawn == 1 => {
                        let mut other = scene.claim(person, 11).claim().clone();
                        other.ledger.payout = forms[0].claim().ledger.payout;
                        let forgery = SubmittedClaim::new(other, scene.checkpoint);
                        forged.push(ClaimId::of(&forgery));
                        forgery
                    }
                    Some(_) => forms[rng.gen_range(0..forms.len())].clone(),
                };
                counts.sent += 1;
                let program = &mut programs[at];
                let claims = [claim.into()];
                let received = program.machine.receive(&claims, Check::Together);
                crashing(received, polls).await.is_none()
            }
            _ => {
                let program = &mut programs[at];
                program.ledger.fault = match rng.gen_range(0..6) {
                    0 => Fault::Before,
                    1 => Fault::After,
                    _ => Fault::None,
                };
                counts.faults += u32::from(program.ledger.fault != Fault::None);
                crashing(program.work(), polls).await.is_none()
            }
        };
        if let Some((_, table)) = refused {
            let again = match scene.store.database() {
                Database::Sqlite => "DROP TRIGGER refuses".to_owned(),
                Database::Postgres => format!("DROP TRIGGER refuses ON {table}"),
            };
            run(&scene.store, again).await;
        }
        if crashed {
            counts.crashes += 1;
            programs.remove(at);
            programs.push(Program::start(&scene).await);
        }
    }
    // The storm is over.
    for program in &mut programs {
        program.ledger.fault = Fault::None;
        while program.work().await.expect("no fault is left") {}
    }
    for (person, forms) in &handed_in {
        // A client that was not answered asks again.
        let claims: Vec<HandedIn> = forms.iter().map(|form| form.clone().into()).collect();
        let mut receipts = Vec::new();
        for _ in 0..2 {
            let outcomes = programs[0].machine.receive(&claims, Check::Together).await;
            let outcomes = outcomes.expect("kept").into_iter();
            receipts = outcomes.map(|outcome| outcome.expect("not refused")).collect();
            while programs[0].work().await.expect("no fault is left") {}
        }
        assert_eq!(receipts[0].state, ClaimState::Accepted, "person {person}");
        assert!(receipts.iter().all(|receipt| *receipt == receipts[0]), "{receipts:?}");
    }
    for forgery in forged {
        // Handed in by a client that crashed, it may not be known; known, it is refused.
        if let Some(receipt) = ClaimStore(&scene.store).claim_receipt(forgery).await.expect("read")
        {
            let outcome = (receipt.state, receipt.reason);
            assert_eq!(outcome, (ClaimState::Refused, Some(Reason::ProofInvalid)));
        }
    }
    books_agree(&scene.store, &mut programs[0].ledger.ledger, handed_in.len()).await;
    counts
}

/// The store and the chain tell the same.
async fn books_agree(store: &Store, ledger: &mut JoinedLedger, people: usize) {
    let count = async |statement| {
        let (count,): (i64,) =
            sqlx::query_as(statement).fetch_one(store.pool()).await.expect("a count");
        count as usize
    };
    assert_eq!(count("SELECT count(*) FROM accepted_claim").await, people);
    assert_eq!(count("SELECT count(*) FROM claim WHERE state = 'accepted'").await, people);
    assert_eq!(
        count("SELECT count(*) FROM claim WHERE state NOT IN ('accepted', 'refused')").await,
        0
    );
    let told = history::verify(&mut ledger.network, None).await.expect("replayed");
    assert!(told.faults.is_empty(), "{:?}", told.faults);
    assert_eq!(told.claims, people);
}

fn seed() -> u64 {
    let given = std::env::var("PRAMAN_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| OsRng.next_u64())
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_at_any_step_lose_nothing_and_accept_nothing_twice() {
    let folder = TempDir::new().expect("a folder");
    let location = Location::Folder(folder.path().to_owned());
    let crashes = rounds(100, 1_000);
    let counts = simulate(location, seed(), crashes).await;
    println!("{counts:?}");
    assert!(
        counts.faults.min(counts.store_faults).min(counts.jumps) > crashes as u32 / 20,
        "{counts:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_on_postgresql_lose_nothing_and_accept_nothing_twice() {
    let server = Postgres::start();
    let crashes = rounds(40, 200);
    let counts = simulate(Location::Server(server.address()), seed(), crashes).await;
    println!("{counts:?}");
    assert!(
        counts.faults.min(counts.store_faults).min(counts.jumps) > crashes as u32 / 20,
        "{counts:?}"
    );
}
