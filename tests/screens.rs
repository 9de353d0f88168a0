//! The screens, without a display: the controllers alone, and the window under the testing backend.
//!
//! - `theme`: the contrast of the tokens
//! - `words`: every word has its German
//! - `terminal`: a terminal in front of a made-up café
//! - `flows`: what a person does, by the names of the controls
//! - `scenes`: every state of every screen; with `STEMPEL_SNAPSHOTS=FOLDER` they are drawn as PNG files
#![cfg(feature = "ui")]
#![allow(dead_code, unused_imports, reason = "the program uses the modules as a whole, these tests in parts")]
#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

#[path = "../src/controllers/mod.rs"]
mod controllers;
#[path = "support/flows.rs"]
mod flows;
#[path = "support/scenes.rs"]
mod scenes;
#[path = "../src/screens/mod.rs"]
mod screens;
#[path = "support/terminal.rs"]
mod terminal;
#[path = "support/theme.rs"]
mod theme;
#[path = "support/words.rs"]
mod words;
