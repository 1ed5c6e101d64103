//! A replay over the wire, against whoever answers there.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use waf_corpus::follow::Follower;
use waf_corpus::ftw::albedo;
use waf_corpus::kept::Connection;
use waf_corpus::wire::{Pace, Target};
use waf_corpus::{Cut, Outcome, Request, Verdict};

use super::Failure;

/// What concerns a target alone.
#[derive(Debug, Args)]
pub(super) struct LiveArguments {
    /// Send the requests to this `http://host:port`, byte for byte, instead of running the engine
    #[arg(long, value_name = "URL", conflicts_with_all = ["rules", "config"])]
    target: Option<String>,
    /// The target's audit log (`audit.log: all`), where `--ftw` finds what was logged
    #[arg(long, value_name = "FILE", requires = "target", requires = "ftw")]
    log: Option<PathBuf>,
    /// Be the origin of the suite at this address while its tests run
    #[arg(long, value_name = "ADDR", requires = "target", requires = "ftw")]
    origin: Option<SocketAddr>,
    /// Requests a second, at most [default: as fast as they are answered]
    #[arg(long, value_name = "N", requires = "target")]
    rate: Option<f64>,
    /// Seconds that an answer may take
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, requires = "target")]
    patience: f64,
    /// The statuses that mean a block
    #[arg(
        long,
        value_name = "STATUS",
        value_delimiter = ',',
        requires = "target",
        default_values_t = [400, 403, 405, 406, 413, 414, 415, 417, 431, 501]
    )]
    blocked: Vec<u16>,
}

/// Where requests go, how fast, and which answers are blocks.
#[derive(Debug)]
pub(super) struct Aim {
    url: String,
    pub(super) target: Target,
    pub(super) pace: Pace,
    patience: Duration,
    blocked: Vec<u16>,
}

impl LiveArguments {
    /// `None` without a target.
    pub(super) fn aim(&self) -> Result<Option<Aim>, Failure> {
        let Some(url) = &self.target else { return Ok(None) };
        let wrong = |what: &str| Failure::usage(format!("{what} is a number over 0"));
        let patience = Duration::try_from_secs_f64(self.patience).ok().filter(|p| !p.is_zero());
        let patience = patience.ok_or_else(|| wrong("--patience"))?;
        let rate = self.rate.unwrap_or(0.0);
        if self.rate.is_some() && !(rate > 0.0 && rate.is_finite()) {
            return Err(wrong("--rate"));
        }
        let target = Target::parse(url, patience)
            .map_err(|why| Failure::usage(format!("--target {url}: {why}")))?;
        let (pace, blocked) = (Pace::new(rate), self.blocked.clone());
        Ok(Some(Aim { url: url.clone(), target, pace, patience, blocked }))
    }

    /// The target's audit log, from where it ends now. Without it nothing can be told of a test.
    pub(super) fn follow(&self, aim: &Aim) -> Result<Follower, Failure> {
        let path = self.log.as_ref();
        let path = path.ok_or_else(|| {
            Failure::usage("--ftw with --target asks for --log, the target's audit log")
        })?;
        Follower::open(path, aim.patience).map_err(|error| {
            Failure::unreadable(format!("cannot read {}: {error}", path.display()))
        })
    }

    /// Starts the suite's origin, where one is asked for.
    pub(super) fn serve(&self) -> Result<(), Failure> {
        let Some(address) = self.origin else { return Ok(()) };
        TcpListener::bind(address)
            .and_then(albedo::serve)
            .map_err(|error| Failure::usage(format!("cannot listen on {address}: {error}")))
    }
}

impl Aim {
    /// One line about who judges.
    pub(super) fn summary(&self) -> String {
        let statuses: Vec<String> = self.blocked.iter().map(u16::to_string).collect();
        format!("{}, blocked: {}", self.url, statuses.join(" "))
    }

    /// Sends a request; with what became of it, and how long the answer took.
    pub(super) fn send(
        &self,
        connection: &mut Connection<'_>,
        request: &Request,
        cut: Cut,
        outcome: Outcome,
    ) -> Result<Outcome, String> {
        self.pace.wait();
        let begun = Instant::now();
        let answer = connection.send(&request.bytes(), cut);
        let answer = answer.map_err(|error| format!("cannot reach {}: {error}", self.url))?;
        let status = answer.map(|answer| answer.status);
        let verdict = match status {
            None => Verdict::Unanswered,
            Some(status) if self.blocked.contains(&status) => Verdict::Blocked,
            Some(_) => Verdict::Passed,
        };
        let cost_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(Outcome { status, verdict, cost_us, ..outcome })
    }
}
