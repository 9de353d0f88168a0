//! Points and areas in a picture.

use rxing::Point;

/// A place in a picture, in pixels from its top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Corner {
    /// Pixels to the right.
    pub x: f32,
    /// Pixels down.
    pub y: f32,
}

/// The corners of a code as it would be read upright: top left, top right, bottom right, bottom left.
pub type Corners = [Corner; 4];

impl Corner {
    pub(crate) fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    fn squared_distance(self, other: Corner) -> f32 {
        (self.x - other.x).powi(2) + (self.y - other.y).powi(2)
    }
}

impl From<Point> for Corner {
    fn from(point: Point) -> Self {
        Self::new(point.x, point.y)
    }
}

/// Gives the mean of the four corners.
pub fn middle(corners: &Corners) -> Corner {
    let sum =
        corners.iter().fold(Corner::default(), |sum, corner| Corner::new(sum.x + corner.x, sum.y + corner.y));
    Corner::new(sum.x / 4.0, sum.y / 4.0)
}

/// Tells whether two findings are the same print: the middle of one lies inside the circle of the other.
pub(crate) fn overlap(one: &Corners, other: &Corners) -> bool {
    let (middle_one, middle_other) = (middle(one), middle(other));
    let reach = middle_one.squared_distance(one[0]).max(middle_other.squared_distance(other[0])) / 2.0;
    middle_one.squared_distance(middle_other) < reach
}

/// Gives the squared distance of a code's middle from a place.
pub(crate) fn squared_distance_from(corners: &Corners, place: Corner) -> f32 {
    middle(corners).squared_distance(place)
}

/// Finds the corners of the whole code from the centres of its three finder patterns.
pub(crate) fn from_finder_centres(
    bottom_left: Corner,
    top_left: Corner,
    top_right: Corner,
    modules: u32,
) -> Corners {
    // A centre lies 3.5 modules inside both edges, and two centres are seven modules closer than the edges.
    let edge = 3.5 / (modules.max(21) as f32 - 7.0);
    let right = Corner::new(top_right.x - top_left.x, top_right.y - top_left.y);
    let down = Corner::new(bottom_left.x - top_left.x, bottom_left.y - top_left.y);
    let at = |along: f32, below: f32| {
        Corner::new(
            top_left.x + along * right.x + below * down.x,
            top_left.y + along * right.y + below * down.y,
        )
    };
    [at(-edge, -edge), at(1.0 + edge, -edge), at(1.0 + edge, 1.0 + edge), at(-edge, 1.0 + edge)]
}

/// Paints the box around a code in one grey, so that the next search does not see it.
pub(crate) fn paint_over(luma: &mut [u8], width: usize, height: usize, corners: &Corners) {
    let bound = |value: f32, side: usize| (value.max(0.0) as usize).min(side);
    let left = corners.iter().fold(f32::MAX, |a, corner| a.min(corner.x));
    let right = corners.iter().fold(0.0_f32, |a, corner| a.max(corner.x));
    let top = corners.iter().fold(f32::MAX, |a, corner| a.min(corner.y));
    let bottom = corners.iter().fold(0.0_f32, |a, corner| a.max(corner.y));
    let columns = bound(left, width)..bound(right.ceil(), width);
    for row in luma.chunks_exact_mut(width.max(1)).take(bound(bottom.ceil(), height)).skip(bound(top, height))
    {
        if let Some(pixels) = row.get_mut(columns.clone()) {
            pixels.fill(u8::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_lie_outside_the_finder_centres() {
        let corners =
            from_finder_centres(Corner::new(3.5, 17.5), Corner::new(3.5, 3.5), Corner::new(17.5, 3.5), 21);
        let expected = [(0.0, 0.0), (21.0, 0.0), (21.0, 21.0), (0.0, 21.0)];
        for (corner, (x, y)) in corners.iter().zip(expected) {
            assert!((corner.x - x).abs() < 1e-4 && (corner.y - y).abs() < 1e-4, "{corners:?}");
        }
    }

    #[test]
    fn painting_stays_inside_the_picture() {
        let mut luma = vec![0; 12];
        let corners = [(-5.0, -5.0), (2.0, -5.0), (2.0, 2.0), (-5.0, 2.0)].map(|(x, y)| Corner::new(x, y));
        paint_over(&mut luma, 4, 3, &corners);
        assert_eq!(luma, [255, 255, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0]);
    }
}
