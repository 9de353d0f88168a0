//! How much the scanner reads, how fast, and what it reads where nothing is: on photographs, frames, films, and passes
//! that are made for it. Another decoder reads the same in the same run when the feature `compare` brings it.

mod video;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use stempel_scan::clock::Clock;
use stempel_scan::decode::{Mode, Pipeline};
use stempel_scan::frame::Frame;
use stempel_scan::source::film::load_picture;
use stempel_testkit::pictures::{HEIGHT, Pass, Picture, Scene, WIDTH, decoy, empty_counter};

use super::args::Bench;
use super::{Answer, Failure};

/// Half a second of frames.
const HALF_SECOND: usize = 15;
/// Frames of one scene of the soak.
const SCENE_FRAMES: u64 = 16;
/// One frame of so many scenes of the soak is read by all stages too.
const SCENES_PER_THOROUGH: u64 = 12;
/// So often a frame that stays in view is decoded.
const HELD_FRAMES: usize = 8;

/// One decoder under measurement.
struct Decoder {
    name: &'static str,
    how: How,
}

enum How {
    /// Ours, with the frames that the same picture stays in view.
    Ours { pipeline: Box<Pipeline>, mode: Mode, held: usize },
    #[cfg(feature = "compare")]
    Zxing(zxingcpp::BarcodeReader),
}

/// What one picture gave.
#[derive(Default)]
struct Outcome {
    texts: Vec<String>,
    stage: Option<String>,
    millis: Vec<f64>,
}

impl Decoder {
    fn ours(name: &'static str, mode: Mode, held: usize) -> Self {
        Self { name, how: How::Ours { pipeline: Box::new(Pipeline::new(mode, cpu_clock())), mode, held } }
    }

    /// The decoders that read single pictures.
    fn of_pictures() -> Vec<Self> {
        vec![
            Self::ours("live, one frame", Mode::LIVE, 1),
            Self::ours("live, held 8 frames", Mode::LIVE, HELD_FRAMES),
            Self::ours("thorough", Mode::Thorough, 1),
            #[cfg(feature = "compare")]
            Self::zxing(),
        ]
    }

    /// The decoders that follow a film.
    fn of_films() -> Vec<Self> {
        vec![
            Self::ours("live", Mode::LIVE, 1),
            #[cfg(feature = "compare")]
            Self::zxing(),
        ]
    }

    /// The decoders that look at counters without a code; a till looks for packages too.
    fn of_counters() -> Vec<Self> {
        let pipeline = Box::new(Pipeline::new(Mode::LIVE, cpu_clock()).with_other_codes(true));
        let till = How::Ours { pipeline, mode: Mode::LIVE, held: 1 };
        let mut decoders = Self::of_films();
        decoders.insert(1, Self { name: "live, at a till", how: till });
        decoders
    }

    #[cfg(feature = "compare")]
    fn zxing() -> Self {
        let reader = zxingcpp::BarcodeReader::new()
            .formats(zxingcpp::BarcodeFormat::QRCode)
            .try_harder(true)
            .try_invert(true)
            .try_rotate(true)
            .try_downscale(true);
        Self { name: "zxing-cpp", how: How::Zxing(reader) }
    }

    /// Forgets the pictures before.
    fn start(&mut self) {
        match &mut self.how {
            How::Ours { pipeline, mode, .. } => **pipeline = Pipeline::new(*mode, cpu_clock()),
            #[cfg(feature = "compare")]
            How::Zxing(_) => {}
        }
    }

