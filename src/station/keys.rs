//! A scanner that types: tells its keys from a person's, and takes the layout under which a card verifies.

use std::sync::Arc;

use stempel_domain::ports::Clock;
use stempel_scan::wedge::{Wedge, WedgeOutcome, WedgePolicy};
use stempel_terminal::handle::Handle;

use super::{STATION, act, moment};
use crate::controllers::{Moment, SetupController, UiAction};
use crate::edge::SystemClock;
use crate::screens::AppScreens;

/// Hands every key to the wedge before the screen sees it.
pub(super) fn listen(screens: &AppScreens, handle: &Handle, clock: Arc<dyn Clock>) {
    let handle = handle.clone();
    let is_card = move |text: &str| {
        let text = text.to_owned();
        handle.call(move |terminal| terminal.is_card(&text)).unwrap_or(false)
    };
    hear(screens, clock, is_card, |text, is_card, now| {
        let Some(station) = STATION.with(|slot| slot.borrow().clone()) else { return };
        if is_card {
            act(&station, UiAction::ScannerHeard, now);
        }
        act(&station, UiAction::Scan(text), now);
    });
}

/// The same before there is a terminal: a scanner that types the code that the server shows.
pub(super) fn listen_for_code(screens: &AppScreens, heard: impl Fn(String) + 'static) {
    hear(screens, Arc::new(SystemClock::new("")), SetupController::is_code, move |text, _, _| heard(text));
}

/// `heard` is told what a scanner has typed, and whether `good` takes it.
fn hear(
    screens: &AppScreens,
    clock: Arc<dyn Clock>,
    good: impl Fn(&str) -> bool + 'static,
    heard: impl Fn(String, bool, Moment) + 'static,
) {
    let mut wedge = Wedge::new(WedgePolicy::default());
    screens.on_key(move |text| {
        let now = moment(&*clock);
        match wedge.key(text, u64::try_from(now.unix_ms).unwrap_or(0), &good) {
            WedgeOutcome::Read(reading) => heard(reading.text, true, now),
            WedgeOutcome::Unknown { typed } => heard(typed, false, now),
            WedgeOutcome::Repeated => {}
            WedgeOutcome::Nothing => return false,
        }
        true
    });
}
