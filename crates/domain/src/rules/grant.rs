//! Which claims are granted: one after the other, as far as the balance covers them.

use crate::rules::book::RuleBook;
use crate::rules::claims::{self, Wanted};
use crate::rules::codes;
use crate::rules::scope::{Reason, Scene};
use crate::sale::{Claim, Sale};
use crate::unit::Unit;

/// An order as judged with the claims that could be granted.
#[derive(Debug)]
pub(super) struct Granted<'a, Draft> {
    /// The judgement; none if the order cannot even be judged without claims.
    pub draft: Option<Draft>,
    /// The other claims, and why not.
    pub refused: Vec<(&'a Claim, Reason)>,
}

/// Grants claims in their order, each if the balance covers it with what the order then earns.
///
/// `judge` judges the order with a list of claims; `moves` says what then moves of each unit.
pub(super) fn grant<'a, Draft>(
    book: &'a RuleBook,
    claims: &'a [Claim],
    scene: &Scene<'_>,
    judge: impl Fn(&[Wanted<'a>]) -> Result<Draft, Reason>,
    moves: impl Fn(&Draft) -> Vec<(Unit, i64)>,
) -> Granted<'a, Draft> {
    let mut granted: Vec<Wanted<'a>> = Vec::new();
    let mut draft = None;
    let mut refused = Vec::new();
    for (index, claim) in claims.iter().enumerate() {
        if index >= Sale::CLAIMS_MAX {
            refused.push((claim, Reason::new(codes::BAD_CLAIM).with("times", claim.times)));
            continue;
        }
        let tried = claims::find(book, claim, scene).and_then(|wanted| {
            granted.push(wanted);
            let tried = claims::within_offline(&granted, scene).and_then(|()| judge(&granted));
            let tried = tried.and_then(|draft| {
                covered(&moves(&draft), &wanted, scene)?;
                Ok(draft)
            });
            if tried.is_err() {
                granted.pop();
            }
            tried
        });
        match tried {
            Ok(judged) => draft = Some(judged),
            Err(reason) => refused.push((claim, claims::refused(book, claim, scene, reason))),
        }
    }
    let draft = draft.or_else(|| judge(&[]).ok());
    Granted { draft, refused }
}

/// Whether the balances stay above zero. An old debt in a unit that the claim does not touch keeps nobody
/// from it.
fn covered(moves: &[(Unit, i64)], wanted: &Wanted<'_>, scene: &Scene<'_>) -> Result<(), Reason> {
    let Some(member) = scene.member else { return Err(Reason::new(codes::NO_CARD)) };
    let (unit, needed) = claims::cost(wanted.published, wanted.reward, wanted.claim.times);
    for (moved, amount) in moves.iter().filter(|(moved, amount)| *amount < 0 || *moved == unit) {
        let after = member.balance(moved).saturating_add(*amount);
        if after < 0 {
            let have = if *moved == unit { after.saturating_add(needed) } else { member.balance(moved) };
            return Err(Reason::new(codes::NOT_ENOUGH)
                .with("needed", unit.format(needed))
                .with("have", moved.format(have))
                .with("unit", unit.name()));
        }
    }
    Ok(())
}
