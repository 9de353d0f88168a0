//! A scanner that types is read, a person who types is not.

use stempel_scan::wedge::{Suffix, Wedge, WedgeOutcome, WedgePolicy};

const TOKEN: &str = "ST7ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn good(text: &str) -> bool {
    text.contains(TOKEN)
}

/// Types the text with a gap before each key and gives everything but nothing.
fn type_keys(wedge: &mut Wedge, text: &str, gap_ms: u64, now_ms: &mut u64) -> Vec<WedgeOutcome> {
    let mut outcomes = Vec::new();
    for letter in text.chars() {
        *now_ms += gap_ms;
        let outcome = wedge.key(&letter.to_string(), *now_ms, &good);
        if outcome != WedgeOutcome::Nothing {
            outcomes.push(outcome);
        }
    }
    outcomes
}

fn text_of(outcomes: &[WedgeOutcome]) -> Option<&str> {
    match outcomes {
        [WedgeOutcome::Read(reading)] => Some(&reading.text),
        _ => None,
    }
}

#[test]
fn gap_suffix_and_length_decide() {
    let enter = WedgePolicy::default();
    let tab = WedgePolicy { suffix: Suffix::Tab, ..enter };
    let none = WedgePolicy { suffix: Suffix::None, ..enter };
    let long = WedgePolicy { length_min: TOKEN.len() + 1, ..enter };
    let short = WedgePolicy { length_max: TOKEN.len() - 1, ..enter };
    let exact = WedgePolicy { length_min: TOKEN.len(), length_max: TOKEN.len(), ..enter };
    let table = [
        ("a scanner with Enter", enter, 5, "\r", true),
        ("Enter as a line feed", enter, 5, "\n", true),
        ("at the longest gap", enter, 100, "\r", true),
        ("one millisecond slower", enter, 101, "\r", false),
        ("all keys in the same millisecond", enter, 0, "\r", true),
        ("a person", enter, 180, "\r", false),
        ("Tab when Enter is expected", enter, 5, "\t", false),
        ("a scanner with Tab", tab, 5, "\t", true),
        ("Enter when Tab is expected", tab, 5, "\r", false),
        ("no suffix, but it comes", none, 5, "\r", true),
        ("too short", long, 5, "\r", false),
        ("too long", short, 5, "\r", false),
        ("exactly as long as allowed", exact, 5, "\r", true),
    ];
    for (name, policy, gap_ms, suffix, read) in table {
        let mut now_ms = 1_000;
        let outcomes = type_keys(&mut Wedge::new(policy), &format!("{TOKEN}{suffix}"), gap_ms, &mut now_ms);
        assert_eq!(text_of(&outcomes) == Some(TOKEN), read, "{name}: {outcomes:?}");
        assert!(read || outcomes.is_empty(), "{name}: {outcomes:?}");
    }
}

#[test]
fn without_a_suffix_the_pause_ends_the_code() {
    let mut wedge = Wedge::new(WedgePolicy { suffix: Suffix::None, ..WedgePolicy::default() });
    let mut now_ms = 0;
    assert!(type_keys(&mut wedge, TOKEN, 5, &mut now_ms).is_empty());
    assert_eq!(wedge.tick(now_ms + 100, &good), WedgeOutcome::Nothing);
    assert_eq!(text_of(&[wedge.tick(now_ms + 101, &good)]), Some(TOKEN));
    assert_eq!(wedge.tick(now_ms + 500, &good), WedgeOutcome::Nothing);
}

#[test]
fn without_a_tick_the_first_key_of_the_next_code_ends_this_one() {
    let mut wedge = Wedge::new(WedgePolicy { suffix: Suffix::None, ..WedgePolicy::default() });
    let mut now_ms = 0;
    type_keys(&mut wedge, TOKEN, 5, &mut now_ms);
    now_ms += 3_000;
    let outcomes = type_keys(&mut wedge, TOKEN, 5, &mut now_ms);
    assert_eq!(text_of(&outcomes), Some(TOKEN));
    assert_eq!(text_of(&[wedge.tick(now_ms + 101, &good)]), Some(TOKEN));
}

#[test]
fn what_a_person_typed_before_does_not_spoil_the_code() {
    let mut wedge = Wedge::new(WedgePolicy::default());
    let mut now_ms = 0;
    type_keys(&mut wedge, "tea", 200, &mut now_ms);
    now_ms += 300;
    assert_eq!(text_of(&type_keys(&mut wedge, &format!("{TOKEN}\r"), 4, &mut now_ms)), Some(TOKEN));
}

