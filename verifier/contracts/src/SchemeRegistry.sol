// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {ClaimVerifier} from "./ClaimVerifier.sol";
import {Governed} from "./Governed.sol";
import {Groth16Verifier} from "./Groth16Verifier.sol";
import {Participants} from "./Participants.sol";
import {Places} from "./Places.sol";
import {Rules} from "./Rules.sol";
import {ICheckpoints} from "./interfaces/ICheckpoints.sol";
import {IScopes} from "./interfaces/IScopes.sol";
import {ISuccessor} from "./interfaces/ISuccessor.sol";

/// @title Schemes, their periods, and the state's checkpoints
/// @notice What claims share is folded into curve points here, from typed values: nobody can store an
/// arbitrary point. An opening is a scheme's period under its rules; a lane is an opening against one
/// checkpoint, made by the first claim on it, and gone with the opening's end.
abstract contract SchemeRegistry is ClaimVerifier, Governed, ICheckpoints, ISuccessor {
    /// @notice Where an opening stands.
    enum Stage {
        None,
        Open,
        Suspended,
        Closed,
        Sealed
    }

    /// @notice A scheme's period that takes, or took, claims.
    struct Opening {
        uint256 scheme;
        uint256 scope;
        uint32 period;
        uint32 window;
        uint32 department;
        Stage stage;
        uint8 edition;
        bytes32 policyLeaf;
    }

    /// @notice What a lane is found by, within an opening.
    struct LaneKey {
        address verifier;
        uint32 checkpoint;
    }

    /// @notice A state root that claims are made against.
    struct Checkpoint {
        uint256 stateRoot;
        uint32 asOf;
        uint64 replacedAt;
    }

    /// @notice What every claim reads, in one word.
    struct Gate {
        uint32 checkpoints;
        uint32 oldestGood;
        bool paused;
        // Another ledger takes the place of this one: claims stay paused for good.
        bool ended;
    }

    /// @notice The account may not do this.
    error NotPermitted(address account);
    /// @notice The committee has not approved these rules for this scheme, period and window.
    error RulesNotApproved(uint256 scheme, uint32 period, uint32 window);
    /// @notice The scheme's period was opened before; its rules stand.
    error PeriodAlreadyOpen(uint256 scheme, uint32 period, uint32 window);
    /// @notice The opening takes no claims: it is unknown, suspended, closed or sealed.
    error PeriodNotOpen(uint32 opening);
    /// @notice The opening's last day is over: it takes no claims any more.
    error PeriodOver(uint32 opening, uint32 lastDay);
    /// @notice The last day is over already, or no later than the one that stands.
    error LastDayTooEarly(uint32 lastDay);
    /// @notice The opening does not stand where this can be done.
    error WrongStage(uint32 opening, Stage stage);
    /// @notice There is no such checkpoint, or it was replaced longer ago than the grace time.
    error CheckpointNotGood(uint32 checkpoint);
    /// @notice The checkpoint's day lies before the period's first: a credential that was replaced
    /// in between could claim twice.
    error PeriodNotBegun(uint32 window, uint32 asOf);
    /// @notice The contract runs on another chain than it was deployed on.
    error WrongChain(uint256 chain);
    /// @notice A member of the committee has paused claims.
    error Paused();
    /// @notice The ledger has ended: another takes its place.
    error LedgerEnded();
    /// @notice A grace time is a month at most.
    error GraceTooLong();
    /// @notice The key is unknown, its overlap is over, or it is of another edition than the opening.
    error KeyNotGood(address verifier);

    /// @notice The committee approved rules of a scheme: the root over their leaves.
    event RulesAdopted(uint256 indexed scheme, uint32 department, bytes32 root);
    /// @notice A scheme's period takes claims.
    event PeriodOpened(
        uint32 indexed opening,
        uint256 indexed scheme,
        uint256 indexed scope,
        uint32 period,
        uint32 window,
        uint8 edition,
        bytes32 policyLeaf
    );
    /// @notice An opening takes claims until the end of a day in India.
    event LastDaySet(uint32 indexed opening, uint32 lastDay);
    /// @notice An opening was suspended, resumed, closed or sealed.
    event StageChanged(uint32 indexed opening, Stage stage, bytes32 reason);
    /// @notice A new state root stands; the one before is good for the grace time, unless graceless.
    event CheckpointPublished(uint32 indexed checkpoint, uint256 stateRoot, uint32 asOf, bool graceless);
    /// @notice Claims are paused, or taken again.
    event PauseChanged(bool paused);
    /// @notice Claims are never taken again: another ledger takes the place of this one.
    event Ended();
    /// @notice Proofs under an older key are taken until a time.
    event KeyRetires(address indexed verifier, uint8 edition, uint64 until);
    /// @notice The grace time is another.
    event GraceChanged(uint64 grace);

    // As `Participants` names them, without a call.
    bytes32 internal constant AGENCY = "agency";
    bytes32 internal constant AUDITOR = "auditor";
    bytes32 private constant DEPARTMENT = "department";
    /// @dev By how many seconds Indian standard time is ahead of UTC, and days before 1970.
    uint256 private constant INDIA = 19_800;
    uint256 private constant DAYS_BEFORE_EPOCH = 25_567;
    /// @dev A policy's one encoded length: its schema, sixteen clauses and four tiers of five words each.
    uint256 private constant POLICY_BYTES = 0xca0;

    /// @notice The chain that this is for.
    uint256 public immutable CHAIN;
    /// @notice Who takes part.
    Participants public immutable PARTICIPANTS;
    /// @notice Where checkpoints come from.
    address public immutable OFFICES;
    /// @notice Within what a person claims once.
    IScopes public immutable SCOPES;
    /// @notice The edition of statements that the current key is for.
    uint8 public immutable EDITION;

    /// @notice How many checkpoints there are, the oldest that can be good, whether claims are paused, and whether
    /// the ledger has ended.
    Gate public gate;
    /// @notice Seconds for which a replaced checkpoint stays good, from its replacement on.
    uint64 public grace;
    Checkpoint[] private checkpoints;
    Opening[] private openings;
    /// @dev The checkpoints of an opening's lanes, with the verifier each was folded for.
    mapping(uint32 opening => LaneKey[]) private laneKeys;
    /// @notice The number of a scheme's opening, one more; 0 for none.
    mapping(uint256 scheme => mapping(uint32 period => mapping(uint32 window => uint32))) public openingOf;
    /// @notice The root over the rules that the committee approved last for a scheme.
    mapping(uint256 scheme => bytes32) public rulesOf;
    /// @notice The department that a scheme belongs to.
    mapping(uint256 scheme => uint32) public departmentOf;
    /// @notice Until when proofs under an older key are taken.
    mapping(address verifier => uint64) public retires;
    /// @dev The key of an earlier edition, under which what was opened under it goes on.
    mapping(uint8 edition => address verifier) private verifierOf;
    /// @notice The last day on which an opening takes claims, counted from 1900-01-01; 0 for none.
    mapping(uint32 opening => uint32) public lastDayOf;
    /// @dev The context of the ledger whose place this one takes; zero if it takes no other's.
    uint256 private inheritedContext;
    /// @dev The constant, the context, scheme, period and policy as one point, by verifier.
    mapping(address verifier => mapping(uint32 opening => uint256[2])) private folds;
    /// @dev All shared inputs as one point.
    mapping(address verifier => mapping(uint256 lane => uint256[2])) internal lanes;

    constructor(
        Groth16Verifier verifier,
        address committee,
        address participants,
        address offices,
        address scopes
    ) ClaimVerifier(verifier) Governed(committee) {
        uint256 expected = Places.SCHEME + Rules.INPUTS;
        if (SHARED != expected) revert Groth16Verifier.WrongInputCount(SHARED, expected);
        CHAIN = block.chainid;
        PARTICIPANTS = Participants(participants);
        OFFICES = offices;
        SCOPES = IScopes(scopes);
        EDITION = verifier.EDITION();
    }

    /// @notice Begins the ledger.
    /// @param grace_ seconds for which a replaced checkpoint stays good
    function initialize(uint64 grace_) external initializer {
        _setGrace(grace_);
    }

    // ---- what the committee decides

    /// @notice Approves rules of a scheme. Periods that are open keep theirs.
    /// @param department whose scheme it is
    /// @param root the Merkle root over the leaves of edition, terms and policy
    function adoptRules(uint256 scheme, uint32 department, bytes32 root) external onlyCommittee {
        rulesOf[scheme] = root;
        departmentOf[scheme] = department;
        emit RulesAdopted(scheme, department, root);
    }

    /// @notice Takes proofs under an older key until a time; part of an upgrade to a new one.
    /// The last key of another edition that is still taken is the one under which that edition goes on.
    function retireKey(address verifier, uint64 until) external onlyCommittee {
        retires[verifier] = until;
        uint8 edition = Groth16Verifier(verifier).EDITION();
        if (edition != EDITION && until > block.timestamp) verifierOf[edition] = verifier;
        emit KeyRetires(verifier, edition, until);
    }

    /// @notice Sets the grace time, to a month at most.
    function setGrace(uint64 grace_) external onlyCommittee {
        _setGrace(grace_);
    }

    /// @notice Takes no claims until resumed. A member of the committee has it done at once.
    function pause() external onlyCommittee {
        gate.paused = true;
        emit PauseChanged(true);
    }

    /// @notice Takes claims again.
    function resume() external onlyCommittee {
        if (gate.ended) revert LedgerEnded();
        gate.paused = false;
        emit PauseChanged(false);
    }

    /// @notice Takes no claims ever again, so that another ledger can take the place of this one.
    function end() external onlyCommittee {
        (gate.paused, gate.ended) = (true, true);
        emit Ended();
    }

    // ---- openings

    /// @notice Opens a scheme's period under approved rules: its department or the agency.
    /// A benefit claimed once in a life has one period, which is open in every month under that month's rules.
    /// @param terms what the policy is for
    /// @param lastDay the last day on which claims are taken, approved with the rules
    /// @param approval the Merkle path of the rules and their last day to the approved root
    function openPeriod(
        Rules.Terms calldata terms,
        Rules.Policy calldata policy,
        uint32 lastDay,
        bytes32[] calldata approval
    ) external returns (uint32 opening) {
        (uint256 scheme, uint32 period, uint32 window) = (terms.scheme, terms.period, terms.window);
        _requireKeeper(departmentOf[scheme]);
        if (openingOf[scheme][period][window] != 0) revert PeriodAlreadyOpen(scheme, period, window);
        opening = uint32(openings.length);
        Opening storage made = openings.push();
        (made.scheme, made.period, made.window) = (scheme, period, window);
        (made.department, made.stage) = (departmentOf[scheme], Stage.Open);
        uint256[] memory inputs;
        (made.scope, made.edition, made.policyLeaf, inputs) =
            SCOPES.open(_encoded(terms, policy), EDITION);
        openingOf[scheme][period][window] = opening + 1;
        emit PeriodOpened(
            opening, scheme, made.scope, period, window, made.edition, made.policyLeaf
        );
        _setLastDay(opening, lastDay, approval);
        _fold(opening, inputs);
    }

    /// @notice Takes claims until a later day, over or not, for those who could not claim in time: its
    /// department or the agency. The committee has approved the rules with that day.
    function extendPeriod(uint32 opening, uint32 lastDay, bytes32[] calldata approval) external {
        Opening storage open = _opening(opening);
        _requireKeeper(open.department);
        if (open.stage != Stage.Open) revert WrongStage(opening, open.stage);
        _setLastDay(opening, lastDay, approval);
    }

    /// @notice Folds an opening under the newest key of its edition, after an upgrade to it. Anyone may: terms
    /// and policy must be those that it was opened with.
    function refold(Rules.Terms calldata terms, Rules.Policy calldata policy, uint32 opening)
        external
    {
        Opening storage open = _opening(opening);
        (bytes32 leaf, uint256[] memory inputs) =
            SCOPES.read(_encoded(terms, policy), open.edition, open.scope);
        if (leaf != open.policyLeaf) {
            revert RulesNotApproved(open.scheme, open.period, open.window);
        }
        _fold(opening, inputs);
    }

    /// @notice Takes no claims for an opening for now.
    function suspendOpening(uint32 opening, bytes32 reason) external {
        _move(opening, Stage.Open, Stage.Suspended, reason);
    }

    /// @notice Takes claims for an opening again.
    function resumeOpening(uint32 opening, bytes32 reason) external {
        _move(opening, Stage.Suspended, Stage.Open, reason);
    }

    /// @notice Ends an opening for good, open or suspended.
    function closeOpening(uint32 opening, bytes32 reason) external {
        bool suspended = _opening(opening).stage == Stage.Suspended;
        _move(opening, suspended ? Stage.Suspended : Stage.Open, Stage.Closed, reason);
    }

    /// @inheritdoc ISuccessor
    function inheritContext(uint256 context_) external {
        _requireScopes();
        inheritedContext = context_;
    }

    // ---- checkpoints

    /// @inheritdoc ICheckpoints
    function publishCheckpoint(uint256 root, uint32 asOf, bool graceless) external {
        if (msg.sender != OFFICES) revert NotPermitted(msg.sender);
        uint32 number = uint32(checkpoints.length);
        if (number > 0) checkpoints[number - 1].replacedAt = uint64(block.timestamp);
        checkpoints.push(Checkpoint(root, asOf, 0));
        gate.checkpoints = number + 1;
        if (graceless) gate.oldestGood = number;
        emit CheckpointPublished(number, root, asOf, graceless);
    }

    /// @inheritdoc ICheckpoints
    function checkpointCount() external view returns (uint256) {
        return checkpoints.length;
    }

    /// @inheritdoc ICheckpoints
    function latestDay() external view returns (uint32) {
        uint256 count = checkpoints.length;
        return count == 0 ? 0 : checkpoints[count - 1].asOf;
    }

    // ---- views

    /// @notice What binds a proof to this contract on this chain, or to the ledger whose place it takes.
    function context() public view returns (uint256) {
        if (block.chainid != CHAIN) revert WrongChain(block.chainid);
        if (inheritedContext != 0) return inheritedContext;
        return uint256(keccak256(abi.encodePacked("praman.context.1", CHAIN, address(this)))) >> 8;
    }

    /// @notice A checkpoint.
    function checkpointAt(uint32 checkpoint) external view returns (Checkpoint memory) {
        return checkpoints[checkpoint];
    }

    /// @inheritdoc ISuccessor
    function openingCount() external view returns (uint256) {
        return openings.length;
    }

    /// @notice An opening.
    function openingAt(uint32 opening) external view returns (Opening memory) {
        return openings[opening];
    }

    // ---- within

    /// @dev Reverts unless claims can be made now against a checkpoint.
    function _requireGate(uint32 checkpoint) internal view {
        if (block.chainid != CHAIN) revert WrongChain(block.chainid);
        Gate memory now_ = gate;
        if (now_.paused) revert Paused();
        if (checkpoint + 1 == now_.checkpoints) return;
        if (checkpoint >= now_.checkpoints || checkpoint < now_.oldestGood) {
            revert CheckpointNotGood(checkpoint);
        }
        if (block.timestamp >= checkpoints[checkpoint].replacedAt + grace) {
            revert CheckpointNotGood(checkpoint);
        }
    }

    /// @dev All shared inputs of a claim as one point, folded by the first who asks.
    function _lane(address verifier, uint32 opening, uint32 checkpoint)
        internal
        returns (uint256 x, uint256 y)
    {
        uint32 lastDay = lastDayOf[opening];
        if (lastDay != 0 && _today() > lastDay) revert PeriodOver(opening, lastDay);
        uint256[2] storage lane = lanes[verifier][uint256(opening) << 32 | checkpoint];
        (x, y) = (lane[0], lane[1]);
        if (x | y != 0) return (x, y);
        if (opening >= openings.length) revert PeriodNotOpen(opening);
        Opening storage open = openings[opening];
        if (open.stage != Stage.Open) revert PeriodNotOpen(opening);
        Checkpoint storage known = checkpoints[checkpoint];
        // E5 proves no more than that the credential holds on the checkpoint's day: it must lie in the period.
        if (known.asOf < Rules.firstDay(open.window)) revert PeriodNotBegun(open.window, known.asOf);
        uint256[2] memory fold = folds[verifier][opening];
        if (fold[0] | fold[1] == 0) revert KeyNotGood(verifier);
        // E4 and E5 are proved of this root and this day: a good checkpoint's.
        uint256[] memory inputs = new uint256[](2);
        (inputs[0], inputs[Places.AS_OF - Places.STATE_ROOT]) = (known.stateRoot, known.asOf);
        fold = Groth16Verifier(verifier).fold(fold, Places.STATE_ROOT, inputs);
        (x, y) = (fold[0], fold[1]);
        (lane[0], lane[1]) = (x, y);
        laneKeys[opening].push(LaneKey(verifier, checkpoint));
    }

    function _opening(uint32 opening) internal view returns (Opening storage) {
        if (opening >= openings.length) revert PeriodNotOpen(opening);
        return openings[opening];
    }

    /// @dev Moves an opening to another stage and drops its lanes; its department or the agency.
    function _move(uint32 opening, Stage from, Stage to, bytes32 reason) internal {
        Opening storage moved = _opening(opening);
        _requireKeeper(moved.department);
        if (moved.stage != from) revert WrongStage(opening, moved.stage);
        _setStage(opening, to, reason);
    }

    function _setStage(uint32 opening, Stage to, bytes32 reason) internal {
        openings[opening].stage = to;
        LaneKey[] storage keys = laneKeys[opening];
        for (uint256 i = 0; i < keys.length; i++) {
            LaneKey memory key = keys[i];
            delete lanes[key.verifier][uint256(opening) << 32 | key.checkpoint];
        }
        delete laneKeys[opening];
        emit StageChanged(opening, to, reason);
    }

    /// @dev What an opening's claims are proved of: E12's scheme, E10's context, scope and period, E5's day of
    /// issue, and the policy of E7 to E9 that the committee has approved.
    function _fold(uint32 opening, uint256[] memory inputs) private {
        uint8 edition = openings[opening].edition;
        Groth16Verifier verifier =
            edition == EDITION ? VERIFIER : Groth16Verifier(verifierOf[edition]);
        if (address(verifier) == address(0)) revert KeyNotGood(address(0));
        uint256[] memory context_ = new uint256[](1);
        context_[0] = context();
        uint256[2] memory part =
            verifier.fold(verifier.constantPoint(), Places.CONTEXT, context_);
        folds[address(verifier)][opening] = verifier.fold(part, Places.SCHEME, inputs);
    }

    /// @dev Terms and policy as they came: both have one length, and one follows the other.
    function _encoded(Rules.Terms calldata terms, Rules.Policy calldata policy)
        private
        pure
        returns (bytes calldata rules)
    {
        assembly ("memory-safe") {
            rules.offset := terms
            rules.length := sub(add(policy, POLICY_BYTES), terms)
        }
    }

    function _requireScopes() internal view {
        if (msg.sender != address(SCOPES)) revert NotPermitted(msg.sender);
    }

    /// @dev Sets an opening's last day, to a later one than stood, if the committee has approved it.
    function _setLastDay(uint32 opening, uint32 lastDay, bytes32[] calldata approval) private {
        Opening storage open = openings[opening];
        if (lastDay <= lastDayOf[opening] || lastDay < _today()) revert LastDayTooEarly(lastDay);
        bytes32 root = rulesOf[open.scheme];
        bytes32 leaf = Rules.approvalLeaf(open.policyLeaf, lastDay);
        if (root == 0 || !MerkleProof.verifyCalldata(approval, root, leaf)) {
            revert RulesNotApproved(open.scheme, open.period, open.window);
        }
        lastDayOf[opening] = lastDay;
        emit LastDaySet(opening, lastDay);
    }

    /// @dev Today in India, counted from 1900-01-01.
    function _today() private view returns (uint256) {
        return (block.timestamp + INDIA) / 1 days + DAYS_BEFORE_EPOCH;
    }

    function _setGrace(uint64 grace_) private {
        if (grace_ > 30 days) revert GraceTooLong();
        grace = grace_;
        emit GraceChanged(grace_);
    }

    /// @dev The agency, or a scheme's department.
    function _requireKeeper(uint32 department) private view {
        if (_has(AGENCY)) return;
        if (
            department == 0 || !_has(DEPARTMENT)
                || PARTICIPANTS.participantOf(DEPARTMENT, msg.sender) != department
        ) revert NotPermitted(msg.sender);
    }

    /// @dev Whether the sender may act in a role now.
    function _has(bytes32 role) internal view returns (bool) {
        return PARTICIPANTS.hasRole(role, msg.sender);
    }
}
