//! What pages load: style, fonts and htmx, from `service/server/console`.
//!
//! Fonts are Noto Sans for Bengali, Devanagari and Latin letters (SIL Open Font License), so that conjuncts
//! look the same on every machine; htmx is 4.0.1 (Zero-Clause BSD).

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::application::Fault;

/// A file that pages load.
pub(super) struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    /// Returns its path. It changes with the program, so that a browser keeps none of an earlier version.
    pub(super) fn path(&self) -> String {
        format!("/desk/assets/{}?v={}", self.name, env!("CARGO_PKG_VERSION"))
    }
}

macro_rules! asset {
    ($name:literal, $kind:literal, $file:literal) => {
        Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("../../console/", $file)) }
    };
}

/// The style of all pages.
pub(super) const STYLE: Asset = asset!("desk.css", "text/css; charset=utf-8", "desk.css");
/// The script that updates parts of a page.
pub(super) const HTMX: Asset = asset!("htmx.js", "text/javascript; charset=utf-8", "htmx.min.js");

const ASSETS: [Asset; 8] = [
    STYLE,
    HTMX,
    asset!("bengali-400.woff2", "font/woff2", "fonts/bengali-400.woff2"),
    asset!("bengali-700.woff2", "font/woff2", "fonts/bengali-700.woff2"),
    asset!("devanagari-400.woff2", "font/woff2", "fonts/devanagari-400.woff2"),
    asset!("devanagari-700.woff2", "font/woff2", "fonts/devanagari-700.woff2"),
    asset!("latin-400.woff2", "font/woff2", "fonts/latin-400.woff2"),
    asset!("latin-700.woff2", "font/woff2", "fonts/latin-700.woff2"),
];

/// Sends one of the files.
pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Fault> {
    let found = ASSETS.into_iter().find(|asset| asset.name == name);
    let asset = found.ok_or_else(|| Fault::not_found("there is no such file"))?;
    let headers =
        [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=86400")];
    Ok((headers, asset.bytes).into_response())
}
