//! The frame of every page.

use axum::http::StatusCode;
use maud::{DOCTYPE, Markup, html};
use praman_access::Action;
use praman_language::Language;

use super::assets;
use super::form::TOKEN_FIELD;
use super::visitor::Visitor;
use crate::application::Fault;

/// The pages of the menu: their names, their paths, and the action that each needs.
const MENU: [(&str, &str, Action); 13] = [
    ("desk-home", "/desk", Action::ReadIdentity),
    ("desk-schemes", "/desk/schemes", Action::ReadSchemes),
    ("desk-registers", "/desk/registers", Action::ReadRegisters),
    ("desk-revocations", "/desk/revocations", Action::Revoke),
    ("desk-claims", "/desk/claims", Action::ReadClaimFigures),
    ("desk-payments", "/desk/payments", Action::ReadPayments),
    ("desk-disputes", "/desk/disputes", Action::ReadDisputes),
    ("desk-cases", "/desk/cases", Action::ReadCases),
    ("desk-exclusion", "/desk/cases/figures", Action::ReadExclusion),
    ("desk-approvals", "/desk/approvals", Action::ReadApprovals),
    ("desk-principals", "/desk/principals", Action::ReadPrincipals),
    ("desk-workers", "/desk/workers", Action::ReadWorkers),
    ("desk-audit", "/desk/audit", Action::ReadAudit),
];

/// Renders a page.
pub(super) fn page(visitor: &Visitor, title: &str, content: Markup) -> Markup {
    let entries = MENU.into_iter().filter(|(.., action)| visitor.may(*action));
    html! {
        (DOCTYPE)
        html lang=(visitor.language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="htmx-config" content="includeIndicatorCSS:false";
                title { (title) " · praman" }
                link rel="stylesheet" href=(assets::STYLE.path());
                script src=(assets::HTMX.path()) defer {}
            }
            body {
                a class="skip" href="#content" { (visitor.text("desk-skip")) }
                header {
                    a class="brand" href="/desk" { "praman · প্রমাণ" }
                    nav class="languages" aria-label=(visitor.text("desk-language")) {
                        @for language in Language::ALL {
                            a href={ "?lang=" (language.code()) } lang=(language.code())
                                aria-current=[(language == visitor.language).then_some("true")] {
                                (language.own_name())
                            }
                        }
                    }
                    (who(visitor))
                }
                nav class="menu" aria-label=(visitor.text("desk-menu")) {
                    ul {
                        @for (name, path, _) in entries {
                            li {
                                a href=(path) aria-current=[(path == visitor.path).then_some("page")] {
                                    (visitor.text(name))
                                }
                            }
                        }
                    }
                }
                @if visitor.development_keys {
                    p class="warning" { (visitor.text("desk-development-keys")) }
                }
                main id="content" tabindex="-1" {
                    h1 { (title) }
                    (content)
                }
            }
        }
    }
}

/// Renders the user's name and the way to sign out.
fn who(visitor: &Visitor) -> Markup {
    html! {
        div class="who" {
            @if let Some(caller) = &visitor.caller {
                span { (caller.name) " · " (visitor.text(&caller.role.text_name())) }
                @if visitor.form_token.is_some() {
                    form method="post" action="/desk/leave" {
                        (token(visitor))
                        button class="quiet" { (visitor.text("desk-leave")) }
                    }
                }
            } @else {
                a href="/desk/enter" { (visitor.text("desk-enter")) }
                a href="/desk/slip" { (visitor.text("desk-slip")) }
            }
        }
    }
}

/// Renders the field by which a form shows that it is from the session's own page.
pub(super) fn token(visitor: &Visitor) -> Markup {
    html! {
        @if let Some(token) = &visitor.form_token {
            input type="hidden" name=(TOKEN_FIELD) value=(token);
        }
    }
}

/// Renders a fault as a page. A fault without a text for people shows the message for programs, in English.
pub(super) fn fault(visitor: &Visitor, status: StatusCode, fault: &Fault) -> Markup {
    let name = match status {
        StatusCode::FORBIDDEN => "desk-fault-forbidden",
        StatusCode::NOT_FOUND => "desk-fault-not-found",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "desk-fault-later",
        _ => "desk-fault-refused",
    };
    page(
        visitor,
        &visitor.text(name),
        html! {
            @match &fault.sentence {
                Some(sentence) => {
                    p class="notice bad" role="alert" { (sentence.said_in(visitor.language)) }
                }
                None => { p class="notice bad" role="alert" lang="en" { (fault.message) } }
            }
        },
    )
}

/// Renders a table that scrolls in a narrow window, by keyboard too.
pub(super) fn table(label: &str, headings: &[String], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div class="scroll" role="region" tabindex="0" aria-label=(label) {
            table {
                caption { (label) }
                thead { tr { @for heading in headings { th scope="col" { (heading) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (place, cell) in row.iter().enumerate() {
                                @if place == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Renders the text for an empty list.
pub(super) fn none(visitor: &Visitor) -> Markup {
    html! { p class="none" { (visitor.text("desk-none")) } }
}

/// Renders a table, or the text for an empty one.
pub(super) fn table_or_none(
    visitor: &Visitor,
    label: &str,
    headings: &[&str],
    rows: &[Vec<Markup>],
) -> Markup {
    let headings: Vec<String> = headings.iter().map(|name| visitor.text(name)).collect();
    html! {
        @if rows.is_empty() {
            h2 { (label) }
            (none(visitor))
        } @else { (table(label, &headings, rows)) }
    }
}

/// Renders how many more there are than are shown; nothing for none.
pub(super) fn more(visitor: &Visitor, more: usize) -> Markup {
    html! { @if more > 0 { p { (visitor.count("desk-rows-more", more)) } } }
}

/// Renders a text as a cell.
pub(super) fn cell(text: impl AsRef<str>) -> Markup {
    html! { (text.as_ref()) }
}

/// Renders a name that people copy: its digits and letters are the same in every language.
pub(super) fn code(text: &str) -> Markup {
    html! { code { (text) } }
}
