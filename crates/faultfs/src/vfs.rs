//! The thin layer between SQLite and the system's own file system. All unsafe code of the project is here.
//!
//! A file is opened by the system's file system in the memory that SQLite has given for it; only then the table of
//! functions that it points to is exchanged for one of ours, which is a copy with four functions replaced. So a file is
//! laid out exactly as the system's file system wants it, and every function that is not replaced is the system's own.
//!
//! # Why this is sound
//!
//! 1. *Memory.* `szOsFile` is copied, so SQLite gives each file as much room as the system's file system asks for, and
//!    that one alone writes it. We write one field, `pMethods`, after a successful opening; the system's functions never
//!    read it again.
//! 2. *Lifetimes.* The system's object and its tables of functions are statics of SQLite. Ours are leaked: one object for
//!    the process, one table for each way of locking. No pointer to them ever dangles.
//! 3. *Types.* Our four functions stand only in a [`Table`], and `pMethods` points to a [`Table`] only where [`open`] has
//!    put it: so whoever calls one of them has a file for which the cast in [`real_of`] is right. A file without a name
//!    keeps the system's functions.
//! 4. *Whose object.* The system's `xOpen` reads its object (`pAppData` finds the way of locking), so it is called with
//!    its own. The functions that stay in our copy (`xAccess`, `xFullPathname`, `xRandomness`, …) do not look at theirs.
//! 5. *Threads.* SQLite calls a file from one thread at a time and the file system from many. What is ours and shared
//!    stands behind a `Mutex`; `FILES` is taken before the mutex of `disk`, never the other way round. Of the system's
//!    object only fields are read that nobody writes: SQLite changes `pNext` alone.
//! 6. *Panics.* None leaves an `extern "C"` function: the language ends the process there.
//! 7. *Locks.* No file of SQLite is opened a second time while SQLite has it: closing any descriptor of a file would
//!    drop all locks that this process has on it (POSIX). What stood in a file is read by the system's own `xRead`.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::ffi::{
    SQLITE_FULL, SQLITE_IOERR_DELETE, SQLITE_IOERR_FSYNC, SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE,
    SQLITE_OK, sqlite3_file, sqlite3_filename, sqlite3_initialize, sqlite3_int64, sqlite3_io_methods,
    sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

use crate::disk::{self, Word};

/// SQLite has no file system to stand before, or does not take another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotInstalled;

impl std::fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SQLite does not take another file system")
    }
}

impl std::error::Error for NotInstalled {}

/// The system's own file system.
struct Real(*mut sqlite3_vfs);

// SAFETY: SQLite itself calls one file system from many threads. Its object lives as long as the process; of it we read
// only `xOpen` and `xDelete`, which nobody writes.
unsafe impl Send for Real {}
// SAFETY: as above: it is only read.
unsafe impl Sync for Real {}

static REAL: OnceLock<Real> = OnceLock::new();

/// A table of functions of ours, with the system's table that it was copied from. `ours` stands first, so that a
/// pointer to it is a pointer to the whole.
#[repr(C)]
struct Table {
    ours: sqlite3_io_methods,
    real: sqlite3_io_methods,
}

/// The tables made so far, by the address of the system's. They are never freed: there is one for each way of locking.
static TABLES: Mutex<BTreeMap<usize, &'static Table>> = Mutex::new(BTreeMap::new());
/// The names of open files, by the address of their object.
static FILES: Mutex<BTreeMap<usize, PathBuf>> = Mutex::new(BTreeMap::new());

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts the faulty file system before the system's own, for every database opened from now on. Doing it again changes
/// nothing.
///
/// # Errors
/// If SQLite does not take it.
pub fn install() -> Result<(), NotInstalled> {
    static DONE: OnceLock<Result<(), NotInstalled>> = OnceLock::new();
    *DONE.get_or_init(|| {
        // SAFETY: may be called at any time, from any thread, any number of times.
        if unsafe { sqlite3_initialize() } != SQLITE_OK {
            return Err(NotInstalled);
        }
        // SAFETY: a null name asks for the default; the answer is null or an object that lives with the process.
        let real = unsafe { sqlite3_vfs_find(std::ptr::null()) };
        if real.is_null() {
            return Err(NotInstalled);
        }
        // SAFETY: not null, and a registered file system is a valid object. SQLite writes its `pNext` when a further one is
        // registered; in this project nobody but this function does, once.
        let mut ours = unsafe { std::ptr::read(real) };
        ours.zName = c"stempel-faultfs".as_ptr();
        ours.pNext = std::ptr::null_mut();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        if REAL.set(Real(real)).is_err() {
            return Err(NotInstalled);
        }
        // SQLite keeps the pointer for ever, and writes `pNext`.
        let ours = Box::into_raw(Box::new(ours));
        // SAFETY: a valid object that is never freed. The functions that were not replaced are the system's; they do
        // not look at the object that they are called with, beyond fields that were copied.
        match unsafe { sqlite3_vfs_register(ours, 1) } {
            SQLITE_OK => Ok(()),
            _ => Err(NotInstalled),
        }
    })
}

