// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Governed} from "./Governed.sol";
import {IClaimsRelayers} from "./interfaces/IClaimsRelayers.sol";
import {IOfficeRegistry} from "./interfaces/IOfficeRegistry.sol";

/// @title Who takes part in the network
/// @notice Agency, departments, offices, treasuries, auditors, relayers, providers, applications. A
/// request goes draft, submitted, approved or rejected, live, suspended, retired. A role is held by
/// whom the lifecycle made live, and only while no order bars them and no notice to them is overdue:
/// `hasRole` says so, and every contract asks it.
contract Participants is AccessControl, Governed {
    /// @notice Where a request stands. `Suspended` is told by an order's dates, never stored.
    enum State {
        None,
        Draft,
        Submitted,
        Approved,
        Rejected,
        Live,
        Suspended,
        Retired
    }

    /// @notice What a notice tells of.
    enum Change {
        Submitted,
        Approved,
        Rejected,
        Live,
        Retired,
        Suspended,
        Debarred,
        Lifted,
        Appealed,
        AppealDecided,
        KeyIssued,
        KeyRotated,
        KeyRevoked
    }

    /// @notice A participant.
    struct Participant {
        bytes32 role;
        bytes32 document;
        address account;
        State state;
        // Who decides on it: another participant, or the committee for 0.
        uint32 sponsor;
        // Its notices, and how many of them it has acknowledged, in order.
        uint32 notices;
        uint32 acknowledged;
    }

    /// @notice An order that keeps a participant out.
    struct Bar {
        uint64 from;
        uint64 until;
        uint64 appealBy;
        bool debarment;
        bool appealed;
        bool appealDecided;
        bytes32 reason;
        bytes32 order;
    }

    /// @notice The account may not do this.
    error NotPermitted(address account);
    /// @notice The participant does not stand where this can be done.
    error WrongState(uint32 participant, State state);
    /// @notice There is no such role, or not under this sponsor.
    error WrongRole(bytes32 role);
    /// @notice The account holds this role for another participant.
    error AccountTaken(address account);
    /// @notice The dates of an order are not in order, or the time to appeal is over.
    error WrongDates();
    /// @notice Roles are given by the lifecycle of a request only.
    error UseLifecycle();

    /// @notice A participant changed; it must acknowledge by a time or is refused from then on.
    event NoticeIssued(
        uint32 indexed participant, uint32 indexed notice, Change change, bytes32 content, uint64 acknowledgeBy
    );
    /// @notice A participant has read its notice.
    event NoticeAcknowledged(uint32 indexed participant, uint32 indexed notice);
    /// @notice A request was drafted.
    event Drafted(
        uint32 indexed participant, bytes32 indexed role, address indexed account, uint32 sponsor, bytes32 document
    );
    /// @notice An order bars a participant.
    event Barred(
        uint32 indexed participant, bool debarment, bytes32 reason, bytes32 order, uint64 from, uint64 until, uint64 appealBy
    );
    /// @notice A participant signs by another account from now on; zero for none.
    event AccountChanged(uint32 indexed participant, address before, address account);

    /// @notice The state's implementing agency.
    bytes32 public constant AGENCY = "agency";
    /// @notice A department: accredits offices, opens periods of its schemes.
    bytes32 public constant DEPARTMENT = "department";
    /// @notice An office: issues credentials of one schema.
    bytes32 public constant OFFICE = "office";
    /// @notice A treasury: pays.
    bytes32 public constant TREASURY = "treasury";
    /// @notice An auditor: confirms seals, freezes claims.
    bytes32 public constant AUDITOR = "auditor";
    /// @notice A relayer: brings claims.
    bytes32 public constant RELAYER = "relayer";
    /// @notice A provider of health care.
    bytes32 public constant PROVIDER = "provider";
    /// @notice A consent manager: keeps what patients have consented to, and publishes it.
    bytes32 public constant CONSENT_MANAGER = "consent-manager";
    /// @notice A program of someone else's that uses the network.
    bytes32 public constant APPLICATION = "application";

    /// @notice For how long a notice may wait.
    uint64 public constant NOTICE_TIME = 7 days;
    /// @notice For how long at least an order can be appealed against.
    uint64 public constant APPEAL_TIME = 3 days;

    /// @notice Where relayers are known.
    IClaimsRelayers public immutable CLAIMS;
    /// @notice Where offices are known.
    IOfficeRegistry public immutable OFFICES;

    Participant[] private participants;
    mapping(uint32 participant => Bar) private bars;
    mapping(uint32 participant => mapping(uint32 notice => uint64)) private acknowledgeBy;
    /// @notice Which participant holds a role by an account; 0 for none.
    mapping(bytes32 role => mapping(address account => uint32)) public participantOf;
    /// @notice Whether the committee gave the order against a participant: then nobody below it lifts the
    /// order or puts another in its place. Kept behind what an earlier version keeps.
    mapping(uint32 participant => bool) public barredByCommittee;

    constructor(address committee, address claims, address offices) Governed(committee) {
        CLAIMS = IClaimsRelayers(claims);
        OFFICES = IOfficeRegistry(offices);
    }

    /// @notice Begins the register: number 0 is nobody.
    function initialize() external initializer {
        participants.push();
    }

    // ---- the lifecycle of a request

    /// @notice Drafts a request for the sender's account.
    /// @param role what it asks to be
    /// @param sponsor who decides: a department for an office, an agency for a relayer or an
    /// application, 0 (the committee) for all others
    /// @param document hash of the request's papers
    function draft(bytes32 role, uint32 sponsor, bytes32 document) external returns (uint32 id) {
        if (_sponsorRole(role) != (sponsor == 0 ? bytes32(0) : _at(sponsor).role)) {
            revert WrongRole(role);
        }
        id = uint32(participants.length);
        Participant storage made = participants.push();
        (made.role, made.document, made.account) = (role, document, msg.sender);
        (made.state, made.sponsor) = (State.Draft, sponsor);
        emit Drafted(id, role, msg.sender, sponsor, document);
    }

    /// @notice Puts other papers under a draft.
    function amend(uint32 id, bytes32 document) external {
        _own(id, State.Draft).document = document;
        Participant storage amended = participants[id];
        emit Drafted(id, amended.role, msg.sender, amended.sponsor, document);
    }

    /// @notice Hands a draft in.
    function submit(uint32 id) external {
        Participant storage submitted = _own(id, State.Draft);
        submitted.state = State.Submitted;
        _notice(id, Change.Submitted, submitted.document);
    }

    /// @notice Approves a request with these papers.
    function approve(uint32 id, bytes32 document, bytes32 reason) external {
        Participant storage approved = _decided(id, State.Submitted);
        if (approved.document != document) revert WrongState(id, approved.state);
        approved.state = State.Approved;
        _notice(id, Change.Approved, reason);
    }

    /// @notice Rejects a request, or takes an approval back that was not taken up.
    function reject(uint32 id, bytes32 reason) external {
        State state = _at(id).state == State.Approved ? State.Approved : State.Submitted;
        _decided(id, state).state = State.Rejected;
        _notice(id, Change.Rejected, reason);
    }

    /// @notice Takes the role up: the account shows that it is held.
    function goLive(uint32 id) external {
        Participant storage live = _own(id, State.Approved);
        live.state = State.Live;
        _bind(id, msg.sender);
        _notice(id, Change.Live, live.document);
    }

    /// @notice Ends a participant for good: itself, or who decides on it.
    function retire(uint32 id, bytes32 reason) external {
        Participant storage retired = _at(id);
        if (msg.sender != retired.account && !_decidesOn(id)) revert NotPermitted(msg.sender);
        if (retired.state != State.Live) revert WrongState(id, retired.state);
        // Nobody escapes an order by leaving and coming again.
        if (msg.sender != COMMITTEE && block.timestamp < bars[id].until) revert NotPermitted(msg.sender);
        retired.state = State.Retired;
        _unbind(id);
        _notice(id, Change.Retired, reason);
    }

    // ---- keys

    /// @notice Signs by another account from now on.
    function rotateKey(uint32 id, address account) external {
        _own(id, State.Live);
        if (_isBarred(id)) revert NotPermitted(msg.sender);
        _replaceAccount(id, account);
        _notice(id, Change.KeyRotated, bytes32(0));
    }

    /// @notice Gives a participant whose key is lost or revoked another account.
    function issueKey(uint32 id, address account, bytes32 reason) external {
        _decided(id, State.Live);
        _replaceAccount(id, account);
        _notice(id, Change.KeyIssued, reason);
    }

    /// @notice Takes a participant's key away at once.
    function revokeKey(uint32 id, bytes32 reason) external {
        _decided(id, State.Live);
        _unbind(id);
        participants[id].account = address(0);
        _notice(id, Change.KeyRevoked, reason);
    }

    // ---- orders

    /// @notice Bars a live participant between two times.
    /// @param debarment whether it is the committee's debarment; else a suspension by who decides
    /// @param reason hash of the reason
    /// @param order hash of the order's number and text
    function bar(
        uint32 id,
        bool debarment,
        bytes32 reason,
        bytes32 order,
        uint64 from,
        uint64 until,
        uint64 appealBy
    ) external {
        if (debarment && msg.sender != COMMITTEE) revert NotPermitted(msg.sender);
        _decided(id, State.Live);
        Bar storage before = bars[id];
        if (msg.sender != COMMITTEE && block.timestamp < before.until) {
            // An order of the committee, begun or not, is not made milder by a sponsor's, and no new order
            // does away with an appeal that waits.
            if (_isByCommittee(id) || (before.appealed && !before.appealDecided)) {
                revert NotPermitted(msg.sender);
            }
        }
        if (from >= until || until <= block.timestamp) revert WrongDates();
        if (appealBy < block.timestamp + APPEAL_TIME) revert WrongDates();
        bars[id] = Bar(from, until, appealBy, debarment, false, false, reason, order);
        barredByCommittee[id] = msg.sender == COMMITTEE;
        emit Barred(id, debarment, reason, order, from, until, appealBy);
        _notice(id, debarment ? Change.Debarred : Change.Suspended, order);
    }

    /// @notice Lifts an order before its end: who gave it, or the committee.
    function lift(uint32 id, bytes32 reason) external {
        _decided(id, State.Live);
        if (_isByCommittee(id) && msg.sender != COMMITTEE) revert NotPermitted(msg.sender);
        delete bars[id];
        _notice(id, Change.Lifted, reason);
    }

    /// @notice Appeals against an order, once, in time.
    function appeal(uint32 id, bytes32 evidence) external {
        _own(id, State.Live);
        Bar storage order = bars[id];
        if (order.appealed || order.until == 0 || block.timestamp > order.appealBy) revert WrongDates();
        order.appealed = true;
        _notice(id, Change.Appealed, evidence);
    }

    /// @notice Decides the appeal against an order, once.
    function decideAppeal(uint32 id, bytes32 against, bool upheld, bytes32 reason)
        external
        onlyCommittee
    {
        Bar storage order = bars[id];
        if (!order.appealed || order.appealDecided || order.order != against) revert WrongDates();
        order.appealDecided = true;
        if (upheld) delete bars[id];
        _notice(id, Change.AppealDecided, reason);
    }

    // ---- notices

    /// @notice Acknowledges the oldest notice that is not.
    function acknowledge(uint32 id) external {
        Participant storage reader = _at(id);
        if (msg.sender != reader.account) revert NotPermitted(msg.sender);
        if (reader.acknowledged == reader.notices) revert WrongState(id, reader.state);
        emit NoticeAcknowledged(id, reader.acknowledged);
        reader.acknowledged++;
        refresh(id);
    }

    /// @notice Until when the oldest notice that is not acknowledged must be; the end of time if
    /// there is none.
    function dueBy(uint32 id) public view returns (uint64) {
        Participant storage reader = _at(id);
        if (reader.acknowledged == reader.notices) return type(uint64).max;
        return acknowledgeBy[id][reader.acknowledged];
    }

    // ---- who acts

    /// @notice Whether an account may act in a role now.
    function hasRole(bytes32 role, address account) public view override returns (bool) {
        return super.hasRole(role, account) && isActive(participantOf[role][account]);
    }

    /// @notice Whether a participant is live, not barred, and has no notice overdue.
    function isActive(uint32 id) public view returns (bool) {
        if (id == 0 || id >= participants.length) return false;
        return participants[id].state == State.Live && participants[id].account != address(0)
            && !_isBarred(id) && block.timestamp <= dueBy(id);
    }

    /// @notice Where a participant stands now.
    function stateOf(uint32 id) public view returns (State) {
        State state = _at(id).state;
        return state == State.Live && _isBarred(id) ? State.Suspended : state;
    }

    /// @notice A participant.
    function participant(uint32 id) external view returns (Participant memory) {
        return _at(id);
    }

    /// @notice The order against a participant; zeros for none.
    function barOf(uint32 id) external view returns (Bar memory) {
        return bars[id];
    }

    /// @notice How many numbers are given, with 0, which is nobody.
    function count() external view returns (uint256) {
        return participants.length;
    }

    /// @notice Tells the contracts that keep a participant's standing what it is now. Anyone may, as
    /// when an order begins or ends by its dates.
    function refresh(uint32 id) public {
        Participant storage changed = _at(id);
        if (changed.role == RELAYER && participantOf[RELAYER][changed.account] == id) {
            (uint64 from, uint64 until) = _actsBetween(id);
            CLAIMS.setRelayer(changed.account, from, until);
        } else if (changed.role == OFFICE) {
            OFFICES.enforce(id);
        }
    }

    /// @notice Roles are not given by hand.
    function grantRole(bytes32, address) public pure override {
        revert UseLifecycle();
    }

    /// @notice Roles are not taken by hand.
    function revokeRole(bytes32, address) public pure override {
        revert UseLifecycle();
    }

    /// @notice A participant retires instead.
    function renounceRole(bytes32, address) public pure override {
        revert UseLifecycle();
    }

    // ---- within

    function _sponsorRole(bytes32 role) private pure returns (bytes32) {
        if (role == OFFICE) return DEPARTMENT;
        if (role == RELAYER || role == APPLICATION) return AGENCY;
        if (role == AGENCY || role == DEPARTMENT || role == TREASURY) return 0;
        if (role == AUDITOR || role == PROVIDER || role == CONSENT_MANAGER) return 0;
        revert WrongRole(role);
    }

    /// @dev The committee decides on all; a sponsor, while it may act, on whom it sponsors.
    function _decidesOn(uint32 id) private view returns (bool) {
        if (msg.sender == COMMITTEE) return true;
        uint32 sponsor = participants[id].sponsor;
        return isActive(sponsor) && participants[sponsor].account == msg.sender;
    }

    function _decided(uint32 id, State state) private view returns (Participant storage decided) {
        decided = _at(id);
        if (!_decidesOn(id)) revert NotPermitted(msg.sender);
        if (decided.state != state) revert WrongState(id, decided.state);
    }

    function _own(uint32 id, State state) private view returns (Participant storage own) {
        own = _at(id);
        if (own.account != msg.sender) revert NotPermitted(msg.sender);
        if (own.state != state) revert WrongState(id, own.state);
    }

    function _at(uint32 id) private view returns (Participant storage) {
        if (id == 0 || id >= participants.length) revert WrongState(id, State.None);
        return participants[id];
    }

    /// @dev A debarment is the committee's, also one that was given before this was kept.
    function _isByCommittee(uint32 id) private view returns (bool) {
        return barredByCommittee[id] || bars[id].debarment;
    }

    function _isBarred(uint32 id) private view returns (bool) {
        Bar storage order = bars[id];
        return block.timestamp >= order.from && block.timestamp < order.until;
    }

    /// @dev The first span from now on in which a participant may act.
    function _actsBetween(uint32 id) private view returns (uint64 from, uint64 until) {
        Participant storage acting = participants[id];
        if (acting.state != State.Live || acting.account == address(0)) return (0, 0);
        until = dueBy(id);
        Bar storage order = bars[id];
        if (_isBarred(id)) from = order.until;
        else if (block.timestamp < order.from && order.from <= until) until = order.from - 1;
    }

    function _replaceAccount(uint32 id, address account) private {
        if (account == address(0)) revert NotPermitted(account);
        address before = participants[id].account;
        if (before != address(0)) _unbind(id);
        participants[id].account = account;
        _bind(id, account);
        emit AccountChanged(id, before, account);
    }

    function _bind(uint32 id, address account) private {
        bytes32 role = participants[id].role;
        if (participantOf[role][account] != 0) revert AccountTaken(account);
        participantOf[role][account] = id;
        _grantRole(role, account);
    }

    function _unbind(uint32 id) private {
        Participant storage leaving = participants[id];
        delete participantOf[leaving.role][leaving.account];
        _revokeRole(leaving.role, leaving.account);
        if (leaving.role == RELAYER) CLAIMS.setRelayer(leaving.account, 0, 0);
    }

    function _notice(uint32 id, Change change, bytes32 content) private {
        Participant storage told = participants[id];
        uint64 by = uint64(block.timestamp) + NOTICE_TIME;
        acknowledgeBy[id][told.notices] = by;
        emit NoticeIssued(id, told.notices, change, content, by);
        told.notices++;
        refresh(id);
    }
}
