//! `praman ledger`: the embedded ledger, and networks of real nodes.

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use clap::{Args, Subcommand};
use praman_circuits::circuit;
use praman_circuits::eligibility::Checkpoint;
use praman_circuits::office::StateRoot;
use praman_circuits::period::Day;
use praman_prover::KeyStore;
use praman_verifier::VerifyingKey;
use praman_verifier::contracts::{Claims, Committee, Constitution, Groth16Verifier};
use serde_json::{Value, json};

use super::passphrase::PassphraseSource;
use super::signer::{Signer, first, network};
use super::{Outcome, Setting, archive, scheme, settlements};
use crate::access_control::Action;
use crate::account::AccountKey;
use crate::claims::ClaimStore;
use crate::error::CommandError;
use crate::ledger::{
    ArrearsApproval, Chain as _, EmbeddedLedger, JoinedLedger, JoinedNetwork, KnownOpening,
    Ledger as _, LedgerError, LedgerStore, Network, NetworkDescription, RemoteChain,
    RemoteSettings, WantedLastDay,
};
use crate::offices::OfficeStore;
use crate::store::Store;
use crate::{calendar, files};

/// Use the ledger, embedded or on real nodes.
#[derive(Subcommand)]
pub(super) enum Ledger {
    /// Deploy the contracts on the embedded chain, if they are not deployed yet.
    #[command(after_help = "Example: praman ledger start --keys keys")]
    Start {
        /// The folder of the keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
    },
    /// Publish the state root for claims. Claims are made against it from now on.
    ///
    /// On real nodes, sign with the keys of the agency and of the offices whose roots have changed.
    #[command(after_help = "Example: praman ledger checkpoint --keys keys")]
    Checkpoint {
        /// The folder of the keys.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        /// The day of the checkpoint [default: today].
        #[arg(long, value_name = "YYYY-MM-DD")]
        as_of: Option<jiff::civil::Date>,
        /// Confirm that this machine's clock is right, where the newest checkpoint is over a month old.
        #[arg(long, conflicts_with = "as_of")]
        clock_is_right: bool,
        #[command(flatten)]
        signer: Signer,
    },
    /// Open a scheme's period for claims.
    ///
    /// On real nodes, sign with the department's key, and with those of committee members if the
    /// committee has not adopted the scheme's rules yet. Claims are accepted until the scheme's
    /// last day for the period. With a second person's approval, a period is opened again, or for
    /// longer, for people who could not claim in time.
    #[command(
        after_help = "Examples: praman ledger open --keys keys --scheme annapurna.toml --period 2026-11\n\
                      \x20         praman ledger open --keys keys --scheme annapurna.toml --period 2026-06 \
                      --arrears --last-day 2027-01-31"
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
        /// The last day on which claims are accepted [default: the scheme's, `claim_days` after the
        /// period].
        #[arg(long, value_name = "YYYY-MM-DD")]
        last_day: Option<jiff::civil::Date>,
        /// Open arrears: a period that is over, or a last day later than the scheme's. A second
        /// person approves it.
        #[arg(long, requires = "last_day")]
        arrears: bool,
        #[command(flatten)]
        signer: Signer,
    },
    /// Make a sealed key for signing transactions.
    #[command(after_help = "Example: praman ledger account --out agency.json")]
    Account {
        /// Where to write the key.
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
        /// How many members must vote for a motion to carry it: more than half.
        #[arg(long)]
        quorum: u64,
        /// The hours between carrying a motion and enacting it.
        #[arg(long, default_value_t = 48)]
        delay_hours: u64,
        /// The hours for which a replaced checkpoint stays valid.
        #[arg(long, default_value_t = 24)]
        grace_hours: u64,
    },
    /// Write the file that others need to join this network from their own folders.
    #[command(after_help = "Example: praman ledger describe --out network.json")]
    Describe {
        /// Where to write the file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Join a network that others deployed.
    #[command(
        after_help = "Example: praman ledger join --network network.json --rpc http://127.0.0.1:8545"
    )]
    Join {
        /// The file that `praman ledger describe` wrote.
        #[arg(long, value_name = "FILE")]
        network: PathBuf,
        /// A node's address; several are used in turn.
        #[arg(long = "rpc", required = true, value_name = "URL")]
        endpoints: Vec<String>,
    },
    /// Show the contracts, checkpoints, openings and whether claims are paused.
    #[command(after_help = "Example: praman ledger status")]
    Status,
    #[command(flatten)]
    Participants(super::participants::Participants),
    /// Enact a motion that was carried and whose delay is over.
    #[command(after_help = "Example: praman ledger enact 3 --account member.json")]
    Enact {
        /// The motion's number.
        motion: u64,
        #[command(flatten)]
        signer: Signer,
    },
    /// Close an opening and propose or confirm its seal.
    #[command(after_help = "Example: praman ledger seal 0 --account agency.json\n\
                            then:    praman ledger seal 0 --confirm --account auditor.json")]
    Seal {
        /// The opening's number.
        opening: u32,
        /// Confirm the proposed seal, after recomputing it. Another person does this: an auditor.
        #[arg(long)]
        confirm: bool,
        #[command(flatten)]
        signer: Signer,
    },
    /// Create the contract in which the treasury settles what it paid, once for a network.
    ///
    /// On real nodes, sign with any account; it gets no right over the contract. Other folders learn
    /// the address from `praman ledger describe`, or by --at.
    #[command(
        after_help = "Examples: praman ledger settlements --keys settlement-keys --account deployer.json\n\
                      \x20         praman ledger settlements --keys settlement-keys --at 0x…"
    )]
    Settlements {
        /// The folder of the keys of the settlement circuit.
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        /// Use the contract that another folder created.
        #[arg(long, value_name = "ADDRESS")]
        at: Option<Address>,
        #[command(flatten)]
        signer: Signer,
    },
    /// Show what was paid for a scheme's period, proved from its claims.
    ///
    /// Everything is recomputed from the ledger's events and the verification key; no treasury's key
    /// is needed.
    #[command(
        after_help = "Example: praman ledger sums --scheme annapurna.toml --period 2026-11 --keys settlement-keys"
    )]
    Sums {
        /// The scheme's file.
        #[arg(long, value_name = "FILE")]
        scheme: PathBuf,
        /// The period, as the scheme writes it. All months of a benefit that is paid once in a life are added up.
        #[arg(long)]
        period: String,
        /// The folder of the keys of the settlement circuit; the verification key is enough.
        #[arg(long, value_name = "DIR", default_value = "settlement-keys")]
        keys: PathBuf,
    },
    /// Replay all events from block 0, and recompute every root, count, seal and settlement.
    #[command(
        after_help = "Example: praman ledger verify-history --settlement-keys settlement-keys"
    )]
    VerifyHistory {
        /// The folder of the keys of the settlement circuit, to check the settlements' proofs as well.
        #[arg(long, value_name = "DIR")]
        settlement_keys: Option<PathBuf>,
    },
    #[command(flatten)]
    Oversight(super::oversight::Oversight),
    #[command(flatten)]
    TakingOver(super::succession::TakingOver),
    /// Write all events of the contracts to a file, one JSON object a line, for auditors.
    #[command(after_help = "Example: praman ledger export --out events.ndjson")]
    Export {
        /// Where to write the events.
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
    /// How many blocks must follow a block before it is final [QBFT is final at once: 0].
    #[arg(long, default_value_t = 0)]
    confirmations: u64,
}

