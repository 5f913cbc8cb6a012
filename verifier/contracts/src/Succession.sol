// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Governed} from "./Governed.sol";
import {Participants} from "./Participants.sol";
import {Poseidon} from "./Poseidon.sol";
import {ISuccessor} from "./interfaces/ISuccessor.sol";

/// @title How a ledger takes the place of an earlier one
/// @notice Contracts that are deployed again, or on another chain, have another context, and a person's
/// nullifiers would be others: what is claimed once in a life could be claimed again. So the committee has a
/// new ledger inherit the context of the earlier one, and everything that is spent there. Nothing opens before
/// all of it is here.
abstract contract Succession is Governed {
    /// @notice What is taken over.
    struct Inheritance {
        uint256 context;
        // The Merkle root over the parts that are brought.
        bytes32 root;
        uint32 parts;
        uint32 brought;
    }

    /// @notice A scope of a scheme's period as the earlier ledger had it.
    struct InheritedScope {
        uint256 scheme;
        uint256 group;
        uint8 kind;
        uint32 period;
        uint32 schema;
        uint8 edition;
        // Whether spent nullifiers of it were forgotten.
        bool pruned;
    }

    /// @notice The account may not do this.
    error NotPermitted(address account);
    /// @notice A context is not zero and below the scalar field's order, and there is something to take over.
    error NotInheritable(uint256 context, uint32 parts);
    /// @notice A ledger that has opened a period, or takes another's place, inherits nothing any more.
    error NotNew();
    /// @notice The part was brought already, or the committee has not approved it.
    error PartNotApproved(uint32 part);
    /// @notice Parts of the earlier ledger are still to be brought.
    error InheritanceIncomplete(uint32 brought, uint32 parts);

    /// @notice The ledger takes the place of one of this context.
    event Inherited(uint256 context, bytes32 root, uint32 parts);
    /// @notice Nullifiers that the earlier ledger had spent are spent here.
    event SpentBrought(
        uint32 indexed part, uint256 indexed scope, uint32 period, uint256[] nullifiers
    );

    /// @dev `Participants.AGENCY`, without a call.
    bytes32 private constant AGENCY = "agency";

    /// @notice Who takes part.
    Participants public immutable PARTICIPANTS;
    /// @notice Where claims are accepted.
    address public immutable CLAIMS;

    /// @notice What is taken over; zeros for a ledger that takes no other's place.
    Inheritance public inheritance;
    /// @notice Whether a part is here.
    mapping(uint32 part => bool) public isBrought;

    constructor(address committee, address participants, address claims) Governed(committee) {
        PARTICIPANTS = Participants(participants);
        CLAIMS = claims;
    }

    /// @notice Has this ledger take the place of an earlier one, before it opens anything.
    /// @param context the earlier ledger's
    /// @param root the Merkle root over the parts
    /// @param parts how many there are
    function inherit(uint256 context, bytes32 root, uint32 parts) external onlyCommittee {
        if (context == 0 || context >= Poseidon.R || parts == 0) {
            revert NotInheritable(context, parts);
        }
        if (ISuccessor(CLAIMS).openingCount() != 0 || inheritance.context != 0) revert NotNew();
        inheritance = Inheritance(context, root, parts, 0);
        ISuccessor(CLAIMS).inheritContext(context);
        emit Inherited(context, root, parts);
    }

    /// @notice Brings nullifiers that the earlier ledger has spent in a scope's period; the agency.
    /// @param part the part's number, from zero
    /// @param path the Merkle path of the part to the approved root
    function bringSpent(
        uint32 part,
        uint256 scope,
        uint32 period,
        uint256[] calldata nullifiers,
        bytes32[] calldata path
    ) external {
        _take(part, keccak256(abi.encode(part, scope, period, nullifiers)), path);
        ISuccessor(CLAIMS).importSpent(nullifiers);
        emit SpentBrought(part, scope, period, nullifiers);
    }

    /// @notice Brings scopes as they stand on the earlier ledger; the agency.
    /// @param part the part's number, from zero
    /// @param path the Merkle path of the part to the approved root
    function bringScopes(uint32 part, InheritedScope[] calldata scopes, bytes32[] calldata path)
        external
    {
        _take(part, keccak256(abi.encode(part, scopes)), path);
        for (uint256 i = 0; i < scopes.length; i++) _inheritScope(scopes[i]);
    }

    /// @dev Reverts unless everything that the earlier ledger had spent is here.
    function _requireComplete() internal view {
        (uint32 brought, uint32 parts) = (inheritance.brought, inheritance.parts);
        if (brought != parts) revert InheritanceIncomplete(brought, parts);
    }

    function _inheritScope(InheritedScope calldata scope) internal virtual;

    function _take(uint32 part, bytes32 content, bytes32[] calldata path) private {
        if (!PARTICIPANTS.hasRole(AGENCY, msg.sender)) revert NotPermitted(msg.sender);
        // Hashed twice, so that no inner node passes for a part.
        bytes32 leaf = keccak256(bytes.concat(content));
        if (
            part >= inheritance.parts || isBrought[part]
                || !MerkleProof.verifyCalldata(path, inheritance.root, leaf)
        ) revert PartNotApproved(part);
        isBrought[part] = true;
        inheritance.brought++;
    }
}
