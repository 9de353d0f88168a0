//! The socket through which commands reach a running terminal: one line of JSON in, one line of JSON out.
//!
//! The socket stands in the data folder, which nobody but its owner can enter.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};

/// The longest line, in bytes.
const LINE_LEN_MAX: u64 = 4 * 1024 * 1024;
/// A caller who says nothing for this long is let go.
const CALLER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest path that a socket may have on the systems we run on, in bytes.
const PATH_LEN_MAX: usize = 100;

/// Where the socket of a folder is. A folder too deep for a socket's path has it in the temporary folder.
pub fn path_of(folder: &Path) -> PathBuf {
    let inside = folder.join("door");
    if inside.as_os_str().len() <= PATH_LEN_MAX {
        return inside;
    }
    let absolute = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut name = 0xcbf2_9ce4_8422_2325_u64;
    for byte in absolute.as_os_str().as_encoded_bytes() {
        name = (name ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    std::env::temp_dir().join(format!("stempel-{name:016x}"))
}

/// Answers callers until the process ends. Each caller gets a thread of its own; at most 16 at a time.
#[cfg(unix)]
pub fn listen(
    folder: &Path,
    answer: impl Fn(String) -> String + Send + Sync + 'static,
) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let path = path_of(folder);
    // Whoever left a socket here is gone: the folder's lock is ours.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let (answer, callers) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    std::thread::Builder::new().name("door".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            if callers.fetch_add(1, Ordering::SeqCst) >= 16 {
                callers.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            let (answer, leaving) = (answer.clone(), callers.clone());
            let spawned = std::thread::Builder::new().name("caller".into()).spawn(move || {
                // A caller who hangs up is no matter of ours.
                let _ = serve(&stream, &*answer);
                leaving.fetch_sub(1, Ordering::SeqCst);
            });
            if spawned.is_err() {
                callers.fetch_sub(1, Ordering::SeqCst);
            }
        }
    })?;
    Ok(())
}

#[cfg(unix)]
fn serve(stream: &UnixStream, answer: &dyn Fn(String) -> String) -> std::io::Result<()> {
    stream.set_read_timeout(Some(CALLER_TIMEOUT))?;
    stream.set_write_timeout(Some(CALLER_TIMEOUT))?;
    let mut line = String::new();
    BufReader::new(stream.take(LINE_LEN_MAX)).read_line(&mut line)?;
    let mut reply = answer(line.trim_end().to_owned());
    reply.push('\n');
    (&*stream).write_all(reply.as_bytes())
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// No terminal is running on the folder: nothing was asked.
    Nobody,
    /// The answer.
    Answer(String),
    /// The question was put, and no answer came: what it asked for may have been done, or may still be.
    NoAnswer,
}

/// Asks the terminal that is running on a folder.
#[cfg(unix)]
pub fn ask(folder: &Path, line: &str) -> Asked {
    match UnixStream::connect(path_of(folder)) {
        Err(_) => Asked::Nobody,
        Ok(stream) => put(stream, line).map_or(Asked::NoAnswer, Asked::Answer),
    }
}

#[cfg(unix)]
fn put(mut stream: UnixStream, line: &str) -> Option<String> {
    stream.set_read_timeout(Some(ANSWER_TIMEOUT)).ok()?;
    stream.set_write_timeout(Some(CALLER_TIMEOUT)).ok()?;
    stream.write_all(line.as_bytes()).ok()?;
    stream.write_all(b"\n").ok()?;
    let mut reply = String::new();
    BufReader::new(stream.take(LINE_LEN_MAX)).read_line(&mut reply).ok()?;
    reply.ends_with('\n').then(|| reply.trim_end().to_owned())
}

/// No socket on this system: commands wait for the folder's lock.
#[cfg(not(unix))]
pub fn listen(
    _folder: &Path,
    _answer: impl Fn(String) -> String + Send + Sync + 'static,
) -> std::io::Result<()> {
    Ok(())
}

/// No socket on this system.
#[cfg(not(unix))]
pub fn ask(_folder: &Path, _line: &str) -> Asked {
    Asked::Nobody
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_question_without_an_answer_is_told_from_nobody_there() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(path_of(folder.path())).unwrap();
        let thread = std::thread::spawn(move || drop(listener.accept()));
        assert_eq!(ask(folder.path(), "hello"), Asked::NoAnswer);
        thread.join().unwrap();
    }

    #[test]
    fn a_caller_gets_an_answer_and_nobody_home_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ask(folder.path(), "hello"), Asked::Nobody);
        listen(folder.path(), |line| format!("you said {line}")).unwrap();
        assert_eq!(ask(folder.path(), "hello"), Asked::Answer("you said hello".into()));
        let deep = folder.path().join("x".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        listen(&deep, |_| "deep".into()).unwrap();
        assert_eq!(ask(&deep, "hello"), Asked::Answer("deep".into()));
        std::fs::remove_file(path_of(&deep)).unwrap();
    }
}
