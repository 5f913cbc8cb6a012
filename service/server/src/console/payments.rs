//! What the treasury has ordered and what the bank has done, without any person's amount.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use maud::{Markup, html};
use praman_access::{Caller, SchemeScope};
use praman_ledger::LedgerStore;
use praman_treasury::TreasuryStore;

use super::layout::{self, cell, code};
use super::schemes::period;
use super::visitor::Visitor;
use crate::application::{Application, Fault};

/// How many returned transfers, and how many bank files, a page shows.
const ROWS_MAX: usize = 200;

/// What a page says of a settled period.
const SETTLED: [&str; 8] = [
    "desk-scheme",
    "desk-period",
    "desk-proved-total",
    "desk-settled-claims",
    "desk-counted",
    "desk-left-frozen",
    "desk-left-refused",
    "desk-left-held",
];

pub(super) async fn page(
    State(application): State<Arc<Application>>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
) -> Result<Markup, Fault> {
    let store = application.store();
    let scope = SchemeScope::of(&caller);
    let transfers: Vec<Vec<Markup>> = TreasuryStore(store)
        .transfer_figures(&scope)
        .await?
        .iter()
        .map(|one| {
            let counts = [one.ordered, one.paid, one.returned, one.reissued];
            let names = [code(&one.scheme), cell(period(&visitor, one.period, one.period))];
            let counts = counts.into_iter().map(|count| cell(visitor.told(count)));
            names.into_iter().chain(counts).collect()
        })
        .collect();
    let settled: Vec<Vec<Markup>> = LedgerStore(store)
        .settlements(&scope)
        .await?
        .iter()
        .map(|one| {
            // Empty where the store does not know the claims' order.
            let left_out = one.left_out.map(|left| [left.frozen, left.refused, left.held]);
            let number = |count: Option<u64>| {
                cell(count.map_or_else(String::new, |count| visitor.number(count)))
            };
            let counted = u64::from(one.counted);
            let left = |reason: usize| left_out.map(|left| u64::from(left[reason]));
            let all = left_out.map(|left| counted + left.map(u64::from).iter().sum::<u64>());
            let names = [code(&one.scheme), cell(period(&visitor, one.period, one.window))];
            let counts = [Some(one.rupees), all, Some(counted), left(0), left(1), left(2)];
            names.into_iter().chain(counts.map(number)).collect()
        })
        .collect();
    let count = TreasuryStore(store).count_returned(&scope).await?;
    let returned: Vec<Vec<Markup>> = TreasuryStore(store)
        .returned_transfers(&scope, ROWS_MAX)
        .await?
        .iter()
        .map(|one| {
            vec![
                code(one.reference.as_str()),
                code(&one.reason),
                code(&one.scheme),
                cell(period(&visitor, one.period, one.period)),
            ]
        })
        .collect();
    let mut older = 0;
    // A file may have several departments' schemes, so its count of transfers belongs to no single one.
    let files =
        if scope.is_all() { Some(TreasuryStore(store).payment_files().await?) } else { None };
    let files: Option<Vec<Vec<Markup>>> = files.map(|files| {
        older = files.len().saturating_sub(ROWS_MAX);
        files
            .iter()
            .rev()
            .take(ROWS_MAX)
            .map(|file| {
                let block = file.block.map(|block| visitor.number(block));
                vec![
                    cell(visitor.number(file.number)),
                    code(&file.kind),
                    cell(visitor.number(file.transfers)),
                    code(&file.digest[..16]),
                    cell(block.unwrap_or_else(|| visitor.text("desk-not-anchored"))),
                ]
            })
            .collect()
    });
    let headings = [
        "desk-scheme",
        "desk-period",
        "desk-ordered",
        "desk-paid",
        "desk-returned",
        "desk-reissued",
    ];
    let content = html! {
        p { (visitor.text("desk-payments-intro")) }
        (layout::table_or_none(&visitor, &visitor.text("desk-transfers"), &headings, &transfers))
        (layout::table_or_none(&visitor, &visitor.text("desk-returned-transfers"),
            &["desk-reference", "desk-bank-code", "desk-scheme", "desk-period"], &returned))
        (layout::more(&visitor, count.saturating_sub(returned.len())))
        @if let Some(files) = &files {
            (layout::table_or_none(&visitor, &visitor.text("desk-bank-files"),
                &["desk-number", "desk-kind", "desk-transfers", "desk-hash", "desk-block"], files))
            (layout::more(&visitor, older))
        }
        @if !settled.is_empty() { p { (visitor.text("desk-settled-intro")) } }
        (layout::table_or_none(&visitor, &visitor.text("desk-settled"), &SETTLED, &settled))
    };
    Ok(layout::page(&visitor, &visitor.text("desk-payments"), content))
}
