//! The sounds: made here, note by note, and played by the system's own player as a child process.

use std::f32::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::voice::installed;
use crate::controllers::Sound;

/// Samples in a second.
const RATE: u32 = 22_050;
/// Sounds that may be heard at once; the oldest ends for a newer one.
const AT_ONCE_MAX: usize = 3;
/// How loud a note is at its beginning.
const LOUDNESS: f32 = 0.5;

/// What can be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// One of the four sounds of the screens.
    Sound(Sound),
    /// A guest at the kiosk calls for help.
    Bell,
}

/// A note: its pitch in hertz, when it begins, and how fast it fades, in milliseconds.
type Note = (f32, u32, u32);

/// A note's sound ends after so many of its fading times.
const FADES: u32 = 4;

fn notes(heard: Heard) -> &'static [Note] {
    match heard {
        Heard::Sound(Sound::Stamp) => &[(82.0, 0, 40), (164.0, 0, 14), (1_900.0, 0, 3)],
        Heard::Sound(Sound::Reward) => &[(660.0, 0, 35), (990.0, 120, 42)],
        Heard::Sound(Sound::AlreadyCounted) => &[(262.0, 0, 60)],
        Heard::Sound(Sound::Refused) => &[(220.0, 0, 30), (165.0, 130, 40)],
        Heard::Bell => {
            &[(1_319.0, 0, 160), (1_047.0, 350, 200), (1_319.0, 1_200, 160), (1_047.0, 1_550, 200)]
        }
    }
}

/// Plays sounds, where the machine can.
#[derive(Debug)]
pub(super) struct Loudspeaker {
    player: Option<PathBuf>,
    folder: PathBuf,
    playing: Vec<Child>,
}

impl Loudspeaker {
    /// Looks for a player. The sounds are kept as files in the folder, which players want.
    pub fn find(folder: &Path) -> Self {
        let player = ["pw-play", "paplay", "aplay"].into_iter().find_map(installed);
        Self { player, folder: folder.join("sounds"), playing: Vec::new() }
    }

    /// There is a player.
    pub fn is_there(&self) -> bool {
        self.player.is_some()
    }

    /// Plays a sound. A player that fails is silent; what happened stands on the screen.
    pub fn play(&mut self, heard: Heard) {
        let Some(player) = &self.player else { return };
        let Some(file) = kept(&self.folder, heard) else { return };
        self.playing.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if self.playing.len() >= AT_ONCE_MAX {
            end(self.playing.remove(0));
        }
        let mut command = Command::new(player);
        command.arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.playing.extend(command.spawn());
    }
}

impl Drop for Loudspeaker {
    fn drop(&mut self) {
        self.playing.drain(..).for_each(end);
    }
}

fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// The file of a sound, written when it is first wanted.
fn kept(folder: &Path, heard: Heard) -> Option<PathBuf> {
    let name = match heard {
        Heard::Sound(sound) => format!("{sound:?}.wav").to_lowercase(),
        Heard::Bell => "bell.wav".to_owned(),
    };
    let file = folder.join(name);
    if !file.is_file() {
        std::fs::create_dir_all(folder).ok()?;
        std::fs::write(&file, wave(notes(heard))).ok()?;
    }
    Some(file)
}

/// How long some notes sound, in milliseconds.
fn length_ms(notes: &[Note]) -> u32 {
    notes.iter().map(|(_, from, fade)| from + FADES * fade).max().unwrap_or_default()
}

/// The notes as a WAV file: one channel, 16 bits.
fn wave(notes: &[Note]) -> Vec<u8> {
    let samples = RATE * length_ms(notes) / 1000;
    let data = samples * 2;
    let mut file = Vec::with_capacity(44 + data as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes()); // plain samples
    file.extend_from_slice(&1_u16.to_le_bytes()); // one channel
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&(RATE * 2).to_le_bytes());
    file.extend_from_slice(&2_u16.to_le_bytes());
    file.extend_from_slice(&16_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&data.to_le_bytes());
    for sample in 0..samples {
        let at = sample as f32 / RATE as f32;
        let sum: f32 = notes.iter().map(|note| loudness_at(*note, at)).sum();
        file.extend_from_slice(&((sum.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16).to_le_bytes());
    }
    file
}

fn loudness_at((pitch, from_ms, fade_ms): Note, at: f32) -> f32 {
    let since = at - from_ms as f32 / 1000.0;
    if since < 0.0 {
        return 0.0;
    }
    // Two thousandths of a second to come up, so that nothing clicks.
    let attack = (since / 0.002).min(1.0);
    LOUDNESS * attack * (-since * 1000.0 / fade_ms as f32).exp() * (TAU * pitch * since).sin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sound_is_short_and_can_be_heard() {
        for sound in [Sound::Stamp, Sound::Reward, Sound::AlreadyCounted, Sound::Refused] {
            let notes = notes(Heard::Sound(sound));
            assert!(length_ms(notes) <= 300, "{sound:?} takes {} ms", length_ms(notes));
            let file = wave(notes);
            let loudest = file[44..]
                .chunks_exact(2)
                .map(|pair| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs())
                .max();
            assert!(loudest > Some(6_000), "{sound:?}: {loudest:?}");
            assert_eq!(u32::from_le_bytes(file[40..44].try_into().unwrap()) as usize, file.len() - 44);
        }
    }
}
