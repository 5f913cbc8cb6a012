//! `praman treasury`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use praman_circuits::nullifier::Nullifier;
use serde_json::json;

use super::passphrase::PassphraseSource;
use super::signer::Signer;
use super::{Outcome, Setting, scheme};
use crate::access_control::{AccessRefusal, Action, Caller, SchemeScope};
use crate::calendar;
use crate::error::CommandError;
use crate::ledger::{AnchorSeries, JoinedNetwork};
use crate::offices::OfficeStore;
use crate::scheme::{ClaimPeriod, Scheme};
use crate::sentence::Sentence;
use crate::store::Store;
use crate::treasury::{
    self, BankFormat, BankFormatFile, BankReport, ContestedOutcome, Correction, Debtor, KeptFile,
    LostFile, Paid, PaymentRun, Reconciliation, ReturnedTransfer, Said, TransferReference,
    TreasuryKey, TreasuryStore,
};

/// Do the treasury's work: its key, payments, and the bank's files.
#[derive(Subcommand)]
pub(super) enum Treasury {
    /// Make a treasury's key, and the payout file that holders need to be paid.
    #[command(after_help = "Example: praman treasury new --out treasury.json --payout payout.json")]
    New {
        /// Where to write the sealed key.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Where to write the payout file.
        #[arg(long, value_name = "FILE")]
        payout: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
    /// Write the bank file for the accepted claims of a scheme and period.
    #[command(
        after_help = "Example: praman treasury pay --key treasury.json --scheme annapurna.toml --period 2026-06 \
          --debtor debtor.json --out bank"
    )]
    Pay {
        #[command(flatten)]
        ordering: Ordering,
        /// Write only the file of this message again, which was sent and then lost. It is the same
        /// to the byte.
        #[arg(long, value_name = "MESSAGE")]
        again: Option<String>,
        /// The day whose file to write again, if each day of the message has its own.
        #[arg(long, value_name = "DAY", requires = "again")]
        day: Option<Date>,
    },
    /// Import a bank's report: a pain.002 status report, a camt.053 statement, or a report in the
    /// bank's own format.
    #[command(after_help = "Example: praman treasury import statement.xml --key treasury.json")]
    Import {
        /// The bank's file.
        file: PathBuf,
        /// The treasury's sealed key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The bank's own format in which the file is written; without it, ISO 20022.
        #[arg(long, value_name = "FILE")]
        format: Option<PathBuf>,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
    Reissue(Reissue),
    Settle(super::settle::Settle),
    /// Reconcile claims on the ledger, payment orders and the bank's reports, to the rupee.
    #[command(
        after_help = "Example: praman treasury reconcile --key treasury.json --scheme annapurna.toml --period 2026-06"
    )]
    Reconcile {
        /// The treasury's sealed key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The scheme's file.
        #[arg(long, value_name = "FILE")]
        scheme: PathBuf,
        /// The period, as the scheme writes it.
        #[arg(long)]
        period: String,
        /// Show only what a department may see: no sum that reveals a person's amount.
        #[arg(long)]
        for_department: bool,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
    /// Release a claim that is held because another claim of its period goes to the same account.
    /// Two treasurers must approve.
    #[command(after_help = "Example: praman --as first.key treasury release 1234…\n\
                            then:    praman --as second.key access approve 7")]
    Release {
        /// The claim's nullifier, as `praman treasury pay` prints it.
        claim: Nullifier,
    },
    /// Resolve a contested payment order, which the bank has reported as paid and as returned. Two
    /// treasurers must approve.
    #[command(
        after_help = "Example: praman --as first.key treasury resolve 5f1c… --outcome paid\n\
                            then:    praman --as second.key access approve 7"
    )]
    Resolve {
        /// The payment order's reference.
        reference: TransferReference,
        /// The outcome that the bank has confirmed: paid or returned.
        #[arg(long, value_parser = contested_outcome)]
        outcome: ContestedOutcome,
    },
    /// Resume payments of a state that was restored from a backup, once it knows what went to the
    /// bank since.
    #[command(
        after_help = "Example: praman treasury import bank/pain.001-….xml --key treasury.json\n\
                            then:    praman treasury import statement.xml --key treasury.json\n\
                            then:    praman treasury resume"
    )]
    Resume {
        /// A day since the backup for which the bank has no statement; may be given again.
        #[arg(long = "no-statement-of", value_name = "DAY")]
        no_statement_of: Vec<Date>,
        /// Files that were sent since the backup, or claims that they name, are lost for good. Only
        /// what the bank has named of them is known. What it has not named yet may be paid twice.
        #[arg(long)]
        files_are_lost: bool,
        /// Another treasury on the ledger, by its participant's number, whose files are not this
        /// treasury's; may be given again.
        #[arg(long, value_name = "PARTICIPANT")]
        other_treasury: Vec<u32>,
    },
    /// Mark a state as restored if it was restored by other means than `praman restore`, such as a
    /// database's own logs. It then pays nothing until it knows what went to the bank since.
    #[command(
        after_help = "Example: praman treasury mark-restored --since 2026-11-25T02:00:00+05:30"
    )]
    MarkRestored {
        /// The time from which something may have been lost.
        #[arg(long, value_name = "TIME")]
        since: Timestamp,
    },
    /// Write a file that describes a bank's own format of payments. Fill in its settings, change it
    /// where your bank's differs, and give it to pay, reissue and import.
    #[command(after_help = "Example: praman treasury format ach-credit --out bank-format.toml")]
    Format {
        /// The format: ach-credit.
        #[arg(value_parser = shipped_format)]
        name: String,
        /// Where to write it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// List the returned payments that can be paid again, by reference and the bank's code.
    Returned,
    /// List the files that went to the bank and came from it, as the ledger has them.
    Files,
    /// Write the files' numbers, hashes and counts to the ledger.
    #[command(after_help = "Example: praman treasury anchor --account treasurer.json")]
    Anchor {
        #[command(flatten)]
        signer: Signer,
    },
}

