//! “How is it going today?”: figures, shops side by side, devices that need a look, fourteen days.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use maud::{Markup, html};
use stempel_domain::{Day, ShopId};
use stempel_wire::message::Shop;

use super::Page;
use super::chart::{Bar, bars};
use super::shell::{self, Tab, frame};
use super::visitor::Visitor;
use crate::admin::DeviceInfo;
use crate::api::access::Scope;
use crate::error::Result;
use crate::ingest::figures::DayFigure;
use crate::silence::{OpenDays, is_silent};
use crate::web::{self, Language};

/// How many days the chart shows.
const DAYS: i32 = 14;

/// What is counted: its name in the table, its words, and how it is counted.
pub(super) const COUNTED: [(&str, [&str; 2], [&str; 2]); 4] = [
    (
        "visits",
        ["Visits", "Besuche"],
        [
            "Sales with a card and scans at a stamp card. One that is undone is taken off again.",
            "Verkäufe mit Karte und Scans an der Stempelkarte. Was rückgängig gemacht wird, zählt wieder ab.",
        ],
    ),
    (
        "stamps",
        ["Stamps", "Stempel"],
        [
            "Stamps that the programmes gave, less those that were taken back. Corrections by hand do not count.",
            "Stempel, die die Programme gegeben haben, ohne zurückgenommene. Korrekturen von Hand zählen nicht.",
        ],
    ),
    (
        "rewards",
        ["Rewards", "Prämien"],
        [
            "Rewards that guests took: each free coffee is one.",
            "Eingelöste Prämien: jeder Gratis-Kaffee ist eine.",
        ],
    ),
    (
        "joined",
        ["New members", "Neue Mitglieder"],
        [
            "Cards that became somebody's: at a counter, at a kiosk, on the web, or made here.",
            "Karten, die jemandes Karte wurden: an der Theke, am Kiosk, im Netz oder hier.",
        ],
    ),
];

/// Figures by day, shop and name.
struct Figures(Vec<DayFigure>);

impl Figures {
    fn sum(&self, name: &str, fits: impl Fn(&DayFigure) -> bool) -> i64 {
        self.0.iter().filter(|figure| figure.name == name && fits(figure)).map(|figure| figure.amount).sum()
    }

    fn on(&self, name: &str, day: Day) -> i64 {
        self.sum(name, |figure| figure.day == day)
    }

    fn at(&self, name: &str, day: Day, shop: ShopId) -> i64 {
        self.sum(name, |figure| figure.day == day && figure.shop == Some(shop))
    }
}

pub(crate) async fn page(visitor: Visitor) -> Page {
    visitor.principal().may(Scope::Read)?;
    // Whoever has just signed in may search next.
    visitor.http.names.warm(&visitor.server, visitor.tenant());
    let shops = visitor.shops(Scope::Read).await?;
    let title = visitor.say("How is it going today?", "Wie läuft es heute?");
    let beginning = beginning(&visitor, &shops).await?;
    let Some(first) = shops.first() else {
        let body = beginning.unwrap_or_else(|| html! {});
        return Ok(web::page(StatusCode::OK, frame(&visitor, Tab::Today, title, body)));
    };
    let today = visitor.server.moment_at(first).day;
    let mut figures = visitor.server.day_figures(visitor.tenant(), today.plus_days(1 - DAYS), today).await?;
    figures.retain(|figure| visitor.sees(figure.shop));
    let figures = Figures(figures);
    let devices = devices(&visitor, &shops).await?;
    let open = visitor.server.open_days(visitor.tenant()).await?;
    let waiting = if visitor.may(Scope::Manage) { waiting(&visitor).await? } else { 0 };
    let language = visitor.language;
    let body = html! {
        p class="lead" { (language.day(today)) }
        @if let Some(beginning) = beginning { (beginning) }
        @if waiting > 0 {
            p class="notice warn" {
                a href="/dashboard/work" {
                    (language.number(waiting)) " "
                    @if waiting == 1 { (language.pick("thing waits for a person", "Sache wartet auf einen Menschen")) }
                    @else { (language.pick("things wait for a person", "Sachen warten auf einen Menschen")) }
                }
            }
        }
        (tiles(language, &figures, today))
        (fortnight(language, &figures, today))
        @if shops.len() > 1 { (side_by_side(language, &figures, today, &shops)) }
        (looks(&visitor, &devices, &shops, &open))
    };
    Ok(web::page(StatusCode::OK, frame(&visitor, Tab::Today, title, body)))
}

