//! Sparse linear forms over wires.

use ark_bn254::Fr;
use ark_ff::Zero;

use crate::constraint_system::WireIndex;

/// A sum of `coefficient · wire`, sorted by wire, without zero coefficients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinearCombination {
    terms: Vec<(WireIndex, Fr)>,
}

impl LinearCombination {
    /// The empty form, zero.
    pub fn zero() -> Self {
        Self::default()
    }

    /// `coefficient · wire`.
    pub fn term(wire: WireIndex, coefficient: Fr) -> Self {
        let terms = if coefficient.is_zero() { Vec::new() } else { vec![(wire, coefficient)] };
        Self { terms }
    }

    /// A form from terms that already ascend by wire.
    #[cfg(test)]
    pub(crate) fn from_sorted(terms: Vec<(WireIndex, Fr)>) -> Self {
        Self { terms }
    }

    /// The terms, ascending by wire.
    pub fn terms(&self) -> &[(WireIndex, Fr)] {
        &self.terms
    }

    /// This form times a constant.
    pub fn scale(&self, factor: Fr) -> Self {
        if factor.is_zero() {
            return Self::zero();
        }
        Self { terms: self.terms.iter().map(|&(wire, c)| (wire, c * factor)).collect() }
    }

    /// `self += other · factor`.
    pub fn add_scaled(&mut self, other: &Self, factor: Fr) {
        if factor.is_zero() || other.terms.is_empty() {
            return;
        }
        // Most sums append one newer wire: no need to merge.
        if self.terms.last().is_none_or(|last| last.0 < other.terms[0].0) {
            self.terms.extend(other.terms.iter().map(|&(wire, c)| (wire, c * factor)));
            return;
        }
        let mut merged = Vec::with_capacity(self.terms.len() + other.terms.len());
        let (mut left, mut right) = (self.terms.iter().peekable(), other.terms.iter().peekable());
        loop {
            match (left.peek(), right.peek()) {
                (Some(&&(l, c)), Some(&&(r, d))) if l == r => {
                    let sum = c + d * factor;
                    if !sum.is_zero() {
                        merged.push((l, sum));
                    }
                    left.next();
                    right.next();
                }
                (Some(&&(l, c)), Some(&&(r, _))) if l < r => {
                    merged.push((l, c));
                    left.next();
                }
                (_, Some(&&(r, d))) => {
                    merged.push((r, d * factor));
                    right.next();
                }
                (Some(&&term), None) => {
                    merged.push(term);
                    left.next();
                }
                (None, None) => break,
            }
        }
        self.terms = merged;
    }

    /// The form's value under an assignment.
    pub fn evaluate(&self, assignment: &[Fr]) -> Fr {
        self.terms.iter().map(|&(wire, c)| c * assignment[wire as usize]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(terms: &[(u32, u64)]) -> LinearCombination {
        LinearCombination { terms: terms.iter().map(|&(w, c)| (w, Fr::from(c))).collect() }
    }

    #[test]
    fn sums_merge_cancel_and_stay_sorted() {
        let mut sum = form(&[(1, 2), (4, 5), (9, 1)]);
        sum.add_scaled(&form(&[(0, 1), (4, 5), (7, 3)]), -Fr::from(1u64));
        let expected: Vec<_> = vec![
            (0, -Fr::from(1u64)),
            (1, Fr::from(2u64)),
            (7, -Fr::from(3u64)),
            (9, Fr::from(1u64)),
        ];
        assert_eq!(sum.terms(), expected);
        sum.add_scaled(&sum.clone(), -Fr::from(1u64));
        assert!(sum.terms().is_empty());
    }

    #[test]
    fn appending_a_newer_wire_equals_merging() {
        let mut sum = form(&[(1, 2)]);
        sum.add_scaled(&form(&[(3, 4), (5, 6)]), Fr::from(2u64));
        assert_eq!(sum, form(&[(1, 2), (3, 8), (5, 12)]));
    }
}
