//! Tells from a driver's message what happened. The library gives messages only, no kinds.

/// What a driver's message means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Another program holds the camera.
    Busy,
    /// The camera is not there any more.
    Gone,
    /// The user may not open it.
    Denied,
    /// It does not take the format or rate.
    Refused,
    /// Anything else.
    Other,
}

/// Judges a message by its error number, or by words that drivers use.
pub fn reason_of(message: &str) -> Reason {
    const TABLE: [(&str, Reason); 18] = [
        ("(os error 16)", Reason::Busy),
        ("resource busy", Reason::Busy),
        ("in use", Reason::Busy),
        ("0xc00d3704", Reason::Busy),
        ("(os error 19)", Reason::Gone),
        ("(os error 2)", Reason::Gone),
        ("(os error 6)", Reason::Gone),
        ("no such device", Reason::Gone),
        ("no such file", Reason::Gone),
        ("0xc00d3ea2", Reason::Gone),
        ("(os error 13)", Reason::Denied),
        ("(os error 1)", Reason::Denied),
        ("permission denied", Reason::Denied),
        ("0x80070005", Reason::Denied),
        ("not whole number", Reason::Refused),
        ("rejected", Reason::Refused),
        ("failed to fufill", Reason::Refused),
        ("property frameformat: unsupported", Reason::Refused),
    ];
    let message = message.to_lowercase();
    TABLE.iter().find(|(words, _)| message.contains(words)).map_or(Reason::Other, |(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_drivers_are_understood() {
        let table = [
            ("Could not open device stream: Device or resource busy (os error 16)", Reason::Busy),
            ("Failed to read frame: No such device (os error 19)", Reason::Gone),
            ("Could not open device 0: V4L2 Error: No such file or directory (os error 2)", Reason::Gone),
            ("Could not open device 0: V4L2 Error: Permission denied (os error 13)", Reason::Denied),
            (
                "Could not get device property V4L2 FrameRate: Framerate not whole number: 25000 / 1000",
                Reason::Refused,
            ),
            ("Could not set device property CameraFormat with value : Not same/Rejected", Reason::Refused),
            ("Failed to read frame: Input/output error (os error 5)", Reason::Other),
        ];
        for (message, reason) in table {
            assert_eq!(reason_of(message), reason, "{message}");
        }
    }
}
