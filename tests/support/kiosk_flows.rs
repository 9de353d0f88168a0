//! What the counter and the kiosk have to do with each other, and what the kiosk asks and tells: by the names of the
//! controls.

use std::collections::BTreeSet;

use i_slint_backend_testing::AccessibleRole;

use crate::controllers::{
    Asking, CameraState, Desk, Effect, FaceOptions, Language, Look, Note, Question, Route, Stamping,
    SyncState, UiAction,
};
use crate::sample_desk::at;
use crate::terminal::Terminal;

fn kiosk(language: Language) -> Terminal {
    Terminal::new(FaceOptions {
        route: Route::Kiosk,
        shop: "Café Muster".into(),
        language,
        look: Look::Light,
        relayed: true,
        device: "kiosk".into(),
        ..FaceOptions::default()
    })
}

fn told(terminal: &Terminal) -> Vec<Note> {
    let effects = terminal.effects().into_iter();
    effects.filter_map(|effect| if let Effect::Tell(note) = effect { Some(note) } else { None }).collect()
}

#[test]
fn a_lost_card_without_a_name_is_replaced_by_its_second_code() {
    let terminal = Terminal::at(Route::Counter);
    terminal.tap("Card lost");
    terminal.scan("ada");
    assert!(terminal.sees("This is not a second code"), "a front is no proof");
    terminal.scan("R1-of-ada");
    assert!(terminal.sees("This card has a name"), "a found back is no proof for a named card");
    terminal.scan("R1-of-nobody");
    assert!(terminal.sees("The old card is blocked"));
    assert!(terminal.sees("The code of the new card"));
    terminal.tap("Done");
    assert!(!terminal.sees("The new card"));
}

#[test]
fn a_lost_card_with_a_name_needs_a_managers_pin() {
    let terminal = Terminal::at(Route::Counter);
    terminal.act(UiAction::SetLanguage(Language::German));
    terminal.tap("Karte verloren");
    terminal.find("Der Vorname des Gastes").set_accessible_value("ben");
    terminal.draw();
    terminal.tap("Ben");
    assert!(terminal.sees("Die PIN der Leitung"));
    for digit in ["1", "2", "3", "4"] {
        terminal.tap(digit);
    }
    terminal.tap("OK");
    assert!(!terminal.sees("Die alte Karte ist gesperrt"));
    for digit in ["9", "0", "9", "0"] {
        terminal.tap(digit);
    }
    terminal.tap("OK");
    assert!(terminal.sees("Die alte Karte ist gesperrt"));
}

#[test]
fn the_counter_hears_what_came_of_its_yes_after_the_server_was_asked() {
    for answered in [true, false] {
        let kiosk = kiosk(Language::English);
        kiosk.face(|face| face.desk().asks = true);
        kiosk.scan("clara");
        kiosk.tap("Take it now");
        let Note::Reward { id, .. } = told(&kiosk).pop().unwrap() else { panic!("it asks the counter") };
        kiosk.tell(&Note::Answer { id: id.clone(), yes: true });
        assert!(kiosk.sees("Asking the server …"));
        kiosk.scan("clara");
        assert!(kiosk.sees("Asking the server …"), "the card is still held up");
        assert_eq!(told(&kiosk).len(), 1, "nothing has come of it yet");
        if answered {
            kiosk.face(|face| face.desk().asking = Asking::Answered);
            kiosk.act(UiAction::ServerAnswered);
        } else {
            kiosk.tap("Cancel, give nothing");
        }
        assert_eq!(told(&kiosk).pop(), Some(Note::Done { id, given: answered }));
    }
}

#[test]
fn whoever_waits_at_the_pad_is_asked_in_front_of_it_and_takes_it_along() {
    for goes in [false, true] {
        let kiosk = kiosk(Language::English);
        kiosk.scan("clara");
        kiosk.tap("Take it now");
        assert!(kiosk.sees("Please confirm"));
        kiosk.wait(21);
        assert!(kiosk.sees("Still there?") && !kiosk.sees("Please confirm"), "nothing covers the question");
        if goes {
            kiosk.tap("No, finish");
            assert!(!kiosk.sees("Please confirm"), "the pad goes with the guest");
            assert!(matches!(told(&kiosk).pop(), Some(Note::Gone { .. })), "and the counter is told");
        } else {
            kiosk.tap("Yes, go on");
            assert!(kiosk.sees("Please confirm"), "and the pad is there again");
        }
    }
}

