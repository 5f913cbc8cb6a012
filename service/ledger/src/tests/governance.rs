//! Who may do what, when.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use praman_circuits::eligibility::{Checkpoint, EDITION};
use praman_testkit::fixture;
use praman_verifier::contracts::{
    Archives, Claims, Committee, Constitution, Disputes, NodeDirectory, Offices, Participants,
    create_claims_code, create_verifier, policy_data, rules_terms, word,
};

use super::memory_chain::MemoryChain;
use super::scene::{Scene, key, raw};
use crate::chain::Chain;
use crate::contract_ledger::OPERATOR;
use crate::{Ledger, LedgerError, Network, Role, text_hash};

const DAY: u64 = 86_400;

fn account(number: u8) -> Address {
    Address::repeat_byte(number)
}

/// A network of three committee members, two of whom carry a motion, with two days' delay.
async fn network() -> Network<MemoryChain> {
    let constitution = Constitution {
        members: vec![account(1), account(2), account(3)],
        quorum: 2,
        delay_seconds: 2 * DAY,
        grace_seconds: DAY,
    };
    let chain = MemoryChain::at(1_790_000_000);
    Network::deploy(chain, key(3).verifying_key(), &constitution, account(9))
        .await
        .expect("deployed")
}

/// Has two members carry a call, waits, enacts.
async fn carry(network: &mut Network<MemoryChain>, target: Address, call: Vec<u8>) -> u64 {
    let members = [account(1), account(2)];
    let motion =
        network.committee(&members, target, call, text_hash("why")).await.expect("carried");
    network.chain.timestamp += 2 * DAY;
    motion
}

async fn enact(network: &mut Network<MemoryChain>, motion: u64) -> Result<(), LedgerError> {
    let call = Committee::enactCall { motion: U256::from(motion) };
    network.send(account(99), network.addresses.committee, &call).await.map(|_| ())
}

async fn join(network: &mut Network<MemoryChain>, who: Address, role: Role, sponsor: u32) -> u32 {
    let document = text_hash("papers");
    let id = network.request(who, role, sponsor, document).await.expect("submitted");
    let call = Participants::approveCall { id, document, reason: text_hash("approved") };
    let target = network.addresses.participants;
    if sponsor == 0 {
        let motion = carry(network, target, call.abi_encode()).await;
        enact(network, motion).await.expect("enacted");
    } else {
        let sponsor = network.view(target, &Participants::participantCall { id: sponsor }).await;
        network.send(sponsor.expect("there").account, target, &call).await.expect("approved");
    }
    network.take_up(who, id).await.expect("live");
    id
}

#[tokio::test]
async fn motion_takes_a_quorum_and_its_delay() {
    let mut network = network().await;
    let (committee, claims) = (network.addresses.committee, network.addresses.claims);
    let call = Claims::setGraceCall { grace_: 7 }.abi_encode();
    // Not by hand, by anyone or by one member.
    for from in [account(1), account(9), account(50)] {
        let sent = network.chain.send(from, Some(claims), call.clone()).await;
        assert!(sent.is_err(), "{from}");
    }
    let outsider =
        Committee::moveCall { target: claims, data: call.clone().into(), reason: B256::ZERO };
    assert!(network.send(account(50), committee, &outsider).await.is_err());
    network.send(account(1), committee, &outsider).await.expect("moved");
    let motion = 0u64;
    assert!(enact(&mut network, motion).await.is_err(), "one is no quorum");
    let approve = Committee::approveCall { motion: U256::from(motion) };
    assert!(network.send(account(1), committee, &approve).await.is_err(), "one member, one vote");
    assert!(network.send(account(50), committee, &approve).await.is_err());
    network.send(account(3), committee, &approve).await.expect("carried");
    assert!(network.send(account(2), committee, &approve).await.is_err(), "it was carried");
    network.chain.timestamp += 2 * DAY - 1;
    assert!(enact(&mut network, motion).await.is_err(), "not yet");
    network.chain.timestamp += 1;
    enact(&mut network, motion).await.expect("anyone may, now");
    assert!(enact(&mut network, motion).await.is_err(), "once");
    assert_eq!(network.view(claims, &Claims::graceCall {}).await.expect("a time"), 7);
    // A motion lapses; a member who left does not count.
    network.send(account(1), committee, &outsider).await.expect("moved");
    network.chain.timestamp += 31 * DAY;
    let approve = Committee::approveCall { motion: U256::from(1u64) };
    assert!(network.send(account(2), committee, &approve).await.is_err(), "it lapsed");
    network.send(account(1), committee, &outsider).await.expect("moved");
    let change = Committee::changeMembersCall {
        added: vec![account(4)],
        removed: vec![account(1)],
        quorum_: U256::from(2u64),
    };
    assert!(network.send(account(2), committee, &change).await.is_err(), "only by a motion");
    let members = [account(2), account(3)];
    let motion = network.committee(&members, committee, change.abi_encode(), B256::ZERO).await;
    network.chain.timestamp += 2 * DAY;
    enact(&mut network, motion.expect("carried")).await.expect("changed");
    let approve = Committee::approveCall { motion: U256::from(2u64) };
    network.send(account(2), committee, &approve).await.expect("approved");
    let state =
        network.view(committee, &Committee::motionOfCall { motion: U256::from(2u64) }).await;
    assert!(!state.expect("there").carried, "who moved it is no member any more");
    // A minority is no quorum.
    let minority = Committee::changeMembersCall {
        added: vec![account(5)],
        removed: Vec::new(),
        quorum_: U256::from(2u64),
    };
    let motion = network.committee(&members, committee, minority.abi_encode(), B256::ZERO).await;
    network.chain.timestamp += 2 * DAY;
    assert!(enact(&mut network, motion.expect("carried")).await.is_err());
}

