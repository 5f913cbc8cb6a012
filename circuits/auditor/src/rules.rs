//! The rules by which a wire is shown to follow from the inputs, and nothing else: what is derived is replayed here.
//!
//! A step says which rule is applied where; [`Facts::apply`] checks it against the rows alone and refuses what does not
//! hold. Whatever finds the steps may be wrong without harm: a derivation that replays is a proof.
//!
//! Facts about a wire's values (its roots, its bound, that a form is never zero) hold of every satisfying assignment;
//! that a wire is *known* says that two satisfying assignments with the same inputs agree on it.

use std::collections::HashSet;

use ark_bn254::Fr;
use ark_ff::{Field, PrimeField, Zero};
use num_bigint::BigUint;

use crate::resultant::{leaves_constant, no_root};
use crate::system::{Form, Row, System, Wire};

/// One step of a derivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The row has this wire alone, and holds it to one or two values.
    Roots {
        /// The wire.
        wire: Wire,
        /// The row.
        row: u32,
    },
    /// The row makes the wire a sum of bounded wires with coefficients that are not negative: it is bounded too.
    Bound {
        /// The wire.
        wire: Wire,
        /// The row.
        row: u32,
    },
    /// The row's product is a constant that is not zero: neither factor is ever zero.
    NeverZero {
        /// The row.
        row: u32,
    },
    /// The wire is all that is unknown in the row, and its coefficient is never zero.
    Sole {
        /// The wire.
        wire: Wire,
        /// The row.
        row: u32,
    },
    /// What is unknown in the row are digits of a known number, which has one such form. The highest digit may be no
    /// wire: the row then holds what is left of the number to two values, in the way of `x · (x − 1) = 0`.
    Digits {
        /// The row.
        row: u32,
    },
    /// The rows, each times a factor, add up to one with the wire alone unknown.
    Combination {
        /// The wire.
        wire: Wire,
        /// The rows with their factors.
        rows: Vec<(u32, Fr)>,
    },
    /// One row is `X · u = k − f · v`, the other `X · v = 0`, for a known `X` and `k`: `v` is 0 where `X` is not, and
    /// `k / f` where it is.
    ZeroTest {
        /// The wire `v`.
        wire: Wire,
        /// The row with `u`.
        product: u32,
        /// The row that is zero.
        zero: u32,
    },
    /// Each of the rows is zero and multiplies one unknown wire with a known factor; the factors differ by constants, so
    /// that at most one is zero and all wires but its own are zero. The sum tells that one.
    OneOf {
        /// The rows, each with a wire of its own.
        rows: Vec<u32>,
        /// The sum in which no other wire is unknown.
        sum: u32,
    },
    /// A factor of the row is never zero, as the row can't hold there: written in monomials of the wires that the
    /// products do not replace, what the row makes is `s · m + t · n` and the factor `k + l · m · n`, where
    /// `t · k / (s · l)` has no root.
    NoRoot {
        /// The row.
        row: u32,
        /// Wires with the rows that make them a product, to be replaced in this order.
        products: Vec<(Wire, u32)>,
    },
}

/// A step that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the step does not follow from the rows and the steps before it")]
pub struct NotDerived;

/// What is shown so far.
#[derive(Clone, Debug)]
pub struct Facts {
    known: Vec<bool>,
    roots: Vec<Option<Vec<Fr>>>,
    bounds: Vec<Option<BigUint>>,
    never_zero: HashSet<Form>,
}

impl Facts {
    /// What is shown without a step: the inputs are known.
    pub fn of_inputs(system: &System) -> Self {
        let wires = system.wires();
        let mut bounds = vec![None; wires];
        bounds[0] = Some(BigUint::from(1u8));
        Self {
            known: (0..wires as Wire).map(|wire| system.is_input(wire)).collect(),
            roots: vec![None; wires],
            bounds,
            never_zero: HashSet::new(),
        }
    }

    /// Whether a wire is shown to follow from the inputs.
    pub fn is_known(&self, wire: Wire) -> bool {
        self.known[wire as usize]
    }

    /// The values that a wire can have, if it is shown that they are one or two.
    pub fn roots(&self, wire: Wire) -> Option<&[Fr]> {
        self.roots[wire as usize].as_deref()
    }

    /// The greatest value that a wire can have, as an integer, if one is shown.
    pub fn bound(&self, wire: Wire) -> Option<&BigUint> {
        self.bounds[wire as usize].as_ref()
    }

