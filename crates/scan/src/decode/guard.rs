//! Keeps a panic of a decoder inside the decoder.
//!
//! Decoders meet every picture that a camera can make, and some pictures make them panic. A panic is then one frame
//! without a code: it is caught, and its message is not printed. The hook that prints messages belongs to the whole
//! process, so it is wrapped once and looks at a flag of its own thread; the messages of other threads, and of this
//! thread outside the guard, go where they went before.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Runs `work`; a panic in it gives `None` and prints nothing.
///
/// A value that `work` was changing when it panicked stays half changed: hand in scratch memory that is rewritten
/// before each use.
pub fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.try_with(Cell::get).unwrap_or(false) {
                before(info);
            }
        }));
    });
    let outer = QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(outer);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_nothing_and_the_flag_is_put_back() {
        assert_eq!(quietly(|| 7), Some(7));
        assert_eq!(quietly(|| -> u8 { panic!("a decoder met a picture it did not expect") }), None);
        assert!(!QUIET.get());
        assert_eq!(quietly(|| quietly(|| panic!("inner")).is_none() && QUIET.get()), Some(true));
    }
}
