//! What transactions cost, to the unit: a change of the contracts shows here first.

use alloy_primitives::U256;
use praman_circuits::office::OfficeId;
use praman_testkit::fixture;
use praman_verifier::contracts::Offices;

use super::scene::{Scene, raw};
use crate::Ledger;
use crate::contract_ledger::office_account;

#[tokio::test]
async fn gas_is_what_it_was() {
    let mut scene = Scene::open().await;
    let claims = scene.many(67).await;
    let first = scene.call(&raw(&claims[0])).await.expect("accepted");
    let single = scene.call(&raw(&claims[1])).await.expect("accepted");
    let older = {
        // A newer checkpoint: the claim's is replaced, but within its grace period.
        let other = fixture::claim(2);
        scene.ready(&other).await;
        scene.call(&raw(&claims[2])).await.expect("accepted")
    };
    let batch = scene.ledger.claim_batch(&claims[3..]).await.expect("accepted").gas_used / 64;
    let office = OfficeId(0);
    let update = Offices::updateRootCall { office: 0, root: U256::from(9u64), live: 11 };
    let target = scene.ledger.network.addresses.offices;
    let update = scene.send(office_account(office), target, &update).await.expect("updated");
    let table = format!(
        "first {first}, single {single}, older checkpoint {older}, batch of 64 {batch} a claim, \
         office root {update}"
    );
    assert_eq!(
        table,
        "first 406597, single 269626, older checkpoint 276219, batch of 64 79955 a claim, office \
         root 612758"
    );
    assert!(single <= 270_000 && batch <= 85_000 && update <= 700_000, "{table}");
}
