//! What is wrong with an article or a table of articles, in the reader's language.

use stempel_domain::money::{NoNumber, NotANumber};
use stempel_wire::article::Article;
use stempel_wire::catalogue::{FIELD_CHARS_MAX, REQUIRED, Wrong};
use stempel_wire::gtin::GtinError;

use crate::web::Language;

/// The sentence for what is wrong.
pub(super) fn said(language: Language, wrong: &Wrong) -> String {
    match language {
        Language::De => german(wrong),
        Language::En => {
            let text = wrong.to_string();
            let mut signs = text.chars();
            let first = signs.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
            format!("{first}{}.", signs.as_str())
        }
    }
}

fn german(wrong: &Wrong) -> String {
    match wrong {
        Wrong::FileTooLong => "Die Tabelle ist zu lang.".to_owned(),
        Wrong::OpenQuote => "Ein Anführungszeichen wird nicht geschlossen.".to_owned(),
        Wrong::ColumnTwice(name) => format!("Die Spalte {name} steht zweimal da."),
        Wrong::NoSuchColumn(name) => format!("Eine Spalte „{name}“ gibt es nicht."),
        Wrong::HalfAVariant => "Die Spalten variant_of und variant gehören zusammen.".to_owned(),
        Wrong::Missing(names) => {
            format!(
                "Die erste Zeile nennt die Spalten {}; es fehlen: {}.",
                REQUIRED.join(", "),
                names.join(", ")
            )
        }
        Wrong::Fields { here, first } => format!("Hier stehen {here} Felder, in der ersten Zeile {first}."),
        Wrong::Text(name) => {
            format!(
                "{name} ist länger als {FIELD_CHARS_MAX} Zeichen oder hat Zeichen, die sich nicht zeigen lassen."
            )
        }
        Wrong::NoName => "Der Name fehlt.".to_owned(),
        Wrong::Number(number) => {
            format!(
                "„{}“ ist keine Artikelnummer: höchstens 64 Zeichen ohne Leerzeichen, wie espresso oder 4001.",
                number.text()
            )
        }
        Wrong::Amount(number) => amount(number),
        Wrong::PriceBelowZero => "Der Preis liegt unter null.".to_owned(),
        Wrong::YesOrNo => "Schreiben Sie ja oder nein.".to_owned(),
        Wrong::OwnVariant => "Ein Artikel ist keine Variante von sich selbst.".to_owned(),
        Wrong::NoSuchArticle(sku) => format!("Einen Artikel {sku} für diese Variante gibt es nicht."),
        Wrong::ArticleTwice { sku, line } => format!("Artikel {sku} steht schon in Zeile {line}."),
        Wrong::Code(GtinError::Shape) => {
            "Ein Code ist die Zahl auf der Packung: 8, 12, 13 oder 14 Ziffern.".to_owned()
        }
        Wrong::Code(GtinError::CheckDigit) => {
            "Der Code passt nicht zu seiner letzten Ziffer; eine seiner Ziffern ist falsch.".to_owned()
        }
        Wrong::CodeTaken { code, sku } => format!("Der Code {code} gehört schon zu Artikel {sku}."),
        Wrong::DayAndRate => "Schreiben Sie Tag und Satz, wie 2027-01-01:7.".to_owned(),
        Wrong::RatesOfDay => "Ein Tag hat höchstens zwei Sätze: im Haus und außer Haus.".to_owned(),
        Wrong::NotADay(text) => format!("„{text}“ ist kein Tag; schreiben Sie ihn wie 2027-01-31."),
        Wrong::Days => format!(
            "Die Tage steigen, jeder steht nur einmal da, und es sind höchstens {}.",
            Article::RATES_MAX
        ),
        Wrong::CodeNamePrice => "Schreiben Sie Kürzel, Name und Preis, wie hafer:Hafermilch:0,50.".to_owned(),
        Wrong::RatesOfModifier => {
            "Was dazukommt, hat höchstens zwei Sätze: im Haus und außer Haus.".to_owned()
        }
        Wrong::ModifierCode(code) => {
            format!("Das Kürzel {code} hat ein Zeichen, das etwas anderes heißt: + = | :")
        }
        Wrong::ModifierTwice(code) => format!("{code} steht zweimal da."),
        Wrong::ModifierName(code) => {
            format!("{code} braucht einen Namen ohne | und : mit höchstens {FIELD_CHARS_MAX} Zeichen.")
        }
        Wrong::ModifierSigns(code) => {
            format!("Der Name von {code} hat Zeichen, die sich nicht zeigen lassen.")
        }
        Wrong::ModifierBelowZero(code) => format!("Der Preis von {code} liegt unter null."),
        Wrong::TooManyModifiers => format!("Es sind mehr als {}.", Article::MODIFIERS_MAX),
    }
}

fn amount(number: &NotANumber) -> String {
    let text = number.text();
    match number.why {
        NoNumber::Shape => format!("„{text}“ ist hier keine Zahl; schreiben Sie sie wie 3,60."),
        NoNumber::Digits(digits) => {
            format!("„{text}“ hat zu viele Stellen hinter dem Komma; es sind höchstens {digits}.")
        }
        NoNumber::TooLarge => format!("„{text}“ ist zu groß."),
        NoNumber::NoPercentage => format!("„{text}“ liegt nicht zwischen 0 und 100 %."),
    }
}

#[cfg(test)]
mod tests {
    use stempel_wire::catalogue;

    use super::*;

    #[test]
    fn the_mistakes_of_a_table_are_said_in_german() {
        let head = "sku,name,category,price,vat,code,rates,modifiers";
        for (table, text) in [
            (
                "sku,name\n",
                "Die erste Zeile nennt die Spalten sku, name, category, price, vat; es fehlen: category, price, vat.",
            ),
            ("sku,name,category,price,vat,farbe\n", "Eine Spalte „farbe“ gibt es nicht."),
            (&format!("{head}\na,,b,1,7,,,\n"), "Der Name fehlt."),
            (&format!("{head}\na,A,b,1,7,,\n"), "Hier stehen 7 Felder, in der ersten Zeile 8."),
            (
                &format!("{head}\na,A,b,drei,7,,,\n"),
                "„drei“ ist hier keine Zahl; schreiben Sie sie wie 3,60.",
            ),
            (
                &format!("{head}\na,A,b,3.605,7,,,\n"),
                "„3.605“ hat zu viele Stellen hinter dem Komma; es sind höchstens 2.",
            ),
            (&format!("{head}\na,A,b,3,170,,,\n"), "„170“ liegt nicht zwischen 0 und 100 %."),
            (
                &format!("{head}\na,A,b,3,7,4006381333932,,\n"),
                "Der Code passt nicht zu seiner letzten Ziffer; eine seiner Ziffern ist falsch.",
            ),
            (&format!("{head}\na,A,b,1,7,,,\na,A,b,1,7,,,\n"), "Artikel a steht schon in Zeile 2."),
            (
                &format!("{head}\na,A,b,1,7,,,hafer\n"),
                "Schreiben Sie Kürzel, Name und Preis, wie hafer:Hafermilch:0,50.",
            ),
            (&format!("{head}\na,A,b,1,7,,,h:H:1|h:H:1\n"), "h steht zweimal da."),
        ] {
            let mistakes = catalogue::read(table).unwrap_err().0;
            assert_eq!(said(Language::De, &mistakes[0].what), text);
        }
        let mistakes = catalogue::read("sku,name,category,price,vat\na,,b,1,7\n").unwrap_err().0;
        assert_eq!(said(Language::En, &mistakes[0].what), "The name is empty.");
    }
}
