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
