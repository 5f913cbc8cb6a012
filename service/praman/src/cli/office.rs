//! `praman office`, `praman revoke`, `praman snapshot`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use praman_circuits::payee::Payee;
use praman_circuits::period::Day;
use serde_json::json;

use super::passphrase::PassphraseSource;
use super::{Outcome, Setting, register, scheme};
use crate::access_control::{AccessStore, Action, Role};
use crate::audit::AuditStore;
use crate::error::CommandError;
use crate::ledger::LedgerStore;
use crate::office_key::OfficeKey;
use crate::offices::OfficeStore;
use crate::register::Person;
use crate::schema::{HOUSEHOLD, Schema};
use crate::snapshot::{Snapshot as PublicSnapshot, SnapshotChanges};
use crate::store::Store;
use crate::treasury::{Correction, TransferReference, read_payout};
use crate::{calendar, files};

/// Make offices' keys and tokens, and correct accounts.
#[derive(Subcommand)]
pub(super) enum Office {
    /// Make an office with its own signing key.
    #[command(
        after_help = "Example: praman office new --name 'Block office' --schema resident --out office.json"
    )]
    New {
        /// The office's name.
        #[arg(long)]
        name: String,
        /// The schema that it may issue, by name or number.
        #[arg(long, value_name = "ID", value_parser = scheme::schema)]
        schema: &'static Schema,
        /// Where to write the sealed key.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
    /// Write the office's access token, which its officers show to a service that issues for it. A
    /// person who has the token can issue and revoke: keep it like the key. To change the token,
    /// change the key.
    #[command(after_help = "Example: praman office token --office office.json --out token")]
    Token {
        /// The office's sealed key.
        #[arg(long, value_name = "FILE")]
        office: PathBuf,
        /// Where to write the token.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
    /// Allow the offices of a restored state to publish their credentials on the ledger again.
    /// First revoke again what was revoked since the backup. What was issued since the backup is
    /// then no longer valid: issue it again.
    CatchUp,
    /// Correct the account of a payment that the bank has returned. An officer has checked it
    /// against the holder's passbook; the office signs it and seals it to the treasury, which
    /// accepts it for the same name only.
    #[command(
        after_help = "Example: praman office correct --office office.json --reference 5f1c… \
                      --payee payee.json --payout payout.json --out correction.json"
    )]
    Correct {
        /// The office's sealed key.
        #[arg(long, value_name = "FILE")]
        office: PathBuf,
        /// The payment's reference, as the holder was given it.
        #[arg(long)]
        reference: TransferReference,
        /// The account to pay: a JSON file with account, ifsc and name.
        #[arg(long, value_name = "FILE")]
        payee: PathBuf,
        /// The treasury's payout file.
        #[arg(long, value_name = "FILE")]
        payout: PathBuf,
        /// Where to write the correction.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
}

impl Office {
    /// Whether a principal can act in it.
    pub(super) fn takes_principal(&self) -> bool {
        matches!(self, Self::CatchUp)
    }

    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let (name, schema, out, passphrase) = match self {
            Self::New { name, schema, out, passphrase } => (name, schema, out, passphrase),
            Self::Correct { office, reference, payee, payout, out, passphrase } => {
                let key = OfficeKey::open(&office, &passphrase.passphrase()?)?;
                let treasury = read_payout(&payout)?;
                let payee: Payee = files::read_json(&payee)?;
                Correction::new(&key, reference, &payee, treasury)?.save(&out)?;
                let text = format!("the correction for the treasury is in {}", out.display());
                return Ok(Outcome::done(json!({ "correction": out }), text));
            }
            Self::CatchUp => {
                let store = setting.store().await?;
                setting.act(&store, Action::Issue, "catch-up").await?;
                OfficeStore(&store).offices_catch_up().await?;
                let text = "the offices' roots are published with the next checkpoint";
                return Ok(Outcome::done(json!({ "caught_up": true }), text));
            }
            Self::Token { office, out, passphrase } => {
                let key = OfficeKey::open(&office, &passphrase.passphrase()?)?;
                files::write(&out, key.access_token().as_bytes())?;
                let text =
                    format!("the access token of office {} is in {}", key.office.0, out.display());
                return Ok(Outcome::done(json!({ "office": key.office.0 }), text));
            }
        };
        let length = name.trim().chars().count();
        if !(1..=100).contains(&length) {
            let reason = "--name must have 1 to 100 characters";
            return Err(CommandError::WrongUse(reason.to_owned()));
        }
        let passphrase = passphrase.passphrase()?;
        let store = setting.store().await?;
        let key = OfficeStore(&store)
            .new_office(name.trim(), schema, |key| key.save(&out, &passphrase))
            .await?;
        let public_key = hex::encode(key.public());
        let text = format!("office {} {:?}, public key {public_key}", key.office.0, key.name);
        let json = json!({
            "office": key.office.0,
            "name": key.name,
            "schema": schema.id.0,
            "public_key": public_key,
        });
        Ok(Outcome::done(json, text))
    }
}

