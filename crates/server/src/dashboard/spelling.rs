//! How names are compared, so that they are found however they are spelt.

/// The longest name or question that is compared, in characters.
const CHARS_MAX: usize = 40;

/// A name as it sounds rather than as it is written: Jörg, Joerg and Jorg are one, Philipp and Filip, Meyer and Meier.
pub(super) fn fold(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars().take(CHARS_MAX).flat_map(char::to_lowercase) {
        match c {
            'ä' | 'à' | 'á' | 'â' | 'ã' | 'å' => text.push('a'),
            'ö' | 'ò' | 'ó' | 'ô' | 'õ' | 'ø' => text.push('o'),
            'ü' | 'ù' | 'ú' | 'û' => text.push('u'),
            'è' | 'é' | 'ê' | 'ë' => text.push('e'),
            'ì' | 'í' | 'î' | 'ï' | 'ı' | 'y' | 'j' => text.push('i'),
            'ç' | 'č' | 'ć' => text.push('k'),
            'ñ' => text.push('n'),
            'ß' | 'ş' | 'š' => text.push('s'),
            'ğ' => text.push('g'),
            'ž' => text.push('z'),
            c if c.is_alphanumeric() => text.push(c),
            _ => text.push(' '),
        }
    }
    let text = ["ae>a", "oe>o", "ue>u", "ph>f", "th>t", "ck>k", "c>k", "v>f"]
        .iter()
        .filter_map(|rule| rule.split_once('>'))
        .fold(text, |text, (from, to)| text.replace(from, to));
    let mut plain = String::with_capacity(text.len());
    for c in text.trim().chars() {
        // Doubled letters are heard once.
        if !plain.ends_with(c) {
            plain.push(c);
        }
    }
    plain
}

/// How far a name is from what was asked for, smaller is better; none: it is another one.
pub(super) fn likeness(asked: &str, name: &str) -> Option<u8> {
    if name == asked {
        return Some(0);
    }
    if name.starts_with(asked) {
        return Some(1);
    }
    if name.split(' ').any(|word| word.starts_with(asked)) {
        return Some(2);
    }
    let length = asked.chars().count();
    if length >= 3 && name.contains(asked) {
        return Some(3);
    }
    let slips = match length {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    let words = name.split(' ').chain([name]);
    let near = words.filter_map(|word| {
        // The beginning of a long name is enough.
        let begin: String = word.chars().take(length + 1).collect();
        let distance = distance(asked, &begin).min(distance(asked, word));
        (distance <= slips).then_some(distance)
    });
    near.min().map(|distance| 3 + distance)
}

/// How many letters have to be put in, left out, changed or swapped with the next.
fn distance(one: &str, other: &str) -> u8 {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 2 {
        return u8::MAX;
    }
    let mut before: Vec<u8> = Vec::new();
    let mut last: Vec<u8> = (0..=other.len()).map(|n| n as u8).collect();
    for (row, a) in one.iter().enumerate() {
        let mut next = vec![row as u8 + 1];
        for (column, b) in other.iter().enumerate() {
            let changed = last[column] + u8::from(a != b);
            let mut best = changed.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && *a == other[column - 1] && one[row - 1] == *b {
                best = best.min(before[column - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_spelt() {
        for (asked, name) in [
            ("joerg", "Jörg"),
            ("Jorg", "Jörg-Maximilian"),
            ("maxi", "Jörg-Maximilian"),
            ("filip", "Philipp"),
            ("meier", "Meyer"),
            ("Klara", "Clara"),
            ("brnuo", "Bruno"),
            ("fridea", "Frieda"),
            ("Emer", "Emre"),
            ("ada", "Ada"),
            ("müller", "Mueller"),
        ] {
            assert!(
                likeness(&fold(asked), &fold(name)).is_some(),
                "{asked} {name}: {} {}",
                fold(asked),
                fold(name)
            );
        }
        for (asked, name) in [("ada", "Bruno"), ("em", "Jörg"), ("clara", "Frieda"), ("", "Ada")] {
            let near = if fold(asked).is_empty() { None } else { likeness(&fold(asked), &fold(name)) };
            assert_eq!(near, None, "{asked} {name}");
        }
    }

    #[test]
    fn the_name_itself_comes_first() {
        let mut names: Vec<&str> = vec!["Adam", "Ada", "Adda-Maria", "Rada", "Ida"];
        names.sort_by_key(|name| likeness(&fold("Ada"), &fold(name)));
        assert_eq!(names[0], "Ada");
        assert_eq!(distance("abc", "acb"), 1);
        assert_eq!(distance("abc", "abcdef"), u8::MAX);
    }
}
