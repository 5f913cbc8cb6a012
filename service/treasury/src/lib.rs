//! The treasury: opens envelopes, checks that amount and account are those that were proved, writes the
//! bank's files, reads what the bank reports, and reconciles.
//!
//! A batch is drafted in the store, with a transfer for each instalment of each claim, before its file is
//! written, and closed after it. A crash in between leaves a drafted batch, whose file is then written
//! again, the same to the letter: nothing is lost, and a bank that knows a message by its id pays it once.
//! A transfer is known by a reference that names no person. The store holds no account, and amounts only sealed
//! by the treasury's key: both are opened from the envelopes when they are needed.
//!
//! ```
//! use praman_treasury::{BankReport, Outcome};
//!
//! let report = BankReport::read(
//!     r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt>
//!          <GrpHdr><MsgId>S-1</MsgId></GrpHdr>
//!          <OrgnlGrpInfAndSts><OrgnlMsgId>P-1</OrgnlMsgId></OrgnlGrpInfAndSts>
//!          <OrgnlPmtInfAndSts><OrgnlPmtInfId>1</OrgnlPmtInfId><TxInfAndSts>
//!            <OrgnlEndToEndId>0123456789abcdef0123456789abcdef</OrgnlEndToEndId><TxSts>RJCT</TxSts>
//!            <StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>
//!          </TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"#,
//! )?;
//! assert_eq!(report.message, "S-1");
//! assert_eq!(report.transfers[0].outcome, Outcome::Returned(vec!["AC04".to_owned()]));
//! # Ok::<(), praman_treasury::ReportFault>(())
//! ```

mod bank_format;
mod bank_report;
mod booked_on;
mod contested;
mod correction;
mod decisions;
mod drafted_batch;
mod envelopes;
mod key;
mod lost_file;
mod lost_transfers;
mod named_transfers;
mod overview;
mod own_name;
mod payment_file;
mod payout_check;
mod reconciliation;
mod refusal;
mod reissue;
mod release;
mod reporting;
mod restored;
mod resumed;
mod run;
mod same_account;
mod settling;
mod transfer;

use praman_store::Store;

pub use bank_format::{BankFormat, BankFormatFile, ShippedFormat};
pub use bank_report::decode;
pub use bank_report::{
    BankReport, Named, Outcome, ReportFault, ReportKind, ReportedAmount, ReportedTransfer,
    StatementDays,
};
pub use contested::ContestedOutcome;
pub use correction::Correction;
pub use decisions::TreasuryDecisions;
pub use key::{TreasuryKey, read_payout};
pub use lost_file::LostFile;
pub use overview::TransferFigures;
pub use payment_file::Debtor;
pub use payout_check::open_checked;
pub use reconciliation::{Reconciliation, Totals};
pub use refusal::{
    AgainFault, CorrectionFault, OrderFault, OrderRefusal, PaymentError, PaymentRefusal,
    ReleaseFault, RestoredRefusal,
};
pub use reissue::{Reissue, Reissued};
pub use release::KeptFile;
pub use reporting::{Discrepancy, Imported};
pub use resumed::Said;
pub use run::{Paid, PaymentRun};
pub use settling::{
    AcceptedClaim, CHUNKS_TOGETHER, Chunk, FilesTotal, InTheWay, LeftOut, LeftOutReason, Locked,
    OpeningOnLedger, PooledProver, ProvedChunk, Settled, SettlementLedger, SettlementProver,
    SettlementsOnNetwork, Settling, SettlingError, SettlingRefusal, Stands, TotalOpened,
};
pub use transfer::{ReturnedTransfer, TransferReference, TransferState};

/// Orders, reports and what two treasurers decide, in a store.
#[derive(Clone, Copy)]
pub struct TreasuryStore<'s>(pub &'s Store);
