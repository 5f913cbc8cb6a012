//! `praman scheme`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use praman_circuits::period::Period;
use serde_json::json;

use super::Outcome;
use crate::error::CommandError;
use crate::language::Language;
use crate::register::effects::Effects;
use crate::sandbox::synthetic_people;
use crate::schema::{RESIDENT, Schema};
use crate::scheme::{self, ClaimPeriod};
use crate::{calendar, register};

/// Work on scheme files.
#[derive(Subcommand)]
pub(super) enum Scheme {
    /// Check a scheme's file. What can't be expressed is refused, with its line and the reason.
    #[command(after_help = "Example: praman scheme check schemes/annapurna.toml")]
    Check {
        /// The scheme, TOML.
        file: PathBuf,
    },
    /// Print a scheme's rules in plain language.
    #[command(after_help = "Example: praman scheme read schemes/annapurna.toml --language bn")]
    Read {
        /// The scheme, TOML.
        file: PathBuf,
        /// The language.
        #[arg(long, value_enum, default_value = "en")]
        language: Language,
    },
    Compare(Compare),
}

/// Compare the rules of two files of a scheme: what changes, and which people the change affects.
#[derive(Args)]
#[command(
    after_help = "Example: praman scheme compare annapurna.toml changed.toml --month 2026-12 --register register.csv"
)]
pub(super) struct Compare {
    /// The current scheme, TOML.
    before: PathBuf,
    /// The changed scheme, TOML.
    after: PathBuf,
    /// The month whose rules are compared.
    #[arg(long, value_parser = month)]
    month: Period,
    /// The people to try it on, CSV [default: synthetic people].
    #[arg(long, value_name = "FILE")]
    register: Option<PathBuf>,
    /// How many synthetic people there are.
    #[arg(long, value_name = "COUNT", default_value_t = 5_000, conflicts_with = "register")]
    people: usize,
    /// The language in which the rules are printed.
    #[arg(long, value_enum, default_value = "en")]
    language: Language,
}

fn month(text: &str) -> Result<Period, String> {
    calendar::read_month(text)
        .and_then(calendar::month_of)
        .ok_or_else(|| "write the month as 2026-12".to_owned())
}

impl Compare {
    fn run(&self) -> Result<Outcome, CommandError> {
        let (before, after) = (read(&self.before)?, read(&self.after)?);
        if before.schema.id != after.schema.id || before.schema.id != RESIDENT.id {
            let reason = "both files must have the schema resident, which registers are of";
            return Err(CommandError::Refused(reason.to_owned()));
        }
        let period = ClaimPeriod { period: self.month, window: self.month };
        let rules = |scheme: &scheme::Scheme, path: &Path| {
            scheme.rules_in(period, self.language).map_err(|error| refused(path, &error))
        };
        let (old_policy, old) = rules(&before, &self.before)?;
        let (new_policy, new) = rules(&after, &self.after)?;
        let today = calendar::today();
        let register = match &self.register {
            None => synthetic_people(self.people, 1, today)?,
            Some(path) => {
                let file = std::fs::File::open(path).map_err(CommandError::file(path))?;
                register::check(file, today, |_| ())
                    .map_err(|error| CommandError::malformed(path, error))?
            }
        };
        let effects = Effects::of_register(&old_policy, &new_policy, &register);
        let changes = old.changes(&new);
        let mut text = String::new();
        for change in &changes {
            match change.tier {
                0 => text.push_str("all tiers\n"),
                tier => text.push_str(&format!("tier {tier}\n")),
            }
            change.before.iter().for_each(|line| text.push_str(&format!("  - {line}\n")));
            change.after.iter().for_each(|line| text.push_str(&format!("  + {line}\n")));
        }
        let told = |count: Option<u64>| count.map_or("few".to_owned(), |count| count.to_string());
        let Effects { people, gained, lost, more, less, same, neither, .. } = &effects;
        text.push_str(&format!(
            "of {people} people {} are newly eligible and {} no longer eligible; {} get more, {} \
             less, {} the same, {} nothing either way\nrupees a period, if all claim: {} before, \
             {} after\n",
            told(*gained),
            told(*lost),
            told(*more),
            told(*less),
            told(*same),
            told(*neither),
            effects.rupees_before,
            effects.rupees_after
        ));
        Ok(Outcome::done(json!({ "changes": changes, "effects": effects }), text))
    }
}

fn read_out(file: &Path, language: Language) -> Result<Outcome, CommandError> {
    let scheme = read(file)?;
    let readings: Vec<_> =
        scheme.versions.iter().map(|version| scheme.read_out(version, language)).collect();
    let mut text = format!("{}\n", scheme.name_in(language));
    for reading in &readings {
        let to = reading.to.map_or_else(String::new, |to| format!(" – {}", language.day(to)));
        text.push_str(&format!("\n{}{to}\n", language.day(reading.from)));
        for sentence in &reading.terms {
            text.push_str(&format!("  {sentence}\n"));
        }
        for tier in &reading.tiers {
            let name = tier.name.as_deref().unwrap_or_default();
            text.push_str(&format!("  {} {name}\n", tier.amount));
            for line in &tier.rules {
                text.push_str(&format!("    {}{}\n", "  ".repeat(line.depth), line.text));
            }
        }
    }
    Ok(Outcome::done(json!({ "scheme": scheme.id, "versions": readings }), text))
}

impl Scheme {
    pub(super) fn run(self) -> Result<Outcome, CommandError> {
        let file = match self {
            Self::Check { file } => file,
            Self::Read { file, language } => return read_out(&file, language),
            Self::Compare(compare) => return compare.run(),
        };
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
pub(super) fn read(path: &Path) -> Result<scheme::Scheme, CommandError> {
    scheme::Scheme::read(path).map_err(|error| refused(path, &error))
}

/// A scheme that is refused is an answer, not a failure; a file that can't be read is wrong use.
pub(super) fn refused(path: &Path, error: &scheme::SchemeError) -> CommandError {
    match error.line {
        0 => CommandError::WrongUse(format!("{}: {}", path.display(), error.reason)),
        line => CommandError::Refused(format!("{}:{line}: {}", path.display(), error.reason)),
    }
}

/// A schema by name or number, as an argument.
pub(super) fn schema(name: &str) -> Result<&'static Schema, String> {
    Schema::find(name)
        .ok_or_else(|| format!("there is no schema {name:?}: give resident, student or household"))
}
