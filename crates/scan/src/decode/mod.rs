//! The pipeline from a frame to the texts of the codes in it.
//!
//! What it promises:
//! - It stops as soon as the caller's rule accepts a text; it never judges a text itself.
//! - A frame never ends the program: each decoder runs behind a guard, and its panic is a frame without a code.
//! - In [`Mode::Live`] nothing new is begun after the budget. In [`Mode::Thorough`] every view and all decoders are
//!   tried, and all codes that can be found are given.
//! - Time comes from the clock that was handed in.
//!
//! - The dear stages of live frames take turns: what one frame has no time for, the next begins with. Where the last
//!   frame showed a code that could not be read, the next frame looks first.
//!
//! rxing is cheap once a picture is black and white and reads what is plain. Our own reader (`qr`) collects finder
//! patterns from several views and samples at full resolution; it reads what is blurred, bent, faint, glared at, or
//! spread over several frames. rqrr has a say in pictures that are all there is.

mod binarize;
mod bits;
mod geometry;
pub mod guard;
mod local_mean;
mod noise;
mod others;
mod qr;
mod stages;
mod view;

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use rxing::DecodeHints;
use rxing::common::BitMatrix;

pub use geometry::{Corner, Corners, middle};
pub use others::{Symbology, article_number, article_number_of_text};
pub use view::View;

use crate::clock::Clock;
use crate::frame::Frame;
use binarize::Binarizer;
use bits::BitPlane;
use local_mean::LocalMean;
use noise::noise_of;
use others::{OtherCode, OtherReader};
use qr::{Effort, Judge, QrReader, Region};
use stages::Caller;
use view::{PlaneRef, Pyramid, to_picture};

/// What every live frame gets.
const LIVE_FIRST: [Stage; 2] = [rxing(View::PLAIN), own(View::PLAIN)];

/// Of these each live frame gets one.
const LIVE_ONE_OF: [Stage; 2] = [own(View::PLAIN.by_mean(10)), own(View::PLAIN.by_mean(20))];

/// What a live frame gets while its budget lasts. Each frame begins with another stage, so that each has its turn on a
/// slow machine too.
const LIVE_IN_TURN: [Stage; 7] = [
    Stage { reader: Reader::OwnPair, view: View::PLAIN },
    own(View::PLAIN.halved(1).by_mean(14)),
    own(View::PLAIN.sharp()),
    own(View::PLAIN.by_mean(20)),
    own(View::PLAIN.halved(1).sharp()),
    own(View::PLAIN.by_mean(10)),
    Stage { reader: Reader::OlderRxing, view: View::PLAIN },
];

/// Stages in turn that a frame without a trace of a code gets: an empty counter is looked at all day.
const CALM_STAGES_MAX: usize = 2;

const fn rxing(view: View) -> Stage {
    Stage { reader: Reader::Rxing, view }
}

const fn own(view: View) -> Stage {
    Stage { reader: Reader::Own, view }
}

/// Of so many live frames without a code, one is searched for other codes than QR codes, where that is wanted.
const OTHER_CODES_EVERY: usize = 3;

/// A live frame is searched for them in so many pixels: the whole picture in a smaller size, or its middle as it is.
const OTHER_PIXELS_MAX: usize = 640 * 480;

/// A live frame larger than this is halved before anything else.
const LIVE_PIXELS_MAX: usize = 1920 * 1200;

/// The most codes of one picture that are kept.
const CODES_MAX: usize = 64;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One frame of many: the first good text ends the search, and no view is begun after the budget.
    Live {
        /// The time after which nothing new is begun.
        budget: Duration,
    },
    /// One picture that is all there is: every view, all decoders, all codes.
    Thorough,
}

impl Mode {
    /// The live mode of the terminal.
    pub const LIVE: Mode = Mode::Live { budget: Duration::from_millis(13) };
}

/// Which decoder read a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reader {
    /// rxing's newer detector on our own black and white.
    Rxing,
    /// rxing's older detector on the same.
    OlderRxing,
    /// rqrr with its own black and white.
    Rqrr,
    /// Our own reader, which saw three finder patterns.
    Own,
    /// Our own reader, which saw two finder patterns and completed them.
    OwnPair,
    /// Our own reader, from several frames added up.
    OwnSum,
    /// rxing's readers of codes that are no QR codes.
    Other,
}