/// The steps to the first stamp, until it has come.
async fn beginning(visitor: &Visitor, shops: &[Shop]) -> Result<Option<Markup>> {
    if !visitor.may_everywhere(Scope::Manage) || was_stamped(visitor).await? {
        return Ok(None);
    }
    let tenant = visitor.tenant();
    let programmes = visitor.server.programme_list(tenant).await?;
    let devices = visitor.server.device_list(tenant).await?;
    let say = |english, german| visitor.say(english, german);
    let steps = [
        (!shops.is_empty(), "/dashboard/shops", say("Add your shop", "Legen Sie Ihren Laden an")),
        (
            programmes.iter().any(|programme| !programme.ended),
            "/dashboard/programmes/new",
            say("Choose what guests collect", "Wählen Sie, was Gäste sammeln"),
        ),
        (
            !devices.is_empty(),
            "/dashboard/devices",
            say("Add the device at the counter", "Fügen Sie das Gerät an der Theke hinzu"),
        ),
        (
            false,
            "/dashboard/members#add",
            say("Make a card and scan it there", "Legen Sie eine Karte an und scannen Sie sie dort"),
        ),
    ];
    let next = steps.iter().position(|(done, _, _)| !done);
    Ok(Some(html! {
        section class="card" {
            h2 { (say("To the first stamp", "Bis zum ersten Stempel")) }
            ol class="steps" {
                @for (place, (done, to, words)) in steps.iter().enumerate() {
                    li {
                        @if *done { span class="state good" { (say("done", "fertig")) } " " (words) }
                        @else { a class={ "button" @if Some(place) == next { " main" } } href=(to) { (words) } }
                    }
                }
            }
        }
    }))
}

/// Whether any visit was ever counted.
async fn was_stamped(visitor: &Visitor) -> Result<bool> {
    let mut tx = visitor.server.read_of(visitor.tenant()).await?;
    let sql = "SELECT 1 FROM day_figure WHERE tenant = $1 AND name = 'visits' AND amount > 0 LIMIT 1";
    Ok(tx.row(sql, crate::db::values![visitor.tenant()]).await?.is_some())
}

fn tiles(language: Language, figures: &Figures, today: Day) -> Markup {
    html! {
        section class="tiles" aria-label=(language.pick("Figures of today", "Zahlen von heute")) {
            @for (name, [english, german], [how, wie]) in COUNTED {
                @let now = figures.on(name, today);
                @let before = figures.on(name, today.plus_days(-7));
                details class="tile" {
                    summary {
                        span class="label" { (language.pick(english, german)) }
                        span class="figure" { (language.number(now)) }
                        span class="faded" {
                            (language.pick("a week ago: ", "vor einer Woche: ")) (language.number(before))
                        }
                    }
                    p { (language.pick(how, wie)) }
                    p class="faded" {
                        (language.pick(
                            "A business day ends when the shop says so. What devices without a network did counts once \
                             they have sent it.",
                            "Ein Geschäftstag endet, wann der Laden es sagt. Was Geräte ohne Netz getan haben, zählt, \
                             sobald sie es gesendet haben.",
                        ))
                    }
                }
            }
        }
    }
}

fn fortnight(language: Language, figures: &Figures, today: Day) -> Markup {
    let days: Vec<Day> = (1 - DAYS..=0).map(|back| today.plus_days(back)).collect();
    let list: Vec<Bar> = days
        .iter()
        .map(|day| Bar {
            short: (language.weekday(*day).to_owned(), day.civil().day().to_string()),
            figure: figures.on("visits", *day),
        })
        .collect();
    let total: i64 = list.iter().map(|bar| bar.figure).sum();
    let said = match language {
        Language::De => format!(
            "Besuche an 14 Tagen, zusammen {}. Die Zahlen stehen darunter als Tabelle.",
            language.number(total)
        ),
        Language::En => format!(
            "Visits on 14 days, {} in all. The figures stand below as a table.",
            language.number(total)
        ),
    };
    let table = html! {
        div class="wide" tabindex="0" role="region" aria-label=(language.pick("Fourteen days", "Vierzehn Tage")) {
            table {
                thead { tr {
                    th scope="col" { (language.pick("Day", "Tag")) }
                    @for (_, [english, german], _) in COUNTED { th scope="col" class="number" { (language.pick(english, german)) } }
                } }
                tbody {
                    @for day in days.iter().rev() {
                        tr {
                            th scope="row" { (language.weekday(*day)) ", " (language.day(*day)) }
                            @for (name, _, _) in COUNTED { td class="number" { (language.number(figures.on(name, *day))) } }
                        }
                    }
                }
            }
        }
    };
    html! {
        section {
            h2 { (language.pick("Fourteen days", "Vierzehn Tage")) }
            @if total == 0 {
                p class="faded" {
                    (language.pick(
                        "The first scan at a counter makes the first bar.",
                        "Der erste Scan an einer Theke gibt den ersten Balken.",
                    ))
                }
            }
            (bars(language.pick("Visits a day", "Besuche am Tag"), &said, &list, table,
                language.pick("Show as a table", "Als Tabelle zeigen")))
        }
    }
}

