//! Uploaded registers as the service reports them.

use praman_circuits::office::{OfficeId, OfficeRoot};
use praman_register::Counts;
use praman_store::named::{digest_id, named};

digest_id! {
    /// The id of an uploaded register: a random number.
    RegisterId: "a register's id"
}

impl RegisterId {
    pub(super) fn generate() -> Self {
        Self(*praman_files::sealed::random_key())
    }
}

/// What a register is sealed for: moved to another office, or to other options, it does not open.
#[derive(Clone, Copy)]
pub(super) struct SealedFor {
    pub(super) id: RegisterId,
    pub(super) office: OfficeId,
    pub(super) makes_secrets: bool,
}

impl SealedFor {
    /// Returns the purpose that its data key is wrapped for.
    pub(super) fn key_purpose(&self) -> String {
        let Self { id, office, makes_secrets } = self;
        format!("praman register {id} of office {} secrets {makes_secrets}", office.0)
    }

    /// Returns the purpose that a content of it is sealed for.
    pub(super) fn content_purpose(&self, content: RegisterContent) -> String {
        format!("{} {}", self.key_purpose(), content.name())
    }
}

named! {
    /// The state of an uploaded register.
    UploadState {
        /// Stored; not begun yet.
        Waiting = "waiting",
        /// It is checked, and its credentials are made.
        Issuing = "issuing",
        /// Its credentials are live and can be fetched.
        Issued = "issued",
        /// Nothing was issued.
        Failed = "failed",
    }
}

named! {
    /// Why nothing was issued.
    IssuingFault {
        /// The file is not a register.
        NoRegister = "no-register",
        /// The office may not issue to it, or its tree is full.
        Refused = "refused",
        /// It was begun too often.
        GaveUp = "gave-up",
    }
}

named! {
    /// A stored content of a register.
    RegisterContent {
        /// What was uploaded.
        Register = "register",
        /// The credentials, one a line.
        Credentials = "credentials",
        /// The wallets that were made here, one a line.
        Wallets = "wallets",
        /// The result of each row, CSV.
        Report = "report",
        /// Possible duplicates beside their earlier rows, for an officer to review.
        Duplicates = "duplicates",
    }
}

/// What is known about an uploaded register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterUpload {
    /// Its id.
    pub id: RegisterId,
    /// The office that issues to it.
    pub office: OfficeId,
    /// Its state.
    pub state: UploadState,
    /// Why nothing was issued.
    pub reason: Option<IssuingFault>,
    /// What is wrong, and where.
    pub message: Option<String>,
    /// Its bytes.
    pub bytes: u64,
    /// The number of bytes that were read and checked.
    pub checked_bytes: u64,
    /// What was issued.
    pub outcome: Option<UploadOutcome>,
    /// When it was uploaded, in milliseconds since 1970.
    pub uploaded_at: u64,
}

/// What was issued to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadOutcome {
    /// The rows by result.
    pub counts: Counts,
    /// Accepted people who had a live credential of this office.
    pub already_issued: usize,
    /// Accepted people whose register number is in an earlier row: they got no credential.
    pub repeated: usize,
    /// Accepted people without a commitment.
    pub without_subject: usize,
    /// Households that got no credential, and people of whom the row says that they have died: the report says why.
    pub refused: usize,
    /// Accepted people who have a live credential already, under another number or of another office.
    pub enrolled: usize,
    /// Accepted people who may have one: an officer reviews them first.
    pub to_review: usize,
    /// Credentials.
    pub issued: usize,
    /// The office's new root.
    pub root: OfficeRoot,
}
