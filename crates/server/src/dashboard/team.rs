//! “Who may do what?”: accounts and roles, four eyes.

use axum::extract::Path;
use axum::http::StatusCode;
use maud::{Markup, html};
use stempel_domain::ShopId;

use super::Page;
use super::shell::{self, Field, Tab, choice, frame, token};
use super::visitor::{Sent, Values, Visitor, on};
use crate::accounts::changes::{Asked, Change};
use crate::accounts::http::mail;
use crate::accounts::{AccountInfo, Link, Role, RoleAt};
use crate::api::access::Scope;
use crate::error::{Error, Result};
use crate::web::{self, Language};

/// Roles with their words and what they may.
const ROLES: [(Role, [&str; 2], [&str; 2]); 4] = [
    (Role::Owner, ["Owner", "Inhaber"], ["everything", "alles"]),
    (
        Role::Manager,
        ["Manager", "Leitung"],
        ["everything but accounts and settings", "alles außer Konten und Einstellungen"],
    ),
    (Role::Staff, ["Staff", "Team"], ["looks, stamps, redeems", "sieht, stempelt, löst ein"]),
    (Role::Support, ["Support", "Support"], ["looks", "sieht"]),
];

pub(crate) async fn page(visitor: Visitor) -> Page {
    show(&visitor, StatusCode::OK, None, None, html! {}).await
}

async fn show(
    visitor: &Visitor,
    status: StatusCode,
    sent: Option<&Values>,
    error: Option<&Error>,
    above: Markup,
) -> Page {
    visitor.principal().may_everywhere(Scope::Own)?;
    let accounts = visitor.server.accounts(visitor.tenant()).await?;
    let shops = visitor.server.shops(visitor.tenant()).await?;
    let four_eyes = visitor.server.four_eyes(visitor.tenant()).await?;
    let second = visitor.server.second_accounts(visitor.tenant()).await?;
    let language = visitor.language;
    let say = |english, german| visitor.say(english, german);
    let empty = Values::default();
    let typed = sent.or(visitor.draft.as_ref()).unwrap_or(&empty);
    let roles: Vec<(String, String)> = ROLES
        .iter()
        .map(|(role, [english, german], [may, darf])| {
            (
                role.name().to_owned(),
                format!("{}: {}", language.pick(english, german), language.pick(may, darf)),
            )
        })
        .collect();
    let places: Vec<(String, String)> =
        std::iter::once((String::new(), say("every shop", "alle Läden").to_owned()))
            .chain(shops.iter().map(|shop| (shop.id.to_string(), shop.name.clone())))
            .collect();
    let body = html! {
        (above)
        section {
            ul class="list" {
                @for account in &accounts { li { (person(visitor, account, second.contains(&account.account), &roles, &places)) } }
            }
        }
        section class="card narrow" {
            h2 { (say("Invite somebody", "Jemanden einladen")) }
            @if let Some(error) = error { (shell::problem(error, language)) }
            form method="post" action="/dashboard/team" {
                (token(visitor))
                (Field { name: "email", label: say("E-mail address", "E-Mail-Adresse"), kind: "email", value: typed.get("email"), required: true, ..Field::default() }.draw())
                (choice("role", say("Role", "Rolle"), &roles, typed.given("role").unwrap_or("staff")))
                (choice("shop", say("Where", "Wo"), &places, typed.get("shop")))
                button class="main" { (say("Invite", "Einladen")) }
            }
        }
        section class="space" {
            h2 { (say("A second pair of eyes", "Vier Augen")) }
            p { (say("Corrections by hand and signing out a device wait until a second person agrees.",
                "Korrekturen von Hand und das Abmelden eines Geräts warten, bis eine zweite Person zustimmt.")) }
            form method="post" action="/dashboard/team/four-eyes" class="actions" {
                (token(visitor))
                @if four_eyes { span class="state good" { (say("on", "an")) } button name="on" value="" { (say("Switch off", "Ausschalten")) } }
                @else { span class="state" { (say("off", "aus")) } button name="on" value="yes" { (say("Switch on", "Einschalten")) } }
            }
        }
        p { a href="/dashboard/hooks" { (say("Other systems that are told of events", "Andere Systeme, denen Ereignisse gemeldet werden")) } }
        p { a href="/dashboard/log" { (say("Who changed what", "Wer hat was geändert")) } }
    };
    let title = say("Who may do what?", "Wer darf was?");
    Ok(web::page(status, frame(visitor, Tab::Team, title, body)))
}

fn role_words(language: Language, role: Role) -> &'static str {
    let found = ROLES.iter().find(|(known, _, _)| *known == role);
    found.map_or("", |(_, [english, german], _)| language.pick(english, german))
}

