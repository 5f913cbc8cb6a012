//! Who excludes whom: schemes of one group, editions of statements, and a ledger that takes another's place.

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolValue};
use ark_ff::PrimeField;
use praman_circuits::Fr;
use praman_circuits::credential::SchemaId;
use praman_circuits::eligibility::{EDITION, SchemePeriod};
use praman_circuits::period::{Day, Period, PeriodKind};
use praman_circuits::policy::Policy;
use praman_circuits::scope::Scope;
use praman_rules::scheme::ClaimPeriod;
use praman_testkit::fixture;
use praman_verifier::contracts::{
    Archives, Claims, Scopes, create_claims_code, create_verifier, policy_data, rules_terms, word,
};

use super::scene::{LAST_DAY, Scene, TODAY, key, offices, own_of, raw};
use crate::chain::Chain;
use crate::contract_ledger::OPERATOR;
use crate::refusal::LedgerRefusal;
use crate::{Ledger, LedgerClaim, LedgerError, Succession, history, text_hash};

/// The month of the fixture, which begins before its checkpoint's day.
const MONTH: Period = Period(1_517);

/// A scheme of the fixture's rules in a month, in a group or in none.
fn scheme(id: &str, group: Option<&str>, period: Period) -> SchemePeriod {
    SchemePeriod {
        scheme: id.parse().expect("an id"),
        group: group.map(|group| group.parse().expect("an id")),
        period,
        ..fixture::claim(1).scheme_period
    }
}

fn monthly(period: Period) -> ClaimPeriod {
    ClaimPeriod { period, window: period }
}

async fn open(scene: &mut Scene, scheme: &SchemePeriod) -> Result<(), LedgerError> {
    scene.ledger.open_period(scheme, monthly(scheme.period), LAST_DAY).await
}

/// The claim of a person, told by their secret's number, to a scheme, bound to the ledger.
fn claim(scene: &mut Scene, person: u64, scheme: &SchemePeriod) -> LedgerClaim {
    let mut fixture = fixture::claim(person);
    fixture.scheme_period = scheme.clone();
    let secret = &fixture.claimant.secret;
    let context = scene.ledger.context();
    let nullifier =
        praman_circuits::nullifier::nullifier(secret, context, scheme.scope(), scheme.period);
    let (_, payout, envelope) = own_of(&fixture.public());
    fixture.checkpoint = fixture::claim(1).checkpoint;
    scene.claim_with(&fixture, 0, monthly(scheme.period), (nullifier, payout, envelope))
}

/// The second in which a day begins in India.
fn day_begins(day: u32) -> u64 {
    u64::from(day - 25_567) * 86_400 - 19_800
}

async fn scene_with_checkpoint() -> Scene {
    let mut scene = Scene::open().await;
    let fixture = fixture::claim(1);
    let published = scene.ledger.publish_checkpoint(&offices(&fixture), fixture.checkpoint).await;
    assert_eq!(published.expect("published"), 0);
    scene
}

fn refusal(outcome: Result<(), LedgerError>) -> LedgerRefusal {
    match outcome {
        Err(LedgerError::Refused(refusal)) => refusal,
        other => panic!("not a refusal: {other:?}"),
    }
}

