//! What a member may always do with the own data: read all of it, agree and take that back, and leave for good.
//!
//! A phone signs what it asks. Whoever holds a printed card does the same by plain forms with the second code from
//! its back, so that nobody needs a script, or a phone, to be forgotten.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::IntoResponse;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;
use stempel_domain::event::{ConsentKind, ConsentPlace, ErasureReason};
use stempel_domain::{CardId, MemberId, TenantId};
use stempel_wire::export::{ConsentSaid, Export};

use super::gate::Bound;
use super::http::{guess_second, read};
use super::join::TERMS;
use super::pages::{frame, page, says};
use super::phone::{BODY_LEN_MAX, Caller, id_of, signed};
use crate::api::{CodePath, code};
use crate::audit::Actor;
use crate::db::{Tx, values};
use crate::error::{Error, Result};
use crate::http::{Answer, Http, Shared, read_body};
use crate::people::NewConsent;
use crate::server::Server;
use crate::web::Language;

/// Changes of what is agreed to, and documents, that one card may ask for in ten minutes.
const CHANGES: Bound = Bound { free: 60, most: 60 };
const EXPORTS: Bound = Bound { free: 10, most: 10 };

/// What a member is asked about each thing to agree to.
fn question(language: Language, kind: ConsentKind) -> &'static str {
    match kind {
        ConsentKind::Mail => language.pick("Mails with offers", "Mails mit Angeboten"),
        ConsentKind::Push => language.pick("Offers on the phone", "Angebote aufs Handy"),
        ConsentKind::Leaderboard => {
            language.pick("My first name on the leaderboard", "Mein Vorname in der Rangliste")
        }
        ConsentKind::Profiling => {
            language.pick("Offers that fit what I buy", "Angebote, die zu meinen Einkäufen passen")
        }
    }
}

/// Everything that can be agreed to, and whether it is.
pub(super) fn agreed(said: &[ConsentSaid]) -> Vec<(ConsentKind, bool)> {
    let given = |kind| said.iter().any(|said| said.consent == kind && said.given);
    ConsentKind::ALL.into_iter().map(|kind| (kind, given(kind))).collect()
}

/// Ends what a forgotten member's phones and mails could still do, in the transaction that forgets.
pub(crate) async fn forget(tx: &mut Tx, tenant: TenantId, member: MemberId, now_ms: i64) -> Result<()> {
    tx.execute(
        "UPDATE phone SET ended_ms = $3 WHERE tenant = $1 AND member = $2 AND ended_ms IS NULL",
        values![tenant, member, now_ms],
    )
    .await?;
    for sql in [
        "DELETE FROM member_address WHERE tenant = $1 AND member = $2",
        "DELETE FROM card_code WHERE tenant = $1 AND member = $2",
        "DELETE FROM joining WHERE tenant = $1 AND member = $2",
    ] {
        tx.execute(sql, values![tenant, member]).await?;
    }
    Ok(())
}

/// Who changes something about themselves.
#[derive(Debug, Clone, Copy)]
struct Oneself {
    tenant: TenantId,
    member: MemberId,
}

impl Oneself {
    fn of(caller: &Caller) -> Self {
        Self { tenant: caller.tenant, member: caller.member }
    }

    async fn export(self, server: &Server) -> Result<Export> {
        server.acting(Actor::member()).member_export(self.tenant, &self.member.to_string()).await
    }

    async fn agree(self, server: &Server, consent: ConsentKind, given: bool) -> Result<Vec<ConsentSaid>> {
        let new = NewConsent { consent, given, terms: TERMS.to_owned(), place: ConsentPlace::Web };
        server.acting(Actor::member()).member_consent(self.tenant, &self.member.to_string(), &new).await
    }

    async fn leave(self, server: &Server) -> Result<()> {
        let server = server.acting(Actor::member());
        server.member_erase(self.tenant, &self.member.to_string(), ErasureReason::Asked).await?;
        Ok(())
    }
}

fn counted(what: &str, caller: &Caller) -> String {
    format!("{what} {}", data_encoding::HEXLOWER.encode(&id_of(&caller.key)))
}

/// The document as a file to keep.
fn download(export: &Export) -> Result<axum::response::Response> {
    let text = serde_json::to_string_pretty(export)?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"stempelkarte.json\"")),
    ];
    Ok((headers, text).into_response())
}

