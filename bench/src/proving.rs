//! Proofs made for others: how many a second come out of the queue in a store.

use std::time::{Duration, Instant};

use bench::{peak_mib, prover};
use clap::Args;
use praman::claim::{ClaimTerms, CredentialPaths};
use praman::claims::Schemes;
use praman::key_store::MasterKey;
use praman::ledger::{JoinedLedger, Ledger, LedgerStore};
use praman::offices::{Application, OfficeStore, Validity};
use praman::proving::{
    NewJob, Priority, ProvingDesk, ProvingRequest, QueueLimits, Worker, WorkerKey, WorkerLimits,
};
use praman::schema::RESIDENT;
use praman::store::{Location, Store};
use praman::treasury::TreasuryKey;
use praman::wallet::Wallet;
use praman::{calendar, register};
use praman_circuits::policy::TierIndex;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The sample's farmer, and the scheme that she may claim.
const FARMER: &str = "WB070000002";
const SCHEME: &str = "krishak-bandhu";

/// How to prove.
#[derive(Args)]
pub(crate) struct Proving {
    /// How many proofs to request.
    #[arg(long, default_value_t = 400)]
    proofs: usize,
    /// How many workers share the store.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// How many proofs a worker makes at a time, each on its own core.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// An empty PostgreSQL database [default: a SQLite file].
    #[arg(long)]
    database: Option<String>,
}

impl Proving {
    pub(crate) fn run(&self) -> Value {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.measure())
    }

    async fn measure(&self) -> Value {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path(), self.database.as_deref()).expect("a location");
        let store = Store::connect(&location).await.expect("a store");
        let key = WorkerKey::generate();
        let path = folder.path().join("worker.json");
        let passphrase = praman::sealed::Passphrase::new("a bench".to_owned()).expect("some");
        key.save(&path, &passphrase).expect("saved");
        let jobs = self.jobs(&store, &key).await;
        let desk = ProvingDesk::open(&store, key.public(), QueueLimits::default());
        let (stop, stopping) = watch::channel(false);
        let mut working = JoinSet::new();
        for _ in 0..self.workers {
            // As on other machines: each with its own connections and keys.
            let store = Store::connect(&location).await.expect("a store");
            let key = WorkerKey::open(&path, &passphrase).expect("opened");
            let limits = WorkerLimits { threads: self.threads, ..WorkerLimits::default() };
            let worker = Worker::new(&store, prover(), key, Schemes::shipped(), limits);
            let mut stopping = stopping.clone();
            working.spawn(worker.expect("threads").run(async move {
                drop(stopping.wait_for(|&stop| stop).await);
            }));
        }
        let begun = Instant::now();
        let mut ids = Vec::with_capacity(jobs.len());
        for job in jobs {
            ids.push(desk.ask(job).await.expect("kept").id);
        }
        for id in ids {
            let job = desk.finished(id, Duration::from_secs(600)).await.expect("read");
            assert!(job.is_some_and(|job| job.claim.is_some()), "proved");
        }
        let seconds = begun.elapsed().as_secs_f64();
        stop.send_replace(true);
        while working.join_next().await.is_some() {}
        json!({
            "database": if self.database.is_some() { "postgresql" } else { "sqlite" },
            "workers": self.workers,
            "threads_each": self.threads,
            "cores": std::thread::available_parallelism().map_or(1, usize::from),
            "proofs": self.proofs,
            "proofs_per_second": (self.proofs as f64 / seconds * 10.0).round() / 10.0,
            "peak_mib": peak_mib(),
        })
    }

    /// Returns the farmer's claim, sealed as often as proofs are requested.
    async fn jobs(&self, store: &Store, worker: &WorkerKey) -> Vec<NewJob> {
        let today = calendar::today();
        let register = register::check(praman::demo::SAMPLE_REGISTER, today, |_| ());
        let register = register.expect("the sample");
        let farmer = register.people().iter().find(|person| person.register_no() == FARMER);
        let wallet = Wallet::generate();
        let application = Application::new(farmer.expect("in the sample"), wallet.subject());
        let office =
            OfficeStore(store).new_office("Block", &RESIDENT, |_| Ok(())).await.expect("an office");
        let issuing = OfficeStore(store)
            .issue(&office, &MasterKey::in_memory(), vec![application], Validity::from_today(today))
            .await;
        let issued = issuing.expect("issuing").commit().await.expect("issued");
        let prover = prover();
        let mut ledger =
            JoinedLedger::join(store, &[], prover.verifying_key(), praman::EVENT_HANDLERS)
                .await
                .expect("a ledger");
        let snapshot = LedgerStore(store).snapshot(today, None).await.expect("a snapshot");
        let offices = OfficeStore(store).office_states().await.expect("offices");
        ledger.publish_checkpoint(&offices, snapshot.checkpoint()).await.expect("published");
        let schemes = Schemes::shipped();
        let scheme = &schemes.find(&SCHEME.parse().expect("an id")).expect("shipped").scheme;
        let period = scheme.parse_period("2026").expect("a year");
        let scheme_period = scheme.in_period(period).expect("rules");
        let treasury = TreasuryKey::generate();
        let terms = ClaimTerms {
            context: ledger.context(),
            checkpoint: snapshot.checkpoint(),
            scheme: &scheme_period,
            treasury: treasury.public(),
        };
        let tier = TierIndex::new(0).expect("a tier");
        (0..self.proofs)
            .map(|_| {
                let credential = serde_json::to_string(&issued.credentials[0]).expect("plain data");
                let credential: praman::wallet::CredentialFile =
                    serde_json::from_str(&credential).expect("plain data");
                let paths = CredentialPaths::find(&credential, &snapshot).expect("live");
                let request = ProvingRequest::new(&terms, period, credential, &wallet, tier, paths);
                NewJob {
                    tenant: String::new(),
                    priority: Priority::Batch,
                    worker: worker.public(),
                    sealed: request.seal(&worker.public()).expect("sealed"),
                    deadline: Duration::from_secs(3_600),
                }
            })
            .collect()
    }
}
