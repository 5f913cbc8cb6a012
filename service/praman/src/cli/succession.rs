//! `praman ledger hand-over` and `take-over`: a new ledger takes the place of an earlier one.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::ledger::join;
use super::signer::{Signer, network};
use super::{Outcome, Setting};
use crate::error::CommandError;
use crate::files::{self, FileError};
use crate::ledger::{Ledger as _, Succession};

/// Let a new ledger take the place of an earlier one.
#[derive(Subcommand)]
pub(super) enum TakingOver {
    /// End this ledger for good: it accepts no claim any more, and a new ledger takes its place.
    ///
    /// This needs a quorum of the committee, and can't be undone. What was accepted is paid from here.
    #[command(
        after_help = "Example: praman ledger end --keys keys --account member1.json --account member2.json"
    )]
    End {
        /// The folder of the keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        #[command(flatten)]
        signer: Signer,
    },
    /// Write what a new ledger takes over from this one, which has ended: its context and all that is
    /// spent on it.
    #[command(after_help = "Example: praman ledger hand-over --out ledger.json")]
    HandOver {
        /// Where to write the file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Have this ledger, which is new, take the place of an earlier one.
    ///
    /// Nullifiers stay the same, so what was claimed there is not claimed here again. The committee
    /// approves it and the agency brings all of it: give their keys. Nothing opens before that.
    #[command(
        after_help = "Example: praman ledger take-over ledger.json --keys keys --account member.json \
                      --account agency.json"
    )]
    TakeOver {
        /// The file that the earlier ledger's folder wrote.
        file: PathBuf,
        /// The folder of the keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        #[command(flatten)]
        signer: Signer,
    },
}

impl TakingOver {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        match self {
            Self::End { keys, signer } => {
                let (_, mut ledger, _) = join(setting, &keys, &signer).await?;
                ledger.end().await?;
                let text = "the ledger has ended: it accepts no claim any more";
                Ok(Outcome::done(json!({ "ended": true }), text))
            }
            Self::HandOver { out } => {
                let handed = Succession::of(&network(setting).await?).await?;
                files::write(&out, format!("{}\n", handed.to_json()).as_bytes())?;
                let (spent, scopes) = handed.counts();
                let text = format!(
                    "{spent} spent nullifiers and {scopes} scopes are written to {}",
                    out.display()
                );
                let json = json!({ "context": handed.context, "spent": spent, "scopes": scopes });
                Ok(Outcome::done(json, text))
            }
            Self::TakeOver { file, keys, signer } => {
                let handed = Succession::from_json(&files::read_text(&file)?)
                    .map_err(|error| FileError::malformed(&file, error))?;
                let (_, mut ledger, _) = join(setting, &keys, &signer).await?;
                let taken = ledger.take_over(&handed).await?;
                let context = ledger.context();
                let text = format!(
                    "the ledger's context is {context}; {} nullifiers and {} scopes of the earlier \
                     ledger are here, {} parts brought now",
                    taken.spent, taken.scopes, taken.brought
                );
                let json = json!({ "context": context, "taken_over": taken });
                Ok(Outcome::done(json, text))
            }
        }
    }
}
