//! `praman ledger pause` and the other acts of oversight: disputes over claims, the nodes' directory.

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use clap::{Subcommand, ValueEnum};
use praman_prover::KeyStore;
use praman_verifier::VerifyingKey;
use praman_verifier::contracts::{Claims, Committee, Disputes, Groth16Verifier, NodeDirectory};
use serde_json::json;
use sha2::Digest;

use super::signer::{Signer, network};
use super::{Outcome, Setting, circuit};
use crate::error::CommandError;
use crate::files;
use crate::ledger::{Chain as _, JoinedNetwork, text_hash};

/// Oversee the ledger.
#[derive(Subcommand)]
pub(super) enum Oversight {
    /// Pause claims: none is accepted from now on. Any member of the committee can do this.
    #[command(after_help = "Example: praman ledger pause --account member.json")]
    Pause {
        #[command(flatten)]
        signer: Signer,
    },
    /// Resume claims: they are accepted again. This needs a quorum of the committee.
    #[command(
        after_help = "Example: praman ledger resume --account member1.json --account member2.json"
    )]
    Resume {
        #[command(flatten)]
        signer: Signer,
    },
    /// Freeze accepted claims: they are not paid until they are decided. An auditor, the agency, or
    /// the department of their scheme can do this.
    #[command(
        after_help = "Example: praman ledger freeze 123… 456… --reason 'complaint 12' --account auditor.json"
    )]
    Freeze(Acts),
    /// Add a document to a case.
    #[command(
        after_help = "Example: praman ledger evidence 123… --reason 'letter of 3 May' --account auditor.json"
    )]
    Evidence(Act),
    /// Decide cases with one outcome, each once. The agency does this.
    #[command(
        after_help = "Example: praman ledger decide 123… --outcome pay --reason 'unfounded' --account agency.json"
    )]
    Decide {
        #[command(flatten)]
        acts: Acts,
        /// The outcome.
        #[arg(long)]
        outcome: Outcomes,
    },
    /// Accept the agency's decision to pay claims that the same user has frozen. They can be paid
    /// at once, without waiting for an appeal.
    #[command(after_help = "Example: praman ledger accept 123… --account auditor.json")]
    Accept(Acts),
    /// Appeal a decision, once.
    #[command(
        after_help = "Example: praman ledger appeal 123… --reason 'new papers' --account auditor.json"
    )]
    Appeal(Act),
    /// Decide an appeal, for good. This needs a quorum of the committee.
    #[command(
        after_help = "Example: praman ledger decide-appeal 123… --outcome refuse --reason 'heard' --account member.json"
    )]
    DecideAppeal {
        #[command(flatten)]
        act: Act,
        /// The outcome.
        #[arg(long)]
        outcome: Outcomes,
    },
    /// Close cases whose time has passed. Any account can do this.
    #[command(after_help = "Example: praman ledger settle 123… --account anyone.json")]
    Settle(Acts),
    /// Register the transcript of the ceremony that made keys, once for each key. This needs a quorum of the committee.
    #[command(
        after_help = "Example: praman ledger register-transcript --keys keys --account member1.json --account member2.json"
    )]
    RegisterTranscript {
        /// The folder of the keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        /// The circuit that they are for.
        #[arg(long, value_name = "NAME", default_value = "eligibility")]
        circuit: String,
        #[command(flatten)]
        signer: Signer,
    },
    /// Write the signed directory of nodes. Run it daily for a periodic export.
    #[command(after_help = "Example: praman ledger nodes --out nodes.json --account agency.json")]
    Nodes {
        /// Where to write it; the signature is written beside it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        signer: Signer,
    },
}

/// An act in a case.
#[derive(clap::Args)]
pub(super) struct Act {
    /// The claim's nullifier.
    nullifier: U256,
    /// The reason, or the document's text; only its hash is written to the ledger.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    signer: Signer,
}

/// The most cases that one transaction has gas for.
const TOGETHER: usize = 64;

/// An act in cases that are treated alike: all or none.
#[derive(clap::Args)]
pub(super) struct Acts {
    /// The claims' nullifiers, at most 64.
    #[arg(required = true)]
    nullifiers: Vec<U256>,
    /// The reason; only its hash is written to the ledger.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    signer: Signer,
}

