//! “Who owes whom?”: the clearing statement of a coalition, as a page and as a file.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::html;
use stempel_domain::Day;

use super::catalogue::file;
use super::shell::{self, Field, Tab, frame};
use super::visitor::Visitor;
use super::{Page, Trouble, csv};
use crate::admin::ClearingReport;
use crate::api::access::Scope;
use crate::card::report::{Report, Table, report};
use crate::error::Result;
use crate::web;

/// The days that are asked for: last month, if nobody says.
fn days(visitor: &Visitor) -> (Day, Day) {
    let today = visitor.server.today();
    let first = Day::from_date(today.civil().year(), today.civil().month(), 1).unwrap_or(today);
    let from = visitor.query.get("from").parse().unwrap_or_else(|_| first.plus_months(-1));
    let to = visitor.query.get("to").parse().unwrap_or_else(|_| first.plus_days(-1));
    (from, to)
}

async fn reports(visitor: &Visitor) -> Result<Vec<ClearingReport>> {
    visitor.principal().may_everywhere(Scope::Manage)?;
    let (from, to) = days(visitor);
    visitor.server.report_clearing(visitor.tenant(), from, to).await
}

pub(crate) async fn page(visitor: Visitor) -> Page {
    let (from, to) = days(&visitor);
    let (from_text, to_text) = (from.to_string(), to.to_string());
    let say = |english, german| visitor.say(english, german);
    let reports = reports(&visitor).await?;
    let language = visitor.language;
    let body = html! {
        form class="row" method="get" {
            (Field { name: "from", label: say("From", "Von"), kind: "date", value: &from_text, ..Field::default() }.draw())
            (Field { name: "to", label: say("To", "Bis"), kind: "date", value: &to_text, ..Field::default() }.draw())
            button { (say("Show", "Zeigen")) }
        }
        section class="space" {
            @if reports.is_empty() {
                (shell::empty(say("Nothing to settle", "Nichts zu verrechnen"),
                    say("When several merchants share a programme with clearing, this page says who issued, who honoured, and who pays whom.",
                        "Wenn mehrere Händler ein Programm mit Verrechnung teilen, steht hier, wer ausgegeben hat, wer eingelöst hat und wer wem zahlt."),
                    None))
            }
            @for report in &reports {
                h2 { (report.programme) " · " (report.unit.name()) }
                div class="wide" tabindex="0" role="region" aria-label=(say("Clearing", "Verrechnung")) {
                    table class="cards" {
                        thead { tr {
                            th scope="col" { (say("Merchant", "Händler")) }
                            th scope="col" class="number" { (say("Issued", "Ausgegeben")) }
                            th scope="col" class="number" { (say("Honoured", "Eingelöst")) }
                            th scope="col" class="number" { (say("Gets", "Bekommt")) }
                        } }
                        tbody { @for share in &report.clearing.shares {
                            tr {
                                th scope="row" { (share.party) }
                                td class="number" data-label=(say("Issued", "Ausgegeben")) { (language.spoken().number(&report.unit.format(share.turnover.issued))) }
                                td class="number" data-label=(say("Honoured", "Eingelöst")) { (language.spoken().number(&report.unit.format(share.turnover.honoured))) }
                                td class="number" data-label=(say("Gets", "Bekommt")) { (language.spoken().money(&share.net().to_string())) }
                            }
                        } }
                    }
                }
                @if !report.clearing.transfers.is_empty() {
                    ul { @for transfer in &report.clearing.transfers {
                        li { (transfer.from) " → " (transfer.to) ": " strong { (language.spoken().money(&transfer.amount.to_string())) } }
                    } }
                }
            }
            @if !reports.is_empty() {
                p class="actions" {
                    a class="button" href={ "/dashboard/statement.pdf?from=" (from) "&to=" (to) } download { (say("Download as PDF", "Als PDF herunterladen")) }
                    a class="button" href={ "/dashboard/statement.csv?from=" (from) "&to=" (to) } download { (say("Download as CSV", "Als CSV herunterladen")) }
                }
            }
        }
    };
    let title = say("Who owes whom?", "Wer schuldet wem?");
    Ok(web::page(StatusCode::OK, frame(&visitor, Tab::Statement, title, body)))
}

/// The statement as a letter to print.
pub(crate) async fn printed(visitor: Visitor) -> Result<Response, Trouble> {
    let (from, to) = days(&visitor);
    let spoken = visitor.language.spoken();
    let say = |english: &'static str, german| visitor.say(english, german).to_owned();
    let mut tables = Vec::new();
    for found in reports(&visitor).await? {
        let figure = |amount| spoken.number(&found.unit.format(amount));
        let rows = found.clearing.shares.iter().map(|share| {
            vec![
                share.party.clone(),
                figure(share.turnover.issued),
                figure(share.turnover.honoured),
                spoken.money(&share.net().to_string()),
            ]
        });
        let transfers = found.clearing.transfers.iter();
        tables.push(Table {
            title: format!("{} · {}", found.programme, found.unit.name()),
            heads: vec![
                say("Merchant", "Händler"),
                say("Issued", "Ausgegeben"),
                say("Honoured", "Eingelöst"),
                say("Gets", "Bekommt"),
            ],
            rows: rows.collect(),
            notes: transfers
                .map(|one| format!("{} – {}: {}", one.from, one.to, spoken.money(&one.amount.to_string())))
                .collect(),
        });
    }
    let mut tx = visitor.server.read_of(visitor.tenant()).await?;
    let name = crate::tenant::Tenant::load(&mut tx, visitor.tenant()).await?.name;
    let language = visitor.language;
    let made = language.day(visitor.server.today());
    let pdf = report(&Report {
        title: say("Clearing statement", "Verrechnung"),
        lead: vec![
            name,
            format!("{} – {}", language.day(from), language.day(to)),
            format!("{} {made}", say("Made on", "Erstellt am")),
        ]
        .into_iter()
        .chain(tables.is_empty().then(|| say("There is nothing to settle.", "Es ist nichts zu verrechnen.")))
        .collect(),
        tables,
        foot: format!("Stempel · {from} – {to}"),
    });
    let kind = (CONTENT_TYPE, "application/pdf".to_owned());
    let name = format!("attachment; filename=\"clearing-{from}-{to}.pdf\"");
    Ok(([kind, (CONTENT_DISPOSITION, name)], pdf).into_response())
}

pub(crate) async fn download(visitor: Visitor) -> Result<Response, Trouble> {
    let (from, to) = days(&visitor);
    let mut text =
        csv::line(["from", "to", "programme", "unit", "merchant", "issued", "honoured", "balance_eur"]);
    for report in reports(&visitor).await? {
        for share in &report.clearing.shares {
            let issued = report.unit.format(share.turnover.issued);
            let honoured = report.unit.format(share.turnover.honoured);
            text += &csv::line([
                &from.to_string()[..],
                &to.to_string(),
                report.programme.as_str(),
                report.unit.name(),
                &share.party,
                &issued,
                &honoured,
                &share.net().to_string(),
            ]);
        }
    }
    Ok(file(&format!("clearing-{from}-{to}.csv"), text))
}
