//! `praman treasury settle`.

use std::path::PathBuf;

use clap::Args;
use praman_circuits::circuit;
use praman_prover::{KeyStore, MemoryBudget, Prover, ProvingPool};
use praman_verifier::PreparedKey;

use super::signer::{Signer, first};
use super::treasury::{read_period, subject};
use super::{Outcome, Setting};
use crate::access_control::Action;
use crate::error::CommandError;
use crate::ledger::{JoinedNetwork, LedgerStore};
use crate::treasury::{
    PooledProver, Settled, SettlementsOnNetwork, Settling, SettlingError, SettlingRefusal,
    TreasuryKey,
};

/// Settle a period that is over: prove the sum of its paid claims on the ledger, without showing an
/// amount. Anyone can then check that what the bank was asked to pay is what was claimed.
#[derive(Args)]
#[command(
    after_help = "Example: praman treasury settle --key treasury.json --scheme annapurna.toml --period 2026-06 \
          --keys settlement-keys --account treasurer.json\n\
                  then:    praman ledger sums --scheme annapurna.toml --period 2026-06 --keys settlement-keys"
)]
pub(super) struct Settle {
    /// The treasury's sealed key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The scheme's file.
    #[arg(long, value_name = "FILE")]
    scheme: PathBuf,
    /// The period, as the scheme writes it.
    #[arg(long)]
    period: String,
    /// The folder of the settlement's keys.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Settle without the claims that are frozen or held. What is paid of them later is in no sum:
    /// only its number is told.
    #[arg(long)]
    leave_out: bool,
    #[command(flatten)]
    signer: Signer,
}

impl Settle {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let (scheme, period) = read_period(&self.scheme, &self.period)?;
        let key = TreasuryKey::open(&self.key, &self.signer.passphrase()?)?;
        let store = setting.store().await?;
        let about = subject("settle", &scheme, period);
        setting.act(&store, Action::SettlePeriod, &about).await?;
        let (mut network, accounts) =
            JoinedNetwork::open(&store, &self.signer.keys()?, crate::EVENT_HANDLERS).await?;
        let account = first(&accounts)?;
        let opening = LedgerStore(&store).opening_of(&scheme.id, period).await?;
        let opening = opening.ok_or(SettlingError::Refused(SettlingRefusal::NotOpened))?;
        let circuit = circuit::settlement();
        let engine = KeyStore::new(&self.keys).engine(circuit, MemoryBudget::SMALL)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let prover =
            PooledProver { pool: ProvingPool::new(cores)?, prover: Prover::new(circuit, engine) };
        let check = PreparedKey::new(prover.prover.verifying_key());
        let mut ledger = SettlementsOnNetwork { network: &mut network, account, key: &check };
        let settling = Settling { store: &store, key: &key, opening, leave_out: self.leave_out };
        let settled = settling.settle(&mut ledger, &prover).await?;
        let text = told(&settled);
        Ok(Outcome::done(serde_json::to_value(&settled).expect("plain data"), text))
    }
}

fn told(settled: &Settled) -> String {
    let mut text = format!(
        "opening {}: {} rupees to {} claims, proved on the ledger{}\n",
        settled.opening,
        settled.rupees,
        settled.counted,
        if settled.settled_before { " before: nothing has changed" } else { "" }
    );
    if let Some(filed) = &settled.filed
        && filed.from_envelopes > 0
    {
        text.push_str(&format!(
            "the amounts of {} payment orders are not kept here, and were taken from their envelopes\n",
            filed.from_envelopes
        ));
    }
    for one in &settled.left_out {
        text.push_str(&format!("left out: {}: {}\n", one.claim, one.why()));
    }
    for claim in &settled.paid_though_refused {
        text.push_str(&format!("paid before it was refused: {claim}\n"));
    }
    text
}
