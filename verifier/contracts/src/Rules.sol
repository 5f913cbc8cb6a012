// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Places} from "./Places.sol";

/// @title A scheme's rules as data, and as public inputs of the statement
/// @notice How a policy becomes the statement's public inputs, and the leaf that the committee approves.
library Rules {
    /// @notice lo <= slot <= hi, negated or not; `orNext` joins it with the next clause.
    struct Clause {
        uint8 slot;
        uint32 lo;
        uint32 hi;
        bool negate;
        bool orNext;
    }

    /// @notice The groups that a tier requires, and its amount: floor <= rate · slot <= cap.
    struct Tier {
        uint16 groups;
        uint32 rate;
        uint8 slot;
        uint32 floor;
        uint32 cap;
    }

    /// @notice A scheme's rules in one period.
    struct Policy {
        uint32 schema;
        Clause[16] clauses;
        Tier[4] tiers;
    }

    /// @notice The policy names a slot that does not exist, its last clause joins nothing, or a
    /// tier's floor is above its cap.
    error MalformedPolicy();

    uint256 internal constant SLOTS = 9;
    /// @notice Public inputs of scheme, period and policy.
    uint256 internal constant INPUTS = Places.NULLIFIER - Places.SCHEME;

    /// @notice Scheme, period and policy as public inputs, from `Places.SCHEME` on. Decoding has held every
    /// number to its type. E7 to E9 are proved of a policy: that it is one is required here.
    function inputs(uint256 scheme, uint32 period, Policy calldata policy)
        internal
        pure
        returns (uint256[] memory words)
    {
        words = new uint256[](INPUTS);
        (words[0], words[Places.PERIOD - Places.SCHEME], words[Places.SCHEMA - Places.SCHEME]) =
            (scheme, period, policy.schema);
        uint256 place = Places.CLAUSES - Places.SCHEME;
        for (uint256 i = 0; i < 16; i++) {
            Clause calldata clause = policy.clauses[i];
            if (clause.slot >= SLOTS || (i == 15 && clause.orNext)) revert MalformedPolicy();
            (words[place], words[place + 1], words[place + 2]) = (clause.slot, clause.lo, clause.hi);
            (words[place + 3], words[place + 4]) = (clause.negate ? 1 : 0, clause.orNext ? 1 : 0);
            place += 5;
        }
        // From `Places.TIERS` on.
        for (uint256 i = 0; i < 4; i++) {
            Tier calldata tier = policy.tiers[i];
            if (tier.slot >= SLOTS || tier.floor > tier.cap) revert MalformedPolicy();
            (words[place], words[place + 1], words[place + 2]) = (tier.groups, tier.rate, tier.slot);
            (words[place + 3], words[place + 4]) = (tier.floor, tier.cap);
            place += 5;
        }
    }

    /// @notice A policy of one scheme, period and window as one word.
    function leaf(uint256 scheme, uint32 period, uint32 window, Policy calldata policy)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(bytes.concat(keccak256(abi.encode(scheme, period, window, policy))));
    }

    /// @notice The leaf under which the committee approves a policy with the last day on which claims
    /// are taken. Hashed twice, as OpenZeppelin's trees are, so that no inner node passes for a leaf.
    function approvalLeaf(bytes32 policyLeaf, uint32 lastDay) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(policyLeaf, lastDay))));
    }

    /// @notice The first day, counted from 1900-01-01, of a period, which is the number of its first
    /// month counted from January 1900.
    /// @dev Leap years are counted up to the year before; 1900 was none.
    function firstDay(uint32 period) internal pure returns (uint256) {
        uint256 month = period % 12;
        uint256 year = 1900 + period / 12;
        uint256 before = year - 1;
        uint256 leapYears = before / 4 - before / 100 + before / 400 - 460;
        bool isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        uint256[12] memory daysBefore =
            [uint256(0), 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        uint256 inYear = daysBefore[month] + (isLeap && month > 1 ? 1 : 0);
        return (year - 1900) * 365 + leapYears + inYear;
    }
}
