//! The claim machine on both databases: one suite, run on each.

use std::time::Duration;

use ark_ff::{BigInteger, PrimeField};
use claim_scene::Scene;
use postgres::Postgres;
use praman::claim::SubmittedClaim;
use praman::claims::{
    Check, ClaimDesk, ClaimId, ClaimLimits, ClaimMachine, ClaimReceipt, ClaimState, ClaimStore,
    ClientKey, DeskError, HandedIn, Origin, Reason, Refusal, Schemes,
};
use praman::ledger::{JoinedLedger, Ledger as _, LedgerStore};
use praman::offices::OfficeStore;
use praman::store::{Database, Location, Store};
use praman_circuits::Fr;
use tempfile::TempDir;

use crate::support::{claim_scene, postgres};

async fn receive(machine: &ClaimMachine, claim: &SubmittedClaim) -> ClaimReceipt {
    hand_in(machine, claim.clone().into()).await.unwrap_or_else(|refusal| panic!("{refusal}"))
}

async fn hand_in(machine: &ClaimMachine, claim: HandedIn) -> Result<ClaimReceipt, Refusal> {
    let outcomes = machine.receive(&[claim], Check::Together).await;
    outcomes.expect("answered").pop().expect("one")
}

/// Runs a test on SQLite and on PostgreSQL.
async fn on_both(test: impl AsyncFn(Scene)) {
    let folder = TempDir::new().expect("a folder");
    test(Scene::open(Location::Folder(folder.path().to_owned())).await).await;
    let server = Postgres::start();
    test(Scene::open(Location::Server(server.address())).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claim_is_accepted_and_has_one_receipt() {
    on_both(async |mut scene| {
        let (first, second) = (scene.machine(), scene.machine());
        let claim = scene.claim(1, 10);
        let receipt = receive(&first, &claim).await;
        assert_eq!(receipt.state, ClaimState::Verified);
        assert_eq!(receive(&second, &claim).await, receipt, "the same at another program");
        let other = scene.other_form(&claim);
        assert_ne!(ClaimId::of(&other), receipt.id);
        assert_eq!(receive(&second, &other).await, receipt, "the same in another form");
        let another = receive(&first, &scene.claim(1, 11)).await;
        assert_eq!((another.state, another.reason), refused(Reason::AlreadyClaimed));

        let settled = first.settle(&mut scene.ledger().await).await.expect("settled");
        assert_eq!((settled.decided.len(), settled.waits), (1, None));
        let accepted = receive(&second, &claim).await;
        assert_eq!((accepted.state, accepted.reason), (ClaimState::Accepted, None));
        assert!(accepted.block.is_some());
        assert_eq!(receive(&first, &other).await, accepted);
        // A form that comes only now, and a second claim.
        let late = scene.other_form(&claim);
        assert_eq!(receive(&first, &late).await, accepted);
        let another = receive(&second, &scene.claim(1, 12)).await;
        assert_eq!((another.state, another.reason), refused(Reason::AlreadyClaimed));
        assert!(first.settle(&mut scene.ledger().await).await.expect("settled").is_idle());
    })
    .await;
}

/// A claim that was made on the ledger whose place this one takes is refused before it reaches the ledger.
#[tokio::test(flavor = "multi_thread")]
async fn claim_that_the_earlier_ledger_accepted_is_refused_and_listed_as_spent() {
    on_both(async |mut scene| {
        let (scope, period) = (scene.terms.scope(), scene.terms.period);
        let element = |element: Fr| element.into_bigint().to_bytes_be();
        sqlx::query(
            "INSERT INTO inherited_nullifier (nullifier, scope, period, block) VALUES ($1, $2, $3, 1)",
        )
        .bind(element(Fr::from(1u64)))
        .bind(element(scope.to_field()))
        .bind(i64::from(period.0))
        .execute(scene.store.writer())
        .await
        .expect("written");
        let machine = scene.machine();
        let again = receive(&machine, &scene.claim(1, 10)).await;
        assert_eq!((again.state, again.reason), refused(Reason::AlreadyClaimed));
        let other = receive(&machine, &scene.claim(2, 10)).await;
        assert_eq!(other.state, ClaimState::Verified);
        machine.settle(&mut scene.ledger().await).await.expect("settled");
        let ledger = LedgerStore(&scene.store);
        assert_eq!(ledger.spent_count(scope, period).await.expect("counted").spent, 2);
        let of = async |prefix: &str| {
            let prefix = prefix.parse().expect("a prefix");
            let spent = ledger.spent_nullifiers(scope, period, prefix).await;
            let spent = spent.expect("listed").expect("few");
            spent.nullifiers.into_iter().map(|nullifier| nullifier.to_field()).collect::<Vec<_>>()
        };
        assert_eq!(of("all").await, [Fr::from(1u64), Fr::from(2u64)]);
        assert_eq!(of("000").await, [Fr::from(1u64), Fr::from(2u64)]);
        assert!(of("001").await.is_empty());
    })
    .await;
}

/// The ledger has accepted another claim of a person than the one that was kept here, as another relayer brought it:
/// that one stands, with its envelope.
#[tokio::test(flavor = "multi_thread")]
async fn claim_that_the_ledger_accepted_takes_the_place_of_the_one_kept_here() {
    on_both(async |mut scene| {
        let machine = scene.machine();
        let (kept, brought) = (scene.claim(1, 10), scene.claim(1, 11));
        assert_eq!(receive(&machine, &kept).await.state, ClaimState::Verified);
        let mut elsewhere = scene.ledger().await;
        let checkpoint =
            OfficeStore(&scene.store).checkpoint_number(scene.checkpoint).await.expect("read");
        let mut claim = brought.claim().ledger.clone();
        claim.checkpoint = checkpoint.expect("published");
        elsewhere.claim(&claim).await.expect("accepted");
        assert_eq!(receive(&machine, &brought).await.state, ClaimState::Accepted);
        let kept = receive(&machine, &kept).await;
        assert_eq!((kept.state, kept.reason), refused(Reason::AlreadyClaimed));
        let store = ClaimStore(&scene.store);
        let receipt = store.claim_receipt(ClaimId::of(&brought)).await.expect("read");
        assert_eq!(receipt.expect("kept").state, ClaimState::Accepted);
        assert!(machine.settle(&mut scene.ledger().await).await.expect("settled").is_idle());
    })
    .await;
}

fn refused(reason: Reason) -> (ClaimState, Option<Reason>) {
    (ClaimState::Refused, Some(reason))
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_claim_does_not_keep_the_honest_one_out() {
    on_both(async |mut scene| {
        let machine = scene.machine();
        let honest = scene.claim(1, 10);
        // A proof of something else under the honest one's nullifier, before the honest claim.
        let mut forged = scene.claim(2, 20).claim().clone();
        forged.ledger.nullifier = honest.claim().ledger.nullifier;
        let forged = receive(&machine, &SubmittedClaim::new(forged, scene.checkpoint)).await;
        assert_eq!((forged.state, forged.reason), refused(Reason::ProofInvalid));
        assert_eq!(receive(&machine, &honest).await.state, ClaimState::Verified);

        let refusal = async |claim: SubmittedClaim| hand_in(&machine, claim.into()).await.err();
        let mut unknown = honest.claim().clone();
        unknown.ledger.scheme = "no-such-scheme".parse().expect("an id");
        let unknown = SubmittedClaim::new(unknown, scene.checkpoint);
        assert_eq!(refusal(unknown).await, Some(Refusal::Reason(Reason::SchemeUnknown)));
        let mut small = honest.claim().clone();
        small.envelope.pop();
        let small = SubmittedClaim::new(small, scene.checkpoint);
        assert_eq!(refusal(small).await, Some(Refusal::Reason(Reason::EnvelopeMalformed)));
        let mut other_state = scene.checkpoint;
        other_state.as_of.0 -= 1;
        let stale = SubmittedClaim::new(honest.claim().clone(), other_state);
        assert_eq!(refusal(stale).await, Some(Refusal::Reason(Reason::CheckpointNotGood)));
        let mut closed = honest.claim().clone();
        closed.ledger.period.period.0 += 1;
        closed.ledger.period.window.0 += 1;
        let closed = SubmittedClaim::new(closed, scene.checkpoint);
        assert_eq!(refusal(closed).await, Some(Refusal::Reason(Reason::PeriodNotOpen)));
        sqlx::query("UPDATE opening SET last_day = $1")
            .bind(i64::from(scene.checkpoint.as_of.0) - 1)
            .execute(scene.store.pool())
            .await
            .expect("over");
        let over = scene.claim(3, 30);
        assert_eq!(refusal(over).await, Some(Refusal::Reason(Reason::PeriodOver)));
    })
    .await;
}

fn named(claim: &SubmittedClaim, key: &ClientKey) -> HandedIn {
    HandedIn { client_key: Some(key.clone()), ..claim.clone().into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_name_for_one_claim_is_refused_for_another() {
    on_both(async |mut scene| {
        let machine = scene.machine();
        let key = ClientKey { client: "kiosk 1".to_owned(), name: "a".to_owned() };
        let (claim, other) = (scene.claim(1, 10), scene.claim(2, 20));
        for _ in 0..2 {
            hand_in(&machine, named(&claim, &key)).await.expect("taken");
        }
        let refusal = hand_in(&machine, named(&other, &key)).await.err();
        assert_eq!(refusal, Some(Refusal::KeyUsed));
        // Nor may one of two that come together lose its name unheard.
        let third = scene.claim(3, 30);
        let key = ClientKey { name: "b".to_owned(), ..key };
        let both = [named(&other, &key), named(&third, &key)];
        let outcomes = machine.receive(&both, Check::Together).await.expect("answered");
        let refused: Vec<_> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        assert_eq!(refused, [&Refusal::KeyUsed]);
        let taken = outcomes.iter().position(Result::is_ok).expect("one is taken");
        let named_so = ClaimStore(&scene.store).named_claim(&key).await.expect("read");
        assert_eq!(named_so, Some(ClaimId::of(&both[taken].claim)));
        let unnamed = ClaimId::of(&both[1 - taken].claim);
        assert_eq!(ClaimStore(&scene.store).claim_receipt(unnamed).await.expect("read"), None);
        let other = if taken == 0 { third } else { other };
        let key = ClientKey { name: "a".to_owned(), ..key };
        let named = ClaimStore(&scene.store).named_claim(&key).await.expect("read");
        assert_eq!(named, Some(ClaimId::of(&claim)));
        assert_eq!(
            ClaimStore(&scene.store).claim_receipt(ClaimId::of(&other)).await.expect("read"),
            None
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claim_that_does_not_hold_takes_no_name_and_is_not_counted() {
    on_both(async |mut scene| {
        let machine = scene.machine();
        let key = ClientKey { client: String::new(), name: "a".to_owned() };
        let district = praman::register::District::Nadia;
        let bad = {
            let (one, other) = (scene.claim(1, 10), scene.claim(2, 20));
            let mut forged = one.claim().clone();
            forged.ledger.proof = other.claim().ledger.proof.clone();
            SubmittedClaim::new(forged, scene.checkpoint)
        };
        let good = scene.claim(3, 30);
        let hand_in_here = async |claim: &SubmittedClaim| {
            let handed_in = HandedIn { district: Some(district), ..named(claim, &key) };
            hand_in(&machine, handed_in).await.expect("taken");
        };
        hand_in_here(&bad).await;
        let counted = async || -> i64 {
            let sum = "SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM claim_district";
            let (count,): (i64,) =
                sqlx::query_as(sum).fetch_one(scene.store.pool()).await.expect("read");
            count
        };
        assert_eq!(ClaimStore(&scene.store).named_claim(&key).await.expect("read"), None);
        assert_eq!(counted().await, 0);
        for _ in 0..2 {
            hand_in_here(&good).await;
        }
        let named = ClaimStore(&scene.store).named_claim(&key).await.expect("read");
        assert_eq!(named, Some(ClaimId::of(&good)));
        assert_eq!(counted().await, 1, "once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn program_that_died_leaves_its_claims_to_the_next() {
    on_both(async |mut scene| {
        let claims: Vec<_> = (1..=100).map(|person| scene.claim(person, 10)).collect();
        let dead = scene.machine();
        let handed_in: Vec<HandedIn> = claims.iter().map(|claim| claim.clone().into()).collect();
        let kept = dead.receive(&handed_in, Check::Together).await.expect("kept");
        assert!(kept.iter().flatten().all(|receipt| receipt.state == ClaimState::Verified));
        drop(dead);
        let next = scene.machine();
        let mut ledger = scene.ledger().await;
        assert_eq!(next.settle(&mut ledger).await.expect("settled").decided.len(), 64);
        assert_eq!(next.settle(&mut ledger).await.expect("settled").decided.len(), 36);
        for claim in &claims {
            let receipt =
                ClaimStore(&scene.store).claim_receipt(ClaimId::of(claim)).await.expect("read");
            assert_eq!(receipt.expect("known").state, ClaimState::Accepted);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_desks_on_one_store_give_one_receipt() {
    on_both(async |mut scene| {
        let mut desks = Vec::new();
        for _ in 0..2 {
            // A store of its own, as another machine has.
            let store = Store::connect(&scene.location).await.expect("a store");
            let key = scene.key.verifying_key();
            let ledger = JoinedLedger::join(&store, &[], key, praman::EVENT_HANDLERS)
                .await
                .expect("a ledger");
            let machine = ClaimMachine::new(&store, key, Schemes::shipped(), scene.context);
            desks.push(ClaimDesk::open(machine, ledger, ClaimLimits::default()));
        }
        let claims: Vec<_> = (1..=150).map(|person| scene.claim(person, 10)).collect();
        let mut clients = tokio::task::JoinSet::new();
        for claim in &claims {
            for desk in &desks {
                let (desk, claim) = (desk.clone(), claim.clone());
                clients.spawn(async move {
                    let kept = desk.submit(claim.into(), Origin::Trusted).await.expect("kept");
                    let is_old = |receipt: &ClaimReceipt| !receipt.state.is_decided();
                    desk.changed(kept.id, is_old, Duration::from_secs(60)).await.expect("read")
                });
            }
        }
        let mut receipts = std::collections::HashMap::new();
        while let Some(receipt) = clients.join_next().await {
            let receipt = receipt.expect("no panic").expect("known");
            assert_eq!(receipt.state, ClaimState::Accepted, "{:?}", receipt.reason);
            assert_eq!(*receipts.entry(receipt.id).or_insert(receipt.clone()), receipt);
        }
        assert_eq!(receipts.len(), claims.len());
        let (accepted,): (i64,) = sqlx::query_as("SELECT count(*) FROM accepted_claim")
            .fetch_one(scene.store.pool())
            .await
            .expect("a count");
        assert_eq!(accepted, 150);
        for desk in desks {
            desk.shut_down().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_desk_says_when_to_come_again() {
    let folder = TempDir::new().expect("a folder");
    let mut scene = Scene::open(Location::Folder(folder.path().to_owned())).await;
    let limits = ClaimLimits { waiting_max: 1, retry_after: Duration::from_secs(3) };
    let desk = ClaimDesk::open(scene.machine(), scene.ledger().await, limits);
    // Nothing is kept while another writes.
    let writing = scene.store.begin().await.expect("a transaction");
    let mut clients = tokio::task::JoinSet::new();
    for person in 1..=20 {
        let (desk, claim) = (desk.clone(), scene.claim(person, 10));
        clients.spawn(async move { desk.submit(claim.into(), Origin::Trusted).await });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(writing);
    let (mut kept, mut turned_away) = (0, 0);
    while let Some(outcome) = clients.join_next().await {
        match outcome.expect("no panic") {
            Ok(_) => kept += 1,
            Err(error) => {
                assert_eq!(error.to_string(), "too many claims are pending: try again in 3 s");
                turned_away += 1;
            }
        }
    }
    assert!(kept >= 1 && turned_away >= 1, "{kept} kept, {turned_away} turned away");
    desk.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_that_is_set_back_holds_nothing_for_a_day() {
    on_both(async |mut scene| {
        const DAY: &str = "86400000";
        let (first, second) = (scene.machine(), scene.machine());
        let claim = scene.claim(1, 10);
        let store = &scene.store;
        as_an_earlier_version_kept_it(store, &claim, false).await;
        assert!(!first.take_over().await.expect("looked").is_empty());
        as_an_earlier_version_kept_it(store, &claim, true).await;
        assert!(second.take_over().await.expect("looked").is_empty(), "another has it");
        let lease = Duration::from_secs(10);
        let take = async |program| store.take_lease("a", program, lease).await.expect("asked");
        assert!(take("first").await.is_some());
        assert!(take("second").await.is_none());
        for (table, column) in [("claim", "held_until"), ("lease", "expires_at")] {
            let later = format!("UPDATE {table} SET {column} = {column} + {DAY}");
            let later = sqlx::query(sqlx::AssertSqlSafe(later)).execute(store.writer()).await;
            later.expect("as a clock that was ahead had written it");
        }
        assert_eq!(second.take_over().await.expect("looked").len(), 1);
        assert!(take("second").await.is_some());
        assert!(take("first").await.is_none());
    })
    .await;
}

/// Keeps a claim before its proof is checked, as earlier versions did; one that they are at just now, or left.
async fn as_an_earlier_version_kept_it(store: &Store, claim: &SubmittedClaim, held: bool) {
    let now = match store.database() {
        Database::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
        Database::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
    };
    let until = if held { "+ 9000" } else { "- 1" };
    let ledger = &claim.claim().ledger;
    let element = |element: Fr| element.into_bigint().to_bytes_be();
    sqlx::query("DELETE FROM claim").execute(store.writer()).await.expect("deleted");
    let statement = format!(
        "INSERT INTO claim (id, nullifier, state, scheme, period, \"window\", state_root, as_of,
             payout_commitment, proof, envelope, holder, held_until, received_at)
         VALUES ($1, $2, 'received', $3, $4, $5, $6, $7, $8, $9, $10, 'a', {now} {until}, {now})"
    );
    sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(hex::decode(ClaimId::of(claim).to_string()).expect("hexadecimal"))
        .bind(element(ledger.nullifier.to_field()))
        .bind(claim.scheme().as_str())
        .bind(i64::from(ledger.period.period.0))
        .bind(i64::from(ledger.period.window.0))
        .bind(element(claim.checkpoint().state_root.to_field()))
        .bind(i64::from(claim.checkpoint().as_of.0))
        .bind(element(ledger.payout.to_field()))
        .bind(ledger.proof.to_words().as_flattened().to_vec())
        .bind(claim.claim().envelope.clone())
        .execute(store.writer())
        .await
        .expect("kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn claim_that_earlier_version_kept_is_checked_by_this_one() {
    on_both(async |mut scene| {
        let machine = scene.machine();
        let claim = scene.claim(1, 10);
        as_an_earlier_version_kept_it(&scene.store, &claim, false).await;
        assert_eq!(receive(&machine, &claim).await.state, ClaimState::Received);
        assert_eq!(machine.take_over().await.expect("checked"), [ClaimId::of(&claim)]);
        assert_eq!(receive(&machine, &claim).await.state, ClaimState::Verified);
        let mut forged = scene.claim(2, 20).claim().clone();
        forged.ledger.nullifier = claim.claim().ledger.nullifier;
        let forged = SubmittedClaim::new(forged, scene.checkpoint);
        as_an_earlier_version_kept_it(&scene.store, &forged, false).await;
        machine.take_over().await.expect("checked");
        let receipt = receive(&machine, &forged).await;
        assert_eq!((receipt.state, receipt.reason), refused(Reason::ProofInvalid));
        assert_eq!(count(&scene.store, "claim").await, 0);
    })
    .await;
}

async fn count(store: &Store, table: &str) -> i64 {
    let statement = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    let (count,): (i64,) =
        sqlx::query_as(statement).fetch_one(store.pool()).await.expect("a count");
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_that_do_not_hold_do_not_fill_the_store_or_stop_others() {
    on_both(async |mut scene| {
        let desk = ClaimDesk::open(scene.machine(), scene.ledger().await, ClaimLimits::default());
        let peer = |last| Origin::from(std::net::IpAddr::from([192, 0, 2, last]));
        let proof = scene.claim(1, 10).claim().ledger.proof.clone();
        let bad: Vec<SubmittedClaim> = (0..400)
            .map(|person| {
                let mut claim = scene.claim(1_000 + person, 10).claim().clone();
                claim.ledger.proof = proof.clone();
                SubmittedClaim::new(claim, scene.checkpoint)
            })
            .collect();
        let (mut refused_by_proof, mut busy) = (0, 0);
        let mut clients = tokio::task::JoinSet::new();
        for (number, claim) in bad.iter().enumerate() {
            let (desk, claim) = (desk.clone(), claim.clone());
            let client = async move { desk.submit(claim.into(), peer(1)).await };
            clients.spawn(client);
            // The first ones are anybody's; by them the peer is known.
            while number == 99
                && let Some(outcome) = clients.join_next().await
            {
                let receipt = outcome.expect("joined").expect("looked at");
                assert_eq!((receipt.state, receipt.reason), refused(Reason::ProofInvalid));
            }
        }
        let honest: Vec<_> = (0..20).map(|person| scene.claim(person, 10)).collect();
        for (number, claim) in honest.iter().enumerate() {
            let origin = if number % 2 == 0 { peer(2) } else { Origin::Trusted };
            let receipt = desk.submit(claim.clone().into(), origin).await.expect("there is room");
            assert_ne!(receipt.state, ClaimState::Refused);
        }
        while let Some(outcome) = clients.join_next().await {
            match outcome.expect("joined") {
                Ok(receipt) => {
                    assert_eq!((receipt.state, receipt.reason), refused(Reason::ProofInvalid));
                    refused_by_proof += 1;
                }
                Err(DeskError::Busy { .. }) => busy += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(busy > 0 && refused_by_proof > 0, "{busy} {refused_by_proof}");
        // An honest one of the same peer is looked at too, if not at once.
        let late = scene.claim(100, 10);
        let receipt = desk.submit(late.into(), peer(1)).await.expect("there is room again");
        assert_ne!(receipt.state, ClaimState::Refused);
        // What is on the ledger: in another form it is the same claim, with another envelope it is none.
        let form = scene.other_form(&honest[0]);
        let receipt = desk.submit(form.into(), peer(3)).await.expect("looked at");
        assert_eq!(receipt.id, ClaimId::of(&honest[0]));
        for number in 0..3 {
            let mut form = scene.other_form(&honest[0]).claim().clone();
            form.envelope[0] ^= number + 1;
            let form = SubmittedClaim::new(form, scene.checkpoint);
            let receipt = desk.submit(form.into(), peer(3)).await.expect("looked at");
            assert_eq!((receipt.state, receipt.reason), refused(Reason::ProofInvalid));
        }
        assert_eq!(count(&scene.store, "claim").await, 21);
        assert_eq!(count(&scene.store, "envelope").await, 21);
        desk.shut_down().await;
    })
    .await;
}

/// One thing that may become of an office.
const ACTS: [&str; 8] =
    ["suspend", "lift", "debar", "retire", "revoke key", "issue key", "rotate key", "issue"];

#[tokio::test(flavor = "multi_thread")]
async fn governance_of_some_offices_leaves_claims_of_others_alone() {
    use alloy_primitives::{Address, B256};
    use praman::key_store::MasterKey;
    use praman::ledger::{Chain as _, Ledger as _};
    use praman::offices::{Application, Validity};
    use praman::schema::RESIDENT;
    use praman::wallet::Wallet;
    use praman::{calendar, register};
    use praman_circuits::eligibility::Checkpoint;
    use praman_verifier::contracts::{Offices, Participants, word};
    use rand::{Rng, SeedableRng};

    let seed = std::env::var("PRAMAN_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("PRAMAN_SEED={seed}");
    let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(seed);
    let folder = TempDir::new().expect("a folder");
    let mut scene = Scene::open(Location::Folder(folder.path().to_owned())).await;
    let sample = include_bytes!("../service/data/register.csv");
    let people = register::check(&sample[..], calendar::today(), |_| ()).expect("a register");
    let (mut people, master) = (people.people().iter(), MasterKey::in_memory());
    let mut keys = Vec::new();
    for number in 1..5 {
        let name = format!("Office {number}");
        keys.push(
            OfficeStore(&scene.store)
                .new_office(&name, &RESIDENT, |_| Ok(()))
                .await
                .expect("an office"),
        );
    }
    let (machine, mut ledger) = (scene.machine(), scene.ledger().await);
    let offices = OfficeStore(&scene.store).office_states().await.expect("offices");
    ledger.bring_offices(&offices).await.expect("accredited");
    let department = ledger.actors.department.expect("a department");
    let (register, tree) =
        (ledger.network.addresses.participants, ledger.network.addresses.offices);
    let (mut done, mut refused_acts) = ([0; ACTS.len()], 0);
    for step in 0..48_u64 {
        let place = rng.gen_range(0..keys.len());
        let key = &keys[place];
        let call = Offices::officeOfCall { office: key.office.0 };
        let id = ledger.network.view(tree, &call).await.expect("an office").participant;
        let account =
            ledger.network.view(register, &Participants::participantCall { id }).await.expect("it");
        let fresh = Address::from(rng.r#gen::<[u8; 20]>());
        let now = ledger.network.chain.head().await.expect("a head").timestamp;
        let act = rng.gen_range(0..ACTS.len());
        let reason = B256::ZERO;
        let bar = |debarment| Participants::barCall {
            id,
            debarment,
            reason,
            order: B256::repeat_byte(1),
            from: now,
            until: now + 86_400,
            appealBy: now + 15 * 86_400,
        };
        let members = ledger.actors.members.clone();
        use alloy_sol_types::SolCall;
        let network = &mut ledger.network;
        let outcome = match ACTS[act] {
            "suspend" => network.send(department, register, &bar(false)).await.map(drop),
            "debar" => network
                .committee(&members, register, bar(true).abi_encode(), reason)
                .await
                .map(drop),
            "lift" => {
                let lift = Participants::liftCall { id, reason }.abi_encode();
                network.committee(&members, register, lift, reason).await.map(drop)
            }
            // Rare: none would be left.
            "retire" if step % 4 == 0 => {
                let retire = Participants::retireCall { id, reason };
                network.send(department, register, &retire).await.map(drop)
            }
            "revoke key" => {
                let revoke = Participants::revokeKeyCall { id, reason };
                network.send(department, register, &revoke).await.map(drop)
            }
            "issue key" => {
                let issue = Participants::issueKeyCall { id, account: fresh, reason };
                network.send(department, register, &issue).await.map(drop)
            }
            "rotate key" => {
                let rotate = Participants::rotateKeyCall { id, account: fresh };
                network.send(account.account, register, &rotate).await.map(drop)
            }
            _ => {
                let person = people.next().expect("there are two thousand");
                let application = Application::new(person, Wallet::generate().subject());
                let validity = Validity::from_today(calendar::today());
                match OfficeStore(&scene.store)
                    .issue(key, &master, vec![application], validity)
                    .await
                {
                    Ok(issuing) => issuing.commit().await.map(drop).map_err(Into::into),
                    Err(error) => Err(error.into()),
                }
            }
        };
        match outcome {
            Ok(()) => done[act] += 1,
            Err(_) => refused_acts += 1,
        }
        // Whatever it was: the state goes on, and so does a claim of somebody of an untouched office.
        let offices = OfficeStore(&scene.store).office_states().await.expect("offices");
        ledger.bring_offices(&offices).await.expect("brought");
        let state_root = OfficeStore(&scene.store).state_root().await.expect("a root");
        scene.checkpoint = Checkpoint { state_root, as_of: calendar::today() };
        let published = ledger.publish_checkpoint(&offices, scene.checkpoint).await;
        published.unwrap_or_else(|error| panic!("step {step}, {}: {error}", ACTS[act]));
        let on_ledger =
            ledger.network.view(tree, &Offices::stateRootCall {}).await.expect("a root");
        let by_events = OfficeStore(&scene.store).ledger_state_root().await.expect("a root");
        assert_eq!(on_ledger, word(by_events.to_field()), "step {step}");
        assert_eq!(LedgerStore(&scene.store).offices_apart_since().await.expect("read"), None);
        let claim = scene.claim(step + 1, step + 1);
        assert_eq!(receive(&machine, &claim).await.state, ClaimState::Verified, "step {step}");
        let settled = machine.settle(&mut ledger).await.expect("settled");
        assert_eq!(settled.waits, None, "step {step}, {}", ACTS[act]);
        assert_eq!(receive(&machine, &claim).await.state, ClaimState::Accepted, "step {step}");
    }
    let acts: Vec<String> =
        ACTS.iter().zip(done).map(|(name, times)| format!("{times} {name}")).collect();
    println!("48 claims accepted; {}; {refused_acts} refused", acts.join(", "));
}
