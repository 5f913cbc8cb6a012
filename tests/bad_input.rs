//! Bad input, verb by verb: the right exit code, the right words, nothing half done.

use std::fs;

use support::{State, scheme};

use crate::support;

const MISSING: &str = "No such file";

fn text(path: &std::path::Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn wrong_arguments_are_refused_as_wrong_use() {
    let state = State::new();
    for arguments in [
        &["no-such-verb"][..],
        &["register", "check"],
        &["hash", "poseidon"],
        &["prove"],
        &["verify", "--public", "p", "--proof", "q"],
        &["demo", "--claims", "many"],
    ] {
        assert_eq!(state.run(arguments).code, 2, "{arguments:?}");
    }
    for verb in ["demo", "issue", "prove", "verify", "setup", "snapshot", "revoke"] {
        let help = state.run(&[verb, "--help"]);
        assert_eq!(help.code, 0);
        assert!(help.out.contains("Example:"), "{verb}");
    }
}

#[test]
fn arithmetic_that_does_not_exist_is_refused_before_anything_is_done() {
    let state = State::new();
    let verb = ["setup", "--circuit", "eligibility", "--out", "keys"];
    let mut command = state.command(&verb);
    let refused = command.env("PRAMAN_ARITHMETIC", "avx3").output().expect("the program starts");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("PRAMAN_ARITHMETIC is \"avx3\"") && said.contains("portable"), "{said}");
    assert!(!state.path("keys").exists());
}

#[test]
fn hashes_take_canonical_elements_only() {
    let state = State::new();
    let one_two = "7853200120776062878684798364095072458815029376092732009249414926327459813530";
    assert_eq!(state.json(&["hash", "poseidon", "1", "2"])["hash"], one_two);
    let modulus = "21888242871839275222246405745257275088548364400416034343698204186575808495617";
    for bad in [modulus, "-1", "0x1", "01", "x", "", "1.0"] {
        state.refused(&["hash", "poseidon", bad], 2, "not");
    }
    let seventeen: Vec<&str> = std::iter::repeat_n("1", 17).collect();
    assert_eq!(state.run(&[&["hash", "poseidon"][..], &seventeen].concat()).code, 2);
}

#[test]
fn bad_register_is_refused_by_its_fault() {
    let state = State::new();
    state.refused(&["register", "check", "none.csv"], 2, MISSING);
    fs::write(state.path("empty.csv"), "").expect("written");
    state.refused(&["register", "check", "empty.csv"], 2, "empty");
    fs::write(state.path("other.csv"), "a,b\n1,2\n").expect("written");
    state.refused(&["register", "check", "other.csv"], 2, "no column");
    fs::create_dir(state.path("folder")).expect("made");
    assert_ne!(state.run(&["register", "check", "folder"]).code, 0);
    let register = support::register();
    let report = ["register", "check", text(&register), "--report", "no/such/folder/r.csv"];
    state.refused(&report, 2, "no/such/folder");
}

#[test]
fn bad_scheme_is_refused_by_its_fault() {
    let state = State::new();
    state.refused(&["scheme", "check", "none.toml"], 2, MISSING);
    fs::write(state.path("bad.toml"), "id = \"a\"\nname = \n").expect("written");
    state.refused(&["scheme", "check", "bad.toml"], 1, "bad.toml:2:");
    let shipped = fs::read_to_string(scheme("annapurna")).expect("shipped");
    fs::write(state.path("field.toml"), shipped.replace("rules.sex", "rules.sexx"))
        .expect("written");
    state.refused(&["scheme", "check", "field.toml"], 1, "`sexx` is not a field");
    fs::write(state.path("binary.toml"), [0xff, 0xfe, 0x00]).expect("written");
    assert_eq!(state.run(&["scheme", "check", "binary.toml"]).code, 2);
    for id in ["annapurna", "krishak-bandhu", "old-age-pension", "kanyashree-k2"] {
        let checked = state.json(&["scheme", "check", text(&scheme(id))]);
        assert_eq!(checked["scheme"], id);
    }
}

