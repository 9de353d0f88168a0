//! Prize draws: who wins is what anybody can compute, and nothing in the file can be changed unnoticed.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use stempel_domain::draw::{Announcement, Draw, DrawError, PRIZES_MAX, Published, TICKETS_MAX, entry_name};

const SEED: &str = "3 12 17 22 31 44";

fn announcement() -> Announcement {
    Announcement {
        draw: "xmas".into(),
        prizes: vec!["Espresso machine".into(), "A bag of beans".into(), "A bag of beans".into()],
        public_seed_from:
            "Lotto 6aus49 of Saturday 5 December 2026, the six numbers from low to high with spaces".into(),
        again: false,
    }
}

fn members() -> Vec<(String, u64)> {
    [("ada", 3), ("ben", 1), ("cem", 2), ("dora", 10)]
        .map(|(name, tickets)| (name.to_owned(), tickets))
        .to_vec()
}

fn secret() -> String {
    "07".repeat(32)
}

fn drawn() -> Draw {
    let draw = announcement().open(&[7; 32]).unwrap().close(members()).unwrap();
    draw.run(&secret(), SEED).unwrap()
}

fn proven(draw: &Draw) -> bool {
    draw.verify(&Published::default()).iter().all(|check| check.good)
}

#[test]
fn another_program_comes_to_the_same() {
    // Computed with another language's SHA-256 from the description alone.
    let draw = drawn();
    assert_eq!(draw.commitment, "87136ecc5be64c475f990f1170901c6bb4833342c134c25e793310df1a4f6bdb");
    let closing = draw.closing.as_ref().unwrap();
    assert_eq!(closing.entries_hash, "1654862c08627fe4c44f35b213ee4596569d5d63f6a01f4f18dd6ec5e3be9493");
    let winners = &draw.result.as_ref().unwrap().winners;
    let figures: Vec<_> =
        winners.iter().map(|winner| (winner.counter.unwrap(), winner.ticket.unwrap())).collect();
    assert_eq!(figures, [(1, 13), (2, 8), (3, 2)]);
    let names = ["cem", "dora", "ada"].map(|name| Some(entry_name("xmas", name)));
    assert_eq!(winners.iter().map(|winner| winner.entry.clone()).collect::<Vec<_>>(), names);
    assert!(proven(&draw));
    let read = Draw::from_json(&draw.to_json()).unwrap();
    assert_eq!(read, draw);
}

/// Every way to change one thing in a JSON value: each text, number and flag, each entry dropped, doubled or
/// swapped with the next, each key dropped, one key added to each object.
fn changed(value: &Value) -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = Vec::new();
    match value {
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => {
            let mut letters: Vec<char> = text.chars().collect();
            let last = letters.len() - 1;
            letters[last] = if letters[last] == '1' { '2' } else { '1' };
            all.push(("another end".into(), Value::from(letters.iter().collect::<String>())));
            letters[0] = if letters[0] == '1' { '2' } else { '1' };
            all.push(("another beginning".into(), Value::from(letters.into_iter().collect::<String>())));
            all.push(("empty".into(), Value::from("")));
            all.push(("longer".into(), Value::from(format!("{text} "))));
            if text.to_uppercase() != *text {
                all.push(("capitals".into(), Value::from(text.to_uppercase())));
            }
        }
        Value::Number(number) => {
            let number = number.as_u64().unwrap();
            all.push(("more".into(), Value::from(number.wrapping_add(1))));
            all.push(("huge".into(), Value::from(u64::MAX)));
            if number > 0 {
                all.push(("less".into(), Value::from(number - 1)));
            }
        }
        Value::Bool(flag) => all.push(("the other".into(), Value::from(!flag))),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let mut fewer = items.clone();
                fewer.remove(index);
                all.push((format!("without {index}"), fewer.into()));
                let mut more = items.clone();
                more.insert(index, item.clone());
                all.push((format!("{index} twice"), more.into()));
                let mut swapped = items.clone();
                swapped.swap(index, (index + 1) % items.len());
                if swapped != *items {
                    all.push((format!("{index} swapped"), swapped.into()));
                }
                for (what, item) in changed(item) {
                    let mut other = items.clone();
                    other[index] = item;
                    all.push((format!("{index}.{what}"), other.into()));
                }
            }
        }
        Value::Object(keys) => {
            let mut added = keys.clone();
            added.insert("dance".into(), Value::from(true));
            all.push(("one key more".into(), added.into()));
            for (key, value) in keys {
                let mut fewer = keys.clone();
                fewer.remove(key);
                all.push((format!("without {key}"), fewer.into()));
                for (what, value) in changed(value) {
                    let mut other = keys.clone();
                    other.insert(key.clone(), value);
                    all.push((format!("{key}.{what}"), other.into()));
                }
            }
        }
        Value::Null => {}
    }
    all
}

