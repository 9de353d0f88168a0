//! Two threads that carry short notes between this device and the others of its shop, through the server: one waits for
//! what they say, one says what there is to say. Without a network nothing is carried, and nothing waits for it.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use stempel_domain::ports::draw;
use stempel_sync::Backoff;
use stempel_sync::http::Http;
use stempel_terminal::handle::Handle;

use crate::controllers::Note;
use crate::edge::SystemEntropy;

/// How long the server may hold the answer, in milliseconds.
const WAIT_MS: u64 = 20_000;
/// Notes that wait to be said; more than one guest never makes.
const QUEUE_MAX: usize = 8;
/// A server that answers at once is not asked more often than this.
const REST: Duration = Duration::from_millis(200);

/// Says notes to the other devices.
#[derive(Debug)]
pub(super) struct Relay {
    notes: SyncSender<Note>,
}

impl Relay {
    /// Starts both threads, where the terminal belongs to a server. They end with the program.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        handle: &Handle,
        heard: impl Fn(Note) -> bool + Send + 'static,
    ) -> std::io::Result<Option<Self>> {
        let way = || handle.call(|terminal| crate::cli::transport_of(terminal)).ok()?.ok();
        let (Some(listening), Some(speaking)) = (way(), way()) else { return Ok(None) };
        let (notes, queue) = sync_channel(QUEUE_MAX);
        std::thread::Builder::new().name("hear".into()).spawn(move || hear(listening, heard))?;
        std::thread::Builder::new().name("tell".into()).spawn(move || tell(speaking, &queue))?;
        Ok(Some(Self { notes }))
    }

    /// Says a note. Where the line is full nobody is listening: the guest is helped without.
    pub fn tell(&self, note: Note) {
        let _ = self.notes.try_send(note);
    }
}

fn tell(mut way: Http, queue: &Receiver<Note>) {
    for note in queue {
        if let Ok(body) = serde_json::to_vec(&note) {
            // A note is for now. One that did not arrive is not said again later.
            let _ = way.say(body);
        }
    }
}

/// Waits for notes until nobody wants them any more.
fn hear(mut way: Http, heard: impl Fn(Note) -> bool) {
    let mut backoff = Backoff::default();
    // What was said before this device listened is not for it.
    let mut after: Option<u64> = None;
    loop {
        let rest = match way.notes(after.unwrap_or(0), if after.is_some() { WAIT_MS } else { 0 }) {
            Ok(answer) => {
                backoff.reset();
                let begun = after.is_some();
                after = Some(answer.last);
                for note in answer.notes.into_iter().filter(|_| begun) {
                    // What a later version says is passed over.
                    if let Ok(note) = serde_json::from_value::<Note>(note.note)
                        && !heard(note)
                    {
                        return;
                    }
                }
                REST
            }
            Err(_) => Duration::from_millis(backoff.failed(u64::from_le_bytes(draw(&mut SystemEntropy)))),
        };
        std::thread::sleep(rest);
    }
}
