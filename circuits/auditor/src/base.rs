//! Base witnesses: inputs of a kind, or such that a factor is zero, and all that follows.

use std::time::Instant;

use ark_bn254::Fr;
use ark_ff::{Field, One, UniformRand, Zero};
use rand::Rng;
use rand_chacha::ChaCha20Rng;

use crate::completion::Order;
use crate::rules::product_roots;
use crate::search::Search;
use crate::solver::Solver;
use crate::system::{Form, Row, Wire};

/// How many choices are made while looking for equations in two wires, which takes a look at every row.
const ELIMINATIONS_MAX: usize = 48;

/// Rows of two wires that are looked at for an equation in both.
const NEAR_MAX: usize = 64;

/// What inputs are like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputKind {
    Small,
    Zero,
    Equal,
    Random,
    Bits,
}

impl InputKind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Small, Self::Zero, Self::Equal, Self::Random, Self::Bits];

    fn value(self, wire: Wire, rng: &mut ChaCha20Rng) -> Fr {
        match self {
            Self::Small => Fr::from(u64::from(wire) % 251 + 2),
            Self::Zero => Fr::zero(),
            Self::Equal => Fr::from(5u8),
            Self::Random => Fr::rand(rng),
            Self::Bits => Fr::from(rng.gen_range(0..2u8)),
        }
    }
}

impl Search<'_> {
    /// A witness with inputs of a kind that satisfies further rows.
    pub(crate) fn base(&mut self, conditions: &[Row], kind: InputKind) -> Option<Vec<Fr>> {
        let (system, plan) = (self.system, self.plan);
        let mut solver = Solver::new(system, conditions, &plan.booleans);
        solver.propagate().ok()?;
        if !conditions.is_empty() {
            for _ in 0..ELIMINATIONS_MAX {
                let Some((wire, roots)) = self.equation(&solver, conditions) else { break };
                self.choose_any(&mut solver, wire, &roots).ok()?;
            }
        }
        for wire in (1..system.wires() as Wire).filter(|&wire| system.is_input(wire)) {
            if solver.value(wire).is_none() {
                let first = if plan.is_boolean(wire) {
                    Fr::from(self.rng.gen_range(0..2u8))
                } else {
                    kind.value(wire, &mut self.rng)
                };
                let others =
                    [Fr::one(), Fr::zero(), Fr::from(u64::from(wire)), Fr::rand(&mut self.rng)];
                let values: Vec<Fr> = std::iter::once(first).chain(others).collect();
                self.choose_any(&mut solver, wire, &values).ok()?;
            }
        }
        self.complete(&mut solver, None, Order::Forward)
    }

    /// A wire with the values that rows leave it which have no other open wire, or one that another row ties to it.
    fn equation(&self, solver: &Solver<'_>, conditions: &[Row]) -> Option<(Wire, Vec<Fr>)> {
        let rows = || conditions.iter().chain(self.system.rows());
        if let Some(found) = rows().find_map(|row| solver.roots(row)) {
            return Some(found);
        }
        for tie in rows() {
            let Some((constant, terms)) = solver.linear(tie) else { continue };
            let [(v, of_v), (w, of_w)] = terms.as_slice() else { continue };
            // w = shift + slope · v
            let inverse = of_w.inverse()?;
            let (shift, slope) = (-constant * inverse, -*of_v * inverse);
            if Instant::now() >= self.deadline {
                return None;
            }
            let near = self.system.rows_of(*v).iter().chain(self.system.rows_of(*w)).take(NEAR_MAX);
            for row in near.map(|&row| &self.system.rows()[row as usize]) {
                let part = |form: &Form| {
                    let (mut at_zero, open) = solver.reduced(form);
                    let mut by_v = Fr::zero();
                    for (wire, coefficient) in open {
                        if wire == *v {
                            by_v += coefficient;
                        } else if wire == *w {
                            at_zero += coefficient * shift;
                            by_v += coefficient * slope;
                        } else {
                            return None;
                        }
                    }
                    Some((by_v, at_zero))
                };
                let (Some(a), Some(b), Some(c)) = (part(&row.a), part(&row.b), part(&row.c)) else {
                    continue;
                };
                if let Some(roots) = product_roots(a, b, c) {
                    return Some((*v, roots));
                }
            }
        }
        None
    }
}
