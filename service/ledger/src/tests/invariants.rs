//! Random sequences of calls of all roles against a model in a few lines: no nullifier twice, no act
//! without permission, nothing stands that the model refuses, no refused claim is paid.

mod oversight;
mod world;

use std::collections::{HashMap, HashSet};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolEvent};
use praman_circuits::eligibility::EDITION;
use praman_circuits::period::Day;
use praman_testkit::fixture;
use praman_verifier::contracts::{
    Addresses, Archives, Claims, Committee, Constitution, Disputes, Offices, Participants,
    policy_data, proof_words, rules_leaf, rules_terms, scheme_word, word,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::memory_chain::MemoryChain;
use super::scene::key;
use crate::chain::Chain;
use crate::{Network, Role};
use world::World;

/// Sequences, and calls in each: most are short, one in so many is long enough for disputes to end.
/// `PRAMAN_SEQUENCES` and `PRAMAN_SEED` change the run; `tests/thorough.sh` makes 10,000.
const SEQUENCES: u64 = 1_000;
const CALLS: usize = 12;
const LONG: u64 = 20;
const LONG_CALLS: usize = 120;
const DAY: u64 = 86_400;
const INDIA: u64 = 19_800;
const DAYS_BEFORE_EPOCH: u64 = 25_567;
/// The opening's last day: some weeks after the world begins.
const LAST_DAY: Day = Day(46_301);
const NOTICE_TIME: u64 = 7 * DAY;
const POOL: usize = 6;

const MEMBERS: [Address; 3] =
    [Address::repeat_byte(1), Address::repeat_byte(2), Address::repeat_byte(3)];
const AGENCY: Address = Address::repeat_byte(10);
const DEPARTMENT: Address = Address::repeat_byte(11);
const OFFICE: Address = Address::repeat_byte(12);
const SECOND_OFFICE: Address = Address::repeat_byte(14);
const AUDITOR: Address = Address::repeat_byte(13);
const RELAYERS: [Address; 2] = [Address::repeat_byte(20), Address::repeat_byte(21)];
const OUTSIDER: Address = Address::repeat_byte(50);
const ANYONE: [Address; 9] = [
    MEMBERS[0],
    MEMBERS[1],
    AGENCY,
    DEPARTMENT,
    OFFICE,
    AUDITOR,
    RELAYERS[0],
    RELAYERS[1],
    OUTSIDER,
];

/// What the model knows of a relayer.
#[derive(Clone, Default)]
struct Relayer {
    retired: bool,
    /// Until when an order bars it.
    barred_until: u64,
    /// By when its notices must be read, oldest first.
    due: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Open,
    Suspended,
    Closed,
    Sealed,
}

/// How a dispute over a claim stands, and until when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Case {
    Frozen(u64),
    Decided(u8, u64),
    Appealed(u8, u64),
    Settled(u8),
}

/// `Outcome.Pay` of the contract, and the number of its outcomes with none.
const PAY: u8 = 1;
const OUTCOMES: u8 = 4;
const DECISION_TIME: u64 = 30 * DAY;
const DISPUTE_APPEAL_TIME: u64 = 15 * DAY;

/// The whole ledger, in its simplest form.
#[derive(Clone)]
struct Model {
    now: u64,
    paused: bool,
    stage: Stage,
    relayers: [Relayer; 2],
    spent: HashSet<usize>,
    cases: HashMap<usize, Case>,
    /// The count that a seal was proposed with.
    proposed: Option<u64>,
    /// The places that offices stand in, and whether the second office has one.
    places: HashSet<u32>,
    second_placed: bool,
}

impl Model {
    fn may_claim(&self, from: Address) -> bool {
        let Some(place) = RELAYERS.iter().position(|&relayer| relayer == from) else {
            return false;
        };
        let relayer = &self.relayers[place];
        let read = relayer.due.first().is_none_or(|&due| self.now <= due);
        !relayer.retired && self.now >= relayer.barred_until && read
    }

