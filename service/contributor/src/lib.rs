//! What a contributor to keys does, for a page in a browser, which has no files and no terminal.
//!
//! A request is a line of JSON and, behind it, a file. So is its answer. The page gives both to the program as its input
//! and output, so that neither needs to know the other's memory.
//!
//! ```
//! let request = br#"{"act": "show", "file": "key.zkey"}
//! no key"#;
//! let (told, _) = praman_contributor::answer(request.to_vec());
//! assert!(told["fault"].as_str().is_some_and(|fault| fault.contains("it is no .zkey file")));
//! ```

use std::path::Path;

use praman_ceremony::{Attestation, CeremonyKey, Contribution, Contributor};
use praman_files::json_fault;
use praman_files::sealed::Passphrase;
use praman_files::signing_key::{self, KeyKind};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// The file of a contributor's key.
pub const CONTRIBUTOR_KEY: KeyKind =
    KeyKind { format: "praman-contributor-key-1", purpose: "contributor's key" };

/// What errors call the key's file, which has no path here.
const KEY_FILE: &str = "your signing key";

#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
enum Request {
    /// Show what a key is.
    Show { file: String },
    /// Contribute to a key, and sign that.
    Contribute {
        file: String,
        name: String,
        /// What the person typed at random.
        typed: String,
        signer: Option<Signer>,
    },
    /// Make a key to sign by.
    MakeKey { name: String, passphrase: String },
}

/// Who signs, and what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signer {
    /// The text of a key's file.
    key: String,
    passphrase: String,
    organisation: String,
    statement: String,
}

/// What the page reads, and the file that was made.
type Answer = (Value, Vec<u8>);

/// Answers a request. What is wrong stands in `fault`, a sentence.
pub fn answer(mut request: Vec<u8>) -> Answer {
    let end = request.iter().position(|&byte| byte == b'\n').map_or(request.len(), |end| end + 1);
    let read: Result<Request, _> = serde_json::from_slice(&request[..end]);
    // In its place: the file is large.
    request.drain(..end);
    let answered = read
        .map_err(|error| format!("the request: {}", json_fault(&error)))
        .and_then(|read| act(read, request));
    answered.unwrap_or_else(|fault| (json!({ "fault": fault }), Vec::new()))
}

fn act(request: Request, file: Vec<u8>) -> Result<Answer, String> {
    match request {
        Request::Show { file: name } => {
            let key = CeremonyKey::parse(Path::new(&name), file).map_err(|fault| told(&fault))?;
            Ok((shown(&key), Vec::new()))
        }
        Request::Contribute { file: path, name, typed, signer } => {
            contribute((&path, file), &name, typed.into(), signer)
        }
        Request::MakeKey { name, passphrase } => make_key(&name, passphrase),
    }
}

fn contribute(
    (path, file): (&str, Vec<u8>),
    name: &str,
    typed: Zeroizing<String>,
    signer: Option<Signer>,
) -> Result<Answer, String> {
    let key = CeremonyKey::parse(Path::new(path), file).map_err(|fault| told(&fault))?;
    // A wrong passphrase is refused before the work is done.
    let signer = signer.map(|signer| -> Result<_, String> {
        let passphrase = Passphrase::new(signer.passphrase).map_err(|fault| told(&fault))?;
        let opened = CONTRIBUTOR_KEY.open_text(Path::new(KEY_FILE), &signer.key, &passphrase);
        let (_, key) = opened.map_err(|fault| told(&fault))?;
        Ok((key, signer.organisation, signer.statement))
    });
    let signer = signer.transpose()?;
    let contributor = Contributor::person(name, typed);
    let contributed = key.contribute(&contributor).map_err(|fault| told(&fault))?;
    let attestation = signer.map(|(signing_key, organisation, statement)| {
        let said = [name, &organisation, &statement];
        Attestation::sign(&key.circuit_hash(), &contributed.hash, said, &signing_key)
    });
    let answer = json!({
        "number": key.contributions().len() + 1,
        "contribution": hex::encode(contributed.hash),
        "circuit_hash": hex::encode(key.circuit_hash()),
        "attestation": attestation,
    });
    Ok((answer, contributed.file))
}

fn make_key(name: &str, passphrase: String) -> Result<Answer, String> {
    let passphrase = Passphrase::new(passphrase).map_err(|fault| told(&fault))?;
    let key = signing_key::generate();
    let file = CONTRIBUTOR_KEY
        .text(Path::new(KEY_FILE), name, &key, &passphrase)
        .map_err(|fault| told(&fault))?;
    Ok((json!({ "name": name, "public_key": signing_key::public_text(&key) }), file))
}

/// What a key is, as far as its file says.
fn shown(key: &CeremonyKey) -> Value {
    let shown = |contribution: &Contribution| {
        let beacon = contribution.beacon.as_ref().map(|beacon| hex::encode(beacon.value()));
        let hash = hex::encode(contribution.hash);
        json!({ "hash": hash, "name": contribution.name, "beacon": beacon })
    };
    let contributions: Vec<Value> = key.contributions().iter().map(shown).collect();
    json!({
        "power": key.power(),
        "wires": key.wires(),
        "public_inputs": key.public_inputs(),
        "circuit_hash": hex::encode(key.circuit_hash()),
        "contributions": contributions,
    })
}

fn told(fault: &dyn std::error::Error) -> String {
    fault.to_string()
}

#[cfg(test)]
mod tests;