    /// Checks a step and takes what it shows; returns the wires that are known by it.
    ///
    /// # Errors
    /// [`NotDerived`]; then nothing is changed.
    pub fn apply(&mut self, system: &System, step: &Step) -> Result<Vec<Wire>, NotDerived> {
        let row = |number: u32| system.rows().get(number as usize).ok_or(NotDerived);
        let known = match step {
            Step::Roots { wire, row: number } => {
                let roots = roots_of(row(*number)?, *wire).ok_or(NotDerived)?;
                let greatest = roots.iter().map(|&root| integer(root)).max().ok_or(NotDerived)?;
                self.roots[*wire as usize] = Some(roots);
                self.narrow(*wire, greatest);
                return Ok(Vec::new());
            }
            Step::Bound { wire, row: number } => {
                let bound = self.sum_bound(row(*number)?, *wire).ok_or(NotDerived)?;
                self.narrow(*wire, bound);
                return Ok(Vec::new());
            }
            Step::NeverZero { row: number } => {
                let row = row(*number)?;
                let never_zero: Vec<Form> = [&row.a, &row.b]
                    .into_iter()
                    .filter(|factor| leaves_constant(&row.c, factor))
                    .filter_map(Form::normalized)
                    .collect();
                if never_zero.is_empty() {
                    return Err(NotDerived);
                }
                self.never_zero.extend(never_zero);
                return Ok(Vec::new());
            }
            Step::Sole { wire, row: number } => {
                self.sole(row(*number)?, *wire).then(|| vec![*wire]).ok_or(NotDerived)?
            }
            Step::Digits { row: number } => self.digits(row(*number)?).ok_or(NotDerived)?,
            Step::Combination { wire, rows } => {
                let mut sum = Form::default();
                for &(number, factor) in rows {
                    let part = self.unknown_part(row(number)?).ok_or(NotDerived)?;
                    sum = sum.combined(Fr::ONE, &part, factor);
                }
                match sum.terms() {
                    [(sole, _)] if sole == wire => vec![*wire],
                    _ => return Err(NotDerived),
                }
            }
            Step::ZeroTest { wire, product, zero } => {
                let holds = self.zero_test(row(*product)?, row(*zero)?, *wire);
                holds.then(|| vec![*wire]).ok_or(NotDerived)?
            }
            Step::OneOf { rows, sum } => {
                let rows: Vec<&Row> = rows.iter().map(|&r| row(r)).collect::<Result<_, _>>()?;
                self.one_of(&rows, row(*sum)?).ok_or(NotDerived)?
            }
            Step::NoRoot { row: number, products } => {
                let of = |&(wire, number): &(Wire, u32)| row(number).map(|row| (wire, row));
                let products: Vec<(Wire, &Row)> =
                    products.iter().map(of).collect::<Result<_, _>>()?;
                let factor = no_root(row(*number)?, &products).ok_or(NotDerived)?;
                self.never_zero.extend(factor.normalized());
                return Ok(Vec::new());
            }
        };
        for &wire in &known {
            self.known[wire as usize] = true;
        }
        Ok(known)
    }

    fn narrow(&mut self, wire: Wire, bound: BigUint) {
        let stands = &mut self.bounds[wire as usize];
        if stands.as_ref().is_none_or(|stands| bound < *stands) {
            *stands = Some(bound);
        }
    }

    /// The unknown terms of a form.
    pub fn unknown(&self, form: &Form) -> Vec<(Wire, Fr)> {
        form.terms().iter().copied().filter(|term| !self.is_known(term.0)).collect()
    }

    /// What is unknown of a row in which it stands with constant coefficients: added to something known it is zero.
    pub fn unknown_part(&self, row: &Row) -> Option<Form> {
        let (a, b, c) = (self.unknown(&row.a), self.unknown(&row.b), self.unknown(&row.c));
        if a.is_empty() && b.is_empty() {
            return Some(Form::new(c));
        }
        let (factor, other) = match (row.a.constant(), row.b.constant()) {
            (Some(factor), _) => (factor, b),
            (_, Some(factor)) => (factor, a),
            _ => return None,
        };
        let product = other.into_iter().map(|(wire, coefficient)| (wire, coefficient * factor));
        Some(Form::new(
            product.chain(c.into_iter().map(|(wire, coefficient)| (wire, -coefficient))),
        ))
    }

