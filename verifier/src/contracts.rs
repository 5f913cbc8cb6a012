//! The Solidity contracts: their compiled code and the calls they take.
//!
//! The code is compiled from `contracts/src` by `contracts/build.mjs`, which also proves that the
//! committed artifacts are what the sources compile to. Bindings are made from the artifacts, so
//! they cannot drift.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolConstructor, SolValue};
use praman_circuits::Fr;
use praman_circuits::artefact::ConsentTree;
use praman_circuits::eligibility::{EDITION, SchemePeriod};
use praman_circuits::field::to_be_bytes;
use praman_circuits::health_record::RecordTree;
use praman_circuits::merkle::empty_leaf;
use praman_circuits::office::OfficeTree;
use praman_circuits::period::{Day, Period};
use praman_circuits::policy::Policy;
use praman_circuits::poseidon::Parameters;
use praman_circuits::scope::SchemeId;
use serde::{Deserialize, Serialize};

use crate::{Proof, VerifyingKey};

/// Bindings as the macro makes them; what they mean is said in the contracts.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod bindings {
    macro_rules! binding {
        ($module:ident, $name:ident, $path:literal) => {
            pub mod $module {
                alloy_sol_types::sol!(
                    #[derive(Debug, PartialEq, Eq)]
                    $name,
                    $path
                );
            }
        };
    }
    binding!(verifier, Groth16Verifier, "contracts/artifacts/Groth16Verifier.json");
    binding!(constants, PoseidonConstants, "contracts/artifacts/PoseidonConstants.json");
    binding!(proxy, Proxy, "contracts/artifacts/Proxy.json");
    binding!(committee, Committee, "contracts/artifacts/Committee.json");
    binding!(participants, Participants, "contracts/artifacts/Participants.json");
    binding!(offices, Offices, "contracts/artifacts/Offices.json");
    binding!(claims, Claims, "contracts/artifacts/Claims.json");
    binding!(scopes, Scopes, "contracts/artifacts/Scopes.json");
    binding!(archives, Archives, "contracts/artifacts/Archives.json");
    binding!(disputes, Disputes, "contracts/artifacts/Disputes.json");
    binding!(nodes, NodeDirectory, "contracts/artifacts/NodeDirectory.json");
    binding!(consents, Consents, "contracts/artifacts/Consents.json");
    binding!(anchors, Anchors, "contracts/artifacts/Anchors.json");
    binding!(settlements, Settlements, "contracts/artifacts/Settlements.json");
}

pub use bindings::anchors::Anchors;
pub use bindings::archives::Archives;
pub use bindings::claims::Claims;
pub use bindings::claims::Rules;
pub use bindings::committee::Committee;
pub use bindings::consents::Consents;
pub use bindings::constants::PoseidonConstants;
pub use bindings::disputes::Disputes;
pub use bindings::nodes::NodeDirectory;
pub use bindings::offices::Offices;
pub use bindings::participants::Participants;
pub use bindings::proxy::Proxy;
pub use bindings::scopes::{Scopes, Succession};
pub use bindings::settlements::Settlements;
pub use bindings::verifier::Groth16Verifier;

/// The addresses of a network's contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    /// The oversight committee.
    pub committee: Address,
    /// Who takes part.
    pub participants: Address,
    /// Offices and the state tree.
    pub offices: Address,
    /// Schemes, checkpoints and claims.
    pub claims: Address,
    /// Disputes.
    pub disputes: Address,
    /// The directory of nodes.
    pub nodes: Address,
    /// The verifier of the key.
    pub verifier: Address,
    /// Providers' roots and accesses by consent.
    pub consents: Address,
    /// What participants have said of their own books.
    pub anchors: Address,
    /// Seals of finished openings.
    pub archives: Address,
    /// Within what a person claims once.
    pub scopes: Address,
    /// Where treasuries settle what they paid; zero until it is created.
    // A description of a network without it stays as it was.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub settlements: Address,
}

fn is_zero(address: &Address) -> bool {
    address.is_zero()
}

