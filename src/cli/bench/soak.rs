//! Guest after guest at one device, and what the process takes of the machine's memory on the way.
//!
//! Nothing is decoded here: each guest's code goes through desk, rules, signature and commit onto the screen, as after a
//! scan, and every tenth screen is drawn. The memory is looked at after each tenth of the guests; what is kept for the
//! screens, the caches and the store must not grow with them.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Instant;

use serde_json::json;
use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::{PhysicalSize, Rgb8Pixel};
use stempel_domain::ports::Clock;

use super::stamp::{InMemory, WINDOW};
use super::{Fast, sample_at};
use crate::cli::{Answer, Failure};
use crate::edge::SystemClock;
use crate::screens::AppScreens;

/// Members who come again and again.
const MEMBERS: u32 = 500;
/// Guests between two screens that are drawn.
const DRAWN_EVERY: u32 = 10;
/// From one guest to the next, in milliseconds: who comes again has been away for longer than the programme's pause.
const GUEST_MS: i64 = 6_000;
/// How often the memory is looked at.
const LOOKS: u32 = 10;
/// What the process may take more after the last tenth than after the fifth, in kilobytes.
const GROWTH_KB_MAX: i64 = 8 * 1024;

/// Lets so many guests come, and fails where the memory grows with them.
pub(super) fn soak(folder: &Path, guests: u32) -> Result<Answer, Failure> {
    let window = MinimalSoftwareWindow::new(RepaintBufferType::ReusedBuffer);
    slint::platform::set_platform(Box::new(InMemory(window.clone()))).map_err(Failure::machine)?;
    let clock = Arc::new(Fast(AtomicI64::new(SystemClock::new("").now_ms())));
    let mut terminal = sample_at(&folder.join("terminal"), clock.clone())?;
    let mut codes = Vec::with_capacity(MEMBERS as usize);
    for guest in 0..MEMBERS {
        codes.push(terminal.add_member(Some(&format!("Gast {guest}")), &None, None)?.token.to_string());
    }
    let mut scan = crate::station::counter_of(terminal, folder.to_owned())?;
    let screens = AppScreens::new(|_| {}).map_err(Failure::machine)?;
    screens.open().map_err(Failure::machine)?;
    window.set_size(PhysicalSize { ..WINDOW });
    let pixels = RefCell::new(vec![Rgb8Pixel::default(); (WINDOW.width * WINDOW.height) as usize]);
    let (begun, mut stamped, mut looks) = (Instant::now(), 0_u64, Vec::new());
    let every = (guests / LOOKS).max(1);
    for guest in 0..guests {
        clock.pass(GUEST_MS);
        let model = scan(&codes[(guest % MEMBERS) as usize]);
        stamped += u64::from(model.counter.fresh > 0);
        screens.show(&model);
        if guest % DRAWN_EVERY == 0 {
            slint::platform::update_timers_and_animations();
            window.request_redraw();
            window.draw_if_needed(|renderer| {
                renderer.render(&mut pixels.borrow_mut(), WINDOW.width as usize);
            });
        }
        if (guest + 1) % every == 0 {
            looks.push((guest + 1, resident_kb()));
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let at = |share: usize| looks.get(looks.len() * share / LOOKS as usize).and_then(|(_, kb)| *kb);
    let (middle, end) = (at(4), looks.last().and_then(|(_, kb)| *kb));
    let growth = middle.zip(end).map(|(middle, end)| end - middle);
    let line = |(guest, kb): &(u32, Option<i64>)| {
        let kb_text = kb.map_or_else(|| "unknown".to_owned(), |kb| format!("{kb} kB"));
        (format!("after {guest:>8} guests: {kb_text}"), json!({ "guests": guest, "resident_kb": kb }))
    };
    let mut lines: Vec<_> = looks.iter().map(line).collect();
    lines.push((
        format!(
            "{guests} guests, {stamped} stamped, {:.0} a second; from the middle to the end {} kB more",
            f64::from(guests) / seconds.max(0.001),
            growth.map_or_else(|| "an unknown number of".to_owned(), |growth| growth.to_string()),
        ),
        json!({ "guests": guests, "stamped": stamped, "seconds": seconds, "growth_kb": growth }),
    ));
    if growth.is_some_and(|growth| growth > GROWTH_KB_MAX) {
        let texts: Vec<_> = lines.into_iter().map(|(text, _)| text).collect();
        return Err(Failure::machine(format!("the memory grows with the guests\n{}", texts.join("\n"))));
    }
    Ok(Answer::lines(lines))
}

/// What the process holds of the machine's memory, in kilobytes, where the system tells.
fn resident_kb() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
