//! Schemes: their rules in words, and whom a change of them would affect.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use maud::{Markup, html};
use praman_access::Action;
use praman_circuits::period::PeriodKind;
use praman_claims::PublishedScheme;
use praman_language::{Argument, calendar};
use praman_ledger::LedgerStore;
use praman_register::effects::Effects;
use praman_rules::schema::RESIDENT;
use praman_rules::scheme::{ClaimPeriod, Reading, Scheme, TierChange};
use praman_sandbox::SandboxError;
use praman_sandbox::sandbox::synthetic_people;
use praman_store::computation::compute;
use serde::Deserialize;

use super::chart;
use super::form::Posted;
use super::layout::{self, cell, code};
use super::visitor::Visitor;
use crate::application::{Application, Fault};

/// How many synthetic people a change is tried on, and the seed that they are drawn from.
const PEOPLE: usize = 5_000;
const SEED: u64 = 1;

pub(super) async fn list(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Markup, Fault> {
    let openings = LedgerStore(application.store()).openings().await?;
    let rows: Vec<Vec<Markup>> = application
        .schemes()
        .iter()
        .map(|PublishedScheme { scheme, .. }| {
            let open = openings.iter().filter(|opening| {
                opening.scheme == scheme.id.as_str() && opening.takes_claims
            });
            let open: Vec<String> =
                open.map(|opening| period(&visitor, opening.period, opening.window)).collect();
            let open = if open.is_empty() { visitor.text("desk-none-open") } else { open.join(", ") };
            vec![
                html! { a href={ "/desk/schemes/" (scheme.id) } { (scheme.name_in(visitor.language)) } },
                code(scheme.id.as_str()),
                cell(visitor.text(period_kind(scheme.kind))),
                cell(open),
            ]
        })
        .collect();
    let title = visitor.text("desk-schemes");
    let headings = ["desk-name", "desk-id", "desk-how-often", "desk-open-periods"];
    Ok(layout::page(&visitor, &title, layout::table_or_none(&visitor, &title, &headings, &rows)))
}

fn period_kind(kind: PeriodKind) -> &'static str {
    match kind {
        PeriodKind::Month => "desk-monthly",
        PeriodKind::Quarter => "desk-quarterly",
        PeriodKind::Year => "desk-yearly",
        PeriodKind::Once => "desk-once",
    }
}

/// Renders a period as people read it: its first month.
pub(super) fn period(visitor: &Visitor, period: u32, window: u32) -> String {
    let of = |number| praman_circuits::period::Period(number).year_and_month();
    let found = of(period).or_else(|| of(window));
    found.map_or_else(
        || visitor.text("desk-once"),
        |(year, month)| visitor.language.digits(&format!("{month:02}-{year}")),
    )
}

