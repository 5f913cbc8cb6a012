//! PgBouncer before a PostgreSQL server of a test's own.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use super::postgres::{Postgres, unprivileged};

/// A running pooler; it ends with the value.
pub(crate) struct PgBouncer {
    address: String,
    pooler: Child,
}

/// The program: the system's, or another one that the environment names.
fn program() -> PathBuf {
    std::env::var_os("PGBOUNCER")
        .map_or_else(|| PathBuf::from("/usr/sbin/pgbouncer"), PathBuf::from)
}

impl PgBouncer {
    /// Whether it keeps what clients prepare when it lends connections for a transaction: from 1.21 on.
    pub(crate) fn keeps_prepared_statements() -> bool {
        let output = Command::new(program()).arg("--version").output();
        let output = output.expect("PgBouncer is missing: install your system's package pgbouncer");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.lines().next().and_then(|line| line.strip_prefix("PgBouncer "));
        let mut numbers = version.expect("a version").split('.').map(|part| part.parse::<u32>());
        let mut next = || numbers.next().expect("a part").expect("a number");
        (next(), next()) >= (1, 21)
    }

    /// Starts it on a port of the server's folder, with settings.
    pub(crate) fn start(server: &Postgres, port: u16, settings: &str) -> Self {
        let folder = server.folder();
        let shown = folder.display();
        let file = folder.join(format!("{port}.ini"));
        let text = format!(
            "[databases]\npostgres = host={shown} user=praman\n[pgbouncer]\nlisten_port = {port}\n\
             unix_socket_dir = {shown}\nauth_type = any\nlogfile = {shown}/{port}.log\n{settings}\n"
        );
        std::fs::write(&file, text).expect("written");
        let pooler = unprivileged(&program(), folder).arg(&file).spawn().expect("it starts");
        let host = folder.to_str().expect("UTF-8").replace('/', "%2F");
        let started = Self { address: format!("postgres://praman@{host}:{port}/postgres"), pooler };
        let socket = folder.join(format!(".s.PGSQL.{port}"));
        for _ in 0..200 {
            if UnixStream::connect(&socket).is_ok() {
                return started;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(folder.join(format!("{port}.log")));
        panic!("PgBouncer does not answer: {log:?}");
    }

    /// Its address.
    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.pooler.kill();
        let _ = self.pooler.wait();
    }
}
