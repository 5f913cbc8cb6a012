//! Groth16 proofs for a key that never changes, from tables of its points.

use std::path::Path as FilePath;
use std::time::{Duration, Instant};

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInt, PrimeField, UniformRand};
use ark_groth16::ProvingKey;
use praman_circuits::circuit::{Circuit, Witness};
use praman_circuits::constraint_system::ClauseCount;
use praman_verifier::{Proof, VerifyingKey};
use rand::{CryptoRng, RngCore};
use zeroize::Zeroize;

use crate::arkworks::ArkworksEngine;
use crate::coordinate::{G1, G2};
use crate::engine::{Engine, ProvingError};
use crate::key_store::KeyError;
use crate::keys::Keys;
#[cfg(target_arch = "x86_64")]
use crate::lanes::Ifma;
use crate::lanes::{Path, Portable, Row};
use crate::msm::{additions, msm};
use crate::quotient::{Quotient, QuotientProgram, RowTerms};
use crate::table_file::{KeptRows, TableFile};
use crate::tables::{MemoryBudget, Table};
use crate::transform::SMALLEST;
use crate::zkey::ForeignKey;

/// Proves one key's statement from tables of its points.
pub struct FixedKeyEngine {
    circuit: &'static str,
    clauses: Vec<ClauseCount>,
    wires: usize,
    verifying: VerifyingKey,
    prover: AnyPath,
}

enum AnyPath {
    #[cfg(target_arch = "x86_64")]
    Ifma(OnPath<Ifma>),
    Portable(OnPath<Portable>),
    /// What is too small to be transformed eight by eight.
    Small(Box<ArkworksEngine>),
}

/// Which arithmetic an engine computes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// The fastest that this processor has.
    Fastest,
    /// What every processor has.
    Portable,
}

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

impl Arithmetic {
    /// The path that it comes to on this processor.
    fn path_name(self) -> &'static str {
        #[cfg(target_arch = "x86_64")]
        if self == Self::Fastest && Ifma::detect().is_some() {
            return Ifma::NAME;
        }
        Portable::NAME
    }
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

/// What proving takes on one path of arithmetic.
struct OnPath<P: Path> {
    path: P,
    quotient: QuotientProgram<P::Scalar>,
    a: Table<G1>,
    b1: Table<G1>,
    b2: Table<G2>,
    /// Points of the private wires, of the quotient, and the blinding's.
    c: Table<G1>,
    /// All wires; the blinding's two scalars come behind them.
    wires: usize,
}

/// Bytes of the parts of a key, by how many rows their points take.
const SHARES: [usize; 4] = [1, 1, 2, 2];

impl<P: Path> OnPath<P> {
    fn new(
        path: P,
        key: &ProvingKey<Bn254>,
        quotient: QuotientProgram<P::Scalar>,
        budget: MemoryBudget,
        kept: &mut KeptRows,
    ) -> Self {
        let (wires, inputs) = (key.a_query.len(), key.vk.gamma_abc_g1.len());
        let numbered = |from: usize| from as u32..;
        let share = |part: usize| budget.0 / SHARES.iter().sum::<usize>() * SHARES[part];
        let vk = &key.vk;
        // Wire 0 is one: alpha and beta go by it. The blinding's scalars come behind the wires.
        let blinding = wires as u32;
        let constant =
            |query: &[G1Affine], point: G1Affine| (query[0].into_group() + point).into_affine();
        let mut g1 = |query: &[G1Affine], point, part| {
            let first = (0, constant(query, point));
            let others = numbered(1).zip(query[1..].iter().copied());
            let all = std::iter::once(first).chain(others).chain([(blinding, key.delta_g1)]);
            Table::new::<P>(all, share(part), kept)
        };
        let a = g1(&key.a_query, vk.alpha_g1, 0);
        let b1 = g1(&key.b_g1_query, key.beta_g1, 1);
        let b2 = {
            let first = (0, (key.b_g2_query[0].into_group() + vk.beta_g2).into_affine());
            let others = numbered(1).zip(key.b_g2_query[1..].iter().copied());
            let all = std::iter::once(first).chain(others).chain([(blinding, vk.delta_g2)]);
            Table::new::<P>(all, share(2), kept)
        };
        let private = numbered(inputs).zip(key.l_query.iter().copied());
        let by_quotient = numbered(wires + 1).zip(key.h_query.iter().copied());
        let c = private.chain([(blinding, key.delta_g1)]).chain(by_quotient);
        let c = Table::new::<P>(c, share(3), kept);
        Self { path, quotient, a, b1, b2, c, wires }
    }

