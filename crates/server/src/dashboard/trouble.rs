//! Errors as pages: what happened, what it means, what to do.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::shell;
use crate::error::Error;
use crate::web::{self, Language};

/// An error of a page. It becomes a page in the reader's language on its way out.
pub(crate) struct Trouble(pub(crate) Error);

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Arc::new(self.0));
        response
    }
}

/// Turns errors into pages in the reader's language.
pub(crate) async fn as_pages(request: Request, next: Next) -> Response {
    let language = Language::of(request.headers());
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<Arc<Error>>().cloned() else { return response };
    let problem = error.problem();
    if problem.status >= 500 {
        tracing::error!(error = ?error, code = problem.code, "a page failed");
    }
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let said = Said::of(&error, language);
    web::page(
        status,
        shell::bare(
            language,
            &said.title,
            html! {
                h1 { (said.title) }
                p { (said.text) }
                @if let Some(more) = said.more { p lang="en" class="faded" { (more) } }
                p { a class="button" href=(super::HOME) { (language.pick("To the dashboard", "Zum Dashboard")) } }
            },
        ),
    )
}

/// An error in the reader's words.
pub(crate) struct Said {
    pub title: String,
    pub text: String,
    /// What is known in English only.
    pub more: Option<String>,
}

impl Said {
    pub(crate) fn of(error: &Error, language: Language) -> Self {
        let problem = error.problem();
        if language == Language::En {
            return Self { title: problem.title, text: problem.detail, more: None };
        }
        if let Some((title, text)) = german(error.code()) {
            return Self { title: title.to_owned(), text: text.to_owned(), more: None };
        }
        Self {
            title: "Das ging nicht".to_owned(),
            text: "Nichts wurde geändert. Was genau nicht passt, sagt der Server auf Englisch:".to_owned(),
            more: Some(format!("{}: {}", problem.title, problem.detail)),
        }
    }
}