impl Acts {
    fn parts(&self) -> (Vec<U256>, alloy_primitives::B256) {
        (self.nullifiers.clone(), text_hash(&self.reason))
    }

    async fn make(
        &self,
        setting: &Setting,
        call: &impl SolCall,
        done: &str,
    ) -> Result<Outcome, CommandError> {
        if self.nullifiers.len() > TOGETHER {
            let reason = format!("at most {TOGETHER} claims fit into one transaction: split them");
            return Err(CommandError::WrongUse(reason));
        }
        let (mut network, account) = self.signer.network_as_one(setting).await?;
        network.send(account, network.addresses.disputes, call).await?;
        let nullifiers: Vec<String> = self.nullifiers.iter().map(U256::to_string).collect();
        let text = match &nullifiers[..] {
            [one] => format!("claim {one} is {done}"),
            several => format!("{} claims are {done}", several.len()),
        };
        Ok(Outcome::done(json!({ "nullifiers": nullifiers, "done": done }), text))
    }
}

/// What comes of a case, by the contract's numbers.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Outcomes {
    /// Pay the claim.
    Pay = 1,
    /// Do not pay it.
    Refuse = 2,
    /// Recover what was paid.
    Recover = 3,
}

impl Oversight {
    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        match self {
            Self::Pause { signer } => {
                let (mut network, account) = signer.network_as_one(setting).await?;
                let committee = network.addresses.committee;
                network.send(account, committee, &Committee::pauseCall {}).await?;
                Ok(Outcome::done(json!({ "paused": true }), "claims are paused: none is accepted"))
            }
            Self::Resume { signer } => {
                let (mut network, accounts) = signer.network(setting).await?;
                let (claims, call) = (network.addresses.claims, Claims::resumeCall {}.abi_encode());
                let motion =
                    network.committee(&accounts, claims, call, text_hash("resume")).await?;
                let paused = network.view(claims, &Claims::gateCall {}).await?.paused;
                let text = if paused {
                    format!("motion {motion} is pending: more members must vote")
                } else {
                    "claims are accepted again".to_owned()
                };
                Ok(Outcome::done(json!({ "paused": paused, "motion": motion }), text))
            }
            Self::Freeze(acts) => {
                let (nullifiers, reason) = acts.parts();
                let call = Disputes::freezeAllCall { nullifiers, reason };
                acts.make(setting, &call, "frozen").await
            }
            Self::Evidence(act) => {
                let (nullifier, evidence) = act.parts();
                let call = Disputes::addEvidenceCall { nullifier, evidence };
                act.make(setting, &call, "noted").await
            }
            Self::Decide { acts, outcome } => {
                let (nullifiers, reason) = acts.parts();
                let call = Disputes::decideAllCall { nullifiers, outcome: outcome as u8, reason };
                acts.make(setting, &call, "decided").await
            }
            Self::Accept(acts) => {
                let (nullifiers, _) = acts.parts();
                acts.make(setting, &Disputes::acceptAllCall { nullifiers }, "settled").await
            }
            Self::Appeal(act) => {
                let (nullifier, evidence) = act.parts();
                act.make(setting, &Disputes::appealCall { nullifier, evidence }, "appealed").await
            }
            Self::DecideAppeal { act, outcome } => {
                let (nullifier, reason) = act.parts();
                let outcome = outcome as u8;
                let call = Disputes::decideAppealCall { nullifier, outcome, reason }.abi_encode();
                let (mut network, accounts) = act.signer.network(setting).await?;
                let target = network.addresses.disputes;
                let motion = network.committee(&accounts, target, call, reason).await?;
                Ok(Outcome::done(json!({ "motion": motion }), format!("motion {motion}")))
            }
            Self::Settle(acts) => {
                let (nullifiers, _) = acts.parts();
                acts.make(setting, &Disputes::settleAllCall { nullifiers }, "settled").await
            }
            Self::RegisterTranscript { keys, circuit, signer } => {
                let key = KeyStore::new(keys).load_verifying(circuit::find(&circuit)?)?;
                register_transcript(setting, &key, &signer).await
            }
            Self::Nodes { out, signer } => {
                nodes(&network(setting).await?, &out, signer.keys()?.first()).await
            }
        }
    }
}

