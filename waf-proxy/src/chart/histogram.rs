//! Bars over buckets, of several series on top of each other.

use maud::{Markup, html};

use super::axis::Axis;
use super::figure::{
    BOTTOM, LEFT, RIGHT, base, column, figure, legend, mark, rows, series, shown, y,
};
use super::{Mark, SERIES};

/// Width of a character below the plot, about.
const CHARACTER: f64 = 8.0;

/// One bucket.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    /// What stands below it, where there is room.
    pub label: String,
    /// What each series has in it.
    pub values: Vec<f64>,
    /// What is told beneath the pointer.
    pub hover: String,
}

/// Bars over buckets.
#[derive(Clone, Debug)]
pub struct Histogram<'a> {
    /// What it shows, for those who do not see it.
    pub title: &'a str,
    /// What is to be seen in it, in a sentence.
    pub description: &'a str,
    /// What the buckets are.
    pub x: &'a str,
    /// From below.
    pub y: Axis<'a>,
    /// The names of the series, [`SERIES`] at most.
    pub series: &'a [&'a str],
    /// The buckets, from left to right.
    pub buckets: &'a [Bucket],
    /// A border between buckets: 2 is before the third.
    pub mark: Option<Mark<'a>>,
}

impl Histogram<'_> {
    /// The picture.
    pub fn draw(&self) -> Markup {
        let count = self.buckets.len().max(1) as f64;
        let width = (RIGHT - LEFT) / count;
        let up = self
            .y
            .ticks(self.buckets.iter().map(|b| stack(b).map(|(_, to)| to).fold(0.0, f64::max)));
        let left = |index: usize| LEFT + width * index as f64;
        let longest = self.buckets.iter().map(|bucket| bucket.label.chars().count()).max();
        let every = (longest.unwrap_or(0) as f64 * CHARACTER / width).ceil().max(1.0) as usize;
        let gap = (width * 0.15).min(3.0);
        let drawn = html! {
            (rows(&self.y, &up))
            @for (index, bucket) in self.buckets.iter().enumerate() {
                g {
                    title { (bucket.hover) }
                    rect.reach x=(shown(left(index))) y=(shown(y(1.0))) width=(shown(width))
                        height=(shown(BOTTOM - y(1.0))) {}
                    @for (which, (from, to)) in stack(bucket).enumerate() {
                        @let (low, high) = (y(up.share(from)), y(up.share(to)));
                        rect.bar.(series(which)) x=(shown(left(index) + gap)) y=(shown(high))
                            width=(shown(width - 2.0 * gap)) height=(shown(low - high)) {}
                    }
                }
                @if index.is_multiple_of(every) {
                    (column(left(index) + width / 2.0, &bucket.label))
                }
            }
            (base(self.x))
            @if let Some(place) = self.mark {
                (mark((LEFT + width * place.at).clamp(LEFT, RIGHT), place.text))
            }
            (legend(&self.series[..self.series.len().min(SERIES)], |index, at| html! {
                rect.bar.(series(index)) x=(shown(at + 6.0)) y="7" width="10" height="10" {}
            }))
        };
        figure(self.title, self.description, &drawn)
    }
}

/// Where each series of a bucket begins and ends, one upon the other.
fn stack(bucket: &Bucket) -> impl Iterator<Item = (f64, f64)> + '_ {
    let values =
        bucket.values.iter().map(|value| if value.is_finite() { value.max(0.0) } else { 0.0 });
    values.take(SERIES).scan(0.0, |sum, value| {
        let from = *sum;
        *sum += value;
        Some((from, *sum))
    })
}
