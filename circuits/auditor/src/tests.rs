//! What is called determined, free and not decided, on systems small enough to see it.

use ark_bn254::Fr;
use ark_ff::{One, Zero};

use super::*;
use crate::rules::{Facts, Step};

fn form(terms: &[(Wire, i64)]) -> Form {
    Form::new(terms.iter().map(|&(wire, coefficient)| (wire, Fr::from(coefficient))))
}

fn row(a: &[(Wire, i64)], b: &[(Wire, i64)], c: &[(Wire, i64)]) -> Row {
    Row { a: form(a), b: form(b), c: form(c) }
}

/// A system of so many wires of which the ones from 1 to a number are inputs, and the last is the output.
fn system(wires: usize, inputs: usize, rows: Vec<Row>) -> System {
    let names = (0..wires).map(|wire| format!("w{wire}")).collect();
    let is_input = (0..wires).map(|wire| wire <= inputs).collect();
    let is_output = (0..wires).map(|wire| wire == wires - 1).collect();
    System::new(rows, is_input, is_output, names).expect("a system")
}

fn quick() -> Options {
    Options { time: Duration::from_secs(20), ..Options::default() }
}

/// The rows that hold some wires to bits of a number.
fn bits_of(number: Wire, first: Wire, count: u32) -> Vec<Row> {
    let bits = first..first + count;
    let mut rows: Vec<Row> =
        bits.clone().map(|bit| row(&[(bit, 1)], &[(bit, 1), (0, -1)], &[])).collect();
    let mut weight = Fr::one();
    let mut terms = Vec::new();
    for bit in bits {
        terms.push((bit, weight));
        weight += weight;
    }
    rows.push(Row { a: Form::new(terms), b: form(&[(0, 1)]), c: form(&[(number, 1)]) });
    rows
}

#[test]
fn bits_of_253_are_determined_and_of_254_are_not() {
    let system_of = |count: u32| system(2 + count as usize, 1, bits_of(1, 2, count));
    let report = audit(&system_of(253), &quick());
    assert!(report.is_determined());
    let aliased = system_of(254);
    let report = audit(&aliased, &quick());
    assert!(!report.is_determined());
    let Status::Free { pair } = report.status(2) else { panic!("{:?}", report.status(2)) };
    assert!(report.pairs[pair].holds(&aliased));
    // A bit that is the same in both ways is not called free, and none is called determined.
    assert_eq!(report.count(|status| status == Status::Determined), 0);
}

#[test]
fn product_says_nothing_where_its_factor_is_zero() {
    // out · x = y: out is anything at x = y = 0, which random inputs never are.
    let doubtful = system(4, 2, vec![row(&[(3, 1)], &[(1, 1)], &[(2, 1)])]);
    let report = audit(&doubtful, &quick());
    assert!(matches!(report.status(3), Status::Free { .. }));
    // With an inverse of x the factor is never zero.
    let rows = vec![row(&[(2, 1)], &[(1, 1)], &[(0, 1)]), row(&[(3, 1)], &[(1, 1)], &[(2, 1)])];
    assert!(audit(&system(4, 1, rows), &quick()).is_determined());
}

#[test]
fn factor_that_is_zero_at_a_root_of_a_quadratic_is_found() {
    // lambda · 2y = 3x² + 2·5x + 7 − 7, square = x²: free at y = 0 and x = 0 or −10/3.
    let rows = vec![
        row(&[(1, 1)], &[(1, 1)], &[(3, 1)]),
        row(&[(4, 1)], &[(2, 2)], &[(3, 3), (1, 10), (0, -8)]),
    ];
    let doubling = system(5, 2, rows);
    let report = audit(&doubling, &quick());
    assert!(matches!(report.status(4), Status::Free { .. }), "{:?}", report.status(4));
    assert_eq!(report.status(3), Status::Determined);
}

#[test]
fn test_for_zero_is_determined_but_for_the_inverse() {
    let rows = vec![row(&[(1, 1)], &[(2, 1)], &[(0, 1), (3, -1)]), row(&[(1, 1)], &[(3, 1)], &[])];
    let tested = system(4, 1, rows);
    let report = audit(&tested, &quick());
    assert_eq!(report.status(3), Status::Determined);
    assert!(matches!(report.status(2), Status::Free { .. }), "the inverse of zero is anything");
}