/// Who decides on a new network, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constitution {
    /// The committee's members.
    pub members: Vec<Address>,
    /// How many of them carry a motion.
    pub quorum: u64,
    /// Seconds between carrying and enacting.
    pub delay_seconds: u64,
    /// Seconds for which a replaced checkpoint stays good.
    pub grace_seconds: u64,
}

/// Everything that is created for a network, in order, and where it will stand: each neighbour's
/// address is known before it is there, since an address follows from the deployer's nonce.
pub struct Deployment {
    /// The creation codes, in the order of the deployer's nonces.
    pub creations: Vec<(&'static str, Vec<u8>)>,
    /// Where they stand then.
    pub addresses: Addresses,
}

impl Deployment {
    /// Plans the contracts of a network for a key, from a deployer's next nonce.
    pub fn plan(
        key: &VerifyingKey,
        constitution: &Constitution,
        deployer: Address,
        nonce: u64,
    ) -> Self {
        let place = |index: u64| deployer.create(nonce + index);
        let addresses = Addresses {
            verifier: place(0),
            committee: place(4),
            participants: place(6),
            offices: place(8),
            claims: place(10),
            disputes: place(12),
            nodes: place(14),
            consents: place(16),
            anchors: place(17),
            archives: place(19),
            scopes: place(21),
            // Created apart, for a key of its own.
            settlements: Address::ZERO,
        };
        let Addresses { committee, participants, offices, claims, .. } = addresses;
        let code = |bytecode: &Bytes, arguments: Vec<u8>| [bytecode.to_vec(), arguments].concat();
        let [four, eight_first, eight_second] = poseidon_constants();
        let committee_arguments = Committee::constructorCall {
            members: constitution.members.clone(),
            quorum_: U256::from(constitution.quorum),
            delay: U256::from(constitution.delay_seconds),
            pausable: claims,
        };
        let participants_arguments =
            Participants::constructorCall { committee, claims, offices }.abi_encode();
        let offices_arguments = Offices::constructorCall {
            committee,
            participants,
            checkpoints: claims,
            constants: [place(1), place(2), place(3)],
            emptyLeaf: word(empty_leaf()),
            emptyOfficeRoot: word(OfficeTree::new().root()),
        };
        let initialize_claims = Claims::initializeCall { grace_: constitution.grace_seconds };
        let disputes_arguments = Disputes::constructorCall { committee, participants, claims };
        let nodes_arguments = NodeDirectory::constructorCall { committee, participants };
        let consents_arguments = Consents::constructorCall {
            committee,
            participants,
            claims,
            constants: place(1),
            emptyRecordsRoot: word(RecordTree::new().root()),
            emptyConsentsRoot: word(ConsentTree::new().root()),
        };
        let archives_arguments = Archives::constructorCall { committee, participants, claims };
        let scopes_arguments = Scopes::constructorCall { committee, participants, claims };
        let anchors_arguments = Anchors::constructorCall { participants };
        let creations = vec![
            ("verifier", create_verifier(key, EDITION, committee)),
            ("constants of width 5", create_constants(four)),
            ("constants of width 9", create_constants(eight_first)),
            ("constants of width 9, rest", create_constants(eight_second)),
            ("committee", code(&Committee::BYTECODE, committee_arguments.abi_encode())),
            ("participants' code", code(&Participants::BYTECODE, participants_arguments)),
            ("participants", create_proxy(place(5), Participants::initializeCall {}.abi_encode())),
            ("offices' code", code(&Offices::BYTECODE, offices_arguments.abi_encode())),
            ("offices", create_proxy(place(7), Vec::new())),
            ("claims' code", create_claims_code(addresses.verifier, &addresses)),
            ("claims", create_proxy(place(9), initialize_claims.abi_encode())),
            ("disputes' code", code(&Disputes::BYTECODE, disputes_arguments.abi_encode())),
            ("disputes", create_proxy(place(11), Vec::new())),
            ("nodes' code", code(&NodeDirectory::BYTECODE, nodes_arguments.abi_encode())),
            ("nodes", create_proxy(place(13), Vec::new())),
            ("consents' code", code(&Consents::BYTECODE, consents_arguments.abi_encode())),
            ("consents", create_proxy(place(15), Vec::new())),
            ("anchors", code(&Anchors::BYTECODE, anchors_arguments.abi_encode())),
            ("archives' code", code(&Archives::BYTECODE, archives_arguments.abi_encode())),
            ("archives", create_proxy(place(18), Vec::new())),
            ("scopes' code", code(&Scopes::BYTECODE, scopes_arguments.abi_encode())),
            ("scopes", create_proxy(place(20), Vec::new())),
        ];
        Self { creations, addresses }
    }
}

/// The code that creates a verifier for a key of an edition of the statement, in a network with a committee.
pub fn create_verifier(key: &VerifyingKey, edition: u8, committee: Address) -> Vec<u8> {
    let (alpha, g2) = key.to_words();
    let arguments = Groth16Verifier::constructorCall {
        alpha: alpha.map(U256::from_be_bytes),
        g2: g2.map(|point| point.map(U256::from_be_bytes)),
        ic: key.input_words().into_iter().map(U256::from_be_bytes).collect(),
        edition,
        committee,
    };
    [Groth16Verifier::BYTECODE.to_vec(), arguments.abi_encode()].concat()
}

/// The code that creates the claims' implementation for a verifier: what an upgrade to another key
/// brings.
pub fn create_claims_code(verifier: Address, addresses: &Addresses) -> Vec<u8> {
    let arguments = Claims::constructorCall {
        verifier,
        committee: addresses.committee,
        participants: addresses.participants,
        offices: addresses.offices,
        scopes: addresses.scopes,
        archives: addresses.archives,
    };
    [Claims::BYTECODE.to_vec(), arguments.abi_encode()].concat()
}

/// The code that creates the settlements' implementation, for the verifier of their statement's key and the contract of
/// Poseidon's constants of width 5.
pub fn create_settlements_code(
    verifier: Address,
    constants: Address,
    addresses: &Addresses,
) -> Vec<u8> {
    let arguments = Settlements::constructorCall {
        verifier,
        committee: addresses.committee,
        participants: addresses.participants,
        claims: addresses.claims,
        disputes: addresses.disputes,
        constants,
    };
    [Settlements::BYTECODE.to_vec(), arguments.abi_encode()].concat()
}

/// The code that creates the address that stays, before an implementation.
pub fn create_proxy(implementation: Address, data: Vec<u8>) -> Vec<u8> {
    let arguments = Proxy::constructorCall { implementation, data: data.into() };
    [Proxy::BYTECODE.to_vec(), arguments.abi_encode()].concat()
}

/// The code that creates the contract of Poseidon's constants of width 5.
pub fn create_constants_of_width_5() -> Vec<u8> {
    let [four, ..] = poseidon_constants();
    create_constants(four)
}

fn create_constants(words: Vec<u8>) -> Vec<u8> {
    let arguments = PoseidonConstants::constructorCall { words: words.into() };
    [PoseidonConstants::BYTECODE.to_vec(), arguments.abi_encode()].concat()
}

/// The runs of Poseidon's constants that contracts read: width 5, and width 9 in two halves.
fn poseidon_constants() -> [Vec<u8>; 3] {
    let bytes =
        |words: &[Fr]| words.iter().flat_map(|&word| to_be_bytes(word)).collect::<Vec<u8>>();
    let eight = Parameters::of(8).sparse_words();
    let (first, second) = eight.split_at(eight.len() / 2);
    [bytes(&Parameters::of(4).sparse_words()), bytes(first), bytes(second)]
}

/// What `StateTree` pins of the constants: the hash of the hashes of both widths.
pub fn poseidon_constants_digest() -> B256 {
    let [four, first, second] = poseidon_constants();
    let eight = keccak256([first, second].concat());
    keccak256([keccak256(four), eight].concat())
}

/// A field element as a word.
pub fn word(element: Fr) -> U256 {
    U256::from_be_bytes(to_be_bytes(element))
}

/// A scheme's id as a word.
pub fn scheme_word(scheme: &SchemeId) -> U256 {
    word(scheme.to_field())
}

/// The scheme that a word names; none if it is no id.
pub fn scheme_of_word(scheme: U256) -> Option<SchemeId> {
    let bytes = scheme.to_be_bytes_trimmed_vec();
    String::from_utf8(bytes).ok()?.parse().ok()
}

/// A policy as the contract takes it.
pub fn policy_data(policy: &Policy) -> Rules::Policy {
    Rules::Policy {
        schema: policy.schema().0,
        clauses: policy.clauses().map(|clause| Rules::Clause {
            slot: clause.slot.number(),
            lo: clause.lo,
            hi: clause.hi,
            negate: clause.negate,
            orNext: clause.or_next,
        }),
        tiers: policy.tiers().map(|tier| Rules::Tier {
            groups: tier.groups.bits(),
            rate: tier.rate,
            slot: tier.slot.number(),
            floor: tier.floor,
            cap: tier.cap,
        }),
    }
}

/// What a policy is for, as the contract takes it: a scheme's period, and the month whose rules hold.
pub fn rules_terms(scheme: &SchemePeriod, window: Period) -> Rules::Terms {
    Rules::Terms {
        scheme: scheme_word(&scheme.scheme),
        group: scheme.group.as_ref().map_or(U256::ZERO, |group| word(group.to_field())),
        kind: scheme.kind.number(),
        period: scheme.period.0,
        window: window.0,
        issuedBy: scheme.issued_by.0,
    }
}

/// A scheme's period with its policy as one word, under an edition of statements.
pub fn policy_leaf(edition: u8, scheme: &SchemePeriod, window: Period) -> B256 {
    let (terms, policy) = (rules_terms(scheme, window), policy_data(&scheme.policy));
    keccak256(keccak256((U256::from(edition), terms, policy).abi_encode_params()))
}

/// The leaf under which the committee approves a scheme's period with its policy and the last day on which
/// claims are taken.
pub fn rules_leaf(edition: u8, scheme: &SchemePeriod, window: Period, last_day: Day) -> B256 {
    let leaf = policy_leaf(edition, scheme, window);
    keccak256(keccak256((leaf, last_day.0).abi_encode_params()))
}

/// The leaf of an accepted claim under its opening's seal.
pub fn claim_leaf(opening: u32, place: u64, nullifier: U256, payout_commitment: U256) -> B256 {
    let encoded = (opening, place, nullifier, payout_commitment).abi_encode_params();
    keccak256(keccak256(encoded))
}

/// A part of what a ledger takes over from the one whose place it takes: spent nullifiers, or scopes.
pub fn inheritance_leaf(part: u32, content: &InheritancePart) -> B256 {
    let encoded = match content {
        InheritancePart::Spent { scope, period, nullifiers } => {
            (part, *scope, *period, nullifiers.clone()).abi_encode_params()
        }
        InheritancePart::Scopes(scopes) => (part, scopes.clone()).abi_encode_params(),
    };
    keccak256(keccak256(encoded))
}

/// What a part of an inheritance has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InheritancePart {
    /// Nullifiers that are spent in a scope's period.
    Spent {
        /// The scope.
        scope: U256,
        /// The period.
        period: u32,
        /// The nullifiers.
        nullifiers: Vec<U256>,
    },
    /// Scopes of schemes' periods.
    Scopes(Vec<Succession::InheritedScope>),
}