#[test]
fn the_counter_confirms_a_reward_at_the_kiosk_with_one_tap() {
    let kiosk = kiosk(Language::English);
    kiosk.scan("clara");
    kiosk.tap("Take it now");
    assert!(kiosk.sees("The counter has been asked. One moment, please."));
    let asked = told(&kiosk).pop().unwrap();
    assert!(
        matches!(&asked, Note::Reward { member, reward, .. } if member == "clara" && reward == "free-coffee")
    );

    let counter = Terminal::at(Route::Counter);
    counter.tell(&asked);
    assert!(counter.effects().contains(&Effect::CallHelp), "it rings");
    assert!(counter.sees("Clara at the kiosk: Gratis-Kaffee"));
    counter.tap("Give it");
    assert_eq!(counter.taps(), 1);
    assert!(!counter.sees("Clara at the kiosk: Gratis-Kaffee"));
    let answer = told(&counter).pop().unwrap();

    kiosk.tell(&answer);
    assert!(kiosk.sees("Thank you, Clara!"));
    let done = told(&kiosk).pop().unwrap();
    assert_eq!(done, Note::Done { id: asked.id().to_owned(), given: true });
    counter.tell(&done);
    assert!(counter.sees("Given at the kiosk"));
    kiosk.tell(&answer);
    assert_eq!(
        kiosk.face(|face| face.desk().recorded),
        2,
        "one stamp, one reward: a doubled word gives nothing"
    );
}

#[test]
fn a_word_for_a_guest_who_has_gone_gives_nothing() {
    let kiosk = kiosk(Language::English);
    kiosk.scan("clara");
    kiosk.tap("Take it now");
    let asked = told(&kiosk).pop().unwrap();
    kiosk.wait(41);
    assert_eq!(told(&kiosk).pop(), Some(Note::Gone { id: asked.id().to_owned() }));
    let before = kiosk.face(|face| face.desk().recorded);
    kiosk.tell(&Note::Answer { id: asked.id().to_owned(), yes: true });
    assert_eq!(kiosk.face(|face| face.desk().recorded), before);
    assert_eq!(told(&kiosk).pop(), Some(Note::Done { id: asked.id().to_owned(), given: false }));
    let counter = Terminal::at(Route::Counter);
    counter.tell(&asked);
    counter.tell(&Note::Gone { id: asked.id().to_owned() });
    assert!(!counter.sees("Give it"));
}

#[test]
fn a_word_for_another_call_gives_nothing_and_no_is_no() {
    let kiosk = kiosk(Language::English);
    kiosk.scan("clara");
    kiosk.tap("Take it now");
    let asked = told(&kiosk).pop().unwrap();
    kiosk.tell(&Note::Answer { id: "another".into(), yes: true });
    assert!(kiosk.sees("Please confirm"));
    kiosk.tell(&Note::Answer { id: asked.id().to_owned(), yes: false });
    assert!(kiosk.sees("The counter says: not now"));
    kiosk.tell(&Note::Answer { id: asked.id().to_owned(), yes: true });
    assert!(!kiosk.sees("Thank you, Clara!"), "no is the last word of this call");
}

#[test]
fn without_a_pin_a_staff_card_or_a_counter_no_reward_is_given_and_it_is_said_what_to_set_up() {
    let terminal = Terminal::new(FaceOptions {
        route: Route::Kiosk,
        language: Language::English,
        ..FaceOptions::default()
    });
    terminal.scan("clara");
    let before = terminal.face(|face| face.desk().recorded);
    terminal.tap("Take it now");
    assert!(terminal.sees("For the shop: nobody has a PIN here"));
    assert!(terminal.sees("Please go to the counter: a slip from there, held up here, confirms it."));
    for digits in ["0000", "1234", "9090"] {
        terminal.act(UiAction::PinKey(digits.into()));
        terminal.act(UiAction::PinDone);
    }
    terminal.scan("staff");
    assert_eq!(terminal.face(|face| face.desk().recorded), before, "nothing was confirmed");
    terminal.scan("reward-slip");
    assert!(terminal.sees("Thank you, Clara!"), "a slip of the counter is a word");
}

