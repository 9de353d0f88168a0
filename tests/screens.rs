//! The window without a display: the screens under the testing backend, their words and their colours.
//!
//! - `theme`: the contrast of the tokens
//! - `words`: every word has its German
//! - `terminal`: a terminal in front of a made-up café
//! - `flows`: what a person does, by the names of the controls
//! - `first_run`: from an empty folder to the first guest, every tap counted
//! - `four_keys`: a guest who does not see the screen
//! - `kiosk_flows`: what counter and kiosk have to do with each other
//! - `monkey`: somebody who presses everything, and the taps that are promised
//! - `typing`: the keyboard on the screen
//! - `scenes`: every state of every screen; with `STEMPEL_SNAPSHOTS=FOLDER` they are drawn as PNG files
#![cfg(feature = "ui")]
#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use stempel::{controllers, screens};

#[path = "support/first_run.rs"]
mod first_run;
#[path = "support/flows.rs"]
mod flows;
#[path = "support/four_keys.rs"]
mod four_keys;
#[path = "support/kiosk_flows.rs"]
mod kiosk_flows;
#[path = "support/monkey.rs"]
mod monkey;
#[path = "support/sample_desk.rs"]
mod sample_desk;
#[path = "support/scenes.rs"]
mod scenes;
#[path = "support/terminal.rs"]
mod terminal;
#[path = "support/theme.rs"]
mod theme;
#[path = "support/typing.rs"]
mod typing;
#[path = "support/words.rs"]
mod words;