#[test]
fn decoder_that_takes_no_position_is_free() {
    // out_i · (in − i) = 0, success = out_0 + out_1, success · (success − 1) = 0.
    let rows = vec![
        row(&[(2, 1)], &[(1, 1)], &[]),
        row(&[(3, 1)], &[(1, 1), (0, -1)], &[]),
        row(&[(4, 1)], &[(0, 1)], &[(2, 1), (3, 1)]),
        row(&[(4, 1)], &[(4, 1), (0, -1)], &[]),
    ];
    let report = audit(&system(5, 1, rows), &quick());
    assert!(matches!(report.status(4), Status::Free { .. }));
}

#[test]
fn combination_of_rows_shows_what_no_row_shows_alone() {
    // x + y = a, x − y = b.
    let rows = vec![
        row(&[(3, 1), (4, 1)], &[(0, 1)], &[(1, 1)]),
        row(&[(3, 1), (4, -1)], &[(0, 1)], &[(2, 1)]),
    ];
    assert!(audit(&system(5, 2, rows.clone()), &quick()).is_determined());
    let one = audit(&system(5, 2, rows[..1].to_vec()), &quick());
    assert!(matches!(one.status(3), Status::Free { .. }));
}

#[test]
fn steps_that_do_not_follow_are_refused() {
    let rows = bits_of(1, 2, 254);
    let aliased = system(256, 1, rows);
    let mut facts = Facts::of_inputs(&aliased);
    for wire in 2..256 {
        facts.apply(&aliased, &Step::Roots { wire, row: wire - 2 }).expect("a boolean");
    }
    let refused = [
        Step::Digits { row: 254 },
        Step::Sole { wire: 2, row: 254 },
        Step::Sole { wire: 2, row: 0 },
        Step::Sole { wire: 2, row: 999 },
        Step::Combination { wire: 2, rows: vec![(254, Fr::one())] },
        Step::Combination { wire: 2, rows: vec![(254, Fr::zero())] },
        Step::NeverZero { row: 0 },
        Step::Roots { wire: 3, row: 0 },
        Step::ZeroTest { wire: 2, product: 0, zero: 1 },
        Step::Bound { wire: 3, row: 0 },
        Step::Roots { wire: 0, row: 0 },
        Step::Bound { wire: 0, row: 254 },
        Step::OneOf { rows: vec![0, 1], sum: 254 },
        Step::NoRoot { row: 0, products: Vec::new() },
    ];
    for step in refused {
        assert!(facts.apply(&aliased, &step).is_err(), "{step:?}");
    }
}

#[test]
fn pair_holds_only_of_two_witnesses_with_the_same_inputs() {
    let free = system(3, 1, vec![row(&[(1, 1)], &[(1, 1)], &[(1, 1)])]);
    let values = |input: u64, output: u64| vec![Fr::one(), Fr::from(input), Fr::from(output)];
    let pair = |first: Vec<Fr>, second: Vec<Fr>| Pair { first, second }.holds(&free);
    assert!(pair(values(1, 5), values(1, 6)));
    assert!(!pair(values(1, 5), values(1, 5)), "they are the same");
    assert!(!pair(values(1, 5), values(0, 6)), "they have other inputs");
    assert!(!pair(values(2, 5), values(2, 6)), "they satisfy no row");
    assert!(!pair(values(1, 5), vec![Fr::one(), Fr::one()]), "one is cut short");
}

#[test]
fn structure_names_what_stands_in_no_row_and_rows_that_say_nothing() {
    let rows = vec![
        row(&[(1, 1)], &[(1, 1)], &[(3, 1)]),
        row(&[(1, 1)], &[(1, 1)], &[(3, 1)]),
        row(&[(0, 2)], &[(0, 3)], &[(0, 6)]),
        row(&[(0, 2)], &[(1, 3)], &[(1, 6)]),
        row(&[(0, 2)], &[(0, 3)], &[(0, 5)]),
        row(&[], &[(1, 1)], &[(0, 5)]),
    ];
    let found = structure(&system(5, 2, rows));
    let expected = [
        StructureFinding::UnusedInput(2),
        StructureFinding::WireInNoRow(4),
        StructureFinding::RepeatedRow { row: 1, first: 0 },
        StructureFinding::EmptyRow(2),
        StructureFinding::EmptyRow(3),
        StructureFinding::ImpossibleRow(4),
        StructureFinding::ImpossibleRow(5),
    ];
    assert_eq!(found, expected);
}

