//! Purchases at other tills, proved by the fiscal code of a receipt or by a one-time slip. All offline.
//!
//! A receipt counts if its signature is genuine, its till is one of the shop's, it is a few minutes old and was
//! not used here before. What cannot be checked is refused and said. Of a proof that was used its hash is kept,
//! in the transaction that writes the stamp; an undo sets it free again. Whether another device has taken the same
//! receipt, the server finds out.

use serde::{Deserialize, Serialize};
use stempel_domain::event::Fact;
use stempel_domain::proof::{Proof, ProofHash, ProofKind};
use stempel_domain::receipt::{FiscalReceipt, ReceiptError};
use stempel_domain::sale::{Claim, StampCount, StampOrder};
use stempel_domain::{AuthorId, Day, EventRef, Money, ProgrammeId};
use stempel_store::Write;
use stempel_wire::fiscal::{self, FiscalError, TseSerial};
use stempel_wire::slip::{Slip, SlipPurpose};

use crate::counter::{Circumstances, Given};
use crate::operators::Authority;
use crate::settings::ProofSettings;
use crate::{Terminal, TerminalError};

/// The setting under which the shop's tills are kept.
const TILLS: &str = "tills";
/// The most tills of one shop.
const TILLS_MAX: usize = 50;
const MINUTE_MS: i64 = 60 * 1000;
/// How far a till's clock may be ahead of this one, in milliseconds.
const AHEAD_MS: i64 = 5 * MINUTE_MS;

/// Why what was shown proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Neither a receipt's code nor a slip.
    #[error("this is neither the code of a receipt nor a slip")]
    NotAProof,
    /// This kind is not taken here.
    #[error("{}s are not taken here", .0.as_str())]
    NotTaken(ProofKind),
    /// The receipt's code cannot be read, or is no sale.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// The receipt's signature is wrong or cannot be checked.
    #[error(transparent)]
    Fiscal(#[from] FiscalError),
    /// No till of the shop is pinned, so no receipt can be told from another shop's.
    #[error(
        "no till of this shop is known here yet, so a receipt proves nothing; add one with `stempel proof till add`"
    )]
    NoTill,
    /// A till that is not the shop's.
    #[error("this receipt is from another till (“{till}”)")]
    OtherTill {
        /// What it calls itself.
        till: String,
    },
    /// The receipt is too old.
    #[error("this receipt is {minutes} minutes old; it counts for {most} minutes")]
    TooOld {
        /// How old, in minutes.
        minutes: i64,
        /// How old it may be.
        most: u32,
    },
    /// The receipt is from the future: one of the clocks is wrong.
    #[error("this receipt is {minutes} minutes ahead of the clock here; one of the two clocks is wrong")]
    Ahead {
        /// How far, in minutes.
        minutes: i64,
    },
    /// The age of a receipt cannot be told.
    #[error(
        "the clock of this device cannot be right, so the age of a receipt cannot be checked; set the clock"
    )]
    DoubtfulClock,
    /// It comes to too little.
    #[error("this receipt comes to {total}; it counts from {least}")]
    TooSmall {
        /// What it comes to.
        total: Money,
        /// From what it counts.
        least: Money,
    },
    /// It was used before.
    #[error("this was counted already")]
    UsedBefore {
        /// By which event.
        event: EventRef,
    },
    /// The slip's days are over.
    #[error("this slip was good until {last}")]
    SlipOver {
        /// Its last day.
        last: Day,
    },
    /// A device that is not of this shop's programme, or not known here yet.
    #[error("this slip is from a device that is not known here; sync once and try again")]
    SlipStranger {
        /// Which device.
        issuer: AuthorId,
    },
    /// The device was signed out.
    #[error("this slip is from a device that was signed out")]
    SlipRevoked,
    /// Not signed by the device that it names.
    #[error("this slip is not genuine")]
    SlipForged,
    /// A slip for something else.
    #[error("this slip is good for {0} only")]
    SlipFor(&'static str),
}

/// A till of the shop whose receipts are taken: its security device, and its own name there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedTill {
    /// The serial number of the security device: the hash of its public key, so the key is pinned with it.
    pub serial: String,
    /// The till's serial number, as receipts name it.
    pub till: String,
    /// What people call it.
    pub name: String,
}

/// A proof that would count now, and what it would give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedProof {
    /// Its kind and hash.
    pub proof: Proof,
    /// How many stamps it gives.
    pub stamps: u32,
    /// What it is, for people.
    pub what: Shown,
}

/// What was shown, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A receipt.
    Receipt {
        /// The till, as people call it.
        till: String,
        /// What it comes to.
        total: Money,
        /// When the sale ended, in milliseconds.
        ended_ms: i64,
    },
    /// A slip.
    Slip {
        /// Its last day.
        last: Day,
    },
}

