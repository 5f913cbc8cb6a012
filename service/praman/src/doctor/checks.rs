//! The checks.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::Timestamp;
use praman_circuits::circuit;
use praman_circuits::period::Day;
use praman_prover::KeyStore;
use praman_store::error::StoreError;
use praman_verifier::Origin;
use praman_verifier::contracts::{Offices, word};
use x509_parser::pem::parse_x509_pem;

use super::{Finding, Installation};
use crate::access_control::{AccessStore, Caller, Role};
use crate::audit::AuditStore;
use crate::calendar;
use crate::ledger::{Chain as _, JoinedNetwork, LedgerStore};
use crate::offices::OfficeStore;
use crate::store::Store;
use crate::treasury::TreasuryStore;

/// How little room on the disk is too little, in MiB.
const ROOM_MIB_MIN: u64 = 1_024;
/// By how many seconds the database's clock may be off.
const SKEW_SECONDS_MAX: i64 = 30;
/// How long something may wait, in milliseconds.
const WAIT_MAX_MS: i64 = 10 * 60 * 1_000;
/// How many days before its end a certificate or credential is told of.
const EXPIRES_SOON_DAYS: i64 = 30;

impl Installation {
    /// The folder: there, with room, and nobody else's to read.
    pub(super) fn files(&self) -> Vec<Finding> {
        let folder = &self.folder;
        let Ok(metadata) = std::fs::metadata(folder) else {
            let says = format!("{} does not exist yet", folder.display());
            let advice = "the first command that needs it makes it: praman ledger start";
            return vec![Finding::watch("folder", says, advice)];
        };
        let mut findings = Vec::new();
        let mode = metadata.permissions().mode() & 0o077;
        findings.push(match mode {
            0 => Finding::well("folder", format!("only its owner may enter {}", folder.display())),
            _ => Finding::watch(
                "folder",
                format!("others have access to {}", folder.display()),
                "chmod 700 the folder: others can't read its files, but may see their names",
            ),
        });
        if let Ok(room) = rustix::fs::statvfs(folder) {
            let mib = room.f_bavail.saturating_mul(room.f_frsize) / (1 << 20);
            findings.push(match mib {
                room if room >= ROOM_MIB_MIN => Finding::well("disk", format!("{room} MiB free")),
                room => Finding::wrong(
                    "disk",
                    format!("{room} MiB free"),
                    "free some space: while the disk is full, claims are refused; afterwards the \
                     service goes on by itself",
                ),
            });
        }
        let open = open_files(folder);
        if !open.is_empty() {
            let says = format!("others can read {}", open.join(", "));
            findings.push(Finding::wrong("secrets", says, "chmod 600 these files"));
        }
        findings
    }

    /// The keys: of this program's circuit, and of a ceremony.
    pub(super) fn keys(&self) -> Vec<Finding> {
        let Some(folder) = &self.keys else { return Vec::new() };
        let keys = KeyStore::new(folder);
        let circuit = circuit::eligibility();
        let key = match keys.load_verifying(circuit) {
            Ok(key) => key,
            Err(error) => {
                let advice = "give the folder of the keys with which the network was deployed";
                return vec![Finding::wrong("keys", error.to_string(), advice)];
            }
        };
        let mut findings = vec![match key.origin() {
            Some(Origin::Ceremony) => {
                Finding::well("keys", "keys of a ceremony, for this program's circuit")
            }
            _ => Finding::watch(
                "keys",
                "development keys: one party made them",
                "never use them for real money: make keys in a ceremony",
            ),
        }];
        if !keys.has_proving_key() {
            let says = "there is no proving key: no proofs are made here";
            findings.push(Finding::watch("keys", says, "not needed if workers run elsewhere"));
        }
        findings
    }

