//! The pages of the card, and the files that they load. They are whole without a script as far as there is something
//! to see; keys, codes and the card itself need one.

use std::net::IpAddr;
use std::sync::LazyLock;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::gate::{Bound, network};
use super::join::{TERMS, Welcome};
use crate::api::{CodePath, Route, code, query};
use crate::error::Error;
use crate::http::{Answer, Http, Shared};
use crate::web::{self, Asset, Language, PAGE_POLICY};

macro_rules! asset {
    ($name:literal, $kind:literal, $path:literal) => {
        Asset { name: $name, kind: $kind, bytes: include_bytes!($path) }
    };
}

/// The files that the card's pages load.
pub(crate) const ASSETS: &[Asset] = &[
    asset!("card.js", "text/javascript; charset=utf-8", "../../assets/card/card.js"),
    asset!("qr.js", "text/javascript; charset=utf-8", "../../assets/card/qr.js"),
    asset!("stamp-1.svg", "image/svg+xml", "../../../../assets/pictures/stamp-1.svg"),
    asset!("stamp-2.svg", "image/svg+xml", "../../../../assets/pictures/stamp-2.svg"),
    asset!("stamp-3.svg", "image/svg+xml", "../../../../assets/pictures/stamp-3.svg"),
    asset!("cup-slot.svg", "image/svg+xml", "../../../../assets/pictures/cup-slot.svg"),
    asset!("cup-full.svg", "image/svg+xml", "../../../../assets/pictures/cup-full.svg"),
    asset!("card-192.png", "image/png", "../../assets/card/card-192.png"),
    asset!("card-512.png", "image/png", "../../assets/card/card-512.png"),
];

/// Runs beside the pages: it keeps the files, so that the card opens with no network.
const SERVICE_WORKER: &str = include_str!("../../assets/card/sw.js");

/// How the pages look. It stands in each of them: a phone on a slow line paints as soon as the page is there.
static STYLE: LazyLock<String> = LazyLock::new(|| {
    [include_str!("../../assets/tokens.css"), include_str!("../../assets/card/card.css")].concat()
});

/// The pages' policy: as everywhere, and that one style sheet.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = data_encoding::BASE64.encode(&Sha256::digest(STYLE.as_bytes()));
    let policy = PAGE_POLICY.replace("style-src 'self'", &format!("style-src 'self' 'sha256-{hash}'"));
    HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static(PAGE_POLICY))
});

/// A page as an answer.
pub(super) fn page(status: StatusCode, markup: Markup) -> Response {
    let mut response = web::page(status, markup);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

/// A name for these files together: a browser keeps them until it changes.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = blake3::Hasher::new();
    for asset in ASSETS {
        hasher.update(asset.bytes);
    }
    hasher.update(STYLE.as_bytes());
    hasher.update(SERVICE_WORKER.as_bytes());
    hasher.update(include_bytes!("pages.rs"));
    hasher.finalize().to_hex()[..12].to_owned()
});

/// Looks at cards' links by one address in ten minutes.
const LOOKS: Bound = Bound { free: 300, most: 300 };

pub(super) fn routes() -> Vec<Route> {
    vec![
        ("/C/{token}", get(bare).post(super::rights::printed)),
        ("/c/{token}", get(bare).post(super::rights::printed)),
        ("/J/{code}", get(poster)),
        ("/j/{code}", get(poster)),
        ("/J/{code}/{friend}", get(brought)),
        ("/card/logo/{code}", get(super::logo::of_poster)),
        ("/card", get(app)),
        ("/card/notice/{code}", get(notice)),
        ("/card/sw.js", get(service_worker)),
        ("/card/manifest.webmanifest", get(manifest)),
    ]
}

pub(super) fn frame(language: Language, title: &str, kind: &str, body: Markup) -> Markup {
    framed(language, title, kind, html! {}, body)
}

fn framed(language: Language, title: &str, kind: &str, head: Markup, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                meta name="theme-color" content="#FBF7F1" media="(prefers-color-scheme: light)";
                meta name="theme-color" content="#16130F" media="(prefers-color-scheme: dark)";
                meta name="robots" content="noindex";
                meta name="apple-mobile-web-app-capable" content="yes";
                title { (title) }
                (head)
                // Asked for before the long style is read.
                script type="module" src="/assets/card.js" {}
                style { (PreEscaped(&*STYLE)) }
                link rel="icon" type="image/png" href="/assets/card-192.png";
                link rel="apple-touch-icon" href="/assets/card-192.png";
                link rel="manifest" href="/card/manifest.webmanifest";
            }
            body data-page=(kind) { (body) }
        }
    }
}

