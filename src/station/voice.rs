//! The voice: the system's speech engine as a child process, one sentence at a time.
//!
//! What is said next ends what is being said, as a screen reader does. A text is cut at a length that takes less than
//! a minute, so that no child speaks for ever.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::controllers::{Language, Volume};

/// The most letters that are said at once.
const LETTERS_MAX: usize = 500;

/// A speech engine that is installed here.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Engine {
    Espeak(PathBuf),
    Dispatcher(PathBuf),
}

/// Says sentences aloud, where the machine can.
#[derive(Debug)]
pub(super) struct Voice {
    engine: Option<Engine>,
    saying: Option<Child>,
}

impl Voice {
    /// Looks for a speech engine: espeak-ng, or else the speech dispatcher.
    pub fn find() -> Self {
        let engine = installed("espeak-ng")
            .map(Engine::Espeak)
            .or_else(|| installed("spd-say").map(Engine::Dispatcher));
        Self { engine, saying: None }
    }

    /// There is an engine.
    pub fn is_there(&self) -> bool {
        self.engine.is_some()
    }

    /// Says a text instead of what is being said. An engine that fails is silent; the words stand on the screen.
    pub fn say(&mut self, text: &str, language: Language, volume: Volume) {
        self.hush();
        let Some(engine) = &self.engine else { return };
        let text: String = text.chars().filter(|letter| !letter.is_control()).take(LETTERS_MAX).collect();
        if text.trim().is_empty() {
            return;
        }
        let mut command = command(engine, &text, language, volume);
        self.saying = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok();
    }

    /// Is silent at once.
    pub fn hush(&mut self) {
        if let Some(mut child) = self.saying.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // The dispatcher is a service of its own and goes on speaking when its caller ends.
        if let Some(Engine::Dispatcher(program)) = &self.engine {
            let mut stop = Command::new(program);
            let stop = stop.arg("--cancel").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            self.saying = stop.spawn().ok();
        }
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        if let Some(mut child) = self.saying.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn command(engine: &Engine, text: &str, language: Language, volume: Volume) -> Command {
    // The engines' own scales: from 0 to 200, and from -100 to 100. The middle step is what they say unasked.
    let step = i32::from(volume.step()) - i32::from(Volume::default().step());
    let (amplitude, loudness) = ((100 + 45 * step).to_string(), (45 * step).to_string());
    let (program, words) = match engine {
        Engine::Espeak(program) => {
            (program, vec!["-v", language.tag(), "-s", "150", "-a", &amplitude, "--", text])
        }
        Engine::Dispatcher(program) => {
            (program, vec!["--wait", "-l", language.tag(), "-i", &loudness, "--", text])
        }
    };
    let mut command = Command::new(program);
    command.args(words);
    command
}

/// Where a program lies on the path.
pub(super) fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &Command) -> Vec<String> {
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_name_is_never_taken_for_an_option() {
        let volume = Volume::default();
        let said = command(&Engine::Espeak("espeak-ng".into()), "--version", Language::German, volume);
        assert_eq!(words(&said), ["-v", "de", "-s", "150", "-a", "100", "--", "--version"]);
        let said = command(&Engine::Dispatcher("spd-say".into()), "-x", Language::English, volume);
        assert_eq!(words(&said), ["--wait", "-l", "en", "-i", "0", "--", "-x"]);
    }

    #[test]
    fn each_step_is_louder_than_the_one_before_and_all_can_be_heard() {
        let mut volume = (0..9).fold(Volume::default(), |volume, _| volume.turned(false));
        let loud = |volume| {
            let said = command(&Engine::Espeak("espeak-ng".into()), "Hallo", Language::German, volume);
            words(&said)[5].parse::<i32>().unwrap()
        };
        let mut steps = vec![loud(volume)];
        for _ in 0..9 {
            volume = volume.turned(true);
            steps.push(loud(volume));
        }
        steps.dedup();
        assert_eq!(steps, [10, 55, 100, 145, 190]);
    }

    #[test]
    fn what_comes_next_ends_what_is_being_said() {
        // A voice that takes long: it is made of `sleep`, which reads no words.
        let mut voice = Voice { engine: None, saying: Command::new("sleep").arg("60").spawn().ok() };
        let begun = std::time::Instant::now();
        assert!(voice.saying.is_some());
        voice.say("Hallo", Language::German, Volume::default());
        assert!(voice.saying.is_none() && begun.elapsed().as_secs() < 10);
    }
}
