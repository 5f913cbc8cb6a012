// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Groth16Verifier} from "./Groth16Verifier.sol";
import {SchemeRegistry} from "./SchemeRegistry.sol";

/// @title Claims
/// @notice Accepts a claim whose proof holds, once. Nothing here names a person: a nullifier cannot
/// be traced to its holder, a payout commitment cannot be opened but by the treasury.
contract Claims is SchemeRegistry {
    /// @notice The nullifier is spent: this person has claimed in this period.
    error AlreadyClaimed(uint256 nullifier);
    /// @notice The proof does not hold for this scheme, period, checkpoint and claim.
    error ProofInvalid();

    /// @notice A claim was accepted.
    event ClaimAccepted(
        uint256 indexed scheme, uint32 indexed period, uint256 nullifier, uint256 payoutCommitment
    );

    mapping(uint256 nullifier => bool) private spent;

    constructor(Groth16Verifier verifier, address administrator, uint64 grace)
        SchemeRegistry(verifier, administrator, grace)
    {}

    /// @notice Claims for a scheme and period.
    /// @param scheme the scheme's id
    /// @param period the period
    /// @param window the month under whose rules it is claimed
    /// @param checkpoint the number of the checkpoint that the proof was made against
    /// @param own nullifier and payout commitment
    /// @param proof A, B (imaginary parts first) and C
    function claim(
        uint256 scheme,
        uint32 period,
        uint32 window,
        uint256 checkpoint,
        uint256[2] calldata own,
        uint256[8] calldata proof
    ) external {
        if (spent[own[0]]) revert AlreadyClaimed(own[0]);
        uint256[2] memory shared = _shared(scheme, period, window, checkpoint);
        if (!VERIFIER.verify(shared, own, proof)) revert ProofInvalid();
        spent[own[0]] = true;
        emit ClaimAccepted(scheme, period, own[0], own[1]);
    }

    /// @notice Whether a nullifier is spent.
    function isSpent(uint256 nullifier) external view returns (bool) {
        return spent[nullifier];
    }
}
