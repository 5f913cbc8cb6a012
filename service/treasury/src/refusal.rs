//! Why nothing is paid, drafted, written or decided about payments.

use praman_access::DecisionError;
use praman_claims::terms::TermsError;
use praman_files::FileError;
use praman_ledger::LedgerError;
use praman_store::error::StoreError;

/// Why the treasury does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// A payment is refused.
    #[error(transparent)]
    Refused(#[from] PaymentRefusal),
    /// Something about one payment order is refused.
    #[error(transparent)]
    Order(#[from] OrderRefusal),
    /// A restored state does not pay.
    #[error(transparent)]
    Restored(#[from] RestoredRefusal),
    /// A corrected account can't be written.
    #[error(transparent)]
    Correction(#[from] CorrectionFault),
    /// The period is paid on other terms.
    #[error(transparent)]
    Terms(TermsError),
    /// The ledger refuses, or failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PaymentError {
    /// Returns 1 if refused, 2 for wrong use, 3 if failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Restored(RestoredRefusal::SinceAhead) => 2,
            Self::Refused(_) | Self::Order(_) | Self::Restored(_) | Self::Correction(_) => 1,
            Self::Terms(error) => error.exit_code(),
            Self::Ledger(error) => error.exit_code(),
            Self::File(error) => error.exit_code(),
            Self::Store(error) => error.exit_code(),
        }
    }
}

praman_store::from_database!(PaymentError);

impl From<TermsError> for PaymentError {
    fn from(error: TermsError) -> Self {
        match error {
            TermsError::Store(error) => Self::Store(error),
            differs @ TermsError::Differs { .. } => Self::Terms(differs),
        }
    }
}

/// Why a batch is not drafted, approved or written.
#[derive(Debug, thiserror::Error)]
pub enum PaymentRefusal {
    /// Only treasurers pay, where there are two.
    #[error(
        "this state has treasurers, and only they can pay: give the treasurer's key with --as FILE"
    )]
    NotTreasurer,
    /// One of two treasurers is left.
    #[error(
        "there were two treasurers, and one alone can't pay: add another with praman access admit"
    )]
    OneTreasurer,
    /// Two treasurers decide, and the caller is none.
    #[error("two treasurers must approve this: give the treasurer's key with --as FILE")]
    NeedsTreasurer,
    /// Two treasurers decide, and there are not two.
    #[error(
        "two treasurers must approve this, and there are not two: add one with praman access admit"
    )]
    NotTwoTreasurers,
    /// A batch is not as it was approved.
    #[error(
        "batch {0} differs from what was approved: nothing of it goes out; have it denied, and call \
         the auditor"
    )]
    NotAsApproved(String),
    /// A payout of an approved batch can't be opened any more.
    #[error("batch {batch} was approved, but now {reason}")]
    ApprovedUnopened {
        /// The batch.
        batch: String,
        /// Why.
        reason: &'static str,
    },
    /// A batch was approved in another format.
    #[error(
        "batch {batch} was approved to be written in the format {approved}; to write it in another, deny \
         it and pay again"
    )]
    OtherFormat {
        /// The batch.
        batch: String,
        /// The format, as it was approved.
        approved: String,
    },
    /// A batch was approved to be paid from another account.
    #[error(
        "batch {batch} was approved to be paid from {debtor}: give that account with --debtor, or deny \
         the batch (praman access deny {approval}) and pay again"
    )]
    OtherDebtor {
        /// The batch.
        batch: String,
        /// The account, as it was approved.
        debtor: String,
        /// The approval request.
        approval: i64,
    },
    /// A batch is not as it was drafted.
    #[error("batch {0} differs from what was drafted")]
    NotAsDrafted(String),
    /// A payout of a drafted batch can't be opened any more.
    #[error("batch {batch} was drafted, but now {reason}")]
    DraftedUnopened {
        /// The batch.
        batch: String,
        /// Why.
        reason: &'static str,
    },
    /// A batch's file is not written a second time.
    #[error("batch {batch}: {fault}")]
    NotAgain {
        /// The batch.
        batch: String,
        /// Why.
        fault: AgainFault,
    },
    /// An instalment's date leaves the calendar.
    #[error("an instalment's date: {0}")]
    InstalmentDate(jiff::Error),
    /// The bank's file can't be written.
    #[error("the bank's file: {0}")]
    BankFile(std::io::Error),
    /// The bank's own format has no day of payment, and the batch has several.
    #[error(
        "the bank's format does not say on which day a payment is due, and this batch has several days: \
         write split = \"day\" into it"
    )]
    FormatWithoutDay,
    /// A value does not fit into its field of the bank's own format.
    #[error("the bank's file in the format {format:?} can't be written: {fault}")]
    FormatField {
        /// The format's name.
        format: String,
        /// The field, the payment order, and what is wrong.
        fault: String,
    },
    /// A claim is not let go for its account.
    #[error("claim {claim}: {fault}")]
    NotReleased {
        /// The claim's nullifier.
        claim: String,
        /// Why.
        fault: ReleaseFault,
    },
}

