//! `praman ceremony`: keys made by many hands, file in and file out.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use praman_ceremony::{
    Attestation, Beacon, CHECKED_EXPONENT, CeremonyKey, Constraints, Contributed, Contribution,
    Contributor, GREATEST_POWER, Powers, VerifiedKey, VerifiedPowers,
};
use praman_contributor::CONTRIBUTOR_KEY;
use praman_prover::{ForeignCircuit, KeyError};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::passphrase::PassphraseSource;
use super::{Outcome, Setting, circuit};
use crate::error::CommandError;
use crate::files::signing_key;
use crate::files::{self, FileError};

mod coordination;
mod finish;

pub(super) use coordination::COORDINATOR_KEY;

/// Make keys by many hands, so that nobody can forge proofs if one contributor forgets their secret. The files are
/// snarkjs', so that contributors may use either program.
#[derive(Subcommand)]
pub(super) enum Ceremony {
    New(New),
    Contribute(Contribute),
    Beacon(ByBeacon),
    /// Prepare a phase 1 for phase 2, once for all who begin one.
    #[command(after_help = "Example: praman ceremony prepare phase1.ptau prepared.ptau")]
    Prepare {
        /// The file of phase 1.
        file: PathBuf,
        /// Where to write it with what phase 2 begins with.
        out: PathBuf,
    },
    Verify(Verify),
    Finish(finish::Finish),
    /// Show who has contributed to a file, without checking it.
    #[command(after_help = "Example: praman ceremony status key.zkey")]
    Status {
        /// A file of phase 1 or 2.
        file: PathBuf,
    },
    SigningKey(SigningKey),
    #[command(flatten)]
    Coordination(coordination::Coordination),
}

/// The circuit that keys are for.
#[derive(Args)]
#[group(required = false, multiple = false)]
pub(super) struct Statement {
    /// A circuit of praman's.
    #[arg(long, value_name = "NAME")]
    circuit: Option<String>,
    /// A circuit of another's, as circom compiles it.
    #[arg(long, value_name = "FILE")]
    r1cs: Option<PathBuf>,
}

impl Statement {
    fn constraints(&self) -> Result<Option<Constraints>, CommandError> {
        if let Some(name) = &self.circuit {
            return Ok(Some(Constraints::from(circuit::find(name)?)));
        }
        let read = self.r1cs.as_ref().map(|path| ForeignCircuit::read(path)).transpose()?;
        Ok(read.map(|circuit| Constraints::from(&circuit)))
    }
}

/// Begin a phase 1 for circuits up to a size, or the phase 2 of one circuit.
#[derive(Args)]
#[command(after_help = "Examples: praman ceremony new --power 14 --out phase1.ptau
          praman ceremony new --circuit eligibility --phase1 prepared.ptau --out key.zkey")]
pub(super) struct New {
    /// Begin a phase 1 for circuits of up to 2 to this power rows.
    #[arg(long, value_name = "N", conflicts_with_all = ["circuit", "r1cs", "phase1"])]
    power: Option<u32>,
    #[command(flatten)]
    of: Statement,
    /// The phase 1 that the keys are made on.
    #[arg(long, value_name = "FILE")]
    phase1: Option<PathBuf>,
    /// Accept beacons of the phase 1 that are hashed up to 2^N times. Each step of N doubles the time.
    #[arg(long, value_name = "N", default_value_t = CHECKED_EXPONENT)]
    beacon_exponent: u8,
    /// Where to write the file.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Make a contribution to a file of either phase: its secrets are drawn, used and forgotten.
///
/// What you type is mixed into what the system draws.
#[derive(Args)]
#[command(
    after_help = "Example: praman ceremony contribute key_1.zkey key_2.zkey --name \"Asha Roy\" \
                        --organisation \"High Court\" --signing-key asha.json"
)]
pub(super) struct Contribute {
    /// The file to contribute to.
    file: PathBuf,
    /// Where to write it with the contribution.
    out: PathBuf,
    /// Your name, which the file shows.
    #[arg(long)]
    name: String,
    /// A file whose content is mixed into the secrets [default: what is typed, at a terminal].
    #[arg(long, value_name = "FILE")]
    entropy_file: Option<PathBuf>,
    /// Your organisation, for the attestation.
    #[arg(long, requires = "signing_key")]
    organisation: Option<String>,
    /// What you say in public of how you made it, for the attestation.
    #[arg(long, value_name = "TEXT", requires = "signing_key", default_value = "")]
    statement: String,
    /// Your key, to sign an attestation of a contribution to phase 2. It is written beside the new file, with
    /// .attestation.json behind its name.
    #[arg(long, value_name = "FILE", requires = "organisation")]
    signing_key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

/// Make the last contribution of a public beacon, so that nobody could choose the keys.
#[derive(Args)]
#[command(
    after_help = "Example: praman ceremony beacon key_5.zkey last.zkey --value 0a1b2c --exponent 20 \
                        --name \"State lottery of 6 December\""
)]
pub(super) struct ByBeacon {
    /// The file to contribute to.
    file: PathBuf,
    /// Where to write it with the contribution.
    out: PathBuf,
    /// The beacon, in hexadecimal digits.
    #[arg(long, value_name = "HEX")]
    value: String,
    /// It is hashed 2 to this power times.
    #[arg(long, value_name = "N", default_value = "20")]
    exponent: u8,
    /// What the beacon is, which the file shows.
    #[arg(long)]
    name: String,
}

