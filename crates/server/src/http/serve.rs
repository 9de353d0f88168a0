//! Connections: accepting them, TLS, the bounds on slow clients, and the end of the server.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;

use super::{Http, Options, Peer, router_of};
use crate::attempts;
use crate::dashboard;
use crate::error::{Error, Result};
use crate::server::Server;
use crate::silence;
use crate::tls::Tls;

/// Connections at once: every device may wait for changes, and some more.
const CONNECTIONS_MAX: usize = 8192;
/// How long a client may take for the handshake of TLS.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long a client may leave an answer unread.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// The most headers, and the most bytes of them.
const HEADERS_MAX: usize = 64;
const HEAD_LEN_MAX: usize = 32 * 1024;
/// How often the server looks for what other processes wrote.
const FOREIGN_WRITES: Duration = Duration::from_millis(500);
/// How often the server looks for a new certificate.
const CERTIFICATES: Duration = Duration::from_secs(10);
/// How long the server waits for requests to end when it stops.
const GRACE: Duration = Duration::from_secs(10);

/// Opens the door. Plain http goes to this machine alone, unless a proxy with TLS stands before it.
pub async fn listen(address: &str, behind_proxy: bool) -> Result<TcpListener> {
    let wrong = |detail: String| Error::refused("listen", 400, "The server cannot listen there", detail);
    let parsed: SocketAddr = address
        .parse()
        .map_err(|_| wrong(format!("“{address}” is not an address; write it like 127.0.0.1:8080.")))?;
    if !parsed.ip().is_loopback() && !behind_proxy {
        return Err(wrong(format!(
            "{address} can be reached from outside, and plain http would show everything on its way. Listen on \
             127.0.0.1, give the server a certificate (--tls-certificate, --tls-key), or put a proxy with TLS \
             before it and say --behind-proxy if the proxy is another machine."
        )));
    }
    TcpListener::bind(parsed).await.map_err(Error::io(format!("cannot listen on {address}")))
}

/// Serves until `shutdown` comes, then finishes what was begun.
pub async fn serve(
    server: Server,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    serve_with(server, listener, Options::default(), shutdown).await
}

/// As [`serve`], with options.
pub async fn serve_with(
    server: Server,
    listener: TcpListener,
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let watcher = tokio::spawn(watch_foreign_writes(server.clone()));
    let worker = tokio::spawn(server.clone().work_until_stopped());
    let teller = tokio::spawn(server.clone().hooks_tell_until_stopped(options.webhooks_private));
    let tls = options.tls.clone();
    let renewer = tls.clone().map(|tls| tokio::spawn(watch_certificate(tls)));
    let header_time = options.header_time;
    let http = Arc::new(Http::new(server.clone(), options));
    let listener_of_silence = tokio::spawn(silence::watch(Arc::clone(&http)));
    let hearing = Arc::clone(&http);
    let hearing = tokio::spawn(async move { hearing.relay.hear(&hearing.server).await });
    let forgetting = tokio::spawn(dashboard::forget_until_stopped(Arc::clone(&http)));
    let process = server.random();
    // A full disk is no reason not to serve.
    if let Err(error) = attempts::take_up(&http).await {
        tracing::warn!(%error, "could not take up how often was tried before");
    }
    let counter = tokio::spawn(attempts::keep(Arc::clone(&http), process));
    let router = router_of(Arc::clone(&http));
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        // Who comes when there is no room waits in the system's queue.
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit,
            () = &mut shutdown => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of files, or a client that left at once: others are still served.
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let connection = Connection {
            peer,
            tls: tls.clone(),
            header_time,
            router: router.clone(),
            watcher: graceful.watcher(),
        };
        let http = Arc::clone(&http);
        tokio::spawn(async move {
            http.metrics.connection(1);
            connection.run(stream).await;
            http.metrics.connection(-1);
            drop(permit);
        });
    }
    drop(listener);
    server.stop_waiting();
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time; they are broken off");
    }
    watcher.abort();
    listener_of_silence.abort();
    hearing.abort();
    forgetting.abort();
    counter.abort();
    attempts::write_down(&http, process).await;
    // What was told and not noted is told once more, under the same number.
    if tokio::time::timeout(GRACE, teller).await.is_err() {
        tracing::warn!("a webhook's answer was not waited for; it is told again");
    }
    // What it has begun is one transaction: done, or as if it had not begun.
    if tokio::time::timeout(GRACE, worker).await.is_err() {
        tracing::warn!("a job was broken off; another server does it, or this one at its next start");
    }
    if let Some(renewer) = renewer {
        renewer.abort();
    }
    Ok(())
}

async fn watch_foreign_writes(server: Server) {
    let mut ticks = tokio::time::interval(FOREIGN_WRITES);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        if let Err(error) = server.notice_foreign_writes().await {
            tracing::warn!(%error, "could not look for changes by other processes");
        }
    }
}

async fn watch_certificate(tls: Arc<Tls>) {
    let mut ticks = tokio::time::interval(CERTIFICATES);
    loop {
        ticks.tick().await;
        tls.look_again();
    }
}

/// One client's connection.
struct Connection {
    peer: SocketAddr,
    tls: Option<Arc<Tls>>,
    header_time: Duration,
    router: Router,
    watcher: Watcher,
}

impl Connection {
    async fn run(self, stream: TcpStream) {
        // Answers are short: none of them should wait for more to send.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return self.answer(stream).await };
        let handshake = TlsAcceptor::from(tls.current()).accept(stream);
        match tokio::time::timeout(HANDSHAKE_TIME, handshake).await {
            Ok(Ok(stream)) => self.answer(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
            Err(_) => tracing::debug!("a handshake took too long"),
        }
    }

    async fn answer(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let peer = Peer(canonical(self.peer.ip()));
        let inner = TowerToHyperService::new(self.router);
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            hyper::service::Service::call(&inner, request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_time)
            .max_headers(HEADERS_MAX)
            .max_header_size(HEAD_LEN_MAX)
            .serve_connection(TokioIo::new(Impatient::new(stream)), service);
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// An IPv4 address stays one when it arrives through a socket for both.
fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, |v4: Ipv4Addr| IpAddr::V4(v4)),
        IpAddr::V4(_) => address,
    }
}

/// A stream that gives up on a client who does not read.
struct Impatient<S> {
    stream: S,
    /// Runs while something waits to be written.
    patience: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    fn new(stream: S) -> Self {
        Self { stream, patience: None }
    }

    fn waits<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.patience = None;
            return polled;
        }
        let patience = self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(WRITE_TIME)));
        ready!(patience.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.waits(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.waits(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        self.waits(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.waits(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
