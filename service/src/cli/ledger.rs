//! `praman ledger`: the embedded ledger, and networks of real nodes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::{Address, B256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use clap::{Args, Subcommand};
use praman_circuits::circuit;
use praman_circuits::eligibility::Checkpoint;
use praman_prover::KeyStore;
use praman_verifier::VerifyingKey;
use praman_verifier::contracts::{Claims, Committee, Constitution, Participants};
use serde_json::{Value, json};

use super::passphrase::PassphraseSource;
use super::{Outcome, Setting, scheme};
use crate::account::AccountKey;
use crate::calendar;
use crate::error::ServiceError;
use crate::ledger::{
    Chain, EmbeddedLedger, JoinedNetwork, Ledger as _, Network, RemoteChain, RemoteSettings, Role,
    history, text_hash,
};
use crate::store::Store;

/// The ledger, embedded or on real nodes.
#[derive(Subcommand)]
pub(super) enum Ledger {
    /// Deploy the contracts on the embedded chain, if they are not yet.
    #[command(after_help = "Example: praman ledger start --keys keys")]
    Start {
        /// The folder of the keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
    },
    /// Publish the state root that claims are made against from now on.
    #[command(after_help = "Example: praman ledger checkpoint --keys keys")]
    Checkpoint {
        /// The folder of the keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        /// The day it stands for [default: today].
        #[arg(long, value_name = "YYYY-MM-DD")]
        as_of: Option<jiff::civil::Date>,
    },
    /// Open a scheme's period for claims.
    #[command(
        after_help = "Example: praman ledger open --keys keys --scheme annapurna.toml --period 2026-06"
    )]
    Open {
        /// The folder of the keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        /// The scheme's file.
        #[arg(long, value_name = "FILE")]
        scheme: PathBuf,
        /// The period, as the scheme writes it.
        #[arg(long)]
        period: String,
    },
    /// Make a key to sign transactions with, sealed.
    #[command(after_help = "Example: praman ledger account --out agency.json")]
    Account {
        /// Where the key goes.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseSource,
    },
    /// Deploy the contracts on a network of real nodes, and join it.
    #[command(
        after_help = "Example: praman ledger deploy --keys keys --rpc http://127.0.0.1:8545 --chain-id 7201 \
                      --account deployer.json --member 0x… --member 0x… --member 0x… --quorum 2"
    )]
    Deploy {
        /// The folder of the keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        #[command(flatten)]
        nodes: NodeAddresses,
        #[command(flatten)]
        signer: Signer,
        /// A member of the oversight committee.
        #[arg(long = "member", required = true, value_name = "ADDRESS")]
        members: Vec<Address>,
        /// How many members carry a motion: more than half.
        #[arg(long)]
        quorum: u64,
        /// Hours between carrying and enacting.
        #[arg(long, default_value_t = 48)]
        delay_hours: u64,
        /// Hours for which a replaced checkpoint stays good.
        #[arg(long, default_value_t = 24)]
        grace_hours: u64,
    },
    /// What stands: contracts, checkpoints, openings, pause.
    #[command(after_help = "Example: praman ledger status")]
    Status,
    /// Who takes part, in which role, and how they stand.
    #[command(after_help = "Example: praman ledger roles")]
    Roles,
    /// Ask to take part in a role.
    #[command(
        after_help = "Example: praman ledger request --role department --document papers.pdf \
                            --account department.json"
    )]
    Request {
        /// agency, department, office, treasury, auditor, relayer, provider or application.
        #[arg(long)]
        role: Role,
        /// Who decides: a department's number for an office, an agency's for a relayer [default: the
        /// committee].
        #[arg(long, default_value_t = 0)]
        sponsor: u32,
        /// The request's papers; only their hash goes on the ledger.
        #[arg(long, value_name = "FILE")]
        document: PathBuf,
        #[command(flatten)]
        signer: Signer,
    },
    /// Approve a request, as its sponsor or as members of the committee.
    #[command(after_help = "Example: praman ledger approve 4 --account agency.json")]
    Approve {
        /// The participant's number.
        participant: u32,
        /// Why; only its hash goes on the ledger.
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        signer: Signer,
    },
    /// Enact a motion that was carried and has waited.
    #[command(after_help = "Example: praman ledger enact 3 --account member.json")]
    Enact {
        /// The motion's number.
        motion: u64,
        #[command(flatten)]
        signer: Signer,
    },
    /// Take an approved request up, or acknowledge all notices.
    #[command(after_help = "Example: praman ledger acknowledge 4 --account department.json")]
    Acknowledge {
        /// The participant's number.
        participant: u32,
        #[command(flatten)]
        signer: Signer,
    },
    /// Suspend a participant.
    #[command(after_help = "Example: praman ledger suspend 4 --order 'No. 7/2026' --reason fraud \
                            --days 30 --account agency.json")]
    Suspend(Bar),
    /// Debar a participant: the committee only.
    #[command(after_help = "Example: praman ledger debar 4 --order 'No. 8/2026' --reason fraud \
                            --days 365 --account member1.json --account member2.json")]
    Debar(Bar),
    /// Close an opening and propose or confirm its seal.
    #[command(after_help = "Example: praman ledger seal 0 --account agency.json\n\
                            then:    praman ledger seal 0 --confirm --account auditor.json")]
    Seal {
        /// The opening's number.
        opening: u32,
        /// Confirm what was proposed, having recomputed it: another person, an auditor.
        #[arg(long)]
        confirm: bool,
        #[command(flatten)]
        signer: Signer,
    },
    /// Replay all events from block 0 and recompute every root, count and seal.
    #[command(after_help = "Example: praman ledger verify-history")]
    VerifyHistory,
    #[command(flatten)]
    Oversight(super::oversight::Oversight),
    /// All of the contracts' events as lines of JSON, for auditors.
    #[command(after_help = "Example: praman ledger export --out events.ndjson")]
    Export {
        /// Where they go.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// The nodes of a network.
#[derive(Args)]
pub(super) struct NodeAddresses {
    /// A node's address; several are used in turn.
    #[arg(long = "rpc", required = true, value_name = "URL")]
    endpoints: Vec<String>,
    /// The network's chain id.
    #[arg(long)]
    chain_id: u64,
    /// How many blocks must lie on one for it to stand [QBFT is final at once: 0].
    #[arg(long, default_value_t = 0)]
    confirmations: u64,
}

/// By whose keys a transaction is signed.
#[derive(Args)]
pub(super) struct Signer {
    /// A sealed key; members of the committee may give theirs together.
    #[arg(long = "account", value_name = "FILE")]
    accounts: Vec<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

/// An order that keeps a participant out.
#[derive(Args)]
pub(super) struct Bar {
    /// The participant's number.
    participant: u32,
    /// The order's number and text; only its hash goes on the ledger.
    #[arg(long)]
    order: String,
    /// Why; only its hash goes on the ledger.
    #[arg(long)]
    reason: String,
    /// For how many days, from now.
    #[arg(long)]
    days: u64,
    /// For how many days it can be appealed against: at least 3.
    #[arg(long, default_value_t = 15)]
    appeal_days: u64,
    #[command(flatten)]
    signer: Signer,
}

impl Signer {
    pub(super) fn keys(&self) -> Result<Vec<PrivateKeySigner>, ServiceError> {
        if self.accounts.is_empty() {
            return Ok(Vec::new());
        }
        let passphrase = self.passphrase.passphrase()?;
        self.accounts.iter().map(|path| AccountKey::load(path, &passphrase)).collect()
    }
}

fn verifying_key(keys: &Path) -> Result<VerifyingKey, ServiceError> {
    Ok(KeyStore::new(keys).load_verifying(circuit::eligibility())?)
}

pub(super) async fn open_embedded(
    setting: &Setting,
    keys: &Path,
) -> Result<(Store, EmbeddedLedger, VerifyingKey), ServiceError> {
    let key = verifying_key(keys)?;
    let store = Store::open(&setting.folder).await?;
    let ledger = EmbeddedLedger::open(&store, &key).await?;
    Ok((store, ledger, key))
}

/// Runs a block with the folder's network, whichever chain it is on, and the accounts to act by.
macro_rules! on_network {
    ($setting:expr, $keys:expr, |$network:ident, $accounts:ident| $body:expr) => {{
        let store = Store::open(&$setting.folder).await?;
        let keys: Vec<PrivateKeySigner> = $keys;
        match JoinedNetwork::open(&store, keys.iter().cloned()).await? {
            JoinedNetwork::Embedded(mut network, operator) => {
                let $network = &mut network;
                let $accounts: Vec<Address> = vec![operator];
                $body
            }
            JoinedNetwork::Remote(mut network) => {
                let $network = &mut network;
                let $accounts: Vec<Address> = keys.iter().map(PrivateKeySigner::address).collect();
                $body
            }
        }
    }};
}

pub(super) use on_network;

pub(super) fn first(accounts: &[Address]) -> Result<Address, ServiceError> {
    accounts
        .first()
        .copied()
        .ok_or_else(|| ServiceError::WrongUse("give the key to sign with by --account".to_owned()))
}

impl Ledger {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, ServiceError> {
        match self {
            Self::Start { keys } => {
                let (_, ledger, _) = open_embedded(setting, &keys).await?;
                let context = ledger.context();
                let text = format!("the ledger's context is {context}");
                Ok(Outcome::done(json!({ "context": context }), text))
            }
            Self::Checkpoint { keys, as_of } => checkpoint(setting, &keys, as_of).await,
            Self::Open { keys, scheme, period } => open(setting, &keys, &scheme, &period).await,
            Self::Account { out, passphrase } => {
                let address = AccountKey::create(&out, &passphrase.passphrase()?)?;
                Ok(Outcome::done(json!({ "address": address }), address.to_string()))
            }
            Self::Deploy { keys, nodes, signer, members, quorum, delay_hours, grace_hours } => {
                let constitution = Constitution {
                    members,
                    quorum,
                    delay_seconds: delay_hours * 3_600,
                    grace_seconds: grace_hours * 3_600,
                };
                deploy(setting, &keys, nodes, &signer, &constitution).await
            }
            Self::Status => {
                on_network!(setting, vec![], |network, _accounts| status(network).await)
            }
            Self::Roles => on_network!(setting, vec![], |network, _accounts| roles(network).await),
            Self::Request { role, sponsor, document, signer } => {
                let papers = std::fs::read(&document).map_err(ServiceError::file(&document))?;
                let document = alloy_primitives::keccak256(papers);
                on_network!(setting, signer.keys()?, |network, accounts| {
                    let id = network.request(first(&accounts)?, role, sponsor, document).await?;
                    Ok(Outcome::done(
                        json!({ "participant": id, "document": document }),
                        format!("participant {id} is submitted"),
                    ))
                })
            }
            Self::Approve { participant, reason, signer } => {
                on_network!(setting, signer.keys()?, |network, accounts| {
                    let target = network.addresses.participants;
                    let call = Participants::participantCall { id: participant };
                    let document = network.view(target, &call).await?.document;
                    let reason = text_hash(&reason);
                    let call = Participants::approveCall { id: participant, document, reason };
                    decide(network, &accounts, participant, call.abi_encode(), "approved").await
                })
            }
            Self::Enact { motion, signer } => {
                on_network!(setting, signer.keys()?, |network, accounts| {
                    let call =
                        Committee::enactCall { motion: alloy_primitives::U256::from(motion) };
                    let committee = network.addresses.committee;
                    network.send(first(&accounts)?, committee, &call).await?;
                    let text = format!("motion {motion} is enacted");
                    Ok(Outcome::done(json!({ "enacted": motion }), text))
                })
            }
            Self::Acknowledge { participant, signer } => {
                on_network!(setting, signer.keys()?, |network, accounts| {
                    let account = first(&accounts)?;
                    let target = network.addresses.participants;
                    let call = Participants::stateOfCall { id: participant };
                    /// `State.Approved` of the contract.
                    const APPROVED: u8 = 3;
                    if network.view(target, &call).await? == APPROVED {
                        let live = Participants::goLiveCall { id: participant };
                        network.send(account, target, &live).await?;
                    }
                    network.acknowledge_all(account, participant).await?;
                    let text = format!("participant {participant} has read everything");
                    Ok(Outcome::done(json!({ "participant": participant }), text))
                })
            }
            Self::Oversight(act) => act.run(setting).await,
            Self::Suspend(bar) => bar.run(setting, false).await,
            Self::Debar(bar) => bar.run(setting, true).await,
            Self::Seal { opening, confirm, signer } => {
                on_network!(setting, signer.keys()?, |network, accounts| {
                    seal(network, first(&accounts)?, opening, confirm).await
                })
            }
            Self::VerifyHistory => {
                on_network!(setting, vec![], |network, _accounts| verify_history(network).await)
            }
            Self::Export { out } => {
                on_network!(setting, vec![], |network, _accounts| export(network, &out).await)
            }
        }
    }
}

async fn checkpoint(
    setting: &Setting,
    keys: &Path,
    as_of: Option<jiff::civil::Date>,
) -> Result<Outcome, ServiceError> {
    let (store, mut ledger, _) = open_embedded(setting, keys).await?;
    let as_of = match as_of {
        None => calendar::today(),
        Some(date) => calendar::day_of(date).ok_or_else(|| {
            ServiceError::WrongUse("a checkpoint is of a day after 1900".to_owned())
        })?,
    };
    let state_root = store.state_root().await?;
    let offices = store.office_states().await?;
    let number = ledger.publish_checkpoint(&offices, Checkpoint { state_root, as_of }).await?;
    let text = format!("checkpoint {number}: root {state_root}");
    Ok(Outcome::done(json!({ "checkpoint": number, "root": state_root }), text))
}

async fn open(
    setting: &Setting,
    keys: &Path,
    path: &Path,
    period: &str,
) -> Result<Outcome, ServiceError> {
    let scheme = scheme::read(path)?;
    let period =
        scheme.parse_period(period).map_err(|error| ServiceError::WrongUse(error.reason))?;
    let terms = scheme.in_period(period).map_err(|error| ServiceError::Refused(error.reason))?;
    let (_, mut ledger, _) = open_embedded(setting, keys).await?;
    ledger.open_period(&terms, period).await?;
    let text = format!("scheme {} takes claims", scheme.id);
    Ok(Outcome::done(json!({ "scheme": scheme.id, "open": true }), text))
}

async fn deploy(
    setting: &Setting,
    keys: &Path,
    nodes: NodeAddresses,
    signer: &Signer,
    constitution: &Constitution,
) -> Result<Outcome, ServiceError> {
    let key = verifying_key(keys)?;
    let store = Store::open(&setting.folder).await?;
    JoinedNetwork::require_none(&store).await?;
    let signers = signer.keys()?;
    let deployer = signers.first().map(PrivateKeySigner::address);
    let deployer = first(deployer.as_slice())?;
    let settings = RemoteSettings {
        endpoints: nodes.endpoints,
        chain_id: nodes.chain_id,
        confirmations: nodes.confirmations,
        raise_after: Duration::from_secs(15),
        patience: Duration::from_secs(300),
    };
    let chain = RemoteChain::new(&store, settings.clone(), signers)?;
    let before = chain.head().await.map_err(crate::ledger::LedgerError::from)?.number;
    let network = Network::deploy(chain, &key, constitution, deployer).await?;
    JoinedNetwork::keep(&store, &settings, &key, network.addresses, before).await?;
    let addresses = network.addresses;
    let json = json!({
        "claims": addresses.claims,
        "committee": addresses.committee,
        "participants": addresses.participants,
        "offices": addresses.offices,
        "disputes": addresses.disputes,
        "nodes": addresses.nodes,
        "verifier": addresses.verifier,
    });
    Ok(Outcome::done(json.clone(), lines(&json)))
}

fn lines(json: &Value) -> String {
    let line = |(name, value): (&String, &Value)| match value.as_str() {
        Some(text) => format!("{name:<14}{text}"),
        None => format!("{name:<14}{value}"),
    };
    json.as_object().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}

async fn status<C: Chain>(network: &Network<C>) -> Result<Outcome, ServiceError> {
    let claims = network.addresses.claims;
    let head = network.chain.head().await.map_err(crate::ledger::LedgerError::from)?;
    let paused = network.view(claims, &Claims::isPausedCall {}).await?;
    let checkpoints = network.view(claims, &Claims::checkpointCountCall {}).await?;
    let openings = network.view(claims, &Claims::openingCountCall {}).await?;
    let committee = network.addresses.committee;
    let quorum = network.view(committee, &Committee::quorumCall {}).await?;
    let members = network.view(committee, &Committee::memberCountCall {}).await?;
    let json = json!({
        "chain_id": network.chain.chain_id(),
        "block": head.number,
        "claims": claims,
        "paused": paused,
        "checkpoints": checkpoints.saturating_to::<u64>(),
        "openings": openings.saturating_to::<u64>(),
        "quorum": format!("{quorum} of {members}"),
    });
    Ok(Outcome::done(json.clone(), lines(&json)))
}

/// The states of the contract, by number.
const STATES: [&str; 8] =
    ["none", "draft", "submitted", "approved", "rejected", "live", "suspended", "retired"];

async fn roles<C: Chain>(network: &Network<C>) -> Result<Outcome, ServiceError> {
    let target = network.addresses.participants;
    let count = network.view(target, &Participants::countCall {}).await?.saturating_to::<u32>();
    let mut found = Vec::new();
    let mut text = String::new();
    for id in 1..count {
        let participant = network.view(target, &Participants::participantCall { id }).await?;
        let state = network.view(target, &Participants::stateOfCall { id }).await?;
        let state = STATES.get(usize::from(state)).copied().unwrap_or("unknown");
        let role = Role::of(participant.role).map_or("unknown", Role::name);
        let unread = participant.notices - participant.acknowledged;
        text += &format!(
            "{id:>4}  {role:<12}{state:<11}{}  {unread} notices unread\n",
            participant.account
        );
        found.push(json!({
            "participant": id,
            "role": role,
            "state": state,
            "account": participant.account,
            "sponsor": participant.sponsor,
            "unread_notices": unread,
        }));
    }
    Ok(Outcome::done(json!({ "participants": found }), text))
}

/// Has a participant's sponsor make a call, or the committee if the accounts are its members.
async fn decide<C: Chain>(
    network: &mut Network<C>,
    accounts: &[Address],
    participant: u32,
    call: Vec<u8>,
    done: &str,
) -> Result<Outcome, ServiceError> {
    let account = first(accounts)?;
    let target = network.addresses.participants;
    let committee = network.addresses.committee;
    if network.view(committee, &Committee::isMemberCall { account }).await? {
        let reason = alloy_primitives::keccak256(&call);
        let motion = network.committee(accounts, target, call, reason).await?;
        let number = alloy_primitives::U256::from(motion);
        let state = network.view(committee, &Committee::motionOfCall { motion: number }).await?;
        let text = if state.carried {
            format!("motion {motion} is carried; enact it when its delay is over, if it was not")
        } else {
            format!("motion {motion} waits for more members")
        };
        return Ok(Outcome::done(json!({ "motion": motion, "carried": state.carried }), text));
    }
    let sent = network.chain.send(account, Some(target), call).await;
    sent.map_err(crate::ledger::LedgerError::from)?;
    let text = format!("participant {participant} is {done}");
    Ok(Outcome::done(json!({ "participant": participant, "state": done }), text))
}

impl Bar {
    async fn run(self, setting: &Setting, debarment: bool) -> Result<Outcome, ServiceError> {
        on_network!(setting, self.signer.keys()?, |network, accounts| {
            let head = network.chain.head().await.map_err(crate::ledger::LedgerError::from)?;
            let day = 24 * 3_600;
            let call = Participants::barCall {
                id: self.participant,
                debarment,
                reason: text_hash(&self.reason),
                order: text_hash(&self.order),
                from: head.timestamp,
                until: head.timestamp + self.days * day,
                // A motion waits before it is enacted.
                appealBy: head.timestamp
                    + (self.appeal_days + if debarment { 30 } else { 0 }) * day,
            };
            let done = if debarment { "debarred" } else { "suspended" };
            decide(network, &accounts, self.participant, call.abi_encode(), done).await
        })
    }
}

async fn seal<C: Chain>(
    network: &mut Network<C>,
    account: Address,
    opening: u32,
    confirm: bool,
) -> Result<Outcome, ServiceError> {
    let claims = network.addresses.claims;
    /// `Stage.Closed` of the contract.
    const CLOSED: u8 = 3;
    let stands = network.view(claims, &Claims::openingAtCall { opening }).await;
    let stage = match stands {
        Ok(stands) => stands.stage,
        Err(_) => return Err(ServiceError::Refused(format!("there is no opening {opening}"))),
    };
    if !confirm && stage < CLOSED {
        let reason = text_hash("to be sealed");
        network.send(account, claims, &Claims::closeOpeningCall { opening, reason }).await?;
    }
    let seal = history::seal(network, opening).await?;
    let (count, root): (u64, B256) = (seal.claims.len() as u64, seal.root());
    let done = if confirm {
        network.send(account, claims, &Claims::confirmSealCall { opening, count, root }).await?;
        "confirmed"
    } else {
        network.send(account, claims, &Claims::proposeSealCall { opening, count, root }).await?;
        "proposed"
    };
    let text = format!("opening {opening}: {count} claims under {root}, {done}");
    Ok(Outcome::done(
        json!({ "opening": opening, "claims": count, "root": root, "seal": done }),
        text,
    ))
}

async fn verify_history<C: Chain>(network: &Network<C>) -> Result<Outcome, ServiceError> {
    let history = history::verify(network).await?;
    let mut text = format!(
        "{} events up to block {}: {} claims, {} office roots, {} checkpoints\n",
        history.events, history.block, history.claims, history.office_updates, history.checkpoints
    );
    for opening in &history.openings {
        let sealed = match opening.seal_agrees {
            None => "not sealed",
            Some(true) => "the seal agrees",
            Some(false) => "THE SEAL IS ANOTHER",
        };
        text += &format!(
            "opening {}: {} period {}, {} claims, {sealed}\n",
            opening.opening, opening.scheme, opening.period, opening.claims
        );
    }
    for fault in &history.faults {
        text += &format!("FAULT: {fault}\n");
    }
    let json = serde_json::to_value(&history).expect("a history is plain data");
    let agrees = history.faults.is_empty();
    Ok(if agrees { Outcome::done(json, text) } else { Outcome::no(json, text) })
}

async fn export<C: Chain>(network: &Network<C>, out: &Path) -> Result<Outcome, ServiceError> {
    let head = network.chain.head().await.map_err(crate::ledger::LedgerError::from)?;
    let logs =
        network.chain.logs(0, head.number).await.map_err(crate::ledger::LedgerError::from)?;
    let mut text = String::new();
    for log in &logs {
        let line = json!({
            "block": log.block,
            "contract": log.address,
            "topics": log.topics,
            "data": log.data,
        });
        text += &format!("{line}\n");
    }
    crate::files::write(out, text.as_bytes())?;
    let said = format!("{} events up to block {}", logs.len(), head.number);
    Ok(Outcome::done(json!({ "events": logs.len(), "block": head.number }), said))
}
