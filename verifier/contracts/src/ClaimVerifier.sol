// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Groth16Verifier} from "./Groth16Verifier.sol";

/// @title The check of claims, one or many, under the current key
/// @notice The key's points are immutables, so that a claim reads no storage for them. One claim
/// costs one pairing product of four pairs and three scalar multiplications; a batch costs one product
/// of n + 3 pairs, with two multiplications a claim and five for all.
abstract contract ClaimVerifier {
    /// @notice The proof does not hold for this scheme, period, checkpoint and claim.
    error ProofInvalid();
    /// @notice A proof of the batch does not hold; nothing of the batch was accepted. Find it by
    /// checking off chain.
    error BatchInvalid();

    /// @dev Order of the scalar field.
    uint256 private constant R =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;
    /// @dev Modulus of the base field.
    uint256 private constant Q =
        21888242871839275222246405745257275088696311157297823662689037894645226208583;

    /// @notice The verifier of the current key.
    Groth16Verifier public immutable VERIFIER;
    /// @dev The number of inputs that claims share; a claim's own three follow.
    uint256 internal immutable SHARED;

    uint256 private immutable ALPHA_X;
    uint256 private immutable ALPHA_Y;
    uint256 private immutable BETA_X1;
    uint256 private immutable BETA_X0;
    uint256 private immutable BETA_Y1;
    uint256 private immutable BETA_Y0;
    uint256 private immutable GAMMA_X1;
    uint256 private immutable GAMMA_X0;
    uint256 private immutable GAMMA_Y1;
    uint256 private immutable GAMMA_Y0;
    uint256 private immutable DELTA_X1;
    uint256 private immutable DELTA_X0;
    uint256 private immutable DELTA_Y1;
    uint256 private immutable DELTA_Y0;
    uint256 private immutable OWN0_X;
    uint256 private immutable OWN0_Y;
    uint256 private immutable OWN1_X;
    uint256 private immutable OWN1_Y;
    uint256 private immutable OWN2_X;
    uint256 private immutable OWN2_Y;

    constructor(Groth16Verifier verifier) {
        VERIFIER = verifier;
        SHARED = verifier.SHARED_INPUTS();
        uint256[20] memory key = verifier.keyWords();
        (ALPHA_X, ALPHA_Y) = (key[0], key[1]);
        (BETA_X1, BETA_X0, BETA_Y1, BETA_Y0) = (key[2], key[3], key[4], key[5]);
        (GAMMA_X1, GAMMA_X0, GAMMA_Y1, GAMMA_Y0) = (key[6], key[7], key[8], key[9]);
        (DELTA_X1, DELTA_X0, DELTA_Y1, DELTA_Y0) = (key[10], key[11], key[12], key[13]);
        (OWN0_X, OWN0_Y, OWN1_X, OWN1_Y) = (key[14], key[15], key[16], key[17]);
        (OWN2_X, OWN2_Y) = (key[18], key[19]);
    }

    /// @dev Reverts unless a claim's proof holds.
    /// @param foldedX the constant and all shared inputs as one point
    /// @param own the nullifier, the payout commitment and the envelope's hash
    /// @param proof A, B (imaginary parts first) and C
    function _requireProof(
        uint256 foldedX,
        uint256 foldedY,
        uint256[3] calldata own,
        uint256[8] calldata proof
    ) internal view {
        if (own[0] >= R) revert Groth16Verifier.NotCanonical(SHARED);
        if (own[1] >= R) revert Groth16Verifier.NotCanonical(SHARED + 1);
        if (own[2] >= R) revert Groth16Verifier.NotCanonical(SHARED + 2);
        uint256[24] memory pairs;
        // Words 0 to 5 and 18 to 20 serve as room for L before the pairs are written.
        (pairs[0], pairs[1], pairs[2]) = (OWN0_X, OWN0_Y, own[0]);
        (pairs[3], pairs[4], pairs[5]) = (OWN1_X, OWN1_Y, own[1]);
        (pairs[18], pairs[19], pairs[20]) = (OWN2_X, OWN2_Y, own[2]);
        (pairs[6], pairs[7]) = (ALPHA_X, ALPHA_Y);
        (pairs[8], pairs[9], pairs[10], pairs[11]) = (BETA_X1, BETA_X0, BETA_Y1, BETA_Y0);
        (pairs[14], pairs[15], pairs[16], pairs[17]) = (GAMMA_X1, GAMMA_X0, GAMMA_Y1, GAMMA_Y0);
        // Word 20 waits for L; it is written with the others of delta below.
        (pairs[21], pairs[22], pairs[23]) = (DELTA_X0, DELTA_Y1, DELTA_Y0);
        uint256 deltaX1 = DELTA_X1;
        bool ok;
        uint256 one;
        assembly ("memory-safe") {
            // L = folded + own0 · IC + own1 · IC + own2 · IC, at words 12 and 13.
            ok := staticcall(gas(), 7, pairs, 0x60, pairs, 0x40)
            ok := and(ok, staticcall(gas(), 7, add(pairs, 0x60), 0x60, add(pairs, 0x40), 0x40))
            ok := and(ok, staticcall(gas(), 6, pairs, 0x80, pairs, 0x40))
            ok :=
                and(ok, staticcall(gas(), 7, add(pairs, 0x240), 0x60, add(pairs, 0x40), 0x40))
            ok := and(ok, staticcall(gas(), 6, pairs, 0x80, pairs, 0x40))
            mstore(add(pairs, 0x280), deltaX1)
            mstore(add(pairs, 0x40), foldedX)
            mstore(add(pairs, 0x60), foldedY)
            ok := and(ok, staticcall(gas(), 6, pairs, 0x80, add(pairs, 0x180), 0x40))
            // -A, B, C as they came. No honest proof has infinity, which the precompile would take.
            calldatacopy(pairs, proof, 0xc0)
            calldatacopy(add(pairs, 0x240), add(proof, 0xc0), 0x40)
            let y := mload(add(pairs, 0x20))
            ok := and(ok, iszero(iszero(or(mload(pairs), y))))
            ok := and(ok, lt(y, Q))
            mstore(add(pairs, 0x20), sub(Q, y))
            let b := or(mload(add(pairs, 0x40)), mload(add(pairs, 0x60)))
            b := or(b, or(mload(add(pairs, 0x80)), mload(add(pairs, 0xa0))))
            ok := and(ok, iszero(iszero(b)))
            ok := and(ok, iszero(iszero(or(mload(add(pairs, 0x240)), mload(add(pairs, 0x260))))))
            // A precompile that fails or does not answer leaves `one` at zero.
            mstore(0x00, 0)
            ok := and(ok, staticcall(gas(), 8, pairs, 0x300, 0x00, 0x20))
            one := mload(0x00)
        }
        if (!ok) revert Groth16Verifier.InvalidPoint();
        if (one != 1) revert ProofInvalid();
    }

    /// @dev What a batch's coefficients are drawn from: everything that is claimed, and the point that everything
    /// it is claimed against is folded to.
    function _batchSeed(
        uint256 foldedX,
        uint256 foldedY,
        uint256[11][] calldata claims
    ) internal pure returns (bytes32) {
        bytes32 claimed;
        assembly ("memory-safe") {
            // Behind the free memory's beginning, where nothing is live.
            let free := mload(0x40)
            let size := mul(claims.length, 0x160)
            calldatacopy(free, claims.offset, size)
            claimed := keccak256(free, size)
        }
        return keccak256(abi.encode(foldedX, foldedY, claimed));
    }

    /// @dev Reverts unless the proofs of all claims hold: with random rᵢ,
    /// Π e(-rᵢ·Aᵢ, Bᵢ) · e(Σrᵢ·alpha, beta) · e(Σrᵢ·Lᵢ, gamma) · e(Σrᵢ·Cᵢ, delta) = 1.
    /// The first coefficient is 1, the others have 128 bits of the hash of everything that is
    /// claimed and what it is claimed against: a sender who could choose proofs after the
    /// coefficients could let their errors cancel.
    /// @param foldedX the constant and all shared inputs as one point
    /// @param claims nullifier, payout commitment, envelope's hash and proof of each
    function _requireProofs(
        uint256 foldedX,
        uint256 foldedY,
        uint256[11][] calldata claims
    ) internal view {
        uint256 count = claims.length;
        bytes32 seed = _batchSeed(foldedX, foldedY, claims);
        // Six words a pair; behind them sums (Σr, Σr·own0, Σr·own1, Σr·own2), Σr·C and room for six words.
        uint256[] memory pairs = new uint256[](6 * count + 18 + 12);
        uint256 sums;
        bool ok;
        bool canonical;
        assembly ("memory-safe") {
            pairs := add(pairs, 0x20)
            let data := claims.offset
            sums := add(pairs, mul(add(count, 3), 0xc0))
            let sumC := add(sums, 0x80)
            let room := add(sums, 0xc0)

            mstore(0x00, seed)
            ok := 1
            canonical := 1
            let sumR := 0
            let sum0 := 0
            let sum1 := 0
            let sum2 := 0
            let pair := pairs
            for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                let coefficient := 1
                if i {
                    // Never zero: 128 bits of the hash below a bit that is always set.
                    mstore(0x20, i)
                    coefficient := or(shr(128, keccak256(0x00, 0x40)), shl(128, 1))
                }
                let own0 := calldataload(data)
                let own1 := calldataload(add(data, 0x20))
                let own2 := calldataload(add(data, 0x40))
                canonical := and(canonical, and(lt(own0, R), and(lt(own1, R), lt(own2, R))))
                sumR := add(sumR, coefficient)
                sum0 := addmod(sum0, mulmod(coefficient, own0, R), R)
                sum1 := addmod(sum1, mulmod(coefficient, own1, R), R)
                sum2 := addmod(sum2, mulmod(coefficient, own2, R), R)

                // -r·A, where it goes.
                calldatacopy(pair, add(data, 0x60), 0xc0)
                let y := mload(add(pair, 0x20))
                ok := and(ok, and(lt(y, Q), iszero(iszero(or(mload(pair), y)))))
                let b := or(mload(add(pair, 0x40)), mload(add(pair, 0x60)))
                b := or(b, or(mload(add(pair, 0x80)), mload(add(pair, 0xa0))))
                ok := and(ok, iszero(iszero(b)))
                mstore(add(pair, 0x20), sub(Q, y))
                calldatacopy(room, add(data, 0x120), 0x40)
                ok := and(ok, iszero(iszero(or(mload(room), mload(add(room, 0x20))))))
                switch i
                case 0 {
                    // The pairing checks A; adding nothing to it checks C.
                    mstore(add(room, 0x40), 0)
                    mstore(add(room, 0x60), 0)
                    ok := and(ok, staticcall(gas(), 6, room, 0x80, sumC, 0x40))
                }
                default {
                    mstore(add(room, 0x40), coefficient)
                    ok := and(ok, staticcall(gas(), 7, room, 0x60, add(sumC, 0x40), 0x40))
                    ok := and(ok, staticcall(gas(), 6, sumC, 0x80, sumC, 0x40))
                    mstore(room, mload(pair))
                    mstore(add(room, 0x20), mload(add(pair, 0x20)))
                    ok := and(ok, staticcall(gas(), 7, room, 0x60, pair, 0x40))
                }
                data := add(data, 0x160)
                pair := add(pair, 0xc0)
            }
            mstore(sums, sumR)
            mstore(add(sums, 0x20), sum0)
            mstore(add(sums, 0x40), sum1)
            mstore(add(sums, 0x60), sum2)
        }
        if (!canonical) revert Groth16Verifier.NotCanonical(SHARED);
        if (!ok) revert Groth16Verifier.InvalidPoint();
        uint256 one;
        (ok, one) = _closeBatch(foldedX, foldedY, pairs, count, sums);
        if (!ok) revert Groth16Verifier.InvalidPoint();
        if (one != 1) revert BatchInvalid();
    }

    /// @dev Writes the last three pairs and makes the product. `pairs` points at the first word, not
    /// at a length.
    function _closeBatch(
        uint256 foldedX,
        uint256 foldedY,
        uint256[] memory pairs,
        uint256 count,
        uint256 sums
    ) private view returns (bool ok, uint256 one) {
        uint256[10] memory points = [
            ALPHA_X,
            ALPHA_Y,
            foldedX,
            foldedY,
            OWN0_X,
            OWN0_Y,
            OWN1_X,
            OWN1_Y,
            OWN2_X,
            OWN2_Y
        ];
        uint256[12] memory g2 = [
            BETA_X1,
            BETA_X0,
            BETA_Y1,
            BETA_Y0,
            GAMMA_X1,
            GAMMA_X0,
            GAMMA_Y1,
            GAMMA_Y0,
            DELTA_X1,
            DELTA_X0,
            DELTA_Y1,
            DELTA_Y0
        ];
        assembly ("memory-safe") {
            function scaled(point, scalar, room, to) -> done {
                mstore(room, mload(point))
                mstore(add(room, 0x20), mload(add(point, 0x20)))
                mstore(add(room, 0x40), scalar)
                done := staticcall(gas(), 7, room, 0x60, to, 0x40)
            }
            function copy(from, to, size) {
                for { let i := 0 } lt(i, size) { i := add(i, 0x20) } {
                    mstore(add(to, i), mload(add(from, i)))
                }
            }
            let sumC := add(sums, 0x80)
            let room := add(sums, 0xc0)
            let last := add(pairs, mul(count, 0xc0))
            ok := scaled(points, mload(sums), room, last)
            // L: four multiples, summed in room.
            ok := and(ok, scaled(add(points, 0x40), mload(sums), room, add(last, 0xc0)))
            for { let i := 1 } lt(i, 4) { i := add(i, 1) } {
                let point := add(add(points, 0x40), mul(i, 0x40))
                ok := and(ok, scaled(point, mload(add(sums, mul(i, 0x20))), room, add(room, 0x40)))
                copy(add(last, 0xc0), room, 0x40)
                ok := and(ok, staticcall(gas(), 6, room, 0x80, add(last, 0xc0), 0x40))
            }
            copy(sumC, add(last, 0x180), 0x40)
            copy(g2, add(last, 0x40), 0x80)
            copy(add(g2, 0x80), add(last, 0x100), 0x80)
            copy(add(g2, 0x100), add(last, 0x1c0), 0x80)
            mstore(0x00, 0)
            ok := and(ok, staticcall(gas(), 8, pairs, mul(add(count, 3), 0xc0), 0x00, 0x20))
            one := mload(0x00)
        }
    }
}
