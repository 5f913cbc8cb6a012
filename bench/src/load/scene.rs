//! An open period on a ledger whose key proves anything, and the services that take its claims.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use praman::access_control::Caller;
use praman::application::{Application, Limits, OptionalDesks};
use praman::calendar;
use praman::claim::{Claim, SubmittedClaim};
use praman::claims::{ClaimDesk, ClaimLimits, ClaimMachine, Schemes, StageTimes};
use praman::envelope::{self, Payout};
use praman::ledger::{JoinedLedger, JoinedNetwork, Ledger, LedgerClaim, history};
use praman::offices::OfficeStore;
use praman::proving::{ProvingDesk, QueueLimits, WorkerKey};
use praman::schema::RESIDENT;
use praman::scheme::{ClaimPeriod, PaymentTerms};
use praman::server::{self, PeerLimits, Peers};
use praman::store::{Location, Store};
use praman::treasury::{Debtor, Paid, PaymentRun, TreasuryKey};
use praman_circuits::Fr;
use praman_circuits::eligibility::{Checkpoint, PUBLIC_INPUTS, PublicInputs};
use praman_circuits::nullifier::Nullifier;
use praman_circuits::payee::{Payee, PayeeSalt};
use praman_circuits::payout::{EnvelopeHash, PayoutBlinding, PayoutCommitment, payout};
use praman_testkit::simulation::SimulatedKey;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const AMOUNT: u32 = 1_000;

/// An open period on a ledger whose key proves anything.
pub(super) struct Scene {
    key: SimulatedKey,
    public: PublicInputs,
    period: ClaimPeriod,
    checkpoint: Checkpoint,
    treasury: TreasuryKey,
}

impl Scene {
    pub(super) async fn open(location: &Location) -> Self {
        let store = Store::connect(location).await.expect("a store");
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let key = SimulatedKey::draw(PUBLIC_INPUTS, &mut rng);
        OfficeStore(&store)
            .new_office("Block", &RESIDENT, |_| Ok(()))
            .await
            .expect("an empty store");
        let mut ledger =
            JoinedLedger::join(&store, &[], key.verifying_key(), praman::EVENT_HANDLERS)
                .await
                .expect("a ledger");
        let state_root = OfficeStore(&store).state_root().await.expect("a root");
        let checkpoint = Checkpoint { state_root, as_of: calendar::today() };
        let offices = OfficeStore(&store).office_states().await.expect("offices");
        ledger.publish_checkpoint(&offices, checkpoint).await.expect("published");
        let schemes = Schemes::shipped();
        let id = "old-age-pension".parse().expect("an id");
        let scheme = &schemes.find(&id).expect("shipped").scheme;
        let today = calendar::date_of(checkpoint.as_of).expect("a date").to_string();
        let period = scheme.parse_period(&today[..7]).expect("a month");
        let scheme_period = scheme.in_period(period).expect("rules");
        ledger.open_period(&scheme_period, period, scheme.last_day(period)).await.expect("opened");
        let public = PublicInputs {
            context: ledger.context(),
            checkpoint,
            scheme_period,
            nullifier: Nullifier::from_field(Fr::from(0u64)),
            payout: PayoutCommitment::from_field(Fr::from(0u64)),
            envelope: EnvelopeHash::from_field(Fr::from(0u64)),
        };
        Self { key, public, period, checkpoint, treasury: TreasuryKey::generate() }
    }

    /// Returns claims of a number of people, proved beforehand, with envelopes that the treasury can open.
    pub(super) fn claims(&self, people: std::ops::Range<u64>) -> Vec<SubmittedClaim> {
        people.into_par_iter().map(|person| self.claim(person)).collect()
    }

    fn claim(&self, person: u64) -> SubmittedClaim {
        let mut rng = ChaCha20Rng::seed_from_u64(person);
        let payee = Payee {
            account: format!("{:011}", 10_000 + person),
            ifsc: "SBIN0000001".to_owned(),
            name: format!("Person {person}"),
        };
        let salt = PayeeSalt::from_field(Fr::from(person + 1_000));
        let blinding = PayoutBlinding::from_field(Fr::from(person + 2_000));
        let digest = payee.digest(&salt);
        let contents = Payout::new(AMOUNT, payee, &salt, &blinding);
        let envelope = envelope::seal(&contents, self.treasury.public()).expect("sealed");
        let mut public = self.public.clone();
        public.nullifier = Nullifier::from_field(Fr::from(person + 1));
        public.envelope = EnvelopeHash::of(&envelope);
        public.payout = payout(AMOUNT, digest, public.envelope, &blinding);
        let ledger = LedgerClaim {
            scheme: public.scheme_period.scheme.clone(),
            period: self.period,
            checkpoint: 0,
            nullifier: public.nullifier,
            payout: public.payout,
            envelope: public.envelope,
            proof: self.key.prove(&public.to_fields(), &mut rng),
        };
        SubmittedClaim::new(Claim { ledger, envelope }, self.checkpoint)
    }

    /// Returns how many of the people's claims were not accepted, and how many more than once by the chain's
    /// history, replayed from the first block.
    pub(super) async fn lost_and_twice(&self, store: &Store, people: u64) -> (i64, i64) {
        let accepted = claims_in(store).await;
        let (mut network, _) =
            JoinedNetwork::open(store, &[], praman::EVENT_HANDLERS).await.expect("a network");
        let history = history::verify(&mut network, None).await.expect("replayed");
        assert!(history.faults.is_empty(), "{:?}", history.faults);
        (people as i64 - accepted, history.claims as i64 - accepted)
    }

