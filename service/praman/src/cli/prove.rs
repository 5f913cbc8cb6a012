//! `praman prove`, `praman verify`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use praman_circuits::Fr;
use praman_circuits::context::Context;
use praman_circuits::policy::TierIndex;
use praman_prover::{
    Arithmetic, Cores, Engine, FixedKeyEngine, ForeignKey, KeyError, KeyStore, MemoryBudget,
    Prover, ProvingError,
};
use praman_verifier::{PreparedKey, Proof, VerifyingKey, public_from_json, public_to_json};
use rand::rngs::OsRng;
use serde_json::json;

use super::{Outcome, circuit, scheme};
use crate::claim::{ClaimTerms, CredentialPaths, PreparedClaim};
use crate::error::CommandError;
use crate::files;
use crate::proving::{ProvingRequest, WorkerPublicKey};
use crate::scheme::{ClaimPeriod, Scheme};
use crate::snapshot::Snapshot;
use crate::spent::{SpentCount, SpentNullifiers};
use crate::treasury::read_payout;
use crate::wallet::{CredentialFile, Wallet};

/// The inputs of a claim.
#[derive(Args)]
pub(super) struct ClaimInputs {
    /// The credential's file.
    #[arg(long, value_name = "FILE")]
    pub(super) credential: PathBuf,
    /// The wallet's file [default: the file with the credential's name in the folder `wallets`
    /// beside it].
    #[arg(long, value_name = "FILE")]
    pub(super) wallet: Option<PathBuf>,
    /// The scheme's file.
    #[arg(long, value_name = "FILE")]
    pub(super) scheme: PathBuf,
    /// The tier, by number or name.
    #[arg(long)]
    pub(super) tier: String,
    /// The period, as the scheme writes it.
    #[arg(long)]
    pub(super) period: String,
    /// The snapshot's file.
    #[arg(long, value_name = "FILE")]
    pub(super) snapshot: PathBuf,
    /// The treasury's payout file.
    #[arg(long, value_name = "FILE")]
    pub(super) payout: PathBuf,
    /// The spent nullifiers that begin like this claim's, as the service's
    /// `/v1/nullifiers/SCOPE/PERIOD/PREFIX` gives them: a claim that would be refused is not made.
    #[arg(long, value_name = "FILE")]
    pub(super) spent: Option<PathBuf>,
}

impl ClaimInputs {
    /// The claim, checked natively, and its period.
    pub(super) fn prepare(&self) -> Result<(PreparedClaim, ClaimPeriod), CommandError> {
        self.with_terms(|terms, period, file, wallet, tier, paths| {
            Ok((terms.prepare(&file, &wallet, tier, paths)?, period))
        })
    }

    /// What the claim is made from, sealed to workers.
    pub(super) fn seal(&self, worker: &WorkerPublicKey) -> Result<Vec<u8>, CommandError> {
        self.with_terms(|terms, period, file, wallet, tier, paths| {
            // What can't be proved is reported here, where it is nobody else's business.
            terms.prepare(&file, &wallet, tier, paths.clone())?;
            Ok(ProvingRequest::new(terms, period, file, &wallet, tier, paths).seal(worker)?)
        })
    }

    fn with_terms<T>(
        &self,
        use_them: impl FnOnce(
            &ClaimTerms<'_>,
            ClaimPeriod,
            CredentialFile,
            Wallet,
            TierIndex,
            CredentialPaths,
        ) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let file = CredentialFile::read(&self.credential)?;
        let wallet = Wallet::read(&self.wallet_path()?)?;
        let parsed = scheme::read(&self.scheme)?;
        let fault = |error: crate::scheme::SchemeError| match error.line {
            0 => CommandError::Refused(error.reason),
            _ => scheme::refused(&self.scheme, &error),
        };
        let period = parsed
            .parse_period(&self.period)
            .map_err(|error| CommandError::WrongUse(error.reason))?;
        let terms = parsed.in_period(period).map_err(fault)?;
        let tier = find_tier(&parsed, period, &self.tier)?;
        let snapshot = Snapshot::read(&self.snapshot)?;
        let terms = ClaimTerms {
            // Before a ledger exists, a proof is for none.
            context: snapshot.context.unwrap_or(Context::from_field(0u64.into())),
            checkpoint: snapshot.checkpoint(),
            scheme: &terms,
            treasury: read_payout(&self.payout)?,
        };
        if let Some(path) = &self.spent {
            let spent = SpentNullifiers::from_json(&files::read_text(path)?)
                .map_err(|error| CommandError::WrongUse(format!("{}: {error}", path.display())))?;
            spent.refuse(terms.nullifier(&wallet), terms.scheme)?;
        }
        let paths = CredentialPaths::find(&file, &snapshot)?;
        use_them(&terms, period, file, wallet, tier, paths)
    }

