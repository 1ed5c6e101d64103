//! A loaded configuration: its rules read, checked and compiled. Loading gives all of it or nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use waf_core::compile::{Compiled, compile};
use waf_core::policy::{Override, OverrideScope, Policy, PolicySettings, ResponseBody};
use waf_core::rule::{Exclusion, ExclusionScope, ProgramSettings, Rule, RuleMode};
use waf_core::ruleset::RuleSet;
use waf_core::source::Report;
use waf_core::yaml::OFF_BY_DEFAULT;

use crate::config::files::Files;
use crate::config::{CommandLine, Config, Entry, RouteSettings};
use crate::metrics::Names;
use crate::rules;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Everything that a reload replaces.
#[derive(Debug)]
pub struct Site {
    /// The settings.
    pub config: Config,
    /// One line about where the rules are from.
    pub summary: String,
    /// The rules, compiled.
    pub ruleset: Arc<RuleSet>,
    /// The rules as each route applies them, in the order of the routes; the last one is for
    /// requests without a route.
    pub policies: Vec<Arc<Policy>>,
    /// What the operator should know.
    pub warnings: Vec<Report>,
    /// The exclusions of all routes.
    pub exclusions: Vec<Exclusion>,
    /// What runs beside it, with a policy for each route.
    pub candidate: Option<Rules>,
}

/// Rules, compiled under the settings of several routes.
#[derive(Debug)]
pub struct Rules {
    /// One line about where the rules are from.
    pub summary: String,
    /// The rules, compiled.
    pub ruleset: Arc<RuleSet>,
    /// The rules as each route applies them.
    pub policies: Vec<Arc<Policy>>,
    /// What the operator should know.
    pub warnings: Vec<Report>,
    /// The exclusions of all routes.
    pub exclusions: Vec<Exclusion>,
}

impl Site {
    /// Loads the configuration at `path` (without one, the defaults) and everything it names.
    pub fn load(
        files: &dyn Files,
        path: Option<&Path>,
        command_line: &CommandLine,
    ) -> Result<Self, Vec<Report>> {
        let config = Config::load(files, path, command_line)?;
        let active = load_rules(files, &config.rules, all_settings(&config));
        let candidate = config
            .candidate
            .as_ref()
            .map(|candidate| load_rules(files, &candidate.rules, candidate.routes.iter()));
        let (active, candidate) = match (active, candidate.transpose()) {
            (Ok(active), Ok(candidate)) => (active, candidate),
            (active, candidate) => {
                let reports = [active.err(), candidate.err()].into_iter().flatten().flatten();
                return Err(said_once(reports.collect()));
            }
        };
        unknown_samples(&config, &active.ruleset)?;
        let Rules { summary, ruleset, policies, mut warnings, exclusions } = active;
        warnings.extend(candidate.iter().flat_map(|candidate| candidate.warnings.clone()));
        Ok(Self {
            config,
            summary,
            ruleset,
            policies,
            warnings: said_once(warnings),
            exclusions,
            candidate,
        })
    }

    /// Every rule.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.ruleset.rules()
    }

    /// The rules as they apply where no route is known.
    pub fn global(&self) -> Option<&Arc<Policy>> {
        self.policies.last()
    }

    /// Does what the first requests would wait for: before it is put in force.
    pub fn warm(&self) {
        self.rulesets().for_each(|rules| rules.warm());
    }

    /// Begins full tables anew; whether there were any.
    pub fn renew_full_tables(&self) -> bool {
        self.rulesets().filter(|rules| rules.renew_full_tables()).count() > 0
    }

    /// The rules in force, and the candidate's.
    fn rulesets(&self) -> impl Iterator<Item = &Arc<RuleSet>> {
        let of_candidate = self.candidate.as_ref().map(|candidate| &candidate.ruleset);
        std::iter::once(&self.ruleset).chain(of_candidate)
    }

    /// Whether there are any, which may end with a day.
    pub fn has_exclusions(&self) -> bool {
        let of_candidate = self.candidate.as_ref().map(|candidate| &candidate.exclusions);
        [Some(&self.exclusions), of_candidate].into_iter().flatten().any(|all| !all.is_empty())
    }

    /// What runs beside the rules of a route.
    pub fn candidate_of(&self, route: usize) -> Option<&Arc<Policy>> {
        self.candidate.as_ref()?.policies.get(route)
    }

    /// The names that labels of metrics may take.
    pub fn names(&self) -> Names {
        let expiry = |exclusion: &Exclusion| {
            // It applies to the end of its last day.
            Some((rule_of(exclusion)?, (exclusion.expires.days() + 1) * DAY_SECONDS))
        };
        let of_candidate = self.candidate.iter().flat_map(|candidate| candidate.ruleset.rules());
        Names {
            ruleset: self.ruleset.hash().to_owned(),
            rules: self.rules().chain(of_candidate).map(|rule| rule.id.to_string()).collect(),
            routes: self.config.routes.iter().map(|route| route.name.clone()).collect(),
            upstreams: self.config.upstreams.iter().map(|up| up.name.clone()).collect(),
            expiries: self.exclusions.iter().filter_map(expiry).collect(),
            exclusions: self.exclusions.iter().map(Exclusion::place).collect(),
        }
    }
}