/// A proof as the contract takes it.
pub fn proof_words(proof: &Proof) -> [U256; 8] {
    proof.to_words().map(U256::from_be_bytes)
}

/// The call to a verifier that snarkjs generated, whose arrays are as long as the key has inputs.
pub fn snarkjs_call(public: &[Fr], proof: &Proof) -> Vec<u8> {
    let signature =
        format!("verifyProof(uint256[2],uint256[2][2],uint256[2],uint256[{}])", public.len());
    let words = proof_words(proof).into_iter().chain(public.iter().map(|&input| word(input)));
    let selector = keccak256(signature);
    let mut call = selector[..4].to_vec();
    call.extend(words.flat_map(|word| word.to_be_bytes::<32>()));
    call
}

/// A claim as a batch takes it: nullifier, payout commitment, envelope's hash, proof.
pub fn batch_words(own: [U256; 3], proof: &Proof) -> [U256; 11] {
    let proof = proof_words(proof);
    std::array::from_fn(|place| match place {
        0..3 => own[place],
        _ => proof[place - 3],
    })
}

#[cfg(test)]
mod tests {
    use praman_circuits::domain::Domain;
    use praman_circuits::eligibility::PublicInputs;
    use praman_circuits::settlement;
    use praman_circuits::settlement_state::SettlementState;

