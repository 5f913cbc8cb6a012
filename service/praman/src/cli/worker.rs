//! `praman worker`: proofs made for others.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use praman_circuits::circuit;
use praman_prover::{KeyStore, MemoryBudget, Prover};
use serde_json::json;

use super::passphrase::PassphraseSource;
use super::prove::ClaimInputs;
use super::serve::{asked_to_stop, schemes_of};
use super::{Outcome, Setting};
use crate::error::CommandError;
use crate::files;
use crate::proving::{
    Priority, QueueLimits, Worker as ProvingWorker, WorkerKey, WorkerLimits, WorkerPublicKey,
    guard_memory,
};

/// Make proofs for people who have no device that can.
#[derive(Subcommand)]
pub(super) enum Worker {
    /// Make a key for the workers of a service. Clients seal the inputs of a proof to it.
    #[command(after_help = "Example: praman worker new --out worker.json")]
    New {
        /// Where to write the sealed key.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
    Run(Run),
    Seal(Seal),
}

/// Take jobs from the queue of a service's store and prove them, until stopped.
///
/// Any number of workers may run, on any machines that reach the database.
#[derive(Args)]
#[command(after_help = "Example: praman worker run --worker-key worker.json --keys keys")]
pub(super) struct Run {
    /// The workers' sealed key.
    #[arg(long, value_name = "FILE")]
    worker_key: PathBuf,
    /// The folder of the proving keys.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// A folder of schemes [default: those that praman ships].
    #[arg(long, value_name = "DIR")]
    schemes: Option<PathBuf>,
    /// How many proofs to make at a time [default: one for each core].
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

/// Seal a claim's inputs to the workers, as the body of `POST /v1/proofs`.
#[derive(Args)]
#[command(after_help = "Example: praman worker seal --to 5f1c… --credential c/WB1.json \
    --scheme annapurna.toml --tier 0 --period 2026-06 --snapshot snapshot.json \
    --payout payout.json --out request.json")]
pub(super) struct Seal {
    /// The workers' public key, as `GET /v1/proofs/key` answers it.
    #[arg(long, value_name = "KEY")]
    to: WorkerPublicKey,
    #[command(flatten)]
    inputs: ClaimInputs,
    /// Give the proof the priority of a batch: no person waits for it alone.
    #[arg(long)]
    batch: bool,
    /// Where to write the request.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Worker {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        match self {
            Self::New { out, passphrase } => {
                let key = WorkerKey::generate();
                key.save(&out, &passphrase.passphrase()?)?;
                let public = key.public().to_string();
                let text = format!("requests for proofs are sealed to the key {public}");
                Ok(Outcome::done(json!({ "public_key": public }), text))
            }
            Self::Run(run) => run.run(setting).await,
            Self::Seal(seal) => seal.run(),
        }
    }
}

impl Run {
    async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        guard_memory();
        let key = WorkerKey::open(&self.worker_key, &self.passphrase.passphrase()?)?;
        let schemes = schemes_of(self.schemes.as_deref())?;
        let circuit = circuit::eligibility();
        let engine = KeyStore::new(&self.keys).engine(circuit, MemoryBudget::SMALL)?;
        let store = setting.store().await?;
        let mut limits = WorkerLimits::default();
        if let Some(threads) = self.threads {
            limits.threads = threads;
        }
        let prover = Prover::new(circuit, engine);
        let worker = ProvingWorker::new(&store, prover, key, schemes, limits)?;
        eprintln!("praman: proving what is sealed to {}", worker.public_key());
        worker.run(asked_to_stop()?).await;
        store.close().await;
        Ok(Outcome::done(json!({ "stopped": true }), "stopped; the jobs that had begun are done"))
    }
}

impl Seal {
    fn run(self) -> Result<Outcome, CommandError> {
        let sealed = self.inputs.seal(&self.to)?;
        let priority = if self.batch { Priority::Batch } else { Priority::Interactive };
        let deadline_s = QueueLimits::default().deadline_max.as_secs();
        let body = json!({
            "worker_key": self.to.to_string(),
            "sealed": hex::encode(&sealed),
            "priority": priority,
            "deadline_s": deadline_s,
        });
        files::write_json(&self.out, &body)?;
        let text = format!("sealed {} bytes into {}", sealed.len(), self.out.display());
        Ok(Outcome::done(json!({ "bytes": sealed.len() }), text))
    }
}
