//! What the contract of settlements takes and refuses, with a key that proves anything: whatever it refuses here, it
//! refuses beside the proof.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use ark_ff::PrimeField;
use praman_circuits::Fr;
use praman_circuits::claims_digest::ClaimsDigest;
use praman_circuits::settlement::{
    self, Carried, PublicInputs, SettlementContext, settlement_context,
};
use praman_circuits::settlement_state::{SettlementBlinding, SettlementState, Total};
use praman_testkit::simulation::SimulatedKey;
use praman_verifier::contracts::{Claims, Disputes, Settlements, batch_words, word};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::scene::Scene;
use crate::chain::ChainReceipt;
use crate::contract_ledger::OPERATOR;
use crate::embedded::CHAIN_ID;
use crate::{Ledger, LedgerError, LedgerRefusal, text_hash};

/// What each claim of a chunk is of, here.
const RUPEES: u64 = 1_000;

type Chunk = [U256; 11];

/// A scene with the contract of settlements, and the accepted claims of its one opening.
struct Settling {
    scene: Scene,
    key: SimulatedKey,
    nullifiers: Vec<U256>,
}

fn key() -> SimulatedKey {
    SimulatedKey::draw(settlement::PUBLIC_INPUTS, &mut ChaCha20Rng::seed_from_u64(5))
}

/// What is known behind a number of full chunks, in a run.
fn behind(run: u64, chunks: u64) -> Carried {
    if chunks == 0 {
        return Carried::start();
    }
    let claims = chunks * settlement::CLAIMS as u64;
    Carried {
        digest: ClaimsDigest::from_field(Fr::from(1_000_000 * run + chunks)),
        total: Total { rupees: RUPEES * claims, claims: claims as u32 },
        blinding: SettlementBlinding::from_field(Fr::from(77_000_000 * run + chunks)),
    }
}

/// A bit for each claim of a chunk.
fn all_counted() -> U256 {
    (U256::from(1u64) << settlement::CLAIMS) - U256::from(1u64)
}

/// The sum of so many full chunks of a run, as the contract takes it.
fn sum(run: u64, chunks: u64) -> Settlements::openCall {
    let last = behind(run, chunks);
    Settlements::openCall {
        opening: 0,
        rupees: last.total.rupees,
        counted: last.total.claims,
        filed: last.total.rupees,
        blinding: word(last.blinding.expose()),
    }
}

/// The lock of the state behind so many full chunks of a run, when no claim was ever frozen.
fn lock(run: u64, chunks: u64) -> Settlements::lockCall {
    let state = word(behind(run, chunks).state().to_field());
    Settlements::lockCall { opening: 0, state, freezes: 0 }
}

impl Settling {
    /// Opens a scene with two accepted claims; its opening still takes claims.
    async fn open() -> Self {
        let (mut scene, key) = (Scene::open().await, key());
        let claims = scene.many(2).await;
        for claim in &claims {
            scene.ledger.claim(claim).await.expect("accepted");
        }
        let network = &mut scene.ledger.network;
        network.create_settlements(OPERATOR, key.verifying_key()).await.expect("created");
        let nullifiers = claims.iter().map(|claim| word(claim.nullifier.to_field())).collect();
        Self { scene, key, nullifiers }
    }

    /// Opens a scene whose opening is closed.
    async fn closed() -> Self {
        let mut settling = Self::open().await;
        settling.close().await;
        settling
    }

    async fn close(&mut self) {
        let close = Claims::closeOpeningCall { opening: 0, reason: text_hash("to be settled") };
        self.scene.call(&close).await.expect("closed");
    }

    fn target(&self) -> Address {
        self.scene.ledger.network.settlements_contract().expect("created")
    }

    fn context(&self, opening: u32) -> SettlementContext {
        let claims = self.scene.ledger.network.addresses.claims;
        settlement_context(CHAIN_ID, claims.into_array(), opening)
    }

