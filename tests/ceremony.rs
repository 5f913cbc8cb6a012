//! Keys by many hands, as contributors and departments make and use them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use support::service::Service;
use support::{State, peer, root};

use crate::support;

fn snarkjs(arguments: &[&str], folder: &Path) -> String {
    let ran = peer("snarkjs", arguments, folder);
    format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr))
}

/// A circuit of seven wires, as circom compiled it.
fn small_circuit(state: &State) {
    let from = root().join("prover/ceremony/vectors/toy.r1cs");
    fs::copy(from, state.path("c.r1cs")).expect("copied");
}

const BEACON: [&str; 6] =
    ["--value", "00112233445566778899aabbccddeeff", "--exponent", "10", "--name", "a lottery"];

fn contributions(answer: &Value) -> usize {
    answer["contributions"].as_array().expect("a list").len()
}

/// Both phases go from one program to the other and back, and both accept both.
#[test]
fn mixed_ceremony_is_accepted_by_snarkjs_and_by_praman() {
    let state = State::new();
    let folder = state.path(".");
    small_circuit(&state);
    let ceremony = |arguments: &[&str]| state.json(&[&["ceremony"], arguments].concat());
    let theirs = |arguments: &[&str], file: &str| {
        let said = snarkjs(arguments, &folder);
        assert!(state.path(file).exists(), "{arguments:?}: {said}");
        said
    };

    ceremony(&["new", "--power", "5", "--out", "p0.ptau"]);
    ceremony(&["contribute", "p0.ptau", "p1.ptau", "--name", "first"]);
    let second = ["powersoftau", "contribute", "p1.ptau", "p2.ptau", "--name=second", "-e=typed"];
    theirs(&second, "p2.ptau");
    ceremony(&[&["beacon", "p2.ptau", "p3.ptau"], &BEACON[..]].concat());
    ceremony(&["prepare", "p3.ptau", "p.ptau"]);
    let said = theirs(&["powersoftau", "verify", "p.ptau"], "p.ptau");
    assert!(said.contains("Powers Of tau file OK!"), "{said}");
    let checked = ceremony(&["verify", "p.ptau"]);
    assert_eq!((&checked["valid"], contributions(&checked)), (&json!(true), 3));
    assert_eq!(checked["contributions"][1]["name"], "second");
    // Theirs is prepared as ours, and raw it serves as well.
    theirs(&["powersoftau", "prepare", "phase2", "p3.ptau", "q.ptau"], "q.ptau");
    assert!(fs::read(state.path("q.ptau")).unwrap() == fs::read(state.path("p.ptau")).unwrap());

    let of = ["--r1cs", "c.r1cs", "--phase1", "p3.ptau"];
    ceremony(&[&["new", "--out", "k0.zkey"], &of[..]].concat());
    theirs(&["groth16", "setup", "c.r1cs", "p.ptau", "s0.zkey"], "s0.zkey");
    assert!(fs::read(state.path("k0.zkey")).unwrap() == fs::read(state.path("s0.zkey")).unwrap());
    ceremony(&["contribute", "k0.zkey", "k1.zkey", "--name", "first"]);
    theirs(&["zkey", "contribute", "k1.zkey", "k2.zkey", "--name=second", "-e=typed"], "k2.zkey");
    let third = ceremony(&["contribute", "k2.zkey", "k3.zkey", "--name", "third"]);
    ceremony(&[&["beacon", "k3.zkey", "k4.zkey"], &BEACON[..]].concat());
    let beacon = ["zkey", "beacon", "k3.zkey", "s4.zkey", BEACON[1], "10", "--name=a lottery"];
    theirs(&beacon, "s4.zkey");
    assert!(fs::read(state.path("k4.zkey")).unwrap() == fs::read(state.path("s4.zkey")).unwrap());
    let said = theirs(&["zkey", "verify", "c.r1cs", "p.ptau", "k4.zkey"], "k4.zkey");
    assert!(said.contains("ZKey Ok!"), "{said}");
    for phase1 in ["p.ptau", "p3.ptau"] {
        let of = ["--r1cs", "c.r1cs", "--phase1", phase1];
        let checked = ceremony(&[&["verify", "k4.zkey"], &of[..]].concat());
        assert_eq!((&checked["valid"], contributions(&checked)), (&json!(true), 4));
        assert_eq!(checked["contributions"][2]["hash"], third["contribution"]);
        assert_eq!(checked["contributions"][3]["beacon"]["exponent"], 10);
    }

    // The answer to what is wrong is no, with file and section.
    let mut wrong = fs::read(state.path("k4.zkey")).expect("read");
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    fs::write(state.path("wrong.zkey"), &wrong).expect("written");
    let of = ["--r1cs", "c.r1cs", "--phase1", "p.ptau"];
    let verify = [&["ceremony", "verify", "wrong.zkey"], &of[..]].concat();
    state.refused(&verify, 1, "contribution 4 is not what its beacon gives");
    fs::write(state.path("wrong.zkey"), &wrong[..3000]).expect("written");
    state.refused(&verify, 1, "wrong.zkey");
    // A contribution to a file that is wrong leaves nothing behind.
    let contribute = ["ceremony", "contribute", "wrong.zkey", "k5.zkey", "--name", "late"];
    state.refused(&contribute, 2, "wrong.zkey");
    assert!(!state.path("k5.zkey").exists());
    let again = ["ceremony", "contribute", "k4.zkey", "k3.zkey", "--name", "late"];
    state.refused(&again, 2, "k3.zkey exists");
    let status = ["ceremony", "status", "k1.zkey"];
    assert_eq!(contributions(&state.json(&status)), 1);
}

