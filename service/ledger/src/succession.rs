//! A ledger takes the place of an earlier one: contracts that are deployed again, or on another chain.
//!
//! Nullifiers are bound to the ledger's context. A new ledger would take every claim again that is made once in a
//! life, so it inherits the context of the earlier one by an act of the committee, and everything that is spent
//! there. It opens nothing before all of that is here.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, U256};
use alloy_sol_types::{SolCall, SolEvent};
use praman_circuits::context::Context;
use praman_circuits::field::from_be_bytes;
use praman_verifier::contracts::{
    Claims, InheritancePart, Scopes, Succession as Contract, inheritance_leaf, scheme_of_word, word,
};
use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::chain::{Chain, ChainLog};
use super::contract_ledger::{ContractLedger, acting};
use super::network::{Network, Role, text_hash};
use super::sorted_tree;
use crate::refusal::LedgerRefusal;

/// How many nullifiers or scopes a part has at most: what a transaction has gas for.
const PART: usize = 256;

const FORMAT: &str = "praman-succession-1";

/// What an earlier ledger hands over: its context, its scopes and all that is spent on it. It names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Succession {
    format: String,
    /// The context of the earlier ledger.
    pub context: Context,
    scopes: Vec<HandedScope>,
    spent: Vec<HandedSpent>,
}

/// What is spent in a scope's period on the earlier ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HandedSpent {
    scope: U256,
    period: u32,
    /// The nullifiers, ascending.
    nullifiers: Vec<U256>,
}

/// Nullifiers by the scope and period that they are spent in.
type Spent = BTreeMap<(U256, u32), BTreeSet<U256>>;

/// The scope of a scheme's period, as it stands on the earlier ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HandedScope {
    scheme: U256,
    group: U256,
    kind: u8,
    period: u32,
    schema: u32,
    edition: u8,
    pruned: bool,
}

/// How far a ledger has taken over an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TakenOver {
    /// How many nullifiers are spent on the earlier ledger.
    pub spent: usize,
    /// How many of its schemes' periods have a scope.
    pub scopes: usize,
    /// How many parts were brought now.
    pub brought: u32,
}

impl Succession {
    /// Reads what a network's ledger hands over from all of its events.
    ///
    /// # Errors
    /// [`LedgerError`] of the chain.
    pub async fn of<C: Chain>(network: &Network<C>) -> Result<Self, LedgerError> {
        let (mut spent, mut scopes, mut openings) = (Spent::new(), Vec::new(), BTreeMap::new());
        // What is accepted behind the end is nothing, so nothing is missing in what was read before it.
        let mut has_ended = false;
        let unreadable = || LedgerError::from(LedgerRefusal::EventUnreadable);
        network
            .for_each_log(|log| {
                has_ended |= log.address == network.addresses.claims
                    && log.topics.first() == Some(&Claims::Ended::SIGNATURE_HASH);
                let read = if log.address == network.addresses.claims {
                    read_claims(&log, &mut openings, &mut spent)
                } else if log.address == network.addresses.scopes {
                    read_scopes(&log, &mut spent, &mut scopes)
                } else {
                    Some(())
                };
                read.ok_or_else(unreadable)
            })
            .await?;
        if !has_ended {
            return Err(LedgerRefusal::NotEnded.into());
        }
        for (scope, handed) in &mut scopes {
            let call = Scopes::useOfCall { scope: *scope, period: handed.period };
            handed.pruned = network.view(network.addresses.scopes, &call).await?.pruned;
        }
        let context = network.view(network.addresses.claims, &Claims::contextCall {}).await?;
        let context = from_be_bytes(&context.to_be_bytes()).ok_or(LedgerRefusal::NotElement)?;
        Ok(Self {
            format: FORMAT.to_owned(),
            context: Context::from_field(context),
            scopes: scopes.into_iter().map(|(_, handed)| handed).collect(),
            spent: spent
                .into_iter()
                .filter(|(_, nullifiers)| !nullifiers.is_empty())
                .map(|((scope, period), nullifiers)| HandedSpent {
                    scope,
                    period,
                    nullifiers: nullifiers.into_iter().collect(),
                })
                .collect(),
        })
    }

