//! The store, tried on real files.
//!
//! | module | what it shows |
//! |---|---|
//! | `child` | what a test does in a process of its own, so that it can be killed, starved or locked out |
//! | `durable` | what was written is there, after reopening and after kill -9 |
//! | `flat` | a balance costs the same after ten years as on day one |
//! | `folder` | one writer, and what happens to a folder that cannot be used |
//! | `format` | databases of every format so far are opened and verified |
//! | `journal` | dense, chained, checked |
//! | `kept` | settings, answers, keys, cards, programmes, articles, troubles |
//! | `overlay` | base + overlay: nothing is counted twice or lost |
//! | `people` | merged members are one, and whoever is forgotten leaves no key on the disk |
//! | `support` | journals, members, bases |
//! | `tallies` | what there is only so much of, summed with the row that gives it |

// Helpers of tests may unwrap, as tests may.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod child;
mod durable;
mod flat;
mod folder;
mod format;
mod journal;
mod kept;
mod overlay;
mod people;
mod support;
mod tallies;
