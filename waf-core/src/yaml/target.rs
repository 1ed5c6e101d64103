//! `targets`: variables and selectors.

use std::ops::Range;

use super::checker::Checker;
use super::pattern::RegexProblem;
use crate::field::Collection;
use crate::rule::{Selector, Target, TargetKind, Variable, is_xml_path};
use crate::suggest;

/// Checks the syntax of a regex.
pub type CheckRegex<'a> = &'a dyn Fn(&str) -> Result<(), RegexProblem>;

/// A word of rules that stands for two targets: the headers in which senders write what they like. In
/// the others clients, proxies and tracers write what they must, each in a form of its own.
const FREE_HEADERS: (&str, [&str; 2]) = (
    "FREE_HEADERS",
    [
        "REQUEST_HEADERS",
        "!REQUEST_HEADERS:/^(?:host|cookie|connection|origin|date|range|dnt|priority|pragma|\
         cache-control|accept.*|content-(?:type|length|encoding|language)|if-.*|sec-.*|upgrade.*|\
         x-client-data|baggage|trace.*|x-b3-.*|x-hub-.*)$/",
    ],
);

/// Reads the list of a rule at `path`; what is wrong goes to `checker`.
pub(super) fn targets_of_rule(
    checker: &mut Checker<'_>,
    texts: &[String],
    path: &str,
    regex: CheckRegex<'_>,
) -> Vec<Target> {
    read(checker, texts, path, |text| {
        let (word, spelled) = FREE_HEADERS;
        if text.eq_ignore_ascii_case(word) {
            spelled.iter().map(|text| target(text, regex)).collect()
        } else {
            target(text, regex).map(|target| vec![target])
        }
    })
}

/// Reads the list of fields at `path`; what is wrong goes to `checker`.
pub(super) fn targets(
    checker: &mut Checker<'_>,
    texts: &[String],
    path: &str,
    regex: CheckRegex<'_>,
) -> Vec<Target> {
    read(checker, texts, path, |text| target(text, regex).map(|target| vec![target]))
}

fn read(
    checker: &mut Checker<'_>,
    texts: &[String],
    path: &str,
    one: impl Fn(&str) -> Result<Vec<Target>, Problem>,
) -> Vec<Target> {
    let mut targets = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        match one(text) {
            Ok(found) => targets.extend(found),
            Err(problem) => {
                let path = format!("{path}[{index}]");
                checker.wrong_part(&path, problem.part, problem.message).maybe_help(problem.help);
            }
        }
    }
    if texts.is_empty() {
        checker.wrong(path, "this list is empty").help("as in `[ARGS, REQUEST_COOKIES]`");
    }
    targets
}

/// Complains when every target of the list at `path` only takes away.
pub(super) fn check_looked_at(checker: &mut Checker<'_>, targets: &[Target], path: &str) {
    if !targets.is_empty() && targets.iter().all(|target| target.kind == TargetKind::Exclude) {
        checker.wrong(path, "this list only takes away").help("name a target without `!`");
    }
}

/// What is wrong with a target, and with which part of its text.
struct Problem {
    part: Range<usize>,
    message: String,
    help: Option<String>,
}