impl Terminal {
    /// Whether a text is a receipt's code or a slip, by its looks: what a scanner asks of every code it reads.
    pub fn is_proof(text: &str) -> bool {
        FiscalReceipt::is_one(text) || Slip::find(text).is_some()
    }

    /// Checks a receipt's code or a slip for stamps, without using it up.
    pub fn check_proof(&self, text: &str) -> Result<CheckedProof, TerminalError> {
        self.check_proof_at(text, None)
    }

    fn check_proof_at(&self, text: &str, at: Option<(i64, i16)>) -> Result<CheckedProof, TerminalError> {
        let settings = self.settings()?.proof;
        let checked = if FiscalReceipt::is_one(text) {
            self.check_receipt(text, &settings, at)?
        } else if let Some(slip) = Slip::find(text) {
            if !settings.slip {
                return Err(ProofError::NotTaken(ProofKind::Slip).into());
            }
            self.check_slip(&slip, SlipPurpose::Stamps, at)?
        } else {
            return Err(ProofError::NotAProof.into());
        };
        self.is_unused(checked.proof.hash)?;
        Ok(checked)
    }

    fn check_receipt(
        &self,
        text: &str,
        settings: &ProofSettings,
        at: Option<(i64, i16)>,
    ) -> Result<CheckedProof, TerminalError> {
        if !settings.receipt {
            return Err(ProofError::NotTaken(ProofKind::Receipt).into());
        }
        let (receipt, serial) = genuine(text)?;
        let tills = self.tills()?;
        if tills.is_empty() {
            return Err(ProofError::NoTill.into());
        }
        let name = serial.to_string();
        let known = tills.into_iter().find(|known| known.serial == name && known.till == receipt.till);
        let known = known.ok_or_else(|| ProofError::OtherTill { till: receipt.till.clone() })?;
        let moment = self.moment(at)?;
        if moment.clock_doubtful {
            return Err(ProofError::DoubtfulClock.into());
        }
        let now_ms = moment.utc_ms.saturating_sub(moment.skew_ms.unwrap_or(0));
        let age_ms = now_ms.saturating_sub(receipt.ended_ms);
        if age_ms < -AHEAD_MS {
            return Err(ProofError::Ahead { minutes: -age_ms / MINUTE_MS }.into());
        }
        if age_ms > i64::from(settings.minutes) * MINUTE_MS {
            return Err(ProofError::TooOld { minutes: age_ms / MINUTE_MS, most: settings.minutes }.into());
        }
        let least = settings.minimum.max(settings.each.unwrap_or(Money(1)));
        if receipt.total < least {
            return Err(ProofError::TooSmall { total: receipt.total, least }.into());
        }
        let stamps = match settings.each {
            Some(each) => u32::try_from(receipt.total.0 / each.0.max(1)).unwrap_or(u32::MAX),
            None => settings.stamps,
        };
        let hash = ProofHash::of_receipt(self.identity.tenant, &serial.0, receipt.transaction);
        Ok(CheckedProof {
            proof: Proof { kind: ProofKind::Receipt, hash, issuer: None },
            stamps: stamps.min(settings.most),
            what: Shown::Receipt { till: known.name, total: receipt.total, ended_ms: receipt.ended_ms },
        })
    }

    pub(crate) fn check_slip(
        &self,
        slip: &Slip,
        purpose: SlipPurpose,
        at: Option<(i64, i16)>,
    ) -> Result<CheckedProof, TerminalError> {
        let tenant = self.identity.tenant;
        let key = if slip.issuer == self.identity.device {
            self.key.public()
        } else {
            match self.view().device(slip.issuer)? {
                None => return Err(ProofError::SlipStranger { issuer: slip.issuer }.into()),
                Some((_, true)) => return Err(ProofError::SlipRevoked.into()),
                Some((certificate, false)) => certificate.public_key,
            }
        };
        slip.verify(tenant, &key).map_err(|_| ProofError::SlipForged)?;
        if slip.purpose != purpose {
            return Err(ProofError::SlipFor(slip.purpose.as_str()).into());
        }
        if self.moment(at)?.day > slip.last {
            return Err(ProofError::SlipOver { last: slip.last }.into());
        }
        Ok(CheckedProof {
            proof: Proof { kind: ProofKind::Slip, hash: slip.hash(tenant), issuer: Some(slip.issuer) },
            stamps: slip.count.into(),
            what: Shown::Slip { last: slip.last },
        })
    }

    pub(crate) fn is_unused(&self, hash: ProofHash) -> Result<(), TerminalError> {
        match self.view().answered(&key_of(hash))? {
            Some(event) => Err(ProofError::UsedBefore { event: event.parse()? }.into()),
            None => Ok(()),
        }
    }

