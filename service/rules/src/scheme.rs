//! Schemes: readable rules, compiled to the policy that the circuit proves.
//!
//! A scheme is a TOML file. Rules change on dates, so a scheme has versions; a version has up to
//! four tiers; a tier has an amount and rules in the words of a schema. [`Scheme::policy`] compiles
//! the version in force in a period: ages become birth days, alternatives become groups of clauses.
//! Keys never change with a scheme. What can't be expressed is refused with its line and the reason.
//!
//! ```
//! use praman_rules::scheme::Scheme;
//!
//! let scheme = Scheme::parse(r#"
//!     id = "old-age-pension"
//!     name = "Old age pension"
//!     schema = "resident"
//!     period = "monthly"
//!
//!     [[version]]
//!     from = 2026-01-01
//!
//!     [[version.tier]]
//!     amount = 1000
//!     rules.annual_income = "at most 12000"
//!     rules.any_of = [
//!         { age = "60 or more" },
//!         { age = "55 or more", disability_pct = "1 or more" },
//!     ]
//! "#)?;
//! let period = scheme.parse_period("2026-06")?;
//! // age >= 55, (age >= 60 or disability >= 1), income: four clauses.
//! assert_eq!(scheme.policy(period)?.used_clauses(), 4);
//! # Ok::<(), praman_rules::scheme::SchemeError>(())
//! ```

mod amount;
mod document;
mod interval;
mod normal_form;
mod reading;
mod rule;
mod version;

use std::path::Path;

use praman_circuits::eligibility::SchemePeriod;
use praman_circuits::period::{Day, Period, PeriodKind};
use praman_circuits::policy::Policy;
use praman_circuits::scope::SchemeId;
use praman_language::{Language, calendar};

use crate::schema::Schema;
use document::Node;
pub use reading::{ReadLine, Reading, TierChange, TierReading};
pub use version::{Tier, Version};

/// The schemes that ship with praman: id and file of each.
pub const SHIPPED: [(&str, &str); 8] = [
    ("annapurna", include_str!("../../schemes/annapurna.toml")),
    ("health-cover-70", include_str!("../../schemes/health-cover-70.toml")),
    ("kanyashree-k1", include_str!("../../schemes/kanyashree-k1.toml")),
    ("kanyashree-k2", include_str!("../../schemes/kanyashree-k2.toml")),
    ("krishak-bandhu", include_str!("../../schemes/krishak-bandhu.toml")),
    ("lakshmir-bhandar", include_str!("../../schemes/lakshmir-bhandar.toml")),
    ("manabik", include_str!("../../schemes/manabik.toml")),
    ("old-age-pension", include_str!("../../schemes/old-age-pension.toml")),
];

/// Why a scheme is refused, and on which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct SchemeError {
    /// The line, from 1; 0 if no line is at fault.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl SchemeError {
    /// Creates an error on a line, from 1.
    pub fn at(line: usize, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }
}

/// A period of a scheme.
///
/// `period` is part of nullifiers and is compared with a credential's first period. `window` is the month whose
/// rules apply and in which ages are counted: the period's first, except for a benefit claimed once, where it
/// is the month of the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClaimPeriod {
    /// The period in the statement.
    pub period: Period,
    /// The month whose rules hold.
    pub window: Period,
}

/// How a scheme's period is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentTerms {
    /// The number of instalments of an amount.
    pub instalments: u32,
    /// Whether one account may take several claims of a period, such as a family's.
    pub shared_accounts: bool,
}

/// A scheme, as in its file.
#[derive(Debug)]
pub struct Scheme {
    /// Its id on chain and in nullifiers.
    pub id: SchemeId,
    /// Its name.
    pub name: String,
    /// Its name in Bengali and in Hindi, if it has one.
    names: [Option<String>; 2],
    /// What its rules are about.
    pub schema: &'static Schema,
    /// What kind of period it is claimed for: monthly `2026-06`, quarterly `2026-Q2`, yearly `2026`; of a benefit
    /// claimed once the month of the claim is written, since it decides the age.
    pub kind: PeriodKind,
    /// How many days after a period's end its claims are taken.
    pub claim_days: u32,
    /// How it is paid.
    pub payment: PaymentTerms,
    /// Its versions, by date.
    pub versions: Vec<Version>,
}

/// The most instalments of an amount.
const INSTALMENTS_MAX: i64 = 12;

/// The most days after a period's end on which claims of it are taken.
const CLAIM_DAYS_MAX: i64 = 366;

/// Returns how many days after a period's end its claims are taken if a scheme does not say. The month of a
/// benefit claimed once is that of the claim: the next month has its own rules.
fn usual_claim_days(kind: PeriodKind) -> u32 {
    match kind {
        PeriodKind::Month | PeriodKind::Quarter | PeriodKind::Year => 90,
        PeriodKind::Once => 15,
    }
}

