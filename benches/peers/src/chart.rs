//! The picture of `wall`: above the states, below the seconds, on logarithmic scales; beside each other what grows.

use maud::{Markup, PreEscaped, html};

use crate::series::{Axis, Reached, Series, axes};

/// Of a panel, in pixels.
const WIDTH: f64 = 230.0;
const HEIGHT: f64 = 180.0;
/// Around panels.
const LEFT: f64 = 64.0;
const GAP: f64 = 34.0;
const TOP: f64 = 84.0;
const BELOW: f64 = 64.0;

const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#1b1f24}.head{font-size:15px;font-weight:700}.soft{fill:#57606a}\
.middle{text-anchor:middle}.end{text-anchor:end}.ground{fill:#fff}.rule{stroke:#eaeef2}.frame{stroke:#57606a}\
polyline{fill:none;stroke-width:2}.before{stroke:#57606a}.after{stroke:#0b62a8}\
circle.before{fill:#57606a}circle.after{fill:#0b62a8}circle.open{fill:#fff;stroke-width:2}\
text.before{fill:#57606a;stroke:none}text.after{fill:#0b62a8;stroke:none}";

/// A row of panels: what is shown, its powers of ten, and how a number reads.
struct Quantity {
    title: &'static str,
    of: fn(&Reached) -> Option<f64>,
    powers: (i32, i32),
    words: fn(f64) -> String,
}

/// The picture.
pub(crate) fn picture(before: &Series, after: &Series) -> String {
    let all = || before.reached.iter().chain(&after.reached);
    let powers = |of: fn(&Reached) -> Option<f64>| {
        let logs = || all().filter_map(of).map(f64::log10);
        let (least, most) = (logs().fold(f64::INFINITY, f64::min), logs().fold(f64::NEG_INFINITY, f64::max));
        // With room for the words below the least.
        ((least - 0.4).floor() as i32, most.ceil() as i32)
    };
    let states = |reached: &Reached| reached.states.map(|states| states as f64);
    let seconds = |reached: &Reached| Some(reached.seconds.max(0.001));
    let rows = [
        Quantity { title: "states", of: states, powers: powers(states), words: count },
        Quantity { title: "seconds", of: seconds, powers: powers(seconds), words: significant },
    ];
    let width = LEFT + 3.0 * (WIDTH + GAP);
    let height = TOP + 2.0 * (HEIGHT + BELOW);
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="img" {
            title { "States and seconds over folios, actors and commands, before and after" }
            style { (PreEscaped(STYLE)) }
            rect.ground width=(width) height=(height) {}
            text.head x=(LEFT) y="24" { "What the five actors cost: states and seconds to decide, with the check" }
            (key(before, after))
            @for (n, row) in rows.iter().enumerate() {
                @let top = TOP + n as f64 * (HEIGHT + BELOW);
                @for (m, axis) in axes().iter().enumerate() {
                    (panel(row, axis, [before, after], LEFT + m as f64 * (WIDTH + GAP), top, m == 0))
                }
            }
        }
    }
    .into_string()
}

fn key(before: &Series, after: &Series) -> Markup {
    let entry = |class: &'static str, text: String, x: f64| {
        html! {
            circle class=(class) cx=(x) cy="42" r="4" {}
            text class=(class) x=(x + 9.0) y="46" { (text) }
        }
    };
    html! {
        (entry("before", format!("before ({})", before.commit), LEFT + 4.0))
        (entry("after", format!("after ({})", after.commit), LEFT + 184.0))
        circle.before.open cx=(LEFT + 364.0) cy="42" r="4" {}
        text.soft x=(LEFT + 373.0) y="46" { "not decided: where it was stopped" }
    }
}

fn panel(row: &Quantity, axis: &Axis, series: [&Series; 2], left: f64, top: f64, is_first: bool) -> Markup {
    let (least, most) = row.powers;
    let x = |n: usize| left + WIDTH * (n as f64 + 0.5) / axis.points.len() as f64;
    let y = |value: f64| top + HEIGHT * (f64::from(most) - value.log10()) / f64::from(most - least);
    html! {
        @for power in least..=most {
            @let at = y(10f64.powi(power));
            line.rule x1=(left) y1=(round(at)) x2=(left + WIDTH) y2=(round(at)) {}
            @if is_first { text.soft.end x=(left - 6.0) y=(round(at + 4.0)) { ((row.words)(10f64.powi(power))) } }
        }
        line.frame x1=(left) y1=(top + HEIGHT) x2=(left + WIDTH) y2=(top + HEIGHT) {}
        text.soft x=(left) y=(top - 6.0) { (row.title) }
        @for (n, (number, _)) in axis.points.iter().enumerate() {
            text.middle x=(round(x(n))) y=(top + HEIGHT + 16.0) { (number) }
        }
        text.soft.middle x=(left + WIDTH / 2.0) y=(top + HEIGHT + 32.0) { (axis.title) }
        @for (series, class) in series.iter().zip(["before", "after"]) {
            @let found = points(row, axis, series);
            polyline class=(class) points=(line(&found, x, y)) {}
            @for (n, value, decided) in &found {
                circle class=(if *decided { class.to_owned() } else { format!("{class} open") }) cx=(round(x(*n))) cy=(round(y(*value))) r="4" {}
                // What was is above, what is below.
                @let down = if class == "before" { -9.0 } else { 18.0 };
                text class={ "middle " (class) } x=(round(x(*n))) y=(round(y(*value) + down)) { @if *decided { ((row.words)(*value)) } @else { "> " ((row.words)(at_least(*value))) } }
            }
        }
    }
}

/// Where there is something to draw: the place, the value, and whether it was decided.
fn points(row: &Quantity, axis: &Axis, series: &Series) -> Vec<(usize, f64, bool)> {
    let reached = axis.points.iter().enumerate().filter_map(|(n, (_, point))| Some((n, series.at(*point)?)));
    reached.filter_map(|(n, reached)| Some((n, (row.of)(reached)?, reached.decided))).collect()
}

fn line(points: &[(usize, f64, bool)], x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) -> String {
    let pairs = points.iter().map(|(n, value, _)| format!("{},{}", round(x(*n)), round(y(*value))));
    pairs.collect::<Vec<_>>().join(" ")
}

fn round(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}

fn count(number: f64) -> String {
    match number {
        n if n >= 1e6 => format!("{} M", significant(n / 1e6)),
        n if n >= 1e3 => format!("{} k", significant(n / 1e3)),
        n => significant(n),
    }
}

/// Two digits of it.
fn significant(number: f64) -> String {
    let scale = scale(number);
    format!("{}", (number * scale).round() / scale)
}

/// The greatest number of two digits that is not greater.
fn at_least(number: f64) -> f64 {
    let scale = scale(number);
    (number * scale).floor() / scale
}

/// What makes a number one of two digits.
fn scale(number: f64) -> f64 {
    10f64.powi(1 - number.log10().floor() as i32)
}

#[cfg(test)]
mod tests {
    use super::{at_least, count, significant};

    #[test]
    fn numbers_read_as_two_digits_and_bounds_promise_no_more_than_there_is() {
        assert_eq!([significant(0.0176), significant(52.4), significant(148.4)], ["0.018", "52", "150"]);
        assert_eq!([count(999.0), count(80_237.0), count(32_205_367.0)], ["1000", "80 k", "32 M"]);
        assert_eq!(count(at_least(77_539_776.0)), "77 M");
        assert_eq!(significant(at_least(148.4)), "140");
    }
}
