//! What events say of settlements and of the cases over claims; collected in the pass that replays the history.

use std::collections::{BTreeMap, HashMap};

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolEvent;
use praman_verifier::contracts::{Disputes, Settlements};

use super::{Case, OpeningClaim, OpeningClaims, SettledChunk, StateLocked, SumOpened};
use crate::chain::ChainLog;
use crate::history::Seal;

/// `Stage.Closed` of the contract; `Stage.Sealed` comes behind it.
const CLOSED: u8 = 3;

/// The settlements of a network, and what they are held against.
#[derive(Default)]
pub(crate) struct SettlementEvents {
    stages: BTreeMap<u32, u8>,
    cases: HashMap<U256, Case>,
    chunks: BTreeMap<u32, Vec<SettledChunk>>,
    locked: BTreeMap<u32, StateLocked>,
    opened: BTreeMap<u32, SumOpened>,
}

impl SettlementEvents {
    pub(crate) fn stage_changed(&mut self, opening: u32, stage: u8) {
        self.stages.insert(opening, stage);
    }

    /// Reads an event of the disputes; none if it can't be read.
    pub(crate) fn disputes_event(&mut self, log: &ChainLog) -> Option<()> {
        let (topics, data) = (log.topics.iter().copied(), &log.data);
        match *log.topics.first()? {
            Disputes::Frozen::SIGNATURE_HASH => {
                let event = Disputes::Frozen::decode_raw_log(topics, data).ok()?;
                self.cases.insert(event.nullifier, Case::Open);
            }
            Disputes::Settled::SIGNATURE_HASH => {
                let event = Disputes::Settled::decode_raw_log(topics, data).ok()?;
                let case = match event.outcome {
                    1 => Case::Pay,
                    2 => Case::Refuse,
                    3 => Case::Recover,
                    _ => return None,
                };
                self.cases.insert(event.nullifier, case);
            }
            _ => {}
        }
        Some(())
    }

    /// Reads an event of the settlements, with the claims so far; none if it can't be read or does not follow from
    /// those before.
    pub(crate) fn settlements_event(
        &mut self,
        log: &ChainLog,
        seals: &BTreeMap<u32, Seal>,
    ) -> Option<()> {
        let (topics, data) = (log.topics.iter().copied(), &log.data);
        match *log.topics.first()? {
            Settlements::ChunksProved::SIGNATURE_HASH => {
                let event = Settlements::ChunksProved::decode_raw_log(topics, data).ok()?;
                let chunks = self.chunks.entry(event.opening).or_default();
                if event.first == 0 {
                    chunks.clear();
                }
                if chunks.len() != event.first as usize
                    || event.chunks.len() != event.counted.len()
                    || self.locked.contains_key(&event.opening)
                {
                    return None;
                }
                chunks.extend(event.chunks.iter().zip(&event.counted).map(chunk));
            }
            Settlements::SettlementLocked::SIGNATURE_HASH => {
                let event = Settlements::SettlementLocked::decode_raw_log(topics, data).ok()?;
                let locked = StateLocked {
                    state: event.state,
                    digest: event.digest,
                    treasury: event.treasury,
                    block: log.block,
                    cases: self.cases_over(claims_of(seals, event.opening)),
                };
                // Once, for good.
                if self.locked.insert(event.opening, locked).is_some() {
                    return None;
                }
            }
            Settlements::SettlementOpened::SIGNATURE_HASH => {
                let event = Settlements::SettlementOpened::decode_raw_log(topics, data).ok()?;
                let opened = SumOpened {
                    rupees: event.rupees,
                    counted: event.counted,
                    digest: event.digest,
                    blinding: event.blinding,
                    block: log.block,
                    cases: self.cases_over(claims_of(seals, event.opening)),
                };
                if self.opened.insert(event.opening, opened).is_some() {
                    return None;
                }
            }
            _ => {}
        }
        Some(())
    }

    fn cases_over(&self, claims: &[(U256, U256)]) -> BTreeMap<U256, Case> {
        let case = |(nullifier, _): &(U256, U256)| Some((*nullifier, *self.cases.get(nullifier)?));
        claims.iter().filter_map(case).collect()
    }

    /// Returns whether an opening's sum was shown.
    pub(crate) fn is_settled(&self, opening: u32) -> bool {
        self.opened.contains_key(&opening)
    }

    /// Returns what was read of an opening, with its claims.
    pub(crate) fn of(
        &self,
        opening: u32,
        claims: &[(U256, U256)],
        (chain_id, claims_contract, block): (u64, Address, u64),
    ) -> OpeningClaims {
        let cases = self.cases_over(claims);
        // A claim is frozen once at most.
        let freezes = cases.len() as u64;
        let claim = |&(nullifier, payout): &(U256, U256)| OpeningClaim { nullifier, payout };
        OpeningClaims {
            opening,
            chain_id,
            claims_contract,
            block,
            is_over: self.stages.get(&opening).is_some_and(|&stage| stage >= CLOSED),
            claims: claims.iter().map(claim).collect(),
            cases,
            freezes,
            chunks: self.chunks.get(&opening).cloned().unwrap_or_default(),
            locked: self.locked.get(&opening).cloned(),
            opened: self.opened.get(&opening).cloned(),
        }
    }
}

fn claims_of(seals: &BTreeMap<u32, Seal>, opening: u32) -> &[(U256, U256)] {
    seals.get(&opening).map_or(&[][..], |seal| seal.claims.as_slice())
}

/// A chunk of an event: eleven words, and the word of its bits.
fn chunk((words, &counted): (&[U256; 11], &U256)) -> SettledChunk {
    let [before, after, digest, proof @ ..] = *words;
    SettledChunk { own: [before, after, digest], proof, counted }
}
