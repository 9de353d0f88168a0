//! The member's card in a browser: joining by a poster's code, the card itself, its rotating code, and the ways back
//! to it.
//!
//! | module | what it does |
//! |---|---|
//! | `join` | posters' codes; a member joins without a password |
//! | `phone` | a browser's key: which member it speaks for, requests that it signs |
//! | `view` | what the card shows |
//! | `back` | the ways back: the second code of a printed card, a one-time code, a mail |
//! | `gate` | how often strangers may ask, and the work that they do for a mail |
//! | `pages` | the pages, and the files that they load |
//! | `rights` | reading everything that is held, agreeing and taking that back, leaving for good |
//! | [`batches`], [`paper`] | piles of cards made to be printed; cards and posters on paper |
//! | `logo` | a shop's logo, on paper and on the page that a poster opens |
//! | `report`, `letters` | tables on paper; letters beyond those of the readers' own fonts |
//!
//! The link in a card's code opens the number of stamps and nothing else. Everything else needs the key that the
//! browser made and cannot give away.

pub(crate) mod back;
pub mod batches;
pub(crate) mod gate;
mod http;
pub(crate) mod join;
mod letters;
mod logo;
mod pages;
pub mod paper;
pub(crate) mod phone;
pub(crate) mod report;
mod rights;
mod view;

pub(crate) use gate::Gate;
pub(crate) use http::{WAITS, is_for_strangers, routes};
pub use join::{JoinLink, Welcome};
pub(crate) use pages::ASSETS;
pub(crate) use rights::forget;