    /// Gives the stamps that a receipt or a slip proves; with claims, some of them may be free. The proof is used
    /// up with the event that gives them, or not at all.
    pub fn stamp_for_proof(
        &mut self,
        code: &str,
        programme: Option<&ProgrammeId>,
        text: &str,
        claims: Vec<Claim>,
        how: &Circumstances,
    ) -> Result<Given, TerminalError> {
        if let Some(before) = self.given_before(how)? {
            return Ok(before);
        }
        let checked = self.check_proof_at(text, how.at)?;
        let stamps = vec![StampCount { programme: self.stamp_programme(programme)?, count: checked.stamps }];
        // Staff have looked at what a slip is for: it does not wait for the pause between two scans.
        let by_hand = how.by_hand || checked.proof.kind == ProofKind::Slip;
        let how = Circumstances { by_hand, ..how.clone() };
        self.record_stamps(code, StampOrder { stamps, claims }, Some(checked.proof), &how)
    }
    /// The tills whose receipts are taken.
    pub fn tills(&self) -> Result<Vec<PinnedTill>, TerminalError> {
        Ok(self.view().setting(TILLS)?.unwrap_or_default())
    }

    /// What a receipt says of its till, once its signature is found genuine: for a manager to look at before the
    /// till is pinned. That it is genuine says that this key signed it, not whose till it is.
    pub fn till_of_receipt(&self, text: &str) -> Result<PinnedTill, TerminalError> {
        let (receipt, serial) = genuine(text)?;
        Ok(PinnedTill { serial: serial.to_string(), name: receipt.till.clone(), till: receipt.till })
    }

    /// Takes receipts of a till from now on.
    pub fn pin_till(
        &mut self,
        till: &PinnedTill,
        authority: Authority<'_>,
    ) -> Result<PinnedTill, TerminalError> {
        let serial = TseSerial::parse(&till.serial).ok_or_else(|| {
            TerminalError::Input("the serial number of a security device has 64 hexadecimal digits".into())
        })?;
        let plain = |text: &str| {
            let text = text.trim().to_owned();
            let fine = !text.is_empty()
                && text.len() <= 128
                && !text.contains(';')
                && !text.chars().any(char::is_control);
            fine.then_some(text)
                .ok_or_else(|| TerminalError::Input("a till's name has 1 to 128 letters".into()))
        };
        let till =
            PinnedTill { serial: serial.to_string(), till: plain(&till.till)?, name: plain(&till.name)? };
        self.allow(authority)?;
        let mut tills = self.tills()?;
        tills.retain(|known| (&known.serial, &known.till) != (&till.serial, &till.till));
        if tills.len() >= TILLS_MAX {
            return Err(TerminalError::NotNow(format!("{TILLS_MAX} tills are the most")));
        }
        tills.push(till.clone());
        self.keep_setting(TILLS, &tills)?;
        Ok(till)
    }

    /// Takes no more receipts of a till, by its own or people's name for it.
    pub fn unpin_till(&mut self, name: &str, authority: Authority<'_>) -> Result<(), TerminalError> {
        let mut tills = self.tills()?;
        let before = tills.len();
        tills.retain(|till| till.till != name && till.name != name);
        if tills.len() == before {
            return Err(TerminalError::Unknown(name.to_owned()));
        }
        self.allow(authority)?;
        self.keep_setting(TILLS, &tills)
    }
}

/// A receipt whose signature is genuine, and the serial number of what signed it.
fn genuine(text: &str) -> Result<(FiscalReceipt, TseSerial), ProofError> {
    let receipt = FiscalReceipt::parse(text)?;
    let serial = fiscal::check(&receipt)?;
    Ok((receipt, serial))
}

/// Under which key the use of a proof is remembered.
pub(crate) fn key_of(hash: ProofHash) -> String {
    format!("proof {hash}")
}

/// Uses up the proof of an event that is about to be written, or sets free that of one that it takes back wholly.
pub(crate) fn note(write: &mut Write<'_>, fact: &Fact, event: EventRef) -> Result<(), TerminalError> {
    match fact {
        Fact::Stamp(stamp) => {
            if let Some(proof) = &stamp.proof {
                write.remember(&key_of(proof.hash), &event.to_string())?;
            }
        }
        Fact::Reversal(reversal) if reversal.quantities.is_empty() => {
            let row = write.view().row(reversal.of)?;
            let of = row.map(|row| row.event()).transpose()?;
            if let Some(Fact::Stamp(stamp)) = of.map(|event| event.record.fact)
                && let Some(proof) = stamp.proof
            {
                let key = key_of(proof.hash);
                if write.view().answered(&key)? == Some(reversal.of.to_string()) {
                    write.forget(&key)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}
