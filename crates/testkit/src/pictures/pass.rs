//! A hand that brings a card or a phone into view, holds it, and takes it away.
//!
//! Into the picture go: the way of the hand and its shake, the blur of that movement during the exposure, a rolling
//! shutter, a lens that hunts for focus, an exposure that settles, reflexes that wander with the tilt, and what the
//! surface itself does (see `surface`).

use super::backdrop::{Backdrop, blur};
use super::random::Random;
use super::surface::{Shown, Surface};
use super::{FRAMES_PER_SECOND, HEIGHT, Picture, WIDTH, expose};

/// Looks at the surface for each pixel and frame, spread over the exposure.
const LOOKS: usize = 6;
/// The focal length in pixels.
const FOCAL: f32 = 1100.0;

/// What is brought into view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassKind {
    /// A printed card.
    Card,
    /// A phone with a link or a code that changes.
    Phone,
}

/// What is true of one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truth {
    /// The whole code lies inside the picture.
    pub in_view: bool,
    /// The whole code is in view, large, sharp, bright and still enough to be read.
    pub readable: bool,
    /// The code's corners in pixels: top left, top right, bottom right, bottom left.
    pub corners: [(f32, f32); 4],
}

/// One showing of one code.
#[derive(Debug, Clone)]
pub struct Pass {
    seed: u64,
    kind: PassKind,
    backdrop: Backdrop,
    surface: Surface,
    frames: usize,
    /// Pixels of a module while it is held.
    module: f32,
    hold: (f32, f32),
    enter_from: (f32, f32),
    enter_s: f32,
    leave_at_s: f32,
    turn: f32,
    tilt: f32,
    tilt_towards: f32,
    /// Shake: pixels, and radians a second.
    shake: [(f32, f32, f32); 4],
    exposure_s: f32,
    readout_s: f32,
    blur_rest: f32,
    blur_hunt: f32,
    focus_at_s: f32,
    gain_start: f32,
    gain_s: f32,
    glare: Option<(f32, f32, f32, f32)>,
    noise: f32,
}

/// Where the surface is at a moment.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// From modules to pixels.
    map: [f32; 9],
}

