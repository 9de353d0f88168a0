//! The templates of programmes that an owner chooses from.

/// Kinds of programme, in the order in which they are offered.
pub(super) const KINDS: [(&str, [&str; 2]); 6] = [
    ("card", ["Stamp cards", "Stempelkarten"]),
    ("points", ["Points and stored value", "Punkte und Guthaben"]),
    ("tiers", ["Tiers and memberships", "Stufen und Mitgliedschaften"]),
    ("offers", ["Offers and occasions", "Angebote und Anlässe"]),
    ("game", ["Games", "Spiele"]),
    ("others", ["With others", "Gemeinsam"]),
];

/// A template.
pub(super) struct Template {
    /// Its name in an address.
    pub name: &'static str,
    pub kind: &'static str,
    /// What it does, in English and in German.
    pub words: [&'static str; 2],
    /// The programme, in TOML.
    pub text: &'static str,
}

macro_rules! templates {
    ($($name:literal, $kind:literal, $english:literal, $german:literal;)*) => {
        [$(Template {
            name: $name,
            kind: $kind,
            words: [$english, $german],
            text: include_str!(concat!("../../../../assets/programmes/", $name, ".toml")),
        }),*]
    };
}

/// Every template.
#[rustfmt::skip]
pub(super) const TEMPLATES: [Template; 36] = templates![
    "coffee-card", "card", "Ten coffees, and the next one is free.", "Zehn Kaffee, und der nächste ist gratis.";
    "visit-card", "card", "A stamp for each visit, however much is bought; at least an hour between two visits.", "Ein Stempel je Besuch, egal wie viel gekauft wird; mindestens eine Stunde zwischen zwei Besuchen.";
    "suspended-coffee", "card", "A member gives ten stamps away, and a coffee waits for whoever needs one.", "Ein Mitglied gibt zehn Stempel weiter, und ein Kaffee wartet auf jemanden, der ihn braucht.";
    "points", "points", "One point for each euro; 100 points are worth 5 euro.", "Ein Punkt je Euro; 100 Punkte sind 5 Euro wert.";
    "birthday-double-points", "points", "One point for each euro, and two in the week of the birthday.", "Ein Punkt je Euro, in der Geburtstagswoche zwei.";
    "double-points-day", "points", "Points for every order, three times as many on Tuesdays, at most 300 a day.", "Punkte für jede Bestellung, dienstags dreifach, höchstens 300 am Tag.";
    "idle-points", "points", "A point for each euro. A year without a visit ends them.", "Ein Punkt je Euro. Ein Jahr ohne Besuch lässt sie verfallen.";
    "activities", "points", "Points without a purchase: for a review, the newsletter, each answered survey.", "Punkte ohne Einkauf: für eine Bewertung, den Newsletter, jede beantwortete Umfrage.";
    "cash-back", "points", "Two per cent of what was paid comes back as stored value.", "Zwei Prozent des Bezahlten kommen als Guthaben zurück.";
    "stored-value-reward", "points", "Points that become stored value or tickets of a draw.", "Punkte, die zu Guthaben oder zu Losen werden.";
    "tier-ladder", "tiers", "Silver from 200 euro and gold from 500 euro in a year.", "Silber ab 200 Euro und Gold ab 500 Euro im Jahr.";
    "tier-year", "tiers", "Regular from 12 visits in a calendar year, house guest from 40.", "Stammgast ab 12 Besuchen im Kalenderjahr, Hausgast ab 40.";
    "levels", "tiers", "Levels that nobody falls from; each gives something once.", "Stufen, aus denen niemand fällt; jede gibt einmal etwas.";
    "member-discount", "tiers", "A discount by tier for members.", "Ein Rabatt für Mitglieder, je nach Stufe.";
    "membership", "tiers", "A membership that is sold at the till: ten per cent off for a year.", "Eine Mitgliedschaft von der Kasse: ein Jahr lang zehn Prozent.";
    "vip", "tiers", "By invitation: a quiet hour and a place at the cupping.", "Auf Einladung: eine stille Stunde und ein Platz bei der Verkostung.";
    "happy-hour", "offers", "A fifth off all drinks on weekday afternoons. It needs no card.", "Ein Fünftel weniger auf Getränke an Werktagnachmittagen. Ohne Karte.";
    "three-for-two", "offers", "Three cakes for the price of two; juice at half price with breakfast.", "Drei Kuchen zum Preis von zweien; Saft zum Frühstück zum halben Preis.";
    "volume-discount", "offers", "Whoever buys three bags of beans pays less for each.", "Wer drei Tüten Bohnen kauft, zahlt für jede weniger.";
    "basket-target", "offers", "Who spends 25 euro gets 5 points on top, from 50 euro 15.", "Ab 25 Euro gibt es 5 Punkte dazu, ab 50 Euro 15.";
    "next-visit-voucher", "offers", "Three euro off the next visit for everyone who spends 20 euro.", "Drei Euro beim nächsten Besuch für alle, die 20 Euro ausgeben.";
    "welcome", "offers", "A first cake for new members, and a coffee for those who were away for two months.", "Ein erster Kuchen für neue Mitglieder, ein Kaffee für alle, die zwei Monate weg waren.";
    "occasions", "offers", "Birthday, day of the first purchase, the return after two months.", "Geburtstag, Tag des ersten Einkaufs, die Rückkehr nach zwei Monaten.";
    "early-access", "offers", "The first hour of the sale belongs to those who took a key for 50 points.", "Die erste Stunde des Verkaufs gehört denen, die sich für 50 Punkte einen Schlüssel geholt haben.";
    "event-places", "offers", "Twenty places at the tasting for 200 points each.", "Zwanzig Plätze bei der Verkostung für je 200 Punkte.";
    "partner-perk", "offers", "Points that a neighbour honours: the code of the bookshop.", "Punkte, die ein Nachbar einlöst: der Code der Buchhandlung.";
    "month-challenge", "game", "Five different drinks in one month give a badge and a drink.", "Fünf verschiedene Getränke in einem Monat geben ein Abzeichen und ein Getränk.";
    "quest", "game", "Several goals: two breakfasts, a cake and 30 euro within 30 days.", "Mehrere Ziele: zwei Frühstücke, ein Kuchen und 30 Euro in 30 Tagen.";
    "streak", "game", "Four weeks in a row, at least one visit in each: a coffee.", "Vier Wochen hintereinander, in jeder ein Besuch: ein Kaffee.";
    "month-board", "game", "The ten who come most often in a month, of those who agreed to be named.", "Die zehn, die in einem Monat am häufigsten kommen, wenn sie genannt werden möchten.";
    "draw-tickets", "game", "A ticket for the monthly draw for every 10 euro, five a day at most.", "Ein Los für die Monatsziehung je 10 Euro, höchstens fünf am Tag.";
    "referral", "others", "Members bring members: both have a coffee after the first order.", "Mitglieder werben Mitglieder: Nach der ersten Bestellung haben beide einen Kaffee.";
    "donation", "others", "Members give their points to a cause.", "Mitglieder spenden ihre Punkte.";
    "share-for-a-cause", "others", "One per cent of everything goes to the tree nursery.", "Ein Prozent von allem geht an die Baumschule.";
    "coalition", "others", "One card for all shops of the street, settled between them.", "Eine Karte für alle Läden der Straße, untereinander abgerechnet.";
    "goodwill", "others", "What the counter may give to make up for something.", "Was die Theke zur Wiedergutmachung geben darf.";
];

#[cfg(test)]
mod tests {
    use stempel_domain::programme::Programme;

    use super::*;

    #[test]
    fn every_template_is_a_programme_of_a_kind_that_is_offered() {
        for template in &TEMPLATES {
            assert!(Programme::parse_toml(template.text).is_ok(), "{}", template.name);
            assert!(KINDS.iter().any(|(kind, _)| *kind == template.kind), "{}", template.name);
        }
    }
}
