//! What a person does at the screens, by the names that a screen reader says.

use slint::platform::{Key, WindowEvent};

use crate::controllers::{
    Asking, CameraState, Desk, Effect, FaceOptions, Language, Look, Money, NoticeKind, Route, Sound,
    Stamping, SyncReport, SyncState, UiAction,
};
use crate::sample_desk::at;
use crate::terminal::Terminal;

#[test]
fn a_scan_stamps_and_the_last_guest_can_be_undone() {
    let terminal = Terminal::at(Route::Counter);
    assert!(terminal.sees("Ready for the next card"));
    terminal.scan("ada");
    assert!(terminal.sees("Ada"));
    assert!(terminal.sees("Kaffeekarte: 8 of 10 stamps"));
    assert_eq!(terminal.effects(), [Effect::Play(Sound::Stamp)]);
    terminal.tap("Take back the stamp of Ada");
    assert!(terminal.sees("Kaffeekarte: 7 of 10 stamps"));
    assert!(terminal.sees("Taken back"));
    assert!(!terminal.sees("Take back the stamp of Ada"), "it can be taken back once");
}

#[test]
fn the_card_on_the_screen_counts_what_another_device_gave() {
    let terminal = Terminal::at(Route::Counter);
    terminal.scan("ada");
    terminal.face(|face| face.desk().stamp(&"ada".into(), None, 2, Stamping::Hand, at(60))).unwrap();
    assert!(terminal.sees("Kaffeekarte: 8 of 10 stamps"));
    terminal.face(|face| face.reload(at(61)));
    terminal.draw();
    assert!(terminal.sees("Kaffeekarte: 10 of 10 stamps") && terminal.sees("1 extra free"));
}

#[test]
fn a_sample_card_is_clicked_where_there_is_no_camera() {
    let terminal = Terminal::at(Route::Counter);
    terminal.tap("Sample card of Ben");
    assert!(terminal.sees("Kaffeekarte: 3 of 10 stamps"));
    terminal.tap("One more stamp");
    assert!(terminal.sees("Kaffeekarte: 4 of 10 stamps"));
}

#[test]
fn where_a_scanner_reads_nobody_is_sent_to_the_camera() {
    for (route, words) in [
        (Route::Counter, "Hold the phone or the printed card up to the scanner. The stamp lands by itself."),
        (Route::Kiosk, "Hold your card up to the scanner"),
    ] {
        let terminal = Terminal::at(route);
        terminal.face(|face| face.camera(CameraState::Scanner, "", 0, 0));
        terminal.act(UiAction::KioskStart);
        assert!(terminal.sees(words), "{words}");
    }
}

#[test]
fn three_coffees_and_one_of_them_free_are_two_taps() {
    let terminal = Terminal::at(Route::Counter);
    terminal.tap("The next scan gives 3 stamps");
    terminal.scan("ada");
    assert!(terminal.sees("Kaffeekarte: 10 of 10 stamps"));
    terminal.tap("1 of these free");
    assert!(terminal.sees("Taken: Gratis-Kaffee"));
}

/// A terminal whose server is asked before a reward, with a full card on it that takes one.
fn asking(route: Route) -> Terminal {
    let terminal = Terminal::at(route);
    terminal.face(|face| face.desk().asks = true);
    terminal.scan("clara");
    terminal
}

#[test]
fn a_reward_waits_for_the_server_and_goes_on_when_it_has_answered() {
    let terminal = asking(Route::Counter);
    terminal.tap("1 extra free");
    assert!(terminal.sees("Asking the server …"));
    assert!(!terminal.sees("Taken: Gratis-Kaffee"));
    terminal.wait(1);
    assert!(terminal.sees("Asking the server …"));
    terminal.face(|face| face.desk().asking = Asking::Answered);
    terminal.act(UiAction::ServerAnswered);
    assert!(terminal.sees("Taken: Gratis-Kaffee") && !terminal.sees("Asking the server …"));
}

