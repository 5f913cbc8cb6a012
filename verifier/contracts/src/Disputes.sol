// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claims} from "./Claims.sol";
import {Governed} from "./Governed.sol";
import {Participants} from "./Participants.sol";

/// @title Disputes over accepted claims
/// @notice A claim is frozen before payment, evidence is added, it is decided once and appealed once;
/// what is not decided in time is paid. The treasury pays no claim that is frozen or refused.
contract Disputes is Governed {
    /// @notice What comes of a claim.
    enum Outcome {
        None,
        Pay,
        Refuse,
        Recover
    }

    /// @notice Where a case stands.
    enum Stage {
        None,
        Frozen,
        Decided,
        Appealed,
        Settled
    }

    /// @notice A case.
    struct Case {
        Stage stage;
        Outcome outcome;
        uint64 deadline;
        uint32 evidence;
        bytes32 reason;
    }

    /// @notice The account may not do this.
    error NotPermitted(address account);
    /// @notice The case does not stand where this can be done, or its time has passed or not come.
    error WrongStage(uint256 nullifier, Stage stage);
    /// @notice No claim with this nullifier was accepted.
    error NoSuchClaim(uint256 nullifier);
    /// @notice A decision has an outcome.
    error NoOutcome();

    /// @notice A claim must not be paid for now.
    event Frozen(uint256 indexed nullifier, bytes32 reason, uint64 decideBy);
    /// @notice A paper was added to a case, by its hash.
    event EvidenceAdded(uint256 indexed nullifier, bytes32 evidence, address by);
    /// @notice A case was decided; it can be appealed against until a time.
    event Decided(uint256 indexed nullifier, Outcome outcome, bytes32 reason, uint64 appealBy);
    /// @notice A decision was appealed against.
    event Appealed(uint256 indexed nullifier, bytes32 evidence, uint64 decideBy);
    /// @notice A case is over: pay, do not pay, or recover what was paid.
    event Settled(uint256 indexed nullifier, Outcome outcome);

    /// @notice How long the first decision and that on an appeal may take.
    uint64 public constant DECISION_TIME = 30 days;
    /// @notice How long a decision can be appealed against.
    uint64 public constant APPEAL_TIME = 15 days;

    /// @notice Where claims are accepted.
    Claims public immutable CLAIMS;
    /// @notice Who takes part.
    Participants public immutable PARTICIPANTS;

    mapping(uint256 nullifier => Case) private cases;
    mapping(uint256 nullifier => address) private frozenBy;
    /// @notice How many claims of an opening were ever frozen: a treasury that works out which of them may be paid knows
    /// by it that none was frozen meanwhile.
    mapping(uint32 opening => uint64) public freezesOf;

    constructor(address committee, address participants, address claims) Governed(committee) {
        PARTICIPANTS = Participants(participants);
        CLAIMS = Claims(claims);
    }

    /// @notice Freezes an accepted claim: an auditor, the agency, or the department of its scheme.
    function freeze(uint256 nullifier, bytes32 reason) external {
        _freeze(nullifier, reason);
    }

    /// @notice Freezes many claims, or none of them.
    function freezeAll(uint256[] calldata nullifiers, bytes32 reason) external {
        for (uint256 i = 0; i < nullifiers.length; i++) {
            _freeze(nullifiers[i], reason);
        }
    }

    /// @notice Adds the hash of a paper: any party, and a relayer for the claimant.
    function addEvidence(uint256 nullifier, bytes32 evidence) external {
        if (!_isParty() && !_has(PARTICIPANTS.RELAYER())) revert NotPermitted(msg.sender);
        Case storage open = cases[nullifier];
        if (open.stage != Stage.Frozen && open.stage != Stage.Appealed) {
            revert WrongStage(nullifier, open.stage);
        }
        open.evidence++;
        emit EvidenceAdded(nullifier, evidence, msg.sender);
    }

    /// @notice Decides a case, in time; the agency.
    function decide(uint256 nullifier, Outcome outcome, bytes32 reason) external {
        _decide(nullifier, outcome, reason);
    }

    /// @notice Decides many cases alike, or none of them.
    function decideAll(uint256[] calldata nullifiers, Outcome outcome, bytes32 reason) external {
        for (uint256 i = 0; i < nullifiers.length; i++) {
            _decide(nullifiers[i], outcome, reason);
        }
    }

    /// @notice Ends a case at once in which the agency has decided that the claim is paid: who froze it
    /// agrees, and has nothing to appeal against.
    function accept(uint256 nullifier) external {
        _accept(nullifier);
    }

    /// @notice Agrees to many decisions, or to none of them.
    function acceptAll(uint256[] calldata nullifiers) external {
        for (uint256 i = 0; i < nullifiers.length; i++) {
            _accept(nullifiers[i]);
        }
    }

    /// @notice Appeals against a decision, in time: any party, and a relayer for the claimant.
    function appeal(uint256 nullifier, bytes32 evidence) external {
        if (!_isParty() && !_has(PARTICIPANTS.RELAYER())) revert NotPermitted(msg.sender);
        Case storage appealed = _in(nullifier, Stage.Decided);
        if (block.timestamp > appealed.deadline) revert WrongStage(nullifier, appealed.stage);
        uint64 decideBy = uint64(block.timestamp) + DECISION_TIME;
        (appealed.stage, appealed.deadline) = (Stage.Appealed, decideBy);
        emit Appealed(nullifier, evidence, decideBy);
    }

    /// @notice Decides an appeal, for good; the committee.
    function decideAppeal(uint256 nullifier, Outcome outcome, bytes32 reason) external onlyCommittee {
        if (outcome == Outcome.None) revert NoOutcome();
        Case storage decided = _in(nullifier, Stage.Appealed);
        decided.outcome = outcome;
        emit Decided(nullifier, outcome, reason, uint64(block.timestamp));
        _settle(nullifier, decided);
    }

    /// @notice Ends a case whose time has passed; anyone. A claim that was not decided is paid; a
    /// decision that was not appealed against, or whose appeal was not decided, stands.
    function settle(uint256 nullifier) external {
        _end(nullifier);
    }

    /// @notice Ends many cases, or none of them.
    function settleAll(uint256[] calldata nullifiers) external {
        for (uint256 i = 0; i < nullifiers.length; i++) {
            _end(nullifiers[i]);
        }
    }

    /// @notice A case.
    function caseOf(uint256 nullifier) external view returns (Case memory) {
        return cases[nullifier];
    }

    /// @notice Whether a claim may be paid now.
    function mayBePaid(uint256 nullifier) external view returns (bool) {
        Case storage found = cases[nullifier];
        if (found.stage == Stage.None) return true;
        return found.stage == Stage.Settled && found.outcome == Outcome.Pay;
    }

    function _freeze(uint256 nullifier, bytes32 reason) private {
        if (!_isParty()) revert NotPermitted(msg.sender);
        uint256 spentBy = CLAIMS.spentBy(nullifier);
        // What an earlier ledger accepted is none of this one's claims.
        if (spentBy == 0 || spentBy > type(uint32).max) revert NoSuchClaim(nullifier);
        if (!_isOfClaim(uint32(spentBy - 1))) revert NotPermitted(msg.sender);
        Case storage frozen = _in(nullifier, Stage.None);
        uint64 decideBy = uint64(block.timestamp) + DECISION_TIME;
        (frozen.stage, frozen.deadline, frozen.reason) = (Stage.Frozen, decideBy, reason);
        frozenBy[nullifier] = msg.sender;
        freezesOf[uint32(spentBy - 1)]++;
        emit Frozen(nullifier, reason, decideBy);
    }

    function _decide(uint256 nullifier, Outcome outcome, bytes32 reason) private {
        if (!_has(PARTICIPANTS.AGENCY())) revert NotPermitted(msg.sender);
        if (outcome == Outcome.None) revert NoOutcome();
        Case storage decided = _in(nullifier, Stage.Frozen);
        if (block.timestamp > decided.deadline) revert WrongStage(nullifier, decided.stage);
        uint64 appealBy = uint64(block.timestamp) + APPEAL_TIME;
        (decided.stage, decided.outcome, decided.deadline) = (Stage.Decided, outcome, appealBy);
        emit Decided(nullifier, outcome, reason, appealBy);
    }

    function _accept(uint256 nullifier) private {
        if (msg.sender != frozenBy[nullifier] || !_isParty()) revert NotPermitted(msg.sender);
        Case storage accepted = _in(nullifier, Stage.Decided);
        if (accepted.outcome != Outcome.Pay) revert WrongStage(nullifier, accepted.stage);
        _settle(nullifier, accepted);
    }

    function _end(uint256 nullifier) private {
        Case storage over = cases[nullifier];
        if (over.stage == Stage.None || over.stage == Stage.Settled || block.timestamp <= over.deadline) {
            revert WrongStage(nullifier, over.stage);
        }
        if (over.stage == Stage.Frozen) over.outcome = Outcome.Pay;
        _settle(nullifier, over);
    }

    function _settle(uint256 nullifier, Case storage over) private {
        over.stage = Stage.Settled;
        emit Settled(nullifier, over.outcome);
    }

    function _in(uint256 nullifier, Stage stage) private view returns (Case storage found) {
        found = cases[nullifier];
        if (found.stage != stage) revert WrongStage(nullifier, found.stage);
    }

    function _has(bytes32 role) private view returns (bool) {
        return PARTICIPANTS.hasRole(role, msg.sender);
    }

    /// @dev Whether the sender may freeze a claim of an opening: a department those of its own schemes.
    function _isOfClaim(uint32 opening) private view returns (bool) {
        if (_has(PARTICIPANTS.AUDITOR()) || _has(PARTICIPANTS.AGENCY())) return true;
        bytes32 role = PARTICIPANTS.DEPARTMENT();
        return PARTICIPANTS.participantOf(role, msg.sender) == CLAIMS.openingAt(opening).department;
    }

    function _isParty() private view returns (bool) {
        return _has(PARTICIPANTS.AUDITOR()) || _has(PARTICIPANTS.AGENCY())
            || _has(PARTICIPANTS.DEPARTMENT());
    }
}
