//! Single claims.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use ark_ff::{Field, PrimeField, UniformRand};
use praman_circuits::Fr;
use praman_circuits::eligibility::{EDITION, SchemePeriod};
use praman_circuits::nullifier::Nullifier;
use praman_circuits::payout::{EnvelopeHash, PayoutCommitment};
use praman_circuits::period::{Day, Period};
use praman_rules::scheme::ClaimPeriod;
use praman_testkit::fixture;
use praman_verifier::contracts::{
    Claims, Groth16Verifier, Rules, Scopes, create_verifier, policy_data, rules_terms,
};
use praman_verifier::{Proof, VerifyingKey};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::scene::{LAST_DAY, Scene, TODAY, key, offices, raw};
use crate::chain::Chain;
use crate::contract_ledger::OPERATOR;
use crate::embedded::creation_outcome;
use crate::{EmbeddedLedger, Ledger, LedgerClaim, LedgerError, SETTLING_DAYS};

#[tokio::test]
async fn claim_is_accepted_once_in_whatever_form_its_proof_comes() {
    let mut scene = Scene::open().await;
    let claim = scene.proved(1).await;
    // Three more valid forms of one proof; none is accepted after the first.
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
    // The first claim of an opening and checkpoint also folds them.
    assert!(receipt.gas_used < 420_000, "{}", receipt.gas_used);
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
    // An envelope that the treasury can't open, under an honest proof.
    let envelope = EnvelopeHash::of(b"another envelope");
    for forged in [
        LedgerClaim { envelope, ..claim.clone() },
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
    for own in 0..3 {
        for times in 1..=4u64 {
            let mut call = honest.clone();
            call.own[own] += order * U256::from(times);
            let refused = scene.call(&call).await;
            assert!(matches!(refused, Err(LedgerError::Malformed(_))), "{refused:?}");
        }
    }
    for place in 0..8 {
        let mut call = honest.clone();
        call.proof[place] += U256::from(1u64);
        assert!(scene.call(&call).await.is_err(), "word {place} moved");
        let mut call = honest.clone();
        call.proof[place] = U256::MAX;
        assert!(scene.call(&call).await.is_err(), "word {place} too large");
    }
    for zeroed in [0..2, 2..6, 6..8] {
        let mut call = honest.clone();
        call.proof[zeroed.clone()].fill(U256::ZERO);
        let refused = scene.call(&call).await;
        assert!(matches!(refused, Err(LedgerError::Malformed(_))), "infinity at {zeroed:?}");
    }
    scene.call(&honest).await.expect("the honest one");
}

#[tokio::test]
async fn contract_and_native_check_give_one_verdict_on_any_points() {
    let mut scene = Scene::open().await;
    let claim = scene.proved(1).await;
    let fixture = fixture::claim(1);
    let mut public = fixture.public();
    public.context = scene.ledger.context();
    let key = praman_verifier::PreparedKey::new(scene.key.verifying_key());
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
        let on_chain = scene.verdict(&raw(&changed)).await;
        assert_eq!(native, on_chain.is_ok(), "case {case}: {on_chain:?}");
        accepted += usize::from(native);
    }
    assert_eq!(accepted, cases / 3);
}

#[tokio::test]
async fn proof_for_another_ledger_is_refused() {
    let mut here = Scene::open().await;
    // The same chain id, another contract.
    let mut there = Scene::elsewhere(1).await;
    assert_ne!(here.ledger.context(), there.ledger.context());
    let claim = there.proved(1).await;
    here.proved(1).await;
    let replayed = here.ledger.claim(&claim).await;
    assert!(matches!(replayed, Err(LedgerError::ProofInvalid)));
    there.ledger.claim(&claim).await.expect("good where it was made for");
}

#[tokio::test]
async fn chain_survives_a_restart() {
    let mut scene = Scene::open().await;
    let claim = scene.proved(1).await;
    let second = scene.proved(2).await;
    scene.ledger.claim(&claim).await.expect("accepted");
    let same = scene.key.verifying_key().clone();
    let mut reopened = EmbeddedLedger::open(&scene.store, &same, &[]).await.expect("reopened");
    reopened.set_day(TODAY);
    assert_eq!(reopened.context(), scene.ledger.context());
    let again = reopened.claim(&claim).await;
    assert!(matches!(again, Err(LedgerError::AlreadyClaimed)));
    reopened.claim(&second).await.expect("the open period and the checkpoint are still there");
    // Contracts of another key are refused.
    let other = key(4);
    let refused = EmbeddedLedger::open(&scene.store, other.verifying_key(), &[]).await.err();
    assert!(matches!(refused, Some(LedgerError::Refused(_))));
}

