//! Rules that belong together, and what each of them may say.

use std::collections::BTreeMap;

use super::action::{Action, ActionKind, Disruptive, Phase};
use super::complaints::Complaints;
use super::statement::{Directive, Link, Statement};
use crate::source::{Report, Span};

/// Puts the rules of a chain together.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// The rules of a chain that goes on.
    open: Vec<Link>,
    /// Where each id was given.
    ids: BTreeMap<u64, Span>,
}

impl Chains {
    /// One more rule. `sound` says that nothing was wrong with its actions. Answers with a chain
    /// that is complete.
    pub(super) fn rule(
        &mut self,
        link: Link,
        sound: bool,
        complaints: &mut Complaints,
    ) -> Option<Statement> {
        if self.open.is_empty() {
            self.check_head(&link, sound, complaints);
        } else {
            check_link(&link, complaints);
        }
        let goes_on = link.is_chained();
        self.open.push(link);
        if goes_on {
            return None;
        }
        let links = std::mem::take(&mut self.open);
        let span = links.first()?.span.clone();
        Some(Statement { directive: Directive::Rule(links), span })
    }

    /// What comes now is no rule: no chain may be open.
    pub(super) fn close(&mut self, complaints: &mut Complaints) {
        let open = std::mem::take(&mut self.open);
        let is_chain = |action: &&Action| matches!(action.kind, ActionKind::Chain);
        let last = open.last().and_then(|link| link.actions.iter().rev().find(is_chain));
        if let Some(chain) = last {
            let report =
                Report::error(Some(chain.span.clone()), "no rule follows that ends this chain");
            complaints.push(report.help("the next directive must be `SecRule` or `SecAction`"));
        }
    }

    fn check_head(&mut self, head: &Link, sound: bool, complaints: &mut Complaints) {
        match head.id() {
            None if sound => complaints.push(
                Report::error(Some(head.span.clone()), "this rule has no id")
                    .help("give it a number that no other rule has: `id:100001`"),
            ),
            None => {}
            Some(id) => {
                let span = id_span(head);
                if let Some(first) = self.ids.get(&id) {
                    let report = Report::error(Some(span), format!("the id {id} is taken"));
                    complaints.push(report.related(first.clone(), "first here"));
                } else {
                    self.ids.insert(id, span);
                }
            }
        }
        check_logging(head, complaints);
    }
}

/// Where the id of a rule is written.
fn id_span(link: &Link) -> Span {
    let is_id = |action: &&Action| matches!(action.kind, ActionKind::Id(_));
    let action = link.actions.iter().rev().find(is_id);
    action.map_or_else(|| link.span.clone(), |action| action.span.clone())
}

/// After the response nothing can be blocked (ModSecurity refuses it too).
fn check_logging(head: &Link, complaints: &mut Complaints) {
    let is_logging = |action: &Action| matches!(action.kind, ActionKind::Phase(Phase::Logging));
    if !head.actions.iter().any(is_logging) {
        return;
    }
    for action in &head.actions {
        use Disruptive::{Allow, Block, Pass};
        let ActionKind::Disruptive(disruptive) = &action.kind else { continue };
        if !matches!(disruptive, Allow(_) | Block | Pass) {
            let span = Some(action.span.clone());
            let report = Report::error(span, "a rule of phase 5 comes too late to block");
            complaints.push(report.help("use `pass`, or an earlier phase"));
        }
    }
}

/// What only the head of a chain may say is an error in a link; what it says in vain, a warning.
fn check_link(link: &Link, complaints: &mut Complaints) {
    use ActionKind::{
        Disruptive, Id, Message, Phase, Revision, Severity, Skip, SkipAfter, Version,
    };
    for action in &link.actions {
        let span = || Some(action.span.clone());
        match action.kind {
            Disruptive(_) | Id(_) | Phase(_) | Skip(_) | SkipAfter(_) => {
                let message = "only the first rule of a chain may say this";
                complaints.push(Report::error(span(), message));
            }
            Message(_) | Revision(_) | Severity(_) | Version(_) => {
                let message = "only the first rule of a chain says this; here it has no effect";
                complaints.push(Report::warning(span(), message));
            }
            _ => {}
        }
    }
}