    /// Where to look up whether the claim's nullifier is spent: first how many are, then those that begin like it.
    fn lookup(&self, count: Option<&Path>) -> Result<Outcome, CommandError> {
        self.with_terms(|terms, _, _, wallet, _, _| {
            let path = match count {
                None => SpentCount::place(terms.scheme),
                Some(path) => {
                    let count: SpentCount = files::read_json(path)?;
                    if (count.scope, count.period) != (terms.scheme.scope(), terms.scheme.period) {
                        let reason =
                            format!("{}: it is of another scheme or period", path.display());
                        return Err(CommandError::WrongUse(reason));
                    }
                    count.list(terms.nullifier(&wallet))
                }
            };
            Ok(Outcome::done(json!({ "path": path }), path))
        })
    }

    fn wallet_path(&self) -> Result<PathBuf, CommandError> {
        if let Some(path) = &self.wallet {
            return Ok(path.clone());
        }
        let name = self.credential.file_name().unwrap_or_default();
        let folder = self.credential.parent().unwrap_or(Path::new("."));
        let path = folder.join("wallets").join(name);
        if path.exists() {
            return Ok(path);
        }
        let reason = format!("there is no wallet {}: give it with --wallet", path.display());
        Err(CommandError::WrongUse(reason))
    }
}

/// The inputs of a claim, where a command can do without them.
#[derive(Args)]
pub(super) struct OptionalInputs {
    /// The credential's file.
    #[arg(long, value_name = "FILE")]
    credential: Option<PathBuf>,
    /// The wallet's file [default: the file with the credential's name in the folder `wallets`
    /// beside it].
    #[arg(long, value_name = "FILE")]
    wallet: Option<PathBuf>,
    /// The scheme's file.
    #[arg(long, value_name = "FILE")]
    scheme: Option<PathBuf>,
    /// The tier, by number or name.
    #[arg(long)]
    tier: Option<String>,
    /// The period, as the scheme writes it.
    #[arg(long)]
    period: Option<String>,
    /// The snapshot's file.
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// The treasury's payout file.
    #[arg(long, value_name = "FILE")]
    payout: Option<PathBuf>,
    /// The spent nullifiers that begin like this claim's, as the service's
    /// `/v1/nullifiers/SCOPE/PERIOD/PREFIX` gives them: a claim that would be refused is not made.
    #[arg(long, value_name = "FILE")]
    spent: Option<PathBuf>,
}

impl OptionalInputs {
    /// Whether none is given.
    pub(super) fn is_empty(&self) -> bool {
        let Self { credential, wallet, scheme, snapshot, payout, spent, .. } = self;
        let files = [credential, wallet, scheme, snapshot, payout, spent];
        files.iter().all(|file| file.is_none()) && self.tier.is_none() && self.period.is_none()
    }

    /// All of them, for what needs them.
    pub(super) fn required(self, what: &str) -> Result<ClaimInputs, CommandError> {
        let given = [
            ("--credential", self.credential.is_some()),
            ("--scheme", self.scheme.is_some()),
            ("--tier", self.tier.is_some()),
            ("--period", self.period.is_some()),
            ("--snapshot", self.snapshot.is_some()),
            ("--payout", self.payout.is_some()),
        ];
        let absent: Vec<&str> =
            given.iter().filter(|(_, is_given)| !is_given).map(|(name, _)| *name).collect();
        let missing = || CommandError::WrongUse(format!("{what} also needs {}", absent.join(", ")));
        Ok(ClaimInputs {
            credential: self.credential.ok_or_else(missing)?,
            wallet: self.wallet,
            scheme: self.scheme.ok_or_else(missing)?,
            tier: self.tier.ok_or_else(missing)?,
            period: self.period.ok_or_else(missing)?,
            snapshot: self.snapshot.ok_or_else(missing)?,
            payout: self.payout.ok_or_else(missing)?,
            spent: self.spent,
        })
    }
}