/// Why a batch's file is not written a second time.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AgainFault {
    /// There is no such batch.
    #[error("no batch of this scheme and period with this id was sent")]
    NoBatch,
    /// The bank would pay what came back.
    #[error(
        "payment orders of it were returned, paid again or contested since: its file is not written \
         again"
    )]
    Moved,
    /// The bank has answered about it.
    #[error(
        "payment orders of it were paid, returned, paid again or contested since: its file is not written \
         again"
    )]
    Answered,
    /// Nothing was in it.
    #[error("there was nothing to pay in it, or not on this day")]
    Nothing,
    /// Several files were in it.
    #[error("it has a file for each day: give one with --day: {0}")]
    SeveralDays(String),
    /// It would be another file.
    #[error("its file would differ from the one that was sent: it is not written")]
    Differs,
}

/// Why a claim is not let go that was held for its account.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum ReleaseFault {
    /// It is unknown.
    #[error("there is no such accepted claim")]
    NoClaim,
    /// It is being paid.
    #[error("it is already in a batch")]
    InBatch,
    /// It is not held.
    #[error("it is not held: treasury pay and reissue report which claims are held")]
    NotHeld,
}

/// Why something is not done about a payment order.
#[derive(Debug, thiserror::Error)]
#[error("payment order {reference}: {fault}")]
pub struct OrderRefusal {
    /// The payment order.
    pub reference: String,
    /// Why.
    pub fault: OrderFault,
}

impl OrderRefusal {
    /// Creates the refusal about a payment order.
    pub(crate) fn of(reference: impl ToString, fault: OrderFault) -> Self {
        Self { reference: reference.to_string(), fault }
    }
}

/// What is in the way of something about a payment order.
#[derive(Debug, thiserror::Error)]
pub enum OrderFault {
    /// It is unknown.
    #[error("there is no such payment order")]
    Unknown,
    /// It has an order already.
    #[error("it is already drafted")]
    Drafted,
    /// It is not contested.
    #[error("it is not contested")]
    NotContested,
    /// It is not contested any more.
    #[error("it is no longer contested: deny this request")]
    NoLongerContested,
    /// What would be paid in its place is drafted.
    #[error("a payment in its place is drafted: have that batch denied first (access deny)")]
    ReplacementDrafted,
    /// It is being paid again.
    #[error("it is already being paid again")]
    Reissued,
    /// The bank has not returned it.
    #[error("it was not returned")]
    NotReturned,
    /// Another attempt is paid.
    #[error("another payment of the same instalment is paid")]
    InstalmentPaid,
    /// The bank says both.
    #[error(
        "the bank has also reported it as paid: ask the bank, then have two treasurers resolve it: praman \
         treasury resolve"
    )]
    Contested,
    /// The bank says both of another instalment.
    #[error(
        "another instalment of its claim is contested: have two treasurers resolve that first: praman \
         treasury resolve"
    )]
    OtherContested,
    /// It belongs to another scheme or period.
    #[error("it is of another scheme or period")]
    OtherPeriod,
    /// The claim must not be paid.
    #[error("its claim is in dispute")]
    Disputed,
    /// A restore lost the account that it went to.
    #[error(
        "it went to an account that an office had corrected, and this state lost it: give the correction \
         again (--correction)"
    )]
    PayeeLost,
    /// A lost file names another account.
    #[error(
        "the file names another account than the claim: the file is not one of this treasury's"
    )]
    OtherAccount,
    /// The payout can't be opened, or is held.
    #[error("{0}")]
    Payout(&'static str),
    /// The correcting office may not.
    #[error(
        "the office is suspended, debarred or retired on the ledger, and can't correct accounts"
    )]
    OfficeNotStanding,
    /// The corrected account is no account of the person's.
    #[error(
        "the corrected account is not valid, or is not in the name that was proved: a new credential is \
         needed, for the periods to come"
    )]
    CorrectedAccount,
    /// It was corrected before.
    #[error("the payment order was already corrected")]
    Corrected,
    /// An officer has denied the correction.
    #[error("an officer has denied approval request {0}")]
    CorrectionDenied(u32),
    /// An officer has not decided about the correction.
    #[error(
        "the correction is pending approval by officer {officer} of two of office {office}: praman --as \
         THEIR.key access approve {number}, then reissue again"
    )]
    CorrectionWaits {
        /// The first or the second.
        officer: u32,
        /// The office.
        office: u32,
        /// The approval request.
        number: u32,
    },
    /// No office has signed the correction.
    #[error("the correction is not signed by a known office")]
    CorrectionUnsigned,
    /// The office did not register the account.
    #[error(
        "the office did not register the account that was proved: only the office that issued the \
         credential can correct it; if the credential was issued before this was recorded, issue it again"
    )]
    NotRegistrar,
    /// The correction is for another treasury or payment order.
    #[error("the correction is sealed to another treasury or for another payment order")]
    CorrectionOfAnother,
    /// The stored correction has no signature.
    #[error(
        "its correction was stored without the office's signature: give the correction again (praman \
         treasury reissue --correction)"
    )]
    CorrectionWithoutSignature,
}

