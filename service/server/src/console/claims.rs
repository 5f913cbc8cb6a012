//! How many claims there are, by day, district and scheme.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use maud::{Markup, html};
use praman_access::{AccessStore, Caller, SchemeScope};
use praman_circuits::scope::SchemeId;
use praman_claims::ClaimStore;
use serde::Deserialize;

use super::form::form_broken;
use super::layout::{self, cell, code};
use super::visitor::Visitor;
use super::{chart, schemes};
use crate::application::{Application, Fault};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    scheme: String,
}

pub(super) async fn page(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<Asked>,
) -> Result<Markup, Fault> {
    let scheme: Option<SchemeId> = match asked.scheme.as_str() {
        "" => None,
        id => Some(id.parse().map_err(form_broken)?),
    };
    let scope = SchemeScope::of(&caller);
    let own = AccessStore(application.store()).schemes_within(&scope).await?;
    let is_own = |id: &str| own.as_ref().is_none_or(|own| own.iter().any(|known| known == id));
    let figures = ClaimStore(application.store()).claim_figures(&scope, scheme.as_ref()).await?;
    let days: Vec<(String, Option<u64>)> =
        figures.days.iter().map(|one| (visitor.language.day(one.day), one.handed_in)).collect();
    let districts: Vec<(String, Option<u64>)> = figures
        .districts
        .iter()
        .map(|one| (visitor.text(&format!("code-district-{}", one.district)), one.handed_in))
        .collect();
    let rows: Vec<Vec<Markup>> = figures
        .schemes
        .iter()
        .map(|one| {
            vec![
                code(&one.scheme),
                cell(schemes::period(&visitor, one.period, one.period)),
                cell(visitor.told(one.accepted)),
                cell(visitor.told(one.ordered)),
            ]
        })
        .collect();
    let by_scheme = visitor.text("desk-claims-by-scheme");
    let headings = ["desk-scheme", "desk-period", "desk-accepted", "desk-ordered"];
    let content = html! {
        p { (visitor.text("desk-claims-intro")) }
        form method="get" action="/desk/claims" class="row" {
            label for="scheme" { (visitor.text("desk-scheme")) }
            select id="scheme" name="scheme" {
                option value="" { (visitor.text("desk-all")) }
                @for published in application.schemes().iter() {
                    @let id = published.scheme.id.as_str();
                    @if is_own(id) {
                        option value=(id) selected[asked.scheme == id] {
                            (published.scheme.name_in(visitor.language))
                        }
                    }
                }
            }
            button { (visitor.text("desk-show")) }
        }
        (chart::columns(&visitor, &visitor.text("desk-claims-by-day"), &days))
        (chart::bars(&visitor, &visitor.text("desk-claims-by-district"), &districts))
        (layout::table_or_none(&visitor, &by_scheme, &headings, &rows))
    };
    Ok(layout::page(&visitor, &visitor.text("desk-claims"), content))
}