impl Pass {
    /// Makes the pass of a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x1_0000_01b3) ^ 0x9a55);
        let kind = if random.chance(0.5) { PassKind::Card } else { PassKind::Phone };
        let shown = match (kind, random.below(3)) {
            (PassKind::Card, 0 | 1) => Shown::Card,
            (PassKind::Phone, 0) => Shown::Rotating,
            _ => Shown::Link,
        };
        let backdrop = Backdrop::new(&mut random);
        let surface = Surface::new(&mut random, shown, kind == PassKind::Phone);
        let enter_s = random.between(0.25, 0.6);
        let hold_s = random.between(0.7, 1.2);
        let way = random.between(0.0, std::f32::consts::TAU);
        let hold = (random.between(430.0, 850.0), random.between(270.0, 450.0));
        let strength = random.between(0.4, 4.0);
        let shake = std::array::from_fn(|at| {
            let pixels = strength * random.between(0.3, 1.0) * if at < 2 { 3.0 } else { 1.0 };
            let rate = if at < 2 { random.between(2.0, 8.0) } else { random.between(25.0, 60.0) };
            (pixels, rate, random.between(0.0, 6.3))
        });
        let glare = random.chance(0.4).then(|| {
            let side = surface.side as f32;
            (
                random.between(0.0, side),
                random.between(0.0, side),
                random.between(0.06, 0.2) * side,
                random.between(60.0, 320.0),
            )
        });
        Self {
            seed,
            kind,
            backdrop,
            frames: ((0.1 + enter_s + hold_s + 0.5) * FRAMES_PER_SECOND) as usize,
            module: random.between(2.6, 6.0),
            hold,
            enter_from: (hold.0 + 1100.0 * way.cos(), hold.1 + 1100.0 * way.sin()),
            enter_s,
            leave_at_s: 0.1 + enter_s + hold_s,
            turn: random.between(-0.9, 0.9) + if random.chance(0.2) { 3.1 } else { 0.0 },
            tilt: random.between(0.0, 0.6),
            tilt_towards: random.between(0.0, 6.3),
            shake,
            exposure_s: random.between(0.003, 0.02),
            readout_s: random.between(0.0, 0.025),
            blur_rest: random.between(0.4, 1.2),
            blur_hunt: random.between(0.0, 4.0),
            focus_at_s: 0.1 + enter_s + random.between(-0.1, 0.4),
            gain_start: random.between(0.6, 1.5),
            gain_s: random.between(0.05, 0.5),
            glare,
            noise: random.between(1.0, 10.0),
            surface,
        }
    }

    /// Gives how many frames the pass has.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Gives the text of the code.
    pub fn text(&self) -> &str {
        &self.surface.text
    }

    /// Says in a line what makes this pass hard.
    pub fn describe(&self) -> String {
        let Self {
            module,
            tilt,
            turn,
            exposure_s,
            readout_s,
            blur_rest,
            noise,
            glare,
            gain_start,
            gain_s,
            ..
        } = self;
        format!(
            "{:?} of {} modules of {module:.1} pixels, turned {turn:.2}, tilted {tilt:.2}, exposed {:.0} ms, read out {:.0} ms, \
             blur {blur_rest:.1}, noise {noise:.1}, reflex {glare:.0?}, gain {gain_start:.1} for {gain_s:.2} s, {}",
            self.kind,
            self.surface.side,
            1000.0 * exposure_s,
            1000.0 * readout_s,
            self.surface.describe(),
        )
    }

    /// Gives what is brought into view.
    pub fn kind(&self) -> PassKind {
        self.kind
    }

    /// Says what is true of a frame.
    pub fn truth(&self, frame: usize) -> Truth {
        let time = frame as f32 / FRAMES_PER_SECOND;
        let side = self.surface.side as f32;
        let shapes = [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)];
        let at = |time: f32| shapes.map(|(u, v)| self.place(time).pixel(u, v));
        let corners = at(time + self.readout_s / 2.0);
        let in_view = corners
            .iter()
            .all(|&(x, y)| x > 0.0 && y > 0.0 && x < WIDTH as f32 - 1.0 && y < HEIGHT as f32 - 1.0);
        let length = |a: (f32, f32), b: (f32, f32)| (a.0 - b.0).hypot(a.1 - b.1);
        let module =
            (0..4).map(|at| length(corners[at], corners[(at + 1) % 4]) / side).fold(f32::MAX, f32::min);
        let moved = at(time + self.readout_s / 2.0 + self.exposure_s);
        let smear = corners.iter().zip(&moved).map(|(a, b)| length(*a, *b)).fold(0.0, f32::max);
        let gain = self.gain(time);
        let (black, white) = ((self.surface.black * gain).min(255.0), (self.surface.white * gain).min(255.0));
        let readable = in_view
            && module >= 2.4
            && self.defocus(time) <= 0.5 * module
            && smear <= 0.9 * module
            && white - black >= 30.0_f32.max(4.0 * self.noise);
        Truth { in_view, readable, corners }
    }

    /// Draws a frame.
    pub fn frame(&self, frame: usize) -> Picture {
        let time = frame as f32 / FRAMES_PER_SECOND;
        let mut random = Random::new(self.seed ^ (frame as u64 + 1).wrapping_mul(0xd134_2543_de82_ef95));
        let mut plane = self.backdrop.plane().to_vec();
        let area = self.area(time);
        let light = (area.right > area.left && area.bottom > area.top).then(|| self.paint(time, &area));
        if let Some(mut light) = light {
            blur(&mut light, area.right - area.left, area.bottom - area.top, self.defocus(time));
            let width = area.right - area.left;
            for (row, from) in light.chunks_exact(width).enumerate() {
                let start = (area.top + row) * WIDTH + area.left;
                plane[start..start + width].copy_from_slice(from);
            }
            self.add_glare(time, &mut plane);
        }
        expose(&plane, self.gain(time), self.noise, &mut random)
    }

    /// The part of the picture in which the surface may lie during the frame, with room for the blur.
    fn area(&self, time: f32) -> Area {
        let border = self.surface.border + 2.0;
        let (low, high) = (-border, self.surface.side as f32 + border);
        let mut area = (f32::MAX, f32::MAX, f32::MIN, f32::MIN);
        for moment in [time, time + self.readout_s / 2.0, time + self.readout_s + self.exposure_s] {
            for (u, v) in [(low, low), (high, low), (high, high), (low, high)] {
                let (x, y) = self.place(moment).pixel(u, v);
                area = (area.0.min(x), area.1.min(y), area.2.max(x), area.3.max(y));
            }
        }
        let bound = |value: f32, side: usize| (value.max(0.0) as usize).min(side);
        Area {
            left: bound(area.0 - 16.0, WIDTH),
            top: bound(area.1 - 16.0, HEIGHT),
            right: bound(area.2 + 16.0, WIDTH),
            bottom: bound(area.3 + 16.0, HEIGHT),
        }
    }

    /// Paints backdrop and surface of an area, each row at its own moment.
    fn paint(&self, time: f32, area: &Area) -> Vec<f32> {
        let mut light = Vec::with_capacity((area.right - area.left) * (area.bottom - area.top));
        for y in area.top..area.bottom {
            let row_time = time + self.readout_s * y as f32 / HEIGHT as f32;
            let looks: [[f32; 9]; LOOKS] = std::array::from_fn(|look| {
                self.place(row_time + self.exposure_s * look as f32 / LOOKS as f32).inverse()
            });
            for x in area.left..area.right {
                let behind = self.backdrop.plane()[y * WIDTH + x];
                let sum: f32 = looks
                    .iter()
                    .enumerate()
                    .map(|(look, map)| {
                        // The looks are spread over the pixel too, as its surface is.
                        let (px, py) = (
                            x as f32 + (look % 3) as f32 / 3.0 + 0.17,
                            y as f32 + (look / 3) as f32 / 2.0 + 0.25,
                        );
                        let (u, v) = apply(map, px, py);
                        self.surface.light(u, v).unwrap_or(behind)
                    })
                    .sum();
                light.push(sum / LOOKS as f32);
            }
        }
        light
    }

    /// A reflex lies over the code and wanders across it while the hand moves.
    fn add_glare(&self, time: f32, plane: &mut [f32]) {
        let Some((u, v, size, strength)) = self.glare else { return };
        let drift = 0.4 * self.surface.side as f32 * (1.3 * time + self.turn).sin();
        let (x, y) = self.place(time).pixel(u + drift, v + 0.5 * drift);
        let spread = size * self.module;
        let reach = 3.0 * spread;
        let bound = |value: f32, side: usize| (value.max(0.0) as usize).min(side);
        for row in bound(y - reach, HEIGHT)..bound(y + reach, HEIGHT) {
            for column in bound(x - reach, WIDTH)..bound(x + reach, WIDTH) {
                let away = ((column as f32 - x) / spread).powi(2) + ((row as f32 - y) / spread * 1.4).powi(2);
                plane[row * WIDTH + column] += strength * (-away / 2.0).exp();
            }
        }
    }

    fn gain(&self, time: f32) -> f32 {
        1.0 + (self.gain_start - 1.0) * (-time / self.gain_s).exp()
    }

    /// The spread of the lens's blur in pixels.
    fn defocus(&self, time: f32) -> f32 {
        let late = time - self.focus_at_s;
        let hunt = if late < 0.0 { 1.0 } else { (-late / 0.12).exp() * (18.0 * late).cos().abs() };
        self.blur_rest + self.blur_hunt * hunt
    }

    fn place(&self, time: f32) -> Place {
        let eased = |share: f32| 1.0 - (1.0 - share.clamp(0.0, 1.0)).powi(3);
        let coming = eased((time - 0.1) / self.enter_s);
        let leaving = ((time - self.leave_at_s) / 0.4).clamp(0.0, 1.0).powi(2);
        let away = (1.0 - coming).max(leaving);
        let wave = |at: usize| {
            let (pixels, rate, phase) = self.shake[at];
            pixels * (rate * time + phase).sin()
        };
        let x = self.hold.0 + (self.enter_from.0 - self.hold.0) * away + wave(0) + wave(2);
        let y = self.hold.1 + (self.enter_from.1 - self.hold.1) * away + wave(1) + wave(3);
        let turn = self.turn + 0.5 * away + 0.01 * wave(0);
        let tilt = self.tilt * (1.0 + 0.05 * wave(1)) + 0.3 * away;
        let module = self.module * (1.0 - 0.25 * away);
        Place::new(self.surface.side as f32, module, turn, tilt, self.tilt_towards, (x, y))
    }
}