/// Annapurna takes the place of Lakshmir Bhandar: in that month a woman is paid by one of them.
#[tokio::test]
async fn woman_paid_by_the_old_scheme_is_refused_by_the_new_one_in_the_same_month() {
    let mut scene = scene_with_checkpoint().await;
    let group = Some("women-cash");
    let old = scheme("lakshmir-bhandar", group, MONTH);
    let new = scheme("annapurna", group, MONTH);
    open(&mut scene, &old).await.expect("opened");
    open(&mut scene, &new).await.expect("opened");
    let (by_old, by_new) = (claim(&mut scene, 1, &old), claim(&mut scene, 1, &new));
    assert_eq!(by_old.nullifier, by_new.nullifier, "one person, one nullifier in the group");
    scene.ledger.claim(&by_old).await.expect("accepted");
    for _ in 0..2 {
        let refused = scene.ledger.claim(&by_new).await;
        assert!(matches!(refused, Err(LedgerError::AlreadyClaimed)), "{refused:?}");
    }
    let batch = [claim(&mut scene, 2, &new), by_new.clone()];
    let refused = scene.ledger.claim_batch(&batch).await;
    assert!(matches!(refused, Err(LedgerError::AlreadyClaimed)), "{refused:?}");
    // The other way round for another woman, and in another month for the first.
    scene.ledger.claim(&batch[0]).await.expect("accepted");
    let late = claim(&mut scene, 2, &old);
    let refused = scene.ledger.claim(&late).await;
    assert!(matches!(refused, Err(LedgerError::AlreadyClaimed)), "{refused:?}");
    let earlier = scheme("annapurna", group, Period(1_516));
    open(&mut scene, &earlier).await.expect("opened");
    let next = claim(&mut scene, 1, &earlier);
    scene.ledger.claim(&next).await.expect("another month");
    // A proof for the old scheme is none for the new one, though their rules and nullifiers are the same.
    let third = claim(&mut scene, 3, &old);
    let swapped = LedgerClaim { scheme: new.scheme.clone(), ..third.clone() };
    let refused = scene.ledger.claim(&swapped).await;
    assert!(matches!(refused, Err(LedgerError::ProofInvalid)), "{refused:?}");
    scene.ledger.claim(&third).await.expect("as it was proved");
}

#[tokio::test]
async fn schemes_of_no_group_or_of_another_kind_of_period_do_not_exclude_each_other() {
    let mut scene = scene_with_checkpoint().await;
    let alone = [scheme("pension", None, MONTH), scheme("farmers", None, MONTH)];
    let quarter = SchemePeriod {
        kind: PeriodKind::Quarter,
        ..scheme("quarterly", Some("women-cash"), Period(1_515))
    };
    let month = scheme("monthly", Some("women-cash"), Period(1_515));
    for scheme in alone.iter().chain([&quarter, &month]) {
        open(&mut scene, scheme).await.expect("opened");
        let claim = claim(&mut scene, 1, scheme);
        scene.ledger.claim(&claim).await.expect("accepted");
    }
}

#[tokio::test]
async fn scope_in_contract_is_the_one_that_wallets_compute() {
    let scene = Scene::open().await;
    let target = scene.ledger.network.addresses.scopes;
    for group in [None, Some("women-cash"), Some("pension")] {
        for kind in PeriodKind::ALL {
            let scheme = SchemePeriod { kind, ..scheme("pension", group, MONTH) };
            let terms = rules_terms(&scheme, MONTH);
            let call =
                Scopes::scopeForCall { scheme: terms.scheme, group: terms.group, kind: terms.kind };
            let computed = scene.ledger.network.view(target, &call).await.expect("computed");
            let scope: Scope = scheme.scope();
            assert_eq!(computed, word(scope.to_field()), "{group:?} {kind:?}");
        }
    }
}

#[tokio::test]
async fn change_of_group_frees_no_spent_nullifier_and_begins_with_the_next_period() {
    let mut scene = scene_with_checkpoint().await;
    let once = |group: Option<&str>| SchemePeriod {
        kind: PeriodKind::Once,
        ..scheme("kanyashree-k2", group, Period::ONCE)
    };
    let window = |month: u32| ClaimPeriod { period: Period::ONCE, window: Period(month) };
    scene.ledger.open_period(&once(None), window(1_516), LAST_DAY).await.expect("opened");
    // What is claimed once stays where it began, in whichever month it is opened again.
    let moved = scene.ledger.open_period(&once(Some("girls")), window(1_517), LAST_DAY).await;
    assert_eq!(refusal(moved), LedgerRefusal::OtherScope);
    scene.ledger.open_period(&once(None), window(1_517), LAST_DAY).await.expect("opened");
    // A period that was opened keeps its group; the next one has the new group.
    let group = Some("women-cash");
    open(&mut scene, &scheme("annapurna", None, MONTH)).await.expect("opened");
    let moved = open(&mut scene, &scheme("annapurna", group, MONTH)).await;
    assert!(matches!(refusal(moved), LedgerRefusal::OtherRules(_)));
    open(&mut scene, &scheme("annapurna", group, Period(1_518))).await.expect("opened");
}

