//! `praman audit`: the audit log.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::signer::{Signer, network};
use super::{Outcome, Setting};
use crate::access_control::Action;
use crate::audit;
use crate::audit::AuditStore;
use crate::error::CommandError;
use crate::ledger::{AnchorSeries, ParticipantNumber};

/// Verify, anchor and export the audit log.
#[derive(Subcommand)]
pub(super) enum Audit {
    /// Check every entry, and what the ledger holds of the log; report the first entry that was
    /// altered.
    #[command(after_help = "Example: praman audit verify --participant 6")]
    Verify {
        /// A participant whose anchors count, by its number on the ledger; may be given again. An
        /// auditor gives it, so that a store that was tampered with can't choose whose anchors
        /// count [default: those that the store knows].
        #[arg(long = "participant", value_name = "NUMBER")]
        participants: Vec<u32>,
        /// Skip the ledger, if there is none.
        #[arg(long, conflicts_with = "participants")]
        offline: bool,
    },
    /// Write the hash of the last entry to the ledger. It fixes all entries before it, too.
    #[command(after_help = "Example: praman audit anchor --account relayer.json")]
    Anchor {
        #[command(flatten)]
        signer: Signer,
    },
    /// Write the log to a file, one JSON object a line.
    #[command(after_help = "Example: praman audit export --out audit.ndjson")]
    Export {
        /// Where to write the log.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

impl Audit {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        match self {
            Self::Verify { participants, offline } => {
                let store = setting.store().await?;
                // Before the ledger is read: what is anchored meanwhile is not taken for made up.
                let kept = AuditStore(&store).audit_anchors().await?;
                let said = match offline {
                    true => None,
                    false => Some(network(setting).await?.anchored(AnchorSeries::Audit).await?),
                };
                let named: Vec<_> = participants.into_iter().map(ParticipantNumber).collect();
                let anchors = said.as_deref().unwrap_or_default();
                let mut report = audit::verify(&store, &kept, anchors, &named).await?;
                let made_up = said.as_deref().and_then(|said| audit::made_up(&kept, said));
                report.fault = report.fault.or(made_up);
                let json = json!(report);
                match &report.fault {
                    None => {
                        let text = format!(
                            "{} entries are unaltered; the ledger has fixed {}",
                            report.entries, report.anchored
                        );
                        Ok(Outcome::done(json, text))
                    }
                    Some(fault) => Ok(Outcome::no(json, fault.to_string())),
                }
            }
            Self::Anchor { signer } => {
                let (mut network, account) = signer.network_as_one(setting).await?;
                let store = setting.store().await?;
                let anchor = audit::anchor(&store, &mut network, account).await?;
                let text = match &anchor {
                    Some(anchor) => {
                        format!("{} entries are fixed by block {}", anchor.entries, anchor.block)
                    }
                    None => "the ledger has fixed all entries already".to_owned(),
                };
                Ok(Outcome::done(json!({ "anchor": anchor }), text))
            }
            Self::Export { out } => {
                let store = setting.store().await?;
                setting.act(&store, Action::ReadAudit, "export").await?;
                let entries = AuditStore(&store).export_audit(&out).await?;
                let text = format!("{entries} entries are written to {}", out.display());
                Ok(Outcome::done(json!({ "entries": entries }), text))
            }
        }
    }
}
