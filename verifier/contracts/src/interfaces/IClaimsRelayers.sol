// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What the register of participants tells the claims
/// @notice An order reaches a relayer's claims by this.
interface IClaimsRelayers {
    /// @notice A relayer may bring claims from one time to another, both included.
    function setRelayer(address account, uint64 from, uint64 until) external;
}