    /// The certificate: one, and not at its end.
    pub(super) fn certificate(&self) -> Vec<Finding> {
        let Some(path) = &self.certificate else { return Vec::new() };
        let wrong = |says: String| vec![Finding::wrong("certificate", says, "give a valid one")];
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return wrong(format!("{}: {error}", path.display())),
        };
        let Ok((_, pem)) = parse_x509_pem(&bytes) else {
            return wrong(format!("{} holds no certificate", path.display()));
        };
        let Ok(certificate) = pem.parse_x509() else {
            return wrong(format!("{} holds no certificate", path.display()));
        };
        let left = certificate.validity().not_after.timestamp() - Timestamp::now().as_second();
        let days = left.div_euclid(86_400);
        vec![match left {
            left if left <= 0 => {
                return wrong(format!("{} has expired", path.display()));
            }
            _ if days < EXPIRES_SOON_DAYS => Finding::watch(
                "certificate",
                format!("{} expires in {days} days", path.display()),
                "get a new one signed; the service reads it at its start",
            ),
            _ => Finding::well("certificate", format!("valid for {days} days")),
        }]
    }

    /// The store: reachable, of this program's schema, with its master key.
    pub(super) async fn store(&self) -> (Vec<Finding>, Option<Store>) {
        let store = match Store::connect_as_it_is(&self.location).await {
            Ok(store) => store,
            Err(error) => {
                let advice = "start the database, or correct PRAMAN_DATABASE";
                return (vec![Finding::wrong("store", error.to_string(), advice)], None);
            }
        };
        let schema = match store.schema_state().await {
            Ok(schema) => schema,
            Err(error) => {
                let advice =
                    "the database answers, but it is not praman's: correct PRAMAN_DATABASE";
                return (vec![Finding::wrong("store", error.to_string(), advice)], None);
            }
        };
        let missing = schema.migrations.iter().filter(|migration| !migration.applied).count();
        if !schema.unknown.is_empty() {
            let says = "a newer praman has written it";
            let advice = "use the newer program, or restore a backup";
            return (vec![Finding::wrong("store", says, advice)], None);
        }
        if missing > 0 {
            let says = format!("{missing} migrations are not applied");
            let advice = "make a backup, then run: praman migrate up";
            return (vec![Finding::watch("store", says, advice)], None);
        }
        let mut findings = vec![Finding::well("store", "reachable, with this program's schema")];
        let path = self.folder.join("master-key.json");
        if store.has_master_key().await.unwrap_or(false) {
            findings.push(match path.exists() {
                true => Finding::well("master key", format!("{} exists", path.display())),
                false => Finding::watch(
                    "master key",
                    format!("people's data is sealed, and {} does not exist", path.display()),
                    "give the key with --master-key; if it is lost, the data can never be opened \
                     again",
                ),
            });
        }
        (findings, Some(store))
    }
}

/// Files in the folder that others may read.
fn open_files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let open = entries.filter(|entry| {
        // The store, its journal and its backups as well as keys: all that lies here is its owner's.
        let metadata = entry.metadata().ok().filter(|metadata| metadata.is_file());
        metadata.is_some_and(|found| found.permissions().mode() & 0o077 != 0)
    });
    let mut names: Vec<String> =
        open.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The finding of a check that failed itself.
fn failed(check: &'static str, error: &impl std::fmt::Display) -> Vec<Finding> {
    vec![Finding::wrong(check, error.to_string(), "read the database's log")]
}

/// The database's clock against this machine's.
pub(super) async fn clock(store: &Store) -> Vec<Finding> {
    let statement = format!("SELECT {}", store.database().now());
    let asked: Result<(i64,), _> =
        sqlx::query_as(sqlx::AssertSqlSafe(statement)).fetch_one(store.pool()).await;
    let now = match asked {
        Ok((now,)) => now,
        Err(error) => return failed("clock", &StoreError::from(error)),
    };
    let off = (Timestamp::now().as_millisecond() - now) / 1_000;
    vec![match off.abs() {
        off if off <= SKEW_SECONDS_MAX => {
            Finding::well("clock", "this machine and the database agree")
        }
        _ => Finding::wrong(
            "clock",
            format!("this machine is {off} seconds off the database"),
            "set both clocks by NTP: leases and as-of dates depend on them",
        ),
    }]
}

