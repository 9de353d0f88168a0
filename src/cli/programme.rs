//! Programmes and the catalogue.

use std::path::Path;

use serde_json::json;
use stempel_domain::programme::Programme;
use stempel_domain::rules::case;
use stempel_wire::catalogue;

use super::args::{self, Catalogue, Global};
use super::deed::Deed;
use super::{Answer, Failure, open};

/// The longest file that is read, in bytes.
const FILE_LEN_MAX: u64 = 16 * 1024 * 1024;

/// Reads a text file, within bounds.
pub(super) fn text_of(path: &Path) -> Result<String, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::machine(format!("{}: {error}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| wrong(&error))?.len();
    if length > FILE_LEN_MAX {
        return Err(wrong(&format!("the file is longer than {FILE_LEN_MAX} bytes")));
    }
    let bytes = std::fs::read(path).map_err(|error| wrong(&error))?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("{}: it is not a text in UTF-8", path.display())))
}

/// Reads and checks a programme file.
pub(super) fn programme_of(path: &Path) -> Result<(Programme, String), Failure> {
    let text = text_of(path)?;
    match Programme::parse_toml(&text) {
        Ok(programme) => Ok((programme, text)),
        Err(error) => Err(Failure {
            exit: 1,
            message: format!("{}: {error}", path.display()),
            detail: Some(json!({"line": error.line, "column": error.column})),
        }),
    }
}

pub(super) fn programme(global: &Global, command: args::Programme) -> Result<Answer, Failure> {
    match command {
        args::Programme::Check { file } => {
            let (programme, _) = programme_of(&file)?;
            let warnings = programme.warnings();
            let mut text = format!("“{}” is in order.", programme.id());
            for warning in &warnings {
                text.push_str(&format!("\nNote: {warning}"));
            }
            Ok(Answer::one(text, json!({"programme": programme.id(), "ok": true, "warnings": warnings})))
        }
        args::Programme::Schema => {
            let schema = stempel_domain::programme::schema();
            Ok(Answer::one(serde_json::to_string_pretty(&schema).map_err(Failure::machine)?, schema))
        }
        args::Programme::List => {
            let terminal = open::read(global)?;
            Ok(Answer::lines(terminal.programmes().iter().map(|published| {
                let reference = &published.reference;
                let name = published.programme.name("en").to_owned();
                let unit = published.programme.unit().name();
                (
                    format!("{} v{}  {name} ({unit})", reference.id, reference.version),
                    json!({"programme": reference.id, "version": reference.version, "name": name, "unit": unit}),
                )
            })))
        }
        args::Programme::Publish { file } => {
            let (_, text) = programme_of(&file)?;
            open::write(global, Deed::ProgrammePublish { text })
        }
        args::Programme::Evaluate { files, case } => {
            let programmes =
                files.iter().map(|file| Ok(programme_of(file)?.0)).collect::<Result<Vec<_>, Failure>>()?;
            let steps = case::run(&programmes, &text_of(&case)?).map_err(Failure::usage)?;
            Ok(Answer::lines(steps.into_iter().map(|step| (step.to_string(), step))))
        }
    }
}

pub(super) fn catalogue(global: &Global, command: Catalogue) -> Result<Answer, Failure> {
    match command {
        Catalogue::List => {
            let articles = open::read(global)?.view().articles()?;
            Ok(Answer::lines(articles.into_iter().map(|article| {
                (
                    format!("{:<16} {:>8}  {}", article.sku, article.price, article.name),
                    json!({
                        "sku": article.sku, "name": article.name, "price": article.price.to_string(),
                        "category": article.category, "vat": article.vat.to_string(),
                    }),
                )
            })))
        }
        Catalogue::Import { file } => {
            let articles = catalogue::read(&text_of(&file)?)
                .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
            open::write(global, Deed::CatalogueImport { articles })
        }
    }
}
