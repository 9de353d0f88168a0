//! “What do guests collect?”: the programmes in force, templates for new ones, versions side by side, ending one.

use axum::extract::Path;
use axum::http::StatusCode;
use maud::{Markup, html};
use stempel_domain::ProgrammeId;
use stempel_domain::programme::Programme;
use stempel_wire::message::Shop;

use super::plain::text_of;
use super::shell::{self, Tab, frame, token};
use super::templates::{KINDS, TEMPLATES};
use super::visitor::{Sent, Visitor, on};
use super::{Page, words};
use crate::admin::ProgrammeInfo;
use crate::api::access::Scope;
use crate::error::{Error, Result};
use crate::plans::Plan;
use crate::trials::Trial;
use crate::web;

pub(crate) async fn page(visitor: Visitor) -> Page {
    visitor.principal().may(Scope::Read)?;
    let all = visitor.server.programme_list(visitor.tenant()).await?;
    let plans = visitor.server.plans(visitor.tenant()).await?;
    let trials = visitor.server.trials(visitor.tenant()).await?;
    let shops = visitor.server.shops(visitor.tenant()).await?;
    let (ended, running): (Vec<_>, Vec<_>) = all.into_iter().partition(|programme| programme.ended);
    let say = |english, german| visitor.say(english, german);
    let manages = visitor.may_everywhere(Scope::Manage);
    let body = html! {
        @if manages {
            p class="actions" { a class="button main" href="/dashboard/programmes/new" { (say("New programme", "Neues Programm")) } }
        }
        @if running.is_empty() && trials.is_empty() {
            (shell::empty(
                say("Nothing to collect yet", "Noch nichts zu sammeln"),
                say("Choose a template, look at what it gives, and publish it. Devices know it at their next contact.",
                    "Wählen Sie eine Vorlage, sehen Sie, was sie gibt, und veröffentlichen Sie sie. Geräte kennen sie beim nächsten Kontakt."),
                manages.then_some(("/dashboard/programmes/new", say("Choose a template", "Vorlage wählen"))),
            ))
        } @else {
            ul class="sheets" { @for programme in &running { li class="card" { (in_list(&visitor, programme)) } } }
        }
        @if !trials.is_empty() {
            section class="space" {
                h2 { (say("At one shop first", "Erst in einem Laden")) }
                ul class="list" { @for trial in &trials { li { (on_trial(&visitor, trial, &shops)) } } }
            }
        }
        @if !plans.is_empty() {
            section class="space" {
                h2 { (say("Planned", "Geplant")) }
                ul class="list" { @for plan in &plans { li { (planned(&visitor, plan)) } } }
            }
        }
        @if !ended.is_empty() {
            section class="space" {
                h2 { (say("Ended", "Beendet")) }
                ul class="list" { @for programme in &ended { li { (in_list(&visitor, programme)) } } }
            }
        }
    };
    let title = say("What do guests collect?", "Was sammeln die Gäste?");
    Ok(web::page(StatusCode::OK, frame(&visitor, Tab::Programmes, title, body)))
}

fn in_list(visitor: &Visitor, info: &ProgrammeInfo) -> Markup {
    let read = Programme::from_json(&info.text).ok();
    let name = read.as_ref().map_or(info.reference.id.as_str(), |read| read.name(visitor.language.tag()));
    html! {
        h2 { a class="line" href={ "/dashboard/programmes/" (info.reference.id) } { (name) } }
        p class="faded" {
            (visitor.say("Version ", "Fassung ")) (info.reference.version)
            @if let Some(read) = &read { " · " (words::unit(visitor.language, read.unit())) }
            @else { " · " (visitor.say("needs a newer server", "braucht einen neueren Server")) }
        }
    }
}

/// A version that holds at one shop first.
fn on_trial(visitor: &Visitor, trial: &Trial, shops: &[Shop]) -> Markup {
    let name = Programme::from_json(&trial.text)
        .map_or_else(|_| trial.reference.id.to_string(), |read| read.name(visitor.language.tag()).to_owned());
    html! {
        h3 class="inline" { a href={ "/dashboard/programmes/" (trial.reference.id) } { (name) } } " "
        span class="state" { (place(trial, shops)) }
        p class="faded" {
            (visitor.say("Version ", "Fassung ")) (trial.reference.version)
            @if let Some(from) = trial.from { " · " (visitor.say("everywhere from ", "überall ab ")) (visitor.language.day(from)) }
        }
    }
}

