// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Where the public inputs of the eligibility statement stand
/// @notice The order of `PublicInputs` of the crate `circuits`; a test of the crate `verifier` compares each.
/// Clauses E1 to E12 are those of the statement: `docs/STATEMENTS.md`.
library Places {
    /// @notice The edition of the statement.
    uint8 internal constant EDITION = 2;
    /// @notice The chain and the contract: E10.
    uint256 internal constant CONTEXT = 0;
    /// @notice The root of the offices' tree: E4.
    uint256 internal constant STATE_ROOT = 1;
    /// @notice The day of the checkpoint: E5.
    uint256 internal constant AS_OF = 2;
    /// @notice The scheme: E12.
    uint256 internal constant SCHEME = 3;
    /// @notice Within what a person claims once: E10.
    uint256 internal constant SCOPE = 4;
    /// @notice The period: E5, E10.
    uint256 internal constant PERIOD = 5;
    /// @notice The day by which the credential must have been issued: E5.
    uint256 internal constant ISSUED_BY = 6;
    /// @notice The credential's schema: E2, E4.
    uint256 internal constant SCHEMA = 7;
    /// @notice Sixteen clauses of five inputs each: E7.
    uint256 internal constant CLAUSES = 8;
    /// @notice Four tiers of five inputs each: E8, E9.
    uint256 internal constant TIERS = 88;
    /// @notice The claim's nullifier: E10. All before it is shared.
    uint256 internal constant NULLIFIER = 108;
    /// @notice The claim's payout commitment: E11.
    uint256 internal constant PAYOUT_COMMITMENT = 109;
    /// @notice The hash of the claim's envelope: E11.
    uint256 internal constant ENVELOPE_HASH = 110;
}
