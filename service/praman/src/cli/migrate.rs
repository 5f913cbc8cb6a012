//! `praman migrate`.

use clap::Subcommand;
use serde_json::json;

use super::{Outcome, Setting};
use crate::error::CommandError;
use crate::store::Store;

/// Show and apply migrations of the store's schema.
#[derive(Subcommand)]
pub(super) enum Migrate {
    /// Show which migrations the store has; nothing is changed. The exit code is 1 if some are
    /// missing.
    Status,
    /// Apply the missing migrations, as every other verb does when it starts.
    Up,
}

impl Migrate {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let store = Store::connect_as_it_is(&setting.location).await?;
        if let Self::Up = self {
            store.migrate().await?;
        }
        let state = store.schema_state().await?;
        let mut lines: Vec<String> = state
            .migrations
            .iter()
            .map(|migration| {
                let mark = if migration.applied { "applied" } else { "missing" };
                format!("{:>4}  {mark}  {}", migration.version, migration.description)
            })
            .collect();
        lines
            .extend(state.unknown.iter().map(|version| format!("{version:>4}  by a newer praman")));
        let json = json!({ "current": state.is_current(), "schema": state });
        let text = lines.join("\n");
        Ok(if state.is_current() { Outcome::done(json, text) } else { Outcome::no(json, text) })
    }
}
