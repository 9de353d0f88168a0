//! Who works here: names, roles, PINs, staff cards.
//!
//! A PIN is kept as an argon2id hash. A wrong one is counted on the disk before it is looked at, so switching the
//! device off gives nobody further attempts. The first manager's PIN comes with a recovery code, shown once, which
//! opens the way when every PIN is forgotten.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use serde::{Deserialize, Serialize};
use stempel_domain::event::{CardBlocked, Fact};
use stempel_domain::ports::draw;
use stempel_domain::{CardId, OperatorId};
use stempel_store::StoreError;
use stempel_wire::token::Token;

use crate::{Terminal, TerminalError};

/// The setting under which they are kept.
const OPERATORS: &str = "operators";
/// The most operators of one device.
const OPERATORS_MAX: usize = 50;
/// Wrong PINs that are let pass before there is a wait.
const TRIES: u32 = 5;
/// The first wait after that, in milliseconds; it doubles with each further wrong PIN.
const WAIT_MS: i64 = 60 * 1000;
/// The longest wait, in milliseconds.
const WAIT_MS_MAX: i64 = 30 * 60 * 1000;
/// Letters of a recovery code: Crockford's base 32.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RECOVERY_LEN: usize = 16;
const RECOVERY_CONTEXT: &str = "stempel recovery code v1";

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Works at the counter.
    Staff,
    /// Also sets up the device, lifts limits and leaves the kiosk.
    Manager,
}

impl std::str::FromStr for Role {
    type Err = TerminalError;

    fn from_str(text: &str) -> Result<Self, TerminalError> {
        match text {
            "staff" => Ok(Self::Staff),
            "manager" => Ok(Self::Manager),
            _ => Err(TerminalError::Input(format!("“{text}” is no role; it is staff or manager"))),
        }
    }
}

/// Somebody who works here, as others may see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// The name in events.
    pub id: OperatorId,
    /// The name on the screen.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// There is a PIN.
    pub has_pin: bool,
    /// There is a staff card.
    pub has_card: bool,
}

/// Who asks for a change that not everybody may make.
#[derive(Debug, Clone, Copy)]
pub enum Authority<'a> {
    /// Nobody yet: only as long as no manager has a PIN.
    First,
    /// A manager's PIN.
    Pin(&'a str),
    /// The recovery code.
    Recovery(&'a str),
    /// Somebody who can write the folder itself: the command line.
    Machine,
}

/// What is kept of all of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Staff {
    #[serde(default)]
    people: Vec<Person>,
    /// Wrong PINs typed without a name.
    #[serde(default)]
    attempts: Attempts,
    /// The hash of the recovery code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recovery: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Person {
    id: OperatorId,
    name: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    card: Option<CardId>,
    #[serde(default)]
    attempts: Attempts,
}

/// Wrong PINs since the last right one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Attempts {
    wrong: u32,
    /// When the last one was, in milliseconds.
    last_ms: i64,
}

impl Attempts {
    /// How long to wait now, in milliseconds. A clock that was set back waits no longer than the longest wait.
    fn wait_ms(self, now_ms: i64) -> i64 {
        let Some(beyond) = self.wrong.checked_sub(TRIES) else { return 0 };
        let wait = (WAIT_MS << beyond.min(10)).min(WAIT_MS_MAX);
        self.last_ms.saturating_add(wait).saturating_sub(now_ms).clamp(0, wait)
    }

    fn count(&mut self, now_ms: i64) -> Result<(), TerminalError> {
        let wait_ms = self.wait_ms(now_ms);
        if wait_ms > 0 {
            return Err(TerminalError::PinWait { seconds: (wait_ms + 999) / 1000 });
        }
        self.wrong = self.wrong.saturating_add(1);
        self.last_ms = now_ms;
        Ok(())
    }
}

impl Staff {
    fn find(&mut self, id: &OperatorId) -> Result<&mut Person, TerminalError> {
        let found = self.people.iter_mut().find(|person| person.id == *id);
        found.ok_or_else(|| TerminalError::Unknown(id.to_string()))
    }

    fn managers(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter(|person| person.role == Role::Manager && person.pin.is_some())
    }
}

impl Terminal {
    /// Everybody who works here, by name.
    pub fn operators(&self) -> Result<Vec<Worker>, TerminalError> {
        let look = |person: Person| Worker {
            id: person.id,
            name: person.name,
            role: person.role,
            has_pin: person.pin.is_some(),
            has_card: person.card.is_some(),
        };
        Ok(self.staff()?.people.into_iter().map(look).collect())
    }