    fn takes_claims(&self) -> bool {
        let today = (self.now + INDIA) / DAY + DAYS_BEFORE_EPOCH;
        !self.paused && self.stage == Stage::Open && today <= u64::from(LAST_DAY.0)
    }

    fn notice(&mut self, relayer: usize) {
        self.relayers[relayer].due.push(self.now + NOTICE_TIME);
    }
}

/// How often the model and the contracts accepted, and refused.
#[derive(Default, Debug)]
struct Counts {
    stood: u64,
    refused: u64,
    claims: u64,
    batches: u64,
    settled: u64,
    sealed: u64,
}

struct Run<'a> {
    world: &'a World,
    network: Network<MemoryChain>,
    model: Model,
    rng: ChaCha20Rng,
    counts: Counts,
}

impl Run<'_> {
    fn anyone(&mut self) -> Address {
        ANYONE[self.rng.gen_range(0..ANYONE.len())]
    }

    /// Sends a call, which must stand exactly if the model says so.
    async fn agree(&mut self, from: Address, to: Address, call: &impl SolCall, expected: bool) {
        let sent = self.network.send(from, to, call).await;
        assert_eq!(
            sent.is_ok(),
            expected,
            "{} from {from}: {sent:?}",
            std::any::type_name_of_val(call)
        );
        self.counts.stood += u64::from(expected);
        self.counts.refused += u64::from(!expected);
    }

    async fn step(&mut self) {
        let claims = self.network.addresses.claims;
        let participants = self.network.addresses.participants;
        let from = self.anyone();
        let (relayer, place) = (self.rng.gen_range(0..2), self.rng.gen_range(0..POOL));
        let id = self.world.relayers[relayer];
        match self.rng.gen_range(0..18) {
            0 | 1 => {
                let from = if self.rng.gen_bool(0.8) { RELAYERS[relayer] } else { from };
                let mut call = self.world.claims[place].clone();
                let forged = self.rng.gen_bool(0.2);
                if forged {
                    call.own[1] += U256::from(1u64);
                }
                let expected = self.model.may_claim(from)
                    && self.model.takes_claims()
                    && !forged
                    && !self.model.spent.contains(&place);
                self.agree(from, claims, &call, expected).await;
                if expected {
                    self.model.spent.insert(place);
                    self.counts.claims += 1;
                }
            }
            2 => {
                let other = self.rng.gen_range(0..POOL);
                let chosen = [place, other];
                let words = chosen.map(|place| {
                    let call = &self.world.claims[place];
                    std::array::from_fn(|i| if i < 3 { call.own[i] } else { call.proof[i - 3] })
                });
                let from = RELAYERS[relayer];
                let call =
                    Claims::claimBatchCall { opening: 0, checkpoint: 0, claims: words.to_vec() };
                let fresh = chosen.iter().all(|place| !self.model.spent.contains(place));
                let expected = self.model.may_claim(from)
                    && self.model.takes_claims()
                    && fresh
                    && place != other;
                self.agree(from, claims, &call, expected).await;
                if expected {
                    self.model.spent.extend(chosen);
                    self.counts.batches += 1;
                }
            }
            3 => {
                let committee = self.network.addresses.committee;
                let expected = MEMBERS.contains(&from);
                self.agree(from, committee, &Committee::pauseCall {}, expected).await;
                self.model.paused |= expected;
            }
            4 => {
                // One member, or two, move to resume claims.
                let members = &MEMBERS[..self.rng.gen_range(1..=2)];
                let resume = Claims::resumeCall {}.abi_encode();
                self.network.committee(members, claims, resume, B256::ZERO).await.expect("moved");
                self.model.paused &= members.len() < 2;
            }
            5 => {
                let until = self.model.now + self.rng.gen_range(1..5) * DAY;
                let call = Participants::barCall {
                    id,
                    debarment: false,
                    reason: B256::ZERO,
                    order: B256::ZERO,
                    from: self.model.now,
                    until,
                    appealBy: self.model.now + 3 * DAY,
                };
                let expected = from == AGENCY && !self.model.relayers[relayer].retired;
                self.agree(from, participants, &call, expected).await;
                if expected {
                    self.model.relayers[relayer].barred_until = until;
                    self.model.notice(relayer);
                }
            }
            6 => {
                let call = Participants::liftCall { id, reason: B256::ZERO };
                let expected = from == AGENCY && !self.model.relayers[relayer].retired;
                self.agree(from, participants, &call, expected).await;
                if expected {
                    self.model.relayers[relayer].barred_until = 0;
                    self.model.notice(relayer);
                }
            }
            7 | 8 => {
                let most = if self.rng.gen_bool(0.15) { 20 * DAY } else { 3 * DAY };
                self.model.now += self.rng.gen_range(1..most);
                self.network.chain.timestamp = self.model.now;
            }
            9 => {
                let call = Participants::acknowledgeCall { id };
                let from = if self.rng.gen_bool(0.8) { RELAYERS[relayer] } else { from };
                let expected =
                    from == RELAYERS[relayer] && !self.model.relayers[relayer].due.is_empty();
                self.agree(from, participants, &call, expected).await;
                if expected {
                    self.model.relayers[relayer].due.remove(0);
                }
            }
            10 => self.move_opening(from).await,
            11 | 15 | 16 => self.dispute(from, place).await,
            13 => self.seal(from).await,
            14 => self.accredit(from).await,
            12 => {
                let call = Participants::retireCall { id, reason: B256::ZERO };
                let by = (from == RELAYERS[relayer] || from == AGENCY)
                    && self.model.now >= self.model.relayers[relayer].barred_until;
                let expected =
                    by && !self.model.relayers[relayer].retired && self.rng.gen_bool(0.3);
                if expected || !by {
                    self.agree(from, participants, &call, expected).await;
                }
                if expected {
                    self.model.relayers[relayer].retired = true;
                    self.model.notice(relayer);
                }
            }
            _ => self.trespass(from).await,
        }
    }

    async fn move_opening(&mut self, from: Address) {
        let claims = self.network.addresses.claims;
        let keeper = from == AGENCY || from == DEPARTMENT;
        let reason = B256::ZERO;
        match self.rng.gen_range(0..12) {
            0..5 => {
                let expected = keeper && self.model.stage == Stage::Open;
                self.agree(
                    from,
                    claims,
                    &Claims::suspendOpeningCall { opening: 0, reason },
                    expected,
                )
                .await;
                if expected {
                    self.model.stage = Stage::Suspended;
                }
            }
            5..11 => {
                let expected = keeper && self.model.stage == Stage::Suspended;
                self.agree(
                    from,
                    claims,
                    &Claims::resumeOpeningCall { opening: 0, reason },
                    expected,
                )
                .await;
                if expected {
                    self.model.stage = Stage::Open;
                }
            }
            _ => {
                let expected =
                    keeper && [Stage::Open, Stage::Suspended].contains(&self.model.stage);
                self.agree(
                    from,
                    claims,
                    &Claims::closeOpeningCall { opening: 0, reason },
                    expected,
                )
                .await;
                if expected {
                    self.model.stage = Stage::Closed;
                }
            }
        }
    }

    /// Makes calls that no one is ever allowed to make by hand.
    async fn trespass(&mut self, from: Address) {
        let claims = self.network.addresses.claims;
        let root = U256::from(5u64);
        match self.rng.gen_range(0..8) {
            0 => {
                let call = Claims::setRelayerCall { account: from, from: 0, until: u64::MAX };
                self.agree(from, claims, &call, false).await;
            }
            1 => {
                let call = Claims::publishCheckpointCall { root, asOf: 46_200, graceless: false };
                self.agree(from, claims, &call, false).await;
            }
            2 => {
                let call = Claims::adoptRulesCall { scheme: root, department: 2, root: B256::ZERO };
                self.agree(from, claims, &call, false).await;
            }
            3 => {
                let call = Claims::upgradeToAndCallCall {
                    newImplementation: claims,
                    data: Default::default(),
                };
                self.agree(from, claims, &call, false).await;
            }
            4 => self.agree(from, claims, &Claims::resumeCall {}, false).await,
            5 => {
                let call = Participants::grantRoleCall { _0: Role::Relayer.id(), _1: from };
                self.agree(from, self.network.addresses.participants, &call, false).await;
            }
            6 => {
                let call = Claims::retireKeyCall { verifier: from, until: u64::MAX };
                self.agree(from, claims, &call, false).await;
            }
            _ => {
                let call = Offices::updateRootCall { office: 0, root, live: 1 };
                let expected = from == OFFICE;
                if !expected {
                    self.agree(from, self.network.addresses.offices, &call, false).await;
                }
            }
        }
    }

    /// Checks what must hold of the events, whatever was called.
    async fn check_events(&self, before: usize) {
        let (mut seen, mut settled) = (HashSet::new(), HashMap::new());
        for log in &self.network.chain.logs[before..] {
            let (topics, data) = (log.topics.iter().copied(), &log.data);
            match log.topics[0] {
                Claims::ClaimAccepted::SIGNATURE_HASH => {
                    let event = Claims::ClaimAccepted::decode_raw_log(topics, data).expect("one");
                    assert!(seen.insert(event.nullifier), "a nullifier twice");
                }
                Claims::ClaimsAccepted::SIGNATURE_HASH => {
                    let event = Claims::ClaimsAccepted::decode_raw_log(topics, data).expect("one");
                    for claim in event.claims.chunks_exact(3) {
                        assert!(seen.insert(claim[0]), "a nullifier twice");
                    }
                }
                Disputes::Settled::SIGNATURE_HASH => {
                    let event = Disputes::Settled::decode_raw_log(topics, data).expect("one");
                    assert_eq!(
                        settled.insert(event.nullifier, event.outcome),
                        None,
                        "settled twice"
                    );
                }
                _ => {}
            }
        }
        let nullifier = |&place: &usize| self.world.claims[place].own[0];
        assert_eq!(seen, self.model.spent.iter().map(nullifier).collect());
        // The events that move money match the model, and so does who may be paid now.
        let ended = self.model.cases.iter().filter_map(|(place, &case)| match case {
            Case::Settled(outcome) => Some((nullifier(place), outcome)),
            _ => None,
        });
        assert_eq!(settled, ended.collect());
        for place in 0..POOL {
            let call = Disputes::mayBePaidCall { nullifier: nullifier(&place) };
            let may = self.network.view(self.network.addresses.disputes, &call).await;
            let case = self.model.cases.get(&place);
            let expected = case.is_none_or(|&case| case == Case::Settled(PAY));
            assert_eq!(may.expect("an answer"), expected, "{case:?}");
        }
    }
}

