// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Participants} from "./Participants.sol";

/// @title Anchors: what a participant once said of its own books, and can't say otherwise
/// @notice A participant keeps series: of its audit log's days, of the files that it gave to a bank. Under
/// each number of a series stands one digest with a count, for good: there is no way to change or remove
/// it, and so this contract stands behind no proxy.
contract Anchors {
    /// @notice What was said under a number.
    struct Anchor {
        // Of all that the number stands for.
        bytes32 digest;
        // How many things those are.
        uint64 count;
        // When it was said, in seconds since 1970.
        uint64 saidAt;
    }

    /// @notice The account has not this role now.
    error NotPermitted(address account);
    /// @notice Something else stands under the number.
    error AnchoredOtherwise(bytes32 series, uint64 number);
    /// @notice A digest of nothing.
    error NoDigest();

    /// @notice A participant has said something.
    event Anchored(
        uint32 indexed participant,
        bytes32 indexed series,
        uint64 number,
        bytes32 digest,
        uint64 count
    );

    /// @notice Who takes part.
    Participants public immutable PARTICIPANTS;

    mapping(uint32 participant => mapping(bytes32 series => mapping(uint64 number => Anchor)))
        private anchors;

    constructor(address participants) {
        PARTICIPANTS = Participants(participants);
    }

    /// @notice Says something under a number of the sender's, who acts in `role`. The same again changes
    /// nothing, so that who did not hear the answer may say it again.
    function anchor(bytes32 role, bytes32 series, uint64 number, bytes32 digest, uint64 count) external {
        if (!PARTICIPANTS.hasRole(role, msg.sender)) revert NotPermitted(msg.sender);
        if (digest == 0) revert NoDigest();
        uint32 participant = PARTICIPANTS.participantOf(role, msg.sender);
        Anchor storage said = anchors[participant][series][number];
        if (said.digest != 0) {
            if (said.digest != digest || said.count != count) {
                revert AnchoredOtherwise(series, number);
            }
            return;
        }
        (said.digest, said.count, said.saidAt) = (digest, count, uint64(block.timestamp));
        emit Anchored(participant, series, number, digest, count);
    }

    /// @notice What a participant has said under a number; a digest of 0 for nothing.
    function anchorOf(uint32 participant, bytes32 series, uint64 number)
        external
        view
        returns (Anchor memory)
    {
        return anchors[participant][series][number];
    }
}