    fn decode(&mut self, frame: &Frame, text: Option<&str>) -> Outcome {
        let mut outcome = Outcome::default();
        let clock = cpu_clock();
        match &mut self.how {
            How::Ours { pipeline, held, .. } => {
                for _ in 0..*held {
                    let begun = clock();
                    let report = pipeline.decode(frame, &|found| Some(found) == text);
                    outcome.millis.push((clock() - begun).as_secs_f64() * 1000.0);
                    if let Some(code) = report.good() {
                        outcome.stage = Some(code.stage.to_string());
                    }
                    outcome.texts.extend(report.codes.into_iter().map(|code| code.text));
                    if outcome.stage.is_some() {
                        break;
                    }
                }
            }
            #[cfg(feature = "compare")]
            How::Zxing(reader) => {
                let begun = clock();
                let (width, height) = (frame.width() as i32, frame.height() as i32);
                let found =
                    zxingcpp::ImageView::from_slice(frame.luma(), width, height, zxingcpp::ImageFormat::Lum)
                        .and_then(|view| reader.from(view));
                outcome.millis.push((clock() - begun).as_secs_f64() * 1000.0);
                outcome.texts.extend(found.unwrap_or_default().iter().map(|code| code.text()));
            }
        }
        outcome
    }
}

/// Time of this thread on the processor, where the system tells it: other programs do not count.
fn cpu_clock() -> Clock {
    #[cfg(target_os = "linux")]
    return std::sync::Arc::new(|| {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    });
    #[cfg(not(target_os = "linux"))]
    stempel_scan::clock::monotonic()
}

/// Counts of one decoder on one set of pictures.
#[derive(Default)]
struct Tally {
    read: BTreeMap<String, (usize, usize)>,
    turns: BTreeMap<usize, (usize, usize)>,
    stages: BTreeMap<String, usize>,
    wrong: Vec<String>,
    millis: Vec<f64>,
}

impl Tally {
    fn take(&mut self, kind: &str, turn: Option<usize>, text: Option<&str>, name: &str, outcome: Outcome) {
        let right = text.is_some_and(|text| outcome.texts.iter().any(|found| found == text));
        let entry = self.read.entry(kind.to_owned()).or_default();
        *entry = (entry.0 + usize::from(right), entry.1 + 1);
        if let Some(turn) = turn {
            let entry = self.turns.entry(turn).or_default();
            *entry = (entry.0 + usize::from(right), entry.1 + 1);
        }
        if let Some(stage) = outcome.stage {
            *self.stages.entry(stage).or_default() += 1;
        }
        for found in outcome.texts.iter().filter(|found| Some(found.as_str()) != text) {
            self.wrong.push(format!("{name}: {found}"));
        }
        self.millis.extend(outcome.millis);
    }

