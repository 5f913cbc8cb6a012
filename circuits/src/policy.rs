//! Eligibility rules as data: clauses over attribute slots, tiers that require groups of them.
//!
//! A clause says `lo <= slot <= hi`, negated or not. A clause with `or-next` set forms one OR group
//! with the clause after it; a group ends at the first clause without it and is named by that
//! clause's number. A tier requires a set of groups and names an amount. One circuit serves every
//! policy, because the policy is public input.

use ark_bn254::Fr;
use ark_ff::{One, PrimeField};

use crate::attributes::{AttributeWires, Attributes, SLOTS, Slot};
use crate::constraint_system::{Bit, ConstraintSystem, Num};
use crate::credential::SchemaId;
use crate::range::{at_least_gadget, to_bits_gadget};

/// Clauses in a policy.
pub const CLAUSES: usize = 16;

/// Tiers in a policy.
pub const TIERS: usize = 4;

/// Bits of attributes and bounds.
pub const VALUE_BITS: usize = 32;

/// `lo <= slot <= hi`, negated or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The attribute it is about.
    pub slot: Slot,
    /// The least value that satisfies it.
    pub lo: u32,
    /// The greatest value that satisfies it.
    pub hi: u32,
    /// Satisfied outside instead of inside.
    pub negate: bool,
    /// Forms an OR group with the next clause.
    pub or_next: bool,
}

impl Clause {
    /// A clause that every attribute satisfies; it fills unused places.
    pub const ALWAYS: Self = Self {
        slot: Slot::new(0).expect("slot 0 exists"),
        lo: 0,
        hi: u32::MAX,
        negate: false,
        or_next: false,
    };

    /// Whether attributes satisfy the clause; the twin of the clause's gadget.
    pub fn holds(&self, attributes: &Attributes) -> bool {
        let value = attributes.value(self.slot);
        (self.lo <= value && value <= self.hi) != self.negate
    }
}

/// A set of groups, each named by the number of its last clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct GroupSet(u16);

impl GroupSet {
    /// The set as the bits of an integer.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Bit `i` set: the group that ends at clause `i` is required.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Adds the group that ends at `clause`.
    ///
    /// # Panics
    /// If there is no such clause.
    pub fn insert(&mut self, clause: usize) {
        assert!(clause < CLAUSES, "a policy has {CLAUSES} clauses");
        self.0 |= 1 << clause;
    }

    /// Whether the group that ends at `clause` is in the set.
    pub const fn contains(self, clause: usize) -> bool {
        clause < CLAUSES && self.0 >> clause & 1 == 1
    }
}

/// One amount and the groups that it requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The groups that must all hold.
    pub groups: GroupSet,
    /// Rupees for one unit of the slot; 0 for a flat amount.
    pub rate: u32,
    /// The attribute that the rate multiplies.
    pub slot: Slot,
    /// The least amount.
    pub floor: u32,
    /// The greatest amount.
    pub cap: u32,
}

/// What a tier's number is: 0 to 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TierIndex(u8);

impl TierIndex {
    /// The tier with a number; `None` from 4 on.
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < TIERS { Some(Self(number)) } else { None }
    }

    /// The tier's number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Why parts make no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// More clauses than there is room for.
    #[error("{0} clauses, but a policy has room for {CLAUSES}")]
    TooManyClauses(usize),
    /// No tier, or more than there is room for.
    #[error("{0} tiers, but a policy has one to {TIERS}")]
    WrongTiers(usize),
    /// The last clause joins a next one that does not exist.
    #[error("clause {0} is joined to a next one, but is the last")]
    OpenGroup(usize),
    /// A tier requires a group at a clause where none ends.
    #[error("tier {tier} requires a group that ends at clause {clause}, where none ends")]
    NoSuchGroup {
        /// The tier at fault.
        tier: usize,
        /// The clause that ends no group.
        clause: usize,
    },
    /// A tier requires nothing, so anybody would be paid.
    #[error("tier {0} requires nothing")]
    UnconditionalTier(usize),
    /// A clause that no value lies in.
    #[error("clause {0} has its least value above its greatest")]
    EmptyInterval(usize),
    /// A flat amount given as two.
    #[error("tier {0} has no rate, but a floor below its cap")]
    TwoFlatAmounts(usize),
    /// A floor above its cap.
    #[error("tier {0} has a floor above its cap")]
    FloorAboveCap(usize),
}

/// A complete policy, valid by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    schema: SchemaId,
    clauses: [Clause; CLAUSES],
    tiers: [Tier; TIERS],
    used_clauses: usize,
    used_tiers: usize,
}

