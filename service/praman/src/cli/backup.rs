//! `praman backup`, `praman restore`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Outcome, Setting};
use crate::error::CommandError;
use crate::store::{Location, Store};

/// Write the whole state to one file, of a PostgreSQL database too. Services may go on meanwhile.
///
/// Keys are not part of it: they stay in their own sealed files.
#[derive(Args)]
#[command(after_help = "Example: praman backup --out praman-2026-11-24.db")]
pub(super) struct Backup {
    /// The file to write. It must not exist yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Backup {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        setting.store().await?.back_up(&self.out).await?;
        let text = format!("backed up to {}", self.out.display());
        Ok(Outcome::done(json!({ "file": self.out }), text))
    }
}

/// Restore a backup into a folder or a PostgreSQL database that holds no state yet. The backup may
/// come from either.
#[derive(Args)]
#[command(after_help = "Example: praman restore --dir new --from praman-2026-11-24.db")]
pub(super) struct Restore {
    /// The backup file.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// When the backup was made, if the clock that marked it was ahead.
    #[arg(long, value_name = "TIME")]
    made_at: Option<jiff::Timestamp>,
}

impl Restore {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        Store::restore(&self.from, &setting.location, self.made_at).await?;
        let (place, text) = match &setting.location {
            Location::Folder(folder) => {
                (json!(folder), format!("restored into {}", folder.display()))
            }
            Location::Server(_) => (json!(null), "restored into the database".to_owned()),
        };
        Ok(Outcome::done(json!({ "folder": place }), text))
    }
}