/// What the server's refusals mean in German.
fn german(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "login" => (
            "Adresse oder Passwort stimmt nicht",
            "Versuchen Sie es noch einmal, oder lassen Sie sich ein neues Passwort schicken.",
        ),
        "second-factor" => (
            "Das ist nicht der Code",
            "Geben Sie die sechs Ziffern ein, die die App jetzt zeigt, oder einen der Wiederherstellungscodes. Jeder gilt \
             einmal.",
        ),
        "batch" => (
            "Keine Karten",
            "Es gehen 1 bis 1.000 auf einmal. Von einem Stapel wird gedruckt, was noch niemand hat und nicht zurückgezogen ist.",
        ),
        "passkey" => (
            "Dieser Passkey hat nicht gepasst",
            "Versuchen Sie es noch einmal. Bleibt es so, melden Sie sich mit dem Passwort an und sehen Sie nach, ob der \
             Passkey noch auf der Liste Ihres Kontos steht.",
        ),
        "passkey-site" => (
            "Hier gibt es keine Passkeys",
            "Der Server braucht eine öffentliche Adresse (public_url) mit Namen und https.",
        ),
        "passkey-script" => (
            "Der Browser hat keinen Passkey gebracht",
            "Er gibt ihn nur einem Skript: Schalten Sie JavaScript ein, oder nehmen Sie den Code aus einer App.",
        ),
        "passkey-there" => {
            ("Diesen Passkey gibt es schon", "Er steht schon auf der Liste, oder auf der von jemand anderem.")
        }
        "passkeys-full" => {
            ("Dieses Konto hat genug Passkeys", "Entfernen Sie einen, den Sie nicht mehr benutzen.")
        }
        "password-wrong" => (
            "Das ist nicht Ihr Passwort",
            "Geben Sie das Passwort ein, mit dem Sie sich hier anmelden. Nichts wurde geändert.",
        ),
        "webhook-url" => (
            "Dorthin kann nichts gemeldet werden",
            "Die Adresse beginnt mit https:// und führt ins öffentliche Netz. Anderes erlaubt nur die Einstellung \
             webhooks_private am Server.",
        ),
        "day" => (
            "Für diesen Tag geht es nicht",
            "Wählen Sie einen Tag nach heute und binnen zwei Jahren, oder veröffentlichen Sie sofort.",
        ),
        "too-often" => {
            ("Zu viele Versuche", "Warten Sie einen Augenblick, dann versuchen Sie es noch einmal.")
        }
        "session" | "key" => {
            ("Sie sind nicht angemeldet", "Die Anmeldung ist abgelaufen. Melden Sie sich neu an.")
        }
        "link" => (
            "Dieser Code gilt nicht",
            "Er wurde schon benutzt oder ist zu alt. Lassen Sie sich unter „Passwort vergessen“ einen neuen schicken, \
             oder bitten Sie den Inhaber um eine neue Einladung.",
        ),
        "password-weak" => (
            "Dieses Passwort ist zu kurz",
            "Ein Passwort hat mindestens 10 Zeichen; ein Satz, den nur Sie kennen, ist gut.",
        ),
        "csrf" => (
            "Diese Seite ist zu alt",
            "Laden Sie die Seite neu und senden Sie noch einmal. Nichts wurde geändert.",
        ),
        "forbidden" => {
            ("Das ist Ihnen nicht erlaubt", "Ihre Rolle reicht dafür nicht. Fragen Sie den Inhaber.")
        }
        "other-shop" => {
            ("Das ist Ihnen nur in einzelnen Läden erlaubt", "Es geht um einen anderen Laden als Ihren.")
        }
        "amount" => (
            "Diese Menge geht nicht",
            "Schreiben Sie eine Zahl, wie 2 oder −2; Einheiten ohne Teile gehen nur in ganzen Zahlen.",
        ),
        "order" => ("Das ist außerhalb des Erlaubten", "Prüfen Sie Menge und Grund. Nichts wurde geändert."),
        "zone" => ("Diese Zeitzone gibt es nicht", "Schreiben Sie sie wie Europe/Berlin."),
        "limit" => (
            "Die Grenzen wurden nicht gespeichert",
            "Schreiben Sie ganze Zahlen, Geld wie 100,00; gezählt wird über 1 bis 10080 Minuten.",
        ),
        "name" => ("Dieser Name geht nicht", "Ein Name hat höchstens 80 Zeichen, in einer Zeile."),
        "email" => ("Das ist keine E-Mail-Adresse", "Schreiben Sie sie wie name@example.org."),
        "time" => ("Diese Uhrzeit gibt es nicht", "Schreiben Sie sie wie 04:00."),
        "role" => {
            ("Diese Rolle geht nicht", "Wählen Sie Rolle und Laden. Ein Inhaber ist es in allen Läden.")
        }
        "article-changed" => (
            "Jemand anderes hat diesen Artikel geändert",
            "Hier steht, wie er jetzt ist; was Sie eingegeben haben, steht unten. Speichern Sie noch einmal, wenn Ihres gelten \
             soll.",
        ),
        "article-there" => (
            "Diese Nummer ist vergeben",
            "Es gibt schon einen Artikel mit dieser Nummer. Wählen Sie eine andere.",
        ),
        "picture" => (
            "Dieses Bild geht nicht",
            "Wählen Sie ein Foto oder eine Zeichnung als JPEG oder PNG, höchstens 12 MB groß und 12.000 Pixel breit oder hoch.",
        ),
        "not-found" => ("Das gibt es nicht", "Vielleicht wurde es entfernt, oder die Adresse ist falsch."),
        "member-unknown" => (
            "Dieses Mitglied gibt es nicht",
            "Prüfen Sie die Eingabe: der Code einer Karte, ihre Nummer oder die Kennung eines Mitglieds.",
        ),
        "card" => (
            "Diese Karte gilt hier nicht",
            "Sie ist nicht echt oder von einem anderen Anbieter. Prüfen Sie Zeichen für Zeichen.",
        ),
        "second-person" => (
            "Dafür braucht es eine zweite Person",
            "Sie haben selbst darum gebeten. Jemand anderes mit diesem Recht muss zustimmen.",
        ),
        "decided" => ("Darüber ist schon entschieden", "Jemand war schneller. Laden Sie die Liste neu."),
        "last-owner" => (
            "Einen Inhaber muss es geben",
            "Dies ist der einzige. Machen Sie erst jemand anderen zum Inhaber.",
        ),
        "already-there" => (
            "Das gibt es schon",
            "Jemand hat im selben Augenblick dasselbe gespeichert. Sehen Sie es sich neu an.",
        ),
        "too-large" => ("Das ist zu viel auf einmal", "Senden Sie es in kleineren Teilen."),
        "busy" | "too-many" => (
            "Der Server hat gerade viel zu tun",
            "Nichts wurde geändert. Versuchen Sie es in einigen Sekunden.",
        ),
        "database-away" => (
            "Die Datenbank antwortet nicht",
            "Nichts wurde geändert. Versuchen Sie es in einigen Sekunden noch einmal.",
        ),
        "disk-full" | "read-only" => (
            "Der Server kann nicht speichern",
            "Nichts wurde geändert, und nichts Gespeichertes ist verloren.",
        ),
        "internal" | "database-newer" => {
            ("Der Server hat einen Fehler", "Es liegt nicht an Ihnen. Das Protokoll des Servers sagt mehr.")
        }
        _ => return None,
    })
}
