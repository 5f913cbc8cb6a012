// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What the claims ask of the scopes
/// @notice Which claims exclude each other is decided by this, and what a period's rules are as public inputs.
interface IScopes {
    /// @notice Opens a period of a scheme within its scope.
    /// @param rules terms and policy
    /// @param edition the edition of statements in force
    /// @return scope the scope
    /// @return stands the edition of the scope's period: that of its first opening
    /// @return leaf terms and policy as one word
    /// @return inputs terms and policy as public inputs
    function open(bytes calldata rules, uint8 edition)
        external
        returns (uint256 scope, uint8 stands, bytes32 leaf, uint256[] memory inputs);
    /// @notice Reads the rules of a period that was opened.
    function read(bytes calldata rules, uint8 edition, uint256 scope)
        external
        pure
        returns (bytes32 leaf, uint256[] memory inputs);
    /// @notice An opening of a scope's period is sealed.
    function seal(uint256 scope, uint32 period) external;
    /// @notice Nullifiers of a scope's period are forgotten: it opens no more. Reverts before all of its openings
    /// are sealed.
    function prune(uint256 scope, uint32 period) external;
}
