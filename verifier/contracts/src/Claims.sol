// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Groth16Verifier} from "./Groth16Verifier.sol";
import {SchemeRegistry} from "./SchemeRegistry.sol";
import {IClaimsRelayers} from "./interfaces/IClaimsRelayers.sol";
import {ISealedClaims} from "./interfaces/ISealedClaims.sol";
import {ISuccessor} from "./interfaces/ISuccessor.sol";

/// @title Claims
/// @notice Accepts a claim whose proof holds, once. Nothing here names a person: a nullifier cannot
/// be traced to its holder, a payout commitment cannot be opened but by the treasury. Whoever copies
/// a claim and brings it first has it paid to the same account: the payee is in the commitment, and the
/// envelope by which the treasury opens it is a public input of the proof.
contract Claims is SchemeRegistry, IClaimsRelayers, ISealedClaims {
    /// @notice When a relayer may bring claims, both included.
    struct Relayer {
        uint64 from;
        uint64 until;
    }

    /// @notice The sender may not bring claims now.
    error NotRelayer(address account);
    /// @notice The nullifier is spent: this person has claimed in this period, this scheme or one of its group.
    error AlreadyClaimed(uint256 nullifier);
    /// @notice A batch has 1 to 256 claims.
    error BatchSize(uint256 claims);
    /// @notice The opening did not spend the nullifier, or its nullifiers are never forgotten.
    error NotForgettable(uint32 opening, uint256 nullifier);

    /// @notice A claim was accepted.
    event ClaimAccepted(
        uint32 indexed opening,
        uint256 indexed nullifier,
        uint256 payoutCommitment,
        uint256 envelopeHash
    );
    /// @notice Claims were accepted: nullifier, payout commitment and envelope's hash of each in turn.
    event ClaimsAccepted(uint32 indexed opening, uint256[] claims);
    /// @notice A relayer may bring claims between two times.
    event RelayerSet(address indexed account, uint64 from, uint64 until);
    /// @notice A spent nullifier was forgotten; the seal still proves it.
    event Pruned(uint32 indexed opening, uint256 nullifier);

    /// @notice The most claims of a batch: about 20 million gas.
    uint256 public constant BATCH_MAX = 256;

    mapping(address account => Relayer) private relayers;
    /// @dev One more than the opening that accepted it; `ELSEWHERE` if an earlier ledger did.
    mapping(uint256 nullifier => uint256) private spent;
    /// @dev No opening has this number.
    uint256 private constant ELSEWHERE = type(uint256).max;

    /// @notice Where finished openings are sealed.
    address public immutable ARCHIVES;

    constructor(
        Groth16Verifier verifier,
        address committee,
        address participants,
        address offices,
        address scopes,
        address archives
    ) SchemeRegistry(verifier, committee, participants, offices, scopes) {
        ARCHIVES = archives;
    }

    /// @notice Claims for an opening.
    /// @param opening the scheme's period
    /// @param checkpoint the number of the checkpoint that the proof was made against
    /// @param own nullifier, payout commitment and the envelope's hash
    /// @param proof A, B (imaginary parts first) and C
    function claim(
        uint32 opening,
        uint32 checkpoint,
        uint256[3] calldata own,
        uint256[8] calldata proof
    ) external {
        _requireRelayer();
        _requireGate(checkpoint);
        (uint256 x, uint256 y) = _lane(address(VERIFIER), opening, checkpoint);
        // E10: a person has one nullifier for a scope and period, so one claim.
        if (spent[own[0]] != 0) revert AlreadyClaimed(own[0]);
        _requireProof(x, y, own, proof);
        spent[own[0]] = uint256(opening) + 1;
        emit ClaimAccepted(opening, own[0], own[1], own[2]);
    }

    /// @notice Claims for an opening, many at once: all are accepted or none.
    /// @param claims nullifier, payout commitment, envelope's hash and proof of each
    function claimBatch(uint32 opening, uint32 checkpoint, uint256[11][] calldata claims) external {
        _requireRelayer();
        _requireGate(checkpoint);
        uint256 count = claims.length;
        if (count == 0 || count > BATCH_MAX) revert BatchSize(count);
        (uint256 x, uint256 y) = _lane(address(VERIFIER), opening, checkpoint);
        _requireProofs(x, y, claims);
        // The event's data as it goes out: where the array begins, its length, three words a claim.
        uint256[] memory data = new uint256[](3 * count + 1);
        uint256 spentBy_ = uint256(opening) + 1;
        for (uint256 i = 0; i < count; i++) {
            uint256 nullifier;
            assembly ("memory-safe") {
                let from := add(claims.offset, mul(i, 0x160))
                nullifier := calldataload(from)
                calldatacopy(add(add(data, 0x40), mul(i, 0x60)), from, 0x60)
            }
            if (spent[nullifier] != 0) revert AlreadyClaimed(nullifier);
            spent[nullifier] = spentBy_;
        }
        // emit ClaimsAccepted(opening, claims), without copying every word again.
        bytes32 topic = ClaimsAccepted.selector;
        assembly ("memory-safe") {
            mstore(data, 0x20)
            mstore(add(data, 0x20), mul(3, count))
            log2(data, add(0x40, mul(count, 0x60)), topic, opening)
        }
    }

    /// @notice Claims with a proof under an older key of the opening's edition, while its overlap lasts.
    function claimUnder(
        Groth16Verifier verifier,
        uint32 opening,
        uint32 checkpoint,
        uint256[3] calldata own,
        uint256[8] calldata proof
    ) external {
        _requireRelayer();
        _requireGate(checkpoint);
        // A key of another edition has no fold of the opening.
        if (block.timestamp > retires[address(verifier)]) revert KeyNotGood(address(verifier));
        (uint256 x, uint256 y) = _lane(address(verifier), opening, checkpoint);
        if (spent[own[0]] != 0) revert AlreadyClaimed(own[0]);
        spent[own[0]] = uint256(opening) + 1;
        if (!verifier.verify([x, y], own, proof)) revert ProofInvalid();
        emit ClaimAccepted(opening, own[0], own[1], own[2]);
    }

    /// @notice The opening whose claim has spent a nullifier, counted from one; zero if none has, the highest
    /// number if it was spent on the ledger whose place this one takes.
    function spentBy(uint256 nullifier) external view returns (uint256) {
        return spent[nullifier];
    }

    /// @inheritdoc IClaimsRelayers
    function setRelayer(address account, uint64 from, uint64 until) external {
        if (msg.sender != address(PARTICIPANTS)) revert NotPermitted(msg.sender);
        relayers[account] = Relayer(from, until);
        emit RelayerSet(account, from, until);
    }

    /// @notice When a relayer may bring claims.
    function relayerOf(address account) external view returns (Relayer memory) {
        return relayers[account];
    }

    // ---- archives

    /// @inheritdoc ISealedClaims
    function sealOpening(uint32 opening, bytes32 root) external {
        _requireArchives();
        Opening storage closed = _opening(opening);
        if (closed.stage != Stage.Closed) revert WrongStage(opening, closed.stage);
        _setStage(opening, Stage.Sealed, root);
        SCOPES.seal(closed.scope, closed.period);
    }

    /// @inheritdoc ISealedClaims
    function forget(uint32 opening, uint256 nullifier) external {
        _requireArchives();
        Opening storage of_ = _opening(opening);
        // Only what this opening spent: a seal that names another's claim frees nothing.
        if (spent[nullifier] != uint256(opening) + 1 || of_.period == 0) {
            revert NotForgettable(opening, nullifier);
        }
        // Another scheme of the group could still take the person's claim: all of them are sealed first.
        SCOPES.prune(of_.scope, of_.period);
        delete spent[nullifier];
        emit Pruned(opening, nullifier);
    }

    /// @inheritdoc ISealedClaims
    function isClosed(uint32 opening) external view returns (bool) {
        return _opening(opening).stage == Stage.Closed;
    }

    // ---- the ledger whose place this one takes

    /// @inheritdoc ISuccessor
    function importSpent(uint256[] calldata nullifiers) external {
        _requireScopes();
        for (uint256 i = 0; i < nullifiers.length; i++) spent[nullifiers[i]] = ELSEWHERE;
    }

    function _requireArchives() private view {
        if (msg.sender != ARCHIVES) revert NotPermitted(msg.sender);
    }

    function _requireRelayer() private view {
        Relayer memory relayer = relayers[msg.sender];
        if (block.timestamp < relayer.from || block.timestamp > relayer.until) {
            revert NotRelayer(msg.sender);
        }
    }
}
