//! Which values an operator has taken from which rules.

use waf_core::parse::head::RequestHead;
use waf_core::parse::uri::{TargetParts, clean_path};
use waf_core::policy::PolicySettings;
use waf_core::rule::{Exclusion, ExclusionScope, Rule};

use super::collect::Value;
use super::regexes::Regexes;
use super::select::selects;

/// The exclusions that apply to one request.
#[derive(Debug)]
pub(crate) struct Exclusions<'a> {
    active: Vec<&'a Exclusion>,
    regexes: &'a Regexes,
}

impl<'a> Exclusions<'a> {
    /// Those in force today, on its path, for its method.
    pub(crate) fn of(
        settings: &'a PolicySettings,
        head: &RequestHead,
        regexes: &'a Regexes,
    ) -> Self {
        let path = clean_path(TargetParts::of(&head.target).path);
        let applies = |exclusion: &&Exclusion| {
            let on_path = exclusion
                .path
                .as_ref()
                .is_none_or(|pattern| !path.ambiguous && pattern.matches(&path.path));
            let for_method = exclusion.methods.is_empty()
                || exclusion.methods.iter().any(|method| method.as_bytes() == head.method);
            exclusion.expires.days() >= settings.today && on_path && for_method
        };
        Self { active: settings.exclusions.iter().filter(applies).collect(), regexes }
    }

    /// Whether a rule does not look at a value.
    pub(crate) fn take(&self, rule: &Rule, value: &Value) -> bool {
        self.active.iter().any(|exclusion| {
            let (collection, name) = (value.collection, value.name.as_slice());
            let meant = exclusion.targets.is_empty()
                || selects(self.regexes, &exclusion.targets, collection, name);
            let harmless = exclusion
                .characters
                .is_none_or(|set| value.bytes.iter().all(|&byte| set.contains(byte)));
            covers(&exclusion.scope, rule) && meant && harmless
        })
    }

    /// Whether a rule is not asked at all.
    pub(crate) fn take_all(&self, rule: &Rule) -> bool {
        self.active
            .iter()
            .any(|exclusion| exclusion.targets.is_empty() && covers(&exclusion.scope, rule))
    }
}

fn covers(scope: &ExclusionScope, rule: &Rule) -> bool {
    match scope {
        ExclusionScope::Rule(id) => rule.id.as_str() == id,
        ExclusionScope::Tag(tag) => rule.tags.contains(tag),
        ExclusionScope::Range(first, last) => {
            let number = rule.id.as_str().parse::<u64>();
            number.is_ok_and(|number| *first <= number && number <= *last)
        }
    }
}
