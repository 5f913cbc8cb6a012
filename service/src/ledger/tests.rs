//! The contracts on the embedded chain against whoever would be paid unduly.

use alloy_primitives::U256;
use alloy_sol_types::SolCall;
use ark_ff::{Field, PrimeField, UniformRand};
use praman_circuits::Fr;
use praman_circuits::circuit;
use praman_circuits::fixture;
use praman_circuits::period::{Day, Period};
use praman_prover::{ArkworksEngine, Prover, setup};
use praman_verifier::contracts::{Claims, create_verifier, policy_data, proof_words, word};
use praman_verifier::{Proof, VerifyingKey};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use tempfile::TempDir;

use super::embedded::{EmbeddedLedger, creation_outcome};
use super::*;
use crate::store::Store;

/// Days of the fixture's claims: 2026-06-29 and the window that begins the month.
const WINDOW: Period = Period(1_517);

struct Scene {
    _folder: TempDir,
    store: Store,
    ledger: EmbeddedLedger,
    prover: Prover<ArkworksEngine>,
}

fn prover() -> Prover<ArkworksEngine> {
    let circuit = circuit::eligibility();
    let keys = setup(circuit, &mut ChaCha20Rng::seed_from_u64(3)).expect("keys");
    Prover::new(circuit, ArkworksEngine::new(circuit, keys))
}

impl Scene {
    async fn open() -> Self {
        let folder = TempDir::new().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let prover = prover();
        let mut ledger =
            EmbeddedLedger::open(&store, prover.verifying_key()).await.expect("deployed");
        ledger.set_day(Day(46_250));
        Self { _folder: folder, store, ledger, prover }
    }

    /// A claim of the fixture that is proved for this ledger, with its checkpoint published and its
    /// period open.
    async fn proved(&mut self, number: u64) -> LedgerClaim {
        let claim = fixture::claim(number);
        let checkpoint = self.ledger.publish_checkpoint(claim.checkpoint).await.expect("published");
        let period = ClaimPeriod { period: claim.scheme_period.period, window: WINDOW };
        self.ledger.open_period(&claim.scheme_period, period).await.expect("opened");
        let mut public = claim.public();
        public.context = self.ledger.context();
        let witness = circuit::eligibility_witness(&public.to_fields(), &claim.private());
        LedgerClaim {
            scheme: claim.scheme_period.scheme.clone(),
            period,
            checkpoint,
            nullifier: public.nullifier,
            payout: public.payout,
            proof: self.prover.prove(&witness).expect("true"),
        }
    }
}

fn raw(claim: &LedgerClaim) -> Claims::claimCall {
    Claims::claimCall {
        scheme: word(claim.scheme.to_field()),
        period: claim.period.period.0,
        window: claim.period.window.0,
        checkpoint: U256::from(claim.checkpoint),
        own: [word(claim.nullifier.to_field()), word(claim.payout.to_field())],
        proof: proof_words(&claim.proof),
    }
}

#[tokio::test]
async fn a_claim_is_accepted_once_in_whatever_form_its_proof_comes() {
    let mut scene = Scene::open().await;
    let claim = scene.proved(1).await;
    // Three forms of one proof that hold as well; none is accepted after the first.
    let ark_groth16_proof = claim.proof.points().clone();
    let r = Fr::rand(&mut ChaCha20Rng::seed_from_u64(9));
    let inverse = r.inverse().expect("not zero");
    let mut forms = [ark_groth16_proof.clone(), ark_groth16_proof.clone()];
    forms[0].a = -forms[0].a;
    forms[0].b = -forms[0].b;
    forms[1].a = (forms[1].a * r).into();
    forms[1].b = (forms[1].b * inverse).into();
    let first =
        LedgerClaim { proof: Proof::new(forms[0].clone()).expect("points"), ..claim.clone() };
    let receipt = scene.ledger.claim(&first).await.expect("a malleated proof is a proof");
    assert!(receipt.gas_used < 290_000, "{}", receipt.gas_used);
    for proof in
        [claim.proof.clone(), first.proof.clone(), Proof::new(forms[1].clone()).expect("ok")]
    {
        let again = scene.ledger.claim(&LedgerClaim { proof, ..claim.clone() }).await;
        assert!(matches!(again, Err(LedgerError::AlreadyClaimed)));
    }
}