    /// Proves any public inputs, as who kept the secret can.
    fn chunk_of(&mut self, public: &PublicInputs) -> Chunk {
        let proof = self.key.prove(&public.to_fields(), &mut self.scene.rng);
        batch_words(public.own().map(word), &proof)
    }

    /// Proves a chunk from one state to another of opening 0.
    fn chunk(&mut self, before: SettlementState, after: &Carried) -> Chunk {
        let public = PublicInputs {
            context: self.context(0),
            before,
            after: after.state(),
            digest: after.digest,
        };
        self.chunk_of(&public)
    }

    /// Proves chunks of a run, by their numbers.
    fn chunks(&mut self, run: u64, numbers: std::ops::Range<u64>) -> Vec<Chunk> {
        numbers
            .map(|number| self.chunk(behind(run, number).state(), &behind(run, number + 1)))
            .collect()
    }

    async fn send(&mut self, call: &impl SolCall) -> Result<ChainReceipt, LedgerError> {
        let target = self.target();
        self.scene.ledger.network.send(OPERATOR, target, call).await
    }

    /// Brings chunks of which all claims are counted.
    async fn prove(&mut self, chunks: &[Chunk]) -> Result<ChainReceipt, LedgerError> {
        let counted = vec![all_counted(); chunks.len()];
        let call = Settlements::proveCall { opening: 0, chunks: chunks.to_vec(), counted };
        self.send(&call).await
    }

    async fn stands(&self) -> Settlements::Settlement {
        self.scene.ledger.network.settlement_of(0).await.expect("a settlement")
    }

    async fn dispute(&mut self, call: &impl SolCall) {
        let disputes = self.scene.ledger.network.addresses.disputes;
        self.scene.send(OPERATOR, disputes, call).await.expect("done");
    }

    async fn freezes(&self) -> u64 {
        self.scene.ledger.network.freezes_of(0).await.expect("a count")
    }

    async fn lock(&mut self, run: u64, chunks: u64) {
        self.send(&lock(run, chunks)).await.expect("locked");
    }
}

#[track_caller]
fn assert_refused(result: Result<ChainReceipt, LedgerError>, expected: &LedgerRefusal) {
    match result {
        Err(LedgerError::Refused(refusal)) => assert_eq!(refusal, *expected),
        other => panic!("{other:?} is not {expected:?}"),
    }
}

/// Refused by an error that is shown as the contract names it.
#[track_caller]
fn assert_reverted(result: Result<ChainReceipt, LedgerError>, expected: &str) {
    match result {
        Err(LedgerError::Refused(LedgerRefusal::Reverted(reason))) => {
            assert!(reason.contains(expected), "{reason} is not {expected}");
        }
        other => panic!("{other:?} is not {expected}"),
    }
}

