//! `docs/PROGRAMMES.md` tells the truth: its examples are run.

use serde_json::Value;
use stempel_domain::programme::Programme;
use stempel_domain::rules::case;

use crate::support::holds;

/// The fenced blocks of a page: what stands after the fence, the text, and the line it begins on.
pub fn blocks(page: &str) -> Vec<(String, String, usize)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String, usize)> = None;
    for (index, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(kind), None) => open = Some((kind.to_owned(), String::new(), index + 1)),
            (None, Some((_, text, _))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

#[test]
fn every_example_gives_what_stands_below_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/PROGRAMMES.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut programme = None;
    let mut answers: Vec<Value> = Vec::new();
    let mut examples = 0;
    for (kind, text, line) in blocks(&page) {
        match kind.as_str() {
            "toml" => {
                let parsed =
                    Programme::parse_toml(&text).unwrap_or_else(|error| panic!("line {line}: {error}"));
                assert_eq!(Programme::from_json(&parsed.to_json()).unwrap(), parsed);
                programme = Some(parsed);
            }
            "json case" => {
                let programmes: Vec<Programme> = programme.iter().cloned().collect();
                answers =
                    case::run(&programmes, &text).unwrap_or_else(|error| panic!("line {line}: {error}"));
            }
            "json answers" => {
                let wanted: Vec<Value> = serde_json::from_str(&text).unwrap();
                assert_eq!(wanted.len(), answers.len(), "line {line}");
                for (step, (wanted, answer)) in wanted.iter().zip(&answers).enumerate() {
                    for (key, wanted) in wanted.as_object().unwrap() {
                        assert!(
                            holds(key, answer, wanted),
                            "line {line}, step {step}: {key}: {wanted} in {answer:#}"
                        );
                    }
                }
                examples += 1;
            }
            // Commands for people; the draw's own test says that they give the same.
            "sh" => {}
            other => panic!("line {line}: a block of kind {other:?}"),
        }
    }
    assert!(examples > 8);
}
