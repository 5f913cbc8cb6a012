//! Charts as inline SVG, each with its numbers as a table beside it.

use maud::{Markup, html};

use super::visitor::Visitor;

/// The height of the columns' drawing area.
const HEIGHT: u64 = 100;

/// How wide a column is drawn, with its gap.
const STEP: usize = 10;

fn scaled(count: u64, most: u64, to: u64) -> u64 {
    if count == 0 { 0 } else { (count * to).div_ceil(most.max(1)) }
}

fn most(values: &[(String, Option<u64>)]) -> u64 {
    values.iter().filter_map(|(_, count)| *count).max().unwrap_or(0)
}

/// Renders columns in the order of time. A hidden small count is drawn hollow, as high as the least shown count.
pub(super) fn columns(visitor: &Visitor, label: &str, values: &[(String, Option<u64>)]) -> Markup {
    let most = most(values);
    let width = values.len() * STEP;
    let (first, last) = (values.first(), values.last());
    html! {
        figure {
            figcaption { (label) }
            svg class="columns" role="img" aria-label=(label) viewBox={ "0 0 " (width) " " (HEIGHT) }
                preserveAspectRatio="none" {
                @for (place, (_, count)) in values.iter().enumerate() {
                    @let height = count.map_or(scaled(4, most.max(4), HEIGHT), |n| scaled(n, most, HEIGHT));
                    rect class=(if count.is_none() { "few" } else { "bar" }) x=(place * STEP + 1)
                        y=(HEIGHT - height) width=(STEP - 2) height=(height) {}
                }
            }
            div class="axis" aria-hidden="true" {
                @if let (Some((first, _)), Some((last, _))) = (first, last) {
                    span { (first) } span { (last) }
                }
            }
            details {
                summary { (visitor.text("desk-as-table")) }
                (numbers(visitor, label, values))
            }
        }
    }
}

/// Renders bars, one under the other, with their names and numbers.
pub(super) fn bars(visitor: &Visitor, label: &str, values: &[(String, Option<u64>)]) -> Markup {
    let most = most(values);
    html! {
        figure {
            figcaption { (label) }
            ul class="bars" {
                @for (name, count) in values {
                    li {
                        span class="name" { (name) }
                        svg aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none" {
                            @if let Some(count) = count {
                                rect class="bar" width=(scaled(*count, most, 100)) height="10" {}
                            }
                        }
                        span class="number" { (visitor.told(*count)) }
                    }
                }
            }
        }
    }
}

fn numbers(visitor: &Visitor, label: &str, values: &[(String, Option<u64>)]) -> Markup {
    html! {
        table {
            caption class="unseen" { (label) }
            tbody {
                @for (name, count) in values {
                    tr { th scope="row" { (name) } td class="number" { (visitor.told(*count)) } }
                }
            }
        }
    }
}
