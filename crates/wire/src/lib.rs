//! Events, cards and messages as bytes. `docs/PROTOCOL.md` describes every byte; golden files hold them.
//!
//! | module | what it writes and reads |
//! |---|---|
//! | [`key`] | Ed25519 keys and signatures, each use with its own context |
//! | [`key_change`] | a device's next key, certified by the one before |
//! | [`row`] | one event of a journal: signed, hash-chained |
//! | [`token`] | the code on a card |
//! | [`slip`] | what a device prints for a guest, good once |
//! | [`phone`], [`rotating`] | a phone's key and certificate; the code that it shows |
//! | [`seal`] | personal data under the member's own key |
//! | [`wrap`] | secrets as a database keeps them |
//! | [`mod@copy`] | a second copy of rows that wait, sealed for the server |
//! | [`certificate`] | the server's word that a device belongs to a shop |
//! | [`fiscal`] | the signatures on receipts of other tills |
//! | [`message`] | what device and server say to each other |
//! | [`request`] | how a device signs what it says |
//! | [`export`] | everything that is held about a person, as one document |
//! | [`article`] | an article: price, tax by day and place, what can be added |
//! | [`gtin`] | the number on a package |
//! | [`mod@catalogue`] | articles as a spreadsheet writes them |
//!
//! Reading never panics and never allocates more than the input justifies: every length has a bound.

pub mod article;
pub mod catalogue;
pub mod certificate;
pub mod copy;
pub mod export;
pub mod fiscal;
pub mod frame;
pub mod gtin;
pub mod key;
pub mod key_change;
pub mod message;
pub mod phone;
pub mod request;
pub mod rotating;
pub mod row;
pub mod seal;
pub mod slip;
pub mod token;
pub mod wrap;

#[cfg(test)]
mod testing;

pub use certificate::Certificate;
pub use key::{PublicKey, SecretKey, Signature};
pub use phone::{PhoneCertificate, PhoneKey};
pub use row::{Hash, Row};
pub use seal::{MemberKey, Profile};
pub use token::{CardKeys, KeyId};
pub use wrap::WrappingKeys;

/// The version of everything in this crate. A device and a server that share it understand each other;
/// newer ones also read older versions.
pub const VERSION: u32 = 1;
