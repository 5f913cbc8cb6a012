//! The quotient's values, by which the points of H go.
//!
//! With `a`, `b`, `c` the rows' values on a witness, continued as polynomials over the domain, the
//! quotient by the domain's vanishing polynomial is `a b - c` on the odd coset up to a factor that the
//! key holds: six transforms, circom's reduction (see [`crate::reduction`]).

use ark_bn254::Fr;
use ark_ff::{BigInt, BigInteger, Zero};
use zeroize::Zeroize;

use crate::lanes::{Kernel, LANES, Lanes, Path, Row};
use crate::matrices::SparseMatrix;
use crate::transform::Transform;

/// A statement as the quotient's computation takes it.
pub(crate) struct QuotientProgram<L> {
    a: SparseMatrix<L>,
    b: SparseMatrix<L>,
    /// None where C is what the product of A and B makes it.
    c: Option<SparseMatrix<L>>,
    transform: Transform<L>,
    rows: usize,
    /// The constant one and the public inputs: each has a row of its own behind the statement's, so
    /// that none is left out of A.
    inputs: usize,
}

/// A statement's row: the terms of A, B and C, each a wire with its coefficient.
pub(crate) type RowTerms<'a> = [&'a [(u32, Fr)]; 3];

impl<L: Lanes<Field = Fr>> QuotientProgram<L> {
    /// The program of a statement with so many inputs, the constant one among them.
    pub(crate) fn new(rows: &[RowTerms<'_>], inputs: usize) -> Self {
        let matrix = |part: usize| SparseMatrix::new(rows.iter().map(|row| row[part]));
        Self {
            a: matrix(0),
            b: matrix(1),
            c: Some(matrix(2)),
            transform: Transform::new((rows.len() + inputs).next_power_of_two()),
            rows: rows.len(),
            inputs,
        }
    }

    /// The program of rows of A and B alone, as many as the domain has; every witness satisfies them.
    pub(crate) fn of_products(rows: &[[Vec<(u32, Fr)>; 2]]) -> Self {
        let matrix = |part: usize| SparseMatrix::new(rows.iter().map(|row| &row[part][..]));
        let transform = Transform::new(rows.len());
        Self { a: matrix(0), b: matrix(1), c: None, transform, rows: rows.len(), inputs: 0 }
    }
}

impl<L: Lanes<Field = Fr>> QuotientProgram<L> {
    /// How many products the rows take, and the six transforms with what lies between and behind them.
    pub(crate) fn products(&self) -> (usize, usize) {
        let terms =
            self.a.terms() + self.b.terms() + self.c.as_ref().map_or(0, SparseMatrix::terms);
        let size = self.transform.vectors() * LANES;
        let transforms = 6 * (size / 2) * size.ilog2() as usize;
        // The coset's factors, the check, the quotient, and the way to integers.
        (terms, transforms + (3 + 2 + 2) * size)
    }
}

/// Computes the quotient of a witness: an integer for each point of H.
///
/// Refuses a witness that does not satisfy the statement, with the number of its first false row.
pub(crate) struct Quotient<'a, L> {
    pub(crate) program: &'a QuotientProgram<L>,
    pub(crate) witness: &'a [Fr],
}

impl<L: Lanes<Field = Fr>> Kernel for Quotient<'_, L> {
    type Output = Result<Vec<BigInt<4>>, usize>;

    #[inline(always)]
    fn run<P: Path>(self) -> Self::Output {
        let QuotientProgram { a, b, c, transform, rows, inputs } = self.program;
        let zero = L::splat(Fr::zero());
        let mut wires: Vec<Row> = self.witness.iter().map(row::<L>).collect();
        let mut values = vec![Row::default(); transform.vectors() * LANES];
        let inputs = &wires[..*inputs];
        let mut a = evaluated(a, &wires, *rows, inputs, &mut values);
        let mut b = evaluated(b, &wires, *rows, &[], &mut values);
        let mut c = match c {
            Some(c) => evaluated(c, &wires, *rows, &[], &mut values),
            None => {
                let mut products = Vec::with_capacity(a.len());
                for place in 0..a.len() {
                    products.push(a[place].mul(b[place]).reduce());
                }
                products
            }
        };
        let mut other = vec![zero; transform.vectors()];
        let mut quotient = Vec::with_capacity(transform.vectors() * LANES);
        let mut unsatisfied = None;
        for place in 0..transform.vectors() {
            let differences = a[place].mul(b[place]).sub::<2>(c[place]).integers();
            if let Some(lane) = differences.iter().position(|difference| !difference.is_zero()) {
                unsatisfied = Some(place * LANES + lane);
                break;
            }
        }
        if unsatisfied.is_none() {
            for values in [&mut a, &mut b, &mut c] {
                transform.to_odd_coset(values, &mut other);
            }
            for place in 0..transform.vectors() {
                let value = a[place].mul(b[place]).sub::<2>(c[place]);
                quotient.extend_from_slice(&value.integers());
            }
        }
        wires.zeroize();
        values.zeroize();
        for values in [&mut a, &mut b, &mut c, &mut other] {
            values.fill(zero);
            std::hint::black_box(values);
        }
        unsatisfied.map_or(Ok(quotient), Err)
    }
}

/// A matrix's values with further ones behind them, in vectors.
#[inline(always)]
fn evaluated<L: Lanes<Field = Fr>>(
    matrix: &SparseMatrix<L>,
    wires: &[Row],
    rows: usize,
    behind: &[Row],
    values: &mut [Row],
) -> Vec<L> {
    values.fill(Row::default());
    matrix.evaluate(wires, values);
    values[rows..rows + behind.len()].copy_from_slice(behind);
    let mut vectors = Vec::with_capacity(values.len() / LANES);
    for rows in values.chunks_exact(LANES) {
        let mut eight = [&rows[0]; LANES];
        for (place, row) in eight.iter_mut().zip(rows) {
            *place = row;
        }
        vectors.push(L::load(eight).0);
    }
    vectors
}

fn row<L: Lanes<Field = Fr>>(element: &Fr) -> Row {
    let mut words = [0; 8];
    words[..4].copy_from_slice(&L::pack(*element));
    Row(words)
}
