//! The rules, tried from outside.
//!
//! | module | what it shows |
//! |---|---|
//! | `properties` | what holds for every programme, member and sale |
//! | `scenarios` | the table of sales and the figures they must give |
//! | `support` | makes members, sales and moments |
//! | `templates` | each programme in `assets/programmes` does what it says |

// Helpers of tests may unwrap, as tests may.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod properties;
mod scenarios;
mod support;
mod templates;
