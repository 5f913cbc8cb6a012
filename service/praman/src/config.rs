//! One file of settings under `PRAMAN_` variables under flags.
//!
//! The file is TOML and has the form of the command line: a table for a verb, in it a key for a flag. What a
//! variable or a flag says goes before what the file says, and that before the default. A variable is called
//! `PRAMAN_`, the verb and the flag: `PRAMAN_SERVE_LISTEN`; those that all verbs know, `PRAMAN_DIR`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command};
use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::CommandError;
use crate::files;

/// A setting of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileSetting {
    /// The verb: `["worker", "run"]`; empty for what all know.
    verb: Vec<String>,
    /// The flag's name.
    flag: String,
    values: Vec<String>,
    line: usize,
}

/// A file of settings.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    settings: Vec<FileSetting>,
}

/// From where a setting is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "origin", rename_all = "kebab-case")]
pub enum Origin {
    /// The command line.
    Flag,
    /// A variable.
    Variable {
        /// Its name.
        variable: String,
    },
    /// The file.
    File {
        /// The line.
        line: usize,
    },
    /// Nobody says anything.
    Default,
}

/// A setting, and from where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The flag's name.
    pub name: String,
    /// Its values; of a secret none is shown.
    pub values: Vec<String>,
    /// From where they are.
    #[serde(flatten)]
    pub origin: Origin,
}

impl ConfigFile {
    /// Reads a file and checks it against a command: names that it does not know and values that it does not
    /// take are refused by file and line.
    ///
    /// # Errors
    /// [`CommandError::File`].
    pub fn read(path: &Path, command: &Command) -> Result<Self, CommandError> {
        let text = files::read_text(path)?;
        let line_of = |place: usize| praman_language::line_at(&text, place);
        let fault = |line: usize, reason: String| {
            CommandError::malformed(path, format!("line {line}: {reason}"))
        };
        let document = DeTable::parse(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(span.start));
            fault(line, error.message().replace('\n', ", "))
        })?;
        let mut settings = Vec::new();
        gather(document.get_ref(), command, &[], &line_of, &mut settings)
            .map_err(|(line, reason)| fault(line, reason))?;
        for setting in &settings {
            setting.check(command).map_err(|reason| fault(setting.line, reason))?;
        }
        Ok(Self { path: path.to_owned(), settings })
    }

    /// The arguments of a program with what the file says and they and variables don't, before them.
    pub fn under(&self, command: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
        let verbs = verbs_of(command, &arguments);
        let mut layered = Vec::with_capacity(arguments.len());
        let mut verb: Vec<String> = Vec::new();
        let add = |verb: &[String], layered: &mut Vec<OsString>| {
            for setting in self.settings.iter().filter(|setting| setting.verb == verb) {
                let arg = setting.arg(command);
                let is_said = arg.is_some_and(|arg| said(arg, &arguments) || in_variable(arg));
                if !is_said {
                    layered.extend(setting.arguments(command));
                }
            }
        };
        for (place, argument) in arguments.iter().enumerate() {
            layered.push(argument.clone());
            if place == 0 {
                add(&verb, &mut layered);
            }
            if let Some((_, name)) = verbs.iter().find(|(known, _)| *known == place) {
                verb.push(name.clone());
                add(&verb, &mut layered);
            }
        }
        layered
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

type Wrong = (usize, String);

fn gather(
    table: &DeTable<'_>,
    command: &Command,
    verb: &[String],
    line_of: &impl Fn(usize) -> usize,
    settings: &mut Vec<FileSetting>,
) -> Result<(), Wrong> {
    for (key, value) in table {
        let (name, line) = (key.get_ref().to_string(), line_of(key.span().start));
        if let (Some(verb_of), DeValue::Table(table)) =
            (command.find_subcommand(&name), value.get_ref())
        {
            let verb = [verb, &[name]].concat();
            gather(table, verb_of, &verb, line_of, settings)?;
            continue;
        }
        let mut names: Vec<&str> = command.get_arguments().filter_map(Arg::get_long).collect();
        if !names.contains(&name.as_str()) {
            names.retain(|name| *name != "help");
            names.extend(command.get_subcommands().map(Command::get_name));
            let reason = format!("{name:?} is not known here; known are {}", names.join(", "));
            return Err((line, reason));
        }
        let values = values_of(value).ok_or_else(|| {
            (line, format!("{name} must be a text, a number, true, false, or a list of texts"))
        })?;
        settings.push(FileSetting { verb: verb.to_vec(), flag: name, values, line });
    }
    Ok(())
}

fn values_of(value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    let one = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().replace('_', "")),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    };
    match value.get_ref() {
        DeValue::Array(list) => list.iter().map(|value| one(value.get_ref())).collect(),
        value => one(value).map(|value| vec![value]),
    }
}