#[test]
fn a_call_for_help_rings_at_the_counter_and_the_guest_is_told_that_somebody_comes() {
    let kiosk = kiosk(Language::German);
    kiosk.tap("Hilfe");
    let call = told(&kiosk).pop().unwrap();
    let till = Terminal::at(Route::Till);
    till.act(UiAction::SetLanguage(Language::German));
    till.tell(&call);
    assert!(till.sees("Ein Gast am Kiosk braucht Hilfe"));
    till.tap("Ich komme");
    kiosk.act(UiAction::SetLanguage(Language::German));
    kiosk.tell(&told(&till).pop().unwrap());
    assert!(kiosk.sees("Es kommt jemand"));
}

#[test]
fn a_call_that_stands_at_the_counter_rings_there_though_there_is_no_loudspeaker_here() {
    for (state, words) in
        [(SyncState::Online, "The bell rings"), (SyncState::Offline, "Please ask at the counter")]
    {
        let kiosk = kiosk(Language::English);
        kiosk.face(|face| face.desk().report.state = state);
        kiosk.tap("Help");
        assert!(kiosk.sees(words), "{words}");
    }
}

#[test]
fn a_slip_that_does_not_confirm_leaves_the_pad_for_another() {
    let terminal = kiosk(Language::English);
    terminal.face(|face| face.desk().asks = true);
    let answered = || {
        terminal.face(|face| face.desk().asking = Asking::Answered);
        terminal.act(UiAction::ServerAnswered);
    };
    terminal.scan("clara");
    terminal.tap("Take it now");
    terminal.scan("old-slip");
    answered();
    assert!(terminal.sees("That is not counted") && terminal.sees("Please confirm"));
    terminal.scan("reward-slip");
    answered();
    assert!(terminal.sees("Thank you, Clara!") && !terminal.sees("Please confirm"));
}

#[test]
fn a_full_card_is_cashed_in_without_a_receipt_and_says_how_many_more_there_are() {
    let terminal = Terminal::new(FaceOptions {
        route: Route::Kiosk,
        language: Language::German,
        look: Look::Light,
        needs_proof: true,
        demo: true,
        ..FaceOptions::default()
    });
    terminal.face(|face| face.desk().stamp(&"clara".into(), None, 2, Stamping::Hand, at(0))).unwrap();
    for (width, height) in [(800, 1280), (1280, 800), (1024, 600)] {
        terminal.size(width, height);
        terminal.scan("clara");
        assert!(terminal.sees("Hallo Clara! Jetzt noch der Bon"));
        assert_eq!(terminal.cut(), [""; 0], "{width}×{height}");
    }
    terminal.tap("Jetzt einlösen");
    assert!(terminal.sees("Danke, Clara!"), "what a full card gives needs no purchase");
    terminal.scan("receipt");
    assert!(terminal.sees("Erst die Karte, dann der Bon"), "whose it is nobody knows");
    terminal.scan("dora");
    terminal.scan("receipt");
    assert!(terminal.sees("noch 2 volle Karten"));
}

#[test]
fn where_no_receipt_could_count_the_kiosk_asks_for_a_slip_alone() {
    let terminal = Terminal::new(FaceOptions {
        route: Route::Kiosk,
        language: Language::German,
        needs_proof: true,
        demo: true,
        ..FaceOptions::default()
    });
    terminal.face(|face| face.desk().no_receipts = true);
    terminal.scan("ada");
    assert!(terminal.sees("Hallo Ada! Jetzt noch der Zettel"));
    assert!(terminal.sees("Den gibt es an der Theke für deinen Einkauf."));
    terminal.scan("slip");
    assert!(terminal.sees("Hallo Ada!"));
    // A till is made known while the kiosk runs.
    terminal.face(|face| face.desk().no_receipts = false);
    terminal.scan("dora");
    assert!(terminal.sees("Hallo Dora! Jetzt noch der Bon"));
}

#[test]
fn the_question_changes_its_language_with_the_guest() {
    let kiosk = kiosk(Language::German);
    let ask = |text: &str, reason: &str| {
        let question = Question { text: text.into(), reasons: vec![reason.into()] };
        kiosk.face(|face| face.desk().question = Some(question));
    };
    ask("Wie war es heute?", "Kaffee");
    kiosk.scan("ada");
    kiosk.tap("Fertig");
    assert!(kiosk.sees("Wie war es heute?"));
    ask("How was it today?", "coffee");
    kiosk.act(UiAction::SetLanguage(Language::English));
    assert!(kiosk.sees("How was it today?") && !kiosk.sees("Wie war es heute?"));
    kiosk.tap("8");
    assert!(kiosk.sees("coffee"));
}