impl Policy {
    /// A policy of up to 16 clauses and 1 to 4 tiers.
    ///
    /// Unused clauses always hold and no tier asks for them; unused tiers repeat the last one, so
    /// that choosing one gains nothing.
    ///
    /// # Errors
    /// [`PolicyError`], if the parts make no sensible policy.
    pub fn new(schema: SchemaId, clauses: &[Clause], tiers: &[Tier]) -> Result<Self, PolicyError> {
        if clauses.len() > CLAUSES {
            return Err(PolicyError::TooManyClauses(clauses.len()));
        }
        let last_tier = match tiers.last() {
            Some(last) if tiers.len() <= TIERS => *last,
            _ => return Err(PolicyError::WrongTiers(tiers.len())),
        };
        if clauses.last().is_some_and(|clause| clause.or_next) {
            return Err(PolicyError::OpenGroup(clauses.len() - 1));
        }
        if let Some(empty) = clauses.iter().position(|clause| clause.lo > clause.hi) {
            return Err(PolicyError::EmptyInterval(empty));
        }
        for (number, tier) in tiers.iter().enumerate() {
            let ends_group = |clause: usize| clauses.get(clause).is_some_and(|c| !c.or_next);
            let wrong = (0..CLAUSES).find(|&c| tier.groups.contains(c) && !ends_group(c));
            if let Some(clause) = wrong {
                return Err(PolicyError::NoSuchGroup { tier: number, clause });
            }
            if tier.groups.bits() == 0 {
                return Err(PolicyError::UnconditionalTier(number));
            }
            if tier.floor > tier.cap {
                return Err(PolicyError::FloorAboveCap(number));
            }
            if tier.rate == 0 && tier.floor != tier.cap {
                return Err(PolicyError::TwoFlatAmounts(number));
            }
        }
        Ok(Self {
            schema,
            clauses: std::array::from_fn(|i| clauses.get(i).copied().unwrap_or(Clause::ALWAYS)),
            tiers: std::array::from_fn(|i| tiers.get(i).copied().unwrap_or(last_tier)),
            used_clauses: clauses.len(),
            used_tiers: tiers.len(),
        })
    }

    /// The schema whose slots the clauses are about.
    pub fn schema(&self) -> SchemaId {
        self.schema
    }

    /// All sixteen clauses, the unused ones too.
    pub fn clauses(&self) -> &[Clause; CLAUSES] {
        &self.clauses
    }

    /// All four tiers, the repeated ones too.
    pub fn tiers(&self) -> &[Tier; TIERS] {
        &self.tiers
    }

    /// How many clauses were given.
    pub fn used_clauses(&self) -> usize {
        self.used_clauses
    }

    /// How many tiers were given.
    pub fn used_tiers(&self) -> usize {
        self.used_tiers
    }

    /// Whether attributes satisfy a tier.
    pub fn satisfies(&self, attributes: &Attributes, tier: TierIndex) -> bool {
        let mut group_holds = false;
        for (number, clause) in self.clauses.iter().enumerate() {
            group_holds |= clause.holds(attributes);
            if !clause.or_next {
                if self.tiers[tier.0 as usize].groups.contains(number) && !group_holds {
                    return false;
                }
                group_holds = false;
            }
        }
        true
    }

    /// What a tier pays to a person with these attributes, in whole rupees.
    pub fn amount(&self, attributes: &Attributes, tier: TierIndex) -> u32 {
        let tier = &self.tiers[tier.0 as usize];
        crate::amount::amount(tier.rate, attributes.value(tier.slot), tier.floor, tier.cap)
    }

    /// The clauses' and tiers' parts as public inputs.
    pub fn to_fields(&self) -> PolicyFields {
        PolicyParts {
            schema: Fr::from(self.schema.0),
            clauses: self.clauses.map(|clause| ClauseParts {
                slot: Fr::from(clause.slot.number()),
                lo: Fr::from(clause.lo),
                hi: Fr::from(clause.hi),
                negate: Fr::from(clause.negate),
                or_next: Fr::from(clause.or_next),
            }),
            tiers: self.tiers.map(|tier| TierParts {
                groups: Fr::from(tier.groups.bits()),
                rate: Fr::from(tier.rate),
                slot: Fr::from(tier.slot.number()),
                floor: Fr::from(tier.floor),
                cap: Fr::from(tier.cap),
            }),
        }
    }
}

/// A clause's parts as field elements or wires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClauseParts<T> {
    pub(crate) slot: T,
    pub(crate) lo: T,
    pub(crate) hi: T,
    pub(crate) negate: T,
    pub(crate) or_next: T,
}

/// A tier's parts as field elements or wires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierParts<T> {
    pub(crate) groups: T,
    pub(crate) rate: T,
    pub(crate) slot: T,
    pub(crate) floor: T,
    pub(crate) cap: T,
}

/// A policy's parts as field elements or wires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyParts<T> {
    pub(crate) schema: T,
    pub(crate) clauses: [ClauseParts<T>; CLAUSES],
    pub(crate) tiers: [TierParts<T>; TIERS],
}

/// A policy as public inputs.
pub type PolicyFields = PolicyParts<Fr>;

/// A policy as wires.
pub type PolicyWires = PolicyParts<Num>;

/// An element as an integer of at most 32 bits.
pub(crate) fn small_integer(element: Fr) -> Option<u32> {
    let limbs = element.into_bigint().0;
    if limbs[1..] == [0; 3] { u32::try_from(limbs[0]).ok() } else { None }
}

