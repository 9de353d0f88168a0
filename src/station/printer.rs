//! Printing beside the window's thread: a printer that is off must not stop the screen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use stempel_terminal::handle::Handle;

use super::guest::spoken;
use crate::controllers::Language;
use crate::printing::{Job, PrintError};

/// How long a printer may take before the screen says that nothing came out.
const PATIENCE: Duration = Duration::from_secs(12);

/// The printer of this device, one slip at a time.
#[derive(Debug, Default)]
pub(super) struct SlipPrinter {
    /// A device that is off may keep its writer for ever: there is never a second one.
    busy: Arc<AtomicBool>,
}

impl SlipPrinter {
    /// Prints the slip with that code, and tells on another thread what came of it.
    pub fn print(
        &self,
        handle: &Handle,
        code: String,
        language: Language,
        told: impl FnOnce(Result<(), String>) + Send + 'static,
    ) {
        let (busy, handle) = (self.busy.clone(), handle.clone());
        let waits = move || {
            let done = if busy.swap(true, Ordering::AcqRel) {
                Err(no_answer(language))
            } else {
                printed(busy, handle, code, language)
            };
            told(done);
        };
        // Without a thread the slip stays on the screen, which says that it is being printed: it can be closed.
        let _ = std::thread::Builder::new().name("print".into()).spawn(waits);
    }
}

fn printed(busy: Arc<AtomicBool>, handle: Handle, code: String, language: Language) -> Result<(), String> {
    let (done, wait) = sync_channel(1);
    let prints = move || {
        let job = handle.call(move |terminal| Job::of(terminal, &code, spoken(language)));
        let outcome = match job {
            Ok(Ok(Some(job))) => job.run(),
            _ => Err(PrintError::Drawing),
        };
        busy.store(false, Ordering::Release);
        // Nobody waits any more.
        let _ = done.send(outcome);
    };
    let started = std::thread::Builder::new().name("printer".into()).spawn(prints);
    match started.ok().and_then(|_| wait.recv_timeout(PATIENCE).ok()) {
        Some(outcome) => outcome.map_err(|error| why(&error, language)),
        None => Err(no_answer(language)),
    }
}

fn no_answer(language: Language) -> String {
    match language {
        Language::German => "Der Drucker nimmt nichts an. Ist er an, hat er Papier?".into(),
        Language::English => "The printer takes nothing. Is it on, has it paper?".into(),
    }
}

fn why(error: &PrintError, language: Language) -> String {
    match (error, language) {
        (_, Language::English) => crate::words::sentence_case(&error.to_string()),
        (PrintError::Drawing, Language::German) => "Der Beleg lässt sich nicht zeichnen.".into(),
        (PrintError::Refused(what, _), Language::German) => format!("{what} nimmt nichts an."),
        (PrintError::Cups(name), Language::German) => format!("Der Drucker {name} nimmt nichts an."),
    }
}
