//! What looks as if somebody helped himself: the newest alarms, each with its events. A section of `work`.

use maud::{Markup, html};
use stempel_domain::MemberId;
use stempel_domain::alarm::{Alarm, Level};

use super::visitor::Visitor;
use crate::error::Error;

/// How many are shown.
const SHOWN: usize = 20;

/// The section; nothing where nothing looks odd.
pub(super) async fn section(visitor: &Visitor) -> Result<Markup, Error> {
    let alarms = visitor.server.alarms(visitor.tenant(), None, SHOWN).await?;
    if alarms.is_empty() {
        return Ok(html! {});
    }
    let say = |english, german| visitor.say(english, german);
    Ok(html! {
        section {
            h2 { (say("Looks odd", "Fällt auf")) }
            p { (say("No proof of anything: look at the entries, then ask.", "Kein Beweis für irgendetwas: sehen Sie sich die Einträge an, dann fragen Sie nach.")) }
            ul class="list" { @for (_, alarm) in &alarms { li { (one(visitor, alarm)) } } }
        }
    })
}

/// What is odd, as a sentence begins.
fn sentence(said: &str) -> String {
    let mut letters = said.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn one(visitor: &Visitor, alarm: &Alarm) -> Markup {
    let member: Option<MemberId> = alarm.subject.parse().ok();
    html! {
        h3 class="inline" { (sentence(&alarm.sentence(visitor.language.spoken()))) } " "
        @if alarm.level == Level::FourEyes {
            span class="state warn" { (visitor.say("next time two people", "nächstes Mal zu zweit")) }
        }
        p class="faded" { (visitor.language.ago(visitor.server.now_ms() - alarm.last_ms)) }
        @if let Some(member) = member {
            p { a class="line" href={ "/dashboard/members/" (member) } { (visitor.say("The member's file", "Die Akte des Mitglieds")) } }
        }
        details class="more" {
            summary { (visitor.say("The entries", "Die Einträge")) }
            @for fact in &alarm.facts { p class="faded" { (fact) } }
        }
    }
}
