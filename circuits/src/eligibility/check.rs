//! The statement's native twin, clause by clause.

use ark_bn254::Fr;
use ark_ff::{One, Zero};

use super::inputs::{PUBLIC_INPUTS, PrivateInputs, PublicParts};
use crate::amount::amount_element;
use crate::merkle::root_of;
use crate::nullifier::nullifier_element;
use crate::office::office_leaf_element;
use crate::payout::payout_element;
use crate::policy::{PolicyFields, TierParts, VALUE_BITS, small_integer, well_formed};
use crate::range::fits;
use crate::subject::subject_element;

/// The first clause of the statement that does not hold, in words for the person who claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The public inputs are no policy.
    #[error("the public inputs are not a policy as the scheme's compiler writes it")]
    MalformedPolicy,
    /// E1.
    #[error("E1: the secret is not the one that the credential was issued to")]
    Subject,
    /// E3.
    #[error("E3: the credential is not live in its office's tree: it was revoked or never issued")]
    NotLive,
    /// E4.
    #[error("E4: the office is not accredited to issue credentials of this scheme's schema")]
    NotAccredited,
    /// E5.
    #[error("E5: the credential's date of issue lies after the day of the claim")]
    NotYetIssued,
    /// E5.
    #[error("E5: the credential was issued too late to claim for this period")]
    IssuedTooLate,
    /// E5.
    #[error("E5: the credential has expired")]
    Expired,
    /// E5.
    #[error("E5: the credential may only claim from a later period on")]
    TooNew,
    /// E6.
    #[error("E6: an attribute of the credential is not an unsigned 32-bit integer")]
    Attribute,
    /// E8.
    #[error("E8: not exactly one tier is chosen")]
    TierChoice,
    /// E8.
    #[error("E8: the scheme's rules for this tier do not hold")]
    NotEligible,
    /// E10.
    #[error("E10: the nullifier is not that of this secret, ledger, scope and period")]
    Nullifier,
    /// E11.
    #[error("E11: the payout commitment is not to this amount, payee and envelope")]
    Payout,
}

/// Checks the statement without a circuit.
///
/// # Errors
/// The first [`Violation`] found. Where the policy's inputs have a policy's types,
/// [`synthesize`](super::synthesize) makes an unsatisfied system exactly then.
pub fn check(public: &[Fr; PUBLIC_INPUTS], private: &PrivateInputs) -> Result<(), Violation> {
    let public = PublicParts::from_fields(public);
    let credential = &private.credential;
    let require = |holds: bool, violation| if holds { Ok(()) } else { Err(violation) };
    require(well_formed(&public.policy), Violation::MalformedPolicy)?;

    // E1
    let subject = subject_element(private.secret, private.blinding);
    require(subject == credential.subject, Violation::Subject)?;

    // E2
    let leaf = credential.commitment(public.policy.schema);

    // E3
    let office_root = root_of(leaf, &private.office_path).ok_or(Violation::NotLive)?;

    // E4
    let leaf = office_leaf_element(private.office, public.policy.schema, office_root);
    let state_root = root_of(leaf, &private.state_path).ok_or(Violation::NotAccredited)?;
    require(state_root == public.state_root, Violation::NotAccredited)?;

    // E5
    let not_after = |earlier: Fr, later: Fr| fits(later - earlier, VALUE_BITS);
    require(not_after(credential.issued_on, public.as_of), Violation::NotYetIssued)?;
    require(not_after(credential.issued_on, public.issued_by), Violation::IssuedTooLate)?;
    require(not_after(public.as_of, credential.expires_on), Violation::Expired)?;
    require(not_after(credential.claims_from, public.period), Violation::TooNew)?;

    // E6
    let mut attributes = [0; 9];
    for (value, element) in attributes.iter_mut().zip(credential.attributes) {
        *value = small_integer(element).ok_or(Violation::Attribute)?;
    }

    // E7, E8
    let tier = chosen_tier(&public.policy, &private.tier_choice)?;
    require(groups_hold(&public.policy, tier, &attributes), Violation::NotEligible)?;

    // E9
    let slot = |element| small_integer(element).expect("a well-formed policy has slots") as usize;
    let value = Fr::from(attributes[slot(tier.slot)]);
    let amount = amount_element(tier.rate, value, tier.floor, tier.cap)
        .expect("a well-formed policy has small numbers");

    // E10
    let parts = [private.secret, public.context, public.scope, public.period];
    let nullifier = nullifier_element(parts);
    require(nullifier == public.nullifier, Violation::Nullifier)?;

    // E11
    let payout = payout_element(amount, credential.payee, public.envelope, private.payout_blinding);
    require(payout == public.payout, Violation::Payout)
    // E12 holds of every scheme.
}

fn chosen_tier<'a>(
    policy: &'a PolicyFields,
    choice: &[Fr],
) -> Result<&'a TierParts<Fr>, Violation> {
    let last = Fr::one() - choice.iter().sum::<Fr>();
    let choice = [choice, &[last]].concat();
    if choice.iter().any(|chosen| !chosen.is_zero() && !chosen.is_one()) {
        return Err(Violation::TierChoice);
    }
    let tier = choice.iter().position(Fr::is_one).ok_or(Violation::TierChoice)?;
    Ok(&policy.tiers[tier])
}

fn groups_hold(policy: &PolicyFields, tier: &TierParts<Fr>, attributes: &[u32; 9]) -> bool {
    let integer = |element| small_integer(element).expect("a well-formed policy has small numbers");
    let required = integer(tier.groups);
    let mut joined = false;
    policy.clauses.iter().enumerate().all(|(number, clause)| {
        let value = attributes[integer(clause.slot) as usize];
        let inside = integer(clause.lo) <= value && value <= integer(clause.hi);
        let holds = joined || inside != clause.negate.is_one();
        joined = holds && clause.or_next.is_one();
        let is_last = number + 1 == policy.clauses.len();
        (required >> number & 1 == 0 || holds) && !(is_last && clause.or_next.is_one())
    })
}