/// For each clause, whether its group holds up to and including it: 79 rows a clause.
///
/// The attributes and bounds are already held below 2³², the flags to 0 or 1: attributes by the
/// statement, the policy's parts by the verifier, who encodes them from typed values.
pub fn groups_gadget(
    cs: &mut ConstraintSystem,
    clauses: &[ClauseParts<Num>; CLAUSES],
    attributes: &AttributeWires,
) -> [Bit; CLAUSES] {
    let mut joined: Option<Num> = None;
    std::array::from_fn(|number| {
        let clause = &clauses[number];
        cs.indexed_scope("clause", number, |cs| {
            let holds = clause_gadget(cs, clause, attributes);
            let group = match &joined {
                Some(earlier) => or_gadget(cs, earlier, &holds),
                None => holds,
            };
            joined = Some(match number {
                // The last clause has no next one to join: its flag is held to zero.
                15 => {
                    let one = Num::constant(cs, Fr::one());
                    cs.enforce(&clause.or_next, &one, &Num::zero());
                    Num::zero()
                }
                _ => cs.product("carried", &clause.or_next, group.num()),
            });
            group
        })
    })
}

/// Whether one clause holds: 8 rows to choose the attribute, 33 for each bound, 2 for the logic.
fn clause_gadget(
    cs: &mut ConstraintSystem,
    clause: &ClauseParts<Num>,
    attributes: &AttributeWires,
) -> Bit {
    let value = attributes.value(cs, &clause.slot);
    let above = cs.scope("lo", |cs| at_least_gadget(cs, &value, &clause.lo, VALUE_BITS));
    let below = cs.scope("hi", |cs| at_least_gadget(cs, &clause.hi, &value, VALUE_BITS));
    let inside = cs.product("inside", above.num(), below.num());
    // inside XOR negate
    let both = cs.product("both", &inside, &clause.negate);
    let mut holds = &inside + &clause.negate;
    holds.add_scaled(&both, -Fr::from(2u64));
    Bit::assume(holds)
}

/// `earlier OR holds`, both 0 or 1: one row.
fn or_gadget(cs: &mut ConstraintSystem, earlier: &Num, holds: &Bit) -> Bit {
    let both = cs.product("or", earlier, holds.num());
    Bit::assume(&(earlier + holds.num()) - &both)
}

/// A tier chosen in private: exactly one, by four bits of which the last is what the others leave.
///
/// `choice` are three private wires; 4 rows hold them, 15 rows choose the five parts.
pub fn choose_tier_gadget(
    cs: &mut ConstraintSystem,
    tiers: &[TierParts<Num>; TIERS],
    choice: &[Num; TIERS - 1],
) -> TierParts<Num> {
    let mut last = Num::constant(cs, Fr::one());
    for chosen in choice {
        last.add_scaled(chosen, -Fr::one());
        cs.boolean(chosen.clone());
    }
    cs.boolean(last);
    let mut choose = |name: &str, part: fn(&TierParts<Num>) -> &Num| {
        cs.scope(name, |cs| {
            let default = part(&tiers[TIERS - 1]);
            let mut value = default.clone();
            for (chosen, tier) in choice.iter().zip(tiers) {
                let step = cs.product("step", chosen, &(part(tier) - default));
                value.add_scaled(&step, Fr::one());
            }
            value
        })
    };
    TierParts {
        groups: choose("groups", |tier| &tier.groups),
        rate: choose("rate", |tier| &tier.rate),
        slot: choose("slot", |tier| &tier.slot),
        floor: choose("floor", |tier| &tier.floor),
        cap: choose("cap", |tier| &tier.cap),
    }
}

/// Holds every required group to be satisfied: 32 rows.
pub fn enforce_required_gadget(cs: &mut ConstraintSystem, required: &Num, groups: &[Bit; CLAUSES]) {
    let required = to_bits_gadget(cs, required, CLAUSES);
    for (required, holds) in required.iter().zip(groups) {
        let one = Num::constant(cs, Fr::one());
        cs.enforce(required.num(), &(&one - holds.num()), &Num::zero());
    }
}

/// Whether public inputs have the types of a policy: small numbers, flags, slots that exist. The
/// gadgets take that as given; verifiers encode the inputs from a typed [`Policy`].
pub fn well_formed(policy: &PolicyFields) -> bool {
    let small = |element| small_integer(element).is_some();
    let flag = |element: Fr| small_integer(element).is_some_and(|value| value <= 1);
    let slot = |element: Fr| small_integer(element).is_some_and(|value| value < SLOTS as u32);
    let groups = |element: Fr| small_integer(element).is_some_and(|v| v <= u16::MAX.into());
    small(policy.schema)
        && policy.clauses.iter().all(|c| {
            slot(c.slot) && small(c.lo) && small(c.hi) && flag(c.negate) && flag(c.or_next)
        })
        && policy.tiers.iter().all(|t| {
            groups(t.groups) && small(t.rate) && slot(t.slot) && small(t.floor) && small(t.cap)
        })
}

#[cfg(test)]
mod tests;
