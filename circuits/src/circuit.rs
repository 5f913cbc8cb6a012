//! A statement compiled once: sparse matrices, wire names, digest, and witnesses for it.

use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::One;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::consent;
use crate::constraint_system::{ClauseCount, ConstraintSystem, Recorded, Row};
use crate::eligibility::{self, PUBLIC_INPUTS, PrivateInputs};
use crate::field::to_be_bytes;
use crate::linear_combination::LinearCombination;
use crate::memory_lock::MemoryLock;
use crate::settlement;

/// A statement's constraints.
pub struct Circuit {
    name: &'static str,
    public_inputs: usize,
    private_inputs: usize,
    computed: &'static [&'static str],
    rows: Vec<Row>,
    wire_names: Vec<String>,
    clauses: Vec<ClauseCount>,
    digest: CircuitDigest,
}

/// SHA-256 of a circuit's name, counts and rows: what keys are bound to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CircuitDigest(pub [u8; 32]);

impl std::fmt::Display for CircuitDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The size of a circuit and where its rows go.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CircuitInfo {
    /// The circuit's name.
    pub circuit: String,
    /// Rows, not counting the one that Groth16 adds for each public input.
    pub constraints: usize,
    /// Public inputs, the constant one not counted.
    pub public_inputs: usize,
    /// Private wires.
    pub witness: usize,
    /// Entries that are not zero, by matrix.
    pub nonzeros: Nonzeros,
    /// The evaluation domain's size: the power of two that holds all rows.
    pub domain: usize,
    /// SHA-256 over the rows.
    pub digest: String,
    /// Rows by clause of the statement.
    pub clauses: Vec<ClauseCount>,
}

/// Entries of the three matrices that are not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Nonzeros {
    /// Left factors.
    #[serde(rename = "A")]
    pub a: usize,
    /// Right factors.
    #[serde(rename = "B")]
    pub b: usize,
    /// Products.
    #[serde(rename = "C")]
    pub c: usize,
}

/// The value of every wire of one circuit; kept out of swap where the system allows it, wiped on drop,
/// never printed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Witness {
    #[zeroize(skip)]
    _lock: MemoryLock,
    assignment: Vec<Fr>,
    #[zeroize(skip)]
    public_inputs: usize,
}

impl Witness {
    /// A witness from a whole assignment `(1, public…, private…)`.
    ///
    /// # Panics
    /// If the assignment does not begin with one or is too short for its public inputs.
    pub fn from_assignment(assignment: Vec<Fr>, public_inputs: usize) -> Self {
        assert!(assignment.len() > public_inputs, "an assignment holds its public inputs");
        assert!(assignment[0].is_one(), "wire 0 is the constant one");
        Self { _lock: MemoryLock::new(&assignment), assignment, public_inputs }
    }

    /// All wires: one, public, private.
    pub fn assignment(&self) -> &[Fr] {
        &self.assignment
    }

    /// The public inputs.
    pub fn public(&self) -> &[Fr] {
        &self.assignment[1..=self.public_inputs]
    }
}

/// The names of the statements.
pub const NAMES: [&str; 3] = ["eligibility", "consent", "settlement"];

/// The statement with a name; none if there is no such one.
pub fn named(name: &str) -> Option<&'static Circuit> {
    match name {
        "eligibility" => Some(eligibility()),
        "consent" => Some(consent()),
        "settlement" => Some(settlement()),
        _ => None,
    }
}

/// The eligibility circuit, compiled on first use.
pub fn eligibility() -> &'static Circuit {
    static ELIGIBILITY: LazyLock<Circuit> = LazyLock::new(|| {
        Circuit::compile("eligibility", |cs| {
            let blank = [Fr::from(0u64); PUBLIC_INPUTS];
            eligibility::synthesize(cs, &blank, &PrivateInputs::blank());
        })
        .computing(&eligibility::PublicInputs::COMPUTED)
    });
    &ELIGIBILITY
}

/// The witness of an eligibility claim: every wire, whether or not the statement holds.
///
/// No constraint system is built: only values are computed.
pub fn eligibility_witness(public: &[Fr; PUBLIC_INPUTS], private: &PrivateInputs) -> Witness {
    let mut cs = ConstraintSystem::assigning(eligibility().wires());
    eligibility::synthesize(&mut cs, public, private);
    Witness::from_assignment(cs.into_assignment(), PUBLIC_INPUTS)
}

/// The consent circuit, compiled on first use.
pub fn consent() -> &'static Circuit {
    static CONSENT: LazyLock<Circuit> = LazyLock::new(|| {
        Circuit::compile("consent", |cs| {
            let blank = [Fr::from(0u64); consent::PUBLIC_INPUTS];
            consent::synthesize(cs, &blank, &consent::PrivateInputs::blank());
        })
        .computing(&consent::PublicInputs::COMPUTED)
    });
    &CONSENT
}

/// The witness of an access by consent: every wire, whether or not the statement holds.
pub fn consent_witness(
    public: &[Fr; consent::PUBLIC_INPUTS],
    private: &consent::PrivateInputs,
) -> Witness {
    let mut cs = ConstraintSystem::assigning(consent().wires());
    consent::synthesize(&mut cs, public, private);
    Witness::from_assignment(cs.into_assignment(), consent::PUBLIC_INPUTS)
}