#[tokio::test]
async fn pause_takes_one_member_and_resuming_takes_a_quorum() {
    let mut network = network().await;
    let (committee, claims) = (network.addresses.committee, network.addresses.claims);
    assert!(network.send(account(50), committee, &Committee::pauseCall {}).await.is_err());
    assert!(network.send(account(1), claims, &Claims::pauseCall {}).await.is_err());
    network.send(account(3), committee, &Committee::pauseCall {}).await.expect("at once");
    assert!(network.view(claims, &Claims::gateCall {}).await.expect("a flag").paused);
    let resume = Claims::resumeCall {}.abi_encode();
    network.committee(&[account(3)], claims, resume.clone(), B256::ZERO).await.expect("moved");
    assert!(
        network.view(claims, &Claims::gateCall {}).await.expect("a flag").paused,
        "one is not enough"
    );
    let members = [account(1), account(2)];
    network.committee(&members, claims, resume, B256::ZERO).await.expect("carried");
    assert!(!network.view(claims, &Claims::gateCall {}).await.expect("a flag").paused, "no delay");
    // A motion for an earlier pause does not end the next.
    network.send(account(3), committee, &Committee::pauseCall {}).await.expect("at once");
    let stale = Committee::approveCall { motion: U256::ZERO };
    assert!(network.send(account(2), committee, &stale).await.is_err());
    // A carried motion is stopped before its delay is over.
    let call = Claims::setGraceCall { grace_: 7 }.abi_encode();
    let motion = network.committee(&members, claims, call, B256::ZERO).await.expect("carried");
    let withdraw = Committee::withdrawCall { motion: U256::from(motion) }.abi_encode();
    network.committee(&members, committee, withdraw, B256::ZERO).await.expect("at once");
    network.chain.timestamp += 2 * DAY;
    assert!(enact(&mut network, motion).await.is_err());
}