/// Two contributors of a court and a university, each with a key to sign by.
fn policy(state: &State, digest: &Value, contributions: usize) -> String {
    let contributor = |name: &str, organisation: &str, kind: &str, file: &str| {
        let path = state.path(file);
        if !path.exists() {
            state.json(&["ceremony", "signing-key", "--name", name, "--out", file]);
        }
        let key: Value = serde_json::from_slice(&fs::read(path).expect("read")).expect("JSON");
        let key = key["public_key"].as_str().expect("a key");
        format!(
            "[[contributor]]\nname = \"{name}\"\norganisation = \"{organisation}\"\n\
             kind = \"{kind}\"\npublic_key = \"{key}\"\n"
        )
    };
    format!(
        "format = \"praman-ceremony-policy-1\"\ncircuit = \"eligibility\"\n\
         contributions = {contributions}\nkinds = {{ court = 1 }}\n\
         [phase1]\ndigest = {digest}\ncontributions = 2\n\
         [beacon]\nannounced = \"the state lottery's next draw\"\nexponent = 10\n{}{}{}",
        contributor("Asha Roy", "High Court", "court", "asha.json"),
        contributor("Bina Sen", "State University", "university", "bina.json"),
        contributor("Chitra Das", "Daily News", "press", "chitra.json"),
    )
}

