//! A share as a short bar, for the cells of a table.

use maud::{Markup, html};

use super::figure::{series, shown};

/// A bar of a share from 0 to 1, in the colour of a series. The number itself belongs beside it: to
/// those who do not see it the bar says nothing.
pub fn meter(share: f64, index: usize) -> Markup {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    html! {
        svg.meter viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="10" {}
            rect.(series(index)) width=(shown(share * 100.0)) height="10" {}
        }
    }
}
