//! Every private input and every wire: what happens when one is changed, and what holds it.

use ark_ff::{One, Zero};

use super::tests::{tier, verdict};
use super::*;
use crate::circuit::{self, Circuit};
use crate::eligibility::inputs::PRIVATE_INPUTS;
use crate::field::to_decimal;
use crate::fixture::claim;
use crate::office::{OFFICE_DEPTH, STATE_DEPTH};
use crate::policy::{CLAUSES, Clause, GroupSet, Policy};
use crate::testing::{
    assertions_without_a_lie, clause_table, free_wires, refuses_any_wire_changed_alone,
    undetermined, wires_in_one_row,
};

#[test]
fn any_private_input_changed_is_refused_or_leaves_the_claim_as_it_was() {
    // `sibling` children other than the one on the path also change the node above: refused too.
    let honest = claim(1);
    let public = honest.public().to_fields();
    let count = honest.private().elements_mut().len();
    assert_eq!(count, PRIVATE_INPUTS, "every private wire has a name");
    for index in 0..count {
        let original = {
            let mut private = honest.private();
            *private.elements_mut()[index].1
        };
        for other in [original + Fr::one(), -original - Fr::one(), Fr::from(1u64 << 32), Fr::zero()]
        {
            if other == original {
                continue;
            }
            let mut private = honest.private();
            let name = {
                let mut elements = private.elements_mut();
                *elements[index].1 = other;
                elements[index].0.clone()
            };
            let refused = verdict(&public, &private);
            assert!(refused.is_err(), "{name} may be {}", to_decimal(other));
        }
    }
}

#[test]
fn other_eligible_tier_changes_the_amount_and_so_is_refused() {
    // Tier 1 is as true as tier 0 for this person: only the payout commitment tells them apart,
    // and it must.
    let honest = claim(1);
    let mut private = honest.private();
    private.tier_choice = [Fr::zero(), Fr::one(), Fr::zero()];
    let refused = verdict(&honest.public().to_fields(), &private);
    assert_eq!(refused, Err(Violation::Payout));
    // Tiers 2 and 3 are one tier under two numbers: the public meaning is the same.
    let mut by_land = claim(1);
    by_land.tier = tier(2);
    let mut private = by_land.private();
    private.tier_choice = [Fr::zero(); 3];
    assert_eq!(verdict(&by_land.public().to_fields(), &private), Ok(()));
}

#[test]
fn any_wire_changed_alone_is_refused() {
    // Tiers 2 and 3 of the fixture are one and the same, so the choice between those two is free
    // (see above); the claims here are to the others.
    for number in 0..2u8 {
        let mut honest = claim(u64::from(number) + 1);
        honest.tier = tier(number);
        let witness = circuit::eligibility_witness(&honest.public().to_fields(), &honest.private());
        refuses_any_wire_changed_alone(circuit::eligibility(), &witness);
    }
}

#[test]
fn no_internal_wire_is_free() {
    let circuit = circuit::eligibility();
    let honest = claim(7);
    let witness = circuit::eligibility_witness(&honest.public().to_fields(), &honest.private());
    let free = free_wires(circuit, &witness, PUBLIC_INPUTS + 1 + PRIVATE_INPUTS);
    assert!(free.is_empty(), "free wires: {free:?}");
}

