//! The terminal without a screen
