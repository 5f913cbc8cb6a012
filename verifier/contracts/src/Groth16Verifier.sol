// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Groth16 over BN254 for one verification key
/// @notice The equation checked is e(A, B) = e(alpha, beta) · e(L, gamma) · e(C, delta), where L is
/// IC[0] + Σ input[i] · IC[i + 1]. The part of L that many proofs share is folded once.
/// @dev Points are words as the precompiles of EIP-196 and EIP-197 take them. The precompiles refuse
/// coordinates that are not below the base field's modulus, points off the curve and, in G2, out of
/// the subgroup; scalars they reduce silently, so every input is compared with the modulus here.
contract Groth16Verifier {
    /// @dev Order of the scalar field.
    uint256 internal constant R =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;
    /// @dev Modulus of the base field.
    uint256 internal constant Q =
        21888242871839275222246405745257275088696311157297823662689037894645226208583;

    // The generator of G2, imaginary parts first.
    uint256 internal constant G2_X1 =
        11559732032986387107991004021392285783925812861821192530917403151452391805634;
    uint256 internal constant G2_X0 =
        10857046999023057135944570762232829481370756359578518086990519993285655852781;

    /// @notice The key is one that anyone can forge proofs for, or no key at all.
    error DegenerateKey();
    /// @notice A public input is not below the scalar field's order.
    error NotCanonical(uint256 index);
    /// @notice A precompile refused its input: a point is not on its curve or not in its group.
    error InvalidPoint();
    /// @notice Only the committee may do this.
    error NotCommittee(address account);
    /// @notice A transcript is registered for this key already.
    error AlreadyRegistered(bytes32 key);
    /// @notice Zero stands for no transcript.
    error NoTranscript();
    /// @notice The number of inputs is not the key's.
    error WrongInputCount(uint256 given, uint256 expected);

    uint256 internal immutable ALPHA_X;
    uint256 internal immutable ALPHA_Y;
    uint256 internal immutable BETA_X1;
    uint256 internal immutable BETA_X0;
    uint256 internal immutable BETA_Y1;
    uint256 internal immutable BETA_Y0;
    uint256 internal immutable GAMMA_X1;
    uint256 internal immutable GAMMA_X0;
    uint256 internal immutable GAMMA_Y1;
    uint256 internal immutable GAMMA_Y0;
    uint256 internal immutable DELTA_X1;
    uint256 internal immutable DELTA_X0;
    uint256 internal immutable DELTA_Y1;
    uint256 internal immutable DELTA_Y0;
    // The last three inputs are a claim's own: their points are read for every claim.
    uint256 internal immutable OWN0_X;
    uint256 internal immutable OWN0_Y;
    uint256 internal immutable OWN1_X;
    uint256 internal immutable OWN1_Y;
    uint256 internal immutable OWN2_X;
    uint256 internal immutable OWN2_Y;

    /// @notice The committee has registered the transcript of the ceremony that made a key.
    /// @param key SHA-256 of the key's points
    /// @param transcript SHA-256 of the transcript
    event TranscriptRegistered(bytes32 indexed key, bytes32 transcript);

    /// @notice The committee of the network.
    address public immutable COMMITTEE;
    /// @notice SHA-256 of this key's points: alpha, beta, gamma, delta, and those of the inputs.
    bytes32 public immutable KEY;
    /// @notice For each key of the network SHA-256 of the transcript of the ceremony that made it, as the
    /// committee has registered it; zero for a key of one party, who can forge proofs.
    mapping(bytes32 key => bytes32) public transcripts;

    /// @notice The edition of the statement that the key is for; from one on.
    uint8 public immutable EDITION;
    /// @notice The number of public inputs that claims share: all but the last three.
    uint256 public immutable SHARED_INPUTS;

    /// @dev IC[0] and the points of the shared inputs, x and y in turn.
    uint256[] internal sharedPoints;

    /// @param alpha alpha in G1
    /// @param g2 beta, gamma, delta in G2, each x1, x0, y1, y0
    /// @param ic the points of the constant and of the public inputs, x and y in turn
    /// @param edition the edition of the statement
    /// @param committee the committee of the network
    constructor(
        uint256[2] memory alpha,
        uint256[4][3] memory g2,
        uint256[] memory ic,
        uint8 edition,
        address committee
    ) {
        COMMITTEE = committee;
        KEY = sha256(abi.encodePacked(alpha, g2[0], g2[1], g2[2], ic));
        if (edition == 0) revert DegenerateKey();
        EDITION = edition;
        // The constant, at least one shared input, and a claim's own three.
        if (ic.length % 2 != 0 || ic.length < 10) revert DegenerateKey();
        _requireKey(alpha, g2, ic);
        ALPHA_X = alpha[0];
        ALPHA_Y = alpha[1];
        (BETA_X1, BETA_X0, BETA_Y1, BETA_Y0) = (g2[0][0], g2[0][1], g2[0][2], g2[0][3]);
        (GAMMA_X1, GAMMA_X0, GAMMA_Y1, GAMMA_Y0) = (g2[1][0], g2[1][1], g2[1][2], g2[1][3]);
        (DELTA_X1, DELTA_X0, DELTA_Y1, DELTA_Y0) = (g2[2][0], g2[2][1], g2[2][2], g2[2][3]);
        uint256 own = ic.length - 6;
        (OWN0_X, OWN0_Y, OWN1_X, OWN1_Y) = (ic[own], ic[own + 1], ic[own + 2], ic[own + 3]);
        (OWN2_X, OWN2_Y) = (ic[own + 4], ic[own + 5]);
        SHARED_INPUTS = own / 2 - 1;
        for (uint256 i = 0; i < own; i++) sharedPoints.push(ic[i]);
    }

    /// @notice Registers the transcript of the ceremony that made a key, once.
    /// @param key SHA-256 of the key's points: this one's, or that of another statement of the network
    /// @param transcript SHA-256 of the transcript
    function registerTranscript(bytes32 key, bytes32 transcript) external {
        if (msg.sender != COMMITTEE) revert NotCommittee(msg.sender);
        if (transcript == 0) revert NoTranscript();
        if (transcripts[key] != 0) revert AlreadyRegistered(key);
        transcripts[key] = transcript;
        emit TranscriptRegistered(key, transcript);
    }

    /// @dev Refuses a key with beta or delta at the generator, two of beta, gamma and delta equal (also
    /// negated: the x coordinates decide), with a point at infinity, off its curve or out of its
    /// group, or with two public inputs whose points are the same or opposite.
    function _requireKey(uint256[2] memory alpha, uint256[4][3] memory g2, uint256[] memory ic)
        private
        view
    {
        for (uint256 k = 0; k < 3; k++) {
            bool isGenerator = g2[k][0] == G2_X1 && g2[k][1] == G2_X0;
            bool isZero = (g2[k][0] | g2[k][1] | g2[k][2] | g2[k][3]) == 0;
            // A ceremony leaves gamma at the generator; delta is not there, so that it tells nothing.
            if (isGenerator && k != 1 || isZero) revert DegenerateKey();
        }
        for (uint256 k = 0; k < 3; k++) {
            uint256[4] memory other = g2[(k + 1) % 3];
            if (g2[k][0] == other[0] && g2[k][1] == other[1]) revert DegenerateKey();
        }
        // e(alpha, beta) · e(-alpha, beta) · e(alpha, gamma) · e(-alpha, gamma) · … is one for
        // points in their groups; for others the precompile fails.
        uint256[36] memory input;
        uint256 place = 0;
        for (uint256 k = 0; k < 3; k++) {
            for (uint256 negated = 0; negated < 2; negated++) {
                input[place] = alpha[0];
                input[place + 1] = negated == 1 ? (Q - alpha[1]) % Q : alpha[1];
                for (uint256 w = 0; w < 4; w++) input[place + 2 + w] = g2[k][w];
                place += 6;
            }
        }
        if (alpha[0] == 0 && alpha[1] == 0 || alpha[0] == 1) revert DegenerateKey();
        (bool ok, bytes memory one) = address(8).staticcall(abi.encode(input));
        if (!ok || one.length != 32 || uint256(bytes32(one)) != 1) revert InvalidPoint();
        for (uint256 i = 0; i < ic.length; i += 2) {
            if (ic[i] == 0 && ic[i + 1] == 0) revert DegenerateKey();
            for (uint256 j = 0; j < i; j += 2) if (ic[i] == ic[j]) revert DegenerateKey();
            // Adding the point to itself fails off the curve.
            _add([ic[i], ic[i + 1]], [ic[i], ic[i + 1]]);
        }
    }

    /// @notice A part of L, and Σ input[i] · IC[first + i + 1]: what a run of shared inputs adds to it.
    /// @param part what was folded before
    /// @param first the place of the first of them
    /// @param inputs the inputs, each below the field's order
    function fold(uint256[2] memory part, uint256 first, uint256[] memory inputs)
        public
        view
        returns (uint256[2] memory sum)
    {
        sum = part;
        if (first + inputs.length > SHARED_INPUTS) {
            revert WrongInputCount(first + inputs.length, SHARED_INPUTS);
        }
        for (uint256 i = 0; i < inputs.length; i++) {
            if (inputs[i] >= R) revert NotCanonical(first + i);
            uint256 place = 2 * (first + i + 1);
            sum = _add(sum, _mul(sharedPoints[place], sharedPoints[place + 1], inputs[i]));
        }
    }

    /// @notice What a claim's check takes of the key: alpha, beta, gamma, delta and the points of
    /// the last three inputs.
    function keyWords() external view returns (uint256[20] memory) {
        return [
            ALPHA_X,
            ALPHA_Y,
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
            DELTA_Y0,
            OWN0_X,
            OWN0_Y,
            OWN1_X,
            OWN1_Y,
            OWN2_X,
            OWN2_Y
        ];
    }

    /// @notice IC[0].
    function constantPoint() public view returns (uint256[2] memory) {
        return [sharedPoints[0], sharedPoints[1]];
    }

    /// @notice Whether a proof holds for folded shared inputs and a claim's own three.
    /// @param folded IC[0] and the shared inputs, folded
    /// @param own the last three public inputs
    /// @param proof A, B (imaginary parts first) and C
    function verify(uint256[2] memory folded, uint256[3] calldata own, uint256[8] calldata proof)
        public
        view
        returns (bool)
    {
        if (own[0] >= R) revert NotCanonical(SHARED_INPUTS);
        if (own[1] >= R) revert NotCanonical(SHARED_INPUTS + 1);
        if (own[2] >= R) revert NotCanonical(SHARED_INPUTS + 2);
        // The pairing precompile takes infinity for a point; no honest proof has it.
        if ((proof[0] | proof[1]) == 0 || (proof[6] | proof[7]) == 0) revert InvalidPoint();
        if ((proof[2] | proof[3] | proof[4] | proof[5]) == 0) revert InvalidPoint();
        if (proof[1] >= Q) revert InvalidPoint();
        uint256[2] memory sum = _add(folded, _mul(OWN0_X, OWN0_Y, own[0]));
        sum = _add(sum, _mul(OWN1_X, OWN1_Y, own[1]));
        sum = _add(sum, _mul(OWN2_X, OWN2_Y, own[2]));
        uint256[24] memory input = [
            proof[0],
            (Q - proof[1]) % Q,
            proof[2],
            proof[3],
            proof[4],
            proof[5],
            ALPHA_X,
            ALPHA_Y,
            BETA_X1,
            BETA_X0,
            BETA_Y1,
            BETA_Y0,
            sum[0],
            sum[1],
            GAMMA_X1,
            GAMMA_X0,
            GAMMA_Y1,
            GAMMA_Y0,
            proof[6],
            proof[7],
            DELTA_X1,
            DELTA_X0,
            DELTA_Y1,
            DELTA_Y0
        ];
        (bool ok, bytes memory one) = address(8).staticcall(abi.encode(input));
        if (!ok || one.length != 32) revert InvalidPoint();
        return uint256(bytes32(one)) == 1;
    }

    function _add(uint256[2] memory a, uint256[2] memory b)
        private
        view
        returns (uint256[2] memory)
    {
        (bool ok, bytes memory sum) = address(6).staticcall(abi.encode(a, b));
        if (!ok || sum.length != 64) revert InvalidPoint();
        return abi.decode(sum, (uint256[2]));
    }

    function _mul(uint256 x, uint256 y, uint256 scalar) private view returns (uint256[2] memory) {
        (bool ok, bytes memory product) = address(7).staticcall(abi.encode(x, y, scalar));
        if (!ok || product.length != 64) revert InvalidPoint();
        return abi.decode(product, (uint256[2]));
    }
}