/// Check a file: of phase 1 by itself, of phase 2 against its circuit and its phase 1.
///
/// It ends with 1 if something is wrong, and says what.
#[derive(Args)]
#[command(after_help = "Examples: praman ceremony verify phase1.ptau
          praman ceremony verify last.zkey --circuit eligibility --phase1 phase1.ptau \
          --transcript keys/transcript.json")]
pub(super) struct Verify {
    /// A file of phase 1 or 2.
    file: PathBuf,
    #[command(flatten)]
    of: Statement,
    /// The phase 1 that a key must be on.
    #[arg(long, value_name = "FILE")]
    phase1: Option<PathBuf>,
    /// Accept beacons that are hashed up to 2^N times. Each step of N doubles the time that the check takes.
    #[arg(long, value_name = "N", default_value_t = CHECKED_EXPONENT)]
    beacon_exponent: u8,
    /// The record of a finished ceremony, to check that the key fulfils its policy.
    #[arg(long, value_name = "FILE", requires = "circuit")]
    transcript: Option<PathBuf>,
}

/// Make a key by which you sign attestations. Its public part goes into the policy.
#[derive(Args)]
#[command(after_help = "Example: praman ceremony signing-key --name \"Asha Roy\" --out asha.json")]
pub(super) struct SigningKey {
    /// Whose it is.
    #[arg(long)]
    name: String,
    /// Where to write it, sealed.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

/// A file of either phase.
enum Phase {
    One(Box<Powers>),
    Two(Box<CeremonyKey>),
}

impl Phase {
    fn read(path: &Path) -> Result<Self, CommandError> {
        let mut kind = [0; 4];
        let opened = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut kind));
        match opened {
            Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                Err(CommandError::file(path)(error))
            }
            _ => match &kind {
                b"ptau" => Ok(Self::One(Box::new(Powers::read(path)?))),
                b"zkey" => Ok(Self::Two(Box::new(CeremonyKey::read(path)?))),
                _ => Err(CommandError::malformed(path, "it is neither a .ptau nor a .zkey file")),
            },
        }
    }

    fn contributions(&self) -> Vec<Contribution> {
        match self {
            Self::One(powers) => powers.contributions(),
            Self::Two(key) => key.contributions(),
        }
    }

    fn contribute(&self, contributor: &Contributor) -> Result<Contributed, CommandError> {
        Ok(match self {
            Self::One(powers) => powers.contribute(contributor)?,
            Self::Two(key) => key.contribute(contributor)?,
        })
    }
}

impl Ceremony {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        match self {
            Self::Coordination(act) => act.run(setting).await,
            Self::New(new) => new.run(),
            Self::Contribute(contribute) => contribute.run(),
            Self::Beacon(beacon) => beacon.run(),
            Self::Prepare { file, out } => prepare(&file, &out),
            Self::Verify(verify) => verify.run(),
            Self::Finish(finish) => finish.run(),
            Self::Status { file } => {
                let phase = Phase::read(&file)?;
                let contributions = phase.contributions();
                let text = said(&contributions, "not checked");
                Ok(Outcome::done(json!({ "contributions": shown(&contributions) }), text))
            }
            Self::SigningKey(key) => key.run(),
        }
    }
}

