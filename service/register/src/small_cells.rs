//! Small cells: a count of so few people that it would reveal one of them is hidden, and so is another that it
//! could be computed from with the total.
//!
//! Source: primary and complementary suppression, as in the UN's *Handbook on Statistical Disclosure
//! Control*: every published margin must leave at least two cells unknown.

/// Counts below this are hidden.
pub const FEW: u64 = 5;

/// Returns which cells of a published total are hidden: those of 1 to 4, and if that is only one, the smallest
/// other one that is not empty.
pub fn hidden(counts: &[u64]) -> Vec<bool> {
    let mut hidden: Vec<bool> = counts.iter().map(|count| (1..FEW).contains(count)).collect();
    if hidden.iter().filter(|&&hidden| hidden).count() == 1 {
        let others = (0..counts.len()).filter(|&at| !hidden[at] && counts[at] > 0);
        if let Some(at) = others.min_by_key(|&at| counts[at]) {
            hidden[at] = true;
        }
    }
    hidden
}

/// Returns the cells of a published total, the hidden ones as none.
pub fn told(counts: &[u64]) -> Vec<Option<u64>> {
    let hidden = hidden(counts);
    counts.iter().zip(hidden).map(|(&count, hidden)| (!hidden).then_some(count)).collect()
}

#[cfg(test)]
mod tests {
    use super::hidden;

    #[test]
    fn no_cell_that_is_hidden_follows_from_the_others() {
        assert_eq!(hidden(&[0, 10, 20]), [false, false, false]);
        assert_eq!(hidden(&[3, 10, 20, 0]), [true, true, false, false]);
        assert_eq!(hidden(&[3, 4, 20]), [true, true, false]);
        assert_eq!(hidden(&[2, 0, 0]), [true, false, false], "nothing else is there to hide");
        assert_eq!(hidden(&[5]), [false]);
        assert!(hidden(&[]).is_empty());
    }
}