/// Pay again what the bank has returned: to an account that an office has corrected, or to the same
/// account.
#[derive(Args)]
#[command(
    after_help = "Example: praman treasury reissue --key treasury.json --scheme annapurna.toml --period 2026-06 \
          --debtor debtor.json --out bank --correction correction.json"
)]
pub(super) struct Reissue {
    #[command(flatten)]
    ordering: Ordering,
    /// A correction that `praman office correct` wrote; may be given again.
    #[arg(long = "correction", value_name = "FILE")]
    corrections: Vec<PathBuf>,
    /// The reference of a payment order that the same account can take now; may be given again.
    #[arg(long = "same", value_name = "REFERENCE")]
    same: Vec<TransferReference>,
}

/// What a bank is asked to pay, who pays, and where the files are written.
#[derive(Args)]
pub(super) struct Ordering {
    /// The treasury's sealed key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The scheme's file.
    #[arg(long, value_name = "FILE")]
    scheme: PathBuf,
    /// The period, as the scheme writes it.
    #[arg(long)]
    period: String,
    /// A folder for the bank's files.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The account that payments are made from: a JSON file with its name, account and ifsc. Put its
    /// place into the file of settings, and no command has to name it.
    #[arg(long, value_name = "FILE")]
    debtor: PathBuf,
    /// The bank's own format of the files (see praman treasury format); without it, ISO 20022.
    #[arg(long, value_name = "FILE")]
    format: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl Ordering {
    fn read(&self) -> Result<(Payments, TreasuryKey), CommandError> {
        let (scheme, period) = read_period(&self.scheme, &self.period)?;
        let debtor = Debtor::read(&self.debtor)?;
        let format = read_format(self.format.as_deref())?;
        let payments = Payments { scheme, period, debtor, format };
        Ok((payments, TreasuryKey::open(&self.key, &self.passphrase.passphrase()?)?))
    }
}

/// A scheme's period, and who pays it.
struct Payments {
    scheme: Scheme,
    period: ClaimPeriod,
    debtor: Debtor,
    format: Option<BankFormat>,
}

impl Payments {
    fn run<'a>(&'a self, folder: &'a Path, by: &'a Caller) -> PaymentRun<'a> {
        PaymentRun {
            scheme: &self.scheme.id,
            period: self.period.period,
            terms: self.scheme.payment,
            on: calendar::date_of(calendar::today()).expect("today is in the calendar"),
            debtor: &self.debtor,
            folder,
            format: self.format.as_ref(),
            by,
        }
    }

    /// What is paid, in the audit log.
    fn subject(&self, what: &str) -> String {
        subject(what, &self.scheme, self.period)
    }
}

