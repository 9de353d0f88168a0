//! Our own reader of QR codes, for what the libraries do not read.
//!
//! Finder patterns are collected from as many black-and-white views of a frame as there is time for; the grid is always
//! sampled from the brightness at full resolution. From there on nothing is black or white until the error correction
//! has to know: modules are odds, doubtful codewords are erasures, blur is undone by what the known modules teach,
//! bent grids are followed, what one block proved helps the next, and frames that are not enough alone are added up.
//!
//! The way of a code: [`finder`] → [`triples`] or [`pairs`] → [`pose`] → [`timing`], [`bend`], [`grid`] → [`equaliser`], [`unmix`] →
//! [`symbol`], and over frames [`tracks`].

mod bend;
mod content;
mod equaliser;
mod finder;
mod format;
mod geometry;
mod grid;
mod judge;
mod layout;
mod pairs;
mod pose;
mod reed_solomon;
mod symbol;
mod timing;
mod tracks;
mod triples;
mod unmix;

use std::ops::ControlFlow;

use super::Reader;
use super::bits::BitPlane;
use super::geometry::{Corner, Corners, middle};
use super::stages::{Caller, Rule, Sink};
use super::view::PlaneRef;
use equaliser::Equaliser;
use finder::{Finder, FinderSearch};
use grid::Grid;
pub(crate) use judge::Judge;
use layout::Layout;
use pose::Pose;
use symbol::{Outcome, SymbolDecoder};
use tracks::{Sight, Tracks};
use triples::Triple;
use unmix::Unmixer;

/// Known modules must fit at least so well for a pose to be a code.
const FIT_MIN: f32 = 0.34;
/// Known modules must fit so well for a code to be followed over frames.
const FIT_FOLLOWED_MIN: f32 = 0.45;
/// The largest version.
const VERSION_MAX: usize = 40;
/// Versions that are laid over one joining.
const VERSIONS_TRIED: usize = 4;
/// A version that fits so much worse than another is not that of the code.
const SCORE_APART: f32 = 0.25;
/// A grid is bent when its known modules fit so much better by that.
const BEND_GAIN_MIN: f32 = 0.04;
/// Live frames bend no larger grid: what that costs grows with the grid's area.
const BENT_LIVE_VERSION_MAX: usize = 25;
/// Rounds in which proven blocks help the others.
const TURBO_ROUNDS: usize = 3;
/// Rounds of learning in the equaliser.
const EQUALISER_ROUNDS: usize = 3;
/// Estimates of the shares in the unmixer.
const UNMIX_ROUNDS: usize = 4;
/// Rows from one search for finder patterns to the next.
const ROW_STEP: usize = 2;
/// The most finder patterns of a frame that are kept.
const FINDERS_MAX: usize = 400;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effort {
    /// So many joinings of three patterns are tried, and so many completions of two.
    pub(crate) codes_max: usize,
    /// Which of the dear ways to read a grid comes first; live frames take turns.
    pub(crate) turn: usize,
    /// Frames belong together in time, and may be added up.
    pub(crate) live: bool,
}

/// One way to look at a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    /// Follow paper and cloth that bend.
    bent: bool,
    /// Follow light that changes within a few modules.
    close: bool,
}

/// All ways.
const WAYS: [Way; 4] = [
    Way { bent: false, close: false },
    Way { bent: false, close: true },
    Way { bent: true, close: false },
    Way { bent: true, close: true },
];

/// An area of a picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// Reads QR codes; keeps its memory from frame to frame.
#[derive(Debug, Default)]
pub(crate) struct QrReader {
    search: FinderSearch,
    found: Vec<Finder>,
    finders: Vec<Finder>,
    triples: Vec<Triple>,
    used: Vec<Corner>,
    /// The joinings that were tried on this frame.
    tried: Vec<[Corner; 3]>,
    /// Where this frame showed a code that was not read, with how well it fits.
    seen: Option<(f32, [Corner; 3])>,
    tracks: Tracks,
    desk: Desk,
}

/// The memory in which one grid is read.
#[derive(Debug, Default)]
struct Desk {
    layouts: Vec<Option<Box<Layout>>>,
    grid: Grid,
    equaliser: Equaliser,
    unmixer: Unmixer,
    blackness: Vec<f32>,
    symbol: SymbolDecoder,
    soft: Vec<f32>,
    proven: Vec<f32>,
    /// The odds that scatter least of all ways tried, with their blur undone in one step: what is added up over frames.
    heard: Vec<f32>,
    heard_spread: f32,
}

