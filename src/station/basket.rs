//! The basket of the till: what lies in it, and what the rules make of it.

use stempel_domain::Quantity;
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
        let discount: i64 = outcome.lines.iter().map(|line| line.discount.0).sum();
        if discount != 0 {
            let name = match language {
                Language::German => "Rabatt",
                Language::English => "Discount",
            };
            lines.push(BasketItem {
                line: "discount".into(),
                sku: None,
                name: name.to_owned(),
                count: 1,
                amount: Money(-discount),
            });
        }
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
