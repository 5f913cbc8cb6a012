//! Checks of a provider's release gate: proof, standing, record, roots, and the access recorded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::peak_mib;
use clap::Args;
use jiff::Timestamp;
use jiff::civil::date;
use praman::consent::access::AccessRequest;
use praman::consent::{ConsentStore, Gate, GateDesk, minute_of, publish_records};
use praman::ledger::{Chain as _, EmbeddedLedger, JoinedLedger, Ledger as _, RequesterNumber};
use praman::store::{Location, Store};
use praman::wallet::Wallet;
use praman_circuits::Fr;
use praman_circuits::access::AccessNullifier;
use praman_circuits::artefact::{AccessMode, Purpose};
use praman_circuits::consent::PUBLIC_INPUTS;
use praman_circuits::health_record::{HandleBlinding, RecordType};
use praman_testkit::simulation::SimulatedKey;
use rand::SeedableRng;
use rand::rngs::OsRng;
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// Accesses asked of a gate by clients that each wait for their answer.
#[derive(Args)]
pub(crate) struct GateBench {
    /// How many accesses to request.
    #[arg(long, default_value_t = 6_000)]
    accesses: usize,
    /// How many clients send requests at a time.
    #[arg(long, default_value_t = 256)]
    clients: usize,
    /// The database to use [default: a file in this run's folder].
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl GateBench {
    pub(crate) fn run(&self) -> Value {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.expect("a runtime").block_on(self.measure())
    }

    async fn measure(&self) -> Value {
        let folder = TempDir::new().expect("a folder");
        let location = Location::new(folder.path(), self.database.as_deref()).expect("an address");
        let store = Store::connect(&location).await.expect("a store");
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        // A check's cost does not depend on how the proof was made: a key whose maker kept its secret makes
        // proofs in a millisecond.
        let claims = SimulatedKey::draw(praman_circuits::eligibility::PUBLIC_INPUTS, &mut rng);
        let key = SimulatedKey::draw(PUBLIC_INPUTS, &mut rng);
        let scene = Scene::open(&store, &claims, key).await;
        let requests = scene.requests(self.accesses).await;
        let before = scene.ledger.network.chain.head().await.expect("a chain").number;
        let ledger =
            JoinedLedger::join(&store, &[], claims.verifying_key(), praman::EVENT_HANDLERS).await;
        let gate = Gate::on(&store, scene.key.verifying_key(), &scene.ledger);
        let desk = GateDesk::open(&store, gate.expect("a gate"), ledger.expect("a ledger"));

        let waiting = Arc::new(std::sync::Mutex::new(requests.into_iter()));
        let started = Instant::now();
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..self.clients {
            let (desk, waiting) = (desk.clone(), waiting.clone());
            clients.spawn(async move {
                let mut taken = Vec::new();
                loop {
                    let next = waiting.lock().expect("nobody panics with it").next();
                    let Some(request) = next else { return taken };
                    let asked = Instant::now();
                    let verdict = desk.release(request).await.expect("a verdict");
                    taken.push((verdict.is_ok(), asked.elapsed()));
                }
            });
        }
        let taken: Vec<(bool, Duration)> = clients.join_all().await.into_iter().flatten().collect();
        let seconds = started.elapsed().as_secs_f64();
        let released = taken.iter().filter(|(released, _)| *released).count();
        let mut waits: Vec<f64> = taken.iter().map(|(_, wait)| wait.as_secs_f64() * 1e3).collect();
        waits.sort_by(f64::total_cmp);
        let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
        let (recorded,): (i64,) = sqlx::query_as("SELECT count(*) FROM recorded_access")
            .fetch_one(store.pool())
            .await
            .expect("counted");
        let (gas,): (i64,) = sqlx::query_as(
            "SELECT CAST(SUM(gas_used) AS BIGINT) FROM chain_block WHERE number > $1",
        )
        .bind(before as i64)
        .fetch_one(store.pool())
        .await
        .expect("counted");
        desk.shut_down().await;
        json!({
            "checks_per_second": taken.len() as f64 / seconds,
            "released": released,
            "recorded": recorded,
            "gas_per_access": gas / recorded.max(1),
            "clients": self.clients,
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
            "database": if self.database.is_some() { "PostgreSQL" } else { "SQLite" },
            "peak_mib": peak_mib(),
        })
    }
}

struct Scene {
    store: Store,
    ledger: EmbeddedLedger,
    key: SimulatedKey,
    provider: praman::ledger::ProviderId,
    manager: praman::ledger::ManagerNumber,
    requester: RequesterNumber,
    record: praman_circuits::health_record::RecordCommitment,
}

impl Scene {
    async fn open(store: &Store, claims: &SimulatedKey, key: SimulatedKey) -> Self {
        let mut ledger =
            EmbeddedLedger::open(store, claims.verifying_key(), praman::EVENT_HANDLERS)
                .await
                .expect("a ledger");
        let provider = ledger.admit_provider("laboratory").await.expect("admitted");
        let requester = ledger.admit_requester("clinic").await.expect("admitted");
        ConsentStore(store).keep_provider(provider, "laboratory").await.expect("kept");
        let wallet = Wallet::generate();
        let subject = wallet.at_provider(provider).subject();
        let (kind, day) = (RecordType::DiagnosticReport, date(2026, 5, 4));
        let record = ConsentStore(store)
            .add_record(provider, subject, kind, day, b"a report", |_| Ok(()))
            .await;
        let record = record.expect("kept").record().expect("a record").commitment();
        publish_records(store, &mut ledger, provider).await.expect("published");
        // A root of consents, as after a grant.
        let root = praman_circuits::artefact::ConsentsRoot::from_field(Fr::from(7u64));
        let update = praman::ledger::RootUpdate { root, version: 1, live: 1, graceless: false };
        let manager = ledger.admit_manager("manager").await.expect("admitted");
        ledger.put_consents_root(manager, provider, update).await.expect("put");
        Self { store: store.clone(), ledger, key, provider, manager, requester, record }
    }

    async fn requests(&self, count: usize) -> Vec<AccessRequest> {
        let (provider, manager) = (self.provider, self.manager);
        let records = self.ledger.records_state(provider).await.expect("known").root;
        let consents = self.ledger.consents_state(manager, provider).await.expect("known").root;
        let context = self.ledger.context();
        assert!(
            ConsentStore(&self.store)
                .keeps_record(self.provider, self.record)
                .await
                .expect("asked")
        );
        let as_of = minute_of(Timestamp::now()).expect("in the calendar");
        (0..count as u64)
            .into_par_iter()
            .map(|number| {
                let mut request = AccessRequest {
                    request_id: Uuid::new_v4(),
                    provider,
                    manager,
                    requester: self.requester,
                    purpose: Purpose::CareManagement,
                    record_type: RecordType::DiagnosticReport,
                    mode: AccessMode::View,
                    as_of,
                    records,
                    consents,
                    record: self.record,
                    blinding: HandleBlinding::from_field(Fr::from(number)),
                    nullifier: AccessNullifier::from_field(Fr::from(number + 1)),
                    proof: self.key.prove(&[Fr::from(0u64); PUBLIC_INPUTS], &mut OsRng),
                };
                let inputs = request.public_inputs(context).to_fields();
                request.proof = self.key.prove(&inputs, &mut OsRng);
                request
            })
            .collect()
    }
}
