//! `praman demo`.

use std::path::PathBuf;

use clap::Args;

use super::{Outcome, Setting};
use crate::demo;
use crate::error::ServiceError;

/// The whole way of a claim on this machine, from a register to a bank file.
#[derive(Args)]
#[command(after_help = "Example: praman demo --claims 20 --dir /tmp/demo")]
pub(super) struct Demo {
    /// Give credentials to at most this many people.
    #[arg(long, value_name = "N")]
    people: Option<usize>,
    /// Make at most this many claims.
    #[arg(long, value_name = "N", default_value_t = 100)]
    claims: usize,
    /// A register instead of the sample.
    #[arg(long, value_name = "FILE")]
    register: Option<PathBuf>,
    /// Draw who claims from this number.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

impl Demo {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, ServiceError> {
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