/// Opens a file by the system's file system, and puts our functions in the place of four of its own.
///
/// # Safety
/// Called by SQLite alone, which keeps its own contract: `file` has room for a file of the system's file system
/// (`szOsFile` was copied), `name` is null or ends with a null byte.
unsafe extern "C" fn open(
    _vfs: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let Some(real) = REAL.get() else { return SQLITE_IOERR_WRITE };
    // SAFETY: `install` has put a valid object there.
    let Some(real_open) = (unsafe { (*real.0).xOpen }) else { return SQLITE_IOERR_WRITE };
    // SAFETY: the arguments are those that SQLite has made for this file system, whose object is given.
    let answer = unsafe { real_open(real.0, name, file, flags, out_flags) };
    if answer != SQLITE_OK || name.is_null() {
        return answer;
    }
    // SAFETY: after it was opened, `file` is a valid object that points to its functions.
    let methods = unsafe { (*file).pMethods };
    if methods.is_null() {
        return answer;
    }
    // SAFETY: SQLite's names end with a null byte and live while the file is open.
    let path = unsafe { path_of(name) };
    locked(&FILES).insert(file as usize, path);
    // SAFETY: the system's tables are constants that live with the process.
    let table = unsafe { table_of(methods) };
    // SAFETY: `file` is ours to write until it is closed; the table lives with the process, and `ours` stands first.
    unsafe { (*file).pMethods = std::ptr::from_ref(table).cast() };
    answer
}

/// The table of ours for one of the system's, made the first time.
///
/// # Safety
/// `methods` points to a table that lives with the process.
unsafe fn table_of(methods: *const sqlite3_io_methods) -> &'static Table {
    let mut tables = locked(&TABLES);
    if let Some(table) = tables.get(&(methods as usize)) {
        return table;
    }
    // SAFETY: valid by the caller's word; a table is plain pointers to functions.
    let real = unsafe { std::ptr::read(methods) };
    let mut ours = real;
    ours.xClose = Some(close);
    ours.xWrite = Some(write);
    ours.xTruncate = Some(truncate);
    ours.xSync = Some(sync);
    // Without `xFetch` and `xUnfetch`: what is written passes by here in any case, and what is read should be what `old`
    // takes for the file's content.
    ours.iVersion = ours.iVersion.min(2);
    let table: &'static Table = Box::leak(Box::new(Table { ours, real }));
    tables.insert(methods as usize, table);
    table
}

/// The system's functions of a file that was opened here.
///
/// # Safety
/// `file` was opened by [`open`] and is not closed, and had a name: its functions are a [`Table`] of ours.
unsafe fn real_of(file: *mut sqlite3_file) -> &'static sqlite3_io_methods {
    // SAFETY: by the caller's word a valid object that points into a table of ours.
    let table = unsafe { (*file).pMethods }.cast::<Table>();
    // SAFETY: tables are never freed, and `ours` stands first in a `repr(C)` structure.
    unsafe { &(*table).real }
}

/// # Safety
/// `name` is not null and ends with a null byte.
unsafe fn path_of(name: *const c_char) -> PathBuf {
    // SAFETY: by the caller's word.
    let name = unsafe { CStr::from_ptr(name) };
    PathBuf::from(OsStr::from_bytes(name.to_bytes()))
}

fn named(file: *mut sqlite3_file) -> Option<PathBuf> {
    locked(&FILES).get(&(file as usize)).filter(|path| disk::is_watched(path)).cloned()
}

/// # Safety
/// Called by SQLite for a file that [`open`] has opened.
unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    locked(&FILES).remove(&(file as usize));
    // SAFETY: SQLite closes what it has opened, once.
    let real = unsafe { real_of(file) };
    // SAFETY: the system's function for its own file.
    real.xClose.map_or(SQLITE_OK, |close| unsafe { close(file) })
}

