// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Governed} from "./Governed.sol";
import {Participants} from "./Participants.sol";

/// @title The network's nodes
/// @notice Who keeps which node, of what kind, where, and how it stands. Custodians are participants.
contract NodeDirectory is Governed {
    /// @notice What a node does.
    enum Category {
        Validator,
        Observer,
        Gateway
    }

    /// @notice How a node stands.
    enum Status {
        Proposed,
        Running,
        Suspended,
        Retired
    }

    /// @notice A node.
    struct Node {
        Category category;
        Status status;
        uint32 custodian;
        bytes key;
        string district;
        string version;
    }

    /// @notice The account may not do this.
    error NotPermitted(address account);
    /// @notice The key is no uncompressed node key (64 bytes), or a text is longer than 64 bytes.
    error Malformed();
    /// @notice There is no such node, or it was retired.
    error NoSuchNode(uint32 node);

    /// @notice A node was entered, or its entry changed.
    event NodeChanged(
        uint32 indexed node,
        uint32 indexed custodian,
        Category category,
        Status status,
        bytes key,
        string district,
        string version
    );

    /// @notice Who takes part.
    Participants public immutable PARTICIPANTS;

    Node[] private nodes;

    constructor(address committee, address participants) Governed(committee) {
        PARTICIPANTS = Participants(participants);
    }

    /// @notice Enters a node of the sender's, who acts in `role`; the agency lets it run.
    function enter(
        bytes32 role,
        Category category,
        bytes calldata key,
        string calldata district,
        string calldata version
    ) external returns (uint32 node) {
        if (!PARTICIPANTS.hasRole(role, msg.sender)) revert NotPermitted(msg.sender);
        if (key.length != 64 || bytes(district).length > 64 || bytes(version).length > 64) {
            revert Malformed();
        }
        node = uint32(nodes.length);
        uint32 custodian = PARTICIPANTS.participantOf(role, msg.sender);
        nodes.push(Node(category, Status.Proposed, custodian, key, district, version));
        _changed(node);
    }

    /// @notice The node runs another version now; its custodian.
    function setVersion(bytes32 role, uint32 node, string calldata version) external {
        Node storage changed = _at(node);
        bool holds = PARTICIPANTS.hasRole(role, msg.sender);
        if (!holds || PARTICIPANTS.participantOf(role, msg.sender) != changed.custodian) {
            revert NotPermitted(msg.sender);
        }
        if (bytes(version).length > 64) revert Malformed();
        changed.version = version;
        _changed(node);
    }

    /// @notice The node stands otherwise now; the agency.
    function setStatus(uint32 node, Status status) external {
        if (!PARTICIPANTS.hasRole(PARTICIPANTS.AGENCY(), msg.sender)) revert NotPermitted(msg.sender);
        _at(node).status = status;
        _changed(node);
    }

    /// @notice How many nodes were entered.
    function count() external view returns (uint256) {
        return nodes.length;
    }

    /// @notice A node.
    function nodeAt(uint32 node) external view returns (Node memory) {
        return nodes[node];
    }

    function _at(uint32 node) private view returns (Node storage found) {
        if (node >= nodes.length) revert NoSuchNode(node);
        found = nodes[node];
        if (found.status == Status.Retired) revert NoSuchNode(node);
    }

    function _changed(uint32 node) private {
        Node storage now_ = nodes[node];
        emit NodeChanged(
            node, now_.custodian, now_.category, now_.status, now_.key, now_.district, now_.version
        );
    }
}
