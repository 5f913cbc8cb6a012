//! The search for derivations: which rule shows which wire, until nothing more follows.
//!
//! What is proposed here is checked by [`Facts::apply`]; a proposal that does not hold is dropped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup as _, Field, Zero};

use crate::rules::{Facts, Step};
use crate::system::{Form, Row, System, Wire};

/// Rows that are eliminated together at most: beyond, filling in would take more than it shows.
const BLOCK_ROWS_MAX: usize = 4_000;

/// Doubtful factors at most: each is a condition for a search.
const FACTORS_MAX: usize = 400;

/// Products at most that a factor's wires are replaced by, and wires that are looked at for them.
const PRODUCTS_MAX: usize = 8;
const LOOKS_MAX: usize = 32;

/// Terms of all rows of a block at most while it is eliminated.
const BLOCK_TERMS_MAX: usize = 400_000;

/// A derivation, and what it shows.
#[derive(Clone, Debug)]
pub struct Determination {
    /// The steps, each of which follows from the rows and the steps before it.
    pub steps: Vec<Step>,
    /// What they show.
    pub facts: Facts,
}

impl Determination {
    /// Looks for a derivation of as many wires as possible until a time; what is found by then is a derivation too.
    pub fn until(system: &System, deadline: Instant) -> Self {
        let rows = system.rows().len();
        let mut engine = Engine {
            system,
            facts: Facts::of_inputs(system),
            steps: Vec::new(),
            queue: (0..rows as u32).collect(),
            waits: vec![true; rows],
            deadline,
        };
        engine.gather_facts();
        loop {
            engine.propagate();
            if engine.is_over() || (!engine.zero_tests() && !engine.one_of() && !engine.eliminate())
            {
                break;
            }
        }
        Self { steps: engine.steps, facts: engine.facts }
    }

    /// Replays the steps from the inputs on; returns what they show.
    ///
    /// # Errors
    /// [`NotDerived`](crate::rules::NotDerived) for the first step that does not follow.
    pub fn replay(&self, system: &System) -> Result<Facts, crate::rules::NotDerived> {
        let mut facts = Facts::of_inputs(system);
        for step in &self.steps {
            facts.apply(system, step)?;
        }
        Ok(facts)
    }

    /// The wires that are not shown to follow from the inputs.
    pub fn undetermined(&self, system: &System) -> Vec<Wire> {
        (0..system.wires() as Wire).filter(|&wire| !self.facts.is_known(wire)).collect()
    }

    /// Factors that a row's only unknown wire is multiplied with and that may be zero for some inputs: where they are,
    /// the row says nothing of the wire.
    pub fn doubtful_factors(&self, system: &System) -> Vec<Form> {
        let (mut factors, mut seen) = (Vec::new(), BTreeSet::new());
        for row in system.rows() {
            if factors.len() == FACTORS_MAX {
                break;
            }
            let Some((factor, _)) = self.facts.known_factor(row) else { continue };
            if factor.constant().is_some() {
                continue;
            }
            if seen.insert(factor.clone()) {
                factors.push(factor);
            }
        }
        factors
    }
}

/// Rows with the factors by which they add up to one.
type Rows = BTreeMap<u32, Fr>;

/// Takes rows away from others, so many times.
fn take_away(from: &mut Rows, rows: &Rows, times: Fr) {
    for (&row, &factor) in rows {
        *from.entry(row).or_insert(Fr::ZERO) -= times * factor;
    }
}

/// Rows with one known factor in common: those whose product has an unknown wire, and those that are zero, with the wire.
type SameFactor = (Vec<u32>, Vec<(u32, Wire)>);

struct Engine<'a> {
    system: &'a System,
    facts: Facts,
    steps: Vec<Step>,
    queue: VecDeque<u32>,
    waits: Vec<bool>,
    deadline: Instant,
}

