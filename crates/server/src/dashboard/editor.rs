//! One programme as a form or as text: checked with line and column, tried on a sample sale, published.
//!
//! Everything that was typed stands in the page itself, so that a check, an error, a conflict with somebody else's
//! version, or a session that ends loses nothing.

use axum::http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value as Json, json};
use stempel_domain::programme::Programme;
use stempel_domain::rules::{RuleBook, case};
use stempel_domain::{Day, ProgrammeId};
use stempel_wire::message::Shop;
use toml::Table;

use super::plain::{Field as Typed, Holds, Section, apply, sections, text_of};
use super::programmes::{side_by_side, versions_of};
use super::shell::{self, Field, Tab, choice, frame, token};
use super::templates::TEMPLATES;
use super::visitor::{Sent, Values, Visitor, on};
use super::{Page, words};
use crate::api::access::Scope;
use crate::error::{Error, Result};
use crate::web;

/// Where the editor is.
const HERE: &str = "/dashboard/programmes/edit";

/// What the page is about.
struct Editing {
    /// The programme in TOML, as far as it was typed.
    text: String,
    /// The version that was looked at; 0: a new programme.
    base: u32,
    /// Edited as text.
    as_text: bool,
    /// The day from which it is to hold, as it was typed; empty: now.
    from: String,
    /// The shop at which it holds first, as it was chosen; empty: everywhere at once.
    first: String,
    /// The sample sale.
    sample: Values,
    /// Something that was typed cannot be read.
    unread: bool,
    notes: Markup,
}

pub(crate) async fn page(visitor: Visitor) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    if let Some(draft) = &visitor.draft {
        let editing = typed(&visitor, draft).await?;
        return show(&visitor, StatusCode::OK, editing).await;
    }
    let (text, base) = match visitor.query.given("id") {
        Some(id) => {
            let id: ProgrammeId = id.parse().map_err(|_| Error::not_found("such programme"))?;
            let (versions, _) = versions_of(&visitor, &id).await?;
            let newest = versions.first().ok_or_else(|| Error::not_found("such programme"))?;
            (text_of(&newest.text).unwrap_or_default(), newest.reference.version)
        }
        None if visitor.query.given("plan").is_some() => {
            let plans = visitor.server.plans(visitor.tenant()).await?;
            let plan = plans.iter().find(|plan| plan.programme.as_str() == visitor.query.get("plan"));
            let plan = plan.ok_or_else(|| Error::not_found("such plan"))?;
            (text_of(&plan.text).unwrap_or_default(), plan.base)
        }
        None => {
            let wanted = visitor.query.get("template");
            let template = TEMPLATES.iter().find(|template| template.name == wanted);
            let template = template.ok_or_else(|| Error::not_found("such template"))?;
            (with_free_name(&visitor, template.text).await?, 0)
        }
    };
    let editing = Editing {
        text,
        base,
        as_text: false,
        from: String::new(),
        first: String::new(),
        sample: Values::default(),
        unread: false,
        notes: html! {},
    };
    show(&visitor, StatusCode::OK, editing).await
}

/// The template under a name that no programme has yet.
async fn with_free_name(visitor: &Visitor, text: &str) -> Result<String> {
    let Ok(mut table) = text.parse::<Table>() else { return Ok(text.to_owned()) };
    let name = table.get("id").and_then(toml::Value::as_str).unwrap_or("programme").to_owned();
    let taken: Vec<String> = visitor
        .server
        .programme_list(visitor.tenant())
        .await?
        .into_iter()
        .map(|programme| programme.reference.id.to_string())
        .collect();
    let mut free = name.clone();
    for number in 2..1000 {
        if !taken.contains(&free) {
            break;
        }
        free = format!("{name}-{number}");
    }
    if free == name {
        return Ok(text.to_owned());
    }
    table.insert("id".to_owned(), toml::Value::String(free));
    Ok(toml::to_string_pretty(&table).unwrap_or_else(|_| text.to_owned()))
}

