//! The audit log, a part at a time, and how far the ledger has it.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use maud::{Markup, html};
use praman_access::Caller;
use praman_audit::AuditStore;
use praman_language::Argument;
use serde::Deserialize;

use super::layout::{self, cell, code};
use super::visitor::Visitor;
use crate::application::{Application, Fault};

/// How many entries a page shows.
const ENTRIES: u64 = 100;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// The first entry's number; by default the last ones are shown.
    from: Option<u64>,
}

pub(super) async fn page(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<Asked>,
) -> Result<Markup, Fault> {
    let store = application.store();
    let last = AuditStore(store).audit_length().await?;
    // Reading this page is an entry too, which it shows when it is read again.
    let from = asked.from.unwrap_or_else(|| (last + 1).saturating_sub(ENTRIES - 1)).max(1);
    let entries = application.audit_entries(&caller, from).await?;
    let rows: Vec<Vec<Markup>> = entries
        .iter()
        .take(ENTRIES as usize)
        .map(|entry| {
            vec![
                cell(visitor.number(entry.number)),
                cell(visitor.time(entry.at)),
                cell(&entry.name),
                cell(visitor.text(&format!("role-{}", entry.role))),
                code(&entry.action),
                cell(&entry.subject),
                cell(visitor.text(&format!("desk-{}", entry.outcome.name()))),
                code(&entry.legal_basis),
            ]
        })
        .collect();
    let title = visitor.text("desk-audit");
    let headings = [
        "desk-number",
        "desk-when",
        "desk-name",
        "desk-role",
        "desk-action",
        "desk-subject",
        "desk-outcome",
        "desk-basis",
    ];
    let content = html! {
        p { (visitor.text("desk-audit-intro")) " " code { "praman audit verify" } }
        @match AuditStore(store).last_audit_anchor().await? {
            Some((anchor, at)) => {
                p { (visitor.language.format("desk-anchored-to", &[
                    ("count", Argument::Count(anchor.entries)),
                    ("at", Argument::Text(&visitor.time(at))),
                    ("block", Argument::Text(&visitor.number(anchor.block))),
                ])) }
            }
            None => { p class="notice" { (visitor.text("desk-never-anchored")) } }
        }
        (layout::table_or_none(&visitor, &title, &headings, &rows))
        nav class="row" aria-label=(visitor.text("desk-pages")) {
            @if from > 1 {
                a href={ "?from=" (from.saturating_sub(ENTRIES).max(1)) } { (visitor.text("desk-earlier")) }
            }
            @if from + ENTRIES <= last {
                a href={ "?from=" (from + ENTRIES) } { (visitor.text("desk-later")) }
            }
        }
    };
    Ok(layout::page(&visitor, &title, content))
}