    /// Reads the file that [`Succession::to_json`] writes.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn from_json(text: &str) -> Result<Self, SuccessionError> {
        let read: Self = serde_json::from_str(text)?;
        if read.format != FORMAT {
            return Err(SuccessionError::Format(read.format));
        }
        for scope in &read.scopes {
            scheme_of_word(scope.scheme).ok_or(SuccessionError::Scheme(scope.scheme))?;
        }
        if read.context.to_field() == 0u64.into() {
            return Err(SuccessionError::Context);
        }
        let ascend =
            |spent: &HandedSpent| spent.nullifiers.is_sorted_by(|earlier, later| earlier < later);
        if !read.spent.iter().all(ascend) {
            return Err(SuccessionError::Order);
        }
        if read.spent.is_empty() && read.scopes.is_empty() {
            return Err(SuccessionError::Empty);
        }
        let mut nullifiers = read.spent.iter().flat_map(|spent| &spent.nullifiers);
        if let Some(&beyond) =
            nullifiers.find(|nullifier| from_be_bytes(&nullifier.to_be_bytes()).is_none())
        {
            return Err(SuccessionError::Nullifier(beyond));
        }
        Ok(read)
    }

    /// Writes it as a file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data")
    }

    /// Returns how many nullifiers are spent, and how many schemes' periods have a scope.
    pub fn counts(&self) -> (usize, usize) {
        (self.spent.iter().map(|spent| spent.nullifiers.len()).sum(), self.scopes.len())
    }

    /// The parts in which it is brought: scopes first.
    fn parts(&self) -> Vec<InheritancePart> {
        let scopes = self.scopes.chunks(PART).map(|scopes| {
            InheritancePart::Scopes(scopes.iter().map(HandedScope::inherited).collect())
        });
        let spent = self.spent.iter().flat_map(|HandedSpent { scope, period, nullifiers }| {
            nullifiers.chunks(PART).map(|nullifiers| InheritancePart::Spent {
                scope: *scope,
                period: *period,
                nullifiers: nullifiers.to_vec(),
            })
        });
        scopes.chain(spent).collect()
    }
}

impl HandedScope {
    fn inherited(&self) -> Contract::InheritedScope {
        let Self { scheme, group, kind, period, schema, edition, pruned } = *self;
        Contract::InheritedScope { scheme, group, kind, period, schema, edition, pruned }
    }
}

/// Why a file is not what an earlier ledger hands over.
#[derive(Debug, thiserror::Error)]
pub enum SuccessionError {
    /// It is not JSON of this form.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// Another format.
    #[error("the format is {0:?}, not {FORMAT:?}: write the file with `praman ledger hand-over`")]
    Format(String),
    /// A scheme's word is no id.
    #[error("the scheme {0} is not the id of a scheme")]
    Scheme(U256),
    /// The context is zero.
    #[error("the context is zero: no ledger has that")]
    Context,
    /// The nullifiers are not in order, or one stands twice.
    #[error(
        "the spent nullifiers do not ascend: write the file again with `praman ledger hand-over`"
    )]
    Order,
    /// There is nothing in it.
    #[error("the earlier ledger has opened nothing: there is nothing to take over")]
    Empty,
    /// A nullifier is beyond the field.
    #[error("the nullifier {0} is not below the scalar field's order")]
    Nullifier(U256),
}

/// Reads what an event of the claims says of spent nullifiers; none if it can't be read.
fn read_claims(
    log: &ChainLog,
    openings: &mut BTreeMap<u32, (U256, u32)>,
    spent: &mut Spent,
) -> Option<()> {
    let (topics, data) = (log.topics.iter().copied(), &log.data);
    match *log.topics.first()? {
        Claims::PeriodOpened::SIGNATURE_HASH => {
            let event = Claims::PeriodOpened::decode_raw_log(topics, data).ok()?;
            openings.insert(event.opening, (event.scope, event.period));
        }
        Claims::ClaimAccepted::SIGNATURE_HASH => {
            let event = Claims::ClaimAccepted::decode_raw_log(topics, data).ok()?;
            spent.entry(*openings.get(&event.opening)?).or_default().insert(event.nullifier);
        }
        Claims::ClaimsAccepted::SIGNATURE_HASH => {
            let event = Claims::ClaimsAccepted::decode_raw_log(topics, data).ok()?;
            let of_opening = spent.entry(*openings.get(&event.opening)?).or_default();
            of_opening.extend(event.claims.chunks_exact(3).map(|claim| claim[0]));
        }
        // Its period's scope is handed over as pruned, and never opens again.
        Claims::Pruned::SIGNATURE_HASH => {
            let event = Claims::Pruned::decode_raw_log(topics, data).ok()?;
            spent.entry(*openings.get(&event.opening)?).or_default().remove(&event.nullifier);
        }
        _ => {}
    }
    Some(())
}

