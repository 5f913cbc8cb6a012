//! Health records by consent: what the national standard (ABDM) asks and grants, the consents that
//! patients give and withdraw, and the gate that releases a record on a proof.
//!
//! ```text
//! request ─► notice ─► grant, narrowed ─► provider's root ─► proof ─► gate ─► ledger ─► release
//! document   notice    desk, file         provider::publish  access   gate    recorded   erasure
//! ```
//!
//! The consent manager keeps what was asked and granted, sealed. Providers' trees lie in the store and
//! their roots on the ledger. The patient's wallet proves; who checks learns neither who the patient is nor
//! which consent it was.

pub mod access;
mod break_glass;
mod code;
mod desk;
pub mod document;
mod ending;
mod erasure;
mod file;
mod gate;
mod gate_desk;
mod granting;
mod manager;
mod notice;
mod patient;
mod provider;
mod proving;
mod publishing;
mod refusal;
mod signer;
mod sms;
mod telephone;
mod terms;
mod uses;
mod view;

use praman_store::Store;

pub use break_glass::{BreakGlass, EmergencyScope, ReviewOutcome, SignedBy};
pub use code::{purpose_code, purpose_of, type_code, type_of};
pub use desk::{ConsentDesk, KeptConsent, KeptRequest, ReceivedRequest, RequestState};
pub use erasure::{ERASURE_HOURS, ErasureOrder, ErasureReason, erasure_message};
pub use file::{ConsentFile, RecordFile};
pub use gate::{BATCH_MAX, Gate, GateRefusal, Release, Verdict};
pub use gate_desk::{GateDesk, GateDeskError};
pub use manager::{ConsentManager, PatientTag, is_signed};
pub use notice::{LegalBasis, NOTICE_VERSION, Notice};
pub use patient::{ConsoleGateway, MessageGateway};
pub use provider::NamedParticipant;
pub use publishing::publish;
pub use refusal::{ConsentError, ConsentRefusal};
pub use signer::SignerKey;
pub use telephone::{InvalidTelephone, Telephone};
pub use terms::{Granted, Narrowing, PatientAddress, Terms, moment_of, time_of, write_time};
pub use view::page;
pub use view::{PatientView, SeenConsent};

/// Providers, requesters, records and consents, in a store.
#[derive(Clone, Copy)]
pub struct ConsentStore<'s>(pub &'s Store);
