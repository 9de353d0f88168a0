//! The owner's dashboard: pages in HTML over what [`crate::Server`] offers. One file for each page.
//!
//! | module | what it does |
//! |---|---|
//! | `visitor` | who looks, in which language; forms with their token; what was typed before a session ended |
//! | `shell` | the frame of every page, and the pieces that pages are made of |
//! | `chart`, `code`, `words` | charts; codes as pictures; days, times and numbers in words |
//! | `entry` | signing in and out, the first password, a forgotten one |
//! | `today` | how it is going: figures, shops side by side, devices, fourteen days as a chart |
//! | `members`, `member`, `names` | searching, one member's file; how names are found that are sealed |
//! | `trouble` | errors as pages, in words |
//!
//! Invariants: every path works without a script. Whatever changes something is a form with the session's token,
//! and is answered by a redirect. Nothing here writes to the database but what a form holds for later (`draft`).

mod chart;
mod code;
mod entry;
mod member;
mod members;
mod names;
mod shell;
mod today;
mod trouble;
mod visitor;
mod words;

use axum::middleware::from_fn;
use axum::response::Redirect;
use axum::routing::{get, post};

use crate::api::Route;
pub(crate) use names::Names;
pub(crate) use trouble::Trouble;

/// Where the dashboard begins.
pub(crate) const HOME: &str = "/dashboard";

/// What a handler of a page gives.
pub(crate) type Page = Result<axum::response::Response, Trouble>;

/// Every page of the dashboard.
pub(crate) fn routes() -> Vec<Route> {
    let pages: Vec<Route> = vec![
        ("/", get(|| async { Redirect::to(HOME) })),
        ("/dashboard", get(today::page)),
        ("/dashboard/members", get(members::page).post(members::add)),
        ("/dashboard/members/{member}", get(member::page)),
        ("/dashboard/members/{member}/adjust", post(member::adjust)),
        ("/dashboard/members/{member}/card", post(member::card)),
        ("/dashboard/sign-in", get(entry::page).post(entry::sign_in)),
        ("/dashboard/sign-out", post(entry::sign_out)),
        ("/dashboard/password", get(entry::password_page).post(entry::password_set)),
        ("/dashboard/forgotten", get(entry::forgotten_page).post(entry::forgotten)),
        ("/dashboard/language/{code}", get(entry::language)),
    ];
    pages.into_iter().map(|(path, methods)| (path, methods.layer(from_fn(trouble::as_pages)))).collect()
}
