//! Codes as pictures that a camera reads from the screen: SVG, black on white whatever the theme.

use maud::{Markup, html};
use qrcode::{Color, QrCode};

/// Light modules around a code.
const QUIET: usize = 4;

/// A code with its quiet zone; nothing if the text is too long for one. `said` says what it is.
pub(crate) fn picture(text: &str, said: &str) -> Option<Markup> {
    let code = QrCode::new(text.as_bytes()).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", place % width + QUIET, place / width + QUIET));
        }
    }
    let size = width + 2 * QUIET;
    Some(html! {
        svg class="code" viewBox={ "0 0 " (size) " " (size) } role="img" aria-label=(said) shape-rendering="crispEdges"
            focusable="false" {
            rect width=(size) height=(size) fill="#ffffff" {}
            path d=(path) fill="#000000" {}
        }
    })
}
