//! A second copy of rows that wait, on a stick or in another folder: sealed so that the server alone opens it.
//!
//! The file begins with `STEMPEL2`; then come frames ([`crate::frame`]), one for each time that rows were added. What was
//! cut off at its end when the power went is passed over. A frame:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | version, 1 |
//! | 1 | 16 | the device whose rows they are |
//! | 17 | 32 | a public key that was made for this frame alone (Ed25519) |
//! | 49 | – | the body of a push, XChaCha20-Poly1305, nonce zero; associated data: `stempel second copy v1` ‖ the 49 bytes before |
//!
//! The key is BLAKE3 (context `stempel second copy v1`) over the shared secret of both keys on the Montgomery form of the
//! curve, then the frame's public key, then the server's.

use stempel_domain::AuthorId;
use stempel_domain::ports::Entropy;

use crate::wrap::{open_once, seal_once};
use crate::{PublicKey, SecretKey, frame};

const CONTEXT: &str = "stempel second copy v1";
const MAGIC: &[u8; 8] = b"STEMPEL2";
const VERSION: u8 = 1;
const HEAD_LEN: usize = 1 + 16 + 32;

/// Why a second copy does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// Another kind of file.
    #[error("this is not the second copy of a terminal")]
    NotACopy,
    /// Sealed for another server, or changed.
    #[error("the second copy was made for another server, or is damaged")]
    Sealed,
}

/// How the file begins.
pub fn beginning() -> Vec<u8> {
    MAGIC.to_vec()
}

/// Seals the body of a push for a server.
pub fn seal(
    server: &PublicKey,
    device: AuthorId,
    body: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, CopyError> {
    let once = SecretKey::generate(entropy);
    let mut frame = [&[VERSION][..], &device.0, once.public().as_bytes()].concat();
    let key = key_of(&once.shared(server), &once.public(), server);
    let aad = [CONTEXT.as_bytes(), &frame].concat();
    let sealed = seal_once(&key, &aad, body).map_err(|_| CopyError::Sealed)?;
    frame.extend_from_slice(&sealed);
    Ok(frame)
}

/// Opens a frame with the server's key, and says whose rows it holds.
pub fn open(server: &SecretKey, frame: &[u8]) -> Result<(AuthorId, Vec<u8>), CopyError> {
    let device = device_of(frame)?;
    let (head, sealed) = frame.split_at_checked(HEAD_LEN).ok_or(CopyError::NotACopy)?;
    let once = PublicKey::from_slice(&head[17..]).map_err(|_| CopyError::Sealed)?;
    let key = key_of(&server.shared(&once), &once, &server.public());
    let aad = [CONTEXT.as_bytes(), head].concat();
    let body = open_once(&key, &aad, sealed).map_err(|_| CopyError::Sealed)?;
    Ok((device, body))
}

/// Whose rows a frame says that it holds; only the server can tell whether it does.
pub fn device_of(frame: &[u8]) -> Result<AuthorId, CopyError> {
    let device = frame.get(1..17).filter(|_| frame.len() >= HEAD_LEN && frame[0] == VERSION);
    device.and_then(AuthorId::from_slice).ok_or(CopyError::NotACopy)
}

fn key_of(shared: &[u8; 32], once: &PublicKey, server: &PublicKey) -> [u8; 32] {
    blake3::derive_key(CONTEXT, &[&shared[..], once.as_bytes(), server.as_bytes()].concat())
}

/// The frames of a file, as far as they are whole.
pub fn frames(file: &[u8]) -> Result<Vec<&[u8]>, CopyError> {
    let mut rest = file.strip_prefix(MAGIC).ok_or(CopyError::NotACopy)?;
    let mut frames = Vec::new();
    while let Some((frame, behind)) = frame::next(rest) {
        frames.push(frame);
        rest = behind;
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counting;

    #[test]
    fn the_server_alone_opens_what_was_sealed_for_it() {
        let (server, other) = (SecretKey::from_bytes(&[1; 32]), SecretKey::from_bytes(&[2; 32]));
        let device = AuthorId([7; 16]);
        let sealed = seal(&server.public(), device, b"rows of Ada", &mut Counting(3)).unwrap();
        assert!(!sealed.windows(3).any(|window| window == b"Ada"));
        assert_eq!(open(&server, &sealed), Ok((device, b"rows of Ada".to_vec())));
        assert_eq!(open(&other, &sealed), Err(CopyError::Sealed));
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(open(&server, &damaged).is_err(), "byte {at}");
            assert!(open(&server, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn what_was_cut_off_at_the_end_of_the_file_is_passed_over() {
        let mut file = beginning();
        frame::push(&mut file, b"one");
        frame::push(&mut file, b"two");
        for cut in 0..7 {
            assert_eq!(
                frames(&file[..file.len() - cut]).unwrap(),
                if cut == 0 { vec![&b"one"[..], b"two"] } else { vec![&b"one"[..]] }
            );
        }
        assert_eq!(frames(b"SQLite format 3"), Err(CopyError::NotACopy));
        assert_eq!(frames(b"STEMPEL2"), Ok(vec![]));
    }
}