#[tokio::test]
async fn replaced_checkpoint_is_good_for_its_grace_time_from_its_replacement() {
    let mut scene = Scene::open().await;
    let old = scene.proved(1).await;
    // Long after it was published, but replaced only now: valid for a day from now.
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
async fn period_can_not_be_claimed_before_it_begins() {
    // A credential replaced in between could otherwise claim under both secrets.
    let mut scene = Scene::open().await;
    let claim = fixture::claim(1);
    let checkpoint = scene
        .ledger
        .publish_checkpoint(&offices(&claim), claim.checkpoint)
        .await
        .expect("published");
    let window = Period(1_518);
    let period = ClaimPeriod { period: window, window };
    let mut scheme = claim.scheme_period.clone();
    scheme.period = window;
    scene.ledger.open_period(&scheme, period, LAST_DAY).await.expect("opened");
    let early = LedgerClaim { period, checkpoint, ..scene.proved(1).await };
    let refused = scene.ledger.claim(&LedgerClaim { checkpoint, ..early }).await;
    assert!(matches!(refused, Err(LedgerError::PeriodNotBegun)), "{refused:?}");
}

/// An opening takes claims until its last day in India and the days for settling; the committee must approve
/// any other day.
#[tokio::test]
async fn opening_takes_claims_until_the_end_of_its_last_day() {
    let mut scene = Scene::open().await;
    let claims = scene.many(4).await;
    let terms = fixture::claim(1).scheme_period;
    let end_of = |day: u32| u64::from(day + SETTLING_DAYS - 25_567 + 1) * 86_400 - 19_800;
    scene.ledger.network.chain.set_timestamp(end_of(LAST_DAY.0) - 1);
    scene.ledger.claim(&claims[0]).await.expect("the last second");
    scene.ledger.network.chain.set_timestamp(end_of(LAST_DAY.0));
    let refused = scene.ledger.claim(&claims[1]).await;
    assert!(matches!(refused, Err(LedgerError::PeriodOver)), "{refused:?}");
    let refused = scene.ledger.claim_batch(&claims[1..]).await;
    assert!(matches!(refused, Err(LedgerError::PeriodOver)), "{refused:?}");

    // The department alone can't extend it, and an earlier day is refused.
    let later = Day(LAST_DAY.0 + 10);
    let alone = Claims::extendPeriodCall {
        opening: 0,
        lastDay: later.0 + SETTLING_DAYS,
        approval: Vec::new(),
    };
    assert!(scene.call(&alone).await.is_err(), "the committee has not approved it");
    for early in [LAST_DAY.0 - 1, LAST_DAY.0] {
        scene.ledger.extend_period(&terms, claims[0].period, Day(early)).await.expect("as it is");
    }
    scene.ledger.claim(&claims[1]).await.expect_err("still over");
    scene.ledger.extend_period(&terms, claims[0].period, later).await.expect("extended");
    assert!(scene.call(&alone).await.is_err(), "it is no later day any more");
    scene.ledger.claim_batch(&claims[1..]).await.expect("arrears");
    scene.ledger.network.chain.set_timestamp(end_of(later.0));
    let refused = scene.ledger.claim(&claims[1]).await;
    assert!(matches!(refused, Err(LedgerError::PeriodOver)), "{refused:?}");
    let over = ClaimPeriod { period: Period(1_510), window: Period(1_510) };
    let terms = SchemePeriod { period: over.period, ..terms };
    let refused = scene.ledger.open_period(&terms, over, later).await;
    assert!(refused.is_err(), "no period is opened that is over");
}

#[tokio::test]
async fn contracts_calendar_agrees_with_the_programs() {
    let scene = Scene::open().await;
    for period in (0..4_000).step_by(7).chain([0, 1, 13, 1_201, 1_517, 3_999]) {
        let expected = praman_language::calendar::first_day(Period(period));
        let expected = praman_language::calendar::day_of(expected).expect("after 1900").0;
        let scopes = scene.ledger.network.addresses.scopes;
        let day = scene.ledger.network.view(scopes, &Scopes::firstDayCall { period }).await;
        let day = day.expect("a day");
        assert_eq!(day, U256::from(expected), "period {period}");
    }
}

#[tokio::test]
async fn policy_that_is_senseless_or_not_approved_is_refused() {
    let mut scene = Scene::open().await;
    let claim = fixture::claim(1);
    let claims = scene.ledger.network.addresses.claims;
    let department = 2;
    let honest = Claims::openPeriodCall {
        terms: Rules::Terms {
            period: 1,
            window: 1,
            ..rules_terms(&claim.scheme_period, claim.scheme_period.period)
        },
        policy: policy_data(&claim.scheme_period.policy),
        lastDay: LAST_DAY.0,
        approval: Vec::new(),
    };
    let leaf = |call: &Claims::openPeriodCall| {
        let encoded = (U256::from(EDITION), call.terms.clone(), call.policy.clone());
        let policy = keccak256(keccak256(encoded.abi_encode_params()));
        keccak256(keccak256((policy, call.lastDay).abi_encode_params()))
    };
    let adopt = |call: &Claims::openPeriodCall| Claims::adoptRulesCall {
        scheme: call.terms.scheme,
        department,
        root: leaf(call),
    };
    // Approved, but no period of its kind.
    for (kind, period, window) in
        [(0, 1, 1), (5, 1, 1), (1, 0, 1), (4, 1, 1), (2, 1, 1), (3, 3, 3), (1, 1, 2)]
    {
        let mut call = honest.clone();
        (call.terms.kind, call.terms.period, call.terms.window) = (kind, period, window);
        scene.committee(claims, &adopt(&call)).await.expect("adopted");
        assert!(scene.call(&call).await.is_err(), "kind {kind}, period {period}");
    }
    // Approved, but no policy: an invalid slot, a last clause that joins nothing, floor over cap.
    let bad: [&dyn Fn(&mut Rules::Policy); 4] = [
        &|policy| policy.clauses[3].slot = 9,
        &|policy| policy.clauses[15].orNext = true,
        &|policy| policy.tiers[0].slot = 200,
        &|policy| (policy.tiers[0].floor, policy.tiers[0].cap) = (2, 1),
    ];
    for change in bad {
        let mut call = honest.clone();
        change(&mut call.policy);
        scene.committee(claims, &adopt(&call)).await.expect("adopted");
        assert!(scene.call(&call).await.is_err());
    }
    assert!(scene.call(&honest).await.is_err(), "its rules are not the approved ones");
    scene.committee(claims, &adopt(&honest)).await.expect("adopted");
    // With any word changed, the rules are not those that were approved.
    let others: [&dyn Fn(&mut Claims::openPeriodCall); 8] = [
        &|call| call.lastDay += 1,
        &|call| call.policy.clauses[0].hi += 1,
        &|call| call.policy.tiers[0].cap += 1,
        &|call| (call.terms.period, call.terms.window) = (2, 2),
        &|call| call.terms.period = 0,
        &|call| call.terms.group = U256::from(1u64),
        &|call| call.terms.kind = 2,
        &|call| call.terms.issuedBy += 1,
    ];
    for change in others {
        let mut call = honest.clone();
        change(&mut call);
        assert!(scene.call(&call).await.is_err());
    }
    // A flag that is neither 0 nor 1 does not decode.
    let mut encoded = honest.abi_encode();
    let negate = 4 + 32 * (6 + 1) + 32 * 3;
    encoded[negate + 31] = 2;
    let sent = scene.ledger.network.chain.send(OPERATOR, Some(claims), encoded).await;
    assert!(sent.is_err());
    scene.call(&honest).await.expect("the honest one");
    assert!(scene.call(&honest).await.is_err(), "its rules stand");
    // A scheme id at or above the field's order would be an alias of another.
    let mut alias = honest.clone();
    alias.terms.scheme += U256::from_limbs(Fr::MODULUS.0);
    scene.committee(claims, &adopt(&alias)).await.expect("adopted");
    assert!(scene.call(&alias).await.is_err());
}

#[tokio::test]
async fn checkpoint_of_another_root_or_a_made_up_day_is_refused() {
    let mut scene = Scene::open().await;
    let claim = fixture::claim(1);
    let root = U256::from(1u64);
    let by_hand = Claims::publishCheckpointCall { root, asOf: 46_200, graceless: false };
    assert!(scene.call(&by_hand).await.is_err(), "only the tree's contract publishes");
    let mut checkpoint = claim.checkpoint;
    checkpoint.as_of = Day(46_252);
    let future = scene.ledger.publish_checkpoint(&offices(&claim), checkpoint).await;
    assert!(future.is_err(), "the day after tomorrow");
    scene.ledger.publish_checkpoint(&offices(&claim), claim.checkpoint).await.expect("today");
    checkpoint.as_of = Day(claim.checkpoint.as_of.0 - 1);
    let past = scene.ledger.publish_checkpoint(&offices(&claim), checkpoint).await;
    assert!(past.is_err(), "a day before the last");
    checkpoint.state_root = fixture::claim(2).checkpoint.state_root;
    let other = scene.ledger.publish_checkpoint(&offices(&claim), checkpoint).await;
    assert!(matches!(other, Err(LedgerError::Refused(_))), "a root that the tree has not");
}

#[test]
fn degenerate_key_is_refused_by_the_contracts_constructor() {
    let key = key(3);
    let honest = create_verifier(key.verifying_key(), EDITION, Address::ZERO);
    assert!(creation_outcome(&honest).is_ok());
    // The arguments follow the code: alpha (2 words), beta, gamma, delta (4 words each), the place of the points,
    // the edition, the committee, the points.
    let arguments = honest.len() - arguments_length(key.verifying_key());
    let words = |code: &[u8], first: usize, count: usize| {
        code[arguments + 32 * first..arguments + 32 * (first + count)].to_vec()
    };
    let with = |first: usize, replacement: &[u8]| {
        let mut code = honest.clone();
        let start = arguments + 32 * first;
        code[start..start + replacement.len()].copy_from_slice(replacement);
        code
    };
    let (beta, gamma, delta, edition, points) = (2, 6, 10, 15, 18);
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
        ("beta equal to gamma", with(beta, &words(&honest, gamma, 4))),
        ("beta equal to delta", with(beta, &words(&honest, delta, 4))),
        ("beta at the generator", with(beta, &generator)),
        ("delta at the generator", with(delta, &generator)),
        ("gamma equal to delta", with(gamma, &words(&honest, delta, 4))),
        ("delta at infinity", with(delta, &[0; 128])),
        ("a point off its curve", with(gamma, &words(&honest, points, 4))),
        ("two inputs with one point", with(points + 2, &words(&honest, points + 4, 2))),
        ("an input at infinity", with(points + 2, &[0; 64])),
        ("an input off the curve", with(points + 2, &[1; 64])),
        ("alpha at infinity", with(0, &[0; 64])),
        ("an edition that is none", with(edition, &[0; 32])),
    ] {
        assert!(creation_outcome(&code).is_err(), "{what}");
    }
    // A ceremony leaves gamma there.
    assert!(creation_outcome(&with(gamma, &generator)).is_ok());
}

