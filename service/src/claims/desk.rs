//! The claim machine at work: one task keeps what comes in, one verifies, one settles.
//!
//! Each takes all that waits at once, so the more come, the less one costs. What waits is bounded:
//! who comes when it is full is told to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout_at};

use super::machine::{ClaimMachine, HandedIn, HeldClaim, Received, Refusal};
use super::settlement::Settled;
use super::state::{ClaimId, ClaimReceipt};
use super::verification::TOGETHER;
use crate::error::ServiceError;
use crate::ledger::JoinedLedger;
use crate::waiters::Waiters;

/// The lease of the one program that brings claims to the chain.
const SETTLEMENT: &str = "settlement";
const LEASE: Duration = Duration::from_secs(10);

/// How often to look for what another program left, and to renew the lease.
const ROUND: Duration = Duration::from_secs(2);

/// How long to wait after something failed.
const REST: Duration = Duration::from_millis(500);

/// Bounds of what waits.
#[derive(Clone, Copy, Debug)]
pub struct ClaimLimits {
    /// Claims that wait to be kept, and again as many that wait to be verified.
    pub waiting_max: usize,
    /// When to come again if it is full.
    pub retry_after: Duration,
}

impl Default for ClaimLimits {
    fn default() -> Self {
        Self { waiting_max: 4_096, retry_after: Duration::from_secs(2) }
    }
}

/// Why the desk does not answer with a receipt.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The claim is not kept.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too many wait.
    #[error("too many claims wait; come again in {} s", .retry_after.as_secs())]
    Busy {
        /// When to come again.
        retry_after: Duration,
    },
    /// The service ends.
    #[error("the service is stopping; come again")]
    Stopping,
    /// The store failed; whether the claim was kept is told by asking again with the same claim.
    #[error(transparent)]
    Failed(#[from] ServiceError),
}

struct Intake {
    handed_in: HandedIn,
    answer: oneshot::Sender<Result<ClaimReceipt, DeskError>>,
}

struct Shared {
    machine: ClaimMachine,
    limits: ClaimLimits,
    waiters: Waiters<ClaimId>,
    to_settle: Notify,
    /// Why claims wait to be settled, if they do.
    hindrance: watch::Sender<Option<String>>,
    stopping: AtomicBool,
}

/// Where clients hand in claims.
#[derive(Clone)]
pub struct ClaimDesk {
    shared: Arc<Shared>,
    intake: mpsc::Sender<Intake>,
    tasks: Arc<tokio::sync::Mutex<JoinSet<()>>>,
}

impl ClaimDesk {
    /// Opens the desk. It settles on a ledger while no other program on the same store does.
    pub fn open(machine: ClaimMachine, ledger: JoinedLedger, limits: ClaimLimits) -> Self {
        let (intake, to_keep) = mpsc::channel(limits.waiting_max);
        let (held, to_verify) = mpsc::channel(limits.waiting_max);
        let shared = Arc::new(Shared {
            machine,
            limits,
            waiters: Waiters::default(),
            to_settle: Notify::new(),
            hindrance: watch::Sender::new(None),
            stopping: AtomicBool::new(false),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(keep_all(shared.clone(), to_keep, held));
        tasks.spawn(verify_all(shared.clone(), to_verify));
        tasks.spawn(settle_all(shared.clone(), ledger));
        Self { shared, intake, tasks: Arc::new(tokio::sync::Mutex::new(tasks)) }
    }

    /// The machine.
    pub fn machine(&self) -> &ClaimMachine {
        &self.shared.machine
    }

    /// Hands in a claim; it is kept when this answers.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn submit(&self, handed_in: HandedIn) -> Result<ClaimReceipt, DeskError> {
        if self.shared.stopping.load(Ordering::Relaxed) {
            return Err(DeskError::Stopping);
        }
        let (answer, answered) = oneshot::channel();
        self.intake.try_send(Intake { handed_in, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                DeskError::Busy { retry_after: self.shared.limits.retry_after }
            }
            mpsc::error::TrySendError::Closed(_) => DeskError::Stopping,
        })?;
        answered.await.map_err(|_| DeskError::Stopping)?
    }

