//! The statement against honest and dishonest provers.
//!
//! "Refused" always means that the native check *and* the constraints refuse.

use std::collections::HashSet;

use ark_ff::{Field, One, Zero};
use proptest::prelude::*;

use super::*;
use crate::attributes::{Attributes, SLOTS};
use crate::context::Context;
use crate::fixture::{Claim, claim, claim_with};
use crate::merkle::{Path, empty_leaf};
use crate::nullifier::nullifier;
use crate::office::{OfficeId, OfficeRoot, OfficeTree, StateRoot, StateTree, office_leaf};
use crate::payout::{EnvelopeHash, PayoutBlinding, payout};
use crate::period::{Day, Period};
use crate::policy::TierIndex;
use crate::subject::HolderSecret;
use crate::testing::rows_by_wire;
use crate::{circuit, poseidon};

type Public = [Fr; PUBLIC_INPUTS];

fn satisfied(public: &Public, private: &PrivateInputs) -> bool {
    let witness = circuit::eligibility_witness(public, private);
    circuit::eligibility().unsatisfied_row(witness.assignment()).is_none()
}

/// The verdict of both twins, which must agree.
pub(super) fn verdict(public: &Public, private: &PrivateInputs) -> Result<(), Violation> {
    let native = check(public, private);
    assert_eq!(native.is_ok(), satisfied(public, private), "twins disagree on {native:?}");
    native
}

pub(super) fn verdict_of(claim: &Claim) -> Result<(), Violation> {
    verdict(&claim.public().to_fields(), &claim.private())
}

pub(super) fn tier(number: u8) -> TierIndex {
    TierIndex::new(number).expect("a tier")
}

fn public_index(name: &str) -> usize {
    PublicInputs::names().iter().position(|n| n == name).expect("a public input")
}

#[test]
fn honest_claim_holds_for_each_of_its_tiers() {
    for number in 0..4 {
        let mut honest = claim(1);
        honest.tier = tier(number);
        assert_eq!(verdict_of(&honest), Ok(()), "tier {number}");
    }
}

#[test]
fn public_inputs_have_one_documented_order() {
    let names = PublicInputs::names();
    assert_eq!(names.len(), PUBLIC_INPUTS);
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), PUBLIC_INPUTS);
    let first = ["context", "state_root", "as_of", "scheme", "scope", "period", "issued_by"];
    assert_eq!(names[..7], first);
    assert_eq!(names[7..9], ["schema", "clause0.slot"]);
    assert_eq!(names[SHARED_INPUTS..], ["nullifier", "payout_commitment", "envelope_hash"]);
    let circuit = circuit::eligibility();
    assert_eq!(circuit.wire_names()[1..=PUBLIC_INPUTS], names);
    let claim = claim(1);
    let fields = claim.public().to_fields();
    assert_eq!(fields[public_index("as_of")], Fr::from(46_200u64));
    assert_eq!(fields[public_index("tier2.rate")], Fr::from(100u64));
    assert_eq!(fields[public_index("clause2.or_next")], Fr::one());
}

#[test]
fn assign_mode_fills_the_wires_that_compile_mode_names() {
    let claim = claim(1);
    let witness = circuit::eligibility_witness(&claim.public().to_fields(), &claim.private());
    let circuit = circuit::eligibility();
    assert_eq!(witness.assignment().len(), circuit.wires());
    assert_eq!(witness.public(), claim.public().to_fields());
    let secret = circuit.wire_names().iter().position(|n| n == "secret").expect("named");
    assert_eq!(witness.assignment()[secret], claim.claimant.secret.expose());
}

// --- what the named cases of a dishonest prover come to ---

#[test]
fn e1_another_persons_secret_is_refused() {
    let mut thief = claim(1);
    thief.claimant.secret = HolderSecret::from_field(Fr::from(99u64));
    assert_eq!(verdict_of(&thief), Err(Violation::Subject));
}

#[test]
fn e2_credential_of_another_schema_is_refused() {
    // Issued under schema 2 by an office that may issue it; the policy asks for schema 1.
    let other = claim_with(1, |credential| credential.schema.0 = 2);
    assert_eq!(verdict_of(&other), Err(Violation::NotLive));
}

#[test]
fn e3_emptied_credential_is_refused() {
    let mut revoked = claim(1);
    let credential = revoked.claimant.credential.commitment().to_field();
    let mut offices = OfficeTree::new();
    offices.append(&[Fr::from(1u64), credential]).expect("room");
    offices.empty(1).expect("there");
    revoked.claimant.office_path = offices.path(1).expect("there");
    assert_eq!(verdict_of(&revoked), Err(Violation::NotLive));
}