/// Which decoder read a code, and in which view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stage {
    /// The decoder.
    pub reader: Reader,
    /// The view of the picture.
    pub view: View,
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.reader {
            Reader::Rxing => "rxing",
            Reader::OlderRxing => "older rxing",
            Reader::Rqrr => "rqrr",
            Reader::Own => "own",
            Reader::OwnPair => "own, two patterns",
            Reader::OwnSum => "own, several frames",
            Reader::Other => "other codes",
        };
        write!(formatter, "{name} {}", self.view)
    }
}

/// One code that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    /// The text.
    pub text: String,
    /// The kind of code.
    pub symbology: Symbology,
    /// The four corners in pixels of the frame.
    pub corners: Corners,
    /// Who read it.
    pub stage: Stage,
    /// The caller's rule accepted the text.
    pub good: bool,
}

impl Code {
    /// Gives the number of the article that the code names, as 14 digits, or `None` when it names none.
    pub fn article_number(&self) -> Option<String> {
        article_number(self.symbology, &self.text)
    }
}

/// What one frame gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// The codes in the order they were read.
    pub codes: Vec<Code>,
    /// The place in `codes` of the code nearest to the middle of the picture, good ones before others.
    pub nearest: Option<usize>,
    /// The time it took.
    pub elapsed: Duration,
    /// Decoders that panicked on this frame and were stopped.
    pub panics: u32,
}

impl Report {
    /// Gives the code to act on: the good one nearest to the middle.
    pub fn good(&self) -> Option<&Code> {
        self.nearest.and_then(|at| self.codes.get(at)).filter(|code| code.good)
    }

    /// Gives the time it took in milliseconds.
    pub fn millis(&self) -> f64 {
        self.elapsed.as_secs_f64() * 1000.0
    }
}

/// Reads codes from frames. One for each thread: it keeps its memory from frame to frame.
pub struct Pipeline {
    clock: Clock,
    mode: Mode,
    hints: DecodeHints,
    pyramid: Pyramid,
    binarizer: Binarizer,
    /// One matrix for each number of halvings, so that none is made anew for each frame.
    matrices: Vec<Option<BitMatrix>>,
    /// What the matrix at the same place shows now.
    matrices_show: Vec<Option<View>>,
    /// The same pixels as the matrix at the same place, never inverted.
    bits: Vec<BitPlane>,
    /// Black and white by the mean around each pixel.
    mean_bits: BitPlane,
    local_mean: LocalMean,
    /// The standard deviation of this frame's noise.
    noise: f32,
    /// The area where the last frame showed a code that was not read, and a copy of it.
    region: Option<Region>,
    cut_out: Vec<u8>,
    qr: QrReader,
    judge: Judge,
    other: OtherReader,
    with_other_codes: bool,
    frames_without: u32,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pipeline").field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// One frame on its way through the pipeline.
struct Search<'a> {
    base: PlaneRef<'a>,
    caller: Caller<'a>,
    all: bool,
    report: Report,
}

impl Pipeline {
    /// Makes a pipeline; `clock` is read for the budget and for the times in the reports.
    pub fn new(mode: Mode, clock: Clock) -> Self {
        let hints = DecodeHints { TryHarder: Some(true), ..DecodeHints::default() };
        Self {
            clock,
            mode,
            hints,
            pyramid: Pyramid::default(),
            binarizer: Binarizer::default(),
            matrices: Vec::new(),
            matrices_show: Vec::new(),
            bits: Vec::new(),
            mean_bits: BitPlane::default(),
            local_mean: LocalMean::default(),
            noise: 0.0,
            region: None,
            cut_out: Vec::new(),
            qr: QrReader::default(),
            judge: Judge::default(),
            other: OtherReader::default(),
            with_other_codes: false,
            frames_without: 0,
        }
    }

