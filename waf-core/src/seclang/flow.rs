//! Whether what `skipAfter` names is there.

use std::collections::BTreeMap;

use super::action::ActionKind;
use super::complaints::Complaints;
use super::statement::{Directive, Statement};
use crate::source::Report;
use crate::suggest;

/// Warns of every `skipAfter` whose marker or rule does not come later: it leaves out the rest of
/// its phase.
pub(super) fn check(statements: &[Statement], complaints: &mut Complaints) {
    let places = places(statements);
    for (at, statement) in statements.iter().enumerate() {
        let Directive::Rule(links) = &statement.directive else { continue };
        for action in links.iter().flat_map(|link| &link.actions) {
            let ActionKind::SkipAfter(name) = &action.kind else { continue };
            let place = places.get(name);
            if place.is_some_and(|&place| place > at) {
                continue;
            }
            let why = if place.is_some() { "stands before this rule" } else { "is not defined" };
            let message = format!("`{name}` {why}: the rest of the phase is skipped");
            let report = Report::warning(Some(action.span.clone()), message);
            let nearest = suggest::nearest(name, places.keys().map(String::as_str));
            complaints.push(match nearest.filter(|_| place.is_none()) {
                Some(nearest) => report.help(format!("did you mean `{nearest}`?")),
                None => report,
            });
        }
    }
}

/// The last place of each marker and of each rule, by name.
fn places(statements: &[Statement]) -> BTreeMap<String, usize> {
    let mut places = BTreeMap::new();
    for (at, statement) in statements.iter().enumerate() {
        let name = match &statement.directive {
            Directive::Marker(name) => Some(name.clone()),
            Directive::Rule(links) => {
                links.first().and_then(|head| head.id()).map(|id| id.to_string())
            }
            _ => None,
        };
        places.extend(name.map(|name| (name, at)));
    }
    places
}
