//! Wires that no row computes: what the maker of a witness chooses, besides the inputs.

use crate::rules::form_roots;
use crate::system::{Row, System, Wire};

/// Hints at most that are tried for being computed of the others.
const PRUNED_MAX: usize = 1_000;

/// The wires that no row computes of the inputs and of each other, ascending: in circom they are those that are
/// assigned without a constraint. A product or a sum computes its only unknown wire here, also where its factor may
/// be zero.
pub(crate) fn hints(system: &System, booleans: &[bool]) -> Vec<Wire> {
    let wires_of: Vec<Vec<Wire>> = system.rows().iter().map(Row::wires).collect();
    // A sum, also one whose highest bit is what is left of a number.
    let is_sum =
        |row: &Row| row.linear().is_some() || (row.wires().len() > 2 && form_roots(row).is_some());
    let is_linear = system.rows().iter().map(is_sum).collect();
    let computer = Computer { system, booleans, wires_of, is_linear };
    let mut state = computer.of_inputs();
    let mut wires: Vec<Wire> = (1..system.wires() as Wire).collect();
    wires.sort_by_key(|&wire| (system.is_output(wire), wire));
    let mut hints = Vec::new();
    for wire in wires {
        if !state.is_known[wire as usize] {
            hints.push(wire);
            computer.add(&mut state, &[wire]);
        }
    }
    // One that was taken before its operands is computed of those that were taken later.
    if hints.len() <= PRUNED_MAX {
        let mut place = 0;
        while place < hints.len() {
            let mut without = computer.of_inputs();
            let others: Vec<Wire> =
                hints.iter().copied().filter(|&hint| hint != hints[place]).collect();
            computer.add(&mut without, &others);
            if without.is_known[hints[place] as usize] {
                hints.remove(place);
            } else {
                place += 1;
            }
        }
    }
    hints.sort_unstable();
    hints
}

struct Computer<'a> {
    system: &'a System,
    booleans: &'a [bool],
    wires_of: Vec<Vec<Wire>>,
    is_linear: Vec<bool>,
}

struct Computed {
    is_known: Vec<bool>,
    /// How many wires of each row are not known.
    open: Vec<u32>,
    /// How many of them may be other than 0 and 1.
    open_numbers: Vec<u32>,
}

impl Computer<'_> {
    fn of_inputs(&self) -> Computed {
        let wires = 0..self.system.wires() as Wire;
        let mut state = Computed {
            is_known: vec![false; self.system.wires()],
            open: self.wires_of.iter().map(|wires| wires.len() as u32).collect(),
            open_numbers: Vec::new(),
        };
        let is_number = |wire: &&Wire| !self.booleans[**wire as usize];
        state.open_numbers = self
            .wires_of
            .iter()
            .map(|wires| wires.iter().filter(is_number).count() as u32)
            .collect();
        let inputs: Vec<Wire> = wires.filter(|&wire| self.system.is_input(wire)).collect();
        self.add(&mut state, &inputs);
        // Rows that hold a wire to a constant.
        let rows: Vec<u32> = (0..self.wires_of.len() as u32).collect();
        self.compute(&mut state, rows);
        state
    }

    fn add(&self, state: &mut Computed, wires: &[Wire]) {
        let mut queue = Vec::new();
        for &wire in wires {
            self.know(state, wire, &mut queue);
        }
        self.compute(state, queue);
    }

    fn know(&self, state: &mut Computed, wire: Wire, queue: &mut Vec<u32>) {
        if std::mem::replace(&mut state.is_known[wire as usize], true) {
            return;
        }
        for &row in self.system.rows_of(wire) {
            state.open[row as usize] -= 1;
            state.open_numbers[row as usize] -= u32::from(!self.booleans[wire as usize]);
            if state.open[row as usize] == 1 || state.open_numbers[row as usize] == 0 {
                queue.push(row);
            }
        }
    }

    fn compute(&self, state: &mut Computed, mut queue: Vec<u32>) {
        while let Some(row) = queue.pop() {
            let place = row as usize;
            let (wires, open) = (&self.wires_of[place], state.open[place]);
            // A row of one wire that is no sum restricts it and computes nothing.
            let has_known = open < wires.iter().filter(|&&wire| wire != 0).count() as u32;
            let is_computed = match open {
                0 => false,
                1 => self.is_linear[place] || has_known,
                _ => self.is_linear[place] && has_known && state.open_numbers[place] == 0,
            };
            if is_computed {
                for &wire in wires {
                    self.know(state, wire, &mut queue);
                }
            }
        }
    }
}