fn no_script(language: Language) -> Markup {
    html! {
        noscript {
            p.note { (language.pick(
                "Your card needs JavaScript. Without it, ask at the counter for a printed card: it can do the same.",
                "Deine Karte braucht JavaScript. Ohne geht es mit einer gedruckten Karte von der Theke: Sie kann dasselbe.",
            )) }
        }
    }
}

/// Counts a look at what a card's or a poster's code opens: whoever tries codes is told to wait. `page` is counted by itself,
/// so that one guest who looks at all of them is one look at each.
pub(super) fn check_look(http: &Http, page: &str, address: IpAddr) -> Result<(), Error> {
    http.gate.pass(&format!("{page} {}", network(address)), LOOKS, http.server.now_ms()).map(drop)
}

/// The link in a card's code: the number of stamps, and nothing else.
async fn bare(State(http): Shared, path: CodePath, request: Request) -> Answer {
    check_look(&http, "look", http.address_of(&request))?;
    let language = Language::of(request.headers());
    let text = code(path)?;
    let Some((tenant, _, stamps)) = http.server.stamps_of(&text).await? else {
        return Ok(page(StatusCode::NOT_FOUND, sorry(language)));
    };
    let title = language.pick("Stamp card", "Stempelkarte");
    let total: u32 = stamps.iter().map(|(count, _)| count).sum();
    let word =
        if total == 1 { language.pick("stamp", "Stempel") } else { language.pick("stamps", "Stempel") };
    let body = html! {
        main.narrow data-token=(text) data-tenant=(tenant) {
            h1.count { span.big { (total) } " " (word) }
            p.faded { (language.pick(
                "This is what a card's code shows to everybody. To see more, put the card on this phone.",
                "Das zeigt der Code einer Karte jedem. Mehr siehst du, wenn die Karte auf diesem Handy ist.",
            )) }
            form #second method="post" action={ "/C/" (text) } {
                label for="code" { (language.pick("Code on the back of the card", "Code auf der Rückseite der Karte")) }
                input #code name="code" autocomplete="off" autocapitalize="characters" spellcheck="false"
                    maxlength="14" required;
                button.primary type="submit" { (language.pick("Put it on this phone", "Auf dieses Handy holen")) }
                p.said role="status" {}
                noscript {
                    p.small { (language.pick(
                        "Without JavaScript the card stays on paper; the code opens what is kept about you.",
                        "Ohne JavaScript bleibt die Karte auf Papier; der Code öffnet, was über dich gespeichert ist.",
                    )) }
                }
                p.small {
                    button.quiet name="act" value="show" data-plain="" { (language.pick(
                        "Only see what is kept about me, or leave",
                        "Nur sehen, was über mich gespeichert ist, oder aufhören",
                    )) }
                }
            }
        }
    };
    Ok(page(StatusCode::OK, frame(language, title, "bare", body)))
}

/// A page that says one thing.
pub(super) fn says(language: Language, title: &str, text: &str, more: Markup) -> Markup {
    frame(language, title, "none", html! { main.narrow { h1 { (title) } p { (text) } (more) } })
}

fn sorry(language: Language) -> Markup {
    let text = language.pick(
        "This code is not in use, or it was not read whole. At the counter there is a new one.",
        "Dieser Code wird nicht benutzt oder wurde nicht ganz gelesen. An der Theke gibt es einen neuen.",
    );
    says(language, language.pick("Not a card of ours", "Keine Karte von hier"), text, html! {})
}

#[derive(Deserialize, Default)]
struct PosterQuery {
    #[serde(default, alias = "F")]
    f: Option<String>,
}

/// What a poster's code opens.
async fn poster(State(http): Shared, path: CodePath, request: Request) -> Answer {
    let friend = query::<PosterQuery>(&request).unwrap_or_default().f;
    let asked = Asked { address: http.address_of(&request), language: Language::of(request.headers()) };
    invited(&http, code(path)?, friend, asked).await
}

