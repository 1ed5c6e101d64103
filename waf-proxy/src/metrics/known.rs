//! The names that labels may take.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::Names;

/// Stands for a name that is not, or no longer, in the configuration.
const OTHER: &str = "other";

#[derive(Debug, Default)]
pub(super) struct Known(RwLock<Sets>);

/// Sets of names.
#[derive(Debug, Default)]
pub(super) struct Sets {
    pub(super) rules: HashSet<String>,
    pub(super) routes: HashSet<String>,
    pub(super) upstreams: HashSet<String>,
    pub(super) exclusions: HashSet<String>,
}

impl Known {
    pub(super) fn has_rule(&self, rule: &str) -> bool {
        self.read().rules.contains(rule)
    }

    pub(super) fn has_exclusion(&self, exclusion: &str) -> bool {
        self.read().exclusions.contains(exclusion)
    }

    pub(super) fn route(&self, route: &str) -> String {
        known(&self.read().routes, route)
    }

    pub(super) fn upstream(&self, upstream: &str) -> String {
        known(&self.read().upstreams, upstream)
    }

    /// Puts `names` in force; what was known and is not any more.
    pub(super) fn replace(&self, names: &Names) -> Sets {
        let set = |names: &[String]| names.iter().cloned().collect::<HashSet<_>>();
        let new = Sets {
            rules: set(&names.rules),
            routes: set(&names.routes),
            upstreams: set(&names.upstreams),
            exclusions: set(&names.exclusions),
        };
        let gone = |old: &HashSet<String>, new: &HashSet<String>| old - new;
        let mut sets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let gone = Sets {
            rules: gone(&sets.rules, &new.rules),
            routes: gone(&sets.routes, &new.routes),
            upstreams: gone(&sets.upstreams, &new.upstreams),
            exclusions: gone(&sets.exclusions, &new.exclusions),
        };
        *sets = new;
        gone
    }

    fn read(&self) -> RwLockReadGuard<'_, Sets> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn known(names: &HashSet<String>, name: &str) -> String {
    names.get(name).map_or(OTHER, String::as_str).to_owned()
}
