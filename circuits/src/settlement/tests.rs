//! The statement against honest and dishonest treasuries.
//!
//! "Refused" always means that the native check *and* the constraints refuse. Most tests prove one block of claims: its
//! clauses are those of six.

use std::sync::LazyLock;

use ark_ff::{Field, One, Zero};
use proptest::prelude::*;

use super::inputs::{inputs_of, private_inputs};
use super::*;
use crate::circuit::{self, Circuit, Witness};
use crate::claims_digest::{ClaimsDigest, absorb_element};
use crate::fixture::{settled_claims, settled_opening};
use crate::payout::payout_element;
use crate::settlement_state::{SettlementBlinding, SettlementState, Total, state_element};
use crate::testing::{
    assertions_without_a_lie, clause_table, free_wires, refuses_any_wire_changed_alone,
    undetermined, wires_in_one_row,
};

type Public = [Fr; PUBLIC_INPUTS];

static ONE_BLOCK: LazyLock<Circuit> =
    LazyLock::new(|| circuit::settlement_of("settlement of one block", 1));

const INPUTS: usize = PUBLIC_INPUTS + private_inputs(1);

fn witness(public: &Public, private: &PrivateInputs) -> Witness {
    circuit::settlement_witness(public, private)
}

/// The verdict of both twins, which must agree.
fn verdict(public: &Public, private: &PrivateInputs) -> Result<(), Violation> {
    let native = check(public, private);
    let satisfied = ONE_BLOCK.unsatisfied_row(witness(public, private).assignment()).is_none();
    assert_eq!(native.is_ok(), satisfied, "twins disagree on {native:?}");
    native
}

fn blinding(number: u64) -> SettlementBlinding {
    SettlementBlinding::from_field(Fr::from(number))
}

/// A settlement that has come some way.
fn begun() -> Carried {
    let total = Total { rupees: 93_000, claims: 78 };
    let digest = ClaimsDigest::from_field(Fr::from(11u64));
    Carried { digest, total, blinding: blinding(8) }
}

fn of_claims(claims: &[SettledClaim]) -> (Public, PrivateInputs) {
    let (public, private, _) = inputs_of(1, settled_opening(), &begun(), claims, blinding(9));
    (public.to_fields(), private)
}

/// Ten claims, of which the seventh is left out, and three empty places.
fn honest() -> (Public, PrivateInputs) {
    of_claims(&settled_claims(10))
}

/// Puts claim, digest and state right again after private inputs were changed, as a dishonest treasury would.
fn follow(public: &mut Public, private: &PrivateInputs) {
    let block = |at: usize| (private.claims[at].payout, private.claims[at].counted);
    public[3] = absorb_element(private.digest_before, &std::array::from_fn(block));
    let paid = private.claims.iter().map(|claim| claim.counted * (claim.amount + one_claim()));
    let total = private.total_before + paid.sum::<Fr>();
    public[2] = state_element([public[3], total, private.blinding_after]);
    let before = [private.digest_before, private.total_before, private.blinding_before];
    public[1] = state_element(before);
}

/// The verdict on a claim that was changed, everything behind it made to follow.
fn changed(place: usize, change: impl FnOnce(&mut Parts)) -> Result<(), Violation> {
    let (mut public, mut private) = honest();
    change(&mut private.claims[place]);
    follow(&mut public, &private);
    verdict(&public, &private)
}

type Parts = super::inputs::ClaimParts<Fr>;

/// Makes the commitment one to what the claim says.
fn commit(claim: &mut Parts) {
    claim.payout = payout_element(claim.amount, claim.payee, claim.envelope, claim.blinding);
}

#[test]
fn honest_chunks_hold_full_partly_filled_and_empty() {
    for count in [0, 1, 10, 13] {
        let (public, private) = of_claims(&settled_claims(count));
        assert_eq!(verdict(&public, &private), Ok(()), "{count} claims");
    }
}