#[test]
fn e3_empty_leaf_is_no_credential() {
    // Every credential's commitment is made inside the statement from its parts, so to claim the
    // empty leaf one would need a preimage of it; the path of an empty place alone gains nothing.
    let mut ghost = claim(1);
    let mut offices = OfficeTree::new();
    offices.append(&[empty_leaf(), Fr::from(1u64)]).expect("room");
    ghost.claimant.office_path = offices.path(0).expect("there");
    rebuild_state(&mut ghost, offices.root());
    assert_eq!(verdict_of(&ghost), Err(Violation::NotLive));
}

#[test]
fn e3_internal_node_and_path_of_another_depth_are_refused() {
    let honest = claim(1);
    let levels = *honest.claimant.office_path.children();
    // One level short: the leaf's parent stands where the leaf should.
    let mut short = claim(1);
    let cut = [levels[1], levels[2], levels[3], levels[4], levels[5], levels[5]];
    short.claimant.office_path = Path::new(cut);
    assert_eq!(verdict_of(&short), Err(Violation::NotLive));
    // One level long: a tree of depth seven whose lowest subtree the office would have hidden.
    let mut long = claim(1);
    let mut shifted = levels;
    shifted[5] = [poseidon::hash(&levels[5]); 8];
    long.claimant.office_path = Path::new(shifted);
    assert!(verdict_of(&long).is_err());
    // An office's root handed in as a credential of the state tree's level.
    let mut swapped = claim(1);
    let state = *honest.claimant.state_path.children();
    swapped.claimant.office_path =
        Path::new([levels[0], levels[1], levels[2], levels[3], state[0], state[1]]);
    assert_eq!(verdict_of(&swapped), Err(Violation::NotLive));
}

/// Puts an office root into a state tree of its own and claims against it.
fn rebuild_state(claim: &mut Claim, office_root: Fr) {
    let root = OfficeRoot::from_field(office_root);
    let schema = claim.claimant.credential.schema;
    let leaf = office_leaf(claim.claimant.office, schema, root).to_field();
    let mut state = StateTree::new();
    state.append(&[leaf]).expect("room");
    claim.claimant.state_path = state.path(0).expect("there");
    claim.checkpoint.state_root = StateRoot::from_field(state.root());
}

#[test]
fn e4_unaccredited_office_is_refused() {
    // A state tree of the forger's own making, against the true root.
    let mut forged = claim(1);
    let root = forged.checkpoint.state_root;
    rebuild_state(&mut forged, Fr::from(5u64));
    forged.checkpoint.state_root = root;
    assert_eq!(verdict_of(&forged), Err(Violation::NotAccredited));
    // A true office under another number.
    let mut renamed = claim(1);
    renamed.claimant.office = OfficeId(4);
    assert_eq!(verdict_of(&renamed), Err(Violation::NotAccredited));
}

#[test]
fn e4_office_that_may_not_issue_the_schema_is_refused() {
    // A credential of the right schema, in the tree of an office that may issue another one only.
    let mut overreaching = claim(1);
    let mut offices = OfficeTree::new();
    offices.append(&[overreaching.claimant.credential.commitment().to_field()]).expect("room");
    overreaching.claimant.office_path = offices.path(0).expect("there");
    let root = OfficeRoot::from_field(offices.root());
    let allowed = crate::credential::SchemaId(2);
    let leaf = office_leaf(overreaching.claimant.office, allowed, root).to_field();
    let mut state = StateTree::new();
    state.append(&[leaf]).expect("room");
    overreaching.claimant.state_path = state.path(0).expect("there");
    overreaching.checkpoint.state_root = StateRoot::from_field(state.root());
    assert_eq!(verdict_of(&overreaching), Err(Violation::NotAccredited));
}

#[test]
fn e5_replacement_can_not_claim_what_is_paid_once() {
    let once = |claims_from| {
        let mut claim = claim_with(1, |credential| credential.claims_from = claims_from);
        claim.scheme_period.period = Period::ONCE;
        verdict_of(&claim)
    };
    assert_eq!(once(Period::ONCE), Ok(()));
    assert_eq!(once(Period(1_517)), Err(Violation::TooNew));
}

