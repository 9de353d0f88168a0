//! What lies behind the code: a counter with things on it.

use super::random::Random;
use super::{HEIGHT, WIDTH};

/// A counter as light, without noise.
#[derive(Debug, Clone)]
pub(super) struct Backdrop {
    plane: Vec<f32>,
}

impl Backdrop {
    pub(super) fn new(random: &mut Random) -> Self {
        let mut plane = uneven_light(random);
        for _ in 0..8 + random.below(24) {
            let light = random.between(5.0, 245.0);
            match random.below(5) {
                0 | 1 => boxes(&mut plane, random, light),
                2 => disc(&mut plane, random, light),
                3 => lettering(&mut plane, random, light),
                _ => stripes(&mut plane, random, light),
            }
        }
        if random.chance(0.3) {
            chequers(&mut plane, random);
        }
        let reach = random.between(0.4, 2.0);
        blur(&mut plane, WIDTH, HEIGHT, reach);
        Self { plane }
    }

    pub(super) fn plane(&self) -> &[f32] {
        &self.plane
    }
}

/// Light that falls off across the counter.
fn uneven_light(random: &mut Random) -> Vec<f32> {
    let corners: [f32; 4] = std::array::from_fn(|_| random.between(30.0, 220.0));
    let mut plane = Vec::with_capacity(WIDTH * HEIGHT);
    for y in 0..HEIGHT {
        let v = y as f32 / HEIGHT as f32;
        for x in 0..WIDTH {
            let u = x as f32 / WIDTH as f32;
            let (top, bottom) =
                (corners[0] + u * (corners[1] - corners[0]), corners[2] + u * (corners[3] - corners[2]));
            plane.push(top + v * (bottom - top));
        }
    }
    plane
}

fn fill(plane: &mut [f32], (left, top): (usize, usize), (width, height): (usize, usize), light: f32) {
    for row in plane.chunks_exact_mut(WIDTH).take((top + height).min(HEIGHT)).skip(top) {
        row[left.min(WIDTH)..(left + width).min(WIDTH)].fill(light);
    }
}

fn boxes(plane: &mut [f32], random: &mut Random, light: f32) {
    let place = (random.below(WIDTH), random.below(HEIGHT));
    let size = (10 + random.below(380), 10 + random.below(280));
    fill(plane, place, size, light);
    if random.chance(0.4) && size.0 > 40 && size.1 > 40 {
        let edge = 3 + random.below(12);
        let inner = (size.0 - 2 * edge, size.1 - 2 * edge);
        fill(plane, (place.0 + edge, place.1 + edge), inner, 255.0 - light);
    }
}

fn disc(plane: &mut [f32], random: &mut Random, light: f32) {
    let (x, y) = (random.below(WIDTH) as f32, random.below(HEIGHT) as f32);
    let (outer, inner) = (random.between(8.0, 150.0), if random.chance(0.5) { random.unit() } else { 0.0 });
    for row in 0..HEIGHT {
        for column in 0..WIDTH {
            let away = (column as f32 - x).hypot(row as f32 - y);
            if away < outer && away > outer * inner {
                plane[row * WIDTH + column] = light;
            }
        }
    }
}

/// Rows of small boxes as wide apart as letters.
fn lettering(plane: &mut [f32], random: &mut Random, light: f32) {
    let (left, top) = (random.below(WIDTH), random.below(HEIGHT));
    let size = 4 + random.below(26);
    for letter in 0..4 + random.below(20) {
        let x = left + letter * (size + size / 3);
        for _ in 0..3 {
            let (dx, dy) = (random.below(size), random.below(size));
            let thick = (size / 6).max(1);
            if random.chance(0.5) {
                fill(plane, (x, top + dy), (size, thick), light);
            } else {
                fill(plane, (x + dx, top), (thick, size), light);
            }
        }
    }
}

fn stripes(plane: &mut [f32], random: &mut Random, light: f32) {
    let (mut x, top, height) = (random.below(WIDTH), random.below(HEIGHT), 20 + random.below(120));
    let unit = 1 + random.below(6);
    for _ in 0..10 + random.below(50) {
        let width = unit * (1 + random.below(4));
        fill(plane, (x, top), (width, height), light);
        x += width + unit * (1 + random.below(4));
    }
}

/// A cloth of random squares.
fn chequers(plane: &mut [f32], random: &mut Random) {
    let (left, top, size) = (random.below(WIDTH - 300), random.below(HEIGHT - 200), 3 + random.below(16));
    for row in 0..200 / size {
        for column in 0..300 / size {
            let light = random.between(20.0, 220.0);
            fill(plane, (left + column * size, top + row * size), (size, size), light);
        }
    }
}

/// Blurs by a bell curve of the given spread in pixels.
pub(super) fn blur(plane: &mut [f32], width: usize, height: usize, spread: f32) {
    if spread < 0.15 {
        return;
    }
    let reach = (3.0 * spread).ceil() as usize;
    let mut kernel: Vec<f32> = (0..=2 * reach)
        .map(|at| (-(at as f32 - reach as f32).powi(2) / (2.0 * spread * spread)).exp())
        .collect();
    let sum: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|weight| *weight /= sum);
    let mut line = vec![0.0_f32; width + 2 * reach];
    for row in plane.chunks_exact_mut(width) {
        for (at, pixel) in line.iter_mut().enumerate() {
            *pixel = row[at.saturating_sub(reach).min(width - 1)];
        }
        for (at, pixel) in row.iter_mut().enumerate() {
            *pixel = kernel.iter().zip(&line[at..]).map(|(weight, light)| weight * light).sum();
        }
    }
    let before = plane.to_vec();
    for (y, row) in plane.chunks_exact_mut(width).enumerate() {
        row.fill(0.0);
        for (at, weight) in kernel.iter().enumerate() {
            let from = (y + at).saturating_sub(reach).min(height - 1);
            for (pixel, light) in row.iter_mut().zip(&before[from * width..(from + 1) * width]) {
                *pixel += weight * light;
            }
        }
    }
}
