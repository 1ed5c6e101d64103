//! What SecLang files amount to: inheritance, updates, removals, skips.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test should stop where it fails")]

use std::path::{Path, PathBuf};

use waf_core::field::Collection;
use waf_core::rule::{
    Allow, Chain, Change, Ctl, Disruptive, Effect, Engine, LinkOperator, LinkVariable,
    MacroOperator, Operator, Phase, Rule, RuleScope, Selector, Severity, State, TargetKind, Text,
    TextPart, Transformation, Variable,
};
use waf_core::seclang::{self, Files, Loaded};

struct One<'a>(&'a str);

impl Files for One<'_> {
    fn read(&self, _: &Path) -> Result<Vec<u8>, String> {
        Ok(self.0.into())
    }

    fn find(&self, _: &Path) -> Result<Vec<PathBuf>, String> {
        Ok(Vec::new())
    }
}

fn load(text: &str) -> Loaded {
    match seclang::load(&One(text), &[PathBuf::from("a.conf")]) {
        Ok(loaded) => loaded,
        Err(reports) => panic!("{}", reports[0]),
    }
}

fn error(text: &str) -> String {
    seclang::load(&One(text), &[PathBuf::from("a.conf")]).unwrap_err()[0].message.clone()
}

fn rule(text: &str) -> Rule {
    load(text).rules.remove(0)
}

fn chain(text: &str) -> Chain {
    *rule(text).chain.unwrap()
}

fn ids(loaded: &Loaded) -> Vec<&str> {
    loaded.rules.iter().map(|rule| rule.id.as_str()).collect()
}

fn skips(text: &str) -> Vec<(String, Option<u32>)> {
    let rules = load(text).rules;
    rules.iter().map(|rule| (rule.id.to_string(), rule.chain.as_ref().unwrap().skip_to)).collect()
}

/// The targets of a link as they are written.
fn targets(chain: &Chain, link: usize) -> Vec<String> {
    let show = |target: &waf_core::rule::LinkTarget| {
        let kind = match target.kind {
            TargetKind::Include => "",
            TargetKind::Exclude => "!",
            TargetKind::Count => "&",
        };
        let name = match target.variable {
            LinkVariable::Fields(variable) => variable.name(),
            LinkVariable::Tx => "TX",
            LinkVariable::State(state) => state.name(),
        };
        let selector = match &target.selector {
            Selector::All => String::new(),
            Selector::Name(name) => format!(":{name}"),
            Selector::Regex(regex) => format!(":/{regex}/"),
            Selector::Path(path) => format!(":{path}"),
        };
        format!("{kind}{name}{selector}")
    };
    chain.links[link].targets.iter().map(show).collect()
}

#[test]
fn a_rule_is_told_about() {
    let rule = rule(
        "SecRule ARGS \"@rx a\" \"id:7,phase:1,deny,status:406,msg:'Bad %{matched_var}',\
         tag:'attack-sqli',tag:'paranoia-level/2',severity:ERROR\"",
    );
    assert_eq!((rule.id.as_str(), rule.phase), ("7", Phase::RequestHeaders));
    assert_eq!(rule.name, "Bad %{MATCHED_VAR}");
    assert_eq!(rule.tags, ["attack-sqli", "paranoia-level/2"]);
    assert_eq!((rule.class.as_str(), rule.paranoia), ("sqli", 2));
    assert_eq!((rule.severity, rule.span.line()), (Severity::Error, 1));
    let chain = rule.chain.unwrap();
    assert_eq!((chain.disruptive, chain.status, chain.log), (Disruptive::Deny, Some(406), true));
    let message = Text(vec![
        TextPart::Literal((*b"Bad ").into()),
        TextPart::Macro(LinkVariable::State(State::MatchedVar), None),
    ]);
    assert_eq!(chain.message, Some(message));
}

#[test]
fn defaults_are_inherited_by_phase() {
    let rules = load(
        "SecAction \"id:1,block\"\n\
         SecDefaultAction \"phase:2,nolog,deny,status:418,t:lowercase\"\n\
         SecAction \"id:2,block,log\"\n\
         SecAction \"id:3,phase:1,block\"\n\
         SecAction \"id:4,pass\"\n\
         SecAction \"id:5,allow:phase,status:403\"\n\
         SecAction \"id:6\"\n\
         SecDefaultAction \"phase:2,log,pass\"\n\
         SecAction \"id:7,block\"\n",
    )
    .rules;
    let of = |rule: &Rule| {
        let chain = rule.chain.as_ref().unwrap();
        (chain.disruptive, chain.status, chain.log)
    };
    let found: Vec<_> = rules.iter().map(of).collect();
    assert_eq!(
        found,
        [
            (Disruptive::Pass, None, true),
            (Disruptive::Deny, Some(418), true),
            (Disruptive::Pass, None, true),
            (Disruptive::Pass, Some(418), false),
            (Disruptive::Allow(Allow::Phase), Some(403), false),
            (Disruptive::Deny, Some(418), false),
            (Disruptive::Pass, None, true),
        ]
    );
}

