//! A patient's own way to withdraw: without the consent manager, and without the provider.
//!
//! A withdrawal is the manager's to publish. If it does not, the patient shows the ledger the locks of the windows that
//! are left of the consent; from a lock follow the nullifiers of its window's accesses, and the ledger takes none of
//! them any more. Only the patient's wallet can make a lock. The cost: everyone sees that the accesses that a lock
//! ends, and those that its window had given, were of one consent, and how many were left of how many windows. Who
//! keeps consents of such terms, the manager, may tell from that whose it was.

use std::path::Path;

use jiff::Timestamp;
use praman_circuits::access::{AccessLock, access_lock};
use praman_circuits::artefact::Minute;
use praman_files::FileError;
use praman_holder::wallet::{SecretText, Wallet};
use praman_ledger::{Chain, ContractLedger, EndedWindow, LedgerError, ProviderId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::document::{self, FieldFault};
use super::file::{ConsentFile, element};
use super::refusal::{ConsentError, ConsentRefusal};
use super::time::minute_of;

/// Accesses that one withdrawal ends at most: a third of a block of 30 million gas, at 98,000 each.
pub const ACCESSES_AT_ONCE: u32 = 100;

/// Accesses of a consent that are ended at most in one go; a consent of more is withdrawn again before the last of
/// them is over.
const ACCESSES_MAX: u32 = 20_000;

/// For how many minutes after its own a proof can still be recorded, by whoever's clock: the contract's fifteen, two by
/// which clocks may differ, and one begun.
pub(super) const SETTLING_MINUTES: u32 = 15 + 2 + 1;

const FORMAT: &str = "praman-withdrawal-1";

/// What ends some accesses of a consent on the ledger. It names no person, no consent and nothing that it covers. It is
/// best brought by another than the provider of the accesses, whose gate could record them as given first.
#[derive(Clone)]
pub struct Withdrawal {
    /// The provider of the accesses.
    pub provider: ProviderId,
    /// The windows, with the accesses of each.
    pub windows: Vec<EndedWindow>,
}

/// The withdrawals that end what is left of a consent.
#[derive(Clone)]
pub struct EndedAccesses {
    /// The withdrawals, of at most [`ACCESSES_AT_ONCE`] accesses each, the nearest first.
    pub parts: Vec<Withdrawal>,
    /// How many accesses they end.
    pub accesses: u32,
    /// The first minute whose accesses they do not end; none if they end all.
    pub until: Option<Minute>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WithdrawalFile {
    format: String,
    provider: ProviderId,
    windows: Vec<WindowFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowFile {
    lock: SecretText,
    from: u32,
    count: u32,
}

impl EndedAccesses {
    /// Makes what ends the accesses of a consent from now on.
    ///
    /// # Errors
    /// [`ConsentRefusal::OtherWallet`] if it is another's; [`ConsentRefusal::AlreadyExpired`].
    pub fn of(
        wallet: &Wallet,
        consent: &ConsentFile,
        now: Timestamp,
    ) -> Result<Self, ConsentError> {
        let artefact = consent.artefact()?;
        let provider = consent.provider();
        if artefact.subject != wallet.at_provider(provider).subject() {
            return Err(ConsentRefusal::OtherWallet.into());
        }
        let now = minute_of(now).ok_or_else(|| FieldFault::new("now", "lies before 1900"))?;
        let begin = artefact.valid_from;
        if now.0 >= artefact.valid_until.0.saturating_add(SETTLING_MINUTES) {
            return Err(ConsentRefusal::AlreadyExpired.into());
        }
        // A proof of a minute that is just over is still taken: the window before may not be over either.
        let last = Minute(artefact.valid_until.0.saturating_sub(1));
        let recent =
            Minute(now.0.saturating_sub(SETTLING_MINUTES).clamp(begin.0, last.0.max(begin.0)));
        let frequency = artefact.frequency;
        let (Some(first), Some(last)) =
            (frequency.window_of(begin, recent), frequency.window_of(begin, last))
        else {
            return Err(ConsentRefusal::AlreadyExpired.into());
        };
        let room = (ACCESSES_MAX / frequency.accesses.max(1)).max(1);
        let reached = last.min(first.saturating_add(room - 1));
        let commitment = artefact.commitment();
        let mut parts: Vec<Withdrawal> = Vec::new();
        let (mut accesses, mut free) = (0, 0);
        for window in first..=reached {
            let lock = access_lock(&wallet.secret, commitment, window);
            let mut from = 0;
            while from < frequency.accesses {
                if free == 0 {
                    parts.push(Withdrawal { provider, windows: Vec::new() });
                    free = ACCESSES_AT_ONCE;
                }
                let count = free.min(frequency.accesses - from);
                let part = parts.last_mut().expect("one was pushed");
                part.windows.push(EndedWindow { lock: lock.clone(), from, count });
                (from, free, accesses) = (from + count, free - count, accesses + count);
            }
        }
        let until = (reached < last).then(|| {
            Minute(begin.0.saturating_add((reached + 1).saturating_mul(frequency.window)))
        });
        Ok(Self { parts, accesses, until })
    }
}

impl Withdrawal {
    /// Reads a withdrawal from text, as [`Withdrawal::to_json`] writes it.
    ///
    /// # Errors
    /// [`FieldFault`] naming what is wrong, and no value.
    pub fn from_json(text: &str) -> Result<Self, FieldFault> {
        let file: WithdrawalFile = document::read(text)?;
        if file.format != FORMAT {
            return Err(FieldFault::new("format", "is not the format of a withdrawal"));
        }
        let count: u64 = file.windows.iter().map(|window| u64::from(window.count)).sum();
        if count == 0 || count > u64::from(ACCESSES_AT_ONCE) {
            let fault = format!("must end 1 to {ACCESSES_AT_ONCE} accesses together");
            return Err(FieldFault::new("windows", fault));
        }
        let mut windows = Vec::with_capacity(file.windows.len());
        for (place, window) in file.windows.iter().enumerate() {
            let lock = element(&window.lock, &format!("windows[{place}].lock"))?;
            let lock = AccessLock::from_field(lock);
            if window.count == 0 || window.from.checked_add(window.count).is_none() {
                let fault = "must be at least 1, and no access has a number of 2³² or above";
                return Err(FieldFault::new(format!("windows[{place}].count"), fault));
            }
            windows.push(EndedWindow { lock, from: window.from, count: window.count });
        }
        Ok(Self { provider: file.provider, windows })
    }

    /// Reads a withdrawal's file.
    ///
    /// # Errors
    /// [`FileError`] naming file and field.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = Zeroizing::new(praman_files::read_text(path)?);
        Self::from_json(&text).map_err(|fault| FileError::malformed(path, fault))
    }

    /// Returns the withdrawal as text.
    pub fn to_json(&self) -> Zeroizing<String> {
        let window = |window: &EndedWindow| WindowFile {
            lock: SecretText::of(window.lock.expose()),
            from: window.from,
            count: window.count,
        };
        let file = WithdrawalFile {
            format: FORMAT.to_owned(),
            provider: self.provider,
            windows: self.windows.iter().map(window).collect(),
        };
        Zeroizing::new(serde_json::to_string(&file).expect("a withdrawal is plain data"))
    }

    /// Brings the withdrawal to the ledger; returns how many of its accesses had not been given or ended before.
    ///
    /// # Errors
    /// [`LedgerError`]; then the same may be brought again.
    pub async fn bring<C: Chain>(
        &self,
        ledger: &mut ContractLedger<C>,
    ) -> Result<usize, LedgerError> {
        ledger.withdraw_accesses(self.provider, &self.windows).await
    }
}
