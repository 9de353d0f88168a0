//! The central server: it takes journals in, folds them into members, and tells every device what has changed.
//!
//! | module | what it does |
//! |---|---|
//! | [`Server`] | everything, as functions without a network |
//! | [`http`] | the same over HTTP |
//! | [`config`], [`run`] | settings by file, environment and flags; the program that serves |
//! | [`admin`] | what an owner does: tenants, shops, devices, catalogue, programmes, inbox, backup |
//! | [`people`] | personal data: merges, consents, export, erasure |
//! | [`metrics`], [`tls`] | what is counted; certificates |
//! | `alarms` | what looks as if somebody helped himself |
//! | [`card`] | the member's card in a browser, printed cards, posters |
//! | `dashboard` | the owner's pages |
//! | `picture` | pictures that people hand in, made small and written anew |
//! | `attempts` | how often strangers asked and passwords were guessed, over a restart |
//! | [`plans`], [`trials`] | versions of programmes that hold from a day on, or at one shop first |
//! | `web` | what all pages for people share: answers in HTML, style sheets, languages |
//! | `vault` | secrets at rest: wrapped under a key in a file of its own |
//! | [`system`] | the machine's own clock and randomness |
//!
//! Invariants: what was acknowledged is durable; no row is overwritten; the sums of every event are zero;
//! positions of the feed are committed in their order. Nothing here knows a client's crate.

pub mod accounts;
pub mod admin;
mod alarms;
mod api;
mod attempts;
pub mod audit;
mod author;
mod author_keys;
mod caller;
pub mod card;
mod cases;
pub mod config;
mod dashboard;
mod db;
mod enroll;
mod error;
mod feed;
mod grants;
mod holds;
pub mod hooks;
pub mod http;
mod ingest;
mod jobs;
pub mod mail;
pub mod metrics;
mod occasions;
pub mod people;
mod picture;
mod placement;
pub mod plans;
mod policy;
mod rejudge;
mod relay;
mod run;
mod server;
mod silence;
pub mod system;
mod tenant;
pub mod tls;
pub mod trials;
mod vault;
mod web;

pub use api::access::Scope;
pub use api::keys::{KeyInfo, NewKey};
pub use api::{OPENAPI, api_routes};
pub use audit::Actor;
pub use caller::{Caller, SignedRequest};
pub use db::Db;
pub use enroll::Invite;
pub use error::{Error, Refusal, Result};
pub use feed::{Page, WAIT_MS_MAX};
pub use holds::HOLD_MS;
pub use ingest::PUSH_AUTHORS_MAX;
pub use ingest::figures::DayFigure;
pub use run::run;
pub use server::Server;
pub use vault::{KeysLost, KeysWrapped};
