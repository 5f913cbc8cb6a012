//! The statement against honest and dishonest patients, requesters and providers.
//!
//! "Refused" always means that the native check *and* the constraints refuse.

use ark_ff::{One, Zero};
use proptest::prelude::*;

use super::inputs::PRIVATE_INPUTS;
use super::*;
use crate::access::{AccessLock, access_lock, access_nullifier, lock_element};
use crate::artefact::{AccessMode, Artefact, ConsentTree, ConsentsRoot, Minute, RecordTypes};
use crate::context::Context;
use crate::field::to_decimal;
use crate::fixture::{grant, grant_with};
use crate::health_record::{HandleBlinding, HealthRecord, RecordType, RecordsRoot};
use crate::merkle::empty_leaf;
use crate::period::Day;
use crate::testing::{
    assertions_without_a_lie, clause_table, free_wires, refuses_any_wire_changed_alone,
    undetermined, wires_in_one_row,
};
use crate::{circuit, poseidon};

type Public = [Fr; PUBLIC_INPUTS];

const MODES: [AccessMode; 4] =
    [AccessMode::View, AccessMode::Store, AccessMode::Query, AccessMode::Stream];

const DAY: u32 = 1_440;

fn blinding() -> HandleBlinding {
    HandleBlinding::from_field(Fr::from(5u64))
}

/// The verdict of both twins, which must agree.
fn verdict(public: &Public, private: &PrivateInputs) -> Result<(), Violation> {
    let native = check(public, private);
    let witness = circuit::consent_witness(public, private);
    let satisfied = circuit::consent().unsatisfied_row(witness.assignment()).is_none();
    assert_eq!(native.is_ok(), satisfied, "twins disagree on {native:?}");
    native
}

fn verdict_of((grant, request): &(Grant, Request), number: u32) -> Result<(), Violation> {
    let (public, private) = grant.inputs(*request, number, &blinding());
    verdict(&public.to_fields(), &private)
}

fn changed(change: impl FnOnce(&mut HealthRecord, &mut Artefact)) -> Result<(), Violation> {
    verdict_of(&grant_with(1, change), 0)
}

fn asked(change: impl FnOnce(&mut Request)) -> Result<(), Violation> {
    let (grant, mut request) = grant(1);
    change(&mut request);
    verdict_of(&(grant, request), 0)
}

fn honest() -> (Public, PrivateInputs) {
    let (grant, request) = grant(1);
    let (public, private) = grant.inputs(request, 0, &blinding());
    (public.to_fields(), private)
}

#[test]
fn granted_accesses_hold_and_one_more_is_refused() {
    let granted = grant(1);
    assert_eq!(verdict_of(&granted, 0), Ok(()));
    assert_eq!(verdict_of(&granted, 1), Ok(()));
    assert_eq!(verdict_of(&granted, 2), Err(Violation::Count));
    assert_eq!(verdict_of(&granted, u32::MAX), Err(Violation::Count));
    assert_eq!(changed(|_, consent| consent.frequency.accesses = 0), Err(Violation::Count));
}

#[test]
fn public_inputs_have_one_documented_order() {
    let names = PublicInputs::names();
    assert_eq!(circuit::consent().wire_names()[1..=PUBLIC_INPUTS], names);
    assert_eq!(circuit::consent().private_inputs(), PRIVATE_INPUTS);
    let (public, private) = honest();
    let witness = circuit::consent_witness(&public, &private);
    assert_eq!(witness.public(), public);
    assert_eq!(witness.assignment().len(), circuit::consent().wires());
}

#[test]
fn c1_another_persons_secret_is_refused() {
    let (public, mut private) = honest();
    private.secret += Fr::one();
    assert_eq!(verdict(&public, &private), Err(Violation::Record));
}

