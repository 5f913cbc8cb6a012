// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Rules} from "./Rules.sol";
import {Succession} from "./Succession.sol";
import {IScopes} from "./interfaces/IScopes.sol";

/// @title Within what a person claims once
/// @notice A scope is a scheme, or a group of schemes that exclude each other, with one kind of period. A
/// person has one nullifier for a scope and period, so who has claimed one scheme of a group is refused by the
/// others. The scope of a scheme and period stands from its first opening on, of
/// what is claimed once for ever: moving a scheme to another group frees no spent nullifier.
contract Scopes is Succession, IScopes {
    /// @notice What stands of a scope's period.
    struct Use {
        // Openings that are not sealed yet.
        uint32 unsealed;
        // The edition of statements that its first opening was made under; zero before.
        uint8 edition;
        // Whether spent nullifiers of it were forgotten.
        bool pruned;
        // The kind of the period.
        uint8 kind;
        // The schema of the credentials that claim.
        uint32 schema;
    }

    /// @notice The scheme's period was opened within another scope, which stands.
    error ScopeDiffers(uint256 scheme, uint32 period, uint256 stands);
    /// @notice The scope's period was opened for credentials of another schema, whose holders have other secrets.
    error SchemaDiffers(uint256 scope, uint32 period, uint32 stands);
    /// @notice The scope's period is not over: another scheme of the group may still open it.
    error PeriodNotOver(uint256 scope, uint32 period);
    /// @notice Spent nullifiers of the scope's period were forgotten: it opens no more.
    error ScopePruned(uint256 scope, uint32 period);
    /// @notice The scope's period has openings that are not sealed.
    error ScopeUnsealed(uint256 scope, uint32 period, uint32 openings);

    /// @notice A scheme's period has its scope, from its first opening on.
    event ScopeFixed(
        uint256 indexed scope,
        uint256 indexed scheme,
        uint256 group,
        uint8 kind,
        uint32 period,
        uint32 schema,
        uint8 edition
    );

    /// @notice The scope of a scheme's period; zero before its first opening.
    mapping(uint256 scheme => mapping(uint32 period => uint256)) public scopeOf;
    mapping(uint256 scope => mapping(uint32 period => Use)) private uses;
    /// @dev Days from 1900-01-01 to 1970-01-01, and by how many seconds Indian standard time is ahead of UTC.
    uint256 private constant DAYS_BEFORE_EPOCH = 25_567;
    uint256 private constant INDIA = 19_800;

    constructor(address committee, address participants, address claims)
        Succession(committee, participants, claims)
    {}

    /// @inheritdoc IScopes
    function open(bytes calldata rules, uint8 edition)
        external
        returns (uint256 scope, uint8 stands, bytes32 leaf, uint256[] memory inputs)
    {
        _requireClaims();
        _requireComplete();
        (Rules.Terms memory terms, Rules.Policy memory policy) = _decode(rules);
        Rules.requirePeriod(terms);
        (scope, stands) = _open(terms, policy.schema, edition);
        (leaf, inputs) =
            (Rules.leaf(stands, terms, policy), Rules.inputs(terms, scope, policy));
    }

    /// @inheritdoc IScopes
    function read(bytes calldata rules, uint8 edition, uint256 scope)
        external
        pure
        returns (bytes32 leaf, uint256[] memory inputs)
    {
        (Rules.Terms memory terms, Rules.Policy memory policy) = _decode(rules);
        (leaf, inputs) =
            (Rules.leaf(edition, terms, policy), Rules.inputs(terms, scope, policy));
    }

    /// @inheritdoc IScopes
    function seal(uint256 scope, uint32 period) external {
        _requireClaims();
        uses[scope][period].unsealed--;
    }

    /// @inheritdoc IScopes
    function prune(uint256 scope, uint32 period) external {
        _requireClaims();
        Use storage use = uses[scope][period];
        if (use.unsealed != 0) revert ScopeUnsealed(scope, period, use.unsealed);
        // An opening of what is claimed once is never pruned.
        uint256 today = (block.timestamp + INDIA) / 1 days + DAYS_BEFORE_EPOCH;
        if (today < Rules.firstDay(period + Rules.months(use.kind))) {
            revert PeriodNotOver(scope, period);
        }
        if (!use.pruned) use.pruned = true;
    }

    /// @notice What stands of a scope's period.
    function useOf(uint256 scope, uint32 period) external view returns (Use memory) {
        return uses[scope][period];
    }

    /// @notice The scope of a scheme, or of the group that it is in: ids of schemes and of groups are tagged
    /// apart.
    function scopeFor(uint256 scheme, uint256 group, uint8 kind) public pure returns (uint256) {
        (uint8 what, uint256 id) = group == 0 ? (1, scheme) : (2, group);
        return uint256(keccak256(abi.encodePacked("praman.scope.1", what, kind, id))) >> 8;
    }

    /// @notice The first day, counted from 1900-01-01, of a period.
    function firstDay(uint32 period) external pure returns (uint256) {
        return Rules.firstDay(period);
    }

    // ---- within

    function _decode(bytes calldata rules)
        private
        pure
        returns (Rules.Terms memory, Rules.Policy memory)
    {
        return abi.decode(rules, (Rules.Terms, Rules.Policy));
    }

    function _open(Rules.Terms memory terms, uint32 schema, uint8 edition)
        private
        returns (uint256 scope, uint8 stands)
    {
        scope = scopeFor(terms.scheme, terms.group, terms.kind);
        bool isFirst = _fix(terms.scheme, terms.period, scope);
        // Whatever opens the period later does so under the edition of its first opening.
        stands = _use(scope, terms.period, terms.kind, schema, edition);
        Use storage use = uses[scope][terms.period];
        if (use.pruned) revert ScopePruned(scope, terms.period);
        use.unsealed++;
        if (isFirst) {
            emit ScopeFixed(
                scope, terms.scheme, terms.group, terms.kind, terms.period, schema, stands
            );
        }
    }

    /// @inheritdoc Succession
    function _inheritScope(InheritedScope calldata inherited) internal override {
        uint256 scope = scopeFor(inherited.scheme, inherited.group, inherited.kind);
        uint32 period = inherited.period;
        _fix(inherited.scheme, period, scope);
        _use(scope, period, inherited.kind, inherited.schema, inherited.edition);
        if (inherited.pruned) uses[scope][period].pruned = true;
        emit ScopeFixed(
            scope,
            inherited.scheme,
            inherited.group,
            inherited.kind,
            period,
            inherited.schema,
            inherited.edition
        );
    }

    /// @dev Gives a scheme's period its scope, if it has none; returns whether it had none.
    function _fix(uint256 scheme, uint32 period, uint256 scope) private returns (bool isFirst) {
        uint256 stands = scopeOf[scheme][period];
        isFirst = stands == 0;
        if (isFirst) scopeOf[scheme][period] = scope;
        else if (stands != scope) revert ScopeDiffers(scheme, period, stands);
    }

    /// @dev Gives a scope's period its edition and schema, if it has none; returns the edition that stands.
    function _use(uint256 scope, uint32 period, uint8 kind, uint32 schema, uint8 edition)
        private
        returns (uint8)
    {
        Use storage use = uses[scope][period];
        if (use.edition == 0) {
            (use.edition, use.kind, use.schema) = (edition, kind, schema);
        } else if (use.schema != schema) {
            revert SchemaDiffers(scope, period, use.schema);
        }
        return use.edition;
    }

    function _requireClaims() private view {
        if (msg.sender != CLAIMS) revert NotPermitted(msg.sender);
    }
}
