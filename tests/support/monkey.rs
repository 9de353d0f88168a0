//! A child that presses everything: whatever is done in whatever order, nothing is lost and there is a way on.

use crate::controllers::{
    Asking, Claim, Colleague, Face, FaceOptions, KioskPage, Language, Look, Route, UiAction,
};
use crate::sample_desk::{SampleDesk, at};
use crate::terminal::Terminal;

/// Actions without a window.
const ACTIONS: u32 = 100_000;
/// Touches at each screen of the real window.
const TOUCHES: u32 = 150;

/// Numbers that look like chance and are the same each time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one_of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.throw(things.len() as u64) as usize]
    }
}

fn some_action(dice: &mut Dice, face: &Face<SampleDesk>) -> UiAction {
    let model = face.model();
    let member = dice.one_of(&["ada", "ben", "clara", "dora", "new", "nobody", ""]).into();
    let reward = dice.one_of(&["free-coffee", "cookie", "nothing"]).into();
    let sku = dice.one_of(&["espresso", "flat-white", "latte", "cookie", "none"]).into();
    let text = dice.one_of(&[
        "ada",
        "ben",
        "clara",
        "ada2",
        "dora",
        "new",
        "forged",
        "foreign",
        "blocked",
        "",
        "receipt",
        "slip",
        "old-slip",
        "reward-slip",
        "staff",
        "R1-of-nobody",
        "R1-of-ada",
        "https://x#ABCD",
        "WIFI:S:Gast;;",
    ]);
    let event = match dice.throw(3) {
        0 => model.counter.last.first().map(|last| last.event.clone()),
        1 => model.till.last_sale.as_ref().map(|last| last.event.clone()),
        _ => None,
    };
    let count = dice.throw(6) as u32;
    match dice.throw(74) {
        0..=9 => UiAction::Scan(text.into()),
        10 => UiAction::AddStamp { member, count: 1 + count % 3 },
        11 => UiAction::Claim { member, reward, how: dice.one_of(&[Claim::OfThese, Claim::Extra]) },
        12 => UiAction::Undo { event: event.unwrap_or_else(|| "e-0".into()) },
        13 => UiAction::Arm(count),
        14 => UiAction::PutAway,
        15 => UiAction::CloseNotice,
        16 => UiAction::PickCard { programme: dice.one_of(&["coffee", "lunch", "x"]).into() },
        17 => UiAction::TakePaper { stamps: count },
        18 => UiAction::ForgottenCard,
        19 => UiAction::CloseSlip,
        20 => UiAction::ReleaseGift { pool: "coffee".into() },
        21 => UiAction::OpenClosing,
        22 => UiAction::CloseClosing,
        23 => UiAction::PinWho(dice.one_of(&["lena", "max", "x"]).into()),
        24..=26 => UiAction::PinKey(dice.one_of(&["9090", "4711", "0", "5", "x"]).into()),
        27 => UiAction::PinErase,
        28 => UiAction::PinDone,
        29 => UiAction::PinCancel,
        30 => UiAction::LeaveKiosk,
        31 => UiAction::Clean,
        32 => UiAction::EndCleaning,
        33 => UiAction::NoCode,
        34..=36 => UiAction::AddToBasket { sku },
        37 => UiAction::RemoveLine { line: dice.one_of(&["espresso", "cookie", "discount"]).into() },
        38 => UiAction::RemoveMember,
        39 => UiAction::BasketReward { reward, take: count > 2 },
        40 => UiAction::PickCategory(dice.one_of(&["coffee", "all", "x"]).into()),
        41 => UiAction::Search(dice.one_of(&["k", "", "🍰", "zzz"]).into()),
        42 => UiAction::OpenCash,
        43 => UiAction::CloseCash,
        44 => UiAction::CashKey(dice.one_of(&["1", "00", "999999999999"]).into()),
        45 => UiAction::CashErase,
        46 => UiAction::PayTyped,
        47 => UiAction::PayCash { given: dice.throw(3_000) as i64 },
        48 => UiAction::KioskStart,
        49 => dice
            .one_of(&[UiActionKind::Join, UiActionKind::Anonymous, UiActionKind::Named, UiActionKind::Agree])
            .into(),
        50 => UiAction::KioskKey(dice.one_of(&["A", "ß", "-", "1", "ÄÖÜ"]).into()),
        51 => UiAction::KioskErase,
        52 => UiAction::KioskNameDone,
        53 => UiAction::KioskLeave,
        54 => UiAction::KioskStay,
        55 => UiAction::KioskHelp,
        56 => UiAction::Navigate(dice.one_of(&[Route::Counter, Route::Till, Route::Kiosk])),
        57 => UiAction::SetSpeech(count > 2),
        58 => UiAction::Say("Hallo".into()),
        59 => UiAction::OpenLost,
        60 => UiAction::CloseLost,
        61 => UiAction::LostSearch(dice.one_of(&["a", "ada", ""]).into()),
        62 => UiAction::LostPick(dice.one_of(&["4711-ada", "4711-none"]).into()),
        63 => UiAction::KioskScore(count * 3),
        64 => UiAction::KioskWhy("Kaffee".into()),
        65 | 66 => UiAction::ServerAnswered,
        67 => UiAction::StopAsking,
        69 => UiAction::PickAddition(dice.one_of(&["oat", "shot", "x"]).into()),
        70 => UiAction::AddChosen,
        71 => UiAction::CloseAdditions,
        72 => UiAction::ServeAway(count > 2),
        _ => UiAction::Tick,
    }
}