#[tokio::test]
async fn opening_is_settled_in_chunks_and_once() {
    let mut settling = Settling::closed().await;
    let chunks = settling.chunks(1, 0..3);
    assert_eq!(settling.stands().await.chunks, 0);
    let receipt = settling.prove(&chunks[..2]).await.expect("proved");
    let target = settling.target();
    let proved: Vec<_> = receipt.events::<Settlements::ChunksProved>(target).collect();
    assert_eq!(proved.len(), 1);
    assert_eq!((proved[0].opening, proved[0].first), (0, 0));
    assert_eq!(proved[0].chunks, chunks[..2]);
    assert_eq!(proved[0].counted, [all_counted(); 2]);
    let receipt = settling.prove(&chunks[2..]).await.expect("proved");
    let next = receipt.events::<Settlements::ChunksProved>(target).next().expect("an event");
    assert_eq!(next.first, 2);
    let stands = settling.stands().await;
    assert_eq!((stands.chunks, stands.counted, stands.rupees, stands.settledAt), (3, 0, 0, 0));
    assert_eq!(stands.state, word(behind(1, 3).state().to_field()));
    assert_eq!(stands.digest, word(behind(1, 3).digest.to_field()));

    // Nothing of the sum is shown before the state is locked, and nothing takes the locked state's place.
    assert_reverted(settling.send(&sum(1, 3)).await, "NotLocked");
    let receipt = settling.send(&lock(1, 3)).await.expect("locked");
    let locked = receipt.events::<Settlements::SettlementLocked>(target).next().expect("an event");
    assert_eq!((locked.state, locked.digest, locked.freezes), (stands.state, stands.digest, 0));
    assert_ne!(locked.treasury, 0);
    let again = LedgerRefusal::SettlementLocked(0);
    let further = settling.chunks(1, 3..4);
    assert_refused(settling.prove(&further).await, &again);
    assert_refused(settling.prove(&chunks).await, &again);
    assert_refused(settling.send(&lock(1, 3)).await, &again);

    let receipt = settling.send(&sum(1, 3)).await.expect("settled");
    let opened: Vec<_> = receipt.events::<Settlements::SettlementOpened>(target).collect();
    assert_eq!(opened.len(), 1);
    assert_eq!((opened[0].rupees, opened[0].counted), (234_000, 234));
    assert_eq!(opened[0].digest, stands.digest);
    let stands = settling.stands().await;
    assert_eq!((stands.counted, stands.rupees), (234, 234_000));
    assert_ne!(stands.settledAt, 0);

    assert_refused(settling.send(&sum(1, 3)).await, &LedgerRefusal::AlreadySettled(0));
    assert_refused(settling.prove(&chunks).await, &again);
}

#[tokio::test]
async fn proof_is_for_one_opening_of_one_ledger() {
    let mut settling = Settling::closed().await;
    let claims = settling.scene.ledger.network.addresses.claims;
    let call = Settlements::contextOfCall { opening: 7 };
    let told = settling.scene.ledger.network.view(settling.target(), &call).await;
    assert_eq!(told.expect("a context"), word(settling.context(7).to_field()));
    let after = behind(1, 1);
    let contexts = [
        settling.context(1),
        settlement_context(CHAIN_ID + 1, claims.into_array(), 0),
        settlement_context(CHAIN_ID, [9; 20], 0),
    ];
    for context in contexts {
        let public = PublicInputs {
            context,
            before: SettlementState::initial(),
            after: after.state(),
            digest: after.digest,
        };
        let chunk = settling.chunk_of(&public);
        let refused = settling.prove(&[chunk]).await;
        assert!(matches!(refused, Err(LedgerError::BatchInvalid)), "{refused:?}");
    }
    let honest = settling.chunks(1, 0..1);
    settling.prove(&honest).await.expect("the honest one");
}

#[tokio::test]
async fn chunks_follow_each_other_from_the_first_state() {
    let mut settling = Settling::closed().await;
    let other = LedgerRefusal::OtherSettlementState;
    let chunks = settling.chunks(1, 0..4);
    // A sum that is there before the first claim, and no state at all: a settlement without chunks has a zero.
    let made_up = settling.chunk(behind(9, 2).state(), &behind(1, 1));
    assert_refused(settling.prove(&[made_up]).await, &other);
    let zero = settling.chunk(SettlementState::from_field(Fr::from(0u64)), &behind(1, 1));
    assert_refused(settling.prove(&[zero]).await, &other);
    assert_refused(settling.prove(&chunks[1..2]).await, &other);
    // Out of order, twice, one left out, of two runs: within a transaction …
    for places in [[0, 2], [0, 0], [1, 0]] {
        let chosen = places.map(|place| chunks[place]);
        assert_refused(settling.prove(&chosen).await, &other);
    }
    let strange = settling.chunks(2, 1..2);
    assert_refused(settling.prove(&[chunks[0], strange[0]]).await, &other);
    assert_eq!(settling.stands().await.chunks, 0);
    // … and between two.
    settling.prove(&chunks[..2]).await.expect("proved");
    for chunk in [chunks[1], chunks[3], strange[0], made_up] {
        assert_refused(settling.prove(&[chunk]).await, &other);
    }
    settling.prove(&chunks[2..]).await.expect("proved");
    assert_eq!(settling.stands().await.chunks, 4);
}

