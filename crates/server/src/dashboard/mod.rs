//! The owner's dashboard: pages in HTML over what [`crate::Server`] offers. One file for each page.
//!
//! | module | what it does |
//! |---|---|
//! | `visitor`, `upload` | who looks, in which language; forms with their token, and with a file; what was typed before a session ended |
//! | `shell` | the frame of every page, and the pieces that pages are made of |
//! | `chart`, `code`, `words` | charts; codes as pictures; days, times and numbers in words |
//! | `entry` | signing in and out, the first password, a forgotten one |
//! | `today` | how it is going: figures, shops side by side, devices, fourteen days as a chart |
//! | `members`, `member`, `names`, `spelling` | searching, one member's file; how names are found that are sealed |
//! | `cards` | piles of printed cards, as sheets |
//! | `programmes`, `templates` | what is in force, templates, versions side by side |
//! | `editor`, `plain` | one programme as a form made from its own structure, or as text; the sample sale |
//! | `work` | cases, stopped journals, rows that were not understood, changes for a second person |
//! | `odd` | alarms, a section of `work` |
//! | `devices`, `shops`, `team`, `log` | devices and their codes; shops; accounts and roles; who changed what |
//! | `account`, `passkeys` | the own second factor; passkeys, and signing in by one |
//! | `hooks` | other systems that are told of events, with the log of what they answered |
//! | `article` | one article: price, tax by day and place, variants, what can be added, its photo |
//! | `catalogue`, `mistakes`, `import`, `statement`, `csv` | articles; members from a table; clearing; tables both ways |
//! | `trouble` | errors as pages, in words |
//!
//! Invariants: every path works without a script. Whatever changes something is a form with the session's token,
//! and is answered by a redirect. Nothing here writes to the database but what a form holds for later (`draft`).

mod account;
mod article;
mod cards;
mod catalogue;
mod chart;
mod code;
mod csv;
mod devices;
mod editor;
mod entry;
mod hooks;
mod import;
mod limits;
mod log;
mod member;
mod members;
mod mistakes;
mod names;
mod odd;
mod passkeys;
mod plain;
mod programmes;
mod shell;
mod shops;
mod spelling;
mod statement;
mod team;
mod templates;
mod today;
mod trouble;
mod upload;
mod visitor;
mod words;
mod work;

use axum::middleware::from_fn;
use axum::response::Redirect;
use axum::routing::{get, post};

use crate::api::Route;
pub(crate) use names::{Names, forget_until_stopped};
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
        ("/dashboard/members/{member}/merge", post(member::merge)),
        ("/dashboard/members/{member}/unmerge", post(member::unmerge)),
        ("/dashboard/members/{member}/erase", post(member::erase)),
        ("/dashboard/members/{member}/export", get(member::export)),
        ("/dashboard/cards", get(cards::page).post(cards::make)),
        ("/dashboard/cards/{batch}/sheets.pdf", post(cards::sheets)),
        ("/dashboard/cards/{batch}/withdraw", post(cards::withdraw)),
        ("/dashboard/programmes", get(programmes::page)),
        ("/dashboard/programmes/new", get(programmes::choose)),
        ("/dashboard/programmes/edit", get(editor::page).post(editor::sent)),
        ("/dashboard/programmes/{id}", get(programmes::one)),
        ("/dashboard/programmes/{id}/end", post(programmes::end)),
        ("/dashboard/programmes/{id}/unplan", post(programmes::unplan)),
        ("/dashboard/programmes/{id}/trial", post(programmes::trial)),
        ("/dashboard/work", get(work::page)),
        ("/dashboard/work/change/{id}", post(work::change)),
        ("/dashboard/work/case", post(work::case)),
        ("/dashboard/work/journal/{author}", post(work::journal)),
        ("/dashboard/work/held/{author}", post(work::held)),
        ("/dashboard/work/retry", post(work::retry)),
        (limits::PATH, get(limits::page).post(limits::sent)),
        ("/dashboard/devices", get(devices::page)),
        ("/dashboard/devices/invite", post(devices::invite)),
        ("/dashboard/devices/{device}/revoke", post(devices::revoke)),
        ("/dashboard/import", get(import::page).post(import::sent)),
        ("/dashboard/catalogue", get(catalogue::page).post(catalogue::import)),
        ("/dashboard/catalogue/article", get(article::page).post(article::sent)),
        ("/dashboard/catalogue/photo", get(article::photo).post(article::photo_sent)),
        ("/dashboard/catalogue.csv", get(catalogue::download)),
        ("/dashboard/statement", get(statement::page)),
        ("/dashboard/statement.csv", get(statement::download)),
        ("/dashboard/statement.pdf", get(statement::printed)),
        ("/dashboard/shops", get(shops::page).post(shops::add)),
        ("/dashboard/shops/{shop}", post(shops::change)),
        ("/dashboard/shops/{shop}/open", post(shops::open)),
        ("/dashboard/shops/{shop}/logo", get(shops::logo).post(shops::logo_sent)),
        ("/dashboard/shops/{shop}/poster.pdf", get(shops::poster)),
        ("/dashboard/team", get(team::page).post(team::invite)),
        ("/dashboard/team/four-eyes", post(team::four_eyes)),
        ("/dashboard/team/{account}/role", post(team::role)),
        ("/dashboard/team/{account}/close", post(team::close)),
        ("/dashboard/team/{account}/second", post(team::second)),
        ("/dashboard/log", get(log::page)),
        ("/dashboard/sign-in", get(entry::page).post(entry::sign_in)),
        ("/dashboard/sign-in/code", post(entry::sign_in_code)),
        ("/dashboard/sign-in/passkey", post(passkeys::sign_in)),
        ("/dashboard/sign-in/passkey/begin", post(passkeys::sign_in_begin)),
        ("/dashboard/sign-out", post(entry::sign_out)),
        ("/dashboard/account", get(account::page)),
        ("/dashboard/account/begin", post(account::begin)),
        ("/dashboard/account/confirm", post(account::confirm)),
        ("/dashboard/account/off", post(account::off)),
        ("/dashboard/account/passkey", post(passkeys::add)),
        ("/dashboard/account/passkey/begin", post(passkeys::begin)),
        ("/dashboard/account/passkey/remove", post(passkeys::remove)),
        ("/dashboard/hooks", get(hooks::page).post(hooks::add)),
        ("/dashboard/hooks/{hook}/close", post(hooks::close)),
        ("/dashboard/hooks/{hook}/replay", post(hooks::replay)),
        ("/dashboard/password", get(entry::password_page).post(entry::password_set)),
        ("/dashboard/forgotten", get(entry::forgotten_page).post(entry::forgotten)),
        ("/dashboard/language/{code}", get(entry::language)),
    ];
    pages.into_iter().map(|(path, methods)| (path, methods.layer(from_fn(trouble::as_pages)))).collect()
}
