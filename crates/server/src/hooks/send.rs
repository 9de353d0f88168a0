//! One request to another system. It goes to addresses of the public network only, unless the settings allow others:
//! whoever may make a webhook must not reach what stands beside the server. The name is looked up once, and the
//! connection goes to an address that was looked at; redirects are not followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use data_encoding::HEXLOWER;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use ring::hmac;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::error::{Error, Result};

/// How long the whole request may take.
const TIME: Duration = Duration::from_secs(10);
/// The longest address, in bytes.
const URL_LEN_MAX: usize = 2000;

/// The certificates that this machine trusts.
static CLIENT: LazyLock<Option<TlsConnector>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
});

/// Where a webhook goes.
pub(super) struct Target {
    uri: Uri,
    host: String,
    port: u16,
    tls: bool,
    private: bool,
}

fn refused(detail: &str) -> Error {
    Error::refused("webhook-url", 422, "Nothing can be told there", detail)
}

impl Target {
    /// Reads an address. `private`: also plain http, and addresses of private networks.
    pub(super) fn parse(url: &str, private: bool) -> Result<Self> {
        let wrong =
            || refused("The address is one like https://example.org/path, without a name or password.");
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if private => false,
            Some("http") => return Err(refused("The address begins with https://.")),
            _ => return Err(wrong()),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let authority = authority.filter(|_| url.len() <= URL_LEN_MAX).ok_or_else(wrong)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        // A name is looked up each time; an address can be judged at once.
        if host.parse().is_ok_and(|address: IpAddr| !private && !is_public(address)) {
            return Err(refused("This address belongs to a private network."));
        }
        Ok(Self { uri, host, port, tls, private })
    }

    /// Posts a body and gives the answer's status; an error says in words why there was none.
    pub(super) async fn post(
        &self,
        secret: &[u8],
        number: u64,
        now_ms: i64,
        body: &str,
    ) -> std::result::Result<u16, String> {
        match tokio::time::timeout(TIME, self.post_now(secret, number, now_ms, body)).await {
            Ok(done) => done,
            Err(_) => Err(format!("no answer within {} seconds", TIME.as_secs())),
        }
    }

    async fn post_now(
        &self,
        secret: &[u8],
        number: u64,
        now_ms: i64,
        body: &str,
    ) -> std::result::Result<u16, String> {
        let stream = TcpStream::connect(self.address().await?).await.map_err(|error| error.to_string())?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.path_and_query().map_or("/", |path| path.as_str()))
            .header("host", self.uri.authority().map_or("", |authority| authority.as_str()))
            .header("content-type", "application/json")
            .header("user-agent", "stempel-webhook")
            .header("connection", "close")
            .header("stempel-delivery", number)
            .header("stempel-signature", signature(secret, now_ms, body))
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .map_err(|error| error.to_string())?;
        if !self.tls {
            return answer(stream, request).await;
        }
        let client = CLIENT.as_ref().ok_or("TLS is not to be had on this machine")?;
        let name = ServerName::try_from(self.host.clone()).map_err(|error| error.to_string())?;
        answer(client.connect(name, stream).await.map_err(|error| error.to_string())?, request).await
    }

    /// The address to connect to: the first of the name's that may be reached.
    async fn address(&self) -> std::result::Result<SocketAddr, String> {
        let found = tokio::net::lookup_host((&self.host[..], self.port)).await;
        let mut found = found.map_err(|error| error.to_string())?;
        found
            .find(|address| self.private || is_public(address.ip()))
            .ok_or_else(|| "the name leads into a private network".to_owned())
    }
}

async fn answer<S>(stream: S, request: Request<Full<Bytes>>) -> std::result::Result<u16, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    // What stands in the answer's body is of no interest.
    connection.abort();
    Ok(answer.map_err(|error| error.to_string())?.status().as_u16())
}

/// Signs a delivery with the moment, so that an old one cannot be shown again as new.
fn signature(secret: &[u8], now_ms: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mac = hmac::sign(&key, format!("{now_ms}.{body}").as_bytes());
    format!("t={now_ms},v1={}", HEXLOWER.encode(mac.as_ref()))
}

/// Whether an address is one of the public network.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let assigned = a == 192 && b == 0 && c == 0;
    let benchmarks = a == 198 && (18..20).contains(&b);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || shared
        || assigned
        || benchmarks
        || a == 0
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let segments = address.segments();
    // Global unicast is 2000::/3; of it not documentation, and not what leads on to an address of version 4.
    let global = segments[0] & 0xe000 == 0x2000;
    let documentation = segments[0] == 0x2001 && segments[1] == 0x0db8 || segments[0] == 0x3fff;
    let tunnelled = segments[0] == 0x2002 || segments[0] == 0x2001 && segments[1] < 0x0200;
    global && !documentation && !tunnelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_into_private_networks() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.8",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!is_public(private.parse().unwrap_or(IpAddr::V4(Ipv4Addr::BROADCAST))), "{private}");
        }
        for public in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1"] {
            assert!(public.parse().is_ok_and(is_public), "{public}");
        }
    }

    #[test]
    fn an_address_is_https_with_a_host_and_nothing_secret() {
        for good in ["https://example.org", "https://example.org:8443/a?b=c", "https://[2a00:1450::1]/"] {
            assert!(Target::parse(good, false).is_ok(), "{good}");
        }
        for bad in [
            "",
            "example.org",
            "http://example.org/",
            "ftp://example.org",
            "https://",
            "https://a:b@example.org/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://192.168.0.1:9000/x",
            "file:///etc/passwd",
        ] {
            assert!(Target::parse(bad, false).is_err(), "{bad}");
        }
        assert!(Target::parse("http://127.0.0.1:8000/", true).is_ok());
    }

    #[test]
    fn the_signature_is_an_hmac_of_moment_and_body() {
        // As `printf '1000.{}' | openssl dgst -sha256 -hmac key` says.
        let said = signature(b"key", 1000, "{}");
        assert_eq!(said, "t=1000,v1=c32de42341dece79a1511c9e7f74a2734112edcfcf48943c976faf07047065db");
        assert_ne!(said, signature(b"key", 1001, "{}"));
        assert_ne!(said, signature(b"kez", 1000, "{}"));
    }
}
