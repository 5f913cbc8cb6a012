//! The ledger on real nodes: anvil with its faults. Nothing is lost and nothing is brought twice.

use std::path::Path;
use std::time::Duration;

use alloy_primitives::{B256, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use anvil::Anvil;
use praman::consent::ConsentStore;
use praman::ledger::{
    Actors, Chain as _, ContractLedger, Ledger, LedgerAccess, LedgerClaim, LedgerError,
    ManagerNumber, Network, OfficeState, ProviderId, RemoteChain, RemoteSettings, RequesterNumber,
    Role, RootUpdate, history,
};
use praman::scheme::ClaimPeriod;
use praman::store::Store;
use praman_circuits::Fr;
use praman_circuits::access::AccessNullifier;
use praman_circuits::artefact::{ConsentsRoot, Minute};
use praman_circuits::claims_digest::ClaimsDigest;
use praman_circuits::context::context;
use praman_circuits::eligibility::PUBLIC_INPUTS;
use praman_circuits::health_record::RecordsRoot;
use praman_circuits::office::OfficeId;
use praman_circuits::payout::PayoutCommitment;
use praman_circuits::settlement;
use praman_circuits::settlement_state::{
    SettlementBlinding, SettlementState, Total, settlement_state,
};
use praman_testkit::fixture;
use praman_testkit::simulation::SimulatedKey;
use praman_verifier::contracts::{
    Addresses, Claims, Constitution, Disputes, Offices, Participants, Settlements, batch_words,
    word,
};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde_json::json;

use crate::support::anvil;

/// An account of everything, whose key only this test has.
fn operator() -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[0x42; 32]).expect("a key")
}

fn office(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[0x50 + number; 32]).expect("a key")
}

fn settings(endpoints: &[String], confirmations: u64) -> RemoteSettings {
    RemoteSettings {
        endpoints: endpoints.to_vec(),
        chain_id: anvil::CHAIN_ID,
        confirmations,
        raise_after: Duration::from_millis(700),
        patience: Duration::from_secs(20),
    }
}

fn key() -> SimulatedKey {
    SimulatedKey::draw(PUBLIC_INPUTS, &mut ChaCha20Rng::seed_from_u64(3))
}

fn chain(store: &Store, settings: RemoteSettings) -> RemoteChain {
    let keys = [operator(), office(0), office(1), office(2), office(3)];
    RemoteChain::new(store, settings, keys).expect("addresses")
}

struct Scene {
    _folder: tempfile::TempDir,
    store: Store,
    anvil: Anvil,
    ledger: ContractLedger<RemoteChain>,
    claims: Vec<LedgerClaim>,
}

/// Deploys, accredits, opens, and proves some claims.
async fn scene(confirmations: u64, count: u64) -> Scene {
    scene_on(Anvil::start(&[]).await, confirmations, count).await
}

/// The same on a node.
async fn scene_on(anvil: Anvil, confirmations: u64, count: u64) -> Scene {
    for account in [operator(), office(0), office(1), office(2), office(3)] {
        anvil.give_money(account.address()).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).await.expect("a store");
    let key = key();
    let me = operator().address();
    let constitution =
        Constitution { members: vec![me], quorum: 1, delay_seconds: 0, grace_seconds: 86_400 };
    let quick = settings(&[anvil.url()], 0);
    let network =
        Network::deploy(chain(&store, quick), key.verifying_key(), &constitution, me).await;
    let mut network = network.expect("deployed");
    let addresses = network.addresses;
    network.chain.follow(addresses, 0, praman::EVENT_HANDLERS);
    let participants = addresses.participants;
    let agency = admit(&mut network, Role::Agency, 0).await;
    admit(&mut network, Role::Department, 0).await;
    admit(&mut network, Role::Relayer, agency).await;
    let fixture = fixture::claim(1);
    let department = network.participant_of(Role::Department, me).await.expect("there");
    for number in 0..4u8 {
        let account = office(number).address();
        let id = network.request(account, Role::Office, department, B256::ZERO).await.expect("in");
        let approve = Participants::approveCall { id, document: B256::ZERO, reason: B256::ZERO };
        network.send(me, participants, &approve).await.expect("approved");
        network.take_up(account, id).await.expect("live");
        let schema = fixture.claimant.credential.schema.0;
        let accredit = Offices::accreditCall { office: number.into(), schema, participant: id };
        network.send(me, addresses.offices, &accredit).await.expect("accredited");
    }
    let mut ledger = ledger_of(&store, network);
    let schema = fixture.claimant.credential.schema;
    let states: Vec<OfficeState> = (0..)
        .zip(&fixture.offices)
        .map(|(number, &root)| OfficeState { office: OfficeId(number), schema, root, live: 1 })
        .collect();
    let checkpoint =
        ledger.publish_checkpoint(&states, fixture.checkpoint).await.expect("published");
    let period = fixture.scheme_period.period;
    let period = ClaimPeriod { period, window: period };
    ledger
        .open_period(&fixture.scheme_period, period, crate::support::next_week())
        .await
        .expect("opened");
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let context = ledger.context();
    let claims = (0..count)
        .map(|number| {
            let public = fixture.public_of(context, number);
            LedgerClaim {
                scheme: fixture.scheme_period.scheme.clone(),
                period,
                checkpoint,
                nullifier: public.nullifier,
                payout: public.payout,
                envelope: public.envelope,
                proof: key.prove(&public.to_fields(), &mut rng),
            }
        })
        .collect();
    let ledger = reopened(&store, &[anvil.url()], addresses, confirmations);
    ledger.network.chain.record().await.expect("recorded");
    Scene { _folder: folder, store, anvil, ledger, claims }
}

