//! The search for a second witness: two that share all inputs and differ in a wire prove that the wire is free.
//!
//! A base witness is given, or solved for. Then a wire that is not determined gets another value, what follows is
//! computed, and what is left keeps its old value where it can. Inputs at which a factor is zero come up on purpose: there
//! a product says nothing of the wire that it multiplies.

use std::collections::BTreeSet;
use std::time::Instant;

use ark_bn254::Fr;
use ark_ff::One;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::base::InputKind;
use crate::completion::Order;
use crate::determination::Determination;
use crate::plan::Plan;
use crate::solver::Solver;
use crate::system::{Row, System, Wire};

/// Two witnesses with the same inputs.
#[derive(Clone)]
pub struct Pair {
    /// One of them: a value for each wire.
    pub first: Vec<Fr>,
    /// The other.
    pub second: Vec<Fr>,
}

impl Pair {
    /// The wires in which the two differ.
    pub fn differences(&self) -> impl Iterator<Item = Wire> + '_ {
        let values = self.first.iter().zip(&self.second);
        (0..).zip(values).filter(|(_, (first, second))| first != second).map(|(wire, _)| wire)
    }

    /// Whether both satisfy all rows, agree on all inputs, and differ.
    pub fn holds(&self, system: &System) -> bool {
        let is_witness = |values: &[Fr]| {
            values.len() == system.wires()
                && values[0].is_one()
                && system.unsatisfied_row(values).is_none()
        };
        is_witness(&self.first)
            && is_witness(&self.second)
            && self.differences().all(|wire| !system.is_input(wire))
            && self.differences().next().is_some()
    }
}

/// How many base witnesses are solved for with each condition.
const TRIES: u64 = 4;

/// A wire's other values, some together.
pub(crate) type Change = Vec<(Wire, Fr)>;

pub(crate) struct Search<'a> {
    pub(crate) system: &'a System,
    determination: &'a Determination,
    pub(crate) plan: &'a Plan,
    pub(crate) deadline: Instant,
    pub(crate) rng: ChaCha20Rng,
    /// The wires of which a pair is found.
    free: BTreeSet<Wire>,
    pairs: Vec<Pair>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        system: &'a System,
        determination: &'a Determination,
        plan: &'a Plan,
        deadline: Instant,
        seed: u64,
    ) -> Self {
        Self {
            system,
            determination,
            plan,
            deadline,
            rng: ChaCha20Rng::seed_from_u64(seed),
            free: BTreeSet::new(),
            pairs: Vec::new(),
        }
    }

    /// Looks from given witnesses, and from such as are solved for; returns the pairs that were found.
    pub(crate) fn run(mut self, witnesses: &[Vec<Fr>]) -> Vec<Pair> {
        for witness in witnesses {
            self.look_from(witness);
        }
        // Inputs of each kind, without a condition.
        for kind in InputKind::ALL {
            if let Some(base) = self.base(&[], kind) {
                self.look_from(&base);
            }
        }
        // Inputs at which a factor is zero, then two of them.
        let factors = self.determination.doubtful_factors(self.system);
        let conditions: Vec<Row> = factors.into_iter().map(Row::zero).collect();
        for condition in &conditions {
            for (kind, _) in InputKind::ALL.into_iter().zip(0..TRIES) {
                if self.is_over() {
                    return self.pairs;
                }
                let condition = std::slice::from_ref(condition);
                if let Some(base) = self.base(condition, kind) {
                    self.look_from(&base);
                    break;
                }
            }
        }
        for (place, first) in conditions.iter().enumerate() {
            for second in &conditions[place + 1..] {
                if self.is_over() || (!self.free.is_empty() && conditions.len() > 24) {
                    return self.pairs;
                }
                if let Some(base) = self.base(&[first.clone(), second.clone()], InputKind::Small) {
                    self.look_from(&base);
                }
            }
        }
        self.pairs
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline || self.nothing_is_left()
    }

    /// Whether each wire is determined, or free.
    fn nothing_is_left(&self) -> bool {
        let wires = 0..self.system.wires() as Wire;
        let facts = &self.determination.facts;
        wires.into_iter().all(|wire| facts.is_known(wire) || self.free.contains(&wire))
    }

    /// Looks for witnesses that share a base's inputs.
    fn look_from(&mut self, base: &[Fr]) {
        let fits = base.len() == self.system.wires() && self.system.unsatisfied_row(base).is_none();
        if !fits || self.is_over() {
            return;
        }
        let system = self.system;
        let mut solver = Solver::new(system, &[], &self.plan.booleans);
        for wire in 0..system.wires() as Wire {
            if system.is_input(wire) || self.determination.facts.is_known(wire) {
                // They are the same in every witness with these inputs.
                if solver.assign(wire, base[wire as usize]).is_err() {
                    return;
                }
            }
        }
        if solver.propagate().is_err() {
            return;
        }
        let open: Vec<Wire> = solver.unassigned().collect();
        let mark = solver.mark();
        let changes = self.changes(&solver, &open, base);
        for change in changes {
            if Instant::now() >= self.deadline {
                return;
            }
            if change.iter().all(|(wire, _)| self.free.contains(wire)) {
                continue;
            }
            for order in [Order::Forward, Order::Backward] {
                solver.undo(mark);
                let made = change.iter().try_for_each(|&(wire, value)| solver.assign(wire, value));
                if made.is_err() || solver.propagate().is_err() {
                    break;
                }
                let Some(second) = self.complete(&mut solver, Some(base), order) else { continue };
                let pair = Pair { first: base.to_vec(), second };
                if pair.holds(system) {
                    let new: Vec<Wire> =
                        pair.differences().filter(|wire| !self.free.contains(wire)).collect();
                    if !new.is_empty() {
                        self.free.extend(new);
                        self.pairs.push(pair);
                    }
                    break;
                }
            }
        }
    }
}