#[derive(Clone, Copy)]
enum UiActionKind {
    Join,
    Anonymous,
    Named,
    Agree,
}

impl From<UiActionKind> for UiAction {
    fn from(kind: UiActionKind) -> Self {
        match kind {
            UiActionKind::Join => Self::KioskJoin,
            UiActionKind::Anonymous => Self::KioskJoinAnonymous,
            UiActionKind::Named => Self::KioskJoinNamed,
            UiActionKind::Agree => Self::KioskAgree,
        }
    }
}

fn colleagues() -> Vec<Colleague> {
    let colleague =
        |name: &str, manager| Colleague { id: name.into(), name: name.into(), has_pin: true, manager };
    vec![colleague("lena", true), colleague("max", false)]
}

#[test]
fn a_hundred_thousand_presses_lose_no_event_and_leave_a_way_on() {
    let mut dice = Dice(4711);
    let options = FaceOptions { can_speak: true, needs_proof: true, ..FaceOptions::default() };
    let mut face = Face::new(SampleDesk::default(), options, at(0));
    face.desk().colleagues = colleagues();
    face.desk().paper_left = u32::MAX;
    let (mut seconds, mut stored) = (0, 0);
    for press in 0..ACTIONS {
        let action = some_action(&mut dice, &face);
        // Half of the time there is a server that is asked before a reward, and answers when it likes.
        face.desk().asks = press % 2_000 >= 1_000;
        if action == UiAction::ServerAnswered && face.desk().asking == Asking::Waiting {
            face.desk().asking = Asking::Answered;
        }
        let pay_or_claim = format!("{action:?}");
        face.handle(action, at(seconds));
        let model = face.model();
        let now_stored = face.desk().recorded;
        if now_stored > stored {
            assert_eq!(now_stored, stored + 1, "press {press}, {pay_or_claim}: one press is one event");
            let newest = format!("e-{now_stored}");
            let on_the_screen = model.counter.last.first().is_some_and(|last| last.event.0 == newest)
                || model.till.last_sale.as_ref().is_some_and(|last| last.event.0 == newest)
                || (model.app.route == Route::Kiosk
                    && matches!(model.kiosk.page, KioskPage::Card | KioskPage::Thanks));
            assert!(on_the_screen, "press {press}, {pay_or_claim}: {newest} is nowhere to be seen");
            stored = now_stored;
        }
        assert!(model.counter.last.len() <= 3 && model.counter.armed <= 3);
        assert!(model.kiosk.typed.chars().count() <= 24);
        assert!(model.kiosk.asking.is_none_or(|left| left <= 20));
        if let Some(guest) = &model.counter.guest {
            assert!(guest.card.stamps <= guest.card.slots, "press {press}: {guest:?}");
        }
        seconds += i64::from(dice.throw(4) == 0);
        // Now and then everybody goes away: the screens find their way back by themselves.
        if press % 1_000 == 999 {
            for _ in 0..45 {
                seconds += 1;
                face.handle(UiAction::Tick, at(seconds));
            }
            let model = face.model();
            assert_eq!((model.app.cleaning, model.asking), (None, false));
            if model.app.route == Route::Kiosk {
                assert_eq!(model.kiosk.page, KioskPage::Attract, "press {press}");
                assert!(model.pin.is_none() && model.kiosk.guest.is_none() && !model.app.speech);
            }
            face.handle(UiAction::PinCancel, at(seconds));
            face.handle(
                UiAction::Navigate(dice.one_of(&[Route::Counter, Route::Till, Route::Kiosk])),
                at(seconds),
            );
        }
    }
    assert!(stored > 1_000, "only {stored} events: the presses did too little");
}

