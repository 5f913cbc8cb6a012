//! `praman ceremony open`, `close`, `coordinator-key`: what the operator of a coordinator does.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use praman_ceremony::Policy;
use praman_coordinator::{CeremonyName, Coordinator, NewCeremony};
use serde_json::json;

use crate::cli::passphrase::PassphraseSource;
use crate::cli::{Outcome, Setting};
use crate::error::CommandError;
use crate::files;
use crate::files::signing_key::{self, KeyKind};

/// The file of a coordinator's key.
pub(in crate::cli) const COORDINATOR_KEY: KeyKind =
    KeyKind { format: "praman-coordinator-key-1", purpose: "coordinator's key" };

/// Coordinate ceremonies in this state's service: it hands out the newest file, takes contributions in turn and signs
/// receipts.
#[derive(Subcommand)]
pub(in crate::cli) enum Coordination {
    Open(Open),
    /// Take no more contributions.
    #[command(after_help = "Example: praman ceremony close claims-2026")]
    Close {
        /// The ceremony's name.
        name: CeremonyName,
    },
    /// Make the key that signs receipts. Its public part goes into the policy; give its file to `praman serve` with
    /// --coordinator.
    #[command(after_help = "Example: praman ceremony coordinator-key --out coordinator.json")]
    CoordinatorKey {
        /// Where to write it, sealed.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
}

/// Open a ceremony to contributors, with the file that `praman ceremony new` has made.
#[derive(Args)]
#[command(
    after_help = "Example: praman ceremony open claims-2026 --file key.zkey --policy policy.toml --turn-minutes 60"
)]
pub(in crate::cli) struct Open {
    /// Its name: small letters, digits and hyphens.
    name: CeremonyName,
    /// The file that contributions begin with.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// How many hands the keys need, and whose.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// For how long a contributor has the turn.
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    turn_minutes: u32,
}

impl Coordination {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        match self {
            Self::Open(open) => open.run(setting).await,
            Self::Close { name } => {
                let store = setting.store().await?;
                // It signs nothing here.
                Coordinator::new(&store, signing_key::generate()).close(&name).await?;
                let text = format!("ceremony {name} takes no more contributions");
                Ok(Outcome::done(json!({ "ceremony": name.to_string(), "open": false }), text))
            }
            Self::CoordinatorKey { out, passphrase } => {
                let key = signing_key::generate();
                COORDINATOR_KEY.save(&out, "coordinator", &key, &passphrase.passphrase()?)?;
                let public = signing_key::public_text(&key);
                let text =
                    format!("the coordinator's key in {}\npublic key {public}", out.display());
                Ok(Outcome::done(json!({ "public_key": public }), text))
            }
        }
    }
}

impl Open {
    async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let policy = files::read_text(&self.policy)?;
        Policy::parse(&policy).map_err(|fault| CommandError::malformed(&self.policy, fault))?;
        let file = std::fs::read(&self.file).map_err(CommandError::file(&self.file))?;
        let store = setting.store().await?;
        let new = NewCeremony { policy: &policy, turn_seconds: 60 * self.turn_minutes, file };
        Coordinator::new(&store, signing_key::generate()).open(&self.name, new).await?;
        let text =
            format!("ceremony {} is open: `praman serve --coordinator` hands it out", self.name);
        Ok(Outcome::done(json!({ "ceremony": self.name.to_string(), "open": true }), text))
    }
}