fn place<'a>(trial: &Trial, shops: &'a [Shop]) -> &'a str {
    shops.iter().find(|shop| shop.id == trial.shop).map_or("–", |shop| &shop.name)
}

/// A programme's versions, newest first, with those that were on trial, and the one that is.
pub(super) async fn versions_of(
    visitor: &Visitor,
    id: &ProgrammeId,
) -> Result<(Vec<ProgrammeInfo>, Option<Trial>)> {
    let mut versions = visitor.server.programme_versions(visitor.tenant(), id).await?;
    for trial in visitor.server.trial_versions(visitor.tenant(), id).await? {
        if versions.iter().all(|known| known.reference.version != trial.reference.version) {
            let Trial { reference, text, begun_ms, .. } = trial;
            versions.push(ProgrammeInfo { reference, text, ended: false, published_ms: begun_ms });
        }
    }
    versions.sort_by_key(|info| std::cmp::Reverse(info.reference.version));
    let trials = visitor.server.trials(visitor.tenant()).await?;
    Ok((versions, trials.into_iter().find(|trial| trial.reference.id == *id)))
}

/// What is said of a version on trial, and the ways it can go on.
fn trial_notice(
    visitor: &Visitor,
    trial: &Trial,
    shops: &[Shop],
    versions: &[ProgrammeInfo],
    elsewhere: Option<u32>,
) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let id = &trial.reference.id;
    let since =
        versions.iter().find(|info| info.reference == trial.reference).map_or(0, |info| info.published_ms);
    let zone = shops.iter().find(|shop| shop.id == trial.shop).map_or("", |shop| &shop.zone);
    html! {
        div class="notice info" id="trial" {
            p {
                strong { (say("Version ", "Fassung ")) (trial.reference.version) (say(" holds at ", " gilt in ")) (place(trial, shops)) }
                " · " (visitor.language.instant(since, zone))
            }
            p {
                @match elsewhere {
                    Some(version) => { (say("Everywhere else version ", "Überall sonst gilt Fassung ")) (version) (say(" holds.", ".")) }
                    None => (say("Nowhere else it holds yet.", "Sonst gilt es noch nirgends.")),
                }
                @if let Some(from) = trial.from { " " (say("It holds everywhere from ", "Überall gilt sie ab ")) (visitor.language.day(from)) "." }
            }
            @if visitor.may_everywhere(Scope::Manage) {
                form method="post" action={ "/dashboard/programmes/" (id) "/trial" } class="actions" {
                    (token(visitor))
                    button name="do" value="all" { (say("For all shops now", "Jetzt für alle Läden")) }
                    button class="quiet" name="do" value="back" { (say("Take it back", "Zurücknehmen")) }
                }
            }
        }
    }
}

pub(crate) async fn trial(Path(id): Path<String>, Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let (tenant, id) = (visitor.tenant(), parse(&id)?);
    match values.get("do") {
        "all" => {
            visitor.server.trial_for_all(tenant, &id).await?;
        }
        "back" => visitor.server.trial_back(tenant, &id).await?,
        _ => return Err(Error::bad_request("Say whether it is for all, or taken back.").into()),
    }
    Ok(on(&format!("/dashboard/programmes/{id}"), "saved"))
}

/// A version that waits for its day.
fn planned(visitor: &Visitor, plan: &Plan) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let name = Programme::from_json(&plan.text)
        .map_or_else(|_| plan.programme.to_string(), |read| read.name(visitor.language.tag()).to_owned());
    html! {
        h3 class="inline" { (name) } " "
        @if plan.failed.is_some() { span class="state bad" { (say("not published", "nicht veröffentlicht")) } }
        @else { span class="state" { (say("from ", "ab ")) (visitor.language.day(plan.from)) } }
        @if plan.failed.is_some() {
            p { (say("Somebody has published another version meanwhile. Look at it again.",
                "Jemand hat inzwischen eine andere Fassung veröffentlicht. Sehen Sie es sich noch einmal an.")) }
        }
        @if visitor.may_everywhere(Scope::Manage) {
            div class="actions" {
                a class="button" href={ "/dashboard/programmes/edit?plan=" (plan.programme) } { (say("Look at it", "Ansehen")) }
                form method="post" action={ "/dashboard/programmes/" (plan.programme) "/unplan" } {
                    (token(visitor))
                    button { (say("Drop the plan", "Plan verwerfen")) }
                }
            }
        }
    }
}

pub(crate) async fn unplan(Path(id): Path<String>, Sent(visitor, _): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    visitor.server.plan_drop(visitor.tenant(), &parse(&id)?).await?;
    Ok(on("/dashboard/programmes", "saved"))
}