    /// What is known of a claim.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn receipt(&self, id: ClaimId) -> Result<Option<ClaimReceipt>, ServiceError> {
        self.machine().store().claim_receipt(id).await
    }

    /// What is known of a claim once it is in another state than one, or after a while.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn changed(
        &self,
        id: ClaimId,
        is_old: impl Fn(&ClaimReceipt) -> bool,
        patience: Duration,
    ) -> Result<Option<ClaimReceipt>, ServiceError> {
        let deadline = Instant::now() + patience;
        loop {
            let waiter = self.shared.waiters.waiter(id);
            let woken = waiter.woken();
            let receipt = self.receipt(id).await?;
            if receipt.as_ref().is_none_or(|receipt| !is_old(receipt)) || Instant::now() >= deadline
            {
                return Ok(receipt);
            }
            // Another program may move it, of which this one is not told.
            let _ = timeout_at(deadline.min(Instant::now() + REST), woken).await;
        }
    }

    /// Why claims wait to be settled; none if they don't.
    pub fn hindrance(&self) -> Option<String> {
        self.shared.hindrance.borrow().clone()
    }

    /// Takes no more claims, finishes those that were kept and not verified, and ends.
    pub async fn shut_down(self) {
        let Self { shared, intake, tasks } = self;
        shared.stopping.store(true, Ordering::Relaxed);
        shared.to_settle.notify_one();
        // Other clones are answered that the desk stops; this one's end ends the tasks.
        drop(intake);
        let mut tasks = tasks.lock().await;
        while tasks.join_next().await.is_some() {}
        // What is left is left to others at once.
        let _ = shared.machine.let_go().await;
        let (store, program) = (shared.machine.store(), &shared.machine.program);
        let _ = store.give_back_lease(SETTLEMENT, program).await;
    }
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// Keeps what comes in: all that waits, in one transaction.
async fn keep_all(
    shared: Arc<Shared>,
    mut to_keep: mpsc::Receiver<Intake>,
    held: mpsc::Sender<HeldClaim>,
) {
    let mut waiting = Vec::with_capacity(TOGETHER);
    loop {
        // Woken also to see that the desk closes while clones of it are still held.
        let taken = tokio::select! {
            taken = to_keep.recv_many(&mut waiting, TOGETHER) => taken,
            () = sleep(REST), if shared.is_stopping() => 0,
            () = sleep(REST), if !shared.is_stopping() => continue,
        };
        if taken == 0 {
            return;
        }
        let (claims, answers): (Vec<_>, Vec<_>) =
            waiting.drain(..).map(|Intake { handed_in, answer }| (handed_in, answer)).unzip();
        match shared.machine.receive(claims).await {
            Ok(outcomes) => {
                for (outcome, answer) in outcomes.into_iter().zip(answers) {
                    // Who has gone away meanwhile finds the receipt by asking again.
                    let _ = answer.send(match outcome {
                        Ok(Received { receipt, held: new }) => {
                            if let Some(new) = new {
                                let _ = held.send(new).await;
                            }
                            Ok(receipt)
                        }
                        Err(refusal) => Err(refusal.into()),
                    });
                }
            }
            Err(error) => {
                let reason = error.to_string();
                for answer in answers {
                    let failed = ServiceError::Ledger(reason.clone());
                    let _ = answer.send(Err(DeskError::Failed(failed)));
                }
            }
        }
    }
}

/// Verifies what was kept, and from time to time what another program has left.
async fn verify_all(shared: Arc<Shared>, mut to_verify: mpsc::Receiver<HeldClaim>) {
    let mut waiting = Vec::with_capacity(TOGETHER);
    let mut rounds = interval(ROUND);
    loop {
        tokio::select! {
            taken = to_verify.recv_many(&mut waiting, TOGETHER) => {
                if taken == 0 {
                    return;
                }
            }
            _ = rounds.tick() => match shared.machine.adopt().await {
                Ok(adopted) => waiting.extend(adopted),
                Err(error) => warn("looking for claims left by another", &error),
            },
        }
        match shared.machine.verify(&waiting).await {
            Ok(verified) => {
                shared.waiters.wake(&verified);
                shared.to_settle.notify_one();
            }
            // They are still received: adopted when their time is over.
            Err(error) => warn("verifying", &error),
        }
        waiting.clear();
    }
}

/// Settles what is verified, while no other program does.
async fn settle_all(shared: Arc<Shared>, mut ledger: JoinedLedger) {
    let machine = &shared.machine;
    let mut renewed: Option<Instant> = None;
    while !shared.is_stopping() {
        if renewed.is_none_or(|renewed| renewed.elapsed() >= ROUND) {
            match machine.store().take_lease(SETTLEMENT, &machine.program, LEASE).await {
                Ok(Some(_)) => renewed = Some(Instant::now()),
                Ok(None) => {
                    renewed = None;
                    sleep(REST).await;
                    continue;
                }
                Err(error) => {
                    renewed = None;
                    warn("taking the lease of settlement", &error);
                    sleep(REST).await;
                    continue;
                }
            }
        }
        let settled = machine.settle(&mut ledger).await.unwrap_or_else(|error| Settled {
            waits: Some(error.to_string()),
            ..Settled::default()
        });
        shared.waiters.wake(&settled.decided);
        let idle = settled.is_idle();
        let waits = settled.waits.is_some();
        shared.hindrance.send_if_modified(|known| {
            let changed = *known != settled.waits;
            if changed && let Some(reason) = &settled.waits {
                eprintln!("praman: claims wait to be settled: {reason}");
            }
            known.clone_from(&settled.waits);
            changed
        });
        if waits {
            sleep(REST).await;
        } else if idle {
            // Verified by another program, it is found by looking.
            let _ = timeout_at(Instant::now() + REST, shared.to_settle.notified()).await;
        }
    }
}

fn warn(doing: &str, error: &ServiceError) {
    eprintln!("praman: {doing}: {error}");
}