impl Engine<'_> {
    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Applies a step, if it holds and shows something new; its rows are looked at again.
    fn take(&mut self, step: Step) -> bool {
        let Ok(known) = self.facts.apply(self.system, &step) else { return false };
        let touched: Vec<Wire> = match &step {
            Step::Roots { wire, .. } | Step::Bound { wire, .. } => vec![*wire],
            _ => known,
        };
        self.steps.push(step);
        for wire in touched {
            for &row in self.system.rows_of(wire) {
                if !self.waits[row as usize] {
                    self.waits[row as usize] = true;
                    self.queue.push_back(row);
                }
            }
        }
        true
    }

    /// Takes what rows say of values: roots, bounds, products that are never zero.
    fn gather_facts(&mut self) {
        // The rows that make a wire a product of others.
        let mut makers: BTreeMap<Wire, Vec<u32>> = BTreeMap::new();
        for (number, row) in (0u32..).zip(self.system.rows()) {
            let is_factor = |wire| [&row.a, &row.b].iter().any(|f| !f.coefficient(wire).is_zero());
            if let [(wire, _)] = row.c.terms()
                && *wire != 0
                && !is_factor(*wire)
            {
                makers.entry(*wire).or_default().push(number);
            }
        }
        for (number, row) in (0u32..).zip(self.system.rows()) {
            if self.is_over() {
                return;
            }
            let wires = row.wires();
            let mut own = wires.iter().filter(|&&wire| wire != 0);
            if let (Some(&wire), None) = (own.next(), own.next()) {
                self.take(Step::Roots { wire, row: number });
            }
            let is_product = row.a.constant().is_none() && row.b.constant().is_none();
            let has_doubt = [&row.a, &row.b]
                .into_iter()
                .any(|form| form.terms().len() > 1 && !form.coefficient(0).is_zero());
            let is_never_zero = is_product && self.take(Step::NeverZero { row: number });
            if is_product && !is_never_zero && has_doubt && row.c.terms().len() > 1 {
                let products = self.products_of(row, &makers);
                if !products.is_empty() {
                    self.take(Step::NoRoot { row: number, products });
                }
            }
        }
        // A sum of bounded wires bounds another: round by round, until nothing new is bounded.
        for _ in 0..8 {
            let mut found = false;
            for (number, row) in self.system.rows().iter().enumerate() {
                let Some(form) = row.linear() else { continue };
                let mut unbounded =
                    form.terms().iter().filter(|term| self.facts.bound(term.0).is_none());
                if let (Some(&(wire, _)), None) = (unbounded.next(), unbounded.next()) {
                    found |= self.take(Step::Bound { wire, row: number as u32 });
                }
            }
            if !found {
                break;
            }
        }
    }

    /// The wires of a row that others make products, and what those are made of, each before its parts.
    fn products_of(&self, row: &Row, makers: &BTreeMap<Wire, Vec<u32>>) -> Vec<(Wire, u32)> {
        let mut products: Vec<(Wire, u32)> = Vec::new();
        let mut open: VecDeque<Wire> = row.c.terms().iter().map(|term| term.0).collect();
        open.extend([&row.a, &row.b].into_iter().flat_map(|f| f.terms()).map(|term| term.0));
        // Rows may make two wires of each other: it ends all the same.
        for _ in 0..LOOKS_MAX {
            let Some(wire) = open.pop_front() else { break };
            if wire == 0 || self.system.is_input(wire) || products.len() == PRODUCTS_MAX {
                continue;
            }
            let made_by = makers.get(&wire).map_or(&[][..], Vec::as_slice);
            let is_other = |&&number: &&u32| self.system.rows()[number as usize] != *row;
            let Some(&number) = made_by.iter().find(is_other) else { continue };
            products.retain(|product| product.0 != wire);
            products.push((wire, number));
            let made = &self.system.rows()[number as usize];
            let parts = [&made.a, &made.b].into_iter().flat_map(|form| form.terms());
            open.extend(parts.map(|term| term.0));
        }
        products
    }

    /// Looks for rows that are zero and whose known factors differ by constants, with a sum of their wires.
    fn one_of(&mut self) -> bool {
        let mut groups: BTreeMap<Form, Vec<(u32, Wire)>> = BTreeMap::new();
        for (number, row) in (0u32..).zip(self.system.rows()) {
            if !row.c.terms().is_empty() {
                continue;
            }
            let Some((factor, other)) = self.facts.known_factor(row) else { continue };
            if let [(wire, _)] = other.terms() {
                let shift = Form::new([(0, factor.coefficient(0))]);
                let Some(same) = factor.combined(Fr::ONE, &shift, -Fr::ONE).normalized() else {
                    continue;
                };
                groups.entry(same).or_default().push((number, *wire));
            }
        }
        let mut found = false;
        for group in groups.into_values().filter(|group| group.len() > 1) {
            let Some(&(_, first)) = group.first() else { continue };
            for &sum in self.system.rows_of(first) {
                let Some(part) = self.facts.unknown_part(&self.system.rows()[sum as usize]) else {
                    continue;
                };
                let rows: Vec<u32> = group
                    .iter()
                    .filter(|(_, wire)| !part.coefficient(*wire).is_zero())
                    .map(|(row, _)| *row)
                    .collect();
                if rows.len() > 1 && rows.len() == part.terms().len() {
                    found |= self.take(Step::OneOf { rows, sum });
                    break;
                }
            }
        }
        found
    }

    fn propagate(&mut self) {
        while let Some(number) = self.queue.pop_front() {
            if self.is_over() {
                return;
            }
            self.waits[number as usize] = false;
            let row = &self.system.rows()[number as usize];
            let mut unknown: Vec<Wire> = Vec::new();
            for form in [&row.a, &row.b, &row.c] {
                unknown.extend(self.facts.unknown(form).iter().map(|term| term.0));
            }
            unknown.sort_unstable();
            unknown.dedup();
            match unknown.as_slice() {
                [] => {}
                &[wire] if self.take(Step::Sole { wire, row: number }) => {}
                digits => {
                    if digits.iter().all(|&wire| self.facts.bound(wire).is_some()) {
                        self.take(Step::Digits { row: number });
                    }
                }
            }
        }
    }

    /// Looks for pairs of rows that make a wire zero where a known form is not, and a known value where it is.
    fn zero_tests(&mut self) -> bool {
        let mut by_factor: BTreeMap<Form, SameFactor> = BTreeMap::new();
        for (number, row) in self.system.rows().iter().enumerate() {
            let Some((factor, other)) = self.facts.known_factor(row) else { continue };
            if factor.constant().is_some() {
                continue;
            }
            let (products, zeros) = by_factor.entry(factor).or_default();
            match (self.facts.unknown(&row.c).as_slice(), other.terms()) {
                ([], [(wire, _)]) if row.c.terms().is_empty() => zeros.push((number as u32, *wire)),
                ([(_, _)], _) => products.push(number as u32),
                _ => {}
            }
        }
        let mut found = false;
        for (products, zeros) in by_factor.into_values() {
            for (zero, wire) in zeros {
                for &product in &products {
                    found |= !self.facts.is_known(wire)
                        && self.take(Step::ZeroTest { wire, product, zero });
                }
            }
        }
        found
    }

    /// Eliminates rows that are linear in what is unknown; a combination with one unknown left shows it.
    fn eliminate(&mut self) -> bool {
        let mut rows: Vec<(u32, Form)> = Vec::new();
        for (number, row) in self.system.rows().iter().enumerate() {
            let Some(part) = self.facts.unknown_part(row) else { continue };
            if part.terms().len() > 1 {
                rows.push((number as u32, part));
            }
        }
        rows.sort_by_key(|(_, part)| part.terms().len());
        rows.truncate(BLOCK_ROWS_MAX);
        // The pivots: reduced rows by their first wire, each with the rows that it is made of.
        let mut pivots: BTreeMap<Wire, (Form, Rows)> = BTreeMap::new();
        let mut terms = 0;
        for (number, part) in rows {
            if self.is_over() {
                return false;
            }
            let (mut form, mut made_of) = (part, BTreeMap::from([(number, Fr::ONE)]));
            let mut place = 0;
            while let Some(&(wire, coefficient)) = form.terms().get(place) {
                let Some((pivot, of)) = pivots.get(&wire) else {
                    place += 1;
                    continue;
                };
                // A pivot begins with its wire, so that what comes before in the form stays.
                form = form.combined(Fr::ONE, pivot, -coefficient);
                take_away(&mut made_of, of, coefficient);
            }
            let Some(&(wire, coefficient)) = form.terms().first() else { continue };
            let Some(inverse) = coefficient.inverse() else { continue };
            terms += form.terms().len() + made_of.len();
            if terms > BLOCK_TERMS_MAX {
                break;
            }
            let form = form.combined(inverse, &Form::default(), Fr::ONE);
            made_of.values_mut().for_each(|factor| *factor *= inverse);
            pivots.insert(wire, (form, made_of));
        }
        // From the last pivot on, each is reduced by those behind it.
        let mut found = false;
        let mut reduced: BTreeMap<Wire, (Form, Rows)> = BTreeMap::new();
        for (wire, (mut form, mut made_of)) in pivots.into_iter().rev() {
            let behind: Vec<(Wire, Fr)> = form.terms().iter().skip(1).copied().collect();
            for (behind, coefficient) in behind {
                let Some((pivot, of)) = reduced.get(&behind) else { continue };
                form = form.combined(Fr::ONE, pivot, -coefficient);
                take_away(&mut made_of, of, coefficient);
            }
            terms += form.terms().len();
            if terms > 2 * BLOCK_TERMS_MAX {
                break;
            }
            if form.terms().len() == 1 && !self.facts.is_known(wire) {
                let rows = made_of.iter().filter(|(_, factor)| **factor != Fr::ZERO);
                let rows = rows.map(|(&row, &factor)| (row, factor)).collect();
                found |= self.take(Step::Combination { wire, rows });
            }
            reduced.insert(wire, (form, made_of));
        }
        found
    }
}
