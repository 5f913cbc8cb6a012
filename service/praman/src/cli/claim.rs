//! `praman claim`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::ledger::join;
use super::signer::Signer;
use super::{Outcome, Setting, scheme};
use crate::claim::SubmittedClaim;
use crate::claims::{
    Check, ClaimId, ClaimMachine, ClaimReceipt, ClaimState, ClaimStore, HandedIn, Schemes,
};
use crate::error::CommandError;
use crate::files;
use crate::language::{Argument, Language};
use crate::ledger::Ledger as _;
use crate::register::District;

/// Submit a claim to the ledger and wait for the decision. The same claim gets the same answer
/// again.
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
    /// The district where the claim is submitted, as registers write it. It is counted, and not
    /// stored with the claim.
    #[arg(long)]
    district: Option<District>,
    /// The language of a refusal.
    #[arg(long, value_enum, default_value = "en")]
    language: Language,
    /// On real nodes, the relayer's key.
    #[command(flatten)]
    signer: Signer,
}

impl Claim {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let claim = SubmittedClaim::read(&self.file)?;
        let scheme = scheme::read(&self.scheme)?;
        if *claim.scheme() != scheme.id {
            let reason = format!(
                "the claim is for scheme {}, but --scheme gives {}",
                claim.scheme(),
                scheme.id
            );
            return Err(CommandError::Refused(reason));
        }
        let (store, mut ledger, key) = join(setting, &self.keys, &self.signer).await?;
        // Before the claim is kept: without the key it could only wait.
        ledger.require_relayer()?;
        let schemes = Schemes::one(scheme, files::read_text(&self.scheme)?);
        let machine = ClaimMachine::new(&store, &key, schemes, ledger.context());
        let id = ClaimId::of(&claim);
        let handed_in =
            HandedIn { claim: claim.clone(), client_key: None, district: self.district };
        let Some(received) = machine.receive(&[handed_in], Check::Together).await?.pop() else {
            unreachable!("one claim was handed in");
        };
        let mut receipt = received.map_err(|refusal| CommandError::Refused(refusal.to_string()))?;
        loop {
            match receipt.state {
                // An earlier version has kept it, and checks it or died at it.
                ClaimState::Received => {
                    if machine.take_over().await?.is_empty() {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
                ClaimState::Verified | ClaimState::Submitted => {
                    if let Some(reason) = machine.settle(&mut ledger).await?.waits {
                        let reason =
                            format!("the ledger: {reason}; the claim is stored and pending");
                        return Err(CommandError::Failed(reason));
                    }
                }
                state => {
                    // Who has the machine adds the envelope that fits, though strangers have added as many as
                    // a claim has room for.
                    if state != ClaimState::Refused {
                        let nullifier = claim.claim().ledger.nullifier;
                        ClaimStore(&store)
                            .keep_envelope(nullifier, &claim.claim().envelope)
                            .await?;
                    }
                    return Ok(outcome(&receipt, self.language));
                }
            }
            receipt = ClaimStore(&store).claim_receipt(id).await?.unwrap_or(receipt);
        }
    }
}

/// What the ledger has decided.
fn outcome(receipt: &ClaimReceipt, language: Language) -> Outcome {
    let mut json = serde_json::to_value(receipt).expect("a receipt is plain data");
    json["accepted"] = (receipt.state != ClaimState::Refused).into();
    match (receipt.reason, receipt.block) {
        (Some(reason), None) => {
            json["message"] = reason.sentence().into();
            let mut text = format!("refused: {}", reason.sentence());
            if let Some(advice) = receipt.advice(language) {
                json["refusal"] = serde_json::to_value(&advice).expect("plain data");
                let day = language.day(advice.appeal_by);
                let appeal = language.format("advice-appeal", &[("day", Argument::Text(&day))]);
                let (code, sentence, bring) = (advice.code, &advice.sentence, &advice.bring);
                text.push_str(&format!("\n{code}: {sentence}\n{bring}\n{appeal}"));
            }
            Outcome::no(json, text)
        }
        (_, block) => {
            let block = block.map_or_else(String::new, |block| format!(" in block {block}"));
            Outcome::done(json, format!("accepted{block}; it is {}", receipt.state.name()))
        }
    }
}