#[tokio::test]
async fn scope_has_one_schema_in_a_period() {
    let mut scene = scene_with_checkpoint().await;
    let policy = fixture::policy();
    let of_students =
        Policy::new(SchemaId(2), policy.clauses().as_slice(), policy.tiers().as_slice());
    let of_students = of_students.expect("a policy");
    let group = Some("women-cash");
    open(&mut scene, &scheme("annapurna", group, MONTH)).await.expect("opened");
    let students = SchemePeriod { policy: of_students.clone(), ..scheme("students", group, MONTH) };
    let refused = open(&mut scene, &students).await;
    assert_eq!(refusal(refused), LedgerRefusal::OtherSchema(1));
    // Nor does a scheme that is paid once change its schema from one month to the next: a person who has a credential
    // of each would be paid twice.
    let once =
        SchemePeriod { kind: PeriodKind::Once, ..scheme("kanyashree-k2", None, Period::ONCE) };
    let window = |month: u32| ClaimPeriod { period: Period::ONCE, window: Period(month) };
    scene.ledger.open_period(&once, window(1_516), LAST_DAY).await.expect("opened");
    let moved = SchemePeriod { policy: of_students, ..once };
    let refused = scene.ledger.open_period(&moved, window(1_517), LAST_DAY).await;
    assert_eq!(refusal(refused), LedgerRefusal::OtherSchema(1));
}

/// A nullifier of a group is forgotten once all of the group's openings are sealed; after that nothing of the group
/// opens for the period.
#[tokio::test]
async fn pruning_waits_for_all_openings_of_the_scope() {
    let mut scene = scene_with_checkpoint().await;
    let group = Some("women-cash");
    let (old, new) = (scheme("lakshmir-bhandar", group, MONTH), scheme("annapurna", group, MONTH));
    open(&mut scene, &old).await.expect("opened");
    open(&mut scene, &new).await.expect("opened");
    let paid = claim(&mut scene, 1, &old);
    scene.ledger.claim(&paid).await.expect("accepted");
    let seal = async |scene: &mut Scene, opening: u32| {
        let reason = text_hash("the period is over");
        scene.call(&Claims::closeOpeningCall { opening, reason }).await.expect("closed");
        let seal = history::seal(&mut scene.ledger.network, opening).await.expect("a seal");
        let (count, root) = (seal.claims.len() as u64, seal.root());
        let propose = Archives::proposeSealCall { opening, count, root };
        scene.archive(&propose).await.expect("proposed");
        // On a network of one operator nobody could confirm it: the auditor is another account here.
        let auditor = Address::repeat_byte(30);
        let network = &mut scene.ledger.network;
        if network.participant_of(crate::Role::Auditor, auditor).await.expect("a number") == 0 {
            let members = [OPERATOR];
            let by = crate::network::Approver::Committee(&members);
            network
                .admit(auditor, crate::Role::Auditor, 0, by, text_hash("auditor"))
                .await
                .expect("admitted");
        }
        let confirm = Archives::confirmSealCall { opening, count, root };
        let archives = scene.ledger.network.addresses.archives;
        scene.send(auditor, archives, &confirm).await.expect("confirmed");
        seal
    };
    let sealed = seal(&mut scene, 0).await;
    let (nullifier, payout) = sealed.claims[0];
    let prune = Archives::pruneCall {
        opening: 0,
        place: 0,
        nullifier,
        payoutCommitment: payout,
        path: sealed.path(0),
    };
    let refused = scene.archive(&prune).await.map(drop);
    assert_eq!(refusal(refused), LedgerRefusal::Unsealed(1));
    let again = claim(&mut scene, 1, &new);
    let refused = scene.ledger.claim(&again).await;
    assert!(matches!(refused, Err(LedgerError::AlreadyClaimed)), "{refused:?}");
    seal(&mut scene, 1).await;
    // Nor before the month is over: another scheme of the group may still open it.
    scene.ledger.network.chain.set_timestamp(day_begins(46_202) - 1);
    let early = scene.archive(&prune).await.map(drop);
    assert_eq!(refusal(early), LedgerRefusal::PeriodNotOver);
    scene.ledger.network.chain.set_timestamp(day_begins(46_202));
    scene.archive(&prune).await.expect("pruned");
    scene.ledger.set_day(TODAY);
    let third = scheme("third", group, MONTH);
    assert_eq!(refusal(open(&mut scene, &third).await), LedgerRefusal::Pruned);
}