#[test]
fn c1_another_persons_record_or_consent_is_refused() {
    // Both are live at this provider, but they are two persons'.
    let (mut mine, request) = grant(1);
    let (theirs, others) = grant(2);
    mine.record = theirs.record.clone();
    mine.record_path = theirs.record_path.clone();
    let request = Request { records: others.records, ..request };
    assert_eq!(verdict_of(&(mine, request), 0), Err(Violation::Record));
    let (mut mine, request) = grant(1);
    mine.artefact = theirs.artefact.clone();
    mine.consent_path = theirs.consent_path.clone();
    let request = Request { consents: others.consents, ..request };
    assert_eq!(verdict_of(&(mine, request), 0), Err(Violation::Consent));
}

#[test]
fn c3_withdrawn_consent_is_refused() {
    let (mut granted, mut request) = grant(1);
    let mut consents = ConsentTree::new();
    consents.append(&[Fr::one(), granted.artefact.commitment().to_field()]).expect("room");
    consents.empty(1).expect("there");
    granted.consent_path = consents.path(1).expect("there");
    request.consents = ConsentsRoot::from_field(consents.root());
    assert_eq!(verdict_of(&(granted, request), 0), Err(Violation::Consent));
    // The path of the empty place gains nothing either.
    let (public, mut private) = honest();
    private.consent_path.children_mut()[0] = [empty_leaf(); 8];
    assert_eq!(verdict(&public, &private), Err(Violation::Consent));
}

#[test]
fn c3_another_requester_or_purpose_is_refused() {
    let refused = Err(Violation::Consent);
    let other = crate::artefact::RequesterId::from_field(Fr::from(78u64));
    assert_eq!(asked(|request| request.requester = other), refused);
    assert_eq!(asked(|request| request.purpose = Purpose::HealthcarePayment), refused);
}

#[test]
fn c3_consent_to_look_is_none_to_keep() {
    for granted in MODES {
        for asked in MODES {
            let (grant, mut request) = grant_with(1, |_, consent| consent.mode = granted);
            request.mode = asked;
            let expected = if granted == asked { Ok(()) } else { Err(Violation::Consent) };
            assert_eq!(verdict_of(&(grant, request), 0), expected, "{granted:?} as {asked:?}");
        }
    }
}

#[test]
fn c4_break_the_glass_and_unknown_purposes_are_never_consent() {
    // Even where a consent to it stands in the provider's tree.
    let refused = Err(Violation::Purpose);
    assert_eq!(changed(|_, consent| consent.purpose = Purpose::BreakTheGlass), refused);
    for purpose in Purpose::OF_CONSENT {
        assert_eq!(changed(|_, consent| consent.purpose = purpose), Ok(()), "{purpose:?}");
    }
}

#[test]
fn c5_type_outside_the_mask_is_refused() {
    for (kind, bit) in RecordType::ALL.into_iter().zip(0u8..) {
        let of = |mask: u8| {
            changed(|record, consent| {
                record.record_type = kind;
                consent.types = RecordTypes(mask);
            })
        };
        assert_eq!(of(1 << bit), Ok(()), "{kind:?}");
        assert_eq!(of(0xff), Ok(()), "{kind:?}");
        assert_eq!(of(!(1 << bit)), Err(Violation::RecordType), "{kind:?}");
        assert_eq!(of(0), Err(Violation::RecordType), "{kind:?}");
    }
    // A record asked for as what it is not.
    let refused = asked(|request| request.record_type = RecordType::Prescription);
    assert_eq!(refused, Err(Violation::Record));
}

#[test]
fn c6_date_range_holds_at_its_edges_and_not_beyond() {
    let on = |day, from, to| {
        changed(|record, consent| {
            (record.date, consent.from, consent.to) = (Day(day), Day(from), Day(to));
        })
    };
    assert_eq!(on(46_100, 46_100, 46_100), Ok(()));
    assert_eq!(on(46_099, 46_100, 46_200), Err(Violation::Date));
    assert_eq!(on(46_201, 46_100, 46_200), Err(Violation::Date));
    // An inverted range covers nothing.
    assert_eq!(on(46_150, 46_200, 46_100), Err(Violation::Date));
    assert_eq!(on(0, 0, u32::MAX), Ok(()));
}

