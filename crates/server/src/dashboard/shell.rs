//! The frame of every page, and the pieces that pages are made of.

use maud::{DOCTYPE, Markup, html};

use super::visitor::{Values, Visitor};
use crate::api::access::Scope;
use crate::error::Error;
use crate::web::Language;

/// A place in the side bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Today,
    Members,
    Programmes,
    Work,
    Devices,
    Catalogue,
    Shops,
    Statement,
    Team,
    /// The own account: it stands at the foot.
    Own,
}

struct Entry {
    tab: Tab,
    to: &'static str,
    english: &'static str,
    german: &'static str,
    /// What one has to be allowed to see it.
    scope: Scope,
    /// Only for those who are allowed it at every shop.
    everywhere: bool,
}

const fn entry(tab: Tab, to: &'static str, words: [&'static str; 2], scope: Scope) -> Entry {
    let [english, german] = words;
    Entry { tab, to, english, german, scope, everywhere: false }
}

const ENTRIES: [Entry; 9] = [
    entry(Tab::Today, "/dashboard", ["Today", "Heute"], Scope::Read),
    entry(Tab::Members, "/dashboard/members", ["Members", "Mitglieder"], Scope::Read),
    entry(Tab::Programmes, "/dashboard/programmes", ["Programmes", "Programme"], Scope::Read),
    entry(Tab::Work, "/dashboard/work", ["Work list", "Arbeitsliste"], Scope::Manage),
    entry(Tab::Devices, "/dashboard/devices", ["Devices", "Geräte"], Scope::Manage),
    entry(Tab::Catalogue, "/dashboard/catalogue", ["Catalogue", "Sortiment"], Scope::Manage),
    entry(Tab::Shops, "/dashboard/shops", ["Shops", "Läden"], Scope::Manage),
    Entry {
        tab: Tab::Statement,
        to: "/dashboard/statement",
        english: "Clearing",
        german: "Verrechnung",
        scope: Scope::Manage,
        everywhere: true,
    },
    Entry {
        tab: Tab::Team,
        to: "/dashboard/team",
        english: "Team",
        german: "Team",
        scope: Scope::Own,
        everywhere: true,
    },
];

fn document(language: Language, title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " · Stempel" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/assets/tokens.css";
                link rel="stylesheet" href="/assets/dashboard.css";
                script src="/assets/dashboard.js" defer {}
            }
            (body)
        }
    }
}

/// A page for somebody who is not signed in.
pub(crate) fn bare(language: Language, title: &str, body: Markup) -> Markup {
    document(
        language,
        title,
        html! {
            body class="bare" {
                main id="main" class="sheet" {
                    p class="brand" { (mark()) "Stempel" }
                    (body)
                    (languages(language, super::HOME))
                }
            }
        },
    )
}

/// The stamp of the brand.
fn mark() -> Markup {
    html! {
        svg class="mark" viewBox="0 0 24 24" aria-hidden="true" focusable="false" {
            circle cx="12" cy="12" r="10" fill="none" stroke="currentColor" stroke-width="2.5" {}
            path d="M7.5 12.5l3 3 6-7" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round"
                stroke-linejoin="round" {}
        }
    }
}

fn languages(language: Language, to: &str) -> Markup {
    html! {
        p class="languages" {
            @for (code, name, own) in [("de", "Deutsch", Language::De), ("en", "English", Language::En)] {
                a href={ "/dashboard/language/" (code) "?to=" (to) } lang=(code) hreflang=(code)
                    aria-current=[(own == language).then_some("true")] { (name) }
            }
        }
    }
}

