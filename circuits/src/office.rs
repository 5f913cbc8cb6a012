//! Accredited offices: the leaves of the state tree.

use ark_bn254::Fr;
use serde::{Deserialize, Serialize};

use crate::constraint_system::{ConstraintSystem, Num};
use crate::credential::SchemaId;
use crate::domain::Domain;
use crate::field::public_element;
use crate::merkle::Tree;
use crate::poseidon;

/// Levels of an office's tree of credentials: 262,144 places.
pub const OFFICE_DEPTH: usize = 6;

/// Levels of the state's tree of offices: 4,096 places.
pub const STATE_DEPTH: usize = 4;

/// An office's tree of credential commitments.
pub type OfficeTree = Tree<OFFICE_DEPTH>;

/// The state's tree of accredited offices.
pub type StateTree = Tree<STATE_DEPTH>;

/// An office's number, which is also its place in the state tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OfficeId(pub u32);

public_element! {
    /// The root of an office's tree.
    OfficeRoot
}

public_element! {
    /// The root of the state tree, which speaks for every live credential of every office.
    StateRoot
}

public_element! {
    /// `Poseidon(tag, office id, allowed schema, office root)`.
    OfficeLeaf
}

/// An office's leaf in the state tree; the twin of [`office_leaf_gadget`].
pub fn office_leaf(office: OfficeId, schema: SchemaId, root: OfficeRoot) -> OfficeLeaf {
    let (office, schema) = (Fr::from(office.0), Fr::from(schema.0));
    OfficeLeaf::from_field(office_leaf_element(office, schema, root.to_field()))
}

pub(crate) fn office_leaf_element(office: Fr, schema: Fr, root: Fr) -> Fr {
    poseidon::hash(&[Domain::Office.tag(), office, schema, root])
}

/// An office's leaf in a circuit: 294 rows.
pub fn office_leaf_gadget(
    cs: &mut ConstraintSystem,
    office: &Num,
    schema: &Num,
    root: &Num,
) -> Num {
    let tag = Num::constant(cs, Domain::Office.tag());
    poseidon::hash_gadget(cs, &[&tag, office, schema, root])
}
