//! `praman ledger seal`, `verify-history`, `export`: finished periods and the ledger's history.

use std::path::Path;

use alloy_primitives::{Address, B256};
use praman_verifier::contracts::{Addresses, Archives, Claims};
use praman_verifier::{PreparedKey, VerifyingKey};
use serde_json::json;

use super::Outcome;
use crate::error::CommandError;
use crate::ledger::{Chain as _, JoinedNetwork, history, text_hash};

pub(super) async fn seal(
    network: &mut JoinedNetwork,
    account: Address,
    opening: u32,
    confirm: bool,
) -> Result<Outcome, CommandError> {
    let Addresses { claims, archives, .. } = network.addresses;
    if archives.is_zero() {
        let reason = "this network's contracts are of an earlier version and can't keep seals in \
                      archives: upgrade its claims contract to one with archives first";
        return Err(CommandError::Refused(reason.to_owned()));
    }
    /// `Stage.Closed` of the contract.
    const CLOSED: u8 = 3;
    let stands = network.view(claims, &Claims::openingAtCall { opening }).await;
    let stage = match stands {
        Ok(stands) => stands.stage,
        Err(_) => return Err(CommandError::Refused(format!("there is no opening {opening}"))),
    };
    if !confirm && stage < CLOSED {
        let reason = text_hash("to be sealed");
        network.send(account, claims, &Claims::closeOpeningCall { opening, reason }).await?;
    }
    let seal = history::seal(network, opening).await?;
    let (count, root): (u64, B256) = (seal.claims.len() as u64, seal.root());
    let done = if confirm {
        network
            .send(account, archives, &Archives::confirmSealCall { opening, count, root })
            .await?;
        "confirmed"
    } else {
        network
            .send(account, archives, &Archives::proposeSealCall { opening, count, root })
            .await?;
        "proposed"
    };
    let text = format!("opening {opening}: {count} claims under {root}, {done}");
    Ok(Outcome::done(
        json!({ "opening": opening, "claims": count, "root": root, "seal": done }),
        text,
    ))
}

pub(super) async fn verify_history(
    network: &mut JoinedNetwork,
    settlement_key: Option<&VerifyingKey>,
) -> Result<Outcome, CommandError> {
    let key = settlement_key.map(PreparedKey::new);
    let history = history::verify(network, key.as_ref()).await?;
    let mut text = format!(
        "{} events up to block {}: {} claims, {} office roots, {} checkpoints\n",
        history.events, history.block, history.claims, history.office_updates, history.checkpoints
    );
    for opening in &history.openings {
        let sealed = match opening.seal_agrees {
            None => "not sealed",
            Some(true) => "the seal agrees",
            Some(false) => "THE SEAL DIFFERS",
        };
        let settled = match opening.settlement_agrees {
            None => "",
            Some(true) => ", the settlement agrees",
            Some(false) => ", THE SETTLEMENT DIFFERS",
        };
        text += &format!(
            "opening {}: {} period {}, {} claims, {sealed}{settled}\n",
            opening.opening, opening.scheme, opening.period, opening.claims
        );
    }
    for fault in &history.faults {
        text += &format!("FAULT: {fault}\n");
    }
    let json = serde_json::to_value(&history).expect("a history is plain data");
    let agrees = history.faults.is_empty();
    Ok(if agrees { Outcome::done(json, text) } else { Outcome::no(json, text) })
}

pub(super) async fn export(network: &JoinedNetwork, out: &Path) -> Result<Outcome, CommandError> {
    let head = network.chain.head().await?;
    let logs = network.chain.logs(0, head.number).await?;
    let mut text = String::new();
    for log in &logs {
        let line = json!({
            "block": log.block,
            "contract": log.address,
            "topics": log.topics,
            "data": log.data,
        });
        text += &format!("{line}\n");
    }
    crate::files::write(out, text.as_bytes())?;
    let said = format!("{} events up to block {}", logs.len(), head.number);
    Ok(Outcome::done(json!({ "events": logs.len(), "block": head.number }), said))
}