/// A page with the side bar. `title` is the one question that the page answers.
pub(crate) fn frame(visitor: &Visitor, tab: Tab, title: &str, body: Markup) -> Markup {
    let language = visitor.language;
    let say = |english, german| language.pick(english, german);
    let entries = ENTRIES.iter().filter(|entry| match entry.everywhere {
        true => visitor.may_everywhere(entry.scope),
        false => visitor.may(entry.scope),
    });
    document(
        language,
        title,
        html! {
            body {
                a class="skip" href="#main" { (say("Skip to the page", "Zum Inhalt")) }
                header class="top" {
                    a class="brand" href="/dashboard" { (mark()) "Stempel" }
                    a class="button quiet" href="#menu" { (say("Menu", "Menü")) }
                }
                nav id="menu" class="side" aria-label=(say("Pages", "Seiten")) {
                    a class="brand" href="/dashboard" { (mark()) "Stempel" }
                    ul {
                        @for entry in entries {
                            li {
                                a href=(entry.to) aria-current=[(entry.tab == tab).then_some("page")] {
                                    (say(entry.english, entry.german))
                                }
                            }
                        }
                    }
                    div class="foot" {
                        p class="who" {
                            a href="/dashboard/account" aria-current=[(tab == Tab::Own).then_some("page")] { (visitor.session.email) }
                        }
                        form method="post" action="/dashboard/sign-out" {
                            (token(visitor))
                            button class="quiet" { (say("Sign out", "Abmelden")) }
                        }
                        (languages(language, &visitor.path))
                    }
                    a class="button quiet close" href="#main" { (say("Close menu", "Menü schließen")) }
                }
                main id="main" tabindex="-1" {
                    h1 { (title) }
                    (notice(visitor))
                    (body)
                }
            }
        },
    )
}

/// The hidden fields of every form: the session's token, and the page to come back to.
pub(crate) fn token(visitor: &Visitor) -> Markup {
    html! {
        input type="hidden" name="csrf" value=(visitor.csrf);
        input type="hidden" name="page" value=(visitor.path);
    }
}

/// What was done by the form that led here, or what came back after signing in.
fn notice(visitor: &Visitor) -> Markup {
    let said = visitor.query.given("done").and_then(|code| done(code, visitor.language));
    html! {
        @if visitor.draft.is_some() {
            p class="notice info" role="status" {
                (visitor.say(
                    "You are signed in again. What you had typed stands below, and is not saved yet.",
                    "Sie sind wieder angemeldet. Was Sie eingegeben hatten, steht unten und ist noch nicht gespeichert.",
                ))
            }
        } @else if let Some(said) = said {
            p class="notice good" role="status" { (said) }
        }
    }
}

fn done(code: &str, language: Language) -> Option<&'static str> {
    let (english, german) = match code {
        "member-added" => (
            "The card is made. Its code stands below: print it, or let the guest photograph it.",
            "Die Karte ist angelegt. Ihr Code steht unten: drucken oder abfotografieren lassen.",
        ),
        "cards-made" => (
            "The cards are made. Print their sheets on both sides, turned at the long edge; the codes on the backs are secret.",
            "Die Karten sind gemacht. Die Bogen beidseitig drucken, über die lange Kante gewendet; die Codes auf den Rückseiten sind geheim.",
        ),
        "adjusted" => (
            "Corrected. It counts on every device at its next contact.",
            "Korrigiert. Es gilt auf jedem Gerät beim nächsten Kontakt.",
        ),
        "waits" => (
            "Noted. It counts as soon as a second person has agreed.",
            "Notiert. Es zählt, sobald eine zweite Person zugestimmt hat.",
        ),
        "card-replaced" => (
            "The old card is blocked; the new one's code stands below.",
            "Die alte Karte ist gesperrt; der Code der neuen steht unten.",
        ),
        "card-blocked" => ("The card is blocked.", "Die Karte ist gesperrt."),
        "published" => (
            "Published. Devices know it at their next contact.",
            "Veröffentlicht. Geräte kennen es beim nächsten Kontakt.",
        ),
        "planned" => (
            "Planned. It comes into force by itself on its day.",
            "Geplant. Es tritt an seinem Tag von selbst in Kraft.",
        ),
        "ended" => ("Ended.", "Beendet."),
        "device-out" => ("The device is signed out.", "Das Gerät ist abgemeldet."),
        "decided" => ("Done.", "Erledigt."),
        "retried" => (
            "Tried again; what is still here is not understood yet.",
            "Noch einmal versucht; was noch hier steht, wird noch nicht verstanden.",
        ),
        "invited" => ("The invitation is on its way.", "Die Einladung ist unterwegs."),
        "merged" => ("They are one member now.", "Sie sind jetzt ein Mitglied."),
        "parted" => ("They are two members again.", "Sie sind wieder zwei Mitglieder."),
        "forgotten" => (
            "The member is forgotten here; each device forgets at its next contact.",
            "Das Mitglied ist hier vergessen; jedes Gerät vergisst es beim nächsten Kontakt.",
        ),
        "not-sure" => (
            "Nothing was done: tick the box if you are sure.",
            "Nichts wurde getan: Kreuzen Sie das Kästchen an, wenn Sie sicher sind.",
        ),
        "saved" => ("Saved.", "Gespeichert."),
        "told" => ("Sent again, and taken.", "Noch einmal gesendet und angenommen."),
        "not-taken" => (
            "Sent again; the other system did not take it. The log says why.",
            "Noch einmal gesendet; das andere System hat es nicht angenommen. Das Protokoll sagt, warum.",
        ),
        _ => return None,
    };
    Some(language.pick(english, german))
}

