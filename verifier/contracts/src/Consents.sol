// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Governed} from "./Governed.sol";
import {Participants} from "./Participants.sol";
import {Poseidon} from "./Poseidon.sol";

/// @title Providers of health care: their two roots, and the accesses that their gates gave
/// @notice A provider keeps a tree of its records and one of the consents to see them. What is added
/// leaves earlier roots good, so that proofs in flight live on; what is withdrawn ends all earlier roots
/// of that tree at once. An access is recorded once, by its nullifier, and names no person.
contract Consents is Governed {
    /// @notice What stands of a provider.
    struct Provider {
        // How many records and consents are live.
        uint32 records;
        uint32 consents;
        // How often something was withdrawn from each tree.
        uint32 recordsEpoch;
        uint32 consentsEpoch;
        uint64 accesses;
        // How often each tree had changed when its root was put here.
        uint64 recordsVersion;
        uint64 consentsVersion;
        uint256 recordsRoot;
        uint256 consentsRoot;
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
        // Who asked: a participant.
        uint32 requester;
        // The moment that its proof is for, in seconds since 1900-01-01.
        uint64 asOf;
    }

    /// @notice The account may not do this.
    error NotPermitted(address account);
    /// @notice A root is not below the scalar field's order.
    error NotBelowOrder();
    /// @notice A root of a later change, or of this one, stands already.
    error OldRoot(uint64 stands);

    /// @notice A provider's records have another root; whether earlier ones are good no more.
    event RecordsRootUpdated(uint32 indexed provider, uint256 root, uint32 live, bool graceless);
    /// @notice A provider's consents have another root; whether earlier ones are good no more.
    event ConsentsRootUpdated(uint32 indexed provider, uint256 root, uint32 live, bool graceless);
    /// @notice A provider's gate gave an access.
    event AccessRecorded(
        uint32 indexed provider,
        uint32 indexed requester,
        uint256 nullifier,
        uint256 recordsRoot,
        uint256 consentsRoot,
        uint64 asOf,
        bytes32 digest
    );

    /// @notice For how many seconds after its moment a proof can be recorded.
    uint64 public constant AGE_MAX = 15 minutes;
    /// @notice By how many seconds a proof's moment may be ahead of the chain's clock.
    uint64 public constant SKEW_MAX = 2 minutes;
    /// @dev Seconds from 1900-01-01 to 1970-01-01.
    uint64 private constant BEFORE_EPOCH = 25567 days;
    /// @dev `Participants.PROVIDER` and `Participants.APPLICATION`, without a call.
    bytes32 private constant PROVIDER_ROLE = "provider";
    bytes32 private constant REQUESTER_ROLE = "application";

    /// @notice Who takes part.
    Participants public immutable PARTICIPANTS;
    /// @notice The roots of trees without records and consents.
    uint256 public immutable EMPTY_RECORDS_ROOT;
    uint256 public immutable EMPTY_CONSENTS_ROOT;

    mapping(uint32 participant => Provider) private providers;
    /// @dev One more than the epoch that a root was last put in.
    mapping(uint32 participant => mapping(uint256 root => uint32)) private recordsPutIn;
    mapping(uint32 participant => mapping(uint256 root => uint32)) private consentsPutIn;
    /// @notice Whether a provider has given an access.
    mapping(uint32 participant => mapping(uint256 nullifier => bool)) public isSpent;

    constructor(
        address committee,
        address participants,
        uint256 emptyRecordsRoot,
        uint256 emptyConsentsRoot
    ) Governed(committee) {
        PARTICIPANTS = Participants(participants);
        EMPTY_RECORDS_ROOT = emptyRecordsRoot;
        EMPTY_CONSENTS_ROOT = emptyConsentsRoot;
    }

    /// @notice The provider's records have another root.
    /// @param version how often the tree has changed: what comes late changes nothing back
    /// @param live how many are live
    /// @param graceless whether one was taken away: then no earlier root is good
    function updateRecords(uint64 version, uint256 root, uint32 live, bool graceless) external {
        uint32 number = _provider(graceless);
        Provider storage provider = providers[number];
        _requireNewer(provider.recordsVersion, version, root);
        if (graceless) provider.recordsEpoch++;
        (provider.records, provider.recordsVersion, provider.recordsRoot) = (live, version, root);
        recordsPutIn[number][root] = provider.recordsEpoch + 1;
        emit RecordsRootUpdated(number, root, live, graceless);
    }

    /// @notice Consents were given to the provider, any number at once.
    /// @param version how often the tree has changed
    /// @param live how many are live
    function grant(uint64 version, uint256 root, uint32 live) external {
        _updateConsents(_provider(false), version, root, live, false);
    }

    /// @notice Consents were withdrawn: no proof against an earlier root is good from now on. A provider
    /// that is barred must still be able to do it.
    /// @param version how often the tree has changed
    /// @param live how many are live
    function withdraw(uint64 version, uint256 root, uint32 live) external {
        _updateConsents(_provider(true), version, root, live, true);
    }

    /// @notice Records accesses that the provider's gate has checked. One that is not good is left out,
    /// so that it takes no other with it: the events tell which were recorded.
    function recordAccesses(Access[] calldata accesses) external {
        uint32 number = _provider(false);
        Provider storage provider = providers[number];
        uint32 known = 0;
        bool active = false;
        uint64 recorded = 0;
        for (uint256 i = 0; i < accesses.length; i++) {
            Access calldata access = accesses[i];
            if (access.requester != known) {
                (known, active) = (access.requester, isRequester(access.requester));
            }
            if (!active || !isTimely(access.asOf) || isSpent[number][access.nullifier]) continue;
            if (access.nullifier >= Poseidon.R) continue;
            if (!isGood(number, access.recordsRoot, access.consentsRoot)) continue;
            isSpent[number][access.nullifier] = true;
            recorded++;
            emit AccessRecorded(
                number,
                access.requester,
                access.nullifier,
                access.recordsRoot,
                access.consentsRoot,
                access.asOf,
                access.digest
            );
        }
        provider.accesses += recorded;
    }

    /// @notice What stands of a provider.
    function providerOf(uint32 number) external view returns (Provider memory provider) {
        provider = providers[number];
        if (provider.recordsRoot == 0) provider.recordsRoot = EMPTY_RECORDS_ROOT;
        if (provider.consentsRoot == 0) provider.consentsRoot = EMPTY_CONSENTS_ROOT;
    }

    /// @notice Whether proofs against two roots of a provider are good now.
    function isGood(uint32 number, uint256 recordsRoot, uint256 consentsRoot)
        public
        view
        returns (bool)
    {
        Provider storage provider = providers[number];
        return recordsPutIn[number][recordsRoot] == provider.recordsEpoch + 1
            && consentsPutIn[number][consentsRoot] == provider.consentsEpoch + 1;
    }

    /// @notice Whether a participant may ask for records now.
    function isRequester(uint32 number) public view returns (bool) {
        return PARTICIPANTS.isActive(number)
            && PARTICIPANTS.participant(number).role == REQUESTER_ROLE;
    }

    /// @notice Whether a proof for a moment can be recorded now, by the chain's clock.
    /// @param asOf seconds since 1900-01-01
    function isTimely(uint64 asOf) public view returns (bool) {
        uint64 present = uint64(block.timestamp) + BEFORE_EPOCH;
        return asOf <= present + SKEW_MAX && present <= uint256(asOf) + AGE_MAX;
    }

    function _updateConsents(uint32 number, uint64 version, uint256 root, uint32 live, bool graceless)
        private
    {
        Provider storage provider = providers[number];
        _requireNewer(provider.consentsVersion, version, root);
        if (graceless) provider.consentsEpoch++;
        (provider.consents, provider.consentsVersion, provider.consentsRoot) = (live, version, root);
        consentsPutIn[number][root] = provider.consentsEpoch + 1;
        emit ConsentsRootUpdated(number, root, live, graceless);
    }

    function _requireNewer(uint64 stands, uint64 version, uint256 root) private pure {
        if (version <= stands) revert OldRoot(stands);
        if (root >= Poseidon.R) revert NotBelowOrder();
    }

    /// @dev The provider that the sender is; also one that is barred, where it takes something away.
    function _provider(bool alsoBarred) private view returns (uint32 number) {
        number = PARTICIPANTS.participantOf(PROVIDER_ROLE, msg.sender);
        bool may = alsoBarred || PARTICIPANTS.hasRole(PROVIDER_ROLE, msg.sender);
        if (number == 0 || !may) revert NotPermitted(msg.sender);
    }
}
