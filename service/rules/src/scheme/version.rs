//! A version of a scheme: rules between two dates.

use jiff::civil::Date;
use praman_circuits::policy::{self, Clause, GroupSet, Policy, PolicyError};
use praman_circuits::scope::GroupId;

use super::SchemeError;
use super::amount::{self, Amount};
use super::document::Node;
use super::normal_form::{self, NormalFormError};
use super::rule::Rule;
use crate::schema::Schema;

/// The most days after a period's end on which a credential may be issued to claim for it: ten years.
const LATE_ISSUE_DAYS_MAX: i64 = 3_660;

/// The rules between two dates.
#[derive(Debug)]
pub struct Version {
    /// The first day in force.
    pub from: Date,
    /// The last day in force; none if it is open.
    pub to: Option<Date>,
    /// The group of schemes of which a person is paid by one in a period, if it is in one.
    pub group: Option<GroupId>,
    /// How many days after a period's end a credential may be issued and still claim for the period.
    pub late_issue_days: u32,
    /// The tiers, the best first by custom.
    pub tiers: Vec<Tier>,
    pub(super) line: usize,
}

/// An amount and who gets it.
#[derive(Debug)]
pub struct Tier {
    /// Its name.
    pub name: String,
    pub(super) amount: Amount,
    pub(super) rule: Rule,
    line: usize,
}

impl Version {
    pub(super) fn parse(node: &Node, schema: &Schema) -> Result<Self, SchemeError> {
        let table = node.table()?;
        table.allow(&["from", "to", "excludes_with", "late_issue_days", "tier"])?;
        let from = table.require("from")?;
        let to = table.get("to");
        let tiers_node = table.require("tier")?;
        let version = Self {
            from: from.date()?,
            to: to.map(Node::date).transpose()?,
            group: match table.get("excludes_with") {
                None => None,
                Some(node) => {
                    let group = node.text()?.parse();
                    Some(group.map_err(|error| node.fault(format!("excludes_with: {error}")))?)
                }
            },
            late_issue_days: match table.get("late_issue_days") {
                None => 0,
                Some(node) => match node.integer()? {
                    days @ 0..=LATE_ISSUE_DAYS_MAX => days as u32,
                    _ => {
                        let reason = format!(
                            "a credential may be issued 0 to {LATE_ISSUE_DAYS_MAX} days after a period's \
                             end and still claim for it"
                        );
                        return Err(node.fault(reason));
                    }
                },
            },
            tiers: tiers_node
                .list()?
                .iter()
                .enumerate()
                .map(|(index, node)| Tier::parse(node, index, schema))
                .collect::<Result<_, _>>()?,
            line: node.line,
        };
        if !(1901..=9000).contains(&version.from.year()) {
            return Err(from.fault("rules must begin between the years 1901 and 9000"));
        }
        if let (Some(node), Some(to)) = (to, version.to)
            && to < version.from
        {
            return Err(node.fault("the last day lies before the first"));
        }
        if !(1..=policy::TIERS).contains(&version.tiers.len()) {
            return Err(tiers_node.fault(format!("a version has 1 to {} tiers", policy::TIERS)));
        }
        Ok(version)
    }

    /// Returns the policy on the first day of a period.
    pub(super) fn compile(&self, schema: &Schema, on: Date) -> Result<Policy, SchemeError> {
        let mut clauses: Vec<Clause> = Vec::new();
        let mut known: Vec<(Vec<Clause>, usize)> = Vec::new();
        let mut tiers = Vec::with_capacity(self.tiers.len());
        for tier in &self.tiers {
            let groups = normal_form::groups(&tier.rule, on).map_err(|error| {
                let reason = match error {
                    NormalFormError::Contradiction => {
                        "no person can satisfy the rules of this tier"
                    }
                    NormalFormError::Tautology => "the rules of this tier exclude no person",
                    NormalFormError::TooLarge => {
                        "the alternatives of this tier's rules multiply to more than 16 clauses"
                    }
                };
                SchemeError::at(tier.line, reason)
            })?;
            let mut required = GroupSet::default();
            for group in groups {
                let group = group.clauses();
                // Tiers with the same group share its clauses.
                let end = match known.iter().find(|(other, _)| *other == group) {
                    Some(&(_, end)) => end,
                    None => {
                        clauses.extend_from_slice(&group);
                        let end = clauses.len() - 1;
                        known.push((group, end));
                        end
                    }
                };
                if clauses.len() > policy::CLAUSES {
                    let reason = format!(
                        "the rules up to this tier need {} clauses or more; there is room for {}",
                        clauses.len(),
                        policy::CLAUSES
                    );
                    return Err(SchemeError::at(tier.line, reason));
                }
                required.insert(end);
            }
            let Amount { rate, slot, floor, cap } = tier.amount;
            tiers.push(policy::Tier { groups: required, rate, slot, floor, cap });
        }
        Policy::new(schema.id, &clauses, &tiers)
            .map_err(|error: PolicyError| SchemeError::at(self.line, error.to_string()))
    }
}

impl Tier {
    fn parse(node: &Node, index: usize, schema: &Schema) -> Result<Self, SchemeError> {
        let table = node.table()?;
        table.allow(&["name", "amount", "rules"])?;
        let name = match table.get("name") {
            Some(name) => name.text()?.to_owned(),
            None => format!("tier {index}"),
        };
        let amount = amount::parse(table.require("amount")?, schema)?;
        let rule = Rule::parse(table.require("rules")?.table()?, schema)?;
        Ok(Self { name, amount, rule, line: node.line })
    }
}
