// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Governed} from "./Governed.sol";
import {Participants} from "./Participants.sol";
import {ISealedClaims} from "./interfaces/ISealedClaims.sol";

/// @title The seals of finished openings
/// @notice Two persons seal what an opening accepted under one root. By it anyone shows later that a
/// claim was accepted, and nodes need not keep the nullifier.
contract Archives is Governed {
    /// @notice What an auditor is to confirm of a finished opening, and what stands once confirmed.
    struct Seal {
        uint64 count;
        bool confirmed;
        address proposer;
        bytes32 root;
    }

    /// @notice The account may not do this.
    error NotPermitted(address account);
    /// @notice The opening is not closed, or sealed already.
    error NotClosed(uint32 opening);
    /// @notice The seal to confirm is not the one that was proposed.
    error SealDiffers(uint32 opening);
    /// @notice The claim is not under the opening's seal.
    error NotSealed(uint32 opening, uint256 nullifier);

    /// @notice A seal was proposed for a closed opening.
    event SealProposed(uint32 indexed opening, uint64 count, bytes32 root);

    // As `Participants` names them, without a call.
    bytes32 private constant AGENCY = "agency";
    bytes32 private constant AUDITOR = "auditor";

    /// @notice Where claims are accepted.
    ISealedClaims public immutable CLAIMS;
    /// @notice Who takes part.
    Participants public immutable PARTICIPANTS;

    mapping(uint32 opening => Seal) private seals;

    constructor(address committee, address participants, address claims) Governed(committee) {
        PARTICIPANTS = Participants(participants);
        CLAIMS = ISealedClaims(claims);
    }

    /// @notice Proposes the seal of a closed opening; the agency.
    /// @param count how many claims it accepted
    /// @param root the Merkle root over them, in the order in which they were accepted
    function proposeSeal(uint32 opening, uint64 count, bytes32 root) external {
        if (!_has(AGENCY)) revert NotPermitted(msg.sender);
        _requireClosed(opening);
        seals[opening] = Seal(count, false, msg.sender, root);
        emit SealProposed(opening, count, root);
    }

    /// @notice Confirms a proposed seal, having recomputed it; an auditor.
    function confirmSeal(uint32 opening, uint64 count, bytes32 root) external {
        if (!_has(AUDITOR)) revert NotPermitted(msg.sender);
        _requireClosed(opening);
        Seal storage proposed = seals[opening];
        // Two persons: who proposed it does not confirm it.
        address proposer = proposed.proposer;
        if (proposer == address(0) || proposer == msg.sender) revert NotPermitted(msg.sender);
        if (proposed.count != count || proposed.root != root) revert SealDiffers(opening);
        proposed.confirmed = true;
        CLAIMS.sealOpening(opening, root);
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
        if (!wasAccepted(opening, place, nullifier, payoutCommitment, path)) {
            revert NotSealed(opening, nullifier);
        }
        CLAIMS.forget(opening, nullifier);
    }

    function _requireClosed(uint32 opening) private view {
        if (!CLAIMS.isClosed(opening)) revert NotClosed(opening);
    }

    function _has(bytes32 role) private view returns (bool) {
        return PARTICIPANTS.hasRole(role, msg.sender);
    }
}
