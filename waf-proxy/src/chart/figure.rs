//! What all charts with axes share: the picture, the plot in it, grid, titles, legend and mark.

use maud::{Markup, html};

use super::SERIES;
use super::axis::{Axis, Ticks};

/// The picture, in its own units; the page scales it.
pub(super) const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;

/// Where the plot is in it.
pub(super) const LEFT: f64 = 56.0;
pub(super) const RIGHT: f64 = 624.0;
pub(super) const TOP: f64 = 44.0;
pub(super) const BOTTOM: f64 = 250.0;

/// Width of a character in a legend, about.
const CHARACTER: f64 = 6.8;

/// Width of a sign in a legend, with the gaps around it.
const SWATCH: f64 = 36.0;

/// The picture with its title and description, around what is drawn.
pub(super) fn figure(title: &str, description: &str, drawn: &Markup) -> Markup {
    html! {
        svg.chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(title) {
            title { (title) }
            desc { (description) }
            (drawn)
        }
    }
}

/// Where a share of the vertical axis stands.
pub(super) fn y(share: f64) -> f64 {
    BOTTOM - share * (BOTTOM - TOP)
}

/// Where a share of the horizontal axis stands.
pub(super) fn x(share: f64) -> f64 {
    LEFT + share * (RIGHT - LEFT)
}

/// Lines across the plot, their numbers and the axis' title.
pub(super) fn rows(axis: &Axis<'_>, ticks: &Ticks) -> Markup {
    html! {
        @for value in ticks.values() {
            @let at = shown(y(ticks.share(value)));
            path.grid d=(format!("M{LEFT} {at}H{RIGHT}")) {}
            text x=(LEFT - 8.0) y=(at) dy="4" text-anchor="end" { (axis.label(value)) }
        }
        text x=(LEFT) y=(TOP - 12.0) { (axis.title) }
    }
}

/// The lower border with its title.
pub(super) fn base(title: &str) -> Markup {
    html! {
        path.axis d=(format!("M{LEFT} {BOTTOM}H{RIGHT}")) {}
        text x=(f64::midpoint(LEFT, RIGHT)) y=(HEIGHT - 8.0) text-anchor="middle" { (title) }
    }
}

/// A number or name below the plot.
pub(super) fn column(at: f64, text: &str) -> Markup {
    html! {
        path.axis d=(format!("M{} {BOTTOM}v4", shown(at))) {}
        text x=(shown(at)) y=(BOTTOM + 18.0) text-anchor="middle" { (text) }
    }
}

/// The place that matters: a line down the plot, its text on the side that has room.
pub(super) fn mark(at: f64, text: &str) -> Markup {
    let (anchor, beside) = if at > x(0.6) { ("end", at - 6.0) } else { ("start", at + 6.0) };
    html! {
        path.mark d=(format!("M{} {TOP}V{BOTTOM}", shown(at))) {}
        text.mark x=(shown(beside)) y=(TOP + 12.0) text-anchor=(anchor) { (text) }
    }
}

/// The names of the series, where there is more than one, in a row above the plot; a name that is
/// too long for its share of the row is cut.
pub(super) fn legend(names: &[&str], swatch: impl Fn(usize, f64) -> Markup) -> Markup {
    let room = (RIGHT - LEFT) / names.len().max(1) as f64 - SWATCH;
    let names: Vec<String> = names.iter().map(|name| cut(name, room / CHARACTER)).collect();
    let width = |name: &String| name.chars().count() as f64 * CHARACTER + SWATCH;
    let mut at = RIGHT - names.iter().map(width).sum::<f64>();
    html! {
        @if names.len() > 1 {
            @for (index, name) in names.iter().enumerate() {
                (swatch(index, at))
                text x=(shown(at + 22.0)) y="16" { (name) }
                @let () = at += width(name);
            }
        }
    }
}

fn cut(name: &str, characters: f64) -> String {
    let most = characters as usize;
    if name.chars().count() <= most {
        return name.to_owned();
    }
    name.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The class of a series.
pub(super) fn series(index: usize) -> &'static str {
    ["s1", "s2", "s3", "s4"][index.min(SERIES - 1)]
}

/// A coordinate without more digits than can be seen.
pub(super) fn shown(coordinate: f64) -> f64 {
    (coordinate * 10.0).round() / 10.0
}
