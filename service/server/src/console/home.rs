//! The first page: what is pending for the user.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use maud::{Markup, html};
use praman_access::{AccessStore, Action, ApprovalState, Caller, SchemeScope};
use praman_grievance::GrievanceStore;
use praman_ledger::LedgerStore;
use praman_treasury::TreasuryStore;

use super::layout;
use super::visitor::Visitor;
use crate::application::{Application, Fault};

/// Something that is pending: its text, how many, and where it is.
pub(super) type Waiting = (&'static str, usize, &'static str);

pub(super) async fn page(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Markup, Fault> {
    let title = visitor.text("desk-home");
    let Some(caller) = visitor.caller.clone() else {
        return Ok(layout::page(&visitor, &visitor.text("desk-welcome"), welcome(&visitor)));
    };
    let waiting = waiting(&application, &visitor, &caller).await?;
    let content = html! {
        p { (visitor.text("desk-home-intro")) }
        ul class="cards" {
            @for (name, count, path) in &waiting {
                li { a href=(path) {
                    span class="figure" { (visitor.number(*count as u64)) }
                    span { (visitor.text(name)) }
                } }
            }
        }
        @if waiting.is_empty() { (layout::none(&visitor)) }
    };
    Ok(layout::page(&visitor, &title, content))
}

fn welcome(visitor: &Visitor) -> Markup {
    html! {
        p { (visitor.text("desk-welcome-intro")) }
        ul class="cards" {
            li { a href="/desk/enter" { span { (visitor.text("desk-enter")) } } }
            li { a href="/desk/schemes" { span { (visitor.text("desk-schemes")) } } }
            li { a href="/desk/slip" { span { (visitor.text("desk-slip")) } } }
        }
    }
}

async fn waiting(
    application: &Application,
    visitor: &Visitor,
    caller: &Caller,
) -> Result<Vec<Waiting>, Fault> {
    let store = application.store();
    let scope = SchemeScope::of(caller);
    let mut waiting = Vec::new();
    if visitor.may(Action::ReadApprovals) {
        let approvals = AccessStore(store).approvals(caller).await?;
        let open = approvals.iter().filter(|one| one.state == ApprovalState::Waiting).count();
        waiting.push(("desk-waiting-approvals", open, "/desk/approvals"));
    }
    if visitor.may(Action::ReadCases) {
        let (open, late) = GrievanceStore(store).waiting_cases(caller).await?;
        waiting.push(("desk-waiting-cases", open, "/desk/cases"));
        waiting.push(("desk-late-cases", late, "/desk/cases"));
    }
    if visitor.may(Action::ReadPayments) {
        let returned = TreasuryStore(store).count_returned(&scope).await?;
        waiting.push(("desk-waiting-returned", returned, "/desk/payments"));
    }
    if visitor.may(Action::ReadDisputes) {
        let frozen = LedgerStore(store).count_frozen(&scope).await?;
        waiting.push(("desk-waiting-disputes", frozen, "/desk/disputes"));
    }
    if visitor.may(Action::ReadRegisters) {
        let offices = application.offices_for(caller).await?.len();
        waiting.push(("desk-offices", offices, "/desk/registers"));
    }
    Ok(waiting)
}
