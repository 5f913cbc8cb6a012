// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// @title What the committee governs
/// @notice Behind a proxy; only the committee, by quorum and after its delay, upgrades. Neighbours
/// are immutables of the implementation, so that reading them costs nothing.
abstract contract Governed is Initializable, UUPSUpgradeable {
    /// @notice Only the committee may do this.
    error NotCommittee(address account);

    /// @notice The committee.
    address public immutable COMMITTEE;

    modifier onlyCommittee() {
        if (msg.sender != COMMITTEE) revert NotCommittee(msg.sender);
        _;
    }

    constructor(address committee) {
        COMMITTEE = committee;
        _disableInitializers();
    }

    /// @inheritdoc UUPSUpgradeable
    function _authorizeUpgrade(address) internal view override onlyCommittee {}
}
