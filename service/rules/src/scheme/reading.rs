//! Rules in plain words.

use std::collections::BTreeSet;

use jiff::civil::Date;
use praman_circuits::attributes::Slot;
use praman_circuits::period::PeriodKind;
use praman_language::{Argument, Language};
use serde::Serialize;

use super::Scheme;
use super::interval::IntervalSet;
use super::rule::Rule;
use super::version::{Tier, Version};
use crate::schema::{FieldDefinition, Kind, Schema};

/// A line of text at a depth.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ReadLine {
    /// How many levels it is nested.
    pub depth: usize,
    /// The text.
    pub text: String,
}

/// A tier in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TierReading {
    /// Its name; none if it has none of its own.
    pub name: Option<String>,
    /// What it pays.
    pub amount: String,
    /// Who gets it: all lines must hold.
    pub rules: Vec<ReadLine>,
}

/// A version's rules in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The first day in force.
    pub from: Date,
    /// The last day in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// What holds of all tiers, in sentences.
    pub terms: Vec<String>,
    /// Its tiers.
    pub tiers: Vec<TierReading>,
}

/// What differs in one tier of two versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TierChange {
    /// The tier's place, from 1; 0 for what holds of all tiers.
    pub tier: usize,
    /// What was removed.
    pub before: Vec<String>,
    /// What was added.
    pub after: Vec<String>,
}

impl Scheme {
    /// Returns a version's rules in a language.
    pub fn read_out(&self, version: &Version, language: Language) -> Reading {
        let reader = Reader { language, schema: self.schema };
        let tiers = version.tiers.iter().map(|tier| reader.tier(tier)).collect();
        let terms = reader.terms(version, self.kind);
        Reading { from: version.from, to: version.to, terms, tiers }
    }
}

impl Reading {
    /// Returns what differs in another version, by tier; what holds of all tiers is of tier 0.
    pub fn changes(&self, after: &Self) -> Vec<TierChange> {
        let said = |reading: &Self, tier: usize| {
            let lines = reading.tiers.get(tier).map(|tier| {
                let rules = tier.rules.iter().map(|line| line.text.clone());
                std::iter::once(tier.amount.clone()).chain(rules).collect::<Vec<_>>()
            });
            lines.unwrap_or_default()
        };
        let missing = |from: &[String], other: &[String]| {
            let other: BTreeSet<&String> = other.iter().collect();
            from.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>()
        };
        let tiers = self.tiers.len().max(after.tiers.len());
        let change = |tier, before: &[String], after: &[String]| {
            let (before, after) = (missing(before, after), missing(after, before));
            let is_change = !before.is_empty() || !after.is_empty();
            is_change.then_some(TierChange { tier, before, after })
        };
        let terms = change(0, &self.terms, &after.terms);
        let of_tiers =
            (0..tiers).filter_map(|tier| change(tier + 1, &said(self, tier), &said(after, tier)));
        terms.into_iter().chain(of_tiers).collect()
    }
}

struct Reader {
    language: Language,
    schema: &'static Schema,
}

impl Reader {
    fn tier(&self, tier: &Tier) -> TierReading {
        let mut rules = Vec::new();
        self.rule(&tier.rule, 0, &mut rules);
        let is_numbered =
            tier.name.strip_prefix("tier ").is_some_and(|rest| rest.parse::<u8>().is_ok());
        TierReading {
            name: (!is_numbered).then(|| tier.name.clone()),
            amount: self.amount(tier),
            rules,
        }
    }

    /// Returns what a version says beside its tiers.
    fn terms(&self, version: &Version, kind: PeriodKind) -> Vec<String> {
        let group = version.group.as_ref().map(|group| {
            let period = match kind {
                PeriodKind::Once => "terms-excludes-once",
                _ => "terms-excludes",
            };
            self.say(period, &[("group", group.as_str())])
        });
        let late = (version.late_issue_days > 0).then(|| {
            let days = self.language.number(u64::from(version.late_issue_days));
            self.say("terms-late-issue", &[("days", &days)])
        });
        group.into_iter().chain(late).collect()
    }

    fn say(&self, name: &str, arguments: &[(&str, &str)]) -> String {
        let arguments: Vec<_> =
            arguments.iter().map(|&(name, text)| (name, Argument::Text(text))).collect();
        self.language.format(name, &arguments)
    }

    fn rupees(&self, rupees: u32) -> String {
        self.language.number(u64::from(rupees))
    }

    fn amount(&self, tier: &Tier) -> String {
        let amount = tier.amount;
        let (floor, cap) = (self.rupees(amount.floor), self.rupees(amount.cap));
        let field = self.schema.fields.iter().find(|field| field.slot == amount.slot);
        match (amount.rate, field) {
            (0, _) | (_, None) => self.say("amount-flat", &[("rupees", &cap)]),
            (rate, Some(field)) => {
                let unit = if field.kind == Kind::Hundredths { 100 } else { 1 };
                let rate = self.rupees(rate * unit);
                let field = self.language.text(&format!("field-{}", field.name));
                let arguments =
                    [("rate", &*rate), ("field", &field), ("floor", &floor), ("cap", &cap)];
                self.say("amount-rated", &arguments)
            }
        }
    }