#[tokio::test]
async fn participants_request_takes_every_step_or_is_refused() {
    let mut network = network().await;
    let target = network.addresses.participants;
    let agency = join(&mut network, account(10), Role::Agency, 0).await;
    let department = join(&mut network, account(11), Role::Department, 0).await;
    // Sponsors must fit: a relayer needs an agency, an office a department.
    for (role, sponsor) in [
        (Role::Relayer, department),
        (Role::Relayer, 0),
        (Role::Office, agency),
        (Role::Auditor, agency),
        (Role::Relayer, 77),
    ] {
        let made = network.request(account(20), role, sponsor, B256::ZERO).await;
        assert!(made.is_err(), "{role:?} under {sponsor}");
    }
    let id = network.request(account(20), Role::Relayer, agency, B256::ZERO).await.expect("in");
    let approve = Participants::approveCall { id, document: B256::ZERO, reason: B256::ZERO };
    for from in [account(20), account(11), account(50), account(1)] {
        assert!(network.send(from, target, &approve).await.is_err(), "{from}");
    }
    let live = Participants::goLiveCall { id };
    assert!(network.send(account(20), target, &live).await.is_err(), "not approved");
    let mut other = approve.clone();
    other.document = text_hash("papers that nobody saw");
    assert!(network.send(account(10), target, &other).await.is_err(), "other papers");
    network.send(account(10), target, &approve).await.expect("approved");
    assert!(network.send(account(10), target, &approve).await.is_err(), "once");
    assert!(network.send(account(10), target, &live).await.is_err(), "another's");
    network.send(account(20), target, &live).await.expect("live");
    let has = Participants::hasRoleCall { role: Role::Relayer.id(), account: account(20) };
    assert!(network.view(target, &has).await.expect("a flag"));
    // Roles are not given by hand, not even by the committee.
    let grant = Participants::grantRoleCall { _0: Role::Agency.id(), _1: account(50) };
    let motion = carry(&mut network, target, grant.abi_encode()).await;
    assert!(enact(&mut network, motion).await.is_err());
    // Three notices wait since it was submitted; unread for a week they bar it.
    assert!(network.view(target, &has).await.expect("a flag"));
    network.chain.timestamp += 8 * DAY;
    assert!(!network.view(target, &has).await.expect("a flag"), "a notice is overdue");
    network.acknowledge_all(account(20), id).await.expect("read");
    assert!(network.view(target, &has).await.expect("a flag"));
    // A rejected request stays rejected.
    let rejected =
        network.request(account(21), Role::Relayer, agency, B256::ZERO).await.expect("in");
    let reject = Participants::rejectCall { id: rejected, reason: text_hash("no") };
    network.send(account(10), target, &reject).await.expect("rejected");
    let live = Participants::goLiveCall { id: rejected };
    assert!(network.send(account(21), target, &live).await.is_err());
    // Keys: rotated by the participant, revoked and issued by its sponsor.
    let rotate = Participants::rotateKeyCall { id, account: account(22) };
    network.send(account(20), target, &rotate).await.expect("rotated");
    assert!(!network.view(target, &has).await.expect("a flag"));
    network.acknowledge_all(account(22), id).await.expect("read");
    let revoke = Participants::revokeKeyCall { id, reason: text_hash("stolen") };
    assert!(network.send(account(22), target, &revoke).await.is_err());
    network.send(account(10), target, &revoke).await.expect("revoked");
    let window = Claims::relayerOfCall { account: account(22) };
    let window = network.view(network.addresses.claims, &window).await.expect("a window");
    assert_eq!((window.from, window.until), (0, 0));
    let issue = Participants::issueKeyCall { id, account: account(23), reason: B256::ZERO };
    network.send(account(10), target, &issue).await.expect("issued");
    network.acknowledge_all(account(23), id).await.expect("read");
    let window = Claims::relayerOfCall { account: account(23) };
    let window = network.view(network.addresses.claims, &window).await.expect("a window");
    assert_eq!(window.until, u64::MAX);
}

