//! What exclusions let in: attacks replayed with them and without.

use std::sync::Arc;

use waf_core::compile::{Compiled, compile};
use waf_core::policy::{Policy, PolicySettings};
use waf_core::record::Decision;
use waf_core::source::{Report, Source};
use waf_corpus::{Cut, Request, Runner};

use super::write::{Signature, yaml};
use super::{Attack, Choice, Price, Proposal};

/// The policy with the exclusions of these proposals behind its own, as they would be loaded.
///
/// # Errors
/// When they do not load: that is a bug, told with the text.
pub fn policy_with(
    policy: &Policy,
    proposals: &[Proposal],
    signature: &Signature,
) -> Result<Arc<Policy>, Vec<Report>> {
    let text = yaml(proposals, signature);
    let mut settings: PolicySettings = policy.settings().clone();
    settings.exclusions.extend(waf_core::yaml::exclusions(&Source::new("proposals", text))?);
    let rules = policy.ruleset().rules().cloned().collect();
    let Compiled { mut policies, .. } = compile(rules, vec![settings])?;
    policies.pop().ok_or_else(Vec::new)
}

/// With how many of its last exclusions a request first passes: of the `count` that are priced, in
/// order. Exclusions only take matches away, so what passes with some passes with more.
pub fn first_passing(runner: &mut Runner, request: &Request, count: usize) -> Option<usize> {
    let mut passes = |first: usize| {
        let without = count - first;
        runner.without_last(without).run(request, Cut::Whole).decision == Decision::Pass
    };
    if !passes(count) {
        return None;
    }
    let (mut fails, mut holds) = (0, count);
    while holds - fails > 1 {
        let middle = fails.midpoint(holds);
        *(if passes(middle) { &mut holds } else { &mut fails }) = middle;
    }
    Some(holds)
}

/// Whether an exclusion takes anything from an attack: what it leaves alone need not be replayed.
pub fn touches(proposals: &[Proposal], attack: &Attack) -> bool {
    let path = attack.path.as_deref();
    let is_taken = |hit| proposals.iter().any(|one| one.candidate.takes(hit, path));
    attack.weighed.hits.iter().any(is_taken)
}

/// The choices as proposals that have no price yet.
pub fn unpriced(choices: Vec<Choice>, flagged: u64) -> Vec<Proposal> {
    let proposal = |choice: Choice| Proposal {
        candidate: choice.candidate,
        methods: choice.methods,
        evidence: choice.evidence,
        passing: choice.passing,
        flagged,
        price: None,
    };
    choices.into_iter().map(proposal).collect()
}

/// Writes prices: `passing` are attacks, each with the number of exclusions with which it first
/// passes, of `caught` that were caught.
pub fn set_prices(proposals: &mut [Proposal], passing: &[(&Attack, usize)], caught: usize) {
    let mut in_all = 0;
    for (at, proposal) in proposals.iter_mut().enumerate() {
        let of_it = passing.iter().filter(|(_, first)| *first == at + 1);
        let let_in: Vec<Box<str>> = of_it.map(|(attack, _)| attack.id.clone()).collect();
        in_all += let_in.len();
        proposal.price = Some(Price { let_in, in_all, of: caught });
    }
}

/// The first proposal with which the price is over the bound.
pub fn over(proposals: &[Proposal], max_price: f64) -> Option<usize> {
    proposals.iter().position(|proposal| {
        proposal
            .price
            .as_ref()
            .is_some_and(|price| price.in_all as f64 > max_price * price.of as f64)
    })
}
