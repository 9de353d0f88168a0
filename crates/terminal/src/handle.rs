//! The thread that owns a terminal, and how others ask it.
//!
//! Screens, the sync thread and the socket never touch the terminal; they send it a piece of work and wait
//! for the answer. Pieces are done one after the other, so that each sees the whole effect of those before.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::Terminal;

/// Work that waits for the terminal. A sender waits when the line is full.
const QUEUE_MAX: usize = 64;

type Job = Box<dyn FnOnce(&mut Terminal) + Send>;

/// Asks the terminal. Cheap to clone; the thread ends when the last handle is gone.
#[derive(Clone)]
pub struct Handle {
    jobs: SyncSender<Job>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

/// The terminal's thread has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the terminal is closing")]
pub struct Closed;

impl Handle {
    /// Gives the terminal a thread of its own.
    pub fn start(mut terminal: Terminal) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = sync_channel::<Job>(QUEUE_MAX);
        let thread = std::thread::Builder::new().name("terminal".into()).spawn(move || {
            for job in queue {
                job(&mut terminal);
            }
        })?;
        Ok((Self { jobs }, thread))
    }

    /// Does a piece of work and waits for its answer.
    pub fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Terminal) -> T + Send + 'static,
    ) -> Result<T, Closed> {
        let (answer, wait) = sync_channel(1);
        let job: Job = Box::new(move |terminal| {
            // Nobody waits any more: the work is done all the same.
            let _ = answer.send(work(terminal));
        });
        self.jobs.send(job).map_err(|_| Closed)?;
        wait.recv().map_err(|_| Closed)
    }

    /// Leaves a piece of work to be done, without waiting for it.
    pub fn send(&self, work: impl FnOnce(&mut Terminal) + Send + 'static) -> Result<(), Closed> {
        self.jobs.send(Box::new(work)).map_err(|_| Closed)
    }
}