/// What is wrong with a form, above it.
pub(crate) fn problem(error: &Error, language: Language) -> Markup {
    let said = super::trouble::Said::of(error, language);
    html! {
        div class="notice bad" role="alert" id="problem" {
            p { strong { (said.title) } }
            p { (said.text) }
            @if let Some(more) = said.more { p lang="en" { (more) } }
        }
    }
}

/// One line to type into.
pub(crate) struct Field<'a> {
    pub name: &'a str,
    pub label: &'a str,
    pub hint: &'a str,
    pub kind: &'a str,
    pub value: &'a str,
    pub required: bool,
    /// What the browser may fill in.
    pub fill: &'a str,
}

impl Default for Field<'_> {
    fn default() -> Self {
        Self { name: "", label: "", hint: "", kind: "text", value: "", required: false, fill: "off" }
    }
}

impl Field<'_> {
    pub(crate) fn draw(&self) -> Markup {
        let id = format!("f-{}", self.name);
        let hint = (!self.hint.is_empty()).then(|| format!("{id}-hint"));
        html! {
            div class="field" {
                label for=(id) { (self.label) }
                @if let Some(hint) = &hint { p class="hint" id=(hint) { (self.hint) } }
                input id=(id) name=(self.name) type=(self.kind) value=(self.value) required[self.required]
                    autocomplete=(self.fill) aria-describedby=[hint.as_deref()];
            }
        }
    }
}

/// A choice of one.
pub(crate) fn choice(name: &str, label: &str, options: &[(String, String)], chosen: &str) -> Markup {
    html! {
        div class="field" {
            label for={ "f-" (name) } { (label) }
            select id={ "f-" (name) } name=(name) {
                @for (value, text) in options {
                    option value=(value) selected[value == chosen] { (text) }
                }
            }
        }
    }
}

/// What stands where there is nothing yet: what it will be, and how it begins.
pub(crate) fn empty(title: &str, text: &str, way: Option<(&str, &str)>) -> Markup {
    html! {
        div class="empty" {
            h2 { (title) }
            p { (text) }
            @if let Some((to, words)) = way { p { a class="button" href=(to) { (words) } } }
        }
    }
}

/// Hidden fields that take a form along.
pub(crate) fn carried(values: &Values) -> Markup {
    html! {
        @for (name, value) in values.kept() {
            input type="hidden" name={ "kept." (name) } value=(value);
        }
    }
}
