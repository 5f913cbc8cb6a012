//! Settling against a ledger in memory: what is counted, how a run goes on, and what is refused.

use std::collections::HashMap;

use praman_circuits::Fr;
use praman_circuits::claims_digest::ClaimsDigest;
use praman_circuits::payee::{Payee, PayeeSalt};
use praman_circuits::payout::{EnvelopeHash, PayoutBlinding, payout};
use praman_circuits::settlement::{CLAIMS, chunk_digest};
use praman_circuits::settlement_state::settlement_state;
use praman_holder::envelope::{self, Payout};
use praman_prover::ProvingError;
use praman_store::{bytes, sqlx};
use praman_testkit::simulation::SimulatedKey;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::prove::counted_word;
use super::*;
use crate::transfer::TransferReference;

const OPENING: u32 = 3;
const INSTALMENTS: u32 = 2;

/// A key that proves anything, in place of one of 2^15 rows: whether the statement holds is the circuit's own test.
struct Simulated(SimulatedKey);

impl SettlementProver for Simulated {
    fn prove(&self, chunks: &[Chunk]) -> Result<Vec<Proof>, ProvingError> {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let of = |chunk: &Chunk| self.0.prove(&chunk.public().to_fields(), &mut rng);
        Ok(chunks.iter().map(of).collect())
    }
}

/// The contract's rules, without its proofs.
struct InMemory {
    stands: OpeningOnLedger,
    digest: ClaimsDigest,
    is_counted: Vec<bool>,
    /// Whether the next opening fails.
    is_away: bool,
    /// Called before the last state is locked.
    before_lock: fn(&mut OpeningOnLedger),
    opened: usize,
    sent: usize,
}

impl SettlementLedger for InMemory {
    async fn opening(&mut self, opening: u32) -> Result<OpeningOnLedger, LedgerError> {
        assert_eq!(opening, OPENING);
        Ok(self.stands.clone())
    }

    async fn prove(&mut self, _: u32, chunks: &[ProvedChunk]) -> Result<(), LedgerError> {
        for chunk in chunks {
            let [before, after, digest] = chunk.own;
            let &Stands::Proved { chunks, state } = &self.stands.stands else {
                panic!("locked before");
            };
            let anew = before == SettlementState::initial().to_field();
            assert!(anew || before == state.to_field(), "the chain of states is broken");
            if anew {
                self.is_counted.clear();
            }
            self.is_counted.extend((0..CLAIMS).map(|place| chunk.counted >> place & 1 == 1));
            let (chunks, state) =
                (if anew { 1 } else { chunks + 1 }, SettlementState::from_field(after));
            self.stands.stands = Stands::Proved { chunks, state };
            self.digest = ClaimsDigest::from_field(digest);
            self.sent += 1;
        }
        Ok(())
    }

    async fn check(&mut self, _: u32) -> Result<CheckedChunks, SettlingError> {
        let &Stands::Proved { state, .. } = &self.stands.stands else { panic!("locked before") };
        let is_counted = self.is_counted[..self.stands.claims.len()].to_vec();
        let counted = is_counted.iter().filter(|&&counted| counted).count() as u32;
        Ok(CheckedChunks { state, digest: self.digest, counted, is_counted })
    }

    async fn lock(
        &mut self,
        _: u32,
        last: SettlementState,
        freezes: u64,
    ) -> Result<Locked, LedgerError> {
        (self.before_lock)(&mut self.stands);
        if self.stands.freezes != freezes {
            return Ok(Locked::FrozenMeanwhile);
        }
        let &Stands::Proved { state, .. } = &self.stands.stands else { panic!("locked before") };
        assert!(state == last, "another run");
        let is_counted = self.is_counted[..self.stands.claims.len()].to_vec();
        self.stands.stands = Stands::Locked { state, is_counted };
        Ok(Locked::Yes)
    }

    async fn open(&mut self, _: u32, opened: &TotalOpened) -> Result<(), LedgerError> {
        if std::mem::take(&mut self.is_away) {
            return Err(praman_store::broken("the ledger is away").into());
        }
        let &Stands::Locked { state, .. } = &self.stands.stands else { panic!("not locked") };
        let shown = settlement_state(self.digest, opened.total, &opened.blinding);
        assert!(shown == state && opened.filed == opened.total.rupees, "not the sum");
        assert!(opened.total.claims >= FLOOR);
        let (rupees, counted) = (opened.total.rupees, opened.total.claims);
        self.stands.stands = Stands::Settled { rupees, counted };
        self.opened += 1;
        Ok(())
    }
}

