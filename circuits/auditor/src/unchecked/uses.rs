//! Where rows use wires as bits, digits or numbers to compare, and whether they are bounded.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use ark_ff::{Field, One, UniformRand, Zero};
use num_bigint::BigUint;

use super::forms::{bit_uses, difference_of, digits_of, places_of};
use super::{DIGITS_MAX, Use, component_of};
use crate::determination::Determination;
use crate::plan::Plan;
use crate::rules::integer;
use crate::search::Search;
use crate::solver::Solver;
use crate::system::{Form, Row, System, Wire};

/// What is known of a system's wires while uses are looked for. Where it errs, a use is looked at in vain.
pub(super) struct Uses<'a> {
    system: &'a System,
    determination: &'a Determination,
    booleans: &'a [bool],
    /// The values that wires have in every witness.
    pub(super) fixed: Vec<Option<Fr>>,
    /// Wires that are 0 or 1 because of what they are made of.
    bits: Vec<bool>,
    /// The sum that a linear row makes a wire, and the row.
    sums: BTreeMap<Wire, (Form, u32)>,
}

impl<'a> Uses<'a> {
    /// None if no witness satisfies the rows.
    pub(super) fn of(
        system: &'a System,
        determination: &'a Determination,
        plan: &'a Plan,
    ) -> Option<Self> {
        let mut solver = Solver::new(system, &[], &plan.booleans);
        solver.propagate().ok()?;
        let fixed: Vec<Option<Fr>> =
            (0..system.wires() as Wire).map(|wire| solver.value(wire)).collect();
        let is_fixed_bit = |value: &Option<Fr>| value.is_some_and(|v| v.is_zero() || v.is_one());
        let bits = plan.booleans.iter().zip(&fixed).map(|(bit, value)| *bit || is_fixed_bit(value));
        let bits = bits.collect();
        let booleans = &plan.booleans;
        let mut uses = Self { system, determination, booleans, fixed, bits, sums: BTreeMap::new() };
        uses.make_sums();
        uses.close_bits();
        Some(uses)
    }

    /// Goes from inputs, bits and products to the wires that linear rows make of them.
    fn make_sums(&mut self) {
        let system = self.system;
        let wires = system.wires() as Wire;
        let mut placed: Vec<bool> =
            (0..wires).map(|w| system.is_input(w) || self.booleans[w as usize]).collect();
        let mut open: Vec<u32> = Vec::with_capacity(system.rows().len());
        for row in system.rows() {
            let count = row.wires().iter().filter(|&&wire| !placed[wire as usize]).count();
            open.push(count as u32);
        }
        let mut queue: Vec<u32> =
            (0..open.len() as u32).filter(|&r| open[r as usize] == 1).collect();
        let mut others: Vec<Wire> = (1..wires).filter(|&wire| !placed[wire as usize]).collect();
        others.sort_by_key(|&wire| (!system.is_output(wire), std::cmp::Reverse(wire)));
        loop {
            let place = if let Some(number) = queue.pop() {
                let row = &system.rows()[number as usize];
                let Some(wire) = row.wires().into_iter().find(|&w| !placed[w as usize]) else {
                    continue;
                };
                if let Some(form) = row.linear()
                    && let Some(inverse) = (-form.coefficient(wire)).inverse()
                {
                    let own = Form::new([(wire, Fr::one())]);
                    self.sums.insert(wire, (form.combined(inverse, &own, Fr::one()), number));
                }
                wire
            } else if let Some(wire) = others.pop() {
                if placed[wire as usize] {
                    continue;
                }
                wire
            } else {
                return;
            };
            placed[place as usize] = true;
            for &row in system.rows_of(place) {
                open[row as usize] -= 1;
                if open[row as usize] == 1 {
                    queue.push(row);
                }
            }
        }
    }

