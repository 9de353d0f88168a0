//! Who looks at a page, in which language, and what a form brought.
//!
//! A form is sent with the session's token, so that no other site can send it. A form that arrives after its session
//! has ended is not lost: the page to sign in takes it along, and puts it back into the form's page afterwards.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use stempel_domain::{ShopId, TenantId};
use stempel_wire::message::Shop;
use stempel_wire::wrap;

use super::trouble::Trouble;
use super::{HOME, entry, upload};
use crate::accounts::http::{is_https, token};
use crate::accounts::sessions::{Session, csrf};
use crate::api::access::{Principal, Scope};
use crate::db::values;
use crate::error::{Error, Result};
use crate::http::{Http, read_body};
use crate::server::Server;
use crate::web::Language;

/// The longest form, in bytes: a list of a few thousand members fits.
const FORM_LEN_MAX: usize = 1024 * 1024;
/// The most fields of a form.
const FIELDS_MAX: usize = 5000;
/// The longest form that is kept while somebody signs in, in bytes.
const DRAFT_LEN_MAX: usize = 128 * 1024;
/// How long it is kept, in milliseconds.
const DRAFT_MS: i64 = 60 * 60 * 1000;
/// Bytes of the name under which it is kept; the key that opens it follows in the address.
const DRAFT_ID_LEN: usize = 16;
/// What a kept form is sealed as.
const DRAFT: &[u8] = b"stempel kept form v1";
/// Fields that are never kept.
const NEVER_KEPT: [&str; 5] = ["csrf", "password", "code", "ticket", "passkey"];

/// The values of a form, or of an address's query.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values(pub(crate) Vec<(String, String)>);

impl Values {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(bytes).take(FIELDS_MAX);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The first value of a name, without blanks around it; empty if there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    /// The first value of a name, if the form has one.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// Every value of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values that may be kept while somebody signs in.
    pub(crate) fn kept(&self) -> Vec<&(String, String)> {
        let kept =
            self.0.iter().filter(|(name, _)| !NEVER_KEPT.contains(&&name[..]) && !name.starts_with("kept."));
        let kept: Vec<_> = kept.collect();
        let length: usize = kept.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        if length > DRAFT_LEN_MAX { Vec::new() } else { kept }
    }
}

/// An address within the dashboard, and nothing else: nobody is sent elsewhere by a link.
pub(crate) fn inside(path: &str) -> &str {
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let within = path == HOME || path.starts_with("/dashboard/") || path.starts_with("/dashboard?");
    if plain && within && !path.contains("//") && !path.contains("..") { path } else { HOME }
}

/// Somebody who is signed in.
pub(crate) struct Visitor {
    pub http: Arc<Http>,
    /// The server, acting for whoever looks.
    pub server: Server,
    pub session: Session,
    pub language: Language,
    /// The token that a form has to bring.
    pub csrf: String,
    /// The address that was asked for, without its query.
    pub path: String,
    pub query: Values,
    /// The name under which the browser reached this server.
    pub host: String,
    /// What was typed into this page's form before a session ended.
    pub draft: Option<Values>,
}

