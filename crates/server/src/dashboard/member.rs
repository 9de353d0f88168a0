//! One member's file: what they hold, the whole time line with the reason of each unit, cards, corrections.

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use maud::{Markup, html};
use stempel_domain::event::{ConsentKind, Event, Fact, ReversalReason};
use stempel_domain::member::Base;
use stempel_domain::rules::{Outcome, sentence};
use stempel_domain::sale::Deed;
use stempel_domain::{Account, AuthorId, CardId, MemberId, MemberState, Unit};

use stempel_wire::export::ConsentSaid;

use super::members::{fresh_key, name};
use super::shell::{self, Field, Tab, frame, token};
use super::visitor::{Sent, Values, Visitor, on};
use super::{Page, code, words};
use crate::accounts::changes::{Asked, Change};
use crate::admin::MemberInfo;
use crate::api::access::Scope;
use crate::api::orders::AdjustmentRequest;
use crate::author::stored_event;
use crate::db::values;
use crate::error::{Error, Result};
use crate::people::group;
use crate::web::{self, Language};

/// How many events are shown at first, and at most.
const SHOWN: usize = 50;
const SHOWN_MAX: usize = 2000;
/// Reasons that are offered for a correction.
const REASONS: [[&str; 2]; 4] = [
    ["Forgotten card", "Karte vergessen"],
    ["Something went wrong", "Da ging etwas schief"],
    ["Paper card brought along", "Papierkarte mitgebracht"],
    ["Given twice by mistake", "Versehentlich doppelt gegeben"],
];

/// Everything that the file shows.
struct File {
    info: MemberInfo,
    state: MemberState,
    /// Newest first.
    events: Vec<Event>,
    more: bool,
    /// What people call the authors.
    authors: BTreeMap<AuthorId, String>,
    zone: String,
    /// Accounts as they stand in events, with their addresses; for those who manage.
    people: BTreeMap<String, String>,
}

fn parse(member: &str) -> Result<MemberId> {
    member.parse().map_err(|_| Error::not_found("such member"))
}

async fn load(visitor: &Visitor, member: MemberId) -> Result<File> {
    let (server, tenant) = (&visitor.server, visitor.tenant());
    let asked = visitor.query.get("show").parse::<usize>().unwrap_or(SHOWN).clamp(SHOWN, SHOWN_MAX);
    let info = server.member_info(tenant, member).await?;
    let mut tx = server.read_of(tenant).await?;
    let state = group::state(&mut tx, tenant, member).await?;
    // The newest of each author are enough for the newest of all.
    let mut events = Vec::new();
    let members: Vec<MemberId> = std::iter::once(info.member).chain(info.merged.iter().copied()).collect();
    let mut authors_of = Vec::new();
    let sql = "SELECT member, base FROM member WHERE tenant = $1 AND member";
    for row in tx.rows_in(sql, values![tenant], members.iter().map(|id| (*id).into()).collect()).await? {
        let base: Base = serde_json::from_str(&row.text(1)?)?;
        let id: MemberId = row.id(0)?;
        authors_of.extend(base.includes.into_keys().map(|author| (id, author)));
    }
    for (member, author) in authors_of {
        let rows = tx
            .rows(
                "SELECT bytes FROM event WHERE tenant = $1 AND member = $2 AND author = $3 AND status = 0
                 ORDER BY seq DESC LIMIT $4",
                values![tenant, member, author, asked as i64 + 1],
            )
            .await?;
        for row in rows {
            events.push(stored_event(row.bytes(0)?)?);
        }
    }
    drop(tx);
    events.sort_by_key(|event| std::cmp::Reverse((event.record.at.utc_ms, event.author, event.seq)));
    let more = events.len() > asked;
    events.truncate(asked);
    let shops = server.shops(tenant).await?;
    let mut authors = BTreeMap::new();
    for device in server.device_list(tenant).await? {
        let shop = shops.iter().find(|shop| shop.id == device.shop).map(|shop| &shop.name[..]);
        authors.insert(device.device, format!("{} · {}", device.name, shop.unwrap_or_default()));
    }
    let zone = shops.first().map_or("UTC", |shop| &shop.zone).to_owned();
    let mut people = BTreeMap::new();
    if visitor.may(Scope::Manage) {
        for account in server.accounts(tenant).await? {
            people.insert(format!("account:{}", account.account), account.email);
        }
    }
    Ok(File { info, state, events, more, authors, zone, people })
}