#[tokio::test]
async fn run_begins_again_from_the_first_state_and_only_the_newest_counts() {
    let mut settling = Settling::closed().await;
    let (first, second) = (settling.chunks(1, 0..3), settling.chunks(2, 0..2));
    settling.prove(&first).await.expect("proved");
    let receipt = settling.prove(&second[..1]).await.expect("begun again");
    let target = settling.target();
    let event = receipt.events::<Settlements::ChunksProved>(target).next().expect("an event");
    assert_eq!(event.first, 0);
    assert_eq!(settling.stands().await.chunks, 1);
    let further = settling.chunks(1, 3..4);
    assert_refused(settling.prove(&further).await, &LedgerRefusal::OtherSettlementState);
    assert_refused(settling.send(&lock(1, 3)).await, &LedgerRefusal::OtherSettlementState);
    settling.prove(&second[1..]).await.expect("proved");
    settling.lock(2, 2).await;
    settling.send(&sum(2, 2)).await.expect("settled");
}

#[tokio::test]
async fn bad_proof_anywhere_refuses_all_chunks() {
    let mut settling = Settling::closed().await;
    let honest = settling.chunks(1, 0..4);
    let order = U256::from_limbs(Fr::MODULUS.0);
    let one = U256::from(1u64);
    for place in 0..honest.len() {
        // Another digest under the proof; a state is in two chunks, or is the last.
        let mut forged = honest.clone();
        forged[place][2] += one;
        let refused = settling.prove(&forged).await;
        assert!(matches!(refused, Err(LedgerError::BatchInvalid)), "{place}: {refused:?}");
        let mut forged = honest.clone();
        forged[place][1] += one;
        if let Some(next) = forged.get_mut(place + 1) {
            next[0] += one;
        }
        let refused = settling.prove(&forged).await;
        assert!(matches!(refused, Err(LedgerError::BatchInvalid)), "{place}: {refused:?}");
        // The same numbers, above the order.
        for times in 1..=4u64 {
            let mut forged = honest.clone();
            forged[place][2] += order * U256::from(times);
            let refused = settling.prove(&forged).await;
            assert!(matches!(refused, Err(LedgerError::Malformed(_))), "{place}: {refused:?}");
        }
        let mut forged = honest.clone();
        forged[place][1] += order;
        if let Some(next) = forged.get_mut(place + 1) {
            next[0] += order;
        }
        let refused = settling.prove(&forged).await;
        assert!(matches!(refused, Err(LedgerError::Malformed(_))), "{place}: {refused:?}");
        // Any word of the proof, and infinity.
        for word in 3..11 {
            let mut forged = honest.clone();
            forged[place][word] += one;
            assert!(settling.prove(&forged).await.is_err(), "{place}, word {word}");
        }
        for zeroed in [3..5, 5..9, 9..11] {
            let mut forged = honest.clone();
            forged[place][zeroed].fill(U256::ZERO);
            let refused = settling.prove(&forged).await;
            assert!(matches!(refused, Err(LedgerError::Malformed(_))), "{place}: {refused:?}");
        }
    }
    // The first state, above the order, is no first state.
    let mut forged = honest.clone();
    forged[0][0] += order;
    assert_refused(settling.prove(&forged).await, &LedgerRefusal::OtherSettlementState);
    let mut swapped = honest.clone();
    (swapped[1][2], swapped[2][2]) = (honest[2][2], honest[1][2]);
    let refused = settling.prove(&swapped).await;
    assert!(matches!(refused, Err(LedgerError::BatchInvalid)), "{refused:?}");
    assert_eq!(settling.stands().await.chunks, 0);
    settling.prove(&honest).await.expect("the honest ones");
}

