//! The audit log: who did what, when, to what, on which legal basis.
//!
//! Entries are only ever added, each with the hash of the one before it, so that none can be changed, removed
//! or moved without changing all later hashes; and hashes are [anchored](anchor) on the ledger, where they
//! can't be changed. [`verify`] names the first entry that is not as it was written.
//!
//! An entry is written before its action is done: what is not in the log was not done. It names who acts and
//! what the action is on (a register's id, a batch's), and nothing that a document holds.
//!
//! ```
//! use praman_access::{AccessRefusal, Action, Caller};
//! use praman_audit::{AuditStore, verify};
//! use praman_store::Store;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path()).await?;
//! // Authorised, counted and written down; then it is done.
//! let pay = async { Ok::<_, AccessRefusal>("paid") };
//! let by = Caller::operator();
//! AuditStore(&store).perform(&by, Action::Pay, "annapurna 2026-06", pay).await?;
//! assert_eq!(AuditStore(&store).audit_length().await?, 1);
//! assert!(verify(&store, &[], &[], &[]).await?.fault.is_none());
//! # Ok(())
//! # }
//! ```

mod anchor;
mod entry;
mod export;
mod log;
mod perform;
mod verification;

use praman_store::Store;

pub use anchor::{AuditAnchor, anchor};
pub use entry::{AuditEntry, AuditOutcome};
pub use verification::{AuditFault, AuditReport, made_up, verify};

/// The audit log, in a store.
#[derive(Clone, Copy)]
pub struct AuditStore<'s>(pub &'s Store);
