use std::fs;
use std::path::{Path, PathBuf};

use ark_bn254::Fr;
use praman_ceremony::{Constraints, Powers};
use praman_circuits::circuit::Circuit;
use sha2::{Digest, Sha256};

use super::*;

/// What the page is made of, as `sources.mjs` reads it as well.
const OF: &str = include_str!("../sources.txt");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn digest(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn files(name: &str, found: &mut Vec<String>) {
    let path = root().join(name);
    if !path.is_dir() {
        return found.push(name.to_owned());
    }
    for entry in fs::read_dir(path).expect("a folder") {
        let below = entry.expect("an entry").file_name();
        files(&format!("{name}/{}", below.to_str().expect("UTF-8")), found);
    }
}

#[test]
fn page_is_of_these_sources() {
    let mut names = Vec::new();
    OF.lines().for_each(|name| files(name, &mut names));
    names.sort_unstable();
    let line = |name: &String| {
        format!("{}  {name}\n", digest(fs::read(root().join(name)).expect("readable")))
    };
    let sources = digest(names.iter().map(line).collect::<String>());
    let here = root().join("service/contributor");
    let record = fs::read_to_string(here.join("ceremony.json")).expect("readable");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let rebuild = "run service/contributor/build.sh";
    assert_eq!(record["sources"], sources, "the page is of other sources: {rebuild}");
    let page = fs::read(here.join("ceremony.html")).expect("readable");
    assert_eq!(record["page_sha256"], digest(page), "the page is another: {rebuild}");
}

fn begun() -> Vec<u8> {
    let square = Circuit::compile("square", |cs| {
        let square = cs.public("square", Fr::from(9u64));
        let root = cs.private("root", Fr::from(3u64));
        cs.enforce(&root, &root, &square);
    });
    let path = Path::new("a file");
    let person = Contributor::person("Asha", "typed".to_owned().into());
    let powers = Powers::parse(path, Powers::begin(3)).expect("begun");
    let powers = powers.contribute(&person).expect("contributed").file;
    let powers = Powers::parse(path, powers).and_then(Powers::verify).expect("verified");
    let key = CeremonyKey::begin(path, &Constraints::from(&square), &powers).expect("begun");
    key.file().to_vec()
}

fn asked(request: &Value, file: &[u8]) -> Answer {
    answer([request.to_string().as_bytes(), b"\n", file].concat())
}

fn fault(request: &Value, file: &[u8]) -> String {
    let (told, made) = asked(request, file);
    assert!(made.is_empty(), "{told}");
    told["fault"].as_str().expect("a fault").to_owned()
}

#[test]
fn contribution_is_made_signed_and_shown() {
    let (made, key) =
        asked(&json!({ "act": "make-key", "name": "Asha", "passphrase": "correct horse" }), &[]);
    let key = String::from_utf8(key).expect("text");
    let file = begun();
    let signer = |passphrase: &str| {
        json!({
            "key": key,
            "passphrase": passphrase,
            "organisation": "a court",
            "statement": "",
        })
    };
    let contribute = |signer: Value| {
        json!({
            "act": "contribute",
            "file": "k.zkey",
            "name": "Asha",
            "typed": "at random",
            "signer": signer,
        })
    };
    assert!(fault(&contribute(signer("another")), &file).contains("passphrase"));
    let (told, next) = asked(&contribute(signer("correct horse")), &file);
    assert_eq!(told["number"], 1, "{told}");
    let attestation: Attestation =
        serde_json::from_value(told["attestation"].clone()).expect("an attestation");
    assert_eq!(attestation.check(), Ok(()));
    assert_eq!(attestation.contribution, told["contribution"]);
    assert_eq!(attestation.public_key, made["public_key"]);
    let (told, last) = asked(&contribute(Value::Null), &next);
    assert_eq!((&told["number"], &told["attestation"]), (&json!(2), &Value::Null), "{told}");
    let show = json!({ "act": "show", "file": "k.zkey" });
    let (shown, _) = asked(&show, &last);
    assert_eq!(shown["contributions"][0]["hash"], attestation.contribution);
    assert_eq!(shown["contributions"][1]["hash"], told["contribution"]);
    assert_eq!(shown["power"], 2, "{shown}");

    for (wrong, words) in [
        (&last[..last.len() - 1], "k.zkey"),
        (b"ptau and more".as_slice(), "it is no .zkey file"),
        (b"".as_slice(), "k.zkey"),
    ] {
        assert!(fault(&show, wrong).contains(words));
        assert!(fault(&contribute(Value::Null), wrong).contains(words));
    }
    // A request that says more is none, and its values stay unsaid.
    let more = json!({ "act": "make-key", "name": "Asha", "passphrase": "secret", "more": 1 });
    let told = fault(&more, &[]);
    assert!(told.starts_with("the request: ") && !told.contains("secret"), "{told}");
}