    fn rule(&self, rule: &Rule, depth: usize, lines: &mut Vec<ReadLine>) {
        let mut heading = |name: &str| {
            lines.push(ReadLine { depth, text: self.language.text(name) });
        };
        match rule {
            Rule::All(rules) if depth == 0 || rules.len() == 1 => {
                rules.iter().for_each(|rule| self.rule(rule, depth, lines));
            }
            Rule::All(rules) => {
                heading("rule-all");
                rules.iter().for_each(|rule| self.rule(rule, depth + 1, lines));
            }
            Rule::Any(rules) => {
                heading("rule-any");
                for rule in rules {
                    // Alternatives of several rules are set apart.
                    self.rule(rule, depth + 1, lines);
                }
            }
            Rule::Not(rule) => {
                heading("rule-not");
                self.rule(rule, depth + 1, lines);
            }
            Rule::Field(slot, kind, values) => {
                lines.push(ReadLine { depth, text: self.field(*slot, *kind, values) });
            }
        }
    }

    fn field(&self, slot: Slot, kind: Kind, values: &IntervalSet) -> String {
        let field = self.schema.fields.iter().find(|field| field.slot == slot);
        let Some(field) = field else { return String::new() };
        let values = match kind {
            Kind::Code(codes) => self.codes(field, codes, values),
            _ => self.ranges(kind, values),
        };
        let name = self.language.text(&format!("field-{}", field.name));
        self.say("rule-field", &[("field", &name), ("values", &values)])
    }

    /// Returns named values; if they are more than half, as all except the others.
    fn codes(
        &self,
        field: &FieldDefinition,
        codes: &[(&str, u32)],
        values: &IntervalSet,
    ) -> String {
        let holds =
            |code: u32| values.intervals().iter().any(|&(lo, hi)| (lo..=hi).contains(&code));
        let (within, without): (Vec<u32>, Vec<u32>) =
            codes.iter().map(|&(_, code)| code).partition(|&code| holds(code));
        let name = |code: &u32| self.language.text(&format!("code-{}-{code}", field.name));
        if without.len() < within.len() {
            let others = self.joined(without.iter().map(name).collect());
            return self.say("rule-other-than", &[("values", &others)]);
        }
        self.joined(within.iter().map(name).collect())
    }

    fn ranges(&self, kind: Kind, values: &IntervalSet) -> String {
        let number = |value: u32| match kind {
            Kind::Hundredths => {
                let (whole, rest) = (value / 100, value % 100);
                let whole = self.language.number(u64::from(whole));
                match rest {
                    0 => whole,
                    rest => format!("{whole}.{}", self.language.digits(&format!("{rest:02}"))),
                }
            }
            _ => self.language.number(u64::from(value)),
        };
        let range = |&(lo, hi): &(u32, u32)| match (lo, hi) {
            (lo, u32::MAX) => self.say("rule-at-least", &[("value", &number(lo))]),
            (lo, hi) if lo == hi => number(lo),
            (0, hi) => self.say("rule-at-most", &[("value", &number(hi))]),
            (lo, hi) => self.say("rule-between", &[("from", &number(lo)), ("to", &number(hi))]),
        };
        self.joined(values.intervals().iter().map(range).collect())
    }

    fn joined(&self, mut texts: Vec<String>) -> String {
        let Some(last) = texts.pop() else { return String::new() };
        if texts.is_empty() {
            return last;
        }
        self.say("rule-or", &[("first", &texts.join(", ")), ("last", &last)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::{SHIPPED, Scheme};

    #[test]
    fn every_shipped_scheme_is_read_out_whole_in_every_language() {
        for (id, text) in SHIPPED {
            let scheme = Scheme::parse(text).expect("a shipped scheme");
            for language in Language::ALL {
                for version in &scheme.versions {
                    let reading = scheme.read_out(version, language);
                    assert!(!reading.tiers.is_empty());
                    for line in reading.tiers.iter().flat_map(|tier| &tier.rules) {
                        let text = &line.text;
                        for missing in ["field-", "code-", "rule-"] {
                            assert!(!text.contains(missing), "{id}: {text}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn rules_read_as_people_say_them() {
        let text = r#"
            id = "pension"
            name = "Pension"
            schema = "resident"
            period = "monthly"
            [[version]]
            from = 2026-01-01
            [[version.tier]]
            amount = 1000
            rules.annual_income = "at most 1200000"
            rules.category = { not = ["GEN"] }
            rules.any_of = [{ age = "60 or more" }, { age = "55 to 59", land_acres = "below 1.5" }]
        "#;
        let scheme = Scheme::parse(text).expect("a scheme");
        let reading = scheme.read_out(&scheme.versions[0], Language::English);
        let said: Vec<(usize, &str)> =
            reading.tiers[0].rules.iter().map(|line| (line.depth, line.text.as_str())).collect();
        assert_eq!(reading.tiers[0].amount, "₹1,000");
        assert!(said.contains(&(0, "annual income in rupees: 12,00,000 or less")), "{said:?}");
        assert!(said.contains(&(0, "category: other than general")), "{said:?}");
        assert!(said.contains(&(0, "one of these holds:")), "{said:?}");
        assert!(said.contains(&(1, "age in years: 60 or more")), "{said:?}");
        assert!(said.contains(&(2, "land in acres: 1.49 or less")), "{said:?}");
        let bengali = scheme.read_out(&scheme.versions[0], Language::Bengali);
        assert_eq!(bengali.tiers[0].amount, "₹১,০০০");
        let dearer = Scheme::parse(&text.replace("1000", "1500").replace("60 or", "65 or"));
        let dearer = dearer.expect("a scheme");
        let changes = reading.changes(&dearer.read_out(&dearer.versions[0], Language::English));
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].before, ["₹1,000", "age in years: 60 or more"]);
        assert_eq!(changes[0].after, ["₹1,500", "age in years: 65 or more"]);
        assert!(reading.changes(&reading).is_empty());
    }
}