/// Gives the operator a role; its number.
async fn admit(network: &mut Network<RemoteChain>, role: Role, sponsor: u32) -> u32 {
    let (me, participants) = (operator().address(), network.addresses.participants);
    let id = network.request(me, role, sponsor, B256::ZERO).await.expect("in");
    let approve = Participants::approveCall { id, document: B256::ZERO, reason: B256::ZERO };
    network
        .committee(&[me], participants, approve.abi_encode(), B256::ZERO)
        .await
        .expect("approved");
    network.take_up(me, id).await.expect("live");
    id
}

/// Freezes the last claim but one, and settles the opening without it and the last one.
async fn settle_without_two(scene: &mut Scene) {
    let network = &mut scene.ledger.network;
    let (me, addresses) = (operator().address(), network.addresses);
    admit(network, Role::Treasury, 0).await;
    let all = scene.claims.len() as u32;
    let nullifier = word(scene.claims[all as usize - 2].nullifier.to_field());
    let freeze = Disputes::freezeCall { nullifier, reason: B256::ZERO };
    network.send(me, addresses.disputes, &freeze).await.expect("frozen");
    let close = Claims::closeOpeningCall { opening: 0, reason: B256::ZERO };
    network.send(me, addresses.claims, &close).await.expect("closed");

    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let key = SimulatedKey::draw(settlement::PUBLIC_INPUTS, &mut rng);
    network.create_settlements(me, key.verifying_key()).await.expect("created");
    let (chain, contract) = (network.chain.chain_id(), addresses.claims.into_array());
    let (digest, total) =
        (ClaimsDigest::from_field(Fr::from(7u64)), Total { rupees: 31_000, claims: all - 2 });
    let blinding = SettlementBlinding::from_field(Fr::from(8u64));
    let public = settlement::PublicInputs {
        context: settlement::settlement_context(chain, contract, 0),
        before: SettlementState::initial(),
        after: settlement_state(digest, total, &blinding),
        digest,
    };
    let proof = key.prove(&public.to_fields(), &mut rng);
    let chunk = batch_words(public.own().map(word), &proof);
    let counted = (U256::from(1) << (all - 2)) - U256::from(1);
    network.prove_settlement(me, 0, (vec![chunk], vec![counted])).await.expect("proved");
    let state = word(public.after.to_field());
    let lock = Settlements::lockCall { opening: 0, state, freezes: 1 };
    network.lock_settlement(me, &lock).await.expect("locked");
    let open = Settlements::openCall {
        opening: 0,
        rupees: total.rupees,
        counted: total.claims,
        filed: total.rupees,
        blinding: word(blinding.expose()),
    };
    network.open_settlement(me, &open).await.expect("settled");
}

