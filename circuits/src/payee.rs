//! Whose account is paid: a digest that the office registers in the credential.

use ark_bn254::Fr;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::domain::Domain;
use crate::field::{digest_to_field, public_element, secret_element};
use crate::poseidon;

secret_element! {
    /// What keeps a payee digest from being guessed from an account number.
    PayeeSalt
}

public_element! {
    /// `Poseidon(tag, digest of account, IFSC and name, payee salt)`.
    PayeeDigest
}

/// A bank account as the treasury pays to it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payee {
    /// Account number, digits only.
    pub account: String,
    /// The branch's IFSC, upper case.
    pub ifsc: String,
    /// The holder's name as the bank has it.
    pub name: String,
}

impl Payee {
    /// The digest that a credential carries.
    ///
    /// The three texts go through SHA-256, each behind its length; no statement opens them.
    pub fn digest(&self, salt: &PayeeSalt) -> PayeeDigest {
        let texts = [self.account.as_bytes(), self.ifsc.as_bytes(), self.name.as_bytes()];
        let account: Fr = digest_to_field(&texts);
        PayeeDigest::from_field(poseidon::hash(&[Domain::Payee.tag(), account, salt.expose()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payee(account: &str, ifsc: &str, name: &str) -> Payee {
        Payee { account: account.into(), ifsc: ifsc.into(), name: name.into() }
    }

    #[test]
    fn payee_digest_depends_on_each_part_its_borders_and_the_salt() {
        let salt = PayeeSalt::from_field(Fr::from(1u64));
        let base = payee("123", "SBIN0000001", "A B").digest(&salt);
        for other in [
            payee("124", "SBIN0000001", "A B"),
            payee("123", "SBIN0000002", "A B"),
            payee("123", "SBIN0000001", "A C"),
            payee("123S", "BIN0000001", "A B"),
        ] {
            assert_ne!(other.digest(&salt), base);
        }
        let resalted = PayeeSalt::from_field(Fr::from(2u64));
        assert_ne!(payee("123", "SBIN0000001", "A B").digest(&resalted), base);
    }
}
