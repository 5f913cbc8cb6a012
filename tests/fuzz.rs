//! Every parser of what comes from outside, fed with saved inputs and with as many alterations of them as
//! there is time for: `PRAMAN_FUZZ_SECONDS` a parser, 2 if nothing is said.
//!
//! No input may make one panic, and what one accepts must hold what it says. An input that fails is saved
//! beside the others in `tests/corpus`, so that it is tried ever after. `cargo bolero test --test end_to_end fuzz::NAME`
//! does the same guided by coverage.

use std::fs;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::time::Duration;

use bolero::{TypeGenerator, check};
use praman::claim::SubmittedClaim;
use praman::claims::ClaimId;
use praman::consent::access::AccessRequest;
use praman::consent::document::{self, ArtefactDocument, RequestDocument};
use praman::consent::{ConsentFile, Terms};
use praman::grpc::{access_message, claim_message, read_access_message, read_claim_message, v1};
use praman::proving::{ProvingRequest, WorkerKey};
use praman::register::{self, Verdict};
use praman::scheme::Scheme;
use praman::snapshot::{Snapshot, SnapshotChanges};
use praman::subtree::Subtree;
use praman::treasury::BankReport;
use praman::wallet::CredentialFile;
use praman::{calendar, envelope, sealed_box};
use praman_verifier::{PreparedKey, Proof, VerifyingKey, public_from_json};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::support;

/// Something done to an input.
#[derive(Clone, Debug, TypeGenerator)]
enum Edit {
    Flip { at: u16, bit: u8 },
    Set { at: u16, byte: u8 },
    Insert { at: u16, word: u8 },
    Replace { at: u16, length: u8, word: u8 },
    Remove { at: u16, length: u8 },
    Repeat { at: u16, length: u8, times: u8 },
    Copy { from: u16, length: u8, to: u16 },
    Cut { at: u16 },
}

/// What stands at the edge of what some parser takes.
const WORDS: &[&str] = &[
    "0",
    "-1",
    "1",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "1e400",
    "0.5",
    "null",
    "true",
    "\"\"",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "\r",
    "\0",
    "\u{feff}",
    "০",
    "=",
    "'",
    "21888242871839275222246405745257275088548364400416034343698204186575808495617",
    "21888242871839275222246405745257275088696311157297823662689037894645226208583",
    "[[version]]",
    "any_of",
    "and",
    "or more",
    "at most",
    "2026-02-30",
    "9999-12-31",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

fn altered(seed: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut input = seed.to_vec();
    for edit in edits {
        let place = |at: u16| at as usize % (input.len() + 1);
        let span = |at: u16, length: u8| {
            let begin = place(at);
            begin..(begin + length as usize % 64).min(input.len())
        };
        let word = |word: u8| WORDS[word as usize % WORDS.len()].as_bytes().to_vec();
        match *edit {
            Edit::Flip { at, bit } => {
                let at = place(at);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Edit::Set { at, byte } => {
                let at = place(at);
                if let Some(place) = input.get_mut(at) {
                    *place = byte;
                }
            }
            Edit::Insert { at, word: number } => {
                let at = place(at);
                input.splice(at..at, word(number));
            }
            Edit::Replace { at, length, word: number } => {
                let span = span(at, length);
                input.splice(span, word(number));
            }
            Edit::Remove { at, length } => {
                let span = span(at, length);
                input.drain(span);
            }
            Edit::Repeat { at, length, times } => {
                let span = span(at, length);
                let part = input[span.clone()].repeat(times as usize % 32);
                input.splice(span.end..span.end, part);
            }
            Edit::Copy { from, length, to } => {
                let (part, to) = (input[span(from, length)].to_vec(), place(to));
                input.splice(to..to, part);
            }
            Edit::Cut { at } => {
                let at = place(at);
                input.truncate(at);
            }
        }
    }
    input
}

fn corpus(name: &str) -> PathBuf {
    support::root().join("tests/corpus").join(name)
}

fn saved(name: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(corpus(name)).expect("a corpus");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).expect("a saved input")).collect()
}