/// A scheme from its file, and its period of a name.
pub(super) fn read_period(
    path: &Path,
    period: &str,
) -> Result<(Scheme, ClaimPeriod), CommandError> {
    let scheme = scheme::read(path)?;
    let period =
        scheme.parse_period(period).map_err(|error| CommandError::WrongUse(error.reason))?;
    Ok((scheme, period))
}

/// A bank's own format, if one is given.
fn read_format(path: Option<&Path>) -> Result<Option<BankFormat>, CommandError> {
    Ok(path.map(BankFormat::read).transpose()?)
}

fn shipped_format(name: &str) -> Result<String, String> {
    let known = BankFormat::SHIPPED.iter().find(|format| format.name == name);
    let names = BankFormat::SHIPPED.map(|format| format.name).join(", ");
    known.map(|format| format.name.to_owned()).ok_or_else(|| format!("there is: {names}"))
}

/// What a file that is imported is.
enum BankMessage {
    Report(BankReport),
    Sent(LostFile),
}

/// Reads a file from the bank, or one that went to it, in ISO's format or the bank's own.
fn read_message(
    file: &Path,
    bytes: &[u8],
    format: Option<&BankFormat>,
) -> Result<BankMessage, CommandError> {
    // A message of ISO's is one, whatever else the bank takes.
    let is_xml = bytes.trim_ascii_start().starts_with(b"<")
        || bytes.starts_with(b"\xef\xbb\xbf<")
        || bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff");
    if let Some(format) = format.filter(|_| !is_xml) {
        let read = format.read_file(bytes).map_err(|fault| CommandError::malformed(file, fault))?;
        return Ok(match read {
            BankFormatFile::Report(report) => BankMessage::Report(report),
            BankFormatFile::Sent(sent) => BankMessage::Sent(sent),
        });
    }
    let text = treasury::decode(bytes).map_err(|fault| CommandError::malformed(file, fault))?;
    let text = text.trim_start();
    let sent = LostFile::read(text).map_err(|fault| CommandError::malformed(file, fault))?;
    if let Some(sent) = sent {
        return Ok(BankMessage::Sent(sent));
    }
    let report = BankReport::read(text).map_err(|fault| CommandError::malformed(file, fault))?;
    Ok(BankMessage::Report(report))
}

/// What is done about a scheme's period, in the audit log.
pub(super) fn subject(what: &str, scheme: &Scheme, period: ClaimPeriod) -> String {
    format!("{what}: {} {}", scheme.id, period.period.0)
}

/// Brings the files to the ledger after what was done, which stays done where the ledger can't be asked.
async fn anchor_after(store: &Store) {
    if let Err(error) = anchor(store, &Signer::none()).await {
        tracing::warn!("the files are not on the ledger yet: {error}: run praman treasury anchor");
    }
}

/// Brings what the ledger does not have of the files to it, where this program acts for somebody who may.
async fn anchor(store: &Store, signers: &Signer) -> Result<usize, CommandError> {
    let (mut network, accounts) =
        JoinedNetwork::open(store, &signers.keys()?, crate::EVENT_HANDLERS).await?;
    let Some(&account) = accounts.first() else { return Ok(0) };
    Ok(TreasuryStore(store).anchor_payment_files(&mut network, account).await?)
}

