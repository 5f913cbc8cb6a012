//! Issuing by the service: an office uploads a register, follows what becomes of it and fetches the
//! credentials.
//!
//! What is uploaded and what comes of it is sealed in the store ([`praman_store::sealed_content`]), since it is
//! about people; the register is forgotten once its credentials are issued, these once the office says so
//! or a week has passed. One program at a time works on a register. Its credentials become live in the
//! transaction that keeps them, so that a program that dies has issued all of them or none.

mod applicants;
mod clerk;
mod desk;
mod record;
mod review;
mod upload;

use praman_store::Store;

pub use applicants::{Applicants, Reviewed, Subjects, credential_line, wallet_line};
pub use clerk::IssuingClerk;
pub use desk::whole;
pub use desk::{ContentStream, IssuingDesk, IssuingRefusal, RegisterUploading};
pub use record::IssuingLimits;
pub use review::ReviewVerdict;
pub use review::RowReview;
pub use upload::{
    IssuingFault, RegisterContent, RegisterId, RegisterUpload, UploadOutcome, UploadState,
};

/// Uploaded registers and what was issued to them, in a store.
#[derive(Clone, Copy)]
pub struct IssuingStore<'s>(pub &'s Store);