impl Act {
    fn parts(&self) -> (U256, alloy_primitives::B256) {
        (self.nullifier, text_hash(&self.reason))
    }

    async fn make(
        &self,
        setting: &Setting,
        call: &impl SolCall,
        done: &str,
    ) -> Result<Outcome, CommandError> {
        let (mut network, account) = self.signer.network_as_one(setting).await?;
        network.send(account, network.addresses.disputes, call).await?;
        let json = json!({ "nullifier": self.nullifier.to_string(), "done": done });
        Ok(Outcome::done(json, format!("claim {} is {done}", self.nullifier)))
    }
}

/// Has the committee register the transcript of the ceremony that made a key.
async fn register_transcript(
    setting: &Setting,
    key: &VerifyingKey,
    signer: &Signer,
) -> Result<Outcome, CommandError> {
    let Some(transcript) = key.transcript() else {
        let reason = "these keys are of no ceremony: there is no transcript to register";
        return Err(CommandError::Refused(reason.to_owned()));
    };
    let (mut network, accounts) = signer.network(setting).await?;
    let (verifier, of_key) = (network.addresses.verifier, key.points_digest());
    let digest = hex::encode(transcript);
    let call = Groth16Verifier::registerTranscriptCall {
        key: of_key.into(),
        transcript: transcript.into(),
    };
    let reason = text_hash(&format!("transcript {digest}"));
    let motion = network.committee(&accounts, verifier, call.abi_encode(), reason).await?;
    let stands = Groth16Verifier::transcriptsCall { key: of_key.into() };
    let registered = network.view(verifier, &stands).await?.0 == transcript;
    let text = if registered {
        format!("the ledger has transcript {digest} for these keys")
    } else {
        format!("motion {motion} is pending: more members must vote, or its delay must pass")
    };
    let json = json!({ "transcript": digest, "registered": registered, "motion": motion });
    Ok(Outcome::done(json, text))
}

const CATEGORIES: [&str; 3] = ["validator", "observer", "gateway"];
const STATUSES: [&str; 4] = ["proposed", "running", "suspended", "retired"];

/// Writes the directory and, with a key, a signature over the SHA-256 of its bytes.
async fn nodes(
    network: &JoinedNetwork,
    out: &Path,
    key: Option<&PrivateKeySigner>,
) -> Result<Outcome, CommandError> {
    let target = network.addresses.nodes;
    let count = network.view(target, &NodeDirectory::countCall {}).await?.saturating_to::<u32>();
    let head = network.chain.head().await?;
    let mut found = Vec::new();
    for node in 0..count {
        let entry = network.view(target, &NodeDirectory::nodeAtCall { node }).await?;
        found.push(json!({
            "node": node,
            "category": CATEGORIES.get(usize::from(entry.category)),
            "status": STATUSES.get(usize::from(entry.status)),
            "custodian": entry.custodian,
            "key": entry.key,
            "district": entry.district,
            "version": entry.version,
        }));
    }
    let directory = json!({
        "format": "praman-nodes-1",
        "chain_id": network.chain.chain_id(),
        "directory": target,
        "block": head.number,
        "time": head.timestamp,
        "nodes": found,
    });
    let text = format!("{directory:#}\n");
    files::write(out, text.as_bytes())?;
    let digest = alloy_primitives::B256::from_slice(&sha2::Sha256::digest(text.as_bytes()));
    let signed_by: Option<Address> = match key {
        None => None,
        Some(key) => {
            let signature = key.sign_hash_sync(&digest).map_err(|_| {
                CommandError::Failed("the key cannot sign the directory".to_owned())
            })?;
            let mut beside = out.as_os_str().to_owned();
            beside.push(".signature.json");
            let signature = json!({
                "format": "praman-signature-1",
                "sha256": digest,
                "address": key.address(),
                "signature": alloy_primitives::hex::encode_prefixed(signature.as_bytes()),
            });
            files::write_json(Path::new(&beside), &signature)?;
            Some(key.address())
        }
    };
    let json = json!({ "nodes": count, "sha256": digest, "signed_by": signed_by });
    Ok(Outcome::done(json, format!("{count} nodes at block {}", head.number)))
}