fn person(
    visitor: &Visitor,
    account: &AccountInfo,
    second: bool,
    roles: &[(String, String)],
    places: &[(String, String)],
) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let place = |shop: Option<ShopId>| {
        let id = shop.map(|shop| shop.to_string()).unwrap_or_default();
        places.iter().find(|(known, _)| *known == id).map(|(_, name)| name.clone()).unwrap_or_default()
    };
    let own = account.email == visitor.session.email;
    let first = account.roles.first();
    html! {
        h2 class="inline" { (account.email) } " "
        @if own { span class="state good" { (say("you", "Sie")) } }
        @else if !account.active { span class="state warn" { (say("invited", "eingeladen")) } }
        @if second { " " span class="state" { (say("second factor", "zweiter Faktor")) } }
        p class="faded" {
            @for (place_in_list, role) in account.roles.iter().enumerate() {
                @if place_in_list > 0 { ", " }
                (role_words(visitor.language, role.role)) " · " (place(role.shop))
            }
        }
        details class="more" {
            summary { (say("Change", "Ändern")) }
            form method="post" action={ "/dashboard/team/" (account.account) "/role" } class="row" {
                (token(visitor))
                (choice("role", say("Role", "Rolle"), roles, first.map_or("", |role| role.role.name())))
                (choice("shop", say("Where", "Wo"), places, &first.and_then(|role| role.shop).map(|shop| shop.to_string()).unwrap_or_default()))
                button { (say("Save", "Speichern")) }
            }
            @if account.roles.len() > 1 {
                p class="hint" { (say("This person has several roles; saving leaves the one that is chosen.", "Diese Person hat mehrere Rollen; gespeichert bleibt nur die gewählte.")) }
            }
            @if !own && second {
                form method="post" action={ "/dashboard/team/" (account.account) "/second" } class="actions" {
                    (token(visitor))
                    button { (say("Take the second factor away (phone and codes lost)", "Zweiten Faktor wegnehmen (Handy und Codes verloren)")) }
                }
            }
            @if !own {
                form method="post" action={ "/dashboard/team/" (account.account) "/close" } class="actions" {
                    (token(visitor))
                    button { (say("Close this account", "Dieses Konto schließen")) }
                }
            }
        }
    }
}

fn role_of(values: &Values) -> Result<RoleAt> {
    let wrong = |detail: &str| Error::refused("role", 422, "This role cannot be given", detail);
    let role = ROLES.iter().map(|(role, _, _)| *role).find(|role| role.name() == values.get("role"));
    let role = role.ok_or_else(|| wrong("Choose a role."))?;
    let shop = match values.get("shop") {
        "" => None,
        shop => Some(shop.parse().map_err(|_| wrong("Choose a shop."))?),
    };
    if role == Role::Owner && shop.is_some() {
        return Err(wrong("An owner is one of every shop; for a single shop there is the manager."));
    }
    Ok(RoleAt { role, shop })
}

pub(crate) async fn invite(Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Own)?;
    let link = match invited(&visitor, &values).await {
        Ok(link) => link,
        Err(error) if error.problem().status < 500 => {
            return show(&visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(&values), Some(&error), html! {})
                .await;
        }
        Err(error) => return Err(error.into()),
    };
    if let Ok(true) = mail(&visitor.http, &link, "Your invitation to Stempel").await {
        return Ok(on("/dashboard/team", "invited"));
    }
    // Without a mail server the owner hands the code over. It is shown once.
    let above = html! {
        section class="card narrow" id="invitation" {
            h2 { (link.email) }
            p { (visitor.say("No mail could be sent. Hand over this code; it is good for three days and is not shown again:",
                "Es konnte keine Mail gesendet werden. Geben Sie diesen Code weiter; er gilt drei Tage und wird nicht noch einmal gezeigt:")) }
            pre tabindex="0" class="wrap" { (link.code) }
            p { (visitor.say("It is typed in here:", "Eingegeben wird er hier:")) " " code { "/dashboard/password" } }
        }
    };
    show(&visitor, StatusCode::OK, None, None, above).await
}

async fn invited(visitor: &Visitor, values: &Values) -> Result<Link> {
    visitor.server.account_invite(visitor.tenant(), values.get("email"), &[role_of(values)?]).await
}

pub(crate) async fn role(Path(account): Path<String>, Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Own)?;
    visitor.server.account_roles(visitor.tenant(), &account, &[role_of(&values)?]).await?;
    Ok(on("/dashboard/team", "saved"))
}

pub(crate) async fn close(Path(account): Path<String>, Sent(visitor, _): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Own)?;
    visitor.server.account_close(visitor.tenant(), &account).await?;
    Ok(on("/dashboard/team", "saved"))
}

pub(crate) async fn second(Path(account): Path<String>, Sent(visitor, _): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Own)?;
    visitor.server.second_reset(visitor.tenant(), &account).await?;
    Ok(on("/dashboard/team", "saved"))
}

pub(crate) async fn four_eyes(Sent(visitor, values): Sent) -> Page {
    visitor.principal().may_everywhere(Scope::Own)?;
    let change = Change::FourEyes { on: !values.get("on").is_empty() };
    match visitor.server.change(visitor.principal(), change, None).await? {
        Asked::Done(_) => Ok(on("/dashboard/team", "saved")),
        Asked::Waits(_) => Ok(on("/dashboard/team", "waits")),
    }
}
