//! Sentences for a person, in their language.

use std::fmt;

use crate::{Argument, Language};

/// A sentence: its name among the texts of `service/language/texts`, and what is put into it. `Display` writes it in
/// English, for programs and operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    name: &'static str,
    parts: Vec<(&'static str, Part)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// A text, unchanged.
    Text(String),
    /// A number.
    Count(u64),
    /// Other texts, by their names.
    Named(Vec<String>),
}

impl Sentence {
    /// Creates the sentence with a name.
    pub const fn of(name: &'static str) -> Self {
        Self { name, parts: Vec::new() }
    }

    fn with(mut self, part: &'static str, is: Part) -> Self {
        self.parts.push((part, is));
        self
    }

    /// Adds a text, unchanged.
    pub fn text(self, part: &'static str, text: impl fmt::Display) -> Self {
        self.with(part, Part::Text(text.to_string()))
    }

    /// Adds a number.
    pub fn count(self, part: &'static str, count: impl Into<u64>) -> Self {
        self.with(part, Part::Count(count.into()))
    }

    /// Adds other texts, by their names.
    pub fn named(
        self,
        part: &'static str,
        names: impl IntoIterator<Item = impl fmt::Display>,
    ) -> Self {
        let names = names.into_iter().map(|name| name.to_string()).collect();
        self.with(part, Part::Named(names))
    }

    /// Returns the sentence in a language.
    pub fn said_in(&self, language: Language) -> String {
        let named: Vec<String> = self
            .parts
            .iter()
            .map(|(_, part)| match part {
                Part::Named(names) => {
                    let texts: Vec<String> = names.iter().map(|name| language.text(name)).collect();
                    texts.join(", ")
                }
                Part::Text(_) | Part::Count(_) => String::new(),
            })
            .collect();
        let parts = self.parts.iter().zip(&named);
        let arguments: Vec<(&str, Argument<'_>)> = parts
            .map(|((name, part), named)| match part {
                Part::Text(text) => (*name, Argument::Text(text)),
                Part::Count(count) => (*name, Argument::Count(*count)),
                Part::Named(_) => (*name, Argument::Text(named)),
            })
            .collect();
        language.format(self.name, &arguments)
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.said_in(Language::English))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentence_is_said_in_every_language() {
        let sentence = Sentence::of("fault-role")
            .named("role", ["role-kiosk"])
            .named("allowed", ["role-office", "role-treasury"]);
        assert_eq!(sentence.to_string(), "kiosk may not do this; it is for office, treasury");
        let bengali = sentence.said_in(Language::Bengali);
        assert!(bengali.contains("অফিস") && !bengali.contains('{'), "{bengali}");
        let case = Sentence::of("fault-no-case").count("number", 12u32);
        assert_eq!(case.to_string(), "there is no grievance 12");
        assert!(case.said_in(Language::Bengali).contains("১২"));
    }
}
