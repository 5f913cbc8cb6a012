//! A case's slip, for the person who holds it, without a credential.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use maud::{Markup, html};
use praman_grievance::{Case, CaseOutcome, CaseState, GrievanceStore, SlipCode};
use praman_language::{Argument, Language};
use serde::Deserialize;

use super::form::Posted;
use super::layout;
use super::visitor::Visitor;
use crate::application::{Application, Fault};

/// Renders a case in the language of its person, with the code if it is shown.
pub(super) fn printed(case: &Case, slip: Option<&SlipCode>) -> Markup {
    let language = case.language;
    let text = |name: &str| language.text(name);
    html! {
        section class="slip" lang=(language.code()) {
            h2 { (language.format("desk-case-number", &[("count", Argument::Count(u64::from(case.number)))])) }
            @if let Some(slip) = slip {
                p class="slip-code" { (text("slip-code")) " " code { (slip.printed()) } }
            }
            p { code { (case.code) } " " (case.cause.sentence(language)) }
            p { strong { (text("slip-bring")) } " " (case.cause.bring(language)) }
            p { (stands(language, case)) }
        }
    }
}

/// Renders how a case stands, and until when what can be done.
fn stands(language: Language, case: &Case) -> String {
    let due = case.due_on().map(|day| language.day(day)).unwrap_or_default();
    let name = match (case.state, case.came_to()) {
        (CaseState::Open, _) if case.is_late => "slip-open-late",
        (CaseState::Open, _) => "slip-open",
        (CaseState::Answered, Some(CaseOutcome::SetRight)) => "slip-set-right",
        (CaseState::Answered, _) => "slip-stands",
        (CaseState::Appealed, _) => "slip-appealed",
        (CaseState::Decided, Some(CaseOutcome::SetRight)) => "slip-set-right",
        (CaseState::Decided, _) => "slip-decided",
    };
    language.format(name, &[("day", Argument::Text(&due))])
}

fn form(visitor: &Visitor, wrong: bool) -> Markup {
    html! {
        @if wrong { p class="notice bad" role="alert" { (visitor.text("slip-unknown")) } }
        p { (visitor.text("slip-intro")) }
        form method="post" action="/desk/slip" class="stack" {
            (layout::token(visitor))
            label for="number" { (visitor.text("slip-number")) }
            input id="number" name="number" inputmode="numeric" autocomplete="off" required;
            label for="code" { (visitor.text("slip-code")) }
            input id="code" name="code" autocomplete="off" autocapitalize="characters" spellcheck="false" required;
            button { (visitor.text("desk-show")) }
        }
    }
}

pub(super) async fn ask(Extension(visitor): Extension<Visitor>) -> Markup {
    layout::page(&visitor, &visitor.text("desk-slip"), form(&visitor, false))
}

#[derive(Deserialize)]
pub(super) struct Shown {
    number: String,
    code: String,
}

impl Shown {
    fn read(&self) -> Option<(u32, SlipCode)> {
        // Also accepts the digits of a Bengali or Hindi keyboard.
        let digit = |letter: char| match letter {
            '০'..='৯' => char::from_digit(letter as u32 - '০' as u32, 10),
            '०'..='९' => char::from_digit(letter as u32 - '०' as u32, 10),
            other => Some(other),
        };
        let number: Option<String> = self.number.trim().chars().map(digit).collect();
        Some((number?.parse().ok()?, self.code.parse().ok()?))
    }
}

pub(super) async fn show(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Posted(shown): Posted<Shown>,
) -> Result<Markup, Fault> {
    let found = match shown.read() {
        Some((number, slip)) => {
            GrievanceStore(application.store()).case_of_slip(number, &slip).await?
        }
        None => None,
    };
    let content = match &found {
        Some(case) => slip_page(&visitor, case, &shown),
        None => form(&visitor, true),
    };
    Ok(layout::page(&visitor, &visitor.text("desk-slip"), content))
}

fn slip_page(visitor: &Visitor, case: &Case, shown: &Shown) -> Markup {
    let may_appeal = match (case.state, case.outcome) {
        (CaseState::Open, _) => case.is_late,
        (CaseState::Answered, outcome) => outcome == Some(CaseOutcome::Stands),
        _ => false,
    };
    html! {
        (printed(case, None))
        @if may_appeal {
            form method="post" action="/desk/slip/appeal" class="row" {
                (layout::token(visitor))
                input type="hidden" name="number" value=(shown.number);
                input type="hidden" name="code" value=(shown.code);
                button { (visitor.text("slip-appeal")) }
            }
        }
    }
}

pub(super) async fn appeal(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Posted(shown): Posted<Shown>,
) -> Result<Markup, Fault> {
    let Some((number, slip)) = shown.read() else {
        return Ok(layout::page(&visitor, &visitor.text("desk-slip"), form(&visitor, true)));
    };
    let case = GrievanceStore(application.store()).appeal_case(number, &slip).await?;
    Ok(layout::page(&visitor, &visitor.text("desk-slip"), printed(&case, None)))
}
