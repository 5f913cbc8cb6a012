//! `praman backup`, `praman restore`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Outcome, Setting};
use crate::error::ServiceError;
use crate::store::Store;

/// Write the whole state to one file, while everything goes on.
///
/// Keys are not in it: they lie in their own sealed files.
#[derive(Args)]
#[command(after_help = "Example: praman backup --out praman-2026-11-24.db")]
pub(super) struct Backup {
    /// The file, which must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Backup {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, ServiceError> {
        setting.store().await?.back_up(&self.out).await?;
        let text = format!("backed up to {}", self.out.display());
        Ok(Outcome::done(json!({ "file": self.out }), text))
    }
}

/// Put a backup into a folder that holds no state yet.
#[derive(Args)]
#[command(after_help = "Example: praman restore --dir new --from praman-2026-11-24.db")]
pub(super) struct Restore {
    /// The backup.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
}

impl Restore {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, ServiceError> {
        Store::restore(&self.from, &setting.folder).await?;
        let text = format!("restored into {}", setting.folder.display());
        Ok(Outcome::done(json!({ "folder": setting.folder }), text))
    }
}