/// Everything that is held, to the phone that holds the card.
pub(super) async fn export(State(http): Shared, request: Request) -> Answer {
    let (caller, _) = signed(&http, request).await?;
    http.gate.pass(&counted("export", &caller), EXPORTS, http.server.now_ms())?;
    Ok(download(&Oneself::of(&caller).export(&http.server).await?)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentRequest {
    consent: ConsentKind,
    given: bool,
}

/// Agrees to something, or takes that back.
pub(super) async fn consent(State(http): Shared, request: Request) -> Answer {
    let (caller, bytes) = signed(&http, request).await?;
    let ConsentRequest { consent, given } = read(&bytes)?;
    http.gate.pass(&counted("consent", &caller), CHANGES, http.server.now_ms())?;
    let said = Oneself::of(&caller).agree(&http.server, consent, given).await?;
    Ok(Json(json!({ "consents": agreed(&said) })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeaveRequest {
    for_good: bool,
}

/// Forgets the member whose phone asks. Nothing brings it back.
pub(super) async fn leave(State(http): Shared, request: Request) -> Answer {
    let (caller, bytes) = signed(&http, request).await?;
    if !read::<LeaveRequest>(&bytes)?.for_good {
        return Err(Error::bad_request("Say that it is for good.").into());
    }
    Oneself::of(&caller).leave(&http.server).await?;
    http.metrics.add("stempel_card_total", "left", 1);
    Ok(Json(json!({})).into_response())
}

// ---- the same with a printed card and no script ---------------------------------------------------------------

/// What a form of a printed card's page says.
#[derive(Debug, Default)]
struct Sent {
    second: String,
    act: Act,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Act {
    #[default]
    Show,
    Agree(ConsentKind, bool),
    Export,
    Ask,
    Leave,
}

impl Sent {
    fn read(body: &[u8]) -> Self {
        let mut sent = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "code" => sent.second = value.chars().take(200).collect(),
                "act" => sent.act = Act::read(&value),
                _ => {}
            }
        }
        sent
    }
}

impl Act {
    fn read(text: &str) -> Self {
        let kind = |name: &str| ConsentKind::ALL.into_iter().find(|kind| kind.name() == name);
        match text.split_once(':') {
            Some(("agree", name)) => kind(name).map_or(Self::Show, |kind| Self::Agree(kind, true)),
            Some(("withdraw", name)) => kind(name).map_or(Self::Show, |kind| Self::Agree(kind, false)),
            None if text == "export" => Self::Export,
            None if text == "ask" => Self::Ask,
            None if text == "leave" => Self::Leave,
            _ => Self::Show,
        }
    }
}

/// What the forms of a printed card do.
pub(super) async fn printed(State(http): Shared, path: CodePath, request: Request) -> Answer {
    let language = Language::of(request.headers());
    let address = http.address_of(&request);
    let (parts, body) = request.into_parts();
    let sent = Sent::read(&read_body(&http, &parts.headers, body, BODY_LEN_MAX).await?);
    let text = code(path)?;
    let opened = match guess_second(&http, address, &text) {
        Ok(guess) => {
            let opened = http.server.open_printed(&text, &sent.second).await;
            if opened.is_ok() {
                guess.right();
            }
            opened
        }
        Err(error) => Err(error),
    };
    let (tenant, card, member) = match opened {
        Ok(opened) => opened,
        Err(error) if error.problem().status < 500 => {
            return Ok(refused(language, &text, &error));
        }
        Err(error) => return Err(error.into()),
    };
    let Some(member) = member else { return Ok(page(StatusCode::OK, nobody(language, &text))) };
    let oneself = Oneself { tenant, member };
    match sent.act {
        Act::Export => return Ok(download(&oneself.export(&http.server).await?)?),
        Act::Agree(kind, given) => {
            oneself.agree(&http.server, kind, given).await?;
        }
        Act::Ask => return Ok(page(StatusCode::OK, sure(language, &text, &sent.second))),
        Act::Leave => {
            oneself.leave(&http.server).await?;
            http.metrics.add("stempel_card_total", "left", 1);
            return Ok(page(StatusCode::OK, gone(language)));
        }
        Act::Show => {}
    }
    let shown = paper_page(&http, language, &oneself, &text, &sent, card).await?;
    Ok(page(StatusCode::OK, shown))
}

async fn paper_page(
    http: &Http,
    language: Language,
    oneself: &Oneself,
    token: &str,
    sent: &Sent,
    card: CardId,
) -> Result<Markup> {
    let said = http.server.member_consents(oneself.tenant, &oneself.member.to_string()).await?;
    let stamps = http.server.stamps_of(token).await?.map(|(_, _, stamps)| stamps).unwrap_or_default();
    let total: u32 = stamps.iter().map(|(count, _)| count).sum();
    let title = language.pick("Your card", "Deine Karte");
    let changed = matches!(sent.act, Act::Agree(..));
    Ok(frame(
        language,
        title,
        "paper",
        html! {
            main.narrow {
                p.eyebrow { (card.number()) }
                h1.count { span.big { (total) } " "
                    (if total == 1 { language.pick("stamp", "Stempel") } else { language.pick("stamps", "Stempel") }) }
                h2 { (language.pick("What you agree to", "Womit du einverstanden bist")) }
                @if changed { p.note role="status" { "✓ " (language.pick(
                    "Noted. Press again to take it back.", "Notiert. Noch einmal drücken nimmt es zurück.",
                )) } }
                ul.plain {
                    @for (kind, given) in agreed(&said) {
                        li { (form(token, &sent.second, html! {
                            p.line {
                                span { (if given { "✓ " } else { "" }) (question(language, kind)) }
                                button.right type="submit" name="act"
                                    value={ (if given { "withdraw:" } else { "agree:" }) (kind.name()) } {
                                    (if given { language.pick("Take back", "Zurücknehmen") }
                                        else { language.pick("Agree", "Einverstanden") })
                                    span.hidden { ": " (question(language, kind)) }
                                }
                            }
                        })) }
                    }
                }
                section.part {
                    h2 { (language.pick("Your data", "Deine Daten")) }
                    p.faded { (language.pick(
                        "Everything that is kept about you, as a file that other programs can read.",
                        "Alles, was über dich gespeichert ist, als Datei, die andere Programme lesen können.",
                    )) }
                    (form(token, &sent.second, html! {
                        button type="submit" name="act" value="export" {
                            (language.pick("Download everything", "Alles herunterladen"))
                        }
                    }))
                }
                section.part {
                    h2 { (language.pick("Leave for good", "Für immer aufhören")) }
                    (form(token, &sent.second, html! {
                        button.quiet type="submit" name="act" value="ask" {
                            (language.pick("Have me forgotten …", "Mich vergessen lassen …"))
                        }
                    }))
                }
            }
        },
    ))
}

/// A form of the page: the code goes with it, and stands in no address.
fn form(token: &str, second: &str, content: Markup) -> Markup {
    html! {
        form method="post" action={ "/C/" (token) } {
            input type="hidden" name="code" value=(second);
            (content)
        }
    }
}

/// What being forgotten means, point by point.
fn consequences(language: Language) -> [&'static str; 4] {
    [
        language.pick(
            "Stamps, points, vouchers and rewards are lost.",
            "Stempel, Punkte, Gutscheine und Prämien verfallen.",
        ),
        language.pick(
            "Your name and what you agreed to are deleted, in the shop's devices too as soon as each is online.",
            "Dein Name und deine Einwilligungen werden gelöscht, auch in den Geräten der Läden, sobald sie online sind.",
        ),
        language.pick(
            "What was sold stays in the shop's books, with nothing in it that says it was you.",
            "Was verkauft wurde, bleibt in den Büchern des Ladens, ohne dass daraus hervorgeht, dass du es warst.",
        ),
        language.pick("Nothing can bring it back.", "Das lässt sich nicht rückgängig machen."),
    ]
}

fn sure(language: Language, token: &str, second: &str) -> Markup {
    let title = language.pick("Have me forgotten?", "Mich vergessen lassen?");
    frame(
        language,
        title,
        "paper",
        html! {
            main.narrow {
                h1 { (title) }
                ul.ways { @for text in consequences(language) { li { (text) } } }
                (form(token, second, html! {
                    button type="submit" name="act" value="leave" {
                        (language.pick("Forget me for good", "Endgültig vergessen"))
                    }
                    " "
                    button.primary type="submit" name="act" value="show" {
                        (language.pick("Keep my card", "Karte behalten"))
                    }
                }))
            }
        },
    )
}

fn gone(language: Language) -> Markup {
    let text = language.pick(
        "Thank you for having been here. The card in your hand is nobody's any more; throw it away.",
        "Danke, dass du da warst. Die Karte in deiner Hand gehört niemandem mehr; wirf sie weg.",
    );
    says(language, language.pick("You are forgotten", "Du bist vergessen"), text, html! {})
}

fn nobody(language: Language, token: &str) -> Markup {
    let title = language.pick("Nothing is on this card yet", "Auf dieser Karte ist noch nichts");
    let text = language.pick(
        "It becomes yours at its first scan at the counter. Until then nothing is kept about you.",
        "Sie wird deine beim ersten Scan an der Theke. Bis dahin ist nichts über dich gespeichert.",
    );
    says(
        language,
        title,
        text,
        html! { p { a href={ "/C/" (token) } { (language.pick("Back", "Zurück")) } } },
    )
}

fn refused(language: Language, token: &str, error: &Error) -> axum::response::Response {
    let problem = error.problem();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    let title = language.pick("That did not work", "Das hat nicht geklappt");
    let said = match (language, problem.code.as_str()) {
        (Language::De, "second-code") => {
            "Das ist nicht der Code dieser Karte. Er steht auf der Rückseite: zehn Zeichen."
        }
        (Language::De, "card-blocked") => "Diese Karte ist gesperrt. Frag an der Theke nach der neuen.",
        (Language::De, "too-often") => "Das war sehr oft hintereinander. Bitte warte ein paar Minuten.",
        (Language::De, _) => "Bitte noch einmal, oder frag an der Theke.",
        (Language::En, _) => &problem.detail,
    };
    page(
        status,
        frame(
            language,
            title,
            "none",
            html! {
                main.narrow {
                    h1 { (title) }
                    p { (said) }
                    p { a href={ "/C/" (token) } { (language.pick("Back", "Zurück")) } }
                }
            },
        ),
    )
}
