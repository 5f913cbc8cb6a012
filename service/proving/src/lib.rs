//! Proofs made for others: kiosks, feature phones, people without a device that proves.
//!
//! The client seals what a proof is made from to a worker's key ([`WorkerPublicKey`]). The service keeps it
//! as it came, in a queue in its store, and can't read it; a worker that holds the key opens it in memory,
//! proves, hands the claim back and wipes it. A worker has a job by a lease: one that dies or hangs loses
//! it, and a result that it delivers later no longer counts.
//!
//! [`ProvingDesk`] is where clients ask; [`Worker`] does the work, in the service itself or on any
//! number of other machines.
//!
//! ```
//! use std::time::Duration;
//!
//! use ed25519_dalek::Signer;
//! use praman_circuits::{attributes::Attributes, context::context, credential::*, office::*};
//! use praman_circuits::{Fr, payee::{Payee, PayeeSalt}, period::{Day, Period}, policy::TierIndex};
//! use praman_claims::Schemes;
//! use praman_holder::claim::{ClaimTerms, CredentialPaths, SubmittedClaim};
//! use praman_holder::envelope::TreasuryPublicKey;
//! use praman_holder::snapshot::{OfficeSnapshot, Snapshot};
//! use praman_holder::wallet::{CredentialFile, Wallet, payee_message, signed_message};
//! use praman_proving::*;
//! use praman_prover::{Arithmetic, FixedKeyEngine, MemoryBudget, Prover, setup};
//! use praman_rules::{schema::RESIDENT, scheme::Scheme};
//! use praman_store::Store;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (wallet, office) = (Wallet::generate(), OfficeId(0));
//! # let payee = Payee { account: "41230011223344".into(), ifsc: "SBIN0001234".into(), name: "R. Bibi".into() };
//! # let salt = PayeeSalt::from_field(Fr::from(5u64));
//! # let credential = Credential {
//! #     schema: RESIDENT.id,
//! #     subject: wallet.subject(),
//! #     issued_on: Day(46_000),
//! #     expires_on: Day(48_000),
//! #     claims_from: Period::ONCE,
//! #     salt: CredentialSalt::from_field(Fr::from(6u64)),
//! #     payee: payee.digest(&salt),
//! #     attributes: Attributes::new([46_000 - 40 * 365, 1, 2, 15, 2, 0, 0, 0, 0]),
//! # };
//! # let key = praman_files::signing_key::generate();
//! # let signature = key.sign(&signed_message(credential.commitment())).to_bytes();
//! # let of_payee = key.sign(&payee_message(office, credential.payee)).to_bytes();
//! # let public = key.verifying_key().to_bytes();
//! # let signatures = [&signature, &of_payee];
//! # let file = CredentialFile::new("WB01", office, 0, &credential, payee, &salt, &public, signatures);
//! # let mut tree = OfficeTree::new();
//! # tree.append(&[credential.commitment().to_field()])?;
//! # let root = OfficeRoot::from_field(tree.root());
//! # let mut state = StateTree::new();
//! # state.append(&[office_leaf(office, RESIDENT.id, root).to_field()])?;
//! # let snapshot = Snapshot::new(StateRoot::from_field(state.root()), Day(46_100), None, vec![OfficeSnapshot {
//! #     office, name: "Block".into(), schema: RESIDENT.id, root, live: 1, standing: true, tree: Some(tree),
//! # }]);
//! // A kiosk has a person's credential and wallet, and the public snapshot (the example of `praman_holder` makes
//! // them). It seals what the proof is made from to the worker's key.
//! let scheme = Scheme::shipped("lakshmir-bhandar").expect("shipped");
//! let period = scheme.parse_period("2026-04")?;
//! let terms = ClaimTerms {
//!     context: context(31_337, [7; 20]),
//!     checkpoint: snapshot.checkpoint(),
//!     scheme: &scheme.in_period(period)?,
//!     treasury: TreasuryPublicKey(praman_files::sealed_box::public_key(&[3; 32])?),
//! };
//! let paths = CredentialPaths::find(&file, &snapshot)?;
//! let tier = TierIndex::new(0).expect("a tier");
//! let worker_key = WorkerKey::generate();
//! let request = ProvingRequest::new(&terms, period, file, &wallet, tier, paths);
//! let sealed = request.seal(&worker_key.public())?;
//!
//! // The service keeps it, and can't read it.
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path()).await?;
//! let desk = ProvingDesk::open(&store, worker_key.public(), QueueLimits::default());
//! let job = desk.ask(NewJob {
//!     tenant: "kiosk".into(),
//!     priority: Priority::Interactive,
//!     worker: worker_key.public(),
//!     sealed,
//!     deadline: Duration::from_secs(60),
//! }).await?;
//!
//! // A worker proves.
//! let circuit = praman_circuits::circuit::eligibility();
//! let keys = setup(circuit, &mut rand::rngs::OsRng)?;
//! let engine = FixedKeyEngine::new(circuit, &keys, MemoryBudget::SMALL, Arithmetic::Fastest);
//! let limits = WorkerLimits::default();
//! let worker = Worker::new(&store, Prover::new(circuit, engine), worker_key, Schemes::shipped(), limits)?;
//! let worker = tokio::spawn(worker.beside(&desk).run(std::future::pending()));
//! let job = desk.finished(job.id, Duration::from_secs(60)).await?.expect("it is kept");
//! assert_eq!(job.state, JobState::Proved);
//! let claim = SubmittedClaim::from_json(&job.claim.expect("proved"))?;
//! assert_eq!(claim.scheme(), &scheme.id);
//! worker.abort();
//! # Ok(())
//! # }
//! ```

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
pub use request::SealRequestError;
pub use request::{ProvingRequest, REQUEST_BYTES};
pub use worker::{Worker, WorkerLimits, guard_memory};
pub use worker_key::{WorkerKey, WorkerPublicKey};

/// Pending proofs and workers, in a store.
#[derive(Clone, Copy)]
pub struct ProvingStore<'s>(pub &'s Store);