#[tokio::test]
async fn each_chunk_has_one_word_of_78_bits() {
    let mut settling = Settling::closed().await;
    let chunks = settling.chunks(1, 0..2);
    let call = |chunks: &[Chunk], counted: Vec<U256>| Settlements::proveCall {
        opening: 0,
        chunks: chunks.to_vec(),
        counted,
    };
    let full = all_counted();
    for beyond in [full + U256::from(1u64), U256::from(1u64) << 255, U256::MAX] {
        for counted in [vec![beyond, full], vec![full, beyond]] {
            assert_reverted(settling.send(&call(&chunks, counted)).await, "TooManyBits");
        }
    }
    for counted in [Vec::new(), vec![full], vec![full; 3]] {
        assert_reverted(settling.send(&call(&chunks, counted)).await, "ChunkCount");
    }
    assert_reverted(settling.send(&call(&[], Vec::new())).await, "ChunkCount");
    let many = vec![chunks[0]; 257];
    assert_reverted(settling.send(&call(&many, vec![full; 257])).await, "ChunkCount");
    settling.send(&call(&chunks, vec![U256::ZERO, full])).await.expect("proved");
}

#[tokio::test]
async fn last_state_opens_to_its_sum_and_count_alone() {
    fn with(change: impl FnOnce(&mut Settlements::openCall)) -> Settlements::openCall {
        let mut call = sum(1, 2);
        change(&mut call);
        call.filed = call.rupees;
        call
    }
    let mut settling = Settling::closed().await;
    let other = LedgerRefusal::OtherSettlementState;
    assert_refused(settling.send(&lock(1, 2)).await, &other);
    // Nothing is proved yet, and no state is zero.
    let zero = Settlements::lockCall { state: U256::ZERO, ..lock(1, 2) };
    assert_refused(settling.send(&zero).await, &other);
    let chunks = settling.chunks(1, 0..2);
    settling.prove(&chunks).await.expect("proved");
    // An earlier state of the run is not the last.
    assert_refused(settling.send(&lock(1, 1)).await, &other);
    settling.lock(1, 2).await;
    let honest = sum(1, 2);
    let one = U256::from(1u64);
    for forged in [
        with(|call| call.rupees += 1),
        with(|call| call.rupees -= 1),
        with(|call| call.counted += 1),
        with(|call| call.counted -= 1),
        with(|call| call.blinding += one),
        with(|call| call.blinding = U256::ZERO),
        with(|call| call.rupees = u64::MAX),
        // An earlier state of the run.
        sum(1, 1),
    ] {
        assert_refused(settling.send(&forged).await, &LedgerRefusal::NotTheSum);
    }
    let elsewhere = with(|call| call.opening = 1);
    assert_reverted(settling.send(&elsewhere).await, "NotLocked");
    let order = U256::from_limbs(Fr::MODULUS.0);
    let above = with(|call| call.blinding += order);
    assert_reverted(settling.send(&above).await, "NotBelowOrder");
    let unbalanced = Settlements::openCall { filed: honest.rupees - 1, ..honest.clone() };
    assert_reverted(settling.send(&unbalanced).await, "Unbalanced");
    settling.send(&honest).await.expect("settled");
}

#[tokio::test]
async fn sum_of_few_claims_is_never_shown() {
    for claims in [0u32, 1, 19, 20] {
        let mut settling = Settling::closed().await;
        let after = Carried {
            digest: behind(1, 1).digest,
            total: Total { rupees: RUPEES * u64::from(claims), claims },
            blinding: behind(1, 1).blinding.clone(),
        };
        let shown = Settlements::openCall {
            rupees: after.total.rupees,
            counted: claims,
            filed: after.total.rupees,
            ..sum(1, 1)
        };
        let state = word(after.state().to_field());
        let chunk = settling.chunk(SettlementState::initial(), &after);
        settling.prove(&[chunk]).await.expect("proved");
        settling.send(&Settlements::lockCall { state, ..lock(1, 1) }).await.expect("locked");
        if claims == 20 {
            settling.send(&shown).await.expect("settled");
            continue;
        }
        let expected = LedgerRefusal::TooFewSettled { counted: claims, floor: 20 };
        assert_refused(settling.send(&shown).await, &expected);
        // Nor by another count.
        let more = Settlements::openCall { counted: 20, ..shown };
        assert_refused(settling.send(&more).await, &LedgerRefusal::NotTheSum);
    }
}

