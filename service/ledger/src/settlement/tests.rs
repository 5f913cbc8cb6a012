//! What is refused of a settlement's events, each by name. Keys whose maker kept the secret prove any public inputs, so
//! these tests are of what the verifier itself must find.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use praman_circuits::Fr;
use praman_circuits::settlement::{CLAIMS, Carried, PUBLIC_INPUTS, SettledClaim, chunk_inputs};
use praman_circuits::settlement::{SettlementContext, settlement_context};
use praman_circuits::settlement_state::{SettlementBlinding, Total, settlement_state};
use praman_testkit::fixture;
use praman_testkit::simulation::SimulatedKey;
use praman_verifier::PreparedKey;
use praman_verifier::contracts::{proof_words, word};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;

const OPENING: u32 = 3;
const CHAIN: u64 = 7_201;
const CLAIMS_CONTRACT: Address = Address::new([0x0c; 20]);

/// As many claims as three chunks, the last one short.
const MANY: usize = 2 * CLAIMS + 44;

fn context_of(opening: u32) -> SettlementContext {
    settlement_context(CHAIN, CLAIMS_CONTRACT.into_array(), opening)
}

/// The nullifier of the claim at a place.
fn nullifier(place: usize) -> U256 {
    U256::from(1_000 + place)
}

/// A treasury that proves whatever it wants.
struct Treasury {
    key: SimulatedKey,
    rng: ChaCha20Rng,
    claims: Vec<SettledClaim>,
}

impl Treasury {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(11);
        let key = SimulatedKey::draw(PUBLIC_INPUTS, &mut rng);
        Self { key, rng, claims: fixture::settled_claims(MANY as u64) }
    }

    fn prepared(&self) -> PreparedKey {
        PreparedKey::new(self.key.verifying_key())
    }

    /// Proves chunks of these claims, one behind the other, from a state on.
    fn prove(
        &mut self,
        context: SettlementContext,
        from: Carried,
        chunks: &[&[SettledClaim]],
    ) -> (Vec<SettledChunk>, Carried) {
        let mut before = from;
        let mut proved = Vec::new();
        for (number, claims) in (100u64..).zip(chunks) {
            let blinding = SettlementBlinding::from_field(Fr::from(number));
            let (public, _, after) = chunk_inputs(context, &before, claims, blinding);
            let bits = claims.iter().enumerate();
            let counted = bits.filter(|(_, claim)| claim.opened.is_some());
            proved.push(SettledChunk {
                own: public.own().map(word),
                proof: proof_words(&self.key.prove(&public.to_fields(), &mut self.rng)),
                counted: counted.fold(U256::ZERO, |bits, (at, _)| bits | (U256::from(1) << at)),
            });
            before = after;
        }
        (proved, before)
    }

    /// What the ledger says where its claims are these, and the chunks of others were proved and opened.
    fn settles(
        &mut self,
        context: SettlementContext,
        from: Carried,
        chunks: &[&[SettledClaim]],
    ) -> OpeningClaims {
        let (chunks, last) = self.prove(context, from, chunks);
        let claim = |(place, claim): (usize, &SettledClaim)| OpeningClaim {
            nullifier: nullifier(place),
            payout: word(claim.payout.to_field()),
        };
        OpeningClaims {
            opening: OPENING,
            chain_id: CHAIN,
            claims_contract: CLAIMS_CONTRACT,
            block: 40,
            is_over: true,
            claims: self.claims.iter().enumerate().map(claim).collect(),
            cases: BTreeMap::new(),
            freezes: 0,
            chunks,
            locked: Some(StateLocked {
                state: word(last.state().to_field()),
                digest: word(last.digest.to_field()),
                treasury: 4,
                block: 37,
                cases: BTreeMap::new(),
            }),
            opened: Some(SumOpened {
                rupees: last.total.rupees,
                counted: last.total.claims,
                digest: word(last.digest.to_field()),
                blinding: word(last.blinding.expose()),
                block: 38,
                cases: BTreeMap::new(),
            }),
        }
    }

    /// What the ledger says of an honest settlement of all claims.
    fn honest(&mut self) -> OpeningClaims {
        let claims = self.claims.clone();
        let chunks: Vec<&[SettledClaim]> = claims.chunks(CLAIMS).collect();
        self.settles(context_of(OPENING), Carried::start(), &chunks)
    }
}

