//! What is wrong with a table of articles, in German. The crate that reads it says it in English.

/// Sentences with what stands in them, in the order in which it does.
const SENTENCES: [(&str, &str); 24] = [
    ("there are two columns {}", "Die Spalte {} steht zweimal da."),
    ("there is no column “{}”", "Eine Spalte „{}“ gibt es nicht."),
    ("{} and {} go together", "{} und {} gehören zusammen."),
    (
        "the first line names the columns {}; missing: {}",
        "Die erste Zeile nennt die Spalten {}; es fehlen: {}.",
    ),
    ("there are {} fields, the first line has {}", "Hier stehen {} Felder, in der ersten Zeile {}."),
    (
        "the {} is too long or has signs that cannot be shown",
        "{} ist zu lang oder hat Zeichen, die sich nicht zeigen lassen.",
    ),
    ("the name is empty", "Der Name fehlt."),
    ("the price is below zero", "Der Preis liegt unter null."),
    ("write yes or no", "Schreiben Sie ja oder nein."),
    ("an article is no variant of itself", "Ein Artikel ist keine Variante von sich selbst."),
    ("article {} stands in line {} already", "Artikel {} steht schon in Zeile {}."),
    ("the code {} is that of article {} already", "Der Code {} gehört schon zu Artikel {}."),
    ("the file is too long", "Die Tabelle ist zu lang."),
    ("a quote is not closed", "Ein Anführungszeichen wird nicht geschlossen."),
    ("write a day and a rate, like 2027-01-01:7", "Schreiben Sie Tag und Satz, wie 2027-01-01:7."),
    (
        "a day has two rates at most: in the house, taken away",
        "Ein Tag hat höchstens zwei Sätze: im Haus und außer Haus.",
    ),
    ("days rise, and there are {} at most", "Die Tage steigen, und es sind höchstens {}."),
    (
        "write code, name and price, like oat:Oat milk:0.50",
        "Schreiben Sie Kürzel, Name und Preis, wie hafer:Hafermilch:0,50.",
    ),
    (
        "what is added has two rates at most: in the house, taken away",
        "Was dazukommt, hat höchstens zwei Sätze: im Haus und außer Haus.",
    ),
    (
        "the code {} has a sign that means something else: + = | :",
        "Das Kürzel {} hat ein Zeichen, das etwas anderes heißt: + = | :",
    ),
    (
        "the name of {} has signs that cannot be shown",
        "Der Name von {} hat Zeichen, die sich nicht zeigen lassen.",
    ),
    ("the price of {} is below zero", "Der Preis von {} liegt unter null."),
    ("there are more than {}", "Es sind mehr als {}."),
    ("“{}” is not a number to use here: {}", "„{}“ ist hier keine Zahl; schreiben Sie sie wie 3,60."),
];

/// The German sentence; none where it is not known.
pub(super) fn german(what: &str) -> Option<String> {
    SENTENCES.iter().find_map(|(english, german)| {
        let filled = fits(what, english)?;
        let mut parts = german.split("{}");
        let first = parts.next()?.to_owned();
        Some(parts.zip(filled).fold(first, |text, (part, value)| format!("{text}{value}{part}")))
    })
}

/// What stands in the gaps of a sentence, if a text is that sentence.
fn fits<'a>(text: &'a str, sentence: &str) -> Option<Vec<&'a str>> {
    let mut parts = sentence.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut filled = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let end = match parts.peek() {
            None => rest.strip_suffix(part)?.len(),
            Some(_) => rest.find(part)?,
        };
        filled.push(&rest[..end]);
        rest = &rest[end + part.len()..];
    }
    rest.is_empty().then_some(filled)
}

#[cfg(test)]
mod tests {
    use stempel_wire::catalogue;

    use super::*;

    #[test]
    fn the_mistakes_of_a_table_are_said_in_german() {
        let head = "sku,name,category,price,vat,code,rates,modifiers";
        for (table, said) in [
            (
                "sku,name\n",
                "Die erste Zeile nennt die Spalten sku,name,category,price,vat; es fehlen: category, price, vat.",
            ),
            ("sku,name,category,price,vat,farbe\n", "Eine Spalte „farbe“ gibt es nicht."),
            (&format!("{head}\na,,b,1,7,,,\n"), "Der Name fehlt."),
            (&format!("{head}\na,A,b,1,7,,\n"), "Hier stehen 7 Felder, in der ersten Zeile 8."),
            (
                &format!("{head}\na,A,b,drei,7,,,\n"),
                "„drei“ ist hier keine Zahl; schreiben Sie sie wie 3,60.",
            ),
            (&format!("{head}\na,A,b,1,7,,,\na,A,b,1,7,,,\n"), "Artikel a steht schon in Zeile 2."),
            (
                &format!("{head}\na,A,b,1,7,,,hafer\n"),
                "Schreiben Sie Kürzel, Name und Preis, wie hafer:Hafermilch:0,50.",
            ),
        ] {
            let mistakes = catalogue::read(table).unwrap_err().0;
            assert_eq!(german(&mistakes[0].what).as_deref(), Some(said), "{}", mistakes[0].what);
        }
        assert_eq!(german("something else"), None);
    }
}