#[test]
fn c7_validity_holds_at_its_edges_and_not_beyond() {
    let at = |begin, end, erase, now: u32| {
        let mut granted = grant_with(1, |_, consent| {
            consent.valid_from = Minute(begin);
            consent.valid_until = Minute(end);
            consent.erase_at = Minute(erase);
        });
        granted.1.as_of = Minute(now);
        verdict_of(&granted, 0)
    };
    assert_eq!(at(1_000, 2_000, 3_000, 1_000), Ok(()));
    assert_eq!(at(1_000, 2_000, 3_000, 999), Err(Violation::NotYetValid));
    assert_eq!(at(1_000, 2_000, 3_000, 1_999), Ok(()));
    assert_eq!(at(1_000, 2_000, 3_000, 2_000), Err(Violation::Ended));
    // A consent that ends in its first minute was never good.
    assert_eq!(at(1_000, 1_000, 3_000, 1_000), Err(Violation::Ended));
    assert_eq!(at(1_000, 2_000, 1_500, 1_499), Ok(()));
    assert_eq!(at(1_000, 2_000, 1_500, 1_500), Err(Violation::Erased));
    assert_eq!(at(0, u32::MAX, u32::MAX, 0), Ok(()));
    assert_eq!(at(0, u32::MAX, u32::MAX, u32::MAX - 1), Ok(()));
}

#[test]
fn c8_another_window_is_refused() {
    let (granted, request) = grant(1);
    for window in [0, 2, 4, 1 << 31] {
        let (mut public, mut private) = granted.inputs(request, 0, &blinding());
        let lock = access_lock(&granted.secret, granted.artefact.commitment(), window);
        public.nullifier = access_nullifier(&lock, request.context, 0);
        private.window = Fr::from(window);
        assert_eq!(verdict(&public.to_fields(), &private), Err(Violation::Window), "{window}");
    }
    // A quotient of the field: another nullifier for the same access, were it not refused.
    let (mut public, mut private) = granted.inputs(request, 0, &blinding());
    let elapsed = Fr::from(request.as_of.0 - granted.artefact.valid_from.0);
    private.window = (elapsed - Fr::from(7u64)) / Fr::from(DAY);
    let consent = granted.artefact.commitment().to_field();
    let lock = AccessLock::from_field(lock_element([private.secret, consent, private.window]));
    public.nullifier = access_nullifier(&lock, request.context, 0);
    assert_eq!(verdict(&public.to_fields(), &private), Err(Violation::Window));
    // A consent of no window's length has no window.
    let none = changed(|_, consent| consent.frequency.window = 0);
    assert_eq!(none, Err(Violation::Window));
}

#[test]
fn c10_access_has_one_nullifier() {
    let (granted, request) = grant(1);
    let (first, _) = granted.inputs(request, 0, &blinding());
    // Another moment of the same window, another handle, another record: the same access.
    let later = Request { as_of: Minute(request.as_of.0 + 600), ..request };
    let other = HandleBlinding::from_field(Fr::from(6u64));
    assert_eq!(granted.inputs(later, 0, &other).0.nullifier, first.nullifier);
    assert_ne!(granted.inputs(later, 1, &other).0.nullifier, first.nullifier);
    let tomorrow = Request { as_of: Minute(request.as_of.0 + DAY), ..request };
    assert_ne!(granted.inputs(tomorrow, 0, &other).0.nullifier, first.nullifier);
    let (mut public, private) = honest();
    public[9] += Fr::one();
    assert_eq!(verdict(&public, &private), Err(Violation::Nullifier));
}

#[test]
fn c10_nullifiers_of_two_ledgers_differ_and_follow_from_one_lock() {
    let (granted, request) = grant(1);
    let other = Request { context: Context::from_field(Fr::from(8u64)), ..request };
    let window = granted.artefact.frequency.window_of(granted.artefact.valid_from, request.as_of);
    let lock = access_lock(&granted.secret, granted.artefact.commitment(), window.expect("begun"));
    for (request, number) in [(request, 0), (request, 1), (other, 0), (other, 1)] {
        let (public, private) = granted.inputs(request, number, &blinding());
        assert_eq!(public.nullifier, access_nullifier(&lock, request.context, number));
        assert_eq!(verdict(&public.to_fields(), &private), Ok(()));
    }
    let here = granted.inputs(request, 0, &blinding()).0.nullifier;
    assert_ne!(here, granted.inputs(other, 0, &blinding()).0.nullifier);
}