/// The event that shows the sum.
fn shown(of: &mut OpeningClaims) -> &mut SumOpened {
    of.opened.as_mut().expect("settled")
}

/// The event that locks the last state.
fn locked(of: &mut OpeningClaims) -> &mut StateLocked {
    of.locked.as_mut().expect("locked")
}

/// Places of claims that the fixture leaves out, and of one that it counts.
const LEFT_OUT: [usize; 3] = [6, 13, 20];
const COUNTED: usize = 5;

#[test]
fn honest_settlement_is_recomputed_to_the_rupee() {
    let mut treasury = Treasury::new();
    let mut told = treasury.honest();
    let amounts = treasury.claims.iter().filter_map(|claim| claim.opened.as_ref());
    let rupees: u64 = amounts.map(|opened| u64::from(opened.amount)).sum();
    let left_out = treasury.claims.iter().filter(|claim| claim.opened.is_none()).count();
    for (place, case) in LEFT_OUT.into_iter().zip([Case::Open, Case::Refuse, Case::Recover]) {
        shown(&mut told).cases.insert(nullifier(place), case);
    }
    // What went out and is recovered counts; so does what is frozen once the state is locked.
    locked(&mut told).cases.insert(nullifier(COUNTED), Case::Recover);
    shown(&mut told).cases.insert(nullifier(COUNTED + 2), Case::Open);
    told.cases = shown(&mut told).cases.clone();
    let sums = verify(&treasury.prepared(), &told).expect("it holds");
    assert_eq!((sums.proved_rupees, sums.paid_rupees), (rupees, rupees));
    assert_eq!((sums.claims, sums.counted as usize), (MANY, MANY - left_out));
    assert_eq!((sums.frozen, sums.refused, sums.held), (1, 2, left_out - 3));
    assert!(sums.is_valid());
    assert_eq!(verify_but_proofs(&told), Ok(sums));
}

#[test]
fn chunks_hold_before_the_sum_is_shown() {
    let mut treasury = Treasury::new();
    let mut told = treasury.honest();
    (told.locked, told.opened) = (None, None);
    let checked = check_chunks(&treasury.prepared(), &told).expect("they hold");
    assert_eq!(checked.is_counted.len(), MANY);
    assert_eq!(verify(&treasury.prepared(), &told), Err(SettlementFault::NotSettled(OPENING)));
}