    fn line(mut self, set: &str, decoder: &str) -> (String, Value) {
        let (right, all) = self.read.values().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        let (mean, median, late, max) = times(&mut self.millis);
        let parts = |counts: &BTreeMap<String, (usize, usize)>| {
            counts
                .iter()
                .map(|(name, (right, all))| format!("{name} {right}/{all}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let turns: BTreeMap<String, (usize, usize)> =
            self.turns.iter().map(|(turn, counts)| (format!("{}°", turn * 90), *counts)).collect();
        let mut text = format!(
            "{set}: {decoder:<20} read {right}/{all} ({:.1} %), wrong {}; ms mean {mean:.2} p50 {median:.2} p95 {late:.2} max {max:.1}",
            100.0 * right as f64 / all.max(1) as f64,
            self.wrong.len(),
        );
        for counts in [parts(&self.read), parts(&turns)].iter().filter(|counts| !counts.is_empty()) {
            text.push_str(&format!("\n    {counts}"));
        }
        for (stage, count) in &self.stages {
            text.push_str(&format!("\n    {count:>5} by {stage}"));
        }
        for wrong in self.wrong.iter().take(10) {
            text.push_str(&format!("\n    wrong: {wrong}"));
        }
        let json = json!({
            "set": set, "decoder": decoder, "read": right, "of": all, "kinds": self.read, "turns": turns,
            "stages": self.stages, "wrong": self.wrong,
            "ms": {"mean": mean, "p50": median, "p95": late, "max": max},
        });
        (text, json)
    }
}

/// Gives mean, median, the 95th of a hundred, and the longest.
fn times(millis: &mut [f64]) -> (f64, f64, f64, f64) {
    millis.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (millis.len() as f64 * share).ceil() as usize;
        millis.get(place.clamp(1, millis.len().max(1)) - 1).copied().unwrap_or(0.0)
    };
    let mean = millis.iter().sum::<f64>() / millis.len().max(1) as f64;
    (mean, at(0.5), at(0.95), at(1.0))
}

/// Measures what was asked for; without a wish, on passes and counters that are made for it.
pub(super) fn run(bench: &Bench) -> Result<Answer, Failure> {
    if let Some(folder) = &bench.film {
        return Ok(Answer::lines(video::make(folder, bench.seed, bench.passes.unwrap_or(1))?));
    }
    let mut lines = Vec::new();
    if let Some(folder) = &bench.photos {
        lines.extend(photos(folder)?);
    }
    for folder in &bench.frames {
        lines.extend(frames(folder)?);
    }
    if let Some(folder) = &bench.video {
        lines.extend(video::measure(folder)?);
    }
    if let Some(count) = bench.soak {
        lines.push(soak(bench.seed, count)?);
    }
    let made =
        bench.photos.is_none() && bench.frames.is_empty() && bench.video.is_none() && bench.soak.is_none();
    let count = |wanted: Option<u64>, usual: u64| wanted.unwrap_or(if made { usual } else { 0 });
    let first = bench.seed;
    if count(bench.passes, 20) > 0 {
        lines.extend(passes(first, count(bench.passes, 20))?);
    }
    if count(bench.empty, 100) > 0 {
        lines.extend(without_code("empty counters", first, count(bench.empty, 100), empty_counter)?);
    }
    if count(bench.decoys, 100) > 0 {
        lines.extend(without_code("decoys", first, count(bench.decoys, 100), decoy)?);
    }
    Ok(Answer::lines(lines))
}

fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "png" || end == "jpg" || end == "jpeg")
}

/// The pictures of a folder that have a text beside them; one at least.
fn pictures_with_text(folder: &Path) -> Result<Vec<(PathBuf, String)>, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut pictures = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if is_picture(&path)
            && let Ok(text) = std::fs::read_to_string(path.with_extension("txt"))
        {
            pictures.push((path, text));
        }
    }
    if pictures.is_empty() {
        let reason = "holds no pictures with their text beside them, as in A.png and A.txt";
        return Err(Failure::usage(format!("{}: {reason}", folder.display())));
    }
    pictures.sort();
    Ok(pictures)
}

/// Sets of photographs, each in a folder of its own, read at four turns.
fn photos(folder: &Path) -> Result<Vec<(String, Value)>, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut sets: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        sets.push(entry.map_err(failed)?.path());
    }
    sets.retain(|path| path.is_dir());
    if sets.is_empty() {
        return Err(Failure::usage(format!(
            "{}: each set belongs in a folder of its own here",
            folder.display()
        )));
    }
    sets.sort();
    let mut lines = Vec::new();
    for mut decoder in Decoder::of_pictures() {
        let mut tally = Tally::default();
        for set in &sets {
            let kind = set.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            for (path, text) in pictures_with_text(set)? {
                let mut frame = load_picture(&path).map_err(Failure::machine)?;
                for turn in 0..4 {
                    decoder.start();
                    let outcome = decoder.decode(&frame, Some(&text));
                    tally.take(&kind, Some(turn), Some(&text), &path.display().to_string(), outcome);
                    frame = turned(&frame)?;
                }
            }
        }
        lines.push(tally.line("photos", decoder.name));
    }
    Ok(lines)
}

fn turned(frame: &Frame) -> Result<Frame, Failure> {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let luma = (0..width * height).map(|at| frame.luma()[(height - 1 - at % height) * width + at / height]);
    Frame::new(frame.height(), frame.width(), luma.collect(), Duration::ZERO).map_err(Failure::machine)
}