pub(super) async fn one(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Markup, Fault> {
    let PublishedScheme { scheme, text } = application.scheme(&id)?;
    let name = scheme.name_in(visitor.language).to_owned();
    let versions = scheme.versions.iter().rev();
    let content = html! {
        p { (visitor.text(period_kind(scheme.kind))) " · " (code(scheme.id.as_str())) }
        @if visitor.may(Action::CompareSchemes) {
            p { a class="button" href={ "/desk/schemes/" (scheme.id) "/changes" } {
                (visitor.text("desk-compare"))
            } }
        }
        @for version in versions {
            (reading(&visitor, &scheme.read_out(version, visitor.language)))
        }
        details {
            summary { (visitor.text("desk-rules-file")) }
            pre tabindex="0" lang="en" { (text) }
        }
    };
    Ok(layout::page(&visitor, &name, content))
}

fn reading(visitor: &Visitor, reading: &Reading) -> Markup {
    let from = visitor.language.day(reading.from);
    let in_force = match reading.to {
        None => visitor.with("desk-from", "from", &from),
        Some(to) => {
            let to = visitor.language.day(to);
            let days = [("from", Argument::Text(&from)), ("to", Argument::Text(&to))];
            visitor.language.format("desk-from-to", &days)
        }
    };
    html! {
        section {
            h2 { (in_force) }
            @for sentence in &reading.terms {
                p { (sentence) }
            }
            @for (place, tier) in reading.tiers.iter().enumerate() {
                article {
                    h3 {
                        (visitor.count("desk-tier", place + 1))
                        @if let Some(name) = &tier.name { " · " (name) }
                    }
                    p class="amount" { (tier.amount) }
                    p { (visitor.text("desk-who-may")) }
                    ul class="rules" {
                        @for line in &tier.rules {
                            li class={ "depth-" (line.depth.min(4)) } { (line.text) }
                        }
                    }
                }
            }
        }
    }
}

fn form(visitor: &Visitor, scheme: &Scheme, text: &str) -> Markup {
    let id = scheme.id.as_str();
    html! {
        p { (visitor.text("desk-compare-intro")) }
        form method="post" action={ "/desk/schemes/" (id) "/changes" } class="stack" {
            (layout::token(visitor))
            label for="rules" { (visitor.text("desk-compare-rules")) }
            textarea id="rules" name="rules" rows="18" spellcheck="false" lang="en" required { (text) }
            label for="month" { (visitor.text("desk-compare-month")) }
            input id="month" name="month" inputmode="numeric" placeholder="2026-12"
                pattern="[0-9]{4}-[0-9]{2}" value=(this_month()) required;
            button { (visitor.text("desk-compare")) }
        }
    }
}

fn this_month() -> String {
    let today = calendar::date_of(calendar::today()).expect("today is in the calendar");
    format!("{:04}-{:02}", today.year(), today.month())
}

pub(super) async fn ask(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Markup, Fault> {
    let PublishedScheme { scheme, text } = application.scheme(&id)?;
    let title = visitor.with("desk-compare-title", "scheme", scheme.name_in(visitor.language));
    Ok(layout::page(&visitor, &title, form(&visitor, scheme, text)))
}

#[derive(Deserialize)]
pub(super) struct Change {
    rules: String,
    month: String,
}

pub(super) async fn compare(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Posted(change): Posted<Change>,
) -> Result<Markup, Fault> {
    let PublishedScheme { scheme, .. } = application.scheme(&id)?;
    let title = visitor.with("desk-compare-title", "scheme", scheme.name_in(visitor.language));
    let content = match compared(&visitor, scheme, &change).await {
        Ok(found) => found,
        Err(Wrong::Rules(reason)) => html! {
            p class="notice bad" role="alert" { (visitor.text("desk-compare-wrong")) " "
                span lang="en" { (reason) } }
        },
        Err(Wrong::Fault(fault)) => return Err(fault),
    };
    Ok(layout::page(&visitor, &title, html! { (content) (form(&visitor, scheme, &change.rules)) }))
}

enum Wrong {
    /// The form's content is no scheme that can be compared.
    Rules(String),
    Fault(Fault),
}

async fn compared(visitor: &Visitor, before: &Scheme, change: &Change) -> Result<Markup, Wrong> {
    let after = Scheme::parse(&change.rules).map_err(|error| Wrong::Rules(error.to_string()))?;
    if after.schema.id != before.schema.id || before.schema.id != RESIDENT.id {
        let reason = "both must have the schema resident: people are made up for no other";
        return Err(Wrong::Rules(reason.to_owned()));
    }
    let month = calendar::read_month(&change.month).and_then(calendar::month_of);
    let month = month.ok_or_else(|| Wrong::Rules("a month is written as 2026-12".to_owned()))?;
    let period = ClaimPeriod { period: month, window: month };
    let rules = |scheme: &Scheme| {
        let found = scheme.rules_in(period, visitor.language);
        found.map_err(|error| Wrong::Rules(error.to_string()))
    };
    let ((old_policy, old), (new_policy, new)) = (rules(before)?, rules(&after)?);
    let effects = compute(|| {
        let register = synthetic_people(PEOPLE, SEED, calendar::today())?;
        Ok::<_, SandboxError>(Effects::of_register(&old_policy, &new_policy, &register))
    });
    let effects = effects.map_err(|error| Wrong::Fault(error.into()))?;
    Ok(html! {
        (changes(visitor, &old.changes(&new)))
        (affected(visitor, &effects))
    })
}

/// Renders what is different.
fn changes(visitor: &Visitor, changes: &[TierChange]) -> Markup {
    html! {
        section aria-labelledby="changes" {
            h2 id="changes" { (visitor.text("desk-changes")) }
            @if changes.is_empty() { p { (visitor.text("desk-no-changes")) } }
            @for change in changes {
                h3 {
                    @if change.tier == 0 { (visitor.text("desk-all-tiers")) }
                    @else { (visitor.count("desk-tier", change.tier)) }
                }
                ul class="changes" {
                    @for line in &change.before {
                        li { del { span class="unseen" { (visitor.text("desk-removed")) " " } (line) } }
                    }
                    @for line in &change.after {
                        li { ins { span class="unseen" { (visitor.text("desk-added")) " " } (line) } }
                    }
                }
            }
        }
    }
}

/// Renders whom it would affect.
fn affected(visitor: &Visitor, effects: &Effects) -> Markup {
    let lines = [
        ("desk-gained", effects.gained),
        ("desk-lost", effects.lost),
        ("desk-more", effects.more),
        ("desk-less", effects.less),
        ("desk-same", effects.same),
        ("desk-neither", effects.neither),
    ];
    let lines: Vec<(String, Option<u64>)> =
        lines.into_iter().map(|(name, count)| (visitor.text(name), count)).collect();
    let named = |district: u32| visitor.text(&format!("code-district-{district}"));
    let districts =
        effects.districts.iter().filter(|one| (one.gained, one.lost) != (Some(0), Some(0)));
    let rows: Vec<Vec<Markup>> = districts
        .map(|one| {
            vec![
                cell(named(one.district)),
                cell(visitor.told(one.gained)),
                cell(visitor.told(one.lost)),
            ]
        })
        .collect();
    let rupees = |amount: u64| format!("₹{}", visitor.number(amount));
    let by_district = visitor.text("desk-affected-districts");
    html! {
        section aria-labelledby="affected" {
            h2 id="affected" { (visitor.text("desk-affected")) }
            p { (visitor.count("desk-affected-people", effects.people as usize)) }
            (chart::bars(visitor, &visitor.text("desk-affected"), &lines))
            dl {
                dt { (visitor.text("desk-cost-before")) } dd { (rupees(effects.rupees_before)) }
                dt { (visitor.text("desk-cost-after")) } dd { (rupees(effects.rupees_after)) }
            }
            (layout::table_or_none(visitor, &by_district,
                &["desk-district", "desk-gained", "desk-lost"], &rows))
        }
    }
}