/// A store with some claims that are paid in two instalments each, and a ledger that has them.
struct Scene {
    _folder: tempfile::TempDir,
    store: Store,
    key: TreasuryKey,
    ledger: InMemory,
    prover: Simulated,
}

/// The amount of a claim.
fn amount(claim: u64) -> u32 {
    1_001 + claim as u32
}

fn nullifier(claim: u64) -> Nullifier {
    Nullifier::from_field(Fr::from(claim + 1))
}

impl Scene {
    async fn of(claims: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let key = TreasuryKey::generate();
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let prover = Simulated(SimulatedKey::draw(4, &mut rng));
        let ledger = InMemory {
            stands: OpeningOnLedger {
                chain_id: 1,
                claims_contract: Address::repeat_byte(9),
                is_over: true,
                claims: Vec::new(),
                cases: HashMap::new(),
                freezes: 0,
                stands: Stands::Proved {
                    chunks: 0,
                    state: SettlementState::from_field(Fr::from(0u64)),
                },
            },
            digest: ClaimsDigest::START,
            is_counted: Vec::new(),
            is_away: false,
            before_lock: |_| {},
            opened: 0,
            sent: 0,
        };
        let mut scene = Self { _folder: folder, store, key, ledger, prover };
        scene
            .sql(
                "INSERT INTO payment_batch
                     (id, scheme, period, created_on, instalments, debtor, folder, written)
                 VALUES ('a', 's', 1, '2026-12-01', 2, '', '', 1)",
            )
            .await;
        for claim in 0..claims {
            scene.accept(claim).await;
            for part in 0..INSTALMENTS {
                scene.pay(claim, (part, 0), "ordered").await;
            }
        }
        scene
    }

    async fn sql(&self, statement: &str) {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        sqlx::query(statement).execute(self.store.writer()).await.expect("written");
    }

    /// Has the ledger and the store know a claim with its envelope, in the batch.
    async fn accept(&mut self, claim: u64) {
        let salt = PayeeSalt::from_field(Fr::from(claim + 1_000));
        let blinding = PayoutBlinding::from_field(Fr::from(claim + 2_000));
        let payee = Payee {
            account: format!("{:011}", 10_000 + claim),
            ifsc: "SBIN0000001".to_owned(),
            name: format!("Person {claim}"),
        };
        let digest = payee.digest(&salt);
        let contents = Payout::new(amount(claim), payee, &salt, &blinding);
        let sealed = envelope::seal(&contents, self.key.public()).expect("sealed");
        let hash = EnvelopeHash::of(&sealed);
        let commitment = payout(amount(claim), digest, hash, &blinding);
        sqlx::query(
            "INSERT INTO accepted_claim
                 (nullifier, scheme, period, payout_commitment, block, opening, envelope_hash, batch)
             VALUES ($1, 's', 1, $2, 1, $3, $4, 'a')",
        )
        .bind(bytes(nullifier(claim).to_field()))
        .bind(bytes(commitment.to_field()))
        .bind(i64::from(OPENING))
        .bind(bytes(hash.to_field()))
        .execute(self.store.writer())
        .await
        .expect("accepted");
        sqlx::query("INSERT INTO envelope (nullifier, digest, sealed) VALUES ($1, $2, $3)")
            .bind(bytes(nullifier(claim).to_field()))
            .bind(bytes(hash.to_field()))
            .bind(sealed)
            .execute(self.store.writer())
            .await
            .expect("kept");
        self.ledger
            .stands
            .claims
            .push(AcceptedClaim { nullifier: nullifier(claim), payout: commitment });
    }