#[test]
fn what_a_guest_chooses_goes_with_the_guest() {
    let kiosk = kiosk(Language::German);
    kiosk.tap("English");
    kiosk.tap("Reading and listening");
    assert!(!kiosk.sees("Read everything aloud"), "this machine has no voice");
    kiosk.tap("High contrast");
    kiosk.tap("Less motion");
    kiosk.key(&slint::SharedString::from(slint::platform::Key::Escape));
    let app = || kiosk.face(|face| face.app().clone());
    assert_eq!((app().language, app().high_contrast, app().still), (Language::English, true, true));
    assert!(!kiosk.effects().contains(&Effect::KeepSettings), "it is this guest's, and not the shop's");
    kiosk.wait(45);
    assert_eq!((app().language, app().high_contrast, app().still), (Language::German, false, false));
    assert!(kiosk.sees("Hier gibt’s Stempel"));
}

#[test]
fn whoever_opens_reading_and_listening_is_there() {
    let kiosk = kiosk(Language::English);
    kiosk.tap("Hold up the card");
    kiosk.wait(15);
    kiosk.tap("Reading and listening");
    kiosk.wait(15);
    assert!(!kiosk.sees("Still there?"));
    kiosk.wait(6);
    assert!(kiosk.sees("Still there?"));
}

#[test]
fn one_question_then_why_then_thanks() {
    let terminal = kiosk(Language::English);
    let reasons = vec!["Kaffee".to_owned(), "Wartezeit".to_owned()];
    terminal.face(|face| face.desk().question = Some(Question { text: "Wie war es heute?".into(), reasons }));
    terminal.scan("ada");
    terminal.tap("Done");
    assert!(terminal.sees("Wie war es heute?"));
    terminal.tap("9");
    assert!(terminal.sees("Why?"));
    terminal.tap("Wartezeit");
    assert!(terminal.sees("Thank you, Ada!"));
    let answers = terminal.face(|face| face.desk().answers.clone());
    assert_eq!(answers, [(9, Some("Wartezeit".to_owned()))]);
    terminal.wait(20);
    terminal.scan("ben");
    terminal.tap("Done");
    terminal.tap("Rather not say");
    assert!(terminal.sees("Thank you, Ben!"));
    assert_eq!(terminal.face(|face| face.desk().answers.len()), 1);
}

#[test]
fn the_first_page_tells_what_waits_and_the_card_how_far_the_challenge_is() {
    let terminal = kiosk(Language::German);
    terminal.face(|face| face.desk().waiting_gifts = 3);
    terminal.wait(1);
    assert!(terminal.sees("3 × Kaffee warten auf alle, die es gerade brauchen. Frag einfach an der Theke."));
    terminal.scan("dora");
    assert!(terminal.sees("Fünf verschiedene Getränke: 3 von 5\nVerlosung: 2 Lose"));
}

#[test]
fn guests_at_the_kiosk_get_neither_into_the_folders_nor_at_the_camera() {
    for language in [Language::German, Language::English] {
        let terminal = kiosk(language);
        terminal.scan("ada");
        for name in ["Bild", "Ordner", "Scanner", "Picture", "Folder"] {
            assert!(!terminal.sees(name), "{name}");
        }
        for action in [UiAction::OpenImage, UiAction::OpenFolder, UiAction::UseScanner] {
            terminal.act(action);
        }
        assert!(!terminal.sees("Bild wählen") && !terminal.sees("Choose a picture"));
        assert!(!terminal.effects().contains(&Effect::UseScanner));
    }
}

#[test]
fn every_sound_is_written_for_a_moment() {
    let terminal = kiosk(Language::English);
    terminal.scan("ada");
    assert!(terminal.sees("Sound: stamp"));
    terminal.wait(4);
    assert!(!terminal.sees("Sound: stamp"));
    terminal.tap("Help");
    assert!(terminal.sees("Sound: bell"));
}

#[test]
fn the_terms_have_their_version_on_the_page_that_asks_for_a_name() {
    let terminal = kiosk(Language::English);
    terminal.tap("No card yet?");
    terminal.tap("With my first name");
    assert!(terminal.sees(&format!("Terms, version {}", crate::controllers::TERMS)));
}