#[test]
fn transformations_are_inherited_until_none() {
    let rules = load(
        "SecDefaultAction \"phase:2,pass,t:lowercase\"\n\
         SecRule ARGS \"@rx a\" \"id:1,t:urlDecodeUni\"\n\
         SecRule ARGS \"@rx a\" \"id:2,t:length,t:none,t:urlDecode,chain\"\n\
         SecRule ARGS \"@rx a\" \"t:sha1\"\n",
    )
    .rules;
    let of =
        |rule: &Rule, link: usize| rule.chain.as_ref().unwrap().links[link].transformations.clone();
    use Transformation::{Lowercase, Sha1, UrlDecode, UrlDecodeUni};
    assert_eq!(of(&rules[0], 0), [Lowercase, UrlDecodeUni]);
    assert_eq!(of(&rules[1], 0), [UrlDecode]);
    assert_eq!(of(&rules[1], 1), [Lowercase, Sha1]);
}

#[test]
fn links_keep_what_they_say() {
    let chain = chain(
        "SecRule ARGS|!ARGS:a|&TX:/^b/|XML:/* \"!@within x %{tx.c}\" \"id:1,pass,chain,capture\"\n\
         SecRule REQBODY_PROCESSOR \"@streq JSON\" \"multiMatch,chain\"\n\
         SecAction \"setvar:tx.done\"\n",
    );
    assert_eq!(targets(&chain, 0), ["ARGS", "!ARGS:a", "&TX:/(?i)^b/", "XML:/*"]);
    assert_eq!((chain.links[0].negated, chain.links[0].capture), (true, true));
    let LinkOperator::Macro(MacroOperator::Within, text) = &chain.links[0].operator else {
        panic!("{:?}", chain.links[0].operator)
    };
    assert_eq!(text.0[1], TextPart::Macro(LinkVariable::Tx, Some("c".into())));
    assert_eq!(targets(&chain, 1), ["REQBODY_PROCESSOR"]);
    assert!(chain.links[1].multi_match && !chain.links[1].capture);
    assert_eq!((targets(&chain, 2).len(), &chain.links[2].operator), (0, &LinkOperator::Always));
}

#[test]
fn operators() {
    let operator = |text: &str| {
        let line = format!("SecRule ARGS \"{text}\" \"id:1,pass\"");
        chain(&line).links.remove(0).operator
    };
    let fixed = |text: &str| match operator(text) {
        LinkOperator::Fixed(operator) => operator,
        other => panic!("{other:?}"),
    };
    assert_eq!(fixed("@eq 12x"), Operator::Eq(12));
    assert_eq!(fixed("@lt -3"), Operator::Lt(-3));
    assert_eq!(fixed("@pm a b"), Operator::Pm(vec!["a".into(), "b".into()]));
    assert_eq!(fixed("@rx [\\x{e9}]"), Operator::Rx(r"[\xe9]".into()));
    assert_eq!(fixed("@contains a b"), Operator::Contains("a b".into()));
    assert_eq!(operator("@rx a(?!b)"), LinkOperator::Backtrack("a(?!b)".into()));
    assert!(matches!(operator("@rx ^%{tx.a}"), LinkOperator::Macro(MacroOperator::Rx, _)));
    assert_eq!(operator("@rbl a.example"), LinkOperator::Never);
    assert_eq!(operator("@unconditionalMatch"), LinkOperator::Always);
}

#[test]
fn effects_are_in_order() {
    let chain = chain(
        "SecAction \"id:1,pass,setvar:tx.a=+%{tx.b},ctl:ruleRemoveById=5-7,setvar:!tx.c,\
         ctl:ruleRemoveTargetById=8;ARGS:x|XML,ctl:requestBodyProcessor=xml,setvar:ip.d=1,\
         ctl:ruleEngine=Off,initcol:ip=%{REMOTE_ADDR}\"",
    );
    let removed = |variable, selector| {
        let variable = LinkVariable::Fields(variable);
        let target = waf_core::rule::LinkTarget { kind: TargetKind::Include, variable, selector };
        Effect::Ctl(Ctl::RemoveTarget(RuleScope::Ids(8, 8), target))
    };
    let sum = Text(vec![TextPart::Macro(LinkVariable::Tx, Some("b".into()))]);
    let expected = [
        Effect::SetVar { name: Text::literal(b"a"), change: Change::Add(sum) },
        Effect::Ctl(Ctl::Remove(RuleScope::Ids(5, 7))),
        Effect::SetVar { name: Text::literal(b"c"), change: Change::Unset },
        removed(Variable::Args, Selector::Name("x".into())),
        removed(Variable::One(Collection::Xml), Selector::All),
        Effect::Ctl(Ctl::RequestBodyProcessor("XML".into())),
        Effect::Ctl(Ctl::Engine(Engine::Off)),
    ];
    assert_eq!(chain.links[0].effects, expected);
}

