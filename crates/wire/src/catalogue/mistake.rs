//! What can be wrong with a table of articles, or with one article. The English sentence is the error's own; pages
//! say it in other languages by its kind.

use stempel_domain::Sku;
use stempel_domain::ids::NotAnId;
use stempel_domain::money::NotANumber;

use super::{FIELD_CHARS_MAX, Field, MISTAKES_MAX, REQUIRED, VARIANT, VARIANT_OF};
use crate::article::Article;
use crate::gtin::{Gtin, GtinError};

/// What is wrong at one place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The whole file.
    #[error("the file is too long")]
    FileTooLong,
    /// A text in double quotes has no end.
    #[error("a quote is not closed")]
    OpenQuote,
    /// The first line names a column twice.
    #[error("there are two columns {0}")]
    ColumnTwice(&'static str),
    /// The first line names a column that is not known.
    #[error("there is no column “{0}”")]
    NoSuchColumn(String),
    /// One of the two columns of a variant is missing.
    #[error("{VARIANT_OF} and {VARIANT} go together")]
    HalfAVariant,
    /// Columns that have to be there are not.
    #[error("the first line names the columns {}; missing: {}", REQUIRED.join(","), .0.join(", "))]
    Missing(Vec<&'static str>),
    /// A line has more or fewer fields than the first.
    #[error("there are {here} fields, the first line has {first}")]
    Fields {
        /// In this line.
        here: usize,
        /// In the first.
        first: usize,
    },
    /// A text that cannot stand there, by its column.
    #[error("the {0} is longer than {FIELD_CHARS_MAX} characters or has signs that cannot be shown")]
    Text(&'static str),
    /// An article without a name.
    #[error("the name is empty")]
    NoName,
    /// A number of an article or a code of something that can be added.
    #[error(transparent)]
    Number(#[from] NotAnId),
    /// A price or a rate.
    #[error(transparent)]
    Amount(#[from] NotANumber),
    /// A price below zero.
    #[error("the price is below zero")]
    PriceBelowZero,
    /// Neither yes nor no.
    #[error("write yes or no")]
    YesOrNo,
    /// An article that names itself.
    #[error("an article is no variant of itself")]
    OwnVariant,
    /// A variant of nothing that there is.
    #[error("there is no article {0} that it could be a variant of")]
    NoSuchArticle(Sku),
    /// Two lines with one number.
    #[error("article {sku} stands in line {line} already")]
    ArticleTwice {
        /// The number.
        sku: Sku,
        /// Where it stands first.
        line: usize,
    },
    /// The number on a package.
    #[error(transparent)]
    Code(#[from] GtinError),
    /// A package that belongs to another article: the till could not tell which was sold.
    #[error("the code {code} is that of article {sku} already")]
    CodeTaken {
        /// The number on the package.
        code: Gtin,
        /// Whose it is.
        sku: Sku,
    },
    /// Rates from a day on without both parts.
    #[error("write a day and a rate, like 2027-01-01:7")]
    DayAndRate,
    /// More than two rates behind a day.
    #[error("a day has two rates at most: in the house, taken away")]
    RatesOfDay,
    /// A text that is no day.
    #[error("“{0}” is no day like 2027-01-01")]
    NotADay(String),
    /// Days that do not rise, or too many.
    #[error("days rise, and there are {} at most", Article::RATES_MAX)]
    Days,
    /// Something to add without its three parts.
    #[error("write code, name and price, like oat:Oat milk:0.50")]
    CodeNamePrice,
    /// More than two rates behind something to add.
    #[error("what is added has two rates at most: in the house, taken away")]
    RatesOfModifier,
    /// A code with a sign that the table itself uses.
    #[error("the code {0} has a sign that means something else: + = | :")]
    ModifierCode(Sku),
    /// A code that stands there twice.
    #[error("{0} stands there twice")]
    ModifierTwice(Sku),
    /// Something to add without a name, or with one that the table cannot hold.
    #[error("{0} needs a name without | and :, of {FIELD_CHARS_MAX} characters at most")]
    ModifierName(Sku),
    /// A name with signs that cannot be shown.
    #[error("the name of {0} has signs that cannot be shown")]
    ModifierSigns(Sku),
    /// Something to add that would make the article cheaper.
    #[error("the price of {0} is below zero")]
    ModifierBelowZero(Sku),
    /// More than an article can have.
    #[error("there are more than {}", Article::MODIFIERS_MAX)]
    TooManyModifiers,
}

/// One mistake in a file, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: Wrong,
}

impl Mistake {
    pub(super) fn at(field: &Field, what: impl Into<Wrong>) -> Self {
        Self { line: field.line, column: field.column, what: what.into() }
    }

    /// A mistake of the whole file.
    pub(super) fn first(what: Wrong) -> Self {
        Self { line: 1, column: 1, what }
    }
}

/// A file with mistakes. Nothing of it is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue has mistakes; nothing was taken:\n{}", listed(.0))]
pub struct CatalogueError(pub Vec<Mistake>);

impl CatalogueError {
    /// The mistakes, one on each line; of many only the first.
    pub fn detail(&self) -> String {
        listed(&self.0)
    }
}

fn listed(mistakes: &[Mistake]) -> String {
    let mut lines: Vec<String> = mistakes
        .iter()
        .take(MISTAKES_MAX)
        .map(|Mistake { line, column, what }| format!("line {line}, column {column}: {what}"))
        .collect();
    if mistakes.len() > MISTAKES_MAX {
        lines.push(format!("and {} more", mistakes.len() - MISTAKES_MAX));
    }
    lines.join("\n")
}