/// The ledger as another process would open it.
fn reopened(
    store: &Store,
    endpoints: &[String],
    addresses: Addresses,
    confirmations: u64,
) -> ContractLedger<RemoteChain> {
    let mut chain = chain(store, settings(endpoints, confirmations));
    chain.follow(addresses, 0, praman::EVENT_HANDLERS);
    ledger_of(store, Network { chain, addresses })
}

/// A ledger of everything, which takes no other's place.
fn ledger_of(store: &Store, network: Network<RemoteChain>) -> ContractLedger<RemoteChain> {
    let context = context(network.chain.chain_id(), network.addresses.claims.into_array());
    ContractLedger::new(store, network, Actors::alone(operator().address()), context)
}

async fn accepted(store: &Store) -> i64 {
    let (count,): (i64,) = sqlx::query_as("SELECT count(*) FROM accepted_claim")
        .fetch_one(store.pool())
        .await
        .expect("a count");
    count
}

#[tokio::test]
async fn claims_are_sent_once_over_several_endpoints() {
    let mut scene = scene(0, 6).await;
    let addresses = scene.ledger.network.addresses;
    scene.ledger.claim(&scene.claims[0]).await.expect("accepted");
    scene.ledger.claim_batch(&scene.claims[1..4]).await.expect("accepted");
    assert_eq!(accepted(&scene.store).await, 4);
    // The same claim again gives the same receipt, not a second transaction.
    let nonce = scene.anvil.nonce(operator().address()).await;
    scene.ledger.claim(&scene.claims[0]).await.expect("the same receipt");
    assert_eq!(scene.anvil.nonce(operator().address()).await, nonce);
    // The first endpoint is away, the second of another chain, the third is there.
    let other = Anvil::start(&["--chain-id", "999"]).await;
    let endpoints = ["http://127.0.0.1:9".to_owned(), other.url(), scene.anvil.url()];
    let mut ledger = reopened(&scene.store, &endpoints, addresses, 0);
    ledger.claim(&scene.claims[4]).await.expect("accepted by the third");
    assert_eq!(accepted(&scene.store).await, 5);
    // Only a node of another chain: said so, nothing sent.
    let mut wrong = settings(&[other.url()], 0);
    wrong.patience = Duration::from_millis(500);
    let mut lost = chain(&scene.store, wrong);
    lost.follow(addresses, 0, praman::EVENT_HANDLERS);
    let mut ledger = ledger_of(&scene.store, Network { chain: lost, addresses });
    let refused = ledger.claim(&scene.claims[5]).await.expect_err("another chain").to_string();
    assert!(refused.contains("belongs to chain 999, not to chain"), "{refused}");
}

/// Chains differ in their fees and instructions: before London there is no base fee.
#[tokio::test]
async fn claim_is_accepted_whatever_fork_the_node_runs() {
    for fork in ["istanbul", "berlin", "london", "shanghai", "cancun", "prague", "osaka"] {
        let anvil = Anvil::start(&["--hardfork", fork]).await;
        let mut scene = scene_on(anvil, 0, 1).await;
        scene.ledger.claim(&scene.claims[0]).await.expect(fork);
        assert_eq!(accepted(&scene.store).await, 1, "{fork}");
        let block = scene.anvil.call("eth_getBlockByNumber", json!(["latest", false])).await;
        let has_base_fee = !block["baseFeePerGas"].is_null();
        assert_eq!(has_base_fee, !["istanbul", "berlin"].contains(&fork), "{fork}: {block}");
    }
}

/// A second implementation of the nodes' interface: `tests/nodes.sh` installs it.
#[tokio::test]
#[ignore = "run by tests/nodes.sh"]
async fn claim_is_accepted_by_hardhats_node_whatever_fork_it_runs() {
    let folder = std::env::var_os("HARDHAT").expect("HARDHAT names the folder of its installation");
    for fork in ["istanbul", "berlin", "london", "merge", "shanghai", "cancun", "prague", "osaka"] {
        let node = Anvil::start_hardhat(Path::new(&folder), fork);
        let mut scene = scene_on(node, 0, 4).await;
        let before = scene.anvil.nonce(operator().address()).await;
        scene.ledger.claim(&scene.claims[0]).await.expect(fork);
        scene.ledger.claim_batch(&scene.claims[1..3]).await.expect(fork);
        scene.ledger.claim(&scene.claims[0]).await.expect("the same receipt");
        assert_eq!(accepted(&scene.store).await, 3, "{fork}");
        assert_eq!(scene.anvil.nonce(operator().address()).await, before + 2, "{fork}");
        // The contract's own reason is found in a refusal.
        let mut forged = scene.claims[3].clone();
        forged.payout = PayoutCommitment::from_field(Fr::from(1u64));
        let refused = scene.ledger.claim(&forged).await.expect_err("forged").to_string();
        assert!(refused.contains("the proof does not hold"), "{fork}: {refused}");
        println!("{fork}: accepted");
    }
}

