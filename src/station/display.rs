//! What the screen hangs on. A display without a window manager: nobody there makes a window fill the screen, so it is
//! given the screen's size. A bare screen, without any display server: the window is the screen.

use std::time::Duration;

use slint::{PhysicalPosition, PhysicalSize};

use crate::cli::Failure;
use crate::screens::AppScreens;

/// Whether the program is to draw on the screen itself. A program that was built without it says so when it opens its window.
pub(super) fn bare() -> bool {
    std::env::var("SLINT_BACKEND").is_ok_and(|backend| backend.to_lowercase().starts_with("linuxkms"))
}

/// How long a bare screen that could not be opened is left alone.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Waits before the program ends for want of a bare screen: whoever begins it again does so at once, as after a crash, and a
/// screen is off all night.
pub(super) fn look_again_later() {
    if bare() {
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Begins the program anew in its place where the screen can be opened only once in a process, as a bare one.
///
/// # Errors
/// The program cannot be started again.
#[cfg(unix)]
pub(super) fn again_where_needed() -> Result<(), Failure> {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    if !bare() {
        return Ok(());
    }
    let mut words = std::env::args_os();
    let mut anew = Command::new(words.next().unwrap_or_default());
    // Comes back only where it did not work.
    Err(Failure::machine(anew.args(words).exec()))
}

/// Elsewhere there is no bare screen.
#[cfg(not(unix))]
pub(super) fn again_where_needed() -> Result<(), Failure> {
    Ok(())
}

/// Fills the screen, with a window manager or without one.
pub(super) fn fill(screens: &AppScreens) {
    if let Some((width, height)) = unmanaged() {
        screens.window().set_position(PhysicalPosition::new(0, 0));
        screens.window().set_size(PhysicalSize::new(width, height));
    } else {
        screens.set_fullscreen(true);
    }
}

/// The size of an X display that no window manager looks after, in pixels; none where one does, or without X.
#[cfg(target_os = "linux")]
fn unmanaged() -> Option<(u32, u32)> {
    use x11rb::connection::Connection;
    use x11rb::protocol::xproto::{AtomEnum, ConnectionExt};

    if std::env::var_os("WAYLAND_DISPLAY").is_some_and(|name| !name.is_empty()) {
        return None;
    }
    let (display, screen) = x11rb::connect(None).ok()?;
    let screen = display.setup().roots.get(screen)?;
    let manager = display.intern_atom(false, b"_NET_SUPPORTING_WM_CHECK").ok()?.reply().ok()?.atom;
    let named =
        display.get_property(false, screen.root, manager, AtomEnum::WINDOW, 0, 1).ok()?.reply().ok()?;
    (named.value_len == 0).then(|| (screen.width_in_pixels.into(), screen.height_in_pixels.into()))
}

/// Elsewhere the system itself looks after windows.
#[cfg(not(target_os = "linux"))]
fn unmanaged() -> Option<(u32, u32)> {
    None
}
