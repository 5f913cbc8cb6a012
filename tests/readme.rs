//! The documents' commands, run one after the other as a reader would.

use std::fs;
use std::path::Path;
use std::process::Command;

use running::Service;
use serde_json::Value;
use support::State;

use crate::support;
use crate::support::service as running;

/// The sections whose commands are run, in this order: each goes on where the one before has ended.
const SECTIONS: [(&str, &str); 9] = [
    ("docs/COMMAND_LINE.md", "## Step by step"),
    ("docs/SERVICE.md", "## Claims"),
    ("docs/SERVICE.md", "## Proofs for people without a device"),
    ("docs/SERVICE.md", "## Issuing"),
    ("docs/SERVICE.md", "## The master key"),
    ("docs/ACCESS.md", "## Commands"),
    ("docs/DESK.md", "## First steps"),
    ("docs/PAYMENTS.md", "## First steps"),
    ("docs/OPERATIONS.md", "## First steps"),
];

/// The commands of the shell blocks of a document's section, without their remarks.
fn commands(document: &str, heading: &str) -> Vec<String> {
    let text = fs::read_to_string(support::root().join(document)).expect("a document");
    let (_, section) = text
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("{document} has no heading {heading}"));
    let section = section.split("\n## ").next().expect("a section");
    let mut commands = Vec::new();
    for block in section.split("```sh\n").skip(1) {
        let block = block.split("```").next().expect("a block");
        for line in block.replace("\\\n", " ").lines() {
            let command = line.split("  #").next().unwrap_or_default().trim();
            if !command.is_empty() {
                commands.push(command.to_owned());
            }
        }
    }
    assert!(!commands.is_empty(), "{document}: {heading} has no commands");
    commands
}

/// A reader's shell: a program that runs on is started again when it is named again.
struct Reader {
    state: State,
    service: Option<Service>,
    worker: Option<Service>,
    /// What the last answer was called by.
    id: String,
}

impl Reader {
    fn new() -> Self {
        let state = State::new();
        fs::copy(support::register(), state.path("register.csv")).expect("copied");
        fs::create_dir(state.path("bin")).expect("a folder");
        for (program, place) in [
            (env!("CARGO_BIN_EXE_praman").into(), "bin/praman"),
            (support::root().join("service"), "service"),
        ] {
            std::os::unix::fs::symlink(program, state.path(place)).expect("linked");
        }
        fs::write(state.path(".curlrc"), "silent\nshow-error\nfail-with-body\n").expect("written");
        Self { state, service: None, worker: None, id: String::new() }
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("sh");
        let path = std::env::var("PATH").expect("a path");
        let programs = format!("{}:{path}", self.state.path("bin").display());
        shell
            .args(["-c", command])
            .current_dir(self.state.path("."))
            .env("PATH", programs)
            .env("PRAMAN_PASSPHRASE", "a reader's passphrase")
            .env("XDG_DATA_HOME", self.state.path("data"))
            .env("CURL_HOME", self.state.path("."));
        shell
    }

    /// Runs a command as it stands, but for the port and what an ellipsis stands for.
    fn run(&mut self, command: &str) {
        if command.starts_with("praman serve") {
            self.service = None;
            let command = format!("exec {command} --listen 127.0.0.1:0");
            let service = Service::run(self.shell(&command), "praman: listening at ");
            self.service = Some(service.unwrap_or_else(|| panic!("{command} ends")));
            return;
        }
        if command.starts_with("praman worker run") {
            let shell = self.shell(&format!("exec {command}"));
            let worker = Service::run(shell, "praman: proving what is sealed to ");
            self.worker = Some(worker.unwrap_or_else(|| panic!("{command} ends")));
            return;
        }
        let mut command = command.replace('…', &self.id);
        if let Some(service) = &self.service {
            command = command.replace("127.0.0.1:8080", service.host());
        }
        let output = self.shell(&command).output().expect("sh runs");
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command}: {out}{err}");
        if let Some(id) = serde_json::from_str::<Value>(&out)
            .ok()
            .and_then(|j| Some(j["id"].as_str()?.to_owned()))
        {
            self.id = id;
        }
    }
}

#[test]
fn commands_in_the_documents_work() {
    let mut reader = Reader::new();
    let mut asked = 0;
    for command in SECTIONS.iter().flat_map(|(document, heading)| commands(document, heading)) {
        if command.starts_with("grpcurl") {
            // Another implementation makes every call; here, that the call is there.
            let call = command.split(' ').next_back().and_then(|call| call.rsplit_once('/'));
            let (service, method) = call.expect("a call");
            let described = support::root().join("service/server/proto/praman/v1/praman.proto");
            let described = fs::read_to_string(described).expect("a description");
            let name = service.trim_start_matches("praman.v1.");
            assert!(described.contains(&format!("service {name} {{")), "{service}");
            assert!(described.contains(&format!("rpc {method}(")), "{method}");
            continue;
        }
        // A token's own test has these, and a certificate's.
        if ["--token-module", "--pin-file", "--tls-key"].iter().any(|flag| command.contains(flag)) {
            continue;
        }
        asked += usize::from(command.starts_with("curl"));
        reader.run(&command);
    }
    assert!(asked >= 10, "{asked} calls of the service");
    assert!(Path::new(&reader.state.path("bank")).exists(), "the treasury has paid");
}
