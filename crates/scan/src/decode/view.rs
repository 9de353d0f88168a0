//! The ways one picture is looked at: its size, inverted or not, sharpened or not, and how black is told from white.

use std::fmt;

use super::binarize::Contrast;
use super::geometry::{Corner, Corners};
use crate::frame::{halve, sharpen};

/// One way of looking at a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct View {
    /// How often width and height are halved first.
    pub halvings: u8,
    /// Black and white are exchanged.
    pub inverted: bool,
    /// Blocks with little contrast are looked at too.
    pub faint: bool,
    /// Edges are raised first.
    pub sharp: bool,
    /// Black is what is darker than the mean of so many pixels to each side; 0 is the rule of blocks.
    pub mean_reach: u8,
}

impl View {
    /// The picture as it is.
    pub const PLAIN: View = View { halvings: 0, inverted: false, faint: false, sharp: false, mean_reach: 0 };

    pub(crate) const fn halved(self, halvings: u8) -> Self {
        Self { halvings, ..self }
    }

    pub(crate) const fn inverted(self) -> Self {
        Self { inverted: true, ..self }
    }

    pub(crate) const fn faint(self) -> Self {
        Self { faint: true, ..self }
    }

    pub(crate) const fn sharp(self) -> Self {
        Self { sharp: true, ..self }
    }

    pub(crate) const fn by_mean(self, mean_reach: u8) -> Self {
        Self { mean_reach, ..self }
    }

    pub(crate) fn contrast(self) -> Contrast {
        if self.faint { Contrast::Faint } else { Contrast::Usual }
    }
}

impl fmt::Display for View {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "1/{}", 1_u32 << self.halvings.min(31))?;
        if self.inverted {
            formatter.write_str(" inverted")?;
        }
        if self.faint {
            formatter.write_str(" faint")?;
        }
        if self.sharp {
            formatter.write_str(" sharp")?;
        }
        if self.mean_reach > 0 {
            write!(formatter, " mean {}", 2 * u16::from(self.mean_reach) + 1)?;
        }
        Ok(())
    }
}

/// A plane of brightness with its size.
#[derive(Debug, Default)]
struct Plane {
    luma: Vec<u8>,
    width: usize,
    height: usize,
}

impl Plane {
    fn borrow(&self) -> PlaneRef<'_> {
        PlaneRef { luma: &self.luma, width: self.width, height: self.height }
    }
}

/// A borrowed plane of brightness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlaneRef<'a> {
    pub(crate) luma: &'a [u8],
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// The picture in all the sizes that views ask for; each is made once, in memory kept from frame to frame.
#[derive(Debug, Default)]
pub(crate) struct Pyramid {
    /// Halved planes; number 0 is half the picture's size.
    halves: Vec<Plane>,
    halves_ready: usize,
    sharpened: Plane,
    sharpened_as: Option<u8>,
    sums: Vec<u16>,
}

impl Pyramid {
    /// Forgets the last picture and keeps its memory.
    pub(crate) fn start(&mut self) {
        self.halves_ready = 0;
        self.sharpened_as = None;
    }

    /// Gives the plane of a view of `base`; `None` when the picture is too small to be halved that often.
    pub(crate) fn plane<'a>(&'a mut self, base: PlaneRef<'a>, view: View) -> Option<PlaneRef<'a>> {
        let halvings = usize::from(view.halvings);
        if (base.width >> halvings).min(base.height >> halvings) < 21 && halvings > 0 {
            return None;
        }
        while self.halves_ready < halvings {
            let mut plane = std::mem::take(self.half_at(self.halves_ready));
            let from = self.level(base, self.halves_ready);
            halve(from.luma, from.width, from.height, &mut plane.luma);
            (plane.width, plane.height) = (from.width / 2, from.height / 2);
            *self.half_at(self.halves_ready) = plane;
            self.halves_ready += 1;
        }
        if view.sharp {
            self.sharpen(base, view.halvings);
            return Some(self.sharpened.borrow());
        }
        Some(self.level(base, halvings))
    }

    fn half_at(&mut self, index: usize) -> &mut Plane {
        if self.halves.len() <= index {
            self.halves.resize_with(index + 1, Plane::default);
        }
        &mut self.halves[index]
    }

    fn level<'a>(&'a self, base: PlaneRef<'a>, halvings: usize) -> PlaneRef<'a> {
        match halvings.checked_sub(1).and_then(|index| self.halves.get(index)) {
            Some(plane) => plane.borrow(),
            None => base,
        }
    }

    fn sharpen(&mut self, base: PlaneRef<'_>, halvings: u8) {
        if self.sharpened_as == Some(halvings) {
            return;
        }
        let mut sharpened = std::mem::take(&mut self.sharpened);
        let mut sums = std::mem::take(&mut self.sums);
        let from = self.level(base, usize::from(halvings));
        sharpen(from.luma, from.width, from.height, &mut sharpened.luma, &mut sums);
        (sharpened.width, sharpened.height) = (from.width, from.height);
        (self.sharpened, self.sums) = (sharpened, sums);
        self.sharpened_as = Some(halvings);
    }
}

/// Maps corners found in a view back to the picture.
pub(crate) fn to_picture(corners: Corners, view: View) -> Corners {
    let scale = (1_u32 << view.halvings.min(31)) as f32;
    corners.map(|corner| Corner::new(corner.x * scale, corner.y * scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_halved_view_maps_back_to_the_picture() {
        let (width, height) = (64, 48);
        let mut luma = vec![0_u8; width * height];
        for (x, y) in [(10, 30), (11, 30), (10, 31), (11, 31)] {
            luma[y * width + x] = 200;
        }
        let base = PlaneRef { luma: &luma, width, height };
        let mut pyramid = Pyramid::default();
        for halvings in [0, 1] {
            let view = View::PLAIN.halved(halvings);
            let plane = pyramid.plane(base, view).unwrap();
            let at = plane.luma.iter().position(|pixel| *pixel == 200).unwrap();
            let place = Corner::new((at % plane.width) as f32 + 0.5, (at / plane.width) as f32 + 0.5);
            let back = to_picture([place; 4], view)[0];
            assert!((9.0..=12.0).contains(&back.x) && (29.0..=32.0).contains(&back.y), "{view}: {back:?}");
        }
    }

    #[test]
    fn a_picture_too_small_to_halve_has_no_such_view() {
        let luma = vec![0_u8; 30 * 30];
        let base = PlaneRef { luma: &luma, width: 30, height: 30 };
        assert!(Pyramid::default().plane(base, View::PLAIN.halved(1)).is_none());
        assert!(Pyramid::default().plane(base, View::PLAIN).is_some());
    }
}
