//! “Who changed what?”: the log, in words.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::Page;
use super::shell::{Tab, frame};
use super::visitor::Visitor;
use crate::api::access::Scope;
use crate::audit::Entry;
use crate::error::Result;
use crate::web::{self, Language};

/// Entries on one page.
const LOG: u64 = 100;

pub(crate) async fn page(visitor: Visitor) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let newest = visitor.server.audit_head(visitor.tenant()).await?;
    let to = visitor.query.get("to").parse::<u64>().unwrap_or(newest).min(newest);
    let after = to.saturating_sub(LOG);
    let mut entries = visitor.server.audit(visitor.tenant(), after).await?;
    entries.retain(|entry| entry.seq <= to);
    entries.reverse();
    let zone = visitor.zone().await?;
    let names = names(&visitor).await?;
    let say = |english, german| visitor.say(english, german);
    let body = html! {
        p class="lead" { (say("Each entry is chained to the one before; nothing in it can be changed without being noticed.",
            "Jeder Eintrag ist mit dem vorigen verkettet; nichts darin lässt sich unbemerkt ändern.")) }
        ol class="line-of-time" {
            @for entry in &entries {
                li {
                    p class="faded" {
                        (visitor.language.instant(entry.at_ms, &zone)) " · " (who(visitor.language, &names, &entry.actor))
                    }
                    p { strong { (done(visitor.language, &entry.action)) } " " (to_what(&visitor, &names, entry)) }
                }
            }
        }
        @if after > 0 { p { a class="button" href={ "/dashboard/log?to=" (after) } { (say("Earlier", "Früher")) } } }
    };
    let title = say("Who changed what?", "Wer hat was geändert?");
    Ok(web::page(axum::http::StatusCode::OK, frame(&visitor, Tab::Team, title, body)))
}

/// What accounts, shops and devices are called, by their ids.
async fn names(visitor: &Visitor) -> Result<BTreeMap<String, String>> {
    let (server, tenant) = (&visitor.server, visitor.tenant());
    let mut names = BTreeMap::new();
    for account in server.accounts(tenant).await? {
        names.insert(account.account, account.email);
    }
    for shop in server.shops(tenant).await? {
        names.insert(shop.id.to_string(), shop.name);
    }
    for device in server.device_list(tenant).await? {
        names.insert(device.device.to_string(), device.name);
    }
    Ok(names)
}

/// Who it was, as people call them.
fn who(language: Language, names: &BTreeMap<String, String>, actor: &str) -> String {
    let (kind, id) = actor.split_once(':').unwrap_or((actor, ""));
    let known = names.get(id).cloned();
    let said = match kind {
        "account" => language.pick("somebody of the team", "jemand aus dem Team"),
        "key" => language.pick("another system", "ein anderes System"),
        "device" => language.pick("a device", "ein Gerät"),
        "member" => language.pick("the guest", "der Gast"),
        "server" => language.pick("the server", "der Server"),
        "cli" => return format!("{} ({id})", language.pick("command line", "Kommandozeile")),
        _ => actor,
    };
    known.unwrap_or_else(|| said.to_owned())
}

/// To what it was done: a name where there is one, a member's file, or what stands in the entry.
fn to_what(visitor: &Visitor, names: &BTreeMap<String, String>, entry: &Entry) -> Markup {
    let Entry { action, subject, detail, .. } = entry;
    if ["member-", "card-", "consent-"].iter().any(|kind| action.starts_with(kind)) {
        return html! { a href={ "/dashboard/members/" (subject) } { (visitor.say("to the member", "zum Mitglied")) } };
    }
    let setting = match subject.as_str() {
        "four-eyes" => visitor.say("four eyes", "Vier Augen"),
        "alarm-limits" => visitor.say("from when on something looks odd", "ab wann etwas auffällt"),
        "retention-months" => visitor.say("how long members are kept", "wie lange Mitglieder bleiben"),
        "catalogue" => visitor.say("as a table", "als Tabelle"),
        _ => subject,
    };
    let text = names.get(subject).map(String::as_str).or(detail["name"].as_str()).unwrap_or(setting);
    html! { span class="faded" { (text) } }
}