/// # Safety
/// Called by SQLite for a file that [`open`] has opened; `bytes` has at least `length` bytes.
unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: by SQLite's contract.
    let real = unsafe { real_of(file) };
    let Some(real_write) = real.xWrite else { return SQLITE_IOERR_WRITE };
    let Some(path) = named(file) else {
        // SAFETY: SQLite's arguments, unchanged, to the system's function for its own file.
        return unsafe { real_write(file, bytes, length, offset) };
    };
    match disk::operation(&path, true) {
        Word::Go => {}
        Word::Full => return SQLITE_FULL,
        Word::Error => return SQLITE_IOERR_WRITE,
    }
    // SAFETY: the file is open, and `real` has the system's functions for it.
    let Some((old, before)) = (unsafe { old_bytes(real, file, offset, length) }) else {
        return SQLITE_IOERR_WRITE;
    };
    // SAFETY: as above.
    let answer = unsafe { real_write(file, bytes, length, offset) };
    if answer == SQLITE_OK {
        // SAFETY: by SQLite's contract there are so many bytes; they are copied before this returns.
        let new = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length as usize) }.to_vec();
        disk::written(&path, offset as u64, old, new, before);
    }
    answer
}

/// What stands in a file where something is about to be written, and how long the file is.
///
/// # Safety
/// `file` is open, and `real` are the system's functions for it.
unsafe fn old_bytes(
    real: &sqlite3_io_methods,
    file: *mut sqlite3_file,
    offset: sqlite3_int64,
    length: c_int,
) -> Option<(Vec<u8>, u64)> {
    let (size_of, read) = (real.xFileSize?, real.xRead?);
    let mut size: sqlite3_int64 = 0;
    // SAFETY: the system's function for its own file, and room for its answer.
    if unsafe { size_of(file, &mut size) } != SQLITE_OK {
        return None;
    }
    // Behind the file's end there is nothing to be kept.
    let there = size.saturating_sub(offset).clamp(0, length.into());
    let mut old = vec![0_u8; usize::try_from(there).ok()?];
    if !old.is_empty() {
        let wanted = c_int::try_from(there).ok()?;
        // SAFETY: the system's function for its own file; `old` has room for so many bytes.
        if unsafe { read(file, old.as_mut_ptr().cast(), wanted, offset) } != SQLITE_OK {
            return None;
        }
    }
    Some((old, u64::try_from(size).ok()?))
}

/// # Safety
/// Called by SQLite for a file that [`open`] has opened.
unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: by SQLite's contract.
    let real = unsafe { real_of(file) };
    let Some(real_truncate) = real.xTruncate else { return SQLITE_IOERR_TRUNCATE };
    if let Some(path) = named(file) {
        if disk::operation(&path, false) != Word::Go {
            return SQLITE_IOERR_TRUNCATE;
        }
        // A truncation is taken as done at once: what was written before it is not lost behind it.
        disk::synced(&path);
    }
    // SAFETY: SQLite's arguments, unchanged, to the system's function for its own file.
    unsafe { real_truncate(file, size) }
}

/// # Safety
/// Called by SQLite for a file that [`open`] has opened.
unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: by SQLite's contract.
    let real = unsafe { real_of(file) };
    let Some(real_sync) = real.xSync else { return SQLITE_IOERR_FSYNC };
    let path = named(file);
    if let Some(path) = &path
        && disk::operation(path, false) != Word::Go
    {
        return SQLITE_IOERR_FSYNC;
    }
    // SAFETY: SQLite's arguments, unchanged, to the system's function for its own file.
    let answer = unsafe { real_sync(file, flags) };
    if let Some(path) = path.filter(|_| answer == SQLITE_OK) {
        disk::synced(&path);
    }
    answer
}

/// # Safety
/// Called by SQLite; `name` ends with a null byte.
unsafe extern "C" fn delete(_vfs: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    let Some(real) = REAL.get() else { return SQLITE_IOERR_DELETE };
    // SAFETY: `install` has put a valid object there.
    let Some(real_delete) = (unsafe { (*real.0).xDelete }) else { return SQLITE_IOERR_DELETE };
    if !name.is_null() {
        // SAFETY: not null, and by SQLite's contract it ends with a null byte.
        let path = unsafe { path_of(name) };
        if disk::operation(&path, false) != Word::Go {
            return SQLITE_IOERR_DELETE;
        }
        disk::synced(&path);
    }
    // SAFETY: SQLite's arguments, unchanged, and the object of the file system whose function this is.
    unsafe { real_delete(real.0, name, sync_folder) }
}
