//! `praman sandbox`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;

use super::{Outcome, Setting};
use crate::error::CommandError;
use crate::sandbox::{self, Options, Report};

/// Try a scheme on synthetic people, with a mock bank and scripted frauds, before it is approved.
///
/// Its proofs are for a ledger of its own and are not valid on any other.
#[derive(Args)]
#[command(
    after_help = "Example: praman sandbox --scheme annapurna.toml --period 2026-06 --people 2000 --dir /tmp/sandbox"
)]
pub(super) struct Sandbox {
    /// The scheme's file.
    #[arg(long, value_name = "FILE")]
    scheme: PathBuf,
    /// The period, as the scheme writes it.
    #[arg(long)]
    period: String,
    /// How many synthetic people there are.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    people: u32,
    /// How many of the people who qualify make a claim.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    claims: u32,
    /// Choose people and returned payments by this number.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The sandbox's day [default: today].
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
}

impl Sandbox {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let options = Options {
            scheme: self.scheme,
            period: self.period,
            people: self.people as usize,
            claims: self.claims as usize,
            seed: self.seed,
            on: self.on,
            folder: setting.folder.join("sandbox"),
            progress: !setting.json,
        };
        let report = sandbox::run(&options).await?;
        let json = serde_json::to_value(&report).expect("a report is plain data");
        let text = told(&report);
        match report.is_sound() {
            true => Ok(Outcome::done(json, text)),
            false => Ok(Outcome::no(json, text)),
        }
    }
}

fn told(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").expect("a string takes it");
    let impact = &report.impact;
    line(format!(
        "{} of {} people qualify; ₹ {} a period if all claim",
        impact.eligible, impact.people, impact.rupees
    ));
    for (tier, people) in &impact.tiers {
        line(format!("  tier {tier}: {people}"));
    }
    for (district, affected) in &impact.districts {
        let eligible =
            affected.eligible.map_or_else(|| "few".to_owned(), |number| number.to_string());
        line(format!("  {district:<20}{eligible:>8} of {:>6}", affected.people));
    }
    let paid = &report.reconciliation.paid;
    line(format!(
        "{} claims accepted; {} payments returned and paid again; {} paid, ₹ {}, difference ₹ {}",
        report.claims, report.returned, paid.count, paid.rupees, report.reconciliation.difference
    ));
    for fraud in &report.frauds {
        let (name, by) = (fraud.fraud.name(), fraud.by.name());
        line(format!("  {name:<16}refused by the {by}: {}", fraud.reason));
    }
    for fraud in &report.succeeded {
        line(format!("  {:<16}SUCCEEDED", fraud.name()));
    }
    line(format!("all files are in {}", report.folder.display()));
    text
}