/// Reads what an event of the scopes says of scopes, and of what the ledger took over itself.
fn read_scopes(
    log: &ChainLog,
    spent: &mut Spent,
    scopes: &mut Vec<(U256, HandedScope)>,
) -> Option<()> {
    let (topics, data) = (log.topics.iter().copied(), &log.data);
    match *log.topics.first()? {
        Scopes::ScopeFixed::SIGNATURE_HASH => {
            let event = Scopes::ScopeFixed::decode_raw_log(topics, data).ok()?;
            let Scopes::ScopeFixed { scope, scheme, group, kind, period, schema, edition } = event;
            let handed =
                HandedScope { scheme, group, kind, period, schema, edition, pruned: false };
            scopes.push((scope, handed));
        }
        Scopes::SpentBrought::SIGNATURE_HASH => {
            let event = Scopes::SpentBrought::decode_raw_log(topics, data).ok()?;
            spent.entry((event.scope, event.period)).or_default().extend(event.nullifiers);
        }
        _ => {}
    }
    Some(())
}

impl<C: Chain> ContractLedger<C> {
    /// Ends this ledger for good by an act of the committee: it takes no claim any more, so that another ledger can
    /// take its place.
    ///
    /// # Errors
    /// [`LedgerRefusal::MotionWaits`] until the committee has decided.
    pub async fn end(&mut self) -> Result<(), LedgerError> {
        let claims = self.network.addresses.claims;
        let has_ended = async |network: &Network<C>| -> Result<bool, LedgerError> {
            Ok(network.view(claims, &Claims::gateCall {}).await?.ended)
        };
        if has_ended(&self.network).await? {
            return Ok(());
        }
        let (members, call) = (self.actors.members.clone(), Claims::endCall {}.abi_encode());
        let motion =
            self.network.committee(&members, claims, call, text_hash("end the ledger")).await?;
        if !has_ended(&self.network).await? {
            return Err(LedgerRefusal::MotionWaits(motion).into());
        }
        Ok(())
    }

    /// Has this ledger, which is new, take the place of an earlier one: the committee approves it, and the agency
    /// brings every part. Goes on where it stopped.
    ///
    /// # Errors
    /// [`LedgerRefusal::MotionWaits`] until the committee has decided; [`LedgerRefusal::NotNew`] if this ledger has
    /// opened a period, or takes the place of another one.
    pub async fn take_over(&mut self, from: &Succession) -> Result<TakenOver, LedgerError> {
        let scopes = self.network.addresses.scopes;
        let parts = from.parts();
        let leaves: Vec<B256> =
            (0..).zip(&parts).map(|(number, part)| inheritance_leaf(number, part)).collect();
        let root = sorted_tree::root(leaves.clone());
        let inherit = Scopes::inheritCall {
            context: word(from.context.to_field()),
            root,
            parts: parts.len() as u32,
        };
        let stands = self.network.view(scopes, &Scopes::inheritanceCall {}).await?;
        if stands.context.is_zero() {
            let members = self.actors.members.clone();
            if members.is_empty() {
                return Err(LedgerRefusal::NoMember.into());
            }
            let call = inherit.abi_encode();
            let motion = self.network.committee(&members, scopes, call, root).await?;
            let stands = self.network.view(scopes, &Scopes::inheritanceCall {}).await?;
            if stands.context.is_zero() {
                return Err(LedgerRefusal::MotionWaits(motion).into());
            }
        } else if (stands.context, stands.root) != (inherit.context, root) {
            return Err(LedgerRefusal::NotNew.into());
        }
        let mut brought = 0;
        for (number, part) in (0..).zip(parts) {
            if self.network.view(scopes, &Scopes::isBroughtCall { part: number }).await? {
                continue;
            }
            let agency = acting(self.actors.agency, Role::Agency)?;
            let path = sorted_tree::path(leaves.clone(), number as usize);
            match part {
                InheritancePart::Spent { scope, period, nullifiers } => {
                    let call =
                        Scopes::bringSpentCall { part: number, scope, period, nullifiers, path };
                    self.network.send(agency, scopes, &call).await?;
                }
                InheritancePart::Scopes(handed) => {
                    let call = Scopes::bringScopesCall { part: number, scopes: handed, path };
                    self.network.send(agency, scopes, &call).await?;
                }
            }
            brought += 1;
        }
        self.context = from.context;
        let (spent, scopes) = from.counts();
        Ok(TakenOver { spent, scopes, brought })
    }
}
