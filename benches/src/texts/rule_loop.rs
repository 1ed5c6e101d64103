//! The loop that Pinpoint departs from: rule after rule over value after value.
//!
//! It is favoured: fields are parsed, and the rules that look at each are chosen, before it is
//! measured; a chain of transformations runs once for all rules that have it; chained rules are not
//! followed, nothing is captured, counted or decided.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;
use regex_automata::Input;
use regex_automata::meta::{Cache, Regex};
use waf_core::field::Collection;
use waf_core::limits::Limits;
use waf_core::policy::Policy;
use waf_core::rule::{
    LinkOperator, LinkVariable, Operator, Phase, Rule, Target, TargetKind, Transformation,
};
use waf_core::transform::Transducer;
use waf_corpus::Request;
use waf_corpus::reference::{Regexes, Value, compile, fields, selects};

/// The operators that read all of a value.
enum Asked {
    Regex(Box<Regex>, Box<Cache>),
    Phrases(AhoCorasick),
    Sqli,
    Xss,
}

/// One rule, as far as the loop goes.
struct Looked {
    targets: Vec<Target>,
    chain: Vec<Transformation>,
    /// In phase 1 there is no body yet.
    head_only: bool,
    asked: Asked,
}

/// The loop with its rules; fresh regexes have cold caches.
pub(super) struct RuleLoop {
    rules: Vec<Looked>,
    /// Two buffers for chains.
    buffers: [Vec<u8>; 2],
}

/// A value, and the numbers of the rules to ask it, by chain.
pub(super) struct Question {
    value: Vec<u8>,
    chains: Vec<(Vec<Transformation>, Vec<usize>)>,
}

impl RuleLoop {
    /// The rules of a policy up to a level: of each rule the first link. `regexes_only` leaves out
    /// phrases and libinjection.
    pub(super) fn new(policy: &Policy, paranoia: u8, regexes_only: bool) -> Self {
        let wanted = |looked: &Looked| !regexes_only || matches!(looked.asked, Asked::Regex(..));
        let rules = policy.ruleset().rules().filter(|rule| level(rule) <= paranoia);
        Self {
            rules: rules.filter_map(looked).filter(wanted).collect(),
            buffers: Default::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rules.len()
    }

    /// What is to be asked about a request.
    pub(super) fn questions(&self, request: &Request, limits: &Limits) -> Vec<Question> {
        let regexes = Regexes::default();
        let (head, body) = fields(request, limits);
        // ModSecurity has `REQUEST_BODY` of forms only.
        let content_type = request.head.value("content-type").unwrap_or_default();
        let is_raw = content_type.starts_with(b"application/json")
            || content_type.starts_with(b"multipart/");
        let seen = |value: &&Value| !(is_raw && value.collection == Collection::RequestBody);
        let head = head.iter().map(|value| (value, true));
        let body = body.iter().filter(seen).map(|value| (value, false));
        let mut known: HashMap<(Collection, &[u8], bool), Vec<usize>> = HashMap::new();
        let mut questions = Vec::new();
        for (value, is_head) in head.chain(body) {
            let rules =
                known.entry((value.collection, &value.name, is_head)).or_insert_with(|| {
                    let looks = |rule: &Looked| {
                        (is_head || !rule.head_only)
                            && selects(&regexes, &rule.targets, value.collection, &value.name)
                    };
                    (0..self.rules.len()).filter(|&number| looks(&self.rules[number])).collect()
                });
            let mut chains: Vec<(Vec<Transformation>, Vec<usize>)> = Vec::new();
            for &number in &*rules {
                let chain = &self.rules[number].chain;
                match chains.iter_mut().find(|(known, _)| known == chain) {
                    Some((_, rules)) => rules.push(number),
                    None => chains.push((chain.clone(), vec![number])),
                }
            }
            questions.push(Question { value: value.bytes.clone(), chains });
        }
        questions
    }

    /// Asks; how many answers were yes.
    pub(super) fn ask(&mut self, questions: &[Question]) -> usize {
        let mut yes = 0;
        for question in questions {
            for (chain, rules) in &question.chains {
                let value = transform(&mut self.buffers, chain, &question.value);
                for &number in rules {
                    yes += usize::from(holds(&mut self.rules[number].asked, value));
                }
            }
        }
        yes
    }
}

/// The paranoia level that a rule is tagged with.
fn level(rule: &Rule) -> u8 {
    let levels = rule.tags.iter().filter_map(|tag| tag.strip_prefix("paranoia-level/"));
    levels.filter_map(|level| level.parse().ok()).next().unwrap_or(1)
}

fn looked(rule: &Rule) -> Option<Looked> {
    let link = rule.chain.as_ref()?.links.first()?;
    let LinkOperator::Fixed(operator) = &link.operator else { return None };
    let asked = match operator {
        Operator::Rx(text) => {
            let regex = compile(text)?;
            let cache = regex.create_cache();
            Asked::Regex(Box::new(regex), Box::new(cache))
        }
        Operator::Pm(phrases) => {
            let mut builder = AhoCorasick::builder();
            Asked::Phrases(builder.ascii_case_insensitive(true).build(phrases).ok()?)
        }
        Operator::DetectSqli => Asked::Sqli,
        Operator::DetectXss => Asked::Xss,
        _ => return None,
    };
    let targets = link.targets.iter().filter_map(|target| match target.variable {
        LinkVariable::Fields(variable) if target.kind != TargetKind::Count => {
            Some(Target { kind: target.kind, variable, selector: target.selector.clone() })
        }
        _ => None,
    });
    let head_only = match rule.phase {
        Phase::RequestHeaders => true,
        Phase::RequestBody => false,
        _ => return None,
    };
    let chain = link.transformations.clone();
    Some(Looked { targets: targets.collect(), chain, head_only, asked })
}

fn holds(asked: &mut Asked, value: &[u8]) -> bool {
    match asked {
        Asked::Regex(regex, cache) => {
            regex.search_half_with(cache, &Input::new(value).earliest(true)).is_some()
        }
        Asked::Phrases(phrases) => phrases.is_match(value),
        Asked::Sqli => waf_core::operator::detect_sqli(value).is_some(),
        Asked::Xss => waf_core::operator::detect_xss(value),
    }
}

/// A value after a chain of transformations.
fn transform<'a>(
    buffers: &'a mut [Vec<u8>; 2],
    chain: &[Transformation],
    value: &'a [u8],
) -> &'a [u8] {
    let [from, to] = buffers;
    for (place, &transformation) in chain.iter().enumerate() {
        to.clear();
        let mut transducer = Transducer::new(transformation);
        transducer.feed(if place == 0 { value } else { from }, to);
        transducer.finish(to);
        std::mem::swap(from, to);
    }
    if chain.is_empty() { value } else { from }
}
