//! A statement's rows on a witness, eight at a time.

use ark_bn254::Fr;
use ark_ff::Zero;

use crate::lanes::{LANES, Lanes, Row};

/// A sparse matrix, its rows grouped by eight of about one length.
pub(crate) struct SparseMatrix<L> {
    groups: Vec<Group>,
    terms: Vec<Term<L>>,
}

/// Eight rows, each a lane: which they are, and where their terms begin and end.
struct Group {
    rows: [u32; LANES],
    terms: std::ops::Range<usize>,
}

/// A term of each of eight rows: the wire by its number, and its coefficient.
struct Term<L> {
    wires: [u32; LANES],
    coefficients: L,
}

impl<L: Lanes<Field = Fr>> Term<L> {
    /// The wires' values.
    #[inline(always)]
    fn values(&self, wires: &[Row]) -> L {
        let mut rows = [&wires[0]; LANES];
        for (row, &wire) in rows.iter_mut().zip(&self.wires) {
            *row = &wires[wire as usize];
        }
        L::load(rows).0
    }
}

/// No row: a lane that only fills its group.
const NO_ROW: u32 = u32::MAX;

/// How many products of reduced elements are summed before the sum is reduced.
const UNREDUCED: usize = 4;

impl<L: Lanes<Field = Fr>> SparseMatrix<L> {
    /// A matrix from its rows' terms, `(wire, coefficient)`.
    pub(crate) fn new<'a>(rows: impl IntoIterator<Item = &'a [(u32, Fr)]>) -> Self {
        let mut rows: Vec<(u32, &[(u32, Fr)])> = (0..).zip(rows).collect();
        rows.retain(|(_, terms)| !terms.is_empty());
        rows.sort_by_key(|(_, terms)| terms.len());
        let (mut groups, mut all) = (Vec::new(), Vec::new());
        for rows in rows.chunks(LANES) {
            let longest = rows.iter().map(|(_, terms)| terms.len()).max().unwrap_or(0);
            let begun = all.len();
            for place in 0..longest {
                let term = |lane: usize| {
                    let terms = rows.get(lane).map_or(&[][..], |(_, terms)| terms);
                    terms.get(place).copied().unwrap_or((0, Fr::zero()))
                };
                all.push(Term {
                    wires: std::array::from_fn(|lane| term(lane).0),
                    coefficients: L::from_elements(std::array::from_fn(|lane| term(lane).1)),
                });
            }
            groups.push(Group {
                rows: std::array::from_fn(|lane| rows.get(lane).map_or(NO_ROW, |(row, _)| *row)),
                terms: begun..all.len(),
            });
        }
        Self { groups, terms: all }
    }

    /// How many terms the rows have, with those that only fill their group.
    pub(crate) fn terms(&self) -> usize {
        self.terms.len() * LANES
    }

    /// Each row's value on a witness, whose wires are the first elements of rows; a row without terms
    /// keeps its zero. The values are written as first elements of rows too, reduced.
    #[inline(always)]
    pub(crate) fn evaluate(&self, wires: &[Row], values: &mut [Row]) {
        let zero = L::splat(Fr::zero());
        for Group { rows, terms } in &self.groups {
            let mut sum = zero;
            for terms in self.terms[terms.clone()].chunks(UNREDUCED) {
                for two in terms.chunks(2) {
                    let products = match two {
                        [one, other] => {
                            let wires = [one.values(wires), other.values(wires)];
                            L::mul_two(wires, [one.coefficients, other.coefficients])
                        }
                        [one, ..] => [one.values(wires).mul(one.coefficients), zero],
                        [] => [zero; 2],
                    };
                    sum = sum.add(products[0]).add(products[1]).compact();
                }
                sum = sum.reduce();
            }
            let mut written = [Row::default(); LANES];
            L::store(sum, zero, &mut written);
            for (&row, written) in rows.iter().zip(written) {
                if row != NO_ROW {
                    values[row as usize] = written;
                }
            }
        }
    }
}