/// Brings the claims' code under a key of the next edition.
async fn upgrade_edition(scene: &mut Scene, seed: u64) -> Address {
    let addresses = scene.ledger.network.addresses;
    let newer = key(seed);
    let chain = &mut scene.ledger.network.chain;
    let code = create_verifier(newer.verifying_key(), EDITION + 1, addresses.committee);
    let created = chain.send(OPERATOR, None, code).await;
    let verifier = created.expect("deployed").created.expect("there");
    let code = create_claims_code(verifier, &addresses);
    let implementation =
        chain.send(OPERATOR, None, code).await.expect("deployed").created.expect("there");
    let retire = Claims::retireKeyCall { verifier: addresses.verifier, until: u64::MAX };
    let upgrade = Claims::upgradeToAndCallCall {
        newImplementation: implementation,
        data: retire.abi_encode().into(),
    };
    scene.committee(addresses.claims, &upgrade).await.expect("upgraded");
    scene.key = newer;
    addresses.verifier
}

/// The contract's error that a refusal names.
fn reverted(outcome: Result<u64, LedgerError>) -> String {
    match outcome {
        Err(LedgerError::Refused(refusal)) => refusal.to_string(),
        other => panic!("not a refusal: {other:?}"),
    }
}

/// A period that was opened under one edition takes no claim under another: nullifiers differ, so a person could be
/// paid twice. What is claimed once goes on under the edition that it began with.
#[tokio::test]
async fn no_period_is_claimed_under_two_editions() {
    let mut scene = scene_with_checkpoint().await;
    let month = scheme("annapurna", None, MONTH);
    let once =
        SchemePeriod { kind: PeriodKind::Once, ..scheme("kanyashree-k2", None, Period::ONCE) };
    let window = |month: u32| ClaimPeriod { period: Period::ONCE, window: Period(month) };
    open(&mut scene, &month).await.expect("opened");
    scene.ledger.open_period(&once, window(1_516), LAST_DAY).await.expect("opened");
    let claims = [claim(&mut scene, 1, &month), claim(&mut scene, 2, &month)];
    scene.ledger.claim(&claims[0]).await.expect("accepted");
    let older_key = std::mem::replace(&mut scene.key, key(3));
    let older = upgrade_edition(&mut scene, 8).await;

    // Under the new edition's key the open period takes no claim, not even when it is folded again.
    let under_new = claim(&mut scene, 3, &month);
    let refold = Claims::refoldCall {
        terms: rules_terms(&month, MONTH),
        policy: policy_data(&month.policy),
        opening: 0,
    };
    for _ in 0..2 {
        let refused = scene.ledger.claim(&under_new).await.map(|receipt| receipt.gas_used);
        assert!(reverted(refused).contains("KeyNotGood"), "no fold under the new key");
        scene.call(&refold).await.expect("folded, under the key of its own edition");
    }
    // The claim in flight is taken under its own edition's key.
    let under = |claim: &LedgerClaim, opening: u32, verifier: Address| {
        let Claims::claimCall { checkpoint, own, proof, .. } = raw(claim);
        Claims::claimUnderCall { verifier, opening, checkpoint, own, proof }
    };
    scene.call(&under(&claims[1], 0, older)).await.expect("accepted");

    // A period of the new edition takes no claim under the older key.
    let before = scheme("before", None, Period(1_516));
    open(&mut scene, &before).await.expect("first opened under the new edition");
    let newer_key = std::mem::replace(&mut scene.key, older_key);
    let crossed = claim(&mut scene, 4, &before);
    let refused = scene.call(&under(&crossed, 2, older)).await;
    assert!(reverted(refused).contains("KeyNotGood"), "an older key, a newer period");

    // A benefit claimed once opens its next month under the edition that it began with.
    scene.ledger.open_period(&once, window(1_517), LAST_DAY).await.expect("opened");
    let target = scene.ledger.network.addresses.claims;
    let opened = Claims::openingAtCall { opening: 3 };
    let opened = scene.ledger.network.view(target, &opened).await.expect("there");
    assert_eq!(opened.edition, EDITION);
    let first = claim(&mut scene, 5, &once);
    scene.call(&under(&first, 3, older)).await.expect("accepted under its edition's key");
    let again = scene.call(&under(&first, 1, older)).await;
    assert!(matches!(again, Err(LedgerError::AlreadyClaimed)), "once in a life: {again:?}");
    // Nobody claims it under the new edition.
    scene.key = newer_key;
    let other = claim(&mut scene, 6, &once);
    let refused = scene.call(&Claims::claimCall { opening: 3, ..raw(&other) }).await;
    assert!(reverted(refused).contains("KeyNotGood"));
}