/// Why an office's correction of an account can't be written.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum CorrectionFault {
    /// No bank takes the account.
    #[error(
        "the payee: an account must have 4 to 34 letters and digits, not only zeros; an IFSC must have \
         four letters, a zero and six letters or digits; a name must not be empty"
    )]
    Payee,
    /// The account and name leave no room.
    #[error("the payee: account and name are too long together")]
    TooLong,
    /// The treasury's key is none.
    #[error("the treasury's public key is not valid")]
    TreasuryKey,
}

/// Why a restored state does not pay, or is not let pay.
#[derive(Debug, thiserror::Error)]
pub enum RestoredRefusal {
    /// It does not know what went out.
    #[error(
        "this state was restored from a backup, and does not know what went to the bank since: import the \
         payment files written since and the bank's statements (praman treasury import), then run praman \
         treasury resume"
    )]
    NotReconciled,
    /// It was not restored, and imports no payment files.
    #[error(
        "this file goes to the bank; only files from the bank are imported, except after a restore"
    )]
    OwnFile,
    /// A lost file is read in another format than it was written in.
    #[error(
        "this file went to the bank before the restore: give the format that it was written in, as it was \
         then"
    )]
    LostFile,
    /// It pays already.
    #[error("this state already pays")]
    Pays,
    /// The clocks contradict each other.
    #[error(
        "this state was backed up later than it was restored, by the clocks that marked it: set this \
         machine's clock, then run praman treasury mark-restored --since TIME, with the time of the \
         backup"
    )]
    Clocks,
    /// The given time has not come.
    #[error("--since lies in the future: give a time that has passed")]
    SinceAhead,
    /// Files are missing.
    #[error(
        "files were sent that this state lost, or that name claims which it does not know, by number {0}: \
         import each file; first submit again the claims that are not known; if a file belongs to another \
         treasury, give --other-treasury; if files or claims are lost for good, give --files-are-lost"
    )]
    FilesMissing(String),
    /// The bank has named a draft.
    #[error(
        "the bank has named {0}, which was drafted when the state was backed up: import its file, or have \
         its batch denied (praman access deny)"
    )]
    DraftNamed(String),
    /// The bank has named what is not known.
    #[error(
        "the bank has named payments that this state does not know: {0}: import the files that they are \
         in (praman treasury import bank/pain.001-….xml), then import the report again; if the files are \
         lost for good, give --files-are-lost"
    )]
    NamedUnknown(String),
    /// Payment orders are known without their file.
    #[error(
        "{0} payment orders are known only from the bank's reports, and others of their files may be on \
         their way: import these files; if they are lost for good, give --files-are-lost"
    )]
    WithoutFile(i64),
    /// Statements are missing.
    #[error(
        "no statement of the bank covers {0} whole: import the statements of each day from the backup to \
         the day after the restore, for the account that payments go out from; for a day without a \
         statement, give --no-statement-of"
    )]
    StatementsMissing(String),
    /// More is known than what was approved.
    #[error(
        "what is known of what went out has changed since this was requested: deny this request, and \
         request it again"
    )]
    Changed,
}

impl From<PaymentError> for DecisionError {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Store(error) => Self::Failed(error),
            PaymentError::File(error) => Self::Failed(error.into()),
            refusal @ (PaymentError::Refused(_)
            | PaymentError::Order(_)
            | PaymentError::Restored(_)
            | PaymentError::Correction(_)
            | PaymentError::Terms(_)
            | PaymentError::Ledger(_)) => Self::Refused(Box::new(refusal)),
        }
    }
}
