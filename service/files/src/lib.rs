//! Reading files, and writing them so that none is ever incomplete; with sealed keys and other secrets.
//!
//! ```
//! use praman_files::sealed::{Passphrase, SealedKey, random_key};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("key.json");
//! let (key, passphrase) = (random_key(), Passphrase::new("correct horse".to_owned())?);
//! praman_files::write_new_json(&path, &SealedKey::seal(&key, "an example", &passphrase)?)?;
//!
//! let sealed: SealedKey = praman_files::read_json(&path)?;
//! assert_eq!(sealed.open("an example", &passphrase)?, key);
//! assert!(sealed.open("another purpose", &passphrase).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
pub mod sealed;
pub mod sealed_box;
pub mod signing_key;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::FileError;

/// Writes a file beside its place, then renames it into it. Readable only by its owner: most of what praman
/// writes is personal.
///
/// # Errors
/// [`FileError::Io`]; then the file is unchanged.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    place(path, bytes, |beside| beside.persist(path).map_err(|error| error.error))
}

fn place(
    path: &Path,
    bytes: &[u8],
    persist: impl FnOnce(tempfile::NamedTempFile) -> std::io::Result<std::fs::File>,
) -> Result<(), FileError> {
    persist(stage(path, bytes)?).map_err(FileError::io(path))?;
    // The rename is on disk once the folder is.
    sync_folder_of(path)
}

/// Writes a file beside its place.
fn stage(path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile, FileError> {
    let attempt = || {
        let mut beside = tempfile::NamedTempFile::new_in(folder_of(path))?;
        beside.write_all(bytes)?;
        beside.as_file().sync_all()?;
        Ok(beside)
    };
    attempt().map_err(FileError::io(path))
}

/// Writes files of one folder together: all are written beside their places before the first is renamed into its own.
///
/// # Errors
/// [`FileError::Io`]. What fails while they are written leaves every file unchanged.
pub fn write_together(files: &[(PathBuf, &[u8])]) -> Result<(), FileError> {
    let staged: Result<Vec<_>, _> = files.iter().map(|(path, bytes)| stage(path, bytes)).collect();
    for ((path, _), beside) in files.iter().zip(staged?) {
        beside.persist(path).map_err(|error| error.error).map_err(FileError::io(path))?;
        sync_folder_of(path)?;
    }
    Ok(())
}

/// Returns the folder of a path, even if the path names none.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Syncs the entry of a path in its folder to disk.
///
/// # Errors
/// [`FileError::Io`].
pub fn sync_folder_of(path: &Path) -> Result<(), FileError> {
    let folder = folder_of(path);
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::io(folder))
}

/// Writes a file that must not exist yet, readable only by its owner.
///
/// # Errors
/// [`FileError::Exists`] if it exists: keys are never overwritten.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if path.exists() {
        return Err(FileError::Exists(path.to_owned()));
    }
    place(path, bytes, |beside| beside.persist_noclobber(path).map_err(|error| error.error))
}

/// Writes a value as JSON to a file that must not exist yet.
///
/// # Errors
/// As [`write_new`].
pub fn write_new_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    write_new(path, &json_bytes(path, value)?)
}

fn json_bytes(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, FileError> {
    let mut text =
        serde_json::to_vec_pretty(value).map_err(|error| FileError::malformed(path, error))?;
    text.push(b'\n');
    Ok(text)
}

/// Writes a value as JSON, as [`write()`] does.
///
/// # Errors
/// [`FileError::Io`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    write(path, &json_bytes(path, value)?)
}

/// Reads a text file.
///
/// # Errors
/// [`FileError::Io`].
pub fn read_text(path: &Path) -> Result<String, FileError> {
    std::fs::read_to_string(path).map_err(FileError::io(path))
}

/// Reads a JSON file. The error names line and field, but no value of the file.
///
/// # Errors
/// [`FileError::Io`] or [`FileError::Malformed`].
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    parse_json(path, &zeroize::Zeroizing::new(read_text(path)?))
}

/// Takes JSON from a file's text. The path is what errors name.
fn parse_json<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, FileError> {
    // Some editors write a byte order mark first.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text).map_err(|error| FileError::malformed(path, json_fault(&error)))
}

/// Returns what is wrong with a JSON text, and where. serde_json quotes values of the wrong type, which may be
/// secret: this only says where.
pub fn json_fault(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a field is missing, unknown or of the wrong kind",
        serde_json::error::Category::Eof => "the text ends too early",
        _ => "not JSON",
    };
    format!("line {}, column {}: {what}", error.line(), error.column())
}
