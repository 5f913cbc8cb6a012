//! What the form of a row says that its wires are used as.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup as _, Field, Zero};

use super::DIGITS_MAX;
use crate::rules::integer;
use crate::solver::power_of_two;
use crate::system::{Form, Row, Wire};

/// The wires that a row uses as bits: `s · (x − y) = o − y` chooses, `a · b = a + b − o` and `2 · a · b = a + b − o` join.
pub(super) fn bit_uses(row: &Row) -> Vec<Wire> {
    let mut used = Vec::new();
    if row.linear().is_some() {
        return used;
    }
    let sole = |form: &Form| match form.terms() {
        [(wire, coefficient)] if *wire != 0 => Some((*wire, *coefficient)),
        _ => None,
    };
    for (selector, other) in [(&row.a, &row.b), (&row.b, &row.a)] {
        let Some((wire, coefficient)) = sole(selector) else { continue };
        let other = other.combined(coefficient, &Form::default(), Fr::ONE);
        if !other.coefficient(wire).is_zero() || !row.c.coefficient(wire).is_zero() {
            continue;
        }
        let chooses = row.c.terms().iter().any(|&(output, _)| {
            let mut rest = row.c.terms().iter().filter(|term| term.0 != output);
            let count = row.c.terms().len() - 1;
            output != 0
                && count > 0
                && other.coefficient(output).is_zero()
                && other.terms().len() > count
                && rest.all(|&(term, value)| other.coefficient(term) == value)
        });
        if chooses {
            used.push(wire);
        }
    }
    if let (Some((a, by_a)), Some((b, by_b))) = (sole(&row.a), sole(&row.b)) {
        let (product, one) = (by_a * by_b, row.c.coefficient(a));
        let joins = a != b
            && row.c.terms().len() == 3
            && row.c.coefficient(0).is_zero()
            && !one.is_zero()
            && row.c.coefficient(b) == one
            && (product == one || product == one.double());
        if joins {
            used.extend([a, b]);
        }
    }
    used
}

/// What is left of a row that holds bits `b₀ + 2·b₁ + …` to a number, and the bits, the lowest first.
pub(super) fn digits_of(row: &Row, is_bit: &dyn Fn(Wire) -> bool) -> Option<(Form, Vec<Wire>)> {
    let form = row.linear()?;
    let (bits, rest): (Vec<_>, Vec<_>) = form.terms().iter().copied().partition(|t| is_bit(t.0));
    for unit in [Fr::ONE, -Fr::ONE] {
        let place = |&(wire, value): &(Wire, Fr)| Some((power_of_two(value * unit)?, wire));
        let Some(places) = bits.iter().map(place).collect::<Option<BTreeMap<u32, Wire>>>() else {
            continue;
        };
        let is_full = places.keys().copied().eq(0..bits.len() as u32);
        if bits.len() > 1 && is_full {
            let number = Form::new(rest).combined(-unit, &Form::default(), Fr::ONE);
            return Some((number, places.into_values().collect()));
        }
    }
    None
}

/// The two sums of which a row makes a number `less − than + 2^bits`.
pub(super) fn difference_of(row: &Row, number: &Form, bits: u32) -> Option<(Form, Form)> {
    let shift = Fr::from(2u8).pow([u64::from(bits)]);
    let made = match number.terms() {
        [(wire, coefficient)] if *wire != 0 => {
            let form = row.linear()?;
            let factor = -form.coefficient(*wire).inverse()? * coefficient;
            form.combined(factor, &Form::new([(*wire, *coefficient)]), Fr::ONE)
        }
        // The bits are those of the difference itself.
        _ => number.clone(),
    };
    if made.coefficient(0) != shift {
        return None;
    }
    let is_small = |value: &Fr| integer(*value) < integer(-*value);
    let own = made.terms().iter().filter(|term| term.0 != 0);
    let (less, than): (Vec<_>, Vec<_>) = own.copied().partition(|term| is_small(&term.1));
    let than = than.into_iter().map(|(wire, coefficient)| (wire, -coefficient));
    let (less, than) = (Form::new(less), Form::new(than));
    (!less.terms().is_empty() && !than.terms().is_empty()).then_some((less, than))
}

/// The exponents of a sum whose coefficients are powers of two times one of them, ascending; at least two, each once.
pub(super) fn places_of(digits: &[(Wire, Fr)]) -> Option<Vec<(u32, Wire)>> {
    if digits.len() < 2 || digits.len() > DIGITS_MAX {
        return None;
    }
    digits.iter().find_map(|&(_, unit)| {
        let inverse = unit.inverse()?;
        let place = |&(wire, value): &(Wire, Fr)| Some((power_of_two(value * inverse)?, wire));
        let places: BTreeMap<u32, Wire> = digits.iter().map(place).collect::<Option<_>>()?;
        (places.len() == digits.len()).then(|| places.into_iter().collect())
    })
}
