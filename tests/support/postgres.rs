//! A PostgreSQL server of a test's own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use praman::store::{Location, Store};
use tempfile::TempDir;

/// A running server; it ends with the value.
pub(crate) struct Postgres {
    folder: TempDir,
    server: Child,
}

/// The newest installed server's programs.
fn programs() -> PathBuf {
    let found = std::fs::read_dir("/usr/lib/postgresql")
        .ok()
        .and_then(|entries| entries.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).max());
    found.expect("PostgreSQL's server is missing: install your system's package postgresql")
}

/// A command of the server's.
fn command(name: &str, folder: &Path) -> Command {
    unprivileged(&programs().join(name), folder)
}

/// A command that refuses to run as root.
pub(super) fn unprivileged(program: &Path, folder: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    id.stdout == b"0\n"
}

impl Postgres {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        if is_root() {
            let owned = Command::new("chown").arg("postgres").arg(folder.path()).status();
            assert!(owned.expect("chown runs").success(), "there is a user postgres");
        }
        let data = folder.path().join("data");
        let made = command("initdb", folder.path())
            .args(["--no-sync", "--auth=trust", "--username=praman", "--encoding=UTF8", "-D"])
            .arg(&data)
            .status();
        assert!(made.expect("initdb runs").success(), "initdb makes a database");
        let server = Self::run(folder.path());
        let postgres = Self { folder, server };
        postgres.wait();
        postgres
    }

    /// The server, on a socket in its folder alone.
    fn run(folder: &Path) -> Child {
        command("postgres", folder)
            .arg("-D")
            .arg(folder.join("data"))
            .args(["-c", "listen_addresses=", "-c", "max_connections=200", "-k"])
            .arg(folder)
            .spawn()
            .expect("the server starts")
    }

    fn wait(&self) {
        for _ in 0..200 {
            let ready = command("pg_isready", self.folder.path())
                .arg("-q")
                .arg("-h")
                .arg(self.folder.path())
                .status();
            if ready.is_ok_and(|status| status.success()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server does not answer");
    }

    /// Stops the server as a power cut would, and starts it again.
    pub(crate) fn crash_and_restart(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = std::fs::remove_file(self.folder.path().join("data/postmaster.pid"));
        self.server = Self::run(self.folder.path());
        self.wait();
    }

    /// The folder of its socket.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its address.
    pub(crate) fn address(&self) -> String {
        let host = self.folder.path().to_str().expect("UTF-8").replace('/', "%2F");
        format!("postgres://praman@{host}/postgres")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Runs a test on a store of each kind.
pub(crate) async fn on_both(test: impl AsyncFn(Store)) {
    let folder = TempDir::new().expect("a folder");
    let location = Location::Folder(folder.path().to_owned());
    test(Store::connect(&location).await.expect("a store")).await;
    let server = Postgres::start();
    let location = Location::Server(server.address());
    test(Store::connect(&location).await.expect("a store")).await;
}