#[test]
fn nothing_can_be_changed_unnoticed() {
    let file: Value = serde_json::from_str(&drawn().to_json()).unwrap();
    let all = changed(&file);
    assert!(all.len() > 150, "{}", all.len());
    for (what, value) in all {
        if let Ok(draw) = Draw::from_json(&value.to_string()) {
            assert!(!proven(&draw), "{what} was not noticed");
        }
    }
}

#[test]
fn a_file_made_anew_is_found_out_by_what_was_published() {
    // Who changes a prize and computes everything again gets a file that is sound in itself.
    let mut other = announcement();
    other.prizes[0] = "A cup".into();
    let forged = other.open(&[7; 32]).unwrap().close(members()).unwrap().run(&secret(), SEED).unwrap();
    assert!(proven(&forged));
    let published = Published {
        commitment: Some(drawn().commitment),
        entries_hash: drawn().closing.map(|closing| closing.entries_hash),
    };
    assert!(drawn().verify(&published).iter().all(|check| check.good));
    let bad: Vec<String> =
        forged.verify(&published).into_iter().filter(|check| !check.good).map(|check| check.says).collect();
    assert_eq!(bad.len(), 1);
    assert!(bad[0].contains("another commitment was published"), "{bad:?}");
    let more = announcement().open(&[7; 32]).unwrap().close([("eve".to_owned(), 1)]).unwrap();
    let checks = more.run(&secret(), SEED).unwrap().verify(&published);
    assert!(checks.iter().any(|check| !check.good && check.says.contains("another list")));
}

#[test]
fn each_stage_comes_once_and_in_order() {
    let open = announcement().open(&[7; 32]).unwrap();
    assert!(!open.to_json().contains(&secret()), "the secret stays secret");
    assert_eq!(open.clone().run(&secret(), SEED), Err(DrawError::NotClosed));
    assert_eq!(open.clone().close([("ada".to_owned(), 0)]), Err(DrawError::Nobody));
    let closed = open.close(members()).unwrap();
    assert_eq!(closed.clone().close(members()), Err(DrawError::ClosedAlready));
    assert_eq!(closed.clone().run(&"08".repeat(32), SEED), Err(DrawError::WrongSecret));
    assert!(!proven(&closed), "a draw that was not made proves nothing");
    let drawn = closed.run(&secret(), SEED).unwrap();
    assert_eq!(drawn.run(&secret(), SEED), Err(DrawError::RunAlready));
}

#[test]
fn texts_that_can_be_read_in_two_ways_are_refused() {
    for text in ["", " a", "a ", "a\nb", "a\u{7}", &"x".repeat(201)] {
        let with = |change: fn(&mut Announcement, String)| {
            let mut announcement = announcement();
            change(&mut announcement, text.to_owned());
            announcement.open(&[7; 32])
        };
        assert!(with(|a, text| a.draw = text).is_err(), "{text:?}");
        assert!(with(|a, text| a.prizes[1] = text).is_err(), "{text:?}");
        assert!(with(|a, text| a.public_seed_from = text).is_err(), "{text:?}");
        let open = announcement().open(&[7; 32]).unwrap();
        assert!(open.clone().close([(text.to_owned(), 1)]).is_err(), "{text:?}");
        assert!(open.close(members()).unwrap().run(&secret(), text).is_err(), "{text:?}");
    }
    assert_eq!(Announcement { prizes: vec![], ..announcement() }.open(&[0; 32]), Err(DrawError::BadPrizes));
    let other = json!({"version": 2, "draw": "x", "prizes": [], "public_seed_from": "", "again": false, "commitment": ""});
    assert!(Draw::from_json(&other.to_string()).unwrap_err().to_string().contains("version is 2"));
}

