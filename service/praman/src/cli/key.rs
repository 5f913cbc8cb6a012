//! `praman key`: the master key.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::passphrase::PassphraseSource;
use super::{Outcome, Setting};
use crate::error::CommandError;
use crate::key_store::{DataKey, MasterKey, TokenPlace};
use crate::sealed::Passphrase;
use crate::store::Store;

/// The master key that seals the data kept of people.
#[derive(Args)]
pub(super) struct MasterKeySource {
    /// The master key, which seals the data kept of people [default: master-key.json in the folder
    /// of the state, made when it is first needed].
    #[arg(long, value_name = "FILE")]
    master_key: Option<PathBuf>,
    /// For a master key in a token: a file whose first line is the token's PIN [default: the
    /// passphrase].
    #[arg(long, value_name = "FILE", requires = "master_key")]
    pin_file: Option<PathBuf>,
}

impl MasterKeySource {
    /// The master key that a store keeps to.
    pub(super) async fn open(
        &self,
        setting: &Setting,
        store: &Store,
        passphrase: &Passphrase,
    ) -> Result<MasterKey, CommandError> {
        let read = self.pin_file.as_ref().map(|path| Passphrase::read(path)).transpose()?;
        let pin = read.as_ref().unwrap_or(passphrase);
        let default = || setting.folder.join("master-key.json");
        let path = self.master_key.clone().unwrap_or_else(default);
        let is_missing = self.master_key.is_none() && !path.exists();
        if is_missing && store.has_master_key().await? {
            let reason = format!(
                "this store's data of people is sealed under a master key that is not in {}: give \
                 it with --master-key",
                path.display()
            );
            return Err(CommandError::WrongUse(reason));
        }
        let master = match is_missing {
            true => {
                let folder = &setting.folder;
                std::fs::create_dir_all(folder).map_err(CommandError::file(folder))?;
                MasterKey::new_in_file(&path, pin)?
            }
            false => MasterKey::open(&path, pin)?,
        };
        store.keep_to_master_key(&master).await?;
        Ok(master)
    }
}

/// Make and check the master key, which seals the data that a service keeps of people.
#[derive(Subcommand)]
pub(super) enum Key {
    New(New),
    /// Check that a master key opens and works.
    #[command(after_help = "Example: praman key check master-key.json")]
    Check {
        /// The master key's file.
        file: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
}

/// Make a master key: in a file under a passphrase, or in a PKCS#11 token, whose PIN is the
/// passphrase.
#[derive(Args)]
#[command(after_help = "Examples: praman key new --out master-key.json
          praman key new --out master-key.json --token-module /usr/lib/softhsm/libsofthsm2.so \
--token praman --token-key master")]
pub(super) struct New {
    /// Where to write the master key's file. For a key in a token, the file says where the token
    /// is.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The token's PKCS#11 library.
    #[arg(long, value_name = "LIBRARY", requires = "token")]
    token_module: Option<PathBuf>,
    /// The token's label.
    #[arg(long, value_name = "LABEL", requires = "token_module")]
    token: Option<String>,
    /// The label of the key in the token.
    #[arg(long, value_name = "LABEL", default_value = "praman master key")]
    token_key: String,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl Key {
    pub(super) fn run(self) -> Result<Outcome, CommandError> {
        match self {
            Self::New(new) => new.run(),
            Self::Check { file, passphrase } => {
                let master = MasterKey::open(&file, &passphrase.passphrase()?)?;
                check(&master)?;
                Ok(Outcome::done(json!({ "works": true }), "the master key works"))
            }
        }
    }
}

impl New {
    fn run(self) -> Result<Outcome, CommandError> {
        let passphrase = self.passphrase.passphrase()?;
        let out = std::path::absolute(&self.out).map_err(CommandError::file(&self.out))?;
        let (master, place) = match (self.token_module, self.token) {
            (Some(module), Some(token)) => {
                let place = TokenPlace { module, token, key: self.token_key };
                (MasterKey::new_in_token(&out, place, &passphrase)?, "token")
            }
            _ => (MasterKey::new_in_file(&out, &passphrase)?, "file"),
        };
        check(&master)?;
        let text = format!("a master key in a {place}; its file is {}", self.out.display());
        Ok(Outcome::done(json!({ "place": place }), text))
    }
}

/// Wraps and unwraps.
fn check(master: &MasterKey) -> Result<(), CommandError> {
    let (key, purpose) = (DataKey::generate(), "praman key check");
    let unwrapped = master.unwrap(&master.wrap(&key, purpose)?, purpose)?;
    if unwrapped.expose() == key.expose() {
        return Ok(());
    }
    Err(CommandError::Failed("the master key can't unwrap what it has wrapped".to_owned()))
}