/// Reads the rules of a list and the exclusions of several routes, and compiles them.
fn load_rules<'a>(
    files: &dyn Files,
    entries: &[Entry],
    all: impl Iterator<Item = &'a RouteSettings>,
) -> Result<Rules, Vec<Report>> {
    let today = today();
    let mut reports = Vec::new();
    let rules = rules::load(files, entries).map_err(|more| reports.extend(more)).ok();
    let mut policies = Vec::new();
    let mut exclusions: Vec<Exclusion> = Vec::new();
    let mut seen: Vec<&Entry> = Vec::new();
    for settings in all {
        let own = rules::exclusions(files, &settings.exclusions).unwrap_or_else(|more| {
            reports.extend(more);
            Vec::new()
        });
        if settings.exclusions.iter().any(|entry| !is_seen(&seen, entry)) {
            exclusions.extend(own.iter().cloned());
            seen.extend(&settings.exclusions);
        }
        let policy = settings.policy.clone();
        policies.push(PolicySettings { exclusions: own, today, ..policy });
    }
    let Some(rules) = rules.filter(|_| reports.is_empty()) else {
        reports.dedup();
        return Err(reports);
    };
    for policy in &mut policies {
        // Later overrides win, so what the operator says stands after ours.
        policy.overrides.splice(0..0, off_by_default(&rules.rules));
        follow(&rules.program, policy);
    }
    let Compiled { ruleset, policies, warnings: more } = compile(rules.rules, policies)?;
    let mut warnings = rules.warnings;
    warnings.extend(more);
    Ok(Rules { summary: rules.summary, ruleset, policies, warnings, exclusions })
}

/// What `audit.sample` names must be loaded.
fn unknown_samples(config: &Config, ruleset: &RuleSet) -> Result<(), Vec<Report>> {
    let is_known = |id: &str| ruleset.rules().any(|rule| rule.id.as_str() == id);
    let samples = config.audit.sample.iter().filter(|sample| !is_known(&sample.rule));
    let unknown = samples.map(|sample| {
        Report::error(sample.span.clone(), format!("no loaded rule is `{}`", sample.rule))
    });
    let unknown: Vec<Report> = unknown.collect();
    if unknown.is_empty() { Ok(()) } else { Err(unknown) }
}

/// What several routes share, or the candidate, is said once.
fn said_once(mut reports: Vec<Report>) -> Vec<Report> {
    let mut said: Vec<Report> = Vec::new();
    reports.retain(|report| {
        let new = !said.contains(report);
        said.extend(new.then(|| report.clone()));
        new
    });
    reports
}

/// What the directives of SecLang files ask for, where the configuration leaves it at its default.
fn follow(program: &ProgramSettings, policy: &mut PolicySettings) {
    policy.program = program.clone();
    if program.response_body == Some(true) && policy.response.body == ResponseBody::Off {
        policy.response.body = ResponseBody::Block;
        if !program.response_types.is_empty() {
            policy.response.types.clone_from(&program.response_types);
        }
    }
}

/// Days since 1970-01-01, in UTC.
pub fn today() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX) / DAY_SECONDS
}

/// The overrides that switch off what few sites want, as far as it is loaded.
fn off_by_default(rules: &[Rule]) -> Vec<Override> {
    OFF_BY_DEFAULT
        .into_iter()
        .filter(|class| rules.iter().any(|rule| rule.class == *class))
        .map(|class| Override {
            scope: OverrideScope::Class(class.to_owned()),
            mode: Some(RuleMode::Off),
            score: None,
            span: None,
        })
        .collect()
}

/// The settings of every route, then those where no route is known.
fn all_settings(config: &Config) -> impl Iterator<Item = &RouteSettings> {
    config.routes.iter().map(|route| &route.settings).chain([&config.global])
}

