//! The same requests through Pinpoint and other engines under the same rules.
//!
//! Every engine runs in a process of its own, so that none pays for another's memory and each has
//! its own peak. They take turns: a ratio is of two runs that follow each other.
//!
//! ```text
//! turns -> question: "workload, least milliseconds" -> worker: an Engine -> "requests, CPU, blocked"
//! ```

mod engines;
mod pinpoint;
mod turns;
mod wire;
mod worker;

#[cfg(feature = "barbacane")]
mod barbacane;
#[cfg(feature = "zentinel")]
mod zentinel;

use std::path::{Path, PathBuf};

use waf_corpus::Request;

pub use engines::{Kind, compile_modsecurity};
pub use turns::{Options, compare};
pub use worker::serve;

use crate::crs::{self, Crs};

/// What every engine answers: a page of about 300 bytes.
pub const PAGE: &str = "<!doctype html><html><head><title>Order 1042</title></head><body><h1>Thank \
    you</h1><p>Your order was received and will leave the warehouse on Monday.</p><ul><li>2 x blue \
    mug</li><li>1 x tea towel</li><li>1 x gift card</li></ul><p>Total: 34.90 EUR. Questions? See \
    the help pages.</p></body></html>";

/// An engine with its rules.
pub trait Engine {
    /// How many rules it has.
    fn rules(&self) -> usize;

    /// Runs a request, and the page in answer to it, through all phases. Whether it is refused.
    fn blocks(&mut self, request: &Request) -> bool;
}

/// The rules, in the files that engines read.
#[derive(Clone, Debug)]
pub struct RuleFiles {
    /// The rule set.
    pub crs: Crs,
    /// Up to which of its levels.
    pub paranoia: u8,
    /// A file that includes all of it, after what an engine needs.
    pub all: PathBuf,
}

impl RuleFiles {
    /// Writes what is not there yet into a folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(crs: &Crs, paranoia: u8, folder: &Path) -> std::io::Result<Self> {
        let level = folder.join("level.conf");
        std::fs::write(&level, Crs::level(paranoia))?;
        let mut text = crs::ENGINE.to_owned() + crs::BODIES;
        for path in [&crs.setup, &level].into_iter().chain(&crs.rules) {
            text.push_str(&format!("Include {}\n", path.display()));
        }
        let all = folder.join("all.conf");
        std::fs::write(&all, text)?;
        Ok(Self { crs: crs.clone(), paranoia, all })
    }
}
