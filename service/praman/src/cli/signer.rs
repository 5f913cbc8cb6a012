//! By whose keys the command line acts on the folder's network.

use std::path::PathBuf;

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use clap::Args;

use super::Setting;
use super::passphrase::PassphraseSource;
use crate::account::AccountKey;
use crate::error::CommandError;
use crate::ledger::JoinedNetwork;
use crate::sealed::Passphrase;

/// The keys that sign a transaction.
#[derive(Args)]
pub(super) struct Signer {
    /// A sealed key; may be given again, for members of the committee who sign together.
    #[arg(long = "account", value_name = "FILE")]
    accounts: Vec<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl Signer {
    /// The keys of some files.
    pub(super) fn new(accounts: Vec<PathBuf>, passphrase: PassphraseSource) -> Self {
        Self { accounts, passphrase }
    }

    /// No key: to read only, or to act on an embedded ledger.
    pub(super) fn none() -> Self {
        Self::new(Vec::new(), PassphraseSource::default())
    }

    pub(super) fn keys(&self) -> Result<Vec<PrivateKeySigner>, CommandError> {
        if self.accounts.is_empty() {
            return Ok(Vec::new());
        }
        let passphrase = self.passphrase.passphrase()?;
        self.accounts.iter().map(|path| AccountKey::load(path, &passphrase)).collect()
    }

    /// The passphrase of the keys that are given.
    pub(super) fn passphrase(&self) -> Result<Passphrase, CommandError> {
        self.passphrase.passphrase()
    }

    /// The folder's network, and the accounts to act by on it.
    pub(super) async fn network(
        &self,
        setting: &Setting,
    ) -> Result<(JoinedNetwork, Vec<Address>), CommandError> {
        let store = setting.store().await?;
        Ok(JoinedNetwork::open(&store, &self.keys()?, crate::EVENT_HANDLERS).await?)
    }

    /// The folder's network, and the one account to act by.
    pub(super) async fn network_as_one(
        &self,
        setting: &Setting,
    ) -> Result<(JoinedNetwork, Address), CommandError> {
        let (network, accounts) = self.network(setting).await?;
        Ok((network, first(&accounts)?))
    }
}

/// The folder's network, to read from.
pub(super) async fn network(setting: &Setting) -> Result<JoinedNetwork, CommandError> {
    let store = setting.store().await?;
    Ok(JoinedNetwork::open(&store, &[], crate::EVENT_HANDLERS).await?.0)
}

pub(super) fn first(accounts: &[Address]) -> Result<Address, CommandError> {
    accounts
        .first()
        .copied()
        .ok_or_else(|| CommandError::WrongUse("give the key to sign with: --account".to_owned()))
}
