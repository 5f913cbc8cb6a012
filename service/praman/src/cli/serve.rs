//! `praman serve`.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_signer_local::PrivateKeySigner;
use clap::Args;
use praman_circuits::circuit;
use praman_circuits::context::Context;
use praman_coordinator::Coordinator;
use praman_prover::{KeyStore, MemoryBudget, Prover};
use praman_verifier::VerifyingKey;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use super::ceremony::COORDINATOR_KEY;
use super::key::MasterKeySource;
use super::key_origin::{require_ceremony, require_registered};
use super::ledger::join;
use super::signer::{Signer, first};
use super::{Outcome, Setting};
use crate::access_control::{OpenIdClient, OpenIdClientKey, OpenIdClientProof, OpenIdIssuer};
use crate::application::{Application, ConsentDoor, Limits, OptionalDesks};
use crate::audit::AuditStore;
use crate::claims::{ClaimDesk, ClaimLimits, ClaimMachine, Schemes};
use crate::consent::{ConsentDesk, ConsentManager, Gate, GateDesk};
use crate::error::CommandError;
use crate::issuing::{IssuingClerk, IssuingDesk, IssuingLimits};
use crate::ledger::{JoinedLedger, JoinedNetwork, Ledger as _, LedgerStore};
use crate::office_key::OfficeKey;
use crate::offices::OfficeStore;
use crate::proving::{ProvingDesk, QueueLimits, Worker, WorkerKey, WorkerLimits, guard_memory};
use crate::request_log::{self, LogFormat};
use crate::server::{self, PeerLimits, Peers};
use crate::store::Store;
use crate::tls::{Tls, TlsFiles};
use crate::{audit, files, metrics};

/// How long nodes may be away before the service says so, and tries again.
const NODES_PATIENCE: Duration = Duration::from_secs(5);

/// How long a transaction may take to stand before the service says so, and tries again.
const STANDING_PATIENCE: Duration = Duration::from_secs(45);

/// How often a service looks whether its ledger has taken the place of another.
const LOOK_FOR_CONTEXT: Duration = Duration::from_secs(5);

/// How often the service looks whether a day of the audit log is over.
const LOOK_FOR_A_DAY: Duration = Duration::from_secs(600);

/// Run the service: accept claims over HTTP, store and verify them, and submit them to the ledger.
///
/// It stops at an interrupt or SIGTERM, after finishing the work that has begun.
#[derive(Args)]
#[command(after_help = "Example: praman serve --keys keys --listen 127.0.0.1:8080")]
pub(super) struct Serve {
    /// The folder of the keys.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// A folder of schemes [default: those that praman ships].
    #[arg(long, value_name = "DIR")]
    schemes: Option<PathBuf>,
    /// The address to listen at; port 0 takes any free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The address of a proxy in front of the service, which names its clients in X-Forwarded-For;
    /// may be given again. Each other peer may have at most --peer-connections connections, and as
    /// many requests at a time.
    #[arg(long = "proxy", value_name = "ADDRESS")]
    proxies: Vec<IpAddr>,
    /// How many connections, and how many requests at a time, one peer may have.
    #[arg(long, value_name = "COUNT", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    peer_connections: u32,
    /// How many claims may be pending before clients are asked to try again later.
    #[arg(long, value_name = "COUNT", default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    waiting: u32,
    /// The sealed key of workers that run elsewhere, or here too [default: a key for this run, and
    /// a worker here].
    #[arg(long, value_name = "FILE")]
    worker_key: Option<PathBuf>,
    /// How many proofs to make here at a time; 0 leaves them to workers elsewhere [default: one for
    /// each core].
    #[arg(long, value_name = "COUNT")]
    proofs: Option<usize>,
    /// The sealed key of an office to issue for; may be given again.
    #[arg(long = "office", value_name = "FILE")]
    offices: Vec<PathBuf>,
    #[command(flatten)]
    master_key: MasterKeySource,
    /// The folder of the consent circuit's keys: the service is then the providers' release gate,
    /// too. On real nodes it signs with the providers' keys that are given.
    #[arg(long, value_name = "DIR")]
    consent_keys: Option<PathBuf>,
    /// The sealed key of a coordinator: the service then lets contributors take turns in the ceremonies that are open.
    #[arg(long, value_name = "FILE")]
    coordinator: Option<PathBuf>,
    /// Start with keys that one party made, which can forge proofs. The service says so at each start and on every page.
    #[arg(long)]
    allow_development_keys: bool,
    /// A consent manager's sealed key: the service then accepts requests for consent.
    #[arg(long, value_name = "FILE", requires = "consent_keys")]
    consent_manager: Option<PathBuf>,
    #[command(flatten)]
    identities: Identities,
    #[command(flatten)]
    telling: Telling,
    /// On real nodes, the relayer's key.
    #[command(flatten)]
    signer: Signer,
}

