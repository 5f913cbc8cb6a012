//! Statuses and reasons by ISO's code sets.
//!
//! Source: ISO 20022 external code sets, `ExternalPaymentTransactionStatus1Code`,
//! `ExternalPaymentGroupStatus1Code` and `ExternalEntryStatus1Code`, first quarter of 2025.

use super::Outcome;

/// Statuses that say that the money has reached the account.
const PAID: [&str; 2] = ["ACSC", "ACCC"];

/// Statuses that say that it will not.
const REJECTED: [&str; 2] = ["RJCT", "CANC"];

/// Why a rejection as a duplicate changes nothing.
pub(super) const OF_DUPLICATE: &str =
    "rejected as a duplicate, so that what was sent first may be paid: ask the bank";

/// Reasons of a rejection that say that the same was sent before (`ExternalStatusReason1Code`).
const DUPLICATE: [&str; 6] = ["AM05", "DU01", "DU02", "DU03", "DU04", "DU05"];

/// Statuses of what is on its way, or undecided.
const PENDING: [&str; 23] = [
    "ACCP", "ACFC", "ACFW", "ACIS", "ACPD", "ACSP", "ACTC", "ACWC", "ACWP", "BLCK", "CPUC", "PART",
    "PATC", "PDNG", "PRES", "RCVC", "RCVD", "RCVM", "RVCM", "RVMC", "RVNA", "RVNC", "RVNM",
];

/// Returns what a rejection for some reasons says. One as a duplicate is of the copy: what was sent first may be paid.
pub(crate) fn rejected(reasons: Vec<String>) -> Outcome {
    if is_duplicate(&reasons) {
        return Outcome::Unclear(OF_DUPLICATE);
    }
    Outcome::Returned(reasons)
}

/// Whether any of some reasons says that the same was sent before.
pub(super) fn is_duplicate(reasons: &[String]) -> bool {
    reasons.iter().any(|reason| DUPLICATE.contains(&reason.as_str()))
}

/// Whether a status says that the money will not reach the account.
pub(super) fn is_rejected(status: &str) -> bool {
    REJECTED.contains(&status)
}

/// Returns what a status says.
pub(super) fn outcome_of(status: &str, reasons: Vec<String>) -> Outcome {
    if PAID.contains(&status) {
        Outcome::Paid
    } else if REJECTED.contains(&status) {
        rejected(reasons)
    } else if PENDING.contains(&status) {
        Outcome::Pending
    } else {
        Outcome::Unclear("the bank's status is not known here: ask the bank")
    }
}

/// Returns the reasons in the order in which they are read: ISO's codes first. `NARR` if there is none.
pub(crate) fn reasons(coded: Vec<String>, own: Vec<String>) -> Vec<String> {
    const REASONS_MAX: usize = 5;
    let mut all: Vec<String> = coded.into_iter().chain(own).map(plain).collect();
    all.retain(|reason| !reason.is_empty());
    all.truncate(REASONS_MAX);
    if all.is_empty() {
        all.push("NARR".to_owned());
    }
    all
}

/// Removes the characters that no code has.
fn plain(code: String) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(35).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_coded_reason_counts_and_the_others_are_kept() {
        let of = |codes: &[&str]| codes.iter().map(|&code| code.to_owned()).collect::<Vec<_>>();
        assert_eq!(reasons(of(&["AC04"]), of(&["R 17", ""])), ["AC04", "R17"]);
        assert_eq!(reasons(of(&[]), of(&["R17"])), ["R17"]);
        assert_eq!(reasons(of(&[]), of(&[])), ["NARR"]);
    }

    #[test]
    fn status_that_is_not_final_changes_nothing() {
        assert_eq!(outcome_of("ACSC", Vec::new()), Outcome::Paid);
        for status in PENDING {
            assert_eq!(outcome_of(status, Vec::new()), Outcome::Pending, "{status}");
        }
        assert!(matches!(outcome_of("ZZZZ", Vec::new()), Outcome::Unclear(_)));
        let copy = outcome_of("RJCT", vec!["AM05".to_owned()]);
        assert!(matches!(copy, Outcome::Unclear(_)), "what was sent first may be paid");
        assert!(matches!(outcome_of("acsc", Vec::new()), Outcome::Unclear(_)));
    }
}
