//! Asking the server before a reward is given, beside the window: its thread goes on, and what was wanted is wanted again
//! when there is an answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stempel_sync::SyncError;
use stempel_terminal::handle::Handle;
use stempel_terminal::holds::{Asked, Wish, ask, release};

use super::basket::Items;
use crate::controllers::{Asking, MemberId, RewardId};

/// What a reward is asked for. The same again finds the answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Errand {
    /// A member takes it beside any sale.
    Reward(MemberId, RewardId),
    /// It is part of a sale.
    Sale(Items),
}

/// Called when there is an answer, on the thread that asked.
pub(super) type Told = Arc<dyn Fn() + Send + Sync>;

/// The one question that is open, if any.
#[derive(Default)]
pub(super) struct Question {
    open: Option<(Errand, Wish)>,
    line: Arc<Line>,
    told: Option<Told>,
}

/// What the window's thread and the one that asks both see.
type Line = Mutex<Talk>;

#[derive(Debug, Default)]
struct Talk {
    /// A thread asks. There is never a second one: a network that hangs must not gather threads.
    runs: bool,
    /// What it is to ask next.
    wanted: Option<Wish>,
    /// Which question the answer belongs to; what an older one brings is given back.
    number: u64,
    said: Option<Asked>,
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").field("open", &self.open).finish_non_exhaustive()
    }
}

impl Question {
    /// Calls that whenever there is an answer.
    pub fn when_answered(&mut self, told: Told) {
        self.told = Some(told);
    }

    /// How far it is.
    pub fn state(&self) -> Asking {
        match (&self.open, &lock(&self.line).said) {
            (None, _) => Asking::Nothing,
            (Some(_), None) => Asking::Waiting,
            (Some(_), Some(_)) => Asking::Answered,
        }
    }

    /// Begins to ask, on a thread of its own.
    pub fn begin(&mut self, errand: Errand, wish: Wish, handle: &Handle) {
        self.stop(handle);
        self.open = Some((errand, wish.clone()));
        {
            let mut talk = lock(&self.line);
            (talk.number, talk.said, talk.wanted) = (talk.number + 1, None, Some(wish));
            if std::mem::replace(&mut talk.runs, true) {
                return;
            }
        }
        let (line, told, handle) = (self.line.clone(), self.told.clone(), handle.clone());
        let asks = move || {
            while let Some((number, wish)) = next(&line) {
                talk(&line, number, &wish, &handle);
                if let Some(told) = &told {
                    told();
                }
            }
        };
        if std::thread::Builder::new().name("hold".into()).spawn(asks).is_err() {
            let mut talk = lock(&self.line);
            (talk.runs, talk.wanted, talk.said) = (false, None, Some(Asked::Silent(SyncError::Busy)));
        }
    }

    /// The answer, if this is what was asked. Anything else that was asked is not wanted any more.
    pub fn answer_to(&mut self, errand: &Errand, handle: &Handle) -> Option<(Asked, Wish)> {
        if self.open.as_ref().is_none_or(|(asked, _)| asked != errand) {
            self.stop(handle);
            return None;
        }
        if self.state() != Asking::Answered {
            return None;
        }
        let said = close(&self.line)?;
        self.open.take().map(|(_, wish)| (said, wish))
    }

    /// No answer is waited for any more: it counts as none.
    pub fn wait_no_longer(&self) {
        let mut talk = lock(&self.line);
        talk.wanted = None;
        talk.said.get_or_insert(Asked::Silent(SyncError::Slow));
    }

    /// It is not wanted any more; what was set aside is given back.
    pub fn stop(&mut self, handle: &Handle) {
        let Some((_, wish)) = self.open.take() else { return };
        if close(&self.line) == Some(Asked::Held) {
            give_back(handle, wish);
        }
    }
}

fn lock(line: &Line) -> MutexGuard<'_, Talk> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the answer; one that comes after this is given back.
fn close(line: &Line) -> Option<Asked> {
    let mut talk = lock(line);
    talk.number += 1;
    talk.wanted = None;
    talk.said.take()
}