    /// Adds somebody, or gives somebody another name or role.
    pub fn put_operator(
        &mut self,
        id: &OperatorId,
        name: &str,
        role: Role,
        authority: Authority<'_>,
    ) -> Result<(), TerminalError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 40 || name.chars().any(char::is_control) {
            return Err(TerminalError::Input("a name has 1 to 40 letters".into()));
        }
        self.allow(authority)?;
        let mut staff = self.staff()?;
        if let Ok(person) = staff.find(id) {
            (person.name, person.role) = (name.to_owned(), role);
            keep_a_manager(&staff)?;
        } else if staff.people.len() >= OPERATORS_MAX {
            return Err(TerminalError::NotNow(format!("{OPERATORS_MAX} operators are the most")));
        } else {
            staff.people.push(Person {
                id: id.clone(),
                name: name.to_owned(),
                role,
                pin: None,
                card: None,
                attempts: Attempts::default(),
            });
        }
        staff.people.sort_by(|one, other| one.id.cmp(&other.id));
        self.keep_setting(OPERATORS, &staff)
    }

    /// Takes somebody off the list. What they did stays under their name.
    pub fn remove_operator(
        &mut self,
        id: &OperatorId,
        authority: Authority<'_>,
    ) -> Result<(), TerminalError> {
        self.allow(authority)?;
        let mut staff = self.staff()?;
        staff.find(id)?;
        staff.people.retain(|person| person.id != *id);
        keep_a_manager(&staff)?;
        self.keep_setting(OPERATORS, &staff)
    }

    /// Gives somebody a PIN: the first, a new one, or one in place of a forgotten one. With the first PIN of a
    /// manager comes the recovery code; it is shown once and kept only as a hash.
    pub fn set_pin(
        &mut self,
        id: &OperatorId,
        pin: &str,
        authority: Authority<'_>,
    ) -> Result<Option<String>, TerminalError> {
        check_form(pin)?;
        self.allow(authority)?;
        let mut staff = self.staff()?;
        let salt: [u8; 16] = draw(&mut *self.entropy);
        let person = staff.find(id)?;
        person.pin = Some(hash_of(pin, &salt)?);
        person.attempts = Attempts::default();
        // A recovery code is good once; a new one takes its place.
        let used = matches!(authority, Authority::Recovery(_));
        let mut code = None;
        if (staff.recovery.is_none() || used) && staff.managers().next().is_some() {
            let new: [u8; RECOVERY_LEN] = draw(&mut *self.entropy);
            let text: String = new.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
            staff.recovery = Some(recovery_hash(&text));
            code = Some(text);
        }
        self.keep_setting(OPERATORS, &staff)?;
        Ok(code)
    }

    /// Somebody changes their own PIN.
    pub fn change_pin(&mut self, id: &OperatorId, old: &str, new: &str) -> Result<(), TerminalError> {
        check_form(new)?;
        self.check_pin(id, old)?;
        let mut staff = self.staff()?;
        let salt: [u8; 16] = draw(&mut *self.entropy);
        staff.find(id)?.pin = Some(hash_of(new, &salt)?);
        self.keep_setting(OPERATORS, &staff)
    }

    /// Checks somebody's PIN.
    ///
    /// # Errors
    /// [`TerminalError::WrongPin`], and after some of them [`TerminalError::PinWait`].
    pub fn check_pin(&mut self, id: &OperatorId, pin: &str) -> Result<Role, TerminalError> {
        let mut staff = self.staff()?;
        let now_ms = self.clock.now_ms();
        let person = staff.find(id)?;
        let Some(hash) = person.pin.clone() else {
            return Err(TerminalError::NotNow(format!(
                "{} has no PIN yet; a manager gives one",
                person.name
            )));
        };
        let role = person.role;
        person.attempts.count(now_ms)?;
        self.keep_setting(OPERATORS, &staff)?;
        if !is_pin(pin, &hash) {
            return Err(TerminalError::WrongPin);
        }
        staff.find(id)?.attempts = Attempts::default();
        self.keep_setting(OPERATORS, &staff)?;
        Ok(role)
    }

    /// Finds the manager who has this PIN: for a screen that asks for a PIN alone.
    pub fn manager_of(&mut self, pin: &str) -> Result<OperatorId, TerminalError> {
        let mut staff = self.staff()?;
        if staff.managers().next().is_none() {
            return Err(TerminalError::NoManager);
        }
        staff.attempts.count(self.clock.now_ms())?;
        self.keep_setting(OPERATORS, &staff)?;
        let is = |person: &&Person| person.pin.as_ref().is_some_and(|hash| is_pin(pin, hash));
        let found = staff.managers().find(is).map(|person| person.id.clone());
        let manager = found.ok_or(TerminalError::WrongPin)?;
        staff.attempts = Attempts::default();
        self.keep_setting(OPERATORS, &staff)?;
        Ok(manager)
    }

    /// Gives somebody the next card of the pool as a staff card. It is nobody's customer card from now on,
    /// anywhere; a staff card that they had before is worth nothing.
    pub fn give_staff_card(
        &mut self,
        id: &OperatorId,
        authority: Authority<'_>,
    ) -> Result<Token, TerminalError> {
        let by = self.allow(authority)?;
        let mut staff = self.staff()?;
        let token = self.next_card()?;
        let card = token.card();
        staff.find(id)?.card = Some(card);
        let fact = Fact::CardBlocked(CardBlocked { card, member: None });
        let at = self.moment(None)?;
        self.record(at, &by, vec![fact], |write, _| {
            write.add_blanks(std::slice::from_ref(&token))?;
            write.use_blank(card)?;
            write.set::<Staff>(OPERATORS, &staff)?;
            Ok(())
        })?;
        Ok(token)
    }

    /// Whose staff card a code is, if it is one.
    pub fn staff_card(&self, code: &str) -> Result<Option<Worker>, TerminalError> {
        let Ok(verified) = self.genuine(code) else { return Ok(None) };
        let staff = self.staff()?;
        let found = staff.people.iter().find(|person| person.card == Some(verified.card));
        let Some(id) = found.map(|person| person.id.clone()) else { return Ok(None) };
        Ok(self.operators()?.into_iter().find(|worker| worker.id == id))
    }

    /// Whether somebody may do what managers do. Names the manager, where there is one.
    pub fn allow(&mut self, authority: Authority<'_>) -> Result<Option<OperatorId>, TerminalError> {
        match authority {
            Authority::Machine => Ok(None),
            Authority::Pin(pin) => self.manager_of(pin).map(Some),
            Authority::First => match self.staff()?.managers().next() {
                None => Ok(None),
                Some(_) => Err(TerminalError::NeedsManager),
            },
            Authority::Recovery(code) => {
                let mut staff = self.staff()?;
                staff.attempts.count(self.clock.now_ms())?;
                self.keep_setting(OPERATORS, &staff)?;
                let hash = recovery_hash(code);
                if staff.recovery.as_ref() != Some(&hash) {
                    return Err(TerminalError::WrongPin);
                }
                staff.attempts = Attempts::default();
                self.keep_setting(OPERATORS, &staff)?;
                Ok(None)
            }
        }
    }

    fn staff(&self) -> Result<Staff, StoreError> {
        Ok(self.view().setting(OPERATORS)?.unwrap_or_default())
    }
}

