//! An auditor of rank-1 constraint systems: does each wire follow from the inputs?
//!
//! A wire is *determined* if a derivation shows that two witnesses with the same inputs agree on it; the derivation is
//! replayed by [`rules`], which is small and checks each step against the rows alone. It is *free* if two witnesses
//! with the same inputs differ in it; both are handed over. Else it is *not decided*: nothing is called safe because
//! a search has found nothing.
//!
//! ```
//! use std::time::Duration;
//! use ark_bn254::Fr;
//! use praman_auditor::{Form, Options, Row, Status, System, audit};
//!
//! // out · in = 1, without a hint that `in` may be zero; and a bit that nothing ties to its number.
//! let form = |terms: &[(u32, i64)]| Form::new(terms.iter().map(|&(w, c)| (w, Fr::from(c))));
//! let rows = vec![
//!     Row { a: form(&[(1, 1)]), b: form(&[(2, 1)]), c: form(&[(0, 1)]) },
//!     Row { a: form(&[(3, 1)]), b: form(&[(3, 1), (0, -1)]), c: Form::default() },
//! ];
//! let names = ["one", "in", "out", "bit"].map(str::to_owned).to_vec();
//! let inputs = vec![true, true, false, false];
//! let outputs = vec![false, false, true, false];
//! let system = System::new(rows, inputs, outputs, names)?;
//!
//! let report = audit(&system, &Options { time: Duration::from_secs(5), ..Options::default() });
//! assert_eq!(report.status(2), Status::Determined);
//! let Status::Free { pair } = report.status(3) else { panic!("the bit is free") };
//! assert!(report.pairs[pair].holds(&system));
//! # Ok::<(), praman_auditor::SystemFault>(())
//! ```

mod base;
mod changes;
mod completion;
pub mod determination;
mod hints;
mod plan;
mod resultant;
pub mod rules;
mod search;
mod solver;
mod structure;
mod system;
#[cfg(test)]
mod tests;
mod unchecked;

use std::time::{Duration, Instant};

use ark_bn254::Fr;

pub use determination::Determination;
pub use search::Pair;
pub use structure::{StructureFinding, structure};
pub use system::{Form, Row, System, SystemFault, Wire};
pub use unchecked::{Unchecked, Use, unchecked};

/// How an audit is done.
#[derive(Clone)]
pub struct Options {
    /// For how long second witnesses are looked for at most.
    pub time: Duration,
    /// What random choices begin with: the same audit again makes the same ones.
    pub seed: u64,
    /// Witnesses to begin with, each a value for every wire. Others are solved for.
    pub witnesses: Vec<Vec<Fr>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { time: Duration::from_secs(100), seed: 1, witnesses: Vec::new() }
    }
}

/// What is known of a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is an input: the maker of a witness chooses it.
    Input,
    /// A derivation shows that it follows from the inputs.
    Determined,
    /// Two witnesses with the same inputs differ in it.
    Free {
        /// The place of the pair in the report.
        pair: usize,
    },
    /// Neither was shown.
    NotDecided,
}

/// The outcome of an audit.
pub struct Report {
    /// The derivation of the determined wires.
    pub determination: Determination,
    /// Pairs of witnesses.
    pub pairs: Vec<Pair>,
    /// What the rows show at a glance.
    pub structure: Vec<StructureFinding>,
    statuses: Vec<Status>,
}

impl Report {
    /// What is known of a wire.
    ///
    /// # Panics
    /// If the system has no such wire.
    pub fn status(&self, wire: Wire) -> Status {
        self.statuses[wire as usize]
    }

    /// The wires of a status, whichever pair shows it.
    pub fn count(&self, is_one: impl Fn(Status) -> bool) -> usize {
        self.statuses.iter().filter(|&&status| is_one(status)).count()
    }

    /// Whether each wire that is no input is shown to follow from the inputs, and no row is impossible: of a system
    /// that nothing satisfies everything follows.
    pub fn is_determined(&self) -> bool {
        let is_impossible =
            |finding: &StructureFinding| matches!(finding, StructureFinding::ImpossibleRow(_));
        !self.structure.iter().any(is_impossible)
            && self
                .statuses
                .iter()
                .all(|status| matches!(status, Status::Input | Status::Determined))
    }

    /// The free wires with their pairs, outputs first.
    pub fn free(&self, system: &System) -> Vec<(Wire, usize)> {
        let mut free: Vec<(Wire, usize)> = (0..)
            .zip(&self.statuses)
            .filter_map(|(wire, status)| match status {
                Status::Free { pair } => Some((wire, *pair)),
                _ => None,
            })
            .collect();
        free.sort_by_key(|&(wire, _)| (!system.is_output(wire), wire));
        free
    }
}

/// Audits a system.
///
/// A derivation that did not replay, or a pair that did not hold, would be a fault of the search, and is dropped.
///
/// # Panics
/// If a wire is shown to be both determined and free: the rules would be wrong, and no answer is better than that one.
pub fn audit(system: &System, options: &Options) -> Report {
    // A time beyond the clock's is none.
    let now = Instant::now();
    let deadline = now.checked_add(options.time).unwrap_or(now + Duration::from_secs(1 << 30));
    let mut determination = Determination::until(system, deadline);
    match determination.replay(system) {
        Ok(facts) => determination.facts = facts,
        // What was found by a fault of the search counts for nothing.
        Err(_) => {
            determination.steps.clear();
            determination.facts = rules::Facts::of_inputs(system);
        }
    }
    let open = !determination.undetermined(system).is_empty();
    let pairs = if open {
        let plan = plan::Plan::of(system, &determination.facts);
        let search = search::Search::new(system, &determination, &plan, deadline, options.seed);
        search.run(&options.witnesses)
    } else {
        Vec::new()
    };
    let pairs: Vec<Pair> = pairs.into_iter().filter(|pair| pair.holds(system)).collect();
    let mut statuses: Vec<Status> = (0..system.wires() as Wire)
        .map(|wire| {
            if system.is_input(wire) {
                Status::Input
            } else if determination.facts.is_known(wire) {
                Status::Determined
            } else {
                Status::NotDecided
            }
        })
        .collect();
    for (place, pair) in pairs.iter().enumerate() {
        for wire in pair.differences() {
            let status = &mut statuses[wire as usize];
            // Two witnesses that differ where a derivation says that none do would show a fault of the rules.
            assert_ne!(*status, Status::Determined, "{} is shown to be both", system.name(wire));
            if *status == Status::NotDecided {
                *status = Status::Free { pair: place };
            }
        }
    }
    let structure = structure(system);
    Report { determination, pairs, structure, statuses }
}
