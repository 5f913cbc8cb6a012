//! Payment orders and messages by names that fit into the short fields of banks' formats. Nothing is lost: each is the
//! same number with more to a digit (base 32, RFC 4648 section 6).

use data_encoding::BASE32_NOPAD;

use crate::transfer::TransferReference;

/// How a short reference begins: no bank's own number looks like it.
const PREFIX: &str = "PR";

/// Returns a payment order's reference in 30 letters and digits; none for one of another form.
pub(crate) fn short_reference(reference: &str) -> Option<String> {
    reference.parse::<TransferReference>().ok()?;
    let (code, part) = reference.split_at(32);
    Some(format!("{PREFIX}{}{part}", BASE32_NOPAD.encode(&hex::decode(code).ok()?)))
}

/// Returns the reference of a short one, however a bank writes its letters; none for another text.
pub(crate) fn reference_of_short(text: &str) -> Option<String> {
    let text = text.to_ascii_uppercase();
    let code = text.strip_prefix(PREFIX).filter(|code| code.is_ascii() && code.len() == 28)?;
    let (code, part) = code.split_at(26);
    if !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let bytes = BASE32_NOPAD.decode(code.as_bytes()).ok()?;
    Some(format!("{}{part}", hex::encode(bytes)))
}

/// Returns number and code of a message's id: the code has 18 letters and digits.
pub(super) fn split_message(id: &str) -> Option<(String, String)> {
    let (number, random) = id.split_once('-')?;
    let code = BASE32_NOPAD.encode(&hex::decode(random).ok()?);
    Some((number.to_owned(), code))
}

/// Returns the message's id of a number and a code.
pub(super) fn join_message(number: &str, code: &str) -> Option<String> {
    let number: u64 = number.trim().parse().ok()?;
    let bytes = BASE32_NOPAD.decode(code.trim().to_ascii_uppercase().as_bytes()).ok()?;
    (bytes.len() == 11).then(|| format!("{number}-{}", hex::encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_lead_back_to_the_names() {
        for reference in [
            format!("{}01", "0".repeat(32)),
            format!("{}12", "f".repeat(32)),
            format!("{}99", "3a".repeat(16)),
        ] {
            let short = short_reference(&reference).expect("a reference");
            assert_eq!(short.len(), 30);
            assert_eq!(reference_of_short(&short).as_deref(), Some(reference.as_str()));
            assert_eq!(reference_of_short(&short.to_lowercase()), Some(reference));
        }
        let id = format!("417-{}", "0f".repeat(11));
        let (number, code) = split_message(&id).expect("an id");
        assert_eq!((number.as_str(), code.len()), ("417", 18));
        assert_eq!(join_message("000000417", &code), Some(id));
        for other in ["", "PR", "NOTPROVIDED", "SBIN224196000000000000000000001", "PR💡"] {
            assert_eq!(
                (reference_of_short(other), short_reference(other)),
                (None, None),
                "{other}"
            );
        }
        // The last bits of a code are zero: a mistyped one is no other's.
        let short = short_reference(&format!("{}01", "0".repeat(32))).expect("a reference");
        assert_eq!(reference_of_short(&short.replace("A01", "B01")), None);
    }
}
