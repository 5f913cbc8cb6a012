//! The command line: one file a group of verbs.
//!
//! With `--json` a verb prints one JSON object on standard output; without, readable lines. Progress
//! and errors go to standard error. Exit codes: 0 done or yes, 1 refused or no, 2 wrong use, 3 failed.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the command line writes to the terminal"
)]

mod access;
mod archive;
mod audit;
mod backup;
mod ceremony;
mod circuit;
mod circuit_audit;
mod claim;
mod config;
mod consent;
mod demo;
mod doctor;
mod grievance;
mod issue;
mod key;
mod key_origin;
mod ledger;
mod migrate;
mod office;
mod oversight;
mod participants;
mod passphrase;
mod prove;
mod register;
mod sandbox;
mod scheme;
mod serve;
mod settle;
mod settlements;
mod signer;
mod succession;
mod treasury;
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::Value;

use crate::access_control::{AccessRefusal, AccessStore, Action, ApiKey, Caller};
use crate::audit::AuditStore;
use crate::config::ConfigFile;
use crate::error::CommandError;
use crate::store::{Location, Store};

#[derive(Parser)]
#[command(name = "praman", version, about = "Benefits paid on a proof instead of on a file")]
struct Arguments {
    /// Print one JSON object on standard output.
    #[arg(long, global = true)]
    json: bool,
    /// The folder of the state [default: the platform's data folder].
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The address of a PostgreSQL database that holds the state, as postgres://user@host/name. Set
    /// it in the environment, where other users of the machine can't see it [default: a file in the
    /// folder].
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "PRAMAN_DATABASE",
        hide_env_values = true
    )]
    database: Option<String>,
    /// A file of settings, TOML: a table for each verb, and in it a key for each flag. A variable
    /// overrides the file, and a flag overrides both.
    #[arg(long, global = true, value_name = "FILE", env = "PRAMAN_CONFIG")]
    config: Option<PathBuf>,
    /// A file with the API key of the user who acts [default: the operator, who has the machine].
    #[arg(long = "as", global = true, value_name = "FILE")]
    acting: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Demo(demo::Demo),
    Sandbox(sandbox::Sandbox),
    Doctor(doctor::Doctor),
    #[command(subcommand)]
    Register(register::Register),
    #[command(subcommand)]
    Office(office::Office),
    Issue(issue::Issue),
    #[command(subcommand)]
    Key(key::Key),
    Revoke(office::Revoke),
    Snapshot(office::Snapshot),
    #[command(subcommand)]
    Scheme(scheme::Scheme),
    Setup(circuit::Setup),
    #[command(subcommand)]
    Ceremony(Box<ceremony::Ceremony>),
    Prove(prove::Prove),
    Verify(prove::Verify),
    #[command(subcommand)]
    Circuit(circuit::Circuit),
    #[command(subcommand)]
    Hash(circuit::Hash),
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    Claim(claim::Claim),
    #[command(subcommand)]
    Consent(consent::Consent),
    #[command(subcommand)]
    Treasury(treasury::Treasury),
    #[command(subcommand)]
    Migrate(migrate::Migrate),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Serve(Box<serve::Serve>),
    #[command(subcommand)]
    Worker(worker::Worker),
    #[command(subcommand)]
    Access(access::Access),
    #[command(subcommand)]
    Audit(audit::Audit),
    #[command(subcommand)]
    Grievance(grievance::Grievance),
    #[command(subcommand)]
    Config(config::Config),
}

impl Verb {
    /// Whether a principal can act in it by `--as`. The rest is done by whoever has the machine.
    fn takes_principal(&self) -> bool {
        match self {
            Self::Issue(_)
            | Self::Revoke(_)
            | Self::Access(_)
            | Self::Audit(_)
            | Self::Grievance(_)
            | Self::Consent(_) => true,
            Self::Treasury(verb) => verb.takes_principal(),
            Self::Office(verb) => verb.takes_principal(),
            Self::Ledger(verb) => verb.takes_principal(),
            _ => false,
        }
    }
}

