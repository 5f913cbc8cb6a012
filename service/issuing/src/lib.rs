//! Issuing by the service: an office uploads a register, follows its progress and fetches the credentials.
//!
//! Uploads and their results are sealed in the store ([`praman_store::sealed_content`]), since they are about
//! people; the register is deleted once its credentials are issued, these once the office says so or a week has
//! passed. One program at a time works on a register. Its credentials become live in the transaction that
//! stores them, so that a program that dies has issued all of them or none.
//!
//! ```
//! use std::time::Duration;
//!
//! use praman_issuing::{IssuingClerk, IssuingDesk, IssuingLimits, RegisterContent, UploadState, whole};
//! use praman_offices::OfficeStore;
//! use praman_rules::schema::RESIDENT;
//! use praman_store::{Store, key_store::MasterKey};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path()).await?;
//! let office = OfficeStore(&store).new_office("Block", &RESIDENT, |_| Ok(())).await?;
//! let number = office.office;
//!
//! // An officer uploads the register. Secrets are made on the holders' behalf, as a kiosk does.
//! let (master, limits) = (MasterKey::in_memory(), IssuingLimits::default());
//! let desk = IssuingDesk::open(&store, vec![office], master, limits).await?;
//! let mut uploading = desk.upload(number, true).await?;
//! uploading.push(include_bytes!("../../data/register.csv")).await?;
//! let id = uploading.finish().await?.id;
//!
//! // A clerk issues to it.
//! let clerk = tokio::spawn(IssuingClerk::new(&desk).run(std::future::pending()));
//! let waits = |upload: &praman_issuing::RegisterUpload| {
//!     matches!(upload.state, UploadState::Waiting | UploadState::Issuing)
//! };
//! let issued = desk.changed(number, id, waits, Duration::from_secs(120)).await?.expect("kept");
//! assert_eq!(issued.outcome.expect("issued").issued, 1_987);
//! let credentials = desk.content(id, RegisterContent::Credentials).await?.expect("made");
//! assert_eq!(whole(credentials).await?.iter().filter(|&&byte| byte == b'\n').count(), 1_987);
//! clerk.abort();
//! # Ok(())
//! # }
//! ```

mod applicants;
mod clerk;
mod desk;
mod new_applicants;
mod record;
mod review;
mod upload;

use praman_store::Store;

pub use applicants::{Applicants, Reviewed, Subjects, credential_line, wallet_line};
pub use clerk::IssuingClerk;
pub use desk::whole;
pub use desk::{ContentStream, IssuingDesk, IssuingRefusal, RegisterUploading};
pub use new_applicants::RefusedApplicant;
pub use record::{IssuingLimits, RowCounts};
pub use review::ReviewVerdict;
pub use review::RowReview;
pub use upload::{
    IssuingFault, RegisterContent, RegisterId, RegisterUpload, UploadOutcome, UploadState,
};

/// Uploaded registers and what was issued to them, in a store.
#[derive(Clone, Copy)]
pub struct IssuingStore<'s>(pub &'s Store);
