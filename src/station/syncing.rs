//! The thread that keeps terminal and server in agreement, and what it tells the screen.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use stempel_domain::ports::{Clock, draw};
use stempel_domain::rules::Language;
use stempel_sync::Backoff;
use stempel_sync::http::Http;
use stempel_terminal::exchange::exchange;
use stempel_terminal::handle::Handle;
use stempel_terminal::{Terminal, TerminalError};

use super::moment;
use crate::controllers::{SyncReport, SyncState};
use crate::edge::SystemEntropy;

/// How often a terminal that is online looks for news when nothing happens here.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What the sync thread knows of the connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    report: SyncReport,
    error: Option<TerminalError>,
}

/// What the screen shows of the connection. The number that waits is the terminal's own.
pub(super) type SharedReport = Arc<Mutex<Connection>>;

/// Reads the report, in a language.
pub(super) fn read(report: &SharedReport, language: Language) -> SyncReport {
    let connection = report.lock().unwrap_or_else(PoisonError::into_inner);
    let error = connection.error.as_ref().map(|error| crate::words::error(error, language));
    SyncReport { last_error: error.unwrap_or_default(), ..connection.report.clone() }
}

/// What the sync thread is woken by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// Something was stored here, or a person asked.
    Now,
    /// The program ends.
    Stop,
}

/// The sync thread before it runs.
pub(super) struct Syncing {
    transport: Option<Http>,
    report: SharedReport,
    wake: SyncSender<Wake>,
    woken: Receiver<Wake>,
}

/// The sync thread while it runs.
pub(super) struct SyncThread {
    wake: SyncSender<Wake>,
    thread: Option<JoinHandle<()>>,
}

impl Syncing {
    /// Prepares the thread for a terminal; one that works alone gets none.
    pub fn of(terminal: &Terminal) -> Result<Self, TerminalError> {
        let transport = match terminal.identity().server {
            Some(_) => Some(crate::cli::transport_of(terminal)?),
            None => None,
        };
        let state = if transport.is_some() { SyncState::Busy } else { SyncState::Alone };
        // Waking twice is waking once: one place in the line is enough.
        let (wake, woken) = sync_channel(1);
        Ok(Self {
            transport,
            report: Arc::new(Mutex::new(Connection {
                report: SyncReport { state, ..SyncReport::default() },
                error: None,
            })),
            wake,
            woken,
        })
    }

    pub fn report(&self) -> SharedReport {
        self.report.clone()
    }

    pub fn wake(&self) -> SyncSender<Wake> {
        self.wake.clone()
    }

    /// Starts the thread. `changed` is called after each exchange.
    pub fn start(
        self,
        handle: Handle,
        clock: Arc<dyn Clock>,
        changed: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<SyncThread> {
        let Self { transport, report, wake, woken } = self;
        let thread = match transport {
            None => None,
            Some(transport) => Some(std::thread::Builder::new().name("sync".into()).spawn(move || {
                go_on(transport, handle, &*clock, &report, &woken, &changed);
            })?),
        };
        Ok(SyncThread { wake, thread })
    }
}

impl SyncThread {
    /// Ends the thread after the exchange that is under way, if it ends soon.
    pub fn stop(self) {
        let _ = self.wake.try_send(Wake::Stop);
        drop(self.wake);
        // A network that hangs must not keep the program from ending: the thread is left to itself.
        drop(self.thread);
    }
}

fn go_on(
    mut transport: Http,
    mut handle: Handle,
    clock: &dyn Clock,
    report: &SharedReport,
    woken: &Receiver<Wake>,
    changed: &(dyn Fn() + Send + Sync),
) {
    let mut backoff = Backoff::default();
    loop {
        set(report, |Connection { report, .. }| {
            if report.state == SyncState::Online {
                report.state = SyncState::Busy;
            }
        });
        let outcome = exchange(&mut handle, &mut transport);
        let now = moment(clock);
        let wait = match outcome {
            Ok(done) => {
                backoff.reset();
                set(report, |Connection { report, error }| {
                    report.state = if done.quarantined { SyncState::Trouble } else { SyncState::Online };
                    report.offline_since = None;
                    report.last_sync = Some(now);
                    *error = None;
                });
                LOOK_EVERY
            }
            Err(failed) => {
                set(report, |Connection { report, error }| {
                    report.state = SyncState::Offline;
                    report.offline_since = report.offline_since.or(Some(now));
                    *error = Some(failed);
                });
                Duration::from_millis(backoff.failed(u64::from_le_bytes(draw(&mut SystemEntropy))))
            }
        };
        changed();
        match woken.recv_timeout(wait) {
            Ok(Wake::Now) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn set(report: &SharedReport, change: impl FnOnce(&mut Connection)) {
    change(&mut report.lock().unwrap_or_else(PoisonError::into_inner));
}
