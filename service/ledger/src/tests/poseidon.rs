//! The contract's Poseidon and state tree beside the circuits'.

use alloy_primitives::U256;
use ark_ff::UniformRand;
use praman_circuits::credential::SchemaId;
use praman_circuits::merkle::empty_leaf;
use praman_circuits::office::{OfficeId, OfficeRoot, StateTree, office_leaf};
use praman_circuits::{Fr, poseidon};
use praman_verifier::contracts::{Offices, word};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::scene::Scene;
use crate::{Ledger, OfficeState};

/// circomlibjs 0.1.7: poseidon([1, 2, 3, 4, 5, 6, 7, 8]).
const ONE_TO_EIGHT: &str =
    "18604317144381847857886385684060986177838410221561136253933256952257712543953";

#[tokio::test]
async fn contracts_poseidon_agrees_with_circomlib() {
    let scene = Scene::open().await;
    let network = &scene.ledger.network;
    let offices = network.addresses.offices;
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let edge = [Fr::from(0u64), Fr::from(1u64), -Fr::from(1u64), Fr::from(2u64)];
    let mut cases: Vec<[Fr; 8]> =
        (0..60).map(|_| std::array::from_fn(|_| Fr::rand(&mut rng))).collect();
    cases.extend(edge.map(|value| [value; 8]));
    cases.push(std::array::from_fn(|place| Fr::from(place as u64 + 1)));
    for case in &cases {
        let call = Offices::nodeOfCall { children: case.map(word) };
        let hashed = network.view(offices, &call).await.expect("a hash");
        assert_eq!(hashed, word(poseidon::hash(case)));
    }
    let last = word(poseidon::hash(cases.last().expect("cases")));
    assert_eq!(last, ONE_TO_EIGHT.parse::<U256>().expect("decimal"));
    for case in cases.iter().take(20) {
        let (office, schema) = (OfficeId(77), SchemaId(2));
        let call = Offices::officeLeafCall {
            office: U256::from(office.0),
            schema: U256::from(schema.0),
            root: word(case[0]),
        };
        let leaf = office_leaf(office, schema, OfficeRoot::from_field(case[0]));
        assert_eq!(network.view(offices, &call).await.expect("a leaf"), word(leaf.to_field()));
    }
    // A value at or above the order would have another's hash, so it is refused.
    let order = word(-Fr::from(1u64)) + U256::from(1u64);
    let mut children = [U256::ZERO; 8];
    children[7] = order;
    assert!(network.view(offices, &Offices::nodeOfCall { children }).await.is_err());
}

#[tokio::test]
async fn contracts_state_tree_is_the_programs_after_every_update() {
    let mut scene = Scene::open().await;
    let offices = scene.ledger.network.addresses.offices;
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let mut tree = StateTree::new();
    let empty = scene.ledger.network.view(offices, &Offices::stateRootCall {}).await.expect("root");
    assert_eq!(empty, word(tree.root()));
    let mut leaves = vec![empty_leaf(); 80];
    for number in [0u32, 1, 7, 8, 63, 64, 79, 7] {
        let root = OfficeRoot::from_field(Fr::rand(&mut rng));
        let state = OfficeState { office: OfficeId(number), schema: SchemaId(1), root, live: 1 };
        leaves[number as usize] = office_leaf(state.office, state.schema, root).to_field();
        tree = StateTree::new();
        tree.append(&leaves).expect("room");
        let state_root = praman_circuits::office::StateRoot::from_field(tree.root());
        let checkpoint =
            praman_circuits::eligibility::Checkpoint { state_root, as_of: super::scene::TODAY };
        // It refuses unless the contract comes to the same root.
        scene.ledger.publish_checkpoint(&[state], checkpoint).await.expect("the same root");
    }
}
