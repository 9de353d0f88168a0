//! Names of things. Each kind of id is a type of its own, so that a shop is never taken for a member.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, de};

/// A text that was meant as an id and is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{text}” is not {wanted}")]
pub struct NotAnId {
    text: String,
    wanted: &'static str,
}

impl NotAnId {
    pub(crate) fn new(text: &str, wanted: &'static str) -> Self {
        Self { text: text.chars().take(64).collect(), wanted }
    }

    /// What was written, cut off after 64 characters.
    pub fn text(&self) -> &str {
        &self.text
    }
}

macro_rules! id16 {
    ($(#[$doc:meta])* $name:ident, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// Makes an id that sorts by time: 48 bits of milliseconds, then randomness (RFC 9562, version 7).
            pub fn from_time(utc_ms: i64, random: [u8; 10]) -> Self {
                let mut bytes = [0; 16];
                bytes[..6].copy_from_slice(&utc_ms.max(0).to_be_bytes()[2..]);
                bytes[6..].copy_from_slice(&random);
                bytes[6] = 0x70 | (bytes[6] & 0x0f);
                bytes[8] = 0x80 | (bytes[8] & 0x3f);
                Self(bytes)
            }

            /// The raw bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// Takes an id from its raw bytes, if there are sixteen.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let wrong = || NotAnId::new(text, $wanted);
                let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| wrong())?;
                Self::from_slice(&bytes).ok_or_else(wrong)
            }
        }

        serde_as_text!($name);
    };
}

id16! {
    /// A programme owner: a café, a chain, or a coalition of merchants.
    TenantId, "a tenant's id (32 hexadecimal digits)"
}
id16! {
    /// One place of business.
    ShopId, "a shop's id (32 hexadecimal digits)"
}
id16! {
    /// Who writes a journal: a device, or the server.
    AuthorId, "a device's id (32 hexadecimal digits)"
}
id16! {
    /// A person, or an anonymous card that may become one.
    MemberId, "a member's id (32 hexadecimal digits)"
}

impl MemberId {
    /// The member that a card opens at its first scan. Two shops that meet the same new card while apart
    /// come to the same member without a word between them.
    pub fn of_first_card(tenant: TenantId, card: crate::CardId) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"stempel member of first card v1");
        hasher.update(&tenant.0);
        hasher.update(&card.0);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(bytes)
    }
}

macro_rules! slug {
    ($(#[$doc:meta])* $name:ident, $wanted:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The longest name taken, in bytes.
            pub const LEN_MAX: usize = 64;

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let ok: fn(char) -> bool = $ok;
                if text.is_empty() || text.len() > Self::LEN_MAX || !text.chars().all(ok) {
                    return Err(NotAnId::new(text, $wanted));
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':')
}

slug! {
    /// The name of a programme, unique within a tenant: `coffee`.
    ProgrammeId, "a programme's name (letters, digits, - _ . :, at most 64)", plain
}
slug! {
    /// The name of a reward, unique within its programme: `free-coffee`.
    RewardId, "a reward's name (letters, digits, - _ . :, at most 64)", plain
}
slug! {
    /// A person who works at a device.
    OperatorId, "an operator's name (letters, digits, - _ . :, at most 64)", plain
}
slug! {
    /// What a shop calls an article.
    Sku, "an article's number (no spaces or control characters, at most 64 bytes)",
    |c| !c.is_whitespace() && !c.is_control()
}

/// Names one event for ever: its author and its place in that author's journal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventRef {
    /// Who wrote it.
    pub author: AuthorId,
    /// Its number in the author's journal, from 1.
    pub seq: u64,
}

impl fmt::Display for EventRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.author, self.seq)
    }
}

impl fmt::Debug for EventRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventRef({self})")
    }
}

impl FromStr for EventRef {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = || NotAnId::new(text, "an event (a device's id, a dash, a number)");
        let (author, seq) = text.split_once('-').ok_or_else(wrong)?;
        let author = author.parse().map_err(|_| wrong())?;
        let seq = seq.parse().map_err(|_| wrong())?;
        if seq == 0 {
            return Err(wrong());
        }
        Ok(Self { author, seq })
    }
}

serde_as_text!(EventRef);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_their_text() {
        let id = MemberId::from_time(1_700_000_000_000, [7; 10]);
        assert_eq!(id.to_string().parse::<MemberId>().unwrap(), id);
        let event = EventRef { author: AuthorId([9; 16]), seq: 42 };
        assert_eq!(event.to_string().parse::<EventRef>().unwrap(), event);
    }

    #[test]
    fn later_ids_sort_later() {
        let early = MemberId::from_time(1_000, [255; 10]);
        let late = MemberId::from_time(2_000, [0; 10]);
        assert!(early < late);
    }

    #[test]
    fn garbage_is_no_id() {
        for text in ["", "xyz", "0123", "00-0", "é"] {
            assert!(text.parse::<MemberId>().is_err());
            assert!(text.parse::<EventRef>().is_err());
        }
        assert!("a b".parse::<Sku>().is_err());
        assert!("a/b".parse::<ProgrammeId>().is_err());
    }
}