#[tokio::test]
async fn waiting_transaction_is_sent_again_with_a_higher_fee() {
    let mut scene = scene(0, 2).await;
    scene.anvil.call("evm_setAutomine", json!([false])).await;
    let before = scene.anvil.pool().await;
    let url = scene.anvil.url();
    // A block whose base fee is above what was offered leaves the transaction out.
    let mining = tokio::spawn(async move {
        let (first, second) = (Duration::from_millis(700), Duration::from_millis(1_800));
        tokio::time::sleep(first).await;
        let fee = json!(["0x12a05f200"]);
        anvil::ask(&url, "anvil_setNextBlockBaseFeePerGas", fee).await;
        anvil::ask(&url, "evm_mine", json!([])).await;
        tokio::time::sleep(second).await;
        anvil::ask(&url, "evm_mine", json!([])).await
    });
    let first = scene.claims[0].clone();
    scene.ledger.claim(&first).await.expect("accepted at last");
    mining.await.expect("mined");
    let (forms, fee): (Vec<u8>, i64) = sqlx::query_as(
        "SELECT hashes, fee FROM outbox WHERE state = 'arrived' ORDER BY nonce DESC LIMIT 1",
    )
    .fetch_one(scene.store.pool())
    .await
    .expect("the claim's");
    assert!(forms.len() >= 2 * 32 && fee > 0, "{} forms, fee {fee}", forms.len() / 32);
    assert_eq!(scene.anvil.pool().await, before);
    assert_eq!(accepted(&scene.store).await, 1);
}

#[tokio::test]
async fn dropped_transaction_and_killed_program_lose_nothing() {
    let mut scene = scene(0, 3).await;
    let addresses = scene.ledger.network.addresses;
    scene.anvil.call("evm_setAutomine", json!([false])).await;
    // Kept and sent, then the program is gone before it stands.
    let claim = scene.claims[0].clone();
    let gone = tokio::time::timeout(Duration::from_millis(400), scene.ledger.claim(&claim)).await;
    assert!(gone.is_err());
    // The node forgets it as well.
    scene.anvil.call("anvil_dropAllTransactions", json!([])).await;
    scene.anvil.call("evm_setAutomine", json!([true])).await;
    let mut ledger = reopened(&scene.store, &[scene.anvil.url()], addresses, 0);
    let nonce = scene.anvil.nonce(operator().address()).await;
    ledger.claim(&claim).await.expect("found in the outbox");
    assert_eq!(scene.anvil.nonce(operator().address()).await, nonce + 1, "one transaction");
    // In another form of its proof it is the same claim.
    let mut other = claim.clone();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    other.proof = praman_testkit::simulation::rerandomised(&claim.proof, &mut rng);
    ledger.claim(&other).await.expect("the same receipt");
    assert_eq!(scene.anvil.nonce(operator().address()).await, nonce + 1);
    assert_eq!(accepted(&scene.store).await, 1);
}

