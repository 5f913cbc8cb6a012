//! `praman issue`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use praman_circuits::office::OfficeId;
use praman_circuits::subject::SubjectCommitment;
use rayon::prelude::*;
use serde_json::json;
use zeroize::Zeroizing;

use super::key::MasterKeySource;
use super::passphrase::PassphraseSource;
use super::{Outcome, Setting, register};
use crate::access_control::Action;
use crate::calendar;
use crate::error::CommandError;
use crate::issuing::{
    Applicants, RefusedApplicant, Reviewed, Subjects, credential_line, wallet_line,
};
use crate::office_key::OfficeKey;
use crate::offices::{Application, OfficeStore, Validity};
use crate::register::{Person, read_rows};
use crate::wallet::{CredentialFile, Wallet};

/// Issue a credential to every accepted row of a register, or to every household of it if the
/// office was made for households.
///
/// With --subjects, or with a column `subject` in the register, the holders' own commitments are
/// used and the office learns no secret. Without them, secrets are made here for the holders, as a
/// kiosk does, and are written to the folder `wallets` beside the credentials.
#[derive(Args)]
#[command(
    after_help = "Example: praman issue --register register.csv --office office.json --out credentials"
)]
pub(super) struct Issue {
    /// The register, CSV.
    #[arg(long, value_name = "FILE")]
    register: PathBuf,
    /// The office's sealed key.
    #[arg(long, value_name = "FILE")]
    office: PathBuf,
    /// A folder for the credentials. It must not exist, or must be empty.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write one file, credentials.ndjson, instead of a file for each row.
    #[arg(long)]
    bundle: bool,
    /// The holders' commitments: a CSV of register_no,subject. For households their numbers stand
    /// under register_no.
    #[arg(long, value_name = "FILE")]
    subjects: Option<PathBuf>,
    /// The first claim period, as a month YYYY-MM [default: any].
    #[arg(long, value_name = "MONTH")]
    claims_from: Option<String>,
    /// The last day on which the credentials are valid [default: ten years from today].
    #[arg(long, value_name = "YYYY-MM-DD")]
    expires: Option<jiff::civil::Date>,
    /// The register numbers of people whom the office reviewed and found to be a different person
    /// from the holder of the other credential.
    #[arg(long, num_args = 1.., value_name = "NO")]
    other_person: Vec<String>,
    #[command(flatten)]
    master_key: MasterKeySource,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl Issue {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let validity = self.validity()?;
        let place = check_place(&self.out)?;
        let checked = register::read(&self.register)?;
        let subjects = self.subjects.as_deref().map(read_subjects).transpose()?;
        let passphrase = self.passphrase.passphrase()?;
        let key = OfficeKey::open(&self.office, &passphrase)?;
        let store = setting.store().await?;
        let mut subject = format!("office {}", key.office.0);
        if !self.other_person.is_empty() {
            subject.push_str(&format!(", {} people said to be others", self.other_person.len()));
        }
        setting.act(&store, Action::Issue, &subject).await?;
        let master = self.master_key.open(setting, &store, &passphrase).await?;
        OfficeStore(&store).finish_pending_output().await?;

        let subjects = subjects.as_ref().map_or(Subjects::MadeHere, Subjects::Listed);
        let reviewed = Reviewed::These(&self.other_person);
        let applicants =
            Applicants::find(&store, (&key, &master), &checked, subjects, reviewed).await?;
        let told = |found: &[(&Person, OfficeId)]| -> Vec<(String, u32)> {
            found.iter().map(|(person, of)| (person.register_no().to_owned(), of.0)).collect()
        };
        let (enrolled, to_review) = (told(&applicants.enrolled), told(&applicants.to_review));
        let people = enrolled.len() + to_review.len();
        if people > 0 {
            let subject = format!("{people} people of a register of office {}", key.office.0);
            setting.act(&store, Action::LearnMatches, &subject).await?;
        }
        let Applicants { applications, wallets, refused: not_issued, are_households, .. } =
            applicants;
        let people =
            |one: &Application<'_>| one.holder.members().len() + one.holder.deceased().len();
        let rows: usize = applications.iter().map(people).sum();
        let issuing = OfficeStore(&store).issue(&key, &master, applications, validity).await?;
        let staged = stage(&place, &issuing.issued.credentials, &wallets, self.bundle)?;
        let issued = issuing.commit_with_files(staged, &place).await?;
        let count = issued.credentials.len();
        let refused = checked.counts().rows - rows;
        let text = format!(
            "{count} credentials are in {}; {refused} rows have none; the office's root is {}",
            place.display(),
            issued.root
        );
        let mut lines = vec![text];
        lines.extend(told_of(&enrolled, |number, office| {
            format!("{number}: has a live credential of office {office}: revoke that one first")
        }));
        lines.extend(told_of(&to_review, |number, office| {
            format!(
                "{number}: possible duplicate of a holder of a live credential of office {office}: \
                 review it. If it is a different person, issue again with --other-person {number}"
            )
        }));
        lines.extend(told_refused(&not_issued, are_households));
        let matched = |found: Vec<(String, u32)>| -> Vec<serde_json::Value> {
            found
                .into_iter()
                .map(
                    |(register_no, office)| json!({ "register_no": register_no, "office": office }),
                )
                .collect()
        };
        let json = json!({
            "issued": count,
            "refused": refused,
            "root": issued.root,
            "enrolled": matched(enrolled),
            "to_review": matched(to_review),
            "not_issued": not_issued
                .iter()
                .map(|one| json!({ "number": one.number, "reason": one.reason }))
                .collect::<Vec<_>>(),
        });
        Ok(Outcome::done(json, lines.join("\n")))
    }