impl New {
    fn run(self) -> Result<Outcome, CommandError> {
        if let Some(power) = self.power {
            if !(1..=GREATEST_POWER).contains(&power) {
                let reason = format!("--power is 1 to {GREATEST_POWER}, not {power}");
                return Err(CommandError::WrongUse(reason));
            }
            files::write_new(&self.out, &Powers::begin(power))?;
            let text = format!(
                "phase 1 for up to 2^{power} rows in {}: nobody has contributed yet",
                self.out.display()
            );
            return Ok(Outcome::done(json!({ "power": power, "contributions": [] }), text));
        }
        let (Some(constraints), Some(phase1)) = (self.of.constraints()?, &self.phase1) else {
            let reason = "give --power for a phase 1, or --circuit or --r1cs and --phase1 for keys";
            return Err(CommandError::WrongUse(reason.to_owned()));
        };
        let powers = Powers::read(phase1)?.verify_beacons_to(self.beacon_exponent)?;
        let key = CeremonyKey::begin(&self.out, &constraints, &powers)?;
        files::write_new(&self.out, key.file())?;
        let hash = hex::encode(key.circuit_hash());
        let text = format!(
            "keys that nobody has contributed to in {}\ncircuit hash {hash}",
            self.out.display()
        );
        Ok(Outcome::done(json!({ "circuit_hash": hash, "contributions": [] }), text))
    }
}

impl Contribute {
    fn run(self) -> Result<Outcome, CommandError> {
        let phase = Phase::read(&self.file)?;
        let signer = match &self.signing_key {
            Some(_) if matches!(phase, Phase::One(_)) => {
                let reason =
                    "attestations are of contributions to phase 2: leave --signing-key out";
                return Err(CommandError::WrongUse(reason.to_owned()));
            }
            Some(path) => Some(CONTRIBUTOR_KEY.open(path, &self.passphrase.passphrase()?)?.1),
            None => None,
        };
        let contributor = Contributor::person(&self.name, self.typed()?);
        let contributed = phase.contribute(&contributor)?;
        files::write_new(&self.out, &contributed.file)?;
        let hash = hex::encode(contributed.hash);
        let mut text = format!(
            "contribution {} of {} in {}\n{hash}\nWrite the hash down: by it you know your \
             contribution again.",
            phase.contributions().len() + 1,
            self.name,
            self.out.display(),
        );
        let mut value = json!({ "contribution": hash, "out": self.out });
        if let (Some(key), Phase::Two(of), Some(organisation)) =
            (signer, &phase, &self.organisation)
        {
            let said = [&self.name, organisation, &self.statement].map(String::as_str);
            let attestation = Attestation::sign(&of.circuit_hash(), &contributed.hash, said, &key);
            let path = beside(&self.out);
            files::write_new_json(&path, &attestation)?;
            text += &format!("\nattestation in {}", path.display());
            value["attestation"] = json!(path);
        }
        Ok(Outcome::done(value, text))
    }

    /// What a person gives beside the system's entropy.
    fn typed(&self) -> Result<Zeroizing<String>, CommandError> {
        if let Some(path) = &self.entropy_file {
            let bytes = Zeroizing::new(std::fs::read(path).map_err(CommandError::file(path))?);
            return Ok(Zeroizing::new(hex::encode(&*bytes)));
        }
        if !std::io::stdin().is_terminal() {
            return Ok(Zeroizing::default());
        }
        let typed = rpassword::prompt_password("Type at random, then press Enter: ")
            .map_err(|error| CommandError::Failed(format!("the terminal: {error}")))?;
        Ok(Zeroizing::new(typed))
    }
}

/// Where the attestation of a file's last contribution lies.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".attestation.json");
    path.with_file_name(name)
}

impl ByBeacon {
    fn run(self) -> Result<Outcome, CommandError> {
        if self.exponent > CHECKED_EXPONENT {
            let reason = format!(
                "--exponent {} is more than {CHECKED_EXPONENT}, which checks take without being asked",
                self.exponent
            );
            return Err(CommandError::WrongUse(reason));
        }
        let beacon = Beacon::from_hex(&self.value, self.exponent)
            .map_err(|fault| CommandError::WrongUse(fault.to_string()))?;
        let contributed =
            Phase::read(&self.file)?.contribute(&Contributor::beacon(&self.name, beacon))?;
        files::write_new(&self.out, &contributed.file)?;
        let hash = hex::encode(contributed.hash);
        let text = format!("the beacon's contribution in {}\n{hash}", self.out.display());
        Ok(Outcome::done(json!({ "contribution": hash, "out": self.out }), text))
    }
}

fn prepare(file: &Path, out: &Path) -> Result<Outcome, CommandError> {
    let powers = Powers::read(file)?.verify()?;
    files::write_new(out, &powers.powers().prepare())?;
    let text = format!("phase 1 with what phase 2 begins with in {}", out.display());
    Ok(Outcome::done(json!({ "power": powers.power(), "out": out }), text))
}

