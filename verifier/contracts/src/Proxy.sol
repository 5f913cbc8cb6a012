// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

/// @title The address that stays
/// @notice OpenZeppelin's proxy; what it runs, the committee upgrades by quorum and delay.
contract Proxy is ERC1967Proxy {
    constructor(address implementation, bytes memory data) ERC1967Proxy(implementation, data) {}

    /// @dev Initialisation may be empty: participants' addresses are immutables.
    function _unsafeAllowUninitialized() internal pure override returns (bool) {
        return true;
    }
}