pub(crate) async fn page(visitor: Visitor, Path(member): Path<String>) -> Page {
    visitor.principal().may(Scope::Read)?;
    show(&visitor, parse(&member)?, StatusCode::OK, None, None).await
}

async fn show(
    visitor: &Visitor,
    member: MemberId,
    status: StatusCode,
    sent: Option<&Values>,
    error: Option<&Error>,
) -> Page {
    let file = load(visitor, member).await?;
    let title = name(visitor, &file.info);
    let manages = visitor.may(Scope::Manage);
    let body = html! {
        p class="lead" {
            @if let Some(joined) = file.state.joined {
                (visitor.say("Member since ", "Mitglied seit ")) (visitor.language.day(joined)) " · "
            }
            (visitor.language.number(file.info.events as i64)) " " @if file.info.events == 1 { (visitor.say("entry", "Eintrag")) } @else { (visitor.say("entries", "Einträge")) }
            @for (tag, on) in &file.state.tags {
                @if on.value { " " span class="state" { (tag) } }
            }
        }
        @if file.info.erased.is_some() {
            p class="notice warn" { (visitor.say("This member was forgotten. Nothing says any more who it was.",
                "Dieses Mitglied wurde vergessen. Nichts sagt mehr, wer es war.")) }
        }
        (holds(visitor, &file))
        (cards(visitor, &file, manages).await?)
        @if manages { (correction(visitor, &file, sent, error).await?) }
        (time_line(visitor, &file))
        @if visitor.may_everywhere(Scope::Manage) { (personal(visitor, &file, sent)) }
    };
    Ok(web::page(status, frame(visitor, Tab::Members, &title, body)))
}

fn holds(visitor: &Visitor, file: &File) -> Markup {
    html! {
        section class="tiles" aria-label=(visitor.say("What the member holds", "Was das Mitglied hat")) {
            @for (unit, amount) in &file.info.balances {
                div class="tile" {
                    span class="label plain" { (words::unit(visitor.language, unit)) }
                    span class="figure" { (visitor.language.spoken().number(amount)) }
                }
            }
            @if file.info.balances.is_empty() {
                p class="faded" { (visitor.say("Nothing yet.", "Noch nichts.")) }
            }
        }
    }
}