/// What a member's picture for friends opens: the poster's code with the member's number behind it. An address
/// without a query fits into a smaller code.
async fn brought(
    State(http): Shared,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Answer {
    let Path((poster, friend)) =
        path.map_err(|_| Error::bad_request("The address holds text that is not UTF-8."))?;
    let asked = Asked { address: http.address_of(&request), language: Language::of(request.headers()) };
    invited(&http, code(Ok(Path(poster)))?, Some(code(Ok(Path(friend)))?), asked).await
}

/// From where, and in which language.
struct Asked {
    address: IpAddr,
    language: Language,
}

async fn invited(http: &Http, code: String, friend: Option<String>, asked: Asked) -> Answer {
    let Asked { address, language } = asked;
    check_look(http, "look", address)?;
    let Some(welcome) = welcome(http, &code).await? else {
        return Ok(page(StatusCode::NOT_FOUND, sorry(language)));
    };
    let has_logo = http.server.has_logo_for_paper(welcome.tenant, welcome.shop_id).await?;
    let shop = welcome.shop.as_deref().unwrap_or(&welcome.name);
    let title = format!("{shop} · {}", language.pick("Stamp card", "Stempelkarte"));
    let body = html! {
        main.narrow data-link=(code) data-terms=(TERMS) data-friend=[friend] data-tenant=(welcome.tenant) {
            @if has_logo { img.logo src={ "/card/logo/" (code) } alt=(shop) height="80"; }
            p.eyebrow { (shop) }
            h1 { (language.pick("Your stamp card", "Deine Stempelkarte")) }
            @if let Some((reward, size)) = &welcome.reward {
                p.lead { (size) " " (language.pick("stamps", "Stempel")) " → " strong { (reward.get(language.tag())) } }
            }
            form #join novalidate {
                label for="name" {
                    (language.pick("First name", "Vorname")) " "
                    span.faded { (language.pick("(if you like)", "(wenn du magst)")) }
                }
                input #name name="name" autocomplete="given-name" maxlength="80";
                label.check for="age" {
                    input #age type="checkbox" name="age" required;
                    span { (language.pick("I am 16 or older", "Ich bin mindestens 16")) }
                }
                button.primary type="submit" { (language.pick("Get the card", "Karte holen")) }
                p.said role="status" {}
                p.small {
                    (language.pick(
                        "No password, no app store. With the card you agree to the ",
                        "Kein Passwort, kein App-Store. Mit der Karte gilt die ",
                    ))
                    a href={ "/card/notice/" (code) } { (language.pick("notice on your data", "Datenschutz-Info")) }
                    "."
                }
            }
            p.small { a href={ "/card#t=" (welcome.tenant) } {
                (language.pick("I have a card already", "Ich habe schon eine Karte"))
            } }
            (no_script(language))
        }
    };
    let picture = http.options.public_url.as_deref();
    let picture = picture.map(|url| format!("{}/assets/card-512.png", url.trim_end_matches('/')));
    // What messengers show of the link.
    let preview = html! {
        meta property="og:type" content="website";
        meta property="og:title" content=(title);
        meta property="og:description" content=(language.pick(
            "No password, no app store. The card is there at once.",
            "Kein Passwort, kein App-Store. Die Karte ist sofort da.",
        ));
        @if let Some(picture) = picture { meta property="og:image" content=(picture); }
    };
    Ok(page(StatusCode::OK, framed(language, &title, "join", preview, body)))
}

