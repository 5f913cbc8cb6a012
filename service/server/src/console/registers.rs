//! Registers: uploading them, how far they are, and what is wrong with their rows.

use std::sync::Arc;

use axum::Extension;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use praman_access::{Action, Caller};
use praman_issuing::{RegisterContent, RegisterId, RegisterUpload, UploadState, whole};
use praman_language::sentence::Sentence;

use super::form::{TOKEN_FIELD, form_broken};
use super::layout::{self, cell, code};
use super::visitor::Visitor;
use crate::application::{Application, Fault, Told};

/// How many rejected rows a page shows.
const ROWS_MAX: usize = 500;

pub(super) async fn offices(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
) -> Result<Markup, Fault> {
    let offices = application.offices_for(&caller).await?;
    let rows: Vec<Vec<Markup>> = offices
        .into_iter()
        .map(|(office, name)| {
            vec![
                html! { a href={ "/desk/offices/" (office.0) "/registers" } { (name) } },
                cell(visitor.number(u64::from(office.0))),
            ]
        })
        .collect();
    let title = visitor.text("desk-registers");
    let label = visitor.text("desk-offices");
    let headings = ["desk-name", "desk-number"];
    let content = layout::table_or_none(&visitor, &label, &headings, &rows);
    Ok(layout::page(&visitor, &title, content))
}

/// Returns the path of a register's page.
pub(super) fn place(office: u32, id: RegisterId) -> String {
    format!("/desk/offices/{office}/registers/{id}")
}

pub(super) async fn list(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Path(office): Path<u32>,
) -> Result<Markup, Fault> {
    let registers = application.acting_office(&caller, office).await?.registers().await?;
    let rows: Vec<Vec<Markup>> = registers
        .iter()
        .map(|register| {
            let issued = register.outcome.map(|outcome| outcome.issued as u64);
            vec![
                html! {
                    a href=(place(office, register.id)) { (visitor.time(register.uploaded_at as i64)) }
                },
                cell(visitor.text(state_name(register.state))),
                cell(issued.map(|count| visitor.number(count)).unwrap_or_default()),
            ]
        })
        .collect();
    let title = visitor.count("desk-registers-of", office as usize);
    let label = visitor.text("desk-registers");
    let content = html! {
        @if visitor.may(Action::UploadRegister) { (upload_form(&visitor, office)) }
        (layout::table_or_none(&visitor, &label,
            &["desk-uploaded-at", "desk-state", "desk-issued"], &rows))
    };
    Ok(layout::page(&visitor, &title, content))
}

fn upload_form(visitor: &Visitor, office: u32) -> Markup {
    html! {
        form method="post" enctype="multipart/form-data" class="stack"
            action={ "/desk/offices/" (office) "/registers" } {
            (layout::token(visitor))
            // Before the file: the service reads the form in order.
            label class="check" {
                input name="secrets" type="checkbox" value="made";
                (visitor.text("desk-make-wallets"))
            }
            label for="file" { (visitor.text("desk-register-file")) }
            input id="file" name="file" type="file" accept=".csv,text/csv" required
                aria-describedby="file-help";
            p id="file-help" class="help" { (visitor.text("desk-register-help")) }
            button { (visitor.text("desk-upload")) }
        }
    }
}

fn state_name(state: UploadState) -> &'static str {
    match state {
        UploadState::Waiting => "desk-register-waiting",
        UploadState::Issuing => "desk-register-issuing",
        UploadState::Issued => "desk-register-issued",
        UploadState::Failed => "desk-register-failed",
    }
}

/// Bytes of a field that is not a file, at most.
const FIELD_BYTES_MAX: usize = 1_024;

async fn text_of(mut field: Field<'_>) -> Result<String, Fault> {
    let broken = || form_broken("a field of the form can't be read");
    let mut text = Vec::new();
    while let Some(bytes) = field.chunk().await.map_err(|_| broken())? {
        text.extend_from_slice(&bytes);
        if text.len() > FIELD_BYTES_MAX {
            return Err(Fault::malformed(Sentence::of("fault-field-too-long")));
        }
    }
    String::from_utf8(text).map_err(|_| broken())
}

/// Takes an uploaded register. The form's fields come in the page's order, its token first: nothing is kept
/// before the token is checked.
pub(super) async fn upload(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Path(office): Path<u32>,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Response, Fault> {
    let mut form = form.map_err(|_| Fault::malformed(Sentence::of("fault-no-file")))?;
    let acting = application.acting_office(&caller, office).await?;
    let (mut checked, mut makes_secrets) = (visitor.form_token.is_none(), false);
    let broken = |_| form_broken("the form ended too early");
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            TOKEN_FIELD => {
                visitor.check_token(&text_of(field).await?)?;
                checked = true;
            }
            "secrets" => makes_secrets = text_of(field).await? == "made",
            "file" => {
                if !checked {
                    visitor.check_token("")?;
                }
                let mut uploading = acting.upload(makes_secrets).await?;
                while let Some(bytes) = field.chunk().await.map_err(broken)? {
                    uploading.push(&bytes).await?;
                }
                let register = uploading.finish().await?;
                return Ok(Redirect::to(&place(office, register.id)).into_response());
            }
            _ => {}
        }
    }
    Err(Fault::malformed(Sentence::of("fault-no-file")))
}