    fn validity(&self) -> Result<Validity, CommandError> {
        let today = calendar::today();
        let mut validity = Validity::from_today(today);
        if let Some(expires) = self.expires {
            let day = calendar::day_of(expires).filter(|day| *day >= today);
            validity.expires_on = day.ok_or_else(|| {
                CommandError::WrongUse("--expires is in the past: give a later day".to_owned())
            })?;
        }
        if let Some(month) = &self.claims_from {
            let date = format!("{month}-01").parse().ok().and_then(calendar::month_of);
            validity.claims_from = date.ok_or_else(|| {
                CommandError::WrongUse(format!(
                    "--claims-from {month:?} is not a month: write it as 2026-06"
                ))
            })?;
        }
        Ok(validity)
    }
}

/// How many people or households are named.
const LINES_MAX: usize = 20;

/// A line for each of some people, of very many for the first ones.
fn told_of(found: &[(String, u32)], line: impl Fn(&str, u32) -> String) -> Vec<String> {
    let mut lines: Vec<String> =
        found.iter().take(LINES_MAX).map(|(number, office)| line(number, *office)).collect();
    lines.extend(told_more(found.len()));
    lines
}

/// A line for each household, or person who has died, that gets nothing; of very many for the first ones.
fn told_refused(refused: &[RefusedApplicant], are_households: bool) -> Vec<String> {
    let line = |one: &RefusedApplicant| match one.number.as_str() {
        "" => one.reason.clone(),
        number if are_households => format!("household {number}: {}", one.reason),
        number => format!("{number}: {}", one.reason),
    };
    let mut lines: Vec<String> = refused.iter().take(LINES_MAX).map(line).collect();
    lines.extend(told_more(refused.len()));
    lines
}

/// A line for those of many who are not named.
fn told_more(count: usize) -> Option<String> {
    let more = count.checked_sub(LINES_MAX).filter(|more| *more > 0)?;
    Some(format!("and {more} more: --json lists them all"))
}

/// The whole path of a folder that does not exist or is empty.
fn check_place(out: &Path) -> Result<PathBuf, CommandError> {
    let place = std::path::absolute(out).map_err(CommandError::file(out))?;
    let used = match std::fs::read_dir(&place) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(CommandError::file(&place)(error)),
    };
    if used {
        let reason = format!(
            "{} is not empty, and credentials are never overwritten: give another --out",
            out.display()
        );
        return Err(CommandError::WrongUse(reason));
    }
    Ok(place)
}

