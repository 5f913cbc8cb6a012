//! What patients do, and those who do it for them.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use praman_circuits::circuit;
use praman_circuits::export::write_wtns;
use praman_prover::{Cores, KeyStore, MemoryBudget, Prover};
use praman_verifier::public_to_json;
use serde::Deserialize;
use serde_json::json;

use super::{Manager, ledger, provider_named};
use crate::access_control::Action;
use crate::cli::signer::Signer;
use crate::cli::{Outcome, Setting};
use crate::consent::access::{Asked, PreparedAccess, ProviderPaths, TreeLeaves, next_number};
use crate::consent::document::{self, FieldFault};
use crate::consent::{
    ConsentDesk, ConsentError, ConsentFile, EndedAccesses, Narrowing, PatientAddress, RecordFile,
    Telephone, Withdrawal, mode_code, publish_consents, purpose_of, time_of, write_time,
};
use crate::error::CommandError;
use crate::files;
use crate::language::Language;
use crate::ledger::{JoinedLedger, Ledger as _, RequesterNumber};
use crate::wallet::Wallet;

/// The acts of patients.
#[derive(Subcommand)]
pub(in crate::cli) enum Patient {
    /// Make a wallet. No other person may see its secret.
    #[command(after_help = "Example: praman consent wallet --out wallet.json")]
    Wallet {
        /// Where to write the wallet.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print the patient's commitment at a provider. The provider's records of the patient carry
    /// it.
    #[command(
        after_help = "Example: praman consent subject --wallet wallet.json --provider city-laboratory"
    )]
    Subject {
        /// The wallet.
        #[arg(long, value_name = "FILE")]
        wallet: PathBuf,
        /// The provider.
        #[arg(long)]
        provider: String,
    },
    /// Register a patient with a language, and with a telephone to ask by.
    ///
    /// If a telephone is given, the wallet is kept here too, sealed, since such a patient has no
    /// device.
    #[command(
        after_help = "Example: praman consent register --patient rahima@praman-cm --language bn \
                            --telephone +919800000001 --wallet wallet.json --manager manager.json"
    )]
    Register {
        /// The patient's health address.
        #[arg(long)]
        patient: String,
        /// The patient's language: bn, hi or en.
        #[arg(long)]
        language: Language,
        /// The patient's telephone, to ask by: ten digits, or with a country code [default: unchanged].
        #[arg(long)]
        telephone: Option<Telephone>,
        /// The patient's wallet. From then on only this wallet can grant.
        #[arg(long, value_name = "FILE")]
        wallet: PathBuf,
        #[command(flatten)]
        manager: Manager,
    },
    /// Grant a request, as narrowly as the patient wants: one consent for each provider.
    #[command(after_help = "Example: praman consent grant 5f7a535d-a3fd-416b-b069-c97d021fbacd \
        --grants grants.json --wallet wallet.json --out consents --manager manager.json\n\n\
        grants.json: {\"grants\": [{\"hip\": {\"id\": \"city-laboratory\"}, \"hiTypes\": [\"DiagnosticReport\"]}]}\n\
        What a grant may narrow: hiTypes, dateRange, dataEraseAt, validUntil, accessMode, frequency.")]
    Grant(Box<Grant>),
    /// Write the files of a request's consents again.
    #[command(after_help = "Example: praman consent files 5f7a535d-a3fd-416b-b069-c97d021fbacd \
                            --wallet wallet.json --out consents --manager manager.json")]
    Files {
        /// The request's id.
        request: String,
        /// The patient's wallet.
        #[arg(long, value_name = "FILE")]
        wallet: PathBuf,
        /// A folder for the consents, one file for each provider.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        manager: Manager,
        #[command(flatten)]
        ledger: Accounts,
    },
    /// Prove an access, for a requester to submit to the provider's gate.
    #[command(
        after_help = "Example: praman consent prove --consent consent.json --record record.json \
        --wallet wallet.json --requester 9 --purpose CAREMGT --keys consent-keys --out access"
    )]
    Prove(Box<Prove>),
    /// Withdraw a consent. No access is given from then on.
    #[command(after_help = "Example: praman consent withdraw consent.json --wallet wallet.json \
                            --manager manager.json")]
    Withdraw {
        /// The consent's file.
        file: PathBuf,
        /// The wallet that the consent belongs to.
        #[arg(long, value_name = "FILE")]
        wallet: PathBuf,
        #[command(flatten)]
        manager: Manager,
        #[command(flatten)]
        ledger: Accounts,
    },
    /// Withdraw a consent without the consent manager, by its wallet: the ledger takes none of the accesses that
    /// are left. Everyone sees that they were of one consent, not whose.
    #[command(
        after_help = "Example: praman consent withdraw-directly consent.json --wallet wallet.json\n\n\
        With --out it writes withdrawals for POST /v1/withdrawals or \
        `praman consent bring-withdrawal`, and sends nothing."
    )]
    WithdrawDirectly {
        /// The consent's file.
        file: PathBuf,
        /// The wallet that the consent belongs to.
        #[arg(long, value_name = "FILE")]
        wallet: PathBuf,
        /// Write the withdrawals to this folder instead of sending them to the ledger.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        #[command(flatten)]
        signer: Signer,
    },
    /// Bring a patient's withdrawal to the ledger. It tells neither whose consent it is nor what it covers.
    #[command(after_help = "Example: praman consent bring-withdrawal withdrawals/1.json")]
    BringWithdrawal {
        /// The withdrawal, as `praman consent withdraw-directly --out` writes it.
        file: PathBuf,
        #[command(flatten)]
        signer: Signer,
    },
    /// Show the live consents, who used them and when, and how to withdraw.
    #[command(
        after_help = "Example: praman consent view --patient rahima@praman-cm --wallet wallet.json \
                            --language bn --html view.html --manager manager.json"
    )]
    View {
        /// The patient's health address.
        #[arg(long)]
        patient: String,
        /// The patient's wallet. What was used can't be read without it.
        #[arg(long, value_name = "FILE")]
        wallet: PathBuf,
        /// The language: bn, hi or en [default: the patient's].
        #[arg(long)]
        language: Option<Language>,
        /// Write it as an HTML page to this file, too.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
        #[command(flatten)]
        manager: Manager,
    },
    /// Answer a message as the SMS gateway would deliver it: CONSENT, YES 1, STOP 1, USED 1.
    #[command(
        after_help = "Example: praman consent sms --from +919800000001 'STOP 1' --manager manager.json"
    )]
    Sms {
        /// The sender's telephone.
        #[arg(long)]
        from: String,
        /// The message.
        text: String,
        #[command(flatten)]
        manager: Manager,
        #[command(flatten)]
        ledger: Accounts,
    },
}

