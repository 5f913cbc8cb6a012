//! What a holder does: keeps a secret and a credential, takes paths from a public snapshot, and makes claims.
//!
//! Nothing here uses a store, a ledger's node or a network, so it also runs in a browser.
//!
//! ```
//! use ed25519_dalek::Signer;
//! use praman_circuits::{attributes::Attributes, context::context, credential::*, merkle, office::*};
//! use praman_circuits::{Fr, payee::{Payee, PayeeSalt}, period::{Day, Period}, policy::TierIndex};
//! use praman_holder::claim::{ClaimTerms, CredentialPaths};
//! use praman_holder::envelope::TreasuryPublicKey;
//! use praman_holder::snapshot::{OfficeSnapshot, Snapshot};
//! use praman_holder::wallet::{CredentialFile, Wallet, payee_message, signed_message};
//! use praman_rules::{schema::RESIDENT, scheme::Scheme};
//!
//! // An office issues: here with its own key, to a woman of 40 without income.
//! let (wallet, office) = (Wallet::generate(), OfficeId(0));
//! let payee = Payee { account: "41230011223344".into(), ifsc: "SBIN0001234".into(), name: "R. Bibi".into() };
//! let salt = PayeeSalt::from_field(Fr::from(5u64));
//! let credential = Credential {
//!     schema: RESIDENT.id,
//!     subject: wallet.subject(),
//!     issued_on: Day(46_000),
//!     expires_on: Day(48_000),
//!     claims_from: Period::ONCE,
//!     salt: CredentialSalt::from_field(Fr::from(6u64)),
//!     payee: payee.digest(&salt),
//!     attributes: Attributes::new([46_000 - 40 * 365, 1, 2, 15, 2, 0, 0, 0, 0]),
//! };
//! let key = praman_files::signing_key::generate();
//! let signature = key.sign(&signed_message(credential.commitment())).to_bytes();
//! let of_payee = key.sign(&payee_message(office, credential.payee)).to_bytes();
//! let public = key.verifying_key().to_bytes();
//! let file = CredentialFile::new(
//!     "WB01", office, 0, &credential, payee, &salt, &public, [&signature, &of_payee],
//! );
//!
//! // The state publishes a snapshot of its trees.
//! let mut tree = OfficeTree::new();
//! tree.append(&[credential.commitment().to_field()])?;
//! let root = OfficeRoot::from_field(tree.root());
//! let mut state = StateTree::new();
//! state.append(&[office_leaf(office, RESIDENT.id, root).to_field()])?;
//! let snapshot = Snapshot::new(StateRoot::from_field(state.root()), Day(46_100), None, vec![OfficeSnapshot {
//!     office, name: "Block".into(), schema: RESIDENT.id, root, live: 1, standing: true, tree: Some(tree),
//! }]);
//!
//! // The holder claims.
//! let scheme = Scheme::shipped("lakshmir-bhandar").expect("shipped");
//! let terms = ClaimTerms {
//!     context: context(31_337, [7; 20]),
//!     checkpoint: snapshot.checkpoint(),
//!     scheme: &scheme.in_period(scheme.parse_period("2026-04")?)?,
//!     treasury: TreasuryPublicKey(praman_files::sealed_box::public_key(&[3; 32])?),
//! };
//! let paths = CredentialPaths::find(&file, &snapshot)?;
//! let tier = TierIndex::new(0).expect("a tier");
//! let prepared = terms.prepare(&file, &wallet, tier, paths)?;
//! assert_eq!(prepared.envelope.len(), praman_holder::envelope::SEALED_BYTES);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod claim;
pub mod envelope;
mod error;
pub mod snapshot;
pub mod spent;
pub mod subtree;
pub mod wallet;

pub use error::HolderError;