#[tokio::test]
async fn barred_participant_is_refused_everywhere_until_the_order_ends() {
    let mut network = network().await;
    let target = network.addresses.participants;
    let agency = join(&mut network, account(10), Role::Agency, 0).await;
    let relayer = join(&mut network, account(20), Role::Relayer, agency).await;
    let now = network.chain.timestamp;
    let bar = |debarment, from, until| Participants::barCall {
        id: relayer,
        debarment,
        reason: text_hash("reason"),
        order: text_hash("order 7"),
        from,
        until,
        appealBy: now + 5 * DAY,
    };
    for (from, call) in [
        (account(20), bar(false, now, now + DAY)),
        (account(50), bar(false, now, now + DAY)),
        (account(10), bar(true, now, now + DAY)),
        (account(10), bar(false, now + DAY, now)),
        (account(10), bar(false, now - DAY, now - 1)),
    ] {
        assert!(network.send(from, target, &call).await.is_err());
    }
    let has = Participants::hasRoleCall { role: Role::Relayer.id(), account: account(20) };
    let enter = NodeDirectory::enterCall {
        role: Role::Relayer.id(),
        category: 0,
        key: vec![7; 64].into(),
        district: "Malda".into(),
        version: "1.0".into(),
    };
    network.send(account(20), network.addresses.nodes, &enter).await.expect("entered");
    network.send(account(10), target, &bar(false, now, now + 3 * DAY)).await.expect("suspended");
    assert!(!network.view(target, &has).await.expect("a flag"));
    assert!(network.send(account(20), network.addresses.nodes, &enter).await.is_err());
    let window = Claims::relayerOfCall { account: account(20) };
    let known = network.view(network.addresses.claims, &window).await.expect("a window");
    assert_eq!(known.from, now + 3 * DAY);
    let rotate = Participants::rotateKeyCall { id: relayer, account: account(24) };
    assert!(network.send(account(20), target, &rotate).await.is_err(), "no way around the order");
    let now_ = network.chain.timestamp;
    let again = Participants::barCall { appealBy: now_ + 2 * DAY, ..bar(false, now_, now_ + DAY) };
    assert!(network.send(account(10), target, &again).await.is_err(), "too short to appeal");
    // It can read its notice and appeal, once.
    network.acknowledge_all(account(20), relayer).await.expect("read");
    let appeal = Participants::appealCall { id: relayer, evidence: text_hash("papers") };
    network.send(account(20), target, &appeal).await.expect("appealed");
    assert!(network.send(account(20), target, &appeal).await.is_err());
    let again = bar(false, now, now + 3 * DAY);
    assert!(network.send(account(10), target, &again).await.is_err(), "an appeal waits");
    network.acknowledge_all(account(20), relayer).await.expect("read");
    network.chain.timestamp = now + 3 * DAY;
    assert!(network.view(target, &has).await.expect("a flag"), "the order has ended");
    // The committee debars, and no sponsor can lift that.
    let (from, until) = (network.chain.timestamp, network.chain.timestamp + 99 * DAY);
    let mut debar = bar(true, from, until);
    debar.appealBy = until;
    let motion = carry(&mut network, target, debar.abi_encode()).await;
    enact(&mut network, motion).await.expect("debarred");
    assert!(!network.view(target, &has).await.expect("a flag"));
    let lift = Participants::liftCall { id: relayer, reason: B256::ZERO };
    assert!(network.send(account(10), target, &lift).await.is_err());
    let now = network.chain.timestamp;
    let appeal_by = now + 9 * DAY;
    let milder = Participants::barCall { appealBy: appeal_by, ..bar(false, now, now + 1) };
    assert!(network.send(account(10), target, &milder).await.is_err());
    let retire = Participants::retireCall { id: relayer, reason: B256::ZERO };
    assert!(network.send(account(20), target, &retire).await.is_err(), "no escape by leaving");
    network.acknowledge_all(account(20), relayer).await.expect("read");
    network.send(account(20), target, &appeal).await.expect("appealed");
    let uphold = Participants::decideAppealCall {
        id: relayer,
        against: text_hash("order 7"),
        upheld: true,
        reason: text_hash("heard"),
    };
    let motion = carry(&mut network, target, uphold.abi_encode()).await;
    enact(&mut network, motion).await.expect("upheld");
    network.acknowledge_all(account(20), relayer).await.expect("read");
    assert!(network.view(target, &has).await.expect("a flag"));
    // Nor can a sponsor lift or shorten a suspension by the committee.
    let (from, until) = (network.chain.timestamp, network.chain.timestamp + 99 * DAY);
    let suspend = Participants::barCall { appealBy: until, ..bar(false, from, until) };
    let motion = carry(&mut network, target, suspend.abi_encode()).await;
    enact(&mut network, motion).await.expect("suspended");
    let now = network.chain.timestamp;
    assert!(network.send(account(10), target, &lift).await.is_err(), "the committee's to lift");
    let milder = Participants::barCall { appealBy: now + 9 * DAY, ..bar(false, now, now + 1) };
    assert!(network.send(account(10), target, &milder).await.is_err());
    let motion = carry(&mut network, target, lift.abi_encode()).await;
    enact(&mut network, motion).await.expect("lifted");
    network.acknowledge_all(account(20), relayer).await.expect("read");
    assert!(network.view(target, &has).await.expect("a flag"));
    // A sponsor can lift its own suspension.
    let now = network.chain.timestamp;
    let own = Participants::barCall { appealBy: now + 9 * DAY, ..bar(false, now, now + DAY) };
    network.send(account(10), target, &own).await.expect("suspended");
    network.send(account(10), target, &lift).await.expect("lifted");
}