/// Revoke holders' credentials. They prove nothing from the next checkpoint on.
#[derive(Args)]
#[command(after_help = "Example: praman revoke --office office.json --register-no WB070000001")]
pub(super) struct Revoke {
    /// The office's sealed key.
    #[arg(long, value_name = "FILE")]
    office: PathBuf,
    /// The holders' register numbers, or households' numbers.
    #[arg(long, required_unless_present = "register", num_args = 1.., value_name = "NO")]
    register_no: Vec<String>,
    /// A register: revoke the credentials of all its people, or households, who have a live one of
    /// this office.
    #[arg(long, value_name = "FILE", conflicts_with = "register_no")]
    register: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl Revoke {
    /// The holders whose credentials are revoked.
    async fn register_nos(
        &self,
        store: &Store,
        key: &OfficeKey,
    ) -> Result<Vec<String>, CommandError> {
        let Some(register) = &self.register else { return Ok(self.register_no.clone()) };
        let register = register::read(register)?;
        let of_households = OfficeStore(store).check_office(key).await?.schema.id == HOUSEHOLD.id;
        let number = |person| match of_households {
            true => Person::household_no(person),
            false => Some(Person::register_no(person)),
        };
        let numbers: BTreeSet<&str> = register.people().iter().filter_map(number).collect();
        let live = OfficeStore(store).has_issued(key, numbers.iter().copied()).await?;
        let live = numbers.into_iter().zip(live).filter(|(_, live)| *live);
        Ok(live.map(|(number, _)| number.to_owned()).collect())
    }

    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let key = OfficeKey::open(&self.office, &self.passphrase.passphrase()?)?;
        let store = setting.store().await?;
        let numbers = self.register_nos(&store, &key).await?;
        let subject = format!("office {}: {} credentials", key.office.0, numbers.len());
        let caller = setting.caller(&store).await?;
        let tenant = AccessStore(&store).tenant_of_office(key.office).await?;
        let is_theirs = match caller.role {
            Role::Office => caller.member == Some(key.office.0),
            _ => caller.sees(&tenant),
        };
        // What belongs to another does not count. `act` refuses a role that may not revoke at all.
        if caller.require(Action::Revoke).is_ok() && !is_theirs {
            AuditStore(&store).note_refusal(&caller, Action::Revoke, &subject).await;
            let reason = format!(
                "office {} is another's: an office can revoke only its own credentials, and a \
                 department those of its offices",
                key.office.0
            );
            return Err(CommandError::Refused(reason));
        }
        setting.act(&store, Action::Revoke, &subject).await?;
        let (revoked, root) = OfficeStore(&store).revoke(&key, &numbers).await?;
        let text = format!("{revoked} revoked; the office's root is {root}");
        Ok(Outcome::done(json!({ "revoked": revoked, "root": root }), text))
    }
}

/// Write the public snapshot, from which wallets read their paths.
#[derive(Args)]
#[command(after_help = "Example: praman snapshot --out snapshot.json")]
pub(super) struct Snapshot {
    /// Where to write the snapshot.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Update the snapshot at --out with this file of changes, as a service answers
    /// /v1/snapshot/changes?since=ROOT, instead of writing one from the state here.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["office", "as_of"])]
    update: Option<PathBuf>,
    /// Write only this office's tree; of the other offices, only the roots.
    #[arg(long, value_name = "NAME")]
    office: Option<String>,
    /// The day of the snapshot [default: today].
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<jiff::civil::Date>,
}

impl Snapshot {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let snapshot = match &self.update {
            Some(changes) => {
                let changes = SnapshotChanges::read(changes)?;
                PublicSnapshot::read(&self.out)?.update(changes)?
            }
            None => {
                let store = setting.store().await?;
                LedgerStore(&store).snapshot(self.day()?, self.office.as_deref()).await?
            }
        };
        files::write_json(&self.out, &snapshot)?;
        let live: usize = snapshot.offices.iter().map(|office| office.live).sum();
        let offices = snapshot.offices.len();
        let root = snapshot.root;
        let text = format!("root {root}; {offices} offices, {live} live credentials");
        Ok(Outcome::done(json!({ "root": root, "offices": offices, "live": live }), text))
    }

    fn day(&self) -> Result<Day, CommandError> {
        let Some(date) = self.as_of else { return Ok(calendar::today()) };
        let reason = "--as-of lies before 1900: give a later day";
        calendar::day_of(date).ok_or_else(|| CommandError::WrongUse(reason.to_owned()))
    }
}