fn find_tier(scheme: &Scheme, period: ClaimPeriod, text: &str) -> Result<TierIndex, CommandError> {
    let version = scheme.version(period).map_err(|error| CommandError::Refused(error.reason))?;
    let by_name = version.tiers.iter().position(|tier| tier.name == text);
    let number = by_name.or_else(|| text.parse().ok());
    number
        .filter(|&number| number < version.tiers.len())
        .and_then(|number| TierIndex::new(number as u8))
        .ok_or_else(|| {
            let names: Vec<String> = version
                .tiers
                .iter()
                .enumerate()
                .map(|(number, tier)| format!("{number} ({})", tier.name))
                .collect();
            let reason = format!("there is no tier {text:?}: give one of {}", names.join(", "));
            CommandError::WrongUse(reason)
        })
}

/// Prove a claim, or any statement by a key and a witness of snarkjs'.
///
/// Writes proof.json and public.json in snarkjs' form; for a claim also claim.json for `praman claim`.
#[derive(Args)]
#[command(after_help = "Example: praman prove --circuit eligibility --credential c/WB1.json \
    --scheme annapurna.toml --tier 0 --period 2026-06 --snapshot snapshot.json \
    --payout payout.json --keys keys --out proof\n\
    first:   the same with --lookup in the place of --out says where to look up whether it was \
    claimed already\n\
    or:      praman prove --zkey circuit.zkey --wtns witness.wtns --out proof")]
pub(super) struct Prove {
    /// The circuit.
    #[arg(long, value_name = "NAME", required_unless_present = "zkey")]
    circuit: Option<String>,
    #[command(flatten)]
    inputs: OptionalInputs,
    /// The folder of the keys.
    #[arg(long, value_name = "DIR", required_unless_present = "zkey")]
    keys: Option<PathBuf>,
    /// A key of snarkjs' Groth16 on BN254, of any circuit.
    #[arg(long, value_name = "FILE", requires = "wtns", conflicts_with_all = ["circuit", "keys"])]
    zkey: Option<PathBuf>,
    /// A witness for it.
    #[arg(long, value_name = "FILE", requires = "zkey")]
    wtns: Option<PathBuf>,
    /// Print where to look up whether the claim's nullifier is spent, and prove nothing: first how many
    /// are, then, given the file of that answer, those that begin like it.
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["zkey", "spent", "out"])]
    lookup: Option<Option<PathBuf>>,
    /// A folder for the proof.
    #[arg(long, value_name = "DIR", required_unless_present = "lookup")]
    out: Option<PathBuf>,
}

impl Prove {
    pub(super) fn run(self) -> Result<Outcome, CommandError> {
        let Self { circuit, inputs, keys, zkey, wtns, lookup, out } = self;
        if let Some(count) = lookup {
            return inputs.required("a claim")?.lookup(count.as_deref());
        }
        let out = out.expect("clap asks for it");
        match (zkey, wtns, circuit, keys) {
            (Some(_), ..) if !inputs.is_empty() => {
                let reason = "a claim's inputs are not for another's key: leave them out";
                Err(CommandError::WrongUse(reason.to_owned()))
            }
            (Some(zkey), Some(wtns), ..) => Self::foreign(&zkey, &wtns, &out),
            (_, _, Some(circuit), Some(keys)) => {
                Self::claim(&inputs.required("a claim")?, &circuit, &keys, &out)
            }
            _ => unreachable!("clap asks for both of a pair"),
        }
    }

    /// Proves by another's key.
    fn foreign(zkey: &Path, wtns: &Path, out: &Path) -> Result<Outcome, CommandError> {
        let started = Instant::now();
        let key = ForeignKey::read(zkey)?;
        let witness = key.read_witness(wtns)?;
        let by = Arithmetic::Fastest;
        let engine = FixedKeyEngine::of_foreign(&key, MemoryBudget::SMALL, by)?;
        let proof =
            engine.prove(&witness, &mut OsRng, Cores::All).map_err(|error| match error {
                ProvingError::Refused(_) => CommandError::Refused(format!(
                    "{}: it is no witness of this key's circuit: a row is not satisfied",
                    wtns.display()
                )),
                other => other.into(),
            })?;
        Self::write(out, witness.public(), &proof)?;
        let seconds = started.elapsed().as_secs_f64();
        let public_inputs = witness.public().len();
        let text = format!("proved in {seconds:.2} s, of {public_inputs} public inputs");
        Ok(Outcome::done(json!({ "seconds": seconds, "public_inputs": public_inputs }), text))
    }

    /// Writes a proof and its public inputs.
    fn write(out: &Path, public: &[Fr], proof: &Proof) -> Result<(), CommandError> {
        std::fs::create_dir_all(out).map_err(CommandError::file(out))?;
        files::write(&out.join("public.json"), public_to_json(public).as_bytes())?;
        Ok(files::write(&out.join("proof.json"), proof.to_json().as_bytes())?)
    }

