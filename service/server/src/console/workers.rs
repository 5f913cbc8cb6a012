//! Workers, what is pending for them, and the kiosks that request proofs.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use maud::{Markup, html};
use praman_access::{AccessStore, Caller, Role};
use praman_proving::ProvingStore;

use super::layout::{self, cell, code};
use super::visitor::Visitor;
use crate::application::{Application, Fault};

pub(super) async fn page(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
) -> Result<Markup, Fault> {
    let store = application.store();
    let workers: Vec<Vec<Markup>> = ProvingStore(store)
        .busy_workers()
        .await?
        .iter()
        .map(|worker| {
            vec![
                code(&worker.holder),
                cell(visitor.number(worker.jobs)),
                cell(visitor.time(worker.lease_until)),
            ]
        })
        .collect();
    let jobs: Vec<Vec<Markup>> = ProvingStore(store)
        .proving_figures(&caller)
        .await?
        .iter()
        .map(|one| {
            let counts = [one.waiting, one.proving, one.proved, one.failed];
            let counts = counts.into_iter().map(|count| cell(visitor.number(count)));
            std::iter::once(code(&one.tenant)).chain(counts).collect()
        })
        .collect();
    let kiosks: Vec<Vec<Markup>> = AccessStore(store)
        .principals(&caller)
        .await?
        .iter()
        .filter(|principal| principal.role == Role::Kiosk)
        .map(|kiosk| {
            let state = if kiosk.revoked_at.is_some() { "desk-ended" } else { "desk-live" };
            vec![cell(&kiosk.name), code(kiosk.tenant.as_str()), cell(visitor.text(state))]
        })
        .collect();
    let content = html! {
        (layout::table_or_none(&visitor, &visitor.text("desk-busy-workers"),
            &["desk-name", "desk-jobs", "desk-until"], &workers))
        (layout::table_or_none(&visitor, &visitor.text("desk-proofs"),
            &["desk-tenant", "desk-jobs-waiting", "desk-jobs-proving", "desk-jobs-proved", "desk-jobs-failed"],
            &jobs))
        (layout::table_or_none(&visitor, &visitor.text("desk-kiosks"),
            &["desk-name", "desk-tenant", "desk-state"], &kiosks))
    };
    Ok(layout::page(&visitor, &visitor.text("desk-workers"), content))
}