async fn cards(visitor: &Visitor, file: &File, manages: bool) -> Result<Markup> {
    let tokens = if manages {
        visitor.server.member_cards(visitor.tenant(), file.info.member).await?
    } else {
        Vec::new()
    };
    let say = |english, german| visitor.say(english, german);
    let replaced = file.state.cards.len() > 1;
    // A card that was just made is there to be scanned.
    let is_new = matches!(visitor.query.get("done"), "member-added" | "card-replaced");
    Ok(html! {
        section {
            h2 { (say("Cards", "Karten")) }
            ul class="list" {
                @for (card, state) in &file.state.cards {
                    li {
                        strong { (card.number()) } " "
                        @if state.blocked { span class="state bad" { (say("blocked", "gesperrt")) } }
                        @else { span class="state good" { (say("taken", "gilt")) } }
                        @if let Some(token) = tokens.iter().find(|token| token.card() == *card) {
                            details class="more" open[is_new] {
                                summary { (say("Show the code", "Code zeigen")) }
                                @if let Some(picture) = code::picture(&token.to_string(), say("The card's code", "Der Code der Karte")) { (picture) }
                                p class="faded" { (say("To photograph or print. Whoever holds it collects on this card.",
                                    "Zum Abfotografieren oder Drucken. Wer ihn zeigt, sammelt auf diese Karte.")) }
                            }
                        }
                        @if manages && (!state.blocked || !replaced) {
                            details class="more" {
                                summary { (say("Lost or stolen?", "Verloren oder gestohlen?")) }
                                p { (say("The old card is no longer taken, on every device at its next contact. Everything that was collected stays.",
                                    "Die alte Karte gilt nicht mehr, auf jedem Gerät beim nächsten Kontakt. Alles Gesammelte bleibt.")) }
                                form method="post" action={ "/dashboard/members/" (file.info.member) "/card" } class="actions" {
                                    (token_with(visitor, card))
                                    button class="main" name="do" value="replace" { (say("Replace by a new card", "Durch neue Karte ersetzen")) }
                                    @if !state.blocked {
                                        button name="do" value="block" { (say("Only block it", "Nur sperren")) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    })
}

fn token_with(visitor: &Visitor, card: &CardId) -> Markup {
    html! {
        (token(visitor))
        input type="hidden" name="card" value=(data_encoding::HEXLOWER.encode(&card.0));
    }
}

pub(crate) async fn card(Path(member): Path<String>, Sent(visitor, values): Sent) -> Page {
    visitor.principal().may(Scope::Manage)?;
    let member = parse(&member)?;
    let card = data_encoding::HEXLOWER.decode(values.get("card").as_bytes()).ok();
    let card =
        card.and_then(|bytes| CardId::from_slice(&bytes)).ok_or_else(|| Error::not_found("such card"))?;
    let file = format!("/dashboard/members/{member}");
    if values.get("do") == "replace" {
        visitor.server.card_replace(visitor.tenant(), member, card).await?;
        return Ok(on(&file, "card-replaced"));
    }
    visitor.server.card_block(visitor.tenant(), member, card).await?;
    Ok(on(&file, "card-blocked"))
}

/// The units that can be given: those of the programmes in force, and those that the member holds.
async fn units(visitor: &Visitor, file: &File) -> Result<Vec<Unit>> {
    let mut units: Vec<Unit> = file.info.balances.keys().cloned().collect();
    for programme in visitor.server.programme_list(visitor.tenant()).await? {
        let read = stempel_domain::programme::Programme::from_json(&programme.text);
        if let Ok(read) = read
            && !programme.ended
            && !units.contains(read.unit())
        {
            units.push(read.unit().clone());
        }
    }
    Ok(units)
}

async fn correction(
    visitor: &Visitor,
    file: &File,
    sent: Option<&Values>,
    error: Option<&Error>,
) -> Result<Markup> {
    let language = visitor.language;
    let say = |english, german| visitor.say(english, german);
    let empty = Values::default();
    let typed = sent.or(visitor.draft.as_ref()).unwrap_or(&empty);
    let units: Vec<(String, String)> = units(visitor, file)
        .await?
        .into_iter()
        .map(|unit| (unit.to_string(), words::unit(language, &unit)))
        .collect();
    let shops = visitor.shops(Scope::Manage).await?;
    let shop_names: Vec<(String, String)> =
        shops.iter().map(|shop| (shop.id.to_string(), shop.name.clone())).collect();
    let four_eyes = visitor.server.four_eyes(visitor.tenant()).await?;
    let open = error.is_some() || sent.is_some() || visitor.draft.is_some();
    Ok(html! {
        section id="correction" {
            h2 { (say("Correct by hand", "Von Hand korrigieren")) }
            @if let Some(error) = error { (shell::problem(error, language)) }
            @if units.is_empty() {
                p class="faded" { (say("There is nothing to give yet: publish a programme first.", "Es gibt noch nichts zu geben: Veröffentlichen Sie erst ein Programm.")) }
            } @else {
                details class="more" open[open] {
                    summary { (say("Give or take units", "Einheiten geben oder nehmen")) }
                    form method="post" action={ "/dashboard/members/" (file.info.member) "/adjust" } class="card narrow" {
                        (token(visitor))
                        input type="hidden" name="key" value=(typed.given("key").map_or_else(|| fresh_key(visitor), str::to_owned));
                        (shell::choice("unit", say("Of what", "Wovon"), &units, typed.get("unit")))
                        (Field {
                            name: "amount", label: say("How much", "Wie viel"), value: typed.get("amount"), required: true,
                            hint: say("With a minus it is taken away, like −2.", "Mit einem Minus wird abgezogen, zum Beispiel −2."),
                            ..Field::default()
                        }.draw())
                        @if shop_names.len() > 1 {
                            (shell::choice("shop", say("At which shop", "In welchem Laden"), &shop_names, typed.get("shop")))
                        }
                        div class="field" {
                            label for="f-reason" { (say("Why", "Warum")) }
                            p class="hint" id="f-reason-hint" { (say("Stands in the file for ever, and the guest can read it.", "Steht für immer in der Akte, und der Gast kann es lesen.")) }
                            input id="f-reason" name="reason" list="reasons" required value=(typed.get("reason")) maxlength="200"
                                aria-describedby="f-reason-hint" autocomplete="off";
                            datalist id="reasons" { @for [english, german] in REASONS { option value=(say(english, german)) {} } }
                        }
                        @if four_eyes {
                            p class="hint" { (say("A second person has to agree before it counts.", "Eine zweite Person muss zustimmen, bevor es zählt.")) }
                        }
                        button class="main" { (say("Correct", "Korrigieren")) }
                    }
                }
            }
        }
    })
}

/// An amount as people type it: a comma or a point, and whichever minus the keyboard has.
fn typed_amount(text: &str) -> String {
    text.replace(['−', '–'], "-").replace(',', ".").replace([' ', '+'], "")
}

pub(crate) async fn adjust(Path(member): Path<String>, Sent(mut visitor, values): Sent) -> Page {
    visitor.principal().may(Scope::Manage)?;
    let member = parse(&member)?;
    let done = adjusted(&visitor, member, &values).await;
    let file = format!("/dashboard/members/{member}");
    visitor.path.clone_from(&file);
    match done {
        Ok(Asked::Done(_)) => Ok(on(&file, "adjusted")),
        Ok(Asked::Waits(_)) => Ok(on(&file, "waits")),
        Err(error) if error.problem().status < 500 => {
            show(&visitor, member, StatusCode::UNPROCESSABLE_ENTITY, Some(&values), Some(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn adjusted(visitor: &Visitor, member: MemberId, values: &Values) -> Result<Asked> {
    let wrong = |detail: &str| Error::refused("amount", 422, "This amount cannot be given", detail);
    let unit: Unit = values.get("unit").parse().map_err(|_| wrong("Choose of what."))?;
    let shop = match values.given("shop") {
        Some(shop) => Some(shop.parse().map_err(|_| wrong("Choose a shop."))?),
        None => None,
    };
    let (amount, reason) = (typed_amount(values.get("amount")), values.get("reason").to_owned());
    if unit.parse_amount(&amount).is_err() {
        return Err(wrong(
            "Write it as a number, like 2 or −2; a unit without parts takes whole numbers only.",
        ));
    }
    let adjustment = AdjustmentRequest { shop, unit, amount, reason };
    let change = Change::Adjust { code: member.to_string(), adjustment };
    let key = values.given("key").filter(|key| !key.is_empty()).map(|key| format!("dashboard-{key}"));
    visitor.server.change(visitor.principal(), change, key.as_deref()).await
}

fn time_line(visitor: &Visitor, file: &File) -> Markup {
    let language = visitor.language;
    let say = |english, german| visitor.say(english, german);
    html! {
        section {
            h2 { (say("Time line", "Verlauf")) }
            ol class="line-of-time" {
                @for event in &file.events { (entry(language, file, event)) }
            }
            @if file.more {
                p { a class="button" href={ "?show=" (file.events.len() + 200) } { (say("Show earlier ones", "Frühere zeigen")) } }
            }
        }
    }
}

fn entry(language: Language, file: &File, event: &Event) -> Markup {
    let record = &event.record;
    let reasons = reasons(language, event);
    let at = language.instant(record.at.utc_ms, &file.zone);
    html! {
        li {
            p class="faded" {
                time datetime=(record.at.rfc3339()) { (at) }
                " · " (file.authors.get(&event.author).map(String::as_str).unwrap_or(language.pick("Server", "Server")))
                @if let Some(operator) = &record.operator { " · " (who(language, file, operator.as_str())) }
            }
            p {
                strong { (what(language, &record.fact)) }
                @for (unit, amount) in moved(&file.info, &record.fact) {
                    " " span class={ "state " (if amount > 0 { "good" } else { "" }) } {
                        @if amount > 0 { "+" }
                        (words::amount(language, &unit, amount))
                    }
                }
            }
            @if !reasons.is_empty() {
                details class="more" {
                    summary { (language.pick("Why", "Warum")) }
                    ul { @for reason in reasons { li { (reason) } } }
                }
            }
        }
    }
}

/// Who it was, as people call them.
fn who<'a>(language: Language, file: &'a File, operator: &'a str) -> &'a str {
    match (file.people.get(operator), operator.split_once(':')) {
        (Some(email), _) => email,
        (None, Some(("account", _))) => language.pick("somebody of the team", "jemand aus dem Team"),
        (None, Some(("key", _))) => language.pick("another system", "ein anderes System"),
        _ => operator,
    }
}

/// What moved on the member's account.
fn moved(info: &MemberInfo, fact: &Fact) -> Vec<(Unit, i64)> {
    let own = |id: MemberId| id == info.member || info.merged.contains(&id);
    let mut sums: BTreeMap<Unit, i64> = BTreeMap::new();
    for posting in fact.postings() {
        if !matches!(posting.account, Account::Member(id) if own(id)) {
            continue;
        }
        let sum = sums.entry(posting.unit.clone()).or_default();
        *sum = sum.saturating_add(posting.amount);
    }
    sums.into_iter().filter(|(_, amount)| *amount != 0).collect()
}

/// Why each unit was given, or not.
fn reasons(language: Language, event: &Event) -> Vec<String> {
    let outcome: Option<&Outcome> = match &event.record.fact {
        Fact::Sale(fact) => Some(&fact.outcome),
        Fact::Stamp(fact) => Some(&fact.outcome),
        Fact::Grant(fact) => Some(&fact.outcome),
        _ => None,
    };
    let steps = outcome.into_iter().flat_map(|outcome| &outcome.trace);
    steps.map(|step| sentence(step, language.spoken())).collect()
}

/// What happened, in a few words.
fn what(language: Language, fact: &Fact) -> String {
    let say = |english: &'static str, german: &'static str| language.pick(english, german).to_owned();
    match fact {
        Fact::MemberJoined(_) => say("Joined", "Beigetreten"),
        Fact::ProfileChanged(_) => say("Name or language written down", "Name oder Sprache notiert"),
        Fact::TraitsChanged(fact) => {
            let tags: Vec<String> =
                fact.tags.iter().map(|(tag, on)| format!("{}{tag}", if *on { "+" } else { "−" })).collect();
            format!("{} {}", language.pick("Noted", "Notiert"), tags.join(", "))
        }
        Fact::CardBound(fact) => {
            let number = fact.card.number();
            match fact.replaces {
                Some(old) => match language {
                    Language::De => format!("Karte {} durch {number} ersetzt", old.number()),
                    Language::En => format!("Card {} replaced by {number}", old.number()),
                },
                None => format!("{} {number}", language.pick("A further card:", "Weitere Karte:")),
            }
        }
        Fact::CardBlocked(fact) => match language {
            Language::De => format!("Karte {} gesperrt", fact.card.number()),
            Language::En => format!("Card {} blocked", fact.card.number()),
        },
        Fact::Sale(fact) => {
            let total = language.spoken().money(&fact.outcome.total.to_string());
            let lines: Vec<String> = fact
                .sale
                .lines
                .iter()
                .take(6)
                .map(|line| if line.name.is_empty() { line.sku.to_string() } else { line.name.clone() })
                .collect();
            format!("{} {total}: {}", language.pick("Purchase", "Einkauf"), lines.join(", "))
        }
        Fact::Stamp(_) => say("At the stamp card", "An der Stempelkarte"),
        Fact::Grant(fact) => match &fact.deed {
            Deed::Activity { activity, .. } => format!("{} {activity}", language.pick("Did", "Getan:")),
            Deed::Referral { .. } => {
                say("A friend who was brought has bought", "Eine geworbene Person hat gekauft")
            }
            Deed::Day | Deed::Calendar => say("For the day", "Zum Tag"),
        },
        Fact::Reversal(fact) => match fact.reason {
            ReversalReason::Undo if fact.planned => say("Taken back", "Zurückgenommen"),
            ReversalReason::Undo => say("Undone", "Rückgängig gemacht"),
            ReversalReason::Refund => say("Refunded", "Erstattet"),
            ReversalReason::Correction => say("Corrected by the server", "Vom Server berichtigt"),
        },
        Fact::GrantWithdrawn(_) => {
            say("Taken back: it had been given twice", "Zurückgenommen: Es war doppelt gegeben")
        }
        Fact::Adjustment(fact) => {
            format!("{} {}", language.pick("By hand:", "Von Hand:"), fact.reason)
        }
        Fact::MemberMerged(_) => say(
            "Made one with another member, or parted",
            "Mit einem anderen Mitglied zusammengeführt oder getrennt",
        ),
        Fact::ConsentChanged(_) => say("Said what they agree to", "Gesagt, womit sie einverstanden sind"),
        Fact::MemberErased(_) => say("Forgotten", "Vergessen"),
        other => other.kind().to_owned(),
    }
}

/// What concerns the person: what they agreed to, everything that is held, being one with somebody else, being forgotten.
fn personal(visitor: &Visitor, file: &File, sent: Option<&Values>) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let here = format!("/dashboard/members/{}", file.info.member);
    let into = sent.or(visitor.draft.as_ref()).map(|typed| typed.get("into")).unwrap_or_default();
    html! {
        section id="personal" {
            h2 { (say("The person", "Die Person")) }
            @if !file.info.consents.is_empty() {
                ul { @for said in &file.info.consents {
                    li { (consent(visitor.language, said)) }
                } }
            }
            p { a class="button" href={ (here) "/export" } download { (say("Everything that is held, as a file", "Alles Gespeicherte als Datei")) } }
            @for merged in &file.info.merged {
                form method="post" action={ (here) "/unmerge" } class="actions" {
                    (token(visitor))
                    input type="hidden" name="part" value=(merged);
                    span { (say("Holds another member too:", "Enthält auch ein anderes Mitglied:")) " " code { (merged) } }
                    button { (say("Part them again", "Wieder trennen")) }
                }
            }
            @if file.info.erased.is_none() {
                details class="more" open[!into.is_empty()] {
                    summary { (say("The same person twice?", "Dieselbe Person doppelt?")) }
                    p { (say("Both cards go on, and everything on them is one. It can be taken back.",
                        "Beide Karten gelten weiter, und alles darauf ist eins. Das lässt sich zurücknehmen.")) }
                    form method="post" action={ (here) "/merge" } class="card narrow" {
                        (token(visitor))
                        (Field { name: "into", label: say("Number or code of the other card", "Nummer oder Code der anderen Karte"), value: into, required: true, ..Field::default() }.draw())
                        button class="main" { (say("Make them one", "Zusammenführen")) }
                    }
                }
                details class="more" {
                    summary { (say("Forget this member", "Dieses Mitglied vergessen")) }
                    p { (say("Name and everything else that says who it was is destroyed here and on every device. Cards are no longer taken. This cannot be undone; sums and tax records stay.",
                        "Der Name und alles, was sagt, wer es war, wird hier und auf jedem Gerät vernichtet. Karten gelten nicht mehr. Das lässt sich nicht rückgängig machen; Summen und Steuerunterlagen bleiben.")) }
                    form method="post" action={ (here) "/erase" } class="card narrow" {
                        (token(visitor))
                        label class="check" {
                            input type="checkbox" name="sure" value="yes" required;
                            span { (say("The guest asked for it, and I am sure.", "Der Gast hat darum gebeten, und ich bin sicher.")) }
                        }
                        button { (say("Forget for ever", "Für immer vergessen")) }
                    }
                }
            }
        }
    }
}

/// The last word about one thing that can be agreed to.
fn consent(language: Language, said: &ConsentSaid) -> String {
    let word = if said.given {
        language.pick("agreed", "zugestimmt")
    } else {
        language.pick("not agreed", "nicht zugestimmt")
    };
    let what = match said.consent {
        ConsentKind::Mail => language.pick("Mails with offers", "Mails mit Angeboten"),
        ConsentKind::Push => language.pick("Messages on the phone", "Nachrichten auf dem Telefon"),
        ConsentKind::Leaderboard => language.pick("Named on the leaderboard", "Genannt in der Rangliste"),
        ConsentKind::Profiling => {
            language.pick("Offers made from what was bought", "Angebote aus dem, was gekauft wurde")
        }
    };
    format!("{what}: {word}")
}

pub(crate) async fn merge(Path(member): Path<String>, Sent(mut visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let member = parse(&member)?;
    visitor.path = format!("/dashboard/members/{member}");
    let asked = async {
        let into = visitor.server.member_named(visitor.tenant(), values.get("into")).await?;
        visitor.server.change(visitor.principal(), Change::Merge { member, into }, None).await
    };
    match asked.await {
        Ok(Asked::Done(_)) => Ok(on(&visitor.path, "merged")),
        Ok(Asked::Waits(_)) => Ok(on(&visitor.path, "waits")),
        Err(error) if error.problem().status < 500 => {
            show(&visitor, member, StatusCode::UNPROCESSABLE_ENTITY, Some(&values), Some(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn unmerge(Path(member): Path<String>, Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    visitor.server.member_unmerge(visitor.tenant(), values.get("part")).await?;
    Ok(on(&format!("/dashboard/members/{}", parse(&member)?), "parted"))
}

pub(crate) async fn erase(Path(member): Path<String>, Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let member = parse(&member)?;
    let file = format!("/dashboard/members/{member}");
    if values.get("sure").is_empty() {
        return Ok(on(&file, "not-sure"));
    }
    match visitor.server.change(visitor.principal(), Change::Erase { member }, None).await? {
        Asked::Done(_) => Ok(on(&file, "forgotten")),
        Asked::Waits(_) => Ok(on(&file, "waits")),
    }
}

pub(crate) async fn export(visitor: Visitor, Path(member): Path<String>) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let member = parse(&member)?;
    let export = visitor.server.member_export(visitor.tenant(), &member.to_string()).await?;
    let text = serde_json::to_string_pretty(&export).map_err(Error::from)?;
    let disposition = format!("attachment; filename=\"member-{member}.json\"");
    Ok(([(CONTENT_TYPE, "application/json".to_owned()), (CONTENT_DISPOSITION, disposition)], text)
        .into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_type_them() {
        for (typed, read) in [("−2", "-2"), ("+3", "3"), ("1,5", "1.5"), ("– 4", "-4")] {
            assert_eq!(typed_amount(typed), read);
        }
    }
}
