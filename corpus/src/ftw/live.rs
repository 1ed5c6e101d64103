//! A running proxy of ours: the request goes over the wire, the verdict comes from its audit log.

use std::io;

use super::judge::Observed;
use super::run::Subject;
use crate::cut::Cut;
use crate::follow::Follower;
use crate::wire::{Pace, Target};

/// A proxy that writes every record (`audit.log: all`) to a file that we can read.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// Where it listens.
    pub target: &'a Target,
    /// Its audit log.
    pub log: &'a Follower,
    /// How fast it is asked.
    pub pace: &'a Pace,
}

impl Subject for Live<'_> {
    fn observe(&mut self, request: &[u8], cut: Cut) -> io::Result<Observed> {
        self.pace.wait();
        let Some(answer) = self.target.send(request, cut)? else { return Ok(Observed::nothing()) };
        let Some(id) = answer.value("x-request-id") else {
            return Err(io::Error::other("the target's answers have no x-request-id"));
        };
        let record = self.log.record(id)?;
        let (status, response) = (Some(answer.status), answer.bytes);
        Ok(Observed { status, response, ..Observed::default() }.logged(&record))
    }
}
