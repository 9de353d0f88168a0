//! Every word of the screens has its German, and no German is left over.

use std::collections::BTreeSet;
use std::path::Path;

const GERMAN: &str = include_str!("../../assets/translations/de/LC_MESSAGES/stempel.po");

/// Reads the string that begins after an opening quotation mark; Slint and gettext escape in the same way.
fn quoted(text: &str) -> &str {
    let mut escaped = false;
    let end = text.find(|sign| {
        let ends = sign == '"' && !escaped;
        escaped = sign == '\\' && !escaped;
        ends
    });
    &text[..end.unwrap()]
}

fn words_of(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            words_of(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for part in text.split("@tr(\"").skip(1) {
            let one = quoted(part);
            found.insert(one.to_owned());
        }
    }
}

/// The placeholders of a sentence, in order of their names.
fn places(text: &str) -> Vec<String> {
    let mut places: Vec<_> =
        text.split('{').skip(1).map(|part| part.split('}').next().unwrap().to_owned()).collect();
    places.sort();
    places
}

#[test]
fn every_word_has_its_german() {
    let mut english = BTreeSet::new();
    words_of(Path::new("ui"), &mut english);
    let entries: Vec<_> = GERMAN.split("\n\n").filter(|entry| entry.contains("msgid \"")).skip(1).collect();
    let mut german = BTreeSet::new();
    for entry in &entries {
        let id = quoted(entry.split("msgid \"").nth(1).unwrap());
        assert!(german.insert(id.to_owned()), "{id:?} stands there twice");
        for line in entry.lines().filter(|line| line.starts_with("msgstr")) {
            let said = quoted(line.split_once('"').unwrap().1);
            assert!(!said.is_empty(), "{id:?} is empty");
            assert_eq!(places(said), places(id), "{said:?} has other places than {id:?}");
            for wrong in ["...", " - ", "\\\"", "'"] {
                assert!(!said.contains(wrong), "{said:?} has {wrong:?}");
            }
        }
        let plural = entry.contains("msgid_plural");
        assert_eq!(plural, entry.contains("msgstr[1]"), "{id:?}: plural forms");
    }
    let missing: Vec<_> = english.difference(&german).collect();
    let left_over: Vec<_> = german.difference(&english).collect();
    assert!(missing.is_empty() && left_over.is_empty(), "missing {missing:#?}, left over {left_over:#?}");
    assert!(english.len() > 150);
}
