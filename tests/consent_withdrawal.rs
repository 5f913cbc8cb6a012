//! Who withdraws a consent: the consent manager alone, or the patient without it.

use std::time::Duration;

use alloy_primitives::U256;
use consent_scene::{ConsentScene, bar, request_json};
use jiff::Timestamp;
use praman::consent::{
    ConsentError, ConsentRefusal, ConsentStore, EndedAccesses, GateRefusal, Narrowing,
    PatientAddress, Withdrawal,
};
use praman::language::Language;
use praman::ledger::{LedgerError, RootUpdate};
use praman_circuits::access::AccessLock;
use praman_circuits::artefact::Minute;
use praman_verifier::contracts::{Consents, Participants};
use serde_json::json;

use crate::support::consent_scene;

#[tokio::test]
async fn withdrawal_needs_the_consent_manager_alone() {
    let mut scene = ConsentScene::open(None).await;
    let consent = scene.consent(0, 3).await;
    let access = scene.access(&consent, 0).await;
    let (provider, manager) = (scene.provider(0), scene.manager);
    // The provider's own key puts no root of consents, and the manager's none of records.
    let target = scene.ledger.network.addresses.consents;
    let accounts = scene.ledger.network.addresses.participants;
    let account = async |scene: &ConsentScene, id| {
        let call = Participants::participantCall { id };
        scene.ledger.network.view(accounts, &call).await.expect("known").account
    };
    let of_provider = account(&scene, provider.0).await;
    let of_manager = account(&scene, manager.0).await;
    let root = U256::from(7u64);
    let grant = Consents::grantCall { provider: provider.0, version: 99, root, live: 9 };
    let refused = scene.ledger.network.send(of_provider, target, &grant).await;
    assert!(matches!(refused, Err(LedgerError::NotPermitted(_))));
    let update = Consents::updateRecordsCall { version: 99, root, live: 9, graceless: true };
    let refused = scene.ledger.network.send(of_manager, target, &update).await;
    assert!(matches!(refused, Err(LedgerError::NotPermitted(_))));
    // A provider that is barred, and does nothing, can't sit on a withdrawal.
    bar(&mut scene.ledger, provider.0, true).await;
    scene.withdraw(&consent).await;
    bar(&mut scene.ledger, provider.0, false).await;
    assert_eq!(scene.ask(&access).await, Err(GateRefusal::Roots));
    // Consents of a manager that is barred give nothing; it can still withdraw them.
    let second = scene.consent(0, 3).await;
    let access = scene.access(&second, 0).await;
    bar(&mut scene.ledger, manager.0, true).await;
    assert_eq!(scene.ask(&access).await, Err(GateRefusal::Manager));
    scene.withdraw(&second).await;
    bar(&mut scene.ledger, manager.0, false).await;
    assert_eq!(scene.ask(&access).await, Err(GateRefusal::Roots));
}

#[tokio::test]
async fn patient_ends_what_is_left_of_a_consent_without_the_manager() {
    let mut scene = ConsentScene::open(None).await;
    let consent = scene.consent(0, 3).await;
    let beside = scene.consent(1, 3).await;
    let given = scene.access(&consent, 0).await;
    assert!(scene.ask(&given).await.is_ok());
    let in_flight = scene.access(&consent, 1).await;
    let ended = EndedAccesses::of(&scene.wallet, &consent, Timestamp::now()).expect("left");
    // Thirty days and the one that has begun, three accesses each.
    assert_eq!((ended.accesses, ended.until), (3 * 30, None));
    let stranger = praman::wallet::Wallet::generate();
    let refused = EndedAccesses::of(&stranger, &consent, Timestamp::now());
    assert!(matches!(refused, Err(ConsentError::Refused(ConsentRefusal::OtherWallet))));
    // The manager does nothing: the consent's leaf and its root stand.
    assert_eq!(scene.withdraw_directly(&consent).await, 3 * 30 - 1);
    assert_eq!(scene.ask(&in_flight).await, Err(GateRefusal::Withdrawn));
    assert_eq!(scene.next_number(&consent).await, 3);
    // What was given stays given; other patients and other consents notice nothing.
    assert!(scene.ask(&given).await.expect("the same").repeated);
    let other = scene.access(&beside, 0).await;
    assert!(scene.ask(&other).await.is_ok());
    // The same again ends nothing more.
    assert_eq!(scene.withdraw_directly(&consent).await, 0);
    // Whoever sees an access on the ledger can't spend it first: the lock does not follow from it.
    let nullifier = scene.nullifier(&beside, 1);
    let forged = Withdrawal {
        provider: beside.provider(),
        windows: vec![praman::ledger::EndedWindow {
            lock: AccessLock::from_field(nullifier.to_field()),
            from: 0,
            count: 3,
        }],
    };
    assert_eq!(forged.bring(&mut scene.ledger).await.expect("taken"), 3);
    let untouched = scene.access(&beside, 1).await;
    assert!(scene.ask(&untouched).await.is_ok());
    let history = scene.history().await;
    assert_eq!((history.accesses, history.withdrawn_accesses), (3, 3 * 30 - 1 + 3));
}

