//! One-time slips: stamps for a guest whose card lies at home, and the word of staff for a reward.
//!
//! A slip is signed by this device, so every device of the shop that knows its certificate takes it, offline. What
//! was issued is summed by day and operator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stempel_domain::ports::draw;
use stempel_domain::{Day, EventRef, OperatorId};
use stempel_wire::slip::{Slip, SlipPurpose};

use crate::counter::{Circumstances, Given, STAMPS_MAX};
use crate::proofs::{ProofError, key_of};
use crate::{Operator, Terminal, TerminalError};
use stempel_domain::sale::Claim;

/// The setting under which the sums are kept.
const ISSUED: &str = "slips-issued";
/// Days whose sums are kept.
const KEPT_DAYS: i32 = 40;
/// How long a slip is good if nobody says, in days.
pub const DAYS: u16 = 14;
/// The longest that a slip is good, in days.
const DAYS_MAX: u16 = 366;

/// How many slips were issued, and what they are good for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Slips.
    pub slips: u32,
    /// Stamps on them.
    pub stamps: u32,
}

/// Sums by day and operator.
type Sums = BTreeMap<Day, BTreeMap<String, Issued>>;

impl Terminal {
    /// Issues a slip that is good until so many days from today, once.
    pub fn issue_slip(
        &mut self,
        purpose: SlipPurpose,
        count: u32,
        days: u16,
        operator: &Operator,
        key: Option<&str>,
    ) -> Result<Slip, TerminalError> {
        let most = match purpose {
            SlipPurpose::Stamps => STAMPS_MAX,
            SlipPurpose::Reward => 1,
        };
        let count = u16::try_from(count).ok().filter(|&count| count > 0 && u32::from(count) <= most);
        let count = count.ok_or_else(|| TerminalError::Input(format!("a slip is good for 1 to {most}")))?;
        if days > DAYS_MAX {
            return Err(TerminalError::Input(format!("a slip is good for {DAYS_MAX} days at most")));
        }
        if let Some(text) = key.map(|key| self.view().answered(key)).transpose()?.flatten() {
            return Slip::find(&text).ok_or_else(crate::counter::key_used_otherwise);
        }
        let today = self.moment(None)?.day;
        let last = today.plus_days(days.into());
        let id = draw(&mut *self.entropy);
        let slip =
            Slip::issue(self.identity.tenant, self.identity.device, &self.key, id, last, purpose, count);
        let mut sums: Sums = self.view().setting(ISSUED)?.unwrap_or_default();
        sums.retain(|day, _| *day >= today.plus_days(-KEPT_DAYS));
        let name = operator.as_ref().map(OperatorId::to_string).unwrap_or_default();
        let sum = sums.entry(today).or_default().entry(name).or_default();
        sum.slips = sum.slips.saturating_add(1);
        if purpose == SlipPurpose::Stamps {
            sum.stamps = sum.stamps.saturating_add(count.into());
        }
        self.store.write::<_, TerminalError>(|write| {
            write.set(ISSUED, &sums)?;
            if let Some(key) = key {
                write.remember(key, &slip.to_string())?;
            }
            Ok(())
        })?;
        Ok(slip)
    }

    /// What was issued on a day, by operator; the empty name is nobody's.
    pub fn slips_issued(&self, day: Day) -> Result<BTreeMap<String, Issued>, TerminalError> {
        let mut sums: Sums = self.view().setting(ISSUED)?.unwrap_or_default();
        Ok(sums.remove(&day).unwrap_or_default())
    }

    /// Checks a slip by which staff confirm a reward, without using it up.
    pub fn check_reward_slip(&self, text: &str) -> Result<(), TerminalError> {
        let slip = Slip::find(text).ok_or(ProofError::NotAProof)?;
        let checked = self.check_slip(&slip, SlipPurpose::Reward, None)?;
        self.is_unused(checked.proof.hash)
    }

    /// Gives one reward that a slip of staff confirms. The slip is used up with it.
    pub fn redeem_by_slip(
        &mut self,
        code: &str,
        claim: Claim,
        text: &str,
        how: &Circumstances,
    ) -> Result<Given, TerminalError> {
        if let Some(before) = self.given_before(how)? {
            return Ok(before);
        }
        let slip = Slip::find(text).ok_or(ProofError::NotAProof)?;
        let checked = self.check_slip(&slip, SlipPurpose::Reward, how.at)?;
        self.is_unused(checked.proof.hash)?;
        if claim.times != 1 {
            return Err(TerminalError::Input("a slip confirms one reward".into()));
        }
        let order = stempel_domain::sale::StampOrder {
            stamps: Vec::new(),
            claims: vec![Claim { extra: true, ..claim }],
        };
        self.record_stamps(code, order, Some(checked.proof), how)
    }

    /// Whether a slip was used here, and for which event.
    pub fn slip_used(&self, slip: &Slip) -> Result<Option<EventRef>, TerminalError> {
        let answer = self.view().answered(&key_of(slip.hash(self.identity.tenant)))?;
        Ok(answer.map(|event| event.parse()).transpose()?)
    }
}
