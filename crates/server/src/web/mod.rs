//! What all pages for people share: an answer in HTML with its headers, style sheets and scripts, the reader's
//! language.
//!
//! Pages are made on the server with `maud`, which escapes whatever is put in. They load nothing from elsewhere
//! and run no script that stands in the page itself; what a page may load is said in its headers.

use axum::extract::Path;
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, ETAG,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::Markup;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use crate::api::Route;
use crate::error::Error;
use crate::http::Failure;

/// What a page may load: from this server only, pictures also from the page itself.
pub(crate) const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; base-uri 'none'";

/// A file that pages load.
pub(crate) struct Asset {
    /// The last part of its address.
    pub(crate) name: &'static str,
    /// What kind of file it is.
    pub(crate) kind: &'static str,
    /// The file.
    pub(crate) bytes: &'static [u8],
}

/// Every file that pages load.
const ASSETS: [Asset; 4] = [
    Asset {
        name: "tokens.css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("../../assets/tokens.css"),
    },
    Asset {
        name: "dashboard.css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("../../assets/dashboard.css"),
    },
    Asset {
        name: "dashboard.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/dashboard.js"),
    },
    Asset {
        name: "passkey.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/passkey.js"),
    },
];

/// The cookie with the language that somebody chose.
pub(crate) const LANGUAGE_COOKIE: &str = "stempel-language";

pub(crate) fn routes() -> Vec<Route> {
    // A phone's line is slower than a server: files of pages are compressed harder than other answers.
    let smaller = CompressionLayer::new().quality(CompressionLevel::Default);
    vec![("/assets/{name}", get(asset).layer(smaller))]
}

/// A language that pages can be read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    /// German.
    De,
    /// English.
    #[default]
    En,
}

impl Language {
    /// The language that the reader chose on a page; else the browser's first choice of those that there are, by the
    /// order of the header: the browsers write their choices in falling order.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        match pairs.find(|(name, _)| *name == LANGUAGE_COOKIE) {
            Some((_, "de")) => return Self::De,
            Some((_, "en")) => return Self::En,
            _ => {}
        }
        let said = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut tags = said.split(',').map(|tag| tag.trim().to_ascii_lowercase());
        tags.find_map(|tag| match tag.get(..2) {
            Some("de") => Some(Self::De),
            Some("en") => Some(Self::En),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// The tag of the language for `lang`.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
        }
    }

    /// The one of two wordings that the reader understands.
    pub(crate) fn pick(self, english: &'static str, german: &'static str) -> &'static str {
        match self {
            Self::De => german,
            Self::En => english,
        }
    }
}

/// A page as an answer.
pub(crate) fn page(status: StatusCode, markup: Markup) -> Response {
    let mut response = (status, markup.into_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    response
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().chain(crate::card::ASSETS).find(|asset| asset.name == name) else {
        return Failure(Error::not_found("such file here")).into_response();
    };
    let hash = blake3::hash(asset.bytes).to_hex();
    let tag = format!("\"{}\"", &hash.as_str()[..16]);
    let known = headers.get("if-none-match").and_then(|value| value.to_str().ok()) == Some(tag.as_str());
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => asset.bytes.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}
