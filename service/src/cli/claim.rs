//! `praman ledger`, `praman claim`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use praman_circuits::circuit;
use praman_circuits::eligibility::Checkpoint;
use praman_prover::KeyStore;
use praman_verifier::{PreparedKey, VerifyingKey};
use serde_json::json;

use super::{Outcome, Setting, scheme};
use crate::calendar;
use crate::claim::{ReadClaim, submit};
use crate::error::ServiceError;
use crate::ledger::{EmbeddedLedger, Ledger as _};
use crate::store::Store;

/// The embedded ledger.
#[derive(Subcommand)]
pub(super) enum Ledger {
    /// Deploy the contracts, if they are not yet.
    #[command(after_help = "Example: praman ledger start --keys keys")]
    Start {
        /// The folder of the keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
    },
    /// Publish the state root that claims are made against from now on.
    #[command(after_help = "Example: praman ledger checkpoint --keys keys")]
    Checkpoint {
        /// The folder of the keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        /// The day it stands for [default: today].
        #[arg(long, value_name = "YYYY-MM-DD")]
        as_of: Option<jiff::civil::Date>,
    },
    /// Open a scheme's period for claims.
    #[command(
        after_help = "Example: praman ledger open --keys keys --scheme annapurna.toml --period 2026-06"
    )]
    Open {
        /// The folder of the keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        /// The scheme's file.
        #[arg(long, value_name = "FILE")]
        scheme: PathBuf,
        /// The period, as the scheme writes it.
        #[arg(long)]
        period: String,
    },
}

fn verifying_key(keys: &Path) -> Result<VerifyingKey, ServiceError> {
    Ok(KeyStore::new(keys).load_verifying(circuit::eligibility())?)
}

async fn open_ledger(
    setting: &Setting,
    keys: &Path,
) -> Result<(Store, EmbeddedLedger, VerifyingKey), ServiceError> {
    let key = verifying_key(keys)?;
    let store = Store::open(&setting.folder).await?;
    let ledger = EmbeddedLedger::open(&store, &key).await?;
    Ok((store, ledger, key))
}

impl Ledger {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, ServiceError> {
        match self {
            Self::Start { keys } => {
                let (_, ledger, _) = open_ledger(setting, &keys).await?;
                let context = ledger.context();
                let text = format!("the ledger's context is {context}");
                Ok(Outcome::done(json!({ "context": context }), text))
            }
            Self::Checkpoint { keys, as_of } => {
                let (store, mut ledger, _) = open_ledger(setting, &keys).await?;
                let as_of = match as_of {
                    None => calendar::today(),
                    Some(date) => calendar::day_of(date).ok_or_else(|| {
                        ServiceError::WrongUse("a checkpoint is of a day after 1900".to_owned())
                    })?,
                };
                let state_root = store.state_root().await?;
                let number = ledger
                    .publish_checkpoint(
                        &store.office_states().await?,
                        Checkpoint { state_root, as_of },
                    )
                    .await?;
                let text = format!("checkpoint {number}: root {state_root}");
                Ok(Outcome::done(json!({ "checkpoint": number, "root": state_root }), text))
            }
            Self::Open { keys, scheme: path, period } => {
                let scheme = scheme::read(&path)?;
                let period = scheme
                    .parse_period(&period)
                    .map_err(|error| ServiceError::WrongUse(error.reason))?;
                let terms = scheme
                    .in_period(period)
                    .map_err(|error| ServiceError::Refused(error.reason))?;
                let (_, mut ledger, _) = open_ledger(setting, &keys).await?;
                ledger.open_period(&terms, period).await?;
                let text = format!("scheme {} takes claims", scheme.id);
                Ok(Outcome::done(json!({ "scheme": scheme.id, "open": true }), text))
            }
        }
    }
}

/// Submit a claim to the ledger.
#[derive(Args)]
#[command(
    after_help = "Example: praman claim --file proof/claim.json --scheme annapurna.toml --keys keys"
)]
pub(super) struct Claim {
    /// The claim, as `praman prove` writes it.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// The scheme's file.
    #[arg(long, value_name = "FILE")]
    scheme: PathBuf,
    /// The folder of the keys.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
}

impl Claim {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, ServiceError> {
        let read = ReadClaim::read(&self.file)?;
        let scheme = scheme::read(&self.scheme)?;
        if *read.scheme() != scheme.id {
            let reason = format!("the claim is for {}, not for {}", read.scheme(), scheme.id);
            return Err(ServiceError::Refused(reason));
        }
        let terms =
            scheme.in_period(read.period()).map_err(|error| ServiceError::Refused(error.reason))?;
        let (store, mut ledger, key) = open_ledger(setting, &self.keys).await?;
        let checkpoint = read.checkpoint();
        let number = ledger.find_checkpoint(checkpoint).await?.ok_or_else(|| {
            let reason = "the state that the claim was proved against is no checkpoint of this \
                          ledger: prove it with a snapshot of the day of a checkpoint";
            ServiceError::Refused(reason.to_owned())
        })?;
        let context = ledger.context();
        let claim = read.against(number);
        let terms = (&context, &checkpoint, &terms);
        let receipt = submit(&claim, terms, &PreparedKey::new(&key), &store, &mut ledger).await?;
        let text = format!("accepted in block {}, {} gas", receipt.block, receipt.gas_used);
        let json = json!({
            "accepted": true,
            "nullifier": claim.ledger.nullifier,
            "block": receipt.block,
            "gas": receipt.gas_used,
        });
        Ok(Outcome::done(json, text))
    }
}
