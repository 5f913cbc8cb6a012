//! `praman scheme`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::Outcome;
use crate::error::ServiceError;
use crate::schema::Schema;
use crate::scheme;

/// Work on scheme files.
#[derive(Subcommand)]
pub(super) enum Scheme {
    /// Compile a scheme; refuse what can't be expressed with its line and the reason.
    #[command(after_help = "Example: praman scheme check schemes/annapurna.toml")]
    Check {
        /// The scheme, TOML.
        file: PathBuf,
    },
}

impl Scheme {
    pub(super) fn run(self) -> Result<Outcome, ServiceError> {
        let Self::Check { file } = self;
        let scheme = read(&file)?;
        let fault = |error: scheme::SchemeError| refused(&file, &error);
        let mut versions = Vec::new();
        let (mut tiers, mut clauses) = (0, 0);
        let mut text = format!("{} ({})\n", scheme.name, scheme.id);
        for version in &scheme.versions {
            let policy = scheme.compiled(version).map_err(fault)?;
            tiers = tiers.max(policy.used_tiers());
            clauses = clauses.max(policy.used_clauses());
            let to = version.to.map_or_else(|| "open".to_owned(), |to| to.to_string());
            text.push_str(&format!(
                "from {} to {to}: {} tiers, {} of 16 clauses\n",
                version.from,
                policy.used_tiers(),
                policy.used_clauses()
            ));
            versions.push(json!({
                "from": version.from.to_string(),
                "to": version.to.map(|to| to.to_string()),
                "tiers": policy.used_tiers(),
                "clauses": policy.used_clauses(),
            }));
        }
        let json = json!({
            "scheme": scheme.id,
            "name": scheme.name,
            "tiers": tiers,
            "clauses": clauses,
            "versions": versions,
        });
        Ok(Outcome::done(json, text))
    }
}

/// Reads a scheme's file; the error names file, line and reason.
pub(super) fn read(path: &Path) -> Result<scheme::Scheme, ServiceError> {
    scheme::Scheme::read(path).map_err(|error| refused(path, &error))
}

/// A scheme that is refused is an answer, not a failure; a file that can't be read is wrong use.
pub(super) fn refused(path: &Path, error: &scheme::SchemeError) -> ServiceError {
    match error.line {
        0 => ServiceError::WrongUse(format!("{}: {}", path.display(), error.reason)),
        line => ServiceError::Refused(format!("{}:{line}: {}", path.display(), error.reason)),
    }
}

/// A schema by name or number, as an argument.
pub(super) fn schema(name: &str) -> Result<&'static Schema, String> {
    Schema::find(name)
        .ok_or_else(|| format!("there is no schema {name:?}; there are resident and student"))
}
