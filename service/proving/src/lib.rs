//! Proofs made for others: kiosks, feature phones, whoever has no device that proves.
//!
//! What a proof is made from is sealed by who asks to a worker's key ([`WorkerPublicKey`]). The service
//! keeps it as it came, in a queue in its store, and can't read it; a worker that holds the key opens it
//! in memory, proves, hands the claim back and wipes it. A worker has a job by a lease: one that dies or
//! hangs loses it, and what it brings later counts no more.
//!
//! [`ProvingDesk`] is where clients ask; [`Worker`] does the work, in the service itself or on any
//! number of other machines.

mod desk;
mod job;
mod overview;
mod queue;
mod request;
mod worker;
mod worker_key;

use praman_store::Store;

pub use desk::{ProvingDesk, ProvingRefusal};
pub use job::{JobId, JobState, Priority, ProvingFault, ProvingJob};
pub use overview::{BusyWorker, ProvingFigures};
pub use queue::{NewJob, QueueLimits, Queued, TakenJob};
pub use request::{ProvingRequest, REQUEST_BYTES};
pub use worker::{Worker, WorkerLimits, guard_memory};
pub use worker_key::{WorkerKey, WorkerPublicKey};

/// Proofs that wait and workers, in a store.
#[derive(Clone, Copy)]
pub struct ProvingStore<'s>(pub &'s Store);