#[tokio::test]
async fn withdrawal_of_as_many_accesses_as_it_may_have_costs_a_third_of_a_block() {
    let mut scene = ConsentScene::open(None).await;
    let consent = scene.consent(0, 100).await;
    let ended = EndedAccesses::of(&scene.wallet, &consent, Timestamp::now()).expect("left");
    let windows = ended.parts[0].windows.iter().map(|window| Consents::EndedWindow {
        lock: praman_verifier::contracts::word(window.lock.expose()),
        from: window.from,
        count: window.count,
    });
    let provider = consent.provider().0;
    let call = Consents::withdrawAccessesCall { provider, windows: windows.collect() };
    let (account, target) = (scene.ledger.actors.relayer, scene.ledger.network.addresses.consents);
    let account = account.expect("a relayer");
    let receipt = scene.ledger.network.send(account, target, &call).await.expect("taken");
    assert_eq!(scene.history().await.withdrawn_accesses, 100);
    // A block of 30 million is common, and half of one is what a transaction may take with some.
    println!("100 accesses are ended for {} gas", receipt.gas_used);
    assert!(receipt.gas_used < 10_500_000, "{} gas", receipt.gas_used);
}

#[tokio::test]
async fn long_consent_is_ended_in_parts_that_fit_a_block() {
    let mut scene = ConsentScene::open(None).await;
    let consent = scene.consent(0, 300).await;
    let ended = EndedAccesses::of(&scene.wallet, &consent, Timestamp::now()).expect("left");
    assert_eq!((ended.accesses, ended.until), (300 * 30, None));
    let of_part = |part: &Withdrawal| part.windows.iter().map(|window| window.count).sum::<u32>();
    assert!(ended.parts.iter().all(|part| of_part(part) <= praman::consent::ACCESSES_AT_ONCE));
    assert_eq!(ended.parts.iter().map(of_part).sum::<u32>(), ended.accesses);
    let first = &ended.parts[0];
    let again = Withdrawal::from_json(&first.to_json()).expect("read back");
    assert_eq!(again.bring(&mut scene.ledger).await.expect("taken"), 100);
    // More than can be ended at once is said, with the minute from which on nothing is ended.
    let wide = scene.consent(1, 10_000).await;
    let ended = EndedAccesses::of(&scene.wallet, &wide, Timestamp::now()).expect("left");
    assert_eq!(ended.accesses, 20_000);
    let begin = wide.artefact().expect("an artefact").valid_from;
    assert_eq!(ended.until, Some(Minute(begin.0 + 2 * 1_440)));
    let to_json = || first.to_json().to_string();
    for (text, field) in [
        (to_json().replace("withdrawal-1", "withdrawal-0"), "format"),
        (to_json().replace("\"count\":100", "\"count\":0"), "windows"),
        (to_json().replace("\"count\":100", "\"count\":101"), "windows"),
        (to_json().replace("\"from\":0", "\"from\":4294967295"), "windows[0].count"),
        (to_json().replace("\"lock\":\"", "\"lock\":\"-"), "windows[0].lock"),
    ] {
        let fault = Withdrawal::from_json(&text).err().expect("refused");
        assert_eq!(fault.field, field, "{text}");
    }
}

#[tokio::test]
async fn managers_with_stores_of_their_own_keep_consents_at_one_provider() {
    let mut scene = ConsentScene::open(None).await;
    // Another manager, with a store in which the provider's records are not.
    let mut elsewhere = ConsentScene::open(None).await;
    let provider = elsewhere.ledger.admit_provider("far-hospital").await.expect("admitted");
    let known = ConsentStore(&elsewhere.store);
    known.keep_provider(provider, "far-hospital").await.expect("kept");
    assert!(!known.keeps_records(provider).await.expect("asked"));
    let id = elsewhere.receive(&request_json()).await;
    let grant = [Narrowing::none("far-hospital")];
    let now = Timestamp::now();
    let granted = elsewhere.desk.grant(&id, &grant, &elsewhere.wallet, Language::English, now);
    assert_eq!(granted.await.expect("granted").len(), 1);
    // Where some records of the provider are kept, whose they are is known.
    let stranger = praman::wallet::Wallet::generate();
    let patient = PatientAddress::new("second@praman-cm", "patient").expect("an address");
    let registered = elsewhere.desk.register_patient(&patient, Language::English, None, &stranger);
    registered.await.expect("registered");
    let mut request = request_json();
    request["consent"]["patient"]["id"] = json!("second@praman-cm");
    let id = elsewhere.receive(&request).await;
    let near = [Narrowing::none("city-laboratory")];
    let refused = elsewhere.desk.grant(&id, &near, &stranger, Language::English, now).await;
    assert!(matches!(refused, Err(ConsentError::Refused(ConsentRefusal::NoRecords))));

    // Two managers' consents at one provider are two trees on the ledger: what one withdraws leaves the other's good.
    let consent = scene.consent(0, 3).await;
    let other = scene.ledger.admit_manager("other-cm").await.expect("admitted");
    let provider = scene.provider(0);
    let root = praman_circuits::artefact::ConsentsRoot::from_field(7u64.into());
    let update = RootUpdate { root, version: 1, live: 1, graceless: false };
    scene.ledger.put_consents_root(other, provider, update).await.expect("put");
    let mut theirs = scene.access(&consent, 1).await;
    (theirs.manager, theirs.consents) = (other, root);
    scene.prove_again(&mut theirs);
    let ours = scene.access(&consent, 0).await;
    // A root is good for its own manager alone.
    let mut swapped = theirs.clone();
    swapped.manager = scene.manager;
    assert_eq!(scene.ask(&swapped).await, Err(GateRefusal::Roots));
    let empty = RootUpdate { root: consents_root(8), version: 2, live: 0, graceless: true };
    scene.ledger.put_consents_root(other, provider, empty).await.expect("put");
    assert_eq!(scene.ask(&theirs).await, Err(GateRefusal::Roots));
    assert!(scene.ask(&ours).await.is_ok());
    // A store belongs to one manager, by its key.
    let known = ConsentStore(&scene.store);
    let key = scene.desk.manager().public();
    known.keep_manager(scene.manager, "praman-cm", &key).await.expect("the same");
    for (number, name, key) in [
        (other, "praman-cm", key),
        (scene.manager, "other-cm", key),
        (scene.manager, "praman-cm", [7; 32]),
    ] {
        let refused = known.keep_manager(number, name, &key).await;
        assert!(matches!(refused, Err(ConsentError::Participant(_))), "{name}");
    }
}

