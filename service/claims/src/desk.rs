//! The claim machine at work: two tasks check incoming claims, one settles.
//!
//! Each takes all pending claims at once, so the more come, the less one costs. Pending claims are bounded, and a
//! client that hands in claims that don't hold waits behind all others. When there is no room, a client is asked
//! to try again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use praman_ledger::JoinedLedger;
use praman_store::error::StoreError;
use praman_store::waiters::Waiters;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::lanes::{Batch, Lanes, NoRoom};
use super::machine::{Check, ClaimMachine, HandedIn, Refusal};
use super::origin::{Distrust, Origin};
use super::settlement::Settled;
use super::state::{ClaimId, ClaimReceipt, ClaimState, Reason};
use super::verification::TOGETHER;
use crate::ClaimStore;

/// The lease of the one program that submits claims to the chain.
const SETTLEMENT: &str = "settlement";
const LEASE: Duration = Duration::from_secs(10);

/// How often to look for what another program left, and to renew the lease.
const ROUND: Duration = Duration::from_secs(2);

/// How many batches are checked side by side: one is written while another's proofs are checked.
const SIDE_BY_SIDE: usize = 2;

/// How long to wait after something failed.
const REST: Duration = Duration::from_millis(500);

/// Bounds of pending claims.
#[derive(Clone, Copy, Debug)]
pub struct ClaimLimits {
    /// Claims that wait to be checked: of anyone, and again as many of users.
    pub waiting_max: usize,
    /// When to try again if it is full.
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
    /// Too many claims are pending.
    #[error("too many claims are pending: try again in {} s", .retry_after.as_secs())]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The service is stopping.
    #[error("the service is stopping: try again later")]
    Stopping,
    /// The store failed; handing in the same claim again shows whether it was kept.
    #[error(transparent)]
    Failed(#[from] StoreError),
    /// The same, for claims that were checked together.
    #[error(transparent)]
    FailedTogether(#[from] Arc<StoreError>),
}

struct Intake {
    handed_in: HandedIn,
    origin: Origin,
    answer: oneshot::Sender<Result<ClaimReceipt, DeskError>>,
}

struct Shared {
    machine: ClaimMachine,
    limits: ClaimLimits,
    lanes: Lanes<Intake>,
    distrust: Distrust,
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
    tasks: Arc<tokio::sync::Mutex<JoinSet<()>>>,
}

impl ClaimDesk {
    /// Opens the desk. It settles on a ledger as long as no other program on the same store does.
    pub fn open(machine: ClaimMachine, ledger: JoinedLedger, limits: ClaimLimits) -> Self {
        let shared = Arc::new(Shared {
            machine,
            limits,
            lanes: Lanes::new(limits.waiting_max),
            distrust: Distrust::default(),
            waiters: Waiters::default(),
            to_settle: Notify::new(),
            hindrance: watch::Sender::new(None),
            stopping: AtomicBool::new(false),
        });
        let mut tasks = JoinSet::new();
        for _ in 0..SIDE_BY_SIDE {
            tasks.spawn(receive_all(shared.clone()));
        }
        tasks.spawn(settle_all(shared.clone(), ledger));
        Self { shared, tasks: Arc::new(tokio::sync::Mutex::new(tasks)) }
    }

    /// Returns the machine.
    pub fn machine(&self) -> &ClaimMachine {
        &self.shared.machine
    }

    /// Checks that there is room for one more claim of an origin, before the claim is read.
    ///
    /// # Errors
    /// [`DeskError::Busy`], [`DeskError::Stopping`].
    pub fn require_room(&self, origin: Origin) -> Result<(), DeskError> {
        let shared = &self.shared;
        let room = shared.lanes.has_room(origin, shared.distrust.is_earned(origin));
        room.map_err(|none| shared.told(none))
    }

    /// Hands in a claim; if it holds, it is kept when this returns.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn submit(
        &self,
        handed_in: HandedIn,
        origin: Origin,
    ) -> Result<ClaimReceipt, DeskError> {
        let shared = &self.shared;
        let (answer, answered) = oneshot::channel();
        let distrusted = shared.distrust.is_earned(origin);
        let put = shared.lanes.put(origin, distrusted, Intake { handed_in, origin, answer });
        put.map_err(|none| shared.told(none))?;
        answered.await.map_err(|_| DeskError::Stopping)?
    }

    /// Returns how many claims wait to be checked.
    pub fn waiting(&self) -> usize {
        self.shared.lanes.count()
    }

    /// Returns what is known of a claim.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn receipt(&self, id: ClaimId) -> Result<Option<ClaimReceipt>, StoreError> {
        ClaimStore(self.machine().store()).claim_receipt(id).await
    }

