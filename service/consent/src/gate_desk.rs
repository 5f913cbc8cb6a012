//! The gate at work: one task checks and records all pending requests, so the more there are, the less each
//! costs. The same task ends what is over, puts roots on the ledger and brings withdrawals there.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use praman_circuits::context::Context;
use praman_ledger::{JoinedLedger, ProviderId};
use praman_store::Store;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::access::AccessRequest;
use super::gate::{BATCH_MAX, Gate, Verdict};
use super::provider::Tree;
use super::publishing::{publish_consents, publish_tree};
use super::refusal::ConsentError;
use super::refusal::ConsentFailure;
use super::withdrawal::Withdrawal;
use crate::ConsentStore;

/// How many requests may wait.
const WAITING_MAX: usize = 4_096;

/// How many withdrawals may wait: they come from anyone, and each takes a transaction.
const WITHDRAWALS_MAX: usize = 64;

/// How often to look for what is over and for roots that the ledger does not know.
const ROUND: Duration = Duration::from_secs(5);

/// Why the desk gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum GateDeskError {
    /// Too many requests wait.
    #[error("too many requests are pending at the gate: try again in a second")]
    Busy,
    /// The service is shutting down.
    #[error("the service is stopping: try again later")]
    Stopping,
    /// Chain or store failed; the same request may be sent again.
    #[error(transparent)]
    Failed(#[from] ConsentFailure),
    /// A provider's roots can't be published: there is no such provider.
    #[error(transparent)]
    Refused(ConsentError),
    /// The ledger can't be reached.
    #[error("the gate can't reach the ledger now")]
    Away,
}

impl GateDeskError {
    fn of_queue<T>(error: mpsc::error::TrySendError<T>) -> Self {
        match error {
            mpsc::error::TrySendError::Full(_) => Self::Busy,
            mpsc::error::TrySendError::Closed(_) => Self::Stopping,
        }
    }
}

impl From<ConsentError> for GateDeskError {
    fn from(error: ConsentError) -> Self {
        match error {
            ConsentError::Failed(failure) => Self::Failed(failure),
            refused => Self::Refused(refused),
        }
    }
}

enum Work {
    Release(Box<AccessRequest>, oneshot::Sender<Result<Verdict, GateDeskError>>),
    PublishConsents(ProviderId, oneshot::Sender<Result<(), GateDeskError>>),
}

/// A patient's withdrawal, and where its answer is awaited.
type Withdraw = (Withdrawal, oneshot::Sender<Result<usize, GateDeskError>>);

