//! What becomes of a requested proof.

use praman_store::broken;
use praman_store::error::StoreError;
use praman_store::named::{digest_id, named};
use serde::Serialize;
use sha2::{Digest, Sha256};

digest_id! {
    /// A job as its client knows it: the digest of what was handed in. Sealed bytes are never the same twice,
    /// so no one else can name it.
    JobId: "a job's id"
}

impl JobId {
    /// Computes the id of a sealed request.
    pub fn of(sealed: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"praman.proving.job.1");
        hasher.update(sealed);
        Self(hasher.finalize().into())
    }
}

named! {
    /// The state of a job.
    JobState {
        /// No worker has it.
        Waiting = "waiting",
        /// A worker has it.
        Proving = "proving",
        /// The claim is there.
        Proved = "proved",
        /// There will be no claim, for a reason.
        Failed = "failed",
    }
}

impl JobState {
    /// Returns whether the state is final.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Proved | Self::Failed)
    }
}

named! {
    /// The order of jobs.
    Priority {
        /// A person waits.
        Interactive = "interactive",
        /// No person waits for this one alone.
        Batch = "batch",
    }
}

impl Priority {
    pub(super) fn column(self) -> i64 {
        match self {
            Self::Interactive => 0,
            Self::Batch => 1,
        }
    }

    pub(super) fn of_column(column: i64) -> Result<Self, StoreError> {
        let known = [Self::Interactive, Self::Batch].into_iter().find(|one| one.column() == column);
        known.ok_or_else(|| broken("a job's priority"))
    }
}

named! {
    /// Why there is no claim. Of what was sealed it reveals only which clause does not hold, and that only
    /// to who sealed it: no one else knows the job's name.
    ProvingFault {
        /// It can't be opened, or holds no request.
        Unreadable = "unreadable",
        /// The worker does not know the scheme, or it has no rules in the period.
        SchemeUnknown = "scheme-unknown",
        /// The statement does not hold.
        NotEligible = "not-eligible",
        /// It was not proved in time.
        DeadlinePassed = "deadline-passed",
        /// The engine failed repeatedly.
        EngineFailed = "engine-failed",
        /// Workers that had it died repeatedly.
        WorkerLost = "worker-lost",
    }
}

impl ProvingFault {
    /// Returns the sentence for the client: what is wrong, and what they can do.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Unreadable => {
                "the worker can't open what was sealed, or it is not a request: get the worker's \
                 key again, and seal the request again"
            }
            Self::SchemeUnknown => "the scheme is not proved here, or has no rules in this period",
            Self::NotEligible => {
                "the statement does not hold: the person does not meet the rules of the tier, or \
                 the state or the credential's time does not fit"
            }
            Self::DeadlinePassed => "no worker was free in time: ask again",
            Self::EngineFailed => "the proof could not be made: ask again, or tell the operator",
            Self::WorkerLost => "the workers that took it stopped: tell the operator",
        }
    }

    /// Returns whether another attempt may succeed.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::EngineFailed)
    }
}

/// What is known of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProvingJob {
    /// The job.
    pub id: JobId,
    /// Who asked first.
    #[serde(skip)]
    pub tenant: String,
    /// Its state.
    pub state: JobState,
    /// Its priority.
    pub priority: Priority,
    /// How often it was begun.
    pub attempts: u32,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ProvingFault>,
    /// The claim, as it is handed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// When it was requested, in milliseconds since 1970.
    pub queued_at: u64,
}