fn verifying_key(keys: &Path) -> Result<VerifyingKey, CommandError> {
    Ok(KeyStore::new(keys).load_verifying(circuit::eligibility())?)
}

/// The folder's ledger with the key of its proofs, acting by a signer's keys on real nodes.
pub(super) async fn join(
    setting: &Setting,
    keys: &Path,
    signer: &Signer,
) -> Result<(Store, JoinedLedger, VerifyingKey), CommandError> {
    let key = verifying_key(keys)?;
    let store = setting.store().await?;
    let ledger = JoinedLedger::join(&store, &signer.keys()?, &key, crate::EVENT_HANDLERS).await?;
    Ok((store, ledger, key))
}

impl Ledger {
    /// Whether a principal can act in it.
    pub(super) fn takes_principal(&self) -> bool {
        matches!(self, Self::Open { arrears: true, .. })
    }

    pub(super) async fn run(self, setting: &Setting) -> Result<Outcome, CommandError> {
        match self {
            Self::Start { keys } => {
                let key = verifying_key(&keys)?;
                let store = setting.store().await?;
                let context =
                    EmbeddedLedger::open(&store, &key, crate::EVENT_HANDLERS).await?.context();
                let text = format!("the ledger's context is {context}");
                Ok(Outcome::done(json!({ "context": context }), text))
            }
            Self::Checkpoint { keys, as_of, clock_is_right, signer } => {
                checkpoint(setting, &keys, (as_of, clock_is_right), &signer).await
            }
            Self::Open { keys, scheme, period, last_day, arrears, signer } => {
                let wanted = WantedLastDay { day: last_day, for_arrears: arrears };
                open(setting, &keys, (&scheme, &period), wanted, &signer).await
            }
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
            Self::Describe { out } => {
                let store = setting.store().await?;
                let description = NetworkDescription::of(&store).await?;
                files::write_json(&out, &description)?;
                Ok(Outcome::done(json!(description), format!("written to {}", out.display())))
            }
            Self::Join { network, endpoints } => {
                let description: NetworkDescription = files::read_json(&network)?;
                let store = setting.store().await?;
                let context = description.join(&store, endpoints).await?;
                let text = format!("the ledger's context is {context}");
                Ok(Outcome::done(json!({ "context": context }), text))
            }
            Self::Status => status(&network(setting).await?).await,
            Self::Participants(act) => act.run(setting).await,
            Self::Oversight(act) => act.run(setting).await,
            Self::TakingOver(act) => act.run(setting).await,
            Self::Enact { motion, signer } => {
                let (mut network, account) = signer.network_as_one(setting).await?;
                let call = Committee::enactCall { motion: U256::from(motion) };
                network.send(account, network.addresses.committee, &call).await?;
                let text = format!("motion {motion} is enacted");
                Ok(Outcome::done(json!({ "enacted": motion }), text))
            }
            Self::Seal { opening, confirm, signer } => {
                let (mut network, account) = signer.network_as_one(setting).await?;
                archive::seal(&mut network, account, opening, confirm).await
            }
            Self::Settlements { keys, at, signer } => {
                settlements::create(setting, &keys, at, &signer).await
            }
            Self::Sums { scheme, period, keys } => {
                settlements::sums(setting, (&scheme, &period), &keys).await
            }
            Self::VerifyHistory { settlement_keys } => {
                let key = settlement_keys.as_deref().map(settlements::settlement_key);
                let key = key.transpose()?;
                archive::verify_history(&mut network(setting).await?, key.as_ref()).await
            }
            Self::Export { out } => archive::export(&network(setting).await?, &out).await,
        }
    }
}

