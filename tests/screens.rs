//! The screens, without a display: the controllers alone, and the window under the testing backend.
#![cfg(feature = "ui")]
#![allow(dead_code, unused_imports, reason = "the modules are used as a whole by the program, in parts here")]

#[path = "../src/controllers/mod.rs"]
mod controllers;
#[path = "../src/screens/mod.rs"]
mod screens;
