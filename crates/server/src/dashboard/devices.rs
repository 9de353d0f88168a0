//! “Are the devices well?”: each with its shop and its last contact; adding one, signing one out.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::Path;
use axum::http::StatusCode;
use maud::{Markup, html};
use stempel_domain::{AuthorId, ShopId};
use stempel_wire::message::Shop;

use super::shell::{self, Tab, choice, frame, token};
use super::visitor::{Sent, Visitor, on};
use super::{Page, code};
use crate::accounts::changes::{Asked, Change};
use crate::admin::DeviceInfo;
use crate::api::access::Scope;
use crate::db::values;
use crate::enroll::Invite;
use crate::error::{Error, Result};
use crate::silence::{OpenDays, is_silent};
use crate::web;

/// How long a code for a new device can be used, in milliseconds.
const INVITE_MS: i64 = 60 * 60 * 1000;

pub(crate) async fn page(visitor: Visitor) -> Page {
    show(&visitor, None).await
}

async fn show(visitor: &Visitor, invite: Option<&Invite>) -> Page {
    visitor.principal().may(Scope::Manage)?;
    let shops = visitor.shops(Scope::Manage).await?;
    let mut devices = visitor.server.device_list(visitor.tenant()).await?;
    devices.retain(|device| shops.iter().any(|shop| shop.id == device.shop));
    let stopped = stopped(visitor).await?;
    let open = visitor.server.open_days(visitor.tenant()).await?;
    let (gone, used): (Vec<_>, Vec<_>) = devices.into_iter().partition(|device| device.revoked);
    let say = |english, german| visitor.say(english, german);
    let body = html! {
        @if let Some(invite) = invite { (invitation(visitor, invite, &shops)) }
        section {
            @if used.is_empty() {
                (shell::empty(
                    say("No device yet", "Noch kein Gerät"),
                    say("Install Stempel on a tablet or PC at the counter, then make a code here and type it there.",
                        "Installieren Sie Stempel auf einem Tablet oder PC an der Theke, machen Sie hier einen Code und geben Sie ihn dort ein."),
                    None,
                ))
            } @else { (list(visitor, &used, &shops, &stopped, &open)) }
        }
        @if shops.is_empty() {
            p { a class="button" href="/dashboard/shops" { (say("Add a shop first", "Zuerst einen Laden anlegen")) } }
        } @else {
            section class="card narrow" {
                h2 { (say("Add a device", "Gerät hinzufügen")) }
                form method="post" action="/dashboard/devices/invite" {
                    (token(visitor))
                    (choice("shop", say("Where it will stand", "Wo es stehen wird"), &named(&shops), ""))
                    button class="main" { (say("Make a code", "Code machen")) }
                }
            }
        }
        @if !gone.is_empty() {
            details class="more" {
                summary { (say("Signed out", "Abgemeldet")) " (" (gone.len()) ")" }
                ul class="list" { @for device in &gone { li { (device.name) " · " (place(device, &shops)) } } }
            }
        }
    };
    let title = say("Are the devices well?", "Geht es den Geräten gut?");
    Ok(web::page(StatusCode::OK, frame(visitor, Tab::Devices, title, body)))
}

fn named(shops: &[Shop]) -> Vec<(String, String)> {
    shops.iter().map(|shop| (shop.id.to_string(), shop.name.clone())).collect()
}

fn place<'a>(device: &DeviceInfo, shops: &'a [Shop]) -> &'a str {
    shops.iter().find(|shop| shop.id == device.shop).map_or("", |shop| &shop.name)
}

/// The authors whose journals were stopped.
async fn stopped(visitor: &Visitor) -> Result<BTreeSet<AuthorId>> {
    let mut tx = visitor.server.read_of(visitor.tenant()).await?;
    let rows = tx.rows("SELECT author FROM quarantine WHERE tenant = $1", values![visitor.tenant()]).await?;
    rows.iter().map(|row| row.id(0)).collect()
}