    /// The tables' rows, in the order in which they are made.
    fn tables(&self) -> Vec<&[Row]> {
        vec![&self.a.rows, &self.b1.rows, &self.b2.rows, &self.c.rows]
    }

    /// Products for a witness, its blinding not counted.
    fn products(&self, witness: &[Fr]) -> ProductCount {
        let mut scalars: Vec<BigInt<4>> = witness.iter().map(|wire| wire.into_bigint()).collect();
        scalars.push(BigInt::from(0u64));
        let quotient = Quotient { program: &self.quotient, witness };
        let mut all = scalars.clone();
        all.extend(self.path.run(quotient).unwrap_or_default());
        all.resize(all.len().max(self.wires + 1 + self.c.points()), BigInt::from(0u64));
        let g1 = additions(&self.a, &scalars) + additions(&self.b1, &scalars);
        let g1 = g1 + additions(&self.c, &all);
        let (rows, transforms) = self.quotient.products();
        ProductCount { g1: 6 * g1, g2: 15 * additions(&self.b2, &scalars), rows, transforms }
    }

    fn prove(
        &self,
        witness: &[Fr],
        r: Fr,
        s: Fr,
    ) -> Result<(ark_groth16::Proof<Bn254>, Stages), Refusal> {
        if witness.len() != self.wires {
            return Err(Refusal::Length(witness.len()));
        }
        let path = self.path;
        let mut scalars: Vec<BigInt<4>> = Vec::with_capacity(self.wires + 1 + self.c.points());
        scalars.extend(witness.iter().map(|wire| wire.into_bigint()));
        let with = |last: Fr| {
            let mut scalars = scalars.clone();
            scalars.push(last.into_bigint());
            scalars
        };
        let (mut by_r, mut by_s) = (with(r), with(s));
        let sum_c = || {
            let mut all = with(-(r * s));
            let program = Quotient { program: &self.quotient, witness };
            let (quotient, quotient_time) = timed(|| path.run(program));
            let mut quotient = quotient.map_err(Refusal::Row)?;
            all.extend_from_slice(&quotient);
            let (sum, time): (G1Projective, _) = timed(|| msm(path, &self.c, &all));
            wipe(&mut quotient);
            wipe(&mut all);
            Ok((sum, quotient_time, time))
        };
        let ((c, (b2, b2_time)), ((a, a_time), (b1, b1_time))) = rayon::join(
            || rayon::join(sum_c, || timed(|| msm(path, &self.b2, &by_s))),
            || {
                rayon::join(
                    || timed(|| msm(path, &self.a, &by_r)),
                    || timed(|| msm(path, &self.b1, &by_s)),
                )
            },
        );
        wipe(&mut scalars);
        wipe(&mut by_r);
        wipe(&mut by_s);
        let (c, quotient, c_time) = c?;
        let c = c + a * s + b1 * r;
        let proof =
            ark_groth16::Proof { a: a.into_affine(), b: b2.into_affine(), c: c.into_affine() };
        Ok((proof, Stages { quotient, a: a_time, b1: b1_time, b2: b2_time, c: c_time }))
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    (work(), started.elapsed())
}

fn wipe(scalars: &mut [BigInt<4>]) {
    scalars.iter_mut().for_each(|BigInt(words)| words.zeroize());
}

/// Why no proof is made.
enum Refusal {
    Length(usize),
    Row(usize),
}

impl FixedKeyEngine {
    /// An engine for a circuit and its keys, whose tables take about so many bytes and are made now.
    ///
    /// # Panics
    /// If the keys are another circuit's, which [`KeyStore`](crate::KeyStore) never returns.
    pub fn new(circuit: &Circuit, keys: &Keys, budget: MemoryBudget, by: Arithmetic) -> Self {
        Self::with_rows(circuit, keys, budget, by, &mut KeptRows::default())
    }