#[tokio::test]
async fn reorganised_claim_is_taken_back_and_sent_again() {
    let mut scene = scene(0, 3).await;
    scene.ledger.claim(&scene.claims[0]).await.expect("accepted");
    let first = scene.claims[1].clone();
    scene.ledger.claim(&first).await.expect("accepted");
    assert_eq!(accepted(&scene.store).await, 2);
    scene.anvil.call("anvil_reorg", json!([1, []])).await;
    let claims = scene.ledger.network.addresses.claims;
    let call = Claims::spentByCall {
        nullifier: praman_verifier::contracts::word(first.nullifier.to_field()),
    };
    let spent_by = scene.ledger.network.view(claims, &call).await.expect("a number");
    assert!(spent_by.is_zero(), "the chain lost it");
    // Recording what the chain now says takes it back and sends it again.
    scene.ledger.network.chain.record().await.expect("recorded");
    assert_eq!(accepted(&scene.store).await, 1);
    scene.ledger.claim(&first).await.expect("accepted again");
    assert_eq!(accepted(&scene.store).await, 2);
    assert!(!scene.ledger.network.view(claims, &call).await.expect("a number").is_zero());
    // A snapshot that is reverted to is the same, deeper.
    let snapshot = scene.anvil.call("evm_snapshot", json!([])).await;
    scene.ledger.claim(&scene.claims[2]).await.expect("accepted");
    scene.anvil.call("evm_revert", json!([snapshot])).await;
    scene.anvil.call("anvil_mine", json!(["0x2"])).await;
    scene.ledger.network.chain.record().await.expect("recorded");
    scene.ledger.claim(&scene.claims[2]).await.expect("accepted again");
    assert_eq!(accepted(&scene.store).await, 3);
    // What was paid is never quietly taken back.
    sqlx::query("UPDATE accepted_claim SET batch = 'a file'")
        .execute(scene.store.pool())
        .await
        .expect("paid");
    scene.anvil.call("anvil_reorg", json!([1, []])).await;
    let said = scene.ledger.network.chain.record().await.expect_err("a paid claim").to_string();
    assert!(said.contains("dropped 1 claims that were paid"), "{said}");
}

#[tokio::test]
async fn claim_waits_for_as_many_blocks_as_asked() {
    let mut scene = scene(2, 1).await;
    let url = scene.anvil.url();
    let mining = tokio::spawn(async move {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(600)).await;
            anvil::ask(&url, "evm_mine", json!([])).await;
        }
    });
    let claim = scene.claims[0].clone();
    let started = std::time::Instant::now();
    scene.ledger.claim(&claim).await.expect("accepted");
    assert!(started.elapsed() > Duration::from_secs(1), "it stood before its confirmations");
    mining.await.expect("mined");
    assert_eq!(accepted(&scene.store).await, 1);
}

#[tokio::test]
async fn node_killed_in_between_comes_back_to_one_acceptance() {
    let mut scene = scene(0, 9).await;
    let addresses = scene.ledger.network.addresses;
    scene.anvil.call("evm_setAutomine", json!([false])).await;
    let batch = scene.claims[..8].to_vec();
    let gone =
        tokio::time::timeout(Duration::from_millis(400), scene.ledger.claim_batch(&batch)).await;
    assert!(gone.is_err());
    // Killed with the batch in its pool, and started again from its last written state.
    scene.anvil.wait_for_state().await;
    scene.anvil.kill_and_restart().await;
    let mut ledger = reopened(&scene.store, &[scene.anvil.url()], addresses, 0);
    ledger.claim_batch(&batch).await.expect("found in the outbox and brought");
    assert_eq!(accepted(&scene.store).await, 8);
    ledger.claim_batch(&batch).await.expect("the same receipt");
    assert_eq!(accepted(&scene.store).await, 8);
}

#[tokio::test]
async fn refusals_and_blocks_too_small_cost_no_nonce() {
    let mut scene = scene(0, 2).await;
    let nonce = scene.anvil.nonce(operator().address()).await;
    let mut forged = scene.claims[0].clone();
    forged.payout = PayoutCommitment::from_field(Fr::from(1u64));
    let refused = scene.ledger.claim(&forged).await.expect_err("forged").to_string();
    assert!(refused.contains("the proof does not hold"), "{refused}");
    assert_eq!(scene.anvil.nonce(operator().address()).await, nonce);
    // A block too small for the claim.
    scene.anvil.call("evm_setBlockGasLimit", json!(["0x186a0"])).await;
    scene.anvil.call("evm_mine", json!([])).await;
    scene.ledger.claim(&scene.claims[0]).await.expect_err("no room");
    assert_eq!(scene.anvil.nonce(operator().address()).await, nonce);
    scene.anvil.call("evm_setBlockGasLimit", json!(["0x1c9c380"])).await;
    scene.anvil.call("evm_mine", json!([])).await;
    scene.ledger.claim(&scene.claims[0]).await.expect("accepted");
    // The history of all that was done, replayed from the first block.
    let history = history::verify(&mut scene.ledger.network, None).await.expect("replayed");
    assert_eq!((history.claims, history.faults.len()), (1, 0), "{:?}", history.faults);
}