    /// Puts a part of a claim into the written file at an attempt.
    async fn pay(&self, claim: u64, (part, attempt): (u32, u32), state: &str) {
        let of = bytes(nullifier(claim).to_field());
        let reference = TransferReference::of(&self.key, &of, part, attempt);
        let rupees = crate::payment_file::share(amount(claim), part, INSTALMENTS);
        sqlx::query(
            "INSERT INTO payment_transfer (reference, batch, nullifier, part, attempt, state, amount)
             VALUES ($1, 'a', $2, $3, $4, $5, $6)",
        )
        .bind(reference.as_str())
        .bind(of)
        .bind(i64::from(part))
        .bind(i64::from(attempt))
        .bind(state)
        .bind(self.key.seal_amount(reference.as_str(), rupees))
        .execute(self.store.writer())
        .await
        .expect("ordered");
    }

    async fn settle(&mut self, leave_out: bool) -> Result<Settled, SettlingError> {
        let settling = Settling { store: &self.store, key: &self.key, opening: OPENING, leave_out };
        settling.settle(&mut self.ledger, &self.prover).await
    }

    /// Returns why settling is refused, in words.
    async fn refused(&mut self, leave_out: bool) -> String {
        let refusal = self.settle(leave_out).await.expect_err("refused");
        assert_eq!(refusal.exit_code(), 1, "{refusal}");
        assert_eq!(self.ledger.opened, 0, "nothing is told");
        refusal.to_string()
    }

    fn hex(claim: u64) -> String {
        hex::encode(bytes(nullifier(claim).to_field()))
    }
}

fn sum(claims: impl Iterator<Item = u64>) -> u64 {
    claims.map(|claim| u64::from(amount(claim))).sum()
}

#[tokio::test]
async fn sum_of_all_claims_is_told_once_and_is_that_of_the_files() {
    let mut scene = Scene::of(100).await;
    let settled = scene.settle(false).await.expect("settled");
    assert_eq!((settled.rupees, settled.counted), (sum(0..100), 100));
    assert_eq!((settled.proved, scene.ledger.sent), (2, 2), "78 claims and 22");
    let filed = settled.filed.expect("known");
    assert_eq!((filed.rupees(), filed.ordered.count), (sum(0..100), 200));
    let again = scene.settle(false).await.expect("told again");
    assert!(again.settled_before && again.rupees == settled.rupees, "{again:?}");
    assert_eq!((scene.ledger.sent, scene.ledger.opened), (2, 1));
}

#[tokio::test]
async fn return_that_is_paid_again_moves_a_sum_and_changes_none() {
    let mut scene = Scene::of(25).await;
    scene.pay(4, (1, 1), "ordered").await;
    let first = TransferReference::of(&scene.key, &bytes(nullifier(4).to_field()), 1, 0);
    scene
        .sql(&format!("UPDATE payment_transfer SET state = 'reissued' WHERE reference = '{first}'"))
        .await;
    scene.sql("UPDATE payment_transfer SET state = 'paid' WHERE part = 0").await;
    // A second payment that is only drafted is in no file: what came back stands for the part.
    let second = TransferReference::of(&scene.key, &bytes(nullifier(5).to_field()), 1, 0);
    scene
        .sql(&format!(
            "UPDATE payment_transfer SET state = 'reissued' WHERE reference = '{second}'"
        ))
        .await;
    let drafted = TransferReference::of(&scene.key, &bytes(nullifier(5).to_field()), 1, 1);
    scene
        .sql(&format!(
            "INSERT INTO payment_transfer (reference, batch, nullifier, part, attempt, state)
         VALUES ('{drafted}', 'a', x'{}', 1, 1, 'drafted')",
            Scene::hex(5)
        ))
        .await;
    let filed = scene.settle(false).await.expect("settled").filed.expect("known");
    assert_eq!(filed.rupees(), sum(0..25));
    assert_eq!((filed.paid.count, filed.ordered.count, filed.returned.count), (25, 24, 1));
}

