//! The plug test of the first run: stamps on a card of its own, the plug is pulled, and after the next start what is on
//! the disk is counted. What it gave is taken back, so that no figure of the shop has it.

use serde::{Deserialize, Serialize};
use stempel_domain::event::Fact;
use stempel_domain::{CardId, EventRef, MemberId};

use crate::counter::Circumstances;
use crate::{Terminal, TerminalError};

/// How many stamps the test gives.
pub const PLUG_STAMPS: u32 = 5;
/// The longest name of a start of the machine.
const BOOT_LEN_MAX: usize = 64;

/// The setting under which the test stands.
const PLUG_TEST: &str = "plug-test";
/// The setting that names the card of the test.
const TEST_CARD: &str = "test-card";

/// What was found after the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlugResult {
    /// How many of the stamps are on the disk, whole and signed.
    pub found: u32,
    /// When it was counted, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// The machine itself had been started anew; otherwise the program alone.
    pub machine: bool,
}

/// A plug test under way, or over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlugTest {
    /// The stamps that the screen has said are safe.
    pub stamps: Vec<EventRef>,
    /// Which start of the machine they were given in.
    boot: String,
    /// All of them are given: the plug can be pulled.
    pub ready: bool,
    /// What was found.
    pub result: Option<PlugResult>,
}

impl Terminal {
    /// The code of this device's test card: a card without a name, drawn once and kept.
    pub fn test_card(&mut self) -> Result<String, TerminalError> {
        if let Some(card) = self.view().setting::<CardId>(TEST_CARD)?
            && let Ok(token) = self.token_of(card)
            && self.who(&token.to_string()).is_ok()
        {
            return Ok(token.to_string());
        }
        let joined = self.add_member(None, &None, None)?;
        self.keep_setting(TEST_CARD, &joined.card)?;
        Ok(joined.token.to_string())
    }

    /// Whose card the test card is, once it was drawn.
    pub(crate) fn test_member(&self) -> Result<Option<MemberId>, TerminalError> {
        let Some(card) = self.view().setting::<CardId>(TEST_CARD)? else { return Ok(None) };
        Ok(self.view().card(card)?.and_then(|card| card.member))
    }

    /// Gives the stamps of a new test. `boot` names this start of the machine; empty where the system names none.
    ///
    /// A test that was cut off before all of them were given is begun anew, and what it gave is taken back.
    pub fn begin_plug_test(&mut self, boot: &str) -> Result<PlugTest, TerminalError> {
        if let Some(before) = self.plug_test()? {
            self.take_test_back(&before)?;
        }
        let code = self.test_card()?;
        let boot = boot.chars().take(BOOT_LEN_MAX).collect();
        let mut test = PlugTest { stamps: Vec::new(), boot, ready: false, result: None };
        let how = Circumstances { by_hand: true, ..Circumstances::default() };
        for _ in 0..PLUG_STAMPS {
            let given = self.stamp(&code, None, 1, Vec::new(), &how)?;
            test.stamps.extend(given.event);
            self.keep_setting(PLUG_TEST, &test)?;
        }
        test.ready = test.stamps.len() as u64 == u64::from(PLUG_STAMPS);
        if !test.ready {
            return Err(TerminalError::NotNow("the programme in force gives no five stamps in a row".into()));
        }
        self.keep_setting(PLUG_TEST, &test)?;
        Ok(test)
    }

    /// Counts, at a start, what an open test left on the disk, and takes it back. A test that has its result already
    /// keeps it.
    pub fn check_plug_test(&mut self, boot: &str) -> Result<Option<PlugTest>, TerminalError> {
        let Some(mut test) = self.plug_test()? else { return Ok(None) };
        if test.ready && test.result.is_none() {
            let whole = self.verify_journal().is_ok();
            let safe = |event: &&EventRef| {
                self.event(**event).is_ok_and(|event| matches!(event.record.fact, Fact::Stamp(_)))
            };
            let found = if whole { test.stamps.iter().filter(safe).count() } else { 0 };
            let machine = !boot.is_empty() && !test.boot.is_empty() && boot != test.boot;
            let at_ms = self.moment(None)?.utc_ms;
            let found = u32::try_from(found).unwrap_or(PLUG_STAMPS);
            test.result = Some(PlugResult { found, at_ms, machine });
            self.keep_setting(PLUG_TEST, &test)?;
        }
        if test.result.is_some() {
            self.take_test_back(&test)?;
        }
        Ok(Some(test))
    }

    /// The last plug test, if there was one.
    pub fn plug_test(&self) -> Result<Option<PlugTest>, TerminalError> {
        Ok(self.view().setting(PLUG_TEST)?)
    }

    /// Takes back what a test gave, as far as it is there and was not yet.
    fn take_test_back(&mut self, test: &PlugTest) -> Result<(), TerminalError> {
        for event in &test.stamps {
            match self.end_test(*event) {
                Ok(_) | Err(TerminalError::AlreadyReversed(_) | TerminalError::Unknown(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
