//! The value that makes a second claim show, and shows nothing else.

use ark_bn254::Fr;

use crate::constraint_system::{ConstraintSystem, Num};
use crate::context::Context;
use crate::domain::Domain;
use crate::field::public_element;
use crate::period::Period;
use crate::poseidon;
use crate::scope::Scope;
use crate::subject::HolderSecret;

public_element! {
    /// `Poseidon(tag, secret, context, scope, period)`: the only one that a secret has on a ledger for a scope
    /// and period.
    Nullifier
}

/// The nullifier of a secret on a ledger for a scope and period; the twin of [`nullifier_gadget`].
pub fn nullifier(
    secret: &HolderSecret,
    context: Context,
    scope: Scope,
    period: Period,
) -> Nullifier {
    let parts = [secret.expose(), context.to_field(), scope.to_field(), Fr::from(period.0)];
    Nullifier::from_field(nullifier_element(parts))
}

pub(crate) fn nullifier_element([secret, context, scope, period]: [Fr; 4]) -> Fr {
    poseidon::hash(&[Domain::Nullifier.tag(), secret, context, scope, period])
}

/// The nullifier in a circuit, of secret, context, scope and period: 318 rows.
pub fn nullifier_gadget(cs: &mut ConstraintSystem, parts: [&Num; 4]) -> Num {
    let tag = Num::constant(cs, Domain::Nullifier.tag());
    let [secret, context, scope, period] = parts;
    poseidon::hash_gadget(cs, &[&tag, secret, context, scope, period])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nullifier_depends_on_secret_context_scope_and_period_alone() {
        let secret = |value: u64| HolderSecret::from_field(Fr::from(value));
        let context = |value: u64| Context::from_field(Fr::from(value));
        let scope = |value: u64| Scope::from_field(Fr::from(value));
        let base = nullifier(&secret(1), context(1), scope(1), Period(1));
        assert_eq!(nullifier(&secret(1), context(1), scope(1), Period(1)), base);
        assert_ne!(nullifier(&secret(2), context(1), scope(1), Period(1)), base);
        assert_ne!(nullifier(&secret(1), context(2), scope(1), Period(1)), base);
        assert_ne!(nullifier(&secret(1), context(1), scope(2), Period(1)), base);
        assert_ne!(nullifier(&secret(1), context(1), scope(1), Period(2)), base);
    }
}
