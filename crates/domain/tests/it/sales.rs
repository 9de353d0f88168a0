//! The sales of `sales.md`: each is a programme, a case and what the answers must hold.

use serde_json::Value;
use stempel_domain::programme::Programme;
use stempel_domain::rules::case;

use crate::manual::blocks;
use crate::support::holds;

#[test]
fn every_sale_gives_the_figures_that_stand_below_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/sales.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (mut programmes, mut answers, mut wrong) = (Vec::new(), Ok(Vec::new()), Vec::new());
    let mut sales = 0;
    for (kind, text, line) in blocks(&page) {
        match kind.as_str() {
            "toml" => {
                // The answers to a case end what belongs together.
                programmes.push(
                    Programme::parse_toml(&text).unwrap_or_else(|error| panic!("line {line}: {error}")),
                );
            }
            "json case" => {
                answers = case::run(&programmes, &text).map_err(|error| error.to_string());
                programmes.clear();
            }
            "json answers" => {
                sales += 1;
                match &answers {
                    Ok(answers) => wrong.extend(differences(&text, answers, line)),
                    Err(error) => wrong.push(format!("line {line}: {error}")),
                }
            }
            other => panic!("line {line}: a block of kind {other:?}"),
        }
    }
    assert!(sales > 80);
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

/// Where the answers are not as they should be, and where the words of an explanation are none.
fn differences(wanted: &str, answers: &[Value], line: usize) -> Vec<String> {
    let wanted: Vec<Value> = serde_json::from_str(wanted).unwrap();
    if wanted.len() != answers.len() {
        return vec![format!("line {line}: {} answers", answers.len())];
    }
    let mut wrong = Vec::new();
    for (step, (wanted, answer)) in wanted.iter().zip(answers).enumerate() {
        for (key, wanted) in wanted.as_object().unwrap() {
            if !holds(key, answer, wanted) {
                wrong.push(format!("line {line}, step {step}: {key}: {wanted}, not {}", answer[key]));
            }
        }
        for said in answer["trace"].as_array().unwrap() {
            let is_said = |text: &Value| text != &said["code"] && !text.as_str().unwrap().is_empty();
            if !(is_said(&said["de"]) && is_said(&said["en"])) {
                wrong.push(format!("line {line}, step {step}: no sentence for {}", said["code"]));
            }
        }
    }
    wrong
}
