//! `praman ledger roles`, `request`, `approve` and what else becomes of those who take part.

use std::path::PathBuf;

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use clap::{Args, Subcommand};
use praman_verifier::contracts::{Committee, Offices, Participants as Register};
use serde_json::json;

use super::signer::{Signer, first, network};
use super::{Outcome, Setting, scheme};
use crate::error::CommandError;
use crate::ledger::{Chain as _, JoinedNetwork, Role, text_hash};
use crate::schema::Schema;

/// Manage participants of the ledger.
#[derive(Subcommand)]
pub(super) enum Participants {
    /// List the participants, with their roles and states.
    #[command(after_help = "Example: praman ledger roles")]
    Roles,
    /// Request to participate in a role.
    #[command(
        after_help = "Example: praman ledger request --role department --document papers.pdf \
                            --account department.json"
    )]
    Request {
        /// The role: agency, department, office, treasury, auditor, relayer, provider or
        /// application.
        #[arg(long)]
        role: Role,
        /// The participant that decides the request: a department's number for an office, an
        /// agency's for a relayer [default: the committee].
        #[arg(long, default_value_t = 0)]
        sponsor: u32,
        /// The request's documents; only their hash is written to the ledger.
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
        /// The reason; only its hash is written to the ledger.
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        signer: Signer,
    },
    /// Reject a request, as its sponsor or as members of the committee.
    #[command(
        after_help = "Example: praman ledger reject 4 --reason 'papers missing' --account agency.json"
    )]
    Reject(Decision),
    /// Accredit a live participant as an issuing office. Its department does this.
    #[command(
        after_help = "Example: praman ledger accredit 5 --office 0 --schema resident --account department.json"
    )]
    Accredit {
        /// The participant's number.
        participant: u32,
        /// The office's number, as `praman office new` prints it.
        #[arg(long)]
        office: u32,
        /// The one schema that it may issue, by name or number.
        #[arg(long, value_name = "ID", value_parser = scheme::schema)]
        schema: &'static Schema,
        #[command(flatten)]
        signer: Signer,
    },
    /// Go live after a request was approved, and acknowledge all notices.
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
    /// Debar a participant. Only the committee can do this.
    #[command(after_help = "Example: praman ledger debar 4 --order 'No. 8/2026' --reason fraud \
                            --days 365 --account member1.json --account member2.json")]
    Debar(Bar),
    /// Lift an order before its time. Only the account that gave it can do this.
    #[command(
        after_help = "Example: praman ledger lift 4 --reason 'order No. 9' --account agency.json"
    )]
    Lift(Decision),
    /// Retire a participant, for good: as itself, its sponsor or the committee.
    #[command(
        after_help = "Example: praman ledger retire 4 --reason 'closed' --account office.json"
    )]
    Retire(Decision),
}

/// A decision on a participant.
#[derive(Args)]
pub(super) struct Decision {
    /// The participant's number.
    participant: u32,
    /// The reason; only its hash is written to the ledger.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    signer: Signer,
}

/// An order that bars a participant.
#[derive(Args)]
pub(super) struct Bar {
    /// The participant's number.
    participant: u32,
    /// The order's number and text; only its hash is written to the ledger.
    #[arg(long)]
    order: String,
    /// The reason; only its hash is written to the ledger.
    #[arg(long)]
    reason: String,
    /// For how many days, from now.
    #[arg(long)]
    days: u64,
    /// For how many days the order can be appealed: at least 3.
    #[arg(long, default_value_t = 15)]
    appeal_days: u64,
    #[command(flatten)]
    signer: Signer,
}

