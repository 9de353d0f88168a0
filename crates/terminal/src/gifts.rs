//! “Aufgeschobener Kaffee”: rewards that members give away wait in a pool until staff hand them out. And one
//! question to guests, answered offline.

use stempel_domain::event::{AnswerGiven, CounterStep, Fact, GiftReleased};
use stempel_domain::rules::pool_tally;
use stempel_domain::sale::Claim;
use stempel_domain::{EventRef, ProgrammeId};

use crate::counter::{Circumstances, Given, key_used_otherwise};
use crate::{Terminal, TerminalError};

/// What waits at this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Whose pool.
    pub programme: ProgrammeId,
    /// Which pool.
    pub pool: String,
    /// The reward by which a member fills it.
    pub claim: Claim,
    /// How much waits.
    pub count: i64,
}

impl Terminal {
    /// Every pool that members can fill, and what waits in it here.
    pub fn waiting_gifts(&self) -> Result<Vec<Waiting>, TerminalError> {
        let mut found: Vec<Waiting> = Vec::new();
        for published in self.programmes() {
            let (programme, spec) = (&published.reference.id, published.programme.spec());
            for reward in &spec.reward {
                let Some(pool) = reward.fills.clone() else { continue };
                if found.iter().any(|known| known.programme == *programme && known.pool == pool) {
                    continue;
                }
                let claim = Claim { programme: Some(programme.clone()), ..Claim::once(reward.id.clone()) };
                let count = self.waiting_in(programme, &pool)?;
                found.push(Waiting { programme: programme.clone(), pool, claim, count });
            }
        }
        Ok(found)
    }

    fn waiting_in(&self, programme: &ProgrammeId, pool: &str) -> Result<i64, TerminalError> {
        let key = pool_tally(programme, pool);
        let tallies = self.view().tallies(self.identity.device, std::slice::from_ref(&key))?;
        Ok(tallies.get(&key).map_or(0, |days| days.values().sum()))
    }

    fn gift(&self, pool: Option<&str>) -> Result<Waiting, TerminalError> {
        let found = self.waiting_gifts()?.into_iter().find(|gift| pool.is_none_or(|pool| gift.pool == pool));
        found.ok_or_else(|| TerminalError::NotNow("no programme here lets guests give something away".into()))
    }

    /// A member gives a reward away; it waits here for whoever needs it. Without a name it is the first pool.
    pub fn give_away(
        &mut self,
        code: &str,
        pool: Option<&str>,
        how: &Circumstances,
    ) -> Result<Given, TerminalError> {
        let claim = self.gift(pool)?.claim;
        self.redeem(code, claim, how)
    }

    /// Staff hand out what waits. Who takes it shows nothing and is noted nowhere.
    pub fn release_gift(
        &mut self,
        pool: Option<&str>,
        how: &Circumstances,
    ) -> Result<(EventRef, Waiting), TerminalError> {
        let gift = self.gift(pool)?;
        if let Some(event) = self.answered(how)? {
            let same = matches!(self.event(event)?.record.fact, Fact::GiftReleased(_));
            return if same { Ok((event, gift)) } else { Err(key_used_otherwise()) };
        }
        if gift.count <= 0 {
            return Err(TerminalError::NotNow("nothing waits here at the moment".into()));
        }
        let at = self.moment(how.at)?;
        let key = pool_tally(&gift.programme, &gift.pool);
        let fact = Fact::GiftReleased(GiftReleased {
            shop: self.identity.shop,
            programme: gift.programme.clone(),
            pool: gift.pool.clone(),
            tallies: vec![CounterStep { key, day: at.day, amount: -1 }],
        });
        let event = self.record_last(at, how, vec![fact])?;
        Ok((event, Waiting { count: gift.count - 1, ..gift }))
    }

    /// Notes a guest's answer to the question that the shop asks. Nobody's name is with it.
    pub fn answer(
        &mut self,
        score: u8,
        reason: Option<&str>,
        how: &Circumstances,
    ) -> Result<EventRef, TerminalError> {
        let question = self.settings()?.question.ok_or_else(|| {
            TerminalError::NotNow(
                "no question is asked here; set one with `stempel settings set question`".into(),
            )
        })?;
        if let Some(event) = self.answered(how)? {
            let same = matches!(self.event(event)?.record.fact, Fact::AnswerGiven(_));
            return if same { Ok(event) } else { Err(key_used_otherwise()) };
        }
        if score > AnswerGiven::SCORE_MAX {
            return Err(TerminalError::Input(format!("an answer is from 0 to {}", AnswerGiven::SCORE_MAX)));
        }
        let unknown = |reason: &str| {
            let known = question.reasons.join(", ");
            TerminalError::Input(format!("“{reason}” is no answer to “why”; there are: {known}"))
        };
        let named = |reason| question.reason(reason).ok_or_else(|| unknown(reason));
        let reason = reason.map(named).transpose()?.map(str::to_owned);
        let at = self.moment(how.at)?;
        let fact =
            Fact::AnswerGiven(AnswerGiven { shop: self.identity.shop, question: question.id, score, reason });
        // Nobody served at it either: an operator's name would say who was there.
        let how = Circumstances { operator: None, ..how.clone() };
        self.record_last(at, &how, vec![fact])
    }
}
