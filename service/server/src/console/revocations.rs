//! Revoking credentials.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use maud::{Markup, html};
use praman_access::Caller;
use praman_language::sentence::Sentence;
use serde::Deserialize;

use super::form::Posted;
use super::layout::{self, code};
use super::visitor::Visitor;
use crate::application::{Application, Fault};

pub(super) async fn page(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
) -> Result<Markup, Fault> {
    let offices = application.offices_for(&caller).await?;
    let content = html! {
        p { (visitor.text("desk-revoke-intro")) }
        @if offices.is_empty() { (layout::none(&visitor)) }
        @for (office, name) in &offices {
            form method="post" class="stack" action={ "/desk/offices/" (office.0) "/revocations" } {
                (layout::token(&visitor))
                h2 { (name) }
                label for={ "numbers-" (office.0) } { (visitor.text("desk-revoke-numbers")) }
                textarea id={ "numbers-" (office.0) } name="numbers" rows="5" spellcheck="false" required {}
                label class="check" {
                    input type="checkbox" name="sure" value="yes" required;
                    (visitor.text("desk-revoke-sure"))
                }
                button class="bad" { (visitor.text("desk-revoke")) }
            }
        }
    };
    Ok(layout::page(&visitor, &visitor.text("desk-revocations"), content))
}

#[derive(Deserialize)]
pub(super) struct Revocation {
    numbers: String,
    #[serde(default)]
    sure: String,
}

pub(super) async fn revoke(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Path(office): Path<u32>,
    Posted(revocation): Posted<Revocation>,
) -> Result<Markup, Fault> {
    if revocation.sure != "yes" {
        return Err(Fault::malformed(Sentence::of("fault-sure")));
    }
    let numbers: Vec<String> = revocation.numbers.split_whitespace().map(str::to_owned).collect();
    let (count, root) = application.acting_office(&caller, office).await?.revoke(&numbers).await?;
    let content = html! {
        p class="notice" role="status" { (visitor.count("desk-revoked", count)) }
        dl { dt { (visitor.text("desk-new-root")) } dd { (code(&root.to_string())) } }
        p { a href="/desk/revocations" { (visitor.text("desk-revocations")) } }
    };
    Ok(layout::page(&visitor, &visitor.text("desk-revocations"), content))
}