#[test]
fn e5_validity_holds_at_its_edges_and_not_beyond() {
    let claim_on = |issued, expires, from| {
        claim_with(1, |credential| {
            credential.issued_on = Day(issued);
            credential.expires_on = Day(expires);
            credential.claims_from = Period(from);
        })
    };
    let on = |issued, expires, from| verdict_of(&claim_on(issued, expires, from));
    assert_eq!(on(46_200, 46_200, 1_517), Ok(()));
    assert_eq!(on(46_201, 46_300, 1_517), Err(Violation::NotYetIssued));
    assert_eq!(on(46_000, 46_199, 1_517), Err(Violation::Expired));
    assert_eq!(on(46_000, 46_200, 1_518), Err(Violation::TooNew));
    assert_eq!(on(0, u32::MAX, 0), Ok(()));
    assert_eq!(on(0, u32::MAX, u32::MAX), Err(Violation::TooNew));
    // Issued in time for the claim's day, but after the day by which the period asks for it.
    let issued_by = |issued: u32, by: u32| {
        let mut claim = claim_on(issued, 46_300, 1_517);
        claim.scheme_period.issued_by = Day(by);
        verdict_of(&claim)
    };
    assert_eq!(issued_by(46_100, 46_100), Ok(()));
    assert_eq!(issued_by(46_101, 46_100), Err(Violation::IssuedTooLate));
    assert_eq!(issued_by(46_101, 0), Err(Violation::IssuedTooLate));
    assert_eq!(issued_by(46_200, u32::MAX), Ok(()));
}

#[test]
fn e6_attributes_that_overflow_or_wrap_are_refused() {
    for slot in 0..SLOTS {
        for wrong in [
            Fr::from(1u64 << 32),
            -Fr::one(),
            -Fr::from(u32::MAX),
            Fr::from(2u64).inverse().expect("not zero"),
        ] {
            let claim = claim(1);
            let mut private = claim.private();
            private.credential.attributes[slot] = wrong;
            let public = reissued(&claim, &mut private);
            assert_eq!(verdict(&public, &private), Err(Violation::Attribute), "slot {slot}");
        }
    }
}

/// Lets a dishonest office issue whatever the private inputs hold, so that E1 to E4 pass.
fn reissued(claim: &Claim, private: &mut PrivateInputs) -> Public {
    let mut offices = OfficeTree::new();
    offices.append(&[private.credential.commitment(Fr::one())]).expect("room");
    private.office_path = offices.path(0).expect("there");
    let root = OfficeRoot::from_field(offices.root());
    let mut state = StateTree::new();
    let schema = claim.claimant.credential.schema;
    state.append(&[office_leaf(claim.claimant.office, schema, root).to_field()]).expect("room");
    private.state_path = state.path(0).expect("there");
    let mut public = claim.public();
    public.checkpoint.state_root = StateRoot::from_field(state.root());
    public.to_fields()
}

#[test]
fn e8_tier_whose_groups_do_not_hold_is_refused() {
    let with = |attributes: [u32; SLOTS], number| {
        let mut claim = claim_with(1, |c| c.attributes = Attributes::new(attributes));
        claim.tier = tier(number);
        verdict_of(&claim)
    };
    let base = [30_000, 2, 2, 7, 1, 41, 0, 84_000, 3];
    let but = |slot: usize, value| {
        let mut attributes = base;
        attributes[slot] = value;
        attributes
    };
    let refused = Err(Violation::NotEligible);
    for (attributes, sc_st, general) in [
        (base, Ok(()), Ok(())),
        (but(0, 24_000), Ok(()), Ok(())),
        (but(0, 23_999), refused, refused),
        (but(0, 36_000), Ok(()), Ok(())),
        (but(0, 36_001), refused, refused),
        (but(1, 1), refused, refused),
        (but(2, 3), Ok(()), Ok(())),
        (but(2, 4), refused, Ok(())),
        (but(4, 0), refused, refused),
    ] {
        assert_eq!(with(attributes, 0), sc_st, "{attributes:?}");
        assert_eq!(with(attributes, 1), general, "{attributes:?}");
    }
}

#[test]
fn e8_no_tier_two_tiers_and_fractions_of_tiers_are_refused() {
    let claim = claim(1);
    let half = Fr::from(2u64).inverse().expect("not zero");
    let one = Fr::one();
    for choice in [
        [one, one, Fr::zero()],
        [one, one, -one],
        [half, half, Fr::zero()],
        [Fr::from(2u64), -one, Fr::zero()],
        [-one, Fr::zero(), Fr::zero()],
    ] {
        let mut private = claim.private();
        private.tier_choice = choice;
        assert_eq!(verdict(&claim.public().to_fields(), &private), Err(Violation::TierChoice));
    }
}