    use super::*;

    #[test]
    fn state_tree_pins_poseidons_constants() {
        let source = include_str!("../contracts/src/StateTree.sol");
        let digest = poseidon_constants_digest();
        assert!(source.contains(&digest.to_string()), "CONSTANTS_DIGEST is to be {digest}");
    }

    #[test]
    fn places_of_public_inputs_are_those_of_the_statement() {
        let names = PublicInputs::names();
        let of = |name: &str| names.iter().position(|known| known == name).expect("an input");
        let source = include_str!("../contracts/src/Places.sol");
        let constants = source.lines().filter_map(|line| {
            let (name, place) =
                line.trim().strip_prefix("uint256 internal constant ")?.split_once(" = ")?;
            Some((name, place.trim_end_matches(';').parse().expect("a place")))
        });
        let constants: Vec<(&str, usize)> = constants.collect();
        let expected = [
            ("CONTEXT", of("context")),
            ("STATE_ROOT", of("state_root")),
            ("AS_OF", of("as_of")),
            ("SCHEME", of("scheme")),
            ("SCOPE", of("scope")),
            ("PERIOD", of("period")),
            ("ISSUED_BY", of("issued_by")),
            ("SCHEMA", of("schema")),
            ("CLAUSES", of("clause0.slot")),
            ("TIERS", of("tier0.groups")),
            ("NULLIFIER", of("nullifier")),
            ("PAYOUT_COMMITMENT", of("payout_commitment")),
            ("ENVELOPE_HASH", of("envelope_hash")),
        ];
        assert_eq!(constants, expected);
        assert!(source.contains(&format!("uint8 internal constant EDITION = {EDITION};")));
    }

