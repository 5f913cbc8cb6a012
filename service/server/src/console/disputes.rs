//! Claims that must not be paid now, and what was decided about others.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use maud::{Markup, html};
use praman_access::{Caller, SchemeScope};
use praman_ledger::LedgerStore;

use super::layout::{self, cell, code};
use super::schemes::period;
use super::visitor::Visitor;
use crate::application::{Application, Fault};

pub(super) async fn page(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
) -> Result<Markup, Fault> {
    let disputes = LedgerStore(application.store()).disputes(&SchemeScope::of(&caller)).await?;
    let rows: Vec<Vec<Markup>> = disputes
        .iter()
        .map(|dispute| {
            let state = if dispute.payable { "desk-payable" } else { "desk-frozen" };
            vec![
                code(&dispute.nullifier),
                code(&dispute.scheme),
                cell(period(&visitor, dispute.period, dispute.period)),
                cell(visitor.text(state)),
                cell(visitor.number(dispute.block)),
            ]
        })
        .collect();
    let title = visitor.text("desk-disputes");
    let headings = ["desk-claim", "desk-scheme", "desk-period", "desk-state", "desk-block"];
    let content = html! {
        p { (visitor.text("desk-disputes-intro")) }
        (layout::table_or_none(&visitor, &title, &headings, &rows))
    };
    Ok(layout::page(&visitor, &title, content))
}