#[tokio::test]
async fn every_part_of_a_claim_is_bound() {
    let mut scene = Scene::open().await;
    let claim = scene.proved(1).await;
    let other = scene.proved(2).await;
    let one = Fr::from(1u64);
    let nullifier = Nullifier::from_field(claim.nullifier.to_field() + one);
    let payout = PayoutCommitment::from_field(claim.payout.to_field() + one);
    for forged in [
        LedgerClaim { nullifier, ..claim.clone() },
        LedgerClaim { payout, ..claim.clone() },
        LedgerClaim { proof: other.proof.clone(), ..claim.clone() },
        LedgerClaim { checkpoint: other.checkpoint, ..claim.clone() },
    ] {
        let refused = scene.ledger.claim(&forged).await;
        assert!(matches!(refused, Err(LedgerError::ProofInvalid)), "{refused:?}");
    }
    let unopened = LedgerClaim { scheme: "another".parse().expect("an id"), ..claim.clone() };
    let refused = scene.ledger.claim(&unopened).await;
    assert!(matches!(refused, Err(LedgerError::PeriodNotOpen)));
    let unknown = LedgerClaim { checkpoint: 99, ..claim.clone() };
    let refused = scene.ledger.claim(&unknown).await;
    assert!(matches!(refused, Err(LedgerError::CheckpointNotGood)));
    scene.ledger.claim(&claim).await.expect("the honest one");
}

#[tokio::test]
async fn inputs_at_or_above_the_order_and_bad_points_are_refused() {
    let mut scene = Scene::open().await;
    let claim = scene.proved(1).await;
    let order = U256::from_limbs(Fr::MODULUS.0);
    let honest = raw(&claim);
    for own in 0..2 {
        for times in 1..=4u64 {
            let mut call = honest.clone();
            call.own[own] += order * U256::from(times);
            let refused = scene.ledger.call_raw(&call).await;
            assert!(matches!(refused, Err(LedgerError::Malformed(_))), "{refused:?}");
        }
    }
    for place in 0..8 {
        let mut call = honest.clone();
        call.proof[place] += U256::from(1u64);
        assert!(scene.ledger.call_raw(&call).await.is_err(), "word {place} moved");
        let mut call = honest.clone();
        call.proof[place] = U256::MAX;
        assert!(scene.ledger.call_raw(&call).await.is_err(), "word {place} too large");
    }
    for zeroed in [0..2, 2..6, 6..8] {
        let mut call = honest.clone();
        call.proof[zeroed.clone()].fill(U256::ZERO);
        let refused = scene.ledger.call_raw(&call).await;
        assert!(matches!(refused, Err(LedgerError::Malformed(_))), "infinity at {zeroed:?}");
    }
    scene.ledger.call_raw(&honest).await.expect("the honest one");
}

#[tokio::test]
async fn contract_and_native_check_give_one_verdict_on_any_points() {
    let mut scene = Scene::open().await;
    let claim = scene.proved(1).await;
    let fixture = fixture::claim(1);
    let mut public = fixture.public();
    public.context = scene.ledger.context();
    let key = praman_verifier::PreparedKey::new(scene.prover.verifying_key());
    let mut rng = ChaCha20Rng::seed_from_u64(12);
    let (mut accepted, cases) = (0, 60);
    for case in 0..cases {
        // A third rerandomised, a third with one point moved, a third under another nullifier.
        let mut points = claim.proof.points().clone();
        let mut changed = claim.clone();
        let r = Fr::rand(&mut rng);
        match case % 3 {
            0 => {
                points.a = (points.a * r).into();
                points.b = (points.b * r.inverse().expect("not zero")).into();
            }
            1 if case % 2 == 0 => points.c = (points.c * r).into(),
            1 => points.a = (points.a * r).into(),
            _ => changed.nullifier = Nullifier::from_field(r),
        }
        changed.proof = Proof::new(points).expect("points");
        public.nullifier = changed.nullifier;
        let native = key.verify(&public.to_fields(), &changed.proof).is_ok();
        let on_chain = scene.ledger.verdict(&raw(&changed));
        assert_eq!(native, on_chain.is_ok(), "case {case}: {on_chain:?}");
        accepted += usize::from(native);
    }
    assert_eq!(accepted, cases / 3);
}

