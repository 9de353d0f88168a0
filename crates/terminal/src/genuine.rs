//! The cards that were found genuine a moment ago.
//!
//! One card is asked about several times while it is at the counter: by the scanner, by the screen that greets its
//! owner, by the sale. Its signature is the dearest part of each of them, and verifying the same bytes under the same
//! keys again says nothing new.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use stempel_wire::token::{TokenError, Verified};

use crate::Terminal;
use crate::cards::CODE_LEN_MAX;

/// The most cards that are in mind: as many as can be at a counter at once.
const CARDS_MAX: usize = 8;

/// Texts that were verified, each with what they say. Whatever changes the keys empties it.
#[derive(Default)]
pub(crate) struct Genuine(Mutex<VecDeque<(String, Verified)>>);

impl Genuine {
    fn find(&self, text: &str) -> Option<Verified> {
        let cards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cards.iter().find(|(known, _)| known == text).map(|(_, verified)| verified.clone())
    }

    fn note(&self, text: &str, verified: &Verified) {
        let mut cards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cards.len() >= CARDS_MAX {
            cards.pop_front();
        }
        cards.push_back((text.to_owned(), verified.clone()));
    }

    pub(crate) fn forget(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Terminal {
    /// Whether a text is a genuine card of this programme, and what it says. A refusal is not kept in mind: the keys
    /// that are missing may come with the next exchange.
    pub(crate) fn genuine(&self, text: &str) -> Result<Verified, TokenError> {
        if let Some(verified) = self.genuine.find(text) {
            return Ok(verified);
        }
        let verified = self.card_keys.verify(text)?;
        if text.len() <= CODE_LEN_MAX {
            self.genuine.note(text, &verified);
        }
        Ok(verified)
    }
}

#[cfg(test)]
mod tests {
    use stempel_domain::CardId;

    use super::*;

    fn verified(card: u8) -> Verified {
        Verified { card: CardId([card; 8]), retired_key: false, shown: None }
    }

    #[test]
    fn a_few_cards_are_in_mind_and_the_oldest_goes_first() {
        let mut genuine = Genuine::default();
        for card in 0..=CARDS_MAX as u8 {
            genuine.note(&format!("card {card}"), &verified(card));
        }
        assert_eq!(genuine.find("card 0"), None, "it is verified anew");
        assert_eq!(genuine.find("card 1"), Some(verified(1)));
        assert_eq!(genuine.find("card 11"), None, "every byte counts");
        genuine.forget();
        assert_eq!(genuine.find("card 1"), None);
    }
}