fn is_seen(seen: &[&Entry], entry: &Entry) -> bool {
    seen.iter().any(|known| known.path == entry.path)
}

fn rule_of(exclusion: &Exclusion) -> Option<String> {
    match &exclusion.scope {
        ExclusionScope::Rule(rule) => Some(rule.clone()),
        ExclusionScope::Range(first, last) => Some(format!("{first}-{last}")),
        ExclusionScope::Tag(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use waf_core::record::Mode;

    use super::*;

    const RULE: &str = "id: shop-a\nname: A test\nwhy: For a test.\nreferences: [CWE-1]\n\
                        severity: notice\ntargets: [ARGS]\nmatch: {contains: zzz}\n\
                        tests: {attack: [zzz], benign: [zz]}\n";

    fn load(files: &[(&str, &str)]) -> Result<Site, Vec<Report>> {
        let mut map: BTreeMap<PathBuf, String> =
            files.iter().map(|(name, text)| (PathBuf::from(name), (*text).to_owned())).collect();
        map.insert("shop/a.yaml".into(), RULE.into());
        Site::load(&map, Some(Path::new("p.yaml")), &CommandLine::default())
    }

    const CONFIG: &str = "upstreams: {app: {servers: [\"127.0.0.1:3000\"]}}\nrules: [shop]\n";

    fn exclusion(rule: &str, expires: &str) -> String {
        format!(
            "- {{rule: {rule}, targets: [\"ARGS:q\"], reason: r, owner: web-team, expires: {expires}}}\n"
        )
    }

    #[test]
    fn every_route_has_its_policy_and_one_is_left_over() {
        let config = format!(
            "{CONFIG}exclusions: [e.yaml]\nroutes: [{{name: a, upstream: app, mode: detect}}, \
             {{name: b, upstream: app, exclusions: [f.yaml]}}]\n"
        );
        let far = exclusion("shop-a", "2999-01-01");
        let own = far.replace("ARGS:q", "ARGS:r");
        let site = load(&[("p.yaml", &config), ("e.yaml", &far), ("f.yaml", &own)]).unwrap();
        // The same twice would be one too many.
        let twice = load(&[("p.yaml", &config), ("e.yaml", &far), ("f.yaml", &far)]).unwrap();
        assert!(twice.warnings[0].message.contains("covers this one"), "{:?}", twice.warnings);
        let counts: Vec<_> =
            site.policies.iter().map(|policy| policy.settings().exclusions.len()).collect();
        assert_eq!(counts, [1, 2, 1]);
        assert!(site.warnings.is_empty(), "{:?}", site.warnings);
        assert!(site.names().rules.contains(&"shop-a".to_owned()));
        assert_eq!(site.names().routes, ["a", "b"]);
    }

    #[test]
    fn classes_that_few_sites_want_are_off_until_an_override_says_otherwise() {
        let pii = RULE.replace("shop-a", "pii-a");
        let active = |overrides: &str| {
            let config = format!("{CONFIG}{overrides}").replace("[shop]", "[shop, pii]");
            let site = load(&[("p.yaml", &config), ("pii/a.yaml", &pii)]).unwrap();
            let overrides = &site.policies[0].settings().overrides;
            overrides.iter().map(|change| change.mode).collect::<Vec<_>>()
        };
        assert_eq!(active(""), [Some(RuleMode::Off)]);
        let both = [Some(RuleMode::Off), Some(RuleMode::Block)];
        assert_eq!(active("overrides: {class:pii: {mode: block}}\n"), both);
    }

    #[test]
    fn an_override_of_nothing_is_told_at_its_key() {
        let config = format!(
            "{CONFIG}overrides:\n  shop-a: {{score: 1}}\n  shop-b: {{score: 1}}\nroutes: [{{name: a, \
             upstream: app}}, {{name: b, upstream: app, overrides: {{class:shops: {{mode: off}}}}}}]\n"
        );
        let reports = load(&[("p.yaml", &config)]).unwrap_err();
        let told: Vec<String> = reports.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "once, though three policies have the first: {told:#?}");
        assert!(told[0].contains("no loaded rule is `shop-b`"), "{told:#?}");
        assert!(
            told[0].contains("--> p.yaml:5:3\n") && told[0].contains("|   ^^^^^^\n"),
            "{told:#?}"
        );
        assert!(told[1].contains("`shops`") && told[1].contains("--> p.yaml:6:"), "{told:#?}");
    }

    #[test]
    fn exclusions_that_end_or_mean_nothing_are_warned_about() {
        let config = format!("{CONFIG}exclusions: [e.yaml]\n");
        let exclusions = exclusion("shop-a", "2020-02-29") + &exclusion("other", "2999-01-01");
        let site = load(&[("p.yaml", &config), ("e.yaml", &exclusions)]).unwrap();
        let told: Vec<_> = site.warnings.iter().map(|report| report.message.as_str()).collect();
        assert_eq!(told.len(), 2, "once, though two policies have them: {told:?}");
        assert!(told[0].contains("2020-02-29") && told[1].contains("`other`"), "{told:?}");
        // 2020-02-29 is day 18,321; it applies to its end.
        assert_eq!(site.names().expiries[0], ("shop-a".to_owned(), 18_322 * DAY_SECONDS));
    }

    /// The scores and thresholds that rules and routes have under the candidate.
    #[test]
    fn the_candidate_is_the_file_with_its_keys_in_place() {
        let config = format!(
            "{CONFIG}exclusions: [e.yaml]\nscoring: {{inbound_threshold: 7, outbound_threshold: 9}}\n\
             overrides: {{shop-a: {{score: 1}}}}\n\
             candidate:\n  share: 10%\n  exclusions: []\n  scoring: {{inbound_threshold: 3}}\n  \
             overrides: {{shop-a: {{score: 9}}}}\n\
             routes:\n- {{name: a, upstream: app}}\n- {{name: b, upstream: app, mode: detect, \
             scoring: {{inbound_threshold: 4}}, overrides: {{shop-a: {{score: 2}}}}}}\n"
        );
        let exclusions = exclusion("shop-a", "2999-01-01");
        let site = load(&[("p.yaml", &config), ("e.yaml", &exclusions)]).unwrap();
        let told = |policy: &Arc<Policy>| {
            let settings = policy.settings();
            let rules = policy.ruleset().rules().position(|rule| rule.id.as_str() == "shop-a");
            let score = settings.overrides.iter().rev().find_map(|change| change.score);
            assert!(rules.is_some());
            (
                settings.inbound_threshold,
                settings.outbound_threshold,
                score,
                settings.exclusions.len(),
            )
        };
        let active: Vec<_> = site.policies[..2].iter().map(told).collect();
        assert_eq!(active, [(7, 9, Some(1), 1), (4, 9, Some(2), 1)]);
        let candidate = site.candidate.as_ref().unwrap();
        let on_trial: Vec<_> = candidate.policies.iter().map(told).collect();
        assert_eq!(on_trial, [(3, 9, Some(9), 0), (4, 9, Some(2), 0)]);
        assert!(candidate.policies.iter().all(|one| one.settings().mode == Mode::Detect));
        assert_eq!(candidate.ruleset.hash(), site.ruleset.hash());
        assert!(site.candidate_of(2).is_none(), "requests without a route have none");
    }

    #[test]
    fn what_is_wrong_in_the_candidate_is_told_at_its_place() {
        let told = |candidate: &str| {
            let config = format!("{CONFIG}candidate:\n  {candidate}\n");
            let reports = load(&[("p.yaml", &config)]).unwrap_err();
            assert_eq!(reports.len(), 1, "{reports:?}");
            reports[0].to_string()
        };
        for (candidate, message, place) in [
            ("share: 5%", "the candidate is what is active already", "p.yaml:4:3\n"),
            ("rules: [gone.yaml]", "there is no file gone.yaml", "p.yaml:4:11\n"),
            ("exclusions: [gone.yaml]", "there is no file gone.yaml", "p.yaml:4:16\n"),
            ("overrides: {shop-b: {score: 1}}", "no loaded rule is `shop-b`", "p.yaml:4:15\n"),
            ("scoring: {paranoia: 5}", "`paranoia` is 5", "p.yaml:4:23\n"),
            ("share: 5", "a share such as 25%", "p.yaml:4:10\n"),
        ] {
            let told = told(candidate);
            assert!(told.contains(message) && told.contains(place), "{candidate}: {told}");
        }
    }

    #[test]
    fn what_is_wrong_in_rules_and_exclusions_is_told_together() {
        let config = format!("{CONFIG}exclusions: [e.yaml]\nrules: [shop, gone.yaml]\n").replacen(
            "rules: [shop]\n",
            "",
            1,
        );
        let reports = load(&[("p.yaml", &config), ("e.yaml", "- {rule: shop-a}\n")]).unwrap_err();
        let told = reports.iter().map(ToString::to_string).collect::<String>();
        assert!(told.contains("there is no file gone.yaml") && told.contains("e.yaml:1"), "{told}");
    }
}
