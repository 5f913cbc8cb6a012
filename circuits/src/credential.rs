//! A credential: what an office attests of a person, as one commitment.

use ark_bn254::Fr;
use serde::{Deserialize, Serialize};

use crate::attributes::{Attributes, SLOTS};
use crate::constraint_system::{ConstraintSystem, Num};
use crate::domain::Domain;
use crate::field::{public_element, secret_element};
use crate::payee::PayeeDigest;
use crate::period::{Day, Period};
use crate::poseidon;
use crate::subject::SubjectCommitment;

/// The number of a schema: what the nine slots mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaId(pub u32);

secret_element! {
    /// What keeps attributes from being guessed from a credential's commitment.
    CredentialSalt
}

public_element! {
    /// A leaf of an office tree.
    CredentialCommitment
}

/// What an office attests; wiped with its attributes, never printed.
#[derive(Clone)]
pub struct Credential {
    /// What the slots mean.
    pub schema: SchemaId,
    /// Whom it is about.
    pub subject: SubjectCommitment,
    /// The day it was issued.
    pub issued_on: Day,
    /// The last day it is good.
    pub expires_on: Day,
    /// The first period it may claim for.
    pub claims_from: Period,
    /// Its salt.
    pub salt: CredentialSalt,
    /// The account that is paid.
    pub payee: PayeeDigest,
    /// The attested values.
    pub attributes: Attributes,
}

impl Credential {
    /// The credential's leaf; its twin on wires is `CredentialWires::commitment`.
    pub fn commitment(&self) -> CredentialCommitment {
        let fields = CredentialFields {
            subject: self.subject.to_field(),
            issued_on: Fr::from(self.issued_on.0),
            expires_on: Fr::from(self.expires_on.0),
            claims_from: Fr::from(self.claims_from.0),
            salt: self.salt.expose(),
            payee: self.payee.to_field(),
            attributes: self.attributes.to_fields(),
        };
        CredentialCommitment::from_field(fields.commitment(Fr::from(self.schema.0)))
    }
}

/// A credential's parts as field elements or as wires, in the order they are hashed.
#[derive(Clone)]
pub struct CredentialParts<T> {
    pub(crate) subject: T,
    pub(crate) issued_on: T,
    pub(crate) expires_on: T,
    pub(crate) claims_from: T,
    pub(crate) salt: T,
    pub(crate) payee: T,
    pub(crate) attributes: [T; SLOTS],
}

impl<T> CredentialParts<T> {
    /// The sixteen inputs of the commitment behind `first`, which is tag and schema.
    fn in_order<'a>(&'a self, first: &'a T) -> [&'a T; 16] {
        let [a, b, c, d, e, f, g, h, i] = self.attributes.each_ref();
        [
            first,
            &self.subject,
            &self.issued_on,
            &self.expires_on,
            &self.claims_from,
            &self.salt,
            &self.payee,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
        ]
    }
}

/// A credential's parts as field elements.
pub(crate) type CredentialFields = CredentialParts<Fr>;

impl CredentialFields {
    pub(crate) fn commitment(&self, schema: Fr) -> Fr {
        let first = Domain::Credential.tag() + schema;
        poseidon::hash(&self.in_order(&first).map(|&part| part))
    }
}

/// A credential's wires.
pub type CredentialWires = CredentialParts<Num>;

impl CredentialWires {
    /// The credential's leaf in a circuit, one permutation of width 17: 609 rows.
    pub fn commitment(&self, cs: &mut ConstraintSystem, schema: &Num) -> Num {
        let first = &Num::constant(cs, Domain::Credential.tag()) + schema;
        poseidon::hash_gadget(cs, &self.in_order(&first))
    }
}
