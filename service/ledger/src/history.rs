//! The whole history of a network, replayed from its events.

use std::collections::{BTreeMap, HashSet};

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolEvent;
use praman_circuits::Fr;
use praman_circuits::credential::SchemaId;
use praman_circuits::field::from_be_bytes;
use praman_circuits::merkle::empty_leaf;
use praman_circuits::office::{OfficeId, OfficeRoot, StateTree, office_leaf};
use praman_verifier::PreparedKey;
use praman_verifier::contracts::{
    Addresses, Archives, Claims, Consents, Offices, Scopes, claim_leaf, word,
};
use serde::Serialize;

use super::LedgerError;
use super::chain::{Chain, ChainLog};
use super::network::Network;
use super::settlement::{self, OpeningClaims, SettlementEvents};
use super::sorted_tree;
use crate::refusal::LedgerRefusal;

/// An opening's accepted claims in order: what its seal is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seal {
    opening: u32,
    /// Nullifier and payout commitment of each.
    pub claims: Vec<(U256, U256)>,
}

impl Seal {
    fn leaves(&self) -> Vec<B256> {
        let leaf = |(place, (nullifier, payout)): (u64, &(U256, U256))| {
            claim_leaf(self.opening, place, *nullifier, *payout)
        };
        (0..).zip(&self.claims).map(leaf).collect()
    }

    /// Computes the Merkle root over the claims; zero for none.
    pub fn root(&self) -> B256 {
        sorted_tree::root(self.leaves())
    }

    /// Computes the Merkle path of the claim at a place, as OpenZeppelin's `MerkleProof` takes it.
    pub fn path(&self, place: usize) -> Vec<B256> {
        sorted_tree::path(self.leaves(), place)
    }
}

/// What a replay found of one opening.
#[derive(Clone, Debug, Serialize)]
pub struct OpeningHistory {
    /// Its number.
    pub opening: u32,
    /// The scheme's name, or its number if that is no name.
    pub scheme: String,
    /// Its period.
    pub period: u32,
    /// How many claims it accepted.
    pub claims: usize,
    /// The Merkle root over them.
    pub root: B256,
    /// Whether the seal, proposed or confirmed, has the same root; none if there is no seal.
    pub seal_agrees: Option<bool>,
    /// Whether its settlement is of these claims and proves the sum that was shown; none if it is not settled.
    pub settlement_agrees: Option<bool>,
}

/// What a replay found.
#[derive(Clone, Debug, Serialize)]
pub struct History {
    /// The last block replayed.
    pub block: u64,
    /// How many events the contracts emitted.
    pub events: usize,
    /// How many claims were accepted.
    pub claims: usize,
    /// How many office roots were set.
    pub office_updates: usize,
    /// How many checkpoints were published.
    pub checkpoints: usize,
    /// How many accesses by consent were recorded.
    pub accesses: usize,
    /// How many accesses their patients ended themselves.
    pub withdrawn_accesses: usize,
    /// How often a manager withdrew consents at a provider.
    pub withdrawals: usize,
    /// Every opening.
    pub openings: Vec<OpeningHistory>,
    /// What does not agree, in words; empty if everything agrees.
    pub faults: Vec<String>,
}

/// The valid roots of trees: of a provider's records, or of a manager's consents at a provider.
type GoodRoots<K> = BTreeMap<K, HashSet<U256>>;

#[derive(Default)]
struct Replay {
    records: GoodRoots<u32>,
    consents: GoodRoots<(u32, u32)>,
    accesses: HashSet<(u32, U256)>,
    withdrawn_accesses: HashSet<(u32, U256)>,
    withdrawals: usize,
    tree_leaves: Vec<Fr>,
    schemas: BTreeMap<u32, (u32, U256)>,
    root: Option<U256>,
    seals: BTreeMap<u32, Seal>,
    openings: BTreeMap<u32, (U256, u32)>,
    scopes: BTreeMap<(U256, u32), U256>,
    inherited: HashSet<U256>,
    spent: HashSet<U256>,
    updates: usize,
    checkpoints: usize,
    settlements: SettlementEvents,
    is_unreadable: bool,
    faults: Vec<String>,
}

impl Replay {
    fn opening_claims<C: Chain>(
        &self,
        network: &Network<C>,
        opening: u32,
        block: u64,
    ) -> OpeningClaims {
        let claims = self.seals.get(&opening).map_or(&[][..], |seal| seal.claims.as_slice());
        let of = (network.chain.chain_id(), network.addresses.claims, block);
        self.settlements.of(opening, claims, of)
    }

