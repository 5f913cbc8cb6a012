//! Accounts and branches that Indian banks accept: decided only here, for registers and for payments.

/// The longest account number of ISO 20022's messages.
const ACCOUNT_MAX: usize = 34;

/// The shortest account number that a bank in India has issued.
const ACCOUNT_MIN: usize = 4;

/// Whether a text is an account number for banks' files: letters and digits, at least one digit not zero, not rounded
/// by a spreadsheet, and without digits that somebody has hidden behind letters X.
pub fn is_account(text: &str) -> bool {
    let rounded = text.split_once(['E', 'e']).is_some_and(|(digits, exponent)| {
        !digits.is_empty()
            && [digits, exponent].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    (ACCOUNT_MIN..=ACCOUNT_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
        && !rounded
        && !text.to_ascii_uppercase().contains("XXX")
}

/// Whether a text is an IFSC: four letters, a zero, six letters or digits.
pub fn is_ifsc(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 11
        && bytes[..4].iter().all(u8::is_ascii_uppercase)
        && bytes[4] == b'0'
        && bytes[5..].iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_is_one_that_a_banks_file_takes() {
        for good in ["4410100023781", "00123456789", "SB0101", "1234"] {
            assert!(is_account(good), "{good}");
        }
        let long = "1".repeat(35);
        for bad in [
            "",
            "0",
            "0000000",
            "NIL",
            "NA",
            "123",
            "44E12",
            "4.4101E+12",
            "12-34",
            "XXXX7543",
            &long,
        ] {
            assert!(!is_account(bad), "{bad}");
        }
        assert!(is_ifsc("SBIN0993518"));
        for bad in ["", "SBI00123", "SBIN1993518", "sbin0993518", "SBIN09935-8"] {
            assert!(!is_ifsc(bad), "{bad}");
        }
    }
}