/// Tries a parser: `parse` tells whether it accepts, and panics where it does not hold what it says.
/// The first of the seeds must be accepted.
fn fuzz(name: &str, seeds: Vec<Vec<u8>>, parse: impl Fn(&[u8]) -> bool + RefUnwindSafe) {
    assert!(parse(&seeds[0]), "the valid input is accepted");
    for seed in &seeds[1..] {
        parse(seed);
    }
    let seconds = std::env::var("PRAMAN_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    check!()
        .with_type::<(u8, Vec<Edit>)>()
        .with_test_time(Duration::from_secs(seconds.unwrap_or(2)))
        .for_each(|(seed, edits)| {
            let input = altered(&seeds[*seed as usize % seeds.len()], edits);
            let outcome = catch_unwind(AssertUnwindSafe(|| parse(&input)));
            if let Err(panic) = outcome {
                let id = hex::encode(&Sha256::digest(&input)[..8]);
                let path = corpus(name).join(format!("failed-{id}"));
                fs::create_dir_all(corpus(name)).expect("a folder");
                fs::write(&path, &input).expect("saved");
                eprintln!("saved as {}", path.display());
                resume_unwind(panic);
            }
        });
}

fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

#[test]
fn proofs() {
    fuzz("proof", saved("proof"), |input| {
        let Some(Ok(proof)) = text(input).map(Proof::from_json) else { return false };
        let again = Proof::from_json(&proof.to_json()).expect("what is written is read");
        assert!(again.to_words() == proof.to_words());
        assert!(
            Proof::from_words(&proof.to_words()).is_ok_and(|p| p.to_words() == proof.to_words())
        );
        true
    });
}

#[test]
fn proofs_as_words() {
    let valid = Proof::from_json(text(&saved("proof")[0]).expect("text")).expect("valid");
    fuzz("words", vec![valid.to_words().as_flattened().to_vec()], |input| {
        let (words, rest) = input.as_chunks::<32>();
        let Ok(words) = <[[u8; 32]; 8]>::try_from(words) else { return false };
        let Ok(proof) = Proof::from_words(&words) else { return false };
        assert!(proof.to_words() == words, "one form alone is accepted");
        rest.is_empty()
    });
}

#[test]
fn public_inputs() {
    fuzz("public", saved("public"), |input| {
        text(input).is_some_and(|t| public_from_json(t).is_ok())
    });
}

#[test]
fn verifying_keys() {
    fuzz("verifying_key", saved("verifying_key"), |input| {
        let Some(Ok(key)) = text(input).map(VerifyingKey::from_json) else { return false };
        let again = VerifyingKey::from_json(&key.to_json().to_string());
        assert!(again.is_ok_and(|again| again.to_json() == key.to_json()));
        let _ = PreparedKey::new(&key);
        true
    });
}

#[test]
fn claims() {
    fuzz("claim", saved("claim"), |input| {
        let Some(Ok(claim)) = text(input).map(SubmittedClaim::from_json) else { return false };
        let again =
            SubmittedClaim::from_json(&claim.to_json()).map_err(|_| ()).expect("read again");
        assert!(ClaimId::of(&again) == ClaimId::of(&claim));
        true
    });
}

#[test]
fn messages() {
    let claim = SubmittedClaim::from_json(text(&saved("claim")[0]).expect("text"));
    let claim = claim.map_err(|_| ()).expect("valid");
    let request = v1::SubmitRequest {
        claim: Some(claim_message(&claim)),
        idempotency_key: "a key".to_owned(),
        wait_seconds: 3,
        district: "NADIA".to_owned(),
    };
    fuzz("submit_request", vec![request.encode_to_vec()], |input| {
        // Other messages of the same bytes: whatever comes is decoded or refused.
        let _ = v1::ProveRequest::decode(input);
        let _ = v1::VerifyRequest::decode(input);
        let _ = v1::UploadRequest::decode(input);
        let _ = v1::RevokeRequest::decode(input);
        let _ = v1::ChangesRequest::decode(input);
        let Ok(request) = v1::SubmitRequest::decode(input) else { return false };
        let Some(Ok(claim)) = request.claim.map(read_claim_message) else { return false };
        let again = read_claim_message(claim_message(&claim)).expect("what is written is read");
        assert!(ClaimId::of(&again) == ClaimId::of(&claim));
        true
    });
}

#[test]
fn registers() {
    let today = calendar::today();
    fuzz("register", saved("register"), |input| {
        let Ok(register) = register::check(input, today, |_| ()) else { return false };
        let counts = register.counts();
        assert_eq!(counts.rows, counts.accepted + counts.rejected + counts.duplicates);
        assert_eq!(counts.accepted, register.people().len());
        for (row, (_, verdict)) in register.rows().enumerate() {
            assert!(!matches!(verdict, Verdict::Duplicate(first) if first >= row));
        }
        let mut report = Vec::new();
        register::write_report(&register, &register::Matches::default(), &mut report)
            .expect("memory takes all");
        true
    });
}

#[test]
fn schemes() {
    let folder = fs::read_dir(support::root().join("service/schemes")).expect("schemes");
    let seeds = folder.map(|entry| fs::read(entry.expect("an entry").path()).expect("a scheme"));
    fuzz("scheme", seeds.collect(), |input| {
        let Some(Ok(scheme)) = text(input).map(Scheme::parse) else { return false };
        for period in ["2026-06", "2026-Q2", "2026", "once", "1900", "9999-12"] {
            if let Ok(period) = scheme.parse_period(period) {
                let _ = scheme.in_period(period);
            }
        }
        true
    });
}

#[test]
fn snapshots_and_changes() {
    let valid: Snapshot = serde_json::from_slice(&saved("snapshot")[0]).expect("valid");
    let valid = serde_json::to_vec(&valid).expect("plain data");
    fuzz("snapshot", saved("snapshot"), |input| {
        let Ok(snapshot) = serde_json::from_slice::<Snapshot>(input) else { return false };
        for office in &snapshot.offices {
            let _ = snapshot.state_path(office.office);
        }
        true
    });
    fuzz("changes", saved("changes"), |input| {
        let Ok(changes) = serde_json::from_slice::<SnapshotChanges>(input) else { return false };
        let root = changes.root;
        let snapshot: Snapshot = serde_json::from_slice(&valid).expect("valid");
        match snapshot.update(changes) {
            Ok(updated) => assert!(updated.root == root),
            Err(_) => return false,
        }
        true
    });
}

#[test]
fn subtrees() {
    fuzz("subtree", saved("subtree"), |input| {
        let Ok(part) = serde_json::from_slice::<Subtree>(input) else { return false };
        part.path(3).is_ok() | part.path(usize::MAX).is_ok()
    });
}

#[test]
fn credentials() {
    fuzz("credential", saved("credential"), |input| {
        let Ok(file) = serde_json::from_slice::<CredentialFile>(input) else { return false };
        file.credential().is_ok() && file.payee_salt().is_ok()
    });
}

#[test]
fn sealed_boxes() {
    let worker = WorkerKey::generate();
    let private = *praman::sealed::random_key();
    let public = sealed_box::public_key(&private).expect("a key");
    let sealed = sealed_box::seal(b"a", &[7; 300], &public).expect("sealed");
    fuzz("sealed", vec![sealed.clone()], |input| {
        let _ = ProvingRequest::open(input, &worker);
        let _ = envelope::open(input, &private);
        let opened = sealed_box::open(b"a", input, &private);
        assert_eq!(opened.is_ok(), input == sealed, "nothing altered opens");
        opened.is_ok()
    });
}

#[test]
fn bank_reports() {
    fuzz("bank_report", saved("bank_report"), |input| {
        let Some(Ok(report)) = text(input).map(BankReport::read) else { return false };
        assert!(!report.message.is_empty());
        // A report has no more lines than it has elements that end.
        assert!(report.transfers.len() <= input.iter().filter(|&&byte| byte == b'/').count());
        true
    });
}

#[test]
fn consents() {
    let now = jiff::Timestamp::now();
    fuzz("consent_request", saved("consent_request"), |input| {
        let Some(Ok(request)) = text(input).map(document::read::<RequestDocument>) else {
            return false;
        };
        let Ok(terms) = Terms::read(&request.consent, "consent", now) else { return false };
        // What was read is written as it was read.
        let again = Terms::read(&terms.document(), "consent", now).expect("read again");
        let written = |terms: &Terms| serde_json::to_string(&terms.document()).expect("JSON");
        assert_eq!(written(&again), written(&terms));
        assert!(terms.from <= terms.to && terms.erase_at > now);
        true
    });
    fuzz("artefact", saved("artefact"), |input| {
        let Some(Ok(artefact)) = text(input).map(document::read::<ArtefactDocument>) else {
            return false;
        };
        let detail = &artefact.consent_detail.consent;
        Terms::read(detail, "consentDetail", now).is_ok()
    });
    let valid: ConsentFile = serde_json::from_slice(&saved("consent")[0]).expect("valid");
    let commitment = valid.commitment().expect("a commitment");
    fuzz("consent", saved("consent"), |input| {
        let Some(Ok(consent)) = text(input).map(document::read::<ConsentFile>) else {
            return false;
        };
        let Ok(consent) = consent.checked() else { return false };
        // Nobody but the consent manager says something else than it signed.
        assert!(consent.commitment() == Ok(commitment));
        true
    });
    fuzz("access", saved("access"), |input| {
        let Some(Ok(access)) = text(input).map(AccessRequest::from_json) else { return false };
        let again = AccessRequest::from_json(&access.to_json()).expect("read again");
        assert_eq!(again.to_json(), access.to_json());
        true
    });
    let access = AccessRequest::from_json(text(&saved("access")[0]).expect("text"));
    let message = access_message(&access.expect("valid"));
    fuzz("access_request", vec![message.encode_to_vec()], |input| {
        let Ok(request) = v1::AccessRequest::decode(input) else { return false };
        let Ok(access) = read_access_message(&request) else { return false };
        let again = read_access_message(&access_message(&access)).expect("read again");
        assert_eq!(again.to_json(), access.to_json());
        true
    });
}
