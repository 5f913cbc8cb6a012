//! The quotient's values, by which the points of H go.
//!
//! With `a`, `b`, `c` the rows' values on a witness, continued as polynomials over the domain, the
//! quotient by the domain's vanishing polynomial is `a b - c` on the odd coset up to a factor that the
//! key holds: six transforms, circom's reduction (see [`crate::reduction`]).

use ark_bn254::Fr;
use ark_ff::{BigInt, BigInteger, Zero};
use praman_circuits::memory_lock::MemoryLock;
use zeroize::Zeroize;

use crate::lanes::{Kernel, LANES, Lanes, Numbers, Path, Row};
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
    /// The program of a statement with so many inputs, the constant one among them, for a path.
    pub(crate) fn new<P: Path<Scalar = L>>(_: P, rows: &[RowTerms<'_>], inputs: usize) -> Self {
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
    pub(crate) fn of_products<P: Path<Scalar = L>>(_: P, rows: &[[Vec<(u32, Fr)>; 2]]) -> Self {
        let matrix = |part: usize| SparseMatrix::new(rows.iter().map(|row| &row[part][..]));
        let transform = Transform::new(rows.len());
        Self { a: matrix(0), b: matrix(1), c: None, transform, rows: rows.len(), inputs: 0 }
    }

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
    pub(crate) space: &'a mut QuotientSpace<L>,
}

/// What a quotient is computed in.
pub(crate) struct QuotientSpace<L> {
    // Before what they lock, so that they are let go before it is.
    _locks: [MemoryLock; 2],
    /// The wires as rows, in their first elements.
    wires: Vec<Row>,
    /// A matrix's values, row by row.
    values: Vec<Row>,
    a: Vec<L>,
    b: Vec<L>,
    c: Vec<L>,
    other: Vec<L>,
    /// The result.
    pub(crate) quotient: Vec<BigInt<4>>,
}

impl<L: Lanes<Field = Fr>> QuotientSpace<L> {
    /// Room for a program on so many wires.
    pub(crate) fn new(program: &QuotientProgram<L>, wires: usize) -> Self {
        let vectors = program.transform.vectors();
        let wires = Vec::with_capacity(wires);
        let quotient = Vec::with_capacity(vectors * LANES);
        let _locks = [MemoryLock::new(&wires), MemoryLock::new(&quotient)];
        let lanes = || Vec::with_capacity(vectors);
        let (a, b, c, other) = (lanes(), lanes(), lanes(), lanes());
        Self {
            wires,
            values: Vec::with_capacity(vectors * LANES),
            a,
            b,
            c,
            other,
            quotient,
            _locks,
        }
    }

    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        (self.wires.capacity() + self.values.capacity()) * size_of::<Row>()
            + 4 * self.a.capacity() * size_of::<L>()
            + self.quotient.capacity() * size_of::<BigInt<4>>()
    }
}

impl<P: Path> Kernel<P> for Quotient<'_, P::Scalar> {
    type Output = Result<(), usize>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let QuotientProgram { a, b, c, transform, rows, inputs } = self.program;
        let zero = P::Scalar::splat(Fr::zero());
        let space = self.space;
        space.wires.clear();
        for wire in self.witness {
            space.wires.push(Row::of::<P::Scalar>(*wire, Fr::zero()));
        }
        let (wires, values) = (&space.wires[..], &mut space.values);
        values.resize(transform.vectors() * LANES, Row::default());
        evaluate(a, wires, *rows, &wires[..*inputs], values, &mut space.a);
        evaluate(b, wires, *rows, &[], values, &mut space.b);
        match c {
            Some(c) => evaluate(c, wires, *rows, &[], values, &mut space.c),
            None => {
                space.c.clear();
                for (a, b) in space.a.iter().zip(&space.b) {
                    space.c.push(a.mul(*b).reduce());
                }
            }
        }
        space.other.resize(transform.vectors(), zero);
        space.quotient.clear();
        let mut unsatisfied = None;
        for place in 0..transform.vectors() {
            let product = space.a[place].mul(space.b[place]);
            let differences = product.sub::<2>(space.c[place]).integers();
            if let Some(lane) = differences.iter().position(|difference| !difference.is_zero()) {
                unsatisfied = Some(place * LANES + lane);
                break;
            }
        }
        if unsatisfied.is_none() {
            for values in [&mut space.a, &mut space.b, &mut space.c] {
                transform.to_odd_coset(values, &mut space.other);
            }
            for place in 0..transform.vectors() {
                let value = space.a[place].mul(space.b[place]).sub::<2>(space.c[place]);
                space.quotient.extend_from_slice(&value.integers());
            }
        }
        space.wires.zeroize();
        space.values.zeroize();
        for values in [&mut space.a, &mut space.b, &mut space.c, &mut space.other] {
            values.fill(zero);
            std::hint::black_box(values);
        }
        unsatisfied.map_or(Ok(()), Err)
    }
}

/// A matrix's values with further ones behind them, in vectors.
#[inline(always)]
fn evaluate<L: Lanes<Field = Fr>>(
    matrix: &SparseMatrix<L>,
    wires: &[Row],
    rows: usize,
    behind: &[Row],
    values: &mut [Row],
    vectors: &mut Vec<L>,
) {
    values.fill(Row::default());
    matrix.evaluate(wires, values);
    values[rows..rows + behind.len()].copy_from_slice(behind);
    vectors.clear();
    for rows in values.chunks_exact(LANES) {
        let mut eight = [&rows[0]; LANES];
        for (place, row) in eight.iter_mut().zip(rows) {
            *place = row;
        }
        vectors.push(L::load(eight).0);
    }
}