    /// The factor of a row's product that is known, scaled by [`Form::normalized`], and the one that is not. None if both
    /// are known or neither is.
    pub fn known_factor<'r>(&self, row: &'r Row) -> Option<(Form, &'r Form)> {
        let is_known = |form: &Form| form.terms().iter().all(|term| self.is_known(term.0));
        let (factor, other) = match (is_known(&row.a), is_known(&row.b)) {
            (true, false) => (&row.a, &row.b),
            (false, true) => (&row.b, &row.a),
            _ => return None,
        };
        Some((factor.normalized()?, other))
    }

    /// Whether a wire is all that is unknown in a row, with a coefficient that is zero for no inputs.
    fn sole(&self, row: &Row, wire: Wire) -> bool {
        if let Some(part) = self.unknown_part(row) {
            return matches!(part.terms(), [(sole, _)] if *sole == wire);
        }
        // One factor is known and no constant; the wire stands in the other.
        let (a, b) = (self.unknown(&row.a), self.unknown(&row.b));
        let (factor, other) = match (a.as_slice(), b.as_slice()) {
            ([], [(sole, coefficient)]) if *sole == wire => (&row.a, *coefficient),
            ([(sole, coefficient)], []) if *sole == wire => (&row.b, *coefficient),
            _ => return false,
        };
        let in_product = match self.unknown(&row.c).as_slice() {
            [] => Fr::zero(),
            [(sole, coefficient)] if *sole == wire => *coefficient,
            _ => return false,
        };
        // The wire's coefficient is `factor · other − in_product`.
        if in_product.is_zero() && self.is_never_zero(factor) {
            return true;
        }
        let values = self.values_of(factor);
        values.is_some_and(|values| values.iter().all(|&value| value * other != in_product))
    }

    fn is_never_zero(&self, form: &Form) -> bool {
        form.normalized().is_some_and(|form| self.never_zero.contains(&form))
            || self
                .values_of(form)
                .is_some_and(|values| values.iter().all(|value| !value.is_zero()))
    }

    /// The values of a form of one wire with known roots.
    fn values_of(&self, form: &Form) -> Option<Vec<Fr>> {
        let mut wires = form.terms().iter().filter(|term| term.0 != 0);
        let &(wire, coefficient) = wires.next()?;
        if wires.next().is_some() {
            return None;
        }
        let constant = form.coefficient(0);
        let roots = self.roots[wire as usize].as_ref()?;
        Some(roots.iter().map(|&root| coefficient * root + constant).collect())
    }

    /// The wires that are unknown in a row, if they are digits of a known number in a system in which each number has
    /// at most one form: no sum of smaller digits reaches the next one's weight, and no sum reaches the field's order.
    fn digits(&self, row: &Row) -> Option<Vec<Wire>> {
        let (part, last) = match self.unknown_part(row) {
            Some(part) => (part, None),
            None => {
                let roots = form_roots(row)?;
                let [first, second] = <[Fr; 2]>::try_from(roots).ok()?;
                (Form::new(self.unknown(&row.a)), Some(second - first))
            }
        };
        // Each digit's weight, and its greatest value.
        let mut digits = Vec::with_capacity(part.terms().len() + 1);
        for &(wire, coefficient) in part.terms() {
            digits.push((coefficient, self.bounds[wire as usize].clone()?));
        }
        digits.extend(last.map(|weight| (weight, BigUint::from(1u8))));
        if digits.len() < 2 {
            return None;
        }
        let order = BigUint::from(Fr::MODULUS);
        // The unit is the weight of the smallest digit: the first or the last, in all circuits that there are, or one
        // if that digit is known; any other is tried while there are few.
        let tried = digits.len().min(4);
        let units = digits[..tried].iter().chain(digits[digits.len() - tried..].iter());
        let units: Vec<Fr> = units.map(|digit| digit.0).chain([Fr::ONE]).collect();
        for unit in units {
            let inverse = unit.inverse()?;
            let weight = |coefficient: Fr| {
                let weight = integer(coefficient * inverse);
                let negative = &order - &weight;
                weight.min(negative)
            };
            let mut sorted: Vec<(BigUint, &BigUint)> =
                digits.iter().map(|(coefficient, bound)| (weight(*coefficient), bound)).collect();
            sorted.sort();
            let mut reached = BigUint::default();
            let one_form = sorted.iter().all(|(weight, bound)| {
                let above = *weight > reached;
                reached += weight * *bound;
                above
            });
            if one_form && reached < order {
                return Some(part.terms().iter().map(|term| term.0).collect());
            }
        }
        None
    }

    /// The greatest value of a wire that a row makes a sum of bounded wires.
    fn sum_bound(&self, row: &Row, wire: Wire) -> Option<BigUint> {
        let form = row.linear().filter(|_| wire != 0)?;
        let inverse = (-form.coefficient(wire)).inverse()?;
        let mut bound = BigUint::default();
        for &(other, coefficient) in form.terms().iter().filter(|term| term.0 != wire) {
            bound += integer(coefficient * inverse) * self.bounds[other as usize].as_ref()?;
        }
        (bound < BigUint::from(Fr::MODULUS)).then_some(bound)
    }

    fn zero_test(&self, product: &Row, zero: &Row, wire: Wire) -> bool {
        // `X · v = 0`, either way round.
        let Some((factor, alone)) = self.known_factor(zero) else { return false };
        let is_wire_alone = matches!(alone.terms(), [(sole, _)] if *sole == wire);
        if !is_wire_alone || !zero.c.terms().is_empty() {
            return false;
        }
        // `X · u = k − f · v`.
        let Some((same, multiplied)) = self.known_factor(product) else { return false };
        same == factor
            && multiplied.coefficient(wire).is_zero()
            && matches!(self.unknown(&product.c).as_slice(), [(sole, _)] if *sole == wire)
    }

    /// The wires of rows of which all but one are zero, if a sum tells that one.
    fn one_of(&self, rows: &[&Row], sum: &Row) -> Option<Vec<Wire>> {
        let (mut wires, mut apart, mut same) = (HashSet::new(), HashSet::new(), None);
        for row in rows {
            let (factor, alone) = self.known_factor(row)?;
            let factor = factor.by_first_wire()?;
            let [(wire, _)] = alone.terms() else { return None };
            // The factors are one form and constants, each another.
            let constant = factor.coefficient(0);
            let base = factor.combined(Fr::ONE, &Form::new([(0, constant)]), -Fr::ONE);
            let is_same = *same.get_or_insert_with(|| base.clone()) == base;
            let is_new = wires.insert(*wire) && apart.insert(constant);
            if !row.c.terms().is_empty() || !is_same || !is_new {
                return None;
            }
        }
        let mut wires: Vec<Wire> = wires.into_iter().collect();
        let part = self.unknown_part(sum)?;
        let mut unknown: Vec<Wire> = part.terms().iter().map(|term| term.0).collect();
        wires.sort_unstable();
        unknown.sort_unstable();
        (unknown == wires).then_some(wires)
    }
}

