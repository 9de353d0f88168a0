//! Adds up what successive frames show of the same code, until together they are enough.
//!
//! Noise differs from frame to frame, and a reflex moves; the modules stay. A code that was found and not read leaves its
//! odds here. When it is found again near where it was, the odds are added; what the error correction proved once
//! stays proven. A new code at the same place does not agree with what is kept, and takes its place.

use super::super::geometry::Corner;
use super::layout::Layout;
use super::symbol::{Outcome, SymbolDecoder};

/// Codes that are followed at the same time.
const TRACKS_MAX: usize = 4;
/// A code that was not seen for so many frames is forgotten.
const FRAMES_UNSEEN_MAX: u64 = 12;
/// The sum of odds stays within this, so that an old mistake can be mended.
const SUM_MAX: f32 = 24.0;
/// No frame alone may be surer, for a reflex makes sure mistakes.
const FRAME_MAX: f32 = 4.0;
/// The share of the weight of two frames that must agree for them to show the same code.
const AGREEMENT_MIN: f32 = 0.62;
/// A code moves at most so much of its side from sight to sight.
const MOVE_MAX: f32 = 0.7;

/// One code that is followed.
#[derive(Debug, Clone)]
struct Track {
    version: usize,
    inverted: bool,
    middle: Corner,
    side_pixels: f32,
    odds: Vec<f32>,
    proven: Vec<f32>,
    frames: u32,
    seen_at: u64,
}

/// What one frame shows of a code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) layout: &'a Layout,
    pub(super) inverted: bool,
    pub(super) middle: Corner,
    pub(super) side_pixels: f32,
    pub(super) odds: &'a [f32],
    pub(super) proven: &'a [f32],
}

/// The codes that were found and not read yet.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    tracks: Vec<Track>,
    frame: u64,
    sum: Vec<f32>,
    /// Memory of tracks that were forgotten.
    spare: Vec<Track>,
}

impl Tracks {
    /// Begins a frame.
    pub(super) fn start(&mut self) {
        self.frame += 1;
        let frame = self.frame;
        self.drop_where(|track| frame - track.seen_at > FRAMES_UNSEEN_MAX);
    }

    /// Forgets what was followed around a place, because it was read.
    pub(super) fn forget(&mut self, middle: Corner) {
        self.drop_where(|track| distance(track.middle, middle) <= MOVE_MAX * track.side_pixels);
    }

    fn drop_where(&mut self, is_over: impl Fn(&Track) -> bool) {
        while let Some(at) = self.tracks.iter().position(&is_over) {
            self.spare.push(self.tracks.swap_remove(at));
        }
    }

    /// Adds one frame's sight of a code and tries to read the sum; gives the text and the number of frames in it.
    pub(super) fn add(&mut self, sight: Sight<'_>, symbol: &mut SymbolDecoder) -> Option<(String, u32)> {
        let frame = self.frame;
        let track = self.tracks.iter_mut().find(|track| {
            track.version == sight.layout.version
                && track.inverted == sight.inverted
                && distance(track.middle, sight.middle) < MOVE_MAX * sight.side_pixels
        });
        let Some(track) = track else {
            self.remember(sight);
            return None;
        };
        if track.seen_at == frame {
            return None;
        }
        track.middle = sight.middle;
        track.side_pixels = sight.side_pixels;
        track.seen_at = frame;
        if !agree(&track.odds, sight) {
            for (sum, odds) in track.odds.iter_mut().zip(sight.odds) {
                *sum = odds.clamp(-FRAME_MAX, FRAME_MAX);
            }
            track.proven.copy_from_slice(sight.proven);
            track.frames = 1;
            return None;
        }
        track.frames += 1;
        for (sum, &odds) in track.odds.iter_mut().zip(sight.odds) {
            *sum = (*sum + odds.clamp(-FRAME_MAX, FRAME_MAX)).clamp(-SUM_MAX, SUM_MAX);
        }
        for (proven, &sign) in track.proven.iter_mut().zip(sight.proven) {
            if sign != 0.0 {
                *proven = sign;
            }
        }
        self.sum.clone_from(&track.odds);
        for (sum, &sign) in self.sum.iter_mut().zip(&track.proven) {
            if sign != 0.0 {
                *sum = sign * SUM_MAX;
            }
        }
        match symbol.decode(sight.layout, &self.sum, &mut track.proven) {
            Outcome::Text(text) => Some((text, track.frames)),
            Outcome::Blocks(_) => None,
        }
    }

    fn remember(&mut self, sight: Sight<'_>) {
        if self.tracks.len() >= TRACKS_MAX
            && let Some(oldest) =
                self.tracks.iter().enumerate().min_by_key(|(_, track)| track.seen_at).map(|(at, _)| at)
        {
            self.spare.push(self.tracks.swap_remove(oldest));
        }
        let (mut odds, mut proven) =
            self.spare.pop().map_or_else(Default::default, |track| (track.odds, track.proven));
        odds.clear();
        odds.extend(sight.odds.iter().map(|odds| odds.clamp(-FRAME_MAX, FRAME_MAX)));
        proven.clear();
        proven.extend_from_slice(sight.proven);
        self.tracks.push(Track {
            version: sight.layout.version,
            inverted: sight.inverted,
            middle: sight.middle,
            side_pixels: sight.side_pixels,
            odds,
            proven,
            frames: 1,
            seen_at: self.frame,
        });
    }
}

/// Tells whether the data of a frame is that of the frames before.
fn agree(before: &[f32], sight: Sight<'_>) -> bool {
    let (mut agreeing, mut all) = (0.0_f32, 1e-6_f32);
    for &at in &sight.layout.order {
        let product = before[usize::from(at)] * sight.odds[usize::from(at)];
        all += product.abs();
        agreeing += product.max(0.0);
    }
    agreeing / all >= AGREEMENT_MIN
}

fn distance(a: Corner, b: Corner) -> f32 {
    (a.x - b.x).hypot(a.y - b.y)
}