/// Another scheme of a group whose period was opened under one edition opens it under the same: a person who was paid has
/// one nullifier.
#[tokio::test]
async fn period_of_one_edition_does_not_open_under_another() {
    let mut scene = scene_with_checkpoint().await;
    let group = Some("women-cash");
    let old = scheme("lakshmir-bhandar", group, MONTH);
    open(&mut scene, &old).await.expect("opened");
    let paid = claim(&mut scene, 1, &old);
    scene.ledger.claim(&paid).await.expect("accepted");
    let older_key = std::mem::replace(&mut scene.key, key(3));
    let older = upgrade_edition(&mut scene, 8).await;
    let new = scheme("annapurna", group, MONTH);
    open(&mut scene, &new).await.expect("opened");
    let target = scene.ledger.network.addresses.claims;
    for (opening, edition) in [(0, EDITION), (1, EDITION)] {
        let opened = Claims::openingAtCall { opening };
        let opened = scene.ledger.network.view(target, &opened).await.expect("there");
        assert_eq!(opened.edition, edition);
    }
    scene.key = older_key;
    let again = claim(&mut scene, 1, &new);
    let Claims::claimCall { checkpoint, own, proof, .. } = raw(&again);
    let under = Claims::claimUnderCall { verifier: older, opening: 1, checkpoint, own, proof };
    let refused = scene.call(&under).await;
    assert!(matches!(refused, Err(LedgerError::AlreadyClaimed)), "{refused:?}");
    // The next month begins under the new edition.
    open(&mut scene, &scheme("annapurna", group, Period(1_518))).await.expect("opened");
    let opened = scene.ledger.network.view(target, &Claims::openingAtCall { opening: 2 }).await;
    assert_eq!(opened.expect("there").edition, EDITION + 1);
}

/// A key of an edition that ended early does not become the one under which the edition goes on.
#[tokio::test]
async fn key_that_is_retired_early_is_not_the_one_an_edition_goes_on_under() {
    let mut scene = scene_with_checkpoint().await;
    let once =
        SchemePeriod { kind: PeriodKind::Once, ..scheme("kanyashree-k2", None, Period::ONCE) };
    let window = |month: u32| ClaimPeriod { period: Period::ONCE, window: Period(month) };
    scene.ledger.open_period(&once, window(1_516), LAST_DAY).await.expect("opened");
    let older_key = std::mem::replace(&mut scene.key, key(3));
    let older = upgrade_edition(&mut scene, 8).await;
    let leaked = create_verifier(key(9).verifying_key(), EDITION, Address::ZERO);
    let leaked = scene.ledger.network.chain.send(OPERATOR, None, leaked).await;
    let leaked = leaked.expect("deployed").created.expect("there");
    let target = scene.ledger.network.addresses.claims;
    let retire = |verifier: Address, until: u64| Claims::retireKeyCall { verifier, until };
    scene.committee(target, &retire(leaked, u64::MAX)).await.expect("taken for a while");
    scene.committee(target, &retire(older, u64::MAX)).await.expect("the one that it goes on under");
    scene.committee(target, &retire(leaked, 0)).await.expect("retired");
    scene.ledger.open_period(&once, window(1_517), LAST_DAY).await.expect("opened");
    scene.key = older_key;
    let claim = claim(&mut scene, 1, &once);
    let Claims::claimCall { checkpoint, own, proof, .. } = raw(&claim);
    let under = Claims::claimUnderCall { verifier: older, opening: 1, checkpoint, own, proof };
    scene.call(&under).await.expect("under the edition's own key");
}

