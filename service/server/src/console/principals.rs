//! Users.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use praman_access::{
    Action, Admission, Caller, Credential, NewPrincipal, PrincipalNumber, Role, days_from_now,
};
use praman_language::sentence::Sentence;
use serde::Deserialize;

use super::form::{Posted, form_broken};
use super::layout::{self, cell, code};
use super::visitor::Visitor;
use crate::application::{Application, Fault, Told};

/// How many users a page shows: a state has thousands of offices and kiosks.
const ROWS_MAX: usize = 200;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// A part of the names to search for.
    #[serde(default)]
    part: String,
}

pub(super) async fn page(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<Asked>,
) -> Result<Markup, Fault> {
    let part = asked.part.trim().to_lowercase();
    let mut principals = application.principals(&caller).await?;
    principals.retain(|one| one.name.to_lowercase().contains(&part));
    principals.sort_by_key(|one| (one.revoked_at.is_some(), Reverse(one.number)));
    let more = principals.len().saturating_sub(ROWS_MAX);
    let may_end = visitor.may(Action::RevokePrincipal);
    let rows: Vec<Vec<Markup>> = principals
        .iter()
        .take(ROWS_MAX)
        .map(|one| {
            let is_live = one.revoked_at.is_none();
            let label = visitor.with("desk-end-of", "name", &one.name);
            let ending = html! {
                @if is_live && may_end {
                    form method="post" action={ "/desk/principals/" (one.number.0) "/end" } {
                        (layout::token(&visitor))
                        input type="hidden" name="part" value=(asked.part);
                        button class="bad" aria-label=(label) { (visitor.text("desk-end")) }
                    }
                }
            };
            vec![
                cell(&one.name),
                cell(visitor.text(&one.role.text_name())),
                code(one.tenant.as_str()),
                cell(
                    one.member.map(|member| visitor.number(u64::from(member))).unwrap_or_default(),
                ),
                code(one.credential.name()),
                cell(visitor.text(if is_live { "desk-live" } else { "desk-ended" })),
                ending,
            ]
        })
        .collect();
    let title = visitor.text("desk-principals");
    let headings = [
        "desk-name",
        "desk-role",
        "desk-tenant",
        "desk-number",
        "desk-credential",
        "desk-state",
        "desk-to-do",
    ];
    let content = html! {
        form method="get" action="/desk/principals" class="row" {
            label for="part" { (visitor.text("desk-name-part")) }
            input id="part" name="part" value=(asked.part) autocomplete="off";
            button { (visitor.text("desk-show")) }
        }
        (layout::table_or_none(&visitor, &title, &headings, &rows))
        (layout::more(&visitor, more))
        @if visitor.may(Action::AdmitPrincipal) {
            (admit_form(&visitor, &caller, application.openid().is_some()))
        }
    };
    Ok(layout::page(&visitor, &title, content))
}

fn admit_form(visitor: &Visitor, caller: &Caller, takes_subjects: bool) -> Markup {
    let may_admit =
        |role: &Role| caller.role != Role::Department || matches!(role, Role::Office | Role::Kiosk);
    html! {
        form method="post" action="/desk/principals" class="stack" {
            h2 { (visitor.text("desk-admit")) }
            (layout::token(visitor))
            label for="name" { (visitor.text("desk-name")) }
            input id="name" name="name" maxlength="64" autocomplete="off" required;
            label for="role" { (visitor.text("desk-role")) }
            select id="role" name="role" {
                @for role in Role::from_afar().filter(may_admit) {
                    option value=(role.name()) { (visitor.text(&role.text_name())) }
                }
            }
            label for="tenant" { (visitor.text("desk-tenant")) }
            input id="tenant" name="tenant" value=(caller.tenant_column()) required;
            label for="member" { (visitor.text("desk-member")) }
            input id="member" name="member" inputmode="numeric" pattern="[0-9]*";
            label for="digest" { (visitor.text("desk-digest")) }
            input id="digest" name="digest" pattern="[0-9a-f]{64}" autocomplete="off" spellcheck="false"
                required[!takes_subjects] aria-describedby="digest-help";
            p id="digest-help" class="help" { (visitor.text("desk-digest-help")) " " code { "praman access key" } }
            @if takes_subjects {
                label for="subject" { (visitor.text("desk-openid-subject")) }
                input id="subject" name="subject" maxlength="255" autocomplete="off" spellcheck="false"
                    aria-describedby="subject-help";
                p id="subject-help" class="help" { (visitor.text("desk-openid-subject-help")) }
            }
            label for="days" { (visitor.text("desk-days")) }
            input id="days" name="days" inputmode="numeric" pattern="[0-9]*";
            button { (visitor.text("desk-admit")) }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Admit {
    name: String,
    role: String,
    tenant: String,
    #[serde(default)]
    member: String,
    #[serde(default)]
    digest: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    days: String,
}

/// Reads the credential of a new user: a key of their own, or a subject of the service's issuer.
fn credential(application: &Application, asked: &Admit) -> Result<Credential, Fault> {
    match (asked.digest.trim(), asked.subject.trim(), application.openid()) {
        ("", subject, Some(issuer)) if !subject.is_empty() => Ok(issuer.credential(subject)),
        (digest, "", _) if !digest.is_empty() => Credential::parse("api-key", digest)
            .map_err(|reason| Fault::malformed(Told::with(reason, Sentence::of("fault-digest")))),
        _ => Err(Fault::malformed(Sentence::of("fault-one-credential"))),
    }
}

/// Reads a number, or none, from the text of a field.
fn number_or_none(text: &str, field: &'static str) -> Result<Option<u32>, Fault> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            Fault::malformed(Sentence::of("fault-whole-number").named("field", [field]))
        }),
    }
}

pub(super) async fn admit(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Posted(asked): Posted<Admit>,
) -> Result<Markup, Fault> {
    let credential = credential(&application, &asked)?;
    let tenant = asked.tenant.parse().map_err(|reason: String| {
        Fault::malformed(Told::with(reason, Sentence::of("fault-tenant-name")))
    })?;
    let new = NewPrincipal {
        name: asked.name,
        role: asked.role.parse().map_err(|reason: String| form_broken(reason))?,
        tenant,
        member: number_or_none(&asked.member, "desk-member")?,
        credential,
        expires_at: number_or_none(&asked.days, "desk-days")?.map(days_from_now),
    };
    let told = match application.admit_principal(&caller, &new).await? {
        Admission::Admitted(principal) => visitor.with("desk-admitted", "name", &principal.name),
        Admission::Waits(number) => visitor.count("desk-admission-waits", number as usize),
    };
    let content = html! {
        p class="notice" role="status" { (told) }
        p { a href="/desk/principals" { (visitor.text("desk-principals")) } }
    };
    Ok(layout::page(&visitor, &visitor.text("desk-principals"), content))
}

pub(super) async fn end(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<u32>,
    Posted(asked): Posted<Asked>,
) -> Result<Response, Fault> {
    application.revoke_principal(&caller, PrincipalNumber(number)).await?;
    // Back to the same search.
    let query = serde_urlencoded::to_string([("part", &asked.part)]).unwrap_or_default();
    Ok(Redirect::to(&format!("/desk/principals?{query}")).into_response())
}
