//! `praman prove`, `praman verify`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use praman_circuits::context::Context;
use praman_circuits::policy::TierIndex;
use praman_prover::{KeyStore, MemoryBudget, Prover};
use praman_verifier::{PreparedKey, Proof, VerifyingKey, public_from_json, public_to_json};
use serde_json::json;

use super::{Outcome, circuit, scheme};
use crate::claim::{ClaimTerms, CredentialPaths, PreparedClaim};
use crate::error::ServiceError;
use crate::files;
use crate::proving::{ProvingRequest, WorkerPublicKey};
use crate::scheme::{ClaimPeriod, Scheme};
use crate::snapshot::Snapshot;
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
}

impl ClaimInputs {
    /// The claim, checked natively, and its period.
    pub(super) fn prepare(&self) -> Result<(PreparedClaim, ClaimPeriod), ServiceError> {
        self.with_terms(|terms, period, file, wallet, tier, paths| {
            Ok((terms.prepare(&file, &wallet, tier, paths)?, period))
        })
    }

    /// What the claim is made from, sealed to workers.
    pub(super) fn seal(&self, worker: &WorkerPublicKey) -> Result<Vec<u8>, ServiceError> {
        self.with_terms(|terms, period, file, wallet, tier, paths| {
            // What can't be proved is told here, where it is nobody else's business.
            terms.prepare(&file, &wallet, tier, paths.clone())?;
            ProvingRequest::new(terms, period, file, &wallet, tier, paths).seal(worker)
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
        ) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let file = CredentialFile::read(&self.credential)?;
        let wallet = Wallet::read(&self.wallet_path()?)?;
        let parsed = scheme::read(&self.scheme)?;
        let fault = |error: crate::scheme::SchemeError| match error.line {
            0 => ServiceError::Refused(error.reason),
            _ => scheme::refused(&self.scheme, &error),
        };
        let period = parsed
            .parse_period(&self.period)
            .map_err(|error| ServiceError::WrongUse(error.reason))?;
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
        let paths = CredentialPaths::find(&file, &snapshot)?;
        use_them(&terms, period, file, wallet, tier, paths)
    }

    fn wallet_path(&self) -> Result<PathBuf, ServiceError> {
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
        Err(ServiceError::WrongUse(reason))
    }
}

fn find_tier(scheme: &Scheme, period: ClaimPeriod, text: &str) -> Result<TierIndex, ServiceError> {
    let version = scheme.version(period).map_err(|error| ServiceError::Refused(error.reason))?;
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
            ServiceError::WrongUse(reason)
        })
}

/// Prove a claim.
///
/// Writes proof.json and public.json in snarkjs' form, and claim.json for `praman claim`.
#[derive(Args)]
#[command(after_help = "Example: praman prove --circuit eligibility --credential c/WB1.json \
    --scheme annapurna.toml --tier 0 --period 2026-06 --snapshot snapshot.json \
    --payout payout.json --keys keys --out proof")]
pub(super) struct Prove {
    /// The circuit.
    #[arg(long, value_name = "NAME")]
    circuit: String,
    #[command(flatten)]
    inputs: ClaimInputs,
    /// The folder of the keys.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// A folder for the proof.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Prove {
    pub(super) fn run(self) -> Result<Outcome, ServiceError> {
        let started = Instant::now();
        let circuit = circuit::find(&self.circuit)?;
        let (prepared, period) = self.inputs.prepare()?;
        let engine = KeyStore::new(&self.keys).engine(circuit, MemoryBudget::SMALL)?;
        let prover = Prover::new(circuit, engine);
        let proof = prover.prove(&prepared.witness)?;
        std::fs::create_dir_all(&self.out).map_err(ServiceError::file(&self.out))?;
        let public = public_to_json(prepared.witness.public());
        files::write(&self.out.join("public.json"), public.as_bytes())?;
        files::write(&self.out.join("proof.json"), proof.to_json().as_bytes())?;
        let nullifier = prepared.public.nullifier;
        prepared.save(&self.out.join("claim.json"), period, &proof)?;
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
    #[arg(long, value_name = "DIR", required_unless_present = "vk", conflicts_with = "vk")]
    keys: Option<PathBuf>,
    /// A verification key in snarkjs' form.
    #[arg(long, value_name = "FILE")]
    vk: Option<PathBuf>,
    /// The public inputs.
    #[arg(long, value_name = "FILE")]
    public: PathBuf,
    /// The proof.
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
}

impl Verify {
    pub(super) fn run(self) -> Result<Outcome, ServiceError> {
        let key = match (&self.keys, &self.vk) {
            (Some(folder), _) => {
                KeyStore::new(folder).load_verifying(praman_circuits::circuit::eligibility())?
            }
            (None, Some(path)) => {
                let text = files::read_text(path)?;
                match VerifyingKey::from_json(&text) {
                    Ok(key) => key,
                    Err(error) => {
                        let reason = format!("{}: {error}", path.display());
                        let json = json!({ "valid": false, "reason": reason });
                        return Ok(Outcome::no(json, format!("not valid: {reason}")));
                    }
                }
            }
            (None, None) => unreachable!("clap asks for one of them"),
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
    fn verdict(&self, key: &VerifyingKey) -> Result<Result<(), String>, ServiceError> {
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
fn read(path: &Path) -> Result<String, ServiceError> {
    let bytes = std::fs::read(path).map_err(ServiceError::file(path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
