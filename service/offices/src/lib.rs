//! Offices and what they issue.
//!
//! ```
//! use praman_holder::wallet::Wallet;
//! use praman_language::calendar::today;
//! use praman_offices::{Application, OfficeStore, Validity};
//! use praman_rules::schema::RESIDENT;
//! use praman_store::{Store, key_store::MasterKey};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sample = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../data/register.csv"));
//! let register = praman_register::check(&sample[..], today(), |_| ())?;
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path()).await?;
//! let offices = OfficeStore(&store);
//! let key = offices.new_office("Howrah", &RESIDENT, |_| Ok(())).await?;
//!
//! // A credential for the register's first person, by the commitment of their wallet.
//! let wallet = Wallet::generate();
//! let applications = vec![Application::new(&register.people()[0], wallet.subject())];
//! let master = MasterKey::in_memory();
//! let issuing = offices.issue(&key, &master, applications, Validity::from_today(today())).await?;
//! let issued = issuing.commit().await?;
//! assert_eq!(issued.credentials.len(), 1);
//!
//! // The office takes it back.
//! let revoked = register.people()[0].register_no().to_owned();
//! offices.revoke(&key, &[revoked]).await?;
//! # Ok(())
//! # }
//! ```

mod application;
pub mod checkpoint;
mod credentials;
mod earlier;
mod error;
mod holder;
mod issuing;
mod office;
pub mod office_key;
mod persons;
mod revocation;
pub mod standing;

use praman_store::Store;

pub use application::{Application, Validity};
pub use credentials::make_credentials;
pub use error::{OfficeError, secret_known};
pub use holder::Holder;
pub use issuing::{Issued, Issuing};
pub use office::{Office, OfficeState, read_offices};
pub use persons::{Applicant, ClaimsFrom, Standing};

/// Offices, what they issued and the state's tree, in a store.
#[derive(Clone, Copy)]
pub struct OfficeStore<'s>(pub &'s Store);
