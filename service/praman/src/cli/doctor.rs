//! `praman doctor`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Outcome, Setting};
use crate::doctor::{Installation, Standing};
use crate::error::CommandError;

/// Check this installation: report what is wrong and what to do about it. Nothing is changed.
///
/// The exit code is 1 if something does not work.
#[derive(Args)]
#[command(after_help = "Example: praman doctor --keys keys --tls-certificate service.pem")]
pub(super) struct Doctor {
    /// The folder of the keys.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// The service's certificate, PEM.
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
}

impl Doctor {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let installation = Installation {
            folder: setting.folder.clone(),
            location: setting.location.clone(),
            keys: self.keys,
            certificate: self.tls_certificate,
        };
        let findings = installation.examine().await;
        let mut text = String::new();
        for finding in &findings {
            let mark = match finding.standing {
                Standing::Well => "ok",
                Standing::Watch => "look",
                Standing::Wrong => "WRONG",
            };
            text.push_str(&format!("{mark:<7}{:<14}{}\n", finding.check, finding.says));
            if let Some(advice) = finding.advice {
                text.push_str(&format!("{:<21}-> {advice}\n", ""));
            }
        }
        let wrong = findings.iter().any(|finding| finding.standing == Standing::Wrong);
        let json = json!({ "works": !wrong, "findings": findings });
        if wrong { Ok(Outcome::no(json, text)) } else { Ok(Outcome::done(json, text)) }
    }
}