#[test]
fn who_cancels_takes_nothing_and_so_does_the_next_card() {
    let terminal = asking(Route::Counter);
    for stop in ["tap", "Escape", "scan"] {
        terminal.tap("1 extra free");
        match stop {
            "tap" => terminal.tap("Cancel, give nothing"),
            "Escape" => terminal.key(&slint::SharedString::from(slint::platform::Key::Escape)),
            _ => terminal.scan("ben"),
        }
        assert!(!terminal.sees("Asking the server …"), "{stop}");
        assert_eq!(terminal.face(|face| face.desk().asking), Asking::Nothing, "{stop}");
        assert!(!terminal.sees("Taken: Gratis-Kaffee"));
    }
    assert!(terminal.sees("Ben"));
}

#[test]
fn a_server_that_does_not_answer_is_waited_for_only_so_long() {
    let terminal = asking(Route::Counter);
    terminal.tap("1 extra free");
    terminal.wait(3);
    assert!(terminal.sees("Asking the server …"));
    terminal.wait(1);
    assert!(terminal.sees("Taken: Gratis-Kaffee"));
    let said = terminal.face(|face| face.model().counter.notice.kind);
    assert_eq!(said, NoticeKind::RewardUnheard);
}

#[test]
fn a_sale_with_a_reward_waits_for_the_server_too() {
    let terminal = asking(Route::Till);
    terminal.act(UiAction::AddToBasket { sku: "cookie".into() });
    terminal.act(UiAction::BasketReward { reward: "cookie".into(), take: true });
    terminal.act(UiAction::OpenCash);
    terminal.act(UiAction::CashKey("500".into()));
    terminal.act(UiAction::PayTyped);
    assert!(terminal.sees("Asking the server …"));
    let till = terminal.face(|face| face.model().till);
    assert!(till.last_sale.is_none() && till.basket.lines.len() == 1);
    terminal.face(|face| face.desk().asking = Asking::Answered);
    terminal.wait(1);
    let till = terminal.face(|face| face.model().till);
    assert!(till.last_sale.is_some() && till.basket.lines.is_empty());
}

#[test]
fn a_slip_is_printed_and_the_screen_says_what_came_of_it() {
    let terminal = Terminal::at(Route::Counter);
    terminal.face(|face| face.desk().prints = true);
    terminal.tap("Card forgotten");
    assert_eq!(terminal.effects().pop(), Some(Effect::PrintSlip("slip".into())));
    assert!(terminal.sees("The code of the slip"), "it can be photographed in any case");
    assert!(!terminal.sees("Print again"));
    terminal.face(|face| face.slip_printed("another", Ok(())));
    terminal.draw();
    assert!(!terminal.sees("Print again"), "that was not this one");
    terminal.face(|face| face.slip_printed("slip", Err("The printer takes nothing.".into())));
    terminal.draw();
    assert!(terminal.sees("It was not printed") && terminal.sees("The code of the slip"));
    let before = terminal.effects().len();
    terminal.tap("Print again");
    assert_eq!(terminal.effects().len(), before + 1);
    terminal.face(|face| face.slip_printed("slip", Ok(())));
    terminal.draw();
    assert!(!terminal.sees("It was not printed"));
}

#[test]
fn the_three_keys_of_a_pad_arm_the_next_scan_and_a_scanner_does_not() {
    let terminal = Terminal::at(Route::Counter);
    terminal.key("2");
    assert_eq!(terminal.actions(), [UiAction::Arm(2)]);

    let terminal = Terminal::at(Route::Counter);
    let window = terminal.screens.window();
    for key in ["2", "A", "3", "B"] {
        window.dispatch_event(slint::platform::WindowEvent::KeyPressed { text: key.into() });
        window.dispatch_event(slint::platform::WindowEvent::KeyReleased { text: key.into() });
    }
    terminal.draw();
    assert_eq!(terminal.actions(), []);
}

#[test]
fn keys_that_the_gate_keeps_do_nothing_on_the_screen() {
    let terminal = Terminal::at(Route::Counter);
    terminal.screens.on_key(|text| text == "3");
    terminal.key("3");
    assert_eq!(terminal.actions(), []);
    terminal.key("2");
    assert_eq!(terminal.actions(), [UiAction::Arm(2)]);
}

#[test]
fn the_keyboard_reaches_every_control_and_presses_it() {
    let terminal = Terminal::at(Route::Counter);
    let tab = slint::SharedString::from(slint::platform::Key::Tab);
    for _ in 0..3 {
        terminal.key(&tab);
    }
    // The connection, the menu, then the first way in.
    terminal.key(" ");
    assert_eq!(terminal.actions(), [UiAction::OpenImage]);
    terminal.key(&slint::SharedString::from(slint::platform::Key::Escape));
    assert_eq!(terminal.actions()[1..], [UiAction::CloseFiles]);
    for _ in 0..6 {
        terminal.key(&tab);
    }
    // And on to the first sample card.
    terminal.key("\n");
    assert!(terminal.sees("Kaffeekarte: 8 of 10 stamps"));
}