#[tokio::test]
async fn barred_offices_credentials_stop_at_once_and_come_back() {
    let mut scene = Scene::open().await;
    let claim = scene.proved(1).await;
    let target = scene.ledger.network.addresses.participants;
    let registry = scene.ledger.network.addresses.offices;
    let office = Offices::officeOfCall { office: 3 };
    let id = scene.ledger.network.view(registry, &office).await.expect("there").participant;
    let now = scene.ledger.network.chain.head().await.expect("a head").timestamp;
    let bar = Participants::barCall {
        id,
        debarment: false,
        reason: B256::ZERO,
        order: B256::ZERO,
        from: now,
        until: now + 10 * DAY,
        appealBy: now + 4 * DAY,
    };
    scene.send(OPERATOR, target, &bar).await.expect("suspended");
    // The proof hides its office, so every proof against a state with the office ends.
    let refused = scene.ledger.claim(&claim).await;
    assert!(matches!(refused, Err(LedgerError::CheckpointNotGood)), "{refused:?}");
    let before = fixture::claim(1).checkpoint.state_root;
    let root =
        scene.ledger.network.view(registry, &Offices::stateRootCall {}).await.expect("a root");
    assert_ne!(root, word(before.to_field()));
    let update = Offices::updateRootCall { office: 3, root: U256::from(1u64), live: 1 };
    let account = crate::contract_ledger::office_account(praman_circuits::office::OfficeId(3));
    assert!(scene.send(account, registry, &update).await.is_err());
    let lift = Participants::liftCall { id, reason: B256::ZERO };
    scene.send(OPERATOR, target, &lift).await.expect("lifted");
    let root =
        scene.ledger.network.view(registry, &Offices::stateRootCall {}).await.expect("a root");
    assert_eq!(root, word(before.to_field()), "its leaf is back");
    // A new checkpoint of the state as it was before takes new proofs.
    let as_of = fixture::claim(1).checkpoint.as_of;
    let checkpoint = Checkpoint { state_root: before, as_of };
    let number = scene.ledger.publish_checkpoint(&[], checkpoint).await.expect("published");
    let own = (claim.nullifier, claim.payout, claim.envelope);
    let again = scene.claim_with(&fixture::claim(1), number, claim.period, own);
    scene.ledger.claim(&again).await.expect("accepted");
}

/// An auditor beside the operator.
async fn another_auditor(scene: &mut Scene) -> Address {
    let target = scene.ledger.network.addresses.participants;
    let auditor = account(33);
    let network = &mut scene.ledger.network;
    let id = network.request(auditor, Role::Auditor, 0, B256::ZERO).await.expect("in");
    let approve = Participants::approveCall { id, document: B256::ZERO, reason: B256::ZERO };
    scene.committee(target, &approve).await.expect("approved");
    scene.ledger.network.take_up(auditor, id).await.expect("live");
    auditor
}