/// What a verb has to say.
pub(crate) struct Outcome {
    json: Value,
    text: String,
    yes: bool,
}

impl Outcome {
    /// Done, or yes.
    pub(crate) fn done(json: Value, text: impl Into<String>) -> Self {
        Self { json, text: text.into(), yes: true }
    }

    /// The answer is no.
    pub(crate) fn no(json: Value, text: impl Into<String>) -> Self {
        Self { json, text: text.into(), yes: false }
    }
}

/// What all verbs know.
pub(crate) struct Setting {
    pub(crate) folder: PathBuf,
    pub(crate) location: Location,
    pub(crate) json: bool,
    /// Where the API key of who acts lies.
    acting: Option<PathBuf>,
    /// What the audit log has of this command: that it was allowed.
    logged: OnceLock<LoggedAct>,
}

/// What was written to the audit log before it was done.
struct LoggedAct {
    store: Store,
    caller: Caller,
    action: Action,
    subject: String,
}

impl Setting {
    /// The store, brought up to date.
    pub(crate) async fn store(&self) -> Result<Store, CommandError> {
        Ok(Store::connect(&self.location).await?)
    }

    /// Who acts.
    pub(crate) async fn caller(&self, store: &Store) -> Result<Caller, CommandError> {
        let Some(path) = &self.acting else { return Ok(Caller::operator()) };
        let known = AccessStore(store).caller_of(ApiKey::read(path)?.credential()).await?;
        known.ok_or_else(|| AccessRefusal::NotAuthorised.into())
    }

    /// The store, and who reads what is not written down.
    ///
    /// # Errors
    /// [`CommandError::Refused`] if they may not.
    pub(crate) async fn reader(&self, action: Action) -> Result<(Store, Caller), CommandError> {
        let store = self.store().await?;
        let caller = self.caller(&store).await?;
        caller.require(action)?;
        Ok((store, caller))
    }

    /// Refuses `--as` for what the operator alone does.
    ///
    /// # Errors
    /// [`CommandError::WrongUse`].
    pub(crate) fn require_operator(&self) -> Result<(), CommandError> {
        if self.acting.is_none() {
            return Ok(());
        }
        let reason = "--as FILE does not apply here: only the operator, who has the machine, can run this \
             command. Leave --as out";
        Err(CommandError::WrongUse(reason.to_owned()))
    }

    /// Who acts, if they may; it is written to the audit log before it is done.
    pub(crate) async fn act(
        &self,
        store: &Store,
        action: Action,
        subject: &str,
    ) -> Result<Caller, CommandError> {
        let caller = self.caller(store).await?;
        AuditStore(store).authorise(&caller, action, subject).await?;
        // The first is what the command is for.
        let kept = LoggedAct {
            store: store.clone(),
            caller: caller.clone(),
            action,
            subject: subject.to_owned(),
        };
        let _ = self.logged.set(kept);
        AuditStore(store).admit(&caller, action, subject).await?;
        Ok(caller)
    }

    /// Writes to the audit log that what it has as allowed was refused after all: it was not done.
    async fn log_refusal(&self, error: &CommandError) {
        let Some(LoggedAct { store, caller, action, subject }) = self.logged.get() else { return };
        if error.exit_code() != 1 {
            return;
        }
        AuditStore(store).note_refusal(caller, *action, subject).await;
    }
}

/// Runs the program on its arguments.
pub fn run() -> ExitCode {
    #[cfg(feature = "failpoints")]
    praman_store::failpoint::listen();
    let arguments = match layered() {
        Ok(arguments) => arguments,
        Err(error) => return fail(&error),
    };
    let setting = match setting(&arguments) {
        Ok(setting) => setting,
        Err(error) => return fail(&error),
    };
    if let Err(error) = praman_prover::Arithmetic::forced() {
        return fail(&CommandError::WrongUse(error.to_string()));
    }
    if !matches!(arguments.verb, Verb::Serve(_)) {
        crate::request_log::begin_for_a_command();
    }
    // One command at a time needs one thread; a service has as many as there are cores.
    let mut runtime = match arguments.verb {
        Verb::Serve(_) | Verb::Worker(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&CommandError::Failed(format!("no runtime: {error}"))),
    };
    let outcome = runtime.block_on(async {
        let outcome = dispatch(arguments.verb, &setting).await;
        if let Err(error) = &outcome {
            setting.log_refusal(error).await;
        }
        outcome
    });
    match outcome {
        Ok(outcome) => {
            print(&setting, &outcome);
            ExitCode::from(u8::from(!outcome.yes))
        }
        Err(error) => {
            if setting.json {
                let refused = error.exit_code() == 1;
                println!(
                    "{}",
                    serde_json::json!({ "error": error.to_string(), "refused": refused })
                );
            }
            fail(&error)
        }
    }
}