#[derive(Debug, Clone, Copy)]
struct Area {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Place {
    /// A plane that is turned in itself, then tilted about an axis, before a camera with a lens of [`FOCAL`].
    fn new(side: f32, module: f32, turn: f32, tilt: f32, towards: f32, (x, y): (f32, f32)) -> Self {
        let (turn_sin, turn_cos) = turn.sin_cos();
        let (axis_x, axis_y) = (towards.cos(), towards.sin());
        let (tilt_sin, tilt_cos) = tilt.sin_cos();
        let turned = |u: f32, v: f32| (u * turn_cos - v * turn_sin, u * turn_sin + v * turn_cos);
        // Rodrigues' formula for a vector that lies in the plane.
        let tilted = |(p, q): (f32, f32)| {
            let along = axis_x * p + axis_y * q;
            (
                p * tilt_cos + axis_x * along * (1.0 - tilt_cos),
                q * tilt_cos + axis_y * along * (1.0 - tilt_cos),
                (axis_x * q - axis_y * p) * tilt_sin,
            )
        };
        let right = tilted(turned(module, 0.0));
        let below = tilted(turned(0.0, module));
        let half = side / 2.0;
        let start =
            (-half * (right.0 + below.0), -half * (right.1 + below.1), FOCAL - half * (right.2 + below.2));
        let map = [
            FOCAL * right.0 + x * right.2,
            FOCAL * below.0 + x * below.2,
            FOCAL * start.0 + x * start.2,
            FOCAL * right.1 + y * right.2,
            FOCAL * below.1 + y * below.2,
            FOCAL * start.1 + y * start.2,
            right.2,
            below.2,
            start.2,
        ];
        Self { map }
    }

    fn pixel(&self, u: f32, v: f32) -> (f32, f32) {
        apply(&self.map, u, v)
    }

    /// The map from pixels to modules.
    fn inverse(&self) -> [f32; 9] {
        let [a, b, c, d, e, f, g, h, i] = self.map.map(f64::from);
        let adjoint = [
            e * i - f * h,
            c * h - b * i,
            b * f - c * e,
            f * g - d * i,
            a * i - c * g,
            c * d - a * f,
            d * h - e * g,
            b * g - a * h,
            a * e - b * d,
        ];
        // A common factor does not matter; near 1 it keeps single precision exact.
        let scale = adjoint[8].abs().max(1e-12);
        adjoint.map(|term| (term / scale) as f32)
    }
}

fn apply(map: &[f32; 9], x: f32, y: f32) -> (f32, f32) {
    let depth = map[6] * x + map[7] * y + map[8];
    ((map[0] * x + map[1] * y + map[2]) / depth, (map[3] * x + map[4] * y + map[5]) / depth)
}