/// The ledger: joined, answering, with a checkpoint of these days.
pub(super) async fn ledger(store: &Store) -> Vec<Finding> {
    let network = match JoinedNetwork::open(store, &[], crate::EVENT_HANDLERS).await {
        Ok((network, _)) => network,
        Err(error) => {
            let advice = "run praman ledger start, or praman ledger join on real nodes";
            return vec![Finding::watch("ledger", error.to_string(), advice)];
        }
    };
    let head = match network.chain.head().await {
        Ok(head) => head,
        Err(error) => {
            let advice =
                "start the nodes, or join through other nodes; claims stay pending until then";
            return vec![Finding::wrong("ledger", format!("no node answers: {error}"), advice)];
        }
    };
    let mut findings = vec![Finding::well("ledger", format!("the last block is {}", head.number))];
    let today = i64::from(calendar::today().0);
    findings.push(match OfficeStore(store).newest_checkpoint_day().await {
        Err(error) => return failed("checkpoint", &error),
        Ok(None) => Finding::watch(
            "checkpoint",
            "there is no checkpoint: no claim can be made",
            "run praman ledger checkpoint, after offices have issued",
        ),
        Ok(Some(Day(as_of))) if i64::from(as_of) > today + 1 => Finding::wrong(
            "checkpoint",
            format!("the newest is of a day that comes in {} days", i64::from(as_of) - today),
            "set this machine's clock; if it was ahead when the checkpoint was published, none can be published \
             until that day, and claims are made against this one",
        ),
        Ok(Some(Day(as_of))) if i64::from(as_of) < today - 1 => Finding::watch(
            "checkpoint",
            format!("the newest is {} days old", today - i64::from(as_of)),
            "publish one every day: praman ledger checkpoint",
        ),
        Ok(Some(_)) => Finding::well("checkpoint", "there is a recent one"),
    });
    findings
}

/// The offices: as the ledger says they stand, under the root that it has.
pub(super) async fn offices(store: &Store) -> Vec<Finding> {
    let Ok((network, _)) = JoinedNetwork::open(store, &[], crate::EVENT_HANDLERS).await else {
        return Vec::new();
    };
    let own = match OfficeStore(store).ledger_state_root().await {
        Ok(root) => root,
        Err(error) => return failed("offices", &error),
    };
    let on_ledger = network.view(network.addresses.offices, &Offices::stateRootCall {}).await;
    let since = match LedgerStore(store).offices_apart_since().await {
        Ok(since) => since,
        Err(error) => return failed("offices", &error),
    };
    let agree = match on_ledger {
        Ok(root) => root == word(own.to_field()),
        Err(error) => return failed("offices", &error),
    };
    let mut findings = vec![match (agree, since) {
        (true, None) => Finding::well("offices", "the ledger's state root matches its events"),
        (agree, since) => Finding::wrong(
            "offices",
            match since {
                Some(block) if agree => format!("roots differed at block {block}, but agree now"),
                Some(block) => {
                    format!("the ledger's root has not matched its events since block {block}")
                }
                None => "the ledger's root does not match its events".to_owned(),
            },
            "this folder's checkpoints may not fit: check whether the contracts were upgraded: \
             praman ledger verify-history",
        ),
    }];
    let asked: Result<(i64,), _> = sqlx::query_as(
        "SELECT count(*) FROM holder WHERE revoked = 0
             AND NOT EXISTS (SELECT 1 FROM person_credential AS known
                             WHERE known.office = holder.office AND known.position = holder.position)",
    )
    .fetch_one(store.pool())
    .await;
    match asked {
        Err(error) => return failed("offices", &StoreError::from(error)),
        Ok((0,)) => {}
        Ok((count,)) => findings.push(Finding::watch(
            "offices",
            format!("for {count} live credentials it is not known whose they are"),
            "issue to their offices' registers again, before others issue to the same people",
        )),
    }
    let apart = match OfficeStore(store).offices_apart().await {
        Ok(apart) => apart,
        Err(error) => return failed("offices", &error),
    };
    let numbers = |wanted: bool| {
        let of = apart.iter().filter(|(_, stands)| *stands == wanted);
        of.map(|(office, _)| office.0.to_string()).collect::<Vec<_>>().join(", ")
    };
    if apart.iter().any(|(_, stands)| !stands) {
        let says = format!("suspended, debarred or retired: {}", numbers(false));
        let advice = "their holders can't claim; other holders can: praman ledger roles";
        findings.push(Finding::watch("offices", says, advice));
    }
    if apart.iter().any(|(_, stands)| *stands) {
        let says = format!("the ledger has an older root of: {}", numbers(true));
        let advice = "give their keys to praman ledger checkpoint, or see praman ledger roles";
        findings.push(Finding::watch("offices", says, advice));
    }
    findings
}

