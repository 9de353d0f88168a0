//! The trace in a person's words.

use crate::money::Money;
use crate::rules::codes;
use crate::rules::outcome::TraceStep;
use crate::time::Day;

/// A language that the product speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// German.
    De,
    /// English.
    En,
}

impl Language {
    /// The language of a code like `de` or `en-GB`; English where it is none that is spoken here.
    pub fn of(code: &str) -> Self {
        if code.to_ascii_lowercase().starts_with("de") { Self::De } else { Self::En }
    }

    /// `de` or `en`.
    pub fn code(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
        }
    }

    /// The one of two texts that is in this language.
    fn pick<'a>(self, de: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::De => de,
            Self::En => en,
        }
    }

    /// A decimal as people write it: `12,50` or `12.50`.
    pub fn number(self, decimal: &str) -> String {
        let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
        let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("−", digits));
        let mut text = String::from(sign);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index) % 3 == 0 {
                text.push_str(self.pick(".", ","));
            }
            text.push(digit);
        }
        if !fraction.is_empty() {
            text.push_str(self.pick(",", "."));
            text.push_str(fraction);
        }
        text
    }

    /// Money as people write it: `12,50 €` or `€12.50`.
    pub fn money(self, decimal: &str) -> String {
        let number = self.number(decimal);
        match self {
            Self::De => format!("{number} €"),
            Self::En => match number.strip_prefix('−') {
                Some(number) => format!("−€{number}"),
                None => format!("€{number}"),
            },
        }
    }

    /// An amount of a unit with the word for it: `1 Stempel`, `16.5 points`, `12,50 €`.
    pub fn units(self, amount: &str, unit: &str) -> String {
        if unit == "eur" {
            // Amounts of units drop zeros that say nothing; money keeps its cents.
            return match Money::parse(amount) {
                Ok(money) => self.money(&money.to_string()),
                Err(_) => self.money(amount),
            };
        }
        format!("{} {}", self.number(amount), self.unit_word(unit, amount == "1"))
    }

    /// The word for one or several of a unit.
    pub fn unit_word(self, unit: &str, one: bool) -> &str {
        let kind = unit.split(':').next().unwrap_or(unit);
        match (kind, one) {
            ("stamp", true) => self.pick("Stempel", "stamp"),
            ("stamp", false) => self.pick("Stempel", "stamps"),
            ("point", true) => self.pick("Punkt", "point"),
            ("point", false) => self.pick("Punkte", "points"),
            ("ticket", true) => self.pick("Los", "ticket"),
            ("ticket", false) => self.pick("Lose", "tickets"),
            ("voucher", true) => self.pick("Gutschein", "voucher"),
            ("voucher", false) => self.pick("Gutscheine", "vouchers"),
            ("badge", true) => self.pick("Abzeichen", "badge"),
            ("badge", false) => self.pick("Abzeichen", "badges"),
            ("place", true) => self.pick("Platz", "place"),
            ("place", false) => self.pick("Plätze", "places"),
            ("membership", _) => self.pick("Mitgliedschaft", "membership"),
            ("eur", _) => self.pick("Guthaben", "stored value"),
            _ => unit,
        }
    }

    /// A day in a sentence: `31. März 2027` or `31 March 2027`.
    pub fn long_day(self, day: Day) -> String {
        let civil = day.civil();
        // A calendar month is 1 to 12.
        let (de, en) = LONG_MONTHS[usize::from(civil.month().unsigned_abs().clamp(1, 12)) - 1];
        let dot = self.pick(".", "");
        format!("{}{dot} {} {}", civil.day(), self.pick(de, en), civil.year())
    }

    /// A day as people write it: `31.12.2026` or `31 Dec 2026`.
    fn day(self, iso: &str) -> String {
        let parts: Vec<&str> = iso.split('-').collect();
        let [year, month, day] = parts[..] else { return iso.to_owned() };
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let name = month.parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
        match (self, name) {
            (Self::En, Some(name)) => format!("{} {name} {year}", day.trim_start_matches('0')),
            _ => format!("{day}.{month}.{year}"),
        }
    }
}