/// What a form brought: the text with the fields put into it, and what could not be read.
async fn typed(visitor: &Visitor, values: &Values) -> Result<Editing> {
    let mut text = values.get("text").to_owned();
    let mut wrong = Vec::new();
    if values.given("form").is_some()
        && let Ok(mut table) = text.parse::<Table>()
    {
        wrong = apply(&mut table, values, visitor.language);
        choose_shops(visitor, &mut table, values).await?;
        // The text of a template with its remarks stays as it is until something in it changes.
        if text.parse::<Table>().is_ok_and(|before| before != table) {
            text = toml::to_string_pretty(&table).unwrap_or(text);
        }
    }
    let notes = html! {
        @if !wrong.is_empty() {
            div class="notice bad" role="alert" id="problem" {
                @for (label, why) in &wrong {
                    p { strong { (label) } ": "
                        @if *why == "day" { (visitor.say("write a day, like 2027-01-31.", "schreiben Sie einen Tag, wie 2027-01-31.")) }
                        @else { (visitor.say("write a number.", "schreiben Sie eine Zahl.")) } }
                }
            }
        }
    };
    let unread = !wrong.is_empty();
    let as_text = match values.get("do") {
        "text" => true,
        "form" => false,
        _ => values.given("form").is_none(),
    };
    let sample = Values(values.0.iter().filter(|(name, _)| name.starts_with("s.")).cloned().collect());
    let base = values.get("base").parse().unwrap_or(0);
    let (from, first) = (values.get("from").to_owned(), values.get("first").to_owned());
    Ok(Editing { text, base, as_text, from, first, sample, unread, notes })
}

async fn choose_shops(visitor: &Visitor, table: &mut Table, values: &Values) -> Result<()> {
    if values.given("where").is_none() {
        return Ok(());
    }
    let shops = visitor.server.shops(visitor.tenant()).await?;
    let chosen: Vec<toml::Value> = values
        .all("shop")
        .filter(|id| shops.iter().any(|shop| shop.id.to_string() == *id))
        .map(|id| toml::Value::String(id.to_owned()))
        .collect();
    if chosen.is_empty() || chosen.len() == shops.len() {
        table.remove("shops");
    } else {
        table.insert("shops".to_owned(), toml::Value::Array(chosen));
    }
    Ok(())
}