#[test]
fn system_that_nothing_satisfies_is_not_called_determined() {
    let rows = vec![row(&[(0, 1)], &[(0, 1)], &[(0, 2)]), row(&[(2, 1)], &[(0, 1)], &[(1, 1)])];
    let report = audit(&system(3, 1, rows), &quick());
    assert_eq!(report.status(2), Status::Determined);
    assert!(!report.is_determined());
}

#[test]
fn audit_takes_any_time_and_leaves_out_witnesses_of_another_length() {
    let one = system(3, 1, vec![row(&[(1, 1)], &[(1, 1)], &[(1, 1)])]);
    let witnesses = vec![vec![Fr::one()]];
    let report = audit(&one, &Options { time: Duration::MAX, seed: 1, witnesses });
    assert!(matches!(report.status(2), Status::Free { .. }));
    let report = audit(&one, &Options { time: Duration::ZERO, ..Options::default() });
    assert_eq!(report.status(2), Status::NotDecided, "nothing is called free or safe unseen");
}

#[test]
fn rows_that_name_no_wire_are_refused() {
    let made = System::new(
        vec![row(&[(9, 1)], &[], &[])],
        vec![true; 2],
        vec![false; 2],
        vec![String::new(); 2],
    );
    assert_eq!(made.err(), Some(SystemFault::NoSuchWire { row: 0, wire: 9, wires: 2 }));
    let made = System::new(Vec::new(), vec![true; 2], vec![false; 3], vec![String::new(); 2]);
    assert_eq!(made.err(), Some(SystemFault::Lengths(2)));
}

#[test]
fn factor_that_the_product_leaves_a_constant_of_is_never_zero() {
    // out · (1 − in) = 1 + in: at in = 1 it would be 0 = 2.
    let rows = vec![row(&[(2, 1)], &[(0, 1), (1, -1)], &[(0, 1), (1, 1)])];
    assert!(audit(&system(3, 1, rows), &quick()).is_determined());
    // out · (1 − in) = 1 − in holds at in = 1 of any out.
    let rows = vec![row(&[(2, 1)], &[(0, 1), (1, -1)], &[(0, 1), (1, -1)])];
    assert!(matches!(audit(&system(3, 1, rows), &quick()).status(2), Status::Free { .. }));
}

#[test]
fn denominators_of_an_edwards_addition_are_never_zero() {
    // Baby Jubjub's a and d, of which d and a · d are no squares; with d = 168700 and a = 1 both are.
    let addition = |a: i64, d: i64| {
        let rows = vec![
            row(&[(1, 1)], &[(4, 1)], &[(5, 1)]),
            row(&[(2, 1)], &[(3, 1)], &[(6, 1)]),
            row(&[(1, -a), (2, 1)], &[(3, 1), (4, 1)], &[(7, 1)]),
            row(&[(5, 1)], &[(6, 1)], &[(8, 1)]),
            row(&[(0, 1), (8, d)], &[(9, 1)], &[(5, 1), (6, 1)]),
            row(&[(0, 1), (8, -d)], &[(10, 1)], &[(7, 1), (5, a), (6, -1)]),
        ];
        audit(&system(11, 4, rows), &quick())
    };
    assert!(addition(168_700, 168_696).is_determined());
    let other = addition(1, 168_700);
    assert!(other.status(9) != Status::Determined && other.status(10) != Status::Determined);
}

#[test]
fn decoder_whose_success_is_held_is_determined() {
    // out_i · (in − i) = 0, out_0 + out_1 = 1.
    let mut rows = vec![
        row(&[(2, 1)], &[(1, 1)], &[]),
        row(&[(3, 1)], &[(1, 1), (0, -1)], &[]),
        row(&[(2, 1), (3, 1)], &[(0, 1)], &[(0, 1)]),
    ];
    assert!(audit(&system(4, 1, rows.clone()), &quick()).is_determined());
    // The same position twice: either may have it.
    rows[1] = row(&[(3, 1)], &[(1, 2)], &[]);
    assert!(matches!(audit(&system(4, 1, rows), &quick()).status(3), Status::Free { .. }));
}