#[test]
fn chain_of_chunks_carries_the_sum_and_the_count() {
    let claims = settled_claims(30);
    let mut carried = Carried::start();
    let mut state = SettlementState::initial();
    for (number, chunk) in (1..).zip(claims.chunks(13)) {
        let (public, private, after) =
            inputs_of(1, settled_opening(), &carried, chunk, blinding(number));
        assert_eq!(verdict(&public.to_fields(), &private), Ok(()));
        assert_eq!(public.before, state, "each goes on where the one before ended");
        (carried, state) = (after, public.after);
    }
    let opened: Vec<u32> = claims
        .iter()
        .filter_map(|claim| claim.opened.as_ref())
        .map(|opened| opened.amount)
        .collect();
    let rupees = opened.iter().copied().map(u64::from).sum();
    assert_eq!(carried.total, Total { rupees, claims: opened.len() as u32 });
    assert_eq!(carried.state(), state);
}

#[test]
fn public_inputs_have_one_documented_order() {
    let names = PublicInputs::names();
    let circuit = circuit::settlement();
    assert_eq!(circuit.wire_names()[1..=PUBLIC_INPUTS], names);
    assert_eq!(circuit.private_inputs(), private_inputs(BLOCKS));
    let (public, private, _) =
        chunk_inputs(settled_opening(), &Carried::start(), &settled_claims(70), blinding(1));
    let whole = witness(&public.to_fields(), &private);
    assert_eq!(whole.public(), public.to_fields());
    assert_eq!(whole.assignment().len(), circuit.wires());
    assert_eq!(circuit.unsatisfied_row(whole.assignment()), None);
    let counted =
        settled_claims(70).iter().map(|c| (c.payout, c.opened.is_some())).collect::<Vec<_>>();
    assert_eq!(public.digest, chunk_digest(ClaimsDigest::START, &counted));
}

#[test]
fn s1_state_of_another_total_digest_or_blinding_is_refused() {
    for change in [
        (|private: &mut PrivateInputs| private.total_before += Fr::one()) as fn(&mut PrivateInputs),
        |private| private.total_before -= Fr::from(1_000_000u64),
        |private| private.digest_before += Fr::one(),
        |private| private.blinding_before += Fr::one(),
    ] {
        let (mut public, mut private) = honest();
        let before = public[1];
        change(&mut private);
        follow(&mut public, &private);
        public[1] = before;
        assert_eq!(verdict(&public, &private), Err(Violation::Before));
    }
}

#[test]
fn s2_claim_that_counts_twice_half_or_backwards_is_refused() {
    let half = Fr::from(2u64).inverse().expect("not zero");
    for counted in [Fr::from(2u64), -Fr::one(), half, Fr::from(1u64 << 32)] {
        for place in [0, 6, 12] {
            let refused = changed(place, |claim| claim.counted = counted);
            assert_eq!(refused, Err(Violation::Counted(place)));
        }
    }
}

#[test]
fn s3_amount_payee_envelope_or_blinding_that_was_not_committed_is_refused() {
    let refused = Err(Violation::Opened(4));
    assert_eq!(changed(4, |claim| claim.amount += Fr::one()), refused);
    assert_eq!(changed(4, |claim| claim.amount -= Fr::one()), refused);
    let (_, other) = honest();
    assert_eq!(changed(4, |claim| claim.payee = other.claims[5].payee), refused);
    assert_eq!(changed(4, |claim| claim.envelope = other.claims[5].envelope), refused);
    assert_eq!(changed(4, |claim| claim.blinding = other.claims[5].blinding), refused);
    // An empty place, or a claim that can't be opened, is not counted by saying so.
    assert_eq!(changed(12, |claim| claim.counted = Fr::one()), Err(Violation::Opened(12)));
    assert_eq!(changed(6, |claim| claim.counted = Fr::one()), Err(Violation::Opened(6)));
}

#[test]
fn s3_claim_that_is_left_out_need_not_open() {
    assert_eq!(changed(4, |claim| claim.counted = Fr::zero()), Ok(()));
    let anything = |claim: &mut Parts| {
        claim.counted = Fr::zero();
        claim.payout += Fr::one();
        claim.amount = Fr::from(u32::MAX);
    };
    assert_eq!(changed(4, anything), Ok(()));
}

#[test]
fn s4_amount_of_more_than_32_bits_is_refused_though_committed_to() {
    let amounts = [Fr::from(1u64 << 32), -Fr::one(), -Fr::from(1_000u64)];
    for amount in amounts {
        for place in [0, 6, 12] {
            let refused = changed(place, |claim| {
                claim.amount = amount;
                commit(claim);
            });
            assert_eq!(refused, Err(Violation::Amount(place)));
        }
    }
    let most = |claim: &mut Parts| {
        claim.amount = Fr::from(u32::MAX);
        commit(claim);
    };
    assert_eq!(changed(4, most), Ok(()));
}

