// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What the offices tell the claims
/// @notice A state root reaches the claims by this.
interface ICheckpoints {
    /// @notice A state root to claim against from now on.
    /// @param graceless whether all earlier ones end at once
    function publishCheckpoint(uint256 stateRoot, uint32 asOf, bool graceless) external;
    /// @notice The number of checkpoints.
    function checkpointCount() external view returns (uint256);
    /// @notice The day of the latest checkpoint.
    function latestDay() external view returns (uint32);
}
