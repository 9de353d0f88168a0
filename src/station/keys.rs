//! A scanner that types: tells its keys from a person's, and takes the layout under which a card verifies.

use std::sync::Arc;

use stempel_domain::ports::Clock;
use stempel_scan::wedge::{Wedge, WedgeOutcome, WedgePolicy};
use stempel_terminal::handle::Handle;

use super::{STATION, act, moment};
use crate::controllers::{SetupController, UiAction};
use crate::edge::SystemClock;
use crate::screens::AppScreens;

/// Hands every key to the wedge before the screen sees it.
pub(super) fn listen(screens: &AppScreens, handle: &Handle, clock: Arc<dyn Clock>) {
    let mut wedge = Wedge::new(WedgePolicy::default());
    let handle = handle.clone();
    screens.on_key(move |text| {
        let good = |text: &str| {
            let text = text.to_owned();
            handle.call(move |terminal| terminal.is_card(&text)).unwrap_or(false)
        };
        let now = moment(&*clock);
        let at_ms = u64::try_from(now.unix_ms).unwrap_or(0);
        match wedge.key(text, at_ms, &good) {
            WedgeOutcome::Read(reading) => {
                if let Some(station) = STATION.with(|slot| slot.borrow().clone()) {
                    act(&station, UiAction::Scan(reading.text), now);
                }
                true
            }
            WedgeOutcome::Unknown { typed } => {
                if let Some(station) = STATION.with(|slot| slot.borrow().clone()) {
                    act(&station, UiAction::Scan(typed), now);
                }
                true
            }
            WedgeOutcome::Nothing => false,
        }
    });
}

/// The same before there is a terminal: a scanner that types the code that the server shows.
pub(super) fn listen_for_code(screens: &AppScreens, heard: impl Fn(String) + 'static) {
    let mut wedge = Wedge::new(WedgePolicy::default());
    let clock = SystemClock::new("");
    screens.on_key(move |text| {
        let at_ms = u64::try_from(moment(&clock).unix_ms).unwrap_or(0);
        match wedge.key(text, at_ms, &SetupController::is_code) {
            WedgeOutcome::Read(reading) => heard(reading.text),
            WedgeOutcome::Unknown { typed } => heard(typed),
            WedgeOutcome::Nothing => return false,
        }
        true
    });
}