#[test]
fn the_offline_badge_says_what_works_and_sends_now() {
    let terminal = Terminal::at(Route::Counter);
    terminal.face(|face| {
        face.desk().report = SyncReport {
            state: SyncState::Offline,
            waiting: 12,
            offline_since: Some(at(-5000)),
            last_sync: Some(at(-5060)),
            last_error: "The server does not answer.".into(),
        };
    });
    terminal.draw();
    terminal.tap("offline · 12 waiting");
    assert!(terminal.sees("No connection"));
    assert!(terminal.sees("12 entries"));
    assert!(terminal.sees("The last try"));
    terminal.tap("Transfer now");
    assert_eq!(terminal.face(|face| face.desk().asked), 1);
    terminal.tap("Close");
    assert!(!terminal.sees("No connection"));
}

#[test]
fn messages_say_what_is_the_matter_with_a_code() {
    let terminal = Terminal::at(Route::Counter);
    for (text, title) in [
        ("forged", "This card is not genuine"),
        ("foreign", "This card belongs to another shop"),
        ("blocked", "This card is blocked"),
        ("WIFI:S:Gast;;", "This code is not a stamp card"),
    ] {
        terminal.scan(text);
        assert!(terminal.sees(title), "{title}");
        terminal.tap("Close the message");
        assert!(!terminal.sees(title));
    }
    terminal.scan("ada");
    terminal.scan("ada");
    let time = crate::controllers::NoticeKind::AlreadyCounted;
    assert_eq!(terminal.face(|face| face.model().counter.notice.kind), time);
}

#[test]
fn a_sale_with_a_member_is_paid_with_one_note() {
    let terminal = Terminal::at(Route::Till);
    terminal.tap("Flat White");
    terminal.tap("Flat White");
    terminal.scan("ada");
    assert!(terminal.sees("€7.30"));
    assert!(terminal.sees("+ 2 stamps"));
    terminal.tap("Why this is earned");
    assert!(terminal.sees("What this sale earns"));
    terminal.tap("Close");
    terminal.tap("Take: Gratis-Keks");
    assert!(terminal.sees("Gratis-Keks is taken"));
    terminal.tap("Pay cash");
    terminal.tap("€10 given");
    assert!(terminal.sees("€2.70"), "the change");
    assert!(!terminal.sees("Total"), "the next basket is empty");
    terminal.tap("Take the last sale back");
    assert!(terminal.sees("Taken back"));
}

#[test]
fn cash_is_typed_and_too_little_is_not_taken() {
    let terminal = Terminal::at(Route::Till);
    terminal.tap("Cappuccino");
    terminal.tap("Pay cash");
    terminal.tap("3");
    terminal.tap("00");
    assert!(terminal.sees("Still missing"));
    assert_eq!(terminal.find("Paid").accessible_enabled(), Some(false));
    terminal.tap("Erase the last digit");
    terminal.tap("Erase the last digit");
    terminal.tap("5");
    terminal.tap("0");
    terminal.tap("0");
    assert!(terminal.sees("€31.40"), "3,500 minor units less 360");
    terminal.tap("Paid");
    assert!(terminal.sees("€31.40"));
    terminal.wait(31);
    assert!(!terminal.sees("Take the last sale back"));
}