/// The keys that put a consent manager's roots on real nodes.
#[derive(Args)]
pub(in crate::cli) struct Accounts {
    /// On real nodes, the consent manager's sealed key of its account.
    #[arg(long = "account", value_name = "FILE")]
    accounts: Vec<PathBuf>,
}

/// What a patient grants.
#[derive(Args)]
pub(in crate::cli) struct Grant {
    /// The request's id.
    request: String,
    /// What the patient grants of the request, JSON.
    #[arg(long, value_name = "FILE")]
    grants: PathBuf,
    /// The patient's wallet.
    #[arg(long, value_name = "FILE")]
    wallet: PathBuf,
    /// The language of the notice [default: the patient's].
    #[arg(long)]
    language: Option<Language>,
    /// A folder for the consents, one file for each provider.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    manager: Manager,
    #[command(flatten)]
    ledger: Accounts,
}

/// The inputs of an access's proof.
#[derive(Args)]
pub(in crate::cli) struct Prove {
    /// The consent's file.
    #[arg(long, value_name = "FILE")]
    consent: PathBuf,
    /// The record's file.
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// The patient's wallet.
    #[arg(long, value_name = "FILE")]
    wallet: PathBuf,
    /// The requester, by its number.
    #[arg(long)]
    requester: u32,
    /// The purpose: CAREMGT, PUBHLTH, HPAYMT, DSRCH or PATRQT.
    #[arg(long)]
    purpose: String,
    /// The access's number in this window of the consent's frequency [default: the first unused
    /// one].
    #[arg(long, value_name = "K")]
    number: Option<u32>,
    /// The provider's records, as its service answers `GET /v1/providers/{provider}/records`. With them, and the
    /// consents, no state is needed here [default: those of the state].
    #[arg(long, value_name = "FILE", requires = "number", requires = "consents")]
    records: Option<PathBuf>,
    /// The manager's consents there, as its service answers `GET /v1/providers/{provider}/consents`.
    #[arg(long, value_name = "FILE", requires = "records")]
    consents: Option<PathBuf>,
    /// The folder of the consent circuit's keys.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// A folder for access.json, and for proof.json and public.json in snarkjs' form.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write the witness too, in iden3's form. It contains the patient's secret.
    #[arg(long, value_name = "FILE")]
    wtns: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grants {
    grants: Vec<Narrowing>,
}

fn address(text: &str) -> Result<PatientAddress, CommandError> {
    PatientAddress::new(text, "--patient")
        .map_err(|fault| CommandError::WrongUse(fault.to_string()))
}

impl Patient {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let now = Timestamp::now();
        match self {
            Self::Wallet { out } => {
                if out.exists() {
                    let reason = format!(
                        "{} exists, and a wallet is never overwritten: give another --out",
                        out.display()
                    );
                    return Err(CommandError::WrongUse(reason));
                }
                files::write(&out, Wallet::generate().to_json().as_bytes())?;
                let text = format!("the wallet is in {}: only it can make proofs", out.display());
                Ok(Outcome::done(json!({ "wallet": out }), text))
            }
            Self::Subject { wallet, provider } => {
                let wallet = Wallet::read(&wallet)?;
                let provider = provider_named(&setting.store().await?, &provider).await?;
                let subject = wallet.at_provider(provider).subject();
                let json = json!({ "provider": provider, "subject": subject });
                Ok(Outcome::done(json, subject.to_string()))
            }
            Self::Register { patient, language, telephone, wallet, manager } => {
                let desk =
                    manager.desk(setting, Action::KeepConsents, "a patient registers").await?;
                let wallet = Wallet::read(&wallet)?;
                let patient = address(&patient)?;
                desk.register_patient(&patient, language, telephone.as_ref(), &wallet).await?;
                Ok(Outcome::done(json!({ "registered": true }), "the patient is registered"))
            }
            Self::Grant(grant) => grant.run(setting, now).await,
            Self::Files { request, wallet, out, manager, ledger: accounts } => {
                let wallet = Wallet::read(&wallet)?;
                let subject = format!("request {request}: files");
                let desk = manager.desk(setting, Action::ShowConsents, &subject).await?;
                let mut ledger = accounts.ledger(&desk, &manager).await?;
                let consents = desk.granted_files(&request, &wallet).await?;
                hand_out(&desk, &mut ledger, &consents, &out).await
            }
            Self::Prove(prove) => prove.run(setting, now).await,
            Self::Withdraw { file, wallet, manager, ledger: accounts } => {
                let consent = ConsentFile::read(&file)?;
                let wallet = Wallet::read(&wallet)?;
                let subject = wallet.at_provider(consent.provider()).subject();
                let artefact = consent.artefact();
                if artefact.map_err(|fault| CommandError::malformed(&file, fault))?.subject
                    != subject
                {
                    let reason = "the consent does not belong to this wallet";
                    return Err(CommandError::Refused(reason.to_owned()));
                }
                let desk =
                    manager.desk(setting, Action::KeepConsents, "a consent is withdrawn").await?;
                let mut ledger = accounts.ledger(&desk, &manager).await?;
                let withdrawn = desk.withdraw(consent.id(), now).await;
                // One that was withdrawn by a program that died is reported to the ledger now.
                publish_consents(desk.store(), &mut ledger, consent.provider()).await?;
                withdrawn?;
                let json = json!({ "consent": consent.id(), "status": "REVOKED" });
                Ok(Outcome::done(json, "the consent is withdrawn: no access is given from now on"))
            }
            Self::WithdrawDirectly { file, wallet, out, signer } => {
                let consent = ConsentFile::read(&file)?;
                let wallet = Wallet::read(&wallet)?;
                let ended = match EndedAccesses::of(&wallet, &consent, now) {
                    Err(ConsentError::Field(fault)) => {
                        return Err(CommandError::malformed(&file, fault));
                    }
                    ended => ended?,
                };
                withdraw_directly(setting, &ended, out.as_deref(), &signer).await
            }
            Self::BringWithdrawal { file, signer } => {
                let withdrawal = Withdrawal::read(&file)?;
                let store = setting.store().await?;
                let mut ledger = ledger(&store, &signer).await?;
                let ended = withdrawal.bring(&mut ledger).await?;
                let json = json!({ "ended": ended });
                Ok(Outcome::done(json, format!("{ended} accesses are ended on the ledger")))
            }
            Self::View { patient, wallet, language, html, manager } => {
                let desk = manager.desk(setting, Action::ShowConsents, "a patient's view").await?;
                let patient = address(&patient)?;
                let wallet = Wallet::read(&wallet)?;
                let language = match language {
                    Some(language) => language,
                    None => desk.language_of(&patient).await?,
                };
                let view = desk.view(&patient, &wallet, language, now).await?;
                if let Some(path) = &html {
                    files::write(path, view.to_html().as_bytes())?;
                }
                let uses = |seen: &crate::consent::SeenConsent| {
                    json!({
                        "consent": seen.kept.file.id(),
                        "number": seen.kept.number,
                        "state": seen.kept.state(now),
                        "uses": seen.uses,
                        "erased": seen.erased,
                    })
                };
                let json = json!({
                    "live": view.live.iter().map(uses).collect::<Vec<_>>(),
                    "waiting": view.waiting.iter().map(|r| r.number).collect::<Vec<_>>(),
                    "ended": view.ended.iter().map(uses).collect::<Vec<_>>(),
                    "emergencies": view.emergencies.len(),
                });
                Ok(Outcome::done(json, view.to_text()))
            }
            Self::Sms { from, text, manager, ledger: accounts } => {
                let desk =
                    manager.desk(setting, Action::KeepConsents, "a message by telephone").await?;
                let mut ledger = accounts.ledger(&desk, &manager).await?;
                let answer = desk.answer(&mut ledger, &from, &text, now).await?;
                Ok(Outcome::done(json!({ "answer": answer }), answer))
            }
        }
    }
}

