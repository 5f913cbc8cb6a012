//! A running service, asked by curl.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::State;

/// A running program of praman's; killed with the value.
pub(crate) struct Service {
    pub(crate) child: Child,
    /// Where it listens; the key that a worker proves for.
    pub(crate) address: String,
    /// All that it has printed.
    pub(crate) said: Arc<Mutex<String>>,
}

/// What curl was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In small letters.
    pub(crate) headers: String,
    pub(crate) body: String,
    /// Where it sends on to, letter by letter.
    pub(crate) location: Option<String>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// The error's code.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().expect("an error").to_owned()
    }
}

impl Service {
    pub(crate) fn start(state: &State, arguments: &[&str]) -> Self {
        let serve = ["serve", "--keys", "keys", "--listen", "127.0.0.1:0"];
        let command = state.command(&[&serve[..], arguments].concat());
        Self::run(command, "praman: listening at ").expect("it says where it listens")
    }

    /// A worker on the state's database.
    pub(crate) fn worker(state: &State) -> Self {
        let run = ["worker", "run", "--worker-key", "worker.json", "--keys", "keys"];
        Self::run(state.command(&run), "praman: proving what is sealed to ").expect("it works")
    }

    /// Starts a program that says a line; none if it ends before.
    pub(crate) fn run(mut command: Command, said: &str) -> Option<Self> {
        let mut child =
            command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let address = loop {
            let Some(Ok(line)) = lines.next() else {
                let _ = child.wait();
                return None;
            };
            if let Some(address) = line.strip_prefix(said) {
                break address.to_owned();
            }
        };
        // Read on, so that it is never stuck at a full pipe.
        let said = Arc::new(Mutex::new(String::new()));
        let heard = said.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut said = heard.lock().expect("nobody panics with it");
                said.push_str(&line);
                said.push('\n');
            }
        });
        Some(Self { child, address, said })
    }

    /// Host and port.
    pub(crate) fn host(&self) -> &str {
        self.address.trim_start_matches("http://")
    }

    pub(crate) fn curl(&self, path: &str, arguments: &[&str]) -> Answer {
        let url = format!("{}{path}", self.address);
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--include", "--max-time", "60"])
            .args(arguments)
            .arg(&url)
            .output()
            .expect("curl is there");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Behind an interim answer comes the answer.
        let text = text.trim_start_matches("HTTP/1.1 100 Continue\r\n\r\n");
        let (headers, body) = text.split_once("\r\n\r\n").expect("headers and body");
        let status = headers.split(' ').nth(1).and_then(|code| code.parse().ok());
        let location = headers.lines().find_map(|line| line.strip_prefix("location: "));
        let location = location.map(str::to_owned);
        let (headers, body) = (headers.to_lowercase(), body.to_owned());
        Answer { status: status.expect("a status"), headers, body, location }
    }

    pub(crate) fn submit(&self, state: &State, holder: &str, query: &str, more: &[&str]) -> Answer {
        let file = format!("@{}", state.path(&format!("{holder}/claim.json")).display());
        let path = format!("/v1/claims{query}");
        self.curl(&path, &[&["--data-binary", &file], more].concat())
    }

    /// Seals a holder's claim to the workers of this service, in a file.
    pub(crate) fn seal(&self, state: &State, holder: &str, scheme: &str, more: &[&str]) -> String {
        let key = self.curl("/v1/proofs/key", &[]).json();
        let key = key["worker_key"].as_str().expect("a key").to_owned();
        let (credential, out) =
            (format!("credentials/{holder}.json"), format!("{holder}-request.json"));
        let scheme = crate::support::scheme(scheme);
        let scheme = scheme.to_str().expect("UTF-8");
        let inputs = [
            "worker",
            "seal",
            "--to",
            &key,
            "--credential",
            &credential,
            "--scheme",
            scheme,
            "--tier",
            "0",
            "--period",
            crate::support::year(),
            "--snapshot",
            "snapshot.json",
            "--payout",
            "payout.json",
            "--out",
            &out,
        ];
        state.json(&[&inputs[..], more].concat());
        out
    }

    /// Asks for a proof, as a kiosk.
    pub(crate) fn ask(&self, state: &State, request: &str, query: &str) -> Answer {
        let file = format!("@{}", state.path(request).display());
        let shown = state.shown("kiosk", &[]);
        self.curl(&format!("/v1/proofs{query}"), &["--data-binary", &file, "-H", &shown])
    }

    /// Asks with what shows who asks.
    pub(crate) fn curl_as(&self, shown: &str, path: &str, arguments: &[&str]) -> Answer {
        self.curl(path, &[&["-H", shown], arguments].concat())
    }

    /// Asks it to stop; its exit code.
    pub(crate) fn stop(mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().expect("kill runs").success());
        self.ends().code().expect("by itself")
    }

    /// Waits until it dies by a signal, as at a point of `FAILPOINTS`.
    #[cfg(feature = "failpoints")]
    pub(crate) fn dies(mut self) {
        assert_eq!(self.ends().code(), None, "by a signal");
    }

    /// Waits for its end, but not for ever: a test that hangs says nothing.
    fn ends(&mut self) -> ExitStatus {
        const MOST: Duration = Duration::from_secs(180);
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("asked") {
                return status;
            }
            let said = || self.said.lock().expect("whole").clone();
            assert!(begun.elapsed() < MOST, "it does not end; it said:\n{}", said());
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