impl FileSetting {
    fn arg<'a>(&self, command: &'a Command) -> Option<&'a Arg> {
        let mut at = command;
        for name in &self.verb {
            at = at.find_subcommand(name)?;
        }
        at.get_arguments().find(|arg| arg.get_long() == Some(&self.flag))
    }

    fn is_switch(&self, command: &Command) -> bool {
        self.arg(command).is_some_and(|arg| !arg.get_action().takes_values())
    }

    /// As a command line has it.
    fn arguments(&self, command: &Command) -> Vec<OsString> {
        if self.is_switch(command) {
            let is_on = self.values == ["true"];
            return if is_on { vec![format!("--{}", self.flag).into()] } else { Vec::new() };
        }
        self.values.iter().map(|value| format!("--{}={value}", self.flag).into()).collect()
    }

    /// Whether the flag takes the values.
    fn check(&self, command: &Command) -> Result<(), String> {
        let name = &self.flag;
        if self.is_switch(command) {
            let is_truth =
                matches!(self.values.as_slice(), [one] if one == "true" || one == "false");
            return if is_truth { Ok(()) } else { Err(format!("{name} must be true or false")) };
        }
        let many =
            self.arg(command).is_some_and(|arg| matches!(arg.get_action(), ArgAction::Append));
        if self.values.len() != 1 && !many {
            return Err(format!("{name} must have one value"));
        }
        let verb = self.verb.iter().map(OsString::from);
        let line = std::iter::once(OsString::from("praman")).chain(verb);
        let line: Vec<OsString> = line.chain(self.arguments(command)).collect();
        match command.clone().try_get_matches_from(line) {
            Err(error) if is_about_a_value(error.kind()) => {
                let text = error.to_string();
                let reason = text.lines().next().unwrap_or_default();
                Err(format!("{name}: {}", reason.trim_start_matches("error: ")))
            }
            _ => Ok(()),
        }
    }
}

fn is_about_a_value(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ValueValidation | ErrorKind::InvalidValue | ErrorKind::WrongNumberOfValues
    )
}

/// The places of verbs among arguments, and their names.
fn verbs_of(command: &Command, arguments: &[OsString]) -> Vec<(usize, String)> {
    let (mut at, mut found, mut is_value) = (command, Vec::new(), false);
    for (place, argument) in arguments.iter().enumerate().skip(1) {
        if std::mem::take(&mut is_value) {
            continue;
        }
        let text = argument.to_string_lossy();
        if let Some(flag) = text.strip_prefix("--") {
            if flag.is_empty() {
                break;
            }
            // What all verbs know is an argument of the first alone.
            let of = |command: &Command| {
                let mut args = command.get_arguments();
                args.find(|arg| arg.get_long() == Some(flag))
                    .map(|arg| arg.get_action().takes_values())
            };
            is_value = of(at).or_else(|| of(command)).unwrap_or(false);
        } else if let Some(verb) = at.find_subcommand(&*text) {
            found.push((place, text.into_owned()));
            at = verb;
        } else if !text.starts_with('-') {
            break;
        }
    }
    found
}

fn said(arg: &Arg, arguments: &[OsString]) -> bool {
    let Some(long) = arg.get_long() else { return false };
    let flag = format!("--{long}");
    arguments.iter().any(|argument| {
        let text = argument.to_string_lossy();
        text == flag || text.strip_prefix(&flag).is_some_and(|rest| rest.starts_with('='))
    })
}

/// What arguments say of a flag.
fn value_said(name: &str, arguments: &[OsString]) -> Vec<String> {
    let flag = format!("--{name}");
    let texts = arguments.iter().map(|argument| argument.to_string_lossy().into_owned());
    let texts: Vec<String> = texts.take_while(|text| text != "--").collect();
    let place = texts.iter().position(|text| *text == flag);
    let joined = texts.iter().find_map(|text| text.strip_prefix(&format!("{flag}=")));
    let value = joined.map(str::to_owned).or_else(|| texts.get(place? + 1).cloned());
    value.into_iter().collect()
}

fn in_variable(arg: &Arg) -> bool {
    arg.get_env().is_some_and(|name| std::env::var_os(name).is_some())
}

/// A command whose every flag has its variable.
pub fn with_variables(command: Command) -> Command {
    named_variables(command, "PRAMAN")
}