/// The uses that are shown not to be checked.
fn shown(system: &System) -> Vec<Unchecked> {
    let determination = audit(system, &quick()).determination;
    let mut found = unchecked(system, &determination, &quick());
    found.retain(|one| one.witness.is_some());
    assert!(found.iter().all(|one| one.holds(system)));
    found
}

#[test]
fn selector_that_is_no_bit_is_shown_and_one_that_is_held_is_not() {
    // s · (x − y) = o − y
    let choice = row(&[(1, 1)], &[(2, 1), (3, -1)], &[(4, 1), (3, -1)]);
    let open = system(5, 3, vec![choice.clone()]);
    assert!(matches!(shown(&open)[..], [Unchecked { used: Use::Bit { wire: 1, row: 0 }, .. }]));
    let held = row(&[(1, 1)], &[(1, 1), (0, -1)], &[]);
    assert!(shown(&system(5, 3, vec![choice, held])).is_empty());
}

/// Holds wire 3 = w1 − w2 + 2^8 to nine bits from wire 4 on; wire 13 is one if the first is less.
fn comparison(extra: Vec<Row>, wires: usize) -> System {
    let mut rows = vec![row(&[(1, 1), (2, -1), (0, 256)], &[(0, 1)], &[(3, 1)])];
    rows.extend(bits_of(3, 4, 9));
    rows.push(row(&[(0, 1), (12, -1)], &[(0, 1)], &[(13, 1)]));
    rows.extend(extra);
    system(wires, 2, rows)
}

#[test]
fn comparison_of_numbers_that_nothing_bounds_is_shown_to_be_wrong() {
    let open = comparison(Vec::new(), 14);
    let found = shown(&open);
    assert!(matches!(found[..], [Unchecked { used: Use::Comparison { bits: 8, .. }, .. }]));
    // With eight bits each there is no such witness, and nothing to look for.
    let bounded: Vec<Row> = bits_of(1, 14, 8).into_iter().chain(bits_of(2, 22, 8)).collect();
    let bounded = comparison(bounded, 30);
    let determination = audit(&bounded, &quick()).determination;
    assert!(unchecked(&bounded, &determination, &quick()).is_empty());
}

#[test]
fn digit_that_reaches_into_the_next_is_shown() {
    let packed = row(&[(1, 1), (2, 256), (3, 65_536)], &[(0, 1)], &[(4, 1)]);
    let found = shown(&system(5, 3, vec![packed]));
    assert_eq!(found.len(), 2, "the highest digit has no next one");
}

#[test]
fn what_no_witness_shows_is_no_finding() {
    // The answer is held, and with it the first number: 0 ≤ w1 − 0 < 256 although no row bounds it.
    let rows = vec![row(&[(12, 1)], &[(0, 1)], &[(0, 1)]), row(&[(2, 1)], &[(0, 1)], &[])];
    let held = comparison(rows, 14);
    let determination = audit(&held, &quick()).determination;
    let found = unchecked(&held, &determination, &quick());
    assert!(found.iter().all(|one| one.witness.is_none() && !one.holds(&held)));
}

#[test]
fn row_that_a_constant_switches_off_is_named() {
    let rows = vec![row(&[(1, 1)], &[(0, 1)], &[]), row(&[(1, 1)], &[(2, 1), (0, -1)], &[])];
    let off = StructureFinding::SwitchedOff { row: 1, wire: 1 };
    assert_eq!(structure(&system(3, 2, rows)), [off]);
}

#[test]
fn selector_of_a_circuit_that_does_more_is_no_callers() {
    // s · (x − y) = o − y, and what comes of it: o · o = q, q · y = out.
    let rows = vec![
        row(&[(1, 1)], &[(2, 1), (3, -1)], &[(4, 1), (3, -1)]),
        row(&[(4, 1)], &[(4, 1)], &[(5, 1)]),
        row(&[(5, 1)], &[(3, 1)], &[(6, 1)]),
    ];
    let found = shown(&system(7, 3, rows));
    assert!(matches!(found[..], [Unchecked { is_callers: false, .. }]));
}
