//! Fixed names and keys, and the golden files. What is fixed here is fixed for ever: golden files are read
//! and written again by every later version.

use std::path::PathBuf;

use data_encoding::HEXLOWER;
use stempel_domain::ports::Entropy;
use stempel_domain::{AuthorId, CardId, MemberId, ShopId, TenantId};
use stempel_wire::{MemberKey, SecretKey};

pub const TENANT: TenantId = TenantId([0x11; 16]);
pub const SHOP: ShopId = ShopId([0x22; 16]);
pub const DEVICE: AuthorId = AuthorId([0x33; 16]);
pub const SERVER: AuthorId = AuthorId([0x44; 16]);
pub const CARD: CardId = CardId([1, 2, 3, 4, 5, 6, 7, 8]);

pub fn server_key() -> SecretKey {
    SecretKey::from_bytes(&[1; 32])
}

pub fn device_key() -> SecretKey {
    SecretKey::from_bytes(&[2; 32])
}

pub fn card_key() -> SecretKey {
    SecretKey::from_bytes(&[3; 32])
}

pub fn member_key() -> MemberKey {
    MemberKey::from_slice(&[7; 32]).unwrap()
}

pub fn member() -> MemberId {
    MemberId::of_first_card(TENANT, CARD)
}

/// Gives the bytes that it was made with, and no more.
pub struct Drawn(pub Vec<u8>);

impl Entropy for Drawn {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0.drain(..bytes.len()).collect::<Vec<u8>>());
    }
}

pub fn golden_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name)
}

pub fn golden(name: &str) -> String {
    let path = golden_path(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The JSON of a golden file as a machine writes it: without the line breaks and spaces that people need.
pub fn golden_json(name: &str) -> String {
    minified(&golden(name))
}

/// The bytes of a golden file in hexadecimal, wrapped into lines.
pub fn golden_hex(name: &str) -> Vec<u8> {
    unhex(&golden(name))
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    HEXLOWER.decode(digits.as_bytes()).unwrap_or_else(|error| panic!("{error}: {digits}"))
}

/// JSON without white space outside its strings. The order of the fields stays.
pub fn minified(json: &str) -> String {
    let (mut text, mut inside, mut escaped) = (String::new(), false, false);
    for c in json.chars() {
        if inside || !c.is_whitespace() {
            text.push(c);
        }
        match c {
            '"' if !escaped => inside = !inside,
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            _ => {}
        }
        escaped = false;
    }
    text
}
