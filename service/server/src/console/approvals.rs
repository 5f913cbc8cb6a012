//! Approval requests.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use praman_access::{Action, Approval, ApprovalState, Caller, Decision, person};
use serde::Deserialize;

use super::form::Posted;
use super::layout;
use super::visitor::Visitor;
use crate::application::{Application, Fault};

/// How many decided requests a page shows, the latest first.
const DECIDED_MAX: usize = 50;

pub(super) async fn page(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
) -> Result<Markup, Fault> {
    let approvals = application.approvals(&caller).await?;
    let (waiting, decided): (Vec<_>, Vec<_>) =
        approvals.iter().partition(|one| one.state == ApprovalState::Waiting);
    let older = decided.len().saturating_sub(DECIDED_MAX);
    let content = html! {
        p { (visitor.text("desk-approvals-intro")) }
        h2 { (visitor.text("desk-approvals-waiting")) }
        @if waiting.is_empty() { (layout::none(&visitor)) }
        @for approval in waiting { (shown(&visitor, &caller, approval)) }
        h2 { (visitor.text("desk-approvals-decided")) }
        @if decided.is_empty() { (layout::none(&visitor)) }
        @for approval in decided.into_iter().take(DECIDED_MAX) {
            (shown(&visitor, &caller, approval))
        }
        (layout::more(&visitor, older))
    };
    Ok(layout::page(&visitor, &visitor.text("desk-approvals"), content))
}

fn shown(visitor: &Visitor, caller: &Caller, approval: &Approval) -> Markup {
    let document = approval.document.as_object();
    let may_decide = approval.state == ApprovalState::Waiting
        && visitor.may(Action::Decide)
        && approval.kind.approvers().contains(&caller.role)
        && person(&approval.asked_by) != person(&caller.name);
    html! {
        article {
            h3 {
                (visitor.count("desk-approval-number", approval.number as usize)) " · "
                (visitor.text(&format!("desk-approval-{}", approval.kind.name())))
            }
            dl {
                dt { (visitor.text("desk-asked-by")) } dd { (approval.asked_by) }
                dt { (visitor.text("desk-tenant")) } dd { code { (approval.tenant) } }
                @for (name, value) in document.into_iter().flatten() {
                    dt { code { (name) } }
                    dd { code { (value.as_str().map_or_else(|| value.to_string(), str::to_owned)) } }
                }
                dt { (visitor.text("desk-state")) }
                dd { (visitor.text(&format!("desk-approval-{}", approval.state.name()))) }
                @if let Some(by) = &approval.decided_by {
                    dt { (visitor.text("desk-decided-by")) } dd { (by) }
                } @else {
                    dt { (visitor.text("desk-until")) } dd { (visitor.time(approval.expires_at)) }
                }
            }
            @if may_decide {
                form method="post" class="row" action={ "/desk/approvals/" (approval.number) } {
                    (layout::token(visitor))
                    button name="decision" value="approve" { (visitor.text("desk-approve")) }
                    button name="decision" value="deny" class="bad" { (visitor.text("desk-deny")) }
                }
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Decided {
    decision: Decision,
}

pub(super) async fn decide(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<u32>,
    Posted(decided): Posted<Decided>,
) -> Result<Response, Fault> {
    application.decide(&caller, number, decided.decision).await?;
    Ok(Redirect::to("/desk/approvals").into_response())
}
