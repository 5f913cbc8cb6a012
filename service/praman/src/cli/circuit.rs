//! `praman setup`, `praman circuit`, `praman hash`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use praman_circuits::circuit::{self, Circuit as Compiled};
use praman_circuits::export::{write_r1cs, write_sym, write_wtns};
use praman_circuits::field::{parse_decimal, to_decimal};
use praman_circuits::poseidon;
use praman_prover::{ForeignCircuit, KeyStore, setup};
use rand::SeedableRng;
use rand::rngs::OsRng;
use rand_chacha::ChaCha20Rng;
use serde_json::json;

use super::Outcome;
use super::circuit_audit::Audit;
use super::prove::OptionalInputs;
use crate::error::CommandError;
use crate::files;

/// The circuit with a name.
pub(super) fn find(name: &str) -> Result<&'static Compiled, CommandError> {
    circuit::named(name).ok_or_else(|| {
        let names = circuit::NAMES.join(", ");
        CommandError::WrongUse(format!("there is no circuit {name:?}: give one of {names}"))
    })
}

/// Make development keys for a circuit.
///
/// A person who makes keys alone can forge proofs. These keys are marked `development` wherever
/// they are shown.
#[derive(Args)]
#[command(after_help = "Example: praman setup --circuit eligibility --out keys")]
pub(super) struct Setup {
    /// The circuit.
    #[arg(long, value_name = "NAME")]
    circuit: String,
    /// A folder for the keys.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Make the keys from this number, so that anyone can make the same keys, and forge with them.
    #[arg(long, value_name = "S")]
    insecure_seed: Option<u64>,
}

impl Setup {
    pub(super) fn run(self) -> Result<Outcome, CommandError> {
        let circuit = find(&self.circuit)?;
        let keys = match self.insecure_seed {
            Some(seed) => setup(circuit, &mut ChaCha20Rng::seed_from_u64(seed))?,
            None => setup(circuit, &mut OsRng)?,
        };
        KeyStore::new(&self.out).save(circuit, &keys)?;
        let info = circuit.info();
        let json = json!({
            "circuit": info.circuit,
            "constraints": info.constraints,
            "public_inputs": info.public_inputs,
            "digest": info.digest,
            "keys": "development",
        });
        let text = format!(
            "development keys for {} in {}: {} constraints, {} public inputs",
            info.circuit,
            self.out.display(),
            info.constraints,
            info.public_inputs
        );
        Ok(Outcome::done(json, text))
    }
}

/// Describe and export circuits.
#[derive(Subcommand)]
pub(super) enum Circuit {
    /// Show how large a circuit is, and where its constraints are.
    #[command(after_help = "Example: praman circuit info eligibility")]
    Info {
        /// The circuit.
        name: String,
    },
    /// Write a circuit, and a witness for it, in iden3's binary formats.
    #[command(after_help = "Example: praman circuit export eligibility --r1cs e.r1cs --sym e.sym")]
    Export(Box<Export>),
    /// Look for wires that do not follow from the inputs: by two witnesses that share all inputs and differ there, or
    /// by a derivation that they can't. It ends with 1 unless every wire is shown to follow.
    #[command(after_help = "Example: praman circuit audit eligibility\n         \
                            praman circuit audit --r1cs age.r1cs --sym age.sym --wtns age.wtns")]
    Audit(Box<Audit>),
    /// Check another's circuit, as circom makes it, and a witness for it: satisfied or not.
    #[command(after_help = "Example: praman circuit check --r1cs age.r1cs --wtns age.wtns")]
    Check {
        /// The circuit, over BN254's scalars.
        #[arg(long, value_name = "FILE")]
        r1cs: PathBuf,
        /// The witness.
        #[arg(long, value_name = "FILE")]
        wtns: Option<PathBuf>,
    },
}

/// What to export.
#[derive(Args)]
pub(super) struct Export {
    /// The circuit.
    name: String,
    /// Where to write the constraints.
    #[arg(long, value_name = "FILE")]
    r1cs: PathBuf,
    /// Where to write the wires' names.
    #[arg(long, value_name = "FILE")]
    sym: Option<PathBuf>,
    /// Where to write a witness. It needs the inputs of a claim, as `praman prove` takes them.
    #[arg(long, value_name = "FILE")]
    wtns: Option<PathBuf>,
    #[command(flatten)]
    inputs: OptionalInputs,
}

impl Circuit {
    pub(super) fn run(self) -> Result<Outcome, CommandError> {
        match self {
            Self::Info { name } => Ok(info(find(&name)?)),
            Self::Export(export) => export.run(),
            Self::Audit(audit) => audit.run(),
            Self::Check { r1cs, wtns } => check(&r1cs, wtns.as_deref()),
        }
    }
}

