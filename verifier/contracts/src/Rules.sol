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

    /// @notice What a policy is for.
    struct Terms {
        uint256 scheme;
        // The group of schemes of which a person claims one in a period; zero for none.
        uint256 group;
        // 1 a month, 2 a quarter, 3 a year, 4 once in a life.
        uint8 kind;
        uint32 period;
        // The month whose rules the policy is, and before which no claim is made.
        uint32 window;
        // The day by which a credential must have been issued, counted from 1900-01-01.
        uint32 issuedBy;
    }

    /// @notice The period does not begin where periods of its kind do, or its window is not its own.
    error MalformedPeriod();
    /// @notice The policy names a slot that does not exist, its last clause joins nothing, or a
    /// tier's floor is above its cap.
    error MalformedPolicy();

    uint256 internal constant SLOTS = 9;
    /// @notice Public inputs of scheme, scope, period and policy.
    uint256 internal constant INPUTS = Places.NULLIFIER - Places.SCHEME;
    uint8 internal constant ONCE = 4;

    /// @notice Terms and policy as public inputs, from `Places.SCHEME` on. Decoding has held every
    /// number to its type. E7 to E9 are proved of a policy: that it is one is required here.
    function inputs(Terms memory terms, uint256 scope, Policy memory policy)
        internal
        pure
        returns (uint256[] memory words)
    {
        words = new uint256[](INPUTS);
        (words[0], words[Places.SCOPE - Places.SCHEME]) = (terms.scheme, scope);
        (words[Places.PERIOD - Places.SCHEME], words[Places.ISSUED_BY - Places.SCHEME]) =
            (terms.period, terms.issuedBy);
        words[Places.SCHEMA - Places.SCHEME] = policy.schema;
        uint256 place = Places.CLAUSES - Places.SCHEME;
        for (uint256 i = 0; i < 16; i++) {
            Clause memory clause = policy.clauses[i];
            if (clause.slot >= SLOTS || (i == 15 && clause.orNext)) revert MalformedPolicy();
            (words[place], words[place + 1], words[place + 2]) = (clause.slot, clause.lo, clause.hi);
            (words[place + 3], words[place + 4]) = (clause.negate ? 1 : 0, clause.orNext ? 1 : 0);
            place += 5;
        }
        // From `Places.TIERS` on.
        for (uint256 i = 0; i < 4; i++) {
            Tier memory tier = policy.tiers[i];
            if (tier.slot >= SLOTS || tier.floor > tier.cap) revert MalformedPolicy();
            (words[place], words[place + 1], words[place + 2]) = (tier.groups, tier.rate, tier.slot);
            (words[place + 3], words[place + 4]) = (tier.floor, tier.cap);
            place += 5;
        }
    }

    /// @notice Reverts unless a period begins where periods of its kind do. Only what is claimed once has the
    /// period zero, and more windows than one.
    function requirePeriod(Terms memory terms) internal pure {
        bool isOnce = terms.kind == ONCE;
        if (
            terms.kind == 0 || terms.kind > ONCE || isOnce != (terms.period == 0)
                || terms.period % months(terms.kind) != 0 || (!isOnce && terms.window != terms.period)
        ) revert MalformedPeriod();
    }

    /// @notice The months of a period of a kind.
    function months(uint8 kind) internal pure returns (uint32) {
        return kind == 2 ? 3 : kind == 3 ? 12 : 1;
    }

    /// @notice Terms and policy of an edition as one word.
    function leaf(uint8 edition, Terms memory terms, Policy memory policy)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(bytes.concat(keccak256(abi.encode(edition, terms, policy))));
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
