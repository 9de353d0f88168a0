//! Inputs made from inputs, on a stable toolchain and in bounded time: what the ordinary tests run beside the corpus,
//! and `STEMPEL_FUZZ=n` runs longer. The same seed makes the same inputs. It does not look at which code an input
//! reaches; cargo-fuzz does.

#![allow(dead_code, reason = "each crate's tests take from it what they need")]

/// The longest input that is made, in bytes.
const LEN_MAX: usize = 16 * 1024;
/// Numbers at which programs fall.
const ODD: [u64; 10] = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];
/// Texts at which programs fall.
const WORDS: [&str; 22] = [
    "null",
    "-1",
    "0",
    "1e999",
    "9223372036854775808",
    "-9223372036854775809",
    "\"\"",
    "[]",
    "{}",
    "{\"a\":",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "ß",
    "💶",
    "\"\n",
    "=1+1",
    "9999-12-31",
    "0000-00-00",
    "[[[[[[[[",
    "true",
    ";",
];

/// How many inputs a test makes; `STEMPEL_FUZZ` names another number.
pub fn inputs(usual: u64) -> u64 {
    std::env::var("STEMPEL_FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Runs a check on every seed and on so many inputs made from them; says how many bytes it was fed. A check that
/// does not hold ends the test with the input in hexadecimal.
pub fn run(seeds: &[Vec<u8>], inputs: u64, mut check: impl FnMut(&[u8])) -> u64 {
    let (mut draws, mut bytes) = (Draws(20_261_122), 0);
    let mut fed = |input: &[u8]| {
        bytes += input.len() as u64;
        let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(input)));
        let hexadecimal = || input.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert!(held.is_ok(), "does not hold for {}\n{}", hexadecimal(), String::from_utf8_lossy(input));
    };
    for seed in seeds {
        fed(seed);
    }
    for _ in 0..inputs {
        let mut input = seeds.get(draws.below(seeds.len())).cloned().unwrap_or_default();
        draws.change(&mut input, seeds);
        fed(&input);
    }
    bytes
}

/// SplitMix64.
pub struct Draws(pub u64);

impl Draws {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a limit; 0 if there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.number() % limit.max(1) as u64) as usize
    }

    /// Changes an input in one to eight places.
    pub fn change(&mut self, input: &mut Vec<u8>, others: &[Vec<u8>]) {
        for _ in 0..=self.below(8) {
            let at = self.below(input.len() + 1);
            let length = self.below(input.len() - at + 1).min(1 + self.below(64));
            match self.below(9) {
                0 if at < input.len() => input[at] ^= 1 << self.below(8),
                1 if at < input.len() => input[at] = self.number() as u8,
                2 => drop(input.drain(at..at + length)),
                3 => {
                    let copy = input[at..at + length].to_vec();
                    let to = self.below(input.len() + 1);
                    input.splice(to..to, copy);
                }
                4 => input.truncate(at),
                5 => {
                    let word = WORDS[self.below(WORDS.len())].bytes();
                    input.splice(at..at + length, word);
                }
                6 => {
                    let number = ODD[self.below(ODD.len())].to_be_bytes();
                    let width = [1, 2, 4, 8][self.below(4)];
                    let end = (at + width).min(input.len());
                    input.splice(at..end, number[8 - width..].iter().copied());
                }
                7 => {
                    // A number in a text becomes another one.
                    if let Some(from) = (at..input.len()).find(|&at| input[at].is_ascii_digit()) {
                        let end = (from..input.len()).find(|&at| !input[at].is_ascii_digit());
                        let number = ODD[self.below(ODD.len())].to_string().into_bytes();
                        input.splice(from..end.unwrap_or(input.len()), number);
                    }
                }
                _ => {
                    if let Some(other) = others.get(self.below(others.len())) {
                        let from = self.below(other.len() + 1);
                        let end = (from + self.below(256)).min(other.len());
                        input.splice(at..at + length, other[from..end].iter().copied());
                    }
                }
            }
            input.truncate(LEN_MAX);
        }
    }
}