fn info(circuit: &Compiled) -> Outcome {
    let info = circuit.info();
    let mut text = format!(
        "circuit {}\n{:>7} constraints\n{:>7} public inputs\n{:>7} private wires\n\
         {:>7} rows of the domain\n{:>7} / {} / {} entries in A / B / C\ndigest {}\n\n",
        info.circuit,
        info.constraints,
        info.public_inputs,
        info.witness,
        info.domain,
        info.nonzeros.a,
        info.nonzeros.b,
        info.nonzeros.c,
        info.digest
    );
    for clause in &info.clauses {
        text.push_str(&format!("{:>7} {}\n", clause.rows, clause.clause));
    }
    Outcome::done(serde_json::to_value(&info).expect("sizes are plain data"), text)
}

fn check(r1cs: &Path, wtns: Option<&Path>) -> Result<Outcome, CommandError> {
    let circuit = ForeignCircuit::read(r1cs)?;
    let mut json = json!({
        "constraints": circuit.rows(),
        "wires": circuit.wires(),
        "outputs": circuit.outputs(),
        "public_inputs": circuit.public_inputs(),
        "private_inputs": circuit.private_inputs(),
    });
    let mut text = format!(
        "{} constraints over {} wires: {} outputs, {} public inputs, {} private inputs",
        circuit.rows(),
        circuit.wires(),
        circuit.outputs(),
        circuit.public_inputs(),
        circuit.private_inputs()
    );
    if let Some(wtns) = wtns {
        let witness = circuit.read_witness(wtns)?;
        if let Some(row) = circuit.unsatisfied_row(&witness) {
            return Err(CommandError::Refused(format!(
                "{}: it does not satisfy the circuit: constraint {row}, counted from 0, is broken",
                wtns.display()
            )));
        }
        json["satisfied"] = true.into();
        text.push_str("; the witness satisfies them");
    }
    Ok(Outcome::done(json, text))
}

impl Export {
    fn run(self) -> Result<Outcome, CommandError> {
        let circuit = find(&self.name)?;
        let witness = match &self.wtns {
            Some(_) if self.name != "eligibility" => {
                let reason = "only the circuit eligibility has a witness here: it is made from a \
                              claim's inputs";
                return Err(CommandError::WrongUse(reason.to_owned()));
            }
            Some(_) => Some(self.inputs.required("a witness")?.prepare()?.0.witness),
            None if self.inputs.is_empty() => None,
            None => {
                let reason = "a claim's inputs are for a witness: give --wtns FILE as well";
                return Err(CommandError::WrongUse(reason.to_owned()));
            }
        };
        let mut written = vec![self.r1cs.display().to_string()];
        let mut bytes = Vec::new();
        write_r1cs(circuit, &mut bytes).map_err(CommandError::file(&self.r1cs))?;
        files::write(&self.r1cs, &bytes)?;
        let mut write = |path: &Path, bytes: &[u8]| {
            written.push(path.display().to_string());
            files::write(path, bytes)
        };
        if let Some(path) = &self.sym {
            let mut bytes = Vec::new();
            write_sym(circuit, &mut bytes).map_err(CommandError::file(path))?;
            write(path, &bytes)?;
        }
        if let (Some(path), Some(witness)) = (&self.wtns, &witness) {
            let mut bytes = zeroize::Zeroizing::new(Vec::new());
            write_wtns(witness, &mut *bytes).map_err(CommandError::file(path))?;
            write(path, &bytes)?;
        }
        let text = format!("wrote {}", written.join(", "));
        let json = json!({ "circuit": circuit.name(), "digest": circuit.digest().to_string(), "files": written });
        Ok(Outcome::done(json, text))
    }
}

/// Hash field elements.
#[derive(Subcommand)]
pub(super) enum Hash {
    /// Compute the Poseidon hash of 1 to 16 elements, with circomlib's parameters.
    #[command(after_help = "Example: praman hash poseidon 1 2")]
    Poseidon {
        /// The elements, as decimal numbers.
        #[arg(required = true, num_args = 1..=16, value_name = "X", allow_negative_numbers = true)]
        inputs: Vec<String>,
    },
}

impl Hash {
    pub(super) fn run(self) -> Result<Outcome, CommandError> {
        let Self::Poseidon { inputs } = self;
        let parsed = inputs
            .iter()
            .map(|text| {
                parse_decimal(text)
                    .map_err(|error| CommandError::WrongUse(format!("{text:?} is {error}")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let hash = to_decimal(poseidon::hash(&parsed));
        Ok(Outcome::done(json!({ "hash": hash }), hash))
    }
}