    fn fault(&mut self, log: &ChainLog, what: &str) {
        self.faults.push(format!("block {}: {what}", log.block));
    }

    fn accept(&mut self, log: &ChainLog, opening: u32, claim: [U256; 3]) {
        if !self.spent.insert(claim[0]) {
            self.fault(log, "a nullifier was accepted twice");
        }
        if self.inherited.contains(&claim[0]) {
            self.fault(log, "a nullifier was accepted that the earlier ledger had spent");
        }
        let seal = self.seals.entry(opening).or_default();
        seal.opening = opening;
        seal.claims.push((claim[0], claim[1]));
    }

    /// Puts a leaf and compares the tree's root with the one that the contract reported.
    fn put(&mut self, log: &ChainLog, office: u32, leaf: Fr, told: U256) {
        let place = office as usize;
        if self.tree_leaves.len() <= place {
            self.tree_leaves.resize(place + 1, empty_leaf());
        }
        self.tree_leaves[place] = leaf;
        let mut tree = StateTree::new();
        if tree.append(&self.tree_leaves).is_err() || word(tree.root()) != told {
            self.fault(log, &format!("the state root after office {office} differs"));
        }
        self.root = Some(told);
    }

    fn leaf(&self, office: u32) -> Option<Fr> {
        let (schema, root) = self.schemas.get(&office)?;
        let root: Fr = from_be_bytes(&root.to_be_bytes())?;
        let root = OfficeRoot::from_field(root);
        Some(office_leaf(OfficeId(office), SchemaId(*schema), root).to_field())
    }

    fn claims_event(&mut self, log: &ChainLog) -> Option<()> {
        let (topics, data) = (log.topics.iter().copied(), &log.data);
        match *log.topics.first()? {
            Claims::PeriodOpened::SIGNATURE_HASH => {
                let event = Claims::PeriodOpened::decode_raw_log(topics, data).ok()?;
                if self.scopes.get(&(event.scheme, event.period)) != Some(&event.scope) {
                    self.fault(log, "a period was opened in another scope than stands");
                }
                self.openings.insert(event.opening, (event.scheme, event.period));
            }
            Claims::ClaimAccepted::SIGNATURE_HASH => {
                let event = Claims::ClaimAccepted::decode_raw_log(topics, data).ok()?;
                let claim = [event.nullifier, event.payoutCommitment, event.envelopeHash];
                self.accept(log, event.opening, claim);
            }
            Claims::ClaimsAccepted::SIGNATURE_HASH => {
                let event = Claims::ClaimsAccepted::decode_raw_log(topics, data).ok()?;
                for &claim in event.claims.as_chunks().0 {
                    self.accept(log, event.opening, claim);
                }
            }
            Claims::CheckpointPublished::SIGNATURE_HASH => {
                let event = Claims::CheckpointPublished::decode_raw_log(topics, data).ok()?;
                if self.root.is_some_and(|root| root != event.stateRoot) {
                    self.fault(log, "a checkpoint does not have the state tree's root");
                }
                if event.checkpoint as usize != self.checkpoints {
                    self.fault(log, "a checkpoint's number does not follow the one before");
                }
                self.checkpoints += 1;
            }
            Claims::StageChanged::SIGNATURE_HASH => {
                let event = Claims::StageChanged::decode_raw_log(topics, data).ok()?;
                self.settlements.stage_changed(event.opening, event.stage);
            }
            _ => {}
        }
        Some(())
    }

    fn scopes_event(&mut self, log: &ChainLog) -> Option<()> {
        let (topics, data) = (log.topics.iter().copied(), &log.data);
        match *log.topics.first()? {
            Scopes::ScopeFixed::SIGNATURE_HASH => {
                let event = Scopes::ScopeFixed::decode_raw_log(topics, data).ok()?;
                let stands = self.scopes.insert((event.scheme, event.period), event.scope);
                if stands.is_some_and(|stands| stands != event.scope) {
                    self.fault(log, "a scheme's period has another scope than before");
                }
            }
            Scopes::SpentBrought::SIGNATURE_HASH => {
                let event = Scopes::SpentBrought::decode_raw_log(topics, data).ok()?;
                self.inherited.extend(event.nullifiers);
            }
            _ => {}
        }
        Some(())
    }

