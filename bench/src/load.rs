//! Many claims at once: from handing in to acceptance on the embedded chain.
//!
//! Claims come at a steady rate whatever becomes of those before them, so that a slow service can't
//! slow its measure down; a claim's time counts from when it was due to come.

use std::time::{Duration, Instant};

use bench::peak_mib;
use clap::Args;
use praman::calendar;
use praman::claim::{Claim, SubmittedClaim};
use praman::claims::{ClaimDesk, ClaimLimits, ClaimMachine, ClaimReceipt, ClaimState, Schemes};
use praman::envelope::SEALED_BYTES;
use praman::ledger::{JoinedLedger, Ledger, LedgerClaim};
use praman::schema::RESIDENT;
use praman::store::{Location, Store};
use praman_circuits::Fr;
use praman_circuits::eligibility::{Checkpoint, PUBLIC_INPUTS, PublicInputs};
use praman_circuits::nullifier::Nullifier;
use praman_circuits::payout::PayoutCommitment;
use praman_verifier::simulation::SimulatedKey;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use serde_json::{Value, json};

/// What to load the service with.
#[derive(Args)]
pub(crate) struct Load {
    /// Claims a second, one after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [300, 600, 1_200])]
    rates: Vec<u32>,
    /// How long each rate lasts.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// How many programs share the store.
    #[arg(long, default_value_t = 1)]
    replicas: usize,
    /// A PostgreSQL database, empty [default: a SQLite file].
    #[arg(long)]
    database: Option<String>,
}

impl Load {
    pub(crate) fn run(&self) -> Value {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.measure())
    }

    async fn measure(&self) -> Value {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path(), self.database.as_deref()).expect("a location");
        let scene = Scene::open(&location).await;
        let mut desks = Vec::new();
        for _ in 0..self.replicas {
            let store = Store::connect(&location).await.expect("a store");
            desks.push(scene.desk(&store).await);
        }
        let mut rates = Vec::new();
        let mut first = 0;
        for &rate in &self.rates {
            let count = u64::from(rate) * u64::from(self.seconds);
            let claims = scene.claims(first..first + count);
            first += count;
            rates.push(offer(&desks, claims, rate).await);
        }
        for desk in desks {
            desk.shut_down().await;
        }
        json!({
            "database": if self.database.is_some() { "postgresql" } else { "sqlite" },
            "replicas": self.replicas,
            "cores": std::thread::available_parallelism().map_or(1, usize::from),
            "rates": rates,
            "claims_in_the_store": first,
            "peak_mib": peak_mib(),
        })
    }
}

/// An open period on a ledger whose key proves anything.
struct Scene {
    key: SimulatedKey,
    public: PublicInputs,
    claim: SubmittedClaim,
}

impl Scene {
    async fn open(location: &Location) -> Self {
        let store = Store::connect(location).await.expect("a store");
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let key = SimulatedKey::draw(PUBLIC_INPUTS, &mut rng);
        store.new_office("Block", &RESIDENT, |_| Ok(())).await.expect("an empty store");
        let mut ledger =
            JoinedLedger::join(&store, &[], key.verifying_key()).await.expect("a ledger");
        let state_root = store.state_root().await.expect("a root");
        let checkpoint = Checkpoint { state_root, as_of: calendar::today() };
        let offices = store.office_states().await.expect("offices");
        ledger.publish_checkpoint(&offices, checkpoint).await.expect("published");
        let schemes = Schemes::shipped();
        let id = "old-age-pension".parse().expect("an id");
        let scheme = &schemes.find(&id).expect("shipped").scheme;
        let today = calendar::date_of(checkpoint.as_of).expect("a date").to_string();
        let period = scheme.parse_period(&today[..7]).expect("a month");
        let scheme_period = scheme.in_period(period).expect("rules");
        ledger.open_period(&scheme_period, period).await.expect("opened");
        let public = PublicInputs {
            context: ledger.context(),
            checkpoint,
            scheme_period,
            nullifier: Nullifier::from_field(Fr::from(0u64)),
            payout: PayoutCommitment::from_field(Fr::from(0u64)),
        };
        let claim = LedgerClaim {
            scheme: id,
            period,
            checkpoint: 0,
            nullifier: public.nullifier,
            payout: public.payout,
            proof: key.prove(&public.to_fields(), &mut rng),
        };
        let claim = Claim { ledger: claim, envelope: vec![7; SEALED_BYTES] };
        Self { key, public, claim: SubmittedClaim::new(claim, checkpoint) }
    }

    async fn desk(&self, store: &Store) -> ClaimDesk {
        let key = self.key.verifying_key();
        let ledger = JoinedLedger::join(store, &[], key).await.expect("a ledger");
        let machine = ClaimMachine::new(store, key, Schemes::shipped(), ledger.context());
        let limits = ClaimLimits { waiting_max: 100_000, ..ClaimLimits::default() };
        ClaimDesk::open(machine, ledger, limits)
    }

    /// Claims of so many people, proved beforehand.
    fn claims(&self, people: std::ops::Range<u64>) -> Vec<SubmittedClaim> {
        people
            .into_par_iter()
            .map(|person| {
                let mut rng = ChaCha20Rng::seed_from_u64(person);
                let mut public = self.public.clone();
                public.nullifier = Nullifier::from_field(Fr::from(person + 1));
                public.payout = PayoutCommitment::from_field(Fr::from(person + 2));
                let mut claim = self.claim.claim().clone();
                claim.ledger.nullifier = public.nullifier;
                claim.ledger.payout = public.payout;
                claim.ledger.proof = self.key.prove(&public.to_fields(), &mut rng);
                SubmittedClaim::new(claim, self.claim.checkpoint())
            })
            .collect()
    }
}

/// Hands in claims at a rate, at each desk in turn; how long each took until it was accepted.
async fn offer(desks: &[ClaimDesk], claims: Vec<SubmittedClaim>, rate: u32) -> Value {
    let count = claims.len();
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let mut clients = tokio::task::JoinSet::new();
    for (number, claim) in (0u32..).zip(claims) {
        let due = started + Duration::from_secs(1) * number / rate;
        tokio::time::sleep_until(due.into()).await;
        let desk = desks[number as usize % desks.len()].clone();
        clients.spawn(async move {
            let kept = desk.submit(claim, None).await.expect("kept");
            let is_old = |receipt: &ClaimReceipt| !receipt.state.is_decided();
            let patience = Duration::from_secs(600);
            let receipt = desk.changed(kept.id, is_old, patience).await.expect("read");
            assert_eq!(receipt.expect("known").state, ClaimState::Accepted);
            due.elapsed().as_secs_f64() * 1e3
        });
    }
    let mut milliseconds = clients.join_all().await;
    let seconds = started.elapsed().as_secs_f64();
    milliseconds.sort_by(f64::total_cmp);
    let quantile = |share: f64| milliseconds[((count - 1) as f64 * share) as usize].round();
    json!({
        "offered_per_second": rate,
        "accepted": count,
        "accepted_per_second": (count as f64 / seconds).round(),
        "p50_ms": quantile(0.50),
        "p95_ms": quantile(0.95),
        "p99_ms": quantile(0.99),
        "cores_busy": ((cpu_seconds() - cpu) / seconds * 100.0).round() / 100.0,
    })
}

/// What this process has taken of the processors' time.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> =
        behind_name.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // The first field is a letter; the 11th and 12th numbers behind it are ticks of a hundredth.
    ticks.get(10).zip(ticks.get(11)).map_or(0.0, |(user, system)| (user + system) / 100.0)
}