    /// As [`FixedKeyEngine::new`], with tables from a file in a folder, which is written where there is
    /// none that fits. That it can't be written, as on a full disk, costs the time to make tables again.
    ///
    /// # Panics
    /// As [`FixedKeyEngine::new`].
    pub fn in_folder(
        folder: &FilePath,
        circuit: &Circuit,
        keys: &Keys,
        budget: MemoryBudget,
        by: Arithmetic,
    ) -> Self {
        let file = TableFile::new(folder, by.path_name(), &keys.proving_digest, budget);
        let mut kept = file.read();
        let engine = Self::with_rows(circuit, keys, budget, by, &mut kept);
        if !kept.were_all() {
            // Nothing depends on it.
            let _ = file.write(engine.tables());
        }
        engine
    }

    fn with_rows(
        circuit: &Circuit,
        keys: &Keys,
        budget: MemoryBudget,
        by: Arithmetic,
        kept: &mut KeptRows,
    ) -> Self {
        assert_eq!(keys.circuit(), circuit.digest(), "the keys are this circuit's");
        let rows: Vec<RowTerms<'_>> = circuit
            .rows()
            .iter()
            .map(|row| [row.a.terms(), row.b.terms(), row.c.terms()])
            .collect();
        let prover = if circuit.domain() < SMALLEST {
            AnyPath::Small(Box::new(ArkworksEngine::new(circuit, keys.clone())))
        } else {
            let rows = Rows::Statement(&rows, circuit.public_inputs() + 1);
            AnyPath::new(&keys.proving, &rows, budget, by, kept)
        };
        Self {
            circuit: circuit.name(),
            clauses: circuit.clauses().to_vec(),
            wires: circuit.wires(),
            verifying: keys.verifying.clone(),
            prover,
        }
    }

    /// An engine for another's key.
    ///
    /// The key's file has no C: a witness that breaks a row is not refused before a proof is made, but
    /// its proof by [`Prover`](crate::Prover) after.
    ///
    /// # Errors
    /// [`KeyError::Setup`] for a domain of less than 64 rows.
    pub fn of_foreign(
        key: &ForeignKey,
        budget: MemoryBudget,
        by: Arithmetic,
    ) -> Result<Self, KeyError> {
        if key.domain < SMALLEST {
            let reason = format!("a domain of {} rows is too small: 64 at least", key.domain);
            return Err(KeyError::Setup(reason));
        }
        let rows = Rows::Products(&key.rows);
        let prover = AnyPath::new(&key.proving, &rows, budget, by, &mut KeptRows::default());
        Ok(Self {
            circuit: "foreign",
            clauses: Vec::new(),
            wires: key.proving.a_query.len(),
            verifying: key.verifying.clone(),
            prover,
        })
    }

    /// All tables' rows.
    fn tables(&self) -> Vec<&[Row]> {
        match &self.prover {
            #[cfg(target_arch = "x86_64")]
            AnyPath::Ifma(prover) => prover.tables(),
            AnyPath::Portable(prover) => prover.tables(),
            AnyPath::Small(_) => Vec::new(),
        }
    }

