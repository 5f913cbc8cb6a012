//! `praman consent break-glass`: records that are opened in an emergency.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use praman_circuits::artefact::RecordTypes;
use serde_json::json;
use uuid::Uuid;

use super::{Manager, provider_named};
use crate::access_control::Action;
use crate::cli::passphrase::PassphraseSource;
use crate::cli::{Outcome, Setting};
use crate::consent::{
    ConsentStore, ConsoleGateway, EmergencyScope, PatientAddress, ReviewOutcome, SignedBy,
    SignerKey, type_of, write_time,
};
use crate::error::CommandError;
use crate::files;

/// Open records in an emergency.
#[derive(Subcommand)]
pub(in crate::cli) enum Emergency {
    /// Add a clinician of a provider, with a new signing key.
    #[command(
        after_help = "Example: praman consent break-glass clinician --provider village-clinic \
                            --name 'Dr. Das' --out das.json"
    )]
    Clinician {
        /// The provider.
        #[arg(long)]
        provider: String,
        /// The clinician's name.
        #[arg(long)]
        name: String,
        /// Where to write the sealed key.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
    /// Remove a clinician: nothing that they sign from then on opens a record.
    #[command(
        after_help = "Example: praman consent break-glass remove-clinician --provider village-clinic \
                            --name 'Dr. Das'"
    )]
    RemoveClinician {
        /// The provider.
        #[arg(long)]
        provider: String,
        /// The clinician's name.
        #[arg(long)]
        name: String,
    },
    /// Write a draft of what is to be opened, for two clinicians to sign.
    #[command(after_help = "Example: praman consent break-glass draft --provider village-clinic \
        --patient rahima@praman-cm --type Prescription --hours 2 \
        --reason 'unconscious on arrival, medicines unknown' --out scope.json")]
    Draft(Box<Draft>),
    /// Sign a draft, as a clinician with a key and passphrase of their own.
    #[command(after_help = "Example: praman consent break-glass sign scope.json --key das.json \
                            --out das.sig.json")]
    Sign {
        /// The draft.
        scope: PathBuf,
        /// The clinician's key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Where to write the signature.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
    /// Open records, with two clinicians' signatures. The patient is notified.
    #[command(
        after_help = "Example: praman consent break-glass open scope.json --signed das.sig.json \
                            --signed khatun.sig.json --manager manager.json"
    )]
    Open {
        /// The draft.
        scope: PathBuf,
        /// A clinician's signature; give two.
        #[arg(long = "signed", value_name = "FILE", required = true)]
        signed: Vec<PathBuf>,
        #[command(flatten)]
        manager: Manager,
    },
    /// Notify patients of the emergency accesses for which the time to notify has come.
    #[command(after_help = "Example: praman consent break-glass tell --manager manager.json")]
    Tell {
        #[command(flatten)]
        manager: Manager,
    },
    /// List the accesses that are pending review, the oldest first.
    #[command(after_help = "Example: praman consent break-glass queue --manager manager.json")]
    Queue {
        #[command(flatten)]
        manager: Manager,
    },
    /// Record the result of a review.
    #[command(after_help = "Example: praman consent break-glass review \
        5f7a535d-a3fd-416b-b069-c97d021fbacd --outcome justified --manager manager.json")]
    Review {
        /// The access's id.
        id: Uuid,
        /// The result.
        #[arg(long)]
        outcome: ReviewOutcome,
        #[command(flatten)]
        manager: Manager,
    },
}