    fn claim(
        inputs: &ClaimInputs,
        circuit: &str,
        keys: &Path,
        out: &Path,
    ) -> Result<Outcome, CommandError> {
        let started = Instant::now();
        let circuit = circuit::find(circuit)?;
        let (prepared, period) = inputs.prepare()?;
        let engine = KeyStore::new(keys).engine(circuit, MemoryBudget::SMALL)?;
        let prover = Prover::new(circuit, engine);
        let proof = prover.prove(&prepared.witness)?;
        Self::write(out, prepared.witness.public(), &proof)?;
        let nullifier = prepared.public.nullifier;
        prepared.save(&out.join("claim.json"), period, &proof)?;
        let seconds = started.elapsed().as_secs_f64();
        let origin = prover.verifying_key().origin().map_or_else(String::new, |o| o.to_string());
        let text = format!("proved in {seconds:.2} s with {origin} keys; nullifier {nullifier}");
        let json = json!({
            "seconds": seconds,
            "nullifier": nullifier,
            "keys": origin,
        });
        Ok(Outcome::done(json, text))
    }
}

/// Verify a proof: valid or not.
#[derive(Args)]
#[command(
    after_help = "Example: praman verify --keys keys --public public.json --proof proof.json"
)]
pub(super) struct Verify {
    /// The folder of the keys.
    #[arg(long, value_name = "DIR", required_unless_present_any = ["vk", "zkey"],
          conflicts_with_all = ["vk", "zkey"])]
    keys: Option<PathBuf>,
    /// A verification key in snarkjs' form.
    #[arg(long, value_name = "FILE", conflicts_with = "zkey")]
    vk: Option<PathBuf>,
    /// A proving key of snarkjs', which has its verification key in it.
    #[arg(long, value_name = "FILE")]
    zkey: Option<PathBuf>,
    /// The public inputs.
    #[arg(long, value_name = "FILE")]
    public: PathBuf,
    /// The proof.
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
}

impl Verify {
    pub(super) fn run(self) -> Result<Outcome, CommandError> {
        let no = |reason: String| {
            let json = json!({ "valid": false, "reason": reason });
            Ok(Outcome::no(json, format!("not valid: {reason}")))
        };
        let key = match (&self.keys, &self.vk, &self.zkey) {
            (Some(folder), ..) => {
                KeyStore::new(folder).load_verifying(praman_circuits::circuit::eligibility())?
            }
            (None, Some(path), _) => match VerifyingKey::from_json(&files::read_text(path)?) {
                Ok(key) => key,
                Err(error) => return no(format!("{}: {error}", path.display())),
            },
            (None, None, Some(path)) => match ForeignKey::read(path) {
                Ok(key) => key.verifying_key().clone(),
                Err(error @ KeyError::File { .. }) => return Err(error.into()),
                Err(error) => return no(error.to_string()),
            },
            (None, None, None) => unreachable!("clap asks for one of them"),
        };
        let verdict = self.verdict(&key)?;
        let keys = key.origin().map(|origin| origin.to_string());
        Ok(match verdict {
            Ok(()) => {
                let marked = keys.as_deref().map_or_else(String::new, |k| format!(" ({k} keys)"));
                Outcome::done(json!({ "valid": true, "keys": keys }), format!("valid{marked}"))
            }
            Err(reason) => {
                let json = json!({ "valid": false, "reason": reason, "keys": keys });
                Outcome::no(json, format!("not valid: {reason}"))
            }
        })
    }

    /// The reason for a no; what can't even be parsed is no proof.
    fn verdict(&self, key: &VerifyingKey) -> Result<Result<(), String>, CommandError> {
        let (public, proof) = (read(&self.public)?, read(&self.proof)?);
        let public = match public_from_json(&public) {
            Ok(public) => public,
            Err(error) => return Ok(Err(format!("{}: {error}", self.public.display()))),
        };
        let proof = match Proof::from_json(&proof) {
            Ok(proof) => proof,
            Err(error) => return Ok(Err(format!("{}: {error}", self.proof.display()))),
        };
        let verified = PreparedKey::new(key).verify(&public, &proof);
        Ok(verified.map_err(|refusal| refusal.to_string()))
    }
}

/// A file's text; what is not UTF-8 is not JSON either, and is left for the parser to refuse.
fn read(path: &Path) -> Result<String, CommandError> {
    let bytes = std::fs::read(path).map_err(CommandError::file(path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
