//! What people read, in their language: Bengali, Hindi and English, by Fluent; and dates as in India.
//!
//! The texts are in `service/language/texts/`. In Bengali, numbers are written with Bengali numerals, except
//! those that a telephone must send.
//!
//! ```
//! use praman_language::sentence::Sentence;
//! use praman_language::{Argument, Language};
//!
//! let twelve = [("count", Argument::Count(12))];
//! assert_eq!(Language::English.format("frequency-whole", &twelve), "12 times in total");
//! assert_eq!(Language::Bengali.format("frequency-whole", &twelve), "মোট ১২ বার");
//! assert_eq!(Sentence::of("fault-no-case").count("number", 12u32).to_string(), "there is no grievance 12");
//! ```

pub mod calendar;
mod number;
pub mod sentence;

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde::{Deserialize, Serialize};

use crate::calendar::INDIA_SECONDS;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub enum Language {
    /// Bengali.
    #[serde(rename = "bn")]
    #[cfg_attr(feature = "clap", value(name = "bn"))]
    Bengali,
    /// Hindi.
    #[serde(rename = "hi")]
    #[cfg_attr(feature = "clap", value(name = "hi"))]
    Hindi,
    /// English.
    #[serde(rename = "en")]
    #[cfg_attr(feature = "clap", value(name = "en"))]
    English,
}

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[Bundle; 3]> = LazyLock::new(|| {
    let bundle = |language: Language, text: &str| {
        let resource = FluentResource::try_new(text.to_owned()).expect("texts are well-formed");
        let locale = language.code().parse().expect("codes are of languages");
        let mut bundle = Bundle::new_concurrent(vec![locale]);
        bundle.set_use_isolating(false);
        bundle.add_resource(resource).expect("no text stands twice");
        bundle
    };
    Language::ALL.map(|language| bundle(language, &language.texts().concat()))
});

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bengali, Self::Hindi, Self::English];

    /// Returns its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Bengali => "bn",
            Self::Hindi => "hi",
            Self::English => "en",
        }
    }

    /// Returns its texts: about consents, about schemes and refusals, for the desk, and for what is not done.
    const fn texts(self) -> [&'static str; 4] {
        macro_rules! of {
            ($code:literal) => {
                [
                    include_str!(concat!("../texts/", $code, ".ftl")),
                    include_str!(concat!("../texts/schemes/", $code, ".ftl")),
                    include_str!(concat!("../texts/desk/", $code, ".ftl")),
                    include_str!(concat!("../texts/faults/", $code, ".ftl")),
                ]
            };
        }
        match self {
            Self::Bengali => of!("bn"),
            Self::Hindi => of!("hi"),
            Self::English => of!("en"),
        }
    }

    /// Returns its name in the language itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::Bengali => "বাংলা",
            Self::Hindi => "हिन्दी",
            Self::English => "English",
        }
    }

    /// Returns the language of a code.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// Returns the known language that a header `Accept-Language` gives the most weight, the first of several; none
    /// if it accepts none. `*` is any that it does not name (RFC 9110, section 12.5.4).
    pub fn accepted(header: &str) -> Option<Self> {
        let ranges: Vec<(&str, f32)> = header
            .split(',')
            .map(|range| {
                let mut parts = range.split(';').map(str::trim);
                let code = parts.next().unwrap_or_default().split('-').next().unwrap_or_default();
                let weight = parts.find_map(|part| {
                    let (name, value) = part.split_once('=')?;
                    name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>())
                });
                (code, weight.map_or(1.0, |weight| weight.unwrap_or_default()))
            })
            .collect();
        let place_of = |code: &str| ranges.iter().position(|(of, _)| of.eq_ignore_ascii_case(code));
        let any = place_of("*");
        let accepted = Self::ALL.into_iter().rev().filter_map(|language| {
            let place = place_of(language.code()).or(any)?;
            let weight = ranges[place].1;
            (weight > 0.0 && weight <= 1.0).then_some((language, place, weight))
        });
        // Of equals the last: of several at `*` the first of ours.
        let best = accepted.max_by(|(_, place, weight), (_, later, other)| {
            weight.total_cmp(other).then(later.cmp(place))
        });
        best.map(|(language, ..)| language)
    }

    /// Returns a text without arguments.
    pub fn text(self, name: &str) -> String {
        self.format(name, &[])
    }

    /// Returns a text with arguments. A number also adds its written form, such as `countText`.
    pub fn format(self, name: &str, arguments: &[(&str, Argument<'_>)]) -> String {
        let bundle = &BUNDLES[self as usize];
        let mut given = FluentArgs::new();
        for (name, argument) in arguments {
            match argument {
                Argument::Text(text) => given.set(*name, FluentValue::from(*text)),
                Argument::Count(count) => {
                    given.set(*name, FluentValue::from(*count));
                    given.set(
                        format!("{name}Text"),
                        FluentValue::from(self.digits(&count.to_string())),
                    );
                }
            }
        }
        let pattern = bundle.get_message(name).and_then(|message| message.value());
        let Some(pattern) = pattern else { return name.to_owned() };
        let mut faults = Vec::new();
        bundle.format_pattern(pattern, Some(&given), &mut faults).into_owned()
    }

    /// Returns a text with its digits as the language writes them.
    pub fn digits(self, text: &str) -> String {
        number::with_digits(self, text)
    }

    /// Returns a number as the language writes it, in Indian groups: 12,34,567.
    pub fn number(self, number: u64) -> String {
        number::grouped(self, number)
    }

    /// Returns a day as people read it.
    pub fn day(self, date: jiff::civil::Date) -> String {
        self.digits(&date.strftime("%d-%m-%Y").to_string())
    }

    /// Returns a time as people read it: the day, and the hour in India.
    pub fn time(self, time: jiff::Timestamp) -> String {
        let india = jiff::tz::Offset::from_seconds(INDIA_SECONDS).unwrap_or(jiff::tz::Offset::UTC);
        self.digits(&india.to_datetime(time).strftime("%d-%m-%Y %H:%M").to_string())
    }
}

/// A value that is put into a text.
#[derive(Clone, Copy)]
pub enum Argument<'a> {
    /// A text, unchanged.
    Text(&'a str),
    /// A number, which selects the text's form.
    Count(u64),
}

/// Returns the line, from 1, of a place in a text.
pub fn line_at(text: &str, place: usize) -> usize {
    let before = &text.as_bytes()[..place.min(text.len())];
    before.iter().filter(|&&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(text: &str) -> BTreeSet<&str> {
        let name = |line: &'static str| line.split_once(" = ").map(|(name, _)| name);
        // The texts are compiled in, so they live forever.
        let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
        text.lines().filter(|line| !line.starts_with(' ')).filter_map(name).collect()
    }

    #[test]
    fn every_text_is_there_in_every_language_with_the_same_arguments() {
        let [bengali, hindi, english] = Language::ALL.map(|language| language.texts().concat());
        let (bengali, hindi, english) = (&bengali, &hindi, &english);
        assert_eq!(names(bengali), names(english));
        assert_eq!(names(hindi), names(english));
        let arguments = |text: &str, name: &str| {
            let begun = text.find(&format!("\n{name} = ")).map_or(0, |place| place + 1);
            let rest = &text[begun..];
            let end = rest.find("\n\n").into_iter().chain(rest.find("\n").map(|first| {
                let mut end = first;
                for line in rest[first + 1..].lines() {
                    if !line.starts_with(' ') && !line.starts_with('}') {
                        break;
                    }
                    end += line.len() + 1;
                }
                end
            }));
            let part = &rest[..end.min().unwrap_or(rest.len())];
            let mut found = BTreeSet::new();
            for piece in part.split("{ $").skip(1) {
                found.insert(piece.split([' ', '}']).next().unwrap_or_default().to_owned());
            }
            found
        };
        for name in names(english) {
            let expected = arguments(english, name);
            assert_eq!(arguments(bengali, name), expected, "{name}");
            assert_eq!(arguments(hindi, name), expected, "{name}");
        }
    }

    #[test]
    fn language_with_the_most_weight_is_accepted() {
        use Language::{Bengali, English, Hindi};
        for (header, expected) in [
            ("bn-IN,bn;q=0.9,en;q=0.8", Some(Bengali)),
            ("en;q=0.5, hi-IN;q=0.9", Some(Hindi)),
            ("fr, de;q=0.9, en-GB;q=0.1", Some(English)),
            ("EN-us, bn", Some(English)),
            ("bn;q=0, hi;q=0.001", Some(Hindi)),
            ("hi;q=x, bn;q=0.2", Some(Bengali)),
            ("en;Q=0.1, bn ; Q = 0.9", Some(Bengali)),
            ("en-GB-oed", Some(English)),
            ("bn-Beng-IN;q=1.000, hi", Some(Bengali)),
            ("bn;q=0, *", Some(Hindi)),
            ("ta, *;q=0.1", Some(Bengali)),
            ("bn, en;q=5, hi;q=NaN", Some(Bengali)),
            ("*", Some(Bengali)),
            ("*;q=0", None),
            ("", None),
            (" , ;q=1", None),
            ("ta-IN, te", None),
        ] {
            assert_eq!(Language::accepted(header), expected, "{header}");
        }
    }

    #[test]
    fn numbers_are_written_as_the_language_writes_them() {
        let often = |language: Language, count| {
            language.format("frequency-whole", &[("count", Argument::Count(count))])
        };
        assert_eq!(often(Language::English, 1), "once in total");
        assert_eq!(often(Language::English, 12), "12 times in total");
        assert_eq!(often(Language::Bengali, 12), "মোট ১২ বার");
        assert_eq!(often(Language::Hindi, 2), "कुल 2 बार");
        let grouped = |number| Language::English.number(number);
        let numbers = [0, 999, 1_000, 12_345, 1_234_567, 100_000_000].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "12,345", "12,34,567", "10,00,00,000"]);
        assert_eq!(Language::Bengali.number(1_234_567), "১২,৩৪,৫৬৭");
        assert_eq!(Language::Hindi.number(1_234_567), "12,34,567");
        assert_eq!(Language::Hindi.number(1_000), "1,000");
        assert_eq!(Language::Bengali.number(1_000), "১,০০০");
        assert_eq!(Language::English.number(u64::MAX), "1,84,46,74,40,73,70,95,51,615");
        let time = "2026-11-25T20:00:00Z".parse().expect("a time");
        assert_eq!(Language::English.time(time), "26-11-2026 01:30");
        assert_eq!(Language::Bengali.time(time), "২৬-১১-২০২৬ ০১:৩০");
    }
}