/// A new ledger takes the place of an earlier one: what was spent there is spent here.
#[tokio::test]
async fn successor_inherits_context_and_spent_nullifiers() {
    let mut before = scene_with_checkpoint().await;
    let once =
        SchemePeriod { kind: PeriodKind::Once, ..scheme("kanyashree-k2", None, Period::ONCE) };
    let window = ClaimPeriod { period: Period::ONCE, window: MONTH };
    before.ledger.open_period(&once, window, LAST_DAY).await.expect("opened");
    let mut paid = claim(&mut before, 1, &once);
    paid.period = window;
    before.ledger.claim(&paid).await.expect("accepted");
    let early = Succession::of(&before.ledger.network).await.map(drop);
    assert_eq!(refusal(early), LedgerRefusal::NotEnded);
    before.ledger.end().await.expect("ended");
    let late = claim(&mut before, 9, &once);
    let refused = before.ledger.claim(&LedgerClaim { period: window, ..late }).await;
    assert!(matches!(refused, Err(LedgerError::Paused)), "{refused:?}");
    let resume = Claims::resumeCall {};
    let target = before.ledger.network.addresses.claims;
    assert_eq!(refusal(before.committee(target, &resume).await), LedgerRefusal::Ended);
    let handed = Succession::of(&before.ledger.network).await.expect("read");
    assert_eq!(handed.context, before.ledger.context());
    let file = handed.to_json();
    assert_eq!(Succession::from_json(&file).expect("read"), handed);
    assert!(Succession::from_json(&file.replace("succession-1", "succession-9")).is_err());

    let mut after = Scene::elsewhere(1).await;
    assert_ne!(after.ledger.context(), before.ledger.context());
    let fixture = fixture::claim(1);
    let published = after.ledger.publish_checkpoint(&offices(&fixture), fixture.checkpoint).await;
    published.expect("published");
    let taken = after.ledger.take_over(&handed).await.expect("taken over");
    assert_eq!((taken.spent, taken.scopes, taken.brought), (1, 1, 2));
    assert_eq!(after.ledger.context(), before.ledger.context());
    let again = after.ledger.take_over(&handed).await.expect("nothing left to do");
    assert_eq!(again.brought, 0);
    // It is the context of the folder from now on, and of who opens the ledger again.
    let kept = crate::LedgerStore(&after.store).ledger_context().await.expect("read");
    assert_eq!(kept, Some(before.ledger.context()));
    // Wallets find what was spent there.
    let scope = once.scope();
    let store = crate::LedgerStore(&after.store);
    let count = store.spent_count(scope, Period::ONCE).await.expect("counted");
    assert_eq!(count.spent, 1);
    let all = praman_holder::spent::NullifierPrefix::ALL;
    let spent = store.spent_nullifiers(scope, Period::ONCE, all).await.expect("listed");
    let spent = spent.expect("few");
    assert_eq!(spent.nullifiers, [paid.nullifier]);
    assert_eq!(store.spent_count(scope, MONTH).await.expect("counted").spent, 0);
    let key = after.key.verifying_key().clone();
    let reopened = crate::EmbeddedLedger::open(&after.store, &key, &[]).await.expect("opened");
    assert_eq!(reopened.context(), before.ledger.context());

    after.ledger.open_period(&once, window, LAST_DAY).await.expect("opened");
    let refused = after.ledger.claim(&paid).await;
    assert!(matches!(refused, Err(LedgerError::AlreadyClaimed)), "{refused:?}");
    let mut second = claim(&mut after, 2, &once);
    second.period = window;
    after.ledger.claim(&second).await.expect("who was not paid there");
    // Its scope came along: moving the scheme to a group on the new ledger frees nobody.
    let moved = SchemePeriod { group: Some("girls".parse().expect("an id")), ..once.clone() };
    let elsewhere = ClaimPeriod { period: Period::ONCE, window: Period(1_516) };
    let refused = after.ledger.open_period(&moved, elsewhere, Day(LAST_DAY.0)).await;
    assert_eq!(refusal(refused), LedgerRefusal::OtherScope);
    // A ledger that has opened a period takes nobody's place any more.
    let mut third = Scene::elsewhere(2).await;
    third.proved(1).await;
    let refused = third.ledger.take_over(&handed).await.map(drop);
    assert_eq!(refusal(refused), LedgerRefusal::NotNew);
    // What the successor took over it hands over in turn.
    after.ledger.end().await.expect("ended");
    let onward = Succession::of(&after.ledger.network).await.expect("read");
    assert_eq!(onward.context, before.ledger.context());
    let mut last = Scene::elsewhere(3).await;
    let taken = last.ledger.take_over(&onward).await.expect("taken over");
    assert_eq!(taken.spent, 2);
    let history = history::verify(&mut last.ledger.network, None).await.expect("replayed");
    assert!(history.faults.is_empty(), "{:?}", history.faults);
}

