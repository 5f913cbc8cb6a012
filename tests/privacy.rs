//! Nothing that is a person's own stands where others can read it.

use std::fs;
use std::path::Path;

use support::State;

use crate::support;

/// What must not show: account, name and identity number of the farmer, her secret and her salts.
fn canaries(state: &State) -> Vec<String> {
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(state.path(name)).expect("there")).expect("JSON")
    };
    let credential = json("credentials/WB070000002.json");
    let wallet = json("credentials/wallets/WB070000002.json");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    vec![
        "6563212233079".to_owned(),
        "UCBA0684268".to_owned(),
        "Hasina".to_owned(),
        "146507529174".to_owned(),
        "WB070000002".to_owned(),
        text(&wallet["secret"]),
        text(&wallet["blinding"]),
        text(&credential["salt"]),
        text(&credential["payee_salt"]),
        "a passphrase for tests".to_owned(),
    ]
}

fn search(folder: &Path, canaries: &[String]) {
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            search(&path, canaries);
            continue;
        }
        let bytes = fs::read(&path).expect("readable");
        for canary in canaries {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{canary} stands in {}", path.display());
        }
    }
}

#[test]
fn store_claim_snapshot_and_output_tell_nothing_of_a_holder() {
    let state = State::with_everything("krishak-bandhu", support::year());
    let canaries = canaries(&state);
    let mut said = String::new();
    for ran in [
        state.prove("WB070000002", "krishak-bandhu", support::year(), "proof"),
        state.claim("proof", "krishak-bandhu"),
        state.claim("proof", "krishak-bandhu"),
        state.run(&["snapshot", "--out", "snapshot.json"]),
    ] {
        said.push_str(&ran.out);
        said.push_str(&ran.err);
    }
    for canary in &canaries {
        assert!(!said.contains(canary), "{canary} was said");
    }
    // The state's whole folder: database, write-ahead log, chain. The claim and its proof. The
    // public snapshot. The treasury's and the office's sealed keys.
    search(&state.path("state"), &canaries);
    search(&state.path("proof"), &canaries);
    fs::create_dir(state.path("public")).expect("made");
    for name in ["snapshot.json", "payout.json", "treasury.json", "office.json"] {
        fs::copy(state.path(name), state.path("public").join(name)).expect("copied");
    }
    search(&state.path("public"), &canaries);
    // The bank's file is the one place where an account belongs.
    state.pay("krishak-bandhu", support::year());
    search(&state.path("state"), &canaries);
}

#[cfg(unix)]
#[test]
fn files_of_people_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let state = State::with_everything("krishak-bandhu", support::year());
    assert_eq!(state.prove("WB070000002", "krishak-bandhu", support::year(), "proof").code, 0);
    assert_eq!(state.claim("proof", "krishak-bandhu").code, 0);
    let paid = state.pay("krishak-bandhu", support::year());
    let bank = paid["files"][0].as_str().expect("a file").to_owned();
    for name in ["office.json", "treasury.json", "proof/claim.json", &bank] {
        let mode = fs::metadata(state.path(name)).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} is open to others");
    }
    // Credentials and wallets lie in a folder that only its owner enters.
    let mode = fs::metadata(state.path("credentials")).expect("there").permissions().mode();
    assert_eq!(mode & 0o077, 0);
}