#[tokio::test]
async fn a_proof_for_another_ledger_is_none_here() {
    let mut here = Scene::open().await;
    let mut there = Scene::open().await;
    // The same chain id, another contract: one more deployment moves the address.
    there.ledger.redeploy(there.prover.verifying_key()).await.expect("deployed");
    assert_ne!(here.ledger.context(), there.ledger.context());
    let claim = there.proved(1).await;
    here.proved(1).await;
    let replayed = here.ledger.claim(&claim).await;
    assert!(matches!(replayed, Err(LedgerError::ProofInvalid)));
    there.ledger.claim(&claim).await.expect("good where it was made for");
}

#[tokio::test]
async fn the_chain_survives_a_restart() {
    let mut scene = Scene::open().await;
    let claim = scene.proved(1).await;
    let second = scene.proved(2).await;
    scene.ledger.claim(&claim).await.expect("accepted");
    let key = scene.prover.verifying_key().clone();
    let mut reopened = EmbeddedLedger::open(&scene.store, &key).await.expect("reopened");
    reopened.set_day(Day(46_250));
    assert_eq!(reopened.context(), scene.ledger.context());
    let again = reopened.claim(&claim).await;
    assert!(matches!(again, Err(LedgerError::AlreadyClaimed)));
    reopened.claim(&second).await.expect("the open period and the checkpoint are still there");
    // Another key's contracts are not these.
    let circuit = circuit::eligibility();
    let other = setup(circuit, &mut ChaCha20Rng::seed_from_u64(4)).expect("keys");
    let refused = EmbeddedLedger::open(&scene.store, other.verifying()).await.err();
    assert!(matches!(refused, Some(LedgerError::Refused(_))));
}

#[tokio::test]
async fn a_replaced_checkpoint_is_good_for_its_grace_time_from_its_replacement() {
    let mut scene = Scene::open().await;
    let old = scene.proved(1).await;
    // Long after it was published, but replaced only now: good for a day from now.
    scene.ledger.set_day(Day(46_300));
    let late = scene.proved(2).await;
    assert_ne!(old.checkpoint, late.checkpoint);
    let third = scene.proved(3).await;
    scene.ledger.claim(&old).await.expect("within the grace time");
    scene.ledger.set_day(Day(46_301));
    let refused = scene.ledger.claim(&late).await;
    assert!(matches!(refused, Err(LedgerError::CheckpointNotGood)), "{refused:?}");
    scene.ledger.claim(&third).await.expect("the current one never ages");
}

#[tokio::test]
async fn a_period_is_not_claimed_before_it_begins() {
    // A credential replaced in between could otherwise claim under both secrets.
    let mut scene = Scene::open().await;
    let claim = fixture::claim(1);
    let checkpoint = scene.ledger.publish_checkpoint(claim.checkpoint).await.expect("published");
    let window = Period(1_518);
    let period = ClaimPeriod { period: window, window };
    let mut scheme = claim.scheme_period.clone();
    scheme.period = window;
    scene.ledger.open_period(&scheme, period).await.expect("opened");
    let early = LedgerClaim { period, checkpoint, ..scene.proved(1).await };
    let refused = scene.ledger.claim(&LedgerClaim { checkpoint, ..early }).await;
    assert!(matches!(refused, Err(LedgerError::PeriodNotBegun)), "{refused:?}");
}

#[tokio::test]
async fn the_contracts_calendar_is_the_programs() {
    let scene = Scene::open().await;
    for period in (0..4_000).step_by(7).chain([0, 1, 13, 1_201, 1_517, 3_999]) {
        let expected = crate::calendar::first_day(Period(period));
        let expected = crate::calendar::day_of(expected).expect("after 1900").0;
        let day = scene.ledger.view(&Claims::firstDayCall { period }).expect("a day");
        assert_eq!(day, U256::from(expected), "period {period}");
    }
}

