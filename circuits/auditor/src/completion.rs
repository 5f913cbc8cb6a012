//! From some values to a whole witness.

use std::time::Instant;

use ark_bn254::Fr;
use ark_ff::{One, UniformRand, Zero};
use rand::Rng;

use crate::search::{Change, Search};
use crate::solver::{Conflict, Solver};
use crate::system::Wire;

/// How often the wires are gone through whose values have failed.
const PASSES: usize = 3;

/// Rows of a system at most in which operands are looked for, row by row.
const OPERAND_ROWS_MAX: usize = 4_000;

/// In which order values are chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// What no row computes comes first, so that the rest is computed of it.
    Forward,
    /// What is computed comes first and keeps its value where it can.
    Backward,
}

impl Search<'_> {
    /// Gives values to all wires that are left: those of another witness where they fit, else what rows allow.
    pub(crate) fn complete(
        &mut self,
        solver: &mut Solver<'_>,
        like: Option<&[Fr]>,
        order: Order,
    ) -> Option<Vec<Fr>> {
        solver.propagate().ok()?;
        let wires = &self.plan.order;
        let turn = |place: usize| match order {
            Order::Forward => wires[place],
            Order::Backward => wires[wires.len() - 1 - place],
        };
        if let Some(like) = like {
            for wire in (0..wires.len()).map(turn) {
                if solver.value(wire).is_none() {
                    if self.plan.is_boolean(wire) {
                        self.choose_bits(solver, wire, like);
                    }
                    // Where it fails, another value may follow from what comes later.
                    let _ = solver.choose(wire, like[wire as usize]);
                    if Instant::now() >= self.deadline {
                        return None;
                    }
                }
            }
        }
        // A wire whose values all fail may follow from a later one.
        for _ in 0..PASSES {
            if solver.unassigned().next().is_none() || Instant::now() >= self.deadline {
                break;
            }
            self.choose_operands(solver);
            for wire in (0..wires.len()).map(turn) {
                if solver.value(wire).is_none() {
                    let values = self.candidates(solver, wire);
                    let _ = self.choose_any(solver, wire, &values);
                }
            }
        }
        solver.complete()
    }

    /// Chooses the bits of a number that is not the other witness's any more.
    fn choose_bits(&self, solver: &mut Solver<'_>, wire: Wire, like: &[Fr]) {
        for &row in self.system.rows_of(wire) {
            let row = &self.system.rows()[row as usize];
            let Some(ways) = solver.bits_of_row(row) else { continue };
            let is_like =
                |way: &Change| way.iter().all(|&(bit, value)| like[bit as usize] == value);
            if ways.is_empty() || ways.iter().any(is_like) {
                continue;
            }
            for way in ways {
                let mark = solver.mark();
                let made = way.iter().try_for_each(|&(bit, value)| solver.assign(bit, value));
                if made.and_then(|()| solver.propagate()).is_ok() {
                    return;
                }
                solver.undo(mark);
            }
        }
    }

    /// Chooses values for wires that are alone in the factors of a row: what it makes follows from them.
    fn choose_operands(&mut self, solver: &mut Solver<'_>) {
        let system = self.system;
        if system.rows().len() > OPERAND_ROWS_MAX {
            return;
        }
        loop {
            let mut chosen = false;
            for row in system.rows() {
                let (_, a) = solver.reduced(&row.a);
                let (_, b) = solver.reduced(&row.b);
                if a.is_empty() || b.is_empty() || a.len() > 1 || b.len() > 1 || a[0].0 != b[0].0 {
                    continue;
                }
                let values = self.candidates(solver, a[0].0);
                chosen |= self.choose_any(solver, a[0].0, &values).is_ok();
            }
            if !chosen {
                return;
            }
        }
    }

    /// Values to try for a wire.
    fn candidates(&mut self, solver: &Solver<'_>, wire: Wire) -> Vec<Fr> {
        let mut values = Vec::new();
        for &row in self.system.rows_of(wire) {
            let row = &self.system.rows()[row as usize];
            if let Some((found, roots)) = solver.roots(row)
                && found == wire
            {
                values.extend(roots);
            }
            if let Some(ways) = solver.bits_of_row(row) {
                let of = |way: &Change| way.iter().find(|bit| bit.0 == wire).map(|bit| bit.1);
                values.extend(ways.iter().filter_map(of));
            }
        }
        values.extend([Fr::zero(), Fr::one(), Fr::from(self.rng.gen_range(2..1_000u64))]);
        values.push(Fr::rand(&mut self.rng));
        values
    }

    /// Gives a wire the first of some values that does not fail.
    pub(crate) fn choose_any(
        &self,
        solver: &mut Solver<'_>,
        wire: Wire,
        values: &[Fr],
    ) -> Result<(), Conflict> {
        if Instant::now() >= self.deadline {
            return Err(Conflict);
        }
        values.iter().find_map(|&value| solver.choose(wire, value).ok()).ok_or(Conflict)
    }
}
