//! Identity numbers and their Verhoeff check digit.
//!
//! Source: J. Verhoeff, *Error Detecting Decimal Codes*, 1969: the dihedral group D5.

/// `a` followed by `b` in D5.
fn compose(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - 5 + 5 - b) % 5 + 5,
        (false, false) => (a - 5 + 10 - b) % 5,
    }
}

/// One application of Verhoeff's permutation.
const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Whether the last of some decimal digits is the Verhoeff check digit of the others.
pub(super) fn has_check_digit(digits: &[u8]) -> bool {
    let permuted = |digit: u8, times: usize| {
        (0..times % 8).fold(digit, |digit, _| PERMUTATION[digit as usize])
    };
    let places = digits.iter().rev().enumerate();
    places.fold(0, |check, (place, &digit)| compose(check, permuted(digit, place))) == 0
}

/// Returns the identity number of eleven digits and their check digit.
pub fn with_check_digit(digits: [u8; 11]) -> String {
    let completed = |last: u8| [&digits[..], &[last]].concat();
    let number = (0..10).map(completed).find(|number| has_check_digit(number));
    let number = number.expect("one of ten digits is the check digit");
    number.iter().map(|&digit| char::from(b'0' + digit)).collect()
}

/// Parses a twelve-digit identity number, spaces and hyphens allowed; `Ok(None)` if the cell is empty.
pub(super) fn parse(cell: &str) -> Result<Option<u64>, ()> {
    let mut digits = Vec::with_capacity(12);
    for byte in cell.bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
        if !byte.is_ascii_digit() || digits.len() == 12 {
            return Err(());
        }
        digits.push(byte - b'0');
    }
    match digits.len() {
        0 if cell.is_empty() => Ok(None),
        // One digit twelve times stands for a number that is not known, though some have a right check digit.
        12 if digits.iter().all(|digit| *digit == digits[0]) => Err(()),
        12 if has_check_digit(&digits) => {
            Ok(Some(digits.iter().fold(0, |number, &digit| number * 10 + u64::from(digit))))
        }
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verhoeffs_example_holds_and_every_single_error_is_found() {
        assert!(has_check_digit(&[2, 3, 6, 3]));
        for place in 0..4 {
            for wrong in 0..10 {
                let mut digits = [2, 3, 6, 3];
                if digits[place] != wrong {
                    digits[place] = wrong;
                    assert!(!has_check_digit(&digits));
                }
            }
        }
    }

    #[test]
    fn id_number_is_read_with_spaces_and_refused_with_a_wrong_digit() {
        assert_eq!(parse(""), Ok(None));
        assert_eq!(parse("1200 0201 0199"), parse("120002010199"));
        assert!(parse("120002010199").is_ok());
        for bad in [
            "12000201019",
            "120002010198",
            "1200020101990",
            "12000201019X",
            "999999999999",
            "-",
            " ",
        ] {
            assert_eq!(parse(bad), Err(()), "{bad}");
        }
    }
}
