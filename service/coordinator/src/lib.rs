//! Ceremonies of keys whose contributors never meet.
//!
//! A [`Coordinator`] hands out the newest file, lets contributors change it in turn, each for a limited time, and signs a
//! receipt for each contribution that it takes. It checks that a file is the newest with one contribution more; `ceremony
//! finish` checks whether keys are right, and made by enough hands. All that it knows is in the
//! store, and what is taken is written in one transaction: killed anywhere, it has either taken a contribution or not.
//!
//! ```
//! use std::path::Path;
//!
//! use ark_bn254::Fr;
//! use praman_ceremony::{CeremonyKey, Constraints, Contributor, Powers};
//! use praman_circuits::circuit::Circuit;
//! use praman_coordinator::{CeremonyName, Coordinator, NewCeremony, TurnState};
//! use praman_files::signing_key;
//! use praman_store::Store;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let square = Circuit::compile("square", |cs| {
//! #     let square = cs.public("square", Fr::from(9u64));
//! #     let root = cs.private("root", Fr::from(3u64));
//! #     cs.enforce(&root, &root, &square);
//! # });
//! # let path = Path::new("a file");
//! # let person = || Contributor::person("Asha", "typed".to_owned().into());
//! # let powers = Powers::parse(path, Powers::begin(3))?.contribute(&person())?;
//! # let powers = Powers::parse(path, powers.file)?.verify()?;
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(folder.path()).await?;
//! let signing_key = signing_key::generate();
//! # let public_key = signing_key::public_text(&signing_key);
//! let coordinator = Coordinator::new(&store, signing_key);
//! let name: CeremonyName = "claims-2026".parse()?;
//! let key = CeremonyKey::begin(path, &Constraints::from(&square), &powers)?;
//! let policy = r#"
//! format = "praman-ceremony-policy-1"
//! circuit = "square"
//! contributions = 2
//! coordinator = "d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737"
//! [phase1]
//! digest = "8f2a5c5f4b0f6a0f3c1d0e9b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c"
//! contributions = 2
//! [beacon]
//! announced = "a draw"
//! exponent = 20
//! [[contributor]]
//! name = "Asha"
//! organisation = "a court"
//! kind = "court"
//! identity = "principal 7"
//! [[contributor]]
//! name = "Bina"
//! organisation = "a university"
//! kind = "university"
//! identity = "principal 8"
//! "#;
//! # let policy = policy.replace("d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737", &public_key);
//! # let policy = &policy;
//! let new = NewCeremony { policy, turn_seconds: 600, file: key.file().to_vec() };
//! coordinator.open(&name, new).await?;
//!
//! // A contributor takes a turn, fetches the newest file, and brings it back with a contribution.
//! let turn = coordinator.take_turn(&name, "principal 7").await?;
//! assert_eq!(turn.state, TurnState::Holding);
//! let newest = CeremonyKey::parse(path, coordinator.newest_file(&name).await?)?;
//! let contributed = newest.contribute(&person())?;
//! let receipt = coordinator.contribute(&name, "principal 7", contributed.file).await?;
//! assert_eq!(receipt.check(), Ok(()));
//! assert_eq!(receipt.number, 1);
//! # Ok(())
//! # }
//! ```

mod desk;
mod error;
mod record;

pub use desk::{Coordinator, Room};
pub use error::CoordinatorError;
pub use record::{
    CeremonyName, CeremonyStatus, MalformedName, NewCeremony, TakenContribution, Turn, TurnState,
};
