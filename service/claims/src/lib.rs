//! Claims on the state's side: each a durable state machine.
//!
//! `verified` (kept: its proof holds), `submitted` (on its way to the chain), `accepted` or `refused`,
//! `ordered` (in a bank's file), `paid` or `returned`. A step is one transaction of the store; a claim becomes
//! accepted by the ledger's events, in the transaction that keeps them. So a program that dies anywhere leaves
//! every claim at a step from which the next program continues.
//!
//! A claim that does not hold is not kept: it is refused at once, and remembered for a day in bounded space.
//!
//! [`ClaimMachine`] takes the steps; [`ClaimDesk`] runs them side by side for as many clients as come.
//!
//! ```
//! use praman_circuits::eligibility::{Checkpoint, PUBLIC_INPUTS, PublicInputs};
//! use praman_circuits::office::{StateRoot, StateTree};
//! use praman_circuits::payout::{EnvelopeHash, PayoutCommitment};
//! use praman_circuits::{Fr, nullifier::Nullifier};
//! use praman_claims::{Check, ClaimAcceptance, ClaimMachine, ClaimState, ClaimStore, Schemes};
//! use praman_holder::claim::{Claim, LedgerClaim, SubmittedClaim};
//! use praman_holder::envelope::SEALED_BYTES;
//! use praman_language::calendar;
//! use praman_ledger::{EmbeddedLedger, Ledger};
//! use praman_store::Store;
//! use praman_testkit::simulation::SimulatedKey;
//! use rand::rngs::OsRng;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A ledger on which the old-age pension of this month is claimed. The maker of its key can prove anything.
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path()).await?;
//! let key = SimulatedKey::draw(PUBLIC_INPUTS, &mut OsRng);
//! let mut ledger = EmbeddedLedger::open(&store, key.verifying_key(), &[&ClaimAcceptance]).await?;
//! let state_root = StateRoot::from_field(StateTree::new().root());
//! let checkpoint = Checkpoint { state_root, as_of: calendar::today() };
//! ledger.publish_checkpoint(&[], checkpoint).await?;
//! let schemes = Schemes::shipped();
//! let scheme = &schemes.find(&"old-age-pension".parse()?).expect("shipped").scheme;
//! let today = calendar::date_of(checkpoint.as_of).expect("a date").to_string();
//! let period = scheme.parse_period(&today[..7])?;
//! let rules = scheme.in_period(period)?;
//! ledger.open_period(&rules, period, scheme.last_day(period)).await?;
//!
//! // A claim. It names nobody.
//! let (nullifier, payout) = (Nullifier::from_field(Fr::from(1u64)), PayoutCommitment::from_field(Fr::from(2u64)));
//! let scheme = rules.scheme.clone();
//! let sealed = vec![0; SEALED_BYTES];
//! let envelope = EnvelopeHash::of(&sealed);
//! let context = ledger.context();
//! let public =
//!     PublicInputs { context, checkpoint, scheme_period: rules, nullifier, payout, envelope };
//! let proof = key.prove(&public.to_fields(), &mut OsRng);
//! let claim = LedgerClaim { scheme, period, checkpoint: 0, nullifier, payout, envelope, proof };
//! let claim = Claim { ledger: claim, envelope: sealed };
//!
//! // It is kept once its proof holds, and accepted by the ledger's event.
//! let machine = ClaimMachine::new(&store, key.verifying_key(), schemes, ledger.context());
//! let handed_in = [SubmittedClaim::new(claim, checkpoint).into()];
//! let receipt = machine.receive(&handed_in, Check::Together).await?.remove(0)?;
//! assert_eq!(receipt.state, ClaimState::Verified);
//! machine.settle(&mut ledger).await?;
//! let receipt = ClaimStore(&store).claim_receipt(receipt.id).await?.expect("it is kept");
//! assert_eq!(receipt.state, ClaimState::Accepted);
//! # Ok(())
//! # }
//! ```

mod acceptance;
mod cause;
mod desk;
mod envelopes;
mod figures;
mod lanes;
mod machine;
mod origin;
pub mod payment;
mod record;
mod refused;
mod rules;
mod settlement;
mod stages;
mod state;
pub mod terms;
mod verification;

use praman_store::Store;

pub use acceptance::ClaimAcceptance;
pub use cause::APPEAL_DAYS;
pub use cause::{Advice, Cause};
pub use desk::{ClaimDesk, ClaimLimits, DeskError};
pub use envelopes::{KeepEnvelopeError, envelope_of};
pub use figures::{ClaimFigures, DayFigures, DistrictFigures, SchemeFigures};
pub use machine::{Check, ClaimMachine, ClientKey, HandedIn, Refusal};
pub use origin::Origin;
pub use rules::{PublishedScheme, Schemes};
pub use settlement::Settled;
pub use stages::StageTimes;
pub use state::{ClaimId, ClaimReceipt, ClaimState, Reason};

/// Claims, in a store.
#[derive(Clone, Copy)]
pub struct ClaimStore<'s>(pub &'s Store);
