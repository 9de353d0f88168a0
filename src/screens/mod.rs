//! The screens: one adapter for each Slint global, which is the only user of its generated types.
//!
//! [`AppScreens`] owns the window. It takes a [`ScreenModel`](crate::controllers::ScreenModel) and shows it, and turns
//! every touch, key and tap into one [`UiAction`](crate::controllers::UiAction) for the handler. Other threads reach
//! the window through a [`ScreensHandle`], by way of the event loop. Words stand in the `.slint` files; here plain
//! data becomes text in the reader's format.

mod app;
mod code;
mod counter;
mod files;
mod format;
mod generated;
mod kiosk;
mod lost;
mod pin;
mod rows;
mod scan;
mod till;
mod window;

pub use scan::CameraFrame;
pub use window::{AppScreens, Picture, ScreensHandle};
