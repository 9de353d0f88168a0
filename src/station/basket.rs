//! The basket of the till: what lies in it, and what the rules make of it.

use stempel_domain::Quantity;
use stempel_domain::rules::{Outcome, TraceStep, codes};
use stempel_domain::sale::{Claim, Order, Sale, Tender, TenderKind};
use stempel_terminal::{Terminal, TerminalError};
use stempel_wire::article::Served;

use super::guest::{guest, is_point, reasons, whole};
use crate::controllers::{Basket, BasketItem, Language, MemberId, Money, RewardId, Sku};

/// What lies in the basket.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Items {
    /// Articles, and how many of each.
    pub lines: Vec<(Sku, u32)>,
    /// Whose card lies beside it.
    pub seated: Option<MemberId>,
    /// The rewards that are taken with it.
    pub taken: Vec<RewardId>,
    /// It is taken away.
    pub away: bool,
}

impl Items {
    /// The sale that it is, not yet paid.
    pub fn sale(&self, terminal: &Terminal) -> Result<Sale, TerminalError> {
        let mut lines = Vec::with_capacity(self.lines.len());
        let served = Served::taken_away(self.away);
        for (sku, count) in &self.lines {
            lines.push(terminal.line(&sku.0.parse()?, Quantity::pieces(*count), served)?);
        }
        let claims = self.taken.iter().map(|reward| Ok(Claim::once(reward.0.parse()?)));
        Ok(Sale {
            lines,
            tenders: vec![Tender { kind: TenderKind::Cash, amount: stempel_domain::Money::ZERO }],
            claims: claims.collect::<Result<_, TerminalError>>()?,
            codes: Vec::new(),
        })
    }

    /// What it costs and earns. `code` is the guest's.
    pub fn priced(
        &self,
        terminal: &Terminal,
        code: Option<&str>,
        language: Language,
    ) -> Result<Basket, TerminalError> {
        let who = code.map(|code| terminal.who(code)).transpose()?;
        let sale = self.sale(terminal)?;
        let outcome = terminal.preview(who.as_ref(), Order::Sale(&sale))?;
        if !outcome.refused.is_empty() {
            return Err(TerminalError::Refused(outcome.refused, outcome.trace));
        }
        let mut lines = Vec::with_capacity(sale.lines.len() + 1);
        for (line, (sku, count)) in sale.lines.iter().zip(&self.lines) {
            lines.push(BasketItem {
                line: sku.0.as_str().into(),
                sku: Some(sku.clone()),
                name: line.name.clone(),
                count: *count,
                amount: Money(line.gross().0),
            });
        }
        lines.extend(reductions(&outcome, language));
        let earned = outcome.earned();
        let stamps: i64 = earned.iter().filter(|(unit, _)| unit.is_stamp()).map(|(_, amount)| amount).sum();
        let points: i64 = earned.iter().filter(|(unit, _)| is_point(unit)).map(|(u, a)| whole(u, *a)).sum();
        let guest = who.as_ref().map(|who| guest(terminal, who, None, language)).transpose()?;
        Ok(Basket {
            lines,
            total: Money(outcome.total.0),
            guest,
            taken: self.taken.clone(),
            stamps: u32::try_from(stamps).unwrap_or(0),
            points,
            reasons: reasons(&outcome.trace, language),
            away: self.away,
        })
    }
}

/// What the rules take off, a line for each thing that does; what none of them names stands in one of its own.
fn reductions(outcome: &Outcome, language: Language) -> Vec<BasketItem> {
    let mut left: i64 = outcome.lines.iter().map(|line| line.discount.0).sum();
    let mut named: Vec<(String, i64)> = Vec::new();
    for (name, off) in outcome.trace.iter().filter_map(|step| reduction(step, language)) {
        let off = off.min(left);
        left -= off;
        match named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += off,
            None => named.push((name, off)),
        }
    }
    named.push((word(language, "Rabatt", "Discount"), left));
    let line = |(index, (name, off)): (usize, (String, i64))| BasketItem {
        line: format!("off {index}").as_str().into(),
        sku: None,
        name,
        count: 1,
        amount: Money(-off),
    };
    named.into_iter().filter(|(_, off)| *off > 0).enumerate().map(line).collect()
}

/// What a step took off, as a line of the basket: its name, and how much in minor units.
fn reduction(step: &TraceStep, language: Language) -> Option<(String, i64)> {
    let off = stempel_domain::Money::parse(step.value("off")).ok()?;
    let own = [step.value(language.tag()), step.value("text")].into_iter().find(|name| !name.is_empty());
    let name = match (step.code.as_str(), step.value("what")) {
        (codes::FREE, what) if !what.is_empty() => format!("{what} {}", word(language, "gratis", "free")),
        (codes::FREE | codes::DISCOUNT, _) => {
            own.map_or_else(|| word(language, "Rabatt", "Discount"), str::to_owned)
        }
        _ => return None,
    };
    Some((name, off.0))
}

fn word(language: Language, german: &str, english: &str) -> String {
    match language {
        Language::German => german.to_owned(),
        Language::English => english.to_owned(),
    }
}