/// Asks the ledger which files went out that a restored state does not know of.
async fn look_for_lost_files(store: &Store) -> Result<(), CommandError> {
    if !TreasuryStore(store).is_restored().await? {
        return Ok(());
    }
    let (network, _) = JoinedNetwork::open(store, &[], crate::EVENT_HANDLERS).await?;
    let anchored = network.anchored(AnchorSeries::Payments).await.map_err(CommandError::from)?;
    let mut of_treasuries = Vec::new();
    for anchor in anchored {
        if network.is_treasury(anchor.participant).await.map_err(CommandError::from)? {
            of_treasuries.push(anchor);
        }
    }
    Ok(TreasuryStore(store).keep_lost_files(&of_treasuries).await?)
}

fn told(paid: &Paid) -> String {
    let mut text = String::new();
    for file in &paid.files {
        text.push_str(&format!("{}\n", file.display()));
    }
    for (nullifier, reason) in &paid.held {
        text.push_str(&format!("held: {nullifier}: {reason}\n"));
    }
    for number in &paid.waits {
        text.push_str(&format!(
            "a second treasurer must approve: praman --as THEIR.key access approve {number}, then \
             pay again\n"
        ));
    }
    text
}

impl Treasury {
    /// Whether a principal can act in it.
    pub(super) fn takes_principal(&self) -> bool {
        !matches!(self, Self::New { .. } | Self::Anchor { .. } | Self::Format { .. })
    }

    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        match self {
            Self::New { out, payout, passphrase } => {
                // The payout file first: without its key it only says no, and is written again.
                let key = TreasuryKey::generate();
                let passphrase = passphrase.passphrase()?;
                if out.exists() {
                    let reason = format!("{} exists; a key is never overwritten", out.display());
                    return Err(CommandError::WrongUse(reason));
                }
                key.save_payout(&payout)?;
                key.save(&out, &passphrase)?;
                let public_key = hex::encode(key.public().0);
                let text = format!("the treasury's public key is {public_key}");
                Ok(Outcome::done(json!({ "public_key": public_key }), text))
            }
            Self::Pay { ordering, again, day } => {
                let (payments, key) = ordering.read()?;
                let store = setting.store().await?;
                let caller = setting.act(&store, Action::Pay, &payments.subject("pay")).await?;
                // What others brought, froze and decided since is known before money moves.
                JoinedNetwork::open(&store, &[], crate::EVENT_HANDLERS).await?;
                if let Some(message) = &again {
                    let run = payments.run(&ordering.out, &caller);
                    let paths = run.write_again(&store, &key, (message, day)).await?;
                    let line = |path: &PathBuf| format!("written again: {}", path.display());
                    let text = paths.iter().map(line).collect::<Vec<_>>().join("\n");
                    return Ok(Outcome::done(json!({ "files": paths }), text));
                }
                let paid = payments.run(&ordering.out, &caller).pay(&store, &key).await?;
                anchor_after(&store).await;
                let (claims, rupees) = (paid.claims, paid.rupees);
                let text = format!("{claims} claims, {rupees} rupees\n{}", told(&paid));
                Ok(Outcome::done(serde_json::to_value(&paid).expect("plain data"), text))
            }
            Self::Import { file, key, format, passphrase } => {
                let bytes = std::fs::read(&file).map_err(CommandError::file(&file))?;
                let format = read_format(format.as_deref())?;
                let message = read_message(&file, &bytes, format.as_ref())?;
                let key = TreasuryKey::open(&key, &passphrase.passphrase()?)?;
                let store = setting.store().await?;
                look_for_lost_files(&store).await?;
                let report = match message {
                    BankMessage::Report(report) => report,
                    BankMessage::Sent(lost) => {
                        let subject = format!("import: {}", lost.message);
                        setting.act(&store, Action::Pay, &subject).await?;
                        let (adopted, unknown) =
                            TreasuryStore(&store).adopt_lost_file(&key, &bytes, &lost).await?;
                        let mut text = format!("{adopted} payment orders are recorded as sent\n");
                        for reference in &unknown {
                            text.push_str(&format!(
                                "{reference}: pays no claim that is known here\n"
                            ));
                        }
                        let json = json!({ "adopted": adopted, "unknown": unknown });
                        return Ok(match unknown.is_empty() {
                            true => Outcome::done(json, text),
                            false => Outcome::no(json, text),
                        });
                    }
                };
                let subject = format!("import: {}", report.message);
                setting.act(&store, Action::Pay, &subject).await?;
                let imported =
                    TreasuryStore(&store).import_bank_report(&key, &bytes, &report).await?;
                anchor_after(&store).await;
                let moved = imported.paid + imported.returned + imported.contested;
                let mut text = match imported.file {
                    None if moved == 0 => "imported before: nothing has changed\n".to_owned(),
                    None => format!(
                        "read again: {} paid, {} returned, {} contested, {} unchanged\n",
                        imported.paid, imported.returned, imported.contested, imported.unchanged
                    ),
                    Some(number) => format!(
                        "file {number}: {} paid, {} returned, {} contested, {} unchanged\n",
                        imported.paid, imported.returned, imported.contested, imported.unchanged
                    ),
                };
                for one in imported.charges.iter().chain(&imported.discrepancies) {
                    text.push_str(&format!("{}: {}\n", one.of, one.reason));
                }
                let json = serde_json::to_value(&imported).expect("plain data");
                match imported.discrepancies.is_empty() {
                    true => Ok(Outcome::done(json, text)),
                    false => Ok(Outcome::no(json, text)),
                }
            }
            Self::Reissue(reissue) => reissue.run(setting).await,
            Self::Settle(settle) => settle.run(setting).await,
            Self::Reconcile { key, scheme, period, for_department, passphrase } => {
                let (scheme, period) = read_period(&scheme, &period)?;
                let key = TreasuryKey::open(&key, &passphrase.passphrase()?)?;
                let store = setting.store().await?;
                let subject = subject("reconcile", &scheme, period);
                setting.act(&store, Action::Pay, &subject).await?;
                JoinedNetwork::open(&store, &[], crate::EVENT_HANDLERS).await?;
                let sums = Reconciliation::of(&store, &key, &scheme.id, period.period).await?;
                let json = match for_department {
                    true => {
                        let (scheme, period) = (&scheme.id, period.period);
                        sums.for_department_this_week(&store, scheme, period).await?
                    }
                    false => serde_json::to_value(&sums).expect("plain data"),
                };
                let text = serde_json::to_string_pretty(&json).expect("plain data");
                match sums.is_balanced() {
                    true => Ok(Outcome::done(json, text)),
                    false => Ok(Outcome::no(json, text)),
                }
            }
            Self::Resume { no_statement_of, files_are_lost, other_treasury } => {
                let said = Said {
                    without_statement: &no_statement_of,
                    files_are_lost,
                    other_treasuries: &other_treasury,
                };
                let store = setting.store().await?;
                let caller = setting.act(&store, Action::Pay, "resume").await?;
                look_for_lost_files(&store).await?;
                match TreasuryStore(&store).resume_payments(said, &caller).await? {
                    Some(number) => Ok(waits(number)),
                    None => {
                        let offices = OfficeStore(&store).offices_are_restored().await?;
                        let text = match offices {
                            false => "payments are resumed",
                            true => {
                                "payments are resumed. What offices issued and revoked since the backup is \
                                 still not known: credentials that are issued now claim from next month on. \
                                 Revoke again what was revoked, then run praman office catch-up"
                            }
                        };
                        let json = json!({ "resumed": true, "offices_are_restored": offices });
                        Ok(Outcome::done(json, text))
                    }
                }
            }
            Self::MarkRestored { since } => {
                // It bears on offices as well, and stops payments: it is for who has the machine.
                setting.require_operator()?;
                let store = setting.store().await?;
                setting.act(&store, Action::Pay, "mark-restored").await?;
                TreasuryStore(&store).mark_restored(since).await?;
                let text = "nothing is paid until payments are resumed: praman treasury resume";
                Ok(Outcome::done(json!({ "restored": true }), text))
            }
            Self::Release { claim } => {
                let store = setting.store().await?;
                let subject = format!("release: {claim}");
                let caller = setting.act(&store, Action::Pay, &subject).await?;
                Ok(waits(TreasuryStore(&store).ask_release(claim, &caller).await?))
            }
            Self::Resolve { reference, outcome } => {
                let store = setting.store().await?;
                let subject = format!("resolve: {reference} {}", outcome.name());
                let caller = setting.act(&store, Action::Pay, &subject).await?;
                Ok(waits(TreasuryStore(&store).ask_resolve(&reference, outcome, &caller).await?))
            }
            Self::Format { name, out } => {
                let shipped = BankFormat::SHIPPED.iter().find(|format| format.name == name);
                let text = shipped.expect("the name was checked").text;
                if out.exists() {
                    let reason = format!("{} exists; it is not overwritten", out.display());
                    return Err(CommandError::WrongUse(reason));
                }
                praman_files::write(&out, text.as_bytes())?;
                let text = format!("written: {}: fill in its settings", out.display());
                Ok(Outcome::done(json!({ "format": name, "file": out }), text))
            }
            Self::Returned => {
                let (store, caller) = setting.reader(Action::ReadPayments).await?;
                let returned = TreasuryStore(&store)
                    .returned_transfers(&SchemeScope::of(&caller), usize::MAX)
                    .await?;
                let line = |one: &ReturnedTransfer| {
                    format!("{}  {}  {} {}", one.reference, one.reason, one.scheme, one.period)
                };
                let text = returned.iter().map(line).collect::<Vec<_>>().join("\n");
                Ok(Outcome::done(json!({ "returned": returned }), text))
            }
            Self::Files => {
                let (store, caller) = setting.reader(Action::ReadPayments).await?;
                if !SchemeScope::of(&caller).is_all() {
                    let sentence = Sentence::of("fault-files-of-several");
                    return Err(AccessRefusal::Another(sentence).into());
                }
                let files = TreasuryStore(&store).payment_files().await?;
                let line = |file: &KeptFile| {
                    let block = file.block.map_or("-".to_owned(), |block| block.to_string());
                    format!(
                        "{:>4}  {:<9}{:>8}  {}  block {block}",
                        file.number, file.kind, file.transfers, file.digest
                    )
                };
                let text = files.iter().map(line).collect::<Vec<_>>().join("\n");
                Ok(Outcome::done(json!({ "files": files }), text))
            }
            Self::Anchor { signer } => {
                let store = setting.store().await?;
                let brought = anchor(&store, &signer).await?;
                let text = format!("{brought} files are on the ledger now");
                Ok(Outcome::done(json!({ "anchored": brought }), text))
            }
        }
    }
}

/// What waits for a second treasurer.
fn waits(number: u32) -> Outcome {
    let text =
        format!("a second treasurer must approve: praman --as THEIR.key access approve {number}");
    Outcome::done(json!({ "waits": number }), text)
}

fn contested_outcome(text: &str) -> Result<ContestedOutcome, String> {
    let known = ContestedOutcome::of_name(text);
    known.ok_or_else(|| format!("{text:?} is not an outcome: give paid or returned"))
}

impl Reissue {
    async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let read = |path: &PathBuf| Correction::read(path);
        let corrections = self.corrections.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let (payments, key) = self.ordering.read()?;
        let store = setting.store().await?;
        let caller = setting.act(&store, Action::Pay, &payments.subject("reissue")).await?;
        JoinedNetwork::open(&store, &[], crate::EVENT_HANDLERS).await?;
        let reissue = treasury::Reissue {
            run: payments.run(&self.ordering.out, &caller),
            corrections: &corrections,
            same: &self.same,
        };
        let reissued = reissue.pay(&store, &key).await?;
        anchor_after(&store).await;
        let text = format!("{} paid again\n{}", reissued.transfers, told(&reissued.paid));
        Ok(Outcome::done(serde_json::to_value(&reissued).expect("plain data"), text))
    }
}
