//! `praman consent`: health records by consent.

mod emergency;
mod patient;
mod provider;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use praman_circuits::circuit;
use praman_prover::KeyStore;
use serde_json::{Value, json};
use uuid::Uuid;

use super::key::MasterKeySource;
use super::passphrase::PassphraseSource;
use super::signer::Signer;
use super::{Outcome, Setting};
use crate::access_control::Action;
use crate::consent::document;
use crate::consent::gateway::{self, GatewayHeaders, MessageKind};
use crate::consent::{
    ConsentDesk, ConsentError, ConsentFile, ConsentManager, ConsentState, ConsentStore, Terms,
    publish_consents, unknown_types, write_time,
};
use crate::error::CommandError;
use crate::files;
use crate::ledger::{
    Actors, ContractLedger, JoinedLedger, JoinedNetwork, LedgerFailure, LedgerStore, ManagerNumber,
    NetworkSettingError, ProviderId, Role,
};
use crate::store::Store;

/// Manage consents to health records: request, grant, prove, release, withdraw.
#[derive(Subcommand)]
pub(super) enum Consent {
    /// Add the consent manager that this state belongs to, with a key to sign what patients consent to.
    #[command(after_help = "Example: praman consent manager --name praman-cm --out manager.json")]
    Manager {
        /// The consent manager's identifier.
        #[arg(long)]
        name: String,
        /// On real nodes, the manager's number as a participant [default: it is added here].
        #[arg(long, value_name = "NUMBER")]
        participant: Option<u32>,
        /// Where to write the key.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        keys: ManagerKeys,
    },
    /// Check whether a request, artefact or callback of the national standard (ABDM) is well-formed,
    /// and name the wrong field.
    #[command(after_help = "Example: praman consent check request.json")]
    Check {
        /// The document.
        file: PathBuf,
    },
    /// Accept a request for consent. The same request again is the same one.
    #[command(after_help = "Example: praman consent request request.json --manager manager.json")]
    Request {
        /// The national standard's consent request.
        file: PathBuf,
        /// The request's id, if it came in the header REQUEST-ID and is not in the document.
        #[arg(long, value_name = "UUID")]
        request_id: Option<String>,
        /// When it was sent, if that came in the header TIMESTAMP and is not in the document.
        #[arg(long, value_name = "TIME")]
        timestamp: Option<String>,
        #[command(flatten)]
        manager: Manager,
    },
    /// Deny a request.
    #[command(after_help = "Example: praman consent deny 5f7a535d-a3fd-416b-b069-c97d021fbacd \
                            --manager manager.json")]
    Deny {
        /// The request's id.
        request: String,
        #[command(flatten)]
        manager: Manager,
    },
    /// Write a patient's consent as an artefact of the national standard.
    #[command(after_help = "Example: praman consent export consent.json --out artefact.json")]
    Export {
        /// The consent's file.
        file: PathBuf,
        /// Where to write the artefact.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// List the orders to erase that are overdue. Consents whose time has passed are ended first.
    #[command(after_help = "Example: praman consent overdue")]
    Overdue {
        #[command(flatten)]
        signer: Signer,
    },
    #[command(flatten)]
    Organisation(provider::Organisation),
    #[command(flatten)]
    Patient(patient::Patient),
    /// Open records in an emergency, notify the patient, and review the access. An emergency is
    /// never a consent.
    #[command(subcommand)]
    BreakGlass(emergency::Emergency),
}

/// How a consent manager's keys are opened.
#[derive(Args)]
pub(super) struct ManagerKeys {
    #[command(flatten)]
    master_key: MasterKeySource,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

/// A consent manager.
#[derive(Args)]
pub(super) struct Manager {
    /// The consent manager's sealed key.
    #[arg(long = "manager", value_name = "FILE")]
    path: PathBuf,
    #[command(flatten)]
    keys: ManagerKeys,
}

impl Manager {
    /// The manager's desk, for one act, which is written to the audit log first. Its subject names no
    /// person.
    async fn desk(
        &self,
        setting: &Setting,
        action: Action,
        subject: &str,
    ) -> Result<ConsentDesk, CommandError> {
        let store = setting.store().await?;
        setting.act(&store, action, subject).await?;
        let passphrase = self.keys.passphrase.passphrase()?;
        let master = self.keys.master_key.open(setting, &store, &passphrase).await?;
        let manager = ConsentManager::open(&self.path, &passphrase, master)?;
        Ok(ConsentDesk::new(&store, manager))
    }
}

/// The ledger that a provider or a manager acts on: on real nodes by the keys that are given.
async fn ledger(store: &Store, signer: &Signer) -> Result<JoinedLedger, CommandError> {
    let (network, accounts) =
        JoinedNetwork::open(store, &signer.keys()?, crate::EVENT_HANDLERS).await?;
    let actors = Actors::among(&network, &accounts).await?;
    let context = LedgerStore(store).ledger_context().await?;
    let context = context.ok_or(NetworkSettingError::NoNetwork).map_err(LedgerFailure::from)?;
    Ok(ContractLedger::new(store, network, actors, context))
}

/// The provider of a name.
async fn provider_named(store: &Store, name: &str) -> Result<ProviderId, CommandError> {
    ConsentStore(store).provider_named(name).await?.ok_or_else(|| {
        let reason =
            format!("there is no provider {name:?}: add it with `praman consent provider`");
        CommandError::Refused(reason)
    })
}

/// The verification key of the consent circuit in a folder.
fn verifying_key(folder: &std::path::Path) -> Result<praman_verifier::VerifyingKey, CommandError> {
    Ok(KeyStore::new(folder).load_verifying(circuit::consent())?)
}

impl Consent {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        match self {
            Self::Manager { name, participant, out, keys } => {
                let store = setting.store().await?;
                setting.act(&store, Action::KeepProviders, &format!("manager {name}")).await?;
                let passphrase = keys.passphrase.passphrase()?;
                let master = keys.master_key.open(setting, &store, &passphrase).await?;
                let mut ledger = ledger(&store, &Signer::none()).await?;
                let number = match participant {
                    Some(number) => {
                        ledger.require_participant(Role::ConsentManager, number).await?;
                        ManagerNumber(number)
                    }
                    None => ledger.admit_manager(&name).await?,
                };
                // A program that died before the manager was kept has left its key: the same command does the rest.
                let manager = if out.exists() {
                    ConsentManager::open(&out, &passphrase, master)?
                } else {
                    ConsentManager::generate(&out, &name, &passphrase, master)?
                };
                if manager.name != name {
                    return Err(files::FileError::Exists(out).into());
                }
                ConsentStore(&store).keep_manager(number, &name, &manager.public()).await?;
                let json = json!({
                    "name": name, "manager": number, "public_key": hex::encode(manager.public()),
                });
                let text = format!(
                    "{name} is consent manager {}; its key is in {}",
                    number.0,
                    out.display()
                );
                Ok(Outcome::done(json, text))
            }
            Self::Check { file } => check(&file),
            Self::Request { file, request_id, timestamp, manager } => {
                let text = files::read_text(&file)?;
                let headers = GatewayHeaders { request_id, timestamp, requester: None };
                let request = gateway::read_request(&text, &headers)
                    .map_err(|fault| CommandError::malformed(&file, fault))?;
                let subject = format!("request of {}", request.consent.hiu.id);
                let desk = manager.desk(setting, Action::KeepConsents, &subject).await?;
                let received = match desk.receive(&request, Timestamp::now()).await {
                    Ok(received) => received,
                    Err(ConsentError::Field(fault)) => {
                        return Err(CommandError::malformed(&file, fault));
                    }
                    Err(error) => return Err(error.into()),
                };
                let json = serde_json::to_value(&received).expect("a receipt is plain data");
                let mut text = format!(
                    "request {} is {}; it is number {} of its patient",
                    received.id,
                    received.state.name(),
                    received.number
                );
                if !received.unknown_types.is_empty() {
                    let types = received.unknown_types.join(", ");
                    text.push_str(&format!("\nnot known here, and not asked for: {types}"));
                }
                Ok(Outcome::done(json, text))
            }
            Self::Deny { request, manager } => {
                let subject = format!("request {request}: denied");
                let desk = manager.desk(setting, Action::KeepConsents, &subject).await?;
                desk.deny(&request).await?;
                let json = json!({ "request": request, "state": "DENIED" });
                Ok(Outcome::done(json, format!("request {request} is denied")))
            }
            Self::Export { file, out } => {
                let consent = ConsentFile::read(&file)?;
                // The file is as it was granted: whoever keeps the consent knows whether it still is.
                let store = setting.store().await?;
                let state = ConsentStore(&store).state_of(consent.id()).await?;
                let status = state.unwrap_or(ConsentState::Granted).name().to_uppercase();
                files::write_json(&out, &consent.document().with_status(&status))?;
                let json = json!({ "consent": consent.id(), "status": status });
                let text = format!("the artefact is in {}; it is {status}", out.display());
                Ok(Outcome::done(json, text))
            }
            Self::Overdue { signer } => overdue(setting, &signer).await,
            Self::Organisation(verb) => verb.run(setting).await,
            Self::Patient(verb) => verb.run(setting).await,
            Self::BreakGlass(verb) => verb.run(setting).await,
        }
    }
}

/// Whether a document is a request or an artefact, and what it says.
fn check(file: &std::path::Path) -> Result<Outcome, CommandError> {
    let text = files::read_text(file)?;
    let malformed = |fault| CommandError::malformed(file, fault);
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| CommandError::malformed(file, files::json_fault(&error)))?;
    let kind = MessageKind::of(&value).unwrap_or(MessageKind::Request);
    let mut status = None;
    let (name, terms, asked, is_named) = if kind == MessageKind::Artefact {
        let received = gateway::read_artefact(&text).map_err(malformed)?;
        let artefact = received.document;
        const STATES: [&str; 5] = ["REQUESTED", "GRANTED", "DENIED", "EXPIRED", "REVOKED"];
        if !STATES.contains(&artefact.status.as_str()) {
            let fault = document::FieldFault::new("status", "is no state of a consent");
            return Err(malformed(fault));
        }
        status = Some(artefact.status.clone());
        let detail = &artefact.consent_detail.consent;
        // One whose time has passed is well-formed as well.
        let terms = Terms::read(detail, "consentDetail", Timestamp::UNIX_EPOCH);
        let terms = terms.map_err(malformed)?;
        ("artefact", terms, detail.hi_types.clone(), received.names_requester)
    } else if kind == MessageKind::Request {
        // Its id and time may be in headers.
        let is_absent = |field| value.get(field).is_none_or(Value::is_null);
        let headers = GatewayHeaders {
            request_id: is_absent("requestId").then(|| Uuid::nil().to_string()),
            timestamp: is_absent("timestamp").then(|| Timestamp::now().to_string()),
            requester: None,
        };
        let request = gateway::read_request(&text, &headers).map_err(malformed)?;
        let terms = Terms::read(&request.consent, "consent", Timestamp::now());
        ("request", terms.map_err(malformed)?, request.consent.hi_types.clone(), true)
    } else {
        let main = ["notification", "consentRequest", "acknowledgement", "error"];
        let mut main = main.into_iter().filter_map(|name| Some((name, value.get(name)?)));
        if let Some((name, _)) =
            main.find(|(_, part)| !part.is_object() && !part.is_array() && !part.is_null())
        {
            return Err(malformed(document::FieldFault::new(name, "is not an object")));
        }
        let text = format!("{}: there are no terms in it", kind.title());
        return Ok(Outcome::done(json!({ "document": kind.name() }), text));
    };
    let written = terms.document();
    let has_passed = terms.erase_at <= Timestamp::now();
    let unknown = unknown_types(&asked);
    let json = json!({
        "document": name,
        "status": status,
        "passed": has_passed,
        "purpose": written.purpose.code,
        "hiu": is_named.then_some(&terms.requester),
        "hiTypes": written.hi_types,
        "unknownHiTypes": unknown,
        "permission": written.permission,
    });
    let text = format!(
        "a well-formed {name}: {} may see {} for {}, until {}",
        if is_named { &terms.requester } else { "a requester that it does not name" },
        written.hi_types.join(", "),
        written.purpose.code,
        written.permission.data_erase_at,
    );
    // What it says of access holds only while it is granted.
    let text = match status.as_deref() {
        Some("GRANTED") if has_passed => {
            format!("{text}\nits time has passed: nothing may be seen by it any more")
        }
        None | Some("GRANTED") => text,
        Some(other) => format!("a well-formed {name} that is {other}: nothing may be seen by it"),
    };
    let text = match unknown.as_slice() {
        [] => text,
        unknown => format!("{text}\nnot known here, and left out: {}", unknown.join(", ")),
    };
    Ok(Outcome::done(json, text))
}

async fn overdue(setting: &Setting, signer: &Signer) -> Result<Outcome, CommandError> {
    let store = setting.store().await?;
    let now = Timestamp::now();
    let changed = ConsentStore(&store).end_what_is_over(now).await?;
    if !changed.is_empty() {
        let mut ledger = ledger(&store, signer).await?;
        for provider in changed {
            publish_consents(&store, &mut ledger, provider).await?;
        }
    }
    let orders = ConsentStore(&store).overdue_erasures(now).await?;
    let mut text = format!("{} orders to erase are overdue\n", orders.len());
    let mut listed = Vec::new();
    for order in &orders {
        let due = write_time(order.due_at);
        text += &format!("{}  requester {}  due {due}\n", order.consent, order.requester.0);
        listed.push(json!({
            "consent": order.consent,
            "requester": order.requester,
            "reason": order.reason,
            "due_at": due,
        }));
    }
    Ok(Outcome::done(json!({ "overdue": listed }), text))
}