/// What reading one pose needs.
struct Parts<'a> {
    luma: PlaneRef<'a>,
    pose: &'a Pose,
    version: usize,
    caller: Caller<'a>,
}

impl QrReader {
    /// Begins a frame.
    pub(crate) fn start(&mut self) {
        self.finders.clear();
        self.used.clear();
        self.tried.clear();
        self.seen = None;
        self.tracks.start();
    }

    /// Forgets the finder patterns and joinings so far, so that views of another size are judged by themselves.
    pub(crate) fn start_size(&mut self) {
        self.finders.clear();
        self.tried.clear();
    }

    /// Gives the area around the code that this frame showed and that was not read.
    pub(crate) fn region(&self, luma: PlaneRef<'_>) -> Option<Region> {
        let (_, [corner, right, below]) = self.seen?;
        let far = Corner::new(right.x + below.x - corner.x, right.y + below.y - corner.y);
        let all = [corner, right, below, far];
        let (left, top) = all.iter().fold((f32::MAX, f32::MAX), |(x, y), c| (x.min(c.x), y.min(c.y)));
        let (end, bottom) = all.iter().fold((0.0_f32, 0.0_f32), |(x, y), c| (x.max(c.x), y.max(c.y)));
        let margin = 0.7 * (end - left).max(bottom - top) + 24.0;
        let at = |value: f32, side: usize| (value.max(0.0) as usize).min(side);
        let (left, top) = (at(left - margin, luma.width), at(top - margin, luma.height));
        let (end, bottom) = (at(end + margin, luma.width), at(bottom + margin, luma.height));
        Some(Region { left, top, width: end - left, height: bottom - top })
    }

    /// Tells whether this frame showed finder patterns that may be a code's.
    pub(crate) fn is_promising(&self) -> bool {
        self.seen.is_some()
    }

    /// Collects the finder patterns of a view. Its pixels are `scale` times as large as the picture's, and its first pixel
    /// lies at `from`.
    pub(crate) fn collect(&mut self, plane: &BitPlane, scale: f32, from: Corner) {
        self.found.clear();
        self.search.search(plane, ROW_STEP, &mut self.found);
        for finder in &self.found {
            let finder = finder.placed(scale, from);
            let near = |old: &Finder| {
                old.inverted == finder.inverted
                    && (old.centre.x - finder.centre.x).abs() < finder.across
                    && (old.centre.y - finder.centre.y).abs() < finder.down
            };
            match self.finders.iter().position(near) {
                Some(at) => {
                    let old = &mut self.finders[at];
                    let hits = old.hits + finder.hits;
                    // The view that crossed it most often places it best.
                    let best = if finder.hits > old.hits { finder } else { *old };
                    *old = Finder { hits, ..best };
                }
                None if self.finders.len() < FINDERS_MAX => self.finders.push(finder),
                None => {}
            }
        }
    }

    /// Reads codes of which three finder patterns were collected.
    pub(crate) fn read(
        &mut self,
        luma: PlaneRef<'_>,
        effort: Effort,
        caller: Caller<'_>,
        sink: Sink<'_>,
    ) -> ControlFlow<()> {
        let mut triples = std::mem::take(&mut self.triples);
        triples::join(&mut self.finders, luma, &mut triples);
        let outcome = self.read_triples(&triples, luma, Reader::Own, effort, caller, sink);
        self.triples = triples;
        outcome
    }

    /// Reads codes of which two finder patterns were collected.
    pub(crate) fn read_pairs(
        &mut self,
        luma: PlaneRef<'_>,
        effort: Effort,
        caller: Caller<'_>,
        sink: Sink<'_>,
    ) -> ControlFlow<()> {
        let mut triples = std::mem::take(&mut self.triples);
        pairs::complete(&self.finders, luma, &mut triples);
        // A guessed pattern says little; the grid that it makes says more.
        for triple in &mut triples {
            if !(caller.go_on)() {
                break;
            }
            triple.cost = -self.best_score(luma, triple);
        }
        triples.sort_unstable_by(triples::by_cost);
        let outcome = self.read_triples(&triples, luma, Reader::OwnPair, effort, caller, sink);
        self.triples = triples;
        outcome
    }

    /// Gives the score of the best version that can be laid over a joining.
    fn best_score(&mut self, luma: PlaneRef<'_>, triple: &Triple) -> f32 {
        versions_near(triple.side)
            .filter_map(|version| Pose::lay(luma, triple, layout_of(&mut self.desk.layouts, version)?))
            .map(|pose| pose.score)
            .fold(0.0, f32::max)
    }