    /// Makes live frames look for other codes than QR codes too, as a till needs for products. Single pictures
    /// without a QR code are always searched for them.
    pub fn with_other_codes(self, with_other_codes: bool) -> Self {
        Self { with_other_codes, ..self }
    }

    /// Begins or ends to look for them from the next frame on.
    pub fn look_for_other_codes(&mut self, wanted: bool) {
        self.with_other_codes = wanted;
    }

    /// Reads the codes of one frame; `good` says which text ends the search.
    pub fn decode(&mut self, frame: &Frame, good: &dyn Fn(&str) -> bool) -> Report {
        let clock = self.clock.clone();
        let start = clock();
        let budget = match self.mode {
            Mode::Live { budget } => budget,
            Mode::Thorough => Duration::MAX,
        };
        let go_on = move || clock().saturating_sub(start) < budget;
        let base =
            PlaneRef { luma: frame.luma(), width: frame.width() as usize, height: frame.height() as usize };
        let all = self.mode == Mode::Thorough;
        let mut search =
            Search { base, caller: Caller { go_on: &go_on, good }, all, report: Report::default() };
        self.noise = noise_of(base);
        self.pyramid.start();
        self.matrices_show.fill(None);
        self.qr.start();
        match self.mode {
            Mode::Live { .. } => self.look_live(&mut search),
            Mode::Thorough => self.look_everywhere(&mut search),
        }
        let mut report = search.report;
        report.nearest = nearest_to_middle(&report.codes, base);
        report.elapsed = (self.clock)().saturating_sub(start);
        report
    }

    fn look_live(&mut self, search: &mut Search<'_>) {
        let halvings = halvings_to_fit(search.base, LIVE_PIXELS_MAX);
        let ended = self.look_in_stages(search, halvings).is_break();
        self.region = self.qr.region(search.base);
        if ended || search.report.codes.iter().any(|code| code.good) {
            self.frames_without = 0;
            self.region = None;
        } else {
            self.frames_without = self.frames_without.saturating_add(1);
        }
    }

    fn look_in_stages(&mut self, search: &mut Search<'_>, halvings: u8) -> ControlFlow<()> {
        let turn = self.frames_without as usize;
        if let Some(region) = self.region {
            self.look_at_region(search, region, if turn.is_multiple_of(2) { 10 } else { 20 })?;
        }
        let others = self.with_other_codes && turn.is_multiple_of(OTHER_CODES_EVERY) && self.region.is_none();
        if others {
            // Such a frame gets nothing dear besides: both would be too much for one.
            self.look(search, rxing(View::PLAIN.halved(halvings)))?;
            if search.report.codes.is_empty() {
                self.ask_other_live(search, halvings, turn / OTHER_CODES_EVERY)?;
            }
        }
        let placed =
            |stage: &Stage| Stage { view: stage.view.halved(stage.view.halvings + halvings), ..*stage };
        let one = &LIVE_ONE_OF[turn % LIVE_ONE_OF.len()];
        for stage in LIVE_FIRST.iter().chain([one]) {
            if !(search.caller.go_on)() {
                return ControlFlow::Continue(());
            }
            self.look(search, placed(stage))?;
        }
        let turn = turn * CALM_STAGES_MAX % LIVE_IN_TURN.len();
        for (done, stage) in LIVE_IN_TURN.iter().cycle().skip(turn).take(LIVE_IN_TURN.len()).enumerate() {
            if !(search.caller.go_on)() || done >= CALM_STAGES_MAX && !self.qr.is_promising() {
                break;
            }
            self.look(search, placed(stage))?;
        }
        ControlFlow::Continue(())
    }

