//! Reed–Solomon over GF(256) with errors and erasures, as QR codes use it.
//!
//! A codeword whose place is known to be doubtful (an erasure) costs one check byte instead of two.

/// The field's polynomial, x⁸ + x⁴ + x³ + x² + 1 (ISO/IEC 18004, 7.5.2).
const POLYNOMIAL: usize = 0x11d;
/// The longest code over this field.
const LENGTH_MAX: usize = 255;

struct Field {
    exp: [u8; 512],
    log: [u8; 256],
}

const FIELD: Field = field();

const fn field() -> Field {
    let mut exp = [0_u8; 512];
    let mut log = [0_u8; 256];
    let mut value = 1;
    let mut power = 0;
    while power < 255 {
        exp[power] = value as u8;
        exp[power + 255] = value as u8;
        log[value] = power as u8;
        value <<= 1;
        if value >= 256 {
            value ^= POLYNOMIAL;
        }
        power += 1;
    }
    Field { exp, log }
}

fn multiply(a: u8, b: u8) -> u8 {
    if a == 0 || b == 0 {
        return 0;
    }
    FIELD.exp[usize::from(FIELD.log[usize::from(a)]) + usize::from(FIELD.log[usize::from(b)])]
}

/// Gives α to the power, which may be up to 509.
fn power(exponent: usize) -> u8 {
    FIELD.exp[exponent]
}

fn inverse(a: u8) -> u8 {
    FIELD.exp[255 - usize::from(FIELD.log[usize::from(a)])]
}

/// Scratch memory of the corrector.
#[derive(Debug, Clone, Default)]
pub(super) struct Corrector {
    syndromes: Vec<u8>,
    locator: Vec<u8>,
    before: Vec<u8>,
    next: Vec<u8>,
    evaluator: Vec<u8>,
}

impl Corrector {
    /// Corrects a block in place: `checks` of its codewords are check bytes, `erased` are places of doubtful ones.
    /// Gives how many codewords were changed, or `None`, with the block as it was, when there is no answer.
    pub(super) fn correct(&mut self, block: &mut [u8], checks: usize, erased: &[u8]) -> Option<usize> {
        let length = block.len();
        if length > LENGTH_MAX || checks >= length || erased.len() > checks {
            return None;
        }
        if self.find_syndromes(block, checks) {
            return Some(0);
        }
        self.find_locator(length, checks, erased);
        let degree = self.locator.len() - 1;
        // Unknown errors cost two checks each.
        if degree > checks || 2 * (degree - erased.len().min(degree)) + erased.len() > checks {
            return None;
        }
        self.find_evaluator(checks);
        self.repair(block, degree)
    }

    /// Writes the syndromes, lowest power first; true when all are zero.
    fn find_syndromes(&mut self, block: &[u8], checks: usize) -> bool {
        self.syndromes.clear();
        self.syndromes.extend((0..checks).map(|root| {
            let point = power(root);
            block.iter().fold(0, |sum, &byte| multiply(sum, point) ^ byte)
        }));
        self.syndromes.iter().all(|&syndrome| syndrome == 0)
    }

    /// Berlekamp–Massey, begun with the locator of the erasures.
    fn find_locator(&mut self, length: usize, checks: usize, erased: &[u8]) {
        self.locator.clear();
        self.locator.push(1);
        for &place in erased {
            let root = power((length - 1).saturating_sub(usize::from(place)));
            self.locator.push(0);
            for at in (1..self.locator.len()).rev() {
                self.locator[at] ^= multiply(self.locator[at - 1], root);
            }
        }
        self.before.clone_from(&self.locator);
        let mut errors = erased.len();
        for step in erased.len()..checks {
            let discrepancy = self
                .locator
                .iter()
                .take(step + 1)
                .enumerate()
                .fold(0, |sum, (at, &term)| sum ^ multiply(term, self.syndromes[step - at]));
            self.before.insert(0, 0);
            if discrepancy == 0 {
                continue;
            }
            self.next.clear();
            self.next.resize(self.locator.len().max(self.before.len()), 0);
            self.next[..self.locator.len()].copy_from_slice(&self.locator);
            for (term, &old) in self.next.iter_mut().zip(&self.before) {
                *term ^= multiply(old, discrepancy);
            }
            if 2 * errors <= step + erased.len() {
                errors = step + 1 + erased.len() - errors;
                let scale = inverse(discrepancy);
                self.before.clear();
                self.before.extend(self.locator.iter().map(|&term| multiply(term, scale)));
            }
            std::mem::swap(&mut self.locator, &mut self.next);
        }
        while self.locator.len() > 1 && self.locator.last() == Some(&0) {
            self.locator.pop();
        }
    }