const LONG_MONTHS: [(&str, &str); 12] = [
    ("Januar", "January"),
    ("Februar", "February"),
    ("März", "March"),
    ("April", "April"),
    ("Mai", "May"),
    ("Juni", "June"),
    ("Juli", "July"),
    ("August", "August"),
    ("September", "September"),
    ("Oktober", "October"),
    ("November", "November"),
    ("Dezember", "December"),
];

/// Says one step of the trace to a person.
pub fn sentence(step: &TraceStep, language: Language) -> String {
    if let Some(text) = granted(step, language) {
        return text;
    }
    let why = why(step, language);
    match refused_subject(step, language) {
        Some(subject) => format!("{subject}: {why}"),
        None => capitalised(&why),
    }
}

/// What was given or taken, or said.
fn granted(step: &TraceStep, language: Language) -> Option<String> {
    let value = |name: &str| step.value(name);
    let quantity = || language.number(value("quantity"));
    let cost = || match value("cost") {
        "" => String::new(),
        cost => match language {
            Language::De => format!(" für {}", language.units(cost, value("unit"))),
            Language::En => format!(" for {}", language.units(cost, value("unit"))),
        },
    };
    Some(match step.code.as_str() {
        codes::EARNED => {
            let amount = language.units(value("amount"), value("unit"));
            let reason = match value("per") {
                "money" => {
                    let paid = language.money(value("paid"));
                    match language {
                        Language::De => format!("für {paid}"),
                        Language::En => format!("for {paid}"),
                    }
                }
                "item" => things(step, language),
                "visit" => language.pick("für den Besuch", "for the visit").to_owned(),
                _ => language.pick("für den Einkauf", "for the order").to_owned(),
            };
            format!("{amount}: {reason}")
        }
        codes::MULTIPLIED => match language {
            Language::De => format!("Jetzt zählt alles mal {}", language.number(value("factor"))),
            Language::En => format!("Everything counts times {} now", language.number(value("factor"))),
        },
        codes::DISCOUNT => {
            let off = language.money(value("off"));
            let name = given_name(step, language).map(|name| format!("{name}: ")).unwrap_or_default();
            match language {
                Language::De => format!("{name}{off} Rabatt{}", cost()),
                Language::En => format!("{name}{off} off{}", cost()),
            }
        }
        codes::FREE => {
            let what = value("what");
            let what = if what.is_empty() { language.pick("Artikel", "item") } else { what };
            match language {
                Language::De => format!("{} × {what} gratis{}", quantity(), cost()),
                Language::En => format!("{} × {what} free{}", quantity(), cost()),
            }
        }
        codes::GIFT => {
            let reward = named(step, language);
            let times = language.number(value("times"));
            let shows = match (value("shows"), value(language.pick("shows_de", "shows_en"))) {
                ("", "") => String::new(),
                ("", text) | (text, _) => format!(": {text}"),
            };
            match language {
                Language::De => format!("{times} × {reward} eingelöst{}{shows}", cost()),
                Language::En => format!("{times} × {reward} redeemed{}{shows}", cost()),
            }
        }
        codes::EXCHANGED => format!("{}{}", language.units(value("given"), value("given_unit")), cost()),
        codes::VOUCHER => match (language, value("last")) {
            (Language::De, "") => "Ein Gutschein für den nächsten Besuch".to_owned(),
            (Language::En, "") => "A voucher for the next visit".to_owned(),
            (Language::De, last) => {
                format!("Ein Gutschein für den nächsten Besuch, gültig bis {}", language.day(last))
            }
            (Language::En, last) => {
                format!("A voucher for the next visit, valid until {}", language.day(last))
            }
        },
        codes::MESSAGE => match value(language.code()) {
            "" => value("text").to_owned(),
            text => text.to_owned(),
        },
        codes::CHALLENGE_DONE
        | codes::OCCASION
        | codes::ACTIVITY
        | codes::REFERRAL
        | codes::REFERRER
        | codes::TIER_REACHED => right(step, language),
        codes::GIVING => match language {
            Language::De => format!("{} für {}", language.money(value("amount")), named(step, language)),
            Language::En => format!("{} for {}", language.money(value("amount")), named(step, language)),
        },
        codes::TAKEN_BACK | codes::GIVEN_BACK | codes::LET_GO => came_back(step, language),
        codes::PROGRESS | codes::STREAK => on_the_way(step, language),
        codes::MEMBERSHIP => match language {
            Language::De => format!("Mitgliedschaft {} bis {}", value("name"), language.day(value("last"))),
            Language::En => format!("Membership {} until {}", value("name"), language.day(value("last"))),
        },
        _ => return limited(step, language),
    })
}

