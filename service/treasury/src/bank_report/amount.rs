//! Amounts as banks write them.

/// An amount in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    /// Rupees, in paise.
    Paise(u64),
    /// An amount in another currency.
    Foreign,
    /// Not an amount of rupees and paise.
    Malformed,
}

impl Amount {
    /// Reads an amount in a currency.
    pub(crate) fn read(text: &str, currency: Option<&str>) -> Self {
        if currency.is_some_and(|currency| currency.trim() != "INR") {
            return Self::Foreign;
        }
        paise(text.trim()).map_or(Self::Malformed, Self::Paise)
    }

    pub(crate) fn paise(self) -> Option<u64> {
        match self {
            Self::Paise(paise) => Some(paise),
            Self::Foreign | Self::Malformed => None,
        }
    }
}

/// Parses an XML Schema decimal with at most two decimals that are not zero; in paise.
fn paise(text: &str) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (rupees, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if rupees.is_empty() && decimals.is_empty() || !digits(rupees) || !digits(decimals) {
        return None;
    }
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > 2 {
        return None;
    }
    let hundredths: u64 = format!("{decimals:0<2}").parse().ok()?;
    let rupees: u64 = if rupees.is_empty() { 0 } else { rupees.parse().ok()? };
    rupees.checked_mul(100)?.checked_add(hundredths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amount_is_rupees_and_paise() {
        for (text, expected) in [
            ("0", 0),
            ("12", 1_200),
            ("12.5", 1_250),
            ("12.05", 1_205),
            ("12.5000", 1_250),
            ("+100.00", 10_000),
            (".50", 50),
            ("7.", 700),
            ("0005.00", 500),
            (" 5.00 ", 500),
        ] {
            assert_eq!(Amount::read(text, Some("INR")), Amount::Paise(expected), "{text}");
        }
        let huge = "9".repeat(30);
        for bad in ["", ".", "+", "1,000", "-1", "1.234", "1e3", "₹1", "NaN", huge.as_str()] {
            assert_eq!(Amount::read(bad, None), Amount::Malformed, "{bad}");
        }
        assert_eq!(Amount::read("5.00", Some("USD")), Amount::Foreign);
    }
}