impl Visitor {
    /// The one of two wordings that the reader understands.
    pub(crate) fn say(&self, english: &'static str, german: &'static str) -> &'static str {
        self.language.pick(english, german)
    }

    /// The address under which people reach this server: the one in the settings, else the one that was asked for.
    pub(crate) fn address(&self) -> String {
        let options = &self.http.options;
        if let Some(url) = &options.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let scheme = if is_https(&self.http) { "https" } else { "http" };
        format!("{scheme}://{}", self.host)
    }

    /// The time zone in which times are written where no shop is named: that of the first shop.
    pub(crate) async fn zone(&self) -> crate::error::Result<String> {
        let shops = self.server.shops(self.tenant()).await?;
        Ok(shops.into_iter().next().map(|shop| shop.zone).unwrap_or_default())
    }

    pub(crate) fn tenant(&self) -> TenantId {
        self.session.principal.tenant
    }

    pub(crate) fn principal(&self) -> &Principal {
        &self.session.principal
    }

    /// Whether something is allowed at some shop.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.principal().may(scope).is_ok()
    }

    /// Whether something is allowed at every shop.
    pub(crate) fn may_everywhere(&self, scope: Scope) -> bool {
        self.principal().may_everywhere(scope).is_ok()
    }

    /// The shops at which something is allowed, oldest first.
    pub(crate) async fn shops(&self, scope: Scope) -> Result<Vec<Shop>> {
        let allowed = self.principal().shops(scope);
        let mut shops = self.server.shops(self.tenant()).await?;
        shops.retain(|shop| allowed.as_ref().is_none_or(|allowed| allowed.contains(&shop.id)));
        Ok(shops)
    }

    /// Whether somebody sees what happened at a shop; none: at the server itself.
    pub(crate) fn sees(&self, shop: Option<ShopId>) -> bool {
        match (self.principal().shops(Scope::Read), shop) {
            (None, _) => true,
            (Some(seen), Some(shop)) => seen.contains(&shop),
            (Some(_), None) => false,
        }
    }

    async fn of(parts: &Parts, http: &Arc<Http>) -> Result<Self> {
        let ended = || Error::refused("session", 401, "You are not signed in", "Sign in again.");
        let token = token(http, &parts.headers).ok_or_else(ended)?;
        let session = http.server.session(token).await.map_err(|error| match error {
            // A tenant that is not here is not told from a session that is not known.
            Error::Refused(refusal) if refusal.status == 404 => ended(),
            error => error,
        })?;
        let query = Values::read(parts.uri.query().unwrap_or_default().as_bytes());
        let server = http.server.acting(session.principal.actor.clone());
        let mut visitor = Self {
            http: Arc::clone(http),
            server,
            language: Language::of(&parts.headers),
            csrf: csrf(token),
            path: parts.uri.path().to_owned(),
            query,
            host: parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned(),
            draft: None,
            session,
        };
        visitor.draft = visitor.read_draft().await?;
        Ok(visitor)
    }

    async fn read_draft(&self) -> Result<Option<Values>> {
        let Some(id) = self.query.given("draft") else { return Ok(None) };
        let Ok(mark) = data_encoding::HEXLOWER.decode(id.as_bytes()) else { return Ok(None) };
        let Some((id, key)) = mark.split_first_chunk::<DRAFT_ID_LEN>() else { return Ok(None) };
        let Ok(key) = key.try_into() else { return Ok(None) };
        let mut tx = self.server.read_of(self.tenant()).await?;
        let row = tx
            .row(
                "SELECT page, body FROM draft
                 WHERE tenant = $1 AND id = $2 AND account = $3 AND saved_ms > $4",
                values![self.tenant(), &id[..], &self.session.account[..], self.server.now_ms() - DRAFT_MS],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (page, body) = (row.text(0)?, row.text(1)?);
        if page.split('?').next() != Some(&self.path) {
            return Ok(None);
        }
        let sealed = data_encoding::BASE64.decode(body.as_bytes()).unwrap_or_default();
        // What an earlier version kept in clear is lost with its hour.
        let Ok(text) = wrap::open_once(key, DRAFT, &sealed) else { return Ok(None) };
        Ok(Some(Values(serde_json::from_slice(&text)?)))
    }
}

/// Keeps what was typed for the account that has just signed in, and gives the address that shows it. What is kept is
/// sealed under a key that stands in that address alone: a form may hold somebody's name, and neither the database nor a
/// copy of it tells.
pub(crate) async fn keep_draft(http: &Http, token: &str, page: &str, kept: &Values) -> Result<String> {
    let session = http.server.session(token).await?;
    let (server, tenant) = (&http.server, session.principal.tenant);
    let (id, key): ([u8; DRAFT_ID_LEN], [u8; 32]) = (server.random(), server.random());
    let now_ms = server.now_ms();
    let sealed = wrap::seal_once(&key, DRAFT, &serde_json::to_vec(&kept.0)?)
        .map_err(|error| Error::Damaged(error.to_string()))?;
    let mut tx = server.write_of(tenant).await?;
    tx.execute("DELETE FROM draft WHERE tenant = $1 AND saved_ms < $2", values![tenant, now_ms - DRAFT_MS])
        .await?;
    tx.execute(
        "INSERT INTO draft (tenant, id, account, page, body, saved_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        values![tenant, &id[..], &session.account[..], page, data_encoding::BASE64.encode(&sealed), now_ms],
    )
    .await?;
    tx.commit().await?;
    let (mark, name) = (if page.contains('?') { '&' } else { '?' }, [&id[..], &key].concat());
    Ok(format!("{page}{mark}draft={}", data_encoding::HEXLOWER.encode(&name)))
}

/// Whether the request comes from a page of this server, as far as the browser says.
pub(crate) fn own_site(headers: &HeaderMap) -> Result<()> {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok()).unwrap_or("same-origin");
    if matches!(site, "same-origin" | "none") {
        return Ok(());
    }
    Err(Error::refused("csrf", 403, "Another site asks", "Open this page here and try again."))
}

