//! Amounts and explanations as the command line says them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stempel_domain::receipt::ReceiptError;
use stempel_domain::rules::{self, Language, TraceStep};
use stempel_domain::{Fact, Unit};
use stempel_store::StoreError;
use stempel_sync::SyncError;
use stempel_terminal::TerminalError;
use stempel_terminal::error::sentences;
use stempel_terminal::proofs::ProofError;
use stempel_wire::fiscal::FiscalError;

/// Amounts by unit, as decimal strings.
pub fn amounts(amounts: &BTreeMap<Unit, i64>) -> Value {
    let entries = amounts.iter().map(|(unit, amount)| (unit.name().to_owned(), json!(unit.format(*amount))));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// Amounts by unit in one line: `7 stamp:coffee, 12.5 point`.
pub fn balances_line(amounts: &BTreeMap<Unit, i64>) -> String {
    if amounts.is_empty() {
        return "nothing yet".into();
    }
    let each: Vec<String> =
        amounts.iter().map(|(unit, amount)| format!("{} {}", unit.format(*amount), unit.name())).collect();
    each.join(", ")
}

/// So many of something in English: `1 stamp`, `2 stamps`.
pub fn counted(count: i64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The steps of an explanation, each with its sentence.
pub fn trace(steps: &[TraceStep]) -> Value {
    let each = steps.iter().map(|step| {
        let mut value = serde_json::to_value(step).unwrap_or_default();
        value["text"] = Value::String(sentence(step));
        value
    });
    Value::Array(each.collect())
}

/// One step as a sentence, in the language of the machine.
pub fn sentence(step: &TraceStep) -> String {
    rules::sentence(step, language())
}

/// What a fact says that moves no units by a rule: a change of traits, something given by hand, a right taken back.
pub fn said(fact: &Fact) -> Vec<String> {
    said_in(fact, language())
}

fn said_in(fact: &Fact, language: Language) -> Vec<String> {
    let of = |de: String, en: String| if language == Language::De { de } else { en };
    let mut lines = Vec::new();
    match fact {
        Fact::MemberJoined(fact) => {
            lines
                .extend(fact.referrer.map(|by| of(format!("Geworben von {by}"), format!("Brought by {by}"))));
        }
        Fact::TraitsChanged(fact) => {
            for (tag, held) in &fact.tags {
                lines.push(match held {
                    true => of(format!("Merkmal „{tag}“ gesetzt"), format!("Tag “{tag}” given")),
                    false => of(format!("Merkmal „{tag}“ entfernt"), format!("Tag “{tag}” taken")),
                });
            }
            if fact.birthday_week.is_some() {
                let noted = of("Woche des Geburtstags notiert".into(), "Week of the birthday noted".into());
                lines.push(noted);
            }
            lines
                .extend(fact.referrer.map(|by| of(format!("Geworben von {by}"), format!("Brought by {by}"))));
        }
        Fact::Adjustment(fact) => {
            let reason = &fact.reason;
            lines.push(match &fact.agreed {
                Some(agreed) => of(
                    format!("Von Hand: {reason} (mit Zustimmung von {agreed})"),
                    format!("By hand: {reason} (agreed by {agreed})"),
                ),
                None => of(format!("Von Hand: {reason}"), format!("By hand: {reason}")),
            });
        }
        Fact::GrantWithdrawn(fact) => {
            let grant = &fact.grant;
            lines.push(of(
                format!("{grant} wurde zweimal gegeben und wird einmal zurückgenommen"),
                format!("{grant} was given twice and is taken back once"),
            ));
        }
        _ => {}
    }
    lines
}

/// The language that the environment asks for.
pub fn language() -> Language {
    let named = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|name| std::env::var(name).ok());
    Language::of(&named.into_iter().find(|value| !value.is_empty()).unwrap_or_default())
}

/// An error in a language of the screens. English is the errors' own text.
pub fn error(error: &TerminalError, language: Language) -> String {
    match language {
        Language::En => sentence_case(&error.to_string()),
        Language::De => german(error),
    }
}

/// Why a device did not begin with a server. There is nothing here yet, so nothing is kept or sent later either.
pub fn not_joined(error: &TerminalError, language: Language) -> String {
    let TerminalError::Sync(why) = error else { return self::error(error, language) };
    let (de, en) = match why {
        SyncError::Unreachable => (
            "Der Server ist nicht erreichbar. Bitte Netz und Adresse prüfen und es noch einmal versuchen.",
            "The server cannot be reached. Check the network and the address, then try again.",
        ),
        SyncError::Slow | SyncError::CutOff => (
            "Der Server hat nicht zu Ende geantwortet. Bitte das Netz prüfen und es noch einmal versuchen.",
            "The server did not finish its answer. Check the network, then try again.",
        ),
        SyncError::Refused(problem) => match problem.code.as_str() {
            "code-unknown" => (
                "Der Server kennt diesen Code nicht. Bitte genau abtippen oder einen neuen geben lassen.",
                "The server does not know this code. Type it exactly, or ask for a new one.",
            ),
            "code-used" => (
                "Dieser Code wurde schon benutzt. Jeder gilt einmal: Bitte einen neuen geben lassen.",
                "This code was used already. Each works once: ask for a new one.",
            ),
            "code-expired" => (
                "Dieser Code gilt nicht mehr. Bitte einen neuen geben lassen.",
                "This code is no longer valid. Ask for a new one.",
            ),
            _ => return self::error(error, language),
        },
        _ => return self::error(error, language),
    };
    let known = match language {
        Language::De => de,
        Language::En => en,
    };
    known.to_owned()
}

/// With a capital letter and a full stop, as a screen says it.
pub fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

fn german(error: &TerminalError) -> String {
    let known = match error {
        TerminalError::Sync(error) => match error {
            SyncError::Unreachable => {
                "Der Server ist nicht erreichbar. Alles bleibt hier und wird später übertragen."
            }
            SyncError::Slow => {
                "Der Server hat nicht rechtzeitig geantwortet. Alles bleibt hier und wird später übertragen."
            }
            SyncError::CutOff => {
                "Die Verbindung ist mitten in der Antwort abgebrochen. Es wird noch einmal gefragt."
            }
            SyncError::Rubbish(_) => {
                "Unter der Adresse antwortet kein Stempel-Server, den dieses Programm versteht."
            }
            SyncError::Busy => "Der Server hat gerade viel zu tun. Es wird noch einmal gefragt.",
            SyncError::Insecure => "Die Adresse muss mit https:// beginnen.",
            SyncError::BadAddress(_) => "Das ist keine Adresse eines Servers.",
            SyncError::Stuck => {
                "Der Server antwortet, nimmt aber nichts an. Bitte jemanden nachsehen lassen."
            }
            SyncError::OlderCopy => {
                "Der Server weiß mehr von diesem Gerät als das Gerät selbst: Hier liegt eine ältere Kopie. Bitte neu anmelden."
            }
            SyncError::Refused(problem) => match problem.code.as_str() {
                "device-revoked" => "Dieses Gerät wurde gesperrt. Was hier gespeichert ist, bleibt erhalten.",
                "device-unknown" => "Der Server kennt dieses Gerät nicht. Bitte neu anmelden.",
                "clock" => "Die Uhr dieses Geräts geht falsch. Bitte stellen.",
                _ => "Der Server lehnt die Übertragung ab. Bitte jemanden nachsehen lassen.",
            },
        },
        TerminalError::Store(error) => match error {
            StoreError::Full => {
                "Der Speicher ist voll. Nichts ging verloren. Bitte Platz schaffen und noch einmal versuchen."
            }
            StoreError::ReadOnly(_) => "Der Speicher ist schreibgeschützt. Es wurde nichts gespeichert.",
            StoreError::Damaged(_) => {
                "Die gespeicherten Daten sind beschädigt. Bitte den Ordner aufheben und jemanden nachsehen lassen."
            }
            StoreError::InUse { .. } => "Ein anderes Programm benutzt die Daten gerade.",
            _ => "Der Speicher kann nicht benutzt werden. Es wurde nichts gespeichert.",
        },
        TerminalError::NotNow(_) => "Das geht gerade nicht.",
        TerminalError::Blocked => "Diese Karte ist gesperrt. Sie wurde verloren oder ersetzt.",
        TerminalError::NotGiven(trace) => return sentences(trace, Language::De),
        TerminalError::RotatingCodeWanted => {
            "Dafür bitte die Karte auf dem Handy öffnen und den Code zeigen, der sich ändert. Ein Bild oder Papier \
             reicht hier nicht."
        }
        TerminalError::Proof(error) => return proof_in_german(error),
        TerminalError::WrongPin => "Das ist nicht die PIN.",
        TerminalError::PinWait { seconds } => {
            return format!("Zu viele falsche PINs. Bitte {seconds} s warten und noch einmal versuchen.");
        }
        TerminalError::NeedsManager => "Dafür braucht es die PIN der Leitung.",
        TerminalError::NoManager => {
            "Dafür braucht es die PIN der Leitung, und hier hat noch niemand eine. Sie wird auf der Kommandozeile \
             eingerichtet: stempel operator."
        }
        TerminalError::OldSeries => "Diese Karte ist aus einer alten Reihe. Bitte eine neue ausgeben.",
        _ => return error.to_string(),
    };
    known.to_owned()
}

fn proof_in_german(error: &ProofError) -> String {
    let known = match error {
        ProofError::NotAProof => "Das ist weder der Code eines Kassenbons noch ein Zettel von hier.",
        ProofError::NotTaken(_) => "Das wird hier nicht angenommen.",
        ProofError::Receipt(ReceiptError::NotASale(_)) => "Das ist kein Bon über einen Einkauf.",
        ProofError::Receipt(_) => "Der Code auf dem Bon lässt sich nicht lesen.",
        ProofError::Fiscal(FiscalError::Signature) => {
            "Die Signatur passt nicht zu dem, was auf dem Bon steht. Er wurde verändert, falsch gelesen, oder seine Kasse \
             unterschreibt mehr, als sie druckt; das lässt sich nicht prüfen."
        }
        ProofError::Fiscal(_) => "Die Signatur auf diesem Bon lässt sich hier nicht prüfen.",
        ProofError::NoTill => "Hier ist noch keine Kasse bekannt, deren Bons zählen.",
        ProofError::OtherTill { .. } => "Dieser Bon ist von einer anderen Kasse.",
        ProofError::TooOld { minutes, most } => {
            return format!("Dieser Bon ist {minutes} Minuten alt. Er zählt {most} Minuten lang.");
        }
        ProofError::Ahead { .. } => "Dieser Bon ist aus der Zukunft. Eine der beiden Uhren geht falsch.",
        ProofError::DoubtfulClock => {
            "Die Uhr dieses Geräts kann nicht stimmen. Wie alt der Bon ist, lässt sich nicht prüfen."
        }
        ProofError::TooSmall { least, .. } => {
            return format!("Stempel gibt es ab {}.", Language::De.money(&least.to_string()));
        }
        ProofError::UsedBefore { .. } => "Das wurde schon gezählt.",
        ProofError::SlipOver { last } => {
            return format!("Dieser Zettel galt bis {}.", Language::De.long_day(*last));
        }
        ProofError::SlipStranger { .. } => {
            "Dieser Zettel ist von einem Gerät, das hier nicht bekannt ist. Bitte einmal übertragen und noch einmal versuchen."
        }
        ProofError::SlipRevoked => "Dieser Zettel ist von einem Gerät, das abgemeldet wurde.",
        ProofError::SlipForged => "Dieser Zettel ist nicht echt.",
        ProofError::SlipFor("reward") => "Dieser Zettel gilt nur für eine Belohnung.",
        ProofError::SlipFor(_) => "Dieser Zettel gilt nur für Stempel.",
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use stempel_domain::Money;

    use super::*;

    #[test]
    fn the_least_that_counts_is_written_as_sums_are_written_here() {
        let small = ProofError::TooSmall { total: Money(120), least: Money(250) };
        assert_eq!(proof_in_german(&small), "Stempel gibt es ab 2,50 €.");
    }

    #[test]
    fn a_device_that_did_not_join_is_told_why_and_promised_nothing() {
        let away = TerminalError::Sync(SyncError::Unreachable);
        let german = not_joined(&away, Language::De);
        assert_eq!(
            german,
            "Der Server ist nicht erreichbar. Bitte Netz und Adresse prüfen und es noch einmal versuchen."
        );
        for text in [german, not_joined(&away, Language::En)] {
            assert!(!text.contains("später") && !text.contains("later"), "nothing is kept: {text}");
        }
    }
}