    /// Tests for zero, and what two bits make that is 0 or 1 again.
    fn close_bits(&mut self) {
        let system = self.system;
        let mut zeros: BTreeSet<(Form, Wire)> = BTreeSet::new();
        for row in system.rows().iter().filter(|row| row.c.terms().is_empty()) {
            for (factor, other) in [(&row.a, &row.b), (&row.b, &row.a)] {
                if let ([(wire, _)], Some(factor)) = (other.terms(), factor.normalized()) {
                    zeros.insert((factor, *wire));
                }
            }
        }
        for row in system.rows() {
            // X · u = 1 − v
            let [(0, one), (wire, minus)] = row.c.terms() else { continue };
            let mut factors = [&row.a, &row.b].into_iter().filter_map(Form::normalized);
            if one.is_one()
                && (*minus + Fr::one()).is_zero()
                && factors.any(|factor| zeros.contains(&(factor, *wire)))
            {
                self.bits[*wire as usize] = true;
            }
        }
        let mut queue: Vec<u32> = (0..system.rows().len() as u32).rev().collect();
        while let Some(number) = queue.pop() {
            let row = &system.rows()[number as usize];
            let mut wires = row.wires();
            wires.retain(|&wire| wire != 0);
            let mut open = wires.iter().filter(|&&wire| !self.bits[wire as usize]);
            let (Some(&wire), None) = (open.next(), open.next()) else { continue };
            if wires.len() <= 3 && self.is_made_bit(row, wire, &wires) {
                self.bits[wire as usize] = true;
                queue.extend(system.rows_of(wire));
            }
        }
    }

    /// Whether a row makes a wire 0 or 1 of the others of its wires, whichever bits they are.
    fn is_made_bit(&self, row: &Row, wire: Wire, wires: &[Wire]) -> bool {
        let form = row.linear();
        let is_factor = [&row.a, &row.b].iter().any(|f| !f.coefficient(wire).is_zero());
        if form.is_none() && is_factor {
            return false;
        }
        let others: Vec<Wire> = wires.iter().copied().filter(|&other| other != wire).collect();
        (0..1u32 << others.len()).all(|choice| {
            let value = |form: &Form| {
                form.terms().iter().fold(Fr::zero(), |sum, &(term, coefficient)| {
                    let place = others.iter().position(|&other| other == term);
                    let is_one = term == 0 || place.is_some_and(|p| choice >> p & 1 == 1);
                    if is_one { sum + coefficient } else { sum }
                })
            };
            let (rest, by_wire) = match &form {
                Some(form) => (value(form), -form.coefficient(wire)),
                None => (value(&row.a) * value(&row.b) - value(&row.c), row.c.coefficient(wire)),
            };
            by_wire
                .inverse()
                .map(|inverse| rest * inverse)
                .is_some_and(|v| v.is_zero() || v.is_one())
        })
    }

    /// The greatest value of a wire, if it is known.
    fn bound(&self, wire: Wire) -> Option<BigUint> {
        if let Some(value) = self.fixed[wire as usize] {
            return Some(integer(value));
        }
        let bit = self.bits[wire as usize].then(BigUint::one);
        bit.or_else(|| self.determination.facts.bound(wire).cloned())
    }

    /// The greatest value of a sum, as an integer.
    fn form_bound(&self, form: &Form) -> Option<BigUint> {
        form.terms().iter().try_fold(BigUint::default(), |sum, &(wire, coefficient)| {
            Some(sum + integer(coefficient) * self.bound(wire)?)
        })
    }

    /// The wire that others are equal to, by rows that say no more.
    fn origin(&self, mut wire: Wire) -> Wire {
        while let Some((form, _)) = self.sums.get(&wire) {
            match form.terms() {
                [(same, one)] if *same != 0 && one.is_one() => wire = *same,
                _ => break,
            }
        }
        wire
    }

