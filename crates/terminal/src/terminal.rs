//! The owner of one data folder.

use std::cell::OnceCell;
use std::sync::Arc;

use stempel_domain::alarm::Sight;
use stempel_domain::event::{Fact, Record};
use stempel_domain::ports::{Clock, Entropy};
use stempel_domain::rules::RuleBook;
use stempel_domain::{Event, EventRef, Moment, OperatorId};
use stempel_store::inbox::SHOP;
use stempel_store::journal::Keeping;
use stempel_store::{Head, Store, StoreError, View, Write};
use stempel_sync::Keys;
use stempel_wire::message::Shop;
use stempel_wire::wrap::SealingKey;
use stempel_wire::{CardKeys, Row, SecretKey};

use crate::alarms::Lookout;
use crate::genuine::Genuine;
use crate::holds::Word;
use crate::identity::IDENTITY;
use crate::moment::Reading;
use crate::rotating::AtTheCounter;
use crate::settings::DeviceSettings;
use crate::{Identity, TerminalError, proofs};

/// How far ahead of the clock a time may be that a script names, in milliseconds: two years.
const AHEAD_MS_MAX: i64 = 2 * 366 * 24 * 60 * 60 * 1000;

/// Who is working at the terminal.
pub type Operator = Option<OperatorId>;

/// The one owner of a data folder: store, keys, programmes, clock.
pub struct Terminal {
    pub(crate) store: Store,
    pub(crate) identity: Identity,
    pub(crate) key: Arc<SecretKey>,
    /// What requests are signed with, shared with whoever asks.
    pub(crate) keys: Keys,
    pub(crate) card_keys: CardKeys,
    pub(crate) genuine: Genuine,
    pub(crate) book: RuleBook,
    /// The keys of this device's tallies that the rules read.
    pub(crate) tally_keys: Vec<String>,
    /// Programmes that this version cannot read: kept, not run, and said on the screen.
    pub(crate) unreadable_programmes: Vec<String>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Box<dyn Entropy>,
    pub(crate) last_moment: Option<Moment>,
    /// What the server has said of the action that is under way.
    pub(crate) word: Word,
    pub(crate) at_the_counter: AtTheCounter,
    pub(crate) lookout: Lookout,
    /// What the shop has set here, once it was read.
    pub(crate) settings: OnceCell<DeviceSettings>,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Terminal {
    /// Opens the terminal that lives in a store.
    pub fn open(
        mut store: Store,
        clock: Arc<dyn Clock>,
        mut entropy: Box<dyn Entropy>,
    ) -> Result<Self, TerminalError> {
        store.wrap_keys(&mut *entropy)?;
        let identity: Identity = store.view().setting(IDENTITY)?.ok_or(TerminalError::NotSetUp)?;
        // The newest comes first, and there is always one.
        let keys: Vec<Arc<SecretKey>> = identity.keys()?.into_iter().map(Arc::new).collect();
        let key = keys.first().cloned().ok_or(TerminalError::NotSetUp)?;
        let card_keys = CardKeys::new(identity.tenant);
        let mut terminal = Self {
            store,
            identity,
            key,
            keys: Keys::new(keys),
            card_keys,
            genuine: Genuine::default(),
            book: RuleBook::default(),
            tally_keys: Vec::new(),
            unreadable_programmes: Vec::new(),
            clock,
            entropy,
            last_moment: None,
            word: Word::default(),
            at_the_counter: AtTheCounter::default(),
            lookout: Lookout::default(),
            settings: OnceCell::new(),
        };
        terminal.last_moment = terminal.moment_of_last_event()?;
        terminal.reload()?;
        // A set-up that was cut off goes on here: no other event may be the first.
        if terminal.is_writer() && terminal.view().head(terminal.identity.device)?.seq == 0 {
            terminal.begin_journal()?;
        }
        Ok(terminal)
    }

    /// Who this terminal is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The keys with which this terminal signs its requests.
    pub fn request_keys(&self) -> Keys {
        self.keys.clone()
    }

    /// The clock it was given.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// What can be read of the store.
    pub fn view(&self) -> View<'_> {
        self.store.view()
    }

