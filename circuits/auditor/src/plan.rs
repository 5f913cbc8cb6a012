//! What a search knows of a system's wires before it begins.

use ark_ff::{One, Zero};

use crate::hints::hints;
use crate::rules::Facts;
use crate::system::{System, Wire};

/// Which wires are bits, and in which order values are chosen.
pub(crate) struct Plan {
    /// Of each wire whether it is held to 0 and 1.
    pub(crate) booleans: Vec<bool>,
    /// The wires that are no inputs: those that no row computes of others, then inner ones, then outputs.
    pub(crate) order: Vec<Wire>,
    /// How many of them no row computes.
    hints: usize,
}

impl Plan {
    pub(crate) fn of(system: &System, facts: &Facts) -> Self {
        let is_boolean = |wire: Wire| {
            let roots = facts.roots(wire);
            roots.is_some_and(|roots| roots.iter().all(|root| root.is_zero() || root.is_one()))
        };
        let booleans: Vec<bool> = (0..system.wires() as Wire).map(is_boolean).collect();
        let mut order = hints(system, &booleans);
        let hints = order.len();
        let mut others: Vec<Wire> = (1..system.wires() as Wire).collect();
        others.retain(|wire| !system.is_input(*wire) && order.binary_search(wire).is_err());
        others.sort_by_key(|&wire| (system.is_output(wire), wire));
        order.extend(others);
        Self { booleans, order, hints }
    }

    /// The wires that no row computes.
    pub(crate) fn hints(&self) -> &[Wire] {
        &self.order[..self.hints]
    }

    /// Whether a wire is held to 0 and 1.
    pub(crate) fn is_boolean(&self, wire: Wire) -> bool {
        self.booleans[wire as usize]
    }
}
