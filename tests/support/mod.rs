//! Running the program and the peers as a user does.

pub(crate) mod anvil;
pub(crate) mod claim_scene;
pub(crate) mod consent_scene;
pub(crate) mod node_scene;
pub(crate) mod openid;
pub(crate) mod pgbouncer;
pub(crate) mod postgres;
pub(crate) mod proxy;
mod scene;
pub(crate) mod service;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock};

use praman::calendar;
use praman_circuits::period::Day;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the root")
}

/// The sample register.
pub(crate) fn register() -> PathBuf {
    root().join("service/data/register.csv")
}

/// A shipped scheme.
pub(crate) fn scheme(id: &str) -> PathBuf {
    root().join("service/schemes").join(format!("{id}.toml"))
}

/// How often a test tries something: a part at every landing, all of it by `tests/thorough.sh`.
pub(crate) fn rounds(part: usize, thorough: usize) -> usize {
    if std::env::var_os("PRAMAN_THOROUGH").is_some() { thorough } else { part }
}

/// A last day for openings of tests.
pub(crate) fn next_week() -> Day {
    Day(calendar::today().0 + 7)
}

/// This year, as yearly schemes write it: a credential that is issued now can claim for it.
pub(crate) fn year() -> &'static str {
    static YEAR: LazyLock<String> = LazyLock::new(|| month()[..4].to_owned());
    &YEAR
}

/// This month, as monthly schemes write it.
pub(crate) fn month() -> &'static str {
    static MONTH: LazyLock<String> = LazyLock::new(|| {
        let today = calendar::date_of(calendar::today()).expect("a date");
        today.to_string()[..7].to_owned()
    });
    &MONTH
}

/// The file in the folder of a state that says who pays.
pub(crate) const DEBTOR: &str = "debtor.json";

/// What a treasury says that pays a scheme's period into the folder `bank`.
pub(crate) fn pay_arguments(scheme_id: &str, period: &str) -> [String; 12] {
    let scheme = scheme(scheme_id);
    let scheme = scheme.to_str().expect("UTF-8");
    [
        "treasury",
        "pay",
        "--key",
        "treasury.json",
        "--scheme",
        scheme,
        "--period",
        period,
        "--debtor",
        DEBTOR,
        "--out",
        "bank",
    ]
    .map(str::to_owned)
}

/// A folder with a state in it, in which commands run.
pub(crate) struct State {
    folder: Arc<TempDir>,
    /// The address of its database, where it is no file.
    database: Option<String>,
    /// Where the state's own files lie in the folder.
    pub(crate) directory: String,
}