#[test]
fn a_draw_is_taken_up_to_its_bounds_and_no_further() {
    let prizes =
        |count| Announcement { prizes: vec!["Beans".into(); count], ..announcement() }.open(&[7; 32]);
    assert!(prizes(PRIZES_MAX).is_ok());
    assert_eq!(prizes(PRIZES_MAX + 1), Err(DrawError::BadPrizes));
    let open = announcement().open(&[7; 32]).unwrap();
    let tickets = |more| open.clone().close([("ada".to_owned(), TICKETS_MAX - 1), ("ben".to_owned(), more)]);
    assert_eq!(tickets(1).unwrap().closing.unwrap().tickets, 1_000_000_000_000);
    assert_eq!(tickets(2), Err(DrawError::TooMany));
}

#[test]
fn who_wins_leaves_the_drum_unless_it_is_announced() {
    let two = [("ada".to_owned(), 1), ("ben".to_owned(), 5)];
    let drawn =
        announcement().open(&[7; 32]).unwrap().close(two.clone()).unwrap().run(&secret(), SEED).unwrap();
    let winners = &drawn.result.as_ref().unwrap().winners;
    assert!(winners[0].entry != winners[1].entry && winners[1].entry.is_some());
    assert_eq!(winners[2].entry, None, "three prizes for two");
    assert!(proven(&drawn));
    let again = Announcement { again: true, prizes: vec!["Beans".into(); 50], ..announcement() };
    let drawn = again.open(&[7; 32]).unwrap().close(two).unwrap().run(&secret(), SEED).unwrap();
    assert!(drawn.result.as_ref().unwrap().winners.iter().all(|winner| winner.entry.is_some()));
    assert!(proven(&drawn));
}

#[test]
fn each_ticket_has_its_chance() {
    // Four thousand draws of one prize among 1, 2 and 7 tickets: the shares are a tenth, a fifth and the rest.
    let one = Announcement { prizes: vec!["Beans".into()], ..announcement() };
    let entrants = [("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 7)];
    let closed = one.open(&[7; 32]).unwrap().close(entrants).unwrap();
    let mut wins: BTreeMap<String, u32> = BTreeMap::new();
    for number in 0..4000 {
        let drawn = closed.clone().run(&secret(), &format!("number {number}")).unwrap();
        *wins.entry(drawn.result.unwrap().winners[0].entry.clone().unwrap()).or_default() += 1;
    }
    for (name, expected) in [("a", 400_u32), ("b", 800), ("c", 2800)] {
        let won = wins[&entry_name("xmas", name)];
        // Within five standard deviations, for these fixed seeds.
        let wide = 5.0 * (f64::from(expected) * (1.0 - f64::from(expected) / 4000.0)).sqrt();
        assert!((f64::from(won) - f64::from(expected)).abs() < wide, "{name}: {won}");
    }
}

proptest! {
    #[test]
    fn the_order_of_the_list_does_not_matter(
        mut members in prop::collection::vec(("[a-z]{1,4}", 0..50_u64), 1..30), turn in 0..30_usize,
    ) {
        let open = announcement().open(&[7; 32]).unwrap();
        let first = open.clone().close(members.clone());
        let turn = turn % members.len();
        members.rotate_left(turn);
        let second = open.close(members.clone());
        prop_assert_eq!(&first, &second);
        if let Ok(closed) = first {
            let drawn = closed.run(&secret(), SEED).unwrap();
            prop_assert!(proven(&drawn));
            let sum: u64 = members.iter().map(|(_, tickets)| tickets).sum();
            prop_assert_eq!(drawn.closing.unwrap().tickets, sum);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_file_makes_the_check_panic(
        which in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(),
    ) {
        let file: Value = serde_json::from_str(&drawn().to_json()).unwrap();
        let all = changed(&file);
        let twice = changed(&all[which.index(all.len())].1);
        if !twice.is_empty()
            && let Ok(draw) = Draw::from_json(&twice[other.index(twice.len())].1.to_string())
        {
            draw.verify(&Published::default());
        }
        let text = drawn().to_json();
        let _ = Draw::from_json(&text[..cut.index(text.len())]);
    }
}
