//! Many claims at once: submitted over gRPC, verified, accepted on the embedded chain, ordered to be paid.
//!
//! Claims arrive at a steady rate whatever happens to earlier ones, so that a slow service can't slow the
//! measurement down; a claim's time counts from when it was due. Clients and service share the machine.

mod clients;
mod flood;
mod grown;
mod scene;

use std::sync::Arc;

use bench::peak_mib;
use clap::Args;
use praman::store::{Location, Store};
use serde_json::{Value, json};

use clients::Clients;
use scene::{Replica, Scene, Treasury};

/// What to load the service with.
#[derive(Args)]
pub(crate) struct Load {
    /// Claims per second, one rate after the other; the totals are those of the first.
    #[arg(long = "rate", visible_alias = "rates", value_delimiter = ',', default_values_t = [300])]
    rates: Vec<u32>,
    /// How long each rate lasts.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// How many services share the store.
    #[arg(long, default_value_t = 1)]
    replicas: usize,
    /// An empty PostgreSQL database [default: a SQLite file].
    #[arg(long)]
    database: Option<String>,
    /// Let the treasury pay twice a second during the run, and report when each claim's payment order is in a
    /// bank file.
    #[arg(long)]
    ordered: bool,
    /// During the run, also send this many invalid claims per second, from one other address.
    #[arg(long, value_name = "RATE")]
    bad: Option<u32>,
    /// Then fill the store up to this many claims, and repeat the load.
    #[arg(long, value_name = "CLAIMS")]
    grown: Option<u64>,
}

impl Load {
    /// Returns the load of one service on a SQLite file, offered claims at a rate.
    pub(crate) fn saturating(rate: u32, seconds: u32) -> Self {
        let rates = vec![rate];
        Self { rates, seconds, replicas: 1, database: None, ordered: false, bad: None, grown: None }
    }

    pub(crate) fn run(&self) -> Value {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.measure())
    }

    async fn measure(&self) -> Value {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path(), self.database.as_deref()).expect("a location");
        let scene = Arc::new(Scene::open(&location).await);
        let mut replicas = Vec::new();
        for _ in 0..self.replicas {
            let store = Store::connect(&location).await.expect("a store");
            replicas.push(Replica::start(&scene, store).await);
        }
        let clients = Clients::of(&replicas).await;
        let mut people = 0..0;
        let store = Store::connect(&location).await.expect("a store");
        let treasury = self.ordered.then(|| Treasury::new(&scene, &store, folder.path()));
        let load = (&clients, &replicas[..], treasury.as_ref());
        // From when the bad ones start, for as long as they come.
        let flood = self.bad.map(|rate| {
            let (rates, seconds) = (self.rates.len() as u64, u64::from(self.seconds));
            (flood::claims(&scene, u64::from(rate) * seconds * rates), rate)
        });
        let flooding = async {
            match flood {
                Some((claims, rate)) => Some(flood::run(claims, &replicas, rate).await),
                None => None,
            }
        };
        let (rates, flood) = tokio::join!(self.offer_all(&scene, load, &mut people), flooding);
        let mut result = json!({
            "database": if self.database.is_some() { "postgresql" } else { "sqlite" },
            "replicas": self.replicas,
            "cores": std::thread::available_parallelism().map_or(1, usize::from),
            "claims_per_second": rates[0]["accepted_per_second"],
            "p50_ms": rates[0]["p50_ms"],
            "p99_ms": rates[0]["p99_ms"],
            "peak_mib": peak_mib(),
        });
        result["bad"] = flood.into();
        if self.bad.is_some() {
            result["bad"]["kept"] = scene::bad_kept(&store).await.into();
        }
        // Before it is filled with claims that never were on the chain.
        let (lost, twice) = scene.lost_and_twice(&store, people.end).await;
        (result["lost"], result["twice"]) = (lost.into(), twice.into());
        if let Some(claims) = self.grown {
            grown::fill(&store, claims).await;
            let again = self.offer_all(&scene, load, &mut people).await;
            // At the highest rate: how many are accepted when more come than can be.
            let most =
                |rates: &[Value]| rates.last().and_then(|r| r["accepted_per_second"].as_f64());
            let ratio = most(&again).zip(most(&rates)).map(|(after, before)| after / before);
            let claims = scene::claims_in(&store).await;
            let folder = folder.path();
            result["grown"] = json!({
                "claims_in_the_store": claims,
                "store_mib": scene::file_mib(folder),
                "rates": again,
                "accepted_per_second_against_before": ratio.map(|r| (r * 100.0).round() / 100.0),
                "peak_mib": peak_mib(),
            });
        }
        for replica in replicas {
            replica.stop().await;
        }
        result["store_bytes"] = scene::file_bytes(folder.path()).into();
        result["rates"] = rates.into();
        if !self.ordered {
            result["paid"] = scene.pay_all(&store, folder.path(), people.end).await;
        }
        result
    }

    async fn offer_all(
        &self,
        scene: &Arc<Scene>,
        (clients, replicas, treasury): (&Clients, &[Replica], Option<&Treasury>),
        people: &mut std::ops::Range<u64>,
    ) -> Vec<Value> {
        let mut rates = Vec::new();
        for &rate in &self.rates {
            *people = people.end..people.end + u64::from(rate) * u64::from(self.seconds);
            let claims = scene.claims(people.clone());
            rates.push(clients.offer(replicas, claims, rate, treasury).await);
        }
        rates
    }
}