impl Scheme {
    /// Returns a scheme that ships with praman; none if no shipped one has this id.
    pub fn shipped(id: &str) -> Option<Self> {
        let (_, text) = SHIPPED.iter().find(|(known, _)| *known == id)?;
        Some(Self::parse(text).expect("a test compiles every shipped scheme"))
    }

    /// Reads a scheme and compiles every version of it once, so that a scheme that parses compiles.
    ///
    /// # Errors
    /// [`SchemeError`] with line and reason.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        let document = Node::parse(text)?;
        let table = document.table()?;
        table.allow(&[
            "id",
            "name",
            "name_bn",
            "name_hi",
            "schema",
            "period",
            "claim_days",
            "instalments",
            "accounts",
            "version",
        ])?;
        let id = table.require("id")?;
        let schema = table.require("schema")?;
        let kind = table.require("period")?;
        let mut scheme = Self {
            id: id.text()?.parse().map_err(|error| id.fault(format!("{error}")))?,
            name: table.require("name")?.text()?.to_owned(),
            names: [table.get("name_bn"), table.get("name_hi")]
                .map(|name| name.map(Node::text))
                .into_iter()
                .map(|name| Ok(name.transpose()?.map(str::to_owned)))
                .collect::<Result<Vec<_>, SchemeError>>()?
                .try_into()
                .expect("there are two"),
            schema: Schema::find(schema.text()?).ok_or_else(|| {
                schema.fault(
                    "there is no such schema: give \"resident\", \"student\" or \"household\"",
                )
            })?,
            kind: match kind.text()? {
                "monthly" => PeriodKind::Month,
                "quarterly" => PeriodKind::Quarter,
                "yearly" => PeriodKind::Year,
                "once" => PeriodKind::Once,
                _ => {
                    let known =
                        "the period must be \"monthly\", \"quarterly\", \"yearly\" or \"once\"";
                    return Err(kind.fault(known));
                }
            },
            claim_days: 0,
            payment: PaymentTerms {
                instalments: match table.get("instalments") {
                    None => 1,
                    Some(node) => match node.integer()? {
                        parts @ 1..=INSTALMENTS_MAX => parts as u32,
                        _ => return Err(node.fault("an amount is paid in 1 to 12 instalments")),
                    },
                },
                shared_accounts: match table.get("accounts") {
                    None => false,
                    Some(node) => match node.text()? {
                        "own" => false,
                        "shared" => true,
                        _ => {
                            let known = "accounts must be \"own\", one for each claim, or \"shared\" by \
                                 several";
                            return Err(node.fault(known));
                        }
                    },
                },
            },
            versions: Vec::new(),
        };
        scheme.claim_days = match table.get("claim_days") {
            None => usual_claim_days(scheme.kind),
            Some(node) => match node.integer()? {
                days @ 0..=CLAIM_DAYS_MAX => days as u32,
                _ => {
                    let known = "claims must be accepted for 0 to 366 days after a period's end";
                    return Err(node.fault(known));
                }
            },
        };
        let versions = table.require("version")?;
        for node in versions.list()? {
            scheme.versions.push(Version::parse(node, scheme.schema)?);
        }
        if scheme.versions.is_empty() {
            return Err(versions.fault("a scheme must have at least one [[version]]"));
        }
        scheme.check_dates()?;
        for version in &scheme.versions {
            scheme.compiled(version)?;
        }
        Ok(scheme)
    }

    /// Returns its name in a language, else in the language of its file.
    pub fn name_in(&self, language: Language) -> &str {
        let name = match language {
            Language::Bengali => &self.names[0],
            Language::Hindi => &self.names[1],
            Language::English => &None,
        };
        name.as_deref().unwrap_or(&self.name)
    }

    /// Returns the version whose rules hold on a day; else the last.
    pub fn version_on(&self, day: jiff::civil::Date) -> &Version {
        let holds =
            |version: &&Version| version.from <= day && version.to.is_none_or(|to| day <= to);
        let found = self.versions.iter().find(holds).or(self.versions.last());
        found.expect("a scheme has a version")
    }

    /// Reads a scheme's file.
    ///
    /// # Errors
    /// [`SchemeError`]; line 0 if the file can't be read.
    pub fn read(path: &Path) -> Result<Self, SchemeError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| SchemeError::at(0, format!("the file can't be read: {error}")))?;
        Self::parse(&text)
    }

    /// Checks that versions follow each other and do not overlap.
    fn check_dates(&self) -> Result<(), SchemeError> {
        for pair in self.versions.windows(2) {
            let ends = pair[0].to.ok_or_else(|| {
                SchemeError::at(pair[0].line, "a version before another version needs a date `to`")
            })?;
            if ends >= pair[1].from {
                let reason =
                    format!("this version begins before the version before it ends, on {ends}");
                return Err(SchemeError::at(pair[1].line, reason));
            }
        }
        Ok(())
    }

    /// Reads a period as this scheme writes it.
    ///
    /// # Errors
    /// [`SchemeError`] with the form that is expected.
    pub fn parse_period(&self, text: &str) -> Result<ClaimPeriod, SchemeError> {
        let form = match self.kind {
            PeriodKind::Month | PeriodKind::Once => "a month, such as 2026-06",
            PeriodKind::Quarter => "a quarter, such as 2026-Q2",
            PeriodKind::Year => "a year, such as 2026",
        };
        let fault = || {
            SchemeError::at(0, format!("the period {text:?} of scheme {} must be {form}", self.id))
        };
        let (year, rest) = text.split_once('-').unwrap_or((text, ""));
        let digits = |text: &str, count| {
            let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
            if plain { text.parse::<u32>().ok() } else { None }
        };
        let year = digits(year, 4).ok_or_else(fault)?;
        let month = match self.kind {
            PeriodKind::Month | PeriodKind::Once => digits(rest, 2),
            PeriodKind::Quarter => {
                let quarter = rest.strip_prefix('Q').and_then(|quarter| digits(quarter, 1));
                quarter.filter(|quarter| (1..=4).contains(quarter)).map(|quarter| quarter * 3 - 2)
            }
            PeriodKind::Year => (!text.contains('-')).then_some(1),
        };
        let window = month.and_then(|month| Period::starting(year, month)).ok_or_else(fault)?;
        let period = if self.kind == PeriodKind::Once { Period::ONCE } else { window };
        Ok(ClaimPeriod { period, window })
    }

    /// Returns the last day on which claims of a period are taken.
    pub fn last_day(&self, period: ClaimPeriod) -> Day {
        self.days_after_end(period, self.claim_days)
    }

    /// Returns the day so many days after a period's last.
    fn days_after_end(&self, period: ClaimPeriod, days: u32) -> Day {
        let months = jiff::Span::new().months(self.kind.months());
        let next = calendar::first_day(period.window).checked_add(months);
        let days = jiff::Span::new().days(days);
        let last = next.and_then(|next| next.yesterday()).and_then(|end| end.checked_add(days));
        last.ok().and_then(calendar::day_of).unwrap_or(Day(u32::MAX))
    }

    /// Returns the version whose rules hold in a period: the one in force on its first day.
    ///
    /// # Errors
    /// [`SchemeError`] if no version is.
    pub fn version(&self, period: ClaimPeriod) -> Result<&Version, SchemeError> {
        let day = calendar::first_day(period.window);
        self.versions
            .iter()
            .find(|version| version.from <= day && version.to.is_none_or(|to| day <= to))
            .ok_or_else(|| {
                let reason = format!("scheme {} has no rules in force on {day}", self.id);
                SchemeError::at(0, reason)
            })
    }

    /// Returns the policy in force in a period.
    ///
    /// # Errors
    /// [`SchemeError`] if no version is in force.
    pub fn policy(&self, period: ClaimPeriod) -> Result<Policy, SchemeError> {
        self.version(period)?.compile(self.schema, calendar::first_day(period.window))
    }

    /// Returns the policy in force in a period, and its rules in words, to compare two files of a scheme.
    ///
    /// # Errors
    /// [`SchemeError`] if no version is in force.
    pub fn rules_in(
        &self,
        period: ClaimPeriod,
        language: Language,
    ) -> Result<(Policy, Reading), SchemeError> {
        Ok((self.policy(period)?, self.read_out(self.version(period)?, language)))
    }

    /// Returns a version's policy in its first whole month, to see how much of the circuit it takes.
    ///
    /// # Errors
    /// [`SchemeError`] if it does not fit.
    pub fn compiled(&self, version: &Version) -> Result<Policy, SchemeError> {
        version.compile(self.schema, first_month(version)?)
    }

    /// Returns scheme, period and policy for statements.
    ///
    /// # Errors
    /// [`SchemeError`] if no version is in force.
    pub fn in_period(&self, period: ClaimPeriod) -> Result<SchemePeriod, SchemeError> {
        let version = self.version(period)?;
        Ok(SchemePeriod {
            scheme: self.id.clone(),
            group: version.group.clone(),
            kind: self.kind,
            period: period.period,
            issued_by: self.days_after_end(period, version.late_issue_days),
            policy: self.policy(period)?,
        })
    }
}

/// Returns the first of the first whole month of a version: a day to try it on.
fn first_month(version: &Version) -> Result<jiff::civil::Date, SchemeError> {
    let reason = |_| SchemeError::at(version.line, "the date `from` is out of range");
    Ok(if version.from.day() == 1 {
        version.from
    } else {
        version.from.last_of_month().tomorrow().map_err(reason)?
    })
}

#[cfg(test)]
mod tests;
