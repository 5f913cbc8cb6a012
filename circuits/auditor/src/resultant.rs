//! Factors that no satisfying assignment makes zero, by what the rest of their row would then be.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::{Field, Zero};

use crate::system::{Form, Row, Wire};

/// Whether a form is a multiple of a factor and a constant that is not zero: `factor · x = form` then has no solution
/// where the factor is zero.
pub(crate) fn leaves_constant(form: &Form, factor: &Form) -> bool {
    let Some(&(wire, coefficient)) = factor.terms().iter().find(|term| term.0 != 0) else {
        return form.constant().is_some_and(|value| !value.is_zero());
    };
    let Some(inverse) = coefficient.inverse() else { return false };
    let rest = form.combined(Fr::ONE, factor, -form.coefficient(wire) * inverse);
    rest.constant().is_some_and(|value| !value.is_zero())
}

/// Monomials at most in a polynomial, and their degree.
const MONOMIALS_MAX: usize = 64;
const DEGREE_MAX: usize = 8;

/// A sum of coefficients times products of wires, each sorted.
type Polynomial = BTreeMap<Vec<Wire>, Fr>;

/// A form in which wires are replaced by the products that rows make them, one after the other.
fn replaced(form: &Form, products: &[(Wire, &Row)]) -> Option<Polynomial> {
    let linear = |form: &Form| -> Polynomial {
        let monomial = |wire: Wire| if wire == 0 { Vec::new() } else { vec![wire] };
        form.terms().iter().map(|&(wire, coefficient)| (monomial(wire), coefficient)).collect()
    };
    let mut sum = linear(form);
    for &(wire, row) in products {
        // wire = (a · b − rest) / coefficient
        let inverse = row.c.coefficient(wire).inverse()?;
        if !row.a.coefficient(wire).is_zero() || !row.b.coefficient(wire).is_zero() {
            return None;
        }
        let own = Form::new([(wire, row.c.coefficient(wire))]);
        let rest = row.c.combined(-Fr::ONE, &own, Fr::ONE);
        let mut product = linear(&rest);
        add_product(&mut product, &linear(&row.a), &linear(&row.b), Fr::ONE)?;
        // Each power of the wire is replaced in turn.
        while let Some(monomial) = sum.keys().find(|monomial| monomial.contains(&wire)).cloned() {
            let coefficient = sum.remove(&monomial)?;
            let place = monomial.iter().position(|&part| part == wire)?;
            let mut others = monomial;
            others.remove(place);
            let others = Polynomial::from([(others, coefficient * inverse)]);
            add_product(&mut sum, &others, &product, Fr::ONE)?;
        }
    }
    Some(sum)
}

/// Adds a product of polynomials, times a number; none if it grows too large.
fn add_product(sum: &mut Polynomial, a: &Polynomial, b: &Polynomial, times: Fr) -> Option<()> {
    if a.len().max(b.len()) > MONOMIALS_MAX {
        return None;
    }
    for (left, by_left) in a {
        for (right, by_right) in b {
            let mut monomial = [left.as_slice(), right.as_slice()].concat();
            monomial.sort_unstable();
            if monomial.len() > DEGREE_MAX {
                return None;
            }
            *sum.entry(monomial).or_insert(Fr::zero()) += *by_left * by_right * times;
        }
    }
    sum.retain(|_, coefficient| !coefficient.is_zero());
    (sum.len() <= MONOMIALS_MAX).then_some(())
}

/// The factor of a row at whose zeros the row can't hold, for want of a root.
pub(crate) fn no_root(row: &Row, products: &[(Wire, &Row)]) -> Option<Form> {
    let made = replaced(&row.c, products)?;
    let mut terms = made.iter();
    let (Some((m, s)), Some((n, t)), None) = (terms.next(), terms.next(), terms.next()) else {
        return None;
    };
    let mut both = [m.as_slice(), n.as_slice()].concat();
    both.sort_unstable();
    [&row.a, &row.b].into_iter().find_map(|factor| {
        let factor_terms = replaced(factor, products)?;
        let (k, l) = (factor_terms.get(&Vec::new())?, factor_terms.get(&both)?);
        // At a zero of the factor m · n = −k / l; the row leaves s · m = −t · n, so that m² = t · k / (s · l).
        let square = *t * k * (*s * l).inverse()?;
        let has_none = !m.is_empty() && !n.is_empty() && factor_terms.len() == 2;
        (has_none && !square.is_zero() && square.sqrt().is_none()).then(|| factor.clone())
    })
}