fn side_by_side(language: Language, figures: &Figures, today: Day, shops: &[Shop]) -> Markup {
    html! {
        section {
            h2 { (language.pick("Shops side by side", "Läden nebeneinander")) }
            div class="wide" tabindex="0" role="region" aria-label=(language.pick("Shops side by side", "Läden nebeneinander")) {
                table class="cards" {
                    thead { tr {
                        th scope="col" { (language.pick("Shop", "Laden")) }
                        @for (_, [english, german], _) in COUNTED {
                            th scope="col" class="number" { (language.pick(english, german)) }
                        }
                    } }
                    tbody {
                        @for shop in shops {
                            tr {
                                th scope="row" { (shop.name) }
                                @for (name, [english, german], _) in COUNTED {
                                    td class="number" data-label=(language.pick(english, german)) {
                                        (language.number(figures.at(name, today, shop.id)))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The devices of the shops that somebody sees and that are not signed out.
async fn devices(visitor: &Visitor, shops: &[Shop]) -> Result<Vec<DeviceInfo>> {
    let mut devices = visitor.server.device_list(visitor.tenant()).await?;
    devices.retain(|device| !device.revoked && shops.iter().any(|shop| shop.id == device.shop));
    Ok(devices)
}

fn looks(
    visitor: &Visitor,
    devices: &[DeviceInfo],
    shops: &[Shop],
    open: &BTreeMap<ShopId, OpenDays>,
) -> Markup {
    let language = visitor.language;
    let now_ms = visitor.server.now_ms();
    let open = |device: &DeviceInfo| open.get(&device.shop).copied().unwrap_or_default();
    let silent: Vec<&DeviceInfo> =
        devices.iter().filter(|device| is_silent(device, open(device), now_ms)).collect();
    let names: BTreeMap<ShopId, &str> = shops.iter().map(|shop| (shop.id, &shop.name[..])).collect();
    html! {
        section {
            h2 { (language.pick("Devices", "Geräte")) }
            @if devices.is_empty() {
                (shell::empty(
                    language.pick("No device yet", "Noch kein Gerät"),
                    language.pick(
                        "A tablet or PC beside the till becomes a stamp card in a minute: it scans a code that this page makes.",
                        "Ein Tablet oder PC neben der Kasse wird in einer Minute zur Stempelkarte: Es liest einen Code, den diese Seite macht.",
                    ),
                    visitor.may(Scope::Manage).then_some(("/dashboard/devices", language.pick("Add a device", "Gerät hinzufügen"))),
                ))
            } @else if silent.is_empty() {
                p { span class="state good" { (language.pick("All well", "Alles gut")) } " "
                    (language.number(devices.len() as i64)) " "
                    (language.pick("in use, none silent for more than a day and a half.", "in Gebrauch, keines länger als anderthalb Tage still."))
                }
            } @else {
                ul class="list" {
                    @for device in silent {
                        li {
                            strong { (device.name) } " · " (names.get(&device.shop).copied().unwrap_or_default()) " "
                            span class="state warn" { (language.pick("silent", "still")) } " "
                            @match device.seen_ms {
                                Some(seen_ms) => { (language.pick("last sent something ", "hat zuletzt etwas gesendet: ")) (language.ago(now_ms - seen_ms)) },
                                None => { (language.pick("has never sent anything", "hat noch nie etwas gesendet")) },
                            }
                            p class="faded" {
                                (language.pick(
                                    "What was scanned there is safe on the device. See whether it is switched on and has a network.",
                                    "Was dort gescannt wurde, ist auf dem Gerät sicher. Sehen Sie nach, ob es an ist und Netz hat.",
                                ))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How much waits for a person.
async fn waiting(visitor: &Visitor) -> Result<i64> {
    let mut tx = visitor.server.read_of(visitor.tenant()).await?;
    let mut sum = 0;
    for sql in [
        "SELECT COUNT(*) FROM conflict_case WHERE tenant = $1 AND closed_ms IS NULL",
        "SELECT COUNT(*) FROM quarantine WHERE tenant = $1",
        "SELECT COUNT(*) FROM dead_letter WHERE tenant = $1",
        "SELECT COUNT(*) FROM pending_change WHERE tenant = $1 AND decided_ms IS NULL",
    ] {
        let row = tx.row(sql, crate::db::values![visitor.tenant()]).await?;
        sum += row.map(|row| row.int(0)).transpose()?.unwrap_or(0);
    }
    Ok(sum)
}