    /// Which arithmetic it computes by.
    pub fn arithmetic(&self) -> &'static str {
        match &self.prover {
            #[cfg(target_arch = "x86_64")]
            AnyPath::Ifma(_) => Ifma::NAME,
            AnyPath::Portable(_) => Portable::NAME,
            AnyPath::Small(_) => "arkworks",
        }
    }

    /// How many products the proof of a witness takes; none are counted of a small circuit.
    pub fn products(&self, witness: &Witness) -> ProductCount {
        match &self.prover {
            #[cfg(target_arch = "x86_64")]
            AnyPath::Ifma(prover) => prover.products(witness.assignment()),
            AnyPath::Portable(prover) => prover.products(witness.assignment()),
            AnyPath::Small(_) => ProductCount::default(),
        }
    }

    /// The proof of a witness with a given blinding.
    ///
    /// # Errors
    /// [`ProvingError::Unsatisfied`] if the statement does not hold.
    pub fn prove_with(&self, witness: &Witness, r: Fr, s: Fr) -> Result<Proof, ProvingError> {
        Ok(self.prove_in_stages(witness, r, s)?.0)
    }

    /// As [`FixedKeyEngine::prove_with`], telling how long each part took.
    ///
    /// # Errors
    /// [`ProvingError::Unsatisfied`] if the statement does not hold.
    pub fn prove_in_stages(
        &self,
        witness: &Witness,
        r: Fr,
        s: Fr,
    ) -> Result<(Proof, Stages), ProvingError> {
        let proof = match &self.prover {
            #[cfg(target_arch = "x86_64")]
            AnyPath::Ifma(prover) => prover.prove(witness.assignment(), r, s),
            AnyPath::Portable(prover) => prover.prove(witness.assignment(), r, s),
            AnyPath::Small(prover) => {
                return Ok((prover.prove_with(witness, r, s)?, Stages::default()));
            }
        };
        let (proof, stages) = proof.map_err(|refusal| match refusal {
            Refusal::Row(row) => ProvingError::unsatisfied(self.circuit, &self.clauses, row),
            Refusal::Length(found) => ProvingError::Engine(format!(
                "the witness has {found} wires, the key is for {}",
                self.wires
            )),
        })?;
        let proof = Proof::new(proof).map_err(|error| ProvingError::Engine(error.to_string()))?;
        Ok((proof, stages))
    }
}

/// Rows of a statement, as praman or as others have them.
enum Rows<'a> {
    Statement(&'a [RowTerms<'a>], usize),
    Products(&'a [[Vec<(u32, Fr)>; 2]]),
}

impl Rows<'_> {
    fn program<P: Path>(&self) -> QuotientProgram<P::Scalar> {
        match self {
            Self::Statement(rows, inputs) => QuotientProgram::new(rows, *inputs),
            Self::Products(rows) => QuotientProgram::of_products(rows),
        }
    }
}

impl AnyPath {
    fn new(
        key: &ProvingKey<Bn254>,
        rows: &Rows<'_>,
        budget: MemoryBudget,
        by: Arithmetic,
        kept: &mut KeptRows,
    ) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let (Arithmetic::Fastest, Some(path)) = (by, Ifma::detect()) {
            return Self::Ifma(OnPath::new(path, key, rows.program::<Ifma>(), budget, kept));
        }
        let _ = by;
        Self::Portable(OnPath::new(Portable, key, rows.program::<Portable>(), budget, kept))
    }
}

impl Engine for FixedKeyEngine {
    // Small circuits go by arkworks, which checks nothing.
    fn checks_rows(&self) -> bool {
        !matches!(self.prover, AnyPath::Small(_))
    }

    fn prove<R: RngCore + CryptoRng>(
        &self,
        witness: &Witness,
        rng: &mut R,
    ) -> Result<Proof, ProvingError> {
        let (r, s) = (Fr::rand(rng), Fr::rand(rng));
        self.prove_with(witness, r, s)
    }

    fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }
}

#[cfg(test)]
mod tests;
