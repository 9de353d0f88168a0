//! Reading codes from picture files, with every stage there is.

use std::path::Path;

use serde_json::{Value, json};
use stempel_scan::clock::monotonic;
use stempel_scan::decode::{Code, Mode, Pipeline};
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
    let texts: Vec<String> = report.codes.iter().map(said).collect();
    let line =
        if texts.is_empty() { format!("{name}: no code") } else { format!("{name}: {}", texts.join(" | ")) };
    let millis = (report.millis() * 1000.0).round() / 1000.0;
    (!codes.is_empty(), line, json!({"file": name, "codes": codes, "millis": millis}))
}

/// A code with its kind, and with the number of the article where it names one.
fn said(code: &Code) -> String {
    let article = code.article_number().map(|number| format!(" (article {number})")).unwrap_or_default();
    format!("{} {}{article}", code.symbology, code.text)
}

#[cfg(test)]
mod tests {
    use stempel_scan::decode::{Corner, Reader, Stage, Symbology, View};

    use super::*;

    #[test]
    fn what_was_read_is_said_with_its_kind() {
        let stage = Stage { reader: Reader::Other, view: View::PLAIN };
        let code = |symbology, text: &str| Code {
            text: text.to_owned(),
            symbology,
            corners: [Corner::default(); 4],
            stage,
            good: false,
        };
        assert_eq!(said(&code(Symbology::Qr, "S1ABC")), "QR S1ABC");
        let package = code(Symbology::Ean13, "4006381333931");
        assert_eq!(said(&package), "EAN-13 4006381333931 (article 04006381333931)");
    }
}