async fn checkpoint(
    setting: &Setting,
    keys: &Path,
    (as_of, clock_is_right): (Option<jiff::civil::Date>, bool),
    signer: &Signer,
) -> Result<Outcome, CommandError> {
    let (store, mut ledger, _) = join(setting, keys, signer).await?;
    let as_of = match as_of {
        None => {
            let today = calendar::today();
            if !clock_is_right {
                require_no_jump(&store, today).await?;
            }
            today
        }
        Some(date) => calendar::day_of(date).ok_or_else(|| {
            CommandError::WrongUse("--as-of lies before 1900: give a later day".to_owned())
        })?,
    };
    let (number, state_root) = published(&store, &mut ledger, as_of).await?;
    let mut text = format!("checkpoint {number}: root {state_root}");
    let apart = OfficeStore(&store).offices_apart().await?;
    for (office, stands) in &apart {
        text.push_str(&match stands {
            true => format!(
                "\noffice {}: its newest root was not published, so its older one stays in force: \
                 give its key with --account, or see `praman ledger roles`",
                office.0
            ),
            false => format!(
                "\noffice {}: suspended, debarred or retired: none of its credentials is live",
                office.0
            ),
        });
    }
    for office in OfficeStore(&store).offices_not_accredited().await? {
        text.push_str(&format!(
            "\noffice {}: not accredited on the ledger: its department must run praman ledger \
             accredit",
            office.0
        ));
    }
    let apart: Vec<Value> = apart
        .iter()
        .map(|(office, stands)| json!({ "office": office.0, "stands": stands }))
        .collect();
    let json = json!({ "checkpoint": number, "root": state_root, "offices_apart": apart });
    Ok(Outcome::done(json, text))
}