fn named_variables(command: Command, prefix: &str) -> Command {
    let named = |name: &str| format!("{prefix}_{}", name.to_uppercase().replace('-', "_"));
    let command = command.mut_args(|arg| {
        let Some(long) = arg.get_long().filter(|_| arg.get_env().is_none()) else { return arg };
        if matches!(arg.get_action(), ArgAction::Help | ArgAction::Version | ArgAction::HelpLong) {
            return arg;
        }
        // The command lives as long as the program.
        let name = &*Box::leak(named(long).into_boxed_str());
        arg.env(name).hide_env(true)
    });
    let verbs: Vec<String> =
        command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    verbs.iter().fold(command, |command, verb| {
        command.mut_subcommand(verb, |of| named_variables(of, &named(verb)))
    })
}

/// The file that arguments or the variable name, if they name one.
pub fn file_of(arguments: &[OsString]) -> Option<PathBuf> {
    let said = value_said("config", arguments).into_iter().next().map(PathBuf::from);
    said.or_else(|| std::env::var_os("PRAMAN_CONFIG").map(PathBuf::from))
}

/// All settings of a verb, and from where they are.
///
/// # Errors
/// What is wrong with the verb.
pub fn settings(
    command: &Command,
    file: Option<&ConfigFile>,
    (verb, arguments): (&[String], &[OsString]),
) -> Result<Vec<Setting>, String> {
    let mut at = command;
    for name in verb {
        at = at.find_subcommand(name).ok_or_else(|| format!("there is no verb {name}"))?;
    }
    let of_file = |of: &[String], flag: &str| {
        let settings = file.into_iter().flat_map(|file| &file.settings);
        settings
            .into_iter()
            .rev()
            .find(|setting| setting.verb == of && setting.flag == flag)
            .cloned()
    };
    let setting = |of: &[String], arg: &Arg| {
        let name = arg.get_long()?.to_owned();
        if ["help", "version", "config"].contains(&name.as_str()) {
            return None;
        }
        let text = |value: &OsStr| value.to_string_lossy().into_owned();
        let variable = arg.get_env().filter(|name| std::env::var_os(name).is_some());
        let (values, origin) = match (variable, of_file(of, &name)) {
            _ if of.is_empty() && said(arg, arguments) => {
                (value_said(&name, arguments), Origin::Flag)
            }
            (Some(variable), _) => {
                let value = std::env::var_os(variable).unwrap_or_default();
                (vec![text(&value)], Origin::Variable { variable: text(variable) })
            }
            (None, Some(FileSetting { values, line, .. })) => (values, Origin::File { line }),
            (None, None) => {
                let values = arg.get_default_values().iter().map(|value| value.to_string_lossy());
                (values.map(|value| value.into_owned()).collect(), Origin::Default)
            }
        };
        let hidden = arg.is_hide_env_values_set() && !values.is_empty();
        let values = if hidden { vec!["(hidden)".to_owned()] } else { values };
        Some(Setting { name, values, origin })
    };
    let mut found: Vec<Setting> =
        command.get_arguments().filter_map(|arg| setting(&[], arg)).collect();
    if !verb.is_empty() {
        let known: Vec<String> = found.iter().map(|setting| setting.name.clone()).collect();
        let own = at.get_arguments().filter_map(|arg| setting(verb, arg));
        found.extend(own.filter(|setting| !known.contains(&setting.name)));
    }
    Ok(found)
}

/// A file that says nothing, with every setting of a verb, what it is for and its default.
pub fn example(command: &Command, verbs: &[&[&str]]) -> String {
    let mut text = String::from(
        "# Settings of praman. A variable overrides this file, and a flag overrides both.\n\
         # `praman config check` and `praman config show --origin` show what applies.\n",
    );
    for verb in std::iter::once(&[][..]).chain(verbs.iter().copied()) {
        let mut at = command;
        for name in verb {
            at = at.find_subcommand(name).expect("a verb");
        }
        if !verb.is_empty() {
            text.push_str(&format!("\n[{}]\n", verb.join(".")));
        }
        for arg in at.get_arguments() {
            let Some(long) = arg.get_long() else { continue };
            if ["help", "version", "config", "json", "as"].contains(&long) {
                continue;
            }
            let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string);
            for line in help.unwrap_or_default().lines() {
                text.push_str(&format!("# {line}\n"));
            }
            let default = arg.get_default_values().first().map(|value| value.to_string_lossy());
            let value = match (default, arg.get_action()) {
                (_, ArgAction::SetTrue) => "false".to_owned(),
                (Some(value), _) if value.parse::<i64>().is_ok() => value.into_owned(),
                (Some(value), _) => format!("{value:?}"),
                (None, ArgAction::Append) => "[]".to_owned(),
                (None, _) => "\"\"".to_owned(),
            };
            text.push_str(&format!("#{long} = {value}\n\n"));
        }
    }
    text.trim_end().to_owned() + "\n"
}
