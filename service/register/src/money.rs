//! Whole rupees, acres and percentages in the usual spellings.

use unicode_normalization::UnicodeNormalization;

/// Words for none, where a number is asked for. A hyphen, an empty cell and `N.A.` leave open what is meant.
const NONE: [&str; 8] = ["NIL", "NO", "NONE", "ZERO", "শূন্য", "নেই", "शून्य", "नहीं"];

/// Whether a cell says in words that there is none.
fn is_none(cell: &str) -> bool {
    NONE.contains(&cell.trim_end_matches('.').to_uppercase().as_str())
}

/// Words for tens of thousands of rupees and more, with their factors.
const MULTIPLES: [(&str, u64); 12] = [
    ("CRORES", 10_000_000),
    ("CRORE", 10_000_000),
    ("কোটি", 10_000_000),
    ("LAKHS", 100_000),
    ("LAKH", 100_000),
    ("LACS", 100_000),
    ("LAC", 100_000),
    ("L", 100_000),
    ("লাখ", 100_000),
    ("লক্ষ", 100_000),
    ("THOUSAND", 1_000),
    ("হাজার", 1_000),
];

/// Parses whole rupees: `80300`, `80,300`, `1,56,600`, `Rs. 60,300/-`, `₹82,800.00`, `1.2 lakh`.
///
/// `None` for anything else: signs, exponents, odd paise, words, more than 32 bits.
pub(super) fn rupees(cell: &str) -> Option<u32> {
    if is_none(cell) {
        return Some(0);
    }
    let upper = cell.to_uppercase();
    let mut text = upper.trim();
    for suffix in ["PER ANNUM", "P.A.", "P.A", "PER YEAR", "YEARLY"] {
        text = text.strip_suffix(suffix).unwrap_or(text).trim_end();
    }
    for prefix in ["RUPEES", "RS.", "RS", "RE.", "INR", "₹", "রু.", "রু", "৳", "টাকা"]
    {
        if let Some(rest) = text.strip_prefix(prefix) {
            text = rest.trim_start();
            break;
        }
    }
    loop {
        let suffixes = ["/-", "/=", "-/", "ONLY", "RUPEES", "RS.", "RS", "INR", "₹", "টাকা"];
        let stripped = suffixes.iter().find_map(|suffix| text.strip_suffix(suffix));
        match stripped {
            Some(rest) => text = rest.trim_end(),
            None => break,
        }
    }
    let multiple = MULTIPLES
        .iter()
        .find_map(|&(word, factor)| Some((text.strip_suffix(word)?.trim_end(), factor)));
    let (number, factor) = multiple.unwrap_or((text, 1));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = grouped(whole)?;
    if fraction.len() > 7 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = 10u64.pow(fraction.len() as u32);
    let parts = if fraction.is_empty() { 0 } else { fraction.parse::<u64>().ok()? };
    let total = whole.checked_mul(scale)?.checked_add(parts)?.checked_mul(factor)?;
    if total % scale != 0 {
        return None;
    }
    u32::try_from(total / scale).ok()
}

/// Parses digits, with commas between groups of two or three but not before the first or after the last.
fn grouped(text: &str) -> Option<u64> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let mut rest: Vec<&str> = groups.collect();
    let last_fits = rest.pop().is_none_or(|last| last.len() == 3 && digits(last));
    let middle_fit = rest.iter().all(|group| matches!(group.len(), 2 | 3) && digits(group));
    if !digits(first) || first.len() > 12 || !last_fits || !middle_fit {
        return None;
    }
    text.replace(',', "").parse().ok()
}

/// Parses land as decimals (hundredths of an acre), from acres between 0 and 1000; further digits are cut. A number may
/// name its unit, acres or decimals; other units differ by district, and are refused.
pub(super) fn decimals_of_land(cell: &str) -> Option<u32> {
    const MOST: u32 = 100_000;
    const ACRES: [&str; 6] = ["ACRES", "ACRE", "AC.", "AC", "একর", "एकड़"];
    const DECIMALS: [&str; 8] =
        ["DECIMALS", "DECIMAL", "DEC.", "DEC", "শতক", "শতাংশ", "ডেসিমেল", "डिसमिल"];
    if is_none(cell) || ["LANDLESS", "ভূমিহীন", "भूमिहीन"].contains(&&*cell.to_uppercase())
    {
        return Some(0);
    }
    let upper = cell.nfc().collect::<String>().to_uppercase();
    let of = |units: &[&str]| {
        let rest = units.iter().find_map(|unit| upper.strip_suffix(*unit));
        rest.map(|rest| rest.trim_end().to_owned())
    };
    if let Some(decimals) = of(&DECIMALS) {
        return Some(hundredths_up_to(&decimals, MOST * 100)? / 100);
    }
    hundredths_up_to(&of(&ACRES).unwrap_or(upper.clone()), MOST)
}