#[test]
fn c11_another_handle_is_refused() {
    let (mut public, private) = honest();
    public[8] += Fr::one();
    assert_eq!(verdict(&public, &private), Err(Violation::Handle));
}

#[test]
fn any_public_input_changed_is_refused_but_the_minute() {
    let (public, private) = honest();
    for (place, name) in PublicInputs::names().into_iter().enumerate() {
        let mut other = public;
        other[place] += Fr::one();
        // A minute later is the same access.
        assert_eq!(verdict(&other, &private).is_ok(), name == "as_of", "{name}");
    }
}

#[test]
fn any_private_input_changed_is_refused() {
    let (public, private) = honest();
    let count = private.clone().elements_mut().len();
    assert_eq!(count + 8 * 14, PRIVATE_INPUTS, "every private wire is tampered with");
    for place in 0..count {
        let original = *private.clone().elements_mut()[place];
        for other in [original + Fr::one(), -original - Fr::one(), Fr::from(1u64 << 41), Fr::zero()]
        {
            if other != original {
                let mut tampered = private.clone();
                *tampered.elements_mut()[place] = other;
                assert!(
                    verdict(&public, &tampered).is_err(),
                    "{place} may be {}",
                    to_decimal(other)
                );
            }
        }
    }
    for level in 0..7 {
        for child in 0..8 {
            let mut tampered = private.clone();
            tampered.record_path.children_mut()[level][child] += Fr::one();
            assert_eq!(verdict(&public, &tampered), Err(Violation::Record));
            let mut tampered = private.clone();
            tampered.consent_path.children_mut()[level][child] += Fr::one();
            assert_eq!(verdict(&public, &tampered), Err(Violation::Consent));
        }
    }
}

#[test]
fn any_wire_changed_alone_is_refused() {
    let (public, private) = honest();
    let witness = circuit::consent_witness(&public, &private);
    refuses_any_wire_changed_alone(circuit::consent(), &witness);
}

#[test]
fn no_internal_wire_is_free() {
    let (public, private) = honest();
    let witness = circuit::consent_witness(&public, &private);
    let free = free_wires(circuit::consent(), &witness, PUBLIC_INPUTS + 1 + PRIVATE_INPUTS);
    assert!(free.is_empty(), "free wires: {free:?}");
}

