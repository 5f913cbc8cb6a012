//! Wires that are used as a bit, as a digit or as a number to compare, without a row that holds them to it.
//!
//! What a row uses a wire as is read off its form: a row that chooses between two values uses its selector as a bit, a
//! sum of powers of two uses its terms as digits, and the highest bit of `x − y + 2ⁿ` says which of two numbers of `n`
//! bits is less. That is a guess at what is meant, and no finding. A finding has a witness: all rows hold, and the bit
//! is no bit, the digit reaches into the next one, or the answer is not that of the two numbers. [`Unchecked::holds`]
//! checks it against the rows alone. What no witness was found for is named apart, and not called safe.

mod forms;
mod uses;

use std::time::Instant;

use ark_bn254::Fr;
use ark_ff::{Field, One, UniformRand, Zero};
use num_bigint::BigUint;

use crate::Options;
use crate::base::InputKind;
use crate::completion::Order;
use crate::determination::Determination;
use crate::plan::Plan;
use crate::rules::integer;
use crate::search::Search;
use crate::solver::Solver;
use crate::system::{Form, Row, System, Wire};
use forms::{bit_uses, difference_of, digits_of};
use uses::Uses;

/// Digits of a sum at most, and uses that witnesses are looked for.
const DIGITS_MAX: usize = 256;
const USES_MAX: usize = 2_000;

/// The part of the time that one use may take.
const SHARE: u32 = 8;

/// What rows use wires as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// The row chooses between two values by the wire, or joins it with another as bits are joined.
    Bit {
        /// The wire.
        wire: Wire,
        /// The row.
        row: u32,
    },
    /// The wire is a digit of a sum: the next one's weight is so many bits higher.
    Digit {
        /// The wire.
        wire: Wire,
        /// How many bits there is room for.
        bits: u32,
        /// The sum's wire.
        sum: Wire,
        /// The sum.
        digits: Form,
        /// The rows that make it.
        rows: Vec<u32>,
    },
    /// The highest bit of `less − than + 2^bits` is the answer: it is 0 if the first number is less.
    Comparison {
        /// The first number.
        less: Form,
        /// The second number.
        than: Form,
        /// How many bits both may have.
        bits: u32,
        /// The bits of the difference, the lowest first; the last is the answer.
        digits: Vec<Wire>,
        /// The row of the difference, and the one of its bits.
        rows: [u32; 2],
    },
}

/// A use that nothing holds the wires to.
#[derive(Clone)]
pub struct Unchecked {
    /// The use.
    pub used: Use,
    /// The component whose rows use it, by its name; empty if names tell none.
    pub component: String,
    /// Whether the circuit is that component and nothing more, and passes on its answer: what it is given is then for
    /// the circuit around it to check.
    pub is_callers: bool,
    /// A witness that shows it.
    pub witness: Option<Vec<Fr>>,
}

impl Unchecked {
    /// Whether the witness satisfies all rows and shows what is said.
    pub fn holds(&self, system: &System) -> bool {
        let Some(values) = &self.witness else { return false };
        values.len() == system.wires()
            && values[0].is_one()
            && system.unsatisfied_row(values).is_none()
            && self.used.is_shown(system, values)
    }

    /// Returns the finding as a sentence.
    pub fn sentence(&self, system: &System) -> String {
        let value = |form: &Form| match &self.witness {
            Some(values) => integer(form.evaluate(values)).to_string(),
            None => "a number".to_owned(),
        };
        let one = |wire: Wire| Form::new([(wire, Fr::one())]);
        let said = match &self.used {
            Use::Bit { wire, row } => format!(
                "row {row} uses {} as a bit, but it may be {}",
                system.name(*wire),
                value(&one(*wire))
            ),
            Use::Digit { wire, bits, sum, .. } => format!(
                "{} holds {} as a digit of {bits} bits, but it may be {}: the sum has another form",
                system.name(*sum),
                system.name(*wire),
                value(&one(*wire))
            ),
            Use::Comparison { less, than, bits, digits, rows } => {
                let is_zero = |values: &Vec<Fr>| {
                    digits.last().is_some_and(|&bit| values[bit as usize].is_zero())
                };
                let says = self.witness.as_ref().is_some_and(is_zero);
                format!(
                    "rows {} and {} compare numbers of {bits} bits, but may be given {} and {} and say that the first \
                     is {}",
                    rows[0],
                    rows[1],
                    value(less),
                    value(than),
                    if says { "less" } else { "not less" }
                )
            }
        };
        let place = if self.component.is_empty() { "the circuit" } else { &self.component };
        match (&self.witness, self.is_callers) {
            (None, _) => {
                format!("not decided: {place} relies on what is not bounded by a row: {said}")
            }
            (_, true) => format!("not checked here, so for the caller to check: {said}"),
            _ => format!("not checked: {place} relies on it: {said}"),
        }
    }
}