    fn consents_event(&mut self, log: &ChainLog) -> Option<()> {
        fn put<K: Ord>(good: &mut GoodRoots<K>, tree: K, root: U256, graceless: bool) {
            let roots = good.entry(tree).or_default();
            if graceless {
                roots.clear();
            }
            roots.insert(root);
        }
        let (topics, data) = (log.topics.iter().copied(), &log.data);
        match *log.topics.first()? {
            Consents::RecordsRootUpdated::SIGNATURE_HASH => {
                let event = Consents::RecordsRootUpdated::decode_raw_log(topics, data).ok()?;
                put(&mut self.records, event.provider, event.root, event.graceless);
            }
            Consents::ConsentsRootUpdated::SIGNATURE_HASH => {
                let event = Consents::ConsentsRootUpdated::decode_raw_log(topics, data).ok()?;
                self.withdrawals += usize::from(event.graceless);
                let tree = (event.manager, event.provider);
                put(&mut self.consents, tree, event.root, event.graceless);
            }
            Consents::AccessRecorded::SIGNATURE_HASH => {
                let event = Consents::AccessRecorded::decode_raw_log(topics, data).ok()?;
                let access = (event.provider, event.nullifier);
                if !self.accesses.insert(access) {
                    self.fault(log, "an access was recorded twice");
                }
                if self.withdrawn_accesses.contains(&access) {
                    self.fault(log, "an access was recorded that its patient had ended");
                }
                let records = self.records.get(&event.provider);
                let consents = self.consents.get(&(event.manager, event.provider));
                if !records.is_some_and(|good| good.contains(&event.recordsRoot))
                    || !consents.is_some_and(|good| good.contains(&event.consentsRoot))
                {
                    self.fault(log, "an access was recorded against roots that were not valid");
                }
            }
            Consents::AccessWithdrawn::SIGNATURE_HASH => {
                let event = Consents::AccessWithdrawn::decode_raw_log(topics, data).ok()?;
                let access = (event.provider, event.nullifier);
                if self.accesses.contains(&access) || !self.withdrawn_accesses.insert(access) {
                    self.fault(log, "an access was ended that was given or ended before");
                }
            }
            _ => {}
        }
        Some(())
    }

    fn offices_event(&mut self, log: &ChainLog) -> Option<()> {
        let (topics, data) = (log.topics.iter().copied(), &log.data);
        match *log.topics.first()? {
            Offices::OfficeAccredited::SIGNATURE_HASH => {
                let event = Offices::OfficeAccredited::decode_raw_log(topics, data).ok()?;
                self.schemas.insert(event.office, (event.schema, U256::ZERO));
            }
            Offices::OfficeRootUpdated::SIGNATURE_HASH => {
                let event = Offices::OfficeRootUpdated::decode_raw_log(topics, data).ok()?;
                self.schemas.get_mut(&event.office)?.1 = event.root;
                let leaf = self.leaf(event.office)?;
                self.put(log, event.office, leaf, event.stateRoot);
                self.updates += 1;
            }
            Offices::OfficeStanding::SIGNATURE_HASH => {
                let event = Offices::OfficeStanding::decode_raw_log(topics, data).ok()?;
                let leaf = if event.standing { self.leaf(event.office)? } else { empty_leaf() };
                self.put(log, event.office, leaf, event.stateRoot);
            }
            _ => {}
        }
        Some(())
    }
}

async fn replay<C: Chain>(network: &Network<C>) -> Result<(Replay, u64, usize), LedgerError> {
    let (mut replay, mut events) = (Replay::default(), 0);
    let read_event = |log: ChainLog| {
        let read = if log.address == network.addresses.claims {
            replay.claims_event(&log)
        } else if log.address == network.addresses.offices {
            replay.offices_event(&log)
        } else if log.address == network.addresses.consents {
            replay.consents_event(&log)
        } else if log.address == network.addresses.scopes {
            replay.scopes_event(&log)
        } else if log.address == network.addresses.disputes {
            replay.settlements.disputes_event(&log)
        } else if log.address == network.addresses.settlements {
            replay.settlements.settlements_event(&log, &replay.seals)
        } else {
            Some(())
        };
        if read.is_none() {
            replay.is_unreadable = true;
            replay.fault(&log, "an event can't be read");
        }
        events += 1;
        Ok(())
    };
    let last = network.for_each_log(read_event).await?;
    Ok((replay, last, events))
}

