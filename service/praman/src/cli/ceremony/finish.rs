//! `praman ceremony finish`: the keys of a ceremony that fulfils its policy.

use std::path::{Path, PathBuf};

use clap::Args;
use praman_ceremony::{
    Attestation, CHECKED_EXPONENT, CeremonyKey, Policy, Receipt, Transcript, VerifiedKey,
    VerifiedPowers,
};
use praman_circuits::circuit::Circuit;
use praman_prover::{KeyStore, Keys};
use serde_json::json;

use super::{Statement, shown, verify_key};
use crate::cli::{Outcome, circuit};
use crate::error::CommandError;
use crate::files;

/// Check the last file of a ceremony against its policy, and write the keys with the ceremony's transcript.
#[derive(Args)]
#[command(
    after_help = "Example: praman ceremony finish last.zkey --circuit eligibility --phase1 phase1.ptau \
                        --policy policy.toml --attestation *.attestation.json --out keys"
)]
pub(in crate::cli) struct Finish {
    /// The last file of phase 2.
    file: PathBuf,
    /// The circuit.
    #[arg(long, value_name = "NAME")]
    circuit: String,
    /// The phase 1 that the keys are on.
    #[arg(long, value_name = "FILE")]
    phase1: PathBuf,
    /// How many hands the keys need, and whose.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// What contributors signed.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    attestation: Vec<PathBuf>,
    /// What the coordinator signed.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    receipt: Vec<PathBuf>,
    /// Accept beacons that are hashed up to 2^N times. Each step of N doubles the time that the check takes.
    #[arg(long, value_name = "N", default_value_t = CHECKED_EXPONENT)]
    beacon_exponent: u8,
    /// A folder for the keys.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Finish {
    pub(super) fn run(self) -> Result<Outcome, CommandError> {
        let circuit = circuit::find(&self.circuit)?;
        let store = KeyStore::new(&self.out);
        if store.holds_keys() {
            let reason = format!("{} holds keys: give another folder", self.out.display());
            return Err(CommandError::WrongUse(reason));
        }
        let policy = Policy::parse(&files::read_text(&self.policy)?)
            .map_err(|fault| CommandError::malformed(&self.policy, fault))?;
        let attestations: Vec<Attestation> =
            self.attestation.iter().map(|path| files::read_json(path)).collect::<Result<_, _>>()?;
        let receipts: Vec<Receipt> =
            self.receipt.iter().map(|path| files::read_json(path)).collect::<Result<_, _>>()?;
        let of = Statement { circuit: Some(self.circuit.clone()), r1cs: None };
        let key = CeremonyKey::read(&self.file)?;
        let (verified, powers) = verify_key(key, &of, Some(&self.phase1), self.beacon_exponent)?;
        let transcript =
            Transcript::finish(circuit, &powers, &verified, policy, &attestations, &receipts)
                .map_err(|unfinished| CommandError::Refused(unfinished.to_string()))?;
        let keys = Keys::of_ceremony(verified.proving_key()?, circuit, transcript.digest())?;
        store.save_with_transcript(circuit, &keys, &transcript.to_json())?;
        let digest = hex::encode(transcript.digest());
        let contributions = verified.contributions();
        let text = format!(
            "keys of a ceremony for {} in {}: {} contributions\ntranscript {digest}",
            circuit.name(),
            self.out.display(),
            contributions.len(),
        );
        let value = json!({
            "circuit": circuit.name(),
            "keys": "ceremony",
            "digest": digest,
            "contributions": shown(&contributions),
            "valid": true,
        });
        Ok(Outcome::done(value, text))
    }
}

/// Checks the record of a finished ceremony against the files that it is of, and returns its digest.
pub(super) fn check_transcript(
    path: &Path,
    circuit: &Circuit,
    powers: &VerifiedPowers,
    key: &VerifiedKey,
) -> Result<String, CommandError> {
    let transcript: Transcript = files::read_json(path)?;
    let holds = transcript
        .holds(circuit, powers, key)
        .map_err(|unfinished| CommandError::Refused(unfinished.to_string()))?;
    if !holds {
        return Err(CommandError::malformed(path, "it says of the ceremony what the files do not"));
    }
    Ok(hex::encode(transcript.digest()))
}
