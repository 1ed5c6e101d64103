//! Rules and policies to one compiled program.
//!
//! ```text
//! rules    -> lower:  conditions -> signatures (equal ones are one), patterns, phrase lists, checks
//! policies -> plans:  for every collection and class of names, what is wanted of such a field
//! ```

mod bound;
mod foresee;
mod lower;
mod plans;
mod program;
mod reach;
mod tally;

pub(crate) use plans::{covers, selects};

use std::collections::HashSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::automaton::{Automata, Gate, Phrases};
use crate::limits::TABLES;
use crate::policy::{Policy, PolicySettings};
use crate::rule::{Exclusion, Rule, Selector};
use crate::ruleset::{NameClasses, NameError, PhraseList, RuleSet, Waiting};
use crate::source::{Level, Report};

/// What loading gives.
#[derive(Debug)]
pub struct Compiled {
    /// The program.
    pub ruleset: Arc<RuleSet>,
    /// The policies, in the order given.
    pub policies: Vec<Arc<Policy>>,
    /// What the operator should know.
    pub warnings: Vec<Report>,
}

/// Compiles rules under the policies they will run with. All policies share the tables.
///
/// # Errors
/// Every complaint found, not only the first.
pub fn compile(rules: Vec<Rule>, policies: Vec<PolicySettings>) -> Result<Compiled, Vec<Report>> {
    let hash = digest(&rules);
    let selectors = selectors(&rules, &policies);
    let names =
        NameClasses::new(selectors).map_err(|error| vec![of_selector(error, &rules, &policies)])?;
    let mut lowered = lower::lower(rules, &policies)?;
    let mut program = program::program(&mut lowered, &names)?;
    reach::mark(&mut program, &lowered, &plans::doubted(&lowered, &policies));
    foresee::mark(&mut program, &mut lowered)?;
    program.phases = program::phases(&program, |rule| lowered.rules[rule.index()].rule.phase);
    (program.bounds, program.hindering) = bound::bounds(&program, &lowered);
    let phrases = Phrases::new(&lowered.lists, true)
        .map_err(|error| vec![Report::error(None, error.to_string())])?;
    let drafts = plans::draft(&mut lowered, &names, &program, policies)?;
    let wanted = plans::wanted_patterns(&drafts);
    let hirs = lowered.wanted_hirs(&wanted);
    let gate = Gate::new(&hirs, &lowered.lists);
    let automata = Automata::new(&hirs, &lowered.pattern_groups(&gate), TABLES)
        .map_err(|error| vec![Report::error(None, error.to_string())])?;
    drop(hirs);
    let (_, states) = automata.work(&wanted);
    lowered.memories.fit(states);
    let ruleset = Arc::new(RuleSet {
        waiting: Waiting::new(&lowered.rules),
        rules: lowered.rules,
        chains: lowered.chains,
        names,
        signatures: lowered.signatures,
        joints: lowered.joints,
        automata,
        gate,
        patterns: lowered.patterns,
        phrases,
        checks: lowered.checks,
        lists: lowered.lists.into_iter().map(PhraseList::new).collect(),
        program,
        hash,
    });
    let mut warnings = tally::inexact(&ruleset);
    warnings.extend(tally::backtracking(&ruleset));
    warnings.extend(tally::hindering(&ruleset));
    let mut compiled = Vec::new();
    for draft in drafts {
        warnings.extend(tally::exclusions(&ruleset, &draft));
        compiled.push(Arc::new(draft.into_policy(&ruleset)));
    }
    warnings.retain({
        let mut seen = HashSet::new();
        move |report| report.level == Level::Warning && seen.insert(report.to_string())
    });
    Ok(Compiled { ruleset, policies: compiled, warnings })
}

/// Every selector that a target or an exclusion uses, each once.
fn selectors(rules: &[Rule], policies: &[PolicySettings]) -> Vec<Selector> {
    let mut seen = HashSet::new();
    let exclusions = policies.iter().flat_map(|policy| &policy.exclusions);
    let of_chains = rules.iter().flat_map(program::selectors);
    plans::targets(rules.iter(), exclusions)
        .map(|target| target.selector.clone())
        .chain(of_chains)
        .filter(|selector| *selector != Selector::All)
        .filter(|selector| seen.insert(selector.clone()))
        .collect()
}

/// A complaint about the rule that uses a selector.
fn of_selector(error: NameError, rules: &[Rule], policies: &[PolicySettings]) -> Report {
    let Some(selector) = &error.selector else { return Report::error(None, error.message) };
    let uses = |rule: &&Rule| selectors(std::slice::from_ref(*rule), &[]).contains(selector);
    let rule = rules.iter().find(uses).map(|rule| rule.span.clone());
    let exclusions = || policies.iter().flat_map(|policy| &policy.exclusions);
    let of_exclusion = |it: &&Exclusion| it.targets.iter().any(|it| it.selector == *selector);
    let span = rule.or_else(|| exclusions().find(of_exclusion).map(|it| it.span.clone()));
    Report::error(span, format!("the selector `{selector}` cannot be used: {}", error.message)).help(
        "a name matches where a part of it does, so leave out what may be missing, and repeat without a bound: `\\w*` for `\\w{0,20}`",
    )
}

/// The digest of the rule texts in load order. A text counts where its first rule stands.
fn digest(rules: &[Rule]) -> String {
    let mut hasher = Sha256::new();
    let mut seen = HashSet::new();
    for rule in rules {
        let source = &rule.span.source;
        let text = seen.insert(Arc::as_ptr(source)).then_some(source.text.as_str());
        for part in [Some(rule.id.as_str()), text].into_iter().flatten() {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    let hex: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
