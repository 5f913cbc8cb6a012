//! The embedded chain after many claims.

use std::time::Instant;

use bench::peak_mib;
use clap::Args;
use praman::ledger::{EmbeddedLedger, Ledger};
use praman::store::Store;
use serde_json::{Value, json};

use crate::{GasScene, rounded};

/// Opens the embedded chain of a state in which many claims were accepted, and accepts one more.
#[derive(Args)]
pub(crate) struct Chain {
    /// How many claims were accepted before.
    #[arg(long, default_value_t = 2_000_000)]
    claims: u32,
}

impl Chain {
    pub(crate) fn run(self) -> Value {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let folder = tempfile::tempdir().expect("a folder");
            let store = Store::open(folder.path()).await.expect("a store");
            let mut scene = GasScene::open(&store, 2).await;
            scene.ledger.claim(&scene.claims[0]).await.expect("accepted");
            // What each of them has left: the slot of its nullifier, in the contract of claims.
            sqlx::query(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
                 INSERT INTO chain_slot (address, slot, value)
                 SELECT (SELECT address FROM chain_slot GROUP BY address ORDER BY count(*) DESC LIMIT 1),
                        randomblob(32), x'0000000000000000000000000000000000000000000000000000000000000001'
                 FROM n",
            )
            .bind(i64::from(self.claims))
            .execute(store.writer())
            .await
            .expect("put");
            let before = peak_mib();
            let start = Instant::now();
            let mut ledger = EmbeddedLedger::open(&store, scene.key.verifying_key(), praman::EVENT_HANDLERS).await.expect("opened");
            let opened = start.elapsed();
            ledger.set_day(GasScene::TODAY);
            let start = Instant::now();
            ledger.claim(&scene.claims[1]).await.expect("accepted");
            let claimed = start.elapsed();
            json!({
                "claims_accepted": self.claims,
                "open_ms": rounded(opened.as_secs_f64() * 1_000.0),
                "next_claim_ms": rounded(claimed.as_secs_f64() * 1_000.0),
                "peak_mib_before": before,
                "peak_mib": peak_mib(),
            })
        })
    }
}
