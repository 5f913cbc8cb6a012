//! `praman config`.

use clap::{CommandFactory, Subcommand};
use serde_json::json;

use super::{Arguments, Outcome};
use crate::config::{self, ConfigFile, Origin};
use crate::error::CommandError;

/// Check and show settings: flags override `PRAMAN_` variables, and these override the file.
#[derive(Subcommand)]
pub(super) enum Config {
    /// Check the file's names and values; a fault is reported with its line.
    #[command(after_help = "Example: praman --config praman.toml config check")]
    Check,
    /// Show the settings of a verb.
    #[command(after_help = "Example: praman --config praman.toml config show serve --origin")]
    Show {
        /// The verb [default: serve].
        #[arg(value_name = "VERB", default_value = "serve")]
        verb: Vec<String>,
        /// Show where each setting comes from, too: a flag, a variable, the file's line, or the
        /// default.
        #[arg(long)]
        origin: bool,
    },
    /// Print a file in which every setting of a service and of workers is explained and none is
    /// set.
    Example,
}

impl Config {
    pub(super) fn run(self) -> Result<Outcome, CommandError> {
        let command = config::with_variables(Arguments::command());
        let arguments: Vec<_> = std::env::args_os().collect();
        let file = config::file_of(&arguments);
        let file = file.map(|path| ConfigFile::read(&path, &command)).transpose()?;
        match self {
            Self::Check => {
                let file = file.ok_or_else(|| {
                    let reason =
                        "there is no file to check: give it with --config or PRAMAN_CONFIG";
                    CommandError::WrongUse(reason.to_owned())
                })?;
                let path = file.path().display().to_string();
                Ok(Outcome::done(json!({ "file": path }), format!("{path} is well-formed")))
            }
            Self::Show { verb, origin } => {
                let settings = config::settings(&command, file.as_ref(), (&verb, &arguments))
                    .map_err(CommandError::WrongUse)?;
                let mut text = String::new();
                for setting in &settings {
                    let value = setting.values.join(", ");
                    let from = match &setting.origin {
                        _ if !origin => String::new(),
                        Origin::Flag => "  (flag)".to_owned(),
                        Origin::Variable { variable } => format!("  ({variable})"),
                        Origin::File { line } => {
                            let path = file.as_ref().map(|file| file.path().display().to_string());
                            format!("  ({}:{line})", path.unwrap_or_default())
                        }
                        Origin::Default => "  (default)".to_owned(),
                    };
                    text.push_str(&format!("{} = {value}{from}\n", setting.name));
                }
                let path = file.map(|file| file.path().display().to_string());
                Ok(Outcome::done(json!({ "file": path, "settings": settings }), text))
            }
            Self::Example => {
                let text = config::example(&command, &[&["serve"], &["worker", "run"]]);
                Ok(Outcome::done(json!({ "example": text }), text))
            }
        }
    }
}