/// The name of the rule that a step speaks of; its id where it has none.
fn named(step: &TraceStep, language: Language) -> &str {
    given_name(step, language).or(step.rule.as_deref()).unwrap_or_default()
}

/// The name that the programme gives to what a step speaks of.
fn given_name(step: &TraceStep, language: Language) -> Option<&str> {
    [step.value(language.code()), step.value("text")].into_iter().find(|text| !text.is_empty())
}

/// A right that is given once, and what it gives: “5 Sorten geschafft: 20 Punkte”.
fn right(step: &TraceStep, language: Language) -> String {
    let subject = match (step.code.as_str(), language) {
        (codes::CHALLENGE_DONE, Language::De) => format!("{} geschafft", named(step, language)),
        (codes::CHALLENGE_DONE, Language::En) => format!("{} done", named(step, language)),
        (codes::TIER_REACHED, Language::De) => format!("Stufe {} erreicht", tier(step)),
        (codes::TIER_REACHED, Language::En) => format!("{} reached", tier(step)),
        (codes::REFERRAL, Language::De) => "Geworben und zum ersten Mal hier gekauft".to_owned(),
        (codes::REFERRAL, Language::En) => "Brought by a member, first purchase".to_owned(),
        (codes::REFERRER, Language::De) => "Ein geworbenes Mitglied hat zum ersten Mal gekauft".to_owned(),
        (codes::REFERRER, Language::En) => {
            "A member whom you brought has bought for the first time".to_owned()
        }
        _ => named(step, language).to_owned(),
    };
    let prize = match (step.value("reward"), step.value("last")) {
        ("", _) if step.value("amount").is_empty() => return subject,
        ("", _) => language.units(step.value("amount"), step.value("unit")),
        (reward, "") => format!("{} {reward}", language.pick("Gutschein", "voucher")),
        (reward, last) => match language {
            Language::De => format!("Gutschein {reward}, gültig bis {}", language.day(last)),
            Language::En => format!("voucher {reward}, valid until {}", language.day(last)),
        },
    };
    format!("{subject}: {prize}")
}

/// The tier that a step speaks of.
fn tier(step: &TraceStep) -> &str {
    step.rule.as_deref().and_then(|rule| rule.split_once(':')).map_or("", |(_, tier)| tier)
}

/// What a refund moves: “5 Punkte zurückgenommen”.
fn came_back(step: &TraceStep, language: Language) -> String {
    let unit = step.value("unit");
    let amount = language.units(step.value("amount"), unit);
    // What goes back to the card is not paid out.
    let amount = match (unit, language) {
        ("eur", Language::De) => format!("{amount} Guthaben"),
        ("eur", Language::En) => format!("{amount} of stored value"),
        _ => amount,
    };
    match (step.code.as_str(), language, step.value("last")) {
        (codes::TAKEN_BACK, Language::De, _) => format!("{amount} zurückgenommen"),
        (codes::TAKEN_BACK, Language::En, _) => format!("{amount} taken back"),
        (codes::LET_GO, Language::De, _) => format!("{amount} schon ausgegeben und erlassen"),
        (codes::LET_GO, Language::En, _) => format!("{amount} spent already and let go"),
        (_, Language::De, "") => format!("{amount} zurückgegeben"),
        (_, Language::En, "") => format!("{amount} given back"),
        (_, Language::De, last) => format!("{amount} zurückgegeben, gültig bis {}", language.day(last)),
        (_, Language::En, last) => format!("{amount} given back, valid until {}", language.day(last)),
    }
}