/// What is to be opened.
#[derive(Args)]
pub(in crate::cli) struct Draft {
    /// The provider.
    #[arg(long)]
    provider: String,
    /// The patient's health address.
    #[arg(long)]
    patient: String,
    /// A health-information type; may be given again, but not for all eight.
    #[arg(long = "type", value_name = "TYPE", required = true)]
    kinds: Vec<String>,
    /// For how many hours: at most 24.
    #[arg(long)]
    hours: u32,
    /// The reason, in a sentence.
    #[arg(long)]
    reason: String,
    /// By how many hours to delay the notice to the patient. Give --later-reason, too.
    #[arg(long, requires = "later_reason")]
    tell_later_hours: Option<u32>,
    /// Why the notice to the patient is delayed.
    #[arg(long, requires = "tell_later_hours")]
    later_reason: Option<String>,
    /// Where to write the draft.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Emergency {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let now = Timestamp::now();
        match self {
            Self::Clinician { provider, name, out, passphrase } => {
                let store = setting.store().await?;
                let provider = provider_named(&store, &provider).await?;
                let subject = format!("clinician {name} of provider {}", provider.0);
                setting.act(&store, Action::KeepClinicians, &subject).await?;
                ConsentStore(&store).require_new_clinician(provider, &name).await?;
                let key = SignerKey::generate(&name);
                key.save(&out, &passphrase.passphrase()?)?;
                ConsentStore(&store).keep_clinician(provider, &name, &key.public()).await?;
                let json = json!({ "provider": provider, "clinician": name });
                Ok(Outcome::done(json, format!("{name} is added and may sign emergency accesses")))
            }
            Self::RemoveClinician { provider, name } => {
                let store = setting.store().await?;
                let provider = provider_named(&store, &provider).await?;
                let subject = format!("clinician {name} of provider {}: removed", provider.0);
                setting.act(&store, Action::KeepClinicians, &subject).await?;
                if !ConsentStore(&store).remove_clinician(provider, &name).await? {
                    let reason = format!("this provider has no clinician {name:?}");
                    return Err(CommandError::Refused(reason));
                }
                let json = json!({ "provider": provider, "removed": name });
                Ok(Outcome::done(json, format!("{name} signs no emergency access any more")))
            }
            Self::Draft(draft) => draft.run(setting).await,
            Self::Sign { scope, key, out, passphrase } => {
                let scope: EmergencyScope = files::read_json(&scope)?;
                let key = SignerKey::open(&key, &passphrase.passphrase()?)?;
                files::write_new_json(&out, &SignedBy::new(&key, &scope))?;
                let json = json!({ "id": scope.id, "clinician": key.name });
                Ok(Outcome::done(json, format!("{} has signed {}", key.name, scope.id)))
            }
            Self::Open { scope, signed, manager } => {
                let scope: EmergencyScope = files::read_json(&scope)?;
                let [first, second] = signed.as_slice() else {
                    let reason =
                        "an emergency access needs two clinicians' signatures: give --signed twice";
                    return Err(CommandError::WrongUse(reason.to_owned()));
                };
                let signed = [files::read_json(first)?, files::read_json(second)?];
                let subject = format!("emergency {}", scope.id);
                let desk = manager.desk(setting, Action::OpenInEmergency, &subject).await?;
                let opened = desk.break_glass(&scope, signed, now).await?;
                desk.tell_patients(&mut ConsoleGateway, now).await?;
                let mut text = format!(
                    "opened until {}, without a consent; {} is pending review",
                    write_time(opened.ends_at),
                    scope.id
                );
                if !desk.is_registered(&scope.patient).await? {
                    text += "\nthe patient is not registered here and gets no message: check the address, and \
                             inform them yourself";
                }
                Ok(Outcome::done(desk.emergency(scope.id).await?.to_json(), text))
            }
            Self::Tell { manager } => {
                let desk = manager.desk(setting, Action::KeepConsents, "patients are told").await?;
                let told = desk.tell_patients(&mut ConsoleGateway, now).await?;
                Ok(Outcome::done(json!({ "told": told }), format!("{told} patients notified")))
            }
            Self::Queue { manager } => {
                let desk =
                    manager.desk(setting, Action::ShowConsents, "emergencies to review").await?;
                let waiting = desk.to_review().await?;
                let mut text = format!("{} emergency accesses are pending review\n", waiting.len());
                for access in &waiting {
                    text += &format!(
                        "{}  {}  by {} and {}: {}\n",
                        access.scope.id,
                        write_time(access.opened_at),
                        access.signed[0].clinician,
                        access.signed[1].clinician,
                        access.scope.reason
                    );
                }
                let listed: Vec<_> = waiting.iter().map(|access| access.to_json()).collect();
                Ok(Outcome::done(json!({ "waiting": listed }), text))
            }
            Self::Review { id, outcome, manager } => {
                let subject = format!("emergency {id}: reviewed");
                let desk = manager.desk(setting, Action::KeepConsents, &subject).await?;
                desk.review(id, outcome, now).await?;
                Ok(Outcome::done(json!({ "id": id, "outcome": outcome }), "the review is recorded"))
            }
        }
    }
}

impl Draft {
    async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let mut types = RecordTypes(0);
        for kind in &self.kinds {
            let kind = type_of(kind).ok_or_else(|| {
                CommandError::WrongUse(format!(
                    "--type {kind:?} is not one of the eight health-information types"
                ))
            })?;
            types.0 |= RecordTypes::of(&[kind]).0;
        }
        let provider = provider_named(&setting.store().await?, &self.provider).await?;
        let patient = PatientAddress::new(&self.patient, "--patient")
            .map_err(|fault| CommandError::WrongUse(fault.to_string()))?;
        let scope = EmergencyScope {
            id: Uuid::new_v4(),
            provider,
            patient,
            types,
            reason: self.reason,
            hours: self.hours,
            tell_later: self.tell_later_hours.zip(self.later_reason),
        };
        files::write_new_json(&self.out, &scope)?;
        let text = format!("two clinicians must sign this draft: {}", self.out.display());
        Ok(Outcome::done(json!({ "id": scope.id }), text))
    }
}