#[test]
fn what_a_rule_knows_of_itself_is_text() {
    let chain = chain("SecAction \"id:5,pass,severity:2,msg:'%{rule.id}/%{RULE.severity}'\"");
    let text: Vec<u8> = chain
        .message
        .unwrap()
        .0
        .iter()
        .flat_map(|part| match part {
            TextPart::Literal(text) => text.to_vec(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(text, b"5/2");
}

const THREE: &str = "SecRule ARGS \"@rx a\" \"id:1,pass,tag:'x/a',msg:'One'\"\n\
                     SecRule ARGS|TX:a \"@rx a\" \"id:2,pass,tag:'x/b',chain\"\n\
                     SecRule FILES \"@rx a\"\n\
                     SecRule ARGS \"@rx a\" \"id:30,pass,msg:'Three'\"\n";

#[test]
fn rules_are_removed_by_directives_behind_them() {
    let left = |directive: &str| {
        let loaded = load(&format!("{THREE}{directive}\nSecAction \"id:40,pass,tag:'x/a'\""));
        ids(&loaded).join(" ")
    };
    assert_eq!(left("SecRuleRemoveById 2 \"25-35\""), "1 40");
    assert_eq!(left("SecRuleRemoveById 40"), "1 2 30 40");
    assert_eq!(left("SecRuleRemoveByTag x/a"), "2 30 40");
    assert_eq!(left("SecRuleRemoveByTag \"^x/\""), "30 40");
    assert_eq!(left("SecRuleRemoveByMsg \"^Th\""), "1 2 40");
}

#[test]
fn targets_are_updated_in_every_link() {
    let after = |directive: &str| {
        let rules = load(&format!("{THREE}{directive}\n")).rules;
        let chain = rules[1].chain.clone().unwrap();
        (targets(&chain, 0).join("|"), targets(&chain, 1).join("|"))
    };
    let own = |head: &str, link: &str| (head.to_owned(), link.to_owned());
    assert_eq!(
        after("SecRuleUpdateTargetById 2-3 !ARGS:p,!ARGS:/q/"),
        own("ARGS|TX:a|!ARGS:p|!ARGS:/(?i)q/", "FILES|!ARGS:p|!ARGS:/(?i)q/")
    );
    assert_eq!(
        after("SecRuleUpdateTargetByTag x/b \"REQUEST_URI\" \"FILES\""),
        own("ARGS|TX:a", "REQUEST_URI")
    );
    assert_eq!(after("SecRuleUpdateTargetById 1 !ARGS"), own("ARGS|TX:a", "FILES"));
}

#[test]
fn actions_are_updated() {
    let text = format!("{THREE}SecRuleUpdateActionById 1 \"deny,status:404,nolog,t:lowercase\"\n");
    let chain = chain(&text);
    assert_eq!((chain.disruptive, chain.status, chain.log), (Disruptive::Deny, Some(404), false));
    assert_eq!(chain.links[0].transformations, [Transformation::Lowercase]);
    let message = error(&format!("{THREE}SecRuleUpdateActionById 1 \"id:9\"\n"));
    assert_eq!(message, "the id, the phase and the chain of a rule cannot be changed");
}

#[test]
fn skips_lead_to_rules() {
    let found = skips(
        "SecAction \"id:1,pass,skipAfter:END\"\n\
         SecAction \"id:2,pass,skip:1\"\n\
         SecAction \"id:3,phase:1,pass,skip:1\"\n\
         SecAction \"id:4,pass,skip:9\"\n\
         SecMarker END\n\
         SecAction \"id:5,phase:1,pass,skipAfter:6\"\n\
         SecAction \"id:6,pass,skipAfter:END\"\n\
         SecAction \"id:7,pass\"\n\
         SecRuleRemoveById 6\n",
    );
    let own = |(id, to): (&str, Option<u32>)| (id.to_owned(), to);
    let expected = [
        ("1", Some(4)),
        // The next rule of phase 2 is rule 4; the one behind it in the list is rule 5.
        ("2", Some(4)),
        ("3", Some(5)),
        ("4", Some(6)),
        ("5", Some(5)),
        ("7", None),
    ];
    assert_eq!(found, expected.map(own));
}

#[test]
fn settings_are_collected() {
    let settings = load(
        "SecRuleEngine DetectionOnly\nSecRequestBodyAccess Off\nSecResponseBodyAccess On\n\
         SecResponseBodyMimeType text/HTML\nSecResponseBodyMimeTypesClear\n\
         SecResponseBodyMimeType text/plain text/XML\nSecArgumentsLimit 500\n\
         SecRequestBodyNoFilesLimit 131072\nSecTmpDir /tmp\n",
    )
    .settings;
    assert_eq!(settings.engine, Engine::DetectionOnly);
    assert_eq!((settings.request_body, settings.response_body), (Some(false), Some(true)));
    assert_eq!(settings.response_types, ["text/plain", "text/xml"]);
    assert_eq!(settings.arguments_limit, Some(500));
    assert_eq!(settings.request_body_no_files_limit, Some(131_072));
}

#[test]
fn what_the_engine_has_not_is_refused() {
    for (word, message) in [
        ("TIME_HOUR", "`TIME_HOUR` is not known to this engine"),
        ("XML", "`XML` needs a path"),
        ("XML://a[1]", "`//a[1]` is not an XML path that rules can name"),
    ] {
        let text = format!("SecRule {word} \"@rx a\" \"id:1,pass\"");
        assert_eq!(error(&text), message);
    }
}
