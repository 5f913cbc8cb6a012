//! Sets of 32-bit values as intervals.

/// Disjoint, sorted intervals that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IntervalSet(Vec<(u32, u32)>);

impl IntervalSet {
    /// Returns all values from `lo` to `hi`, none if `lo > hi`.
    pub(super) fn between(lo: u32, hi: u32) -> Self {
        if lo > hi { Self::default() } else { Self(vec![(lo, hi)]) }
    }

    pub(super) fn intervals(&self) -> &[(u32, u32)] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_everything(&self) -> bool {
        self.0 == [(0, u32::MAX)]
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        let mut all = [self.0.as_slice(), other.0.as_slice()].concat();
        all.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(all.len());
        for (lo, hi) in all {
            match merged.last_mut() {
                Some(last) if lo <= last.1.saturating_add(1) => last.1 = last.1.max(hi),
                _ => merged.push((lo, hi)),
            }
        }
        Self(merged)
    }

    pub(super) fn complement(&self) -> Self {
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        let mut next = Some(0);
        for &(lo, hi) in &self.0 {
            if let Some(start) = next.filter(|&start| start < lo) {
                gaps.push((start, lo - 1));
            }
            next = hi.checked_add(1);
        }
        gaps.extend(next.map(|start| (start, u32::MAX)));
        Self(gaps)
    }

    pub(super) fn is_subset_of(&self, other: &Self) -> bool {
        &self.union(other) == other
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn interval_set_is_right_at_its_edges() {
        assert!(IntervalSet::between(0, u32::MAX).is_everything());
        assert!(IntervalSet::between(0, u32::MAX).complement().is_empty());
        assert!(IntervalSet::default().complement().is_everything());
        assert!(IntervalSet::between(2, 1).is_empty());
        let touching = IntervalSet::between(1, 2).union(&IntervalSet::between(3, 4));
        assert_eq!(touching.intervals(), [(1, 4)]);
    }

    proptest! {
        #[test]
        fn interval_set_holds_what_its_parts_hold(
            parts in prop::collection::vec((0u32..20, 0u32..20), 0..5), value in 0u32..25,
        ) {
            let set = parts.iter().fold(IntervalSet::default(), |set, &(lo, hi)| {
                set.union(&IntervalSet::between(lo, hi))
            });
            let holds = |set: &IntervalSet| set.0.iter().any(|&(lo, hi)| lo <= value && value <= hi);
            let expected = parts.iter().any(|&(lo, hi)| lo <= value && value <= hi);
            prop_assert_eq!(holds(&set), expected);
            prop_assert_eq!(holds(&set.complement()), !expected);
            prop_assert_eq!(set.complement().complement(), set);
        }
    }
}