#[test]
fn office_and_issuing_commands_with_bad_input_are_refused() {
    let state = State::new();
    let new = ["office", "new", "--schema", "resident", "--name"];
    let with = |name: &'static str, out: &'static str| [&new[..], &[name, "--out", out]].concat();
    state.refused(
        &["office", "new", "--schema", "alien", "--name", "A", "--out", "a"],
        2,
        "no schema",
    );
    state.refused(&with("", "a.json"), 2, "1 to 100");
    state.json(&with("A", "a.json"));
    state.refused(&with("B", "a.json"), 2, "never overwritten");
    state.refused(&with("A", "b.json"), 1, "already");
    assert!(!state.path("b.json").exists());
    state.refused(&with("C", "no/such/folder/c.json"), 2, "no/such/folder");
    // An office whose key could not be kept does not exist.
    state.json(&with("C", "c.json"));

    let register = support::register();
    let issue = |office: &'static str, out: &'static str| {
        ["issue", "--register", "register.csv", "--office", office, "--out", out]
    };
    fs::copy(&register, state.path("register.csv")).expect("copied");
    state.refused(&issue("none.json", "c"), 2, MISSING);
    fs::write(state.path("broken.json"), "{").expect("written");
    state.refused(&issue("broken.json", "c"), 2, "broken.json: line 1");
    fs::write(state.path("other.json"), "{\"format\":\"x\"}").expect("written");
    state.refused(&issue("other.json", "c"), 2, "a field is missing");
    let wrong = state
        .command(&issue("a.json", "c"))
        .env("PRAMAN_PASSPHRASE", "wrong")
        .output()
        .expect("starts");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("passphrase is wrong"));
    let none = state
        .command(&issue("a.json", "c"))
        .env_remove("PRAMAN_PASSPHRASE")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("starts");
    assert_eq!(none.status.code(), Some(2));
    fs::create_dir(state.path("full")).expect("made");
    fs::write(state.path("full/x"), "x").expect("written");
    state.refused(&issue("a.json", "full"), 2, "not empty");
    assert!(!state.path("c").exists(), "nothing is half done");
    state.refused(
        &["revoke", "--office", "a.json", "--register-no", "WB1"],
        1,
        "nothing was revoked",
    );
    state.refused(&["snapshot", "--out", "s.json", "--office", "Nobody"], 2, "no office");
}

#[test]
fn proofs_that_do_not_parse_or_do_not_fit_are_refused() {
    let state = State::with_everything("krishak-bandhu", support::year());
    assert_eq!(state.prove("WB070000002", "krishak-bandhu", support::year(), "proof").code, 0);
    let (public, proof) = ("proof/public.json", "proof/proof.json");
    let verify = |public: &str, proof: &str, words: &str| {
        let arguments = ["verify", "--keys", "keys", "--public", public, "--proof", proof];
        state.refused(&arguments, 1, words);
    };
    let write = |name: &str, text: &str| fs::write(state.path(name), text).expect("written");
    let read = |name: &str| fs::read_to_string(state.path(name)).expect("there");
    write("not.json", "{ no json");
    verify("not.json", proof, "JSON");
    verify(public, "not.json", "JSON");
    fs::write(state.path("binary.json"), [0xff; 64]).expect("written");
    verify(public, "binary.json", "JSON");
    let inputs: Vec<String> = serde_json::from_str(&read(public)).expect("strings");
    let list = |inputs: &[String]| serde_json::to_string(inputs).expect("JSON");
    write("short.json", &list(&inputs[..inputs.len() - 1]));
    verify("short.json", proof, "110 public inputs");
    write("long.json", &list(&[&inputs[..], &["0".to_owned()]].concat()));
    verify("long.json", proof, "112 public inputs");
    write("empty.json", "[]");
    verify("empty.json", proof, "0 public inputs");
    let mut changed = inputs.clone();
    changed[110] = "1".to_owned();
    write("changed.json", &list(&changed));
    verify("changed.json", proof, "does not hold");
    changed[110] =
        "21888242871839275222246405745257275088548364400416034343698204186575808495617".to_owned();
    write("modulus.json", &list(&changed));
    verify("modulus.json", proof, "modulus");
    let mut off: serde_json::Value = serde_json::from_str(&read(proof)).expect("JSON");
    off["pi_a"][0] = "1".into();
    write("off.json", &off.to_string());
    verify(public, "off.json", "not on the curve");
    state.refused(
        &["verify", "--keys", "keys", "--public", "none.json", "--proof", proof],
        2,
        MISSING,
    );
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let state = State::new();
    state.refused(&["setup", "--circuit", "nothing", "--out", "k"], 2, "no circuit");
    state.refused(&["circuit", "info", "nothing"], 2, "no circuit");
    state.json(&["setup", "--circuit", "eligibility", "--out", "k"]);
    let verify = ["verify", "--keys", "k", "--public", "p.json", "--proof", "q.json"];
    fs::write(state.path("p.json"), "[]").expect("written");
    fs::write(state.path("q.json"), "{}").expect("written");
    let manifest = state.path("k/keys.json");
    let good = fs::read_to_string(&manifest).expect("there");
    let with = |from: &str, to: &str| {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        fs::write(&manifest, bad).expect("written");
    };
    with("\"eligibility\"", "\"consent\"");
    state.refused(&verify, 2, "for circuit consent, not for eligibility");
    with("\"digest\": \"", "\"digest\": \"00");
    state.refused(&verify, 2, "version");
    fs::write(&manifest, "{}").expect("written");
    state.refused(&verify, 2, "keys.json");
    fs::remove_file(&manifest).expect("removed");
    state.refused(&verify, 2, "holds no keys");

    // A degenerate key is refused wherever it is loaded.
    let key = fs::read_to_string(state.path("k/verification_key.json")).expect("there");
    let mut key: serde_json::Value = serde_json::from_str(&key).expect("JSON");
    key["vk_delta_2"] = key["vk_gamma_2"].clone();
    fs::write(state.path("bad-key.json"), key.to_string()).expect("written");
    state.refused(
        &["verify", "--vk", "bad-key.json", "--public", "p.json", "--proof", "q.json"],
        1,
        "degenerate",
    );
    let nonsense = "{\"protocol\":\"groth16\",\"curve\":\"bn128\",\"nPublic\":18446744073709551615,\
        \"vk_alpha_1\":[\"1\",\"2\",\"1\"],\"vk_beta_2\":[[\"0\",\"0\"],[\"0\",\"0\"],[\"1\",\"0\"]],\
        \"vk_gamma_2\":[[\"0\",\"0\"],[\"0\",\"0\"],[\"1\",\"0\"]],\
        \"vk_delta_2\":[[\"0\",\"0\"],[\"0\",\"0\"],[\"1\",\"0\"]],\"IC\":[]}";
    fs::write(state.path("no-points.json"), nonsense).expect("written");
    let refused =
        ["verify", "--vk", "no-points.json", "--public", "p.json", "--proof", "q.json", "--json"];
    let ran = state.run(&refused);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.contains("\"valid\":false"), "{}", ran.out);
    // A verb that fails says so in JSON as well.
    let ran = state.run(&["scheme", "check", "none.toml", "--json"]);
    assert!(ran.out.contains("\"error\""), "{}", ran.out);
    fs::write(state.path("k2"), "a file").expect("written");
    state.refused(&["setup", "--circuit", "eligibility", "--out", "k2/keys"], 3, "k2");
}