/// From the first power of tau to a claim that is proved and a service that starts.
#[test]
fn keys_of_a_ceremony_serve_and_keys_of_one_party_do_not() {
    let year = support::year();
    let state = State::with_everything("krishak-bandhu", year);
    let ceremony = |arguments: &[&str]| state.json(&[&["ceremony"], arguments].concat());
    ceremony(&["new", "--power", "13", "--out", "p0.ptau"]);
    ceremony(&["contribute", "p0.ptau", "p1.ptau", "--name", "a department"]);
    ceremony(&["contribute", "p1.ptau", "p.ptau", "--name", "a university"]);
    let digest = &ceremony(&["verify", "p.ptau"])["digest"];
    fs::write(state.path("policy.toml"), policy(&state, digest, 2)).expect("written");
    fs::write(state.path("three.toml"), policy(&state, digest, 3)).expect("written");
    let of = ["--circuit", "eligibility", "--phase1", "p.ptau"];
    ceremony(&[&["new", "--out", "k0.zkey"], &of[..]].concat());
    let signed = |from: &str, to: &str, [name, organisation, key]: [&str; 3]| {
        let arguments = ["contribute", from, to, "--name", name, "--organisation", organisation];
        let said = ["--signing-key", key, "--statement", "on a laptop that was then erased"];
        ceremony(&[&arguments[..], &said].concat());
    };
    signed("k0.zkey", "k1.zkey", ["Asha Roy", "High Court", "asha.json"]);
    ceremony(&["contribute", "k1.zkey", "k2.zkey", "--name", "a visitor"]);
    signed("k2.zkey", "k3.zkey", ["Bina Sen", "State University", "bina.json"]);
    ceremony(&[&["beacon", "k3.zkey", "k4.zkey"], &BEACON[..]].concat());

    let finish = |file: &'static str, policy: &'static str, attestations: &[&'static str]| {
        let arguments = ["ceremony", "finish", file, "--policy", policy, "--out", "made"];
        [&arguments[..], &of, &["--attestation"], attestations].concat()
    };
    let (asha, bina) = ("k1.zkey.attestation.json", "k3.zkey.attestation.json");
    let no_beacon = finish("k3.zkey", "policy.toml", &[asha, bina]);
    state.refused(&no_beacon, 1, "the last contribution is not a beacon's");
    let one = finish("k4.zkey", "policy.toml", &[asha]);
    state.refused(&one, 1, "1 organisations stand behind contributions, the policy asks for 2");
    let three = finish("k4.zkey", "three.toml", &[asha, bina]);
    state.refused(&three, 1, "2 organisations stand behind contributions");
    let mut forged: Value =
        serde_json::from_slice(&fs::read(state.path(bina)).expect("read")).expect("JSON");
    forged["organisation"] = json!("High Court");
    fs::write(state.path("forged.json"), forged.to_string()).expect("written");
    let forged = finish("k4.zkey", "policy.toml", &[asha, "forged.json"]);
    state.refused(&forged, 1, "its signature is not that of its key");
    assert!(!state.path("made/keys.json").exists(), "nothing half-made");
    let finished = state.json(&finish("k4.zkey", "policy.toml", &[asha, bina]));
    assert_eq!(finished["keys"], "ceremony");
    let digest = finished["digest"].as_str().expect("a digest").to_owned();
    let transcript = ["--transcript", "made/transcript.json"];
    let verify = [&["ceremony", "verify", "k4.zkey"], &of[..], &transcript].concat();
    assert_eq!(state.json(&verify)["digest"], json!(digest));

    // A claim is proved by them, and says so.
    let of_one_party = state.path("of-one-party");
    fs::rename(state.path("keys"), &of_one_party).expect("moved");
    fs::rename(state.path("made"), state.path("keys")).expect("moved");
    assert_eq!(state.prove("WB070000002", "krishak-bandhu", year, "proof").code, 0);
    let check = ["--public", "proof/public.json", "--proof", "proof/proof.json"];
    let valid = state.json(&[&["verify", "--keys", "keys"], &check[..]].concat());
    assert_eq!((&valid["valid"], &valid["keys"]), (&json!(true), &json!("ceremony")));

    // A service starts with them; with the others it does not.
    let fresh = State::new();
    for (from, to) in [(state.path("keys"), "keys"), (of_one_party, "of-one-party")] {
        fs::rename(from, fresh.path(to)).expect("moved");
    }
    let serve = |keys: &'static str| {
        let mut command = fresh.command(&["serve", "--keys", keys, "--listen", "127.0.0.1:0"]);
        command.env_remove("PRAMAN_SERVE_ALLOW_DEVELOPMENT_KEYS");
        command
    };
    let refused = serve("of-one-party").output().expect("run");
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("were made by one party") && said.contains("ceremony"), "{said}");
    // Nobody has registered them yet: they are as good as keys of one party.
    fresh.json(&["ledger", "start", "--keys", "keys"]);
    let refused = serve("keys").output().expect("run");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("the committee has not registered transcript"), "{said}");
    let has_banner = |service: &Service| {
        let page = service.curl("/desk/enter?lang=en", &[]).body;
        page.contains("made by one party")
    };
    assert!(has_banner(&Service::start(&fresh, &[])), "where they are allowed");

    // The committee registers the transcript, and anyone reads it.
    let register = ["ledger", "register-transcript", "--keys", "keys"];
    let registered = fresh.json(&register);
    let expected = (&json!(true), &json!(digest));
    assert_eq!((&registered["registered"], &registered["transcript"]), expected);
    assert_eq!(fresh.json(&["ledger", "status"])["transcript"], json!(digest));
    fresh.refused(&register, 1, "AlreadyRegistered");
    let none = ["ledger", "register-transcript", "--keys", "of-one-party"];
    fresh.refused(&none, 1, "these keys are of no ceremony");
    let service = Service::run(serve("keys"), "praman: listening at ").expect("it listens");
    assert!(!has_banner(&service));
    service.stop();

    // Another transcript in its place is refused wherever the keys are read.
    let path = fresh.path("keys/transcript.json");
    let text = fs::read_to_string(&path).expect("read");
    fs::write(&path, text.replace("High Court", "Nobody's Court")).expect("written");
    let check = ["doctor", "--keys", "keys"];
    assert!(
        fresh.run(&check).out.contains("it is not the transcript that the verification key names")
    );
}

/// Where they are allowed, the service says so at its start and on every page.
#[test]
fn service_with_keys_of_one_party_says_so_at_each_start_and_on_every_page() {
    let state = State::new();
    state.set_up("eligibility", "keys");
    for _ in 0..2 {
        let serve = ["serve", "--keys", "keys", "--listen", "127.0.0.1:0"];
        let mut command = state.command(&[&serve[..], &["--allow-development-keys"]].concat());
        command.env_remove("PRAMAN_SERVE_ALLOW_DEVELOPMENT_KEYS");
        drop(Service::run(command, "praman: DEVELOPMENT KEYS: ").expect("it says so"));
    }
    let service = Service::start(&state, &[]);
    for page in ["/desk/enter", "/desk/slip", "/desk/schemes", "/desk/schemes/nowhere"] {
        let page = service.curl(&format!("{page}?lang=en"), &[]);
        assert!(page.body.contains("made by one party"), "{}", page.body);
    }
}
