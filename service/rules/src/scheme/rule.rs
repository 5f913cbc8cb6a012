//! Rules in plain words of a schema.
//!
//! A table of rules holds if all its entries do. A field's entry is a value, a list of values, a range in
//! words, or a table of bounds; `any_of`, `all_of` and `not` combine tables.

use jiff::civil::Date;
use praman_circuits::attributes::Slot;
use praman_language::calendar;

use super::SchemeError;
use super::document::{Node, Table};
use super::interval::IntervalSet;
use crate::schema::{CHILDREN_MAX, FieldDefinition, Kind, Schema};

/// A rule, with numbers as they are written: ages in years, acres in hundredths.
#[derive(Debug)]
pub(super) enum Rule {
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Not(Box<Rule>),
    /// A field whose value is in a set.
    Field(Slot, Kind, IntervalSet),
}

/// The oldest age that a rule can mean.
const AGE_MAX: u32 = 125;

/// From this age on a person is no child.
const ADULT: u32 = 18;

impl Rule {
    pub(super) fn parse(table: &Table, schema: &Schema) -> Result<Self, SchemeError> {
        let mut rules = Vec::new();
        for (name, line, node) in table.entries() {
            rules.push(match name {
                "any_of" => Self::Any(Self::parse_list(node, schema)?),
                "all_of" => Self::All(Self::parse_list(node, schema)?),
                "not" => Self::Not(Box::new(Self::parse(node.table()?, schema)?)),
                name => {
                    let field = schema.field(name).ok_or_else(|| {
                        let known: Vec<&str> =
                            schema.fields.iter().map(|field| field.name).collect();
                        let reason = format!(
                            "`{name}` is not a field of schema {}; known are {}, any_of, \
                             all_of, not",
                            schema.name,
                            known.join(", ")
                        );
                        SchemeError::at(line, reason)
                    })?;
                    let values = values(field, node)?;
                    if field.kind == Kind::Children && !is_told_by_children(&values) {
                        let reason = format!(
                            "a credential has the birth days of the {CHILDREN_MAX} youngest members: `{name}` can be \
                             compared with 0 to {CHILDREN_MAX}, and {CHILDREN_MAX} only as \"{CHILDREN_MAX} or \
                             more\" or \"below {CHILDREN_MAX}\""
                        );
                        return Err(node.fault(reason));
                    }
                    Self::Field(field.slot, field.kind, values)
                }
            });
        }
        if rules.is_empty() {
            return Err(SchemeError::at(table.line(), "a table of rules needs at least one rule"));
        }
        Ok(Self::All(rules))
    }

    fn parse_list(node: &Node, schema: &Schema) -> Result<Vec<Self>, SchemeError> {
        let list = node.list()?;
        if list.is_empty() {
            return Err(node.fault("the list has no rules"));
        }
        list.iter().map(|node| Self::parse(node.table()?, schema)).collect()
    }
}

/// Whether a credential tells of every number of children whether it is among some: it does not tell three from more.
fn is_told_by_children(counts: &IntervalSet) -> bool {
    let many = IntervalSet::between(CHILDREN_MAX, u32::MAX);
    many.is_subset_of(counts) || many.is_subset_of(&counts.complement())
}

/// Returns what a number of children, from the slot of the youngest member on, means of members' ages.
///
/// There are at least two children if the second youngest member is one, and at most two if the third youngest is
/// none. A child who is born after the day that ages are asked for is one.
pub(super) fn ages_of_children(youngest: Slot, counts: &IntervalSet) -> Rule {
    let is_adult = |place: u32| {
        let number = youngest.number() + (place - 1) as u8;
        let slot = Slot::new(number).expect("a schema has the slots of its fields");
        Rule::Field(slot, Kind::Age, IntervalSet::between(ADULT, u32::MAX))
    };
    let between = |&(least, most): &(u32, u32)| {
        let at_least = (least > 0).then(|| Rule::Not(Box::new(is_adult(least))));
        let at_most = (most < CHILDREN_MAX).then(|| is_adult(most + 1));
        Rule::All(at_least.into_iter().chain(at_most).collect())
    };
    Rule::Any(counts.intervals().iter().map(between).collect())
}

/// Returns the values of a slot that a field's written values mean on a day.
pub(super) fn slot_values(kind: Kind, written: &IntervalSet, on: Date) -> IntervalSet {
    if kind != Kind::Age {
        return written.clone();
    }
    written.intervals().iter().fold(IntervalSet::default(), |days, &(least, most)| {
        let born = calendar::birth_days(on, least, most)
            .map_or_else(IntervalSet::default, |(from, to)| IntervalSet::between(from.0, to.0));
        days.union(&born)
    })
}

fn values(field: &FieldDefinition, node: &Node) -> Result<IntervalSet, SchemeError> {
    if node.is_list() {
        let list = node.list()?;
        if list.is_empty() {
            return Err(node.fault("the list has no values"));
        }
        return list
            .iter()
            .try_fold(IntervalSet::default(), |set, node| Ok(set.union(&phrase(field, node)?)));
    }
    if node.is_table() {
        return bounds(field, node);
    }
    phrase(field, node)
}