/// Reads the holders' commitments.
fn read_subjects(path: &Path) -> Result<HashMap<String, SubjectCommitment>, CommandError> {
    let file = std::fs::File::open(path).map_err(CommandError::file(path))?;
    let rows = read_rows(file, &["register_no", "subject"])
        .map_err(|error| CommandError::malformed(path, error))?;
    let mut subjects = HashMap::new();
    for (line, cells) in rows {
        let fault =
            |reason: String| CommandError::malformed(path, format!("line {line}: {reason}"));
        let [number, subject] = &cells[..] else {
            return Err(fault("expected two columns, register_no and subject".to_owned()));
        };
        let subject = subject.parse().map_err(|error| fault(format!("subject: {error}")))?;
        subjects.insert(number.clone(), subject);
    }
    Ok(subjects)
}

/// Writes the files into a folder beside their place.
fn stage(
    place: &Path,
    credentials: &[CredentialFile],
    wallets: &[(usize, Wallet)],
    bundle: bool,
) -> Result<tempfile::TempDir, CommandError> {
    let parent = place.parent().unwrap_or(place);
    std::fs::create_dir_all(parent).map_err(CommandError::file(parent))?;
    use std::os::unix::fs::PermissionsExt;
    let staged = tempfile::Builder::new()
        .prefix(".praman-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .map_err(CommandError::file(parent))?;
    let folder = staged.path();
    let write = |name: &Path, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(CommandError::file(&path))
    };
    if bundle {
        let lines: Vec<_> = credentials.iter().map(credential_line).collect();
        write(Path::new("credentials.ndjson"), &concat(&lines))?;
        let line =
            |(at, wallet): &(usize, Wallet)| wallet_line(wallet, &credentials[*at].register_no);
        let lines: Vec<_> = wallets.iter().map(line).collect();
        if !wallets.is_empty() {
            write(Path::new("wallets.ndjson"), &concat(&lines))?;
        }
    } else {
        credentials.par_iter().try_for_each(|file| {
            write(Path::new(&file_name(file)), credential_line(file).trim_ascii())
        })?;
        if !wallets.is_empty() {
            let folder = folder.join("wallets");
            std::fs::create_dir(&folder).map_err(CommandError::file(&folder))?;
            wallets.par_iter().try_for_each(|(place, wallet)| {
                let path = Path::new("wallets").join(file_name(&credentials[*place]));
                write(&path, wallet.to_json().as_bytes())
            })?;
        }
    }
    sync_all_below(folder)?;
    Ok(staged)
}

/// Lines one behind the other.
fn concat(lines: &[Zeroizing<Vec<u8>>]) -> Zeroizing<Vec<u8>> {
    let mut whole = Zeroizing::new(Vec::with_capacity(lines.iter().map(|line| line.len()).sum()));
    lines.iter().for_each(|line| whole.extend_from_slice(line));
    whole
}

/// Brings everything in a folder to the disk: one call for thousands of files.
fn sync_all_below(folder: &Path) -> Result<(), CommandError> {
    let opened = std::fs::File::open(folder).map_err(CommandError::file(folder))?;
    rustix::fs::syncfs(&opened).map_err(|error| CommandError::file(folder)(error.into()))
}

/// A register number as a file's name: what is no letter, digit, `-` or `_` is spelt as a number, so
/// that no register can name a file elsewhere.
fn file_name(file: &CredentialFile) -> String {
    let mut name = String::with_capacity(file.register_no.len() + 5);
    for byte in file.register_no.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            name.push(byte as char);
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    if name.len() > 150 {
        // Two long numbers may begin alike: their digest tells them apart.
        use sha2::Digest;
        name.truncate(150);
        name.push_str(&hex::encode(&sha2::Sha256::digest(&file.register_no)[..16]));
    }
    format!("{name}.json")
}