/// What the thread asks next, with its number; none ends it.
fn next(line: &Line) -> Option<(u64, Wish)> {
    let mut talk = lock(line);
    let wish = talk.wanted.take();
    talk.runs = wish.is_some();
    wish.map(|wish| (talk.number, wish))
}

/// Asks, and keeps the answer for whoever waits for it.
fn talk(line: &Line, number: u64, wish: &Wish, handle: &Handle) {
    let say = |asked: Asked| {
        let mut talk = lock(line);
        let waits = talk.number == number && talk.said.is_none();
        if waits {
            talk.said = Some(asked);
        }
        waits
    };
    let Ok(Ok(mut transport)) = handle.call(|terminal| crate::cli::transport_of(terminal)) else {
        say(Asked::Silent(SyncError::Unreachable));
        return;
    };
    let asked = ask(&mut handle.clone(), &mut transport, wish);
    let held = asked == Asked::Held;
    if !say(asked) && held {
        release(&mut transport, wish);
    }
}

/// Gives back what was set aside for nothing, beside the window. What does not arrive runs out by itself.
pub(super) fn give_back(handle: &Handle, wish: Wish) {
    let handle = handle.clone();
    let _ = std::thread::Builder::new().name("hold".into()).spawn(move || {
        if let Ok(Ok(mut transport)) = handle.call(|terminal| crate::cli::transport_of(terminal)) {
            release(&mut transport, &wish);
        }
    });
}