#[tokio::test]
async fn opening_is_suspended_closed_sealed_and_pruned() {
    let mut scene = Scene::open().await;
    let claims = scene.many(4).await;
    scene.ledger.claim(&claims[0]).await.expect("accepted");
    scene.ledger.claim_batch(&claims[1..3]).await.expect("accepted");
    let reason = text_hash("audit");
    scene.call(&Claims::suspendOpeningCall { opening: 0, reason }).await.expect("suspended");
    let refused = scene.ledger.claim(&claims[3]).await;
    assert!(matches!(refused, Err(LedgerError::PeriodNotOpen)), "{refused:?}");
    scene.call(&Claims::resumeOpeningCall { opening: 0, reason }).await.expect("resumed");
    scene.ledger.claim(&claims[3]).await.expect("accepted");
    let seal = crate::history::seal(&mut scene.ledger.network, 0).await.expect("a seal");
    assert_eq!(seal.claims.len(), 4);
    let (count, root) = (seal.claims.len() as u64, seal.root());
    let propose = Archives::proposeSealCall { opening: 0, count, root };
    assert!(scene.archive(&propose).await.is_err(), "it is open");
    scene.call(&Claims::closeOpeningCall { opening: 0, reason }).await.expect("closed");
    assert!(scene.call(&Claims::resumeOpeningCall { opening: 0, reason }).await.is_err());
    let confirm = Archives::confirmSealCall { opening: 0, count: 0, root: B256::ZERO };
    assert!(scene.archive(&confirm).await.is_err(), "nothing is proposed");
    scene.archive(&propose).await.expect("proposed");
    let alone = Archives::confirmSealCall { opening: 0, count, root };
    assert!(scene.archive(&alone).await.is_err(), "who proposed it does not confirm it");
    let auditor = another_auditor(&mut scene).await;
    let archives = scene.ledger.network.addresses.archives;
    let other = Archives::confirmSealCall { opening: 0, count: count + 1, root };
    assert!(scene.send(auditor, archives, &other).await.is_err());
    // Only the archives mark it as sealed, or forget what it spent.
    let by_hand = Claims::sealOpeningCall { opening: 0, root };
    assert!(scene.call(&by_hand).await.is_err());
    let forget = Claims::forgetCall { opening: 0, nullifier: seal.claims[0].0 };
    assert!(scene.call(&forget).await.is_err());
    scene.send(auditor, archives, &alone).await.expect("confirmed");
    // Every claim is proved under the seal and can be forgotten; no other can.
    for place in 0..count {
        let (nullifier, payout) = seal.claims[place as usize];
        let path = seal.path(place as usize);
        let mut prune =
            Archives::pruneCall { opening: 0, place, nullifier, payoutCommitment: payout, path };
        prune.nullifier += U256::from(1u64);
        assert!(scene.archive(&prune).await.is_err());
        prune.nullifier = nullifier;
        assert!(scene.send(account(50), archives, &prune).await.is_err());
        scene.archive(&prune).await.expect("pruned");
        assert!(scene.archive(&prune).await.is_err(), "once");
    }
    let again = scene.ledger.claim(&claims[0]).await;
    assert!(matches!(again, Err(LedgerError::PeriodNotOpen)), "pruned is not unspent: {again:?}");
}

#[tokio::test]
async fn disputed_claim_waits_is_decided_once_and_appealed_once() {
    let mut scene = Scene::open().await;
    let claims = scene.many(3).await;
    for claim in &claims {
        scene.ledger.claim(claim).await.expect("accepted");
    }
    let target = scene.ledger.network.addresses.disputes;
    let number = |place: usize| word(claims[place].nullifier.to_field());
    let reason = text_hash("reason");
    let freeze = |place| Disputes::freezeCall { nullifier: number(place), reason };
    assert!(scene.send(account(50), target, &freeze(0)).await.is_err());
    let unknown = Disputes::freezeCall { nullifier: U256::from(1u64), reason };
    assert!(scene.send(OPERATOR, target, &unknown).await.is_err());
    for place in 0..3 {
        scene.send(OPERATOR, target, &freeze(place)).await.expect("frozen");
        assert!(scene.send(OPERATOR, target, &freeze(place)).await.is_err());
    }
    let payable = async |scene: &Scene, place: usize| {
        let call = Disputes::mayBePaidCall { nullifier: number(place) };
        scene.ledger.network.view(target, &call).await.expect("a flag")
    };
    assert!(!payable(&scene, 0).await);
    let evidence = Disputes::addEvidenceCall { nullifier: number(0), evidence: reason };
    scene.send(OPERATOR, target, &evidence).await.expect("added");
    let decide =
        |place, outcome| Disputes::decideCall { nullifier: number(place), outcome, reason };
    assert!(scene.send(OPERATOR, target, &decide(0, 0)).await.is_err());
    scene.send(OPERATOR, target, &decide(0, 2)).await.expect("refused");
    assert!(scene.send(OPERATOR, target, &decide(0, 1)).await.is_err(), "once");
    let settle = |place| Disputes::settleCall { nullifier: number(place) };
    assert!(scene.send(OPERATOR, target, &settle(0)).await.is_err(), "it can be appealed against");
    let appeal = Disputes::appealCall { nullifier: number(0), evidence: reason };
    scene.send(OPERATOR, target, &appeal).await.expect("appealed");
    assert!(scene.send(OPERATOR, target, &appeal).await.is_err(), "once");
    let last = Disputes::decideAppealCall { nullifier: number(0), outcome: 1, reason };
    assert!(scene.send(OPERATOR, target, &last).await.is_err(), "the committee's");
    scene.committee(target, &last).await.expect("decided");
    assert!(payable(&scene, 0).await);
    scene.send(OPERATOR, target, &decide(1, 3)).await.expect("to recover");
    let now = scene.ledger.network.chain.head().await.expect("a head").timestamp;
    scene.ledger.network.chain.set_timestamp(now + 31 * DAY);
    scene.send(account(50), target, &settle(1)).await.expect("anyone may");
    assert!(!payable(&scene, 1).await);
    scene.send(account(50), target, &settle(2)).await.expect("not decided in time");
    assert!(payable(&scene, 2).await);
    let rows: Vec<(i64,)> = sqlx::query_as("SELECT payable FROM dispute ORDER BY payable")
        .fetch_all(scene.store.pool())
        .await
        .expect("rows");
    assert_eq!(rows, [(0,), (1,), (1,)], "the treasury knows");
}

