// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What the register of participants tells the offices
/// @notice An order reaches an office's credentials by this.
interface IOfficeRegistry {
    /// @notice Brings a participant's offices to its standing.
    function enforce(uint32 participant) external;
}
