//! Possible duplicates: an officer says whether they are the same person.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use praman_access::Caller;
use praman_issuing::ReviewVerdict;
use praman_register::DuplicatePair;
use serde::Deserialize;

use super::form::Posted;
use super::layout;
use super::registers::{place, read_id};
use super::visitor::Visitor;
use crate::application::{Application, Fault};

/// How many pairs a page shows; decided ones go to its end.
const PAIRS_MAX: usize = 50;

pub(super) async fn page(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Path((office, id)): Path<(u32, String)>,
) -> Result<Markup, Fault> {
    let acting = application.acting_office(&caller, office).await?;
    let id = read_id(&id)?;
    let found = acting.look_at_duplicates(id).await?;
    let mut pairs: Vec<&DuplicatePair> = found.pairs.iter().collect();
    pairs.sort_by_key(|pair| (found.said.contains_key(&pair.place), pair.place));
    let open = pairs.iter().filter(|pair| !found.said.contains_key(&pair.place)).count();
    let title = visitor.text("desk-duplicates");
    let action = format!("{}/duplicates", place(office, id));
    let content = html! {
        p { (visitor.text("desk-duplicates-intro")) }
        p { strong { (visitor.count("desk-duplicates-open", open)) } }
        @if pairs.is_empty() { (layout::none(&visitor)) }
        @for pair in pairs.into_iter().take(PAIRS_MAX) {
            (side_by_side(&visitor, &found.columns, pair, found.said.get(&pair.place), &action))
        }
    };
    Ok(layout::page(&visitor, &title, content))
}

fn side_by_side(
    visitor: &Visitor,
    columns: &[String],
    pair: &DuplicatePair,
    said: Option<&ReviewVerdict>,
    action: &str,
) -> Markup {
    let label = visitor.count("desk-row", pair.place + 1);
    // No row is kept of a person who is enrolled already.
    let unknown = vec![String::new(); pair.cells.len()];
    let first_cells = if pair.enrolled.is_some() { &unknown } else { &pair.first_cells };
    let cells = columns.iter().zip(pair.cells.iter().zip(first_cells));
    let beside = match pair.enrolled {
        Some(office) => visitor.count("desk-enrolled-at", office as usize),
        None => visitor.count("desk-row", pair.first + 1),
    };
    let differs =
        |later: &str, earlier: &str| pair.enrolled.is_none() && later.trim() != earlier.trim();
    html! {
        article {
            h2 { (label) }
            div class="scroll" role="region" tabindex="0" aria-label=(label) {
                table class="beside" {
                    thead { tr {
                        th scope="col" { (visitor.text("desk-column")) }
                        th scope="col" { (beside) }
                        th scope="col" { (label) }
                    } }
                    tbody {
                        @for (column, (later, earlier)) in cells {
                            tr class=[differs(later, earlier).then_some("differs")] {
                                th scope="row" { code { (column) } }
                                td { (earlier) }
                                td {
                                    (later)
                                    @if differs(later, earlier) {
                                        span class="unseen" { " " (visitor.text("desk-differs")) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            @if let Some(said) = said {
                p class="notice" { (visitor.text(&format!("desk-{}", said.name()))) }
            } @else {
                form method="post" action=(action) class="row" {
                    (layout::token(visitor))
                    input type="hidden" name="place" value=(pair.place);
                    @for verdict in ReviewVerdict::ALL {
                        button name="verdict" value=(verdict.name()) {
                            (visitor.text(&format!("desk-{}", verdict.name())))
                        }
                    }
                }
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Review {
    place: usize,
    verdict: ReviewVerdict,
}

pub(super) async fn decide(
    State(application): State<Arc<Application>>,
    Extension(caller): Extension<Caller>,
    Path((office, id)): Path<(u32, String)>,
    Posted(review): Posted<Review>,
) -> Result<Response, Fault> {
    let acting = application.acting_office(&caller, office).await?;
    let id = read_id(&id)?;
    acting.review(id, review.place, review.verdict).await?;
    Ok(Redirect::to(&format!("{}/duplicates", place(office, id))).into_response())
}