/// What was done. What a newer server wrote stands as it is.
fn done(language: Language, action: &str) -> &str {
    let [english, german] = match action {
        "account-closed" => ["Account closed", "Konto geschlossen"],
        "account-invited" => ["Invited", "Eingeladen"],
        "account-roles" => ["Role changed", "Rolle geändert"],
        "api-key-added" => ["Key for another system made", "Schlüssel für ein anderes System angelegt"],
        "api-key-revoked" => {
            ["Key of another system withdrawn", "Schlüssel eines anderen Systems zurückgezogen"]
        }
        "card-blocked" => ["Card blocked", "Karte gesperrt"],
        "card-replaced" => ["Card replaced", "Karte ersetzt"],
        "cards-downloaded" => ["Sheets with cards downloaded", "Bögen mit Karten heruntergeladen"],
        "cards-printed" => ["Cards made to print", "Karten zum Drucken gemacht"],
        "cards-withdrawn" => ["Printed cards withdrawn", "Gedruckte Karten zurückgezogen"],
        "case-decided" => ["Contradiction decided", "Widerspruch entschieden"],
        "catalogue-changed" => ["Catalogue changed", "Sortiment geändert"],
        "change-approved" => ["Agreed to a change", "Einer Änderung zugestimmt"],
        "change-asked" => [
            "Asked for a change; a second person decides",
            "Änderung gewünscht; eine zweite Person entscheidet",
        ],
        "change-declined" => ["Declined a change", "Eine Änderung abgelehnt"],
        "consent-changed" => ["Consent changed", "Einwilligung geändert"],
        "device-enrolled" => ["Device added", "Gerät hinzugefügt"],
        "device-invited" => ["Code for a device made", "Code für ein Gerät gemacht"],
        "device-revoked" => ["Device signed out", "Gerät abgemeldet"],
        "figures-recounted" => ["Figures counted anew", "Zahlen neu gezählt"],
        "join-link-closed" => ["Code of a poster ended", "Code eines Plakats beendet"],
        "join-link-made" => ["Code for a poster made", "Code für ein Plakat gemacht"],
        "keys-lost" => ["Keys to names lost", "Schlüssel zu den Namen verloren"],
        "member-adjusted" => ["Corrected by hand", "Von Hand korrigiert"],
        "member-erased" => ["Member forgotten", "Mitglied vergessen"],
        "member-exported" => {
            ["Everything about a member downloaded", "Alles über ein Mitglied heruntergeladen"]
        }
        "members-erased-again" => [
            "Forgotten again after a backup was put back",
            "Nach dem Einspielen einer Sicherung wieder vergessen",
        ],
        "passkey-added" => ["Passkey added", "Passkey hinzugefügt"],
        "passkey-doubtful" => ["Passkey looks copied", "Passkey sieht kopiert aus"],
        "passkey-removed" => ["Passkey removed", "Passkey entfernt"],
        "password-forgotten" => ["New password asked for", "Neues Passwort angefordert"],
        "password-set" => ["Password set", "Passwort gesetzt"],
        "programme-ended" => ["Programme ended", "Programm beendet"],
        "programme-plan-dropped" => ["Planned version dropped", "Geplante Fassung verworfen"],
        "programme-planned" => ["Version planned", "Fassung geplant"],
        "programme-published" => ["Programme published", "Programm veröffentlicht"],
        "programme-trial" => ["Programme tried in one shop", "Programm in einem Laden erprobt"],
        "quarantine-lifted" => ["Stopped journal goes on", "Angehaltenes Journal läuft weiter"],
        "rows-let-through" => ["Held entries counted", "Zurückgehaltene Einträge gezählt"],
        "second-factor-off" => ["Code from an app switched off", "Code aus einer App ausgeschaltet"],
        "second-factor-on" => ["Code from an app switched on", "Code aus einer App eingeschaltet"],
        "second-factor-reset" => ["Code from an app taken off", "Code aus einer App weggenommen"],
        "setting-changed" => ["Setting changed", "Einstellung geändert"],
        "shop-added" => ["Shop added", "Laden angelegt"],
        "shop-changed" => ["Shop changed", "Laden geändert"],
        "shop-logo" => ["Logo changed", "Logo geändert"],
        "shop-open-days" => ["Opening days changed", "Öffnungstage geändert"],
        "shop-rotating" => ["Limit for copied codes changed", "Grenze für kopierte Codes geändert"],
        "signed-in" => ["Signed in", "Angemeldet"],
        "tenant-added" => ["Set up on the server", "Auf dem Server angelegt"],
        "webhook-added" => ["Another system is told", "Ein anderes System wird benachrichtigt"],
        "webhook-closed" => {
            ["Another system is no longer told", "Ein anderes System wird nicht mehr benachrichtigt"]
        }
        other => return other,
    };
    language.pick(english, german)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The sources of a folder and those below it.
    fn sources(folder: &Path, texts: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, texts);
            } else if path.extension().is_some_and(|end| end == "rs") {
                texts.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn whatever_the_server_notes_has_words() {
        let mut texts = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
        let calls = texts.iter().flat_map(|text| text.split(".note(").skip(1));
        let quoted = calls.filter_map(|call| call.split(';').next()?.split('"').nth(1));
        let mut actions: Vec<&str> = quoted
            .filter(|word| word.contains('-') && word.chars().all(|c| c == '-' || c.is_ascii_lowercase()))
            .collect();
        actions.extend(["change-approved", "change-declined"]);
        actions.sort_unstable();
        actions.dedup();
        assert!(actions.len() > 40, "{actions:?}");
        for action in actions {
            for language in [Language::De, Language::En] {
                assert_ne!(done(language, action), action, "{language:?}");
            }
        }
    }
}