    fn look_everywhere(&mut self, search: &mut Search<'_>) {
        let smallest = halvings_to_fit(search.base, 320 * 320).max(1);
        for halvings in 0..=smallest {
            let view = View::PLAIN.halved(halvings);
            let views =
                [view, view.by_mean(10), view.by_mean(20), view.by_mean(14), view.sharp(), view.faint()];
            self.qr.start_size();
            for view in views {
                let _ = self.look(search, own(view));
            }
            let _ = self.look(search, Stage { reader: Reader::OwnPair, view });
        }
        for halvings in 0..=smallest {
            let view = View::PLAIN.halved(halvings);
            let sharp = view.sharp();
            for view in
                [view, view.inverted(), view.faint(), view.faint().inverted(), sharp, sharp.inverted()]
            {
                let _ = self.look(search, rxing(view));
                let _ = self.look(search, Stage { reader: Reader::OlderRxing, view });
            }
        }
        for view in [View::PLAIN, View::PLAIN.inverted()] {
            let _ = self.ask_rqrr(search, view);
        }
        for view in [View::PLAIN, View::PLAIN.halved(1)] {
            // Within a QR code there is much that looks like a part of another code.
            if search.report.codes.is_empty() {
                let _ = self.ask_other(search, view);
            }
        }
    }

    /// Asks for codes that are no QR codes, in turns: in the whole picture, small enough; in its middle, large enough for a
    /// small code; and in a band across it or down it, for a long one.
    fn ask_other_live(&mut self, search: &mut Search<'_>, halvings: u8, turn: usize) -> ControlFlow<()> {
        let smaller = halvings_to_fit(search.base, OTHER_PIXELS_MAX).max(halvings);
        let PlaneRef { luma, width, height } = search.base;
        let middle = (width >> smaller, height >> smaller);
        let (part, down) = match turn % 6 {
            1 | 4 => middle,
            2 => (width, OTHER_PIXELS_MAX / width.max(1)),
            5 => (OTHER_PIXELS_MAX / height.max(1), height),
            _ => (0, 0),
        };
        if part == 0 || smaller == halvings || halvings > 0 {
            return self.ask_other(search, View::PLAIN.halved(smaller));
        }
        let (part, down) = (part.clamp(1, width), down.clamp(1, height));
        let (left, top) = ((width - part) / 2, (height - down) / 2);
        self.cut_out.clear();
        for row in luma.chunks_exact(width).skip(top).take(down) {
            self.cut_out.extend_from_slice(&row[left..left + part]);
        }
        let Self { cut_out, other, .. } = self;
        let plane = PlaneRef { luma: cut_out, width: part, height: down };
        let found = guard::quietly(|| other.read(plane));
        search.take_other(found, View::PLAIN, Corner::new(left as f32, top as f32))
    }

    /// Asks for codes that are no QR codes.
    fn ask_other(&mut self, search: &mut Search<'_>, view: View) -> ControlFlow<()> {
        let Self { pyramid, other, .. } = self;
        let Some(plane) = pyramid.plane(search.base, view) else { return ControlFlow::Continue(()) };
        let found = guard::quietly(|| other.read(plane));
        search.take_other(found, view, Corner::default())
    }

    /// Runs one stage.
    fn look(&mut self, search: &mut Search<'_>, stage: Stage) -> ControlFlow<()> {
        match stage.reader {
            Reader::Own | Reader::OwnSum => self.look_own(search, stage),
            Reader::OwnPair => self.read_collected(search, stage),
            Reader::Other => self.ask_other(search, stage.view),
            Reader::Rxing | Reader::OlderRxing | Reader::Rqrr => self.look_with_rxing(search, stage),
        }
    }

    /// Collects the finder patterns of a view for our own reader, and reads what can be read so far.
    fn look_own(&mut self, search: &mut Search<'_>, stage: Stage) -> ControlFlow<()> {
        let view = stage.view;
        let scale = (1_u32 << view.halvings.min(31)) as f32;
        if view.mean_reach > 0 {
            // Each halving takes the mean of four.
            let noise = self.noise / scale;
            let Some(plane) = self.pyramid.plane(search.base, view) else { return ControlFlow::Continue(()) };
            if !self.local_mean.binarize(plane, usize::from(view.mean_reach), noise, &mut self.mean_bits) {
                return ControlFlow::Continue(());
            }
            self.qr.collect(&self.mean_bits, scale, Corner::default());
        } else if self.show(search.base, view)
            && let Some(bits) = self.bits.get(usize::from(view.halvings))
        {
            self.qr.collect(bits, scale, Corner::default());
        }
        self.read_collected(search, stage)
    }