#[tokio::test]
async fn frozen_refused_and_held_claims_are_left_out_on_request_alone() {
    let mut scene = Scene::of(30).await;
    for claim in 0..4 {
        let of = Scene::hex(claim);
        scene.sql(&format!("DELETE FROM payment_transfer WHERE nullifier = x'{of}'")).await;
        scene
            .sql(&format!("UPDATE accepted_claim SET batch = NULL WHERE nullifier = x'{of}'"))
            .await;
    }
    scene.ledger.stands.cases.insert(nullifier(0), Case::Open);
    scene.ledger.stands.cases.insert(nullifier(1), Case::Refuse);
    scene
        .sql(&format!(
            "INSERT INTO payment_held (nullifier, tag) VALUES (x'{}', x'01')",
            Scene::hex(2)
        ))
        .await;
    scene.sql(&format!("DELETE FROM envelope WHERE nullifier = x'{}'", Scene::hex(3))).await;
    let said = scene.refused(false).await;
    assert!(said.contains("--leave-out") && said.contains(&nullifier(0).to_string()), "{said}");
    assert!(!said.contains(&nullifier(1).to_string()), "what is refused needs no word: {said}");
    let settled = scene.settle(true).await.expect("settled");
    assert_eq!((settled.rupees, settled.counted), (sum(4..30), 26));
    let why: Vec<LeftOutReason> = settled.left_out.iter().map(|one| one.reason).collect();
    use LeftOutReason::{Frozen, Held, Refused};
    assert_eq!(why, [Frozen, Refused, Held, Held]);
    let details: Vec<_> = settled.left_out.iter().map(|one| one.detail.is_some()).collect();
    assert_eq!(details, [false, false, true, true]);
}

#[tokio::test]
async fn claim_that_is_in_the_way_is_named_with_what_to_do() {
    for (statement, case, words) in [
        ("UPDATE accepted_claim SET batch = NULL WHERE nullifier = x'{}'", None, "treasury pay"),
        ("UPDATE payment_batch SET written = 3", None, "its file is not written"),
        ("DELETE FROM payment_transfer WHERE nullifier = x'{}' AND part = 1", None, "in no file"),
        ("DELETE FROM envelope WHERE nullifier = x'{}'", None, "it was paid, but now no envelope"),
        ("DELETE FROM accepted_claim WHERE nullifier = x'{}'", None, "does not know it yet"),
        ("UPDATE payment_batch SET written = 1", Some(Case::Open), "its case must end first"),
    ] {
        let mut scene = Scene::of(25).await;
        scene.sql(&statement.replace("{}", &Scene::hex(7))).await;
        scene.ledger.stands.cases.extend(case.map(|case| (nullifier(7), case)));
        let said = scene.refused(true).await;
        assert!(said.contains(words) && said.contains(&nullifier(7).to_string()), "{said}");
        assert_eq!(scene.ledger.sent, 0, "nothing is proved");
    }
}

#[tokio::test]
async fn amount_in_a_file_that_was_not_proved_is_refused() {
    let mut scene = Scene::of(25).await;
    let reference = TransferReference::of(&scene.key, &bytes(nullifier(7).to_field()), 0, 0);
    let sealed = hex::encode(scene.key.seal_amount(reference.as_str(), 1));
    scene
        .sql(&format!(
            "UPDATE payment_transfer SET amount = x'{sealed}' WHERE reference = '{reference}'"
        ))
        .await;
    let said = scene.refused(true).await;
    assert!(said.contains("another amount for it than was proved"), "{said}");
}

#[tokio::test]
async fn claim_refused_after_it_was_paid_counts_and_is_named() {
    let mut scene = Scene::of(25).await;
    scene.ledger.stands.cases.insert(nullifier(7), Case::Refuse);
    scene.ledger.stands.cases.insert(nullifier(8), Case::Recover);
    let settled = scene.settle(false).await.expect("settled");
    assert_eq!((settled.counted, settled.paid_though_refused), (25, vec![nullifier(7)]));
}

#[tokio::test]
async fn sum_of_few_or_of_an_open_period_is_never_told() {
    let mut scene = Scene::of(u64::from(FLOOR) - 1).await;
    assert!(scene.refused(true).await.contains("fewer than 20 claims count"));
    let mut scene = Scene::of(25).await;
    scene.ledger.stands.is_over = false;
    assert!(scene.refused(true).await.contains("is not over"));
    assert_eq!(scene.ledger.sent, 0);
}