#[test]
fn e9_only_the_tiers_own_amount_can_be_paid() {
    // The third tier: 100 a decimal, at least 4,000, at most 10,000, on the land in slot 5.
    let cases = [(39, 4_000), (40, 4_000), (41, 4_100), (99, 9_900), (100, 10_000), (750, 10_000)];
    for (land, amount) in cases {
        let mut honest = claim_with(1, |credential| {
            credential.attributes = Attributes::new([30_000, 2, 2, 7, 1, land, 0, 84_000, 3]);
        });
        honest.tier = tier(2);
        assert_eq!(verdict_of(&honest), Ok(()));
        // Of another tier, above the cap, below the floor, one off, a wrapped product.
        let wrapped = (land * 100).wrapping_sub(u32::MAX);
        let others = [1_200, 1_000, 10_001, 3_999, amount + 1, amount - 1, land * 100, wrapped];
        for other in others.into_iter().filter(|&other| other != amount) {
            let mut public = honest.public();
            let payee = honest.claimant.credential.payee;
            public.payout = payout(other, payee, honest.envelope, &honest.payout_blinding);
            let refused = verdict(&public.to_fields(), &honest.private());
            assert_eq!(refused, Err(Violation::Payout), "{other} for {land} decimals");
        }
    }
}

#[test]
fn e9_product_that_would_wrap_is_capped_not_wrapped() {
    // rate · slot = (2³² - 1)²: more than 32 bits, less than the field.
    let mut claim = claim_with(1, |credential| {
        credential.attributes = Attributes::new([30_000, 2, 2, 7, 1, u32::MAX, 0, 84_000, 3]);
    });
    claim.tier = tier(2);
    assert_eq!(verdict_of(&claim), Ok(()));
    let amount = claim.scheme_period.policy.amount(&claim.claimant.credential.attributes, tier(2));
    assert_eq!(amount, 10_000);
}

#[test]
fn e10_secret_has_one_nullifier_for_a_ledger_scope_and_period() {
    let honest = claim(1);
    let first = honest.public().nullifier;
    // Everything else that the prover may vary leaves it alone.
    let mut varied = claim_with(1, |credential| {
        credential.salt = crate::credential::CredentialSalt::from_field(Fr::from(12u64));
        credential.attributes = Attributes::new([31_000, 2, 3, 1, 1, 1, 1, 1, 1]);
    });
    varied.tier = tier(1);
    varied.envelope = EnvelopeHash::of(b"another envelope");
    varied.payout_blinding = PayoutBlinding::from_field(Fr::from(3u64));
    assert_eq!(verdict_of(&varied), Ok(()));
    assert_eq!(varied.public().nullifier, first);
    // A second one is refused, whatever it is.
    let (secret, period) = (&honest.claimant.secret, honest.scheme_period.period);
    let (context, scope) = (honest.public().context, honest.scheme_period.scope());
    let other_secret = HolderSecret::from_field(Fr::from(4u64));
    let other_ledger = Context::from_field(Fr::from(4u64));
    let mut grouped = honest.scheme_period.clone();
    grouped.group = Some("women-cash".parse().expect("a group id"));
    for second in [
        nullifier(&other_secret, context, scope, period),
        nullifier(secret, context, scope, Period(1_518)),
        nullifier(secret, other_ledger, scope, period),
        nullifier(secret, context, grouped.scope(), period),
        crate::nullifier::Nullifier::from_field(-first.to_field()),
    ] {
        let mut public = honest.public();
        public.nullifier = second;
        let refused = verdict(&public.to_fields(), &honest.private());
        assert_eq!(refused, Err(Violation::Nullifier));
    }
}

#[test]
fn e10_schemes_of_a_group_have_one_nullifier_in_a_period() {
    let of = |scheme: &str, group: Option<&str>| {
        let mut claim = claim(1);
        claim.scheme_period.scheme = scheme.parse().expect("a scheme id");
        claim.scheme_period.group = group.map(|group| group.parse().expect("a group id"));
        assert_eq!(verdict_of(&claim), Ok(()), "{scheme}");
        claim.public().nullifier
    };
    let group = Some("women-cash");
    assert_eq!(of("lakshmir-bhandar", group), of("annapurna", group));
    assert_ne!(of("lakshmir-bhandar", None), of("annapurna", None));
    assert_ne!(of("lakshmir-bhandar", group), of("lakshmir-bhandar", Some("other")));
}

