//! The attacks of a corpus, run in process: first without exclusions, then those that an exclusion
//! touches with them.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use waf_core::policy::Policy;
use waf_core::record::Masking;
use waf_corpus::{Cut, Label, Request, Runner};

use super::Failure;
use crate::tune::write::Signature;
use crate::tune::{Attack, Choice, Proposal, price};

/// Requests handed to a worker at once.
const BATCH: usize = 64;

/// Batches that wait.
const AHEAD: usize = 4;

/// The attacks of some corpora under one policy.
pub(in crate::cli) struct Attacks {
    corpora: Vec<PathBuf>,
    policy: Arc<Policy>,
    /// Those that are caught.
    pub(in crate::cli) caught: Vec<Attack>,
    /// All of them.
    pub(in crate::cli) replayed: usize,
}

impl Attacks {
    /// Replays them. Requests that a corpus calls benign are passed over.
    pub(in crate::cli) fn replay(
        corpora: &[PathBuf],
        policy: &Arc<Policy>,
    ) -> Result<Self, Failure> {
        let runner = || Runner::new(Arc::clone(policy), Masking::default());
        let records = each(
            corpora,
            |_| true,
            runner,
            |runner, number, request| {
                Some(Attack::of(number, request, &runner.run(request, Cut::Whole)))
            },
        )?;
        let replayed = records.len();
        let caught: Vec<Attack> = records.into_iter().flatten().collect();
        if replayed == 0 {
            return Err(Failure::unreadable("there is no attack in what `--attacks` names"));
        }
        Ok(Self { corpora: corpora.to_vec(), policy: Arc::clone(policy), caught, replayed })
    }

    /// The choices with their prices, by replay.
    pub(in crate::cli) fn price(
        &self,
        choices: Vec<Choice>,
        flagged: u64,
        signature: &Signature,
    ) -> Result<Vec<Proposal>, Failure> {
        let mut proposals = price::unpriced(choices, flagged);
        let touched: Vec<&Attack> =
            self.caught.iter().filter(|attack| price::touches(&proposals, attack)).collect();
        let find = |number: usize| touched.binary_search_by_key(&number, |attack| attack.number);
        let policy = price::policy_with(&self.policy, &proposals, signature)?;
        let runner = || Runner::new(Arc::clone(&policy), Masking::default());
        let count = proposals.len();
        let passing = each(
            &self.corpora,
            |number| find(number).is_ok(),
            runner,
            |runner, number, request| Some((number, price::first_passing(runner, request, count)?)),
        )?;
        let passing: Vec<(&Attack, usize)> = passing
            .into_iter()
            .filter_map(|(number, first)| Some((touched[find(number).ok()?], first)))
            .collect();
        price::set_prices(&mut proposals, &passing, self.caught.len());
        Ok(proposals)
    }
}

/// What `run` says of every attack that is wanted, in the order of the corpora.
fn each<T: Send>(
    corpora: &[PathBuf],
    wanted: impl Fn(usize) -> bool,
    runner: impl Fn() -> Runner + Sync,
    run: impl Fn(&mut Runner, usize, &Request) -> Option<T> + Sync,
) -> Result<Vec<T>, Failure> {
    let (sender, receiver) = sync_channel::<Vec<(usize, Request)>>(AHEAD);
    let receiver = Arc::new(Mutex::new(receiver));
    let mut found: Vec<(usize, T)> = Vec::new();
    let read = thread::scope(|scope| {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..count)
            .map(|_| {
                let (receiver, runner, run) = (Arc::clone(&receiver), &runner, &run);
                scope.spawn(move || work(&receiver, runner(), run))
            })
            .collect();
        drop(receiver);
        let mut batch = Vec::with_capacity(BATCH);
        let mut read = Ok(());
        let requests = corpora.iter().flat_map(|path| waf_corpus::read(path));
        let is_attack = |request: &Request| request.label != Some(Label::Benign);
        for (number, request) in requests.enumerate() {
            match request {
                Ok(request) if wanted(number) && is_attack(&request) => {
                    batch.push((number, request));
                }
                Ok(_) => {}
                Err(problem) => {
                    read = Err(Failure::unreadable(problem.to_string()));
                    break;
                }
            }
            if batch.len() == BATCH && sender.send(std::mem::take(&mut batch)).is_err() {
                break;
            }
        }
        let _ = sender.send(batch);
        drop(sender);
        for worker in workers {
            match worker.join() {
                Ok(part) => found.extend(part),
                Err(_) => return Err(Failure::unreadable("the engine panicked: this is a bug")),
            }
        }
        read
    });
    found.sort_by_key(|(number, _)| *number);
    read.map(|()| found.into_iter().map(|(_, found)| found).collect())
}

fn work<T>(
    batches: &Mutex<Receiver<Vec<(usize, Request)>>>,
    mut runner: Runner,
    run: impl Fn(&mut Runner, usize, &Request) -> Option<T>,
) -> Vec<(usize, T)> {
    let mut found = Vec::new();
    loop {
        let next = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return found };
        for (number, request) in &batch {
            found.extend(run(&mut runner, *number, request).map(|one| (*number, one)));
        }
    }
}