/// How far it is: “Fünf Sorten: 3 von 5 verschiedenen”.
fn on_the_way(step: &TraceStep, language: Language) -> String {
    let number = |name: &str| match step.value("count") {
        "spend" => language.money(step.value(name)),
        _ => language.number(step.value(name)),
    };
    let what = match (step.code.as_str(), step.value("count")) {
        (codes::STREAK, _) => language.pick(" in Folge", " in a row"),
        (_, "orders") => language.pick(" Einkäufen", " orders"),
        (_, "days") => language.pick(" Tagen", " days"),
        (_, "items") => language.pick(" Stück", " items"),
        (_, "different") => language.pick(" verschiedenen", " different ones"),
        _ => "",
    };
    let (name, done, target) = (named(step, language), number("done"), number("target"));
    match language {
        Language::De => format!("{name}: {done} von {target}{what}"),
        Language::En => format!("{name}: {done} of {target}{what}"),
    }
}

/// “2 × Kaffee”, or only how many.
fn things(step: &TraceStep, language: Language) -> String {
    let quantity = language.number(step.value("quantity"));
    match step.value("what") {
        "" if step.value("quantity") == "1" => format!("1 {}", language.pick("Artikel", "item")),
        "" => format!("{quantity} {}", language.pick("Artikel", "items")),
        what => format!("{quantity} × {what}"),
    }
}

/// A limit that left something: “Only 2 of 3 stamps: daily limit of 2 reached”.
fn limited(step: &TraceStep, language: Language) -> Option<String> {
    let (given, unit) = (step.value("given"), step.value("unit"));
    if limit_name(&step.code, language).is_none() || given.is_empty() || given == "0" || unit.is_empty() {
        return None;
    }
    let (wanted, why) = (step.value("wanted"), why(step, language));
    // Money says its unit with each amount.
    let bare =
        |amount: &str| if unit == "eur" { language.units(amount, unit) } else { language.number(amount) };
    Some(match language {
        // The unit stands where German does not inflect it.
        Language::De => format!("Nur {} statt {}: {why}", language.units(given, unit), bare(wanted)),
        Language::En => format!("Only {} of {}: {why}", bare(given), language.units(wanted, unit)),
    })
}

/// Whom or what a reason speaks of: “No stamp”, “free-coffee not redeemed”.
fn refused_subject(step: &TraceStep, language: Language) -> Option<String> {
    if matches!(step.code.as_str(), codes::GIVEN_BEFORE | codes::UNKNOWN_ACTIVITY) {
        // What was not given is a right, neither a discount nor a unit.
        let name = named(step, language);
        return (!name.is_empty()).then(|| name.to_owned());
    }
    if step.value("refused") == "goodwill" {
        return Some(language.pick("Keine Kulanz", "No goodwill").to_owned());
    }
    if !step.value("refused").is_empty() {
        let reward = named(step, language);
        return Some(match language {
            Language::De => format!("{reward} nicht eingelöst"),
            Language::En => format!("{reward} not redeemed"),
        });
    }
    let unit = step.value("unit");
    if !unit.is_empty() {
        let kind = unit.split(':').next().unwrap_or(unit);
        return Some(match (kind, language) {
            ("stamp", Language::De) => "Kein Stempel".to_owned(),
            ("stamp", Language::En) => "No stamp".to_owned(),
            ("voucher", Language::De) => "Kein Gutschein".to_owned(),
            ("voucher", Language::En) => "No voucher".to_owned(),
            ("eur", Language::De) => "Kein Guthaben".to_owned(),
            (_, Language::De) => format!("Keine {}", language.unit_word(unit, false)),
            (_, Language::En) => format!("No {}", language.unit_word(unit, false)),
        });
    }
    match step.code.as_str() {
        codes::CLAIM_REDUCED | codes::REFERRAL_BELOW => None,
        _ if step.rule.is_none() => None,
        _ => {
            Some(given_name(step, language).unwrap_or(language.pick("Kein Rabatt", "No discount")).to_owned())
        }
    }
}