/// Parses a percentage between 0 and 100; its fraction is cut.
pub(super) fn percent(cell: &str) -> Option<u32> {
    if is_none(cell) {
        return Some(0);
    }
    let upper = cell.to_uppercase();
    let suffixes = ["%", "PERCENT", "PER CENT"];
    let number = suffixes.iter().find_map(|suffix| upper.strip_suffix(suffix)).unwrap_or(&upper);
    let number = number.trim_end();
    Some(hundredths_up_to(number, 10_000)? / 100)
}

/// Parses a plain decimal number in hundredths, the rest cut, if it is at most `limit` hundredths.
fn hundredths_up_to(cell: &str, limit: u32) -> Option<u32> {
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let empty = !cell.bytes().any(|byte| byte.is_ascii_digit());
    if empty || whole.len() > 6 || fraction.len() > 20 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let padded = format!("{fraction:0<2}");
    let (cents, rest) = padded.split_at(2);
    let hundredths = whole * 100 + cents.parse::<u32>().ok()?;
    let exact = rest.bytes().all(|byte| byte == b'0');
    (hundredths < limit || (hundredths == limit && exact)).then_some(hundredths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rupees_in_usual_spellings_are_read() {
        for (cell, expected) in [
            ("95100", 95_100),
            ("80,300", 80_300),
            ("1,56,600", 156_600),
            ("156,600", 156_600),
            ("Rs. 60,300/-", 60_300),
            ("Rs.60300", 60_300),
            ("₹1,56,500", 156_500),
            ("INR 5000.00", 5_000),
            ("1.2 lakh", 120_000),
            ("Rs 2 Lakhs only", 200_000),
            ("60300 Rs", 60_300),
            ("Rupees 60300", 60_300),
            ("1.5 L", 150_000),
            ("0", 0),
            ("NIL", 0),
            ("60300 P.A.", 60_300),
        ] {
            assert_eq!(rupees(cell), Some(expected), "{cell}");
        }
        for bad in [
            "",
            "1e5000",
            "-5000",
            "unknown",
            "5000.50",
            "1.23456 lakh 7",
            "1,2,3",
            ",5",
            "5,",
            "99999999999",
            "1.000001 lakh",
            "NaN",
            "Rs.",
            "12 34",
            "0x10",
            "+5",
            "-",
            "N.A.",
            "5000 per month",
        ] {
            assert_eq!(rupees(bad), None, "{bad}");
        }
    }

    #[test]
    fn acres_and_percentages_are_read_within_their_bounds() {
        assert_eq!(decimals_of_land("0.39"), Some(39));
        assert_eq!(decimals_of_land("7.5"), Some(750));
        assert_eq!(decimals_of_land("1000"), Some(100_000));
        assert_eq!(decimals_of_land("1000.001"), None);
        assert_eq!(decimals_of_land("1.239"), Some(123));
        for cell in ["0.39 acre", "0.39 Acres", "39 decimal", "39 শতক", "39 डिसमिल"]
        {
            assert_eq!(decimals_of_land(cell), Some(39), "{cell}");
        }
        assert_eq!(decimals_of_land("landless"), Some(0));
        assert_eq!(percent("No"), Some(0));
        assert_eq!(percent("75 percent"), Some(75));
        assert_eq!(percent("100"), Some(100));
        assert_eq!(percent("40%"), Some(40));
        assert_eq!(percent("100.5"), None);
        for bad in
            ["", "-1", "1e2", "inf", "1001", ".", "a", "2 bigha", "15 katha", "0.5 ha", "acre"]
        {
            assert_eq!(decimals_of_land(bad), None, "{bad}");
        }
    }
}