impl Use {
    fn is_shown(&self, system: &System, values: &[Fr]) -> bool {
        match self {
            Self::Bit { wire, row } => {
                let value = values[*wire as usize];
                let uses = |row: &Row| bit_uses(row).contains(wire);
                !value.is_zero()
                    && !value.is_one()
                    && system.rows().get(*row as usize).is_some_and(uses)
            }
            Self::Digit { wire, bits, sum, digits, .. } => {
                // The sum is one of the digits, and a number beyond the room of this one can lend to the next.
                let weight = digits.coefficient(*wire);
                let next = weight * Fr::from(2u8).pow([u64::from(*bits)]);
                digits.evaluate(values) == values[*sum as usize]
                    && digits.terms().iter().any(|term| term.1 == next)
                    && integer(values[*wire as usize]) >= BigUint::one() << *bits
            }
            Self::Comparison { less, than, bits, digits, rows } => {
                let found = rows.map(|row| system.rows().get(row as usize));
                let [Some(difference), Some(sum)] = found else { return false };
                // The digits are bits, and those of the difference, which is what the two numbers make.
                let is_digit = |wire: Wire| digits.contains(&wire);
                let Some((number, places)) = digits_of(sum, &is_digit) else { return false };
                let Some(answer) = digits.last() else { return false };
                let made = difference_of(difference, &number, *bits);
                let says_less = values[*answer as usize].is_zero();
                let is_bit = |wire: &Wire| {
                    let value = values[*wire as usize];
                    value.is_zero() || value.is_one()
                };
                let (first, second) = (less.evaluate(values), than.evaluate(values));
                places == *digits
                    && digits.len() as u32 == bits + 1
                    && digits.iter().all(is_bit)
                    && made.is_some_and(|made| made.0 == *less && made.1 == *than)
                    && says_less != (integer(first) < integer(second))
            }
        }
    }

    /// Wires whose names tell where it is used.
    fn near(&self, system: &System) -> Vec<Wire> {
        let of = |row: u32| system.rows()[row as usize].wires();
        let mut wires = match self {
            Self::Bit { row, .. } => of(*row),
            Self::Digit { rows, .. } => rows.first().map(|&row| of(row)).unwrap_or_default(),
            Self::Comparison { rows, .. } => of(rows[0]),
        };
        wires.retain(|&wire| wire != 0);
        wires
    }
}

/// Looks for uses that nothing holds the wires to, and for a witness of each.
///
/// The time of the options is that of this search alone.
pub fn unchecked(
    system: &System,
    determination: &Determination,
    options: &Options,
) -> Vec<Unchecked> {
    let now = Instant::now();
    let deadline = now.checked_add(options.time).unwrap_or(now);
    let plan = Plan::of(system, &determination.facts);
    let Some(uses) = Uses::of(system, determination, &plan) else { return Vec::new() };
    let found = uses.find();
    let whole = uses.whole();
    let mut search = Search::new(system, determination, &plan, deadline, options.seed);
    let mut likes: Vec<&[Fr]> = options.witnesses.iter().map(Vec::as_slice).collect();
    likes.retain(|like| like.len() == system.wires());
    let is_gadget = uses.is_gadget();
    let mut unchecked = Vec::new();
    for (place, used) in found.into_iter().enumerate() {
        let component = component_of(&used.near(system), system);
        let is_inner = !is_gadget || !format!("{whole}.").starts_with(&format!("{component}."));
        let is_held = matches!(&used, Use::Comparison { digits, .. } if digits.last().is_some_and(|&bit| uses.fixed[bit as usize].is_some()));
        let mut one =
            Unchecked { used, component, is_callers: !is_inner && !is_held, witness: None };
        if place >= USES_MAX {
            unchecked.push(one);
            continue;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        search.deadline = Instant::now() + left / SHARE;
        let last = uses.inputs_of(&one.used);
        for conditions in uses.tries(&one.used, &mut search) {
            one.witness = search.shown(&one, &conditions, &likes, &last);
            if one.witness.is_some() || Instant::now() >= search.deadline {
                break;
            }
        }
        unchecked.push(one);
    }
    unchecked
}

/// The name of the component in which wires are: what their names have in common, up to a dot.
fn component_of(wires: &[Wire], system: &System) -> String {
    let path = |wire: &Wire| system.name(*wire).rsplit_once('.').map_or("", |(path, _)| path);
    let mut paths = wires.iter().map(|wire| path(wire).split('.').collect::<Vec<_>>());
    let Some(first) = paths.next() else { return String::new() };
    let common = paths.fold(first, |common, path| {
        let same = common.iter().zip(&path).take_while(|(one, other)| one == other).count();
        common[..same].to_vec()
    });
    common.join(".")
}

impl Search<'_> {
    /// A witness that satisfies further rows and shows a use, near a given one or with inputs of a kind.
    fn shown(
        &mut self,
        one: &Unchecked,
        conditions: &[Row],
        likes: &[&[Fr]],
        last: &[Wire],
    ) -> Option<Vec<Fr>> {
        let is_shown = |witness: Vec<Fr>, system: &System| {
            let tried = Unchecked { witness: Some(witness), ..one.clone() };
            if tried.holds(system) { tried.witness } else { None }
        };
        for like in likes {
            let found = self.near(conditions, like, last);
            if let Some(shown) = found.and_then(|witness| is_shown(witness, self.system)) {
                return Some(shown);
            }
        }
        for kind in InputKind::ALL {
            if Instant::now() >= self.deadline {
                return None;
            }
            let found = self.base(conditions, kind);
            if let Some(shown) = found.and_then(|witness| is_shown(witness, self.system)) {
                return Some(shown);
            }
        }
        None
    }

    /// A witness that satisfies further rows and keeps another's values where it can.
    ///
    /// Inputs that the further rows are about come last, so that they and no others give way.
    fn near(&mut self, conditions: &[Row], like: &[Fr], last: &[Wire]) -> Option<Vec<Fr>> {
        let (system, plan) = (self.system, self.plan);
        let mut solver = Solver::new(system, conditions, &plan.booleans);
        solver.propagate().ok()?;
        let is_first = |wire: &Wire| system.is_input(*wire) && !last.contains(wire);
        let first = (1..system.wires() as Wire).filter(is_first);
        for wire in first.chain(last.iter().copied()) {
            if solver.value(wire).is_none() {
                let other = Fr::rand(&mut self.rng);
                let values = [like[wire as usize], Fr::zero(), Fr::one(), other];
                self.choose_any(&mut solver, wire, &values).ok()?;
            }
        }
        self.complete(&mut solver, Some(like), Order::Forward)
    }
}
