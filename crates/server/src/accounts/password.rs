//! Passwords: argon2id, by the parameters that its authors recommend (19 MiB, two passes).

use argon2::Argon2;
use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use tokio::sync::Semaphore;

use crate::config::Secret;
use crate::error::{Error, Result};

/// The shortest password, in characters.
pub(crate) const CHARS_MIN: usize = 10;
/// The longest, in bytes.
pub(crate) const LEN_MAX: usize = 256;

/// Checks that a password can be one.
pub(super) fn check(password: &Secret) -> Result<()> {
    let text = password.reveal();
    if text.chars().count() < CHARS_MIN || text.len() > LEN_MAX {
        return Err(Error::refused(
            "password-weak",
            422,
            "This password is not taken",
            format!("A password has at least {CHARS_MIN} characters; a sentence that only you know is good."),
        ));
    }
    Ok(())
}

/// The hash of a password. It takes its time: not for a thread that serves others.
pub(super) fn hash(password: &Secret, salt: [u8; 16]) -> Result<String> {
    let hash = Argon2::default().hash_password_with_salt(password.reveal().as_bytes(), &salt);
    Ok(hash.map_err(|error| Error::Damaged(format!("a password could not be hashed: {error}")))?.to_string())
}

/// Whether a password is the one that was hashed. Without a hash it takes as long, and is not.
pub(super) fn is(password: &Secret, hash: Option<&str>) -> bool {
    let Some(hash) = hash else {
        let _ = self::hash(password, [0; 16]);
        return false;
    };
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    Argon2::default().verify_password(password.reveal().as_bytes(), &hash).is_ok()
}

/// Passwords worked on at once: each takes 19 MiB.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// Runs slow work beside the threads that serve others, a few at a time.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _turn = AT_ONCE.acquire().await.map_err(|error| Error::Damaged(error.to_string()))?;
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Damaged(error.to_string()))
}
