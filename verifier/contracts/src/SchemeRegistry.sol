// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Groth16Verifier} from "./Groth16Verifier.sol";

/// @title Schemes, their periods and the state's checkpoints
/// @notice What claims share is folded into curve points here, once, from typed values: nobody can
/// store an arbitrary point.
abstract contract SchemeRegistry {
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

    struct Checkpoint {
        uint256[2] folded;
        uint64 replacedAt;
        uint32 asOf;
    }

    /// @notice Only the administrator may do this.
    error NotAdministrator();
    /// @notice The scheme's period was opened before; its rules stand.
    error PeriodAlreadyOpen(uint256 scheme, uint32 period, uint32 window);
    /// @notice The scheme's period was not opened.
    error PeriodNotOpen(uint256 scheme, uint32 period, uint32 window);
    /// @notice The policy names a slot that does not exist, or its last clause joins nothing.
    error MalformedPolicy();
    /// @notice There is no such checkpoint, or it was replaced longer ago than the grace time.
    error CheckpointNotGood(uint256 checkpoint);
    /// @notice The checkpoint's day lies before the period's first: a credential that was replaced
    /// in between could claim twice.
    error PeriodNotBegun(uint32 window, uint32 asOf);
    /// @notice The day lies in the future.
    error DayInFuture(uint32 day);
    /// @notice The contract runs on another chain than it was deployed on.
    error WrongChain(uint256 chain);

    /// @notice A scheme's period takes claims.
    event PeriodOpened(uint256 indexed scheme, uint32 indexed period, uint32 window);
    /// @notice A new state root stands; the one before is good for the grace time.
    event CheckpointPublished(uint256 indexed checkpoint, uint256 stateRoot, uint32 asOf);

    uint256 private constant SLOTS = 9;
    /// @dev Days from 1900-01-01 to 1970-01-01.
    uint256 private constant DAYS_BEFORE_EPOCH = 25567;
    // Places of the shared inputs: 0 context, 1 state root, 2 as-of day, 3 scheme, 4 period,
    // 5 schema, then the clauses and the tiers.
    uint256 private constant AT_CONTEXT = 0;
    uint256 private constant AT_CHECKPOINT = 1;
    uint256 private constant AT_SCHEME = 3;
    uint256 private constant POLICY_INPUTS = 3 + 16 * 5 + 4 * 5;

    Groth16Verifier public immutable VERIFIER;
    address public immutable ADMINISTRATOR;
    uint256 public immutable CHAIN;
    /// @notice Seconds for which a replaced checkpoint stays good, from its replacement on.
    uint64 public immutable GRACE;

    Checkpoint[] private checkpoints;
    mapping(uint256 scheme => mapping(uint32 period => mapping(uint32 window => uint256[2])))
        private periods;

    constructor(Groth16Verifier verifier, address administrator, uint64 grace) {
        if (verifier.SHARED_INPUTS() != AT_SCHEME + POLICY_INPUTS) {
            revert Groth16Verifier.WrongInputCount(
                verifier.SHARED_INPUTS(), AT_SCHEME + POLICY_INPUTS
            );
        }
        VERIFIER = verifier;
        ADMINISTRATOR = administrator;
        CHAIN = block.chainid;
        GRACE = grace;
    }

    modifier onlyAdministrator() {
        if (msg.sender != ADMINISTRATOR) revert NotAdministrator();
        _;
    }

    /// @notice What binds a proof to this contract on this chain.
    function context() public view returns (uint256) {
        if (block.chainid != CHAIN) revert WrongChain(block.chainid);
        return uint256(keccak256(abi.encodePacked("praman.context.1", CHAIN, address(this)))) >> 8;
    }

    /// @notice Opens a scheme's period under a policy, for good.
    /// @param window the month whose rules the policy is, and before which no claim is made: the
    /// period's first, but for a benefit claimed once in a life, whose one period is open in every
    /// month under that month's rules
    function openPeriod(uint256 scheme, uint32 period, uint32 window, Policy calldata policy)
        external
        onlyAdministrator
    {
        // Only what is claimed once has more windows than one.
        if (period != 0 && window != period) revert MalformedPolicy();
        uint256[2] storage point = periods[scheme][period][window];
        if ((point[0] | point[1]) != 0) revert PeriodAlreadyOpen(scheme, period, window);
        uint256[] memory context_ = new uint256[](1);
        context_[0] = context();
        uint256[2] memory sum =
            VERIFIER.add(VERIFIER.constantPoint(), VERIFIER.fold(AT_CONTEXT, context_));
        sum = VERIFIER.add(sum, VERIFIER.fold(AT_SCHEME, _inputs(scheme, period, policy)));
        periods[scheme][period][window] = sum;
        emit PeriodOpened(scheme, period, window);
    }

    /// @notice Publishes the state root that claims are made against from now on.
    /// @param stateRoot the root of the state tree
    /// @param asOf the day on which credentials must be valid, counted from 1900-01-01
    function publishCheckpoint(uint256 stateRoot, uint32 asOf) external onlyAdministrator {
        // A day of grace for time zones east of the chain's clock.
        if (asOf > block.timestamp / 1 days + DAYS_BEFORE_EPOCH + 1) revert DayInFuture(asOf);
        uint256[] memory inputs = new uint256[](2);
        (inputs[0], inputs[1]) = (stateRoot, asOf);
        uint256 number = checkpoints.length;
        if (number > 0) checkpoints[number - 1].replacedAt = uint64(block.timestamp);
        checkpoints.push(Checkpoint(VERIFIER.fold(AT_CHECKPOINT, inputs), 0, asOf));
        emit CheckpointPublished(number, stateRoot, asOf);
    }

    /// @notice How many checkpoints were published; the last one is current.
    function checkpointCount() external view returns (uint256) {
        return checkpoints.length;
    }

    /// @notice Whether a scheme's period takes claims.
    function isOpen(uint256 scheme, uint32 period, uint32 window) external view returns (bool) {
        uint256[2] storage point = periods[scheme][period][window];
        return (point[0] | point[1]) != 0;
    }

    /// @dev The constant and all shared inputs of a claim as one point.
    function _shared(uint256 scheme, uint32 period, uint32 window, uint256 checkpoint)
        internal
        view
        returns (uint256[2] memory)
    {
        if (block.chainid != CHAIN) revert WrongChain(block.chainid);
        uint256[2] memory point = periods[scheme][period][window];
        if ((point[0] | point[1]) == 0) revert PeriodNotOpen(scheme, period, window);
        if (checkpoint >= checkpoints.length) revert CheckpointNotGood(checkpoint);
        Checkpoint storage known = checkpoints[checkpoint];
        if (known.replacedAt != 0 && block.timestamp >= known.replacedAt + GRACE) {
            revert CheckpointNotGood(checkpoint);
        }
        if (known.asOf < firstDay(window)) revert PeriodNotBegun(window, known.asOf);
        return VERIFIER.add(point, known.folded);
    }

    /// @notice The first day, counted from 1900-01-01, of a period, which is the number of its first
    /// month counted from January 1900.
    /// @dev Leap years are counted up to the year before; 1900 was none.
    function firstDay(uint32 period) public pure returns (uint256) {
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

    /// @dev Scheme, period and policy as public inputs. Decoding has held every number to its type.
    function _inputs(uint256 scheme, uint32 period, Policy calldata policy)
        private
        pure
        returns (uint256[] memory inputs)
    {
        inputs = new uint256[](POLICY_INPUTS);
        (inputs[0], inputs[1], inputs[2]) = (scheme, period, policy.schema);
        uint256 place = 3;
        for (uint256 i = 0; i < 16; i++) {
            Clause calldata clause = policy.clauses[i];
            if (clause.slot >= SLOTS || (i == 15 && clause.orNext)) revert MalformedPolicy();
            (inputs[place], inputs[place + 1], inputs[place + 2]) = (clause.slot, clause.lo, clause.hi);
            (inputs[place + 3], inputs[place + 4]) = (clause.negate ? 1 : 0, clause.orNext ? 1 : 0);
            place += 5;
        }
        for (uint256 i = 0; i < 4; i++) {
            Tier calldata tier = policy.tiers[i];
            if (tier.slot >= SLOTS || tier.floor > tier.cap) revert MalformedPolicy();
            (inputs[place], inputs[place + 1], inputs[place + 2]) = (tier.groups, tier.rate, tier.slot);
            (inputs[place + 3], inputs[place + 4]) = (tier.floor, tier.cap);
            place += 5;
        }
    }
}
