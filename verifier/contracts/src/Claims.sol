// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Groth16Verifier} from "./Groth16Verifier.sol";
import {SchemeRegistry} from "./SchemeRegistry.sol";
import {IClaimsRelayers} from "./interfaces/IClaimsRelayers.sol";

/// @title Claims
/// @notice Accepts a claim whose proof holds, once. Nothing here names a person: a nullifier cannot
/// be traced to its holder, a payout commitment cannot be opened but by the treasury. Whoever copies
/// a claim and brings it first has it paid to the same account: the envelope is in the commitment.
contract Claims is SchemeRegistry, IClaimsRelayers {
    /// @notice When a relayer may bring claims, both included.
    struct Relayer {
        uint64 from;
        uint64 until;
    }

    /// @notice What an auditor is to confirm of a finished opening, and what stands once confirmed.
    struct Seal {
        uint64 count;
        bool confirmed;
        address proposer;
        bytes32 root;
    }

    /// @notice The sender may not bring claims now.
    error NotRelayer(address account);
    /// @notice The nullifier is spent: this person has claimed in this period.
    error AlreadyClaimed(uint256 nullifier);
    /// @notice A batch has 1 to 256 claims.
    error BatchSize(uint256 claims);
    /// @notice The seal to confirm is not the one that was proposed.
    error SealDiffers(uint32 opening);
    /// @notice The claim is not under the opening's seal, or cannot be pruned.
    error NotSealed(uint32 opening, uint256 nullifier);

    /// @notice A claim was accepted.
    event ClaimAccepted(uint32 indexed opening, uint256 indexed nullifier, uint256 payoutCommitment);
    /// @notice Claims were accepted: nullifier and payout commitment of each in turn.
    event ClaimsAccepted(uint32 indexed opening, uint256[] claims);
    /// @notice A relayer may bring claims between two times.
    event RelayerSet(address indexed account, uint64 from, uint64 until);
    /// @notice A seal was proposed for a closed opening.
    event SealProposed(uint32 indexed opening, uint64 count, bytes32 root);
    /// @notice A spent nullifier was forgotten; the seal still proves it.
    event Pruned(uint32 indexed opening, uint256 nullifier);

    /// @notice The most claims of a batch: about 20 million gas.
    uint256 public constant BATCH_MAX = 256;

    mapping(address account => Relayer) private relayers;
    /// @dev One more than the opening that accepted it.
    mapping(uint256 nullifier => uint256) private spent;
    mapping(uint32 opening => Seal) private seals;

    constructor(Groth16Verifier verifier, address committee, address participants, address offices)
        SchemeRegistry(verifier, committee, participants, offices)
    {}

    /// @notice Claims for an opening.
    /// @param opening the scheme's period
    /// @param checkpoint the number of the checkpoint that the proof was made against
    /// @param own nullifier and payout commitment
    /// @param proof A, B (imaginary parts first) and C
    function claim(
        uint32 opening,
        uint32 checkpoint,
        uint256[2] calldata own,
        uint256[8] calldata proof
    ) external {
        _requireRelayer();
        _requireGate(checkpoint);
        (uint256 x, uint256 y) = _lane(address(VERIFIER), opening, checkpoint);
        if (spent[own[0]] != 0) revert AlreadyClaimed(own[0]);
        _requireProof(x, y, own, proof);
        spent[own[0]] = uint256(opening) + 1;
        emit ClaimAccepted(opening, own[0], own[1]);
    }

    /// @notice Claims for an opening, many at once: all are accepted or none.
    /// @param claims nullifier, payout commitment and proof of each
    function claimBatch(uint32 opening, uint32 checkpoint, uint256[10][] calldata claims) external {
        _requireRelayer();
        _requireGate(checkpoint);
        uint256 count = claims.length;
        if (count == 0 || count > BATCH_MAX) revert BatchSize(count);
        (uint256 x, uint256 y) = _lane(address(VERIFIER), opening, checkpoint);
        bytes32 transcript = keccak256(abi.encode(context(), VERIFIER, opening, checkpoint, count));
        _requireProofs(x, y, transcript, claims);
        uint256[] memory accepted = new uint256[](2 * count);
        for (uint256 i = 0; i < count; i++) {
            uint256 nullifier;
            assembly ("memory-safe") {
                let from := add(claims.offset, mul(i, 0x140))
                nullifier := calldataload(from)
                calldatacopy(add(add(accepted, 0x20), mul(i, 0x40)), from, 0x40)
            }
            if (spent[nullifier] != 0) revert AlreadyClaimed(nullifier);
            spent[nullifier] = uint256(opening) + 1;
        }
        emit ClaimsAccepted(opening, accepted);
    }

    /// @notice Claims with a proof under an older key, while its overlap lasts.
    function claimUnder(
        Groth16Verifier verifier,
        uint32 opening,
        uint32 checkpoint,
        uint256[2] calldata own,
        uint256[8] calldata proof
    ) external {
        _requireRelayer();
        _requireGate(checkpoint);
        if (block.timestamp > retires[address(verifier)]) revert KeyNotGood(address(verifier));
        (uint256 x, uint256 y) = _lane(address(verifier), opening, checkpoint);
        if (spent[own[0]] != 0) revert AlreadyClaimed(own[0]);
        spent[own[0]] = uint256(opening) + 1;
        if (!verifier.verify([x, y], own, proof)) revert ProofInvalid();
        emit ClaimAccepted(opening, own[0], own[1]);
    }

    /// @notice The opening whose claim has spent a nullifier, counted from one; zero if none has.
    function spentBy(uint256 nullifier) external view returns (uint256) {
        return spent[nullifier];
    }

    /// @inheritdoc IClaimsRelayers
    function setRelayer(address account, uint64 from, uint64 until) external {
        if (msg.sender != address(PARTICIPANTS)) revert NotPermitted(msg.sender);
        relayers[account] = Relayer(from, until);
        emit RelayerSet(account, from, until);
    }

    /// @notice When a relayer may bring claims.
    function relayerOf(address account) external view returns (Relayer memory) {
        return relayers[account];
    }

    // ---- archives

    /// @notice Proposes the seal of a closed opening; the agency.
    /// @param count how many claims it accepted
    /// @param root the Merkle root over them, in the order in which they were accepted
    function proposeSeal(uint32 opening, uint64 count, bytes32 root) external {
        if (!_has(AGENCY)) revert NotPermitted(msg.sender);
        Opening storage closed = _opening(opening);
        if (closed.stage != Stage.Closed) revert WrongStage(opening, closed.stage);
        seals[opening] = Seal(count, false, msg.sender, root);
        emit SealProposed(opening, count, root);
    }

    /// @notice Confirms a proposed seal, having recomputed it; an auditor.
    function confirmSeal(uint32 opening, uint64 count, bytes32 root) external {
        if (!_has(AUDITOR)) revert NotPermitted(msg.sender);
        Opening storage closed = _opening(opening);
        if (closed.stage != Stage.Closed) revert WrongStage(opening, closed.stage);
        Seal storage proposed = seals[opening];
        // Two persons: who proposed it does not confirm it.
        address proposer = proposed.proposer;
        if (proposer == address(0) || proposer == msg.sender) revert NotPermitted(msg.sender);
        if (proposed.count != count || proposed.root != root) revert SealDiffers(opening);
        proposed.confirmed = true;
        _setStage(opening, Stage.Sealed, root);
    }

    /// @notice The seal of an opening; zeros before one is proposed.
    function sealOf(uint32 opening) external view returns (Seal memory) {
        return seals[opening];
    }

    /// @notice Whether a sealed opening accepted a claim.
    /// @param place its number in the order of acceptance
    /// @param path the Merkle path to the seal's root
    function wasAccepted(
        uint32 opening,
        uint64 place,
        uint256 nullifier,
        uint256 payoutCommitment,
        bytes32[] calldata path
    ) public view returns (bool) {
        Seal storage seal = seals[opening];
        if (!seal.confirmed || place >= seal.count) return false;
        bytes32 inner = keccak256(abi.encode(opening, place, nullifier, payoutCommitment));
        return MerkleProof.verifyCalldata(path, seal.root, keccak256(bytes.concat(inner)));
    }

    /// @notice Forgets the spent nullifier of a sealed opening, so that nodes need not keep it: no
    /// lane leads to the opening any more. What is claimed once in a life is never forgotten. The
    /// agency or an auditor, when nothing of it is in dispute.
    function prune(
        uint32 opening,
        uint64 place,
        uint256 nullifier,
        uint256 payoutCommitment,
        bytes32[] calldata path
    ) external {
        if (!_has(AGENCY) && !_has(AUDITOR)) revert NotPermitted(msg.sender);
        // Only what this opening spent: a seal that names another's claim frees nothing.
        bool own = spent[nullifier] == uint256(opening) + 1 && _opening(opening).period != 0;
        if (!own || !wasAccepted(opening, place, nullifier, payoutCommitment, path)) {
            revert NotSealed(opening, nullifier);
        }
        delete spent[nullifier];
        emit Pruned(opening, nullifier);
    }

    function _requireRelayer() private view {
        Relayer memory relayer = relayers[msg.sender];
        if (block.timestamp < relayer.from || block.timestamp > relayer.until) {
            revert NotRelayer(msg.sender);
        }
    }
}