fn consents_root(number: u64) -> praman_circuits::artefact::ConsentsRoot {
    praman_circuits::artefact::ConsentsRoot::from_field(number.into())
}

#[tokio::test]
async fn store_that_is_older_than_the_ledger_withdraws_all_the_same() {
    let mut scene = ConsentScene::open(None).await;
    let first = scene.consent(0, 3).await;
    // The ledger knows more changes than the store, as after a backup was restored.
    let (provider, manager) = (scene.provider(0), scene.manager);
    let state = scene.ledger.consents_state(manager, provider).await.expect("known");
    let lost = RootUpdate {
        root: consents_root(9),
        version: state.version + 1,
        live: 2,
        graceless: false,
    };
    scene.ledger.put_consents_root(manager, provider, lost).await.expect("put");
    let mut of_the_lost = scene.access(&first, 0).await;
    assert_eq!(of_the_lost.consents, consents_root(9));
    scene.prove_again(&mut of_the_lost);
    scene.withdraw(&first).await;
    let state = scene.ledger.consents_state(manager, provider).await.expect("known");
    assert_eq!((state.live, state.version), (0, lost.version + 1));
    assert_eq!(scene.ask(&of_the_lost).await, Err(GateRefusal::Roots));
    // It goes on from there.
    let second = scene.consent(0, 3).await;
    let access = scene.access(&second, 0).await;
    assert!(scene.ask(&access).await.is_ok());
}

/// A patient's own withdrawal against an access: either the access is given or it is ended.
async fn direct_race(rounds: usize) -> (usize, usize) {
    let mut scene = ConsentScene::open(None).await;
    let (_, mut ledger, gate) = scene.replica().await;
    let (mut released, mut ended) = (0, 0);
    // The one that came first is held back, by so many steps of time that they meet where they are nearest.
    let (mut held_back, step) = (0i32, Duration::from_micros(700));
    for round in 0..rounds {
        let consent = scene.consent(0, 1).await;
        let access = scene.access(&consent, 0).await;
        let one = std::slice::from_ref(&access);
        let ask = async {
            tokio::time::sleep(step * held_back.max(0).unsigned_abs()).await;
            gate.release(&mut ledger, one, Timestamp::now()).await.expect("a verdict")
        };
        let withdraw = async {
            tokio::time::sleep(step * held_back.min(0).unsigned_abs()).await;
            scene.withdraw_directly(&consent).await
        };
        let (verdicts, count) = tokio::join!(ask, withdraw);
        match verdicts[0] {
            // Of thirty days one access was given.
            Ok(_) => {
                assert_eq!(count, 29, "round {round}");
                released += 1;
                held_back += 1;
            }
            Err(GateRefusal::Withdrawn) => {
                assert_eq!(count, 30, "round {round}");
                ended += 1;
                held_back -= 1;
            }
            Err(other) => panic!("round {round}: {other}"),
        }
        // The manager's leaf goes too, so that the next consent does not overlap.
        scene.withdraw(&consent).await;
    }
    assert_eq!(scene.history().await.accesses, released);
    (released, ended)
}

#[tokio::test]
async fn patients_own_withdrawal_that_races_an_access_comes_before_or_after_it() {
    let (released, ended) = direct_race(60).await;
    println!("{released} accesses came first, {ended} withdrawals");
    assert!(released > 0 && ended > 0, "only one order was seen");
}