    fn find_evaluator(&mut self, checks: usize) {
        self.evaluator.clear();
        self.evaluator.extend((0..checks).map(|at| {
            self.locator
                .iter()
                .take(at + 1)
                .enumerate()
                .fold(0, |sum, (index, &term)| sum ^ multiply(term, self.syndromes[at - index]))
        }));
    }

    /// Chien's search and Forney's rule.
    fn repair(&self, block: &mut [u8], degree: usize) -> Option<usize> {
        let length = block.len();
        let at_root =
            |terms: &[u8], root: u8| terms.iter().rev().fold(0, |sum, &term| multiply(sum, root) ^ term);
        let mut repairs = [(0_u8, 0_u8); LENGTH_MAX];
        let mut found = 0;
        for place in 0..length {
            let exponent = length - 1 - place;
            let root = power((255 - exponent) % 255);
            if at_root(&self.locator, root) != 0 {
                continue;
            }
            // The formal derivative has the odd terms alone.
            let square = multiply(root, root);
            let odd = self.locator.iter().skip(1).step_by(2);
            let (slope, _) =
                odd.fold((0, 1), |(sum, x), &term| (sum ^ multiply(term, x), multiply(x, square)));
            if slope == 0 || found >= degree {
                return None;
            }
            let value = multiply(at_root(&self.evaluator, root), inverse(slope));
            repairs[found] = (place as u8, multiply(value, power(exponent)));
            found += 1;
        }
        if found != degree {
            return None;
        }
        let mut changed = 0;
        for &(place, value) in &repairs[..found] {
            block[usize::from(place)] ^= value;
            changed += usize::from(value != 0);
        }
        Some(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appends check bytes by dividing by the generator.
    fn encode(data: &[u8], checks: usize) -> Vec<u8> {
        let mut generator = vec![1_u8];
        for root in 0..checks {
            generator.push(0);
            for at in (1..generator.len()).rev() {
                generator[at] ^= multiply(generator[at - 1], power(root));
            }
        }
        let mut rest = data.to_vec();
        rest.resize(data.len() + checks, 0);
        for at in 0..data.len() {
            let lead = rest[at];
            for (index, &term) in generator.iter().enumerate() {
                rest[at + index] ^= multiply(term, lead);
            }
        }
        rest[..data.len()].copy_from_slice(data);
        rest
    }

    #[test]
    fn every_mix_of_errors_and_erasures_within_the_checks_is_repaired() {
        let mut corrector = Corrector::default();
        let mut seed = 9_u32;
        let mut random = |limit: usize| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as usize % limit
        };
        for (length, checks) in [(26, 10), (43, 24), (67, 24), (134, 24), (19, 17), (255, 30)] {
            let data: Vec<u8> = (0..length - checks).map(|_| random(256) as u8).collect();
            let whole = encode(&data, checks);
            for erasures in 0..=checks {
                let errors = (checks - erasures) / 2;
                let mut places: Vec<u8> = (0..length as u8).collect();
                for at in 0..erasures + errors {
                    let other = at + random(length - at);
                    places.swap(at, other);
                }
                let mut block = whole.clone();
                for &place in &places[..erasures + errors] {
                    block[usize::from(place)] ^= 1 + random(255) as u8;
                }
                let done = corrector.correct(&mut block, checks, &places[..erasures]);
                assert!(
                    done.is_some() && block == whole,
                    "{length} {checks}: {erasures} erasures {errors} errors"
                );
            }
        }
    }

    #[test]
    fn erasures_that_were_right_do_no_harm() {
        let whole = encode(&[1, 2, 3, 4, 5, 6, 7, 8], 6);
        let mut block = whole.clone();
        block[3] ^= 0x40;
        assert_eq!(Corrector::default().correct(&mut block, 6, &[0, 1, 9, 3]), Some(1));
        assert_eq!(block, whole);
    }

    #[test]
    fn too_much_damage_is_no_answer_and_changes_nothing() {
        let whole = encode(&[7; 16], 10);
        let mut block = whole.clone();
        for (place, byte) in block.iter_mut().take(9).enumerate() {
            *byte ^= 0x5a + place as u8;
        }
        let damaged = block.clone();
        if Corrector::default().correct(&mut block, 10, &[]).is_none() {
            assert_eq!(block, damaged);
        }
        assert_eq!(Corrector::default().correct(&mut [0; 4], 4, &[]), None);
        assert_eq!(Corrector::default().correct(&mut [1; 300], 10, &[]), None);
    }
}
