//! A device's new key. The old key certifies it: it signs the row that names it. The new key agrees: its signature stands in
//! the row. From the next row on the new one signs.

use stempel_domain::AuthorId;
use stempel_domain::event::{Fact, KeyChanged};

use crate::{PublicKey, Row, SecretKey, Signature};

const CONTEXT: &str = "stempel key change v1";
/// What stands in the record of every such row, and in few others.
const MARK: &str = "\"key-changed\"";

/// Author ‖ the new public key.
fn message(author: AuthorId, key: &PublicKey) -> Vec<u8> {
    [&author.0[..], key.as_bytes()].concat()
}

/// What an author's row says of its new key.
pub fn fact(author: AuthorId, new: &SecretKey) -> Fact {
    let public = new.public();
    let proof = new.sign(CONTEXT, &message(author, &public));
    Fact::KeyChanged(KeyChanged { public_key: public.to_string(), proof: proof.to_string() })
}

/// The key that an author's fact brings, if that key has agreed.
pub fn agreed(author: AuthorId, fact: &KeyChanged) -> Option<PublicKey> {
    let key = PublicKey::parse(&fact.public_key).ok()?;
    let proof = Signature::parse(&fact.proof).ok()?;
    key.verify(CONTEXT, &message(author, &key), &proof).ok()?;
    Some(key)
}

/// The key that signs the rows after this one, if it brings another. Whoever asks has to know that the row was signed by the
/// key before.
pub fn next_key(row: &Row) -> Option<PublicKey> {
    // Most rows are told apart without reading them.
    if !std::str::from_utf8(row.record_json()).is_ok_and(|record| record.contains(MARK)) {
        return None;
    }
    match row.event().ok()?.record.fact {
        Fact::KeyChanged(fact) => agreed(row.author(), &fact),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use stempel_domain::event::Record;
    use stempel_domain::{EventRef, Moment};

    use super::*;
    use crate::Hash;

    fn row(author: AuthorId, fact: Fact) -> Row {
        let at: Moment =
            serde_json::from_str(r#"{"utc_ms":1,"offset_minutes":0,"day":"2026-06-02"}"#).unwrap();
        let record = Record { at, operator: None, fact };
        let place = EventRef { author, seq: 7 };
        Row::write(&SecretKey::from_bytes(&[1; 32]), place, Hash::NONE, &record).unwrap()
    }

    #[test]
    fn a_new_key_counts_where_it_has_agreed() {
        let (new, other) = (SecretKey::from_bytes(&[2; 32]), SecretKey::from_bytes(&[3; 32]));
        let (author, stranger) = (AuthorId([5; 16]), AuthorId([6; 16]));
        let good = fact(author, &new);
        assert_eq!(next_key(&row(author, good.clone())), Some(new.public()));
        assert_eq!(next_key(&row(stranger, good.clone())), None, "not for another author");
        let Fact::KeyChanged(mut changed) = good else { panic!() };
        changed.public_key = other.public().to_string();
        assert_eq!(next_key(&row(author, Fact::KeyChanged(changed))), None, "not another's key");
    }
}