    /// Whether the circuit does nothing but what bits and comparisons are made by.
    pub(super) fn is_gadget(&self) -> bool {
        let is_part = |row: &Row| {
            let wires = row.wires().into_iter().filter(|&wire| wire != 0).count();
            row.linear().is_some() || wires == 1 || !bit_uses(row).is_empty()
        };
        self.system.rows().iter().all(is_part)
    }

    /// The component that all products are in: the circuit, as far as it does more than pass on.
    pub(super) fn whole(&self) -> String {
        let products = self.system.rows().iter().filter(|row| row.linear().is_none());
        let mut wires: Vec<Wire> = products.flat_map(Row::wires).filter(|&w| w != 0).collect();
        wires.sort_unstable();
        wires.dedup();
        if wires.is_empty() { "main".to_owned() } else { component_of(&wires, self.system) }
    }

    pub(super) fn find(&self) -> Vec<Use> {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        for (number, row) in (0u32..).zip(self.system.rows()) {
            for wire in bit_uses(row) {
                let origin = self.origin(wire);
                let is_bit = self.bits[wire as usize]
                    || self.bound(origin).is_some_and(|bound| bound <= BigUint::one());
                if !is_bit && seen.insert(origin) {
                    found.push(Use::Bit { wire, row: number });
                }
            }
            found.extend(self.comparison(number));
        }
        found.extend(self.digits());
        found
    }

    /// The comparison whose bits a row sums up, if a number is not shown to have as few bits.
    fn comparison(&self, sum: u32) -> Option<Use> {
        let row = &self.system.rows()[sum as usize];
        let (number, digits) = digits_of(row, &|wire| self.booleans[wire as usize])?;
        let (bits, answer) = (digits.len() as u32 - 1, *digits.last()?);
        // The bit that answers is used: it stands in more than its own row and the sum.
        if self.system.rows_of(answer).len() < 3 {
            return None;
        }
        let near = match number.terms() {
            [(wire, _)] if *wire != 0 => self.system.rows_of(*wire),
            _ => std::slice::from_ref(&sum),
        };
        let found = near.iter().find_map(|&difference| {
            let row = &self.system.rows()[difference as usize];
            (difference != sum || number.terms().len() > 1)
                .then(|| difference_of(row, &number, bits))
                .flatten()
                .map(|forms| (difference, forms))
        });
        let (difference, (less, than)) = found?;
        let room = BigUint::one() << bits;
        let is_small = |form: &Form| self.form_bound(form).is_some_and(|bound| bound <= room);
        (!is_small(&less) || !is_small(&than)).then_some(Use::Comparison {
            less,
            than,
            bits,
            digits,
            rows: [difference, sum],
        })
    }

