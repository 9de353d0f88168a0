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
#[derive(Debug)]
pub(super) struct SlipPrinter {
    /// A device that is off may keep its writer for ever: there is never a second one.
    busy: Arc<AtomicBool>,
    patience: Duration,
}

impl Default for SlipPrinter {
    fn default() -> Self {
        Self { busy: Arc::default(), patience: PATIENCE }
    }
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
        let handle = handle.clone();
        let prints = move || {
            let job = handle.call(move |terminal| Job::of(terminal, &code, spoken(language)));
            match job {
                Ok(Ok(Some(job))) => job.run(),
                _ => Err(PrintError::Drawing),
            }
        };
        self.begin(prints, language, told);
    }

    /// Does what prints, unless the one before it is still at it.
    fn begin(
        &self,
        prints: impl FnOnce() -> Result<(), PrintError> + Send + 'static,
        language: Language,
        told: impl FnOnce(Result<(), String>) + Send + 'static,
    ) {
        let (busy, patience) = (Busy::take(&self.busy), self.patience);
        let waits = move || {
            let outcome = busy.and_then(|busy| outcome(busy, prints, patience));
            told(match outcome {
                Some(outcome) => outcome.map_err(|error| why(&error, language)),
                None => Err(no_answer(language)),
            });
        };
        // Without a thread the slip stays on the screen, which says that it is being printed: it can be closed.
        let _ = std::thread::Builder::new().name("print".into()).spawn(waits);
    }
}

/// The right to print; it ends with its holder, also where that panics or was never begun.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn take(busy: &Arc<AtomicBool>) -> Option<Self> {
        (!busy.swap(true, Ordering::AcqRel)).then(|| Self(busy.clone()))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// What came of it, if it came in time.
fn outcome(
    busy: Busy,
    prints: impl FnOnce() -> Result<(), PrintError> + Send + 'static,
    patience: Duration,
) -> Option<Result<(), PrintError>> {
    let (done, wait) = sync_channel(1);
    let prints = move || {
        let outcome = prints();
        drop(busy);
        // Nobody waits any more.
        let _ = done.send(outcome);
    };
    std::thread::Builder::new().name("printer".into()).spawn(prints).ok()?;
    wait.recv_timeout(patience).ok()
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
        (PrintError::Drawing, Language::German) => "Der Zettel lässt sich nicht zeichnen.".into(),
        (PrintError::Refused(what, _), Language::German) => format!("{what} nimmt nichts an."),
        (PrintError::Cups(name), Language::German) => format!("Der Drucker {name} nimmt nichts an."),
        (PrintError::Waits(name), Language::German) => {
            format!("Der Drucker {name} hat nichts gedruckt. Ist er an, hat er Papier?")
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// Begins something that prints, and hands over what is told.
    fn begun(
        printer: &SlipPrinter,
        prints: impl FnOnce() -> Result<(), PrintError> + Send + 'static,
    ) -> Receiver<Result<(), String>> {
        let (tells, told) = channel();
        printer.begin(prints, Language::English, move |done| tells.send(done).unwrap());
        told
    }

    #[test]
    fn a_printer_that_takes_nothing_holds_one_thread_however_often_somebody_tries() {
        let printer = SlipPrinter { patience: Duration::from_millis(50), ..SlipPrinter::default() };
        let (goes_on, stuck): (Sender<()>, Receiver<()>) = channel();
        let first = begun(&printer, move || {
            let _ = stuck.recv();
            Ok(())
        });
        let takes_nothing = Err("The printer takes nothing. Is it on, has it paper?".to_owned());
        assert_eq!(first.recv_timeout(SOON).unwrap(), takes_nothing);
        let tried = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let tried = tried.clone();
            let again = begun(&printer, move || {
                tried.fetch_add(1, Ordering::Relaxed);
                Ok(())
            });
            assert_eq!(again.recv_timeout(SOON).unwrap(), takes_nothing);
        }
        assert_eq!(tried.load(Ordering::Relaxed), 0, "none of them has come to the printer");

        // The printer is on again.
        drop(goes_on);
        let until = std::time::Instant::now() + SOON;
        while printer.busy.load(Ordering::Acquire) && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        let printer = SlipPrinter { patience: SOON, ..printer };
        assert_eq!(begun(&printer, || Ok(())).recv_timeout(SOON).unwrap(), Ok(()));
    }

    #[test]
    fn a_slip_that_breaks_its_thread_leaves_the_printer_to_the_next() {
        let printer = SlipPrinter::default();
        let broken = begun(&printer, || panic!("as a test"));
        assert!(broken.recv_timeout(SOON).unwrap().is_err());
        assert_eq!(begun(&printer, || Ok(())).recv_timeout(SOON).unwrap(), Ok(()));
        let refused = begun(&printer, || Err(PrintError::Waits("slips".into())));
        let why = refused.recv_timeout(SOON).unwrap().unwrap_err();
        assert_eq!(why, "The printer slips has printed nothing: is it on, has it paper?");
    }
}
