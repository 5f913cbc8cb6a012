// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What a succession tells the claims
/// @notice A ledger that takes the place of another has its context and its spent nullifiers by this.
interface ISuccessor {
    /// @notice Takes over the context of an earlier ledger.
    function inheritContext(uint256 context) external;
    /// @notice Takes over nullifiers that an earlier ledger has spent.
    function importSpent(uint256[] calldata nullifiers) external;
    /// @notice How many openings there are.
    function openingCount() external view returns (uint256);
}