/// Frames of one folder, each with its text; what stands before the last `_` of a name is the kind.
fn frames(folder: &Path) -> Result<Vec<(String, Value)>, Failure> {
    let pictures = pictures_with_text(folder)?;
    let mut lines = Vec::new();
    for mut decoder in Decoder::of_pictures() {
        let mut tally = Tally::default();
        for (path, text) in &pictures {
            let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let kind = name.rsplit_once('_').map_or("frames", |(kind, _)| kind);
            decoder.start();
            let outcome = decoder.decode(&load_picture(path).map_err(Failure::machine)?, Some(text));
            tally.take(kind, None, Some(text), &name, outcome);
        }
        lines.push(tally.line(&folder.display().to_string(), decoder.name));
    }
    Ok(lines)
}

fn frame_of(picture: Picture) -> Result<Frame, Failure> {
    Frame::new(WIDTH as u32, HEIGHT as u32, picture.0, Duration::ZERO).map_err(Failure::machine)
}

/// What one decoder did with all passes.
#[derive(Default)]
struct Passed {
    /// For each pass, the first frame that was read.
    first: Vec<Option<usize>>,
    frames_read: usize,
    readable_read: usize,
    wrong: Vec<String>,
    with_code: Vec<f64>,
    without: Vec<f64>,
}

/// Hands that bring codes into view.
fn passes(first_seed: u64, count: u64) -> Result<Vec<(String, Value)>, Failure> {
    let mut decoders = Decoder::of_films();
    let mut passed: Vec<Passed> = decoders.iter().map(|_| Passed::default()).collect();
    let mut starts = Vec::new();
    let mut readable_frames = 0;
    for seed in first_seed..first_seed + count {
        let pass = Pass::new(seed);
        decoders.iter_mut().for_each(Decoder::start);
        let mut first = vec![None; decoders.len()];
        let mut start = None;
        for number in 0..pass.frames() {
            let truth = pass.truth(number);
            readable_frames += usize::from(truth.readable);
            if truth.readable && start.is_none() {
                start = Some(number);
            }
            let frame = frame_of(pass.frame(number))?;
            for ((decoder, passed), first) in decoders.iter_mut().zip(&mut passed).zip(&mut first) {
                let outcome = decoder.decode(&frame, Some(pass.text()));
                let times = if truth.in_view { &mut passed.with_code } else { &mut passed.without };
                times.extend(outcome.millis);
                let wrong = outcome.texts.iter().filter(|found| *found != pass.text());
                passed.wrong.extend(wrong.map(|found| format!("pass {seed}, frame {number}: {found}")));
                if outcome.texts.iter().any(|found| found == pass.text()) {
                    first.get_or_insert(number);
                    passed.frames_read += 1;
                    passed.readable_read += usize::from(truth.readable);
                }
            }
        }
        starts.push(start);
        passed.iter_mut().zip(first).for_each(|(passed, first)| passed.first.push(first));
    }
    let firsts: Vec<Vec<Option<usize>>> = passed.iter().map(|passed| passed.first.clone()).collect();
    let lines = decoders.iter().zip(passed).enumerate().map(|(at, (decoder, mut passed))| {
        // The other decoder of the run, when there is one.
        let other = firsts.iter().enumerate().find(|(index, _)| *index != at).map(|(_, other)| other);
        passes_line(decoder.name, &mut passed, first_seed, &starts, readable_frames, other)
    });
    Ok(lines.collect())
}

