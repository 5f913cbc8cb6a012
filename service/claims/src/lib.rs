//! Claims on the state's side: each a durable state machine.
//!
//! `verified` (kept: its proof holds), `submitted` (on its way to the chain), `accepted` or `refused`,
//! `ordered` (in a bank's file), `paid` or `returned`. A step is one transaction of the store; a claim is
//! accepted by what the ledger's events tell, in the transaction that keeps them. So a program that dies
//! anywhere leaves every claim at a step from which the next program goes on.
//!
//! A claim that does not hold is not kept: it is told so at once, and remembered for a day in bounded room.
//!
//! [`ClaimMachine`] takes the steps; [`ClaimDesk`] runs them side by side for as many clients as come.

mod cause;
mod desk;
mod envelopes;
mod figures;
mod lanes;
mod machine;
mod origin;
mod record;
mod refused;
mod rules;
mod settlement;
mod stages;
mod state;
pub mod terms;
mod verification;

use praman_store::Store;

pub use cause::APPEAL_DAYS;
pub use cause::{Advice, Cause};
pub use desk::{ClaimDesk, ClaimLimits, DeskError};
pub use envelopes::envelopes_of;
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
