//! Which wires get another value, and which.

use std::collections::BTreeSet;

use ark_bn254::Fr;
use ark_ff::{Field, One, UniformRand};

use crate::search::{Change, Search};
use crate::solver::Solver;
use crate::system::Wire;

/// Lengths of numbers in bits at most whose powers of two are tried as differences.
const UNITS_MAX: usize = 16;

impl Search<'_> {
    /// Changes to try, the likeliest first.
    pub(crate) fn changes(
        &mut self,
        solver: &Solver<'_>,
        open: &[Wire],
        base: &[Fr],
    ) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        let step = |wire: Wire| {
            let value = base[wire as usize];
            if self.plan.is_boolean(wire) { Fr::one() - value } else { value + Fr::one() }
        };
        let alone = open.iter().filter(|&&wire| self.system.rows_of(wire).is_empty());
        changes.extend(alone.map(|&wire| vec![(wire, step(wire))]));
        let outputs: Vec<Wire> =
            open.iter().copied().filter(|&wire| self.system.is_output(wire)).collect();
        let hints: Vec<Wire> = self
            .plan
            .hints()
            .iter()
            .copied()
            .filter(|&wire| solver.value(wire).is_none())
            .collect();
        changes.extend(hints.iter().chain(&outputs).map(|&wire| vec![(wire, step(wire))]));
        // Another way to write a number in bits; another root.
        let (mut lengths, mut ways, mut roots) = (BTreeSet::new(), Vec::new(), Vec::new());
        for row in self.system.rows() {
            if !row.wires().iter().any(|&wire| solver.value(wire).is_none()) {
                continue;
            }
            if let Some(written) = solver.bits_of_row(row) {
                lengths.extend(written.first().map(Vec::len));
                let other =
                    |way: &Change| way.iter().any(|&(wire, value)| base[wire as usize] != value);
                ways.extend(written.into_iter().filter(other));
            } else if let Some((_, terms)) = solver.linear(row) {
                let bits = terms.iter().filter(|term| self.plan.is_boolean(term.0)).count();
                if bits > 1 {
                    lengths.insert(bits);
                }
            }
            if let Some((wire, found)) = solver.roots(row) {
                let other = found.into_iter().filter(|&root| base[wire as usize] != root);
                roots.extend(other.map(|root| vec![(wire, root)]));
            }
        }
        changes.extend(ways);
        let by = |wires: &[Wire], shift: Fr| -> Vec<Change> {
            let plain = wires.iter().filter(|&&wire| !self.plan.is_boolean(wire));
            plain.map(|&wire| vec![(wire, base[wire as usize] + shift)]).collect()
        };
        // A limb that takes over what another lends.
        lengths.extend([8, 16, 32, 64, 126, 128]);
        let units: Vec<Fr> = lengths
            .iter()
            .rev()
            .take(UNITS_MAX)
            .map(|&length| Fr::from(2u8).pow([length as u64]))
            .collect();
        for wires in [&outputs[..], &hints] {
            changes.extend(by(wires, -Fr::one()));
            for &unit in &units {
                changes.extend(by(wires, unit));
                changes.extend(by(wires, -unit));
            }
        }
        changes.extend(roots);
        changes.extend(open.iter().map(|&wire| vec![(wire, step(wire))]));
        changes.extend(by(open, -Fr::one()));
        for &unit in &units {
            changes.extend(by(open, unit));
        }
        changes.extend(by(open, Fr::rand(&mut self.rng.clone())));
        changes
    }
}