#[tokio::test]
async fn explorer_page_shows_anyone_what_the_ledger_says() {
    let mut scene = scene(0, 22).await;
    scene.ledger.claim(&scene.claims[0]).await.expect("accepted");
    scene.ledger.claim_batch(&scene.claims[1..]).await.expect("accepted");
    settle_without_two(&mut scene).await;
    let addresses = scene.ledger.network.addresses;
    let relayer = scene.ledger.network.participant_of(Role::Relayer, operator().address()).await;
    let now = scene.anvil.now().await;
    let day = 86_400;
    let bar = Participants::barCall {
        id: relayer.expect("there"),
        debarment: false,
        reason: B256::ZERO,
        order: B256::repeat_byte(7),
        from: now,
        until: now + 30 * day,
        appealBy: now + 9 * day,
    };
    let me = operator().address();
    scene.ledger.network.send(me, addresses.participants, &bar).await.expect("suspended");
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let page = |url: String, [settlements, disputes]: [String; 2]| {
        let (claims, participants) =
            (addresses.claims.to_string(), addresses.participants.to_string());
        let ran = std::process::Command::new("node")
            .arg(format!("{root}/tests/peers/explorer.mjs"))
            .args([url, claims, participants, settlements, disputes])
            .output()
            .expect("node is installed");
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "{said}");
        serde_json::from_slice::<serde_json::Value>(&ran.stdout).expect("one JSON object")
    };
    let further = [addresses.settlements, addresses.disputes].map(|one| one.to_string());
    let shown = page(scene.anvil.url(), further.clone());
    assert_eq!((&shown["faults"], &shown["wide"]), (&json!([]), &json!(false)), "{shown}");
    // The ledger's has the days for settling in it.
    let last_day =
        praman_circuits::period::Day(crate::support::next_week().0 + praman::ledger::SETTLING_DAYS);
    let last_day = praman::calendar::date_of(last_day).expect("a date").to_string();
    let opening = ["lakshmir-bhandar", "June 2026", "closed", &last_day, "22"];
    assert_eq!(shown["openings"], json!([opening]));
    let settled = ["lakshmir-bhandar", "June 2026", "31000", "22", "20", "1", "0", "1"];
    assert_eq!(shown["settled"], json!([settled]));
    let roles = shown["roles"].as_array().expect("rows");
    assert_eq!(roles.len(), 8);
    let role = |row: usize| (roles[row][1].as_str(), roles[row][3].as_str());
    assert_eq!(role(0), (Some("agency"), Some("live")));
    assert_eq!(role(2), (Some("relayer"), Some("suspended")));
    assert_eq!(shown["orders"][0][1], "suspended");
    assert_eq!(shown["orders"][0][4], B256::repeat_byte(7).to_string());
    // A node that is away is said to be.
    let away = page("http://127.0.0.1:9".to_owned(), further);
    // Without the contracts of settlements and disputes nothing is said of sums.
    let plain = page(scene.anvil.url(), [String::new(), String::new()]);
    assert_eq!((&plain["settled"], &plain["faults"]), (&json!([]), &json!([])), "{plain}");
    assert_eq!(plain["openings"], json!([opening]));
    assert!(away["state"].as_str().expect("text").contains("does not answer"), "{away}");
    // The page's topics are the contracts' events.
    use alloy_sol_types::SolEvent;
    let source = std::fs::read_to_string(format!("{root}/network/explorer.html")).expect("a page");
    for topic in [
        Claims::PeriodOpened::SIGNATURE_HASH,
        Claims::StageChanged::SIGNATURE_HASH,
        Claims::LastDaySet::SIGNATURE_HASH,
        Claims::ClaimAccepted::SIGNATURE_HASH,
        Claims::ClaimsAccepted::SIGNATURE_HASH,
        Claims::PauseChanged::SIGNATURE_HASH,
        Participants::Drafted::SIGNATURE_HASH,
        Participants::NoticeIssued::SIGNATURE_HASH,
        Participants::Barred::SIGNATURE_HASH,
        Settlements::ChunksProved::SIGNATURE_HASH,
        Settlements::SettlementOpened::SIGNATURE_HASH,
        Disputes::Frozen::SIGNATURE_HASH,
        Disputes::Settled::SIGNATURE_HASH,
    ] {
        assert!(source.contains(&topic.to_string()), "{topic}");
    }
}

