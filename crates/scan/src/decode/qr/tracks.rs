//! Adds up what successive frames show of the same code, until together they are enough.
//!
//! Noise differs from frame to frame, and a reflex moves; the modules stay. A code that was found and not read leaves its
//! odds here. When it is found again near where it was, the odds are added; what the error correction proved once
//! stays proven. What does not agree with what is kept is followed beside it: it may be another code, a grid that lies
//! wrong, or a hand that shook, and the frames to come tell which of them was right.

use super::super::geometry::Corner;
use super::super::stages::Rule;
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
    pub(super) fn add(
        &mut self,
        sight: Sight<'_>,
        symbol: &mut SymbolDecoder,
        good: Rule<'_>,
    ) -> Option<(String, u32)> {
        let frame = self.frame;
        let is_here = |track: &Track| {
            track.version == sight.layout.version
                && track.inverted == sight.inverted
                && distance(track.middle, sight.middle) < MOVE_MAX * sight.side_pixels
        };
        // A frame counts once, however often the same code was found in it.
        if self.tracks.iter().any(|track| is_here(track) && track.seen_at == frame) {
            return None;
        }
        let agreeing = self.tracks.iter_mut().filter(|track| is_here(track));
        let best = agreeing
            .map(|track| (agreement(&track.odds, sight), track))
            .filter(|(agreement, _)| *agreement >= AGREEMENT_MIN)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        let Some((_, track)) = best else {
            self.remember(sight);
            return None;
        };
        track.middle = sight.middle;
        track.side_pixels = sight.side_pixels;
        track.seen_at = frame;
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
        match symbol.decode(sight.layout, &self.sum, &mut track.proven, good) {
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

/// Gives the share of the weight with which the data of a frame is that of the frames before.
fn agreement(before: &[f32], sight: Sight<'_>) -> f32 {
    let (mut agreeing, mut all) = (0.0_f32, 1e-6_f32);
    for &at in &sight.layout.order {
        let product = before[usize::from(at)] * sight.odds[usize::from(at)];
        all += product.abs();
        agreeing += product.max(0.0);
    }
    agreeing / all
}

fn distance(a: Corner, b: Corner) -> f32 {
    (a.x - b.x).hypot(a.y - b.y)
}

#[cfg(test)]
mod tests {
    use qrcode::{Color, EcLevel, QrCode, Version};

    use super::*;

    /// The odds of all modules of a code of version 5.
    fn odds_of(text: &str) -> Vec<f32> {
        let code = QrCode::with_version(text, Version::Normal(5), EcLevel::M).unwrap();
        code.to_colors().iter().map(|color| if *color == Color::Dark { 4.0 } else { -4.0 }).collect()
    }

    #[test]
    fn a_frame_that_went_wrong_takes_nothing_from_those_that_went_right() {
        let text = "ST0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let layout = Layout::new(5).unwrap();
        let all = odds_of(text);
        // Too little of the code in each, and all of it together.
        let part = |shown: std::ops::Range<usize>| -> Vec<f32> {
            let shows = |at: usize| shown.contains(&(100 * (at % layout.side) / layout.side));
            all.iter().enumerate().map(|(at, odds)| if shows(at) { *odds } else { 0.0 }).collect()
        };
        let mut state = 3_u64;
        let wrong: Vec<f32> = (0..all.len())
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                if state >> 63 == 0 { 4.0 } else { -4.0 }
            })
            .collect();
        let (mut tracks, mut symbol) = (Tracks::default(), SymbolDecoder::default());
        let nothing = vec![0.0; all.len()];
        let mut add = |odds: &[f32]| {
            tracks.start();
            let middle = Corner::new(300.0, 200.0);
            let sight = Sight {
                layout: &layout,
                inverted: false,
                middle,
                side_pixels: 120.0,
                odds,
                proven: &nothing,
            };
            tracks.add(sight, &mut symbol, &|_| false)
        };
        assert_eq!(add(&part(0..60)), None);
        assert_eq!(add(&wrong), None);
        assert_eq!(add(&part(40..100)), Some((text.to_owned(), 2)));
    }
}