/// The arguments, over variables, over the file of settings; what is wrong with arguments is said by the
/// program's own help.
fn layered() -> Result<Arguments, CommandError> {
    let command = crate::config::with_variables(Arguments::command());
    let said: Vec<OsString> = std::env::args_os().collect();
    let line = match crate::config::file_of(&said) {
        None => said,
        Some(path) => ConfigFile::read(&path, &command)?.under(&command, said),
    };
    let matches = command.get_matches_from(line);
    Ok(Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

fn setting(arguments: &Arguments) -> Result<Setting, CommandError> {
    let folder = match &arguments.dir {
        Some(folder) => folder.clone(),
        None => dirs::data_dir().map(|folder| folder.join("praman")).ok_or_else(|| {
            let reason = "this platform has no data folder: give a folder with --dir";
            CommandError::WrongUse(reason.to_owned())
        })?,
    };
    let location = Location::new(&folder, arguments.database.as_deref())?;
    let (json, acting) = (arguments.json, arguments.acting.clone());
    Ok(Setting { folder, location, json, acting, logged: OnceLock::new() })
}

async fn dispatch(verb: Verb, setting: &Setting) -> Result<Outcome, CommandError> {
    if !verb.takes_principal() {
        setting.require_operator()?;
    }
    match verb {
        Verb::Demo(verb) => verb.run(setting).await,
        Verb::Sandbox(verb) => verb.run(setting).await,
        Verb::Doctor(verb) => verb.run(setting).await,
        Verb::Register(verb) => verb.run(setting),
        Verb::Office(verb) => verb.run(setting).await,
        Verb::Issue(verb) => verb.run(setting).await,
        Verb::Key(verb) => verb.run(),
        Verb::Revoke(verb) => verb.run(setting).await,
        Verb::Snapshot(verb) => verb.run(setting).await,
        Verb::Scheme(verb) => verb.run(),
        Verb::Setup(verb) => verb.run(),
        Verb::Ceremony(verb) => verb.run(setting).await,
        Verb::Prove(verb) => verb.run(),
        Verb::Verify(verb) => verb.run(),
        Verb::Circuit(verb) => verb.run(),
        Verb::Hash(verb) => verb.run(),
        Verb::Ledger(verb) => verb.run(setting).await,
        Verb::Claim(verb) => verb.run(setting).await,
        Verb::Consent(verb) => verb.run(setting).await,
        Verb::Treasury(verb) => verb.run(setting).await,
        Verb::Migrate(verb) => verb.run(setting).await,
        Verb::Backup(verb) => verb.run(setting).await,
        Verb::Restore(verb) => verb.run(setting).await,
        Verb::Serve(verb) => verb.run(setting).await,
        Verb::Worker(verb) => verb.run(setting).await,
        Verb::Access(verb) => verb.run(setting).await,
        Verb::Grievance(verb) => verb.run(setting).await,
        Verb::Audit(verb) => verb.run(setting).await,
        Verb::Config(verb) => verb.run(),
    }
}

fn print(setting: &Setting, outcome: &Outcome) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    // A reader that has gone away is no error of ours.
    let _ = if setting.json {
        writeln!(out, "{}", outcome.json)
    } else {
        writeln!(out, "{}", outcome.text.trim_end())
    };
}

fn fail(error: &CommandError) -> ExitCode {
    eprintln!("praman: {error}");
    ExitCode::from(error.exit_code())
}