#[tokio::test]
async fn successor_opens_nothing_before_all_is_brought_and_takes_only_what_was_approved() {
    let mut scene = scene_with_checkpoint().await;
    let scopes = scene.ledger.network.addresses.scopes;
    let nullifiers = vec![U256::from(5u64), U256::from(6u64)];
    let (scope, period) = (U256::from(8u64), 0);
    let part = praman_verifier::contracts::InheritancePart::Spent {
        scope,
        period,
        nullifiers: nullifiers.clone(),
    };
    let root = praman_verifier::contracts::inheritance_leaf(0, &part);
    let inherit = Scopes::inheritCall { context: U256::from(77u64), root, parts: 1 };
    assert!(scene.send(OPERATOR, scopes, &inherit).await.is_err(), "only the committee");
    for (context, parts) in [(U256::ZERO, 1), (U256::from_limbs(Fr::MODULUS.0), 1), (U256::ONE, 0)]
    {
        let call = Scopes::inheritCall { context, root, parts };
        assert!(scene.committee(scopes, &call).await.is_err(), "{context}, {parts} parts");
    }
    scene.committee(scopes, &inherit).await.expect("approved");
    assert!(scene.committee(scopes, &inherit).await.is_err(), "once");
    let month = scheme("annapurna", None, MONTH);
    let refused = open(&mut scene, &month).await;
    assert_eq!(refusal(refused), LedgerRefusal::InheritanceIncomplete { brought: 0, parts: 1 });
    let bring = Scopes::bringSpentCall { part: 0, scope, period, nullifiers, path: Vec::new() };
    let changes: [&dyn Fn(&mut Scopes::bringSpentCall); 6] = [
        &|call| call.nullifiers[0] += U256::from(1u64),
        &|call| call.nullifiers.truncate(1),
        &|call| call.part = 1,
        &|call| call.scope = U256::from(9u64),
        &|call| call.period = 1,
        &|call| call.path.push(root),
    ];
    for change in changes {
        let mut call = bring.clone();
        change(&mut call);
        assert!(scene.send(OPERATOR, scopes, &call).await.is_err());
    }
    assert!(scene.send(Address::repeat_byte(50), scopes, &bring).await.is_err(), "the agency");
    scene.send(OPERATOR, scopes, &bring).await.expect("brought");
    assert!(scene.send(OPERATOR, scopes, &bring).await.is_err(), "once");
    open(&mut scene, &month).await.expect("opened");
    // Claims and scopes take such things from each other alone.
    let not_permitted = |outcome: Result<u64, LedgerError>| {
        matches!(outcome, Err(LedgerError::NotPermitted(_)))
            || reverted(outcome).contains("NotPermitted")
    };
    let import = Claims::importSpentCall { nullifiers: vec![U256::from(9u64)] };
    assert!(not_permitted(scene.call(&import).await));
    let context = Claims::inheritContextCall { context_: U256::from(9u64) };
    assert!(not_permitted(scene.call(&context).await));
    let scope = word(month.scope().to_field());
    let seal = Scopes::sealCall { scope, period: MONTH.0 };
    assert!(not_permitted(scene.send(OPERATOR, scopes, &seal).await));
    let prune = Scopes::pruneCall { scope, period: MONTH.0 };
    assert!(not_permitted(scene.send(OPERATOR, scopes, &prune).await));
    let next = scheme("annapurna", None, Period(1_518));
    let rules = (rules_terms(&next, next.period), policy_data(&next.policy)).abi_encode_params();
    let open = Scopes::openCall { rules: rules.into(), edition: EDITION };
    assert!(not_permitted(scene.send(OPERATOR, scopes, &open).await));
}