/// Ends the accesses that are left of a consent: on the ledger, or by files that anyone can bring there.
async fn withdraw_directly(
    setting: &Setting,
    ended: &EndedAccesses,
    out: Option<&Path>,
    signer: &Signer,
) -> Result<Outcome, CommandError> {
    let again = ended.until.and_then(time_of).map(write_time);
    let more = again.as_ref().map_or_else(String::new, |until| {
        format!("\nwithdraw again before {until}: accesses from then on are not ended yet")
    });
    let mut json = json!({ "accesses": ended.accesses, "again_before": again });
    if let Some(folder) = out {
        std::fs::create_dir_all(folder).map_err(CommandError::file(folder))?;
        let mut written = Vec::new();
        for (place, part) in ended.parts.iter().enumerate() {
            let path = folder.join(format!("{}.json", place + 1));
            files::write(&path, part.to_json().as_bytes())?;
            written.push(path);
        }
        json["files"] = json!(written);
        let text = format!(
            "{} withdrawals are in {}: bring each to the ledger{more}",
            written.len(),
            folder.display()
        );
        return Ok(Outcome::done(json, text));
    }
    let store = setting.store().await?;
    let mut ledger = ledger(&store, signer).await?;
    let mut count = 0;
    for part in &ended.parts {
        count += part.bring(&mut ledger).await?;
    }
    json["ended"] = json!(count);
    let text = format!("{count} accesses are ended on the ledger: none of them can be given{more}");
    Ok(Outcome::done(json, text))
}