/// Where providers' systems send requests.
#[derive(Clone)]
pub struct GateDesk {
    store: Store,
    context: Context,
    work: mpsc::Sender<Work>,
    withdrawals: mpsc::Sender<Withdraw>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl GateDesk {
    /// Opens the desk of a gate on a ledger that uses the providers' accounts.
    pub fn open(store: &Store, gate: Gate, ledger: JoinedLedger) -> Self {
        let (work, waiting) = mpsc::channel(WAITING_MAX);
        let (withdrawals, withdrawing) = mpsc::channel(WITHDRAWALS_MAX);
        let context = gate.context();
        let task = tokio::spawn(work_on(store.clone(), gate, ledger, waiting, withdrawing));
        let task = Arc::new(Mutex::new(Some(task)));
        Self { store: store.clone(), context, work, withdrawals, task }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What binds proofs to the gate's ledger.
    pub fn context(&self) -> Context {
        self.context
    }

    /// Releases or refuses a record.
    ///
    /// # Errors
    /// [`GateDeskError`]; then the same request may be sent again.
    pub async fn release(&self, request: AccessRequest) -> Result<Verdict, GateDeskError> {
        let (answer, answered) = oneshot::channel();
        self.send(Work::Release(Box::new(request), answer))?;
        answered.await.map_err(|_| GateDeskError::Stopping)?
    }

    /// Puts the root of the consents at a provider on the ledger.
    ///
    /// # Errors
    /// [`GateDeskError`]; it is retried automatically.
    pub async fn publish_consents(&self, provider: ProviderId) -> Result<(), GateDeskError> {
        let (answer, answered) = oneshot::channel();
        self.send(Work::PublishConsents(provider, answer))?;
        answered.await.map_err(|_| GateDeskError::Stopping)?
    }

    /// Ends on the ledger the accesses that a patient has withdrawn; returns how many of them had not been given or
    /// ended before.
    ///
    /// # Errors
    /// [`GateDeskError`]; then the same withdrawal may be sent again.
    pub async fn withdraw(&self, withdrawal: Withdrawal) -> Result<usize, GateDeskError> {
        let (answer, answered) = oneshot::channel();
        self.withdrawals.try_send((withdrawal, answer)).map_err(GateDeskError::of_queue)?;
        answered.await.map_err(|_| GateDeskError::Stopping)?
    }

    fn send(&self, work: Work) -> Result<(), GateDeskError> {
        self.work.try_send(work).map_err(GateDeskError::of_queue)
    }

    /// Shuts down once all pending requests are answered. Clones of the desk answer nothing more.
    pub async fn shut_down(self) {
        let task = self.task.lock().await.take();
        drop((self.work, self.withdrawals));
        if let Some(task) = task {
            // A task that panicked has nothing more to answer.
            let _ = tokio::time::timeout(Duration::from_secs(30), task).await;
        }
    }
}

async fn work_on(
    store: Store,
    gate: Gate,
    mut ledger: JoinedLedger,
    mut waiting: mpsc::Receiver<Work>,
    mut withdrawing: mpsc::Receiver<Withdraw>,
) {
    let mut round = tokio::time::interval(ROUND);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut work = Vec::with_capacity(BATCH_MAX);
    loop {
        // One between two batches: a flood of them holds up neither accesses nor what the manager withdraws.
        if let Ok(withdraw) = withdrawing.try_recv() {
            bring(&mut ledger, withdraw).await;
        }
        tokio::select! {
            biased;
            // First: a stream of requests never delays it.
            _ = round.tick() => {
                tidy_up(&store, &mut ledger).await;
                continue;
            }
            taken = waiting.recv_many(&mut work, BATCH_MAX) => {
                if taken == 0 {
                    return;
                }
            }
            Some(withdraw) = withdrawing.recv() => {
                bring(&mut ledger, withdraw).await;
                continue;
            }
        }
        let (mut requests, mut answers) = (Vec::new(), Vec::new());
        for work in work.drain(..) {
            match work {
                Work::Release(request, answer) => {
                    requests.push(*request);
                    answers.push(answer);
                }
                // Before the accesses in the same batch: a withdrawal never waits.
                Work::PublishConsents(provider, answer) => {
                    let published = publish_consents(&store, &mut ledger, provider).await;
                    let _ = answer.send(published.map_err(GateDeskError::from));
                }
            }
        }
        if requests.is_empty() {
            continue;
        }
        match gate.release(&mut ledger, &requests, Timestamp::now()).await {
            Ok(verdicts) => {
                for (answer, verdict) in answers.into_iter().zip(verdicts) {
                    // The sender may be gone.
                    let _ = answer.send(Ok(verdict));
                }
            }
            Err(error) => {
                tracing::warn!("the gate: {error}");
                for answer in answers {
                    let _ = answer.send(Err(GateDeskError::Away));
                }
            }
        }
    }
}

/// Brings a patient's withdrawal to the ledger, if its answer is still awaited.
async fn bring(ledger: &mut JoinedLedger, (withdrawal, answer): Withdraw) {
    if answer.is_closed() {
        return;
    }
    let ended = withdrawal.bring(ledger).await;
    let ended = ended.map_err(|error| match ConsentError::from(error) {
        ConsentError::Failed(failure) if failure.exit_code() == 3 => {
            tracing::warn!("a patient's withdrawal: {failure}");
            GateDeskError::Away
        }
        error => error.into(),
    });
    let _ = answer.send(ended);
}

/// Does what needs no request. One provider's failure does not affect another.
async fn tidy_up(store: &Store, ledger: &mut JoinedLedger) {
    let told = |what: &str, error: &dyn std::error::Error| tracing::warn!("{what}: {error}");
    if let Err(error) = ledger.catch_up().await {
        told("consents", &error);
    }
    if let Err(error) = ConsentStore(store).end_what_is_over(Timestamp::now()).await {
        told("consents", &error);
    }
    // Consents first: a withdrawal waits for nothing.
    for tree in [Tree::Consents, Tree::Records] {
        let providers = match ConsentStore(store).unpublished(tree).await {
            Ok(providers) => providers,
            Err(error) => {
                told(tree.column(), &error);
                continue;
            }
        };
        for provider in providers {
            if let Err(error) = publish_tree(store, ledger, provider, tree).await {
                told(&format!("the {} at provider {}", tree.column(), provider.0), &error);
            }
        }
    }
}
