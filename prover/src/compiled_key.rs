//! A key and its statement, compiled for a path of arithmetic.

use std::path::Path as FilePath;
use std::time::{Duration, Instant};

use ark_bn254::{Bn254, Fr, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInt, PrimeField};
use ark_groth16::{Proof, ProvingKey};
use praman_circuits::memory_lock::MemoryLock;
use zeroize::Zeroize;

use crate::arkworks::ArkworksEngine;
use crate::buckets::SumSpace;
use crate::coordinate::{Curve, G1, G2};
use crate::engine::Cores;
use crate::lanes::Path;
use crate::msm::{MsmSpace, SpareSums, additions, msm};
use crate::quotient::{Quotient, QuotientProgram, QuotientSpace};
use crate::scalars::Scalars;
use crate::table_file::TableFile;
use crate::tables::{MemoryBudget, Points, Table};
use crate::workspace::Spare;

/// How long the parts of a proof took, each on whatever threads it had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// The rows' values, their check, and the six transforms.
    pub quotient: Duration,
    /// The sum for A.
    pub a: Duration,
    /// The sum for B in G1.
    pub b1: Duration,
    /// The sum for B in G2.
    pub b2: Duration,
    /// The sum for C: private wires and quotient.
    pub c: Duration,
}

/// The field products that a proof takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProductCount {
    /// Of the base field, six for each addition in G1.
    pub g1: usize,
    /// Of the base field, fifteen for each addition in G2.
    pub g2: usize,
    /// Of the scalar field, for the rows' values.
    pub rows: usize,
    /// Of the scalar field, for the transforms and the quotient.
    pub transforms: usize,
}

impl ProductCount {
    /// All of them.
    pub fn total(self) -> usize {
        let Self { g1, g2, rows, transforms } = self;
        g1 + g2 + rows + transforms
    }
}

/// Why no proof is made.
pub(crate) enum Refusal {
    /// So many wires are not the key's.
    Length(usize),
    /// The first row that is not satisfied.
    Row(usize),
    /// The engine failed.
    Failed(String),
}

/// What proves by one key, whatever the path.
pub(crate) trait ProvesByKey: Send + Sync {
    /// The path of arithmetic.
    fn arithmetic(&self) -> &'static str;

    /// The proof of a witness with a blinding.
    fn prove(
        &self,
        witness: &[Fr],
        blinding: (Fr, Fr),
        cores: Cores,
    ) -> Result<(Proof<Bn254>, Stages), Refusal>;

    /// Products for a witness, its blinding not counted.
    fn products(&self, witness: &[Fr]) -> ProductCount;

    /// What one proof is made in, in bytes.
    fn bytes_per_proof(&self) -> usize;

    /// In how much of that proofs were made so far that went on at a time.
    #[cfg(test)]
    fn workspaces(&self) -> usize {
        0
    }
}

/// What proving takes on one path.
pub(crate) struct CompiledKey<P: Path> {
    path: P,
    quotient: QuotientProgram<P::Scalar>,
    tables: Tables,
    /// All wires; the blinding's two scalars come behind them.
    wires: usize,
    spare: Spare<Workspace<P>>,
    g1_sums: SpareSums<G1, P>,
    g2_sums: SpareSums<G2, P>,
}

/// The multiples of a key's points.
struct Tables {
    a: Table<G1>,
    b1: Table<G1>,
    b2: Table<G2>,
    /// Points of the private wires, of the quotient, and the blinding's.
    c: Table<G1>,
}

/// What one proof is made in.
struct Workspace<P: Path> {
    // Before the wires, so that it is let go before they are: what is given back to the system can't be
    // unlocked any more.
    _lock: MemoryLock,
    wires: Vec<BigInt<4>>,
    quotient: QuotientSpace<P::Scalar>,
    a: MsmSpace<G1>,
    b1: MsmSpace<G1>,
    b2: MsmSpace<G2>,
    c: MsmSpace<G1>,
}

/// Bytes of the parts of a key, by how many rows their points take.
const SHARES: [usize; 4] = [1, 1, 2, 2];

/// A query's points with their scalars' numbers. Wire 0 is one, so a constant goes by it; the blinding's
/// scalar comes behind the wires.
fn with_constants<C: Curve>(
    query: &[C::Affine],
    constant: C::Affine,
    blinding: C::Affine,
    bytes: usize,
) -> Points<C> {
    let first = (0, (query[0].into_group() + constant).into_affine());
    let others = (1..).zip(query[1..].iter().copied());
    let all = std::iter::once(first).chain(others).chain([(query.len() as u32, blinding)]);
    Points::new(all, bytes)
}