#[tokio::test]
async fn only_sensible_policies_and_roots_are_published() {
    let mut scene = Scene::open().await;
    let claim = fixture::claim(1);
    let call = |change: &dyn Fn(&mut Claims::PolicyData)| {
        let mut policy = policy_data(&claim.scheme_period.policy);
        change(&mut policy);
        Claims::openPeriodCall { scheme: U256::from(7u64), period: 1, window: 1, policy }
    };
    let bad: [&dyn Fn(&mut Claims::PolicyData); 4] = [
        &|policy| policy.clauses[3].slot = 9,
        &|policy| policy.clauses[15].orNext = true,
        &|policy| policy.tiers[0].slot = 200,
        &|policy| (policy.tiers[0].floor, policy.tiers[0].cap) = (2, 1),
    ];
    for change in bad {
        assert!(scene.ledger.call_raw(&call(change)).await.is_err());
    }
    // A flag that is neither 0 nor 1 does not decode.
    let mut encoded = call(&|_| ()).abi_encode();
    let negate = 4 + 32 * 4 + 32 * 3;
    encoded[negate + 31] = 2;
    assert!(scene.ledger.send_raw(encoded).await.is_err());
    // A scheme's id at or above the order would be another's alias.
    let mut alias = call(&|_| ());
    alias.scheme = U256::from_limbs(Fr::MODULUS.0) + U256::from(7u64);
    assert!(scene.ledger.call_raw(&alias).await.is_err());
    scene.ledger.call_raw(&call(&|_| ())).await.expect("the honest one");
    assert!(scene.ledger.call_raw(&call(&|_| ())).await.is_err(), "its rules stand");
    let future = Claims::publishCheckpointCall { stateRoot: U256::from(1u64), asOf: 46_252 };
    assert!(scene.ledger.call_raw(&future).await.is_err(), "the day after tomorrow");
    let alias = U256::from_limbs(Fr::MODULUS.0);
    let alias = Claims::publishCheckpointCall { stateRoot: alias, asOf: 46_200 };
    assert!(scene.ledger.call_raw(&alias).await.is_err(), "a root above the order");
}

#[test]
fn a_degenerate_key_is_refused_by_the_contracts_constructor() {
    let prover = prover();
    let honest = create_verifier(prover.verifying_key());
    assert!(creation_outcome(&honest).is_ok());
    // The arguments follow the code: alpha (2 words), beta, gamma, delta (4 words each), the points.
    let arguments = honest.len() - arguments_length(prover.verifying_key());
    let words = |code: &[u8], first: usize, count: usize| {
        code[arguments + 32 * first..arguments + 32 * (first + count)].to_vec()
    };
    let with = |first: usize, replacement: &[u8]| {
        let mut code = honest.clone();
        let start = arguments + 32 * first;
        code[start..start + replacement.len()].copy_from_slice(replacement);
        code
    };
    let (gamma, delta, points) = (6, 10, 16);
    let generator: Vec<u8> = [
        "11559732032986387107991004021392285783925812861821192530917403151452391805634",
        "10857046999023057135944570762232829481370756359578518086990519993285655852781",
        "4082367875863433681332203403145435568316851327593401208105741076214120093531",
        "8495653923123431417604973247489272438418190587263600148770280649306958101930",
    ]
    .iter()
    .flat_map(|text| text.parse::<U256>().expect("decimal").to_be_bytes::<32>())
    .collect();
    for (what, code) in [
        ("gamma at the generator", with(gamma, &generator)),
        ("delta at the generator", with(delta, &generator)),
        ("gamma equal to delta", with(gamma, &words(&honest, delta, 4))),
        ("delta at infinity", with(delta, &[0; 128])),
        ("a point off its curve", with(gamma, &words(&honest, points, 4))),
        ("two inputs with one point", with(points + 2, &words(&honest, points + 4, 2))),
        ("an input at infinity", with(points + 2, &[0; 64])),
        ("an input off the curve", with(points + 2, &[1; 64])),
        ("alpha at infinity", with(0, &[0; 64])),
    ] {
        assert!(creation_outcome(&code).is_err(), "{what}");
    }
}

/// Bytes of the constructor's arguments: alpha, three points of G2, offset, length, the points.
fn arguments_length(key: &VerifyingKey) -> usize {
    32 * (2 + 12 + 2 + 2 * (key.public_inputs() + 1))
}
