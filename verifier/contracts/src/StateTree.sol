// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Poseidon} from "./Poseidon.sol";

/// @title The state's tree of offices
/// @notice Four levels of eight: 4,096 places. A leaf is Poseidon(tag, office, schema, office root),
/// an empty place a constant with no known preimage. No aggregator is trusted: the contract hashes.
abstract contract StateTree {
    /// @notice A place beyond the tree's last.
    error NoSuchPlace(uint256 place);
    /// @notice A value is not below the scalar field's order.
    error NotBelowOrder();
    /// @notice The constants are not circomlib's.
    error WrongConstants();

    uint256 internal constant DEPTH = 4;
    uint256 internal constant PLACES = 8 ** DEPTH;
    /// @dev "praman.office.1" as an integer.
    uint256 private constant OFFICE_TAG = 0x7072616d616e2e6f66666963652e31;
    /// @dev keccak256 of all constants: width 5, then width 9.
    bytes32 private constant CONSTANTS_DIGEST =
        0x9b53c18f20f180b2aeb97c08dfa90aebf6c2908ea9f380b0a6efb9dd46ec62d2;

    // Where the constants lie: those of width 5, and both halves of those of width 9.
    address private immutable CONSTANTS_4;
    address private immutable CONSTANTS_8_A;
    address private immutable CONSTANTS_8_B;
    // The values of empty subtrees, from an empty leaf upwards.
    uint256 private immutable EMPTY_0;
    uint256 private immutable EMPTY_1;
    uint256 private immutable EMPTY_2;
    uint256 private immutable EMPTY_3;
    uint256 private immutable EMPTY_4;

    /// @dev Level and place to value; zero stands for an empty subtree, as no hash is known to be 0.
    mapping(uint256 => uint256) private nodes;

    /// @param constants the three runs of constants
    /// @param emptyLeaf the value of an empty place
    constructor(address[3] memory constants, uint256 emptyLeaf) {
        CONSTANTS_4 = constants[0];
        CONSTANTS_8_A = constants[1];
        CONSTANTS_8_B = constants[2];
        (uint256 four,) = Poseidon.load(constants[0], address(0), Poseidon.WORDS_4, 0);
        (uint256 eight, uint256 state) =
            Poseidon.load(constants[1], constants[2], Poseidon.WORDS_8 / 2, Poseidon.WORDS_8 / 2);
        bytes32 digest;
        {
            (uint256 words4, uint256 words8) = (Poseidon.WORDS_4, Poseidon.WORDS_8);
            assembly ("memory-safe") {
                mstore(0x00, keccak256(four, mul(words4, 0x20)))
                mstore(0x20, keccak256(eight, mul(words8, 0x20)))
                digest := keccak256(0x00, 0x40)
            }
        }
        if (digest != CONSTANTS_DIGEST) revert WrongConstants();
        uint256[5] memory empty;
        empty[0] = emptyLeaf;
        for (uint256 level = 1; level <= DEPTH; level++) {
            uint256 below = empty[level - 1];
            assembly ("memory-safe") {
                mstore(state, 0)
                for { let i := 1 } lt(i, 9) { i := add(i, 1) } {
                    mstore(add(state, mul(i, 0x20)), below)
                }
            }
            empty[level] = Poseidon.hashEight(eight, state);
        }
        (EMPTY_0, EMPTY_1, EMPTY_2, EMPTY_3, EMPTY_4) =
            (empty[0], empty[1], empty[2], empty[3], empty[4]);
    }

    /// @notice The root of the tree.
    function stateRoot() public view returns (uint256) {
        return _node(DEPTH, 0);
    }

    /// @notice A node of the tree.
    /// @param level 0 for leaves, 4 for the root
    /// @param index its place in its level
    function node(uint256 level, uint256 index) external view returns (uint256) {
        if (level > DEPTH || index >= 8 ** (DEPTH - level)) revert NoSuchPlace(index);
        return _node(level, index);
    }

    /// @notice An office's leaf.
    function officeLeaf(uint256 office, uint256 schema, uint256 root) public view returns (uint256) {
        if (root >= Poseidon.R) revert NotBelowOrder();
        (uint256 constants, uint256 state) =
            Poseidon.load(CONSTANTS_4, address(0), Poseidon.WORDS_4, 0);
        assembly ("memory-safe") {
            // The constants are read once: what comes after may lie where they do.
            mstore(0x40, constants)
        }
        return Poseidon.hashFour(constants, state, OFFICE_TAG, office, schema, root);
    }

    /// @notice A node over eight, each below the field's order.
    function nodeOf(uint256[8] calldata children) external view returns (uint256) {
        (uint256 constants, uint256 state) =
            Poseidon.load(CONSTANTS_8_A, CONSTANTS_8_B, Poseidon.WORDS_8 / 2, Poseidon.WORDS_8 / 2);
        for (uint256 i = 0; i < 8; i++) if (children[i] >= Poseidon.R) revert NotBelowOrder();
        assembly ("memory-safe") {
            mstore(state, 0)
            calldatacopy(add(state, 0x20), children, 0x100)
        }
        return Poseidon.hashEight(constants, state);
    }

    /// @dev Puts an office's leaf in its place; the new root.
    function _put(uint256 office, uint256 schema, uint256 root) internal returns (uint256) {
        return _replace(office, officeLeaf(office, schema, root));
    }

    /// @dev Empties an office's place; the new root.
    function _empty(uint256 office) internal returns (uint256) {
        return _replace(office, EMPTY_0);
    }

    function _replace(uint256 place, uint256 value) private returns (uint256) {
        if (place >= PLACES) revert NoSuchPlace(place);
        (uint256 constants, uint256 state) =
            Poseidon.load(CONSTANTS_8_A, CONSTANTS_8_B, Poseidon.WORDS_8 / 2, Poseidon.WORDS_8 / 2);
        nodes[place] = value;
        for (uint256 level = 0; level < DEPTH; level++) {
            uint256 first = place & ~uint256(7);
            for (uint256 i = 0; i < 8; i++) {
                uint256 child = first + i == place ? value : _node(level, first + i);
                assembly ("memory-safe") {
                    mstore(add(state, mul(add(i, 1), 0x20)), child)
                }
            }
            assembly ("memory-safe") {
                mstore(state, 0)
            }
            value = Poseidon.hashEight(constants, state);
            place >>= 3;
            nodes[(level + 1) << 16 | place] = value;
        }
        return value;
    }

    function _node(uint256 level, uint256 index) private view returns (uint256 value) {
        value = nodes[level << 16 | index];
        if (value != 0) return value;
        if (level == 0) return EMPTY_0;
        if (level == 1) return EMPTY_1;
        if (level == 2) return EMPTY_2;
        if (level == 3) return EMPTY_3;
        return EMPTY_4;
    }
}