/// What a command came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl State {
    pub(crate) fn new() -> Self {
        let folder = Arc::new(TempDir::new().expect("a folder"));
        let state = Self { folder, database: None, directory: "state".to_owned() };
        state.pay_from("41100200300");
        state
    }

    /// Has the treasury pay from an account.
    pub(crate) fn pay_from(&self, account: &str) {
        let debtor = json!({ "name": "State Treasury", "account": account, "ifsc": "PRMN0000001" });
        let written = praman::files::write(&self.path(DEBTOR), debtor.to_string().as_bytes());
        written.expect("written");
    }

    /// A folder whose state lies on a database.
    pub(crate) fn empty_on(database: Option<String>) -> Self {
        Self { database, ..Self::new() }
    }

    /// The same folder with its state on another database.
    pub(crate) fn on(&self, database: Option<String>) -> Self {
        Self { folder: self.folder.clone(), database, directory: self.directory.clone() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_praman"));
        command
            .current_dir(self.folder.path())
            .env("PRAMAN_PASSPHRASE", "a passphrase for tests")
            // One party, the tests, made their keys.
            .env("PRAMAN_SERVE_ALLOW_DEVELOPMENT_KEYS", "true")
            .args(["--dir", &self.directory])
            .args(arguments);
        if let Some(database) = &self.database {
            command.env("PRAMAN_DATABASE", database);
        }
        command
    }

    /// Runs the program; it must not die of a signal.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let Output { status, stdout, stderr } =
            self.command(arguments).output().expect("the program starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        let code = status.code().expect("the program ends by itself");
        let ran = Ran { code, out: text(stdout), err: text(stderr) };
        assert!(!ran.err.contains("panicked"), "{arguments:?}: {}", ran.err);
        ran
    }

    /// Runs the program with --json; it must be done or say yes.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        serde_json::from_str(&ran.out).expect("one JSON object on standard output")
    }

    /// Runs the program, which must refuse with a code and say some words.
    pub(crate) fn refused(&self, arguments: &[&str], code: i32, words: &str) {
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {} {}", ran.out, ran.err);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(said.contains(words), "{arguments:?} does not say {words:?}: {said}");
    }

    /// Changes what the store has by a statement of SQL, as somebody who holds the file could.
    pub(crate) fn sql(&self, statement: &str) {
        let change = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
                      c.execute(sys.argv[2]); c.commit()";
        let mut python = Command::new("python3");
        python
            .args(["-c", change])
            .arg(self.path(&self.directory).join("praman.db"))
            .arg(statement);
        assert!(python.status().expect("python3 is there").success(), "{statement}");
    }

    /// The header that shows an API key of a role, which is made when it is first needed.
    pub(crate) fn shown(&self, role: &str, more: &[&str]) -> String {
        let file = format!("{role}.key");
        if !self.path(&file).exists() {
            self.json(&["access", "tenant", "tests", "--title", "Tests"]);
            let admit = ["access", "admit", "--name", role, "--role", role, "--tenant", "tests"];
            self.json(&[&admit[..], &["--key-out", &file], more].concat());
        }
        let key = std::fs::read_to_string(self.path(&file)).expect("a key");
        format!("Authorization: Bearer {}", key.trim())
    }

    /// Keys, an office, a treasury, credentials for the sample register and a ledger on which a
    /// scheme's period is open.
    pub(crate) fn with_everything(scheme_id: &str, period: &str) -> Self {
        let make = || Self::on_database(None, scheme_id, period);
        Self::copy_of(&format!("{scheme_id}-{period}"), make)
    }

    /// The same on a database.
    pub(crate) fn on_database(database: Option<String>, scheme_id: &str, period: &str) -> Self {
        let register = register();
        let register = register.to_str().expect("UTF-8");
        Self::empty_on(database).with_register(register, scheme_id, period)
    }

    /// The same for a register of one's own.
    pub(crate) fn with_register(self, register: &str, scheme_id: &str, period: &str) -> Self {
        let state = self;
        let scheme = scheme(scheme_id);
        let scheme = scheme.to_str().expect("UTF-8");
        state.set_up("eligibility", "keys");
        for arguments in [
            &["office", "new", "--name", "Block", "--schema", "resident", "--out", "office.json"][..],
            &["treasury", "new", "--out", "treasury.json", "--payout", "payout.json"],
            &["issue", "--register", register, "--office", "office.json", "--out", "credentials"],
            &["ledger", "start", "--keys", "keys"],
            &["ledger", "checkpoint", "--keys", "keys"],
        ] {
            state.json(arguments);
        }
        state.open_period(scheme, period, &[]);
        state.json(&["snapshot", "--out", "snapshot.json"]);
        state
    }

    /// Opens a scheme's period by some accounts. The periods of these tests will be over some day, so it is
    /// for arrears.
    pub(crate) fn open_period(&self, scheme: &str, period: &str, accounts: &[&str]) {
        let last_day = calendar::date_of(next_week()).expect("a date").to_string();
        let open = ["ledger", "open", "--keys", "keys", "--scheme", scheme, "--period", period];
        let until = ["--arrears", "--last-day", &last_day];
        let opened = self.json(&[&open[..], &until, accounts].concat());
        assert_eq!(opened["last_day"], last_day);
    }

    /// Proves a holder's claim into a folder.
    pub(crate) fn prove(&self, holder: &str, scheme_id: &str, period: &str, out: &str) -> Ran {
        let credential = format!("credentials/{holder}.json");
        let scheme = scheme(scheme_id);
        let scheme = scheme.to_str().expect("UTF-8");
        self.prove_by([&credential, scheme, "0", period, out], &["--json"])
    }

    /// Proves a claim into a folder by a credential, a scheme's file, a tier and a period.
    pub(crate) fn prove_by(
        &self,
        [credential, scheme, tier, period, out]: [&str; 5],
        more: &[&str],
    ) -> Ran {
        let of = ["prove", "--circuit", "eligibility", "--credential", credential];
        let terms = ["--scheme", scheme, "--tier", tier, "--period", period];
        let with = ["--snapshot", "snapshot.json", "--payout", "payout.json", "--keys", "keys"];
        self.run(&[&of[..], &terms, &with, &["--out", out], more].concat())
    }

    /// Submits a proved claim.
    pub(crate) fn claim(&self, proof: &str, scheme_id: &str) -> Ran {
        self.claim_as(proof, scheme_id, &[])
    }

    /// Submits a proved claim by some accounts.
    pub(crate) fn claim_as(&self, proof: &str, scheme_id: &str, accounts: &[&str]) -> Ran {
        let file = format!("{proof}/claim.json");
        let scheme = scheme(scheme_id);
        let scheme = scheme.to_str().expect("UTF-8");
        let claim = ["claim", "--file", &file, "--scheme", scheme, "--keys", "keys"];
        self.run(&[&claim[..], accounts].concat())
    }

    /// Pays a scheme's period.
    pub(crate) fn pay(&self, scheme_id: &str, period: &str) -> Value {
        let arguments = pay_arguments(scheme_id, period);
        self.json(&arguments.each_ref().map(String::as_str))
    }
}