/// What the service reports to its operator.
#[derive(Args)]
struct Telling {
    /// The address at which Prometheus reads /metrics, apart from --listen; for the operator's
    /// network only [default: none].
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Which lines are written to standard error, as `warn`, `info` or `praman=debug`. With info
    /// there is one for each request, with its id and route.
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    log: String,
    /// The format of the lines.
    #[arg(long, value_enum, default_value = "plain")]
    log_format: LogFormat,
    /// The address of an OpenTelemetry collector, which gets a span for each request by OTLP over
    /// gRPC [default: none].
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
}

impl Telling {
    fn requests(&self) -> request_log::Telling {
        let (format, filter) = (self.log_format, self.log.clone());
        request_log::Telling { format, filter, collector: self.otlp.clone() }
    }

    async fn listener(&self) -> Result<Option<TcpListener>, CommandError> {
        let Some(address) = self.metrics else { return Ok(None) };
        let listener = TcpListener::bind(address).await.map_err(|error| {
            CommandError::WrongUse(format!("can't listen at {address}: {error}"))
        })?;
        let bound = listener
            .local_addr()
            .map_err(|error| CommandError::Failed(format!("listening: {error}")))?;
        eprintln!("praman: metrics at http://{bound}/metrics");
        Ok(Some(listener))
    }
}

/// How clients are known, besides by API keys.
#[derive(Args)]
struct Identities {
    /// The service's certificate, PEM. With it the service accepts TLS only.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's private key, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// The authorities of clients' certificates, PEM. Machines may then show a certificate (mutual
    /// TLS).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    client_authorities: Option<PathBuf>,
    /// An OpenID issuer whose tokens are accepted, as its tokens name it.
    #[arg(long, value_name = "URL", requires = "openid_audience")]
    openid_issuer: Option<String>,
    /// The audience that the tokens must be for.
    #[arg(long, value_name = "NAME", requires = "openid_issuer")]
    openid_audience: Option<String>,
    /// The service's client name at the issuer. Users can then sign in at the desk through the
    /// issuer.
    #[arg(long, value_name = "NAME", requires_all = ["openid_issuer", "desk_address"])]
    openid_client: Option<String>,
    /// The file of the client secret from the issuer, if the service has one.
    #[arg(long, value_name = "FILE", requires = "openid_client")]
    openid_client_secret: Option<PathBuf>,
    /// The service's private key at the issuer, PEM in PKCS #8, in the place of a secret. The
    /// issuer has the public key (private_key_jwt).
    #[arg(
        long,
        value_name = "FILE",
        requires = "openid_client",
        conflicts_with = "openid_client_secret"
    )]
    openid_client_key: Option<PathBuf>,
    /// The name (kid) by which the issuer finds the public key, if it has several.
    #[arg(long, value_name = "NAME", requires = "openid_client_key")]
    openid_client_key_id: Option<String>,
    /// The address at which browsers reach the service, as https://desk.example. The issuer sends
    /// them back to /desk/enter/openid/back there.
    #[arg(long, value_name = "URL")]
    desk_address: Option<String>,
    /// Say that a proxy in front of the service ends TLS, and that browsers reach the desk only
    /// through it.
    #[arg(long)]
    behind_tls: bool,
}