#[test]
fn every_internal_wire_follows_from_the_inputs() {
    // Stronger than rank: no wire may be pinned down by an assertion alone, as a second copy of the
    // secret in E10 would be by the equality with the public nullifier.
    let left = undetermined(circuit::eligibility(), PUBLIC_INPUTS + PRIVATE_INPUTS);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn search_for_undetermined_wires_finds_a_planted_one() {
    let plant = |planted: bool| {
        Circuit::compile("planted", |cs| {
            let public = cs.public("nullifier", Fr::zero());
            let secret = cs.private("secret", Fr::zero());
            let used = if planted { cs.private("free_secret", Fr::zero()) } else { secret.clone() };
            let nullifier = nullifier_gadget(cs, [&used, &secret, &secret, &secret]);
            cs.enforce_equal(&nullifier, &public);
        })
    };
    assert!(undetermined(&plant(false), 2).is_empty());
    assert_eq!(undetermined(&plant(true), 2)[0], "free_secret");
}

/// Lies of which each is caught by one row alone.
fn lies() -> Vec<([Fr; PUBLIC_INPUTS], PrivateInputs)> {
    let mut lies = Vec::new();
    let honest = claim(1);
    let public = honest.public().to_fields();
    let with_public = |index: usize, value: Fr| {
        let mut changed = public;
        changed[index] = value;
        (changed, honest.private())
    };
    // State root, nullifier, payout commitment, and a last clause that joins the next. The envelope's hash
    // is held by the same row as the payout commitment.
    for index in [1, SHARED_INPUTS, SHARED_INPUTS + 1] {
        lies.push(with_public(index, public[index] + Fr::one()));
    }
    let names = PublicInputs::names();
    let or_next = names.iter().position(|n| n == "clause15.or_next").expect("an input");
    lies.push(with_public(or_next, Fr::one()));
    // Another's secret, with its own nullifier.
    let mut thief = claim(1);
    thief.claimant.secret = crate::subject::HolderSecret::from_field(Fr::from(9u64));
    lies.push((thief.public().to_fields(), thief.private()));
    // At one level the node below is not among the children; all above it fits again.
    for level in 0..OFFICE_DEPTH + STATE_DEPTH {
        lies.push(cut_path(level));
    }
    // A choice that is no choice, where all tiers are the same.
    let (one, zero) = (Fr::one(), Fr::zero());
    for choice in [[-one, one, zero], [one, -one, zero], [one, zero, -one], [one, one, zero]] {
        let mut same = claim(1);
        let tiers = [same.scheme_period.policy.tiers()[0]; 1];
        let schema = same.scheme_period.policy.schema();
        let clauses = same.scheme_period.policy.clauses().to_vec();
        same.scheme_period.policy = Policy::new(schema, &clauses, &tiers).expect("valid");
        let mut private = same.private();
        private.tier_choice = choice;
        lies.push((same.public().to_fields(), private));
    }
    // One required clause that does not hold.
    for place in 0..CLAUSES {
        let mut refused = claim(1);
        let mut clauses = [Clause::ALWAYS; CLAUSES];
        clauses[place].lo = u32::MAX;
        let mut tier = refused.scheme_period.policy.tiers()[0];
        tier.groups = GroupSet::from_bits(1 << place);
        let schema = refused.scheme_period.policy.schema();
        refused.scheme_period.policy = Policy::new(schema, &clauses, &[tier]).expect("valid");
        lies.push((refused.public().to_fields(), refused.private()));
    }
    lies
}

/// A claim whose path lacks the node below at one level, counted from the credential's leaf.
fn cut_path(cut: usize) -> ([Fr; PUBLIC_INPUTS], PrivateInputs) {
    let honest = claim(1);
    let (mut public, mut private) = (honest.public().to_fields(), honest.private());
    let schema = Fr::from(honest.claimant.credential.schema.0);
    let mut node = private.credential.commitment(schema);
    for level in 0..OFFICE_DEPTH + STATE_DEPTH {
        if level == OFFICE_DEPTH {
            node = crate::office::office_leaf_element(private.office, schema, node);
        }
        let children = match level.checked_sub(OFFICE_DEPTH) {
            None => &mut private.office_path.children_mut()[level],
            Some(level) => &mut private.state_path.children_mut()[level],
        };
        children[3] = if level == cut { node + Fr::one() } else { node };
        if level == cut {
            // No other child may be the node by chance of the fixture.
            children.iter_mut().for_each(|child| {
                if *child == node {
                    *child += Fr::one();
                }
            });
        }
        node = crate::poseidon::hash(children);
    }
    public[1] = node;
    (public, private)
}

#[test]
fn no_row_can_be_left_out() {
    // For each assertion there is a lie that it alone catches.
    let lies = lies().into_iter();
    let lies = lies.map(|(public, private)| circuit::eligibility_witness(&public, &private));
    let inputs = PUBLIC_INPUTS + PRIVATE_INPUTS;
    let (left, count) = assertions_without_a_lie(circuit::eligibility(), inputs, lies);
    assert_eq!(count, 35);
    assert!(left.is_empty(), "rows {left:?} catch no lie of their own");
}

#[test]
fn every_wire_stands_in_at_least_two_rows() {
    // The square of the scheme is made to be used by nothing: it is there so that the scheme itself is used.
    assert_eq!(wires_in_one_row(circuit::eligibility()), ["E12.squared"]);
}

#[test]
fn size_is_pinned() {
    let info = circuit::eligibility().info();
    let expected = [
        "  259 E1 subject",
        "  609 E2 credential",
        " 2454 E3 live in the office tree",
        " 1931 E4 accredited office",
        "  128 E5 validity",
        "  288 E6 attributes",
        " 1247 E7 clauses",
        "   51 E8 tier",
        "  141 E9 amount",
        "  319 E10 nullifier",
        "  319 E11 payout",
        "    1 E12 scheme",
    ];
    assert_eq!(clause_table(circuit::eligibility()), expected);
    assert_eq!(info.constraints, 7_747);
    assert_eq!(info.public_inputs, 111);
    assert_eq!(info.witness, 7_766);
    assert_eq!((info.nonzeros.a, info.nonzeros.b, info.nonzeros.c), (64_039, 118_409, 6_094));
    // Any change of any coefficient shows here: it needs new keys, and so a new version.
    assert_eq!(info.digest, "0f909f948ee900c023f23f40e17c5893243621c7863f6354f322f3d1a94e0277");
    // The aim of 8,192 rows is met with all sixteen clauses, nine slots and four tiers.
    assert_eq!(info.domain, 1 << 13);
}

// --- any statement ---