#[test]
fn a_sum_and_a_pin_are_typed_on_a_keyboard_too_and_a_scanner_types_neither() {
    let till = Terminal::at(Route::Till);
    till.tap("Cappuccino");
    till.tap("Pay cash");
    for text in ["A", "1", "2", "B", "3", "C"] {
        till.screens.window().dispatch_event(WindowEvent::KeyPressed { text: text.into() });
        till.screens.window().dispatch_event(WindowEvent::KeyReleased { text: text.into() });
    }
    till.draw();
    assert_eq!(till.face(|face| face.model().till.given), None, "letters are a scanner's");
    for digit in ["9", "5", "0", "0"] {
        till.key(digit);
    }
    assert_eq!(till.face(|face| face.model().till.given), Some(Money(9_500)), "each is seen at once");
    till.key(&slint::SharedString::from(Key::Backspace));
    assert!(till.sees("€5.90"), "9.50 less 3.60");
    till.key(&slint::SharedString::from(Key::Return));
    assert_eq!(till.face(|face| face.desk().recorded), 1);

    let counter = Terminal::at(Route::Counter);
    counter.act(UiAction::OpenLost);
    counter.act(UiAction::LostSearch("ben".into()));
    counter.tap("Ben");
    counter.key("9");
    counter.key(&slint::SharedString::from(Key::Return));
    assert!(!counter.sees("That is not the PIN"), "a digit is no PIN, and is not counted as a wrong one");
    for digit in ["0", "9", "0"] {
        counter.key(digit);
    }
    counter.key(&slint::SharedString::from(Key::Return));
    assert!(counter.sees("The old card is blocked"));
}

#[test]
fn a_long_name_has_two_lines_on_its_tile() {
    let till = Terminal::at(Route::Till);
    till.face(|face| {
        face.desk().renamed = Some("Haselnusskrokant-Buttertorte");
        face.reload(at(0));
    });
    for (width, height) in [(1024, 600), (800, 1280), (1280, 800)] {
        till.size(width, height);
        assert_eq!(till.cut(), [""; 0], "{width}×{height}");
    }
}

#[test]
fn an_article_is_searched_and_the_field_is_cleared_by_the_sale() {
    let terminal = Terminal::at(Route::Till);
    terminal.find("Search an article").set_accessible_value("keks");
    terminal.draw();
    assert!(!terminal.sees("Espresso"));
    terminal.tap("Keks");
    terminal.tap("Pay cash");
    terminal.tap("Exact");
    assert!(terminal.sees("Espresso"));
    let field = terminal.find("Search an article").accessible_value();
    assert_eq!(field.as_deref(), Some(""));
}

#[test]
fn a_guest_uses_the_kiosk_alone() {
    let terminal = Terminal::at(Route::Kiosk);
    terminal.tap("Hold up the card");
    assert!(terminal.sees("Hold your card up to the camera"));
    terminal.scan("clara");
    assert!(terminal.sees("Hello Clara!"));
    terminal.tap("Take it now");
    assert!(terminal.sees("Thank you, Clara!"));
    terminal.wait(20);
    assert!(terminal.sees("Collect a stamp here"));
}

#[test]
fn the_kiosk_asks_before_it_forgets() {
    let terminal = Terminal::at(Route::Kiosk);
    terminal.scan("ada");
    terminal.wait(25);
    assert!(terminal.sees("Still there?"));
    terminal.tap("Yes, go on");
    assert!(!terminal.sees("Still there?"));
    assert!(terminal.sees("Hello Ada!"));
    terminal.tap("Help");
    assert!(terminal.sees("Please ask at the counter"), "no bell in this test");
    assert!(terminal.effects().contains(&Effect::CallHelp));
    terminal.wait(41);
    assert!(!terminal.sees("Hello Ada!"));
}

#[test]
fn the_language_changes_while_the_screen_stands() {
    let terminal = Terminal::at(Route::Counter);
    terminal.scan("ada");
    terminal.tap("Menu");
    terminal.tap("Deutsch");
    assert!(terminal.sees("Kaffeekarte: 8 von 10 Stempeln"));
    assert!(terminal.sees("Noch 2 Stempel, dann: Gratis-Kaffee"));
    terminal.tap("English");
    terminal.tap("Dark");
    assert_eq!(terminal.face(|face| face.model().app.look), Look::Dark);
    terminal.tap("High contrast");
    assert!(terminal.face(|face| face.model().app.high_contrast));
    terminal.tap("Till");
    assert_eq!(terminal.face(|face| face.model().app.route), Route::Till);
}

#[test]
fn the_first_run_is_four_taps() {
    let terminal = Terminal::at(Route::Setup);
    terminal.tap("Deutsch");
    terminal.tap("Dunkel");
    terminal.tap("Kasse");
    terminal.tap("Los geht’s");
    assert_eq!(terminal.face(|face| face.model().app.route), Route::Till);
    assert!(terminal.effects().contains(&Effect::KeepSettings));
    assert!(terminal.effects().contains(&Effect::KeepRole(Route::Till)));
}

