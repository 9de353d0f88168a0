//! The keyboard on the screen, for a machine that has no other.

use crate::controllers::Route;
use crate::terminal::Terminal;

const SEARCH: &str = "Search an article";

fn open() -> Terminal {
    let terminal = Terminal::at(Route::Till);
    terminal.screens.type_on_screen(true);
    terminal.touch_middle(|name| name == SEARCH);
    terminal
}

/// What stands in the field that the keyboard types into, or in that of the page.
fn typed(terminal: &Terminal) -> String {
    let fields = terminal.all(i_slint_backend_testing::AccessibleRole::TextInput);
    let last = fields.last().and_then(|field| field.accessible_value());
    last.unwrap_or_default().to_string()
}

#[test]
fn an_article_is_found_by_touch_alone() {
    let terminal = open();
    for key in ["Capital letter", "K", "e", "k", "x", "Erase the last letter", "s"] {
        terminal.tap(key);
    }
    assert_eq!(typed(&terminal), "Keks");
    terminal.tap("Done");
    assert!(!terminal.sees("Capital letter"), "the keyboard is gone");
    assert_eq!(terminal.find(SEARCH).accessible_value().unwrap_or_default(), "Keks");
    assert_eq!(terminal.face(|face| face.model().till.search.clone()), "Keks");
}

#[test]
fn what_is_cancelled_is_as_before() {
    let terminal = open();
    terminal.tap("z");
    terminal.tap("Cancel");
    assert_eq!(terminal.face(|face| face.model().till.search.clone()), "");

    terminal.touch_middle(|name| name == SEARCH);
    assert_eq!(typed(&terminal), "", "it begins with what stands in the field");
    terminal.key(&slint::SharedString::from(slint::platform::Key::Escape));
    assert!(!terminal.sees("Capital letter"));
}

/// A message takes the keys of the window; a digit on the screen goes to the field all the same, not to the counter.
#[test]
fn the_keys_belong_to_the_field_whatever_comes_meanwhile() {
    let terminal = open();
    terminal.tap("7");
    terminal.scan("foreign");
    terminal.tap("1");
    assert_eq!(typed(&terminal), "71");
}

#[test]
fn where_there_are_keys_a_touch_only_sets_the_cursor() {
    let terminal = Terminal::at(Route::Till);
    terminal.touch_middle(|name| name == SEARCH);
    assert!(!terminal.sees("Capital letter"));
    terminal.key("k");
    assert_eq!(terminal.face(|face| face.model().till.search.clone()), "k");
}