fn list(
    visitor: &Visitor,
    devices: &[DeviceInfo],
    shops: &[Shop],
    stopped: &BTreeSet<AuthorId>,
    open: &BTreeMap<ShopId, OpenDays>,
) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let now_ms = visitor.server.now_ms();
    html! {
        ul class="list" {
            @for device in devices {
                li {
                    h2 class="inline" { (device.name) } " "
                    @if stopped.contains(&device.device) { span class="state bad" { (say("stopped", "angehalten")) } }
                    @else if is_silent(device, open.get(&device.shop).copied().unwrap_or_default(), now_ms) { span class="state warn" { (say("silent", "still")) } }
                    @else { span class="state good" { (say("well", "alles gut")) } }
                    p class="faded" {
                        (place(device, shops)) " · "
                        @match device.seen_ms {
                            Some(seen_ms) => { (say("last sent something ", "zuletzt gesendet: ")) (visitor.language.ago(now_ms - seen_ms)) },
                            None => { (say("has not sent anything yet", "hat noch nichts gesendet")) },
                        }
                        " · " (visitor.language.number(device.held as i64)) " " (say("entries are here", "Einträge sind hier"))
                    }
                    @if stopped.contains(&device.device) {
                        p { a href="/dashboard/work" { (say("What to do about it", "Was zu tun ist")) } }
                    }
                    details class="more" {
                        summary { (say("Lost, stolen or broken?", "Verloren, gestohlen oder kaputt?")) }
                        p { (say("It is no longer answered and its unused blank cards are no longer taken. What it sent stays; what others bring of it later waits for you.",
                            "Es wird nicht mehr beantwortet, und seine unbenutzten Karten gelten nicht mehr. Was es gesendet hat, bleibt; was andere später von ihm bringen, wartet auf Sie.")) }
                        form method="post" action={ "/dashboard/devices/" (device.device) "/revoke" } {
                            (token(visitor))
                            button { (say("Sign the device out", "Gerät abmelden")) }
                        }
                    }
                }
            }
        }
    }
}

fn invitation(visitor: &Visitor, invite: &Invite, shops: &[Shop]) -> Markup {
    let say = |english, german| visitor.say(english, german);
    let address = visitor.address();
    let shop = shops.iter().find(|shop| shop.id == invite.shop).map_or("", |shop| &shop.name);
    let text = format!("{address}/#enroll={}", invite.code);
    html! {
        section class="card narrow" id="invitation" {
            h2 { (say("Code for ", "Code für ")) (shop) }
            p class="big-code" { (invite.code) }
            p { (say("At the device choose “Join a server”, then type this code and the server's address:",
                "Wählen Sie am Gerät „Mit Server verbinden“, dann geben Sie diesen Code und die Adresse des Servers ein:")) }
            p { code { (address) } }
            p { (say("Or on the command line:", "Oder auf der Kommandozeile:")) }
            pre tabindex="0" { "stempel enroll --server " (address) " --code " (invite.code) }
            @if let Some(picture) = code::picture(&text, say("Address and code as a QR code", "Adresse und Code als QR-Code")) { (picture) }
            p class="faded" { (say("It can be used once, within an hour. It is not shown again.",
                "Er gilt einmal und eine Stunde lang. Er wird nicht noch einmal gezeigt.")) }
        }
    }
}

pub(crate) async fn invite(Sent(mut visitor, values): Sent) -> Page {
    visitor.principal().may(Scope::Manage)?;
    let shop = values.get("shop").parse().map_err(|_| Error::not_found("such shop"))?;
    visitor.principal().may_at(Scope::Manage, shop)?;
    let invite = visitor.server.device_invite(visitor.tenant(), shop, INVITE_MS).await?;
    visitor.path = "/dashboard/devices".to_owned();
    show(&visitor, Some(&invite)).await
}

pub(crate) async fn revoke(Path(device): Path<String>, Sent(visitor, _): Sent) -> Page {
    visitor.principal().may(Scope::Manage)?;
    let device: AuthorId = device.parse().map_err(|_| Error::not_found("such device"))?;
    let shop = visitor.server.device_shop(visitor.tenant(), device).await?;
    let change = Change::DeviceRevoke { device, shop };
    match visitor.server.change(visitor.principal(), change, None).await? {
        Asked::Done(_) => Ok(on("/dashboard/devices", "device-out")),
        Asked::Waits(_) => Ok(on("/dashboard/devices", "waits")),
    }
}
