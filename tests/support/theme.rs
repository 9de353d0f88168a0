//! The contrast of the tokens in `ui/theme.slint`, by the formula of WCAG 2.2.

use std::collections::BTreeMap;

const THEME: &str = include_str!("../../ui/theme.slint");
/// The same tokens for the pages of the server.
const STYLE_SHEET: &str = include_str!("../../crates/server/assets/tokens.css");

type Palette = BTreeMap<String, [u8; 3]>;

/// Reads the palettes out of the theme: lines such as `ink: #211B15,` inside `property <Palette> light: {`.
fn palettes() -> BTreeMap<String, Palette> {
    let mut palettes = BTreeMap::new();
    let mut open: Option<(String, Palette)> = None;
    for line in THEME.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("property <Palette> ")
            && let Some(name) = rest.strip_suffix(": {")
        {
            open = Some((name.to_owned(), Palette::new()));
        } else if line == "};" {
            palettes.extend(open.take());
        } else if let (Some((_, palette)), Some((name, value))) = (&mut open, line.split_once(": #")) {
            let hex = u32::from_str_radix(value.trim_end_matches(','), 16).unwrap();
            palette.insert(name.to_owned(), [(hex >> 16) as u8, (hex >> 8) as u8, hex as u8]);
        }
    }
    palettes
}

/// Reads the palettes out of the style sheet, in its order: lines such as `--ink: #211B15;` inside a rule.
fn palettes_of_the_pages() -> Vec<Palette> {
    let rules = STYLE_SHEET.split('{').map(|rule| {
        let tokens = rule.lines().filter_map(|line| line.trim().strip_prefix("--")?.split_once(": #"));
        let colour = |(name, value): (&str, &str)| {
            let hex = u32::from_str_radix(value.trim_end_matches(';'), 16).unwrap();
            (name.to_owned(), [(hex >> 16) as u8, (hex >> 8) as u8, hex as u8])
        };
        tokens.map(colour).collect::<Palette>()
    });
    rules.filter(|palette| !palette.is_empty()).collect()
}

#[test]
fn the_pages_have_the_colours_of_the_screens() {
    let theirs = palettes();
    // Nothing on the pages is drawn as a sheet with a lower edge.
    let wanted = |name: &str| {
        let mut palette = theirs[name].clone();
        palette.remove("edge").unwrap();
        palette
    };
    assert_eq!(palettes_of_the_pages(), [wanted("light"), wanted("night"), wanted("night")]);
}

fn luminance(color: [u8; 3]) -> f64 {
    let linear = color.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn there_are_four_palettes_with_the_same_names() {
    let palettes = palettes();
    assert_eq!(palettes.keys().collect::<Vec<_>>(), ["light", "light-contrast", "night", "night-contrast"]);
    let names = |palette: &Palette| palette.keys().cloned().collect::<Vec<_>>();
    for palette in palettes.values() {
        assert_eq!(names(palette), names(&palettes["light"]));
        assert!(palette.len() >= 20);
    }
}

#[test]
fn words_can_be_read_and_controls_be_seen() {
    let text = [
        (
            "ink",
            ["paper", "card", "sand", "stamp-tint", "good-tint", "warn-tint", "bad-tint", "info-tint"]
                .as_slice(),
        ),
        ("faded", &["paper", "card", "sand"]),
        ("on-stamp", &["stamp", "stamp-pressed"]),
        ("stamp", &["paper", "card"]),
        ("good", &["paper", "card", "good-tint"]),
        ("warn", &["paper", "card", "warn-tint"]),
        ("bad", &["paper", "card", "bad-tint"]),
        ("info", &["paper", "card", "info-tint"]),
        ("card", &["ink"]),
    ];
    let shapes = [
        ("slot", ["paper", "card", "sand"].as_slice()),
        ("stamp", &["stamp-tint", "sand"]),
        ("info", &["paper", "card"]),
    ];
    let mut poor = Vec::new();
    for (name, palette) in palettes() {
        let wanted = if name.ends_with("-contrast") { 7.0 } else { 4.5 };
        let pairs = text
            .iter()
            .map(|(front, backs)| (*front, *backs, wanted))
            .chain(shapes.iter().map(|(front, backs)| (*front, *backs, 3.0)));
        for (front, backs, least) in pairs {
            for back in backs {
                let ratio = contrast(palette[front], palette[*back]);
                if ratio < least {
                    poor.push(format!("{name}: {front} on {back} is {ratio:.2} : 1, not {least}"));
                }
            }
        }
    }
    assert!(poor.is_empty(), "{poor:#?}");
}

#[test]
fn nothing_else_names_a_colour() {
    // The camera's picture is not paper: its frame keeps to its own two lights.
    let allowed = ["theme.slint", "camera.slint"];
    let mut folders = vec![std::path::PathBuf::from("ui")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if allowed.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            for (number, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
                assert!(!line.contains(": #"), "{}:{} names a colour", path.display(), number + 1);
            }
        }
    }
}
