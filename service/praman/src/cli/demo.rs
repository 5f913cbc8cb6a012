//! `praman demo`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Outcome, Setting};
use crate::demo;
use crate::error::CommandError;

/// Show a claim from a register to a bank file, or a consent, on this machine.
#[derive(Args)]
#[command(
    after_help = "Example: praman demo --claims 20 --dir /tmp/demo",
    args_conflicts_with_subcommands = true
)]
pub(super) struct Demo {
    #[command(subcommand)]
    of: Option<DemoOf>,
    /// Issue credentials to at most this many people.
    #[arg(long, value_name = "N")]
    people: Option<usize>,
    /// Make at most this many claims.
    #[arg(long, value_name = "N", default_value_t = 100)]
    claims: usize,
    /// A register to use instead of the sample.
    #[arg(long, value_name = "FILE")]
    register: Option<PathBuf>,
    /// Choose who claims by this number.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

/// What else can be shown.
#[derive(Subcommand)]
enum DemoOf {
    /// Show a consent from request to erasure: granted more narrowly, used, refused, withdrawn,
    /// erased.
    #[command(after_help = "Example: praman demo consent --dir /tmp/demo")]
    Consent,
}

impl DemoOf {
    async fn run(&self, setting: &Setting) -> Result<Outcome, CommandError> {
        let Self::Consent = self;
        let (summary, timeline) = demo::consent::run(&setting.folder, true).await?;
        let json = serde_json::to_value(&summary).expect("a summary is plain data");
        let text = format!(
            "{timeline}\ngranted {}, allowed {}, refused by count {}, by purpose {}, after withdrawal \
             {}\na proof took {:.0} ms; keys: {}\ntimeline: {}\nwhat the patient sees: {}",
            summary.granted,
            summary.accesses_allowed,
            summary.refused_by_count,
            summary.refused_by_purpose,
            summary.refused_after_withdrawal,
            summary.proof_ms,
            summary.keys,
            summary.timeline.display(),
            summary.views.first().map(|view| view.display().to_string()).unwrap_or_default(),
        );
        match summary.is_as_it_should_be() {
            true => Ok(Outcome::done(json, text)),
            false => Ok(Outcome::no(json, text)),
        }
    }
}

impl Demo {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        if let Some(of) = &self.of {
            return of.run(setting).await;
        }
        let options = demo::Options {
            people: self.people,
            claims: self.claims,
            register: self.register,
            seed: self.seed,
            folder: setting.folder.clone(),
            progress: true,
        };
        let summary = demo::run(&options).await?;
        let json = serde_json::to_value(&summary).expect("a summary is plain data");
        let attacks_refused = summary.claims_sent == 0
            || (summary.double_claims_refused == 1 && summary.forged_claims_refused == 1);
        let text = summary.to_string();
        if attacks_refused { Ok(Outcome::done(json, text)) } else { Ok(Outcome::no(json, text)) }
    }
}
