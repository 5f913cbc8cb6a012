// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Governed} from "./Governed.sol";
import {Participants} from "./Participants.sol";
import {Poseidon} from "./Poseidon.sol";

/// @notice The ledger's context, which nullifiers take in.
interface IContext {
    /// @notice What proofs are bound to.
    function context() external view returns (uint256);
}

/// @title Roots of health records and of consents, and the accesses that providers' gates gave
/// @notice A provider keeps a tree of its records. A consent manager keeps, for each provider, a tree of the
/// consents to see them: a withdrawal needs the manager alone, and no provider can sit on it. What is added to a
/// tree leaves its earlier roots good, so that proofs in flight live on; what is taken away ends all earlier
/// roots of that tree at once. An access is recorded once, by its nullifier, and names no person. A patient whose
/// manager does nothing ends the accesses that are left by showing the locks that their nullifiers follow from.
contract Consents is Governed {
    /// @notice What stands of a provider's records.
    struct Records {
        // How many are live.
        uint32 live;
        // How often one was taken away.
        uint32 epoch;
        // How often the tree had changed when its root was put here.
        uint64 version;
        // How many accesses the provider gave.
        uint64 accesses;
        uint256 root;
    }

    /// @notice What stands of a manager's consents to see a provider's records.
    struct ConsentTree {
        // How many are live.
        uint32 live;
        // How often one was withdrawn.
        uint32 epoch;
        // How often the tree had changed when its root was put here.
        uint64 version;
        uint256 root;
    }

    /// @notice An access by consent, as a provider's gate has checked it.
    struct Access {
        // The access's nullifier.
        uint256 nullifier;
        // The two roots that its proof is against.
        uint256 recordsRoot;
        uint256 consentsRoot;
        // Hash of request, public inputs and proof: by it an auditor knows them again.
        bytes32 digest;
        // The consent manager whose root it is.
        uint32 manager;
        // Who asked: a participant.
        uint32 requester;
        // The minute that its proof is for, since 1900-01-01.
        uint32 asOf;
    }

    /// @notice A window of a consent that its patient ends: the accesses from a number on, so many of them.
    struct EndedWindow {
        uint256 lock;
        uint32 from;
        uint32 count;
    }

    /// @notice The account may not do this.
    error NotPermitted(address account);
    /// @notice There is no such provider.
    error NotProvider(uint32 participant);
    /// @notice A root or a lock is not below the scalar field's order.
    error NotBelowOrder();
    /// @notice A root of a later change, or of this one, stands already.
    error OldRoot(uint64 stands);

    /// @notice A provider's records have another root; whether earlier ones are good no more.
    event RecordsRootUpdated(uint32 indexed provider, uint256 root, uint32 live, bool graceless);
    /// @notice A manager's consents at a provider have another root; whether earlier ones are good no more.
    event ConsentsRootUpdated(
        uint32 indexed manager, uint32 indexed provider, uint256 root, uint32 live, bool graceless
    );
    /// @notice A provider's gate gave an access.
    event AccessRecorded(
        uint32 indexed provider,
        uint32 indexed requester,
        uint32 indexed manager,
        uint256 nullifier,
        uint256 recordsRoot,
        uint256 consentsRoot,
        uint32 asOf,
        bytes32 digest
    );
    /// @notice A patient has ended an access that was not given yet.
    event AccessWithdrawn(uint32 indexed provider, uint256 nullifier);

    /// @notice For how many seconds after its minute has begun a proof can be recorded.
    uint64 public constant AGE_MAX = 15 minutes;
    /// @notice By how many seconds a proof's minute may be ahead of the chain's clock.
    uint64 public constant SKEW_MAX = 2 minutes;
    /// @dev Seconds from 1900-01-01 to 1970-01-01.
    uint64 private constant BEFORE_EPOCH = 25567 days;
    /// @dev "praman.access.2" as an integer.
    uint256 private constant ACCESS_TAG = 0x7072616d616e2e6163636573732e32;
    /// @dev `Participants.PROVIDER`, `Participants.CONSENT_MANAGER` and `Participants.APPLICATION`, without a call.
    bytes32 private constant PROVIDER_ROLE = "provider";
    bytes32 private constant MANAGER_ROLE = "consent-manager";
    bytes32 private constant REQUESTER_ROLE = "application";

    /// @notice Who takes part.
    Participants public immutable PARTICIPANTS;
    /// @notice Who knows the context.
    IContext public immutable CLAIMS;
    /// @notice The roots of trees without records and consents.
    uint256 public immutable EMPTY_RECORDS_ROOT;
    uint256 public immutable EMPTY_CONSENTS_ROOT;
    /// @dev Where Poseidon's constants of width 5 lie.
    address private immutable CONSTANTS_4;

    mapping(uint32 provider => Records) private records;
    mapping(uint32 manager => mapping(uint32 provider => ConsentTree)) private consents;
    /// @dev One more than the epoch that a root was last put in.
    mapping(uint32 provider => mapping(uint256 root => uint32)) private recordsPutIn;
    mapping(uint32 manager => mapping(uint32 provider => mapping(uint256 root => uint32))) private
        consentsPutIn;
    /// @notice Whether an access at a provider was given, or ended by its patient.
    mapping(uint32 provider => mapping(uint256 nullifier => bool)) public isSpent;

    constructor(
        address committee,
        address participants,
        address claims,
        address constants,
        uint256 emptyRecordsRoot,
        uint256 emptyConsentsRoot
    ) Governed(committee) {
        PARTICIPANTS = Participants(participants);
        CLAIMS = IContext(claims);
        CONSTANTS_4 = constants;
        EMPTY_RECORDS_ROOT = emptyRecordsRoot;
        EMPTY_CONSENTS_ROOT = emptyConsentsRoot;
    }

    /// @notice The provider's records have another root.
    /// @param version how often the tree has changed: what comes late changes nothing back
    /// @param live how many are live
    /// @param graceless whether one was taken away: then no earlier root is good
    function updateRecords(uint64 version, uint256 root, uint32 live, bool graceless) external {
        uint32 number = _sender(PROVIDER_ROLE, graceless);
        Records storage tree = records[number];
        _requireNewer(tree.version, version, root);
        if (graceless) tree.epoch++;
        (tree.live, tree.version, tree.root) = (live, version, root);
        recordsPutIn[number][root] = tree.epoch + 1;
        emit RecordsRootUpdated(number, root, live, graceless);
    }

    /// @notice Consents to see a provider's records were given, any number at once.
    /// @param version how often the tree has changed
    /// @param live how many are live
    function grant(uint32 provider, uint64 version, uint256 root, uint32 live) external {
        _requireProvider(provider);
        _updateConsents(_sender(MANAGER_ROLE, false), provider, version, root, live, false);
    }

    /// @notice Consents were withdrawn: no proof against an earlier root of the manager's at this provider is good
    /// from now on. A manager that is barred must still be able to do it.
    /// @param version how often the tree has changed
    /// @param live how many are live
    function withdraw(uint32 provider, uint64 version, uint256 root, uint32 live) external {
        _updateConsents(_sender(MANAGER_ROLE, true), provider, version, root, live, true);
    }

    /// @notice Records accesses that the provider's gate has checked. One that is not good is left out,
    /// so that it takes no other with it: the events tell which were recorded.
    function recordAccesses(Access[] calldata accesses) external {
        uint32 number = _sender(PROVIDER_ROLE, false);
        uint32 knownRequester = 0;
        uint32 knownManager = 0;
        bool mayAsk = false;
        bool mayManage = false;
        uint64 recorded = 0;
        for (uint256 i = 0; i < accesses.length; i++) {
            Access calldata access = accesses[i];
            if (access.requester != knownRequester) {
                (knownRequester, mayAsk) = (access.requester, isRequester(access.requester));
            }
            if (access.manager != knownManager) {
                (knownManager, mayManage) = (access.manager, isManager(access.manager));
            }
            if (!mayAsk || !mayManage || !isTimely(access.asOf)) continue;
            if (access.nullifier >= Poseidon.R || isSpent[number][access.nullifier]) continue;
            if (!isGood(number, access.manager, access.recordsRoot, access.consentsRoot)) continue;
            isSpent[number][access.nullifier] = true;
            recorded++;
            emit AccessRecorded(
                number,
                access.requester,
                access.manager,
                access.nullifier,
                access.recordsRoot,
                access.consentsRoot,
                access.asOf,
                access.digest
            );
        }
        records[number].accesses += recorded;
    }

    /// @notice Ends the accesses of windows whose locks are shown, at a provider. Only the patient's wallet can make
    /// a lock, so any account may bring it. What was given stays given.
    function withdrawAccesses(uint32 provider, EndedWindow[] calldata windows) external {
        _requireProvider(provider);
        uint256 context = CLAIMS.context();
        (uint256 constants, uint256 state) =
            Poseidon.load(CONSTANTS_4, address(0), Poseidon.WORDS_4, 0);
        for (uint256 i = 0; i < windows.length; i++) {
            EndedWindow calldata window = windows[i];
            if (window.lock >= Poseidon.R) revert NotBelowOrder();
            uint256 end = uint256(window.from) + window.count;
            for (uint256 number = window.from; number < end; number++) {
                uint256 nullifier =
                    Poseidon.hashFour(constants, state, ACCESS_TAG, window.lock, context, number);
                if (isSpent[provider][nullifier]) continue;
                isSpent[provider][nullifier] = true;
                emit AccessWithdrawn(provider, nullifier);
            }
        }
    }

    /// @notice What stands of a provider's records.
    function recordsOf(uint32 provider) external view returns (Records memory tree) {
        tree = records[provider];
        if (tree.root == 0) tree.root = EMPTY_RECORDS_ROOT;
    }

    /// @notice What stands of a manager's consents at a provider.
    function consentsOf(uint32 manager, uint32 provider)
        external
        view
        returns (ConsentTree memory tree)
    {
        tree = consents[manager][provider];
        if (tree.root == 0) tree.root = EMPTY_CONSENTS_ROOT;
    }

    /// @notice Whether proofs against a root of a provider's records and one of a manager's consents there are
    /// good now.
    function isGood(uint32 provider, uint32 manager, uint256 recordsRoot, uint256 consentsRoot)
        public
        view
        returns (bool)
    {
        return recordsPutIn[provider][recordsRoot] == records[provider].epoch + 1
            && consentsPutIn[manager][provider][consentsRoot] == consents[manager][provider].epoch + 1;
    }

    /// @notice Whether a participant may ask for records now.
    function isRequester(uint32 number) public view returns (bool) {
        return _isActive(number, REQUESTER_ROLE);
    }

    /// @notice Whether consents that a participant keeps are good now.
    function isManager(uint32 number) public view returns (bool) {
        return _isActive(number, MANAGER_ROLE);
    }

    /// @notice Whether a proof for a minute can be recorded now, by the chain's clock.
    /// @param asOf whole minutes since 1900-01-01
    function isTimely(uint32 asOf) public view returns (bool) {
        uint256 present = block.timestamp + BEFORE_EPOCH;
        uint256 begin = uint256(asOf) * 1 minutes;
        return begin <= present + SKEW_MAX && present <= begin + AGE_MAX;
    }

    function _requireProvider(uint32 number) private view {
        if (PARTICIPANTS.participant(number).role != PROVIDER_ROLE) revert NotProvider(number);
    }

    function _isActive(uint32 number, bytes32 role) private view returns (bool) {
        return PARTICIPANTS.isActive(number) && PARTICIPANTS.participant(number).role == role;
    }

    function _updateConsents(
        uint32 manager,
        uint32 provider,
        uint64 version,
        uint256 root,
        uint32 live,
        bool graceless
    ) private {
        ConsentTree storage tree = consents[manager][provider];
        _requireNewer(tree.version, version, root);
        if (graceless) tree.epoch++;
        (tree.live, tree.version, tree.root) = (live, version, root);
        consentsPutIn[manager][provider][root] = tree.epoch + 1;
        emit ConsentsRootUpdated(manager, provider, root, live, graceless);
    }

    function _requireNewer(uint64 stands, uint64 version, uint256 root) private pure {
        if (version <= stands) revert OldRoot(stands);
        if (root >= Poseidon.R) revert NotBelowOrder();
    }

    /// @dev The participant of a role that the sender is; also one that is barred, where it takes something away.
    function _sender(bytes32 role, bool alsoBarred) private view returns (uint32 number) {
        number = PARTICIPANTS.participantOf(role, msg.sender);
        bool may = alsoBarred || PARTICIPANTS.hasRole(role, msg.sender);
        if (number == 0 || !may) revert NotPermitted(msg.sender);
    }
}
