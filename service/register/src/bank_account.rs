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

/// Whether a register may have an account: a bank takes it, and nothing looks like a slip of a clerk. Letters stand only
/// before a few digits, there are at most eighteen digits, they are not all the same, and none of it is an IFSC. What
/// was registered before is paid all the same.
pub(crate) fn is_registered_account(text: &str) -> bool {
    /// The most digits of a number.
    const DIGITS_MAX: usize = 18;
    /// From how many digits on they are a number of their own, and letters before them a bank's name.
    const WHOLE: usize = 9;
    /// How often one digit alone stands for a number that is not known.
    const FILLER: usize = 6;
    let digits = text.trim_start_matches(|one: char| one.is_ascii_alphabetic());
    let has_letters = digits.len() < text.len();
    let is_filler = digits.len() >= FILLER && digits.bytes().all(|one| one == digits.as_bytes()[0]);
    let begins_with_ifsc = text.get(..11).is_some_and(|head| is_ifsc(&head.to_ascii_uppercase()));
    is_account(text)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && digits.len() <= DIGITS_MAX
        && !(has_letters && digits.len() >= WHOLE)
        && !is_filler
        && !begins_with_ifsc
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
        for bad in [
            "123ABC",
            "1234SB005678",
            "1234567890123456789",
            "9999999999",
            "SBIN0993518",
            "SBIN099351834567890",
            "UBI4410100023781",
        ] {
            assert!(is_account(bad) && !is_registered_account(bad), "{bad}");
        }
        assert!(["4410100023781", "SB0101"].iter().all(|good| is_registered_account(good)));
        assert!(is_ifsc("SBIN0993518"));
        for bad in ["", "SBI00123", "SBIN1993518", "sbin0993518", "SBIN09935-8"] {
            assert!(!is_ifsc(bad), "{bad}");
        }
    }
}