impl Participants {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        match self {
            Self::Roles => roles(&network(setting).await?).await,
            Self::Request { role, sponsor, document, signer } => {
                let papers = std::fs::read(&document).map_err(CommandError::file(&document))?;
                let document = alloy_primitives::keccak256(papers);
                let (mut network, account) = signer.network_as_one(setting).await?;
                let id = network.request(account, role, sponsor, document).await?;
                let json = json!({ "participant": id, "document": document });
                Ok(Outcome::done(json, format!("the request is submitted: it is participant {id}")))
            }
            Self::Approve { participant: id, reason, signer } => {
                let (mut network, accounts) = signer.network(setting).await?;
                let target = network.addresses.participants;
                let document =
                    network.view(target, &Register::participantCall { id }).await?.document;
                let call = Register::approveCall { id, document, reason: text_hash(&reason) };
                decide(&mut network, &accounts, id, &call, "approved").await
            }
            Self::Reject(decision) => {
                let call = |id, reason| Register::rejectCall { id, reason };
                decision.run(setting, call, "rejected").await
            }
            Self::Accredit { participant, office, schema, signer } => {
                let schema = schema.id.0;
                let (mut network, account) = signer.network_as_one(setting).await?;
                let call = Offices::accreditCall { office, schema, participant };
                network.send(account, network.addresses.offices, &call).await?;
                let json = json!({ "office": office, "participant": participant });
                Ok(Outcome::done(json, format!("participant {participant} is office {office}")))
            }
            Self::Acknowledge { participant: id, signer } => {
                let (mut network, account) = signer.network_as_one(setting).await?;
                let target = network.addresses.participants;
                /// `State.Approved` of the contract.
                const APPROVED: u8 = 3;
                if network.view(target, &Register::stateOfCall { id }).await? == APPROVED {
                    network.send(account, target, &Register::goLiveCall { id }).await?;
                }
                network.acknowledge_all(account, id).await?;
                let text = format!("participant {id} has acknowledged all notices");
                Ok(Outcome::done(json!({ "participant": id }), text))
            }
            Self::Suspend(bar) => bar.run(setting, false).await,
            Self::Debar(bar) => bar.run(setting, true).await,
            Self::Lift(decision) => {
                let call = |id, reason| Register::liftCall { id, reason };
                decision.run(setting, call, "let in again").await
            }
            Self::Retire(decision) => {
                let call = |id, reason| Register::retireCall { id, reason };
                decision.run(setting, call, "retired").await
            }
        }
    }
}

/// The states of the contract, by number.
const STATES: [&str; 8] =
    ["none", "draft", "submitted", "approved", "rejected", "live", "suspended", "retired"];

async fn roles(network: &JoinedNetwork) -> Result<Outcome, CommandError> {
    let target = network.addresses.participants;
    let count = network.view(target, &Register::countCall {}).await?.saturating_to::<u32>();
    let mut found = Vec::new();
    let mut text = String::new();
    for id in 1..count {
        let participant = network.view(target, &Register::participantCall { id }).await?;
        let state = network.view(target, &Register::stateOfCall { id }).await?;
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
async fn decide(
    network: &mut JoinedNetwork,
    accounts: &[Address],
    participant: u32,
    call: &impl SolCall,
    done: &str,
) -> Result<Outcome, CommandError> {
    let account = first(accounts)?;
    let target = network.addresses.participants;
    let committee = network.addresses.committee;
    if network.view(committee, &Committee::isMemberCall { account }).await? {
        let call = call.abi_encode();
        let reason = alloy_primitives::keccak256(&call);
        let motion = network.committee(accounts, target, call, reason).await?;
        let number = alloy_primitives::U256::from(motion);
        let state = network.view(committee, &Committee::motionOfCall { motion: number }).await?;
        let text = if state.carried {
            format!("motion {motion} is carried: enact it after its delay, if it is not enacted")
        } else {
            format!("motion {motion} is pending: more members must vote")
        };
        return Ok(Outcome::done(json!({ "motion": motion, "carried": state.carried }), text));
    }
    network.send(account, target, call).await?;
    let text = format!("participant {participant} is {done}");
    Ok(Outcome::done(json!({ "participant": participant, "state": done }), text))
}

impl Decision {
    async fn run<C: SolCall>(
        self,
        setting: &Setting,
        call: impl FnOnce(u32, B256) -> C,
        done: &str,
    ) -> Result<Outcome, CommandError> {
        let (mut network, accounts) = self.signer.network(setting).await?;
        let call = call(self.participant, text_hash(&self.reason));
        decide(&mut network, &accounts, self.participant, &call, done).await
    }
}

impl Bar {
    async fn run(self, setting: &Setting, debarment: bool) -> Result<Outcome, CommandError> {
        let (mut network, accounts) = self.signer.network(setting).await?;
        let now = network.chain.head().await?.timestamp;
        let day = 24 * 3_600;
        // A debarment's motion waits before it is enacted.
        let appeal_days = self.appeal_days + if debarment { 30 } else { 0 };
        let call = Register::barCall {
            id: self.participant,
            debarment,
            reason: text_hash(&self.reason),
            order: text_hash(&self.order),
            from: now,
            until: now + self.days * day,
            appealBy: now + appeal_days * day,
        };
        let done = if debarment { "debarred" } else { "suspended" };
        decide(&mut network, &accounts, self.participant, &call, done).await
    }
}
