use proptest::prelude::*;

use super::*;
use crate::testing::{Synthesis, rows};

fn clause(slot: u8, lo: u32, hi: u32) -> Clause {
    Clause { slot: Slot::new(slot).expect("a slot"), lo, hi, negate: false, or_next: false }
}

fn flat(groups: u16, amount: u32) -> Tier {
    let slot = Slot::new(0).expect("a slot");
    Tier { groups: GroupSet::from_bits(groups), rate: 0, slot, floor: amount, cap: amount }
}

fn synthesize(policy: &Policy, attributes: [Fr; SLOTS], tier: u8) -> Synthesis {
    let fields = policy.to_fields();
    Synthesis::of(|cs| {
        let mut wire = |value: Fr| cs.private("part", value);
        let clauses = std::array::from_fn(|i| {
            let c = &fields.clauses[i];
            ClauseParts {
                slot: wire(c.slot),
                lo: wire(c.lo),
                hi: wire(c.hi),
                negate: wire(c.negate),
                or_next: wire(c.or_next),
            }
        });
        let tiers = std::array::from_fn(|i| {
            let t = &fields.tiers[i];
            TierParts {
                groups: wire(t.groups),
                rate: wire(t.rate),
                slot: wire(t.slot),
                floor: wire(t.floor),
                cap: wire(t.cap),
            }
        });
        let attributes = attributes.map(&mut wire);
        let choice = std::array::from_fn(|i| wire(Fr::from(u64::from(i == tier as usize))));
        for attribute in &attributes {
            to_bits_gadget(cs, attribute, VALUE_BITS);
        }
        let groups = groups_gadget(cs, &clauses, &AttributeWires::interpolate(&attributes));
        let tier = choose_tier_gadget(cs, &tiers, &choice);
        enforce_required_gadget(cs, &tier.groups, &groups);
    })
}

fn accepts(policy: &Policy, attributes: [u32; SLOTS], tier: u8) -> bool {
    let native =
        policy.satisfies(&Attributes::new(attributes), TierIndex::new(tier).expect("a tier"));
    let proved = synthesize(policy, attributes.map(Fr::from), tier).is_satisfied();
    assert_eq!(native, proved, "twin and gadget disagree on {policy:?}, tier {tier}");
    native
}

fn one_clause(clause: Clause) -> Policy {
    Policy::new(SchemaId(1), &[clause], &[flat(1, 100)]).expect("valid")
}

#[test]
fn clause_holds_just_inside_its_bounds_and_fails_just_outside() {
    for place in 0..CLAUSES {
        for slot in [0, 4, 8] {
            for (lo, hi) in [(25, 60), (0, 0), (u32::MAX, u32::MAX), (0, u32::MAX)] {
                let mut clauses = vec![Clause::ALWAYS; place];
                clauses.push(clause(slot, lo, hi));
                let policy = Policy::new(SchemaId(1), &clauses, &[flat(1 << place, 1)]);
                let policy = policy.expect("valid");
                let edges = [lo.checked_sub(1), Some(lo), Some(hi), hi.checked_add(1)];
                for value in edges.into_iter().flatten() {
                    let mut attributes = [5; SLOTS];
                    attributes[slot as usize] = value;
                    let inside = lo <= value && value <= hi;
                    assert_eq!(accepts(&policy, attributes, 0), inside);
                }
            }
        }
    }
}

#[test]
fn negated_clause_holds_exactly_outside_its_bounds() {
    let policy = one_clause(Clause { negate: true, ..clause(3, 10, 20) });
    for (value, expected) in [(9, true), (10, false), (20, false), (21, true), (u32::MAX, true)] {
        let mut attributes = [0; SLOTS];
        attributes[3] = value;
        assert_eq!(accepts(&policy, attributes, 0), expected, "{value}");
    }
}

#[test]
fn attributes_that_overflow_or_wrap_satisfy_nothing() {
    // Each would satisfy a careless comparison: below a bound as a negative number, or above it.
    let lenient = one_clause(Clause { negate: true, ..clause(0, 10, 20) });
    for attribute in [-Fr::from(1u64), -Fr::from(1u64 << 32), Fr::from(1u64 << 32)] {
        let mut attributes = [Fr::from(0u64); SLOTS];
        assert!(synthesize(&lenient, attributes, 0).is_satisfied());
        attributes[0] = attribute;
        assert!(!synthesize(&lenient, attributes, 0).is_satisfied());
    }
}

#[test]
fn groups_are_joined_by_or_and_tiers_ask_for_their_own() {
    // (slot 0 in 60.. or (slot 1 in 1..)) and slot 2 <= 1000; tier 1 asks for the second only.
    let clauses = [
        Clause { or_next: true, ..clause(0, 60, u32::MAX) },
        clause(1, 1, u32::MAX),
        clause(2, 0, 1000),
    ];
    let policy = Policy::new(SchemaId(1), &clauses, &[flat(0b110, 5), flat(0b100, 6)]);
    let policy = policy.expect("valid");
    let person = |a, b, c| [a, b, c, 0, 0, 0, 0, 0, 0];
    for (attributes, first, second) in [
        (person(60, 0, 1000), true, true),
        (person(0, 1, 1000), true, true),
        (person(59, 0, 1000), false, true),
        (person(60, 1, 1001), false, false),
    ] {
        assert_eq!(accepts(&policy, attributes, 0), first);
        for tier in 1..TIERS as u8 {
            assert_eq!(accepts(&policy, attributes, tier), second, "unused tiers repeat the last");
        }
    }
}

