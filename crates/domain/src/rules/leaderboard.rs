//! Leaderboards: who did most in this week, month, quarter or year, of those who agreed to be named.
//!
//! Only members who consented are on the board at all. The others are not counted, not even without a name: in a
//! small shop a rank that is left out says who it is. Members with the same score share a rank, and the next rank
//! is left out for each of them (1, 2, 2, 4). Nobody is on the board with nothing.

use crate::event::CounterStep;
use crate::ids::MemberId;
use crate::member::MemberFacts;
use crate::programme::{Leaderboard, Published, TierBy};
use crate::rules::{limit, tiers};
use crate::time::Day;

/// The counter of a programme's leaderboard.
pub(super) fn key(published: &Published) -> String {
    format!("{}{}", published.reference.id, tiers::BOARD)
}

/// What an order adds to a leaderboard: `paid` in cents without deposits and stored value, `earned` units of the
/// programme, or one for the visit, as the board counts.
pub(super) fn step(published: &Published, paid: i64, earned: i64, day: Day) -> Option<CounterStep> {
    let board = published.programme.spec().leaderboard.as_ref()?;
    let amount = tiers::counted_of(board.by, paid, earned);
    (amount > 0).then(|| CounterStep { key: key(published), day, amount })
}

/// What a member did in the part of the calendar that a day is in: cents, units in the unit's scale, or the days
/// on which the member was here. None where the programme has no board.
pub fn score(published: &Published, member: &MemberFacts, today: Day) -> Option<i64> {
    let Leaderboard { by, period, .. } = published.programme.spec().leaderboard.as_ref()?;
    let (key, first) = (key(published), period.first_day(today));
    Some(match by {
        TierBy::Visits => {
            let days = member.counters.get(&key).filter(|_| first <= today);
            let days = days.into_iter().flat_map(|days| days.range(first..=today));
            days.filter(|(_, amount)| **amount > 0).count() as i64
        }
        TierBy::Spend | TierBy::Units => limit::counted(&member.counters, &key, first, today),
    })
}

/// One who may stand on a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entrant {
    /// Who.
    pub member: MemberId,
    /// What they did ([`score`]).
    pub score: i64,
    /// They agreed to be named.
    pub consent: bool,
}

/// A place on a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    /// From 1. Equal scores share it.
    pub rank: u32,
    /// Who.
    pub member: MemberId,
    /// What they did.
    pub score: i64,
}

/// The ranks up to `top`, best first; of equals in the order of their ids. Ranks that are shared at the end are all
/// listed, so there may be more than `top` of them.
pub fn ranks(entrants: impl IntoIterator<Item = Entrant>, top: u32) -> Vec<Rank> {
    let mut named: Vec<Entrant> =
        entrants.into_iter().filter(|entrant| entrant.consent && entrant.score > 0).collect();
    named.sort_by(|a, b| b.score.cmp(&a.score).then(a.member.cmp(&b.member)));
    // Whoever is handed in twice stands once, with the better score.
    let mut seen = std::collections::BTreeSet::new();
    named.retain(|entrant| seen.insert(entrant.member));
    let mut ranks: Vec<Rank> = Vec::new();
    for (place, entrant) in named.iter().enumerate() {
        let own = u32::try_from(place + 1).unwrap_or(u32::MAX);
        let rank = ranks.last().filter(|last| last.score == entrant.score).map_or(own, |last| last.rank);
        if rank > top {
            break;
        }
        ranks.push(Rank { rank, member: entrant.member, score: entrant.score });
    }
    ranks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entrant(member: u8, score: i64, consent: bool) -> Entrant {
        Entrant { member: MemberId([member; 16]), score, consent }
    }

    #[test]
    fn equals_share_a_rank_and_the_silent_are_not_there() {
        let entrants = [
            entrant(1, 30, true),
            entrant(2, 50, true),
            entrant(3, 90, false),
            entrant(4, 30, true),
            entrant(5, 20, true),
            entrant(6, 0, true),
        ];
        let shown = |top| {
            let ranks = ranks(entrants, top);
            ranks.iter().map(|rank| (rank.rank, rank.member.0[0])).collect::<Vec<_>>()
        };
        assert_eq!(shown(10), [(1, 2), (2, 1), (2, 4), (4, 5)]);
        assert_eq!(shown(2), [(1, 2), (2, 1), (2, 4)]);
        assert_eq!(shown(0), []);
    }

    proptest! {
        #[test]
        fn a_rank_is_one_more_than_those_who_did_better(
            entrants in prop::collection::vec((any::<u8>(), 0..20_i64, any::<bool>()), 0..30), top in 0..12_u32,
        ) {
            let mut entrants: Vec<Entrant> =
                entrants.into_iter().map(|(member, score, consent)| entrant(member, score, consent)).collect();
            entrants.sort_by_key(|entrant| entrant.member);
            entrants.dedup_by_key(|entrant| entrant.member);
            let board = ranks(entrants.clone(), top);
            let named: Vec<&Entrant> =
                entrants.iter().filter(|entrant| entrant.consent && entrant.score > 0).collect();
            for entrant in &named {
                let better = named.iter().filter(|other| other.score > entrant.score).count() as u32;
                let shown = board.iter().find(|rank| rank.member == entrant.member);
                prop_assert_eq!(shown.map(|rank| rank.rank), Some(better + 1).filter(|rank| *rank <= top));
            }
            prop_assert!(board.iter().all(|rank| named.iter().any(|entrant| entrant.member == rank.member)));
        }
    }
}
