//! `praman claim`.

use std::path::PathBuf;

use clap::Args;
use praman_verifier::PreparedKey;
use serde_json::json;

use super::ledger::join;
use super::signer::Signer;
use super::{Outcome, Setting, scheme};
use crate::claim::{ReadClaim, submit};
use crate::error::ServiceError;
use crate::ledger::Ledger as _;

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
    /// On real nodes the relayer's key.
    #[command(flatten)]
    signer: Signer,
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
        let (store, mut ledger, key) = join(setting, &self.keys, &self.signer).await?;
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