/// For how many days there may be no checkpoint before the clock is asked about.
const CHECKPOINT_GAP_DAYS: u32 = 31;

/// Refuses a checkpoint of a day long after the newest one: it may be the clock that is wrong, and no checkpoint of
/// an earlier day can be published after it.
async fn require_no_jump(store: &Store, today: Day) -> Result<(), CommandError> {
    let Some(newest) = OfficeStore(store).newest_checkpoint_day().await? else { return Ok(()) };
    if today.0 <= newest.0.saturating_add(CHECKPOINT_GAP_DAYS) {
        return Ok(());
    }
    let date = |day| calendar::date_of(day).map_or_else(String::new, |date| date.to_string());
    Err(CommandError::Refused(format!(
        "the newest checkpoint is of {}, and this machine's clock says that today is {}: if the clock is right, give \
         --clock-is-right; if it is wrong, set it, since after a checkpoint of a day that has not come none can be \
         published until that day",
        date(newest),
        date(today)
    )))
}

/// Publishes the state as it is, once more where an office issues or revokes meanwhile.
async fn published(
    store: &Store,
    ledger: &mut JoinedLedger,
    as_of: Day,
) -> Result<(u64, StateRoot), CommandError> {
    const TRIES: usize = 5;
    let mut tries = 0;
    loop {
        tries += 1;
        let offices = OfficeStore(store).office_states().await?;
        // What the ledger says of them is kept before the root is sent.
        ledger.bring_offices(&offices).await?;
        ledger.catch_up().await?;
        let state_root = OfficeStore(store).state_root().await?;
        let checkpoint = Checkpoint { state_root, as_of };
        match ledger.publish_checkpoint(&offices, checkpoint).await {
            Ok(number) => return Ok((number, state_root)),
            Err(LedgerError::Refused(_))
                if tries < TRIES && OfficeStore(store).office_states().await? != offices => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn open(
    setting: &Setting,
    keys: &Path,
    (path, text): (&Path, &str),
    wanted: WantedLastDay,
    signer: &Signer,
) -> Result<Outcome, CommandError> {
    let scheme = scheme::read(path)?;
    let period = scheme.parse_period(text).map_err(|error| CommandError::WrongUse(error.reason))?;
    let terms = scheme.in_period(period).map_err(|error| CommandError::Refused(error.reason))?;
    let last_day = wanted.find(&scheme, period, calendar::today())?;
    let until = calendar::date_of(last_day).map_or_else(String::new, |date| date.to_string());
    let (store, mut ledger, _) = join(setting, keys, signer).await?;
    if wanted.for_arrears {
        let subject = format!("{} {text} until {until}", scheme.id);
        let caller = setting.act(&store, Action::OpenArrears, &subject).await?;
        if let ArrearsApproval::Waits(number) =
            LedgerStore(&store).ask_arrears(&scheme, text, last_day, &caller).await?
        {
            let text = format!(
                "pending approval by a second person: praman --as THEIR.key access approve \
                 {number}; then run this command again"
            );
            return Ok(Outcome::done(json!({ "waits": number }), text));
        }
    }
    let of = (scheme.id.as_str(), period.period.0, period.window.0);
    let is_this =
        |opening: &KnownOpening| (opening.scheme.as_str(), opening.period, opening.window) == of;
    // Of a benefit that is paid once in a life, each month's opening is of one period, paid in one way.
    let is_of_period =
        |opening: &KnownOpening| (opening.scheme.as_str(), opening.period) == (of.0, of.1);
    ledger.catch_up().await?;
    // How a period is paid is said when it is opened: of one that is open nobody changes it, as claims are made
    // for it.
    let was_open = LedgerStore(&store).openings().await?.iter().any(is_of_period);
    if was_open {
        ClaimStore(&store).keep_payment_terms(&scheme.id, period.period, scheme.payment).await?;
    }
    if wanted.for_arrears {
        ledger.extend_period(&terms, period, last_day).await?;
    } else {
        ledger.open_period(&terms, period, last_day).await?;
    }
    if !was_open {
        ClaimStore(&store).set_payment_terms(&scheme.id, period.period, scheme.payment).await?;
    }
    // As it stands: a period that was opened before keeps its day.
    let stands = LedgerStore(&store).openings().await?.into_iter().find(is_this);
    let last_day = stands.and_then(|opening| opening.last_day).map(|day| day.to_string());
    let text = match &last_day {
        Some(day) => format!("scheme {} accepts claims until {day}", scheme.id),
        None => format!(
            "scheme {} accepts claims, but has no last day: an earlier version opened it; set one \
             with --arrears --last-day",
            scheme.id
        ),
    };
    Ok(Outcome::done(json!({ "scheme": scheme.id, "open": true, "last_day": last_day }), text))
}

async fn deploy(
    setting: &Setting,
    keys: &Path,
    nodes: NodeAddresses,
    signer: &Signer,
    constitution: &Constitution,
) -> Result<Outcome, CommandError> {
    let key = verifying_key(keys)?;
    let store = setting.store().await?;
    JoinedNetwork::require_none(&store).await?;
    let signers = signer.keys()?;
    let deployer = signers.first().map(PrivateKeySigner::address);
    let deployer = first(deployer.as_slice())?;
    let settings = RemoteSettings {
        confirmations: nodes.confirmations,
        ..RemoteSettings::new(nodes.endpoints, nodes.chain_id)
    };
    let chain = RemoteChain::new(&store, settings.clone(), signers)?;
    let before = chain.head().await?.number;
    let network = Network::deploy(chain, &key, constitution, deployer).await?;
    JoinedNetwork::keep(&store, &settings, &key, network.addresses, before).await?;
    let addresses = network.addresses;
    let json = json!({
        "claims": addresses.claims,
        "committee": addresses.committee,
        "participants": addresses.participants,
        "offices": addresses.offices,
        "disputes": addresses.disputes,
        "consents": addresses.consents,
        "anchors": addresses.anchors,
        "archives": addresses.archives,
        "scopes": addresses.scopes,
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

async fn status(network: &JoinedNetwork) -> Result<Outcome, CommandError> {
    let claims = network.addresses.claims;
    let head = network.chain.head().await?;
    let paused = network.view(claims, &Claims::gateCall {}).await?.paused;
    let checkpoints = network.view(claims, &Claims::checkpointCountCall {}).await?;
    let openings = network.view(claims, &Claims::openingCountCall {}).await?;
    let committee = network.addresses.committee;
    let quorum = network.view(committee, &Committee::quorumCall {}).await?;
    let members = network.view(committee, &Committee::memberCountCall {}).await?;
    let verifier = network.addresses.verifier;
    // None for keys of one party, and in contracts that were deployed before there were ceremonies.
    let transcript = match network.view(verifier, &Groth16Verifier::KEYCall {}).await {
        Ok(key) => Some(network.view(verifier, &Groth16Verifier::transcriptsCall { key }).await?),
        Err(_) => None,
    };
    let transcript = transcript.filter(|transcript| !transcript.is_zero()).map(hex::encode);
    let json = json!({
        "chain_id": network.chain.chain_id(),
        "transcript": transcript,
        "block": head.number,
        "claims": claims,
        "paused": paused,
        "checkpoints": checkpoints.saturating_to::<u64>(),
        "openings": openings.saturating_to::<u64>(),
        "quorum": format!("{quorum} of {members}"),
    });
    Ok(Outcome::done(json.clone(), lines(&json)))
}