#[test]
fn every_wrong_wire_is_refused() {
    let clauses = [
        Clause { or_next: true, ..clause(0, 60, 90) },
        Clause { negate: true, ..clause(1, 1, 7) },
        clause(2, 0, 1000),
    ];
    let policy = Policy::new(SchemaId(1), &clauses, &[flat(0b110, 5), flat(0b100, 6)]);
    let attributes = [70u32, 9, 1000, 1, 2, 3, 4, 5, 6].map(Fr::from);
    let honest = synthesize(&policy.expect("valid"), attributes, 0);
    assert!(honest.is_satisfied());
    // Wires before these are the policy and the attributes, which the test does not bind.
    let inputs = (CLAUSES * 5 + TIERS * 5 + SLOTS + TIERS - 1) as u32;
    (inputs + 1..honest.wires()).for_each(|wire| honest.refuses_any_other_value(wire));
}

#[test]
fn senseless_policy_is_refused_with_its_own_error() {
    let ok = clause(0, 0, 1);
    let open = Clause { or_next: true, ..ok };
    let new = |clauses: &[Clause], tiers: &[Tier]| Policy::new(SchemaId(1), clauses, tiers).err();
    assert_eq!(new(&[ok; 17], &[flat(1, 1)]), Some(PolicyError::TooManyClauses(17)));
    assert_eq!(new(&[ok], &[]), Some(PolicyError::WrongTiers(0)));
    assert_eq!(new(&[ok], &[flat(1, 1); 5]), Some(PolicyError::WrongTiers(5)));
    assert_eq!(new(&[open], &[flat(1, 1)]), Some(PolicyError::OpenGroup(0)));
    let inside = PolicyError::NoSuchGroup { tier: 0, clause: 0 };
    assert_eq!(new(&[open, ok], &[flat(0b11, 1)]), Some(inside));
    let beyond = PolicyError::NoSuchGroup { tier: 0, clause: 1 };
    assert_eq!(new(&[ok], &[flat(0b11, 1)]), Some(beyond));
    assert_eq!(new(&[ok], &[flat(0, 1)]), Some(PolicyError::UnconditionalTier(0)));
    let empty = Clause { negate: true, ..clause(0, 60, 25) };
    assert_eq!(new(&[ok, empty], &[flat(1, 1)]), Some(PolicyError::EmptyInterval(1)));
    let vague = Tier { floor: 1, cap: 2, ..flat(1, 1) };
    assert_eq!(new(&[ok], &[vague]), Some(PolicyError::TwoFlatAmounts(0)));
    let upside_down = Tier { floor: 2, cap: 1, ..flat(1, 1) };
    assert_eq!(new(&[ok], &[upside_down]), Some(PolicyError::FloorAboveCap(0)));
}

#[test]
fn clause_costs_78_rows() {
    let clauses = |cs: &mut ConstraintSystem, x: &Num| {
        let wire = || x.clone();
        let clauses: [ClauseParts<Num>; CLAUSES] = std::array::from_fn(|_| ClauseParts {
            slot: wire(),
            lo: wire(),
            hi: wire(),
            negate: wire(),
            or_next: wire(),
        });
        let _ = cs;
        clauses
    };
    let groups = rows(|cs, x| {
        let clauses = clauses(cs, x);
        let attributes = AttributeWires::interpolate(&std::array::from_fn(|_| x.clone()));
        groups_gadget(cs, &clauses, &attributes);
    });
    // 8 + 33 + 33 + 2 for the clause, 1 to carry it, 1 to join it: the first has nothing to join.
    assert_eq!(groups, 78 * CLAUSES - 1);
}

fn arb_clause() -> impl Strategy<Value = Clause> {
    let value = prop_oneof![any::<u32>(), 0u32..8, Just(u32::MAX)];
    (0..SLOTS as u8, value.clone(), value, any::<bool>(), any::<bool>()).prop_map(
        |(slot, a, b, negate, or_next)| Clause {
            negate,
            or_next,
            ..clause(slot, a.min(b), a.max(b))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn policy_agrees_with_its_twin(
        mut clauses in prop::collection::vec(arb_clause(), 1..=CLAUSES),
        attributes in prop::array::uniform9(prop_oneof![any::<u32>(), 0u32..8, Just(u32::MAX)]),
        wanted in prop::array::uniform4(any::<u16>()),
        tier in 0..TIERS as u8,
    ) {
        let last = clauses.len() - 1;
        clauses[last].or_next = false;
        let ends = (0..clauses.len()).filter(|&i| !clauses[i].or_next).map(|i| 1u16 << i);
        let ends = ends.fold(0, |all, end| all | end);
        let tiers = wanted.map(|groups| flat(if groups & ends == 0 { ends } else { groups & ends }, 1));
        let policy = Policy::new(SchemaId(1), &clauses, &tiers).expect("valid");
        prop_assert!(well_formed(&policy.to_fields()));
        accepts(&policy, attributes, tier);
    }
}
