//! `praman ledger settlements` and `praman ledger sums`: the contract in which treasuries settle what they paid, and what
//! was paid in a scheme's period, proved and recomputed.

use std::path::Path;

use alloy_primitives::Address;
use praman_circuits::circuit;
use praman_prover::KeyStore;
use praman_verifier::{PreparedKey, VerifyingKey};
use serde_json::json;

use super::signer::{Signer, first, network};
use super::treasury::read_period;
use super::{Outcome, Setting};
use crate::error::CommandError;
use crate::ledger::JoinedNetwork;
use crate::ledger::settlement::{self, OpeningSums, PeriodSums};
use crate::store::computation::compute;

/// Reads the settlement statement's verification key.
pub(super) fn settlement_key(keys: &Path) -> Result<VerifyingKey, CommandError> {
    Ok(KeyStore::new(keys).load_verifying(circuit::settlement())?)
}

/// Creates the contract of settlements for keys, or takes the one that another folder created; the same again changes
/// nothing.
pub(super) async fn create(
    setting: &Setting,
    keys: &Path,
    at: Option<Address>,
    signer: &Signer,
) -> Result<Outcome, CommandError> {
    let key = settlement_key(keys)?;
    let store = setting.store().await?;
    let (mut network, accounts) =
        JoinedNetwork::open(&store, &signer.keys()?, crate::EVENT_HANDLERS).await?;
    let stands = network.addresses.settlements;
    let wanted = at.unwrap_or(stands);
    let created = wanted.is_zero();
    if created {
        network.create_settlements(first(&accounts)?, &key).await?;
    } else if wanted != stands {
        network.take_settlements(wanted).await?;
    }
    network.require_settlement_key(&key).await?;
    if network.addresses.settlements != stands {
        network.keep_settlements(&store).await?;
    }
    let address = network.addresses.settlements;
    let json = json!({ "settlements": address, "created": created });
    Ok(Outcome::done(json, address.to_string()))
}

/// Recomputes the sums of a scheme's period from the ledger's events and the settlement statement's verification key.
pub(super) async fn sums(
    setting: &Setting,
    (path, text): (&Path, &str),
    keys: &Path,
) -> Result<Outcome, CommandError> {
    let (scheme, period) = read_period(path, text)?;
    let key = settlement_key(keys)?;
    let network = network(setting).await?;
    let openings = settlement::read_period(&network, &scheme.id, period.period).await?;
    if openings.is_empty() {
        let reason = format!("scheme {} was never opened for {text} on this ledger", scheme.id);
        return Err(CommandError::Refused(reason));
    }
    let sums = compute(|| PeriodSums::of(&PreparedKey::new(&key), &openings));
    let told = told(&sums);
    let json = serde_json::to_value(&sums).expect("plain data");
    Ok(if sums.valid { Outcome::done(json, told) } else { Outcome::no(json, told) })
}

fn told(sums: &PeriodSums) -> String {
    let mut text = format!(
        "{} rupees proved, {} rupees paid by the treasury's files\n{} claims, {} counted; left out: {} \
         frozen, {} refused, {} held\n",
        sums.proved_rupees,
        sums.paid_rupees,
        sums.claims,
        sums.counted,
        sums.frozen,
        sums.refused,
        sums.held
    );
    for OpeningSums { opening, sums, fault, .. } in &sums.openings {
        if let Some(sums) = sums {
            text += &format!(
                "opening {opening}: {} rupees for {} of {} claims, recomputed; digest {}\n",
                sums.proved_rupees, sums.counted, sums.claims, sums.digest
            );
            for nullifier in &sums.paid_though_refused {
                text += &format!("opening {opening}: claim {nullifier} was PAID THOUGH REFUSED\n");
            }
        }
        if let Some(fault) = fault {
            text += &format!("{fault}\n");
        }
    }
    text
}