#[cfg(all(test, feature = "demo"))]
#[allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use std::net::TcpListener;
    use std::time::{Duration, Instant};

    use stempel_domain::{MemberId, Unit};
    use stempel_sync::http::Http;
    use stempel_terminal::exchange::exchange;
    use stempel_wire::message::HoldRequest;
    use tempfile::TempDir;

    use super::super::desk::TerminalDesk;
    use super::super::{face_of, moment};
    use crate::cli::demo::{Ready, start_server, terminal_of};
    use crate::controllers::{Claim, Face, NoticeKind, Route, ScreenModel, UiAction};

    /// Longer than a guest waits for the server.
    const LONG: Duration = Duration::from_secs(8);
    /// The stamps of a full card.
    const FULL: i64 = 10;

    /// A terminal with a real server, in front of Clara's full card.
    struct Shop {
        face: Face<TerminalDesk>,
        clock: std::sync::Arc<dyn stempel_domain::ports::Clock>,
        clara: MemberId,
        /// The terminal's own line to the server.
        line: Http,
        _folder: TempDir,
    }

    impl Shop {
        fn open(route: Route, server: impl FnOnce(&str) -> String) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (_server, ready) = start_server(folder.path()).unwrap();
            let ready: Ready = ready.recv().unwrap().unwrap();
            let at = folder.path().join("terminal");
            let mut terminal = terminal_of(&at, &ready).unwrap();
            let mut line = crate::cli::transport_of(&terminal).unwrap();
            exchange(&mut terminal, &mut line).unwrap();
            terminal.move_to(&server(&ready.url)).unwrap();
            let is_clara = |name: &Option<String>| name.as_deref() == Some("Clara");
            let card = ready.sample.members.iter().find(|member| is_clara(&member.name)).unwrap();
            let code = card.code.to_string();
            let clara = terminal.who(&code).unwrap().member();
            let (face, clock) = face_of(terminal, at, route).unwrap();
            let mut shop = Self { face, clock, clara, line, _folder: folder };
            if route == Route::Till {
                shop.act(UiAction::AddToBasket { sku: "flat-white".into() });
            }
            shop.act(UiAction::Scan(code));
            shop
        }

        fn act(&mut self, action: UiAction) -> ScreenModel {
            self.face.handle(action, moment(&*self.clock));
            self.face.model()
        }

        /// Takes the free coffee; the window's thread comes back while the server is asked.
        fn claim(&mut self) {
            let (member, reward) = (self.clara.to_string().as_str().into(), "free-coffee".into());
            let began = Instant::now();
            let model = self.act(UiAction::Claim { member, reward, how: Claim::Extra });
            assert!(model.asking, "{:?}", model.counter.notice);
            assert!(began.elapsed() < Duration::from_millis(900), "the window stood still");
        }

        /// Lets the clock tick until the server's word is there or is not waited for any more.
        fn wait(&mut self) -> ScreenModel {
            let until = Instant::now() + LONG;
            loop {
                let model = self.act(UiAction::ServerAnswered);
                if !model.asking {
                    return model;
                }
                assert!(Instant::now() < until, "it waits for ever");
                std::thread::sleep(Duration::from_millis(20));
                self.act(UiAction::Tick);
            }
        }

        /// Whether another device could have the whole card now; it gives it back at once.
        fn is_free(&mut self) -> bool {
            let hold = self.hold("0f");
            let free = self.line.hold(&hold, LONG).is_ok();
            if free {
                self.line.hold_release(&hold.hold, LONG).unwrap();
            }
            free
        }

        fn hold(&self, byte: &str) -> HoldRequest {
            let unit = Unit::new("stamp:coffee", 0).unwrap();
            HoldRequest { hold: byte.repeat(16), member: self.clara, unit, amount: FULL }
        }
    }

    fn same(url: &str) -> String {
        url.to_owned()
    }

    #[test]
    fn the_counter_asks_and_goes_on_with_what_was_set_aside() {
        let mut shop = Shop::open(Route::Counter, same);
        shop.claim();
        let model = shop.wait();
        assert_eq!(model.counter.notice.kind, NoticeKind::RewardTaken, "{:?}", model.counter.notice);
        assert!(!shop.is_free(), "what was set aside is there until the redemption is");
    }

    #[test]
    fn what_is_being_given_elsewhere_is_not_given_here() {
        let mut shop = Shop::open(Route::Counter, same);
        let elsewhere = shop.hold("aa");
        shop.line.hold(&elsewhere, LONG).unwrap();
        let stamps = shop.face.model().counter.guest.unwrap().card;
        shop.claim();
        let model = shop.wait();
        assert_eq!(model.counter.notice.kind, NoticeKind::RewardRefused);
        assert!(model.counter.notice.text.contains("an einem anderen Gerät"), "{:?}", model.counter.notice);
        assert_eq!(model.counter.guest.unwrap().card, stamps, "nothing was taken");
    }

    #[test]
    fn what_is_not_wanted_any_more_is_given_back() {
        let mut shop = Shop::open(Route::Counter, same);
        shop.claim();
        let model = shop.act(UiAction::StopAsking);
        assert!(!model.asking && model.counter.last.iter().all(|last| !last.reward));
        let until = Instant::now() + LONG;
        while !shop.is_free() {
            assert!(Instant::now() < until, "it is still set aside");
            std::thread::sleep(Duration::from_millis(50));
        }
        shop.claim();
        assert_eq!(shop.wait().counter.notice.kind, NoticeKind::RewardTaken, "and can be asked for again");
    }

    #[test]
    fn a_server_that_keeps_silent_leaves_it_to_the_programme() {
        // Connections are taken and nothing is said.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", silent.local_addr().unwrap());
        let mut shop = Shop::open(Route::Counter, |_| address);
        let began = Instant::now();
        shop.claim();
        let model = shop.wait();
        assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
        assert_eq!(model.counter.notice.kind, NoticeKind::RewardUnheard, "{:?}", model.counter.notice);
    }

    #[test]
    fn a_sale_with_a_reward_asks_before_it_is_paid() {
        let mut shop = Shop::open(Route::Till, same);
        let model = shop.act(UiAction::BasketReward { reward: "free-coffee".into(), take: true });
        assert_eq!(model.till.basket.total.0, 0, "{:?}", model.till.notice);
        let lines: Vec<_> =
            model.till.basket.lines.iter().map(|line| (&line.name[..], line.amount.0)).collect();
        assert_eq!(lines, [("Flat White", 390), ("Flat White gratis", -390)]);
        let model = shop.act(UiAction::PayCash { given: 0 });
        assert!(model.asking && model.till.last_sale.is_none(), "{:?}", model.till.notice);
        let till = shop.wait().till;
        assert!(till.last_sale.is_some() && till.basket.lines.is_empty(), "{:?}", till.notice);
        assert!(!shop.is_free());
    }
}