#[tokio::test]
async fn department_freezes_only_its_own_claims_and_may_agree_at_once() {
    let mut scene = Scene::open().await;
    let claims = scene.many(3).await;
    for claim in &claims {
        scene.ledger.claim(claim).await.expect("accepted");
    }
    let target = scene.ledger.network.addresses.disputes;
    let nullifiers: Vec<U256> = claims.iter().map(|one| word(one.nullifier.to_field())).collect();
    let reason = text_hash("reason");
    let (own, other) = (OPERATOR, account(61));
    let participants = scene.ledger.network.addresses.participants;
    let network = &mut scene.ledger.network;
    let id = network.request(other, Role::Department, 0, B256::ZERO).await.expect("in");
    let approve = Participants::approveCall { id, document: B256::ZERO, reason: B256::ZERO };
    scene.committee(participants, &approve).await.expect("approved");
    scene.ledger.network.take_up(other, id).await.expect("live");
    let all = Disputes::freezeAllCall { nullifiers: nullifiers.clone(), reason };
    assert!(scene.send(other, target, &all).await.is_err(), "another department's schemes");
    let twice = Disputes::freezeAllCall { nullifiers: vec![nullifiers[0]; 2], reason };
    assert!(scene.send(own, target, &twice).await.is_err(), "all or none");
    scene.send(own, target, &all).await.expect("frozen");
    let accept = Disputes::acceptAllCall { nullifiers: nullifiers[..2].to_vec() };
    assert!(scene.send(own, target, &accept).await.is_err(), "nothing is decided");
    let decide = |outcome| {
        let nullifiers = if outcome == 1 { nullifiers[..2].to_vec() } else { vec![nullifiers[2]] };
        Disputes::decideAllCall { nullifiers, outcome, reason }
    };
    assert!(scene.send(other, target, &decide(1)).await.is_err(), "the agency's");
    scene.send(OPERATOR, target, &decide(1)).await.expect("to be paid");
    scene.send(OPERATOR, target, &decide(2)).await.expect("refused");
    assert!(scene.send(other, target, &accept).await.is_err(), "who froze them agrees");
    scene.send(own, target, &accept).await.expect("paid at once");
    let refused = Disputes::acceptCall { nullifier: nullifiers[2] };
    assert!(scene.send(own, target, &refused).await.is_err(), "the claimant may appeal");
    let settle = Disputes::settleAllCall { nullifiers: vec![nullifiers[2]] };
    assert!(scene.send(own, target, &settle).await.is_err());
    let rows: Vec<(i64,)> = sqlx::query_as("SELECT payable FROM dispute ORDER BY payable")
        .fetch_all(scene.store.pool())
        .await
        .expect("rows");
    assert_eq!(rows, [(0,), (1,), (1,)], "the treasury knows");
}

