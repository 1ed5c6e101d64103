//! Curves over two axes of numbers.

use maud::{Markup, html};

use super::axis::Axis;
use super::figure::{BOTTOM, base, column, figure, legend, mark, rows, series, shown, x, y};
use super::{Mark, SERIES};

/// One place of a curve.
#[derive(Clone, Debug, Default)]
pub struct Point {
    /// On the horizontal axis.
    pub x: f64,
    /// On the vertical axis.
    pub y: f64,
    /// What is told beneath the pointer.
    pub hover: String,
    /// What stands beside it, where something should.
    pub label: Option<String>,
}

/// A curve: its points joined in order.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its places; those that are no numbers are left out.
    pub points: Vec<Point>,
}

/// Curves in one picture.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    /// What it shows, for those who do not see it.
    pub title: &'a str,
    /// What is to be seen in it, in a sentence.
    pub description: &'a str,
    /// From left to right.
    pub x: Axis<'a>,
    /// From below.
    pub y: Axis<'a>,
    /// The curves, [`SERIES`] at most.
    pub lines: Vec<Line<'a>>,
    /// A place on the horizontal axis.
    pub mark: Option<Mark<'a>>,
}

impl Lines<'_> {
    /// The picture.
    pub fn draw(&self) -> Markup {
        let lines = &self.lines[..self.lines.len().min(SERIES)];
        let points = || lines.iter().flat_map(|line| line.points.iter());
        let (across, up) =
            (self.x.ticks(points().map(|p| p.x)), self.y.ticks(points().map(|p| p.y)));
        let place = |point: &Point| (shown(x(across.share(point.x))), shown(y(up.share(point.y))));
        let names: Vec<&str> = lines.iter().map(|line| line.name).collect();
        let drawn = html! {
            (rows(&self.y, &up))
            (base(self.x.title))
            @for value in across.values() {
                (column(x(across.share(value)), &self.x.label(value)))
            }
            @if let Some(place) = self.mark {
                (mark(x(across.share(place.at)), place.text))
            }
            @for (index, line) in lines.iter().enumerate() {
                @let shown = line.points.iter().filter(|p| p.x.is_finite() && p.y.is_finite());
                (curve(index, &shown.map(|point| (point, place(point))).collect::<Vec<_>>()))
            }
            (legend(&names, |index, at| html! {
                path.line.(series(index)) d=(format!("M{} 12h18", shown(at))) {}
            }))
        };
        figure(self.title, self.description, &drawn)
    }
}

fn curve(index: usize, points: &[(&Point, (f64, f64))]) -> Markup {
    let path: Vec<String> = points.iter().map(|(_, (x, y))| format!("{x} {y}")).collect();
    html! {
        @if !path.is_empty() {
            path.line.(series(index)) d=(format!("M{}", path.join("L"))) {}
        }
        @for (point, (x, y)) in points {
            g {
                title { (point.hover) }
                circle.(series(index)) cx=(x) cy=(y) r=(if point.label.is_some() { 4 } else { 2 }) {}
                // A place that a pointer finds.
                circle.reach cx=(x) cy=(y) r="8" {}
                @if let Some(label) = &point.label {
                    // Below the point, unless the axis is there.
                    @let beside = if *y > BOTTOM - 20.0 { y - 8.0 } else { y + 14.0 };
                    text x=(x + 8.0) y=(shown(beside)) { (label) }
                }
            }
        }
    }
}