    /// Looks closely where the last frame showed a code.
    fn look_at_region(&mut self, search: &mut Search<'_>, region: Region, mean_reach: u8) -> ControlFlow<()> {
        let PlaneRef { luma, width, height } = search.base;
        let Region { left, top, .. } = region;
        if left + region.width > width || top + region.height > height {
            return ControlFlow::Continue(());
        }
        self.cut_out.clear();
        for row in luma.chunks_exact(width).skip(top).take(region.height) {
            self.cut_out.extend_from_slice(&row[left..left + region.width]);
        }
        let plane = PlaneRef { luma: &self.cut_out, width: region.width, height: region.height };
        if self.local_mean.binarize(plane, usize::from(mean_reach), self.noise, &mut self.mean_bits) {
            self.qr.collect(&self.mean_bits, 1.0, Corner::new(left as f32, top as f32));
        }
        self.read_collected(search, own(View::PLAIN.by_mean(mean_reach)))
    }

    fn read_collected(&mut self, search: &mut Search<'_>, stage: Stage) -> ControlFlow<()> {
        let Self { qr, frames_without, .. } = self;
        let (base, caller) = (search.base, search.caller);
        let pairs = stage.reader == Reader::OwnPair;
        let codes_max = match (search.all, pairs) {
            (true, false) => 24,
            (true, true) => 8,
            (false, false) => 6,
            (false, true) => 3,
        };
        let effort = Effort { codes_max, turn: *frames_without as usize, live: !search.all };
        // Places are found in the picture itself, whatever the view.
        let found_in = Stage { view: View { halvings: 0, ..stage.view }, ..stage };
        search.run(found_in, stage.view, |sink| {
            if pairs {
                qr.read_pairs(base, effort, caller, sink)
            } else {
                qr.read(base, effort, caller, sink)
            }
        })
    }

    /// Looks at one view with one of rxing's detectors.
    fn look_with_rxing(&mut self, search: &mut Search<'_>, stage: Stage) -> ControlFlow<()> {
        if !self.show(search.base, stage.view) {
            return ControlFlow::Continue(());
        }
        let Self { matrices, hints, judge, .. } = self;
        let Some(Some(matrix)) = matrices.get(usize::from(stage.view.halvings)) else {
            return ControlFlow::Continue(());
        };
        let caller = search.caller;
        search.run(stage, stage.view, |sink| match stage.reader {
            Reader::OlderRxing => stages::read_with_older_rxing(matrix, hints, judge, caller.good, sink),
            _ => stages::read_with_rxing(matrix, judge, caller, sink),
        })
    }

    /// Makes the view black and white; the inverted view of what is there already costs one pass over its bits.
    fn show(&mut self, base: PlaneRef<'_>, view: View) -> bool {
        let at = usize::from(view.halvings);
        if self.matrices.len() <= at {
            self.matrices.resize_with(at + 1, || None);
            self.bits.resize_with(at + 1, BitPlane::default);
            self.matrices_show.resize(at + 1, None);
        }
        if let (Some(shown), Some(matrix)) = (self.matrices_show[at], &mut self.matrices[at])
            && (View { inverted: view.inverted, ..shown }) == view
        {
            if shown.inverted != view.inverted {
                matrix.flip_self();
            }
            self.matrices_show[at] = Some(view);
            return true;
        }
        self.matrices_show[at] = None;
        let Some(plane) = self.pyramid.plane(base, view) else { return false };
        let PlaneRef { luma, width, height } = plane;
        let (matrix, bits) = (&mut self.matrices[at], &mut self.bits[at]);
        if !self.binarizer.binarize(luma, width, height, view.contrast(), matrix, bits) {
            return false;
        }
        if view.inverted
            && let Some(matrix) = matrix
        {
            matrix.flip_self();
        }
        self.matrices_show[at] = Some(view);
        true
    }