#[tokio::test]
async fn upgrade_to_another_key_accepts_both_for_a_while() {
    let mut scene = Scene::open().await;
    let claims = scene.many(3).await;
    scene.ledger.claim(&claims[0]).await.expect("accepted");
    let addresses = scene.ledger.network.addresses;
    let newer = key(8);
    let chain = &mut scene.ledger.network.chain;
    let code = create_verifier(newer.verifying_key(), EDITION, addresses.committee);
    let created = chain.send(OPERATOR, None, code).await;
    let verifier = created.expect("deployed").created.expect("there");
    let code = create_claims_code(verifier, &addresses);
    let implementation =
        chain.send(OPERATOR, None, code).await.expect("deployed").created.expect("there");
    let now = scene.ledger.network.chain.head().await.expect("a head").timestamp;
    let retire = Claims::retireKeyCall { verifier: addresses.verifier, until: now + 10 };
    let upgrade = Claims::upgradeToAndCallCall {
        newImplementation: implementation,
        data: retire.abi_encode().into(),
    };
    let claims_address = addresses.claims;
    assert!(scene.call(&upgrade).await.is_err(), "only the committee");
    let initialize = Claims::initializeCall { grace_: 1 };
    assert!(scene.send(OPERATOR, implementation, &initialize).await.is_err());
    assert!(scene.call(&initialize).await.is_err(), "once");
    scene.committee(claims_address, &upgrade).await.expect("upgraded");
    // The state is there: what was spent is spent. A proof under the older key is accepted as such.
    let under = |claim: &crate::LedgerClaim| {
        let Claims::claimCall { opening, checkpoint, own, proof } = raw(claim);
        Claims::claimUnderCall { verifier: addresses.verifier, opening, checkpoint, own, proof }
    };
    assert!(scene.call(&under(&claims[0])).await.is_err());
    assert!(scene.ledger.claim(&claims[1]).await.is_err(), "not as one under the newer");
    scene.call(&under(&claims[1])).await.expect("accepted");
    let scheme = fixture::claim(1).scheme_period;
    let terms = rules_terms(&scheme, scheme.period);
    let refold = Claims::refoldCall { terms, policy: policy_data(&scheme.policy), opening: 0 };
    let mut other = refold.clone();
    other.policy.tiers[0].cap += 1;
    assert!(scene.call(&other).await.is_err());
    let mut other = refold.clone();
    other.terms.issuedBy += 1;
    assert!(scene.call(&other).await.is_err());
    scene.call(&refold).await.expect("folded");
    scene.key = newer;
    let own = (claims[2].nullifier, claims[2].payout, claims[2].envelope);
    let fresh = scene.claim_with(&fixture::claim(1), claims[2].checkpoint, claims[2].period, own);
    scene.ledger.network.chain.set_timestamp(now + 11);
    assert!(scene.call(&under(&claims[2])).await.is_err(), "the overlap is over");
    scene.ledger.claim(&fresh).await.expect("accepted under the newer key");
}

#[tokio::test]
async fn copied_claim_pays_the_same_envelope_and_only_relayers_send_it() {
    let mut scene = Scene::open().await;
    let claim = scene.proved(1).await;
    let target = scene.ledger.network.addresses.claims;
    // An observer who sees the claim on its way cannot submit it, nor another in its place.
    let refused = scene.send(account(50), target, &raw(&claim)).await;
    assert!(matches!(refused, Err(LedgerError::NotPermitted(_))), "{refused:?}");
    let mut stolen = raw(&claim);
    stolen.own[1] += U256::from(1u64);
    assert!(scene.call(&stolen).await.is_err());
    // If another relayer submits the copy first, the same payout commitment is accepted.
    let agency = scene.ledger.network.participant_of(Role::Agency, OPERATOR).await.expect("there");
    let network = &mut scene.ledger.network;
    let id = network.request(account(20), Role::Relayer, agency, B256::ZERO).await.expect("in");
    let approve = Participants::approveCall { id, document: B256::ZERO, reason: B256::ZERO };
    network.send(OPERATOR, network.addresses.participants, &approve).await.expect("approved");
    network.take_up(account(20), id).await.expect("live");
    scene.send(account(20), target, &raw(&claim)).await.expect("accepted");
    let rows: Vec<(Vec<u8>,)> = sqlx::query_as("SELECT payout_commitment FROM accepted_claim")
        .fetch_all(scene.store.pool())
        .await
        .expect("rows");
    assert_eq!(rows, [(praman_store::bytes(claim.payout.to_field()),)]);
    let again = scene.ledger.claim(&claim).await;
    assert!(matches!(again, Err(LedgerError::AlreadyClaimed)));
}