fn passes_line(
    decoder: &str,
    passed: &mut Passed,
    first_seed: u64,
    starts: &[Option<usize>],
    readable_frames: usize,
    other: Option<&Vec<Option<usize>>>,
) -> (String, Value) {
    let mut waits: Vec<f64> = Vec::new();
    let (mut readable, mut soon, mut never, mut late_ones) = (0, 0, Vec::new(), Vec::new());
    for ((seed, first), start) in (first_seed..).zip(&passed.first).zip(starts) {
        let Some(start) = start else { continue };
        readable += 1;
        let wait = first.map(|first| first.saturating_sub(*start));
        match wait {
            Some(wait) => waits.push(wait as f64),
            None => never.push(seed),
        }
        if wait.is_some_and(|wait| wait <= HALF_SECOND) {
            soon += 1;
        } else {
            let when = wait.map_or("never".to_owned(), |wait| format!("after {wait} frames"));
            late_ones.push(format!("seed {seed}, {when}: {}", Pass::new(seed).describe()));
        }
    }
    let (mean, median, late, max) = times(&mut waits);
    let (code_mean, _, code_late, code_max) = times(&mut passed.with_code);
    let (bare_mean, _, bare_late, bare_max) = times(&mut passed.without);
    let frame_of = |first: &Option<usize>| first.unwrap_or(usize::MAX);
    let earlier = other.map_or(0, |other| {
        passed.first.iter().zip(other).filter(|(ours, theirs)| frame_of(ours) < frame_of(theirs)).count()
    });
    let read = passed.first.iter().flatten().count();
    let mut text = format!(
        "passes: {decoder:<20} read {read} of {}; of {readable} readable ones {soon} within 0.5 s ({:.1} %), never {never:?}; \
         frames to the first read mean {mean:.2} p50 {median} p95 {late} max {max}; earlier than the other in {earlier}; \
         frames read {}, of {readable_frames} readable ones {}; wrong {}\n    \
         ms with a code: mean {code_mean:.2} p95 {code_late:.2} max {code_max:.1}; without: mean {bare_mean:.2} p95 {bare_late:.2} max {bare_max:.1}",
        passed.first.len(),
        100.0 * f64::from(soon as u32) / f64::from(readable.max(1)),
        passed.frames_read,
        passed.readable_read,
        passed.wrong.len(),
    );
    for late in &late_ones {
        text.push_str(&format!("\n    late: {late}"));
    }
    for wrong in passed.wrong.iter().take(10) {
        text.push_str(&format!("\n    wrong: {wrong}"));
    }
    let json = json!({
        "set": "passes", "decoder": decoder, "read": read, "of": passed.first.len(), "readable": readable,
        "within_half_second": soon, "never": never, "late": late_ones, "earlier": earlier, "wrong": passed.wrong,
        "frames_to_first": {"mean": mean, "p50": median, "p95": late, "max": max},
        "frames_read": passed.frames_read, "readable_frames": readable_frames,
        "readable_frames_read": passed.readable_read,
        "ms_with_code": {"mean": code_mean, "p95": code_late, "max": code_max},
        "ms_without": {"mean": bare_mean, "p95": bare_late, "max": bare_max},
    });
    (text, json)
}

/// Frames in which there is nothing to read; everything that is read is false.
fn without_code(
    set: &str,
    first_seed: u64,
    count: u64,
    draw: fn(u64) -> Picture,
) -> Result<Vec<(String, Value)>, Failure> {
    let mut decoders = Decoder::of_counters();
    let mut tallies: Vec<Tally> = decoders.iter().map(|_| Tally::default()).collect();
    for seed in first_seed..first_seed + count {
        let frame = frame_of(draw(seed))?;
        for (decoder, tally) in decoders.iter_mut().zip(&mut tallies) {
            let outcome = decoder.decode(&frame, None);
            tally.take(set, None, None, &format!("seed {seed}"), outcome);
        }
    }
    Ok(decoders.iter().zip(tallies).map(|(decoder, tally)| tally.line(set, decoder.name)).collect())
}

/// What one thread of the soak saw.
#[derive(Default)]
struct Soaked {
    frames: u64,
    thorough: u64,
    /// Scenes with a code of others that was read.
    read: u64,
    wrong: Vec<String>,
}

