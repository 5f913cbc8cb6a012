// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title The oversight committee
/// @notice Members move, approve and, at a quorum, schedule; OpenZeppelin's timelock holds what was
/// carried for the delay and then anyone may enact it. One member can pause; a quorum resumes.
contract Committee is TimelockController {
    /// @notice A call that a member asks the committee to make.
    struct Motion {
        address target;
        // Until when it can be approved and, once carried, enacted.
        uint64 lapsesAt;
        bool carried;
        bytes32 reason;
        bytes data;
        address[] approvals;
    }

    /// @notice Only a member may do this.
    error NotMember(address account);
    /// @notice Only the committee itself, by a carried motion, may do this.
    error NotCommittee();
    /// @notice There is no such motion, it was carried, or it lapsed.
    error MotionNotOpen(uint256 motion);
    /// @notice The member has approved the motion.
    error AlreadyApproved(uint256 motion);
    /// @notice A committee has at least one member and a quorum of a majority or more.
    error NoSuchQuorum(uint256 members, uint256 quorum);
    /// @notice The member is there already, or is not there.
    error MemberUnchanged(address account);

    /// @notice A member moved a call.
    event Moved(uint256 indexed motion, address indexed member, address target, bytes data, bytes32 reason);
    /// @notice A member approved.
    event Approved(uint256 indexed motion, address indexed member);
    /// @notice The quorum was reached; the call may be made from `enactableAt` on.
    event Carried(uint256 indexed motion, uint256 enactableAt);
    /// @notice The committee has another composition.
    event MembersChanged(address[] added, address[] removed, uint256 quorum);

    /// @notice For how long a motion can be approved.
    uint64 public constant MOTION_TIME = 30 days;
    /// @dev `resume()`: what a quorum may have done without delay.
    bytes4 private constant RESUME = bytes4(keccak256("resume()"));

    /// @notice The contract that one member can pause.
    address public immutable PAUSABLE;
    /// @notice How many approvals carry a motion.
    uint256 public quorum;
    /// @notice How many members there are.
    uint256 public memberCount;
    /// @notice Whether an account is a member.
    mapping(address account => bool) public isMember;
    /// @notice The first motion after the last pause.
    uint256 public pausedAtMotion;
    Motion[] private motions;

    modifier onlyMember() {
        if (!isMember[msg.sender]) revert NotMember(msg.sender);
        _;
    }

    /// @param members who decides
    /// @param quorum_ how many of them, a majority at least
    /// @param delay seconds between carrying and enacting
    /// @param pausable the contract that one member can pause
    constructor(address[] memory members, uint256 quorum_, uint256 delay, address pausable)
        TimelockController(delay, new address[](0), new address[](0), address(0))
    {
        PAUSABLE = pausable;
        _grantRole(EXECUTOR_ROLE, address(this));
        _grantRole(PROPOSER_ROLE, address(this));
        _grantRole(CANCELLER_ROLE, address(this));
        _change(members, new address[](0), quorum_);
    }

    /// @notice Moves a call and approves it.
    function move(address target, bytes calldata data, bytes32 reason)
        external
        onlyMember
        returns (uint256 motion)
    {
        motion = motions.length;
        Motion storage moved = motions.push();
        (moved.target, moved.data, moved.reason) = (target, data, reason);
        moved.lapsesAt = uint64(block.timestamp) + MOTION_TIME;
        emit Moved(motion, msg.sender, target, data, reason);
        _approve(motion);
    }

    /// @notice Approves a motion; the approval that makes the quorum carries it.
    function approve(uint256 motion) external onlyMember {
        _approve(motion);
    }

    /// @notice Makes the call of a carried motion whose delay has passed and that has not lapsed.
    function enact(uint256 motion) external {
        if (motion >= motions.length) revert MotionNotOpen(motion);
        Motion storage carried = motions[motion];
        if (block.timestamp > carried.lapsesAt) revert MotionNotOpen(motion);
        // Reverts unless it was scheduled and its time has come.
        this.execute(carried.target, 0, carried.data, bytes32(0), bytes32(motion));
    }

    /// @notice Pauses at once.
    function pause() external onlyMember {
        // What was moved for an earlier pause does not end this one.
        pausedAtMotion = motions.length;
        // Reverts where there is no contract, and hands on why it refuses.
        Address.functionCall(PAUSABLE, abi.encodeWithSignature("pause()"));
    }

    /// @notice Changes members and quorum; only by a carried motion.
    function changeMembers(address[] calldata added, address[] calldata removed, uint256 quorum_)
        external
    {
        if (msg.sender != address(this)) revert NotCommittee();
        _change(added, removed, quorum_);
    }

    /// @notice Takes a carried motion back before it is enacted; only by a carried motion.
    function withdraw(uint256 motion) external {
        if (msg.sender != address(this)) revert NotCommittee();
        Motion storage carried = motions[motion];
        this.cancel(this.hashOperation(carried.target, 0, carried.data, bytes32(0), bytes32(motion)));
    }

    /// @notice How many motions there were.
    function motionCount() external view returns (uint256) {
        return motions.length;
    }

    /// @notice A motion.
    function motionOf(uint256 motion) external view returns (Motion memory) {
        return motions[motion];
    }

    /// @notice Approvals by accounts that are members now.
    function approvalsOf(uint256 motion) public view returns (uint256 count) {
        address[] storage approvals = motions[motion].approvals;
        for (uint256 i = 0; i < approvals.length; i++) if (isMember[approvals[i]]) count++;
    }

    function _approve(uint256 motion) private {
        if (motion >= motions.length) revert MotionNotOpen(motion);
        Motion storage moved = motions[motion];
        if (moved.carried || block.timestamp > moved.lapsesAt) revert MotionNotOpen(motion);
        for (uint256 i = 0; i < moved.approvals.length; i++) {
            if (moved.approvals[i] == msg.sender) revert AlreadyApproved(motion);
        }
        moved.approvals.push(msg.sender);
        emit Approved(motion, msg.sender);
        if (approvalsOf(motion) < quorum) return;
        moved.carried = true;
        bool isResume = moved.target == PAUSABLE && bytes4(moved.data) == RESUME;
        if (isResume && motion < pausedAtMotion) revert MotionNotOpen(motion);
        // What a carried motion would do must be stoppable before its delay is over.
        bool isWithdrawal =
            moved.target == address(this) && bytes4(moved.data) == this.withdraw.selector;
        bool atOnce = isResume || isWithdrawal;
        uint256 delay = atOnce ? 0 : getMinDelay();
        // It can be enacted for as long again as it can be approved, from when it may be.
        moved.lapsesAt = uint64(block.timestamp + delay) + MOTION_TIME;
        emit Carried(motion, block.timestamp + delay);
        if (atOnce) {
            Address.functionCall(moved.target, moved.data);
        } else {
            this.schedule(moved.target, 0, moved.data, bytes32(0), bytes32(motion), delay);
        }
    }

    function _change(address[] memory added, address[] memory removed, uint256 quorum_) private {
        for (uint256 i = 0; i < removed.length; i++) {
            if (!isMember[removed[i]]) revert MemberUnchanged(removed[i]);
            isMember[removed[i]] = false;
        }
        for (uint256 i = 0; i < added.length; i++) {
            if (isMember[added[i]]) revert MemberUnchanged(added[i]);
            isMember[added[i]] = true;
        }
        memberCount = memberCount + added.length - removed.length;
        quorum = quorum_;
        if (quorum_ > memberCount || 2 * quorum_ <= memberCount) {
            revert NoSuchQuorum(memberCount, quorum_);
        }
        emit MembersChanged(added, removed, quorum_);
    }
}