impl Tables {
    /// A key's tables, from their file or made; `None` where there is no memory for them.
    fn new<P: Path>(
        path: P,
        key: &ProvingKey<Bn254>,
        budget: MemoryBudget,
        kept: Option<(&FilePath, &[u8; 32])>,
    ) -> Option<Self> {
        let (wires, inputs) = (key.a_query.len(), key.vk.gamma_abc_g1.len());
        let share = |part: usize| budget.0 / SHARES.iter().sum::<usize>() * SHARES[part];
        let vk = &key.vk;
        let a = with_constants::<G1>(&key.a_query, vk.alpha_g1, key.delta_g1, share(0));
        let b1 = with_constants::<G1>(&key.b_g1_query, key.beta_g1, key.delta_g1, share(1));
        let b2 = with_constants::<G2>(&key.b_g2_query, vk.beta_g2, vk.delta_g2, share(2));
        let private = (inputs as u32..).zip(key.l_query.iter().copied());
        let by_quotient = (wires as u32 + 1..).zip(key.h_query.iter().copied());
        let c = private.chain([(wires as u32, key.delta_g1)]).chain(by_quotient);
        let c = Points::<G1>::new(c, share(3));
        let file = kept.map(|(folder, digest)| {
            let shapes = [a.shape(), b1.shape(), b2.shape(), c.shape()];
            TableFile::new(folder, P::NAME, digest, shapes)
        });
        let [a_rows, b1_rows, b2_rows, c_rows] = match file.as_ref().and_then(TableFile::map) {
            Some(rows) => rows,
            None => {
                let made = [
                    a.multiples(path)?,
                    b1.multiples(path)?,
                    b2.multiples(path)?,
                    c.multiples(path)?,
                ];
                if let Some(file) = &file {
                    let _ = file.write(made.each_ref().map(|rows| &rows[..]));
                }
                made
            }
        };
        let (a, b1, b2, c) = (a.with(a_rows), b1.with(b1_rows), b2.with(b2_rows), c.with(c_rows));
        Some(Self { a, b1, b2, c })
    }
}

impl<P: Path> CompiledKey<P> {
    /// A key's tables, from a file in a folder where they fit; else they are made, and written there if
    /// it is possible: nothing depends on it.
    pub(crate) fn new(
        path: P,
        key: &ProvingKey<Bn254>,
        quotient: QuotientProgram<P::Scalar>,
        budget: MemoryBudget,
        kept: Option<(&FilePath, &[u8; 32])>,
    ) -> Self {
        let mut budget = budget;
        let tables = loop {
            if let Some(tables) = Tables::new(path, key, budget, kept) {
                break tables;
            }
            assert!(budget.0 > 0, "there is memory for the key's own points");
            budget.0 /= 2;
        };
        Self {
            path,
            quotient,
            tables,
            wires: key.a_query.len(),
            spare: Spare::default(),
            g1_sums: Spare::default(),
            g2_sums: Spare::default(),
        }
    }

    fn workspace(&self) -> Workspace<P> {
        let wires = Vec::with_capacity(self.wires);
        Workspace {
            _lock: MemoryLock::new(&wires),
            wires,
            quotient: QuotientSpace::new(&self.quotient, self.wires),
            a: MsmSpace::new(&self.tables.a),
            b1: MsmSpace::new(&self.tables.b1),
            b2: MsmSpace::new(&self.tables.b2),
            c: MsmSpace::new(&self.tables.c),
        }
    }

