//! Values for wires: what rows force once some are chosen, and choices that are taken back where they fail.

use std::collections::HashMap;
use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup as _, Field, One, PrimeField, Zero};
use num_bigint::BigUint;

use crate::rules::{form_roots, integer, product_roots};
use crate::system::{Form, Row, System, Wire};

/// A row that no values of the wires that are left can satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conflict;

/// What a row says of the wires that have no value yet.
enum Said {
    Nothing,
    Conflict,
    Values(Vec<(Wire, Fr)>),
}

/// A partial assignment.
pub(crate) struct Solver<'a> {
    system: &'a System,
    /// Rows beside the system's, and the wires of each.
    extra: &'a [Row],
    extra_wires: Vec<Vec<Wire>>,
    booleans: &'a [bool],
    values: Vec<Option<Fr>>,
    trail: Vec<Wire>,
    queue: Vec<u32>,
    waits: Vec<bool>,
}

impl<'a> Solver<'a> {
    /// A solver without any value but the constant one's; `booleans` tells which wires are held to 0 and 1.
    pub(crate) fn new(system: &'a System, extra: &'a [Row], booleans: &'a [bool]) -> Self {
        let rows = system.rows().len() + extra.len();
        let mut solver = Self {
            system,
            extra,
            extra_wires: extra.iter().map(Row::wires).collect(),
            booleans,
            values: vec![None; system.wires()],
            trail: Vec::new(),
            queue: (0..rows as u32).collect(),
            waits: vec![true; rows],
        };
        solver.values[0] = Some(Fr::one());
        solver
    }

    pub(crate) fn value(&self, wire: Wire) -> Option<Fr> {
        self.values[wire as usize]
    }

    /// A place to go back to.
    pub(crate) fn mark(&self) -> usize {
        self.trail.len()
    }

    /// Takes back all values since a mark.
    pub(crate) fn undo(&mut self, mark: usize) {
        for wire in self.trail.drain(mark..) {
            self.values[wire as usize] = None;
        }
        for row in self.queue.drain(..) {
            self.waits[row as usize] = false;
        }
    }

