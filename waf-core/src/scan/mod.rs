//! Field events to facts. Scanning settles what is true of the values and knows no score.
//!
//! ```text
//! field events -> lane (gathers a value up to the window, then streams)
//!              -> whole, stream (steps, each distinct output scanned once)
//!              -> locate (which source byte made it certain) -> facts
//! ```

mod evidence;
mod facts;
mod inexact;
mod known;
mod lane;
mod leaders;
mod locate;
mod parts;
mod pipeline;
mod rows;
mod scratch;
mod search;
mod sightings;
mod stream;
mod trace;
mod whole;
mod widths;

pub(crate) use evidence::Evidence;
pub(crate) use facts::{Fact, Facts, Subject, Totals};
pub(crate) use inexact::Inexact;
pub(crate) use lane::{Lane, LaneSink, ScanContext};
pub(crate) use rows::{Row, Rows};
pub use scratch::Scratch;
pub(crate) use sightings::Sighting;
pub(crate) use trace::{Trace, TracedCandidate, TracedField};