impl Identities {
    fn tls(&self) -> Result<Option<Tls>, CommandError> {
        let (Some(certificate), Some(key)) = (&self.tls_certificate, &self.tls_key) else {
            return Ok(None);
        };
        let files = TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            client_authorities: self.client_authorities.clone(),
        };
        Ok(Some(Tls::open(&files)?))
    }

    fn openid(&self) -> Result<Option<OpenIdIssuer>, CommandError> {
        let (Some(issuer), Some(audience)) = (&self.openid_issuer, &self.openid_audience) else {
            return Ok(None);
        };
        let issuer = OpenIdIssuer::new(issuer, audience)?;
        let (Some(client), Some(address)) = (&self.openid_client, &self.desk_address) else {
            return Ok(Some(issuer));
        };
        let proof = match (&self.openid_client_secret, &self.openid_client_key) {
            (Some(secret), _) => OpenIdClientProof::Secret(read_secret(secret)?),
            (None, Some(key)) => {
                let id = self.openid_client_key_id.clone();
                OpenIdClientProof::Key(OpenIdClientKey::read(key, id)?)
            }
            (None, None) => OpenIdClientProof::Name,
        };
        Ok(Some(issuer.with_login(OpenIdClient::new(client, proof, address)?)))
    }
}

/// A secret in a file, alone on its line.
fn read_secret(path: &Path) -> Result<Zeroizing<String>, CommandError> {
    let text = Zeroizing::new(files::read_text(path)?);
    let secret = text.trim();
    if secret.is_empty() || secret.contains(char::is_whitespace) {
        let path = path.display();
        return Err(CommandError::WrongUse(format!("{path}: expected a secret alone on one line")));
    }
    Ok(Zeroizing::new(secret.to_owned()))
}

impl Serve {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        let spans = self.telling.requests().begin()?;
        let schemes = schemes_of(self.schemes.as_deref())?;
        let (tls, openid) = (self.identities.tls()?, self.identities.openid()?);
        let desk_is_secure = tls.is_some() || self.identities.behind_tls;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (mut development_keys, consent_key) = self.require_ceremony()?;
        let (store, mut ledger, key) = join(setting, &self.keys, &self.signer).await?;
        for key in [Some(&key), consent_key.as_ref()].into_iter().flatten() {
            let allowed = self.allow_development_keys;
            development_keys |= require_registered(&ledger.network, key, allowed).await?;
        }
        ledger.require_relayer()?;
        ledger.wait_at_most(NODES_PATIENCE, STANDING_PATIENCE).await;
        let context = ledger.context();
        let machine = ClaimMachine::new(&store, &key, schemes, context);
        let limits = ClaimLimits { waiting_max: self.waiting as usize, ..ClaimLimits::default() };
        let listener = TcpListener::bind(self.listen).await.map_err(|error| {
            CommandError::WrongUse(format!("can't listen at {}: {error}", self.listen))
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| CommandError::Failed(format!("listening: {error}")))?;
        let stop = asked_to_stop()?;
        let moved = taken_over(store.clone(), context);
        let (has_moved, is_moved) = tokio::sync::watch::channel(false);
        let stop = async move {
            tokio::select! {
                () = stop => {}
                () = moved => drop(has_moved.send(true)),
            }
        };
        eprintln!("praman: listening at {scheme}://{address}");
        let metrics = self.telling.listener().await?;
        let desk = ClaimDesk::open(machine, ledger, limits);
        let (proving, worker) = self.proving(&store)?;
        let issuing = self.issuing(setting, &store).await?;
        let gate = self.gate(&store, &key).await?;
        let manager = self.consent_manager(setting, &store).await?;
        let consents = gate.clone().map(|gate| ConsentDoor::new(gate, manager));
        let stopping = Stopping::default();
        let mut working = tokio::task::JoinSet::new();
        if let Some(worker) = worker {
            working.spawn(worker.run(stopping.asked()));
        }
        if let Some(issuing) = &issuing {
            working.spawn(IssuingClerk::new(issuing).run(stopping.asked()));
        }
        let signers = self.signer.keys()?;
        working.spawn(anchor_daily(store.clone(), signers, stopping.asked()));
        let coordinator = self.coordinator(&store)?;
        let more = OptionalDesks {
            issuing,
            consents,
            coordinator,
            openid,
            desk_is_secure,
            development_keys,
        };
        let application = Application::new(desk.clone(), proving, more, &key, Limits::default());
        if let Some(listener) = metrics {
            let pages = metrics::routes(application.clone());
            let told = axum::serve(listener, pages).with_graceful_shutdown(stopping.asked());
            working.spawn(async move { drop(told.await) });
        }
        let part = self.peer_connections as usize;
        let part = PeerLimits { connections_max: part, requests_max: part };
        let peers = Peers::new(part, self.proxies.iter().copied());
        server::serve(listener, tls, application, peers, stop).await;
        stopping.ask();
        while working.join_next().await.is_some() {}
        desk.shut_down().await;
        if let Some(gate) = gate {
            gate.shut_down().await;
        }
        store.close().await;
        spans.end().await;
        // With an error, so that it is started again.
        if *is_moved.borrow() {
            let reason =
                "this ledger has taken the place of an earlier one: start the service again";
            return Err(CommandError::Failed(reason.to_owned()));
        }
        Ok(Outcome::done(json!({ "stopped": true }), "stopped; all claims are stored"))
    }
}

