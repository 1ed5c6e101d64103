//! The requests of corpora, some at a time, behind those that were replayed before.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use waf_corpus::read::Problem;
use waf_corpus::{Reading, Request};

/// Requests handed to a worker at once, at most.
const REQUESTS: usize = 64;

/// Bytes of bodies handed to a worker at once, about: a large one goes alone.
const BYTES: usize = 1 << 20;

/// Requests with their numbers, or why there are no more.
pub(super) type Batch = Result<Vec<(u64, Request)>, String>;

/// Those that were replayed before: how many, and which.
#[derive(Clone, Default)]
pub(super) struct Done {
    pub(super) count: u64,
    ids: DefaultHasher,
}

impl Done {
    pub(super) fn add(&mut self, id: &str) {
        self.count += 1;
        id.hash(&mut self.ids);
    }
}

/// Every request of the corpora but those done.
pub(super) fn batches(
    reading: &Reading,
    corpora: &[PathBuf],
    done: &Done,
    one_by_one: bool,
) -> impl Iterator<Item = Batch> {
    let mut requests = corpora.iter().flat_map(|path| reading.requests(path));
    let problem = skip(&mut requests, done).err();
    let most = if one_by_one { 1 } else { REQUESTS };
    Batches { requests, number: done.count, most, problem }
}

/// The requests in batches of `most`.
struct Batches<I> {
    requests: I,
    number: u64,
    most: usize,
    /// What is told once the requests before it are handed out.
    problem: Option<String>,
}

impl<I: Iterator<Item = Result<Request, Problem>>> Iterator for Batches<I> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while self.problem.is_none() && batch.len() < self.most && bytes < BYTES {
            match self.requests.next() {
                None => break,
                Some(Ok(request)) => {
                    bytes += request.body.len();
                    batch.push((self.number, request));
                    self.number += 1;
                }
                Some(Err(problem)) => self.problem = Some(problem.to_string()),
            }
        }
        if batch.is_empty() { self.problem.take().map(Err) } else { Some(Ok(batch)) }
    }
}

/// Passes over the requests that are done, and makes sure that it is they.
fn skip(
    requests: &mut impl Iterator<Item = Result<Request, Problem>>,
    done: &Done,
) -> Result<(), String> {
    let mut same = Done::default();
    for request in requests.take(usize::try_from(done.count).unwrap_or(usize::MAX)) {
        same.add(&request.map_err(|problem| problem.to_string())?.id);
    }
    if same.count == done.count && same.ids.finish() == done.ids.finish() {
        return Ok(());
    }
    Err("the results to resume are of other requests: give the same corpora in the same order"
        .to_owned())
}