/// `{ from = 25, to = 60 }`, `{ from = 13, below = 18 }`, `{ over = 5 }`, `{ in = [...] }`,
/// `{ not = ... }`.
fn bounds(field: &FieldDefinition, node: &Node) -> Result<IntervalSet, SchemeError> {
    let table = node.table()?;
    table.allow(&["from", "over", "to", "below", "in", "not"])?;
    if table.entries().count() == 0 {
        return Err(node.fault("the table has no bounds"));
    }
    let mut outside = IntervalSet::default();
    for (name, _, node) in table.entries() {
        let within = match name {
            "in" => values(field, node)?,
            "not" => values(field, node)?.complement(),
            name => {
                ranged(field, node)?;
                let bound = number(field, node, &node.word()?)?;
                match name {
                    "from" => at_least(Some(bound)),
                    "over" => at_least(bound.checked_add(1)),
                    "to" => at_most(Some(bound)),
                    _ => at_most(bound.checked_sub(1)),
                }
            }
        };
        // The intersection of all is what no bound excludes.
        outside = outside.union(&within.complement());
    }
    Ok(outside.complement())
}

fn at_least(bound: Option<u32>) -> IntervalSet {
    bound.map_or_else(IntervalSet::default, |bound| IntervalSet::between(bound, u32::MAX))
}

fn at_most(bound: Option<u32>) -> IntervalSet {
    bound.map_or_else(IntervalSet::default, |bound| IntervalSet::between(0, bound))
}

/// Parses a value or a range in words.
fn phrase(field: &FieldDefinition, node: &Node) -> Result<IntervalSet, SchemeError> {
    let word = node.word()?;
    if let Kind::Code(codes) = field.kind {
        let code = codes.iter().find(|(name, _)| name.eq_ignore_ascii_case(word.trim()));
        return match code {
            Some(&(_, code)) => Ok(IntervalSet::between(code, code)),
            None => {
                let known: Vec<&str> = codes.iter().map(|&(name, _)| name).collect();
                let reason =
                    format!("{word:?} is not a {}; known are {}", field.name, known.join(", "));
                Err(node.fault(reason))
            }
        };
    }
    let text = word.trim();
    let read = |text: &str| number(field, node, text.trim());
    // `25 to 60` and `25..60` include both ends, `13 up to 18` excludes the upper.
    for (separator, inclusive) in [(" up to ", false), ("..=", true), ("..", true), (" to ", true)]
    {
        if let Some((lo, hi)) = text.split_once(separator) {
            let (lo, hi) = (read(lo)?, read(hi)?);
            let last = if inclusive { Some(hi) } else { hi.checked_sub(1) };
            let range = last.map_or_else(IntervalSet::default, |hi| IntervalSet::between(lo, hi));
            if range.is_empty() {
                return Err(node.fault(format!("the range {text:?} is empty")));
            }
            return Ok(range);
        }
    }
    for suffix in [" or more", " or over", " and over", "+"] {
        if let Some(bound) = text.strip_suffix(suffix) {
            return Ok(at_least(Some(read(bound)?)));
        }
    }
    for suffix in [" or less", " or under"] {
        if let Some(bound) = text.strip_suffix(suffix) {
            return Ok(at_most(Some(read(bound)?)));
        }
    }
    for (prefix, set) in
        [("at least ", at_least as fn(Option<u32>) -> IntervalSet), ("at most ", at_most)]
    {
        if let Some(bound) = text.strip_prefix(prefix) {
            return Ok(set(Some(read(bound)?)));
        }
    }
    for prefix in ["below ", "under ", "less than "] {
        if let Some(bound) = text.strip_prefix(prefix) {
            return Ok(at_most(read(bound)?.checked_sub(1)));
        }
    }
    for prefix in ["over ", "above ", "more than "] {
        if let Some(bound) = text.strip_prefix(prefix) {
            return Ok(at_least(read(bound)?.checked_add(1)));
        }
    }
    let value = read(text)?;
    Ok(IntervalSet::between(value, value))
}

fn ranged(field: &FieldDefinition, node: &Node) -> Result<(), SchemeError> {
    match field.kind {
        Kind::Code(_) => {
            Err(node.fault(format!("{} has names, not a range: use a list", field.name)))
        }
        _ => Ok(()),
    }
}

/// Parses a number as written: rupees may have commas and a currency sign, acres two decimals.
pub(super) fn number(field: &FieldDefinition, node: &Node, text: &str) -> Result<u32, SchemeError> {
    let bare = text.trim_start_matches("Rs.").trim_start_matches("Rs").trim_start_matches('₹');
    let bare = bare.trim().replace([',', '_'], "");
    let bare = bare.strip_suffix('%').unwrap_or(&bare);
    let fault = |reason: &str| node.fault(format!("{text:?} {reason}"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = match bare.split_once('.') {
        Some((whole, fraction)) if digits(fraction) => (whole, fraction),
        Some(_) => return Err(fault("is not a number")),
        None => (bare, ""),
    };
    if !digits(whole) {
        return Err(fault("is not a number in a known form"));
    }
    let fraction = fraction.trim_end_matches('0');
    let places = if field.kind == Kind::Hundredths { 2 } else { 0 };
    if fraction.len() > places {
        let reason = if places == 0 { "must be whole" } else { "has more than two decimals" };
        return Err(fault(reason));
    }
    let scaled = format!("{whole}{fraction:0<places$}");
    let value = scaled.parse::<u32>().map_err(|_| fault("is too large"))?;
    if field.kind == Kind::Age && value > AGE_MAX {
        return Err(fault("is not an age"));
    }
    Ok(value)
}
