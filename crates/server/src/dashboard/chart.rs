//! Charts: bars in SVG for those who see them, and the same figures as a table behind them for everybody.

use maud::{Markup, html};

/// One column of a chart: what stands below it , in two lines, and its figure.
pub(crate) struct Bar {
    pub short: (String, String),
    pub figure: i64,
}

/// The width of a column and of its bar, and the height of the chart, in units of the drawing.
const STEP: usize = 20;
const BAR: usize = 12;
const HEIGHT: i64 = 100;

/// Bars with their table. `said` is the chart in one sentence.
pub(crate) fn bars(title: &str, said: &str, bars: &[Bar], table: Markup, table_label: &str) -> Markup {
    let most = bars.iter().map(|bar| bar.figure).max().unwrap_or(0).max(1);
    let tall = |figure: i64| (figure.max(0) * HEIGHT / most).max(i64::from(figure > 0) * 2);
    html! {
        figure class="chart" {
            figcaption { (title) }
            svg viewBox={ "0 0 " (bars.len() * STEP) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                aria-label=(said) focusable="false" {
                @for (place, bar) in bars.iter().enumerate() {
                    rect class=[(place + 1 == bars.len()).then_some("last")] x=(place * STEP + (STEP - BAR) / 2)
                        y=(HEIGHT - tall(bar.figure)) width=(BAR) height=(tall(bar.figure)) {}
                }
            }
            div class="axis" aria-hidden="true" {
                @for bar in bars {
                    span { b { (bar.figure) } (bar.short.0) br; (bar.short.1) }
                }
            }
            details {
                summary { (table_label) }
                (table)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(figures: &[i64]) -> String {
        let bar = |figure: &i64| Bar { short: ("Mo".into(), "1".into()), figure: *figure };
        let list: Vec<Bar> = figures.iter().map(bar).collect();
        bars("T", "S", &list, html! {}, "L").into_string()
    }

    #[test]
    fn a_bar_is_as_tall_as_its_share_and_a_single_visit_can_be_seen() {
        let text = drawn(&[0, 1, 1000, 500]);
        for height in ["height=\"0\"", "height=\"2\"", "height=\"100\"", "height=\"50\""] {
            assert!(text.contains(height), "{text}");
        }
        assert!(drawn(&[0, 0]).contains("height=\"0\""));
        assert!(drawn(&[-3]).contains("height=\"0\""));
    }
}
