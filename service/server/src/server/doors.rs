//! Every door has its rule, and every rule its door.

use std::collections::HashSet;

use praman_access::Action;
use praman_access::door::{DOORS, action_of, action_of_procedure};
use prost::Message;

#[test]
fn every_described_path_has_a_rule_and_every_rule_has_a_path() {
    let described: serde_json::Value = serde_json::from_str(&crate::http::openapi()).expect("JSON");
    let paths = described["paths"].as_object().expect("paths");
    let described: HashSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods").keys();
            methods.map(|method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    for (method, path) in &described {
        assert!(action_of(method, path).is_some(), "{method} {path} has no rule");
    }
    // Not described, as they are no part of the interface.
    let plain = ["/v1/openapi.json", "/healthz", "/ceremony"];
    for door in DOORS.iter().filter(|door| door.method != "RPC") {
        let known = (door.method.to_owned(), door.path.to_owned());
        let is_there = described.contains(&known)
            || plain.contains(&door.path)
            || crate::console::PAGES.contains(&(door.method, door.path));
        assert!(is_there, "there is no {} {}", door.method, door.path);
    }
}

#[test]
fn every_procedure_has_its_rule() {
    let described =
        prost_types::FileDescriptorSet::decode(crate::grpc::DESCRIPTION).expect("a description");
    let mut procedures = HashSet::new();
    for file in &described.file {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                assert!(action_of_procedure(&path).is_some(), "{path} has no rule");
                procedures.insert(path);
            }
        }
    }
    assert!(procedures.len() >= 24);
    for door in DOORS.iter().filter(|door| door.path.starts_with("/praman.")) {
        assert!(procedures.contains(door.path), "there is no {}", door.path);
    }
}

/// Returns the text of all sources of this crate.
fn sources(folder: &std::path::Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else {
            text.push_str(&std::fs::read_to_string(&path).expect("UTF-8"));
        }
    }
    text
}

#[test]
fn every_action_that_counts_or_is_logged_is_performed_behind_its_doors() {
    let text = sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let calls: Vec<&str> = text.split("perform(").skip(1).collect();
    let actions: HashSet<Action> = DOORS.iter().map(|door| door.action).collect();
    let mut found = 0;
    for action in actions.into_iter().filter(|action| action.is_logged() || action.is_metered()) {
        let named = format!("Action::{action:?},");
        // The caller stands before it.
        let is_performed = calls.iter().any(|call| {
            let place = call.find(&named);
            place.is_some_and(|place| !call[..place].contains(';') && place < 40)
        });
        assert!(is_performed, "{action:?} has a door, and is done without `perform`");
        found += 1;
    }
    assert!(found > 15, "{found}");
}
