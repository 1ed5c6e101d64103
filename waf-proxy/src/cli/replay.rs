//! `pinpoint replay`: many requests.
use super::{Exit, Failure};
/// Replay recorded requests
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}
pub(super) fn run(_: &Arguments) -> Result<Exit, Failure> {
    Ok(Exit::Fine)
}
