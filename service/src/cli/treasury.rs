//! `praman treasury`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::passphrase::PassphraseSource;
use super::{Outcome, Setting, scheme};
use crate::access_control::Action;
use crate::calendar;
use crate::error::ServiceError;
use crate::files;
use crate::ledger::JoinedNetwork;
use crate::payment_file::Debtor;
use crate::treasury::{PaymentRun, TreasuryKey};

/// The treasury's side: its key, and the bank's files.
#[derive(Subcommand)]
pub(super) enum Treasury {
    /// A new key, and the payout file that holders need to be paid.
    #[command(after_help = "Example: praman treasury new --out treasury.json --payout payout.json")]
    New {
        /// Where to write the sealed key.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Where to write the payout file.
        #[arg(long, value_name = "FILE")]
        payout: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
    /// Write the bank's file for the accepted claims of a scheme and period.
    #[command(
        after_help = "Example: praman treasury pay --key treasury.json --scheme annapurna.toml --period 2026-06 --out bank"
    )]
    Pay {
        /// The treasury's sealed key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The scheme's file.
        #[arg(long, value_name = "FILE")]
        scheme: PathBuf,
        /// The period, as the scheme writes it.
        #[arg(long)]
        period: String,
        /// A folder for the bank's files.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Who pays: a JSON file with name, account and ifsc [default: a demonstration account].
        #[arg(long, value_name = "FILE")]
        debtor: Option<PathBuf>,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
}

impl Treasury {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, ServiceError> {
        match self {
            Self::New { out, payout, passphrase } => {
                // The payout file first: without its key it only says no, and is written again.
                let key = TreasuryKey::generate();
                let passphrase = passphrase.passphrase()?;
                if out.exists() {
                    let reason = format!("{} exists; a key is never overwritten", out.display());
                    return Err(ServiceError::WrongUse(reason));
                }
                key.save_payout(&payout)?;
                key.save(&out, &passphrase)?;
                let public_key = hex::encode(key.public().0);
                let text = format!("the treasury's public key is {public_key}");
                Ok(Outcome::done(json!({ "public_key": public_key }), text))
            }
            Self::Pay { key, scheme: path, period, out, debtor, passphrase } => {
                let scheme = scheme::read(&path)?;
                let period = scheme
                    .parse_period(&period)
                    .map_err(|error| ServiceError::WrongUse(error.reason))?;
                let debtor = match debtor {
                    Some(path) => files::read_json(&path)?,
                    None => Debtor::demonstration(),
                };
                let key = TreasuryKey::open(&key, &passphrase.passphrase()?)?;
                let store = setting.store().await?;
                let subject = format!("{} {}", scheme.id, period.period.0);
                setting.act(&store, Action::Pay, &subject).await?;
                // What others brought, froze and decided since is known before money moves.
                JoinedNetwork::open(&store, &[]).await?;
                let run = PaymentRun {
                    scheme: &scheme.id,
                    period: period.period,
                    instalments: scheme.instalments,
                    on: calendar::date_of(calendar::today()).expect("today is in the calendar"),
                    debtor: &debtor,
                    folder: &out,
                };
                let paid = run.pay(&store, &key).await?;
                let mut text = format!("{} claims, {} rupees\n", paid.claims, paid.rupees);
                for file in &paid.files {
                    text.push_str(&format!("{}\n", file.display()));
                }
                for (nullifier, reason) in &paid.held {
                    text.push_str(&format!("held: {nullifier}: {reason}\n"));
                }
                Ok(Outcome::done(serde_json::to_value(&paid).expect("plain data"), text))
            }
        }
    }
}
