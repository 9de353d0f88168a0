//! The keys with which a device signs its requests.
//!
//! A device that has changed its key does not know whether the server has heard of it: the news travels in the journal. It
//! signs with its newest key, and where the server knows another one, with one that it had before.

use std::sync::{Arc, PoisonError, RwLock};

use stempel_wire::SecretKey;

/// A device's keys, the newest first. Cloning gives the same ones: who holds a line hears of a change.
#[derive(Debug, Clone)]
pub struct Keys(Arc<RwLock<Vec<Arc<SecretKey>>>>);

impl From<Arc<SecretKey>> for Keys {
    fn from(key: Arc<SecretKey>) -> Self {
        Self(Arc::new(RwLock::new(vec![key])))
    }
}

impl Keys {
    /// Keys, the newest first.
    pub fn new(keys: Vec<Arc<SecretKey>>) -> Self {
        Self(Arc::new(RwLock::new(keys)))
    }

    /// Puts a newer key before the others.
    pub fn change(&self, newest: Arc<SecretKey>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(0, newest);
    }

    /// All of them, the newest first.
    pub(crate) fn all(&self) -> Vec<Arc<SecretKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
