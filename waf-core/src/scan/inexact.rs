//! Which values were too long for everything about them to be exact.

use crate::field::Collection;
use crate::limits;
use crate::policy::OnPartial;
use crate::record::{InexactRecord, printable};
use crate::ruleset::FieldPlan;

/// The first [`limits::INEXACT`] of them, in the order of the source and then of their names: lanes
/// take turns where pieces end, which must not show.
#[derive(Debug, Default)]
pub(crate) struct Inexact {
    /// Each with the offset behind the source byte that went over the window.
    values: Vec<(u64, InexactRecord)>,
    /// Such values are to be told as [`Finding::LimitPartial`](crate::finding::Finding).
    is_finding: bool,
}

impl Inexact {
    /// None yet, for a request under this policy.
    pub(crate) fn of(on_partial: OnPartial) -> Self {
        Self { is_finding: on_partial == OnPartial::Block, ..Self::default() }
    }

    /// Whether a value that went over the window is a finding: where some check was not exact, more
    /// than the place of a match.
    pub(super) fn is_finding(&self, plan: &FieldPlan) -> bool {
        self.is_finding && what(plan).len() > 1
    }

    /// A value went over the window with the source byte before `needed`.
    pub(crate) fn longer(
        &mut self,
        plan: &FieldPlan,
        collection: Collection,
        name: &[u8],
        needed: u64,
    ) {
        let name = printable(name, limits::RECORD_TEXT);
        let field = match name.as_str() {
            "" => collection.name().to_owned(),
            name => format!("{}:{name}", collection.name()),
        };
        let place = (needed, &field);
        let at = self.values.partition_point(|(known, value)| (*known, &value.field) <= place);
        if at < limits::INEXACT {
            self.values.insert(at, (needed, InexactRecord { field, what: what(plan) }));
            self.values.truncate(limits::INEXACT);
        }
    }

    /// Another source begins: what is known so far comes before all of it.
    pub(crate) fn restart(&mut self) {
        self.values.iter_mut().for_each(|(needed, _)| *needed = 0);
    }

    /// Those that went over up to an offset of the source.
    pub(crate) fn until(&self, offset: u64) -> Vec<InexactRecord> {
        let before = self.values.iter().take_while(|(needed, _)| *needed <= offset);
        before.map(|(_, value)| value.clone()).collect()
    }
}

/// What cannot be exact about a value longer than the window.
fn what(plan: &FieldPlan) -> Vec<String> {
    // Where a match began is told from what is kept of a stream; that it ended is always exact.
    let mut what = vec!["offset".to_owned()];
    for node in &plan.nodes {
        let path = node.transformation.filter(|transformation| !transformation.streams());
        what.extend(path.map(|transformation| transformation.name().to_owned()));
        what.extend(node.sqli.map(|_| "detect_sqli".to_owned()));
        what.extend(node.xss.map(|_| "detect_xss".to_owned()));
    }
    what.sort_unstable();
    what.dedup();
    what
}
