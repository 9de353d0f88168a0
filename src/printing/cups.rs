//! A printer of the system, through the commands of CUPS: `lp`, `lpstat`, `cancel`.
//!
//! `lp` says only that the job is in the queue, also where the queue stands still and the printer is off. So it is looked
//! after until it is through, for a time that is bounded; a job that the printer has not taken by then is withdrawn: what
//! the screen says was not printed does not come out later.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use super::PrintError;

/// How long a job may take until it is through.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long each of the last two questions may take after that.
const LAST: Duration = Duration::from_millis(1500);
/// How often is looked whether it is through.
const LOOK: Duration = Duration::from_millis(250);
/// The most that is read of what a command says: a queue of some thousand jobs.
const SAID_MAX: u64 = 256 * 1024;
/// What CUPS says of a printer that has the whole job and is at work on it.
const AT_WORK: &str = "cups-waiting-for-job-completed";

/// Prints a document, and waits until the printer has it.
pub(super) fn print(name: &str, document: Vec<u8>) -> Result<(), PrintError> {
    let until = Instant::now() + PATIENCE;
    let said = run("lp", &["-t", "Stempel", "-d", name], document, until)?;
    let said = said.ok_or_else(|| PrintError::Cups(name.to_owned()))?;
    let Some(job) = job_in(&said, name) else { return Ok(()) };
    while Instant::now() < until {
        std::thread::sleep(LOOK);
        let waiting = run("lpstat", &["-W", "not-completed", "-o", name], Vec::new(), until)?;
        if waiting.is_some_and(|waiting| !waiting.lines().any(|line| names(line, job))) {
            return Ok(());
        }
    }
    let state = run("lpstat", &["-l", "-p", name], Vec::new(), Instant::now() + LAST)?;
    if state.is_some_and(|state| at_work(&state)) {
        return Ok(());
    }
    run("cancel", &[job], Vec::new(), Instant::now() + LAST)?;
    Err(PrintError::Waits(name.to_owned()))
}

/// The job in what `lp` says: `request id is NAME-12 (1 file(s))`.
fn job_in<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    said.split_whitespace().find(|word| {
        let number = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
    })
}

/// Whether a line of `lpstat -o` is about that job.
fn names(line: &str, job: &str) -> bool {
    line.split_whitespace().next() == Some(job)
}

/// Whether the printer has the whole job, and nothing to complain of.
fn at_work(state: &str) -> bool {
    state.lines().any(|line| {
        line.trim().strip_prefix("Alerts:").is_some_and(|alerts| alerts.split_whitespace().eq([AT_WORK]))
    })
}

/// Runs a command with something to read, and gives what it said, if it ended well and in time.
///
/// # Errors
/// The command is not there.
fn run(program: &str, words: &[&str], input: Vec<u8>, until: Instant) -> Result<Option<String>, PrintError> {
    let mut command = Command::new(program);
    // What it says is read by this program, not by a person.
    command.args(words).env("LC_ALL", "C");
    command.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() });
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| PrintError::Refused(program.into(), error))?;
    // On threads of their own: a program that reads and says nothing must not hold this one.
    if let Some(mut stdin) = child.stdin.take() {
        std::thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let (reads, read) = sync_channel(1);
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = stdout.take(SAID_MAX).read_to_end(&mut said);
            // Nobody waits any more.
            let _ = reads.send(String::from_utf8_lossy(&said).into_owned());
        });
    }
    if !ends_well(&mut child, until) {
        return Ok(None);
    }
    Ok(read.recv_timeout(LAST).ok())
}

/// Waits for a program, and ends it when it takes too long.
fn ends_well(child: &mut Child, until: Instant) -> bool {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_is_found_in_what_lp_says() {
        assert_eq!(job_in("request id is slips-12 (1 file(s))\n", "slips"), Some("slips-12"));
        assert_eq!(job_in("request id is a-b-3 (1 file(s))", "a-b"), Some("a-b-3"));
        assert_eq!(job_in("request id is slips-12 (1 file(s))", "slip"), None);
        assert_eq!(job_in("", "slips"), None);
        assert!(names("slips-1                 root             57344   Sun", "slips-1"));
        assert!(!names("slips-12                root             57344   Sun", "slips-1"));
    }

    #[test]
    fn a_printer_that_complains_is_not_at_work() {
        let state = |alerts: &str| {
            format!("printer slips now printing slips-5.\n\tAlerts: {alerts}\n\tUsers allowed:")
        };
        assert!(at_work(&state("cups-waiting-for-job-completed")));
        for alerts in ["none", "paused", "cups-waiting-for-job-completed media-empty-warning", ""] {
            assert!(!at_work(&state(alerts)), "{alerts}");
        }
    }
}
