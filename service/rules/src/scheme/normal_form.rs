//! Rules as groups of alternatives, all of which must hold: conjunctive normal form.

use std::collections::BTreeMap;

use jiff::civil::Date;
use praman_circuits::attributes::Slot;
use praman_circuits::policy::Clause;

use super::interval::IntervalSet;
use super::rule::{Rule, ages_of_children, slot_values};
use crate::schema::Kind;

/// Alternatives: the group holds if one slot's value is in its set.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group(BTreeMap<u8, IntervalSet>);

/// More groups than any policy has room for; it limits the work of combining.
const GROUPS_MAX: usize = 64;

/// Why rules have no useful normal form.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NormalFormError {
    /// No person satisfies the rules.
    Contradiction,
    /// Every person does.
    Tautology,
    /// There are far more groups than clauses.
    TooLarge,
}

/// Returns the groups of a rule on a day, without those that another one makes superfluous.
pub(super) fn groups(rule: &Rule, on: Date) -> Result<Vec<Group>, NormalFormError> {
    let mut groups = narrowed(conjunction(rule, false, on)?);
    groups.retain(|group| !group.0.values().any(IntervalSet::is_everything));
    if groups.iter().any(|group| group.0.is_empty()) {
        return Err(NormalFormError::Contradiction);
    }
    // A group implied by a narrower one adds nothing.
    let implied = |group: &Group, at: usize, groups: &[Group]| {
        groups.iter().enumerate().any(|(other_at, other)| {
            other_at != at && other.implies(group) && (!group.implies(other) || other_at < at)
        })
    };
    let kept: Vec<Group> = groups
        .iter()
        .enumerate()
        .filter(|&(at, group)| !implied(group, at, &groups))
        .map(|(_, group)| group.clone())
        .collect();
    if kept.is_empty() { Err(NormalFormError::Tautology) } else { Ok(kept) }
}

/// Joins the groups about the same single slot into one.
fn narrowed(groups: Vec<Group>) -> Vec<Group> {
    let (single, mut rest): (Vec<Group>, Vec<Group>) =
        groups.into_iter().partition(|group| group.0.len() == 1);
    let mut slots: BTreeMap<u8, IntervalSet> = BTreeMap::new();
    for (slot, values) in single.into_iter().flat_map(|group| group.0) {
        let joint = match slots.get(&slot) {
            Some(others) => others.complement().union(&values.complement()).complement(),
            None => values,
        };
        slots.insert(slot, joint);
    }
    let joined = slots.into_iter().map(|(slot, values)| {
        if values.is_empty() { Group::default() } else { Group(BTreeMap::from([(slot, values)])) }
    });
    rest.splice(0..0, joined);
    rest
}

fn conjunction(rule: &Rule, negated: bool, on: Date) -> Result<Vec<Group>, NormalFormError> {
    match (rule, negated) {
        (Rule::Not(rule), _) => conjunction(rule, !negated, on),
        (Rule::All(rules), false) | (Rule::Any(rules), true) => {
            let mut groups = Vec::new();
            for rule in rules {
                groups.extend(conjunction(rule, negated, on)?);
                check_size(&groups)?;
            }
            Ok(groups)
        }
        (Rule::Any(rules), false) | (Rule::All(rules), true) => {
            let mut groups = vec![Group::default()];
            for rule in rules {
                let alternatives = conjunction(rule, negated, on)?;
                groups = groups
                    .iter()
                    .flat_map(|group| alternatives.iter().map(|other| group.or(other)))
                    .collect();
                groups.sort();
                groups.dedup();
                check_size(&groups)?;
            }
            Ok(groups)
        }
        (Rule::Field(slot, Kind::Children, counts), negated) => {
            conjunction(&ages_of_children(*slot, counts), negated, on)
        }
        (Rule::Field(slot, kind, written), negated) => {
            let values = slot_values(*kind, written, on);
            let values = if negated { values.complement() } else { values };
            let group = if values.is_empty() {
                BTreeMap::new()
            } else {
                BTreeMap::from([(slot.number(), values)])
            };
            Ok(vec![Group(group)])
        }
    }
}

fn check_size(groups: &[Group]) -> Result<(), NormalFormError> {
    if groups.len() > GROUPS_MAX { Err(NormalFormError::TooLarge) } else { Ok(()) }
}

impl Group {
    fn or(&self, other: &Self) -> Self {
        let mut slots = self.0.clone();
        for (slot, values) in &other.0 {
            let both = slots.get(slot).map_or_else(|| values.clone(), |set| set.union(values));
            slots.insert(*slot, both);
        }
        Self(slots)
    }

    fn implies(&self, other: &Self) -> bool {
        self.0
            .iter()
            .all(|(slot, values)| other.0.get(slot).is_some_and(|wider| values.is_subset_of(wider)))
    }

    /// Returns the group's clauses, each joined with the next except the last.
    pub(super) fn clauses(&self) -> Vec<Clause> {
        let mut clauses = Vec::new();
        for (&slot, values) in &self.0 {
            let slot = Slot::new(slot).expect("slots come from a schema");
            let outside = values.complement();
            // One interval left out takes one clause, however many that leaves.
            let (intervals, negate) = match outside.intervals() {
                [one] if values.intervals().len() > 1 => (vec![*one], true),
                _ => (values.intervals().to_vec(), false),
            };
            clauses.extend(intervals.into_iter().map(|(lo, hi)| Clause {
                slot,
                lo,
                hi,
                negate,
                or_next: true,
            }));
        }
        if let Some(last) = clauses.last_mut() {
            last.or_next = false;
        }
        clauses
    }
}