#[tokio::test]
async fn committee_alone_registers_the_transcript_of_a_key_once() {
    let mut scene = Scene::open().await;
    let verifier = scene.ledger.network.addresses.verifier;
    let network = &scene.ledger.network;
    let of_key = network.view(verifier, &Groth16Verifier::KEYCall {}).await.expect("read");
    assert_eq!(of_key.0, scene.key.verifying_key().points_digest(), "as a transcript names it");
    let registering = |key, transcript| Groth16Verifier::registerTranscriptCall { key, transcript };
    let (transcript, other) = (B256::repeat_byte(1), B256::repeat_byte(2));
    assert!(scene.send(OPERATOR, verifier, &registering(of_key, transcript)).await.is_err());
    assert!(scene.committee(verifier, &registering(of_key, B256::ZERO)).await.is_err());
    scene.committee(verifier, &registering(of_key, transcript)).await.expect("registered");
    assert!(scene.committee(verifier, &registering(of_key, other)).await.is_err(), "once");
    // Of another statement's key, which has no verifier of its own.
    scene.committee(verifier, &registering(other, other)).await.expect("registered");
    for (key, expected) in [(of_key, transcript), (other, other), (B256::ZERO, B256::ZERO)] {
        let call = Groth16Verifier::transcriptsCall { key };
        let network = &scene.ledger.network;
        assert_eq!(network.view(verifier, &call).await.expect("read"), expected);
    }
}

/// Bytes of the constructor's arguments: alpha, three points of G2, offset, edition, committee, length, the points.
fn arguments_length(key: &VerifyingKey) -> usize {
    32 * (2 + 12 + 4 + 2 * (key.public_inputs() + 1))
}
