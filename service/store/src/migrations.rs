//! The schema's steps, for each database the same ones, built into the program.
//!
//! They are listed here and not found by a macro of sqlx's, whose crate of macros would build both databases' drivers a
//! second time, for the compiler.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// A step: its number and name, in SQLite's SQL and in PostgreSQL's.
type Step = (&'static str, &'static str, &'static str);

macro_rules! steps {
    ($($name:literal,)*) => {
        &[$((
            $name,
            include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        ),)*]
    };
}

const STEPS: &[Step] = steps! {
    "0001_start",
    "0002_network",
    "0003_claims",
    "0004_proving",
    "0005_tree_versions",
    "0006_issuing",
    "0007_consents",
    "0008_access",
    "0009_payments",
    "0010_desk",
    "0011_schemes_of_tenants",
    "0012_people_again",
    "0013_offices_of_the_ledger",
    "0014_payments_by_what_was_accepted",
    "0015_one_person",
    "0016_disputes_event_by_event",
    "0017_reports_of_a_week",
    "0018_claims_that_were_not_kept",
    "0019_after_a_restore_and_other_keys",
    "0020_openings_with_a_last_day",
    "0021_corrections_keep_their_signature",
    "0022_every_payee_and_what_two_decided",
    "0023_days_of_booking",
    "0024_subjects",
    "0025_clinicians",
    "0026_states",
    "0027_bank_formats",
    "0028_days_of_return",
    "0029_second_edition",
    "0030_consents_second_edition",
    "0031_ceremonies",
    "0032_settlements",
    "0033_households",
};

fn migrator(sql_of: impl Fn(&Step) -> &'static str) -> Migrator {
    let migration = |step: &Step| {
        let (number, name) = step.0.split_once('_').expect("a number and a name");
        let number = number.parse().expect("a number");
        let sql = sql_of(step).into_sql_str();
        Migration::new(number, name.replace('_', " ").into(), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(STEPS.iter().map(migration).collect())
}

/// Returns the steps for SQLite.
pub(super) fn of_sqlite() -> Migrator {
    migrator(|step| step.1)
}

/// Returns the steps for PostgreSQL.
pub(super) fn of_postgres() -> Migrator {
    migrator(|step| step.2)
}

#[cfg(test)]
mod tests {
    use super::STEPS;

    #[test]
    fn every_file_of_both_databases_is_a_step_in_order() {
        for database in ["sqlite", "postgres"] {
            let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
            let files = std::fs::read_dir(folder).expect("a folder");
            let mut files: Vec<String> = files
                .map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"))
                .collect();
            files.sort();
            let steps: Vec<String> = STEPS.iter().map(|step| format!("{}.sql", step.0)).collect();
            assert_eq!(steps, files, "{database}");
        }
    }
}