pub(crate) async fn choose(visitor: Visitor) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let language = visitor.language;
    let body = html! {
        p class="lead" { (visitor.say("Choose what is nearest; everything can be changed before anybody sees it.",
            "Wählen Sie, was am nächsten liegt; alles lässt sich ändern, bevor es jemand sieht.")) }
        @for (kind, [english, german]) in KINDS {
            section {
                h2 { (language.pick(english, german)) }
                ul class="sheets" {
                    @for template in TEMPLATES.iter().filter(|template| template.kind == kind) {
                        @let name = Programme::parse_toml(template.text).map(|read| read.name(language.tag()).to_owned()).unwrap_or_default();
                        li class="card" {
                            h3 { a class="line" href={ "/dashboard/programmes/edit?template=" (template.name) } { (name) } }
                            p class="faded" { (language.pick(template.words[0], template.words[1])) }
                        }
                    }
                }
            }
        }
    };
    let title = visitor.say("What should guests collect?", "Was sollen die Gäste sammeln?");
    Ok(web::page(StatusCode::OK, frame(&visitor, Tab::Programmes, title, body)))
}

fn parse(id: &str) -> Result<ProgrammeId> {
    id.parse().map_err(|_| Error::not_found("such programme"))
}

pub(crate) async fn one(visitor: Visitor, Path(id): Path<String>) -> Page {
    visitor.principal().may(Scope::Read)?;
    let id = parse(&id)?;
    let (versions, trial) = versions_of(&visitor, &id).await?;
    let newest = versions.first().ok_or_else(|| Error::not_found("such programme"))?;
    let shops = visitor.server.shops(visitor.tenant()).await?;
    let elsewhere = visitor.server.programme_versions(visitor.tenant(), &id).await?;
    let elsewhere = elsewhere.first().filter(|info| !info.ended).map(|info| info.reference.version);
    let zone = visitor.zone().await?;
    let say = |english, german| visitor.say(english, german);
    let version = |name: &str| visitor.query.get(name).parse::<u32>().ok();
    let find = |wanted: Option<u32>| versions.iter().find(|info| Some(info.reference.version) == wanted);
    let pair = find(version("old")).or(versions.get(1)).zip(find(version("new")).or(versions.first()));
    let name = Programme::from_json(&newest.text)
        .map_or_else(|_| id.to_string(), |read| read.name(visitor.language.tag()).to_owned());
    let choices: Vec<(String, String)> = versions
        .iter()
        .map(|info| {
            let at = visitor.language.instant(info.published_ms, &zone);
            let number = info.reference.version.to_string();
            let here = trial.as_ref().filter(|trial| trial.reference == info.reference);
            let here = here.map(|trial| format!(" · {}", place(trial, &shops))).unwrap_or_default();
            (number.clone(), format!("{number} · {at}{here}"))
        })
        .collect();
    let body = html! {
        @if let Some(trial) = &trial { (trial_notice(&visitor, trial, &shops, &versions, elsewhere)) }
        @if trial.is_none() { p class="lead" {
            @if newest.ended { span class="state warn" { (say("ended", "beendet")) } }
            @else { span class="state good" { (say("in force", "gilt")) } }
            " " (say("Version ", "Fassung ")) (newest.reference.version) " · " (visitor.language.instant(newest.published_ms, &zone))
        } }
        @if visitor.may_everywhere(Scope::Manage) {
            p class="actions" {
                a class="button main" href={ "/dashboard/programmes/edit?id=" (id) } {
                    @if newest.ended { (say("Change and publish again", "Ändern und wieder veröffentlichen")) } @else { (say("Change", "Ändern")) }
                }
            }
        }
        @if versions.len() > 1 {
            section {
                h2 { (say("Versions side by side", "Fassungen nebeneinander")) }
                form class="row" method="get" {
                    (shell::choice("old", say("Left", "Links"), &choices, &pair.map_or(0, |(old, _)| old.reference.version).to_string()))
                    (shell::choice("new", say("Right", "Rechts"), &choices, &pair.map_or(0, |(_, new)| new.reference.version).to_string()))
                    button { (say("Compare", "Vergleichen")) }
                }
                @if let Some((old, new)) = pair { (side_by_side(&visitor, &readable(old), &readable(new))) }
            }
        } @else {
            section { h2 { (say("As text", "Als Text")) } pre tabindex="0" { (readable(newest)) } }
        }
        @if !newest.ended && visitor.may_everywhere(Scope::Manage) {
            section {
                details class="more" {
                    summary { (say("End this programme", "Dieses Programm beenden")) }
                    p { (say("Devices stop giving and taking by it at their next contact. What guests hold stays theirs, and it can be published again.",
                        "Geräte geben und nehmen danach nichts mehr, ab dem nächsten Kontakt. Was Gäste haben, behalten sie, und es lässt sich wieder veröffentlichen.")) }
                    form method="post" action={ "/dashboard/programmes/" (id) "/end" } { (token(&visitor)) button { (say("End it", "Beenden")) } }
                }
            }
        }
    };
    Ok(web::page(StatusCode::OK, frame(&visitor, Tab::Programmes, &name, body)))
}

