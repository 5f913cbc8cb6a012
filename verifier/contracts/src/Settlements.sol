// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ClaimVerifier} from "./ClaimVerifier.sol";
import {Claims} from "./Claims.sol";
import {Disputes} from "./Disputes.sol";
import {Governed} from "./Governed.sol";
import {Groth16Verifier} from "./Groth16Verifier.sol";
import {Participants} from "./Participants.sol";
import {Poseidon} from "./Poseidon.sol";
import {SchemeRegistry} from "./SchemeRegistry.sol";

/// @title What was paid for an opening, proved from its claims without showing an amount
/// @notice The treasury proves an opening's claims in chunks, in the ledger's order, each from the state in which
/// the one before left the sum. It locks the last state, and then shows the sum and the count by opening it, once and
/// for good.
/// @dev What the contract checks: every proof, that it is for this ledger and opening, that the chunks follow each
/// other from the first, and that the last state holds the sum and the count that are shown. What it does not
/// check is that the digest is that of the claims which the ledger accepted: a hash over each of them would cost
/// ten times as much as the proof. Anyone recomputes the digest from the events, off chain, and must do so:
/// `praman ledger sums` does.
contract Settlements is ClaimVerifier, Governed {
    /// @notice How far an opening's settlement has come.
    struct Settlement {
        // The state after the last chunk; it hides the sum.
        uint256 state;
        // Of all claims of the chunks so far, counted or not.
        uint256 digest;
        // How many chunks stand.
        uint32 chunks;
        // When the last state was locked, in seconds since 1970; 0 until then.
        uint64 lockedAt;
        // How many claims were counted, and what they sum up to; 0 until they are shown.
        uint32 counted;
        uint64 rupees;
        // When they were shown, in seconds since 1970; 0 until then.
        uint64 settledAt;
    }

    /// @notice The account is no treasury that may act now.
    error NotPermitted(address account);
    /// @notice The opening still takes claims, or may take them again.
    error WrongStage(uint32 opening, SchemeRegistry.Stage stage);
    /// @notice The opening's last state is locked: no chunk follows it or takes its place.
    error AlreadyLocked(uint32 opening);
    /// @notice The opening's last state is not locked.
    error NotLocked(uint32 opening);
    /// @notice The opening is settled, for good.
    error AlreadySettled(uint32 opening);
    /// @notice A transaction has 1 to 256 chunks, and one word of bits for each.
    error ChunkCount(uint256 chunks, uint256 counted);
    /// @notice A chunk does not begin where the one before ended; the first begins at the constant state, or where
    /// what stands ended.
    error WrongState(uint256 chunk, uint256 stands);
    /// @notice A word has bits for more claims than a chunk has.
    error TooManyBits(uint256 chunk);
    /// @notice So few claims are counted that their sum tells of single ones.
    error TooFew(uint32 counted, uint32 floor);
    /// @notice What the treasury's files paid is not what was proved.
    error Unbalanced(uint64 rupees, uint64 filed);
    /// @notice A claim of the opening was frozen since the settlement was prepared.
    error FrozenMeanwhile(uint64 freezes);
    /// @notice The blinding is not below the scalar field's order.
    error NotBelowOrder();
    /// @notice The last state is of another sum, another count or another blinding.
    error NotTheSum(uint32 opening);
    /// @notice The constants are not Poseidon's.
    error WrongConstants();

    /// @notice Chunks of an opening's claims were proved.
    /// @param first how many chunks stood before; 0 begins again, and what was proved before counts no more
    /// @param chunks state before, state after, digest, and proof of each
    /// @param counted for each chunk a bit for each claim that is counted, the lowest for its first claim
    event ChunksProved(uint32 indexed opening, uint32 first, uint256[11][] chunks, uint256[] counted);
    /// @notice The last state of an opening is locked.
    /// @param digest of all claims and their bits
    /// @param freezes how many claims of the opening were ever frozen; none of those that count is now
    /// @param treasury the participant that locked it
    event SettlementLocked(
        uint32 indexed opening, uint256 state, uint256 digest, uint64 freezes, uint32 treasury
    );
    /// @notice An opening is settled.
    /// @param rupees the sum of the claims that are counted, and what the treasury's files paid for them
    /// @param digest of all claims and their bits
    /// @param blinding by it anyone opens the last state
    event SettlementOpened(
        uint32 indexed opening,
        uint64 rupees,
        uint32 counted,
        uint256 digest,
        uint256 blinding
    );

    /// @notice The fewest claims whose sum is shown.
    uint32 public constant FLOOR = 20;
    /// @notice The most chunks of a transaction: about 16 million gas.
    uint256 public constant BATCH_MAX = 256;
    /// @notice The state before the first chunk: of digest 0, sum and count 0, and blinding 0.
    uint256 public constant INITIAL =
        0x274b5922b9906a51c1783dcdc0852dbb3381b0eca9154b0165cde0b3838f3d5a;
    /// @dev "praman.settlement.1" as an integer.
    uint256 private constant STATE_TAG = 0x7072616d616e2e736574746c656d656e742e31;
    /// @dev How many claims a chunk has.
    uint256 private constant CHUNK = 78;
    /// @dev `Participants.TREASURY`, without a call.
    bytes32 private constant TREASURY = "treasury";

    /// @notice Where claims are accepted.
    Claims public immutable CLAIMS;
    /// @notice Who takes part.
    Participants public immutable PARTICIPANTS;
    /// @notice Where claims are disputed.
    Disputes public immutable DISPUTES;
    /// @dev Where Poseidon's constants of width 5 lie.
    address private immutable CONSTANTS_4;

    mapping(uint32 opening => Settlement) private settlements;

    /// @param verifier for the key of the settlement's statement
    /// @param constants where Poseidon's constants of width 5 lie
    constructor(
        Groth16Verifier verifier,
        address committee,
        address participants,
        address claims,
        address disputes,
        address constants
    ) ClaimVerifier(verifier) Governed(committee) {
        if (SHARED != 1) revert Groth16Verifier.WrongInputCount(SHARED, 1);
        if (_state(constants, 0, 0, 0) != INITIAL) revert WrongConstants();
        PARTICIPANTS = Participants(participants);
        CLAIMS = Claims(claims);
        DISPUTES = Disputes(disputes);
        CONSTANTS_4 = constants;
    }

    /// @notice Proves the next chunks of a closed opening, all or none; a treasury. Chunks that begin at the
    /// constant state begin again, with other bits.
    /// @param chunks state before, state after, digest, and proof of each
    /// @param counted for each chunk a bit for each claim that is counted, the lowest for its first claim
    function prove(uint32 opening, uint256[11][] calldata chunks, uint256[] calldata counted) external {
        _requireTreasury();
        uint256 count = chunks.length;
        if (count == 0 || count > BATCH_MAX || count != counted.length) {
            revert ChunkCount(count, counted.length);
        }
        Settlement storage proved = settlements[opening];
        if (proved.lockedAt != 0) revert AlreadyLocked(opening);
        // Closed for good: no claim comes after.
        SchemeRegistry.Stage stage = CLAIMS.openingAt(opening).stage;
        if (stage != SchemeRegistry.Stage.Closed && stage != SchemeRegistry.Stage.Sealed) {
            revert WrongStage(opening, stage);
        }
        uint32 first = 0;
        uint256 state = INITIAL;
        // What stands goes on; nothing goes on from where nothing stands.
        if (chunks[0][0] != INITIAL && proved.chunks != 0) (first, state) = (proved.chunks, proved.state);
        for (uint256 i = 0; i < count; i++) {
            uint256[11] calldata chunk = chunks[i];
            if (chunk[0] != state) revert WrongState(i, state);
            if (counted[i] >> CHUNK != 0) revert TooManyBits(i);
            state = chunk[1];
        }
        uint256[] memory shared = new uint256[](1);
        shared[0] = contextOf(opening);
        uint256[2] memory folded = VERIFIER.fold(VERIFIER.constantPoint(), 0, shared);
        _requireProofs(folded[0], folded[1], chunks);
        (proved.state, proved.digest) = (state, chunks[count - 1][2]);
        proved.chunks = first + uint32(count);
        emit ChunksProved(opening, first, chunks, counted);
    }

    /// @notice Locks the last state of an opening, which is of all its claims; a treasury. It shows nothing of the sum:
    /// were the sum shown by a call that may fail, a second sum without one claim would show that claim's amount.
    /// @param state the last state
    /// @param freezes how many claims of the opening were ever frozen, when the claims that count were chosen
    function lock(uint32 opening, uint256 state, uint64 freezes) external {
        uint32 treasury = _requireTreasury();
        Settlement storage proved = settlements[opening];
        if (proved.lockedAt != 0) revert AlreadyLocked(opening);
        uint32 chunks = proved.chunks;
        if (chunks == 0 || proved.state != state) revert WrongState(chunks, proved.state);
        uint64 stands = DISPUTES.freezesOf(opening);
        if (stands != freezes) revert FrozenMeanwhile(stands);
        proved.lockedAt = uint64(block.timestamp);
        emit SettlementLocked(opening, state, proved.digest, freezes, treasury);
    }

    /// @notice Settles an opening for good: shows what the counted claims sum up to, and how many they are; a
    /// treasury.
    /// @param rupees the sum
    /// @param counted how many claims are counted
    /// @param filed what the treasury's files paid for them, as the treasury says
    /// @param blinding of the locked state
    function open(
        uint32 opening,
        uint64 rupees,
        uint32 counted,
        uint64 filed,
        uint256 blinding
    ) external {
        _requireTreasury();
        Settlement storage settled = settlements[opening];
        if (settled.settledAt != 0) revert AlreadySettled(opening);
        if (settled.lockedAt == 0) revert NotLocked(opening);
        if (counted < FLOOR) revert TooFew(counted, FLOOR);
        if (filed != rupees) revert Unbalanced(rupees, filed);
        if (blinding >= Poseidon.R) revert NotBelowOrder();
        uint256 digest = settled.digest;
        // A real sum is below 2^32 rupees a claim, so that sum and count are told apart.
        uint256 total = uint256(counted) << 64 | rupees;
        if (_state(CONSTANTS_4, digest, total, blinding) != settled.state) revert NotTheSum(opening);
        (settled.counted, settled.rupees) = (counted, rupees);
        settled.settledAt = uint64(block.timestamp);
        emit SettlementOpened(opening, rupees, counted, digest, blinding);
    }

    /// @notice How far an opening's settlement has come; zeros before its first chunk.
    function settlementOf(uint32 opening) external view returns (Settlement memory) {
        return settlements[opening];
    }

    /// @notice What binds a proof to this chain, its claims and an opening. It is not the ledger's context: a
    /// ledger that takes another's place inherits that, while its openings are counted from 0 again.
    function contextOf(uint32 opening) public view returns (uint256) {
        bytes memory bound =
            abi.encodePacked("praman.settlement.1", block.chainid, address(CLAIMS), opening);
        return uint256(keccak256(bound)) >> 8;
    }

    /// @dev The treasury that the sender is and may act as now.
    function _requireTreasury() private view returns (uint32) {
        if (!PARTICIPANTS.hasRole(TREASURY, msg.sender)) revert NotPermitted(msg.sender);
        return PARTICIPANTS.participantOf(TREASURY, msg.sender);
    }

    /// @dev The state that hides a sum and a count under a blinding.
    function _state(address constants, uint256 digest, uint256 total, uint256 blinding)
        private
        view
        returns (uint256)
    {
        (uint256 words, uint256 room) = Poseidon.load(constants, address(0), Poseidon.WORDS_4, 0);
        return Poseidon.hashFour(words, room, STATE_TAG, digest, total, blinding);
    }
}