impl State {
    /// Tells a restored state what the bank did since the backup: nothing.
    pub(crate) fn resume_payments(&self) {
        let pay = pay_arguments("krishak-bandhu", year());
        self.refused(&pay.each_ref().map(String::as_str), 1, "was restored from a backup");
        let today = praman::calendar::date_of(praman::calendar::today()).expect("a date");
        // What went out today may be booked tomorrow.
        let from = today.yesterday().expect("a day");
        let to = today.tomorrow().and_then(|day| day.tomorrow()).expect("a day");
        let statement = format!(
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\
             <GrpHdr><MsgId>since</MsgId></GrpHdr><Stmt><Id>since</Id><FrToDt>\
             <FrDtTm>{from}T00:00:00</FrDtTm><ToDtTm>{to}T00:00:00</ToDtTm></FrToDt></Stmt>\
             </BkToCstmrStmt></Document>"
        );
        std::fs::write(self.path("since.xml"), statement).expect("written");
        self.json(&["treasury", "import", "since.xml", "--key", "treasury.json"]);
        self.json(&["treasury", "resume"]);
    }
}

/// Rows of the sample register, by their numbers, with some of their cells changed: number, column, cell.
pub(crate) fn some_rows(numbers: &[&str], changed: &[(&str, &str, &str)]) -> String {
    // A row of it is not UTF-8.
    let sample = std::fs::read(register()).expect("readable");
    let sample = String::from_utf8_lossy(&sample);
    let mut lines = sample.trim_start_matches('\u{feff}').lines();
    let columns: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let mut text = format!("{}\n", columns.join(","));
    let lines: Vec<&str> = lines.collect();
    for number in numbers {
        let line = lines.iter().find(|line| line.starts_with(&format!("{number},")));
        let mut cells = Vec::new();
        let mut quoted = false;
        let mut cell = String::new();
        for character in line.expect("a row").chars() {
            match character {
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                other => cell.push(other),
            }
        }
        cells.push(cell);
        for (of, column, value) in changed.iter().filter(|(of, ..)| of == number) {
            let place = columns.iter().position(|known| known == column);
            cells[place.unwrap_or_else(|| panic!("{of}: no column {column}"))] =
                (*value).to_owned();
        }
        let cells: Vec<String> = cells.iter().map(|cell| format!("\"{cell}\"")).collect();
        text += &format!("{}\n", cells.join(","));
    }
    text
}

/// Runs a peer from `tests/peers`, which the test command installs.
pub(crate) fn peer(name: &str, arguments: &[&str], folder: &Path) -> Output {
    let program = root().join("tests/peers/node_modules/.bin").join(name);
    assert!(program.exists(), "{name} is missing: run `npm ci` in tests/peers");
    Command::new(program).args(arguments).current_dir(folder).output().expect("the peer starts")
}