impl Accounts {
    pub(super) async fn ledger(
        &self,
        desk: &ConsentDesk,
        manager: &Manager,
    ) -> Result<JoinedLedger, CommandError> {
        let passphrase = manager.keys.passphrase.clone();
        ledger(desk.store(), &Signer::new(self.accounts.clone(), passphrase)).await
    }
}

impl Grant {
    async fn run(self, setting: &Setting, now: Timestamp) -> Result<Outcome, CommandError> {
        let text = files::read_text(&self.grants)?;
        let malformed = |fault: FieldFault| CommandError::malformed(&self.grants, fault);
        let Grants { grants } = document::read(&text).map_err(malformed)?;
        let wallet = Wallet::read(&self.wallet)?;
        let subject = format!("request {}: granted", self.request);
        let desk = self.manager.desk(setting, Action::KeepConsents, &subject).await?;
        let mut ledger = self.ledger.ledger(&desk, &self.manager).await?;
        let request = desk.request(&self.request).await?;
        let language = match self.language {
            Some(language) => language,
            None => desk.language_of(&request.terms.patient).await?,
        };
        let granted = desk.grant(&self.request, &grants, &wallet, language, now).await;
        let consents = match granted {
            Err(ConsentError::Field(fault)) => return Err(malformed(fault)),
            granted => granted?,
        };
        hand_out(&desk, &mut ledger, &consents, &self.out).await
    }
}

