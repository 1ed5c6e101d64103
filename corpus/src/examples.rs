//! A rule's own examples as requests: `tests:` of its file, tried in every place they speak of.
//!
//! ```text
//! Example -> spots: where it may stand -> carry: a Request for each -> Runner -> does it match?
//! ```

mod carry;
mod mutate;
mod spots;

use std::sync::Arc;

pub use mutate::mutations;
use waf_core::policy::{Override, OverrideScope, Policy, PolicySettings};
use waf_core::record::{Masking, MaskingSettings, Mode};
use waf_core::rule::{Example, Place, Rule, RuleMode};

use crate::cut::Cut;
use crate::request::Request;
use crate::run::Runner;

/// How bodies are cut: an example must say the same in every one.
pub const CUTS: [Cut; 3] = [Cut::Whole, Cut::Every(1), Cut::Random(1)];

/// Settings under which every rule is looked for, whatever its level or mode, and no score ends
/// the look.
pub fn settings<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> PolicySettings {
    let mut settings = PolicySettings {
        mode: Mode::Detect,
        paranoia: 4,
        detection_paranoia: 4,
        ..PolicySettings::default()
    };
    for rule in rules {
        settings.limits.record_matches += 1;
        if rule.mode == RuleMode::Off {
            let scope = OverrideScope::Rule(rule.id.to_string());
            let mode = Some(RuleMode::Detect);
            settings.overrides.push(Override { scope, mode, score: None, span: None });
        }
    }
    settings
}

/// The requests of an example, each with the place it is tried in, for messages. None when it fits
/// nowhere.
///
/// Text is a value. It is tried in every value that the rule looks at first: arguments of a query,
/// a form, JSON and multipart, cookies, headers, XML. Only where the rule looks at no such value
/// it is tried as a name, a file name, a path or a raw body. A place that cannot carry the text,
/// such as a header a line end, is left out.
pub fn requests(rule: &Rule, example: &Example) -> Vec<(String, Request)> {
    let Some(place) = example.place else {
        let text = example.value.as_str().unwrap_or_default();
        let spots = spots::of(rule);
        let carried = spots.iter().filter_map(|spot| {
            let request = carry::value(spot, text, decodes_escapes(rule))?;
            Some((spot.to_string(), request))
        });
        return carried.collect();
    };
    let text = example.value.as_str().unwrap_or_default();
    let request = match place {
        Place::Query => carry::get(&format!("/?{text}")),
        Place::Form => carry::post(carry::FORM, text),
        Place::Json => carry::post(carry::JSON, example.value.to_string()),
        Place::Xml => carry::post(carry::XML, text),
        Place::Path => carry::get(text),
        Place::Cookie => carry::with_header("Cookie", text),
        Place::Header => {
            let (name, value) = text.split_once(':').unwrap_or((text, ""));
            carry::with_header(name.trim(), value.trim())
        }
        Place::Multipart => carry::multipart(&carry::Part::of(&example.value)),
        Place::Request => carry::raw(text),
    };
    vec![(place.name().to_owned(), request)]
}

/// What is wrong with a rule's examples under a policy made of [`settings`]: attacks that do not
/// match it, benign ones that do. Each is a line that begins with the example's file and line.
pub fn failures(policy: &Arc<Policy>, rule: &Rule) -> Vec<String> {
    let plain = MaskingSettings {
        query_values: false,
        fields: Vec::new(),
        headers: Vec::new(),
        patterns: Vec::new(),
        ..MaskingSettings::default()
    };
    let mut runner = Runner::new(Arc::clone(policy), Masking::new(&plain).unwrap_or_default());
    let attacks = rule.attacks.iter().map(|example| (example, true));
    let benign = rule.benign.iter().map(|example| (example, false));
    let tried = attacks.chain(benign);
    tried.flat_map(|(example, attack)| wrong(&mut runner, rule, example, attack)).collect()
}

/// As [`failures`], for `count` ways to write each attack example otherwise: in another case, with
/// comments or escapes that the rule's transformations undo.
pub fn mutation_failures(policy: &Arc<Policy>, rule: &Rule, count: usize) -> Vec<String> {
    let mut runner = Runner::new(Arc::clone(policy), Masking::default());
    let mutations = rule.attacks.iter().flat_map(|example| mutations(rule, example, count));
    mutations.flat_map(|example| wrong(&mut runner, rule, &example, true)).collect()
}

fn wrong(runner: &mut Runner, rule: &Rule, example: &Example, attack: bool) -> Vec<String> {
    let kind = if attack { "attack" } else { "benign" };
    let place = &example.span.source.name;
    let head = format!("{place}:{}: {kind} example {}", example.span.line(), example.value);
    let requests = requests(rule, example);
    if requests.is_empty() {
        return vec![format!("{head} fits no place that the rule looks at")];
    }
    let mut wrong = Vec::new();
    for (place, request) in requests {
        let differs = CUTS.into_iter().find(|&cut| matches(runner, rule, &request, cut) != attack);
        if let Some(cut) = differs {
            let does = if attack { "does not match" } else { "matches" };
            wrong.push(format!("{head} {does} `{}` in {place}, cut {cut:?}", rule.id));
        }
    }
    wrong
}

/// Whether a rule matches a request, cut as asked.
pub fn matches(runner: &mut Runner, rule: &Rule, request: &Request, cut: Cut) -> bool {
    let record = runner.run(request, cut);
    record.matches.iter().any(|known| known.rule_id == rule.id.as_str())
}

/// Whether the rule decodes `%hh` itself, so that text may be sent escaped where nothing else
/// would decode it.
fn decodes_escapes(rule: &Rule) -> bool {
    use waf_core::rule::Transformation::{UrlDecode, UrlDecodeUni};
    let conditions = rule.expression.conditions();
    conditions
        .iter()
        .any(|c| c.transformations.iter().any(|t| matches!(t, UrlDecode | UrlDecodeUni)))
}