    fn read_triples(
        &mut self,
        triples: &[Triple],
        luma: PlaneRef<'_>,
        reader: Reader,
        effort: Effort,
        caller: Caller<'_>,
        sink: Sink<'_>,
    ) -> ControlFlow<()> {
        for triple in triples.iter().take(effort.codes_max) {
            if !(caller.go_on)() {
                break;
            }
            let known = triple.centres.iter().any(|centre| self.used.contains(centre))
                || self.tried.iter().any(|tried| is_same(tried, triple));
            if known {
                continue;
            }
            self.tried.push(triple.centres);
            if let Some((text, corners, frames)) = self.read_triple(luma, triple, effort, caller) {
                self.used.extend(triple.centres);
                self.tracks.forget(middle(&corners));
                sink(text, corners, if frames > 1 { Reader::OwnSum } else { reader })?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Lays the likely versions over a joining and reads the best; gives the text, the corners and the number of frames
    /// that were needed.
    fn read_triple(
        &mut self,
        luma: PlaneRef<'_>,
        triple: &Triple,
        effort: Effort,
        caller: Caller<'_>,
    ) -> Option<(String, Corners, u32)> {
        let mut poses: [Option<(usize, Pose)>; VERSIONS_TRIED] = std::array::from_fn(|_| None);
        for (slot, version) in poses.iter_mut().zip(versions_near(triple.side)) {
            let layout = layout_of(&mut self.desk.layouts, version)?;
            *slot = Pose::lay(luma, triple, layout).map(|pose| (version, pose));
        }
        let score = |pose: &Option<(usize, Pose)>| pose.as_ref().map_or(f32::MIN, |(_, pose)| pose.score);
        poses.sort_by(|a, b| score(b).total_cmp(&score(a)));
        let best = score(&poses[0]);
        let likely = poses.into_iter().flatten().filter(|(_, pose)| pose.score > best - SCORE_APART);
        for (version, mut pose) in likely.take(2) {
            pose.refine(luma, layout_of(&mut self.desk.layouts, version)?);
            if pose.fit < FIT_MIN {
                continue;
            }
            if self.seen.is_none_or(|(fit, _)| pose.fit > fit) {
                self.seen = Some((pose.fit, triple.centres));
            }
            let side = layout::side_of(version) as f32;
            let corners =
                [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)].map(|(u, v)| pose.map.at(u, v));
            let parts = Parts { luma, pose: &pose, version, caller };
            if let Some(text) = self.desk.read_pose(&parts, effort) {
                return Some((text, corners, 1));
            }
            if effort.live
                && pose.fit >= FIT_FOLLOWED_MIN
                && let Some((text, frames)) = self.follow(version, triple.inverted, &corners, caller.good)
            {
                return Some((text, corners, frames));
            }
            if !(caller.go_on)() {
                break;
            }
        }
        None
    }

    /// Adds the grid that was just not read to those of earlier frames.
    fn follow(
        &mut self,
        version: usize,
        inverted: bool,
        corners: &Corners,
        good: Rule<'_>,
    ) -> Option<(String, u32)> {
        let Desk { layouts, symbol, heard, proven, .. } = &mut self.desk;
        let layout = layout_of(layouts, version)?;
        let side_pixels = (corners[0].x - corners[1].x).hypot(corners[0].y - corners[1].y);
        let sight = Sight { layout, inverted, middle: middle(corners), side_pixels, odds: heard, proven };
        self.tracks.add(sight, symbol, good)
    }
}

impl Desk {
    /// Reads the grid of a pose: as it lies first, then bent if it bends, then the other ways in turn. What is best to be
    /// added up stays in `heard`.
    ///
    /// In every other turn the bend is looked for before the dear ways to read a flat grid, so that each of them has its
    /// frames where there is no time for both.
    fn read_pose(&mut self, parts: &Parts<'_>, effort: Effort) -> Option<String> {
        let layout = layout_of(&mut self.layouts, parts.version)?;
        self.proven.clear();
        self.proven.resize(layout.side * layout.side, 0.0);
        self.heard_spread = f32::MAX;
        self.heard.clear();
        self.heard.resize(layout.side * layout.side, 0.0);
        self.grid.bend.lay(false);
        self.grid.take(parts.luma, parts.pose, layout);
        if let Outcome::Text(text) =
            self.symbol.decode(layout, &self.grid.soft, &mut self.proven, parts.caller.good)
        {
            return Some(text);
        }
        let flat_first = effort.turn.is_multiple_of(2);
        if flat_first && let Some(text) = self.read_grid(parts) {
            return Some(text);
        }
        if !(parts.caller.go_on)() {
            return None;
        }
        let layout = layout_of(&mut self.layouts, parts.version)?;
        let may_bend = !effort.live || parts.version <= BENT_LIVE_VERSION_MAX;
        let bends =
            may_bend && self.grid.bend.follow(parts.luma, parts.pose, layout, effort.turn) >= BEND_GAIN_MIN;
        let first = Way { bent: bends, close: false };
        let others = WAYS.iter().copied().filter(|way| *way != first);
        let ways = others.clone().chain(others).skip(effort.turn % (WAYS.len() - 1)).take(WAYS.len() - 1);
        let left = std::iter::once(first).chain(ways).filter(|way| {
            let was_read = flat_first && !way.bent && !way.close;
            !was_read && (may_bend || !way.bent)
        });
        for way in left {
            if !(parts.caller.go_on)() {
                break;
            }
            let layout = layout_of(&mut self.layouts, parts.version)?;
            self.grid.bend.lay(way.bent);
            self.grid.take(parts.luma, parts.pose, layout);
            if way.close {
                self.grid.follow_close_light();
            }
            if let Some(text) = self.read_grid(parts) {
                return Some(text);
            }
        }
        None
    }

    /// Reads a sampled grid as it is, then with its blur undone in one step, then with all modules guessed together.
    /// Blocks that were repaired help the others in another round.
    fn read_grid(&mut self, parts: &Parts<'_>) -> Option<String> {
        let Self { layouts, grid, equaliser, unmixer, blackness, symbol, soft, proven, heard, heard_spread } =
            self;
        let layout = layout_of(layouts, parts.version)?;
        let good = parts.caller.good;
        soft.clone_from(&grid.soft);
        let mut blocks_before = match symbol.decode(layout, soft, proven, good) {
            Outcome::Text(text) => return Some(text),
            Outcome::Blocks(blocks) => blocks,
        };
        if !(parts.caller.go_on)() {
            return None;
        }
        grid.take_halves(parts.luma, parts.pose, equaliser::MARGIN, &mut equaliser.halves);
        grid.take_blackness(blackness);
        for round in 0..TURBO_ROUNDS {
            soft.clone_from(&grid.soft);
            let spread = equaliser.run(layout, proven, soft, EQUALISER_ROUNDS);
            if round == 0 && spread < *heard_spread {
                heard.clone_from(soft);
                *heard_spread = spread;
            }
            let mut blocks = match symbol.decode(layout, soft, proven, good) {
                Outcome::Text(text) => return Some(text),
                Outcome::Blocks(blocks) => blocks,
            };
            unmixer.run(layout, blackness, proven, soft, UNMIX_ROUNDS);
            match symbol.decode(layout, soft, proven, good) {
                Outcome::Text(text) => return Some(text),
                Outcome::Blocks(now) => blocks = blocks.max(now),
            }
            if blocks <= blocks_before {
                break;
            }
            blocks_before = blocks;
        }
        None
    }
}

/// Tells whether a joining is one that was tried, seen in another view.
fn is_same(tried: &[Corner; 3], triple: &Triple) -> bool {
    let leg = (triple.centres[0].x - triple.centres[1].x).hypot(triple.centres[0].y - triple.centres[1].y);
    let near = 0.35 * leg / (triple.side - 7.0);
    tried.iter().zip(&triple.centres).all(|(a, b)| (a.x - b.x).abs() < near && (a.y - b.y).abs() < near)
}

/// Gives the versions whose size lies near, the nearest first.
fn versions_near(side: f32) -> impl Iterator<Item = usize> {
    let exact = (side - 17.0) / 4.0;
    let nearest = exact.round();
    let other = if exact >= nearest { 1.0 } else { -1.0 };
    // The larger a code, the less the widths of three patterns say about its size.
    let reach = if side > 60.0 { VERSIONS_TRIED } else { VERSIONS_TRIED - 1 };
    [nearest, nearest + other, nearest - other, nearest + 2.0 * other]
        .into_iter()
        .take(reach)
        .filter(|version| (1.0..=VERSION_MAX as f32).contains(version))
        .map(|version| version as usize)
}

fn layout_of(layouts: &mut Vec<Option<Box<Layout>>>, version: usize) -> Option<&Layout> {
    if layouts.len() <= VERSION_MAX {
        layouts.resize_with(VERSION_MAX + 1, || None);
    }
    let layout = layouts.get_mut(version)?;
    if layout.is_none() {
        *layout = Layout::new(version).map(Box::new);
    }
    layout.as_deref()
}