/// The settlement circuit, compiled on first use.
pub fn settlement() -> &'static Circuit {
    static SETTLEMENT: LazyLock<Circuit> =
        LazyLock::new(|| settlement_of("settlement", settlement::BLOCKS));
    &SETTLEMENT
}

/// The settlement statement over so many blocks of claims, under a name. Tests prove one block, which has the same
/// clauses as six.
pub(crate) fn settlement_of(name: &'static str, blocks: usize) -> Circuit {
    Circuit::compile(name, |cs| {
        let blank = [Fr::from(0u64); settlement::PUBLIC_INPUTS];
        settlement::synthesize(cs, &blank, &settlement::PrivateInputs::blank(blocks));
    })
    .computing(&settlement::PublicInputs::COMPUTED)
}

/// The witness of a chunk of a settlement: every wire, whether or not the statement holds.
pub fn settlement_witness(
    public: &[Fr; settlement::PUBLIC_INPUTS],
    private: &settlement::PrivateInputs,
) -> Witness {
    // Inputs of other than six blocks fit the circuit of as many.
    let mut cs = ConstraintSystem::assigning(settlement().wires());
    settlement::synthesize(&mut cs, public, private);
    Witness::from_assignment(cs.into_assignment(), settlement::PUBLIC_INPUTS)
}

impl Circuit {
    /// Compiles a description of constraints.
    pub fn compile(name: &'static str, body: impl FnOnce(&mut ConstraintSystem)) -> Self {
        let mut cs = ConstraintSystem::compiling();
        body(&mut cs);
        let recorded = cs.into_recorded();
        let Recorded { rows, names: wire_names, clauses, public_inputs, private_inputs } = recorded;
        let digest = digest(name, public_inputs, wire_names.len(), &rows);
        Self {
            name,
            public_inputs,
            private_inputs,
            computed: &[],
            rows,
            wire_names,
            clauses,
            digest,
        }
    }

    /// The statement's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The constraints.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many wires there are: the constant one, the public inputs, the private wires.
    pub fn wires(&self) -> usize {
        self.wire_names.len()
    }

    /// How many public inputs there are.
    pub fn public_inputs(&self) -> usize {
        self.public_inputs
    }

    /// How many private inputs there are: the wires right behind the public ones. All others are computed of them.
    pub fn private_inputs(&self) -> usize {
        self.private_inputs
    }

    /// Names the public inputs that the statement computes of the others and the private ones.
    fn computing(self, computed: &'static [&'static str]) -> Self {
        Self { computed, ..self }
    }

    /// Whether a wire is a public input that the statement computes.
    pub fn is_computed(&self, wire: usize) -> bool {
        wire <= self.public_inputs && self.computed.contains(&self.wire_names[wire].as_str())
    }

    /// The wires' names, in order.
    pub fn wire_names(&self) -> &[String] {
        &self.wire_names
    }

    /// What keys are bound to.
    pub fn digest(&self) -> CircuitDigest {
        self.digest
    }

    /// The size of the evaluation domain: Groth16 adds a row for the one and each public input.
    pub fn domain(&self) -> usize {
        (self.rows.len() + self.public_inputs + 1).next_power_of_two()
    }

    /// Sizes and rows by clause.
    pub fn info(&self) -> CircuitInfo {
        let count = |part: fn(&Row) -> &LinearCombination| {
            self.rows.iter().map(|row| part(row).terms().len()).sum()
        };
        CircuitInfo {
            circuit: self.name.to_owned(),
            constraints: self.rows.len(),
            public_inputs: self.public_inputs,
            witness: self.wires() - 1 - self.public_inputs,
            nonzeros: Nonzeros {
                a: count(|row| &row.a),
                b: count(|row| &row.b),
                c: count(|row| &row.c),
            },
            domain: self.domain(),
            digest: self.digest.to_string(),
            clauses: self.clauses.clone(),
        }
    }

    /// The statement's clauses with their rows, in order.
    pub fn clauses(&self) -> &[ClauseCount] {
        &self.clauses
    }

    /// The first row that an assignment does not satisfy; `None` if it satisfies all.
    pub fn unsatisfied_row(&self, assignment: &[Fr]) -> Option<usize> {
        if assignment.len() != self.wires() || !assignment[0].is_one() {
            return Some(0);
        }
        self.rows.iter().position(|row| {
            row.a.evaluate(assignment) * row.b.evaluate(assignment) != row.c.evaluate(assignment)
        })
    }
}

fn digest(name: &str, public_inputs: usize, wires: usize, rows: &[Row]) -> CircuitDigest {
    let mut hasher = Sha256::new();
    hasher.update(b"praman.circuit.1\0");
    hasher.update(name.as_bytes());
    for count in [public_inputs, wires, rows.len()] {
        hasher.update((count as u64).to_be_bytes());
    }
    for form in rows.iter().flat_map(|row| [&row.a, &row.b, &row.c]) {
        hasher.update((form.terms().len() as u64).to_be_bytes());
        for &(wire, coefficient) in form.terms() {
            hasher.update(wire.to_be_bytes());
            hasher.update(to_be_bytes(coefficient));
        }
    }
    CircuitDigest(hasher.finalize().into())
}