#[test]
fn a_picture_is_chosen_on_the_screen_itself() {
    let folder = std::env::temp_dir().join(format!("stempel-choose-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("Bilder")).unwrap();
    std::fs::write(folder.join("Bilder/karte.png"), "").unwrap();
    let options =
        FaceOptions { pictures: folder.clone(), language: Language::English, ..FaceOptions::default() };
    let terminal = Terminal::new(options);
    terminal.tap("Picture");
    assert!(terminal.sees("Choose a picture"));
    terminal.tap("Bilder");
    terminal.tap("karte.png");
    assert_eq!(terminal.effects(), [Effect::OpenImage(folder.join("Bilder/karte.png"))]);
    assert!(!terminal.sees("Choose a picture"));
    terminal.tap("Folder");
    terminal.tap("Play 1 picture");
    assert!(terminal.effects().contains(&Effect::OpenFolder(folder.join("Bilder"))));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_scanner_that_types_is_heard_whatever_had_the_focus() {
    let terminal = Terminal::at(Route::Counter);
    let keys = std::rc::Rc::new(std::cell::Cell::new(0));
    let heard = std::rc::Rc::clone(&keys);
    terminal.screens.on_key(move |_| {
        heard.set(heard.get() + 1);
        true
    });
    let mut expected = 0;
    let mut types = |after: &str| {
        terminal.key("X");
        expected += 1;
        assert_eq!(keys.get(), expected, "nobody listens after {after}");
    };
    types("the start");
    terminal.tap("Menu");
    types("a dialog opened");
    terminal.tap("Close");
    types("a dialog closed");
    terminal.scan("ada");
    terminal.tap("Take back the stamp of Ada");
    types("an undo");
    terminal.tap("Close the message");
    types("a message closed");
    terminal.tap("Put the card away");
    types("a card put away");
    terminal.act(UiAction::Navigate(Route::Till));
    types("another screen");
    terminal.tap("Espresso");
    terminal.tap("Take one Espresso out");
    types("a line went");
    terminal.tap("Espresso");
    terminal.tap("Pay cash");
    types("the cash panel opened");
    terminal.tap("Exact");
    types("a sale");
    terminal.act(UiAction::Navigate(Route::Kiosk));
    terminal.tap("Hold up the card");
    types("a page of the kiosk");
}

#[test]
fn a_guest_without_a_card_photographs_one() {
    let terminal = Terminal::at(Route::Kiosk);
    terminal.tap("No card yet?");
    terminal.tap("Without a name");
    assert!(terminal.sees("This code is your card"));
    terminal.scan("new");
    assert!(terminal.sees("Welcome!"));
}

#[test]
fn a_guest_types_the_first_name_on_the_screen() {
    let terminal = Terminal::at(Route::Kiosk);
    terminal.tap("No card yet?");
    terminal.tap("With my first name");
    assert!(terminal.sees("What happens to your name"));
    terminal.tap("I am 16 or older: go on");
    for letter in ["M", "I", "X", "Erase the last letter", "A"] {
        terminal.tap(letter);
    }
    terminal.tap("Done");
    terminal.tap("I have it");
    assert!(terminal.sees("Thank you, Mia!"));
}

#[test]
fn up_down_return_and_escape_are_enough_at_the_kiosk() {
    use slint::platform::Key;
    let options = FaceOptions {
        route: Route::Kiosk,
        language: Language::English,
        can_speak: true,
        demo: true,
        ..FaceOptions::default()
    };
    let terminal = Terminal::new(options);
    let key = |key: Key| terminal.key(&slint::SharedString::from(key));
    key(Key::DownArrow);
    assert!(terminal.face(|face| face.model().app.speech), "who uses the keys hears the page");
    let said = |terminal: &Terminal| -> Vec<String> {
        let said = terminal.effects().into_iter();
        said.filter_map(|effect| if let Effect::Say(text) = effect { Some(text) } else { None }).collect()
    };
    assert_eq!(said(&terminal).last().map(String::as_str), Some("Hold up the card"), "the focus is named");
    key(Key::DownArrow);
    assert_eq!(said(&terminal).last().map(String::as_str), Some("No card yet?"));
    key(Key::Return);
    assert!(terminal.sees("A card for you"));
    assert!(
        said(&terminal).last().is_some_and(|said| said.starts_with("A card for you")),
        "the page is read"
    );
    key(Key::DownArrow);
    key(Key::DownArrow);
    key(Key::UpArrow);
    key(Key::Return);
    assert!(terminal.sees("This code is your card"));
    key(Key::Escape);
    key(Key::Escape);
    assert!(terminal.sees("Collect a stamp here"));
    terminal.scan("clara");
    assert!(terminal.sees("This one is on us: Gratis-Kaffee"));
    key(Key::DownArrow);
    key(Key::Return);
    assert!(terminal.sees("Thank you, Clara!"));
    terminal.wait(20);
    assert!(!terminal.face(|face| face.model().app.speech), "the next guest is not spoken to unasked");
    assert_eq!(terminal.effects().last(), Some(&Effect::Hush));
}

#[test]
fn the_screen_can_be_wiped_for_thirty_seconds() {
    let terminal = Terminal::at(Route::Counter);
    terminal.tap("Menu");
    terminal.tap("Wipe the screen");
    assert!(terminal.sees("The screen can be wiped"));
    for place in [(100.0, 480.0), (640.0, 400.0), (1200.0, 30.0)] {
        terminal.touch(place);
    }
    assert!(!terminal.sees("Menu") || !terminal.face(|face| face.model().counter.guest.is_some()));
    terminal.scan("ada");
    assert_eq!(terminal.face(|face| face.model().counter.landing), 1, "cards are read all the same");
    terminal.wait(29);
    assert!(terminal.sees("The screen can be wiped"));
    terminal.wait(2);
    assert!(!terminal.sees("The screen can be wiped"));
    terminal.tap("One more stamp");
}

#[test]
fn a_guest_with_several_cards_gets_the_stamp_on_the_one_that_is_picked() {
    let terminal = Terminal::at(Route::Counter);
    terminal.scan("dora");
    assert!(terminal.sees("Kaffeekarte: 5 of 10 stamps"));
    assert!(terminal.sees("2 more full cards"));
    assert!(terminal.sees("3 Stempel gelten bis 30. November 2026"));
    terminal.tap("Mittagskarte · 5 of 6");
    assert!(terminal.sees("Mittagskarte: 5 of 6 stamps"));
    terminal.tap("One more stamp");
    assert!(terminal.sees("Mittagskarte: 6 of 6 stamps"));
}

#[test]
fn where_the_screen_asks_a_key_is_the_answer() {
    let options = FaceOptions { language: Language::English, stamp_by_scan: false, ..FaceOptions::default() };
    let terminal = Terminal::new(options);
    terminal.scan("ben");
    assert!(terminal.sees("Kaffeekarte: 2 of 10 stamps"));
    terminal.tap("2 stamps");
    assert!(terminal.sees("Kaffeekarte: 4 of 10 stamps"));
    terminal.scan("ada");
    terminal.key("3");
    terminal.draw();
    assert!(terminal.sees("Kaffeekarte: 10 of 10 stamps"));
    assert!(terminal.sees("One more stamp"));
}

#[test]
fn a_paper_card_is_taken_over_by_one_tap_on_its_last_stamp() {
    let terminal = Terminal::at(Route::Counter);
    terminal.scan("new");
    terminal.tap("Paper card with 6 stamps");
    assert!(terminal.sees("Kaffeekarte: 7 of 10 stamps"), "six from paper, and one for today");
    assert!(terminal.sees("Taken over from paper: 6"));
    assert!(!terminal.sees("Paper card with 6 stamps"), "one paper card for one new card");
}

#[test]
fn above_the_limit_a_managers_pin_lifts_it() {
    let terminal = Terminal::at(Route::Counter);
    terminal.face(|face| face.desk().paper_left = 0);
    terminal.scan("new");
    terminal.tap("Paper card with 4 stamps");
    assert!(terminal.sees("A manager’s PIN"));
    for digit in ["1", "2", "3", "5"] {
        terminal.tap(digit);
    }
    terminal.tap("OK");
    assert!(terminal.sees("That is not the PIN"));
    for digit in ["9", "0", "9", "0"] {
        terminal.tap(digit);
    }
    terminal.tap("OK");
    assert!(terminal.sees("Kaffeekarte: 5 of 10 stamps"));
}

#[test]
fn what_goes_beyond_a_limit_is_done_when_a_second_person_agrees() {
    let terminal = Terminal::at(Route::Counter);
    terminal.face(|face| face.desk().many = Some(8));
    terminal.scan("ada");
    assert!(terminal.sees("Kaffeekarte: 8 of 10 stamps"));
    terminal.tap("One more stamp");
    assert!(
        terminal.sees("A manager’s PIN")
            && terminal.sees("Dieser Karte wurde 9-mal in 1 Std. etwas gutgeschrieben")
    );
    terminal.tap("Close");
    assert!(terminal.sees("A second person has to agree"));
    assert!(terminal.sees("Kaffeekarte: 8 of 10 stamps"), "nothing was done");
    terminal.tap("One more stamp");
    for digit in ["1", "2", "3", "5"] {
        terminal.tap(digit);
    }
    terminal.tap("OK");
    assert!(terminal.sees("That is not the PIN"));
    for digit in ["9", "0", "9", "0"] {
        terminal.tap(digit);
    }
    terminal.tap("OK");
    assert!(terminal.sees("Kaffeekarte: 9 of 10 stamps"), "what was asked for is done at once");
    assert!(!terminal.sees("A second person has to agree"));
    // A guest alone is told, and not asked for a PIN.
    let kiosk = Terminal::at(Route::Kiosk);
    kiosk.face(|face| face.desk().many = Some(1));
    kiosk.scan("ada");
    assert!(!kiosk.sees("A manager’s PIN"));
}

#[test]
fn a_forgotten_card_gets_a_slip_and_the_slip_counts_with_the_card() {
    let terminal = Terminal::at(Route::Counter);
    terminal.tap("The next scan gives 2 stamps");
    terminal.tap("Card forgotten");
    assert!(terminal.sees("Good for 2 stamps"));
    assert!(terminal.sees("The code of the slip"));
    terminal.tap("Done");
    terminal.scan("slip");
    assert!(terminal.sees("First the card, then the receipt"));
    terminal.scan("ben");
    terminal.scan("slip");
    assert!(terminal.sees("Kaffeekarte: 4 of 10 stamps"));
    terminal.scan("old-slip");
    assert!(terminal.sees("That is not counted"));
}

#[test]
fn what_was_given_away_is_handed_out_with_one_tap() {
    let terminal = Terminal::at(Route::Counter);
    terminal.face(|face| face.desk().waiting_gifts = 2);
    terminal.act(UiAction::Tick);
    terminal.tap("2 × Kaffee waiting");
    assert!(terminal.sees("Handed out: Kaffee"));
    assert!(terminal.sees("1 × Kaffee waiting"));
}

#[test]
fn the_day_is_closed_with_its_sums() {
    let terminal = Terminal::at(Route::Counter);
    terminal.scan("ada");
    terminal.tap("Menu");
    terminal.tap("Close the day");
    assert!(terminal.sees("Today at this device"));
    assert!(terminal.sees("Are the rewards booked in the till as well?"));
    terminal.tap("Close");
    assert!(!terminal.sees("Today at this device"));
}

#[test]
fn the_device_says_how_it_is() {
    let terminal = Terminal::at(Route::Counter);
    terminal.tap("Menu");
    terminal.tap("How this device is");
    assert!(terminal.sees("52 GB"));
    terminal.tap("Write a file for support");
    assert_eq!(terminal.effects(), [Effect::WriteReport]);
    terminal.face(|face| face.report_written("/data/support.txt".into()));
    terminal.draw();
    assert!(terminal.sees("The file for support is written"));
}

fn with_staff() -> Terminal {
    let terminal = Terminal::at(Route::Kiosk);
    terminal.face(|face| {
        face.desk().colleagues = ["Lena", "Max"]
            .map(|name| crate::controllers::Colleague {
                id: name.to_lowercase().as_str().into(),
                name: name.into(),
                has_pin: true,
                manager: name == "Lena",
            })
            .to_vec();
    });
    terminal.wait(1);
    terminal
}

#[test]
fn a_reward_at_the_kiosk_is_confirmed_by_somebody_who_works_here() {
    for confirm in ["pin", "staff", "reward-slip"] {
        let terminal = with_staff();
        terminal.scan("clara");
        terminal.tap("Take it now");
        assert!(terminal.sees("Please confirm"));
        terminal.scan("clara");
        assert!(terminal.sees("Please confirm"), "the guest's own card confirms nothing");
        if confirm == "pin" {
            terminal.tap("Max");
            for digit in ["4", "7", "1", "1"] {
                terminal.tap(digit);
            }
            terminal.tap("OK");
        } else {
            terminal.scan(confirm);
        }
        assert!(terminal.sees("Thank you, Clara!"), "{confirm}");
    }
    let terminal = with_staff();
    terminal.scan("clara");
    terminal.tap("Take it now");
    terminal.scan("slip");
    assert!(terminal.sees("That is not counted"), "a slip for stamps is no word for a reward");
    terminal.wait(45);
    assert!(terminal.sees("Collect a stamp here"), "nobody answered");
    assert!(!terminal.sees("Please confirm"));
}

#[test]
fn only_a_managers_pin_leads_out_of_the_kiosk() {
    let terminal = Terminal::new(FaceOptions {
        route: Route::Kiosk,
        language: Language::English,
        ..FaceOptions::default()
    });
    assert!(!terminal.sees("For staff: leave the kiosk"), "without a manager there is no way out");
    assert!(!terminal.sees("Leave the kiosk"));
    terminal.face(|face| {
        face.desk().colleagues.push(crate::controllers::Colleague {
            id: "lena".into(),
            name: "Lena".into(),
            has_pin: true,
            manager: true,
        });
    });
    terminal.wait(1);
    terminal.tap("For staff: leave the kiosk");
    for digit in ["4", "7", "1", "1"] {
        terminal.tap(digit);
    }
    terminal.tap("OK");
    assert!(terminal.sees("That is not the PIN"), "staff do not leave");
    for digit in ["9", "0", "9", "0"] {
        terminal.tap(digit);
    }
    terminal.tap("OK");
    assert_eq!(terminal.face(|face| face.model().app.route), Route::Counter);
}

#[test]
fn no_stamp_at_the_kiosk_without_a_proof() {
    let options = FaceOptions {
        route: Route::Kiosk,
        language: Language::English,
        needs_proof: true,
        ..FaceOptions::default()
    };
    let terminal = Terminal::new(options);
    terminal.scan("receipt");
    assert!(terminal.sees("First the card, then the receipt"));
    terminal.scan("ada");
    assert!(terminal.sees("Hello Ada! And now the receipt"));
    terminal.scan("old-slip");
    assert!(terminal.sees("That is not counted"));
    terminal.tap("Try again");
    terminal.scan("receipt");
    assert!(terminal.sees("Kaffeekarte: 8 of 10 stamps"));
}

#[test]
fn what_somebody_left_open_on_the_first_page_is_closed() {
    let terminal = with_staff();
    terminal.act(UiAction::LeaveKiosk);
    terminal.tap("Close");
    terminal.tap("Reading and listening");
    terminal.wait(45);
    assert!(!terminal.sees("Read everything aloud"));
    terminal.act(UiAction::LeaveKiosk);
    assert!(terminal.sees("A manager’s PIN"));
    terminal.wait(45);
    assert!(!terminal.sees("A manager’s PIN"), "no pad waits for a patient guest");
}

#[test]
fn at_the_till_a_package_goes_into_the_basket_and_an_unknown_one_is_said() {
    let terminal = Terminal::at(Route::Till);
    terminal.scan("4006381333931");
    assert!(terminal.sees("Take one Hausmischung 250 g out"));
    terminal.scan("96385074");
    let message = terminal.find("This article is not in the catalogue");
    let said = message.accessible_description().unwrap_or_default();
    assert_eq!(said, "No article has the number 96385074. Tap the article instead.");
}

#[test]
fn as_long_as_pictures_are_kept_every_screen_says_so() {
    let sign = "Recording the camera’s pictures";
    for route in [Route::Counter, Route::Till, Route::Kiosk, Route::Setup] {
        let terminal = Terminal::at(route);
        assert!(!terminal.sees(sign), "{route:?}");
        terminal.face(|face| face.recording(true));
        terminal.draw();
        assert!(terminal.sees(sign), "{route:?}");
        terminal.face(|face| face.recording(false));
        terminal.draw();
        assert!(!terminal.sees(sign), "{route:?}");
    }
}