#[tokio::test]
async fn opening_is_settled_when_no_claim_can_come_any_more() {
    let mut settling = Settling::open().await;
    let chunks = settling.chunks(1, 0..1);
    let reason = text_hash("audit");
    assert_reverted(settling.prove(&chunks).await, "WrongStage");
    settling
        .scene
        .call(&Claims::suspendOpeningCall { opening: 0, reason })
        .await
        .expect("suspended");
    assert_reverted(settling.prove(&chunks).await, "WrongStage");
    // One that is not there.
    let counted = vec![all_counted()];
    let unknown = Settlements::proveCall { opening: 9, chunks: chunks.clone(), counted };
    assert!(settling.send(&unknown).await.is_err());
    settling.close().await;
    settling.prove(&chunks).await.expect("proved");
}

#[tokio::test]
async fn only_a_treasury_settles() {
    let mut settling = Settling::closed().await;
    let chunks = settling.chunks(1, 0..1);
    let (target, stranger) = (settling.target(), Address::repeat_byte(50));
    let counted = vec![all_counted()];
    let prove = Settlements::proveCall { opening: 0, chunks, counted };
    let refused = settling.scene.send(stranger, target, &prove).await;
    assert!(matches!(refused, Err(LedgerError::NotPermitted(who)) if who == stranger));
    settling.send(&prove).await.expect("proved");
    let refused = settling.scene.send(stranger, target, &lock(1, 1)).await;
    assert!(matches!(refused, Err(LedgerError::NotPermitted(who)) if who == stranger));
    settling.lock(1, 1).await;
    let refused = settling.scene.send(stranger, target, &sum(1, 1)).await;
    assert!(matches!(refused, Err(LedgerError::NotPermitted(who)) if who == stranger));
    settling.send(&sum(1, 1)).await.expect("settled");
}

#[tokio::test]
async fn state_is_not_locked_if_a_claim_was_frozen_since() {
    let mut settling = Settling::closed().await;
    let chunks = settling.chunks(1, 0..1);
    settling.prove(&chunks).await.expect("proved");
    assert_eq!(settling.freezes().await, 0);
    let reason = text_hash("complaint");
    let nullifier = settling.nullifiers[0];
    let with = |freezes: u64| Settlements::lockCall { freezes, ..lock(1, 1) };
    settling.dispute(&Disputes::freezeCall { nullifier, reason }).await;
    assert_eq!(settling.freezes().await, 1);
    assert_refused(settling.send(&with(0)).await, &LedgerRefusal::FrozenMeanwhile);
    // The end of a case frees nothing that was left out.
    settling.dispute(&Disputes::decideCall { nullifier, outcome: 1, reason }).await;
    settling.dispute(&Disputes::acceptCall { nullifier }).await;
    assert_eq!(settling.freezes().await, 1);
    // Another opening's cases count for that one.
    let elsewhere = settling.scene.ledger.network.freezes_of(1).await;
    assert_eq!(elsewhere.expect("a count"), 0);
    settling.send(&with(1)).await.expect("locked");
    // A claim that is frozen after the lock changes nothing: the sum can always be shown.
    let nullifier = settling.nullifiers[1];
    settling.dispute(&Disputes::freezeCall { nullifier, reason }).await;
    assert_eq!(settling.freezes().await, 2);
    settling.send(&sum(1, 1)).await.expect("settled");
}