    /// The wires without a value.
    pub(crate) fn unassigned(&self) -> impl Iterator<Item = Wire> + '_ {
        let wires = 0..self.values.len() as Wire;
        wires.filter(|&wire| self.values[wire as usize].is_none())
    }

    /// All values, if each wire has one.
    pub(crate) fn complete(&self) -> Option<Vec<Fr>> {
        self.values.iter().copied().collect()
    }

    /// Gives a wire a value and all that follows; takes everything back where it fails.
    pub(crate) fn choose(&mut self, wire: Wire, value: Fr) -> Result<(), Conflict> {
        let mark = self.mark();
        let chosen = self.assign(wire, value).and_then(|()| self.propagate());
        if chosen.is_err() {
            self.undo(mark);
        }
        chosen
    }

    /// Gives a wire a value, without what follows.
    pub(crate) fn assign(&mut self, wire: Wire, value: Fr) -> Result<(), Conflict> {
        match self.values[wire as usize] {
            Some(known) if known == value => return Ok(()),
            Some(_) => return Err(Conflict),
            None => {}
        }
        self.values[wire as usize] = Some(value);
        self.trail.push(wire);
        let rows = self.system.rows().len();
        let extra = self.extra_wires.iter().enumerate().filter(|(_, wires)| wires.contains(&wire));
        let extra: Vec<u32> = extra.map(|(place, _)| (rows + place) as u32).collect();
        for row in self.system.rows_of(wire).iter().copied().chain(extra) {
            if !self.waits[row as usize] {
                self.waits[row as usize] = true;
                self.queue.push(row);
            }
        }
        Ok(())
    }

    /// Gives values to all wires that follow from those that have one.
    pub(crate) fn propagate(&mut self) -> Result<(), Conflict> {
        while let Some(number) = self.queue.pop() {
            self.waits[number as usize] = false;
            match self.examine(self.row(number)) {
                Said::Nothing => {}
                Said::Conflict => return Err(Conflict),
                Said::Values(values) => {
                    for (wire, value) in values {
                        self.assign(wire, value)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn row(&self, number: u32) -> &'a Row {
        let rows = self.system.rows();
        rows.get(number as usize).unwrap_or_else(|| &self.extra[number as usize - rows.len()])
    }

    /// A form's value as far as it is known, and its other terms.
    pub(crate) fn reduced(&self, form: &Form) -> (Fr, Vec<(Wire, Fr)>) {
        let mut constant = Fr::zero();
        let mut open = Vec::new();
        for &(wire, coefficient) in form.terms() {
            match self.values[wire as usize] {
                Some(value) => constant += value * coefficient,
                None => open.push((wire, coefficient)),
            }
        }
        (constant, open)
    }

    /// The sum that a row holds at zero, if it is linear in the wires without a value: a constant and terms.
    pub(crate) fn linear(&self, row: &Row) -> Option<(Fr, Vec<(Wire, Fr)>)> {
        let (a, open_a) = self.reduced(&row.a);
        let (b, open_b) = self.reduced(&row.b);
        let (c, open_c) = self.reduced(&row.c);
        let (factor, other) = match (open_a.is_empty(), open_b.is_empty()) {
            (true, _) => (a, open_b),
            (_, true) => (b, open_a),
            // A product that is zero, of which one factor is not.
            _ => return None,
        };
        let product = other.into_iter().map(|(wire, coefficient)| (wire, coefficient * factor));
        let form =
            Form::new(product.chain(open_c.into_iter().map(|(w, coefficient)| (w, -coefficient))));
        Some((a * b - c, form.terms().to_vec()))
    }

    /// The values that a row leaves to its only wire without one; none if it has several or allows all.
    pub(crate) fn roots(&self, row: &Row) -> Option<(Wire, Vec<Fr>)> {
        let (a0, a) = self.reduced(&row.a);
        let (b0, b) = self.reduced(&row.b);
        let (c0, c) = self.reduced(&row.c);
        let wire = a.first().or(b.first()).or(c.first())?.0;
        let part = |terms: &[(Wire, Fr)]| match terms {
            [] => Some(Fr::zero()),
            [(sole, coefficient)] if *sole == wire => Some(*coefficient),
            _ => None,
        };
        Some((wire, product_roots((part(&a)?, a0), (part(&b)?, b0), (part(&c)?, c0))?))
    }

    fn examine(&self, row: &Row) -> Said {
        let Some((constant, terms)) = self.linear(row) else {
            // Both factors are open: what is left may still be one wire, or the bits of a number.
            if let Some(forms) = self.bits_of_remainder(row) {
                return Self::only(forms);
            }
            return match self.roots(row) {
                Some((_, roots)) if roots.is_empty() => Said::Conflict,
                Some((wire, roots)) if roots.len() == 1 => Said::Values(vec![(wire, roots[0])]),
                _ => Said::Nothing,
            };
        };
        match terms.as_slice() {
            [] if constant.is_zero() => Said::Nothing,
            [] => Said::Conflict,
            [(wire, coefficient)] => {
                let inverse = coefficient.inverse().expect("a term's coefficient is not zero");
                Said::Values(vec![(*wire, -constant * inverse)])
            }
            terms => match self.bits(constant, terms) {
                None => Said::Nothing,
                Some(forms) => Self::only(forms),
            },
        }
    }

    /// What several ways to satisfy a row say.
    fn only(forms: Vec<Vec<(Wire, Fr)>>) -> Said {
        match <[_; 1]>::try_from(forms) {
            Ok([only]) => Said::Values(only),
            Err(forms) if forms.is_empty() => Said::Conflict,
            Err(_) => Said::Nothing,
        }
    }

    /// The values of bits that a row leaves: a sum of them, or one whose highest bit is what is left of a number, which
    /// the row holds to 0 and 1.
    pub(crate) fn bits_of_row(&self, row: &Row) -> Option<Vec<Vec<(Wire, Fr)>>> {
        match self.linear(row) {
            Some((constant, terms)) if terms.len() > 1 => self.bits(constant, &terms),
            Some(_) => None,
            None => self.bits_of_remainder(row),
        }
    }

    /// The values of bits that a row leaves, of which the highest is what is left of a number.
    fn bits_of_remainder(&self, row: &Row) -> Option<Vec<Vec<(Wire, Fr)>>> {
        let roots = form_roots(row)?;
        if roots.len() != 2 || !roots.iter().all(|root| root.is_zero() || root.is_one()) {
            return None;
        }
        let (constant, mut terms) = self.reduced(&row.a);
        terms.push((NO_WIRE, -Fr::one()));
        self.bits(constant, &terms)
    }

    /// The values of bits that a sum of theirs leaves, where each has a power of two of its own as its weight: none
    /// if they are not such, one or more ways if they are. A sum of 254 bits may be a number or that plus the
    /// order of the field.
    fn bits(&self, constant: Fr, terms: &[(Wire, Fr)]) -> Option<Vec<Vec<(Wire, Fr)>>> {
        let is_bit = |wire: Wire| wire == NO_WIRE || self.booleans[wire as usize];
        if !terms.iter().all(|term| is_bit(term.0)) {
            return None;
        }
        let mut places = None;
        for &(_, unit) in [terms.first()?, terms.last()?] {
            let inverse = unit.inverse()?;
            let place = |&(_, coefficient): &(Wire, Fr)| power_of_two(coefficient * inverse);
            if let Some(found) = terms.iter().map(place).collect::<Option<Vec<u32>>>() {
                places = Some((found, inverse));
                break;
            }
        }
        let (places, inverse) = places?;
        let mut distinct = places.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() != places.len() {
            return None;
        }
        let mask = places
            .iter()
            .fold(BigUint::default(), |mask, &place| mask | BigUint::from(1u8) << place);
        let mut number = integer(-constant * inverse);
        let order = BigUint::from(Fr::MODULUS);
        let mut ways = Vec::new();
        while number <= mask {
            if (&number | &mask) == mask {
                let bit = |place: u32| Fr::from(number.bit(u64::from(place)));
                let values = terms.iter().zip(&places).map(|(term, &place)| (term.0, bit(place)));
                ways.push(values.filter(|value| value.0 != NO_WIRE).collect());
            }
            number += &order;
        }
        Some(ways)
    }
}

/// Stands for a bit that is no wire.
const NO_WIRE: Wire = Wire::MAX;

/// Powers of two that a sum of bits may have as weights: beyond the field's order they are taken modulo it.
const POWERS: u32 = 300;

/// The exponent of a power of two, also of one that is taken modulo the field's order.
pub(crate) fn power_of_two(element: Fr) -> Option<u32> {
    static EXPONENTS: LazyLock<HashMap<Fr, u32>> = LazyLock::new(|| {
        let powers = std::iter::successors(Some(Fr::one()), |power| Some(power.double()));
        powers.zip(0..POWERS).collect()
    });
    EXPONENTS.get(&element).copied()
}
