//! `praman migrate`.

use clap::Subcommand;
use serde_json::json;

use super::{Outcome, Setting};
use crate::error::ServiceError;
use crate::store::Store;

/// The store's schema.
#[derive(Subcommand)]
pub(super) enum Migrate {
    /// Which migrations the store has; nothing is changed. Exit code 1 if some are missing.
    Status,
    /// Apply those that are missing, as every other verb does when it begins.
    Up,
}

impl Migrate {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, ServiceError> {
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
            .extend(state.unknown.iter().map(|version| format!("{version:>4}  of a newer praman")));
        let json = json!({ "current": state.is_current(), "schema": state });
        let text = lines.join("\n");
        Ok(if state.is_current() { Outcome::done(json, text) } else { Outcome::no(json, text) })
    }
}
