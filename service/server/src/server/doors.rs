//! Every door has its rule, and every rule its door.

use std::collections::HashSet;

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
    let plain = ["/v1/openapi.json", "/healthz"];
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
