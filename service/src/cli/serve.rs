//! `praman serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::ledger::join;
use super::signer::Signer;
use super::{Outcome, Setting};
use crate::claims::{ClaimDesk, ClaimLimits, ClaimMachine, Schemes};
use crate::error::ServiceError;
use crate::http::{self, HttpLimits};
use crate::ledger::Ledger as _;

/// Run the service: claims over HTTP, kept, verified and brought to the ledger.
///
/// It stops at an interrupt or SIGTERM, when what has begun is done.
#[derive(Args)]
#[command(after_help = "Example: praman serve --keys keys --listen 127.0.0.1:8080")]
pub(super) struct Serve {
    /// The folder of the keys.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// A folder of schemes [default: those that praman ships].
    #[arg(long, value_name = "DIR")]
    schemes: Option<PathBuf>,
    /// Where to listen; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// How many claims may wait to be kept before others are told to come again.
    #[arg(long, value_name = "COUNT", default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    waiting: u32,
    /// On real nodes the relayer's key.
    #[command(flatten)]
    signer: Signer,
}

impl Serve {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, ServiceError> {
        let schemes = match &self.schemes {
            Some(folder) => Schemes::read(folder)?,
            None => Schemes::shipped(),
        };
        let (store, ledger, key) = join(setting, &self.keys, &self.signer).await?;
        ledger.require_relayer()?;
        let machine = ClaimMachine::new(&store, &key, schemes, ledger.context());
        let limits = ClaimLimits { waiting_max: self.waiting as usize, ..ClaimLimits::default() };
        let listener = TcpListener::bind(self.listen).await.map_err(|error| {
            ServiceError::WrongUse(format!("can't listen at {}: {error}", self.listen))
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| ServiceError::Ledger(format!("listening: {error}")))?;
        let asked =
            |kind| signal(kind).map_err(|error| ServiceError::Ledger(format!("signals: {error}")));
        let (mut interrupt, mut terminate) =
            (asked(SignalKind::interrupt())?, asked(SignalKind::terminate())?);
        let stop = async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            eprintln!("praman: stopping when what has begun is done");
        };
        eprintln!("praman: listening at http://{address}");
        let desk = ClaimDesk::open(machine, ledger, limits);
        let served = http::serve(listener, desk.clone(), &key, HttpLimits::default(), stop).await;
        desk.shut_down().await;
        store.close().await;
        served?;
        Ok(Outcome::done(json!({ "stopped": true }), "stopped; every claim is kept"))
    }
}