/// Brings the roots of consents to the ledger, and writes them to their patient's folder.
async fn hand_out(
    desk: &ConsentDesk,
    ledger: &mut JoinedLedger,
    consents: &[ConsentFile],
    out: &Path,
) -> Result<Outcome, CommandError> {
    std::fs::create_dir_all(out).map_err(CommandError::file(out))?;
    let mut text = String::new();
    let mut listed = Vec::new();
    for consent in consents {
        let path = out.join(format!("{}.json", consent.id()));
        files::write_json(&path, consent)?;
        text += &format!("{}\n\n{}\n\n", path.display(), consent.notice);
        listed.push(json!({
            "consent": consent.id(), "provider": consent.provider(), "file": path,
        }));
    }
    for consent in consents {
        publish_consents(desk.store(), ledger, consent.provider()).await?;
    }
    Ok(Outcome::done(json!({ "granted": listed }), text))
}

impl Prove {
    async fn run(self, setting: &Setting, now: Timestamp) -> Result<Outcome, CommandError> {
        let consent = ConsentFile::read(&self.consent)?;
        let record = RecordFile::read(&self.record)?;
        let wallet = Wallet::read(&self.wallet)?;
        let purpose = purpose_of(&self.purpose).ok_or_else(|| {
            let reason = format!("--purpose {:?} is not a code of a purpose", self.purpose);
            CommandError::WrongUse(reason)
        })?;
        let requester = RequesterNumber(self.requester);
        let (paths, context, number) = match (&self.records, &self.consents, self.number) {
            (Some(records), Some(consents), Some(number)) => {
                let of_records = TreeLeaves::read(records)?;
                let of_consents = TreeLeaves::read(consents)?;
                let malformed =
                    |path: &Path, fault: FieldFault| CommandError::malformed(path, fault);
                let record = of_records.record_path(&record);
                let record = record.map_err(|fault| malformed(records, fault))?;
                let consent = of_consents.consent_path(&consent);
                let consent = consent.map_err(|fault| malformed(consents, fault))?;
                let context = of_records.context().map_err(|fault| malformed(records, fault))?;
                if of_consents.context != of_records.context {
                    let fault = FieldFault::new("context", "is another ledger's than the records'");
                    return Err(malformed(consents, fault));
                }
                (ProviderPaths::new(record, consent), context, number)
            }
            (_, _, number) => {
                let store = setting.store().await?;
                let ledger = ledger(&store, &Signer::none()).await?;
                let number = match number {
                    Some(number) => number,
                    None => next_number(&store, &wallet, &consent, now).await?,
                };
                let paths = ProviderPaths::of(&store, &consent, &record).await?;
                (paths, ledger.context(), number)
            }
        };
        let asked = Asked { requester, purpose, number, at: now };
        let prepared = PreparedAccess::new(&wallet, &consent, &record, paths, context, asked)?;
        let circuit = circuit::consent();
        let engine = KeyStore::new(&self.keys).engine(circuit, MemoryBudget::SMALL)?;
        let prover = Prover::new(circuit, engine);
        if let Some(path) = &self.wtns {
            let mut bytes = zeroize::Zeroizing::new(Vec::new());
            write_wtns(prepared.witness(), &mut *bytes).map_err(CommandError::file(path))?;
            files::write(path, &bytes)?;
        }
        let public = prepared.public_inputs().to_fields();
        let started = std::time::Instant::now();
        let access = prepared.prove(&prover, Cores::All)?;
        let seconds = started.elapsed().as_secs_f64();
        std::fs::create_dir_all(&self.out).map_err(CommandError::file(&self.out))?;
        let write = |name: &str, text: &str| files::write(&self.out.join(name), text.as_bytes());
        write("access.json", &access.to_json())?;
        write("proof.json", &access.proof.to_json())?;
        write("public.json", &public_to_json(&public))?;
        let json = json!({
            "request_id": access.request_id,
            "nullifier": access.nullifier,
            "number": number,
            "access_mode": mode_code(access.mode),
            "seconds": seconds,
        });
        let text = format!("access {number} is proved in {seconds:.2} s: {}", self.out.display());
        Ok(Outcome::done(json, text))
    }
}
