//! Telephone numbers in one form: a patient is recognised by theirs however it is typed.

/// A telephone number as ITU-T E.164 writes it: a plus sign and up to 15 digits. It is personal, so it does not
/// print.
#[derive(Clone, PartialEq, Eq)]
pub struct Telephone(String);

/// Why a text is not a telephone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a telephone number has a plus sign, the country and the number, like +91 98300 00001; without a country, ten digits"
)]
pub struct InvalidTelephone;

impl Telephone {
    /// Returns the number in canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Telephone {
    type Err = InvalidTelephone;

    /// Reads a number as people and gateways write it: spaces, hyphens, dots and brackets are left out, and a number of
    /// ten digits, also after a zero or 91, is Indian.
    fn from_str(text: &str) -> Result<Self, InvalidTelephone> {
        let kept: String = text
            .chars()
            .filter(|sign| !sign.is_whitespace() && !matches!(sign, '-' | '.' | '(' | ')'))
            .collect();
        let (has_country, digits) = match kept.strip_prefix('+').or_else(|| kept.strip_prefix("00"))
        {
            Some(rest) => (true, rest),
            None => (false, kept.as_str()),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidTelephone);
        }
        let number = match (has_country, digits.len()) {
            // ITU-T E.164: 15 digits at most; no subscriber's number has fewer than 8.
            (true, 8..=15) => digits.to_owned(),
            (false, 10) => format!("91{digits}"),
            (false, 11) if digits.starts_with('0') => format!("91{}", &digits[1..]),
            (false, 12) if digits.starts_with("91") => digits.to_owned(),
            _ => return Err(InvalidTelephone),
        };
        if number.starts_with('0') || (number.starts_with("91") && number.len() != 12) {
            return Err(InvalidTelephone);
        }
        Ok(Self(format!("+{number}")))
    }
}

#[cfg(test)]
mod tests {
    use super::Telephone;

    #[test]
    fn number_has_one_form_however_it_is_typed() {
        for text in [
            "+919830000001",
            "9830000001",
            "+91 98300 00001",
            "+91-98300-00001",
            "09830000001",
            "919830000001",
            "00919830000001",
            " (98300) 00001 ",
        ] {
            let number = text.parse::<Telephone>().map(|number| number.as_str().to_owned());
            assert_eq!(number.as_deref(), Ok("+919830000001"), "{text}");
        }
        let abroad: Telephone = "+8801711000001".parse().expect("of another country");
        assert_eq!(abroad.as_str(), "+8801711000001");
        for text in [
            "",
            "+",
            "hello; rm",
            "12345",
            "+91983000000",
            "983000000x",
            "+0123456789",
            "98300000011",
        ] {
            assert!(text.parse::<Telephone>().is_err(), "{text}");
        }
    }
}
