//! Films as folders of pictures: measured, and made of a hand that brings a code into view.
//!
//! A film's folder holds its pictures in the order of their names, the code's text in `text.txt`, and if it is known, in
//! `readable.txt` the name of the first picture in which the code can be read. Time runs from that one on, or from the
//! first.

use std::path::{Path, PathBuf};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use serde_json::{Value, json};
use stempel_scan::source::film::load_picture;
use stempel_testkit::pictures::{HEIGHT, Pass, WIDTH};

use super::{Decoder, Failure, HALF_SECOND, is_picture, times};

const TEXT: &str = "text.txt";
const READABLE: &str = "readable.txt";

/// One film on the disk.
struct Film {
    folder: PathBuf,
    text: String,
    pictures: Vec<PathBuf>,
    /// The place of the first picture from which time runs.
    start: usize,
}

impl Film {
    fn open(folder: &Path) -> Result<Self, Failure> {
        let failed = |path: &Path, reason: &str| Failure::usage(format!("{}: {reason}", path.display()));
        let text = std::fs::read_to_string(folder.join(TEXT)).map_err(|error| {
            failed(&folder.join(TEXT), &format!("the code's text belongs here ({error})"))
        })?;
        let mut pictures = entries(folder)?;
        pictures.retain(|path| is_picture(path));
        if pictures.is_empty() {
            return Err(failed(folder, "holds no pictures; PNG and JPEG are read"));
        }
        let start = match std::fs::read_to_string(folder.join(READABLE)) {
            Err(_) => 0,
            Ok(name) => {
                let is_named = |path: &PathBuf| path.file_name().is_some_and(|file| file == name.trim_end());
                pictures.iter().position(is_named).ok_or_else(|| {
                    failed(&folder.join(READABLE), "the name of a picture of this folder belongs here")
                })?
            }
        };
        Ok(Self { folder: folder.to_owned(), text: text.trim_end().to_owned(), pictures, start })
    }

    /// Opens a film, or all films in a folder.
    fn open_all(folder: &Path) -> Result<Vec<Self>, Failure> {
        if folder.join(TEXT).exists() {
            return Ok(vec![Self::open(folder)?]);
        }
        let films: Vec<PathBuf> =
            entries(folder)?.into_iter().filter(|path| path.join(TEXT).exists()).collect();
        if films.is_empty() {
            return Err(Failure::usage(format!(
                "{}: no film: its pictures belong here with the code's text in {TEXT}, or folders of that kind",
                folder.display()
            )));
        }
        films.iter().map(|film| Self::open(film)).collect()
    }
}

/// The files and folders of a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    Ok(entries)
}

/// Measures a film or a folder of films: when each is read first, and how many within half a second.
pub(super) fn measure(folder: &Path) -> Result<Vec<(String, Value)>, Failure> {
    let films = Film::open_all(folder)?;
    let mut lines = Vec::new();
    for mut decoder in Decoder::of_films() {
        let mut soon = 0;
        for film in &films {
            decoder.start();
            let (in_time, text, json) = measure_film(&mut decoder, film)?;
            soon += usize::from(in_time);
            lines.push((text, json));
        }
        if films.len() > 1 {
            lines.push((
                format!(
                    "films: {:<20} {soon} of {} read within 0.5 s ({:.1} %)",
                    decoder.name,
                    films.len(),
                    100.0 * soon as f64 / films.len() as f64
                ),
                json!({"set": "films", "decoder": decoder.name, "films": films.len(), "within_half_second": soon}),
            ));
        }
    }
    Ok(lines)
}

/// Tells whether the film was read within half a second, in words and as data.
fn measure_film(decoder: &mut Decoder, film: &Film) -> Result<(bool, String, Value), Failure> {
    let (mut first, mut read, mut wrong, mut millis) = (None, 0_usize, Vec::new(), Vec::new());
    for (number, path) in film.pictures.iter().enumerate() {
        let outcome = decoder.decode(&load_picture(path).map_err(Failure::machine)?, Some(&film.text));
        if outcome.texts.contains(&film.text) {
            first.get_or_insert(number);
            read += 1;
        }
        wrong.extend(outcome.texts.into_iter().filter(|found| *found != film.text));
        millis.extend(outcome.millis);
    }
    let name = |number: usize| {
        let file = film.pictures.get(number).and_then(|path| path.file_name());
        file.map_or_else(String::new, |file| file.to_string_lossy().into_owned())
    };
    let wait = first.map(|first| first.saturating_sub(film.start));
    let in_time = wait.is_some_and(|wait| wait <= HALF_SECOND);
    let begun = match (first, wait) {
        (Some(first), Some(wait)) => {
            format!("first read in {}, {wait} frames after {}", name(first), name(film.start))
        }
        _ => "never read".to_owned(),
    };
    let (mean, median, late, max) = times(&mut millis);
    let mut text = format!(
        "{}: {:<20} {begun}; read in {read} of {} frames, wrong {}; ms mean {mean:.2} p50 {median:.2} p95 {late:.2} max {max:.1}",
        film.folder.display(),
        decoder.name,
        film.pictures.len(),
        wrong.len(),
    );
    for wrong in wrong.iter().take(10) {
        text.push_str(&format!("\n    wrong: {wrong}"));
    }
    let json = json!({
        "video": film.folder.display().to_string(), "decoder": decoder.name, "first": first, "start": film.start,
        "frames_to_first": wait, "within_half_second": in_time, "read": read, "frames": film.pictures.len(),
        "wrong": wrong, "ms": {"mean": mean, "p50": median, "p95": late, "max": max},
    });
    Ok((in_time, text, json))
}

/// Writes the passes of so many seeds as films into an empty folder, one folder each.
pub(super) fn make(folder: &Path, first_seed: u64, count: u64) -> Result<Vec<(String, Value)>, Failure> {
    let failed = |error: std::io::Error| Failure::machine(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    if !entries(folder)?.is_empty() {
        return Err(Failure::usage(format!(
            "there are files in {} already; name an empty folder",
            folder.display()
        )));
    }
    (first_seed..first_seed.saturating_add(count))
        .map(|seed| {
            let film = folder.join(format!("pass-{seed}"));
            let pass = Pass::new(seed);
            write(&film, &pass).map_err(failed)?;
            Ok((
                format!("{}: {} frames; {}", film.display(), pass.frames(), pass.describe()),
                json!({"film": film.display().to_string(), "frames": pass.frames(), "seed": seed, "text": pass.text()}),
            ))
        })
        .collect()
}

fn write(folder: &Path, pass: &Pass) -> std::io::Result<()> {
    std::fs::create_dir(folder)?;
    std::fs::write(folder.join(TEXT), pass.text())?;
    let name = |number: usize| format!("frame-{number:05}.png");
    if let Some(start) = (0..pass.frames()).find(|&number| pass.truth(number).readable) {
        std::fs::write(folder.join(READABLE), name(start))?;
    }
    for number in 0..pass.frames() {
        let file = std::io::BufWriter::new(std::fs::File::create_new(folder.join(name(number)))?);
        PngEncoder::new_with_quality(file, CompressionType::Fast, FilterType::Sub)
            .write_image(&pass.frame(number).0, WIDTH as u32, HEIGHT as u32, ExtendedColorType::L8)
            .map_err(std::io::Error::other)?;
    }
    Ok(())
}
