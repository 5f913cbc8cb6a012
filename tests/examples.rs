//! The examples for integrators, as they stand.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::State;
use support::service::Service;

use crate::support;

const SCHEME: &str = "krishak-bandhu";

/// Runs an example; what it says of the claim.
fn receipt(mut example: Command) -> Value {
    let output = example.output().expect("it starts");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{example:?}: {out}{err}");
    serde_json::from_str(&out).unwrap_or_else(|_| panic!("no receipt: {out}{err}"))
}

#[test]
fn claims_from_rust_curl_and_grpc_js_are_accepted() {
    let state = State::with_everything(SCHEME, support::year());
    let service = Service::start(&state, &[]);
    let url = format!("http://{}", service.host());
    let examples = support::root().join("examples");
    for holder in ["WB070000002", "WB070000005"] {
        assert_eq!(state.prove(holder, SCHEME, support::year(), holder).code, 0);
    }
    let claim = |holder: &str| state.path(holder).join("claim.json");

    let built = Path::new(env!("CARGO_BIN_EXE_praman")).with_file_name("examples").join("claim");
    let mut wallet = Command::new(built);
    wallet.current_dir(state.path(".")).args([
        &url,
        "credentials/WB070000003.json",
        "payout.json",
        "keys",
        SCHEME,
        support::year(),
    ]);
    assert_eq!(receipt(wallet)["state"], "accepted");

    let mut curl = Command::new("sh");
    curl.arg(examples.join("claim.sh")).arg(&url).arg(claim("WB070000002"));
    assert_eq!(receipt(curl)["state"], "accepted");

    // Where the example's two packages are installed beside it.
    let installed = support::root().join("tests/peers/node_modules");
    symlink(installed, state.path("node_modules")).expect("linked");
    fs::copy(examples.join("claim.mjs"), state.path("claim.mjs")).expect("copied");
    let mut node = Command::new("node");
    node.arg(state.path("claim.mjs")).arg(service.host()).arg(claim("WB070000005"));
    node.arg(support::root().join("service/server/proto"));
    let said = receipt(node);
    assert_eq!(said["state"], "CLAIM_STATE_ACCEPTED", "{said}");

    assert_eq!(service.stop(), 0);
    assert_eq!(state.pay(SCHEME, support::year())["claims"], 3);
}
