//! Telling systemd that the window is up, and every second that it is alive: `sd_notify` without its library. Without
//! systemd nothing is told.

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsStr;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    /// The way to systemd.
    #[derive(Debug)]
    pub struct Alive {
        socket: UnixDatagram,
        address: SocketAddr,
        ready: bool,
    }

    impl Alive {
        /// Finds the way, if systemd gave one.
        pub fn find() -> Option<Self> {
            Self::at(&std::env::var_os("NOTIFY_SOCKET")?)
        }

        pub(super) fn at(name: &OsStr) -> Option<Self> {
            let address = match name.as_bytes() {
                [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest).ok()?,
                _ => SocketAddr::from_pathname(name).ok()?,
            };
            let socket = UnixDatagram::unbound().ok()?;
            // A full queue must not stop the screen.
            socket.set_nonblocking(true).ok()?;
            Some(Self { socket, address, ready: false })
        }

        /// Says that the screen is alive; the first time, that it is ready.
        pub fn beat(&mut self) {
            let words: &[u8] = if self.ready { b"WATCHDOG=1" } else { b"READY=1\nWATCHDOG=1" };
            self.ready |= self.socket.send_to_addr(words, &self.address).is_ok();
        }
    }
}

#[cfg(target_os = "linux")]
pub(super) use linux::Alive;

/// Elsewhere nobody asks.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(super) struct Alive;

#[cfg(not(target_os = "linux"))]
impl Alive {
    pub fn find() -> Option<Self> {
        None
    }

    pub fn beat(&mut self) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn systemd_hears_once_that_it_is_ready_and_then_that_it_is_alive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        let mut alive = Alive::at(path.as_os_str()).unwrap();
        let mut heard = || {
            alive.beat();
            let mut words = [0; 64];
            let length = systemd.recv(&mut words).unwrap();
            String::from_utf8(words[..length].to_vec()).unwrap()
        };
        assert_eq!(heard(), "READY=1\nWATCHDOG=1");
        assert_eq!(heard(), "WATCHDOG=1");
    }
}