/// Touches anywhere on the real window, drawn by nobody; then somebody holds up a card.
fn touched_all_over(route: Route, seed: u64) -> Terminal {
    let terminal = Terminal::new(FaceOptions {
        route,
        language: Language::English,
        look: Look::Light,
        ..FaceOptions::default()
    });
    let mut dice = Dice(seed);
    for touch in 0..TOUCHES {
        terminal.touch((dice.throw(1280) as f32, dice.throw(800) as f32));
        if touch % 10 == 0 {
            terminal.scan(dice.one_of(&["ada", "ben", "clara", "new", "forged"]));
        }
        if touch % 25 == 0 {
            terminal.wait(dice.throw(30) as i64);
        }
    }
    terminal.wait(60);
    terminal
}

#[test]
fn touches_all_over_the_kiosk_end_at_its_first_page() {
    let terminal = touched_all_over(Route::Kiosk, 1);
    assert_eq!(terminal.face(|face| face.model().app.route), Route::Kiosk, "no touch leads out of it");
    assert!(terminal.sees("Collect a stamp here") || terminal.sees("Hier gibt’s Stempel"));
    // The pause after what the touches may have stamped.
    terminal.wait(600);
    terminal.scan("ben");
    assert_eq!(terminal.face(|face| face.model().kiosk.page), KioskPage::Card);
}

#[test]
fn touches_all_over_the_counter_leave_it_ready_for_the_next_card() {
    let terminal = touched_all_over(Route::Counter, 2);
    terminal.act(UiAction::Navigate(Route::Counter));
    let before = terminal.face(|face| face.desk().recorded);
    terminal.scan("ada2");
    let counted = terminal.face(|face| face.desk().recorded) > before;
    let said = terminal.face(|face| face.model().counter.notice.kind)
        == crate::controllers::NoticeKind::AlreadyCounted;
    assert!(counted || said);
}

#[test]
fn the_taps_that_are_promised() {
    // From the scan to the stamp: none. A new guest: none.
    let terminal = Terminal::at(Route::Counter);
    terminal.scan("ada");
    terminal.scan("new");
    assert_eq!(terminal.taps(), 0);
    assert_eq!(terminal.face(|face| face.model().counter.landing), 2);
    // Three coffees, one of them free: two.
    let terminal = Terminal::at(Route::Counter);
    terminal.tap("The next scan gives 3 stamps");
    terminal.scan("ada");
    terminal.tap("1 of these free");
    assert!(terminal.taps() <= 2 && terminal.sees("Taken: Gratis-Kaffee"));
}
