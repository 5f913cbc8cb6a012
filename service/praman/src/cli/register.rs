//! `praman register`.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::{Outcome, Setting};
use crate::error::CommandError;
use crate::register::{self, Matches, write_report};
use crate::{calendar, files};

/// Check a register of people.
#[derive(Subcommand)]
pub(super) enum Register {
    /// Check every row: accepted, rejected for a column, or a duplicate of an earlier row.
    #[command(after_help = "Example: praman register check register.csv --report report.csv")]
    Check {
        /// The register, CSV.
        file: PathBuf,
        /// Where to write register_no,verdict,field_or_first.
        #[arg(long, value_name = "OUT.csv")]
        report: Option<PathBuf>,
    },
}

impl Register {
    pub(super) fn run(self, _: &Setting) -> Result<Outcome, CommandError> {
        let Self::Check { file, report } = self;
        let register = read(&file)?;
        if let Some(path) = &report {
            let mut text = Vec::new();
            write_report(&register, &Matches::default(), &mut text)
                .map_err(CommandError::file(path))?;
            files::write(path, &text)?;
        }
        let counts = register.counts();
        let rejections = register.rejections();
        let fields: serde_json::Map<_, _> =
            rejections.iter().map(|(field, count)| (field.to_string(), json!(count))).collect();
        let listed: Vec<String> =
            rejections.iter().map(|(field, count)| format!("{field} {count}")).collect();
        let text = format!(
            "{} rows: {} accepted, {} rejected ({}), {} duplicates",
            counts.rows,
            counts.accepted,
            counts.rejected,
            listed.join(", "),
            counts.duplicates
        );
        let mut json = serde_json::to_value(counts).expect("counts are plain data");
        json["rejected_for"] = fields.into();
        Ok(Outcome::done(json, text))
    }
}

/// Reads and checks a register's file as of today.
pub(super) fn read(path: &Path) -> Result<register::Register, CommandError> {
    let file = File::open(path).map_err(CommandError::file(path))?;
    register::check(file, calendar::today(), |_| ()).map_err(|error| match error {
        register::RegisterError::Read { source, .. } => CommandError::file(path)(source),
        other => CommandError::malformed(path, other),
    })
}