#[test]
fn a_card_from_the_pile_gets_its_name_later() {
    let terminal = kiosk(Language::English);
    terminal.scan("new");
    terminal.tap("Add my first name");
    terminal.tap("Rather without a name");
    assert!(terminal.sees("Done"), "back at the card, which is no further one");
    for label in ["Add my first name", "I am 16 or older: go on", "M", "A", "X", "Done"] {
        terminal.tap(label);
    }
    let guest = terminal.face(|face| face.model().kiosk.guest.clone().unwrap());
    assert_eq!((guest.name.as_str(), guest.card.stamps), ("Max", 1));
    assert!(!terminal.sees("Add my first name"));
}

#[test]
fn the_screen_is_dark_at_night_and_a_card_wakes_it() {
    // The made-up morning is at 16:13 of the shop's day.
    let terminal = Terminal::new(FaceOptions {
        route: Route::Kiosk,
        language: Language::English,
        night: Some((16 * 60, 6 * 60)),
        ..FaceOptions::default()
    });
    assert!(!terminal.face(|face| face.model().app.dimmed), "not before somebody could be there");
    terminal.wait(121);
    assert!(terminal.face(|face| face.model().app.dimmed));
    terminal.scan("ada");
    assert!(!terminal.face(|face| face.model().app.dimmed));
    terminal.wait(130);
    terminal.touch((400.0, 300.0));
    assert!(!terminal.face(|face| face.model().app.dimmed), "a touch wakes it too");
    assert_eq!(terminal.face(|face| face.model().kiosk.page), crate::controllers::KioskPage::Attract);
}

/// Words that are read in a minute, silently (Brysbaert 2019, doi:10.1016/j.jml.2019.104047: 238 of English prose).
const WORDS_A_MINUTE: f64 = 238.0;
/// To point at something, and to think of one's own name: the keystroke-level model's P and M (Card, Moran, Newell
/// 1980), in seconds.
const POINT_S: f64 = 1.1;
const THINK_S: f64 = 1.35;

/// How long somebody reads what stands on the page.
fn reading_s(terminal: &Terminal) -> f64 {
    let texts = terminal.all(AccessibleRole::Text).into_iter().filter_map(|text| text.accessible_label());
    let texts: BTreeSet<String> = texts.map(|text| text.to_string()).collect();
    let words = texts.iter().map(|text| text.split_whitespace().count()).sum::<usize>();
    assert!(words > 2, "a page has something to read");
    words as f64 / WORDS_A_MINUTE * 60.0
}

#[test]
fn a_guest_who_reads_everything_has_a_card_with_a_name_within_thirty_seconds() {
    let terminal = Terminal::at(Route::Kiosk);
    let (mut passed_s, mut waited_s) = (0.0, 0_i64);
    let mut pass = |seconds: f64| {
        passed_s += seconds;
        let due = passed_s as i64 - waited_s;
        waited_s += due;
        terminal.wait(due);
    };
    for label in ["No card yet?", "With my first name", "I am 16 or older: go on"] {
        pass(reading_s(&terminal) + POINT_S);
        terminal.tap(label);
    }
    pass(reading_s(&terminal) + THINK_S);
    for letter in ["M", "A", "R", "I", "A", "Done"] {
        pass(POINT_S);
        terminal.tap(letter);
    }
    assert!(terminal.sees("This code is your card"));
    assert!(terminal.taps() <= 9);
    assert!(passed_s <= 30.0, "it takes {passed_s:.1} s");
}

#[test]
fn without_a_camera_the_card_is_held_up_to_the_scanner_that_has_read_one() {
    let terminal = Terminal::at(Route::Kiosk);
    terminal.act(UiAction::KioskStart);
    assert!(terminal.sees("Hold your card up to the camera"), "nobody knows of a scanner yet");
    terminal.act(UiAction::ScannerHeard);
    assert!(terminal.sees("Hold your card up to the scanner"));
    terminal.act(UiAction::ScannerHeard);
    let kept = terminal.effects().into_iter().filter(|effect| *effect == Effect::KeepSettings).count();
    assert_eq!(kept, 1, "it is remembered once");

    terminal.face(|face| face.camera(CameraState::Live, "", 0, 0));
    terminal.draw();
    assert!(terminal.sees("Hold your card up to the camera"));
    terminal.face(|face| face.camera(CameraState::None, "", 0, 0));
    terminal.draw();
    assert!(terminal.sees("Hold your card up to the scanner"));
}