pub(crate) async fn sent(Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let mut editing = typed(&visitor, &values).await?;
    if values.get("do") != "publish" {
        return show(&visitor, StatusCode::OK, editing).await;
    }
    if editing.unread {
        return show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, editing).await;
    }
    let programme = match Programme::parse_toml(&editing.text) {
        Ok(programme) => programme,
        // The page says what is wrong.
        Err(_) => return show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, editing).await,
    };
    if let Err(error) = fits(&visitor, &programme).await? {
        editing.notes = html! {
            div class="notice bad" role="alert" id="problem" {
                p { strong { (visitor.say("It does not go together with the other programmes", "Es passt nicht zu den anderen Programmen")) } }
                p lang="en" { (error) }
            }
        };
        return show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, editing).await;
    }
    let (tenant, id) = (visitor.tenant(), programme.id());
    let published = if !editing.first.is_empty() {
        tried_first(&visitor, &programme, &editing)
            .await
            .map(|()| on(&format!("/dashboard/programmes/{id}"), "published"))
    } else if editing.from.is_empty() {
        let text = programme.to_json();
        let published = visitor.server.programme_publish_after(tenant, id, &text, Some(editing.base)).await;
        published.map(|_| on(&format!("/dashboard/programmes/{id}"), "published"))
    } else {
        planned(&visitor, &programme, &editing).await.map(|()| on("/dashboard/programmes", "planned"))
    };
    match published {
        Ok(on) => Ok(on),
        Err(error) if error.code() == "programme-changed" => {
            conflict(&visitor, &mut editing, id).await?;
            show(&visitor, StatusCode::CONFLICT, editing).await
        }
        Err(error) if error.problem().status < 500 => {
            editing.notes = shell::problem(&error, visitor.language);
            show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, editing).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Keeps the version for the day that was typed.
async fn planned(visitor: &Visitor, programme: &Programme, editing: &Editing) -> Result<()> {
    visitor.server.plan_programme(visitor.tenant(), programme, editing.base, day(&editing.from)?).await
}

/// Publishes the version for the shop that was chosen, and for all from the day that was typed.
async fn tried_first(visitor: &Visitor, programme: &Programme, editing: &Editing) -> Result<()> {
    let shop = editing.first.parse().map_err(|_| Error::not_found("such shop"))?;
    let from = if editing.from.is_empty() { None } else { Some(day(&editing.from)?) };
    let tenant = visitor.tenant();
    visitor.server.trial_begin(tenant, programme, editing.base, shop, from).await.map(|_| ())
}

fn day(text: &str) -> Result<Day> {
    text.parse().map_err(|_| {
        Error::refused("day", 422, "This day cannot be planned for", "Write it like 2027-01-31.")
    })
}

/// Shows what somebody else has published meanwhile beside what was typed, and lets the next publishing come after it.
async fn conflict(visitor: &Visitor, editing: &mut Editing, id: &ProgrammeId) -> Result<()> {
    let (versions, _) = versions_of(visitor, id).await?;
    let Some(newest) = versions.first() else { return Ok(()) };
    let theirs = text_of(&newest.text).unwrap_or_default();
    let ours = Programme::parse_toml(&editing.text).ok().and_then(|programme| text_of(&programme.to_json()));
    editing.base = newest.reference.version;
    editing.notes = html! {
        div class="notice warn" role="alert" id="problem" {
            p { strong { (visitor.say("Somebody else has published a version meanwhile", "Jemand anderes hat inzwischen eine Fassung veröffentlicht")) } }
            p { (visitor.say("Left is what is in force now, right is yours. Nothing of yours is lost: take over what you want to keep, then publish once more.",
                "Links steht, was jetzt gilt, rechts Ihres. Nichts von Ihnen ist verloren: Übernehmen Sie, was bleiben soll, und veröffentlichen Sie noch einmal.")) }
        }
        (side_by_side(visitor, &theirs, &ours.unwrap_or_else(|| editing.text.clone())))
    };
    Ok(())
}

/// Whether a programme can run beside the others in force.
async fn fits(visitor: &Visitor, programme: &Programme) -> Result<std::result::Result<(), String>> {
    let mut all = vec![programme.clone().published(1)];
    for info in visitor.server.programme_list(visitor.tenant()).await? {
        if info.ended || info.reference.id == *programme.id() {
            continue;
        }
        if let Ok(other) = Programme::from_json(&info.text) {
            all.push(other.published(info.reference.version));
        }
    }
    Ok(RuleBook::new(all).map(|_| ()).map_err(|error| error.to_string()))
}

async fn show(visitor: &Visitor, status: StatusCode, editing: Editing) -> Page {
    let say = |english, german| visitor.say(english, german);
    let shops = visitor.server.shops(visitor.tenant()).await?;
    let parsed = Programme::parse_toml(&editing.text);
    let table = editing.text.parse::<Table>().ok();
    let name = match &parsed {
        Ok(programme) => programme.name(visitor.language.tag()).to_owned(),
        Err(_) => say("A programme", "Ein Programm").to_owned(),
    };
    let as_text = editing.as_text || table.is_none();
    let body = html! {
        (editing.notes)
        @if let Err(error) = &parsed {
            // One place on the page is where the reader is led to.
            div class="notice bad" role="alert" id=[(!editing.unread).then_some("problem")] {
                p { strong {
                    (say("It cannot run like this", "So kann es nicht laufen"))
                    @if error.line > 0 { " · " (say("line", "Zeile")) " " (error.line) ", " (say("column", "Spalte")) " " (error.column) }
                } }
                p lang="en" { (error.message) }
                @if let Some(suggestion) = &error.suggestion { p lang="en" { (suggestion) } }
            }
        }
        form method="post" action=(HERE) class="editor" {
            (token(visitor))
            input type="hidden" name="base" value=(editing.base);
            // What the enter key presses: nothing is published by it.
            button class="default" name="do" value="preview" tabindex="-1" aria-hidden="true" {}
            div class="columns" {
                div {
                    @if as_text {
                        div class="field whole" {
                            label for="f-text" { (say("The programme as text (TOML)", "Das Programm als Text (TOML)")) }
                            textarea id="f-text" name="text" rows="28" spellcheck="false" aria-invalid=[parsed.is_err().then_some("true")] { "\n" (editing.text) }
                        }
                    } @else {
                        input type="hidden" name="form" value="yes";
                        input type="hidden" name="text" value=(editing.text);
                        @for section in table.iter().flat_map(|table| sections(table, visitor.language)) { (group(visitor, &section)) }
                        @if shops.len() > 1 { (places(visitor, &shops, table.as_ref())) }
                    }
                    @if shops.len() > 1 {
                        (choice("first", say("Where first", "Wo zuerst"), &first_places(visitor, &shops), &editing.first))
                        p class="hint" { (say("At one shop it holds at once; everywhere else from the day below, or when you say so. Until then the version before goes on there.",
                            "In einem Laden gilt sie sofort; überall sonst ab dem Tag darunter, oder wenn Sie es sagen. Bis dahin gilt dort die Fassung davor weiter.")) }
                    }
                    (Field { name: "from", label: say("From which day", "Ab welchem Tag"), kind: "date", value: &editing.from,
                        hint: say("Empty: at once. Otherwise it comes into force with that business day.", "Leer: sofort. Sonst gilt es ab diesem Geschäftstag."), ..Field::default() }.draw())
                    p class="actions" {
                        button class="main" name="do" value="publish" { (say("Publish", "Veröffentlichen")) }
                        @if as_text {
                            @if table.is_some() { button name="do" value="form" { (say("As a form", "Als Formular")) } }
                        } @else {
                            button name="do" value="text" { (say("As text", "Als Text")) }
                        }
                    }
                    p class="hint" { (say("Devices know it at their next contact. A version that was published is never changed; the next one takes its place.",
                        "Geräte kennen es beim nächsten Kontakt. Eine veröffentlichte Fassung ändert sich nie; die nächste tritt an ihre Stelle.")) }
                }
                div { (preview(visitor, parsed.as_ref().ok(), &editing.sample, &shops)) }
            }
        }
    };
    Ok(web::page(status, frame(visitor, Tab::Programmes, &name, body)))
}

fn first_places(visitor: &Visitor, shops: &[Shop]) -> Vec<(String, String)> {
    let everywhere =
        (String::new(), visitor.say("At all shops at once", "In allen Läden zugleich").to_owned());
    let only = visitor.say("First only at", "Erst nur in");
    let shops = shops.iter().map(|shop| (shop.id.to_string(), format!("{only} {}", shop.name)));
    std::iter::once(everywhere).chain(shops).collect()
}

fn group(visitor: &Visitor, section: &Section) -> Markup {
    html! {
        fieldset {
            legend { (section.title) }
            @for field in &section.fields { (one(visitor, field)) }
        }
    }
}

fn one(visitor: &Visitor, field: &Typed) -> Markup {
    let name = format!("v.{}", field.path);
    let id = format!("f-{name}");
    html! {
        @match field.holds {
            Holds::YesNo => label class="check" {
                input type="checkbox" name=(name) value="on" checked[!field.value.is_empty()];
                span { (field.label) }
            },
            Holds::OneOf(words) => (choice(&name, &field.label, &words.iter().map(|[value, english, german]| {
                ((*value).to_owned(), visitor.say(english, german).to_owned())
            }).chain((!words.iter().any(|[value, _, _]| *value == field.value)).then(|| (field.value.clone(), field.value.clone()))).collect::<Vec<_>>(), &field.value)),
            _ => div class="field" {
                label for=(id) { (field.label) }
                @if field.holds == Holds::List { p class="hint" id={ (id) "-hint" } { (visitor.say("Several with commas between.", "Mehrere mit Kommas dazwischen.")) } }
                input id=(id) name=(name) value=(field.value) autocomplete="off"
                    type=(if field.holds == Holds::Day { "date" } else { "text" })
                    inputmode=[(field.holds == Holds::Decimal).then_some("decimal")]
                    aria-describedby=[(field.holds == Holds::List).then(|| format!("{id}-hint"))];
            },
        }
    }
}

fn places(visitor: &Visitor, shops: &[Shop], table: Option<&Table>) -> Markup {
    let chosen: Vec<&str> = table
        .and_then(|table| table.get("shops")?.as_array())
        .map(|list| list.iter().filter_map(toml::Value::as_str).collect())
        .unwrap_or_default();
    html! {
        fieldset {
            legend { (visitor.say("In which shops", "In welchen Läden")) }
            p class="hint" { (visitor.say("None ticked: in all. Tick one to try it there first; publish it for all later.",
                "Keiner angekreuzt: in allen. Kreuzen Sie einen an, um es dort zuerst zu versuchen; später für alle.")) }
            input type="hidden" name="where" value="yes";
            @for shop in shops {
                @let id = shop.id.to_string();
                label class="check" {
                    input type="checkbox" name="shop" value=(id) checked[chosen.contains(&id.as_str())];
                    span { (shop.name) }
                }
            }
        }
    }
}

/// A sample sale and what the programme makes of it, with every reason.
fn preview(visitor: &Visitor, programme: Option<&Programme>, sample: &Values, shops: &[Shop]) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let given = |name: &str, usual: &str| sample.given(name).unwrap_or(usual).to_owned();
    let (quantity, category) = (given("s.quantity", "3"), given("s.category", "coffee"));
    let (price, holds, claim) =
        (given("s.price", say("3.60", "3,60")), given("s.holds", "8"), given("s.claim", ""));
    let mut rewards = vec![(String::new(), say("none", "keine").to_owned())];
    if let Some(programme) = programme {
        rewards.extend(programme.spec().reward.iter().map(|reward| {
            let name =
                reward.name.as_ref().map_or(reward.id.as_str(), |name| name.get(visitor.language.tag()));
            (reward.id.to_string(), name.to_owned())
        }));
    }
    html! {
        section class="card preview" aria-live="polite" {
            h2 { (say("Try it", "Ausprobieren")) }
            div class="pairs" {
                (Field { name: "s.quantity", label: say("Pieces", "Stück"), value: &quantity, ..Field::default() }.draw())
                (Field { name: "s.price", label: say("Price of one", "Preis für eins"), value: &price, ..Field::default() }.draw())
                (Field { name: "s.category", label: say("Category", "Artikelgruppe"), value: &category, ..Field::default() }.draw())
                (Field { name: "s.holds", label: say("The guest has", "Der Gast hat"), value: &holds, ..Field::default() }.draw())
            }
            (choice("s.claim", say("Takes the reward", "Nimmt die Prämie"), &rewards, &claim))
            button name="do" value="preview" { (say("See what it gives", "Zeigen, was es gibt")) }
            @if let Some(programme) = programme {
                (tried(visitor, programme, &Sample { quantity, price, category, holds, claim }, shops))
            }
        }
    }
}