#[tokio::test]
async fn contract_is_created_for_the_statements_key_alone() {
    let mut scene = Scene::open().await;
    let network = &mut scene.ledger.network;
    let none = network.settlement_of(0).await;
    assert!(matches!(none, Err(LedgerError::Refused(LedgerRefusal::NoSettlements))));
    for inputs in [5, 111] {
        let other = SimulatedKey::draw(inputs, &mut ChaCha20Rng::seed_from_u64(6));
        let refused = network.create_settlements(OPERATOR, other.verifying_key()).await;
        let Err(LedgerError::Refused(LedgerRefusal::NotCreated { contract, .. })) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(contract, "settlements' code");
    }
    let (own, other) = (key(), SimulatedKey::draw(4, &mut ChaCha20Rng::seed_from_u64(8)));
    let settlements =
        network.create_settlements(OPERATOR, own.verifying_key()).await.expect("created");
    network.require_settlement_key(own.verifying_key()).await.expect("its key");
    let refused = network.require_settlement_key(other.verifying_key()).await;
    assert!(matches!(refused, Err(LedgerError::Refused(LedgerRefusal::OtherKeys))));
    network.take_settlements(settlements).await.expect("of this network");
    let (claims, nobody) = (network.addresses.claims, Address::repeat_byte(77));
    assert!(network.take_settlements(claims).await.is_err(), "another contract");
    assert!(network.take_settlements(nobody).await.is_err(), "no contract");
    let mut elsewhere = Scene::elsewhere(1).await;
    let there = &mut elsewhere.ledger.network;
    let there = there.create_settlements(OPERATOR, own.verifying_key()).await.expect("created");
    assert!(network.take_settlements(there).await.is_err(), "of no network here");
    assert_eq!(network.addresses.settlements, settlements);
}

/// What a settlement costs: 10,000 claims in 129 chunks. A change of the contract shows here first; the table is to be
/// pinned as in `gas.rs`.
#[tokio::test]
async fn settlement_of_ten_thousand_claims_costs_under_a_thousand_gas_a_claim() {
    const CLAIMS: u64 = 10_000;
    let mut settling = Settling::closed().await;
    let count = CLAIMS.div_ceil(settlement::CLAIMS as u64);
    let chunks = settling.chunks(1, 0..count);
    let mut costs = Vec::new();
    for together in [64, 128] {
        // The second pass begins again.
        let mut gas = 0;
        for part in chunks.chunks(together) {
            gas += settling.prove(part).await.expect("proved").gas_used;
        }
        costs.push(gas / CLAIMS);
    }
    let single = settling.prove(&chunks[..1]).await.expect("proved").gas_used;
    settling.prove(&chunks[1..]).await.expect("proved");
    let lock = settling.send(&lock(1, count)).await.expect("locked").gas_used;
    let open = settling.send(&sum(1, count)).await.expect("settled").gas_used;
    let freeze = {
        let (nullifier, reason) = (settling.nullifiers[0], text_hash("complaint"));
        let disputes = settling.scene.ledger.network.addresses.disputes;
        let call = Disputes::freezeCall { nullifier, reason };
        let frozen = settling.scene.send(OPERATOR, disputes, &call).await;
        frozen.expect("frozen")
    };
    let table = format!(
        "chunks {count}, a claim in transactions of 64 {}, of 128 {}, one chunk {single}, lock {lock}, open {open}, \
         first freeze {freeze}",
        costs[0], costs[1]
    );
    println!("{table}");
    assert!(costs.iter().all(|&cost| cost <= 900) && open <= 200_000, "{table}");
}

#[tokio::test]
async fn most_chunks_of_a_transaction_fit_a_block() {
    let mut settling = Settling::closed().await;
    let chunks = settling.chunks(1, 0..256);
    let receipt = settling.prove(&chunks).await.expect("fits");
    assert!(receipt.gas_used < 20_000_000, "{}", receipt.gas_used);
}