pub(super) async fn one(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Path((office, id)): Path<(u32, String)>,
) -> Result<Markup, Fault> {
    let acting = application.acting_office(&caller, office).await?;
    let id = read_id(&id)?;
    let register = application.register(&acting, id, std::time::Duration::ZERO).await?;
    let content = html! {
        (progress(&visitor, &register))
        @if register.state == UploadState::Issued {
            (outcome(&visitor, &register))
            @if visitor.may(Action::FetchRegister) {
                ul class="links" {
                    li { a href={ (place(office, id)) "/rows" } { (visitor.text("desk-rows")) } }
                    li { a href={ (place(office, id)) "/duplicates" } { (visitor.text("desk-duplicates")) } }
                }
            }
        }
    };
    Ok(layout::page(&visitor, &visitor.text("desk-register"), content))
}

pub(super) fn read_id(text: &str) -> Result<RegisterId, Fault> {
    let none = |error| Told::with(error, Sentence::of("fault-no-register"));
    text.parse().map_err(|error| Fault::malformed(none(error)))
}

/// Renders how far a register is. While it is worked on, the page's script refreshes it; without one, a link does.
fn progress(visitor: &Visitor, register: &RegisterUpload) -> Markup {
    let is_open = matches!(register.state, UploadState::Waiting | UploadState::Issuing);
    let path = place(register.office.0, register.id);
    html! {
        div id="progress" role="status" hx-get=[is_open.then_some(&path)]
            hx-trigger=[is_open.then_some("every 2s")] hx-select=[is_open.then_some("main > *")]
            hx-target=[is_open.then_some("main")] hx-swap=[is_open.then_some("innerHTML")] {
            p { strong { (visitor.text(state_name(register.state))) } " · " (visitor.time(register.uploaded_at as i64)) }
            @if is_open {
                label for="checked" { (visitor.text("desk-register-checked")) }
                progress id="checked" max=(register.bytes.max(1)) value=(register.checked_bytes) {}
                p { a href=(path) { (visitor.text("desk-look-again")) } }
            }
            @if let Some(reason) = register.reason {
                p class="notice bad" { (visitor.text(&format!("desk-issuing-{}", reason.name()))) }
            }
            @if let Some(message) = &register.message {
                p { span lang="en" { (message) } }
            }
        }
    }
}

fn outcome(visitor: &Visitor, register: &RegisterUpload) -> Markup {
    let Some(outcome) = &register.outcome else { return html! {} };
    let counts = outcome.counts;
    let lines = [
        ("desk-count-rows", counts.rows),
        ("desk-count-accepted", counts.accepted),
        ("desk-count-rejected", counts.rejected),
        ("desk-count-duplicates", counts.duplicates),
        ("desk-count-already", outcome.already_issued),
        ("desk-count-repeated", outcome.repeated),
        ("desk-count-without", outcome.without_subject),
        ("desk-count-enrolled", outcome.enrolled),
        ("desk-count-review", outcome.to_review),
        ("desk-count-refused", outcome.refused),
        ("desk-issued", outcome.issued),
    ];
    html! {
        dl {
            @for (name, count) in lines {
                dt { (visitor.text(name)) } dd { (visitor.number(count as u64)) }
            }
        }
    }
}

/// Shows the rejected rows, each with what is wrong: it opens the report, and that is logged.
pub(super) async fn rows(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Path((office, id)): Path<(u32, String)>,
) -> Result<Markup, Fault> {
    let acting = application.acting_office(&caller, office).await?;
    let id = read_id(&id)?;
    let report = whole(acting.content(id, RegisterContent::Report).await?).await?;
    let report = String::from_utf8_lossy(&report);
    // A register number has no comma; a row that had one in it was rejected, and shows its last cells.
    let refused = report.lines().skip(1).filter_map(|line| {
        let (rest, field) = line.rsplit_once(',')?;
        let (number, verdict) = rest.rsplit_once(',')?;
        (verdict == "reject").then_some((number, field))
    });
    let (shown, more): (Vec<_>, Vec<_>) =
        refused.enumerate().partition(|(place, _)| *place < ROWS_MAX);
    let rows: Vec<Vec<Markup>> = shown
        .into_iter()
        .map(|(_, (number, field))| {
            vec![code(number), cell(visitor.text(&format!("row-{}", field.replace('_', "-"))))]
        })
        .collect();
    let title = visitor.text("desk-rows");
    let content = html! {
        (layout::table_or_none(&visitor, &title, &["desk-register-no", "desk-row-wrong"], &rows))
        (layout::more(&visitor, more.len()))
        p { a href=(place(office, id)) { (visitor.text("desk-register")) } }
    };
    Ok(layout::page(&visitor, &title, content))
}