    /// Asks rqrr about what is left: codes that were read already are painted over.
    fn ask_rqrr(&mut self, search: &mut Search<'_>, view: View) -> ControlFlow<()> {
        let Self { pyramid, judge, .. } = self;
        let Some(plane) = pyramid.plane(search.base, view) else { return ControlFlow::Continue(()) };
        let PlaneRef { luma, width, height } = plane;
        let (stage, good) = (Stage { reader: Reader::Rqrr, view }, search.caller.good);
        if search.report.codes.is_empty() {
            return search.run(stage, view, |sink| {
                stages::read_with_rqrr(luma, width, height, view.inverted, judge, good, sink)
            });
        }
        let mut left = luma.to_vec();
        let scale = 1.0 / (1_u32 << view.halvings.min(31)) as f32;
        for code in &search.report.codes {
            let corners = code.corners.map(|corner| Corner::new(corner.x * scale, corner.y * scale));
            geometry::paint_over(&mut left, width, height, &corners);
        }
        search.run(stage, view, |sink| {
            stages::read_with_rqrr(&left, width, height, view.inverted, judge, good, sink)
        })
    }
}

impl Search<'_> {
    /// Runs one decoder behind the guard and takes what it finds, also what it found before a panic.
    ///
    /// Corners are told in pixels of the view of `stage`; the report names the view `shown`.
    fn run(
        &mut self,
        stage: Stage,
        shown: View,
        read: impl FnOnce(stages::Sink<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut found = Vec::new();
        let (good, all) = (self.caller.good, self.all);
        let outcome = guard::quietly(|| {
            read(&mut |text, corners, reader| {
                if text.is_empty() || found.len() >= CODES_MAX {
                    return ControlFlow::Continue(());
                }
                let accepted = good(&text);
                found.push((text, corners, reader, accepted));
                if accepted && !all { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        });
        if outcome.is_none() {
            self.report.panics += 1;
        }
        for (text, corners, reader, good) in found {
            let corners = to_picture(corners, stage.view);
            let (symbology, stage) = (Symbology::Qr, Stage { reader, view: shown });
            self.keep(Code { text, symbology, corners, stage, good });
        }
        outcome.unwrap_or(ControlFlow::Continue(()))
    }

    /// Takes a code that is no QR code, if there is one; `None` stands for a panic. Its corners are told in pixels of the
    /// view, from `from` on.
    fn take_other(&mut self, found: Option<Option<OtherCode>>, view: View, from: Corner) -> ControlFlow<()> {
        let Some(found) = found else {
            self.report.panics += 1;
            return ControlFlow::Continue(());
        };
        let Some(found) = found.filter(|found| !found.text.is_empty()) else {
            return ControlFlow::Continue(());
        };
        let good = (self.caller.good)(&found.text);
        let corners = found.corners.map(|corner| Corner::new(corner.x + from.x, corner.y + from.y));
        self.keep(Code {
            corners: to_picture(corners, view),
            text: found.text,
            symbology: found.symbology,
            stage: Stage { reader: Reader::Other, view },
            good,
        });
        if good && !self.all { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Keeps a code unless the same print was read before in another view.
    fn keep(&mut self, code: Code) {
        let known = |old: &Code| old.text == code.text && geometry::overlap(&old.corners, &code.corners);
        if self.report.codes.len() < CODES_MAX && !self.report.codes.iter().any(known) {
            self.report.codes.push(code);
        }
    }
}

/// Counts the halvings after which a picture has at most so many pixels.
fn halvings_to_fit(plane: PlaneRef<'_>, pixels_max: usize) -> u8 {
    (0..8).find(|&halvings| (plane.width >> halvings) * (plane.height >> halvings) <= pixels_max).unwrap_or(8)
}

fn nearest_to_middle(codes: &[Code], base: PlaneRef<'_>) -> Option<usize> {
    let place = Corner::new(base.width as f32 / 2.0, base.height as f32 / 2.0);
    let distance = |code: &Code| geometry::squared_distance_from(&code.corners, place);
    let order = |one: &Code, other: &Code| {
        other.good.cmp(&one.good).then_with(|| distance(one).total_cmp(&distance(other)))
    };
    codes.iter().enumerate().min_by(|(_, one), (_, other)| order(one, other)).map(|(at, _)| at)
}