impl Problem {
    fn new(part: Range<usize>, message: impl Into<String>) -> Self {
        Self { part, message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

fn target(text: &str, regex: CheckRegex<'_>) -> Result<Target, Problem> {
    let (kind, rest) = match text.as_bytes().first() {
        Some(b'!') => (TargetKind::Exclude, &text[1..]),
        Some(b'&') => (TargetKind::Count, &text[1..]),
        _ => (TargetKind::Include, text),
    };
    let start = text.len() - rest.len();
    let (name, written) = match rest.split_once(':') {
        Some((name, selector)) => (name, Some(selector)),
        None => (rest, None),
    };
    let variable = Variable::from_name(name)
        .ok_or_else(|| unknown_variable(name, start..start + name.len()))?;
    let at = start + name.len() + 1;
    let selector = match written {
        Some(written) => selector(variable, written, at, regex)?,
        None if variable == Variable::One(Collection::Xml) => {
            return Err(Problem::new(start..text.len(), "`XML` needs a path")
                .help("`XML:/*` is all text, `XML://@*` all attribute values"));
        }
        None => Selector::All,
    };
    Ok(Target { kind, variable, selector })
}

fn selector(
    variable: Variable,
    written: &str,
    at: usize,
    regex: CheckRegex<'_>,
) -> Result<Selector, Problem> {
    let whole = at..at + written.len();
    if !variable.collections().iter().all(|collection| collection.is_keyed()) {
        let message = format!("`{}` is one value and takes no selector", variable.name());
        return Err(Problem::new(whole, message));
    }
    if written.is_empty() {
        return Err(Problem::new(at.saturating_sub(1)..at, "nothing stands after the `:`"));
    }
    if variable == Variable::One(Collection::Xml) {
        if is_xml_path(written) {
            return Ok(Selector::Path(written.to_owned()));
        }
        let message = format!("`{written}` is not an XML path that rules can name");
        return Err(
            Problem::new(whole, message).help("the paths are `/*`, `//@*`, `/a/b` and `/a/@c`")
        );
    }
    if let Some(pattern) = written.strip_prefix('/') {
        return regex_selector(pattern, at, regex);
    }
    if written == "$" || written.starts_with("$.") || written.starts_with("$[") {
        return json_selector(variable, written, whole);
    }
    Ok(Selector::Name(written.to_owned()))
}

fn regex_selector(pattern: &str, at: usize, regex: CheckRegex<'_>) -> Result<Selector, Problem> {
    let whole = at..at + 1 + pattern.len();
    let Some(pattern) = pattern.strip_suffix('/').filter(|pattern| !pattern.is_empty()) else {
        return Err(Problem::new(whole, "a selector that begins with `/` is a regex")
            .help("close it with a `/` at the end: `ARGS:/^page_/`"));
    };
    regex(pattern).map_err(|problem| {
        let part = at + 1 + problem.start..at + 1 + problem.end;
        Problem::new(part, format!("the regex is wrong: {}", problem.message))
    })?;
    Ok(Selector::Regex(pattern.to_owned()))
}

fn json_selector(
    variable: Variable,
    written: &str,
    whole: Range<usize>,
) -> Result<Selector, Problem> {
    use Collection::{ArgsPost, ArgsPostNames};
    let in_body = |collection: &Collection| matches!(collection, ArgsPost | ArgsPostNames);
    if !variable.collections().iter().any(in_body) {
        let message = format!("`{}` has no JSON paths", variable.name());
        return Err(Problem::new(whole, message).help("JSON stands in `ARGS_POST` and `ARGS`"));
    }
    if !is_json_path(written) {
        return Err(Problem::new(whole, format!("`{written}` is not a JSON path"))
            .help("as in `$.items[*].name`, `$.items[0]` or `$['a.b']`"));
    }
    Ok(Selector::Path(written.to_owned()))
}

/// `$`, then any of `.name`, `[3]`, `[*]`, `['name']`.
fn is_json_path(text: &str) -> bool {
    let Some(mut rest) = text.strip_prefix('$') else { return false };
    while !rest.is_empty() {
        let Some(after) = json_step(rest) else { return false };
        rest = after;
    }
    true
}

fn json_step(rest: &str) -> Option<&str> {
    if let Some(name) = rest.strip_prefix('.') {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let plain = end > 0 && !name[..end].contains(['*', ']', '\'', '"']);
        return plain.then(|| &name[end..]);
    }
    if let Some(quoted) = rest.strip_prefix("['") {
        return quoted.split_once("']").map(|(_, after)| after);
    }
    let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
    let number = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    (index == "*" || number).then_some(after)
}

fn unknown_variable(name: &str, part: Range<usize>) -> Problem {
    let problem = Problem::new(part, format!("unknown target `{name}`"));
    if let Some(help) = seclang_only(name) {
        return problem.help(help);
    }
    let (word, _) = FREE_HEADERS;
    if name.eq_ignore_ascii_case(word) {
        return problem
            .help("only a rule names it, and without a selector; an exclusion names the headers");
    }
    let known = Collection::ALL.iter().map(|collection| collection.name());
    match suggest::nearest(name, known.chain(["ARGS", "ARGS_NAMES", word])) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help("targets are named as in SecLang: rules/README.md lists them"),
    }
}

/// What to write in YAML instead of a variable that only SecLang has.
fn seclang_only(name: &str) -> Option<&'static str> {
    const TOGETHER: &str = "only SecLang has it; here, conditions that belong together stand in \
                            `all`, on one value with `same_value: true`";
    const FINDING: &str = "only SecLang has it; here, what a parser found wrong is a finding with \
                           a rule of its own in `rules/protocol/`";
    const STATE: &str = "only SecLang has it; rules here look at one request, addresses are \
                         `REMOTE_ADDR` or `clients:` in the configuration";
    const OTHER: &str = "only SecLang rule sets can use it";
    match name {
        "TX" | "MATCHED_VAR" | "MATCHED_VARS" | "MATCHED_VAR_NAME" | "MATCHED_VARS_NAMES"
        | "RULE" => Some(TOGETHER),
        _ if name.starts_with("REQBODY_") => Some(FINDING),
        _ if name.starts_with("MULTIPART_") && name != "MULTIPART_PART_HEADERS" => Some(FINDING),
        "URLENCODED_ERROR" | "INBOUND_DATA_ERROR" | "OUTBOUND_DATA_ERROR" => Some(FINDING),
        "IP" | "GEO" | "SESSION" | "USER" | "GLOBAL" | "RESOURCE" | "SESSIONID" | "USERID"
        | "REMOTE_HOST" | "REMOTE_PORT" | "REMOTE_USER" => Some(STATE),
        "UNIQUE_ID"
        | "DURATION"
        | "ENV"
        | "AUTH_TYPE"
        | "HIGHEST_SEVERITY"
        | "FULL_REQUEST"
        | "FULL_REQUEST_LENGTH"
        | "SERVER_NAME"
        | "SERVER_ADDR"
        | "SERVER_PORT"
        | "WEBSERVER_ERROR_LOG" => Some(OTHER),
        _ if name.starts_with("TIME") => Some(OTHER),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::super::pattern::check_regex;
    use super::*;

    fn parsed(text: &str) -> Option<Target> {
        target(text, &check_regex).ok()
    }

    fn selector_of(text: &str) -> Option<Selector> {
        parsed(text).map(|target| target.selector)
    }

    #[test]
    fn kinds_and_selectors() {
        let one = |kind, variable, selector| Some(Target { kind, variable, selector });
        let cookies = Variable::One(Collection::RequestCookies);
        let regex = Selector::Regex("^_ga".into());
        assert_eq!(parsed("!REQUEST_COOKIES:/^_ga/"), one(TargetKind::Exclude, cookies, regex));
        assert_eq!(parsed("&ARGS"), one(TargetKind::Count, Variable::Args, Selector::All));
        let agent = Selector::Name("User-Agent".into());
        assert_eq!(selector_of("REQUEST_HEADERS:User-Agent"), Some(agent));
        assert_eq!(selector_of("ARGS:/a/b/"), Some(Selector::Regex("a/b".into())));
    }

    #[test]
    fn json_paths() {
        for path in ["$", "$.items[*].name", "$['a.b']", "$[0].x", "$.a['b'][3].c"] {
            assert_eq!(
                selector_of(&format!("ARGS_POST:{path}")),
                Some(Selector::Path(path.into()))
            );
        }
        for path in ["$.", "$..a", "$.*", "$[a]", "$['a'", "$[]", "$.a]"] {
            assert_eq!(selector_of(&format!("ARGS_POST:{path}")), None, "{path}");
        }
        assert_eq!(selector_of("ARGS_GET:$.a"), None, "a query holds no JSON");
        assert_eq!(selector_of("ARGS:$x"), Some(Selector::Name("$x".into())));
    }

    #[test]
    fn only_four_forms_of_xml_paths() {
        for path in ["/*", "//@*", "/a/b", "/a/@c", "/soap:Envelope/x-y"] {
            assert_eq!(selector_of(&format!("XML:{path}")), Some(Selector::Path(path.into())));
        }
        for path in ["", "*", "//*", "/a/*", "//a", "/a[1]", "/@c", "/a/@b/c", "/a/text()"] {
            assert_eq!(selector_of(&format!("XML:{path}")), None, "{path}");
        }
        assert_eq!(parsed("XML"), None);
    }

    #[test]
    fn a_word_stands_for_two_targets() {
        let (_, [all, fixed]) = FREE_HEADERS;
        let all = parsed(all).map(|target| (target.kind, target.selector));
        assert_eq!(all, Some((TargetKind::Include, Selector::All)));
        let fixed = parsed(fixed);
        assert_eq!(fixed.as_ref().map(|target| target.kind), Some(TargetKind::Exclude));
        let Some(Selector::Regex(names)) = fixed.map(|target| target.selector) else { panic!() };
        let names = regex_automata::meta::Regex::new(&names).unwrap();
        let is_fixed = |name: &str| names.is_match(name);
        assert!(["host", "accept-language", "sec-ch-ua", "x-b3-traceid"].into_iter().all(is_fixed));
        assert!(
            !["user-agent", "referer", "x-id", "hosts", "authorization"].into_iter().any(is_fixed)
        );
        assert_eq!(parsed("FREE_HEADERS"), None, "no target by itself");
    }

    #[test]
    fn single_values_take_no_selector() {
        assert_eq!(parsed("REQUEST_METHOD:a"), None);
        assert_eq!(parsed("ARGS:"), None);
        assert_eq!(parsed("ARGS:/a"), None);
        assert_eq!(parsed("ARGS:/a(/"), None);
        assert_eq!(parsed(""), None);
    }
}