#[test]
fn every_internal_wire_follows_from_the_inputs() {
    let left = undetermined(circuit::consent(), PUBLIC_INPUTS + PRIVATE_INPUTS);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn every_wire_stands_in_at_least_two_rows() {
    let lonely = wires_in_one_row(circuit::consent());
    assert!(lonely.is_empty(), "{lonely:?}");
}

/// Lies of which each is caught by one row alone.
fn lies() -> Vec<(Public, PrivateInputs)> {
    let mut lies = Vec::new();
    let (public, private) = honest();
    // Roots, handle and nullifier.
    for place in [1, 2, 8, 9] {
        let mut other = public;
        other[place] += Fr::one();
        lies.push((other, private.clone()));
    }
    let with = |change: &mut dyn FnMut(&mut HealthRecord, &mut Artefact)| {
        let (grant, request) = grant_with(1, |record, consent| change(record, consent));
        let (public, private) = grant.inputs(request, 0, &blinding());
        (public.to_fields(), private)
    };
    lies.push(with(&mut |_, consent| consent.purpose = Purpose::BreakTheGlass));
    lies.push(with(&mut |_, consent| consent.types = RecordTypes(0)));
    // At one level the node below is not among the children; all above it fits again.
    for cut in 0..14 {
        lies.push(cut_path(cut));
    }
    lies
}

/// Inputs whose path to the records' or the consents' root lacks the node below at one level.
fn cut_path(cut: usize) -> (Public, PrivateInputs) {
    let (mut public, mut private) = honest();
    let (grant, _) = grant(1);
    let (leaf, children, root) = match cut.checked_sub(7) {
        None => (grant.record.commitment().to_field(), private.record_path.children_mut(), 1),
        Some(_) => (grant.artefact.commitment().to_field(), private.consent_path.children_mut(), 2),
    };
    let mut node = leaf;
    for (level, children) in children.iter_mut().enumerate() {
        let cut_here = level == cut % 7;
        for child in children.iter_mut().filter(|child| **child == node) {
            *child += Fr::from(u64::from(cut_here));
        }
        if !cut_here {
            children[3] = node;
        }
        node = poseidon::hash(children);
    }
    public[root] = node;
    (public, private)
}

#[test]
fn no_assertion_can_be_left_out() {
    // For each there is a lie that it alone catches; but for the row that holds the type to be one of
    // eight: no number behind them has the value of a set bit, only fractions.
    let circuit = circuit::consent();
    let lies =
        lies().into_iter().map(|(public, private)| circuit::consent_witness(&public, &private));
    let (assertions, _) = assertions_without_a_lie(circuit, PUBLIC_INPUTS + PRIVATE_INPUTS, lies);
    let clauses: Vec<&str> = assertions
        .iter()
        .map(|&row| {
            crate::constraint_system::ClauseCount::of_row(circuit.clauses(), row).expect("a clause")
        })
        .collect();
    assert_eq!(clauses, ["C5 type"], "rows {assertions:?} catch no lie of their own");
}

#[test]
fn size_is_pinned() {
    let info = circuit::consent().info();
    let expected = [
        "  258 C1 subject",
        " 3215 C2 live record",
        " 3398 C3 live consent",
        "    4 C4 purpose",
        "   24 C5 type",
        "   64 C6 date",
        "   96 C7 validity",
        "  129 C8 window",
        "   64 C9 number",
        "  589 C10 nullifier",
        "  259 C11 handle",
    ];
    assert_eq!(clause_table(circuit::consent()), expected);
    assert_eq!(info.constraints, 8_100);
    assert_eq!(info.public_inputs, 10);
    // Any change of any coefficient shows here: it needs new keys, and so a new version.
    assert_eq!(info.digest, "0ae72e84a62897690c69e32d72081f8356ccbc9db0ab83ad6336192b74dab9b3");
    // The aim of 8,192 rows is met.
    assert_eq!(info.domain, 1 << 13);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn twins_agree_on_random_terms(
        types: u8,
        kind in 0usize..8,
        date in 46_000u32..46_100,
        from in 46_000u32..46_100,
        to in 46_000u32..46_100,
        begin in 0u32..2_000,
        length in 0u32..2_000,
        erase in 0u32..4_000,
        now in 0u32..4_000,
        window in 0u32..500,
        number in 0u32..4,
        accesses in 0u32..4,
    ) {
        let mut granted = grant_with(3, |record, consent| {
            record.record_type = RecordType::ALL[kind];
            record.date = Day(date);
            consent.types = RecordTypes(types);
            (consent.from, consent.to) = (Day(from), Day(to));
            consent.valid_from = Minute(begin);
            consent.valid_until = Minute(begin + length);
            consent.erase_at = Minute(erase);
            consent.frequency.window = window;
            consent.frequency.accesses = accesses;
        });
        granted.1.as_of = Minute(now);
        let holds = RecordTypes(types).contains(RecordType::ALL[kind])
            && (from..=to).contains(&date)
            && (begin..begin + length).contains(&now)
            && now < erase
            && window > 0
            && number < accesses;
        prop_assert_eq!(verdict_of(&granted, number).is_ok(), holds);
    }
}

#[test]
fn records_root_that_is_not_the_providers_is_refused() {
    // A tree of the requester's making against the provider's root.
    let (grant, request) = grant(1);
    let forged = Request { records: RecordsRoot::from_field(Fr::one()), ..request };
    assert_eq!(verdict_of(&(grant, forged), 0), Err(Violation::Record));
}
