// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ClaimVerifier} from "../ClaimVerifier.sol";
import {Groth16Verifier} from "../Groth16Verifier.sol";

/// @title What a batch's coefficients are drawn from, for tests only
/// @notice Nothing of a network: the seed alone.
contract BatchSeed is ClaimVerifier {
    constructor(Groth16Verifier verifier) ClaimVerifier(verifier) {}

    /// @notice The seed, to be compared with its twin.
    function seed(uint256 x, uint256 y, uint256[11][] calldata claims)
        external
        pure
        returns (bytes32)
    {
        return _batchSeed(x, y, claims);
    }
}