/// As long as there are others, a manager's PIN must not go: the door would stand open.
fn keep_a_manager(staff: &Staff) -> Result<(), TerminalError> {
    if staff.recovery.is_some() && !staff.people.is_empty() && staff.managers().next().is_none() {
        return Err(TerminalError::NotNow(
            "this is the last manager with a PIN; make another one first".into(),
        ));
    }
    Ok(())
}

/// 4 to 12 digits, and none of the first that anybody would try.
fn check_form(pin: &str) -> Result<(), TerminalError> {
    let digits = pin.as_bytes();
    if !(4..=12).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(TerminalError::Input("a PIN has 4 to 12 digits".into()));
    }
    let step = |by: i16| digits.windows(2).all(|pair| i16::from(pair[1]) - i16::from(pair[0]) == by);
    if step(0) || step(1) || step(-1) {
        return Err(TerminalError::Input("everybody would try this PIN first; choose another one".into()));
    }
    Ok(())
}

fn hash_of(pin: &str, salt: &[u8; 16]) -> Result<String, TerminalError> {
    let hash = Argon2::default().hash_password_with_salt(pin.as_bytes(), salt);
    let hash = hash.map_err(|error| StoreError::Damaged(format!("a PIN could not be hashed: {error}")))?;
    Ok(hash.to_string())
}

fn is_pin(pin: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    check_form(pin).is_ok() && Argon2::default().verify_password(pin.as_bytes(), &hash).is_ok()
}

/// What a person typed, without what only helps to read it; letters that look alike are one.
fn recovery_hash(code: &str) -> String {
    let plain = code.chars().filter(|letter| letter.is_ascii_alphanumeric()).take(64);
    let plain: String = plain
        .map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        })
        .collect();
    data_encoding::HEXLOWER.encode(&blake3::derive_key(RECOVERY_CONTEXT, plain.as_bytes()))
}