fn readable(info: &ProgrammeInfo) -> String {
    text_of(&info.text).unwrap_or_else(|| info.text.clone())
}

pub(crate) async fn end(Path(id): Path<String>, Sent(visitor, _): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Manage)?;
    visitor.server.programme_end(visitor.tenant(), &parse(&id)?).await?;
    Ok(on(&format!("/dashboard/programmes/{id}"), "ended"))
}

/// Two texts line by line: what went stands left, what came stands right.
pub(super) fn side_by_side(visitor: &Visitor, old: &str, new: &str) -> Markup {
    let rows = compared(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
    html! {
        div class="wide" tabindex="0" role="region" aria-label=(visitor.say("Comparison", "Vergleich")) {
            table class="compare" {
                thead { tr {
                    th scope="col" { (visitor.say("Left", "Links")) }
                    th scope="col" { (visitor.say("Right", "Rechts")) }
                } }
                tbody {
                    @for (left, right) in rows {
                        tr class=[(left != right).then_some("other")] {
                            td { @if let Some(left) = left { @if left != right.unwrap_or_default() { "− " } code { (left) } } }
                            td { @if let Some(right) = right { @if right != left.unwrap_or_default() { "+ " } code { (right) } } }
                        }
                    }
                }
            }
        }
    }
}

/// The most lines that are compared exactly; beyond it the texts stand beside each other as they are.
const LINES_MAX: usize = 1500;

type Pair<'a> = (Option<&'a str>, Option<&'a str>);

/// Lines of two texts in pairs, by their longest common subsequence.
fn compared<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Pair<'a>> {
    if old.len() > LINES_MAX || new.len() > LINES_MAX {
        let most = old.len().max(new.len());
        return (0..most).map(|line| (old.get(line).copied(), new.get(line).copied())).collect();
    }
    let width = new.len() + 1;
    let mut common = vec![0_u16; (old.len() + 1) * width];
    for row in (0..old.len()).rev() {
        for column in (0..new.len()).rev() {
            common[row * width + column] = if old[row] == new[column] {
                common[(row + 1) * width + column + 1] + 1
            } else {
                common[(row + 1) * width + column].max(common[row * width + column + 1])
            };
        }
    }
    let (mut rows, mut row, mut column) = (Vec::new(), 0, 0);
    let (mut gone, mut come): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let flush = |rows: &mut Vec<Pair<'a>>, gone: &mut Vec<&'a str>, come: &mut Vec<&'a str>| {
        let most = gone.len().max(come.len());
        rows.extend((0..most).map(|line| (gone.get(line).copied(), come.get(line).copied())));
        gone.clear();
        come.clear();
    };
    while row < old.len() || column < new.len() {
        let same = row < old.len() && column < new.len() && old[row] == new[column];
        if same {
            flush(&mut rows, &mut gone, &mut come);
            rows.push((Some(old[row]), Some(new[column])));
            (row, column) = (row + 1, column + 1);
        } else if column >= new.len()
            || (row < old.len() && common[(row + 1) * width + column] >= common[row * width + column + 1])
        {
            gone.push(old[row]);
            row += 1;
        } else {
            come.push(new[column]);
            column += 1;
        }
    }
    flush(&mut rows, &mut gone, &mut come);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_changed_stand_beside_each_other() {
        let rows = compared(&["a", "b", "c", "d"], &["a", "x", "c", "d", "e"]);
        let pair = |left, right| (left, right);
        assert_eq!(
            rows,
            [
                pair(Some("a"), Some("a")),
                pair(Some("b"), Some("x")),
                pair(Some("c"), Some("c")),
                pair(Some("d"), Some("d")),
                pair(None, Some("e")),
            ]
        );
        assert_eq!(compared(&[], &["a"]), [(None, Some("a"))]);
        assert_eq!(compared(&[], &[]), []);
    }
}