/// A field element as an integer below the order.
pub(crate) fn integer(element: Fr) -> BigUint {
    BigUint::from(element.into_bigint())
}

/// The values that a row allows a wire, if it has no other and does not hold of all.
pub(crate) fn roots_of(row: &Row, wire: Wire) -> Option<Vec<Fr>> {
    // The constant one is no unknown.
    if wire == 0 {
        return None;
    }
    if row.wires().iter().any(|&other| other != 0 && other != wire) {
        return None;
    }
    let part = |form: &Form| (form.coefficient(wire), form.coefficient(0));
    let roots = product_roots(part(&row.a), part(&row.b), part(&row.c))?;
    // A row that holds of nothing shows nothing here.
    (!roots.is_empty()).then_some(roots)
}

/// The values that a row allows its left factor, if its right one differs from it by a constant and the product is one:
/// `x · (x − 1) = 0` for a sum `x`.
pub(crate) fn form_roots(row: &Row) -> Option<Vec<Fr>> {
    let apart = row.b.combined(Fr::ONE, &row.a, -Fr::ONE).constant()?;
    quadratic_roots(Fr::ONE, apart, -row.c.constant()?)
}

/// The `x` of which `(a·x + a0) · (b·x + b0) = c·x + c0`, each part with its coefficient first; none if all are.
pub(crate) fn product_roots(
    (a, a0): (Fr, Fr),
    (b, b0): (Fr, Fr),
    (c, c0): (Fr, Fr),
) -> Option<Vec<Fr>> {
    quadratic_roots(a * b, a * b0 + a0 * b - c, a0 * b0 - c0)
}

/// The roots of `square · x² + linear · x + constant`, each once; none if it is zero everywhere.
fn quadratic_roots(square: Fr, linear: Fr, constant: Fr) -> Option<Vec<Fr>> {
    let Some(half) = (square + square).inverse() else {
        let Some(inverse) = linear.inverse() else {
            return if constant.is_zero() { None } else { Some(Vec::new()) };
        };
        return Some(vec![-constant * inverse]);
    };
    let four = Fr::from(4u8);
    let discriminant = linear * linear - four * square * constant;
    let Some(root) = discriminant.sqrt() else { return Some(Vec::new()) };
    let mut roots = vec![(-linear + root) * half];
    if !root.is_zero() {
        roots.push((-linear - root) * half);
    }
    Some(roots)
}