#[test]
fn a_person_never_triggers_whatever_they_type() {
    for suffix in [Suffix::Enter, Suffix::Tab, Suffix::None] {
        let mut wedge = Wedge::new(WedgePolicy { suffix, ..WedgePolicy::default() });
        let mut now_ms = 0;
        for gap_ms in [101, 120, 150, 250, 800] {
            let text = format!("{TOKEN}\r{TOKEN}\t{TOKEN}\n");
            assert!(type_keys(&mut wedge, &text, gap_ms, &mut now_ms).is_empty());
        }
    }
}

#[test]
fn keys_without_a_letter_are_passed_over_and_backspace_is_a_person() {
    let mut wedge = Wedge::new(WedgePolicy::default());
    let mut now_ms = 0;
    let with_shift: String = TOKEN.chars().flat_map(|letter| ['\u{10}', '\u{f700}', letter]).collect();
    assert_eq!(text_of(&type_keys(&mut wedge, &format!("{with_shift}\r"), 2, &mut now_ms)), Some(TOKEN));
    let outcomes = type_keys(&mut wedge, &format!("{TOKEN}\u{8}\r"), 2, &mut now_ms);
    assert!(outcomes.is_empty(), "{outcomes:?}");
    assert_eq!(wedge.key("", now_ms, &good), WedgeOutcome::Nothing);
}

/// A trigger that is held reads the card four times a second: that is one visit.
#[test]
fn a_card_that_is_read_over_and_over_is_read_once() {
    let mut wedge = Wedge::new(WedgePolicy::default());
    let mut now_ms = 0;
    let card = format!("{TOKEN}\r");
    assert_eq!(text_of(&type_keys(&mut wedge, &card, 2, &mut now_ms)), Some(TOKEN));
    for _ in 0..40 {
        now_ms += 250;
        assert_eq!(type_keys(&mut wedge, &card, 2, &mut now_ms), [WedgeOutcome::Repeated]);
    }
    let other = format!("{TOKEN}2\r");
    assert_eq!(type_keys(&mut wedge, &other, 2, &mut now_ms).len(), 1);
    assert!(
        text_of(&type_keys(&mut wedge, &card, 2, &mut now_ms)).is_some(),
        "after another card it is a new visit"
    );
    now_ms += 2_500;
    assert_eq!(text_of(&type_keys(&mut wedge, &card, 2, &mut now_ms)), Some(TOKEN), "and after a moment");
}

#[test]
fn a_whole_code_in_one_key_event_is_read() {
    let mut wedge = Wedge::new(WedgePolicy::default());
    assert_eq!(text_of(&[wedge.key(&format!("{TOKEN}\r\n"), 0, &good)]), Some(TOKEN));
}

#[test]
fn layouts_are_tried_until_the_rule_accepts() {
    let table = [
        ("as it is", TOKEN.to_owned()),
        ("German computer", TOKEN.replace('Y', "?").replace('Z', "Y").replace('?', "Z")),
        ("Caps Lock", TOKEN.to_lowercase()),
        (
            "French computer",
            TOKEN
                .chars()
                .map(|letter| {
                    let from = "AQZWM1234567890";
                    let to: Vec<char> = "QAWZ?&é\"'(-è_çà".chars().collect();
                    from.find(letter).map_or(letter, |at| to[at])
                })
                .collect(),
        ),
    ];
    for (name, typed) in table {
        let mut wedge = Wedge::new(WedgePolicy::default());
        let outcomes = type_keys(&mut wedge, &format!("{typed}\r"), 3, &mut 0);
        assert_eq!(text_of(&outcomes), Some(TOKEN), "{name}: {typed} {outcomes:?}");
    }
}

#[test]
fn a_foreign_code_is_unknown_and_keeps_its_keys() {
    let mut wedge = Wedge::new(WedgePolicy::default());
    let outcomes = type_keys(&mut wedge, "4006381333931\r", 3, &mut 0);
    assert_eq!(outcomes, [WedgeOutcome::Unknown { typed: "4006381333931".to_owned() }]);
}

#[test]
fn the_buffer_is_bounded() {
    let mut wedge = Wedge::new(WedgePolicy { length_max: 64, ..WedgePolicy::default() });
    let mut now_ms = 0;
    let endless = "A".repeat(100_000);
    assert!(type_keys(&mut wedge, &endless, 1, &mut now_ms).is_empty());
    assert!(type_keys(&mut wedge, "\r", 1, &mut now_ms).is_empty());
    assert_eq!(text_of(&type_keys(&mut wedge, &format!("{TOKEN}\r"), 1, &mut now_ms)), Some(TOKEN));
}