impl FromRequestParts<Arc<Http>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, http: &Arc<Http>) -> Result<Self, Response> {
        match Self::of(parts, http).await {
            Ok(visitor) => Ok(visitor),
            Err(error) if parts.method == Method::GET && error.problem().status == 401 => {
                let to = parts.uri.path_and_query().map_or(HOME, |path| inside(path.as_str()));
                let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
                Err(Redirect::to(&format!("/dashboard/sign-in?to={to}")).into_response())
            }
            Err(error) => Err(Trouble(error).into_response()),
        }
    }
}

/// A form that was sent by somebody who is signed in.
pub(crate) struct Sent(pub(crate) Visitor, pub(crate) Values);

impl FromRequest<Arc<Http>> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, http: &Arc<Http>) -> Result<Self, Response> {
        let (visitor, values, _) = received(request, http, false).await?;
        Ok(Self(visitor, values))
    }
}

/// A form with a file in it.
pub(crate) struct SentFile(pub(crate) Visitor, pub(crate) Values, pub(crate) Vec<u8>);

impl FromRequest<Arc<Http>> for SentFile {
    type Rejection = Response;

    async fn from_request(request: Request, http: &Arc<Http>) -> Result<Self, Response> {
        let (visitor, values, file) = received(request, http, true).await?;
        Ok(Self(visitor, values, file))
    }
}

async fn received(
    request: Request,
    http: &Arc<Http>,
    with_file: bool,
) -> Result<(Visitor, Values, Vec<u8>), Response> {
    let trouble = |error: Error| Trouble(error).into_response();
    own_site(request.headers()).map_err(trouble)?;
    let (parts, values, file) = match with_file {
        true => upload::form(request, http).await.map_err(trouble)?,
        false => {
            let (parts, values) = form(request, http).await.map_err(trouble)?;
            (parts, values, Vec::new())
        }
    };
    match Visitor::of(&parts, http).await {
        Ok(visitor) if same(values.get("csrf"), &visitor.csrf) => Ok((visitor, values, file)),
        // Somebody has signed in anew in another window: this page's token is the earlier session's.
        Ok(_) => Err(stale(http, &parts, &values).await.unwrap_or_else(trouble)),
        Err(error) if error.problem().status == 401 => Err(entry::again(http, &parts, &values)),
        Err(error) => Err(trouble(error)),
    }
}

/// Shows a form again that was made for an earlier session, with what was typed.
async fn stale(http: &Http, parts: &Parts, values: &Values) -> Result<Response> {
    let page = inside(values.given("page").unwrap_or_else(|| parts.uri.path()));
    let kept = Values(values.kept().into_iter().cloned().collect());
    let token = token(http, &parts.headers).unwrap_or_default();
    Ok(Redirect::to(&keep_draft(http, token, page, &kept).await?).into_response())
}

/// Compares without telling by the time it takes.
fn same(shown: &str, wanted: &str) -> bool {
    blake3::hash(shown.as_bytes()) == blake3::hash(wanted.as_bytes())
}

/// Reads a form.
pub(crate) async fn form(request: Request, http: &Http) -> Result<(Parts, Values)> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Error::refused(
            "content-type",
            415,
            "This is not a form",
            "Send it from the page itself.",
        ));
    }
    let bytes = read_body(http, &parts.headers, body, FORM_LEN_MAX).await?;
    Ok((parts, Values::read(&bytes)))
}

/// Goes on to another page after something was done. `done` names what is said there.
pub(crate) fn on(to: &str, done: &str) -> Response {
    let (page, place) = to.split_once('#').map_or((to, ""), |(page, place)| (page, place));
    let mark = if page.contains('?') { '&' } else { '?' };
    let place = if place.is_empty() { String::new() } else { format!("#{place}") };
    let mut response = Redirect::to(&format!("{page}{mark}done={done}{place}")).into_response();
    *response.status_mut() = StatusCode::SEE_OTHER;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for good in ["/dashboard", "/dashboard/members?find=ada", "/dashboard?done=x"] {
            assert_eq!(inside(good), good);
        }
        for bad in [
            "//evil.example",
            "/dashboard//x",
            "https://evil.example/dashboard",
            "/dashboards",
            "",
            "/dashboard/../x",
            "/dashboard/\\x",
        ] {
            assert_eq!(inside(bad), HOME, "{bad}");
        }
    }

    #[test]
    fn passwords_and_tokens_are_not_kept() {
        let values = Values::read(b"csrf=a&password=b&code=c&name=%C3%84da+B&kept.to=x");
        assert_eq!(values.kept(), [&("name".to_owned(), "Äda B".to_owned())]);
        assert_eq!((values.get("name"), values.get("none")), ("Äda B", ""));
        assert!(Values(vec![("a".into(), "x".repeat(DRAFT_LEN_MAX))]).kept().is_empty());
    }
}