async fn welcome(http: &Http, code: &str) -> Result<Option<Welcome>, Error> {
    match http.server.welcome(code).await {
        Ok(welcome) => Ok(Some(welcome)),
        Err(error) if error.code() == "link-unknown" => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is done with a member's data, in the words that whoever joins agrees to.
async fn notice(State(http): Shared, path: CodePath, request: Request) -> Answer {
    check_look(&http, "notice", http.address_of(&request))?;
    let language = Language::of(request.headers());
    let code = code(path)?;
    let Some(welcome) = welcome(&http, &code).await? else {
        return Ok(page(StatusCode::NOT_FOUND, sorry(language)));
    };
    let title = language.pick("Your data", "Deine Daten");
    let items: [(&str, &str); 6] = [
        (
            "Your card works without a name. A first name, if you give one, is kept encrypted and greets you at the counter.",
            "Deine Karte geht ohne Namen. Ein Vorname, wenn du ihn angibst, wird verschlüsselt gespeichert und begrüßt dich an der Theke.",
        ),
        (
            "For each visit is kept: when, at which shop, and what it gave. In shops with a till also what was bought. That is how stamps can be explained and checked.",
            "Zu jedem Besuch wird gespeichert: wann, in welchem Laden und was er gebracht hat. In Läden mit Kasse auch, was gekauft wurde. So lassen sich Stempel erklären und prüfen.",
        ),
        (
            "Your phone keeps a key that proves the card is yours. It never leaves the phone.",
            "Dein Handy bewahrt einen Schlüssel, der zeigt, dass die Karte dir gehört. Er verlässt das Handy nicht.",
        ),
        (
            "An e-mail address is used for one thing, to bring you back to your card. It is not kept itself, only a fingerprint of it.",
            "Eine E-Mail-Adresse dient nur dazu, dich zu deiner Karte zurückzubringen. Gespeichert wird nicht sie selbst, sondern ein Fingerabdruck von ihr.",
        ),
        (
            "Nothing is passed on, there is no tracking, and no advertising unless you ask for it on your card. There are no cookies.",
            "Nichts wird weitergegeben, es gibt kein Tracking, und Werbung nur, wenn du sie auf deiner Karte bestellst. Es gibt keine Cookies.",
        ),
        (
            "You can leave at any time, get everything that is kept as a file, and have it erased: on your card under “Settings”, with the code on the back of a printed card, or at the counter.",
            "Du kannst jederzeit aufhören, alles Gespeicherte als Datei bekommen und es löschen lassen: auf deiner Karte unter „Einstellungen“, mit dem Code auf der Rückseite einer gedruckten Karte, oder an der Theke.",
        ),
    ];
    let body = html! {
        main.narrow {
            p.eyebrow { (welcome.name) }
            h1 { (title) }
            ul.plain { @for (en, de) in items { li { (language.pick(en, de)) } } }
            p.small { (language.pick("Version ", "Fassung ")) (TERMS) ". "
                (language.pick("Responsible: ", "Verantwortlich: ")) (welcome.name) "." }
            p { a href={ "/J/" (code) } { (language.pick("Back", "Zurück")) } }
        }
    };
    Ok(page(StatusCode::OK, frame(language, title, "notice", body)))
}

/// The card itself. What stands on it comes from the phone's own storage, then from the server.
async fn app(request: Request) -> Response {
    let language = Language::of(request.headers());
    let body = html! {
        main #app aria-busy="true" {
            h1.waiting { (language.pick("Stamp card", "Stempelkarte")) }
            div.stampcard.blank { div.slots { @for _ in 0..10 { i {} } } }
            (no_script(language))
        }
    };
    page(StatusCode::OK, frame(language, language.pick("Stamp card", "Stempelkarte"), "card", body))
}

async fn service_worker() -> Response {
    let text = format!("const VERSION = \"{}\";\n{SERVICE_WORKER}", *VERSION);
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // A worker fetches by the policy that came with it.
    let policy = "default-src 'none'; script-src 'self'; connect-src 'self'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(HeaderName::from_static("service-worker-allowed"), HeaderValue::from_static("/card"));
    response
}

#[derive(Deserialize, Default)]
struct ManifestQuery {
    #[serde(default)]
    h: Option<String>,
}

/// How the card installs. With a code to hand it over, the installed app opens with it: on some systems it has a
/// storage of its own, and begins empty.
async fn manifest(request: Request) -> Response {
    let language = Language::of(request.headers());
    let code = query::<ManifestQuery>(&request).unwrap_or_default().h;
    let code = code.filter(|code| code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let start = code.map_or_else(|| "/card".to_owned(), |code| format!("/card#h={code}"));
    let manifest = json!({
        "id": "/card",
        "name": language.pick("Stamp card", "Stempelkarte"),
        "short_name": language.pick("Stamps", "Stempel"),
        "lang": language.tag(),
        "start_url": start,
        "scope": "/card",
        "display": "standalone",
        "background_color": "#FBF7F1",
        "theme_color": "#FBF7F1",
        "icons": [
            { "src": "/assets/card-192.png", "sizes": "192x192", "type": "image/png", "purpose": "any maskable" },
            { "src": "/assets/card-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any maskable" },
        ],
    });
    let kind = HeaderValue::from_static("application/manifest+json");
    ([(CONTENT_TYPE, kind)], manifest.to_string()).into_response()
}
