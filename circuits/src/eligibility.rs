//! The eligibility statement.
//!
//! Clauses E1 to E12 are those of `docs/STATEMENTS.md`; the native check, the constraints and the
//! tests cite the same numbers. Public inputs come in the order of [`PublicInputs::names`]: what all
//! claims of a scheme and period share first, then the claim's own three.

mod check;
mod inputs;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_tests;

use ark_bn254::Fr;

pub use check::{Violation, check};
pub use inputs::{
    Checkpoint, Claimant, EDITION, OWN_INPUTS, PUBLIC_INPUTS, PrivateInputs, PublicInputs,
    SHARED_INPUTS, SchemePeriod,
};

use crate::amount::amount_gadget;
use crate::attributes::AttributeWires;
use crate::constraint_system::ConstraintSystem;
use crate::merkle::root_of_gadget;
use crate::nullifier::nullifier_gadget;
use crate::office::office_leaf_gadget;
use crate::payout::payout_gadget;
use crate::policy::{VALUE_BITS, choose_tier_gadget, enforce_required_gadget, groups_gadget};
use crate::range::to_bits_gadget;
use crate::subject::subject_gadget;
use inputs::{PrivateWires, PublicWires};

/// Builds the statement's constraints and the value of every wire.
///
/// An assignment is made for any inputs. Where the policy's inputs have a policy's types, it
/// satisfies the constraints exactly where [`check`] finds no violation.
pub fn synthesize(
    cs: &mut ConstraintSystem,
    public: &[Fr; PUBLIC_INPUTS],
    private: &PrivateInputs,
) {
    let public = PublicWires::make(cs, public);
    let private = PrivateWires::make(cs, private);
    let credential = &private.credential;

    // E1. I know the secret behind the credential's subject.
    cs.clause("E1 subject", |cs| {
        let subject = subject_gadget(cs, &private.secret, &private.blinding);
        cs.enforce_equal(&subject, &credential.subject);
    });

    // E2. The credential is of the policy's schema: its commitment is made with it.
    let leaf = cs.clause("E2 credential", |cs| credential.commitment(cs, &public.policy.schema));

    // E3. The credential is live: its commitment is a leaf of its office's tree.
    let office_root = cs
        .clause("E3 live in the office tree", |cs| root_of_gadget(cs, &leaf, &private.office_path));

    // E4. The office is accredited for this schema: its leaf is in the state tree.
    cs.clause("E4 accredited office", |cs| {
        let schema = &public.policy.schema;
        let leaf = office_leaf_gadget(cs, &private.office, schema, &office_root);
        let state_root = root_of_gadget(cs, &leaf, &private.state_path);
        cs.enforce_equal(&state_root, &public.state_root);
    });

    // E5. The credential was issued, and in time for this period; it has not expired, and may claim for this
    // period.
    cs.clause("E5 validity", |cs| {
        let since_issue = &public.as_of - &credential.issued_on;
        let in_time = &public.issued_by - &credential.issued_on;
        let until_expiry = &credential.expires_on - &public.as_of;
        let since_first_claim = &public.period - &credential.claims_from;
        cs.scope("issued", |cs| to_bits_gadget(cs, &since_issue, VALUE_BITS));
        cs.scope("in_time", |cs| to_bits_gadget(cs, &in_time, VALUE_BITS));
        cs.scope("expires", |cs| to_bits_gadget(cs, &until_expiry, VALUE_BITS));
        cs.scope("claims_from", |cs| to_bits_gadget(cs, &since_first_claim, VALUE_BITS));
    });

    // E6. Every attribute is an unsigned 32-bit integer.
    cs.clause("E6 attributes", |cs| {
        for (slot, attribute) in credential.attributes.iter().enumerate() {
            cs.indexed_scope("slot", slot, |cs| to_bits_gadget(cs, attribute, VALUE_BITS));
        }
    });
    let attributes = AttributeWires::interpolate(&credential.attributes);

    // E7. The truth of every clause, joined into groups.
    let groups =
        cs.clause("E7 clauses", |cs| groups_gadget(cs, &public.policy.clauses, &attributes));

    // E8. One tier, chosen in private, whose groups all hold.
    let tier = cs.clause("E8 tier", |cs| {
        let tier = choose_tier_gadget(cs, &public.policy.tiers, &private.tier_choice);
        enforce_required_gadget(cs, &tier.groups, &groups);
        tier
    });

    // E9. The amount is that tier's.
    let amount = cs.clause("E9 amount", |cs| {
        let value = attributes.value(cs, &tier.slot);
        amount_gadget(cs, &tier.rate, &value, &tier.floor, &tier.cap)
    });

    // E10. The nullifier is the only one of this secret on this ledger for this scope and period.
    cs.clause("E10 nullifier", |cs| {
        let parts = [&private.secret, &public.context, &public.scope, &public.period];
        let nullifier = nullifier_gadget(cs, parts);
        cs.enforce_equal(&nullifier, &public.nullifier);
    });

    // E11. The payout commitment is to this amount, the registered payee and this envelope.
    cs.clause("E11 payout", |cs| {
        let payee = &credential.payee;
        let (envelope, blinding) = (&public.envelope, &private.payout_blinding);
        let payout = payout_gadget(cs, &amount, payee, envelope, blinding);
        cs.enforce_equal(&payout, &public.payout);
    });

    // E12. The scheme, which nothing above uses, stands in a constraint of its own.
    cs.clause("E12 scheme", |cs| cs.product("squared", &public.scheme, &public.scheme));
}