struct Sample {
    quantity: String,
    price: String,
    category: String,
    holds: String,
    claim: String,
}

fn tried(visitor: &Visitor, programme: &Programme, sample: &Sample, shops: &[Shop]) -> Markup {
    let language = visitor.language;
    let dot = |text: &str| text.replace(',', ".");
    let shop = programme.spec().shops.first().copied().or_else(|| shops.first().map(|shop| shop.id));
    let moment = shops.first().map_or_else(|| visitor.server.moment(), |shop| visitor.server.moment_at(shop));
    let claims: Vec<Json> = match &sample.claim[..] {
        "" => Vec::new(),
        reward => vec![json!({ "reward": reward, "times": 1 })],
    };
    let line = json!({
        "sku": "sample", "category": sample.category, "quantity": dot(&sample.quantity), "price": dot(&sample.price),
        "vat": "7",
    });
    let mut step = json!({ "at": moment.rfc3339(), "sale": { "lines": [line], "tenders": [], "claims": claims, "codes": [] } });
    if let Some(shop) = shop {
        step["shop"] = json!(shop);
    }
    let mut member = json!({ "balances": {} });
    member["balances"][programme.unit().name()] = json!(dot(&sample.holds));
    let text = json!({ "member": member, "steps": [step] }).to_string();
    let answer = match case::run(std::slice::from_ref(programme), &text) {
        Ok(answers) => answers.into_iter().next().unwrap_or_default(),
        Err(error) => {
            return html! {
                div class="notice warn" { p { (language.pick("This sale cannot be tried:", "Dieser Verkauf lässt sich nicht ausprobieren:")) } p lang="en" { (error) } }
            };
        }
    };
    let units = |name: &str| -> Vec<String> {
        let sums = answer[name].as_object().into_iter().flatten();
        sums.filter_map(|(unit, amount)| Some(language.spoken().units(amount.as_str()?, unit))).collect()
    };
    let (earned, spent) = (units("earned"), units("spent"));
    let reasons: Vec<&str> = answer["trace"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|step| step[language.tag()].as_str())
        .collect();
    html! {
        dl class="facts" {
            dt { (language.pick("To pay", "Zu zahlen")) }
            dd { (language.spoken().money(answer["total"].as_str().unwrap_or_default())) }
            dt { (language.pick("Earned", "Gesammelt")) }
            dd { @if earned.is_empty() { "–" } @else { (earned.join(", ")) } }
            @if !spent.is_empty() { dt { (language.pick("Spent", "Eingelöst")) } dd { (spent.join(", ")) } }
        }
        @if !reasons.is_empty() {
            h3 { (language.pick("Why", "Warum")) }
            ul class="reasons" { @for reason in reasons { li { (reason) } } }
        }
        p class="hint" { (words::unit(language, programme.unit())) }
    }
}