    /// Sums of powers of two with a digit that is not shown to fit: those that more than another sum is made of.
    fn digits(&self) -> Vec<Use> {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        let made_of = |(form, _): &'_ (Form, u32)| -> Vec<Wire> {
            form.terms().iter().map(|term| term.0).collect()
        };
        let parts: BTreeSet<Wire> = self.sums.values().flat_map(made_of).collect();
        for &sum in self.sums.keys() {
            if !self.system.is_output(sum) && parts.contains(&sum) {
                continue;
            }
            let Some((form, rows)) = self.expanded(sum) else { continue };
            let digits: Vec<(Wire, Fr)> =
                form.terms().iter().copied().filter(|term| term.0 != 0).collect();
            let Some(places) = places_of(&digits) else { continue };
            let wires: Vec<Wire> = places.iter().map(|place| place.1).collect();
            let steps: Vec<u32> = places.windows(2).map(|two| two[1].0 - two[0].0).collect();
            if (wires.len() == 2 && steps[0] < 8) || !seen.insert(wires.clone()) {
                continue;
            }
            for (&wire, &bits) in wires.iter().zip(&steps) {
                let room = BigUint::one() << bits;
                if self.bound(wire).is_none_or(|bound| bound >= room) {
                    let (digits, rows) = (form.clone(), rows.clone());
                    found.push(Use::Digit { wire, bits, sum, digits, rows });
                }
            }
        }
        found
    }

    /// A wire as a sum of wires that no linear row makes, with the rows; the last is the one with most of it.
    fn expanded(&self, wire: Wire) -> Option<(Form, Vec<u32>)> {
        let (mut form, first) = self.sums.get(&wire)?.clone();
        let mut rows = vec![first];
        while form.terms().len() <= DIGITS_MAX && rows.len() <= 2 * DIGITS_MAX {
            let made = form.terms().iter().find_map(|&(part, coefficient)| {
                let (sum, row) = self.sums.get(&part)?;
                Some((part, coefficient, sum, *row))
            });
            let Some((part, coefficient, sum, row)) = made else {
                rows.sort_by_key(|&row| {
                    let row = self.system.rows()[row as usize].linear();
                    std::cmp::Reverse(row.map_or(0, |form| form.terms().len()))
                });
                return Some((form, rows));
            };
            let without = form.combined(Fr::one(), &Form::new([(part, coefficient)]), -Fr::one());
            form = without.combined(Fr::one(), sum, coefficient);
            rows.push(row);
        }
        None
    }

    /// The inputs that are what is used, or that linear rows make it of; those of a first number come last.
    pub(super) fn inputs_of(&self, used: &Use) -> Vec<Wire> {
        let mut roots: Vec<Wire> = match used {
            Use::Bit { wire, .. } | Use::Digit { wire, .. } => vec![*wire],
            Use::Comparison { less, than, .. } => {
                than.terms().iter().chain(less.terms()).map(|term| term.0).collect()
            }
        };
        roots.retain(|&wire| wire != 0);
        let mut inputs = Vec::new();
        for root in roots {
            let made = self.expanded(root).map(|(form, _)| form);
            let terms = made.unwrap_or_else(|| Form::new([(root, Fr::one())]));
            inputs.extend(terms.terms().iter().map(|term| term.0));
        }
        let mut seen = BTreeSet::new();
        inputs.retain(|&wire| wire != 0 && self.system.is_input(wire) && seen.insert(wire));
        inputs
    }

    /// Rows under which a use might be shown, the likeliest first.
    pub(super) fn tries(&self, used: &Use, search: &mut Search<'_>) -> Vec<Vec<Row>> {
        let is = |form: &Form, value: Fr| {
            Row::zero(form.combined(Fr::one(), &Form::new([(0, value)]), -Fr::one()))
        };
        let one = |wire: Wire| Form::new([(wire, Fr::one())]);
        match used {
            Use::Bit { wire, .. } => {
                let values = [Fr::from(2u8), Fr::rand(&mut search.rng)];
                values.iter().map(|&value| vec![is(&one(*wire), value)]).collect()
            }
            Use::Digit { wire, bits, .. } => {
                let room = Fr::from(2u8).pow([u64::from(*bits)]);
                let values = [room, -Fr::one()];
                values.iter().map(|&value| vec![is(&one(*wire), value)]).collect()
            }
            Use::Comparison { less, than, bits, .. } => {
                let room = Fr::from(2u8).pow([u64::from(*bits)]);
                let apart = less.combined(Fr::one(), than, -Fr::one());
                // Below zero, and the answer is that it is less; or above, for what is taken away.
                let mut tries = vec![vec![is(&apart, -room)]];
                for second in [Fr::zero(), Fr::one(), Fr::from(5u8), room - Fr::one()] {
                    for above in [Fr::zero(), Fr::one()] {
                        let first = second - room + above;
                        tries.push(vec![is(than, second), is(less, first)]);
                    }
                }
                for first in [Fr::zero(), Fr::one()] {
                    tries.push(vec![is(less, first), is(than, first - Fr::from(2u8))]);
                }
                tries.push(vec![is(&apart, Fr::one())]);
                tries
            }
        }
    }
}
