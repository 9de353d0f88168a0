//! The scanner measured on a film, as somebody does who has recorded one or had one made.

use std::path::Path;

use serde_json::Value;

use crate::support::Till;

/// The folder of the one film that was made, of which only so many pictures around the first readable one are left.
fn film_in(folder: &Path, till: &Till) -> std::path::PathBuf {
    let made = till.one(&["bench", "scan", "--film", &folder.display().to_string(), "--seed", "33"]);
    let film = folder.join("pass-33");
    assert_eq!(made["film"], film.display().to_string());
    let readable = std::fs::read_to_string(film.join("readable.txt")).unwrap();
    let number = |name: &str| name.trim_start_matches("frame-").trim_end_matches(".png").parse::<u64>().ok();
    let start = number(&readable).unwrap();
    let mut pictures = 0;
    for entry in std::fs::read_dir(&film).unwrap() {
        let path = entry.unwrap().path();
        let Some(at) = number(&path.file_name().unwrap().to_string_lossy()) else { continue };
        pictures += 1;
        if !(start - 2..start + 6).contains(&at) {
            std::fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(made["frames"], pictures);
    film
}

fn live(till: &Till, folder: &Path) -> Value {
    let run = till.run(&["bench", "scan", "--video", &folder.display().to_string()]);
    assert_eq!(run.exit, 0, "{}", run.error);
    run.lines.into_iter().find(|line| line["decoder"] == "live").unwrap()
}

#[test]
fn a_film_that_was_made_is_read_soon_after_its_code_can_be_read() {
    let (till, place) = (Till::new(), tempfile::tempdir().unwrap());
    let film = film_in(place.path(), &till);
    for folder in [&*film, place.path()] {
        let line = live(&till, folder);
        assert_eq!(line["video"], film.display().to_string());
        assert_eq!((&line["frames"], &line["start"]), (&8.into(), &2.into()));
        assert_eq!(
            (&line["within_half_second"], &line["wrong"]),
            (&true.into(), &Value::Array(vec![])),
            "{line}"
        );
        assert!(line["frames_to_first"].as_u64().unwrap() <= 3, "{line}");
    }
    let text = std::fs::read_to_string(film.join("text.txt")).unwrap();
    std::fs::write(film.join("text.txt"), "ANOTHER").unwrap();
    let line = live(&till, &film);
    assert_eq!((&line["read"], &line["within_half_second"]), (&0.into(), &false.into()));
    assert!(line["wrong"].as_array().unwrap().iter().all(|wrong| *wrong == *text), "{line}");
    assert!(!line["wrong"].as_array().unwrap().is_empty());
}

#[test]
fn what_is_no_film_is_called_so() {
    let (till, place) = (Till::new(), tempfile::tempdir().unwrap());
    let folder = place.path().display().to_string();
    let refused = |option: &str| till.refused(&["bench", "scan", option, &folder]);
    for (option, words) in [
        ("--video", "the code's text in text.txt"),
        ("--frames", "no pictures with their text"),
        ("--photos", "a folder of its own"),
    ] {
        let (exit, said) = refused(option);
        assert!(exit == 2 && said.contains(words), "{option}: {said}");
    }
    std::fs::write(place.path().join("text.txt"), "ST").unwrap();
    let (exit, said) = refused("--video");
    assert!(exit == 2 && said.contains("no pictures"), "{said}");
    std::fs::write(place.path().join("a.png"), "").unwrap();
    std::fs::write(place.path().join("readable.txt"), "b.png").unwrap();
    let (exit, said) = refused("--video");
    assert!(exit == 2 && said.contains("the name of a picture"), "{said}");
    let (exit, said) = refused("--film");
    assert!(exit == 2 && said.contains("name an empty folder"), "{said}");
}