impl Verify {
    fn run(self) -> Result<Outcome, CommandError> {
        match self.checked() {
            Ok(outcome) => Ok(outcome),
            // What is wrong with a file is the answer no; that there is none is not.
            Err(
                error @ (CommandError::Ceremony(_)
                | CommandError::Refused(_)
                | CommandError::Keys(KeyError::Malformed { .. })
                | CommandError::File(FileError::Malformed { .. })),
            ) => {
                let value = json!({ "valid": false, "reason": error.to_string() });
                Ok(Outcome::no(value, error.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    fn checked(&self) -> Result<Outcome, CommandError> {
        match Phase::read(&self.file)? {
            Phase::One(powers) => {
                let powers = powers.verify_beacons_to(self.beacon_exponent)?;
                powers.check_prepared()?;
                let digest = hex::encode(powers.powers().digest());
                let contributions = powers.powers().contributions();
                let state = format!("valid phase 1 for up to 2^{} rows", powers.power());
                let text = format!("{}\ndigest {digest}", said(&contributions, &state));
                let value = json!({
                    "valid": true,
                    "power": powers.power(),
                    "digest": digest,
                    "contributions": shown(&contributions),
                });
                Ok(Outcome::done(value, text))
            }
            Phase::Two(key) => {
                let (verified, powers) =
                    verify_key(*key, &self.of, self.phase1.as_deref(), self.beacon_exponent)?;
                let contributions = verified.contributions();
                let hash = hex::encode(verified.circuit_hash());
                let mut text =
                    format!("{}\ncircuit hash {hash}", said(&contributions, "valid keys"));
                let mut value = json!({
                    "valid": true,
                    "circuit_hash": hash,
                    "digest": Value::Null,
                    "contributions": shown(&contributions),
                });
                if let (Some(path), Some(name)) = (&self.transcript, &self.of.circuit) {
                    let digest =
                        finish::check_transcript(path, circuit::find(name)?, &powers, &verified)?;
                    text += &format!("\ntranscript {digest}, by its policy finished");
                    value["digest"] = json!(digest);
                    value["transcript"] = json!(digest);
                }
                Ok(Outcome::done(value, text))
            }
        }
    }
}

/// Checks a key against the circuit and phase 1 that are named.
fn verify_key(
    key: CeremonyKey,
    of: &Statement,
    phase1: Option<&Path>,
    beacon_exponent: u8,
) -> Result<(VerifiedKey, VerifiedPowers), CommandError> {
    let (Some(constraints), Some(phase1)) = (of.constraints()?, phase1) else {
        let reason = "give the circuit, with --circuit or --r1cs, and its --phase1";
        return Err(CommandError::WrongUse(reason.to_owned()));
    };
    let powers = Powers::read(phase1)?.verify_beacons_to(beacon_exponent)?;
    Ok((key.verify_beacons_to(&constraints, &powers, beacon_exponent)?, powers))
}

impl SigningKey {
    fn run(self) -> Result<Outcome, CommandError> {
        let key = signing_key::generate();
        CONTRIBUTOR_KEY.save(&self.out, &self.name, &key, &self.passphrase.passphrase()?)?;
        let public = signing_key::public_text(&key);
        let text = format!("key of {} in {}\npublic key {public}", self.name, self.out.display());
        Ok(Outcome::done(json!({ "name": self.name, "public_key": public }), text))
    }
}

/// Contributions for a program.
fn shown(contributions: &[Contribution]) -> Value {
    let shown = |contribution: &Contribution| {
        let beacon = contribution.beacon.as_ref();
        json!({
            "hash": hex::encode(contribution.hash),
            "name": contribution.name,
            "beacon": beacon.map(|beacon| json!({
                "value": hex::encode(beacon.value()),
                "exponent": beacon.exponent(),
            })),
        })
    };
    contributions.iter().map(shown).collect()
}

/// Contributions for a person.
fn said(contributions: &[Contribution], state: &str) -> String {
    let mut text = format!("{state}, {} contributions", contributions.len());
    for (number, contribution) in (1..).zip(contributions) {
        let by = match (&contribution.beacon, contribution.name.as_str()) {
            (Some(beacon), name) => format!(
                "{name}: beacon {}, hashed 2^{} times",
                hex::encode(beacon.value()),
                beacon.exponent()
            ),
            (None, "") => "no name".to_owned(),
            (None, name) => name.to_owned(),
        };
        text += &format!("\n{number:>3}  {by}\n     {}", hex::encode(contribution.hash));
    }
    text
}
