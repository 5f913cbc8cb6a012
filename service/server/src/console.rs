//! The department's desk in a browser: pages that the service writes itself, with nothing to build.
//!
//! Every page works without JavaScript; with it, what is in progress updates by itself. A [session] identifies
//! the user; what they may do is in the same table as everywhere. Pages are in Bengali, Hindi and English.

mod approvals;
mod assets;
mod audit;
mod cases;
mod chart;
mod claims;
mod cookie;
mod disputes;
mod duplicates;
mod entrance;
mod form;
mod guard;
mod home;
mod layout;
pub(crate) mod openid;
mod payments;
mod principals;
mod registers;
mod revocations;
mod schemes;
mod session;
mod slip;
mod visitor;
mod workers;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::application::Application;
pub(crate) use guard::{guard, is_from_own_page, is_page, told_as_page};

macro_rules! pages {
    ($($method:ident $path:literal => $handler:expr;)*) => {
        /// Every page, by method and path.
        #[cfg(test)]
        pub(crate) const PAGES: &[(&str, &str)] = &[$((stringify!($method), $path)),*];

        fn pages() -> Router<Arc<Application>> {
            Router::new()$(.route($path, $handler))*
        }
    };
}

pages! {
    GET "/desk" => get(home::page);
    GET "/desk/enter" => get(entrance::page);
    POST "/desk/enter" => post(entrance::enter);
    POST "/desk/leave" => post(entrance::leave);
    GET "/desk/enter/openid" => get(openid::begin);
    GET "/desk/enter/openid/back" => get(openid::end);
    GET "/desk/assets/{file}" => get(assets::file);
    GET "/desk/schemes" => get(schemes::list);
    GET "/desk/schemes/{scheme}" => get(schemes::one);
    GET "/desk/schemes/{scheme}/changes" => get(schemes::ask);
    POST "/desk/schemes/{scheme}/changes" => post(schemes::compare);
    GET "/desk/registers" => get(registers::offices);
    GET "/desk/offices/{office}/registers" => get(registers::list);
    POST "/desk/offices/{office}/registers" => post(registers::upload).layer(DefaultBodyLimit::disable());
    GET "/desk/offices/{office}/registers/{id}" => get(registers::one);
    GET "/desk/offices/{office}/registers/{id}/rows" => get(registers::rows);
    GET "/desk/offices/{office}/registers/{id}/duplicates" => get(duplicates::page);
    POST "/desk/offices/{office}/registers/{id}/duplicates" => post(duplicates::decide);
    GET "/desk/revocations" => get(revocations::page);
    POST "/desk/offices/{office}/revocations" => post(revocations::revoke);
    GET "/desk/claims" => get(claims::page);
    GET "/desk/payments" => get(payments::page);
    GET "/desk/disputes" => get(disputes::page);
    GET "/desk/workers" => get(workers::page);
    GET "/desk/principals" => get(principals::page);
    POST "/desk/principals" => post(principals::admit);
    POST "/desk/principals/{number}/end" => post(principals::end);
    GET "/desk/approvals" => get(approvals::page);
    POST "/desk/approvals/{number}" => post(approvals::decide);
    GET "/desk/cases" => get(cases::list);
    GET "/desk/cases/new" => get(cases::ask);
    POST "/desk/cases/new" => post(cases::open);
    POST "/desk/cases/{number}/answer" => post(cases::answer);
    POST "/desk/cases/{number}/decision" => post(cases::decide);
    GET "/desk/cases/figures" => get(cases::figures);
    GET "/desk/slip" => get(slip::ask);
    POST "/desk/slip" => post(slip::show);
    POST "/desk/slip/appeal" => post(slip::appeal);
    GET "/desk/audit" => get(audit::page);
}

/// Returns the pages over an application.
pub(crate) fn routes(application: Arc<Application>) -> Router {
    let most = application.limits().body_bytes_max;
    pages().layer(DefaultBodyLimit::max(most)).with_state(application)
}