/// Looks at frames without a member's token for as long as is asked for, live, as a till does, and now and then by all
/// stages. Codes of others may be read as what they are; everything else is false.
fn soak(first_seed: u64, count: u64) -> Result<(String, Value), Failure> {
    let scenes = count.div_ceil(SCENE_FRAMES);
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let done = AtomicU64::new(0);
    let parts: Result<Vec<Soaked>, Failure> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|part| {
                let done = &done;
                scope.spawn(move || {
                    let own = (0..scenes).skip(part as usize).step_by(threads as usize);
                    soak_part(own, first_seed, &|soaked| said_so_far(done, scenes, soaked))
                })
            })
            .collect();
        let ended = || Failure::machine("a thread of the soak ended");
        running.into_iter().map(|thread| thread.join().map_err(|_| ended())?).collect()
    });
    let mut all = Soaked::default();
    for part in parts? {
        all.frames += part.frames;
        all.thorough += part.thorough;
        all.read += part.read;
        all.wrong.extend(part.wrong);
    }
    let Soaked { frames, thorough, read, wrong } = all;
    let mut text = format!(
        "soak: {frames} frames without a member's token from seed {first_seed}, {thorough} of them by all stages too: \
         {} false; codes of others read in {read} of {scenes} scenes",
        wrong.len()
    );
    for wrong in &wrong {
        text.push_str(&format!("\n    wrong: {wrong}"));
    }
    let json = json!({
        "set": "soak", "frames": frames, "thorough": thorough, "seed": first_seed, "scenes": scenes,
        "scenes_read": read, "wrong": wrong,
    });
    Ok((text, json))
}

/// Scenes between two lines about a soak that goes on for hours.
const SCENES_PER_LINE: u64 = 100;

/// Says how far a soak is, and what was false as soon as it was: whoever ends it early knows what it had seen.
fn said_so_far(done: &AtomicU64, scenes: u64, wrong: &[String]) {
    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
    let mut err = std::io::stderr().lock();
    // Nobody may be listening; the answer at the end says it all again.
    for wrong in wrong {
        let _ = writeln!(err, "    wrong: {wrong}");
    }
    if done.is_multiple_of(SCENES_PER_LINE) {
        let _ = writeln!(err, "    {} of {} frames", done * SCENE_FRAMES, scenes * SCENE_FRAMES);
    }
}

/// Looks at scenes, and tells `said` of each what was false in it.
fn soak_part(
    scenes: impl Iterator<Item = u64>,
    first_seed: u64,
    said: &dyn Fn(&[String]),
) -> Result<Soaked, Failure> {
    let clock = stempel_scan::clock::monotonic();
    let mut live = Pipeline::new(Mode::LIVE, cpu_clock()).with_other_codes(true);
    let mut thorough = Pipeline::new(Mode::Thorough, clock);
    let mut soaked = Soaked::default();
    for number in scenes {
        let seed = first_seed + number;
        let scene = Scene::new(seed);
        let (mut any, wrong_before) = (false, soaked.wrong.len());
        for at in 0..SCENE_FRAMES {
            let frame = frame_of(scene.frame(at))?;
            let mut reports = vec![live.decode(&frame, &|_| false)];
            soaked.frames += 1;
            if at == 0 && number % SCENES_PER_THOROUGH == 0 {
                reports.push(thorough.decode(&frame, &|_| false));
                soaked.thorough += 1;
            }
            for code in reports.iter().flat_map(|report| &report.codes) {
                any = true;
                if !scene.texts().contains(&code.text) {
                    soaked.wrong.push(format!(
                        "seed {seed}, frame {at}: {:?}, {} by {}",
                        code.text, code.symbology, code.stage
                    ));
                }
            }
        }
        soaked.read += u64::from(any);
        said(&soaked.wrong[wrong_before..]);
    }
    Ok(soaked)
}