#[test]
fn altered_credentials_wallets_and_snapshots_are_refused() {
    let state = State::with_everything("krishak-bandhu", support::year());
    let path = |name: &str| state.path(name);
    let prove = || state.prove("WB070000002", "krishak-bandhu", support::year(), "proof");
    let restored = |name: &str, change: &dyn Fn(String) -> String, words: &str| {
        let good = fs::read_to_string(path(name)).expect("there");
        let bad = change(good.clone());
        assert_ne!(bad, good, "{name}");
        fs::write(path(name), bad).expect("written");
        let ran = prove();
        assert!(matches!(ran.code, 1 | 2), "{name}: {}", ran.err);
        assert!(ran.err.contains(words), "{name} does not say {words:?}: {}", ran.err);
        fs::write(path(name), good).expect("restored");
    };
    let credential = "credentials/WB070000002.json";
    let wallet = "credentials/wallets/WB070000002.json";
    restored(credential, &|text| text.replace("6563212233079", "6563212233070"), "signature");
    restored(credential, &|text| text.replace("\"office\":0", "\"office\":7"), "office 7");
    restored(credential, &|text| text[..text.len() / 2].to_owned(), "ends too early");
    restored(wallet, &|text| text.replace("\"blinding\":\"", "\"blinding\":\"1"), "");
    restored(wallet, &|text| text.replace("secret", "sekret"), "line 1");
    let other_root = |text: String| {
        let mut snapshot: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        snapshot["root"] = "5".into();
        snapshot.to_string()
    };
    restored("snapshot.json", &other_root, "do not make the snapshot's root");
    restored("snapshot.json", &|_| "[]".to_owned(), "snapshot.json");
    restored("payout.json", &|text| text.replace("praman-payout-1", "x"), "payout");
    assert_eq!(prove().code, 0);

    // Another person's wallet.
    fs::copy(path("credentials/wallets/WB070000003.json"), path(wallet)).expect("copied");
    let thief = prove();
    assert_eq!(thief.code, 1);
    assert!(thief.err.contains("E1"), "{}", thief.err);
}

#[test]
fn store_of_a_newer_program_is_refused() {
    let state = State::new();
    state.json(&["office", "new", "--name", "A", "--schema", "resident", "--out", "a.json"]);
    state.sql("insert into _sqlx_migrations values (9999,'newer',datetime('now'),1,x'00',0)");
    state.refused(&["snapshot", "--out", "s.json"], 3, "schema");
}

#[test]
fn full_disk_leaves_nothing_half_written() {
    // /dev/full can't take a rename, so a limit on the size of files stands for the full disk.
    let state = State::new();
    let program = env!("CARGO_BIN_EXE_praman");
    let script = format!("ulimit -f 64; exec {program} setup --circuit eligibility --out keys");
    let ran = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(state.path("."))
        .output()
        .expect("bash is there");
    assert!(!ran.status.success());
    assert!(!state.path("keys/keys.json").exists(), "keys that are not whole are not there");
    state.refused(
        &["verify", "--keys", "keys", "--public", "p", "--proof", "q"],
        2,
        "holds no keys",
    );
    state.json(&["setup", "--circuit", "eligibility", "--out", "keys"]);
}
