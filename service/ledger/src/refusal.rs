//! Why the contracts, or a folder's network, refuse something that is not about one claim.

use alloy_primitives::{Address, U256};
use praman_circuits::office::StateRoot;
use praman_circuits::scope::SchemeId;

/// Why the ledger refuses, beside what it says of one claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerRefusal {
    /// A contract reverted, by an error of its own.
    #[error("{0}")]
    Reverted(String),
    /// A contract can't be created.
    #[error("{contract}: {reason}")]
    NotCreated {
        /// The contract.
        contract: &'static str,
        /// Its error.
        reason: String,
    },
    /// The addresses of contracts do not follow from the deployer's nonces.
    #[error("the deployer's account sent another transaction in between: deploy again")]
    DeployerBusy,
    /// An address has another contract.
    #[error("{0} does not answer as praman's contract would")]
    NotOurs(Address),
    /// No member of the committee is there to move.
    #[error("a motion needs a member's key")]
    NoMember,
    /// A request to take part left no event.
    #[error("the register reported no draft")]
    NoDraft,
    /// A network's description names other contracts than its contracts do.
    #[error("the file names {said}, but the contracts name {stands}")]
    OtherContract {
        /// In the description.
        said: Address,
        /// On the chain.
        stands: Address,
    },
    /// A root has no element of the field.
    #[error("a root on the ledger is not a field element")]
    NotElement,
    /// The network has no contract of consents.
    #[error(
        "this network's contracts are of an earlier version and have no consents: start a new network in \
         another folder"
    )]
    NoConsents,
    /// A participant has another role.
    #[error("participant {0} is not a {role}", role = .1.name())]
    NotInRole(u32, crate::Role),
    /// The network has no contract of anchors.
    #[error(
        "this network's contracts are of an earlier version and have no anchors: start a new network in \
         another folder"
    )]
    NoAnchors,
    /// The network has no contract of settlements.
    #[error(
        "this network has no contract of settlements yet: create it with `praman ledger settlements`, or give the \
         address of the one that another folder created with --at"
    )]
    NoSettlements,
    /// An opening has no such number.
    #[error("there is no opening {0}")]
    NoOpening(u32),
    /// The contract counts frozen claims that are in no confirmed block yet.
    #[error(
        "the newest frozen claims of this opening are not confirmed yet: run the command again"
    )]
    FreezesUnconfirmed,
    /// The contract of disputes is older than settlements.
    #[error(
        "this network's contract of disputes is of an earlier version and does not count frozen claims: the \
         committee must upgrade it before payments can be settled"
    )]
    OldDisputes,
    /// An opening's last state is locked.
    #[error(
        "the settlement of opening {0} is locked: run `praman treasury settle` again to show its sum"
    )]
    SettlementLocked(u32),
    /// An opening is settled.
    #[error("opening {0} is settled: its sum is on the ledger for good")]
    AlreadySettled(u32),
    /// A chunk does not go on from where the ledger stands.
    #[error(
        "a chunk of the settlement does not begin where the one before ended: another run has proved other \
         chunks meanwhile; run the command again"
    )]
    OtherSettlementState,
    /// A sum of few claims tells of single ones.
    #[error("{counted} claims are too few to show their sum: at least {floor} must be counted")]
    TooFewSettled {
        /// How many are counted.
        counted: u32,
        /// How many must be.
        floor: u32,
    },
    /// A claim was frozen while a settlement was prepared.
    #[error(
        "a claim of this opening was frozen while the settlement was prepared: nothing was settled; run the \
         command again"
    )]
    FrozenMeanwhile,
    /// A settlement's last state is of another sum.
    #[error("the sum, the count or the blinding is not that of the settlement's last state")]
    NotTheSum,
    /// An event of the contracts is malformed.
    #[error("an event on the ledger can't be read")]
    EventUnreadable,
    /// An anchor's event is malformed.
    #[error("an anchor on the ledger can't be read")]
    AnchorUnreadable,
    /// The folder has no embedded ledger.
    #[error("this folder belongs to a network of real nodes, and has no embedded ledger")]
    OnNodes,
    /// The folder has a network already.
    #[error("a sandbox needs a folder of its own: this folder already belongs to a network")]
    NotEmpty,
    /// The committee has not adopted a period's rules, and none of its members is here.
    #[error(
        "the committee has not adopted these rules with this last day: give its members' keys with \
         --account, too"
    )]
    NotAdopted,
    /// The committee has not decided yet.
    #[error(
        "motion {0} needs more members' votes, or its delay is not over: have it enacted with \
         `praman ledger enact {0}`, then run this command again"
    )]
    MotionWaits(u64),
    /// A period takes claims under other rules.
    #[error(
        "scheme {0} takes claims of this period under other rules: changed rules are for periods that \
         were never opened"
    )]
    OtherRules(SchemeId),
    /// A scheme's period was opened within another group, or in none.
    #[error(
        "this scheme's period was opened within another group of schemes: a change of `excludes_with` is for \
         periods that were never opened, and a benefit paid once stays where it began"
    )]
    OtherScope,
    /// A period was opened for credentials of another schema.
    #[error(
        "this period, of the scheme or of its group, was opened for credentials of schema {0}: it has one \
         schema, since holders have another secret for each"
    )]
    OtherSchema(u32),
    /// A period whose nullifiers are to be forgotten is not over.
    #[error("nullifiers can't be forgotten before the period is over")]
    PeriodNotOver,
    /// The ledger still takes claims.
    #[error(
        "this ledger still accepts claims: end it first with `praman ledger end`, so that nothing is accepted \
         that the new ledger does not know of"
    )]
    NotEnded,
    /// The ledger has ended.
    #[error("this ledger has ended: another takes its place")]
    Ended,
    /// Spent nullifiers of the period were forgotten.
    #[error(
        "claims of this period were archived and their nullifiers forgotten: neither this scheme nor \
         another of its group opens it again"
    )]
    Pruned,
    /// Openings of the scope's period are not sealed.
    #[error(
        "nullifiers can't be forgotten yet: {0} openings of this period, of the scheme or of its group, \
         are not sealed"
    )]
    Unsealed(u32),
    /// The ledger takes the place of another, and not all of it is here.
    #[error(
        "this ledger takes the place of an earlier one, and has {brought} of {parts} parts of it: run \
         `praman ledger take-over` again, then open the period"
    )]
    InheritanceIncomplete {
        /// How many parts are here.
        brought: u32,
        /// How many there are.
        parts: u32,
    },
    /// The ledger has opened a period.
    #[error(
        "this ledger has opened a period or taken over a part already: only a new ledger takes the \
         place of an earlier one"
    )]
    NotNew,
    /// The ledger knows other offices.
    #[error(
        "the ledger's state root is {stands}, not {own}: the ledger knows other offices than this folder"
    )]
    OtherStateRoot {
        /// The ledger's.
        stands: U256,
        /// The folder's.
        own: StateRoot,
    },
    /// An office issued while a checkpoint was published.
    #[error(
        "an office's tree changed on the ledger while the checkpoint was published: publish it again"
    )]
    OfficeChanged,
    /// The contracts were deployed for other keys.
    #[error(
        "the chain's contracts were deployed for other keys: use those keys, or start a new chain in \
         another folder"
    )]
    OtherKeys,
}

/// What is wrong with the numbers of a claim, or of a batch of claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimMalformation {
    /// A public input is beyond the field.
    #[error("public input {0} is not canonical")]
    NotCanonical(U256),
    /// A point is not on its curve.
    #[error("a point is not valid")]
    Point,
    /// A batch has no claims.
    #[error("a batch needs at least one claim")]
    EmptyBatch,
    /// A batch has claims of several openings or checkpoints.
    #[error("a batch must be of one scheme, period and checkpoint")]
    MixedBatch,
}