/// Ends when the ledger takes the place of another: proofs are bound to the earlier one's context from then on, and
/// this program checks them against its own.
async fn taken_over(store: Store, context: Context) {
    loop {
        tokio::time::sleep(LOOK_FOR_CONTEXT).await;
        match LedgerStore(&store).ledger_context().await {
            Ok(Some(now)) if now != context => {
                tracing::error!(
                    "this ledger has taken the place of an earlier one: the service stops, and must be started again"
                );
                return;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!("the ledger's context could not be read: {error}"),
        }
    }
}

/// Brings the audit log's hash to the ledger once a day, or says why it can't.
async fn anchor_daily(
    store: Store,
    signers: Vec<PrivateKeySigner>,
    asked: impl Future<Output = ()>,
) {
    let mut asked = std::pin::pin!(asked);
    loop {
        if let Err(error) = anchor_if_due(&store, &signers).await {
            tracing::warn!("the audit log could not be anchored: {error}");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_FOR_A_DAY) => {}
            () = &mut asked => return,
        }
    }
}

async fn anchor_if_due(store: &Store, signers: &[PrivateKeySigner]) -> Result<(), CommandError> {
    if !AuditStore(store).audit_is_due().await? {
        return Ok(());
    }
    let (mut network, accounts) =
        JoinedNetwork::open(store, signers, crate::EVENT_HANDLERS).await?;
    audit::anchor(store, &mut network, first(&accounts)?).await?;
    Ok(())
}

/// Tells tasks to stop.
#[derive(Default)]
struct Stopping(tokio::sync::watch::Sender<bool>);

impl Stopping {
    fn ask(&self) {
        self.0.send_replace(true);
    }

    /// Ends when asked to.
    fn asked(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut told = self.0.subscribe();
        async move { drop(told.wait_for(|&stop| stop).await) }
    }
}

impl Serve {
    /// Refuses keys that one party made, unless they are allowed; true if there are such. Returns the consent circuit's
    /// verification key, too, if there is one.
    fn require_ceremony(&self) -> Result<(bool, Option<VerifyingKey>), CommandError> {
        let claims = KeyStore::new(&self.keys).load_verifying(circuit::eligibility())?;
        let consent = self.consent_keys.as_ref().map(|folder| {
            let key = KeyStore::new(folder).load_verifying(circuit::consent())?;
            Ok::<_, CommandError>((folder.as_path(), key))
        });
        let consent = consent.transpose()?;
        let mut keys = vec![(self.keys.as_path(), &claims)];
        keys.extend(consent.as_ref().map(|(folder, key)| (*folder, key)));
        let development_keys = require_ceremony(&keys, self.allow_development_keys)?;
        Ok((development_keys, consent.map(|(_, key)| key)))
    }

    /// Providers' release gate, on a connection of its own to the ledger.
    async fn gate(
        &self,
        store: &Store,
        claims_key: &VerifyingKey,
    ) -> Result<Option<GateDesk>, CommandError> {
        let Some(folder) = &self.consent_keys else { return Ok(None) };
        let key = KeyStore::new(folder).load_verifying(circuit::consent())?;
        let mut ledger =
            JoinedLedger::join(store, &self.signer.keys()?, claims_key, crate::EVENT_HANDLERS)
                .await?;
        ledger.wait_at_most(NODES_PATIENCE, STANDING_PATIENCE).await;
        let gate = Gate::on(store, &key, &ledger)?;
        Ok(Some(GateDesk::open(store, gate, ledger)))
    }

