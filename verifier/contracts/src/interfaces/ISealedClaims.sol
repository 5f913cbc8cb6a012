// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What the archives tell the claims
/// @notice A seal reaches its opening, and a pruned claim its nullifier, by this.
interface ISealedClaims {
    /// @notice Marks a closed opening as sealed under a root, for good.
    function sealOpening(uint32 opening, bytes32 root) external;
    /// @notice Forgets a nullifier that an opening spent. What is claimed once in a life is never
    /// forgotten.
    function forget(uint32 opening, uint256 nullifier) external;
    /// @notice Whether an opening is closed and not sealed yet.
    function isClosed(uint32 opening) external view returns (bool);
}