/// Each tampers with an honest settlement's events and says what is found.
#[test]
fn tampered_events_are_refused_by_name() {
    use SettlementFault as Fault;
    type Tampering = (&'static str, fn(&mut OpeningClaims), fn(&Fault) -> bool);
    let tamperings: &[Tampering] = &[
        (
            "a chunk left out",
            |told| {
                told.chunks.remove(1);
            },
            |fault| matches!(fault, Fault::ChunkCount { expected: 3, chunks: 2, .. }),
        ),
        (
            "a chunk twice",
            |told| told.chunks.insert(1, told.chunks[1].clone()),
            |fault| matches!(fault, Fault::ChunkCount { expected: 3, chunks: 4, .. }),
        ),
        (
            "a chunk in another's place",
            |told| told.chunks[2] = told.chunks[1].clone(),
            |fault| matches!(fault, Fault::Chain { chunk: 3, .. }),
        ),
        (
            "chunks out of order",
            |told| told.chunks.swap(1, 2),
            |fault| matches!(fault, Fault::Chain { chunk: 2, .. }),
        ),
        (
            "the first chunk last",
            |told| told.chunks.rotate_left(1),
            |fault| matches!(fault, Fault::Start(OPENING)),
        ),
        (
            "padding counted",
            |told| told.chunks[2].counted |= U256::from(1) << 44,
            |fault| matches!(fault, Fault::Padding { chunk: 3, place: 45, claims: 44, .. }),
        ),
        (
            "a place beyond a chunk",
            |told| told.chunks[0].counted |= U256::from(1) << 78,
            |fault| matches!(fault, Fault::Padding { chunk: 1, place: 79, claims: 78, .. }),
        ),
        (
            "another bit",
            |told| told.chunks[1].counted ^= U256::from(1),
            |fault| matches!(fault, Fault::Digest { chunk: 2, first: 79, last: 156, .. }),
        ),
        (
            "claims in another order",
            |told| told.claims.swap(3, 4),
            |fault| matches!(fault, Fault::Digest { chunk: 1, first: 1, last: 78, .. }),
        ),
        (
            "a later claim of the ledger",
            |told| told.claims.push(told.claims[0]),
            |fault| matches!(fault, Fault::Digest { chunk: 3, .. }),
        ),
        (
            "another digest in a chunk",
            |told| told.chunks[0].own[2] += U256::from(1),
            |fault| matches!(fault, Fault::Digest { chunk: 1, .. }),
        ),
        (
            "a number beyond the field",
            |told| told.chunks[1].own[1] = U256::MAX,
            |fault| matches!(fault, Fault::ChunkElement { chunk: 2, .. }),
        ),
        (
            "a claim beyond the field",
            |told| told.claims[9].payout = U256::MAX,
            |fault| matches!(fault, Fault::ClaimElement { claim: 10, .. }),
        ),
        (
            "a bad proof in the batch",
            |told| told.chunks[1].proof = told.chunks[0].proof,
            |fault| matches!(fault, Fault::ProofInvalid { chunk: 2, .. }),
        ),
        (
            "a proof at infinity",
            |told| told.chunks[2].proof = [U256::ZERO; 8],
            |fault| matches!(fault, Fault::ProofMalformed { chunk: 3, .. }),
        ),
        (
            "of another opening",
            |told| told.opening += 1,
            |fault| matches!(fault, Fault::ProofInvalid { chunk: 1, .. }),
        ),
        (
            "of another chain",
            |told| told.chain_id += 1,
            |fault| matches!(fault, Fault::ProofInvalid { chunk: 1, .. }),
        ),
        (
            "a lock left out",
            |told| told.locked = None,
            |fault| matches!(fault, Fault::NotLocked(OPENING)),
        ),
        (
            "another state locked",
            |told| locked(told).state += U256::from(1),
            |fault| matches!(fault, Fault::OtherLock(OPENING)),
        ),
        (
            "another digest locked",
            |told| locked(told).digest += U256::from(1),
            |fault| matches!(fault, Fault::OtherLock(OPENING)),
        ),
        (
            "another sum",
            |told| shown(told).rupees += 1,
            |fault| matches!(fault, Fault::NotTheSum(OPENING)),
        ),
        (
            "another count",
            |told| shown(told).counted -= 1,
            |fault| matches!(fault, Fault::NotTheSum(OPENING)),
        ),
        (
            "another blinding",
            |told| shown(told).blinding += U256::from(1),
            |fault| matches!(fault, Fault::NotTheSum(OPENING)),
        ),
        (
            "a blinding beyond the field",
            |told| shown(told).blinding = U256::MAX,
            |fault| matches!(fault, Fault::BlindingElement(OPENING)),
        ),
        (
            "another digest shown",
            |told| shown(told).digest += U256::from(1),
            |fault| matches!(fault, Fault::OtherDigest(OPENING)),
        ),
        (
            "a frozen claim counted",
            |told| {
                locked(told).cases.insert(nullifier(COUNTED), Case::Open);
            },
            |fault| matches!(fault, Fault::CountedThoughFrozen { claim, .. } if *claim == COUNTED + 1),
        ),
    ];
    let mut treasury = Treasury::new();
    let (key, honest) = (treasury.prepared(), treasury.honest());
    for (what, tamper, is_expected) in tamperings {
        let mut told = honest.clone();
        tamper(&mut told);
        let fault = verify(&key, &told).expect_err(what);
        assert!(is_expected(&fault), "{what}: {fault:?}");
        assert!(fault.to_string().contains("opening"), "{what}: {fault}");
    }
}

/// Each proves other chunks than the ledger's claims, well chained and with proofs that hold.
#[test]
fn chunks_of_other_claims_are_refused_by_name() {
    let mut treasury = Treasury::new();
    let (key, claims) = (treasury.prepared(), treasury.claims.clone());
    let (here, start) = (context_of(OPENING), Carried::start());
    let refused = |told: &OpeningClaims| verify(&key, told).expect_err("refused");

    // A short chunk in the middle, filled up with nothing.
    let short = [&claims[..CLAIMS], &claims[CLAIMS..CLAIMS + 50], &claims[CLAIMS + 50..]];
    let told = treasury.settles(here, start.clone(), &short);
    assert!(matches!(refused(&told), SettlementFault::Digest { chunk: 2, .. }));

    // The last claims left out: a whole chunk of them, or a few.
    let told = treasury.settles(here, start.clone(), &[&claims[..CLAIMS], &claims[CLAIMS..156]]);
    assert!(matches!(refused(&told), SettlementFault::ChunkCount { expected: 3, chunks: 2, .. }));
    let few = [&claims[..CLAIMS], &claims[CLAIMS..156], &claims[156..190]];
    let told = treasury.settles(here, start.clone(), &few);
    assert!(matches!(refused(&told), SettlementFault::Digest { chunk: 3, .. }));

    // A claim twice, in the place of its neighbour.
    let mut twice = claims.clone();
    twice[8] = twice[7].clone();
    let chunks: Vec<&[SettledClaim]> = twice.chunks(CLAIMS).collect();
    let told = treasury.settles(here, start.clone(), &chunks);
    assert!(matches!(refused(&told), SettlementFault::Digest { chunk: 1, .. }));

    // Chunks of another opening, brought for this one.
    let chunks: Vec<&[SettledClaim]> = claims.chunks(CLAIMS).collect();
    let told = treasury.settles(context_of(OPENING + 1), start.clone(), &chunks);
    let invalid = SettlementFault::ProofInvalid { opening: OPENING, chunk: 1 };
    assert_eq!(refused(&told), invalid);
    // One alone among chunks of this one.
    let mut told = treasury.settles(here, start.clone(), &chunks);
    let other = treasury.settles(context_of(OPENING + 1), start.clone(), &chunks);
    told.chunks[2] = other.chunks[2].clone();
    let invalid = SettlementFault::ProofInvalid { opening: OPENING, chunk: 3 };
    assert_eq!(refused(&told), invalid);

    // A sum that begins below nothing, or anywhere else.
    let mut made_up = start.clone();
    made_up.total.rupees = 1_000_000;
    let told = treasury.settles(here, made_up, &chunks);
    assert_eq!(refused(&told), SettlementFault::Start(OPENING));
}

/// A count is not traded for a sum: they are one number in the state, and two in the event.
#[test]
fn count_and_sum_are_not_traded() {
    let mut treasury = Treasury::new();
    let key = treasury.prepared();
    let mut told = treasury.honest();
    let (rupees, counted) = (shown(&mut told).rupees, shown(&mut told).counted);
    // 2^64 rupees more do not fit the event; whatever does is another total.
    for traded in [rupees, u64::MAX, rupees.wrapping_add(u64::MAX)] {
        (shown(&mut told).rupees, shown(&mut told).counted) = (traded, counted - 1);
        assert_eq!(verify(&key, &told), Err(SettlementFault::NotTheSum(OPENING)), "{traded}");
    }
    // A prover that no circuit binds may state any total, and the bits still say how many are counted.
    let mut told = treasury.honest();
    let (total, blinding) = (Total { rupees, claims: counted - 1 }, Fr::from(9u64));
    let digest = told.chunks[2].own[2];
    let digest = praman_circuits::claims_digest::ClaimsDigest::from_field(
        super::chunks::element(digest).expect("an element"),
    );
    let state = settlement_state(digest, total, &SettlementBlinding::from_field(blinding));
    told.chunks[2].own[1] = word(state.to_field());
    locked(&mut told).state = word(state.to_field());
    let own = told.chunks[2].own.map(|word| super::chunks::element(word).expect("an element"));
    let public = [told.context().to_field(), own[0], own[1], own[2]];
    let proof = treasury.key.prove(&public, &mut treasury.rng);
    told.chunks[2].proof = proof_words(&proof);
    shown(&mut told).counted = counted - 1;
    shown(&mut told).blinding = word(blinding);
    let expected = SettlementFault::Count { opening: OPENING, said: counted - 1, counted };
    assert_eq!(verify(&key, &told), Err(expected));
}

#[test]
fn sum_of_few_is_refused() {
    let mut treasury = Treasury::new();
    // Of 22 claims the fixture counts 19.
    treasury.claims.truncate(22);
    let told = treasury.honest();
    let fault = verify(&treasury.prepared(), &told).expect_err("too few");
    assert_eq!(fault, SettlementFault::TooFew { opening: OPENING, counted: 19, floor: FLOOR });
}

#[test]
fn key_of_another_statement_is_refused() {
    let mut treasury = Treasury::new();
    let told = treasury.honest();
    for inputs in [PUBLIC_INPUTS - 1, PUBLIC_INPUTS + 1] {
        let other = SimulatedKey::draw(inputs, &mut treasury.rng);
        let fault = verify(&PreparedKey::new(other.verifying_key()), &told).expect_err("another");
        assert!(matches!(fault, SettlementFault::Key(_)), "{fault:?}");
    }
    let other = SimulatedKey::draw(PUBLIC_INPUTS, &mut treasury.rng);
    let fault = verify(&PreparedKey::new(other.verifying_key()), &told).expect_err("another");
    assert!(matches!(fault, SettlementFault::ProofInvalid { chunk: 1, .. }), "{fault:?}");
}

/// A claim that is paid and refused is named, whether its case ended before the state was locked or after.
#[test]
fn claim_that_is_counted_though_refused_is_named() {
    let mut treasury = Treasury::new();
    let (key, honest) = (treasury.prepared(), treasury.honest());
    for was_before in [true, false] {
        let mut told = honest.clone();
        told.cases.insert(nullifier(COUNTED), Case::Refuse);
        if was_before {
            locked(&mut told).cases.insert(nullifier(COUNTED), Case::Refuse);
        }
        let sums = verify(&key, &told).expect("the sum itself holds");
        assert_eq!(sums.paid_though_refused, [nullifier(COUNTED).to_string()]);
        assert!(!sums.is_valid());
        assert!(!PeriodSums::of(&key, &[told]).valid);
    }
}

#[test]
fn openings_of_a_period_are_added_up() {
    let mut treasury = Treasury::new();
    let (key, settled) = (treasury.prepared(), treasury.honest());
    let one = PeriodSums::of(&key, std::slice::from_ref(&settled));
    assert!(one.valid && one.digest.is_some());
    // A month of a benefit that is paid once in a life still takes claims.
    let mut open = settled.clone();
    (open.opening, open.is_over, open.opened) = (OPENING + 1, false, None);
    let period = PeriodSums::of(&key, &[settled.clone(), open.clone()]);
    assert!(period.valid && period.digest.is_none());
    assert_eq!((period.proved_rupees, period.counted), (one.proved_rupees, one.counted));
    // One that is over and not settled is a gap; and with nothing settled there is no sum.
    open.is_over = true;
    assert!(!PeriodSums::of(&key, &[settled.clone(), open.clone()]).valid);
    open.is_over = false;
    assert!(!PeriodSums::of(&key, &[open]).valid);
    assert!(!PeriodSums::of(&key, &[]).valid);
    // What does not hold is in no sum, and says why.
    let mut tampered = settled.clone();
    shown(&mut tampered).rupees += 1;
    let period = PeriodSums::of(&key, &[settled, tampered]);
    assert!(!period.valid);
    assert_eq!(period.proved_rupees, one.proved_rupees);
    let fault = period.openings[1].fault.as_deref().expect("a fault");
    assert!(fault.contains("opening 3"), "{fault}");
    let json = serde_json::to_value(&period).expect("plain data");
    assert_eq!(json["openings"][0]["proved_rupees"], one.proved_rupees);
    assert_eq!(json["openings"][1]["proved_rupees"], serde_json::Value::Null);
}
