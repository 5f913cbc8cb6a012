//! The Solidity contracts: their compiled code and the calls they take.
//!
//! The code is compiled from `contracts/src` by `contracts/build.mjs`, which also proves that the
//! committed artifacts are what the sources compile to.

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolConstructor, sol};
use praman_circuits::Fr;
use praman_circuits::field::to_be_bytes;
use praman_circuits::policy::Policy;

use crate::{Proof, VerifyingKey};

sol! {
    /// The verifier of one key.
    #[derive(Debug, PartialEq, Eq)]
    interface Groth16Verifier {
        error DegenerateKey();
        error NotCanonical(uint256 index);
        error InvalidPoint();
        error WrongInputCount(uint256 given, uint256 expected);

        constructor(uint256[2] memory alpha, uint256[4][3] memory g2, uint256[] memory ic);

        function fold(uint256 first, uint256[] memory inputs) public view returns (uint256[2] memory sum);
        function constantPoint() public view returns (uint256[2] memory);
        function verify(uint256[2] memory folded, uint256[2] calldata own, uint256[8] calldata proof) public view returns (bool);
    }

    /// Schemes, checkpoints and claims. It hands on the verifier's errors.
    #[derive(Debug, PartialEq, Eq)]
    interface Claims {
        struct Clause { uint8 slot; uint32 lo; uint32 hi; bool negate; bool orNext; }
        struct Tier { uint16 groups; uint32 rate; uint8 slot; uint32 floor; uint32 cap; }
        struct PolicyData { uint32 schema; Clause[16] clauses; Tier[4] tiers; }

        error NotAdministrator();
        error PeriodAlreadyOpen(uint256 scheme, uint32 period, uint32 window);
        error PeriodNotOpen(uint256 scheme, uint32 period, uint32 window);
        error MalformedPolicy();
        error CheckpointNotGood(uint256 checkpoint);
        error PeriodNotBegun(uint32 window, uint32 asOf);
        error DayInFuture(uint32 day);
        error WrongChain(uint256 chain);
        error AlreadyClaimed(uint256 nullifier);
        error ProofInvalid();
        error NotCanonical(uint256 index);
        error InvalidPoint();

        event PeriodOpened(uint256 indexed scheme, uint32 indexed period, uint32 window);
        event CheckpointPublished(uint256 indexed checkpoint, uint256 stateRoot, uint32 asOf);
        event ClaimAccepted(uint256 indexed scheme, uint32 indexed period, uint256 nullifier, uint256 payoutCommitment);

        constructor(address verifier, address administrator, uint64 grace);

        function context() public view returns (uint256);
        function openPeriod(uint256 scheme, uint32 period, uint32 window, PolicyData calldata policy) external;
        function publishCheckpoint(uint256 stateRoot, uint32 asOf) external;
        function checkpointCount() external view returns (uint256);
        function isOpen(uint256 scheme, uint32 period, uint32 window) external view returns (bool);
        function firstDay(uint32 period) public pure returns (uint256);
        function claim(uint256 scheme, uint32 period, uint32 window, uint256 checkpoint, uint256[2] calldata own, uint256[8] calldata proof) external;
        function isSpent(uint256 nullifier) external view returns (bool);
    }
}

const VERIFIER_ARTIFACT: &str = include_str!("../contracts/artifacts/Groth16Verifier.json");
const CLAIMS_ARTIFACT: &str = include_str!("../contracts/artifacts/Claims.json");

/// A field element as a word.
pub fn word(element: Fr) -> U256 {
    U256::from_be_bytes(to_be_bytes(element))
}

/// The code that creates a verifier for a key.
pub fn create_verifier(key: &VerifyingKey) -> Vec<u8> {
    let (alpha, g2) = key.to_words();
    let arguments = Groth16Verifier::constructorCall {
        alpha: alpha.map(U256::from_be_bytes),
        g2: g2.map(|point| point.map(U256::from_be_bytes)),
        ic: key.input_words().into_iter().map(U256::from_be_bytes).collect(),
    };
    [bytecode(VERIFIER_ARTIFACT), arguments.abi_encode()].concat()
}

/// The code that creates the claims contract over a verifier.
pub fn create_claims(verifier: Address, administrator: Address, grace_seconds: u64) -> Vec<u8> {
    let arguments = Claims::constructorCall { verifier, administrator, grace: grace_seconds };
    [bytecode(CLAIMS_ARTIFACT), arguments.abi_encode()].concat()
}

/// A policy as the contract takes it.
pub fn policy_data(policy: &Policy) -> Claims::PolicyData {
    Claims::PolicyData {
        schema: policy.schema().0,
        clauses: policy.clauses().map(|clause| Claims::Clause {
            slot: clause.slot.number(),
            lo: clause.lo,
            hi: clause.hi,
            negate: clause.negate,
            orNext: clause.or_next,
        }),
        tiers: policy.tiers().map(|tier| Claims::Tier {
            groups: tier.groups.bits(),
            rate: tier.rate,
            slot: tier.slot.number(),
            floor: tier.floor,
            cap: tier.cap,
        }),
    }
}

/// A proof as the contract takes it.
pub fn proof_words(proof: &Proof) -> [U256; 8] {
    proof.to_words().map(U256::from_be_bytes)
}

fn bytecode(artifact: &str) -> Vec<u8> {
    let artifact: serde_json::Value =
        serde_json::from_str(artifact).expect("a committed artifact is JSON");
    let text = artifact["bytecode"].as_str().expect("an artifact has its code");
    hex::decode(text).expect("code is hexadecimal")
}