#[tokio::test]
async fn claim_that_is_frozen_before_the_lock_stops_all_of_it() {
    let mut scene = Scene::of(25).await;
    scene.ledger.before_lock = |stands| {
        stands.cases.insert(nullifier(7), Case::Open);
        stands.freezes += 1;
    };
    let said = scene.refused(true).await;
    assert!(said.contains("nothing of it was told") && said.contains(&nullifier(7).to_string()));
    // From then on it is in the way, until its case ends.
    scene.ledger.before_lock = |_| {};
    assert!(scene.refused(true).await.contains("its case must end first"));
    scene.ledger.stands.cases.insert(nullifier(7), Case::Pay);
    assert_eq!(scene.settle(true).await.expect("settled").rupees, sum(0..25));
}

#[tokio::test]
async fn locked_sum_is_told_whatever_happens_to_its_claims_since() {
    let mut scene = Scene::of(25).await;
    scene.ledger.stands.cases.insert(nullifier(3), Case::Open);
    let of = Scene::hex(3);
    scene.sql(&format!("DELETE FROM payment_transfer WHERE nullifier = x'{of}'")).await;
    scene.sql(&format!("UPDATE accepted_claim SET batch = NULL WHERE nullifier = x'{of}'")).await;
    scene.ledger.is_away = true;
    scene.settle(true).await.expect_err("the ledger is away");
    assert_eq!(scene.ledger.opened, 0);
    // One of those that count is frozen, and the one that is left out may be paid: the sum is that of the lock.
    scene.ledger.stands.cases.insert(nullifier(7), Case::Open);
    scene.ledger.stands.freezes += 1;
    scene.ledger.stands.cases.insert(nullifier(3), Case::Pay);
    let settled = scene.settle(false).await.expect("settled");
    assert_eq!((settled.rupees, settled.counted, settled.proved), (sum(0..25) - sum(3..4), 24, 0));
    assert_eq!(settled.left_out.len(), 1);
}

/// What a dead run has brought stays, if the same claims count; else all is brought again.
#[tokio::test]
async fn repeated_run_goes_on_where_the_ledger_stands() {
    let mut scene = Scene::of(200).await;
    scene.ledger.before_lock = |stands| stands.freezes += 1;
    scene.refused(true).await;
    assert_eq!(scene.ledger.sent, 3);
    scene.ledger.before_lock = |_| {};
    let of = Scene::hex(100);
    scene.sql(&format!("DELETE FROM payment_transfer WHERE nullifier = x'{of}'")).await;
    scene.sql(&format!("UPDATE accepted_claim SET batch = NULL WHERE nullifier = x'{of}'")).await;
    scene.ledger.stands.cases.insert(nullifier(100), Case::Refuse);
    let settled = scene.settle(true).await.expect("settled");
    assert_eq!((settled.proved, settled.counted), (3, 199), "other bits: all anew");

    let mut scene = Scene::of(200).await;
    scene.ledger.before_lock = |stands| stands.freezes += 1;
    scene.refused(true).await;
    scene.ledger.before_lock = |_| {};
    assert_eq!(scene.settle(true).await.expect("settled").proved, 0, "the same: only opened");
}

#[tokio::test]
async fn blinding_follows_from_key_ledger_opening_and_digest() {
    let key = TreasuryKey::generate();
    let contract = Address::repeat_byte(9);
    let digest = chunk_digest(
        ClaimsDigest::START,
        &[(
            AcceptedClaim {
                nullifier: nullifier(1),
                payout: PayoutCommitment::from_field(Fr::from(5u64)),
            }
            .payout,
            true,
        )],
    );
    let of = |key: &TreasuryKey, chain, contract, opening, digest| {
        key.settlement_blinding((chain, contract), opening, digest).expose()
    };
    let one = of(&key, 1, contract, 3, digest);
    assert_eq!(of(&key, 1, contract, 3, digest), one);
    for other in [
        of(&TreasuryKey::generate(), 1, contract, 3, digest),
        of(&key, 2, contract, 3, digest),
        of(&key, 1, Address::ZERO, 3, digest),
        of(&key, 1, contract, 4, digest),
        of(&key, 1, contract, 3, ClaimsDigest::START),
    ] {
        assert_ne!(other, one);
    }
}

#[test]
fn counted_claims_are_bits_from_the_lowest_on() {
    assert_eq!(counted_word([true, false, true].into_iter()), 0b101);
    assert_eq!(counted_word([false; CLAIMS].into_iter()), 0);
    assert_eq!(counted_word([true; CLAIMS].into_iter()).count_ones() as usize, CLAIMS);
}