/// What waits for too long.
pub(super) async fn backlog(store: &Store) -> Vec<Finding> {
    let now = store.database().now();
    let waiting = async |what: &str| -> Result<i64, StoreError> {
        let statement = format!("SELECT count(*) FROM {what} < {now} - {WAIT_MAX_MS}");
        let (count,): (i64,) =
            sqlx::query_as(sqlx::AssertSqlSafe(statement)).fetch_one(store.pool()).await?;
        Ok(count)
    };
    let mut findings = Vec::new();
    for (check, what, advice) in [
        (
            "claims",
            "claim WHERE state IN ('received', 'verified', 'submitted') AND received_at",
            "check that a service is running and that the ledger accepts its transactions: praman \
             ledger status",
        ),
        (
            "proofs",
            "proving_job WHERE state = 'waiting' AND queued_at",
            "add workers: praman worker run",
        ),
        (
            "registers",
            "register_upload WHERE state IN ('waiting', 'issuing') AND uploaded_at",
            "check that a service is running with the office's key: praman serve --office FILE",
        ),
    ] {
        findings.push(match waiting(what).await {
            Err(error) => return failed(check, &error),
            Ok(0) => Finding::well(check, "none is pending for long"),
            Ok(count) => {
                Finding::wrong(check, format!("{count} are pending for over ten minutes"), advice)
            }
        });
    }
    findings
}

/// Who may act: two of those who must be two; none at their end.
pub(super) async fn people(store: &Store) -> Vec<Finding> {
    let principals = match AccessStore(store).principals(&Caller::operator()).await {
        Ok(principals) => principals,
        Err(error) => return failed("access", &error),
    };
    let now = Timestamp::now().as_millisecond();
    let live = |role: &Role| {
        let of_role = principals.iter().filter(|one| one.role == *role && one.revoked_at.is_none());
        of_role.filter(|one| one.expires_at.is_none_or(|end| end > now)).count()
    };
    let mut findings = Vec::new();
    if live(&Role::Oversight) + live(&Role::Agency) < 2 {
        let says = "fewer than two users of oversight and agency are active: the operator adds \
                    users alone";
        let advice = "add two persons: praman access admit --role oversight …";
        findings.push(Finding::watch("access", says, advice));
    } else {
        findings.push(Finding::well("access", "two persons can approve"));
    }
    if live(&Role::Treasury) < 2 {
        let says = "fewer than two treasurers are active: one person pays alone";
        let advice = "add two persons: praman access admit --role treasury …";
        findings.push(Finding::watch("treasury", says, advice));
    } else {
        findings.push(Finding::well("treasury", "two persons can approve payments"));
    }
    let soon = now + EXPIRES_SOON_DAYS * 86_400_000;
    let ending = principals.iter().filter(|one| {
        one.revoked_at.is_none() && one.expires_at.is_some_and(|end| end > now && end < soon)
    });
    let ending = ending.count();
    if ending > 0 {
        let says = format!("{ending} credentials expire within {EXPIRES_SOON_DAYS} days");
        findings.push(Finding::watch(
            "credentials",
            says,
            "list the users and add new credentials: praman access list, praman access admit",
        ));
    }
    findings
}

/// The books: chained as written, and on the ledger.
pub(super) async fn records(store: &Store) -> Vec<Finding> {
    let mut findings = Vec::new();
    match crate::audit::verify(store, &[], &[], &[]).await {
        Err(error) => return failed("audit", &error),
        Ok(report) => findings.push(match report.fault {
            None => Finding::well("audit", format!("{} entries are chained", report.entries)),
            Some(fault) => Finding::wrong(
                "audit",
                fault.to_string(),
                "change nothing and call the auditor: praman audit verify --participant …",
            ),
        }),
    }
    match AuditStore(store).audit_is_due().await {
        Err(error) => return failed("audit", &error),
        Ok(false) => {}
        Ok(true) => findings.push(Finding::watch(
            "audit",
            "entries of an earlier day are not on the ledger",
            "run praman audit anchor; a running service does it once a day",
        )),
    }
    match TreasuryStore(store).payment_files().await {
        Err(error) => return failed("payments", &error),
        Ok(files) => {
            let missing = files.iter().filter(|file| file.block.is_none()).count();
            if missing > 0 {
                let says = format!("{missing} files are not on the ledger");
                findings.push(Finding::watch("payments", says, "run praman treasury anchor"));
            }
        }
    }
    findings
}
