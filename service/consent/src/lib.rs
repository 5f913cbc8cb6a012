//! Health records by consent: the requests and artefacts of the national standard (ABDM), the consents that
//! patients give and withdraw, and the gate that releases a record on a proof.
//!
//! ```text
//! request ─► notice ─► grant, narrowed ─► manager's root ─► proof ─► gate ─► ledger ─► release
//! document   notice    desk, file         publishing        access   gate    recorded   erasure
//! ```
//!
//! The consent manager keeps what was asked and granted, sealed, and puts the roots of its consents on the ledger:
//! a withdrawal needs nothing of the provider, which puts the root of its records there. A patient whose manager
//! does nothing ends the accesses themselves ([`Withdrawal`]). The patient's wallet proves; a verifier learns neither who the patient is nor which
//! consent it was.
//!
//! ```
//! use jiff::{Timestamp, ToSpan, civil::date};
//! use praman_circuits::health_record::RecordType;
//! use praman_consent::{ConsentDesk, ConsentManager, ConsentStore, Narrowing, PatientAddress};
//! use praman_consent::{SignerKey, document, write_time};
//! use praman_files::sealed::Passphrase;
//! use praman_holder::wallet::Wallet;
//! use praman_language::Language;
//! use praman_ledger::{ManagerNumber, ProviderId, RequesterNumber};
//! use praman_store::{Store, key_store::MasterKey};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A consent manager, a clinic that asks, and a laboratory with a report of a patient's.
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path()).await?;
//! let passphrase = Passphrase::new("a passphrase".to_owned()).expect("not empty");
//! let path = folder.path().join("manager.json");
//! let manager = ConsentManager::generate(&path, "praman-cm", &passphrase, MasterKey::in_memory())?;
//! let desk = ConsentDesk::new(&store, manager);
//! let known = ConsentStore(&store);
//! let key = SignerKey::generate("heart-clinic");
//! known.keep_requester(RequesterNumber(1), "heart-clinic", &key.public()).await?;
//! known.keep_manager(ManagerNumber(3), "praman-cm", &desk.manager().public()).await?;
//! let laboratory = ProviderId(2);
//! known.keep_provider(laboratory, "city-laboratory").await?;
//! let wallet = Wallet::generate();
//! let subject = wallet.at_provider(laboratory).subject();
//! let (kind, day) = (RecordType::DiagnosticReport, date(2026, 5, 4));
//! known.add_record(laboratory, subject, kind, day, b"troponin", |_| Ok(())).await?;
//! let patient = PatientAddress::new("rahima@praman-cm", "patient")?;
//! desk.register_patient(&patient, Language::Bengali, None, &wallet).await?;
//!
//! // The clinic asks, in the national standard's form.
//! let now = Timestamp::now();
//! let erase_at = write_time(now + 720.hours());
//! let asked = document::read(&format!(r#"{{
//!     "requestId": "5f7a535d-a3fd-416b-b069-c97d021fbacd", "timestamp": "{}",
//!     "consent": {{
//!         "purpose": {{ "text": "Care Management", "code": "CAREMGT", "refUri": "www.abdm.gov.in" }},
//!         "patient": {{ "id": "rahima@praman-cm" }}, "hiu": {{ "id": "heart-clinic" }},
//!         "requester": {{ "name": "Dr. S. Sen", "identifier": {{ "type": "REGNO", "value": "WB1" }} }},
//!         "hiTypes": ["DiagnosticReport"],
//!         "permission": {{
//!             "accessMode": "VIEW", "dataEraseAt": "{erase_at}",
//!             "dateRange": {{ "from": "2024-01-01T00:00:00.000Z", "to": "2026-12-31T00:00:00.000Z" }},
//!             "frequency": {{ "unit": "DAY", "value": 1, "repeats": 3 }}
//!         }}
//!     }}
//! }}"#, write_time(now)))?;
//! let request = desk.receive(&asked, now).await?;
//!
//! // The patient grants it for one laboratory, and withdraws.
//! let grant = [Narrowing::none("city-laboratory")];
//! let consents = desk.grant(&request.id, &grant, &wallet, Language::Bengali, now).await?;
//! assert_eq!(desk.withdraw(consents[0].id(), now).await?, laboratory);
//! # Ok(())
//! # }
//! ```

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
pub mod gateway;
mod granting;
mod manager;
mod notice;
mod patient;
mod provider;
mod proving;
mod publishing;
mod refusal;
mod republishing;
mod signer;
mod sms;
mod telephone;
mod terms;
mod time;
mod uses;
mod view;
mod withdrawal;

use praman_store::Store;

pub use break_glass::{BreakGlass, EmergencyScope, ReviewOutcome, SignedBy};
pub use code::{mode_code, mode_of, purpose_code, purpose_of, type_code, type_of};
pub use desk::{
    ConsentDesk, ConsentState, KeptConsent, KeptRequest, ReceivedRequest, RequestState,
};
pub use erasure::{ERASURE_HOURS, ErasureOrder, ErasureReason, erasure_message};
pub use file::{ConsentFile, RecordFile};
pub use gate::{BATCH_MAX, Gate, GateKeyError, GateRefusal, Release, Verdict};
pub use gate_desk::{GateDesk, GateDeskError};
pub use manager::{ConsentManager, PatientTag, is_signed};
pub use notice::{LegalBasis, NOTICE_VERSION, Notice};
pub use patient::{ConsoleGateway, MessageGateway};
pub use provider::{KnownManager, NamedParticipant};
pub use publishing::{publish_consents, publish_records};
pub use refusal::{ConsentError, ConsentFailure, ConsentRefusal, ParticipantRefusal};
pub use republishing::RootRepublishing;
pub use signer::SignerKey;
pub use telephone::{InvalidTelephone, Telephone};
pub use terms::{Granted, Narrowing, PatientAddress, Terms, unknown_types};
pub use time::{minute_of, time_of, write_time};
pub use view::page;
pub use view::{PatientView, SeenConsent};
pub use withdrawal::{ACCESSES_AT_ONCE, EndedAccesses, Withdrawal};

/// Providers, requesters, records and consents, in a store.
#[derive(Clone, Copy)]
pub struct ConsentStore<'s>(pub &'s Store);