#[test]
fn e11_another_envelope_than_the_claims_is_refused() {
    let honest = claim(1);
    let mut public = honest.public();
    public.envelope = EnvelopeHash::of(b"an envelope that nobody can open");
    assert_eq!(verdict(&public.to_fields(), &honest.private()), Err(Violation::Payout));
}

#[test]
fn e12_another_scheme_of_the_group_is_another_statement() {
    // Nothing but its own square holds the scheme: without it the proof would serve any scheme of the group
    // whose policy is the same.
    let honest = claim(1);
    let witness = circuit::eligibility_witness(&honest.public().to_fields(), &honest.private());
    let mut assignment = witness.assignment().to_vec();
    assignment[1 + public_index("scheme")] += Fr::one();
    assert!(circuit::eligibility().unsatisfied_row(&assignment).is_some());
}

#[test]
fn e11_another_payee_than_the_registered_one_is_refused() {
    let honest = claim(1);
    let thief = claim(2).claimant.credential.payee;
    // Paid to the thief by the commitment alone.
    let mut public = honest.public();
    public.payout = payout(1_200, thief, honest.envelope, &honest.payout_blinding);
    assert_eq!(verdict(&public.to_fields(), &honest.private()), Err(Violation::Payout));
    // Paid to the thief with the credential's payee changed to fit: the leaf is another one.
    let mut private = honest.private();
    private.credential.payee = thief.to_field();
    assert_eq!(verdict(&public.to_fields(), &private), Err(Violation::NotLive));
}

#[test]
fn every_public_input_stands_in_a_constraint() {
    let circuit = circuit::eligibility();
    let rows = rows_by_wire(circuit);
    for (index, name) in PublicInputs::names().iter().enumerate() {
        assert!(!rows[index + 1].is_empty(), "{name} stands in no row");
    }
}

#[test]
fn public_input_changed_is_refused_or_makes_another_true_statement() {
    // The same wires may satisfy another policy, whose other tiers pay otherwise or whose bounds
    // are wider, or another day by which the credential is issued: that is another statement, true as
    // well. Nothing of the claim's own may change.
    let honest = claim(1);
    let witness = circuit::eligibility_witness(&honest.public().to_fields(), &honest.private());
    let circuit = circuit::eligibility();
    for (index, name) in PublicInputs::names().iter().enumerate() {
        for change in [Fr::one(), -Fr::one(), Fr::from(1u128 << 100)] {
            let mut assignment = witness.assignment().to_vec();
            assignment[index + 1] += change;
            if circuit.unsatisfied_row(&assignment).is_none() {
                assert!(name.contains('.') || name == "issued_by", "{name} may be swapped");
                let mut public = honest.public().to_fields();
                public[index] += change;
                let changed = check(&public, &honest.private());
                let policy = Violation::MalformedPolicy;
                assert!(changed.is_ok() || changed == Err(policy), "{name}: {changed:?}");
            }
        }
    }
}

/// Attributes about the edges of the fixture's clauses.
fn arb_attributes() -> impl Strategy<Value = [u32; SLOTS]> {
    let born = prop_oneof![Just(23_999u32), Just(24_000), Just(36_000), Just(36_001), any::<u32>()];
    let (sex, category, enrolled) = (1u32..=3, 1u32..=4, 0u32..=2);
    (born, sex, category, any::<u32>(), enrolled, any::<u32>()).prop_map(|(b, s, c, x, e, land)| {
        let likely_sex = if s == 3 { 2 } else { s };
        [b, likely_sex, c, x, e, land, x, x, x]
    })
}

#[test]
fn twins_agree_on_any_claim_and_both_verdicts_are_common() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let strategy = (
        any::<u64>(),
        arb_attributes(),
        (46_190u32..=46_201, 46_199u32..46_210),
        1_510u32..=1_518,
        0u8..4,
    );
    let (mut accepted, cases) = (0, 200);
    for _ in 0..cases {
        let tree = strategy.new_tree(&mut runner).expect("a case");
        let (number, attributes, days, claims_from, number_of_tier) = tree.current();
        let mut claim = claim_with(number, |credential| {
            credential.attributes = Attributes::new(attributes);
            credential.issued_on = Day(days.0);
            credential.expires_on = Day(days.1);
            credential.claims_from = Period(claims_from);
        });
        claim.tier = tier(number_of_tier);
        accepted += usize::from(verdict_of(&claim).is_ok());
    }
    assert!((cases / 10..cases * 9 / 10).contains(&accepted), "{accepted} of {cases} accepted");
}
