//! From a frame that was captured to a stamp that is durable and on the screen, whole and in its parts.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType, TargetPixel};
use slint::platform::{Platform, WindowAdapter};
use slint::{PhysicalSize, PlatformError, Rgb8Pixel};
use stempel_scan::clock::monotonic;
use stempel_scan::decode::{Mode, Pipeline};
use stempel_scan::frame::Frame;

use super::{Figure, in_a_frame, sample, time};
use crate::cli::Failure;
use crate::screens::AppScreens;

/// Guests that are measured, after a few that warm the caches up.
const GUESTS: usize = 60;
const WARM: usize = 5;
/// The window of a tablet.
pub(super) const WINDOW: PhysicalSize = PhysicalSize { width: 1280, height: 800 };

/// A platform that draws into memory.
pub(super) struct InMemory(pub Rc<MinimalSoftwareWindow>);

impl Platform for InMemory {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        Ok(self.0.clone())
    }
}

/// Measures guests one after the other: decode, then rules, signature, commit and look, then draw.
pub(super) fn stamp(folder: &Path) -> Result<Vec<Figure>, Failure> {
    let window = MinimalSoftwareWindow::new(RepaintBufferType::ReusedBuffer);
    slint::platform::set_platform(Box::new(InMemory(window.clone()))).map_err(Failure::machine)?;
    let mut terminal = sample(&folder.join("terminal"))?;
    let mut codes = Vec::with_capacity(GUESTS + WARM);
    for guest in 0..GUESTS + WARM {
        codes.push(terminal.add_member(Some(&format!("Gast {guest}")), &None, None)?.token.to_string());
    }
    let mut scan = crate::station::counter_of(terminal, folder.to_owned())?;
    let screens = AppScreens::new(|_| {}).map_err(Failure::machine)?;
    screens.open().map_err(Failure::machine)?;
    window.set_size(WINDOW);
    let pixels = RefCell::new(vec![Rgb8Pixel::default(); (WINDOW.width * WINDOW.height) as usize]);
    let draw = || {
        slint::platform::update_timers_and_animations();
        window.request_redraw();
        window.draw_if_needed(|renderer| {
            renderer.render(&mut pixels.borrow_mut(), WINDOW.width as usize);
        });
    };
    let clock = monotonic();
    let mut pipeline = Pipeline::new(Mode::LIVE, clock.clone());
    let (mut whole, mut decoding, mut storing, mut drawing) = (vec![], vec![], vec![], vec![]);
    let mut first_frame = None;
    for (guest, code) in codes.iter().enumerate() {
        let (width, height, luma) = in_a_frame(Some(code))?;
        let frame = Frame::new(width, height, luma, clock()).map_err(Failure::machine)?;
        let begun = Instant::now();
        let report = pipeline.decode(&frame, &|text| text == code);
        let text = report.good().map(|code| code.text.clone());
        let text = text.ok_or_else(|| Failure::machine("the decoder does not read its own sample"))?;
        let decoded = Instant::now();
        let model = scan(&text);
        let stored = Instant::now();
        if model.counter.fresh == 0 {
            return Err(Failure::machine("a guest of the bench got no stamp"));
        }
        screens.show(&model);
        draw();
        let drawn = Instant::now();
        first_frame.get_or_insert(frame);
        if guest >= WARM {
            decoding.push(decoded - begun);
            storing.push(stored - decoded);
            drawing.push(drawn - stored);
            whole.push(drawn - begun);
        }
    }
    let frame = first_frame.ok_or_else(|| Failure::machine("there was no guest"))?;
    let pass = || frame.luma().iter().map(|&byte| u64::from(byte)).sum::<u64>();
    let pass_times = time(GUESTS, |_| Ok::<_, Failure>(pass()))?;
    let fill = time(GUESTS, |turn| {
        let shade = Rgb8Pixel::from_rgb(turn as u8, 0, 0);
        pixels.borrow_mut().fill(shade);
        Ok::<_, Failure>(())
    })?;
    let sync = time(GUESTS, |_| {
        let file = std::fs::File::create(folder.join("floor"))?;
        std::io::Write::write_all(&mut &file, &[7; 4096])?;
        file.sync_all()
    })
    .map_err(Failure::machine)?;
    let floors: Vec<_> =
        pass_times.iter().zip(&sync).zip(&fill).map(|((pass, sync), fill)| *pass + *sync + *fill).collect();
    let figure = |what: &str, times, floor, floor_times| Figure {
        name: "stamp",
        what: what.to_owned(),
        times,
        floor,
        floor_times,
    };
    Ok(vec![
        figure("frame to stamp durable and on the screen", whole, "the three floors below", floors),
        figure("of it: decode", decoding, "one pass over the bytes", pass_times),
        figure("of it: rules, signature, commit, look", storing, "one page with fsync", sync),
        figure("of it: draw 1280×800 without a graphics card", drawing, "filling the pixels", fill),
    ])
}
