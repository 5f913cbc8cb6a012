//! Numbers as a language writes them: its numerals, and Indian groups.
//!
//! Source: Unicode CLDR, by ICU4X.

use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_decimal::options::{DecimalFormatterOptions, GroupingStrategy};
use icu_locale_core::{Locale, locale};

use crate::Language;

/// How one language writes numbers.
struct Numerals {
    grouped: DecimalFormatter,
    /// The digits from 0 to 9.
    digits: [char; 10],
}

impl Numerals {
    fn of(language: Language) -> Self {
        // The numerals are named: those of CLDR for Bengali in India are Latin, and schools teach others.
        let locale: Locale = match language {
            Language::Bengali => locale!("bn-IN-u-nu-beng"),
            Language::Hindi => locale!("hi-IN-u-nu-latn"),
            Language::English => locale!("en-IN"),
        };
        let formatter = |grouping| {
            let mut options = DecimalFormatterOptions::default();
            options.grouping_strategy = Some(grouping);
            DecimalFormatter::try_new(locale.clone().into(), options).expect("the data is built in")
        };
        let plain = formatter(GroupingStrategy::Never);
        let digit = |digit: usize| {
            let written = plain.format(&Decimal::from(digit)).to_string();
            written.chars().next().expect("a digit is written")
        };
        Self { grouped: formatter(GroupingStrategy::Auto), digits: std::array::from_fn(digit) }
    }
}

thread_local! {
    // ICU4X shares its data within a thread.
    static NUMERALS: [Numerals; 3] = Language::ALL.map(Numerals::of);
}

/// Returns a number with the language's numerals, in Indian groups: 12,34,567.
pub(crate) fn grouped(language: Language, number: u64) -> String {
    NUMERALS.with(|numerals| {
        numerals[language as usize].grouped.format(&Decimal::from(number)).to_string()
    })
}

/// Returns a text with its digits as the language writes them.
pub(crate) fn with_digits(language: Language, text: &str) -> String {
    NUMERALS.with(|numerals| {
        let digits = &numerals[language as usize].digits;
        let written = |c: char| c.to_digit(10).map_or(c, |digit| digits[digit as usize]);
        text.chars().map(written).collect()
    })
}