    /// Pays everything that is accepted and not yet paid, into the bank's files.
    async fn pay(&self, store: &Store, folder: &Path) -> Paid {
        let debtor = Debtor {
            name: "State Treasury".to_owned(),
            account: "41100200300".to_owned(),
            ifsc: "PRMN0000001".to_owned(),
        };
        let folder = folder.join("bank");
        let run = PaymentRun {
            scheme: &self.public.scheme_period.scheme,
            period: self.period.period,
            terms: PaymentTerms { instalments: 1, shared_accounts: false },
            on: calendar::date_of(calendar::today()).expect("a date"),
            debtor: &debtor,
            folder: &folder,
            format: None,
            by: &Caller::operator(),
        };
        run.pay(store, &self.treasury).await.expect("paid")
    }

    /// Pays everyone at once.
    pub(super) async fn pay_all(&self, store: &Store, folder: &Path, people: u64) -> Value {
        let begun = Instant::now();
        let paid = self.pay(store, folder).await;
        assert_eq!((paid.claims as u64, paid.held.len()), (people, 0), "everybody is paid once");
        let seconds = begun.elapsed().as_secs_f64();
        json!({
            "claims": paid.claims,
            "orders_per_second": (paid.claims as f64 / seconds).round(),
            "seconds": (seconds * 10.0).round() / 10.0,
        })
    }
}

/// A treasury that pays twice a second.
pub(super) struct Treasury {
    scene: Arc<Scene>,
    store: Store,
    folder: PathBuf,
}

impl Treasury {
    pub(super) fn new(scene: &Arc<Scene>, store: &Store, folder: &Path) -> Self {
        Self { scene: scene.clone(), store: store.clone(), folder: folder.to_owned() }
    }

    /// Pays until a number of claims are ordered; returns the time and count after each run.
    pub(super) async fn pay_along(&self, claims: usize) -> Vec<(Instant, usize)> {
        let (mut runs, mut ordered) = (Vec::new(), 0);
        while ordered < claims {
            let paid = self.scene.pay(&self.store, &self.folder).await;
            assert!(paid.held.is_empty(), "every envelope opens");
            ordered += paid.claims;
            runs.push((Instant::now(), ordered));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        assert_eq!(ordered, claims, "everybody is paid once");
        runs
    }
}

/// Returns how many claims a store has.
pub(super) async fn claims_in(store: &Store) -> i64 {
    let count = sqlx::query_as("SELECT count(*) FROM accepted_claim");
    let (count,): (i64,) = count.fetch_one(store.pool()).await.expect("a count");
    count
}

/// Returns how many claims a store keeps besides the accepted ones, and how many refused ones it remembers.
pub(super) async fn bad_kept(store: &Store) -> Vec<i64> {
    let mut counts = Vec::new();
    for statement in
        ["SELECT count(*) FROM claim WHERE state = 'refused'", "SELECT count(*) FROM refused_claim"]
    {
        let (count,): (i64,) =
            sqlx::query_as(statement).fetch_one(store.pool()).await.expect("a count");
        counts.push(count);
    }
    counts
}

/// Returns the size of a folder's store; none for a database elsewhere.
pub(super) fn file_mib(folder: &Path) -> Option<u64> {
    Some(file_bytes(folder)? >> 20)
}

/// Returns how many bytes the store's file has; none if it is not a file.
pub(super) fn file_bytes(folder: &Path) -> Option<u64> {
    Some(std::fs::metadata(folder.join("praman.db")).ok()?.len())
}

/// A service on the loopback.
pub(super) struct Replica {
    pub(super) address: String,
    desk: ClaimDesk,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Replica {
    pub(super) async fn start(scene: &Scene, store: Store) -> Self {
        let key = scene.key.verifying_key();
        let ledger =
            JoinedLedger::join(&store, &[], key, praman::EVENT_HANDLERS).await.expect("a ledger");
        let machine = ClaimMachine::new(&store, key, Schemes::shipped(), ledger.context());
        let limits = ClaimLimits { waiting_max: 100_000, ..ClaimLimits::default() };
        let desk = ClaimDesk::open(machine, ledger, limits);
        let worker = WorkerKey::generate().public();
        let proving = ProvingDesk::open(&store, worker, QueueLimits::default());
        let limits = Limits { requests_max: 100_000, ..Limits::default() };
        let application =
            Application::new(desk.clone(), proving, OptionalDesks::default(), key, limits);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        // One program makes all of the load.
        let peers =
            Peers::new(PeerLimits { connections_max: usize::MAX, requests_max: usize::MAX }, []);
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(async move {
            let stop = async move { drop(stopped.await) };
            server::serve(listener, None, application, peers, stop).await;
        });
        Self { address, desk, stop, served }
    }

    pub(super) fn stage_times(&self) -> StageTimes {
        self.desk.machine().stage_times()
    }

    pub(super) async fn stop(self) {
        drop(self.stop);
        self.served.await.expect("it ends");
        self.desk.shut_down().await;
    }
}