fn limit_name(code: &str, language: Language) -> Option<&str> {
    Some(match code {
        codes::SALE_LIMIT => language.pick("Grenze je Einkauf", "limit per sale"),
        codes::DAILY_LIMIT => language.pick("Tagesgrenze", "daily limit"),
        codes::WEEKLY_LIMIT => language.pick("Wochengrenze", "weekly limit"),
        codes::MONTHLY_LIMIT => language.pick("Monatsgrenze", "monthly limit"),
        codes::YEARLY_LIMIT => language.pick("Jahresgrenze", "yearly limit"),
        codes::PERIOD_LIMIT => language.pick("Grenze", "limit"),
        _ => return None,
    })
}

/// Why not, without saying what not.
fn why(step: &TraceStep, language: Language) -> String {
    let value = |name: &str| step.value(name);
    let money = |name: &str| language.money(step.value(name));
    let number = |name: &str| language.number(step.value(name));
    let units = |name: &str| language.units(step.value(name), step.value("unit"));
    let de = language == Language::De;
    if let Some(limit) = limit_name(&step.code, language) {
        let most = number("limit");
        return match (de, value("days")) {
            (true, "") => format!("{limit} von {most} erreicht"),
            (false, "") => format!("{limit} of {most} reached"),
            (true, "1") => format!("{limit} von {most} an einem Tag erreicht"),
            (false, "1") => format!("{limit} of {most} in one day reached"),
            (true, days) => format!("{limit} von {most} in {days} Tagen erreicht"),
            (false, days) => format!("{limit} of {most} in {days} days reached"),
        };
    }
    match step.code.as_str() {
        codes::NO_CARD => language.pick("keine Karte", "no card").to_owned(),
        codes::NEEDS_CARD => language.pick("nur mit Karte", "only with a card").to_owned(),
        codes::NOTHING_COUNTS => language.pick("nichts davon zählt", "nothing of this counts").to_owned(),
        codes::BELOW_MINIMUM if de => format!("erst ab {}, bisher {}", money("minimum"), money("paid")),
        codes::BELOW_MINIMUM => format!("only from {}, now {}", money("minimum"), money("paid")),
        codes::BELOW_QUANTITY if de => {
            format!("erst ab {} Stück, bisher {}", number("minimum"), number("quantity"))
        }
        codes::BELOW_QUANTITY => {
            format!("only from {} pieces, now {}", number("minimum"), number("quantity"))
        }
        codes::TOO_LITTLE => language.pick("noch zu wenig", "still too little").to_owned(),
        codes::NEEDS_PRICE => language
            .pick("zählt nur mit Preisen an der Kasse", "counts only with prices at the till")
            .to_owned(),
        codes::TOO_SOON if de => {
            format!("der letzte Besuch ist zu kurz her, in {} min wieder", value("minutes"))
        }
        codes::TOO_SOON => format!("too soon after the last visit, again in {} min", value("minutes")),
        codes::VISIT_COUNTED => {
            language.pick("dieser Besuch ist schon gezählt", "this visit was counted already").to_owned()
        }
        // What has days of its own is a reward that comes by itself, or a rule.
        codes::NOT_STARTED if own_days(step) => match de {
            true => format!("er beginnt am {}", language.day(value("day"))),
            false => format!("it begins on {}", language.day(value("day"))),
        },
        codes::ENDED if own_days(step) => match de {
            true => format!("er endete am {}", language.day(value("day"))),
            false => format!("it ended on {}", language.day(value("day"))),
        },
        codes::NOT_STARTED if de => format!("Programm beginnt am {}", language.day(value("day"))),
        codes::NOT_STARTED => format!("programme not started, it begins on {}", language.day(value("day"))),
        codes::ENDED if de => format!("Programm beendet am {}", language.day(value("day"))),
        codes::ENDED => format!("programme ended on {}", language.day(value("day"))),
        codes::NOT_THIS_SHOP => language.pick("nicht in diesem Laden", "not in this shop").to_owned(),
        codes::NOT_TODAY => language.pick("nicht an diesem Wochentag", "not on this weekday").to_owned(),
        codes::NOT_NOW if de => format!("nur {} Uhr", value("hours")),
        codes::NOT_NOW => format!("only at {}", value("hours")),
        codes::NOT_FOR_MEMBER => for_whom(step, language),
        codes::NOT_BEST if de => format!("ein anderer ist besser ({})", value("better")),
        codes::NOT_BEST => format!("another is better ({})", value("better")),
        codes::CLAIM_REDUCED if de => {
            format!("{} statt {} eingelöst, mehr bringt nichts", number("given"), number("asked"))
        }
        codes::CLAIM_REDUCED => {
            format!("{} of {} redeemed, more would give nothing", number("given"), number("asked"))
        }
        codes::NOT_ENOUGH if de => {
            format!("noch nicht genug, {} nötig, {} da", units("needed"), number("have"))
        }
        codes::NOT_ENOUGH => format!("not enough yet, {} needed, {} there", units("needed"), number("have")),
        codes::UNKNOWN_PROGRAMME => language.pick("kein solches Programm", "no such programme").to_owned(),
        codes::UNKNOWN_REWARD => {
            language.pick("diese Belohnung gibt es nicht", "there is no such reward").to_owned()
        }
        codes::AMBIGUOUS_REWARD => language
            .pick("mehrere Programme haben diese Belohnung", "several programmes have this reward")
            .to_owned(),
        codes::COMES_BY_ITSELF => language.pick("sie kommt von selbst", "it comes by itself").to_owned(),
        codes::CLAIM_TOO_SMALL if de => format!("erst ab {}", units("minimum")),
        codes::CLAIM_TOO_SMALL => format!("only from {}", units("minimum")),
        codes::NOTHING_TO_DISCOUNT => {
            language.pick("nichts, wovon etwas abgehen kann", "nothing that it can be taken off").to_owned()
        }
        codes::NOT_IN_SET if de => format!("{} gehört nicht dazu", value("sku")),
        codes::NOT_IN_SET => format!("{} is not part of it", value("sku")),
        codes::BAD_CLAIM => {
            language.pick("so oft geht das nicht", "it cannot be taken that often").to_owned()
        }
        codes::CODE_TWICE if de => format!("Code {} wurde zweimal gezeigt und zählt einmal", value("code")),
        codes::CODE_TWICE => format!("code {} was shown twice and counts once", value("code")),
        codes::CODE_UNKNOWN if de => format!("Code {} ist unbekannt", value("code")),
        codes::CODE_UNKNOWN => format!("code {} is unknown", value("code")),
        codes::STORED_SHORT if de => {
            format!("Guthaben reicht nur für {} von {}", money("given"), money("asked"))
        }
        codes::STORED_SHORT => format!("stored value covers only {} of {}", money("given"), money("asked")),
        codes::STORED_NEEDS_CARD => language
            .pick("Guthaben gibt es nur auf eine Karte", "stored value is sold to a card only")
            .to_owned(),
        codes::GIVEN_BEFORE => language
            .pick("gibt es nur einmal, und es wurde schon gegeben", "it is given once, and was given before")
            .to_owned(),
        codes::REFERRAL_BELOW if de => {
            format!("die Werbung zählt erst ab {}, bisher {}", money("minimum"), money("paid"))
        }
        codes::REFERRAL_BELOW => {
            format!("the referral counts only from {}, now {}", money("minimum"), money("paid"))
        }
        codes::UNKNOWN_ACTIVITY if de => format!("das Programm kennt {} nicht", value("activity")),
        codes::UNKNOWN_ACTIVITY => format!("the programme does not know {}", value("activity")),
        codes::POOL_EMPTY => {
            language.pick("gerade ist keiner gespendet", "nobody has given one away just now").to_owned()
        }
        codes::SOLD_OUT => language.pick("hier vergriffen", "none is left here").to_owned(),
        codes::SOLD_OUT_TODAY => {
            language.pick("hier für heute vergriffen", "none is left here today").to_owned()
        }
        codes::OWES if de => format!("erst sind {} auszugleichen", units("owed")),
        codes::OWES => format!("{} must be made up for first", units("owed")),
        codes::OFFLINE_TOO_LONG if de => {
            format!("ohne Netz geht das höchstens {} lang", days(value("days"), "einen Tag", "Tage"))
        }
        codes::OFFLINE_TOO_LONG => {
            format!("without the network it goes for {} at most", days(value("days"), "one day", "days"))
        }
        codes::OFFLINE_LIMIT if de => format!("ohne Netz höchstens {} am Tag", units("limit")),
        codes::OFFLINE_LIMIT => format!("without the network at most {} a day", units("limit")),
        codes::NO_GOODWILL => {
            language.pick("das Programm sieht keine Kulanz vor", "the programme knows no goodwill").to_owned()
        }
        codes::UNKNOWN_REASON if de => format!("bitte einen Grund wählen: {}", value("reasons")),
        codes::UNKNOWN_REASON => format!("choose a reason: {}", value("reasons")),
        codes::NOTHING_LEFT => language
            .pick("alles davon ist schon zurückgenommen", "all of it was taken back before")
            .to_owned(),
        codes::TOO_MUCH if de => {
            format!("davon kann noch {} zurückkommen, nicht {}", number("left"), number("asked"))
        }
        codes::TOO_MUCH => format!("{} of it can still come back, not {}", number("left"), number("asked")),
        codes::NO_SUCH_LINES => {
            language.pick("das geht nur als Ganzes zurück", "it can only be taken back as a whole").to_owned()
        }
        codes::FOUR_EYES => {
            language.pick("eine zweite Person muss zustimmen", "a second person must agree").to_owned()
        }
        code => code.to_owned(),
    }
}

