//! Grants: rights that are given once only.

use std::fmt;
use std::str::FromStr;

use crate::ids::{MemberId, NotAnId, ProgrammeId, TenantId};

/// A right that can be given once only: a finished challenge, this year's birthday, a friend brought.
///
/// Two devices that were apart and gave the same right come to the same grant, so that it is noticed and
/// taken back once. Written `programme/rule@occurrence`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// Which programme gives it.
    pub programme: ProgrammeId,
    /// Which of its rules.
    pub rule: String,
    /// Which time: the span of the calendar, the friend, the survey; empty where there is one only.
    pub occurrence: String,
}

impl Grant {
    /// The longest occurrence, in bytes.
    pub const OCCURRENCE_LEN_MAX: usize = 64;

    /// Its name across all members and tenants: the first 16 bytes of
    /// BLAKE3(tenant ‖ member ‖ `programme/rule@occurrence`).
    pub fn id(&self, tenant: TenantId, member: MemberId) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_derive_key("stempel 2026-11 grant");
        hasher.update(&tenant.0);
        hasher.update(&member.0);
        hasher.update(self.to_string().as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        id
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.programme, self.rule, self.occurrence)
    }
}

impl FromStr for Grant {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = || NotAnId::new(text, "a grant (programme/rule@occurrence)");
        let (programme, rest) = text.split_once('/').ok_or_else(wrong)?;
        let (rule, occurrence) = rest.split_once('@').ok_or_else(wrong)?;
        if rule.is_empty() || occurrence.len() > Self::OCCURRENCE_LEN_MAX {
            return Err(wrong());
        }
        Ok(Self {
            programme: programme.parse().map_err(|_| wrong())?,
            rule: rule.to_owned(),
            occurrence: occurrence.to_owned(),
        })
    }
}

serde_as_text!(Grant);