#[tokio::test]
async fn random_sequences_of_calls_agree_with_the_model() {
    let read = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let sequences = read("PRAMAN_SEQUENCES").unwrap_or(SEQUENCES);
    let seed = read("PRAMAN_SEED").unwrap_or_else(rand::random::<u64>);
    println!("PRAMAN_SEED={seed} PRAMAN_SEQUENCES={sequences}");
    let world = World::open().await;
    let before = world.network.chain.logs.len();
    let mut total = Counts::default();
    for sequence in 0..sequences {
        let network =
            Network { chain: world.network.chain.clone(), addresses: world.network.addresses };
        let rng = ChaCha20Rng::seed_from_u64(seed.wrapping_add(sequence));
        let mut run = Run {
            world: &world,
            network,
            model: world.model.clone(),
            rng,
            counts: Counts::default(),
        };
        for _ in 0..if sequence % LONG == 0 { LONG_CALLS } else { CALLS } {
            run.step().await;
        }
        run.check_events(before).await;
        total.stood += run.counts.stood;
        total.refused += run.counts.refused;
        total.claims += run.counts.claims;
        total.batches += run.counts.batches;
        total.settled += run.counts.settled;
        total.sealed += run.counts.sealed;
    }
    println!("{sequences} sequences: {total:?}");
    assert!(total.claims > sequences / 10 && total.batches > sequences / 100, "{total:?}");
    assert!(total.settled > sequences / 500 && total.sealed > sequences / 1_000, "{total:?}");
}
