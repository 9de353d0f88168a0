//! Frames: several byte strings in one body, each with its length before it (four bytes, big-endian).

/// A body whose frames do not fit its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is cut off or its parts do not fit its length")]
pub struct FrameError;

/// Appends one frame.
pub fn push(body: &mut Vec<u8>, frame: &[u8]) {
    body.extend_from_slice(&(frame.len() as u32).to_be_bytes());
    body.extend_from_slice(frame);
}

/// The first frame of a body, and what stands behind it. None: there is no whole one.
pub fn next(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = body.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// Takes a body apart. The frames borrow from it, so nothing is copied and nothing grows.
pub fn split(mut body: &[u8]) -> Result<Vec<&[u8]>, FrameError> {
    let mut frames = Vec::new();
    while !body.is_empty() {
        let (frame, rest) = next(body).ok_or(FrameError)?;
        frames.push(frame);
        body = rest;
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_come_back(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..8)) {
            let mut body = Vec::new();
            for frame in &frames {
                push(&mut body, frame);
            }
            prop_assert_eq!(split(&body).unwrap(), frames);
        }

        #[test]
        fn any_bytes_are_taken_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = split(&body);
        }
    }
}