    /// Returns what is known of a claim once its state has changed, or after a while.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn changed(
        &self,
        id: ClaimId,
        is_old: impl Fn(&ClaimReceipt) -> bool,
        patience: Duration,
    ) -> Result<Option<ClaimReceipt>, StoreError> {
        let deadline = Instant::now() + patience;
        loop {
            let waiter = self.shared.waiters.waiter(id);
            let woken = waiter.woken();
            let receipt = self.receipt(id).await?;
            if receipt.as_ref().is_none_or(|receipt| !is_old(receipt)) || Instant::now() >= deadline
            {
                return Ok(receipt);
            }
            // Another program may change it without notifying this one.
            let _ = timeout_at(deadline.min(Instant::now() + REST), woken).await;
        }
    }

    /// Returns why claims wait to be settled; none if they don't.
    pub fn hindrance(&self) -> Option<String> {
        self.shared.hindrance.borrow().clone()
    }

    /// Takes no more claims, finishes those that were handed in, and ends.
    pub async fn shut_down(self) {
        let Self { shared, tasks } = self;
        shared.stopping.store(true, Ordering::Relaxed);
        shared.lanes.close();
        shared.to_settle.notify_one();
        let mut tasks = tasks.lock().await;
        while tasks.join_next().await.is_some() {}
        // Other programs can take over the rest at once.
        let (store, program) = (shared.machine.store(), &shared.machine.program);
        let _ = store.give_back_lease(SETTLEMENT, program).await;
    }
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn told(&self, none: NoRoom) -> DeskError {
        match none {
            NoRoom::Full => DeskError::Busy { retry_after: self.limits.retry_after },
            NoRoom::Closed => DeskError::Stopping,
        }
    }
}

/// Checks incoming claims: all that are pending, in one transaction.
async fn receive_all(shared: Arc<Shared>) {
    while let Some(Batch { waiting, singly }) = shared.lanes.next(TOGETHER).await {
        let check = if singly { Check::Singly } else { Check::Together };
        let (mut claims, mut answers) = (Vec::new(), Vec::new());
        for Intake { handed_in, origin, answer } in waiting {
            claims.push(handed_in);
            answers.push((origin, answer));
        }
        match shared.machine.receive(&claims, check).await {
            Ok(outcomes) => {
                // A flood of claims that don't hold does not wake the settler.
                let to_settle = |receipt: &ClaimReceipt| receipt.state == ClaimState::Verified;
                if outcomes.iter().flatten().any(to_settle) {
                    shared.to_settle.notify_one();
                }
                for (outcome, (origin, answer)) in outcomes.into_iter().zip(answers) {
                    let reason = outcome.as_ref().ok().and_then(|receipt| receipt.reason);
                    if reason == Some(Reason::ProofInvalid) {
                        shared.distrust.remember(origin);
                    }
                    // A client that has disconnected meanwhile finds the receipt by asking again.
                    let _ = answer.send(outcome.map_err(DeskError::from));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for (_, answer) in answers {
                    let _ = answer.send(Err(DeskError::FailedTogether(error.clone())));
                }
            }
        }
    }
}

/// Settles verified claims, as long as no other program does.
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
            match machine.take_over().await {
                Ok(taken) => shared.waiters.wake(&taken),
                Err(error) => warn("looking for claims of an earlier version", &error),
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
                tracing::warn!("claims can't be settled now: {reason}");
            }
            known.clone_from(&settled.waits);
            changed
        });
        if waits {
            sleep(REST).await;
        } else if idle {
            // Claims that another program verified are found by polling.
            let _ = timeout_at(Instant::now() + REST, shared.to_settle.notified()).await;
        }
    }
}

fn warn(doing: &str, error: &StoreError) {
    tracing::warn!("{doing}: {error}");
}