/// `one` for a single day, else the number and the word for several.
fn days(number: &str, one: &str, several: &str) -> String {
    if number == "1" { one.to_owned() } else { format!("{number} {several}") }
}

/// Whether a step speaks of the days of a reward rather than of its programme.
fn own_days(step: &TraceStep) -> bool {
    step.rule.is_some() && step.value("refused").is_empty() && step.value("unit").is_empty()
}

/// For whom it is instead.
fn for_whom(step: &TraceStep, language: Language) -> String {
    let value = |name: &str| Some(step.value(name)).filter(|value| !value.is_empty());
    let de = language == Language::De;
    if let Some(tiers) = value("tiers") {
        return if de { format!("nur für die Stufe {tiers}") } else { format!("only for the tier {tiers}") };
    }
    if value("birthday").is_some() {
        return language
            .pick("nur in der Woche des Geburtstags", "only in the week of the birthday")
            .to_owned();
    }
    if value("anniversary").is_some() {
        return language
            .pick("nur in der Woche des Jahrestags", "only in the week of the anniversary")
            .to_owned();
    }
    if let Some(number) = value("joined_within_days") {
        return match (de, number) {
            (true, "1") => "nur bis zum Tag nach dem Beitritt".to_owned(),
            (false, "1") => "only until the day after joining".to_owned(),
            (true, _) => format!("nur in den ersten {number} Tagen nach dem Beitritt"),
            (false, _) => format!("only in the first {number} days after joining"),
        };
    }
    if let Some(number) = value("absent_days") {
        return match de {
            true => format!("nur nach {} ohne Besuch", days(number, "einem Tag", "Tagen")),
            false => format!("only after {} without a visit", days(number, "one day", "days")),
        };
    }
    language.pick("gilt für andere Mitglieder", "it is for other members").to_owned()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
