//! What providers and requesters do.

use std::path::PathBuf;

use clap::Subcommand;
use jiff::Timestamp;
use praman_circuits::subject::SubjectCommitment;
use serde_json::json;

use super::{ledger, provider_named, verifying_key};
use crate::access_control::Action;
use crate::cli::passphrase::PassphraseSource;
use crate::cli::signer::Signer;
use crate::cli::{Outcome, Setting};
use crate::consent::access::AccessRequest;
use crate::consent::{
    ConsentStore, Gate, RecordFile, SignerKey, erasure_message, mode_code, publish_records,
    type_of, write_time,
};
use crate::error::CommandError;
use crate::files;
use crate::ledger::{ProviderId, RequesterNumber, Role};

/// The acts of providers and requesters.
#[derive(Subcommand)]
pub(in crate::cli) enum Organisation {
    /// Add a provider of health care.
    #[command(after_help = "Example: praman consent provider --name district-hospital")]
    #[command(name = "provider")]
    AdmitProvider {
        /// The provider's identifier, as documents write it.
        #[arg(long)]
        name: String,
        /// On real nodes, the provider's number as a participant [default: it is added here].
        #[arg(long, value_name = "NUMBER")]
        participant: Option<u32>,
    },
    /// Add a requester of records, with a key for confirming erasures.
    #[command(
        after_help = "Example: praman consent requester --name heart-clinic --out heart-clinic.json"
    )]
    #[command(name = "requester")]
    AdmitRequester {
        /// The requester's identifier, as documents write it.
        #[arg(long)]
        name: String,
        /// On real nodes, the requester's number as a participant [default: it is added here].
        #[arg(long, value_name = "NUMBER")]
        participant: Option<u32>,
        /// Where to write the requester's sealed key.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
    /// Add a record of a patient at a provider.
    #[command(
        after_help = "Example: praman consent record --provider city-laboratory --subject 123… \
        --type DiagnosticReport --date 2026-05-04 --content report.pdf --out record.json"
    )]
    Record {
        /// The provider.
        #[arg(long)]
        provider: String,
        /// The patient's commitment at this provider, as `praman consent subject` prints it.
        #[arg(long)]
        subject: SubjectCommitment,
        /// A health-information type.
        #[arg(long = "type", value_name = "TYPE")]
        kind: String,
        /// The date of the care.
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: jiff::civil::Date,
        /// The file with the record's content. Only its digest is kept.
        #[arg(long, value_name = "FILE")]
        content: PathBuf,
        /// Where to write the patient's file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        signer: Signer,
    },
    /// Remove a record, for example one that belongs to another patient.
    #[command(after_help = "Example: praman consent remove-record record.json")]
    RemoveRecord {
        /// The record's file.
        file: PathBuf,
        #[command(flatten)]
        signer: Signer,
    },
    /// Decide, as a provider's gate, whether to release a record.
    #[command(after_help = "Example: praman consent release access.json --keys consent-keys")]
    Release {
        /// The request, as `praman consent prove` writes it.
        file: PathBuf,
        /// The folder of the consent circuit's keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        #[command(flatten)]
        signer: Signer,
    },
    /// List the orders to erase that a requester has not confirmed.
    #[command(after_help = "Example: praman consent erasures --requester heart-clinic")]
    Erasures {
        /// The requester.
        #[arg(long)]
        requester: String,
    },
    /// Confirm with the requester's key that the data of a consent is erased.
    #[command(after_help = "Example: praman consent erased 5f7a535d-a3fd-416b-b069-c97d021fbacd \
                            --key heart-clinic.json")]
    Erased {
        /// The consent's id.
        consent: String,
        /// The requester's key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
}

