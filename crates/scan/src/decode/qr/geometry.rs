//! Maps between the modules of a code and the pixels of a picture.

use super::super::geometry::Corner;
use super::super::view::PlaneRef;

/// Looks a brightness up between pixels; places outside take the nearest pixel.
#[inline]
pub(super) fn sample(plane: PlaneRef<'_>, x: f32, y: f32) -> f32 {
    // The middle of the first pixel is at (0.5, 0.5).
    let (x, y) = (x - 0.5, y - 0.5);
    let right = plane.width as f32 - 1.001;
    let bottom = plane.height as f32 - 1.001;
    let (x, y) = (x.clamp(0.0, right.max(0.0)), y.clamp(0.0, bottom.max(0.0)));
    let (column, row) = (x as usize, y as usize);
    let (fx, fy) = (x - column as f32, y - row as f32);
    let at = row * plane.width + column;
    let Some(upper) = plane.luma.get(at..at + 2) else { return 0.0 };
    let lower = plane.luma.get(at + plane.width..at + plane.width + 2).unwrap_or(upper);
    let mix = |pair: &[u8]| f32::from(pair[0]) + fx * (f32::from(pair[1]) - f32::from(pair[0]));
    let (top, bottom) = (mix(upper), mix(lower));
    top + fy * (bottom - top)
}

/// A projective map from module coordinates (0 to the number of modules) to pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Projection {
    terms: [f32; 8],
}

impl Projection {
    /// Finds the map that takes four points to four others; `None` when three of them lie on a line.
    pub(super) fn between(from: [Corner; 4], to: [Corner; 4]) -> Option<Self> {
        let mut rows = [[0.0_f64; 9]; 8];
        for (at, (from, to)) in from.iter().zip(&to).enumerate() {
            let (u, v) = (f64::from(from.x), f64::from(from.y));
            let (x, y) = (f64::from(to.x), f64::from(to.y));
            rows[2 * at] = [u, v, 1.0, 0.0, 0.0, 0.0, -u * x, -v * x, x];
            rows[2 * at + 1] = [0.0, 0.0, 0.0, u, v, 1.0, -u * y, -v * y, y];
        }
        for pivot in 0..8 {
            let best = (pivot..8)
                .max_by(|&a, &b| rows[a][pivot].abs().total_cmp(&rows[b][pivot].abs()))
                .unwrap_or(pivot);
            rows.swap(pivot, best);
            let lead = rows[pivot];
            if lead[pivot].abs() < 1e-9 {
                return None;
            }
            for (at, row) in rows.iter_mut().enumerate() {
                let factor = row[pivot] / lead[pivot];
                if at != pivot && factor != 0.0 {
                    for (term, &other) in row.iter_mut().zip(&lead).skip(pivot) {
                        *term -= factor * other;
                    }
                }
            }
        }
        Some(Self { terms: std::array::from_fn(|at| (rows[at][8] / rows[at][at]) as f32) })
    }

    /// Gives the pixel of a place among the modules.
    #[inline]
    pub(super) fn at(&self, u: f32, v: f32) -> Corner {
        let [a, b, c, d, e, f, g, h] = self.terms;
        let scale = 1.0 / (g * u + h * v + 1.0);
        Corner::new((a * u + b * v + c) * scale, (d * u + e * v + f) * scale)
    }

    /// Tells whether the whole code of so many modules lies before the camera, not across its horizon.
    pub(super) fn is_sane(&self, side: f32) -> bool {
        let [.., g, h] = self.terms;
        [(0.0, 0.0), (side, 0.0), (0.0, side), (side, side)]
            .into_iter()
            .all(|(u, v)| (0.2..5.0).contains(&(g * u + h * v + 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_points_and_all_between_are_mapped() {
        let from = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)].map(|(x, y)| Corner::new(x, y));
        let to = [(5.0, 7.0), (105.0, 17.0), (90.0, 130.0), (0.0, 100.0)].map(|(x, y)| Corner::new(x, y));
        let map = Projection::between(from, to).unwrap();
        for (from, to) in from.iter().zip(to) {
            let got = map.at(from.x, from.y);
            assert!((got.x - to.x).abs() < 1e-2 && (got.y - to.y).abs() < 1e-2, "{got:?} {to:?}");
        }
        assert!(map.is_sane(10.0));
        assert!(Projection::between([Corner::default(); 4], to).is_none());
    }

    #[test]
    fn brightness_between_pixels_is_mixed() {
        let luma = [0, 100, 0, 100];
        let plane = PlaneRef { luma: &luma, width: 2, height: 2 };
        assert!((sample(plane, 1.0, 1.0) - 50.0).abs() < 0.5);
        assert!(sample(plane, -9.0, 0.5) < 1.0 && sample(plane, 9.0, 9.0) > 99.0);
    }
}
