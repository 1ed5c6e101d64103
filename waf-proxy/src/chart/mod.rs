//! Charts as inline SVG: data in, markup out.
//!
//! Three kinds: [`Lines`] over two numeric axes, a [`Histogram`] of buckets, and a [`meter`] that
//! stands in a table's cell. They need no script and no file, and no `style` attribute, so they
//! work under a strict Content-Security-Policy: put [`CSS`] into the page's own style sheet once.
//! Text stays text, and all of it is escaped: names may come from attackers. Each chart is an image
//! with a title and a description for those who do not see it; what a mark says is its `title`, which
//! browsers show beneath the pointer. Series are told apart by more than colour.

mod axis;
mod figure;
mod histogram;
mod lines;
mod meter;
mod number;

pub use axis::Axis;
pub use histogram::{Bucket, Histogram};
pub use lines::{Line, Lines, Point};
pub use meter::meter;
pub use number::{compact, grouped};

/// Series that can be told apart; further ones look like the last.
pub const SERIES: usize = 4;

/// How charts look: light, dark on a dark screen, and light again on paper.
pub const CSS: &str = include_str!("chart.css");

/// A place on the horizontal axis that matters, such as a threshold.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    /// Where.
    pub at: f64,
    /// What it is, in a few words.
    pub text: &'a str,
}

#[cfg(test)]
mod tests;
