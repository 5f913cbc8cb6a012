//! Keys in a folder.
//!
//! `keys.json` tells the circuit, its digest, the keys' origin and the SHA-256 of the two other
//! files; `proving_key.bin` is arkworks' uncompressed form; `verification_key.json` is snarkjs';
//! `transcript.json` is the record of the ceremony that made the keys, if one did.
//! Each file is written beside and renamed, `keys.json` last, so a folder never holds half a key.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ark_bn254::Bn254;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use praman_circuits::circuit::Circuit;
use praman_verifier::{Origin, ReadError, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::arithmetic::Arithmetic;
use crate::fixed_key::FixedKeyEngine;
use crate::keys::Keys;
use crate::tables::MemoryBudget;

const MANIFEST: &str = "keys.json";
const PROVING_KEY: &str = "proving_key.bin";
const VERIFICATION_KEY: &str = "verification_key.json";
const TRANSCRIPT: &str = "transcript.json";
const FORMAT: u32 = 1;

/// Why keys can't be made, kept or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There are no keys in the folder.
    #[error("{0} holds no keys; make them with `praman setup --circuit NAME --out {0}`")]
    Missing(PathBuf),
    /// A file is not what its name says.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The keys are for another circuit.
    #[error("the keys in {path} are for circuit {found}, not for {expected}")]
    WrongCircuit {
        /// The folder.
        path: PathBuf,
        /// The circuit the keys name.
        found: String,
        /// The circuit that was asked for.
        expected: String,
    },
    /// The keys are for another version of the circuit.
    #[error(
        "the keys in {path} are for version {found} of circuit {circuit}, this program has \
         version {expected}; make new keys with `praman setup`"
    )]
    WrongVersion {
        /// The folder.
        path: PathBuf,
        /// The circuit.
        circuit: String,
        /// The digest the keys name.
        found: String,
        /// The digest of this program's circuit.
        expected: String,
    },
    /// The verification key is unusable.
    #[error("the verification key is refused: {0}")]
    Verification(#[from] ReadError),
    /// No key could be made.
    #[error("no key could be made: {0}")]
    Setup(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    circuit: String,
    digest: String,
    origin: Origin,
    proving_key_sha256: String,
    verification_key_sha256: String,
}

/// What keys are held against of their ceremony's transcript.
#[derive(Deserialize)]
struct TranscriptOfKeys {
    circuit_digest: String,
    verification_key: String,
}

/// A folder of keys.
pub struct KeyStore {
    folder: PathBuf,
}

impl KeyStore {
    /// The keys in a folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Whether the folder holds keys, of whatever circuit.
    pub fn holds_keys(&self) -> bool {
        self.folder.join(MANIFEST).exists()
    }

    /// Writes keys that one party made, replacing those that are there.
    ///
    /// # Errors
    /// [`KeyError::File`]; the folder then holds what it held, or says that it holds nothing.
    pub fn save(&self, circuit: &Circuit, keys: &Keys) -> Result<(), KeyError> {
        self.write_all(circuit, keys, None)
    }

    /// Writes keys that a ceremony made, with its transcript.
    ///
    /// # Errors
    /// As [`KeyStore::save`]; [`KeyError::Malformed`] if the transcript is not that of the keys.
    pub fn save_with_transcript(
        &self,
        circuit: &Circuit,
        keys: &Keys,
        transcript: &str,
    ) -> Result<(), KeyError> {
        check_transcript(&self.folder.join(TRANSCRIPT), transcript, &keys.verifying)?;
        self.write_all(circuit, keys, Some(transcript))
    }

    fn write_all(
        &self,
        circuit: &Circuit,
        keys: &Keys,
        transcript: Option<&str>,
    ) -> Result<(), KeyError> {
        fs::create_dir_all(&self.folder).map_err(in_file(&self.folder))?;
        let manifest_path = self.folder.join(MANIFEST);
        match fs::remove_file(&manifest_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(in_file(&manifest_path)(error));
            }
            _ => {}
        }
        let mut proving = Vec::with_capacity(keys.proving.uncompressed_size());
        keys.proving
            .serialize_uncompressed(&mut proving)
            .map_err(|error| KeyError::Setup(error.to_string()))?;
        let verifying = keys.verifying.to_json();
        let manifest = Manifest {
            format: FORMAT,
            circuit: circuit.name().to_owned(),
            digest: keys.circuit.to_string(),
            origin: keys.verifying.origin().unwrap_or(Origin::Development),
            proving_key_sha256: sha256(&proving),
            verification_key_sha256: sha256(verifying.as_bytes()),
        };
        let manifest = serde_json::to_string_pretty(&manifest).expect("strings serialise");
        self.write(PROVING_KEY, &proving)?;
        self.write(VERIFICATION_KEY, verifying.as_bytes())?;
        if let Some(transcript) = transcript {
            self.write(TRANSCRIPT, transcript.as_bytes())?;
        }
        self.write(MANIFEST, manifest.as_bytes())
    }

    /// Reads the keys of a circuit.
    ///
    /// # Errors
    /// [`KeyError`], by name where the keys are another circuit's or version's.
    pub fn load(&self, circuit: &Circuit) -> Result<Keys, KeyError> {
        let verifying = self.load_verifying(circuit)?;
        let manifest = self.manifest()?;
        let path = self.folder.join(PROVING_KEY);
        let bytes = fs::read(&path).map_err(in_file(&path))?;
        check_digest(&path, &bytes, &manifest.proving_key_sha256)?;
        // The points were checked when the digest was taken.
        let proving =
            ark_groth16::ProvingKey::<Bn254>::deserialize_uncompressed_unchecked(&bytes[..])
                .map_err(|error| KeyError::Malformed {
                    path: path.clone(),
                    reason: error.to_string(),
                })?;
        if &proving.vk != verifying.points() {
            let reason = "it belongs to another verification key".to_owned();
            return Err(KeyError::Malformed { path, reason });
        }
        let (wires, private) = (circuit.wires(), circuit.wires() - circuit.public_inputs() - 1);
        let lengths = [
            proving.a_query.len() == wires,
            proving.b_g1_query.len() == wires,
            proving.b_g2_query.len() == wires,
            proving.l_query.len() == private,
            proving.h_query.len() == circuit.domain(),
        ];
        if lengths.contains(&false) {
            let reason =
                "it has not the points that the circuit takes; make the keys anew".to_owned();
            return Err(KeyError::Malformed { path, reason });
        }
        let proving_digest = Sha256::digest(&bytes).into();
        Ok(Keys { proving, verifying, circuit: circuit.digest(), proving_digest })
    }

    /// Reads the keys of a circuit for the engine that proves fastest, with tables beside them that take
    /// about so many bytes.
    ///
    /// # Errors
    /// As [`KeyStore::load`].
    pub fn engine(
        &self,
        circuit: &Circuit,
        budget: MemoryBudget,
    ) -> Result<FixedKeyEngine, KeyError> {
        let keys = self.load(circuit)?;
        let by = Arithmetic::Fastest;
        Ok(FixedKeyEngine::in_folder(&self.folder, circuit, &keys, budget, by))
    }

    /// Whether there is a proving key; a verifier needs none.
    pub fn has_proving_key(&self) -> bool {
        self.folder.join(PROVING_KEY).exists()
    }

    /// Reads the verification key of a circuit alone.
    ///
    /// # Errors
    /// As [`KeyStore::load`].
    pub fn load_verifying(&self, circuit: &Circuit) -> Result<VerifyingKey, KeyError> {
        let manifest = self.manifest()?;
        if manifest.circuit != circuit.name() {
            return Err(KeyError::WrongCircuit {
                path: self.folder.clone(),
                found: manifest.circuit,
                expected: circuit.name().to_owned(),
            });
        }
        if manifest.digest != circuit.digest().to_string() {
            return Err(KeyError::WrongVersion {
                path: self.folder.clone(),
                circuit: manifest.circuit,
                found: manifest.digest,
                expected: circuit.digest().to_string(),
            });
        }
        let path = self.folder.join(VERIFICATION_KEY);
        let text = fs::read_to_string(&path).map_err(in_file(&path))?;
        let key = VerifyingKey::from_json(&text)?;
        check_digest(&path, text.as_bytes(), &manifest.verification_key_sha256)?;
        if key.origin() != Some(manifest.origin) {
            let reason = "it says of another origin than keys.json".to_owned();
            return Err(KeyError::Malformed { path, reason });
        }
        if key.transcript().is_some() {
            let path = self.folder.join(TRANSCRIPT);
            let text = fs::read_to_string(&path).map_err(in_file(&path))?;
            check_transcript(&path, &text, &key)?;
        }
        Ok(key)
    }

    fn manifest(&self) -> Result<Manifest, KeyError> {
        let path = self.folder.join(MANIFEST);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(KeyError::Missing(self.folder.clone()));
            }
            read => read.map_err(in_file(&path))?,
        };
        let malformed = |reason: String| KeyError::Malformed { path: path.clone(), reason };
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(malformed(format!("format {} is not {FORMAT}", manifest.format)));
        }
        Ok(manifest)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), KeyError> {
        let path = self.folder.join(name);
        let write = || {
            let mut beside = tempfile::NamedTempFile::new_in(&self.folder)?;
            beside.write_all(bytes)?;
            beside.as_file().sync_all()?;
            beside.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(in_file(&path))
    }
}

fn in_file(path: &Path) -> impl Fn(io::Error) -> KeyError + '_ {
    move |source| KeyError::File { path: path.to_owned(), source }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// That a transcript is the one that a key names, and is of this key.
fn check_transcript(path: &Path, text: &str, key: &VerifyingKey) -> Result<(), KeyError> {
    let malformed = |reason: String| KeyError::Malformed { path: path.to_owned(), reason };
    if key.transcript() != Some(Sha256::digest(text).into()) {
        return Err(malformed(
            "it is not the transcript that the verification key names".to_owned(),
        ));
    }
    let of: TranscriptOfKeys =
        serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    let is_of_key = of.verification_key == hex::encode(key.points_digest())
        && Some(of.circuit_digest.as_str()) == key.circuit_digest();
    if is_of_key { Ok(()) } else { Err(malformed("it is of other keys than these".to_owned())) }
}

fn check_digest(path: &Path, bytes: &[u8], expected: &str) -> Result<(), KeyError> {
    if sha256(bytes) == expected {
        return Ok(());
    }
    let reason = "its contents are not those that keys.json names; make the keys anew".to_owned();
    Err(KeyError::Malformed { path: path.to_owned(), reason })
}
