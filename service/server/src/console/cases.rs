//! Cases of people who were refused.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use praman_access::{Action, Caller};
use praman_circuits::office::OfficeId;
use praman_grievance::{Case, CaseOutcome, CaseState, Cause, GrievanceStore, NewCase};
use praman_language::Language;
use serde::Deserialize;

use super::form::{Posted, form_broken};
use super::layout::{self, cell, code};
use super::visitor::Visitor;
use super::{chart, slip};
use crate::application::{Application, Fault};

/// How many cases a page shows.
const CASES_MAX: usize = 200;

pub(super) async fn list(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
) -> Result<Markup, Fault> {
    let cases = GrievanceStore(application.store()).cases(&caller, CASES_MAX).await?;
    let rows: Vec<Vec<Markup>> = cases
        .iter()
        .map(|case| {
            let due = case.due_on().map(|day| visitor.language.day(day)).unwrap_or_default();
            vec![
                cell(visitor.number(u64::from(case.number))),
                html! { (code(case.code)) " " (case.cause.sentence(visitor.language)) },
                code(&case.scheme),
                cell(visitor.number(u64::from(case.office))),
                cell(visitor.text(&format!("case-{}", case.state.name()))),
                html! { (due) @if case.is_late { " " strong class="late" { (visitor.text("desk-late")) } } },
                outcome(&visitor, case),
            ]
        })
        .collect();
    let title = visitor.text("desk-cases");
    let headings = [
        "desk-number",
        "desk-cause",
        "desk-scheme",
        "desk-office",
        "desk-state",
        "desk-due",
        "desk-outcome",
    ];
    let content = html! {
        p { (visitor.text("desk-cases-intro")) }
        @if visitor.may(Action::OpenCase) {
            p { a class="button" href="/desk/cases/new" { (visitor.text("desk-open-case")) } }
        }
        (layout::table_or_none(&visitor, &title, &headings, &rows))
    };
    Ok(layout::page(&visitor, &title, content))
}

/// Renders what came of a case, or the buttons to answer it.
fn outcome(visitor: &Visitor, case: &Case) -> Markup {
    let to_do = match case.state {
        CaseState::Open if visitor.may(Action::AnswerCase) => Some("answer"),
        CaseState::Appealed if visitor.may(Action::DecideAppeal) => Some("decision"),
        _ => None,
    };
    html! {
        @if let Some(path) = to_do {
            form method="post" class="row" action={ "/desk/cases/" (case.number) "/" (path) } {
                (layout::token(visitor))
                @for outcome in CaseOutcome::ALL {
                    @let text = visitor.text(&format!("case-{}", outcome.name()));
                    button name="outcome" value=(outcome.name())
                        aria-label={ (visitor.count("desk-case-number", case.number as usize)) ": " (text) } {
                        (text)
                    }
                }
            }
        } @else if let Some(outcome) = case.came_to() {
            (visitor.text(&format!("case-{}", outcome.name())))
        }
    }
}

pub(super) async fn ask(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
) -> Result<Markup, Fault> {
    let offices = GrievanceStore(application.store()).offices_of(&caller).await?;
    let content = html! {
        p { (visitor.text("desk-open-case-intro")) }
        form method="post" action="/desk/cases/new" class="stack" {
            (layout::token(&visitor))
            label for="office" { (visitor.text("desk-office")) }
            select id="office" name="office" required {
                @for (office, name) in &offices { option value=(office.0) { (name) } }
            }
            label for="scheme" { (visitor.text("desk-scheme")) }
            select id="scheme" name="scheme" required {
                @for published in application.schemes().iter() {
                    option value=(published.scheme.id) {
                        (published.scheme.name_in(visitor.language))
                    }
                }
            }
            label for="cause" { (visitor.text("desk-cause")) }
            select id="cause" name="cause" required {
                @for cause in Cause::ALL {
                    option value=(cause.name()) { (cause.code()) " " (cause.sentence(visitor.language)) }
                }
            }
            label for="language" { (visitor.text("desk-persons-language")) }
            select id="language" name="language" {
                @for language in Language::ALL {
                    option value=(language.code()) selected[language == visitor.language] {
                        (language.own_name())
                    }
                }
            }
            button { (visitor.text("desk-open-case")) }
        }
    };
    Ok(layout::page(&visitor, &visitor.text("desk-open-case"), content))
}

#[derive(Deserialize)]
pub(super) struct Opened {
    office: u32,
    scheme: String,
    cause: String,
    language: Language,
}

/// Opens a case and shows the slip to print, once.
pub(super) async fn open(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Posted(opened): Posted<Opened>,
) -> Result<Markup, Fault> {
    let new = NewCase {
        office: OfficeId(opened.office),
        scheme: opened.scheme.parse().map_err(form_broken)?,
        cause: opened.cause.parse().map_err(|reason: String| form_broken(reason))?,
        language: opened.language,
    };
    let opened = application.open_case(&caller, &new).await?;
    let content = html! {
        p class="notice" role="status" { (visitor.text("desk-slip-once")) }
        (slip::printed(&opened.case, Some(&opened.slip)))
        p { a href="/desk/cases/new" { (visitor.text("desk-open-case")) } }
    };
    Ok(layout::page(&visitor, &visitor.text("desk-slip"), content))
}

#[derive(Deserialize)]
pub(super) struct Answer {
    outcome: CaseOutcome,
}

pub(super) async fn answer(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<u32>,
    Posted(answer): Posted<Answer>,
) -> Result<Response, Fault> {
    application.answer_case(&caller, number, answer.outcome).await?;
    Ok(Redirect::to("/desk/cases").into_response())
}

pub(super) async fn decide(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<u32>,
    Posted(answer): Posted<Answer>,
) -> Result<Response, Fault> {
    application.decide_appeal(&caller, number, answer.outcome).await?;
    Ok(Redirect::to("/desk/cases").into_response())
}

/// Shows who was kept out, by office and by cause.
pub(super) async fn figures(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
) -> Result<Markup, Fault> {
    let figures = GrievanceStore(application.store()).exclusion(&caller).await?;
    let rows: Vec<Vec<Markup>> = figures
        .offices
        .iter()
        .map(|one| {
            let counts = [
                one.rejected,
                one.duplicates,
                one.without_wallet,
                one.cases,
                one.set_right,
                one.late,
            ];
            let names = [cell(&one.name), cell(visitor.number(one.rows))];
            names.into_iter().chain(counts.map(|count| cell(visitor.told(count)))).collect()
        })
        .collect();
    let causes: Vec<(String, Option<u64>)> = figures
        .causes
        .iter()
        .map(|(cause, count)| {
            let known = cause.parse::<Cause>().map(|cause| cause.sentence(visitor.language));
            (format!("{cause} {}", known.unwrap_or_default()), *count)
        })
        .collect();
    let title = visitor.text("desk-exclusion");
    let headings = [
        "desk-office",
        "desk-count-rows",
        "desk-count-rejected",
        "desk-count-duplicates",
        "desk-count-without",
        "desk-cases",
        "case-set-right",
        "desk-late",
    ];
    let content = html! {
        p { (visitor.text("desk-exclusion-intro")) }
        (layout::table_or_none(&visitor, &title, &headings, &rows))
        @if !causes.is_empty() { (chart::bars(&visitor, &visitor.text("desk-causes"), &causes)) }
    };
    Ok(layout::page(&visitor, &title, content))
}
