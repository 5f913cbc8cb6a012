//! Passphrases: from a file, from the environment or typed, never from an argument.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;

use crate::error::CommandError;
use crate::sealed::Passphrase;

/// Where the passphrase of a sealed key comes from.
#[derive(Args, Clone, Default)]
pub(super) struct PassphraseSource {
    /// A file whose first line is the passphrase [default: the variable PRAMAN_PASSPHRASE, else a
    /// prompt].
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseSource {
    pub(super) fn passphrase(&self) -> Result<Passphrase, CommandError> {
        if let Some(path) = &self.passphrase_file {
            return Ok(Passphrase::read(path)?);
        }
        if let Ok(passphrase) = std::env::var("PRAMAN_PASSPHRASE") {
            return Ok(Passphrase::new(passphrase)?);
        }
        let missing = "the key is sealed: give its passphrase with --passphrase-file or in the \
                       variable PRAMAN_PASSPHRASE";
        if !std::io::stdin().is_terminal() {
            return Err(CommandError::WrongUse(missing.to_owned()));
        }
        let typed = rpassword::prompt_password("Passphrase: ")
            .map_err(|_| CommandError::WrongUse(missing.to_owned()))?;
        Ok(Passphrase::new(typed)?)
    }
}