    async fn consent_manager(
        &self,
        setting: &Setting,
        store: &Store,
    ) -> Result<Option<ConsentDesk>, CommandError> {
        let Some(path) = &self.consent_manager else { return Ok(None) };
        let passphrase = self.signer.passphrase()?;
        let master = self.master_key.open(setting, store, &passphrase).await?;
        let manager = ConsentManager::open(path, &passphrase, master)?;
        let desk = ConsentDesk::new(store, manager);
        desk.number().await?;
        Ok(Some(desk))
    }

    /// Where contributors to keys take turns.
    fn coordinator(&self, store: &Store) -> Result<Option<Coordinator>, CommandError> {
        let Some(path) = &self.coordinator else { return Ok(None) };
        let (_, key) = COORDINATOR_KEY.open(path, &self.signer.passphrase()?)?;
        Ok(Some(Coordinator::new(store, key)))
    }

    /// Where offices bring registers, if there are keys to issue by.
    async fn issuing(
        &self,
        setting: &Setting,
        store: &Store,
    ) -> Result<Option<IssuingDesk>, CommandError> {
        if self.offices.is_empty() {
            return Ok(None);
        }
        let passphrase = self.signer.passphrase()?;
        let mut offices = Vec::with_capacity(self.offices.len());
        for path in &self.offices {
            let key = OfficeKey::open(path, &passphrase)?;
            OfficeStore(store).check_office(&key).await?;
            offices.push(key);
        }
        let master = self.master_key.open(setting, store, &passphrase).await?;
        Ok(Some(IssuingDesk::open(store, offices, master, IssuingLimits::default()).await?))
    }

    /// Where proofs are asked for, and the worker of this program.
    fn proving(&self, store: &Store) -> Result<(ProvingDesk, Option<Worker>), CommandError> {
        let key = match &self.worker_key {
            Some(path) => WorkerKey::open(path, &self.signer.passphrase()?)?,
            None => WorkerKey::generate(),
        };
        let desk = ProvingDesk::open(store, key.public(), QueueLimits::default());
        if self.proofs == Some(0) {
            if self.worker_key.is_none() {
                let reason = "--proofs 0 leaves proofs to workers elsewhere, which need a key that \
                              they know: give it with --worker-key";
                return Err(CommandError::WrongUse(reason.to_owned()));
            }
            return Ok((desk, None));
        }
        let circuit = circuit::eligibility();
        let keys = KeyStore::new(&self.keys);
        if !keys.has_proving_key() {
            tracing::warn!("no proving key in {}: no proofs are made here", self.keys.display());
            return Ok((desk, None));
        }
        let engine = keys.engine(circuit, MemoryBudget::SMALL)?;
        guard_memory();
        let mut limits = WorkerLimits::default();
        limits.threads = self.proofs.unwrap_or(limits.threads);
        let schemes = schemes_of(self.schemes.as_deref())?;
        let prover = Prover::new(circuit, engine);
        let worker = Worker::new(store, prover, key, schemes, limits)?.beside(&desk);
        Ok((desk, Some(worker)))
    }
}

/// The schemes of a folder, or those that praman ships.
pub(super) fn schemes_of(folder: Option<&Path>) -> Result<Schemes, CommandError> {
    Ok(folder.map_or_else(|| Ok(Schemes::shipped()), Schemes::read)?)
}

/// Ends at an interrupt or SIGTERM.
pub(super) fn asked_to_stop() -> Result<impl Future<Output = ()> + Send + 'static, CommandError> {
    let asked =
        |kind| signal(kind).map_err(|error| CommandError::Failed(format!("signals: {error}")));
    let (mut interrupt, mut terminate) =
        (asked(SignalKind::interrupt())?, asked(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        eprintln!("praman: stopping after the work that has begun is finished");
    })
}
