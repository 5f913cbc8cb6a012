// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Poseidon over BN254's scalar field with circomlib's parameters
/// @notice The sparse form of the permutation (appendix B of the paper): the partial rounds cost a
/// row and a column instead of a matrix. Widths are 5 and 9: an office's leaf or an access's nullifier, a node of
/// eight.
/// @dev The constants come as one run of words in memory: the first four full rounds' constants, the
/// MDS matrix, the matrix before the partial rounds, for each partial round its constant, row and
/// column, and the last four full rounds' constants.
library Poseidon {
    /// @dev Order of the scalar field: three times it and more fits a word, so sums of up to five
    /// reduced values are reduced once.
    uint256 internal constant R =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;

    /// @notice Words of constants for a hash of four elements: 60 partial rounds of width 5.
    uint256 internal constant WORDS_4 = 2 * 4 * 5 + 2 * 25 + 60 * 10;
    /// @notice Words of constants for a hash of eight elements: 63 partial rounds of width 9.
    uint256 internal constant WORDS_8 = 2 * 4 * 9 + 2 * 81 + 63 * 18;

    /// @notice The hash of `width - 1` elements, each below the field's order.
    /// @param constants where the constants lie in memory
    /// @param width 5 or 9
    /// @param partialRounds 60 or 63
    /// @param state where `2 · width` words lie in memory: a zero, the elements, and room; they are
    /// overwritten
    /// @dev The twin is `praman_circuits::poseidon::hash`; both are compared on random and edge
    /// inputs by `contracts_poseidon_agrees_with_circomlib`.
    function permute(uint256 constants, uint256 width, uint256 partialRounds, uint256 state)
        internal
        pure
        returns (uint256 digest)
    {
        assembly ("memory-safe") {
            let r := R
            let stride := mul(width, 0x20)

            function fifth(x, modulus) -> y {
                let square := mulmod(x, x, modulus)
                y := mulmod(mulmod(square, square, modulus), x, modulus)
            }
            // Four products; their sum is below four times the order, which is below 2^256.
            function four(a, b, modulus) -> sum {
                sum := mulmod(mload(a), mload(b), modulus)
                sum := add(sum, mulmod(mload(add(a, 0x20)), mload(add(b, 0x20)), modulus))
                sum := add(sum, mulmod(mload(add(a, 0x40)), mload(add(b, 0x40)), modulus))
                sum := add(sum, mulmod(mload(add(a, 0x60)), mload(add(b, 0x60)), modulus))
            }
            // The inner product of a row with the state: one product and one or two times four.
            function dot(row, s, w, modulus) -> sum {
                sum := add(
                    mulmod(mload(row), mload(s), modulus),
                    four(add(row, 0x20), add(s, 0x20), modulus)
                )
                switch w
                case 0x120 { sum := addmod(sum, four(add(row, 0xa0), add(s, 0xa0), modulus), modulus) }
                default { sum := mod(sum, modulus) }
            }
            function substitute(round, s, w, modulus) {
                for { let i := 0 } lt(i, w) { i := add(i, 0x20) } {
                    let x := addmod(mload(add(s, i)), mload(add(round, i)), modulus)
                    mstore(add(s, i), fifth(x, modulus))
                }
            }
            // The state times a matrix, by way of the room behind it.
            function mix(layer, s, w, modulus) {
                let room := add(s, w)
                for { let i := 0 } lt(i, w) { i := add(i, 0x20) } {
                    mstore(add(room, i), dot(layer, s, w, modulus))
                    layer := add(layer, w)
                }
                for { let i := 0 } lt(i, w) { i := add(i, 0x20) } {
                    mstore(add(s, i), mload(add(room, i)))
                }
            }

            let place := constants
            let mds := add(constants, mul(4, stride))
            let before := add(mds, mul(width, stride))
            for { let round := 0 } lt(round, 4) { round := add(round, 1) } {
                substitute(place, state, stride, r)
                switch round
                case 3 { mix(before, state, stride, r) }
                default { mix(mds, state, stride, r) }
                place := add(place, stride)
            }
            place := add(before, mul(width, stride))
            for { let round := 0 } lt(round, partialRounds) { round := add(round, 1) } {
                let lane := fifth(addmod(mload(state), mload(place), r), r)
                mstore(state, lane)
                let row := add(place, 0x20)
                let mixed := dot(row, state, stride, r)
                let column := add(row, stride)
                place := add(column, sub(stride, 0x20))
                let element := add(state, 0x20)
                for {} lt(column, place) {} {
                    mstore(element, addmod(mload(element), mulmod(lane, mload(column), r), r))
                    let a := add(element, 0x20)
                    mstore(a, addmod(mload(a), mulmod(lane, mload(add(column, 0x20)), r), r))
                    let b := add(element, 0x40)
                    mstore(b, addmod(mload(b), mulmod(lane, mload(add(column, 0x40)), r), r))
                    let c := add(element, 0x60)
                    mstore(c, addmod(mload(c), mulmod(lane, mload(add(column, 0x60)), r), r))
                    element := add(element, 0x80)
                    column := add(column, 0x80)
                }
                mstore(state, mixed)
            }
            for { let round := 0 } lt(round, 3) { round := add(round, 1) } {
                substitute(place, state, stride, r)
                mix(mds, state, stride, r)
                place := add(place, stride)
            }
            substitute(place, state, stride, r)
            digest := dot(mds, state, stride, r)
        }
    }

    /// @notice The hash of four elements, each below the field's order.
    /// @param constants where the constants of width 5 lie in memory
    /// @param state where ten words lie in memory; they are overwritten
    function hashFour(uint256 constants, uint256 state, uint256 a, uint256 b, uint256 c, uint256 d)
        internal
        pure
        returns (uint256)
    {
        assembly ("memory-safe") {
            mstore(state, 0)
            mstore(add(state, 0x20), a)
            mstore(add(state, 0x40), b)
            mstore(add(state, 0x60), c)
            mstore(add(state, 0x80), d)
        }
        return permute(constants, 5, 60, state);
    }

    /// @notice Copies constants, which lie in one or two contracts' code, to fresh memory, with room for a state
    /// behind them.
    /// @param second the contract of the rest; not read if it has no words
    function load(address first, address second, uint256 firstWords, uint256 secondWords)
        internal
        view
        returns (uint256 constants, uint256 state)
    {
        assembly ("memory-safe") {
            constants := mload(0x40)
            state := add(constants, mul(add(firstWords, secondWords), 0x20))
            mstore(0x40, add(state, 0x240))
            // Behind the byte that stops a call.
            extcodecopy(first, constants, 1, mul(firstWords, 0x20))
            if secondWords {
                extcodecopy(second, add(constants, mul(firstWords, 0x20)), 1, mul(secondWords, 0x20))
            }
        }
    }

    /// @notice The hash of eight elements, each below the field's order: `permute` for width 9 with
    /// the state on the stack, which costs half.
    /// @param constants where the constants lie in memory
    /// @param state where 18 words lie in memory: a zero, the elements, and room; they are overwritten
    function hashEight(uint256 constants, uint256 state) internal pure returns (uint256 digest) {
        assembly ("memory-safe") {
            function fifth(x) -> y {
                let square := mulmod(x, x, R)
                y := mulmod(mulmod(square, square, R), x, R)
            }
            // The inner product of a row with the state; sums of five reduced values fit a word.
            function row(p, s0, s1, s2, s3, s4, s5, s6, s7, s8) -> sum {
                sum := mulmod(mload(p), s0, R)
                sum := add(sum, mulmod(mload(add(p, 0x20)), s1, R))
                sum := add(sum, mulmod(mload(add(p, 0x40)), s2, R))
                sum := add(sum, mulmod(mload(add(p, 0x60)), s3, R))
                sum := add(sum, mulmod(mload(add(p, 0x80)), s4, R))
                let rest := mulmod(mload(add(p, 0xa0)), s5, R)
                rest := add(rest, mulmod(mload(add(p, 0xc0)), s6, R))
                rest := add(rest, mulmod(mload(add(p, 0xe0)), s7, R))
                rest := add(rest, mulmod(mload(add(p, 0x100)), s8, R))
                sum := addmod(sum, rest, R)
            }
            function substitute(round, s) {
                for { let i := 0 } lt(i, 0x120) { i := add(i, 0x20) } {
                    mstore(add(s, i), fifth(addmod(mload(add(s, i)), mload(add(round, i)), R)))
                }
            }
            // The state times a matrix.
            function mix(layer, s) {
                let s0 := mload(s)
                let s1 := mload(add(s, 0x20))
                let s2 := mload(add(s, 0x40))
                let s3 := mload(add(s, 0x60))
                let s4 := mload(add(s, 0x80))
                let s5 := mload(add(s, 0xa0))
                let s6 := mload(add(s, 0xc0))
                let s7 := mload(add(s, 0xe0))
                let s8 := mload(add(s, 0x100))
                for { let end := add(s, 0x120) } lt(s, end) { s := add(s, 0x20) } {
                    mstore(s, row(layer, s0, s1, s2, s3, s4, s5, s6, s7, s8))
                    layer := add(layer, 0x120)
                }
            }
            // The 63 partial rounds.
            function partials(place, s) {
                let s0 := mload(s)
                let s1 := mload(add(s, 0x20))
                let s2 := mload(add(s, 0x40))
                let s3 := mload(add(s, 0x60))
                let s4 := mload(add(s, 0x80))
                let s5 := mload(add(s, 0xa0))
                let s6 := mload(add(s, 0xc0))
                let s7 := mload(add(s, 0xe0))
                let s8 := mload(add(s, 0x100))
                for { let end := add(place, 0x8dc0) } lt(place, end) { place := add(place, 0x240) } {
                    s0 := fifth(addmod(s0, mload(place), R))
                    // The row, written out: a call costs a tenth of the hash.
                    let mixed := mulmod(mload(add(place, 0x20)), s0, R)
                    mixed := add(mixed, mulmod(mload(add(place, 0x40)), s1, R))
                    mixed := add(mixed, mulmod(mload(add(place, 0x60)), s2, R))
                    mixed := add(mixed, mulmod(mload(add(place, 0x80)), s3, R))
                    mixed := add(mixed, mulmod(mload(add(place, 0xa0)), s4, R))
                    mixed := mod(mixed, R)
                    mixed := add(mixed, mulmod(mload(add(place, 0xc0)), s5, R))
                    mixed := add(mixed, mulmod(mload(add(place, 0xe0)), s6, R))
                    mixed := add(mixed, mulmod(mload(add(place, 0x100)), s7, R))
                    mixed := add(mixed, mulmod(mload(add(place, 0x120)), s8, R))
                    s1 := addmod(s1, mulmod(s0, mload(add(place, 0x140)), R), R)
                    s2 := addmod(s2, mulmod(s0, mload(add(place, 0x160)), R), R)
                    s3 := addmod(s3, mulmod(s0, mload(add(place, 0x180)), R), R)
                    s4 := addmod(s4, mulmod(s0, mload(add(place, 0x1a0)), R), R)
                    s5 := addmod(s5, mulmod(s0, mload(add(place, 0x1c0)), R), R)
                    s6 := addmod(s6, mulmod(s0, mload(add(place, 0x1e0)), R), R)
                    s7 := addmod(s7, mulmod(s0, mload(add(place, 0x200)), R), R)
                    s8 := addmod(s8, mulmod(s0, mload(add(place, 0x220)), R), R)
                    s0 := mixed
                }
                mstore(s, s0)
                mstore(add(s, 0x20), s1)
                mstore(add(s, 0x40), s2)
                mstore(add(s, 0x60), s3)
                mstore(add(s, 0x80), s4)
                mstore(add(s, 0xa0), s5)
                mstore(add(s, 0xc0), s6)
                mstore(add(s, 0xe0), s7)
                mstore(add(s, 0x100), s8)
            }

            let place := constants
            let mds := add(constants, 0x480)
            for { let round := 0 } lt(round, 3) { round := add(round, 1) } {
                substitute(place, state)
                mix(mds, state)
                place := add(place, 0x120)
            }
            substitute(place, state)
            mix(add(mds, 0xa20), state)
            place := add(mds, 0x1440)
            partials(place, state)
            place := add(place, 0x8dc0)
            for { let round := 0 } lt(round, 3) { round := add(round, 1) } {
                substitute(place, state)
                mix(mds, state)
                place := add(place, 0x120)
            }
            substitute(place, state)
            digest := row(
                mds,
                mload(state),
                mload(add(state, 0x20)),
                mload(add(state, 0x40)),
                mload(add(state, 0x60)),
                mload(add(state, 0x80)),
                mload(add(state, 0xa0)),
                mload(add(state, 0xc0)),
                mload(add(state, 0xe0)),
                mload(add(state, 0x100))
            )
        }
    }
}