#[test]
fn s5_claim_left_out_of_the_sum_or_put_in_is_refused() {
    let (public, private) = honest();
    let amount = private.claims[4].amount;
    let paid = private.claims.iter().map(|claim| claim.counted * (claim.amount + one_claim()));
    let total = private.total_before + paid.sum::<Fr>();
    let wrong = [
        total - amount - one_claim(),
        total - amount,
        total + one_claim(),
        total + amount + one_claim(),
        total + Fr::one(),
    ];
    for total in wrong {
        let mut other = public;
        other[2] = state_element([public[3], total, private.blinding_after]);
        assert_eq!(verdict(&other, &private), Err(Violation::After));
    }
}

#[test]
fn s6_claims_swapped_repeated_dropped_or_counted_otherwise_are_refused() {
    let (public, _) = honest();
    let claims = settled_claims(10);
    let mut swapped = claims.clone();
    swapped.swap(2, 4);
    let mut repeated = claims.clone();
    repeated[3] = claims[2].clone();
    let mut flipped = claims.clone();
    // One in, one out: of the same amount, so that the sum stays.
    (flipped[0].opened, flipped[6].opened) = (None, claims[0].opened.clone());
    flipped[6].payout = claims[0].payout;
    for other in [swapped, repeated, claims[..9].to_vec(), flipped] {
        let (_, private) = of_claims(&other);
        let mut lie = public;
        let paid = private.claims.iter().map(|claim| claim.counted * (claim.amount + one_claim()));
        let total = private.total_before + paid.sum::<Fr>();
        lie[2] = state_element([lie[3], total, private.blinding_after]);
        assert_eq!(verdict(&lie, &private), Err(Violation::Digest));
    }
}

#[test]
fn s7_state_behind_with_another_blinding_is_refused() {
    let (public, mut private) = honest();
    private.blinding_after += Fr::one();
    assert_eq!(verdict(&public, &private), Err(Violation::After));
}

#[test]
fn s8_opening_of_another_ledger_has_another_context() {
    let context = settlement_context(1, [1; 20], 1);
    assert_ne!(context, settlement_context(2, [1; 20], 1));
    assert_ne!(context, settlement_context(1, [2; 20], 1));
    assert_ne!(context, settlement_context(1, [1; 20], 2));
}

#[test]
fn any_public_input_changed_is_refused_but_the_context() {
    let (public, private) = honest();
    for (place, name) in PublicInputs::names().into_iter().enumerate() {
        let mut other = public;
        other[place] += Fr::one();
        // The context stands in a row of its own: a proof for one is none for another, though the statement holds.
        assert_eq!(verdict(&other, &private).is_ok(), name == "settlement", "{name}");
    }
}

#[test]
fn any_private_input_changed_is_refused_but_of_what_is_left_out() {
    let (public, private) = honest();
    let count = private.clone().elements_mut().len();
    assert_eq!(count, private_inputs(1), "every private wire is tampered with");
    for place in 0..count {
        let original = *private.clone().elements_mut()[place];
        let (claim, part) = (place.wrapping_sub(4) / 6, place.wrapping_sub(4) % 6);
        for other in [original + Fr::one(), -original - Fr::one(), Fr::from(1u64 << 41)] {
            let mut tampered = private.clone();
            *tampered.elements_mut()[place] = other;
            // Of a claim that is left out, amount (of 32 bits), payee, envelope and blinding may be anything.
            let left_out = place >= 4 && (claim == 6 || claim >= 10);
            let is_free = left_out && (part > 2 || part == 2 && other == Fr::one());
            assert_eq!(verdict(&public, &tampered).is_ok(), is_free, "{place}");
        }
    }
}

#[test]
fn any_wire_changed_alone_is_refused() {
    // All thirteen counted: what is left out is free on purpose.
    let claims: Vec<_> = settled_claims(20).into_iter().filter(|c| c.opened.is_some()).collect();
    let (public, private) = of_claims(&claims[..13]);
    refuses_any_wire_changed_alone(&ONE_BLOCK, &witness(&public, &private));
}

