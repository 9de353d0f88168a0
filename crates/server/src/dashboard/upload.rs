//! Forms with a file in them (`multipart/form-data`, RFC 7578), read whole within their bounds.

use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;

use super::visitor::Values;
use crate::error::{Error, Result};
use crate::http::{Http, read_body};
use crate::picture::FILE_LEN_MAX;

/// What stands around the file: boundaries, the token, the page.
const BESIDE_LEN_MAX: usize = 16 * 1024;
/// The most parts of a form.
const PARTS_MAX: usize = 20;
/// The longest boundary, by the standard.
const BOUNDARY_LEN_MAX: usize = 70;

/// Reads a form with one file at most: its values and the file, which is empty where none was chosen.
pub(super) async fn form(request: Request, http: &Http) -> Result<(Parts, Values, Vec<u8>)> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let not_one = || {
        Error::refused("content-type", 415, "This is not a form with a file", "Send it from the page itself.")
    };
    let boundary = boundary(kind).ok_or_else(not_one)?.to_owned();
    let bytes = read_body(http, &parts.headers, body, FILE_LEN_MAX + BESIDE_LEN_MAX).await?;
    let (values, file) = split(&bytes, &boundary).ok_or_else(not_one)?;
    Ok((parts, values, file))
}

fn boundary(kind: &str) -> Option<&str> {
    let rest = kind.strip_prefix("multipart/form-data")?;
    let named = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    let named = named.trim_matches('"');
    (!named.is_empty() && named.len() <= BOUNDARY_LEN_MAX).then_some(named)
}

/// The values and the file of a body; none if it is not whole.
fn split(body: &[u8], boundary: &str) -> Option<(Values, Vec<u8>)> {
    let (first, next) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
    let mut rest = body.strip_prefix(first.as_bytes())?;
    let (mut values, mut file) = (Vec::new(), Vec::new());
    for _ in 0..PARTS_MAX {
        if rest.starts_with(b"--") {
            return Some((Values(values), file));
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let (head, after) = cut(rest, b"\r\n\r\n")?;
        let (content, after) = cut(after, next.as_bytes())?;
        let head = std::str::from_utf8(head).ok()?;
        let name = parameter(head, "name")?;
        if parameter(head, "filename").is_some() {
            file = content.to_vec();
        } else {
            values.push((name.to_owned(), String::from_utf8_lossy(content).into_owned()));
        }
        rest = after;
    }
    None
}

/// What stands before a mark, and what after it.
fn cut<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|part| part == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}

/// A parameter of the line that says what a part is.
fn parameter<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let line = head.split("\r\n").find(|line| {
        line.get(..20).is_some_and(|begin| begin.eq_ignore_ascii_case("content-disposition:"))
    })?;
    line.split(';')
        .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        .map(|value| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

    use proptest::prelude::*;

    use super::*;

    const BODY: &[u8] = b"--x1\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n--x1\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a; name=b.png\"\r\nContent-Type: image/png\r\n\r\n\
        \x89PNG\r\n--x\r\n\x00\r\n--x1--\r\n";

    #[test]
    fn values_and_the_file_are_told_apart() {
        let (values, file) = split(BODY, "x1").unwrap();
        assert_eq!(values.get("csrf"), "abc");
        assert_eq!(file, b"\x89PNG\r\n--x\r\n\x00");
        assert_eq!(boundary("multipart/form-data; boundary=\"x1\""), Some("x1"));
        for bad in ["multipart/form-data", "multipart/form-data; boundary=", "application/json; boundary=a"] {
            assert_eq!(boundary(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_was_cut_off_is_taken(length in 0..BODY.len() - 4) {
            prop_assert!(split(&BODY[..length], "x1").is_none());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, boundary in "[a-z]{1,3}") {
            let _ = split(&[format!("--{boundary}\r\n").as_bytes(), &bytes].concat(), &boundary);
        }
    }
}
