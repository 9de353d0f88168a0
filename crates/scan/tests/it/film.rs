//! Pictures from files and folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use image::{GrayImage, LumaA, Rgb};
use stempel_scan::clock::Clock;
use stempel_scan::source::film::{Film, FilmOptions, Wait, load_picture, sleeping};
use stempel_scan::source::{FrameSource, SourceError};

use crate::support;

/// A folder of its own for each test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stempel-scan-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn grey(&self, name: &str, grey: u8) -> PathBuf {
        let path = self.0.join(name);
        GrayImage::from_pixel(8, 6, image::Luma([grey])).save(&path).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open(path: &Path, options: FilmOptions) -> Result<Film, SourceError> {
    Film::open(path, options, support::still_clock(), sleeping())
}

const FAST: FilmOptions = FilmOptions { interval: None, looping: false };

#[test]
fn a_folder_is_played_in_the_order_of_names() {
    let folder = Folder::new("order");
    for (name, grey) in [("c.png", 30), ("a.PNG", 10), ("b.jpeg", 20)] {
        folder.grey(name, grey);
    }
    fs::write(folder.0.join("notes.txt"), "not a picture").unwrap();
    let mut film = open(&folder.0, FAST).unwrap();
    for grey in [10, 20, 30] {
        let frame = film.next().unwrap();
        assert_eq!((frame.width(), frame.height()), (8, 6));
        assert!(frame.luma()[0].abs_diff(grey) <= 2, "{} {grey}", frame.luma()[0]);
    }
    assert_eq!(film.next().unwrap_err(), SourceError::Ended);
    let mut film = open(&folder.0, FilmOptions { looping: true, ..FAST }).unwrap();
    let greys: Vec<u8> = (0..6).map(|_| film.next().unwrap().luma()[0]).collect();
    assert_eq!(greys[..3], greys[3..]);
}

#[test]
fn the_pace_is_kept_and_lost_time_is_not_made_up() {
    let folder = Folder::new("pace");
    folder.grey("a.png", 10);
    let now = Arc::new(Mutex::new(Duration::ZERO));
    let waits = Arc::new(Mutex::new(Vec::new()));
    let clock: Clock = {
        let now = Arc::clone(&now);
        Arc::new(move || *now.lock().unwrap())
    };
    let wait: Wait = {
        let (now, waits) = (Arc::clone(&now), Arc::clone(&waits));
        Arc::new(move |time| {
            *now.lock().unwrap() += time;
            waits.lock().unwrap().push(time.as_millis());
        })
    };
    let options = FilmOptions { interval: Some(Duration::from_millis(40)), looping: true };
    let mut film = Film::open(&folder.0, options, clock, wait).unwrap();
    film.next().unwrap();
    film.next().unwrap();
    *now.lock().unwrap() += Duration::from_millis(500);
    film.next().unwrap();
    let last = film.next().unwrap();
    assert_eq!(*waits.lock().unwrap(), [40, 40]);
    assert_eq!(last.captured_at(), Duration::from_millis(580));
}

#[test]
fn colours_and_transparency_become_brightness_on_white() {
    let folder = Folder::new("colours");
    let path = folder.0.join("rgb.png");
    image::RgbImage::from_pixel(4, 4, Rgb([255, 255, 255])).save(&path).unwrap();
    assert!(load_picture(&path).unwrap().luma().iter().all(|pixel| *pixel == 255));
    let path = folder.0.join("clear.png");
    image::GrayAlphaImage::from_fn(4, 4, |x, _| if x < 2 { LumaA([0, 0]) } else { LumaA([0, 255]) })
        .save(&path)
        .unwrap();
    assert_eq!(load_picture(&path).unwrap().luma()[..4], [255, 255, 0, 0]);
}

#[test]
fn what_cannot_be_read_says_what_to_do() {
    let folder = Folder::new("damaged");
    assert_eq!(open(&folder.0, FAST).unwrap_err(), SourceError::NoPictures { path: folder.0.clone() });
    let missing = folder.0.join("missing.png");
    assert!(matches!(open(&missing, FAST), Err(SourceError::Picture { .. })));
    let damaged = folder.grey("damaged.png", 9);
    let bytes = fs::read(&damaged).unwrap();
    for length in 0..bytes.len() {
        fs::write(&damaged, &bytes[..length]).unwrap();
        let _ = load_picture(&damaged);
    }
    fs::write(&damaged, "this is no picture").unwrap();
    let error = load_picture(&damaged).unwrap_err();
    assert!(error.to_string().contains("choose a PNG or JPEG file"), "{error}");
}