#[test]
fn no_internal_wire_is_free() {
    let (public, private) = honest();
    let free = free_wires(&ONE_BLOCK, &witness(&public, &private), 1 + INPUTS);
    assert!(free.is_empty(), "free wires: {free:?}");
}

#[test]
fn every_internal_wire_follows_from_the_inputs() {
    let left = undetermined(circuit::settlement(), PUBLIC_INPUTS + private_inputs(BLOCKS));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn every_wire_but_the_square_stands_in_at_least_two_rows() {
    assert_eq!(wires_in_one_row(circuit::settlement()), ["S8.squared"]);
}

#[test]
fn no_assertion_can_be_left_out() {
    let mut lies = Vec::new();
    let (public, private) = honest();
    for place in [1, 2] {
        let mut other = public;
        other[place] += Fr::one();
        lies.push((other, private.clone()));
    }
    let with = |place: usize, change: &dyn Fn(&mut Parts)| {
        let (mut public, mut private) = honest();
        change(&mut private.claims[place]);
        follow(&mut public, &private);
        (public, private)
    };
    for place in 0..13 {
        // Counts twice, and opens.
        lies.push(with(place, &|claim| {
            claim.counted = Fr::from(2u64);
            commit(claim);
        }));
        lies.push(with(place, &|claim| {
            claim.counted = Fr::one();
            claim.payout += Fr::one();
        }));
        // The lowest bit is what the others leave of the number; it carries all that is too much.
        lies.push(with(place, &|claim| {
            claim.amount = Fr::from(1u64 << 32);
            commit(claim);
        }));
    }
    // Another digest, in the state behind as well.
    let mut other = public;
    other[3] += Fr::one();
    let paid = private.claims.iter().map(|claim| claim.counted * (claim.amount + one_claim()));
    let total = private.total_before + paid.sum::<Fr>();
    other[2] = state_element([other[3], total, private.blinding_after]);
    lies.push((other, private));
    let lies = lies.into_iter().map(|(public, private)| witness(&public, &private));
    let (assertions, count) = assertions_without_a_lie(&ONE_BLOCK, INPUTS, lies);
    assert!(assertions.is_empty(), "rows {assertions:?} catch no lie of their own");
    // Digest and both states; of each claim its bit and its opening. A range's rows determine its bits.
    assert_eq!(count, 3 + 13 + 13);
}

#[test]
fn size_is_pinned() {
    let info = circuit::settlement().info();
    let expected = [
        "  295 S1 before",
        "   78 S2 counted",
        "24882 S3 opened",
        " 2496 S4 amount",
        "   78 S5 total",
        " 3439 S6 digest",
        "  295 S7 after",
        "    1 S8 settlement",
    ];
    assert_eq!(clause_table(circuit::settlement()), expected);
    assert_eq!(info.constraints, 31_564);
    assert_eq!(info.public_inputs, 4);
    // Any change of any coefficient shows here: it needs new keys, and so a new version.
    assert_eq!(info.digest, "a30b88e0c1e2bc5ec049fe43dcd3b41b1b777f9051fb2f2b2b212d8357680e68");
    assert_eq!(info.domain, 1 << 15);
    // A block costs 5,162 rows, so one block alone is 592 more.
    assert_eq!(ONE_BLOCK.info().constraints, 5_754);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn twins_agree_on_random_claims(
        claims in prop::collection::vec((any::<u32>(), any::<bool>(), any::<bool>()), 0..=13),
        rupees in 0u64..1 << 40,
    ) {
        let mut settled = settled_claims(claims.len() as u64);
        for (claim, &(amount, counted, committed)) in settled.iter_mut().zip(&claims) {
            let Some(opened) = &mut claim.opened else { continue };
            opened.amount = amount;
            if committed {
                let Opening { amount, payee, envelope, ref blinding } = *opened;
                claim.payout = crate::payout::payout(amount, payee, envelope, blinding);
            }
            if !counted {
                claim.opened = None;
            }
        }
        let wrong = settled.iter().zip(&claims).any(|(claim, &(.., committed))| {
            claim.opened.is_some() && !committed
        });
        let mut before = begun();
        before.total.rupees = rupees;
        let (public, private, _) =
            inputs_of(1, settled_opening(), &before, &settled, blinding(9));
        prop_assert_eq!(verdict(&public.to_fields(), &private).is_ok(), !wrong);
    }
}
