// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Governed} from "./Governed.sol";
import {Participants} from "./Participants.sol";
import {StateTree} from "./StateTree.sol";
import {ICheckpoints} from "./interfaces/ICheckpoints.sol";
import {IOfficeRegistry} from "./interfaces/IOfficeRegistry.sol";

/// @title The issuing offices and the state's tree above them
/// @notice A department accredits an office for one schema; the office keeps its own root. An office
/// that is barred or retired loses its leaf, and every state that had it ends at once.
contract Offices is StateTree, Governed, IOfficeRegistry {
    /// @notice An accredited office.
    struct Office {
        uint32 participant;
        uint32 schema;
        uint32 live;
        bool standing;
        uint256 root;
    }

    /// @notice The account may not do this.
    error NotPermitted(address account);
    /// @notice The place in the tree or the participant has an office already.
    error AlreadyAccredited(uint32 office);
    /// @notice The office keeps no root now: it is unknown, barred or retired.
    error NotStanding(uint32 office);
    /// @notice The day lies before the last checkpoint's or in the future.
    error WrongDay(uint32 day);

    /// @notice An office may issue credentials of one schema.
    event OfficeAccredited(uint32 indexed office, uint32 indexed participant, uint32 schema);
    /// @notice An office's tree has another root.
    event OfficeRootUpdated(uint32 indexed office, uint256 root, uint32 live, uint256 stateRoot);
    /// @notice An office lost its leaf, or has it again.
    event OfficeStanding(uint32 indexed office, bool standing, uint256 stateRoot);

    /// @dev Days from 1900-01-01 to 1970-01-01.
    uint256 private constant DAYS_BEFORE_EPOCH = 25567;
    /// @dev Indian standard time is ahead of the chain's clock.
    uint256 private constant INDIA = 5 hours + 30 minutes;

    /// @dev `Participants.OFFICE`, without a call.
    bytes32 private constant OFFICE_ROLE = "office";

    /// @notice Who takes part.
    Participants public immutable PARTICIPANTS;
    /// @notice Where checkpoints go.
    ICheckpoints public immutable CHECKPOINTS;
    /// @notice The root of a tree without credentials.
    uint256 public immutable EMPTY_OFFICE_ROOT;

    mapping(uint32 office => Office) private offices;
    /// @dev One more than the office's number, by participant.
    mapping(uint32 participant => uint32) private placeOf;

    constructor(
        address committee,
        address participants,
        address checkpoints,
        address[3] memory constants,
        uint256 emptyLeaf,
        uint256 emptyOfficeRoot
    ) StateTree(constants, emptyLeaf) Governed(committee) {
        PARTICIPANTS = Participants(participants);
        CHECKPOINTS = ICheckpoints(checkpoints);
        EMPTY_OFFICE_ROOT = emptyOfficeRoot;
    }

    /// @notice Accredits a live participant as an office; its sponsoring department only.
    /// @param office its number, which is its place in the tree
    /// @param schema the one schema that it may issue
    /// @param participant who it is
    function accredit(uint32 office, uint32 schema, uint32 participant) external {
        uint32 sponsor = PARTICIPANTS.participant(participant).sponsor;
        bytes32 department = PARTICIPANTS.DEPARTMENT();
        if (
            !PARTICIPANTS.hasRole(department, msg.sender)
                || PARTICIPANTS.participantOf(department, msg.sender) != sponsor
                || PARTICIPANTS.participant(participant).role != OFFICE_ROLE
        ) revert NotPermitted(msg.sender);
        if (!PARTICIPANTS.isActive(participant)) revert NotStanding(office);
        if (office >= PLACES) revert NoSuchPlace(office);
        if (offices[office].participant != 0 || placeOf[participant] != 0) {
            revert AlreadyAccredited(office);
        }
        offices[office] = Office(participant, schema, 0, true, EMPTY_OFFICE_ROOT);
        placeOf[participant] = office + 1;
        emit OfficeAccredited(office, participant, schema);
        emit OfficeRootUpdated(office, EMPTY_OFFICE_ROOT, 0, _put(office, schema, EMPTY_OFFICE_ROOT));
    }

    /// @notice The office's tree has another root.
    /// @param live how many credentials are live in it
    function updateRoot(uint32 office, uint256 root, uint32 live) external {
        Office storage updated = offices[office];
        bytes32 role = OFFICE_ROLE;
        uint32 participant = updated.participant;
        if (
            participant == 0 || PARTICIPANTS.participantOf(role, msg.sender) != participant
                || !PARTICIPANTS.hasRole(role, msg.sender)
        ) revert NotPermitted(msg.sender);
        if (!updated.standing) revert NotStanding(office);
        (updated.root, updated.live) = (root, live);
        emit OfficeRootUpdated(office, root, live, _put(office, updated.schema, root));
    }

    /// @inheritdoc IOfficeRegistry
    function enforce(uint32 participant) external {
        uint32 place = placeOf[participant];
        if (place == 0) return;
        uint32 number = place - 1;
        Office storage office = offices[number];
        // A key that was revoked, or a notice overdue, stops the office's acts, not its credentials.
        Participants.State state = PARTICIPANTS.stateOf(participant);
        bool standing = state == Participants.State.Live;
        if (standing == office.standing) return;
        office.standing = standing;
        uint256 root = standing ? _put(number, office.schema, office.root) : _empty(number);
        emit OfficeStanding(number, standing, root);
        if (!standing && CHECKPOINTS.checkpointCount() != 0) {
            CHECKPOINTS.publishCheckpoint(root, CHECKPOINTS.latestDay(), true);
        }
    }

    /// @notice Lets claims be made against the tree as it stands now; the agency only.
    /// @param asOf the day on which credentials must be valid, counted from 1900-01-01
    function checkpoint(uint32 asOf) external {
        if (!PARTICIPANTS.hasRole(PARTICIPANTS.AGENCY(), msg.sender)) revert NotPermitted(msg.sender);
        // The day in India: one day too early, and a credential that is replaced on the last of a
        // month could claim the next month beside the one that replaces it.
        bool future = asOf > (block.timestamp + INDIA) / 1 days + DAYS_BEFORE_EPOCH;
        if (future || asOf < CHECKPOINTS.latestDay()) revert WrongDay(asOf);
        CHECKPOINTS.publishCheckpoint(stateRoot(), asOf, false);
    }

    /// @notice An office.
    function officeOf(uint32 office) external view returns (Office memory) {
        return offices[office];
    }
}