/// Reads the claims of an opening from the events.
///
/// # Errors
/// [`LedgerError`] of the chain.
pub async fn seal<C: Chain>(network: &mut Network<C>, opening: u32) -> Result<Seal, LedgerError> {
    let (mut replay, _, _) = replay(network).await?;
    let mut seal = replay.seals.remove(&opening).unwrap_or_default();
    seal.opening = opening;
    Ok(seal)
}

/// Reads the claims of openings with what is held against a settlement of them, all up to one block: those openings
/// that are wanted, by number, scheme and period.
pub(crate) async fn claims_of<C: Chain>(
    network: &Network<C>,
    is_wanted: impl Fn(u32, U256, u32) -> bool,
) -> Result<Vec<OpeningClaims>, LedgerError> {
    let (replay, block, _) = replay(network).await?;
    if replay.is_unreadable {
        return Err(LedgerRefusal::EventUnreadable.into());
    }
    let openings = replay.openings.iter();
    let wanted =
        openings.filter(|&(&opening, &(scheme, period))| is_wanted(opening, scheme, period));
    Ok(wanted.map(|(&opening, _)| replay.opening_claims(network, opening, block)).collect())
}

/// Replays all events from block 0, other programs' included: recomputes every state root, count, seal and settlement,
/// and compares the contracts' state with what the events say. With the settlement statement's key it also checks the
/// settlements' proofs, which the contract has checked.
///
/// # Errors
/// [`LedgerError`] of the chain; what does not agree is in the history's faults.
pub async fn verify<C: Chain>(
    network: &mut Network<C>,
    settlement_key: Option<&PreparedKey>,
) -> Result<History, LedgerError> {
    let (mut replay, block, events) = replay(network).await?;
    let Addresses { claims, archives, .. } = network.addresses;
    let root = network.view(network.addresses.offices, &Offices::stateRootCall {}).await?;
    if replay.root.is_some_and(|replayed| replayed != root) {
        replay.faults.push("the state root does not fit the events".to_owned());
    }
    let count = network.view(claims, &Claims::checkpointCountCall {}).await?;
    if count != U256::from(replay.checkpoints) {
        replay
            .faults
            .push(format!("{count} checkpoints stand, but {} were announced", replay.checkpoints));
    }
    let mut openings = Vec::new();
    for (&opening, &(scheme, period)) in &replay.openings {
        let seal = replay.seals.get(&opening).cloned().unwrap_or_default();
        let root = seal.root();
        let stands = network.view(archives, &Archives::sealOfCall { opening }).await?;
        let agrees = stands.count == seal.claims.len() as u64 && stands.root == root;
        let agrees = (!stands.proposer.is_zero()).then_some(agrees);
        if agrees == Some(false) {
            replay.faults.push(format!("the seal of opening {opening} does not fit its claims"));
        }
        let settled = replay.settlements.is_settled(opening).then(|| {
            let of = replay.opening_claims(network, opening, block);
            match settlement_key {
                Some(key) => settlement::verify(key, &of),
                None => settlement::verify_but_proofs(&of),
            }
        });
        let settlement_agrees = settled.map(|settled| {
            let faults = match settled {
                Ok(sums) => sums
                    .paid_though_refused
                    .iter()
                    .map(|claim| {
                        format!("opening {opening}: claim {claim} was paid though refused")
                    })
                    .collect(),
                Err(fault) => vec![fault.to_string()],
            };
            let agrees = faults.is_empty();
            replay.faults.extend(faults);
            agrees
        });
        let name = praman_verifier::contracts::scheme_of_word(scheme);
        openings.push(OpeningHistory {
            opening,
            scheme: name.map_or_else(|| scheme.to_string(), |name| name.as_str().to_owned()),
            period,
            claims: seal.claims.len(),
            root,
            seal_agrees: agrees,
            settlement_agrees,
        });
    }
    Ok(History {
        block,
        events,
        claims: replay.spent.len(),
        office_updates: replay.updates,
        checkpoints: replay.checkpoints,
        accesses: replay.accesses.len(),
        withdrawn_accesses: replay.withdrawn_accesses.len(),
        withdrawals: replay.withdrawals,
        openings,
        faults: replay.faults,
    })
}
