//! A network of a real node on which every role has a key of its own.

use serde_json::json;
use tokio::runtime::Runtime;

use crate::support::anvil::{self, Anvil};
use crate::support::{self, State};

/// Deploys through an address and lets an agency, a department, an office and a relayer take part: with
/// keys, an office with credentials for the sample register, and a treasury in the state.
pub(crate) fn take_part(state: &State, runtime: &Runtime, anvil: &Anvil, url: &str) {
    let mut member = String::new();
    for name in ["member", "agency", "department", "office", "relayer"] {
        let made = state.json(&["ledger", "account", "--out", &format!("{name}.key")]);
        let address = made["address"].as_str().expect("an address").to_owned();
        runtime.block_on(anvil.give_money(address.parse().expect("an address")));
        if name == "member" {
            member = address;
        }
    }
    let register = support::register();
    let register = register.to_str().expect("UTF-8");
    let chain_id = anvil::CHAIN_ID.to_string();
    let deploy = ["ledger", "deploy", "--keys", "keys", "--rpc", url, "--chain-id", &chain_id];
    let committee = ["--member", &member, "--quorum", "1", "--delay-hours", "0"];
    state.set_up("eligibility", "keys");
    for arguments in [
        &["office", "new", "--name", "Block", "--schema", "resident", "--out", "office.json"][..],
        &["treasury", "new", "--out", "treasury.json", "--payout", "payout.json"],
        &["issue", "--register", register, "--office", "office.json", "--out", "credentials"],
        &[&deploy[..], &committee, &["--account", "member.key"]].concat(),
    ] {
        state.json(arguments);
    }
    std::fs::write(state.path("papers.txt"), "who we are").expect("written");
    for (role, sponsor, decides) in [
        ("agency", "0", "member.key"),
        ("department", "0", "member.key"),
        ("office", "2", "department.key"),
        ("relayer", "1", "agency.key"),
    ] {
        let key = format!("{role}.key");
        let request = ["ledger", "request", "--role", role, "--sponsor", sponsor];
        let papers = ["--document", "papers.txt", "--account", &key];
        let id = state.json(&[&request[..], &papers].concat())["participant"].to_string();
        state.json(&["ledger", "approve", &id, "--account", decides]);
        state.json(&["ledger", "acknowledge", &id, "--account", &key]);
    }
}

/// Accredits the office, publishes a checkpoint and opens a scheme's period.
pub(crate) fn open(state: &State, scheme_id: &str, period: &str) {
    let scheme = support::scheme(scheme_id);
    let scheme = scheme.to_str().expect("UTF-8");
    let accredit = ["ledger", "accredit", "3", "--office", "0", "--schema", "resident"];
    state.json(&[&accredit[..], &["--account", "department.key"]].concat());
    let checkpoint = ["ledger", "checkpoint", "--keys", "keys", "--account", "agency.key"];
    state.json(&[&checkpoint[..], &["--account", "office.key"]].concat());
    let by = ["--account", "department.key", "--account", "member.key"];
    state.open_period(scheme, period, &by);
    state.json(&["snapshot", "--out", "snapshot.json"]);
}

/// Mines one block.
pub(crate) fn mine(runtime: &Runtime, anvil: &Anvil) {
    runtime.block_on(anvil.call("evm_mine", json!([])));
}