    #[test]
    fn consents_hash_nullifiers_under_the_statements_tag() {
        let source = include_str!("../contracts/src/Consents.sol");
        let (_, tag) = Domain::all().find(|(text, _)| *text == "praman.access.2").expect("a tag");
        assert!(source.contains(&format!("{:#x}", word(tag))), "ACCESS_TAG is to be {tag}");
    }

    #[test]
    fn settlements_hash_states_under_the_statements_tag() {
        let source = include_str!("../contracts/src/Settlements.sol");
        let (_, tag) =
            Domain::all().find(|(text, _)| *text == "praman.settlement.1").expect("a tag");
        assert!(source.contains(&format!("{:#x}", word(tag))), "STATE_TAG is to be {tag}");
        let initial = word(SettlementState::initial().to_field());
        assert!(source.contains(&format!("{initial:#x}")), "INITIAL is to be {initial:#x}");
        let claims = format!("uint256 private constant CHUNK = {};", settlement::CLAIMS);
        assert!(source.contains(&claims), "{claims}");
    }

    #[test]
    fn scheme_word_is_read_back_as_its_scheme() {
        let scheme: SchemeId = "lakshmir-bhandar".parse().expect("an id");
        assert_eq!(scheme_of_word(scheme_word(&scheme)), Some(scheme));
        assert_eq!(scheme_of_word(U256::from(7u64)), None);
    }
}