impl Organisation {
    /// What the audit log has it that is done; none where it is only read, or proved by a key of the organisation's.
    fn subject(&self) -> Option<String> {
        match self {
            Self::AdmitProvider { name, .. } => Some(format!("provider {name}")),
            Self::AdmitRequester { name, .. } => Some(format!("requester {name}")),
            Self::Record { provider, .. } => Some(format!("a record of provider {provider}")),
            Self::RemoveRecord { .. } => Some("a record: removed".to_owned()),
            Self::Release { .. } | Self::Erasures { .. } | Self::Erased { .. } => None,
        }
    }

    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let store = setting.store().await?;
        if let Some(subject) = self.subject() {
            setting.act(&store, Action::KeepProviders, &subject).await?;
        }
        match self {
            Self::AdmitProvider { name, participant } => {
                let number = match participant {
                    Some(number) => {
                        let ledger = ledger(&store, &Signer::none()).await?;
                        ledger.require_participant(Role::Provider, number).await?;
                        ProviderId(number)
                    }
                    None => ledger(&store, &Signer::none()).await?.admit_provider(&name).await?,
                };
                ConsentStore(&store).keep_provider(number, &name).await?;
                let json = json!({ "provider": number, "name": name });
                Ok(Outcome::done(json, format!("{name} is provider {}", number.0)))
            }
            Self::AdmitRequester { name, participant, out, passphrase } => {
                let passphrase = passphrase.passphrase()?;
                let number = match participant {
                    Some(number) => {
                        let ledger = ledger(&store, &Signer::none()).await?;
                        ledger.require_participant(Role::Application, number).await?;
                        RequesterNumber(number)
                    }
                    None => ledger(&store, &Signer::none()).await?.admit_requester(&name).await?,
                };
                let key = SignerKey::generate(&name);
                key.save(&out, &passphrase)?;
                ConsentStore(&store).keep_requester(number, &name, &key.public()).await?;
                let json = json!({ "requester": number, "name": name });
                Ok(Outcome::done(json, format!("{name} is requester {}", number.0)))
            }
            Self::Record { provider, subject, kind, date, content, out, signer } => {
                let kind = type_of(&kind).ok_or_else(|| {
                    let reason =
                        format!("--type {kind:?} is not one of the eight health-information types");
                    CommandError::WrongUse(reason)
                })?;
                let provider = provider_named(&store, &provider).await?;
                let content = std::fs::read(&content).map_err(CommandError::file(&content))?;
                let mut ledger = ledger(&store, &signer).await?;
                let keep = |record: &RecordFile| files::write_new_json(&out, record);
                let record = ConsentStore(&store)
                    .add_record(provider, subject, kind, date, &content, keep)
                    .await?;
                publish_records(&store, &mut ledger, provider).await?;
                let json = json!({ "provider": provider, "position": record.position });
                Ok(Outcome::done(json, format!("the patient's file is {}", out.display())))
            }
            Self::RemoveRecord { file, signer } => {
                let record = RecordFile::read(&file)?;
                let commitment = record
                    .record()
                    .map_err(|fault| CommandError::malformed(&file, fault))?
                    .commitment();
                let mut ledger = ledger(&store, &signer).await?;
                let removed = ConsentStore(&store).remove_record(record.provider, commitment).await;
                // One that was removed by a program that died is reported to the ledger now.
                publish_records(&store, &mut ledger, record.provider).await?;
                removed?;
                let json = json!({ "removed": commitment });
                Ok(Outcome::done(json, "the record is removed: no access to it is given any more"))
            }
            Self::Release { file, keys, signer } => {
                let request = AccessRequest::read(&file)?;
                let key = verifying_key(&keys)?;
                let mut ledger = ledger(&store, &signer).await?;
                let gate = Gate::on(&store, &key, &ledger)?;
                let one = std::slice::from_ref(&request);
                let verdicts = gate.release(&mut ledger, one, Timestamp::now()).await?;
                match verdicts.first() {
                    Some(Ok(release)) => {
                        let json = serde_json::to_value(release).expect("plain data");
                        let text = format!(
                            "release record {} to requester {} to {}; block {} has the access",
                            release.record,
                            release.requester.0,
                            mode_code(release.mode),
                            release.block
                        );
                        Ok(Outcome::done(json, text))
                    }
                    Some(Err(refusal)) => {
                        let json =
                            json!({ "refused": refusal.code(), "reason": refusal.to_string() });
                        Ok(Outcome::no(json, format!("do not release: {refusal}")))
                    }
                    None => Err(CommandError::Failed("the gate gave no verdict".to_owned())),
                }
            }
            Self::Erasures { requester } => {
                let number =
                    ConsentStore(&store).requester_named(&requester).await?.ok_or_else(|| {
                        CommandError::Refused(format!("there is no requester {requester:?}"))
                    })?;
                let orders = ConsentStore(&store).open_erasures(number).await?;
                let mut text = format!("{} orders to erase are pending\n", orders.len());
                let mut listed = Vec::new();
                for order in &orders {
                    let due = write_time(order.due_at);
                    text += &format!("{}  {}  due {due}\n", order.consent, order.reason);
                    listed.push(json!({
                        "consent": order.consent, "reason": order.reason, "due_at": due,
                    }));
                }
                Ok(Outcome::done(json!({ "erasures": listed }), text))
            }
            Self::Erased { consent, key, passphrase } => {
                let key = SignerKey::open(&key, &passphrase.passphrase()?)?;
                let signature = key.sign(&erasure_message(&consent));
                let order = ConsentStore(&store)
                    .confirm_erasure(&consent, &signature, Timestamp::now())
                    .await?;
                let at = order.confirmed_at.map(write_time);
                let json = json!({ "consent": consent, "confirmed_at": at });
                Ok(Outcome::done(json, format!("erasure of {consent} is confirmed")))
            }
        }
    }
}
