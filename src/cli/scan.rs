//! Reading codes from picture files, with every stage there is.

use std::path::Path;

use serde_json::{Value, json};
use stempel_scan::clock::monotonic;
use stempel_scan::decode::{Mode, Pipeline};
use stempel_scan::source::film::load_picture;

use super::args::Scan;
use super::{Answer, Failure};

pub(super) fn scan(scan: &Scan) -> Result<Answer, Failure> {
    let mut pipeline = Pipeline::new(Mode::Thorough, monotonic());
    let mut answers = Vec::with_capacity(scan.files.len());
    let mut all_read = true;
    for file in &scan.files {
        let (found, text, json) = read(&mut pipeline, file);
        all_read &= found;
        answers.push((text, json));
    }
    Ok(Answer { no: !all_read, ..Answer::lines(answers) })
}

fn read(pipeline: &mut Pipeline, file: &Path) -> (bool, String, Value) {
    let frame = match load_picture(file) {
        Ok(frame) => frame,
        Err(error) => {
            let name = file.display().to_string();
            let json = json!({"file": name, "codes": [], "error": error.to_string(), "millis": 0});
            return (false, format!("{name}: {error}"), json);
        }
    };
    let report = pipeline.decode(&frame, &|_| false);
    let codes: Vec<Value> = report
        .codes
        .iter()
        .map(|code| {
            let corners: Vec<_> = code.corners.iter().map(|corner| json!([corner.x, corner.y])).collect();
            json!({
                "text": code.text, "symbology": code.symbology.to_string(), "article": code.article_number(),
                "corners": corners,
            })
        })
        .collect();
    let name = file.display().to_string();
    let texts: Vec<&str> = report.codes.iter().map(|code| code.text.as_str()).collect();
    let line =
        if texts.is_empty() { format!("{name}: no code") } else { format!("{name}: {}", texts.join(" | ")) };
    let millis = (report.millis() * 1000.0).round() / 1000.0;
    (!codes.is_empty(), line, json!({"file": name, "codes": codes, "millis": millis}))
}