    fn prove_in(
        &self,
        space: &mut Workspace<P>,
        witness: &[Fr],
        (r, s): (Fr, Fr),
        cores: Cores,
    ) -> Result<(Proof<Bn254>, Stages), Refusal> {
        let (path, g1_sums, g2_sums) = (self.path, &self.g1_sums, &self.g2_sums);
        let Workspace { wires, quotient, a, b1, b2, c, .. } = space;
        let wires = &wires[..];
        let [mut by_r, mut by_s, mut by_both] = [r, s, -(r * s)].map(PrimeField::into_bigint);
        let with = |blinding| Scalars { wires, blinding, quotient: &[] };
        let sum_c = || {
            let program = Quotient { program: &self.quotient, witness, space: &mut *quotient };
            let (satisfied, quotient_time) = timed(|| path.run(program));
            satisfied.map_err(Refusal::Row)?;
            let scalars = Scalars { quotient: &quotient.quotient, ..with(&by_both) };
            let (sum, time): (G1Projective, _) =
                timed(|| msm(path, &self.tables.c, scalars, c, g1_sums, cores));
            Ok((sum, quotient_time, time))
        };
        let ((c, (b2, b2_time)), ((a, a_time), (b1, b1_time))) = cores.join(
            || {
                cores.join(sum_c, || {
                    timed(|| msm(path, &self.tables.b2, with(&by_s), b2, g2_sums, cores))
                })
            },
            || {
                cores.join(
                    || timed(|| msm(path, &self.tables.a, with(&by_r), a, g1_sums, cores)),
                    || timed(|| msm(path, &self.tables.b1, with(&by_s), b1, g1_sums, cores)),
                )
            },
        );
        [&mut by_r, &mut by_s, &mut by_both].into_iter().for_each(Zeroize::zeroize);
        let (c, quotient, c_time) = c?;
        let c = c + a * s + b1 * r;
        let proof = Proof { a: a.into_affine(), b: b2.into_affine(), c: c.into_affine() };
        Ok((proof, Stages { quotient, a: a_time, b1: b1_time, b2: b2_time, c: c_time }))
    }
}

impl<P: Path> ProvesByKey for CompiledKey<P> {
    fn arithmetic(&self) -> &'static str {
        P::NAME
    }

    fn prove(
        &self,
        witness: &[Fr],
        blinding: (Fr, Fr),
        cores: Cores,
    ) -> Result<(Proof<Bn254>, Stages), Refusal> {
        if witness.len() != self.wires {
            return Err(Refusal::Length(witness.len()));
        }
        let mut space = self.spare.take(|| self.workspace());
        space.wires.extend(witness.iter().map(|wire| wire.into_bigint()));
        let proof = self.prove_in(&mut space, witness, blinding, cores);
        space.wires.zeroize();
        space.quotient.quotient.zeroize();
        self.spare.keep(space);
        proof
    }

    fn products(&self, witness: &[Fr]) -> ProductCount {
        let wires: Vec<BigInt<4>> = witness.iter().map(|wire| wire.into_bigint()).collect();
        let zero = BigInt::from(0u64);
        let mut space = QuotientSpace::new(&self.quotient, self.wires);
        let program = Quotient { program: &self.quotient, witness, space: &mut space };
        if self.path.run(program).is_err() {
            return ProductCount::default();
        }
        let scalars = Scalars { wires: &wires, blinding: &zero, quotient: &space.quotient };
        let g1 = additions(&self.tables.a, scalars) + additions(&self.tables.b1, scalars);
        let g1 = g1 + additions(&self.tables.c, scalars);
        let (rows, transforms) = self.quotient.products();
        ProductCount { g1: 6 * g1, g2: 15 * additions(&self.tables.b2, scalars), rows, transforms }
    }

    #[cfg(test)]
    fn workspaces(&self) -> usize {
        self.spare.count()
    }

    fn bytes_per_proof(&self) -> usize {
        let Workspace { wires, quotient, a, b1, b2, c, .. } = self.workspace();
        wires.capacity() * size_of::<BigInt<4>>()
            + quotient.bytes()
            + [a.bytes(), b1.bytes(), b2.bytes(), c.bytes()].iter().sum::<usize>()
            + SumSpace::<G1, P>::new(self.path).bytes()
            + SumSpace::<G2, P>::new(self.path).bytes()
    }
}

/// What is too small to be transformed eight by eight goes by arkworks.
impl ProvesByKey for ArkworksEngine {
    fn arithmetic(&self) -> &'static str {
        "arkworks"
    }

    fn prove(
        &self,
        witness: &[Fr],
        (r, s): (Fr, Fr),
        _: Cores,
    ) -> Result<(Proof<Bn254>, Stages), Refusal> {
        if witness.len() != self.wires() {
            return Err(Refusal::Length(witness.len()));
        }
        if let Some(row) = self.unsatisfied_row(witness) {
            return Err(Refusal::Row(row));
        }
        let proof = self.create_proof(witness, r, s).map_err(Refusal::Failed)?;
        Ok((proof, Stages::default()))
    }

    fn products(&self, _: &[Fr]) -> ProductCount {
        ProductCount::default()
    }

    fn bytes_per_proof(&self) -> usize {
        0
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    (work(), started.elapsed())
}