    /// Reads what `work` reads as of one moment, and cheaper than one by one.
    pub fn reading<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, TerminalError>,
    ) -> Result<T, TerminalError> {
        let _one_moment = self.store.one_moment()?;
        work(self)
    }

    /// The store itself, for checks that read all of it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Makes a new key that wraps members' keys, and wraps them under it.
    pub fn rotate_keys(&mut self) -> Result<(), TerminalError> {
        Ok(self.store.rotate_keys(&mut *self.entropy)?)
    }

    /// As [`Terminal::rotate_keys`], with the key's file sealed from now on, or in clear.
    pub fn seal_keys(&mut self, sealing: Option<SealingKey>) -> Result<(), TerminalError> {
        Ok(self.store.seal_keys(sealing, &mut *self.entropy)?)
    }

    /// The shop as last heard.
    pub fn shop(&self) -> Result<Option<Shop>, TerminalError> {
        Ok(self.view().setting(SHOP)?)
    }

    /// Reads programmes, card keys and limits anew, after the feed may have changed them.
    pub(crate) fn reload(&mut self) -> Result<(), TerminalError> {
        self.lookout.forget_limits();
        for (key, retired) in self.store.view().card_keys()? {
            self.card_keys.insert(key, retired);
        }
        self.genuine.forget();
        self.load_programmes()
    }

    /// How members' states are kept here.
    pub(crate) fn keeping(&self) -> Keeping {
        if self.identity.server.is_some() { Keeping::Overlay } else { Keeping::Base }
    }

    /// The moment of an action that happens now, or at a time that a script names.
    pub fn moment(&self, at: Option<(i64, i16)>) -> Result<Moment, TerminalError> {
        let (utc_ms, offset_minutes) = match at {
            Some((utc_ms, _)) if utc_ms > self.clock.now_ms().saturating_add(AHEAD_MS_MAX) => {
                return Err(TerminalError::Input(
                    "that time lies years ahead; the business day never goes back, so check what was typed"
                        .into(),
                ));
            }
            Some(at) => at,
            None => {
                let now_ms = self.clock.now_ms();
                (now_ms, self.clock.offset_minutes_at(now_ms))
            }
        };
        let shop = self.shop()?;
        let reading = Reading {
            utc_ms,
            offset_minutes,
            // A time that was named is taken as named.
            skew_ms: if at.is_some() { None } else { self.view().sync_state()?.skew_ms },
            day_ends_minutes: shop.map_or(0, |shop| shop.day_ends_minutes),
            last: self.last_moment,
        };
        Ok(reading.moment())
    }

    fn moment_of_last_event(&self) -> Result<Option<Moment>, TerminalError> {
        let head = self.view().head(self.identity.device)?;
        let row = match head.seq {
            0 => None,
            seq => self.view().row(EventRef { author: self.identity.device, seq })?,
        };
        // A row of a later version of this program cannot be read in full, but its moment can.
        Ok(row
            .and_then(|row| serde_json::from_slice::<AtOnly>(row.record_json()).ok())
            .map(|record| record.at))
    }

    /// Signs facts as the next events of the journal and stores them with whatever else `also` writes, all
    /// or nothing. Returns the events' names.
    pub(crate) fn record<T>(
        &mut self,
        at: Moment,
        operator: &Operator,
        facts: Vec<Fact>,
        also: impl FnOnce(&mut Write<'_>, &[EventRef]) -> Result<T, TerminalError>,
    ) -> Result<T, TerminalError> {
        self.before(&at, operator, &facts)?;
        let keeping = self.keeping();
        let (author, shop, key) = (self.identity.device, self.identity.shop, &self.key);
        let mut sights = Vec::new();
        let answer = self.store.write(|write| {
            let mut head: Head = write.view().head(author)?;
            let mut written = Vec::with_capacity(facts.len());
            for fact in facts {
                let reference = EventRef { author, seq: head.seq + 1 };
                proofs::note(write, &fact, reference)?;
                let record = Record { at, operator: operator.clone(), fact };
                let row = Row::write(key, reference, head.hash, &record)?;
                let event = Event { author, seq: reference.seq, record };
                sights.extend(Sight::of(&event, Some(shop)));
                write.append(&row, &event, keeping)?;
                head = Head { seq: row.seq(), hash: row.hash() };
                written.push(reference);
            }
            also(write, &written)
        })?;
        self.last_moment = Some(at);
        self.after(sights);
        Ok(answer)
    }

    /// Keeps a setting of the screens or devices around this terminal.
    pub fn keep_setting<T: serde::Serialize>(&mut self, name: &str, value: &T) -> Result<(), TerminalError> {
        self.store.write::<_, StoreError>(|write| write.set(name, value))?;
        Ok(())
    }

    /// Binds a key to what was asked for with it. The same key for something else is a mistake of the caller,
    /// and is refused rather than answered with somebody else's event.
    pub fn bind_key(&mut self, key: &str, deed: &str) -> Result<(), TerminalError> {
        let name = format!("deed of {key}");
        // A deed may hold a name; what was asked for is kept as its hash.
        let deed = stempel_wire::row::hash_of(deed.as_bytes());
        match self.view().answered(&name)? {
            Some(before) if before == deed => Ok(()),
            Some(_) => Err(TerminalError::Input(
                "this key was used for something else before; choose a new one".into(),
            )),
            None => Ok(self.store.write::<_, StoreError>(|write| write.remember(&name, &deed))?),
        }
    }

    /// Whether this store was opened for writing.
    pub fn is_writer(&self) -> bool {
        self.store.is_writer()
    }

    /// The event of a name, if it is kept here.
    pub fn event(&self, reference: EventRef) -> Result<Event, TerminalError> {
        let row = self.view().row(reference)?.ok_or_else(|| TerminalError::Unknown(reference.to_string()))?;
        Ok(row.event()?)
    }

    /// Checks the journal, its chain and its signatures, and the database file.
    pub fn verify_journal(&self) -> Result<stempel_store::journal::Verdict, TerminalError> {
        self.store.check_file()?;
        let own = (self.identity.device, self.key.public());
        let server = self.identity.server.as_ref().map(|server| (server.author, server.key));
        let verdict = self.view().verify(|author| {
            if author == own.0 {
                return Some(own.1);
            }
            if let Some((id, key)) = server
                && id == author
            {
                return Some(key);
            }
            self.view().device(author).ok().flatten().map(|(certificate, _)| certificate.public_key)
        })?;
        let last = verdict.journals.get(&own.0).copied().unwrap_or(0);
        let held = self.view().sync_state()?.held;
        if last < held {
            return Err(StoreError::Damaged(format!(
                "the server holds {held} rows of this terminal, the folder has only {last}: it is an older copy"
            ))
            .into());
        }
        Ok(verdict)
    }
}

#[derive(serde::Deserialize)]
struct AtOnly {
    at: Moment,
}