#[tokio::test]
async fn accesses_by_consent_are_recorded_on_real_nodes_until_a_withdrawal() {
    let mut scene = scene(0, 0).await;
    let (me, provider_account, requester_account) =
        (operator().address(), office(1).address(), office(2).address());
    let network = &mut scene.ledger.network;
    let participants = network.addresses.participants;
    let agency = network.participant_of(Role::Agency, me).await.expect("there");
    let mut admitted = Vec::new();
    for (account, role, sponsor) in [
        (provider_account, Role::Provider, 0),
        (requester_account, Role::Application, agency),
        (provider_account, Role::ConsentManager, 0),
    ] {
        let id = network.request(account, role, sponsor, B256::ZERO).await.expect("in");
        let approve = Participants::approveCall { id, document: B256::ZERO, reason: B256::ZERO };
        if sponsor == 0 {
            let call = approve.abi_encode();
            network.committee(&[me], participants, call, B256::ZERO).await.expect("approved");
        } else {
            network.send(me, participants, &approve).await.expect("approved");
        }
        network.take_up(account, id).await.expect("live");
        admitted.push(id);
    }
    let (provider, requester) = (ProviderId(admitted[0]), RequesterNumber(admitted[1]));
    let manager = ManagerNumber(admitted[2]);
    let ledger = &mut scene.ledger;
    let records = |number: u64| RecordsRoot::from_field(Fr::from(number));
    let consents = |number: u64| ConsentsRoot::from_field(Fr::from(number));
    let added = RootUpdate { root: records(1), version: 1, live: 1, graceless: false };
    ledger.put_records_root(provider, added).await.expect("put");
    let granted = RootUpdate { root: consents(2), version: 5, live: 1, graceless: false };
    ledger.put_consents_root(manager, provider, granted).await.expect("put");
    // What comes late changes nothing back.
    let late = RootUpdate { root: consents(9), version: 5, live: 1, graceless: false };
    let refused = ledger.put_consents_root(manager, provider, late).await;
    assert!(matches!(refused, Err(LedgerError::OldRoot)));

    let now = (scene.anvil.now().await / 60) as u32 + 25_567 * 1_440;
    let access = |number: u64, against: u64| LedgerAccess {
        nullifier: AccessNullifier::from_field(Fr::from(number)),
        records: records(1),
        manager,
        consents: consents(against),
        requester,
        as_of: Minute(now),
        digest: [number as u8; 32],
    };
    // One against a root that never stood, and one twice, take no other with them.
    let batch = [access(1, 2), access(2, 7), access(1, 2), access(3, 2)];
    ledger.record_accesses(provider, &batch).await.expect("recorded");
    let is_recorded = async |number: u64| {
        let nullifier = AccessNullifier::from_field(Fr::from(number));
        ConsentStore(&scene.store)
            .recorded_access(provider, nullifier)
            .await
            .expect("asked")
            .is_some()
    };
    assert!(is_recorded(1).await && !is_recorded(2).await && is_recorded(3).await);
    let withdrawn = RootUpdate { root: consents(4), version: 6, live: 0, graceless: true };
    ledger.put_consents_root(manager, provider, withdrawn).await.expect("put");
    ledger.record_accesses(provider, &[access(5, 2), access(6, 4)]).await.expect("sent");
    assert!(!is_recorded(5).await && is_recorded(6).await);
    assert!(
        !ledger.are_good_roots(provider, manager, records(1), consents(2)).await.expect("asked")
    );
    assert_eq!(ledger.records_state(provider).await.expect("known").accesses, 3);
    let history = history::verify(&mut ledger.network, None).await.expect("replayed");
    assert!(history.faults.is_empty(), "{:?}", history.faults);
    assert_eq!((history.accesses, history.withdrawals), (3, 1));
    // Blocks that another chain has replaced take their accesses back.
    scene.anvil.call("anvil_reorg", json!([1, []])).await;
    scene.ledger.network.chain.record().await.expect("recorded");
    assert!(is_recorded(3).await && !is_recorded(6).await);
}
