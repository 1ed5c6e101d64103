//! The OWASP Core Rule Set is read without a complaint, and nothing of it is lost: everything that
//! is counted here was counted in the rule files by other means.
//!
//! `CRS_DIR` names a checkout of v4; without it there is nothing to do. Debian's package of v3
//! (`modsecurity-crs` of Debian 12) is read where it is installed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test should stop where it fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use waf_core::compile::compile;
use waf_core::policy::PolicySettings;
use waf_core::rule::{self, Chain, LinkOperator, Rule, TargetKind};
use waf_core::seclang::{
    self, Action, ActionKind, Change, Ctl, Directive, Disruptive, Files, Link, Loaded, MacroPart,
    Phase, Script, Setting, Test,
};
use waf_core::source::Report;

struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        fs::read(path).map_err(|error| error.to_string())
    }

    /// Enough of a glob for `*.conf` and `*.conf*`.
    fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        let name = pattern.file_name().unwrap().to_str().unwrap();
        let Some((start, end)) = name.split_once('*') else {
            return Ok(pattern.is_file().then(|| pattern.to_owned()).into_iter().collect());
        };
        let entries = fs::read_dir(pattern.parent().unwrap()).map_err(|error| error.to_string())?;
        let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        found.retain(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(start) && name.ends_with(end)
        });
        found.sort();
        Ok(found)
    }
}

/// The disk, with one file more, named `entry.conf`.
struct Entry(PathBuf, String);

impl Files for Entry {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        if path.ends_with("entry.conf") { Ok(self.1.clone().into()) } else { Disk.read(path) }
    }

    fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        Disk.find(pattern)
    }
}

impl Entry {
    fn v4() -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("CRS_DIR")?);
        let text = "Include crs-setup.conf.example\nInclude rules/*.conf\n";
        Some(Self(folder.join("entry.conf"), text.to_owned()))
    }

    fn v3() -> Option<Self> {
        let loader = Path::new("/usr/share/modsecurity-crs/owasp-crs.load");
        Some(Self(loader.with_file_name("entry.conf"), fs::read_to_string(loader).ok()?))
    }

    fn read(&self) -> Script {
        let script = seclang::read(self, std::slice::from_ref(&self.0))
            .map_err(|reports| told(&reports))
            .unwrap();
        assert!(script.warnings.is_empty(), "{}", script.warnings[0]);
        assert!(script.files > 20, "{}", script.files);
        script
    }

    fn load(&self) -> Loaded {
        seclang::load(self, std::slice::from_ref(&self.0))
            .map_err(|reports| told(&reports))
            .unwrap()
    }
}

/// A rule as it is loaded.
fn find<'l>(loaded: &'l Loaded, tell: impl Fn(&Rule, &Chain) -> bool + 'l) -> Vec<&'l Rule> {
    let rules = loaded.rules.iter();
    rules.filter(|rule| tell(rule, rule.chain.as_ref().unwrap())).collect()
}

fn told(reports: &[Report]) -> String {
    reports.iter().map(Report::to_string).collect::<Vec<_>>().join("\n")
}

/// What is counted of a rule set.
#[derive(Default)]
struct Counts {
    names: BTreeMap<String, usize>,
    ids: BTreeSet<u64>,
}

impl Counts {
    fn of(script: &Script) -> Self {
        let mut counts = Self::default();
        for statement in &script.statements {
            counts.directive(&statement.directive);
        }
        counts
    }

    fn add(&mut self, name: impl Into<String>) {
        *self.names.entry(name.into()).or_default() += 1;
    }

    #[track_caller]
    fn assert(&self, expected: &[(&str, usize)]) {
        for &(name, count) in expected {
            assert_eq!(self.names.get(name).copied().unwrap_or_default(), count, "{name}");
        }
    }

    fn directive(&mut self, directive: &Directive) {
        match directive {
            Directive::Rule(links) => self.chain(links),
            Directive::Marker(_) => self.add("markers"),
            Directive::DefaultAction(_) => self.add("defaults"),
            Directive::UpdateTargets(_) => self.add("updates"),
            Directive::Setting(Setting::ComponentSignature(_)) => self.add("signatures"),
            Directive::Setting(Setting::CollectionTimeout(_)) => self.add("timeouts"),
            other => self.add(format!("{other:?}")),
        }
    }

    fn chain(&mut self, links: &[Link]) {
        self.ids.extend(links[0].id());
        self.add("heads");
        self.add(format!("chains of {}", links.len()));
        self.add(format!("phase {}", phase(&links[0])));
        for link in links {
            if link.targets.is_empty() {
                self.add("SecAction");
            } else {
                self.add("SecRule");
                self.operator(link);
            }
            link.targets.iter().for_each(|target| self.target(target));
            link.actions.iter().for_each(|action| self.action(action));
        }
        for _ in &links[1..] {
            self.add("links");
        }
    }

    fn operator(&mut self, link: &Link) {
        let name = format!("{:?}", link.operator.test);
        let name = name.split(['(', ' ']).next().unwrap();
        self.add(format!("@{name}"));
        if link.operator.negated {
            self.add(format!("!@{name}"));
        }
    }

    fn target(&mut self, target: &seclang::Target) {
        self.add(target.variable.name());
        match target.kind {
            TargetKind::Include => {}
            TargetKind::Exclude => self.add("exclusions"),
            TargetKind::Count => self.add("counts"),
        }
    }

    fn action(&mut self, action: &Action) {
        let name = match &action.kind {
            ActionKind::Transform(None) => "t:none".to_owned(),
            ActionKind::Transform(Some(transformation)) => format!("t:{}", transformation.name()),
            ActionKind::Disruptive(Disruptive::Block) => "block".to_owned(),
            ActionKind::Disruptive(Disruptive::Pass) => "pass".to_owned(),
            ActionKind::Disruptive(Disruptive::Deny) => "deny".to_owned(),
            ActionKind::Disruptive(Disruptive::Drop) => "drop".to_owned(),
            ActionKind::Log(true) => "log".to_owned(),
            ActionKind::Log(false) => "nolog".to_owned(),
            ActionKind::AuditLog(true) => "auditlog".to_owned(),
            ActionKind::AuditLog(false) => "noauditlog".to_owned(),
            ActionKind::SetVar(set) => {
                self.add(format!("setvar on {}", set.collection.name()));
                self.setvar(&set.change);
                "setvar".to_owned()
            }
            ActionKind::Ctl(ctl) => format!("ctl {}", ctl_name(ctl)),
            kind => {
                let name = format!("{kind:?}");
                name.split(['(', ' ']).next().unwrap().to_owned()
            }
        };
        self.add(name);
    }

    fn setvar(&mut self, change: &Change) {
        match change {
            Change::Add(text) if matches!(text.parts.as_slice(), [MacroPart::Macro { .. }]) => {
                self.add("setvar adds a macro");
            }
            Change::Unset => self.add("setvar unsets"),
            _ => {}
        }
    }
}

fn ctl_name(ctl: &Ctl) -> String {
    match ctl {
        Ctl::RemoveRules(rules) => format!("remove {}", variant(rules)),
        Ctl::RemoveTargets(rules, targets) => {
            assert_eq!(targets.len(), 1);
            format!("remove targets of {}", variant(rules))
        }
        other => variant(other),
    }
}

fn variant(thing: &impl std::fmt::Debug) -> String {
    format!("{thing:?}").split('(').next().unwrap().to_owned()
}

/// 1 to 5; 2 where none is written.
fn phase(head: &Link) -> usize {
    let phase = head.actions.iter().rev().find_map(|action| match action.kind {
        ActionKind::Phase(phase) => Some(phase),
        _ => None,
    });
    match phase.unwrap_or(Phase::RequestBody) {
        Phase::RequestHeaders => 1,
        Phase::RequestBody => 2,
        Phase::ResponseHeaders => 3,
        Phase::ResponseBody => 4,
        Phase::Logging => 5,
    }
}

#[test]
fn v4_is_read_whole() {
    let Some(script) = Entry::v4().map(|entry| entry.read()) else { return };
    let counts = Counts::of(&script);
    assert_eq!(counts.ids.len(), 630);
    counts.assert(&[
        ("heads", 630),
        ("links", 73),
        ("SecRule", 695),
        ("SecAction", 8),
        ("markers", 30),
        ("updates", 55),
        ("defaults", 5),
        ("signatures", 1),
        ("chains of 1", 575),
        ("chains of 2", 41),
        ("chains of 3", 11),
        ("chains of 4", 2),
        ("chains of 5", 1),
        ("phase 1", 173),
        ("phase 2", 292),
        ("phase 3", 43),
        ("phase 4", 109),
        ("phase 5", 13),
    ]);
}

#[test]
fn v4_says_what_it_says() {
    let Some(script) = Entry::v4().map(|entry| entry.read()) else { return };
    let counts = Counts::of(&script);
    counts.assert(&[
        ("@Rx", 318),
        ("!@Rx", 21),
        ("@RxMacro", 0),
        ("@Lt", 190),
        ("@Ge", 42),
        ("@Gt", 15),
        ("@Eq", 53),
        ("@Pm", 12 + 21),
        ("!@Pm", 2 + 1),
        ("@Within", 9),
        ("!@Within", 6),
        ("@Contains", 4),
        ("@BeginsWith", 1),
        ("@EndsWith", 6),
        ("@Streq", 9),
        ("@ValidateByteRange", 6),
        ("@ValidateUrlEncoding", 1),
        ("@ValidateUtf8Encoding", 1),
        ("@DetectSqli", 2),
        ("@DetectXss", 2),
        ("@IpMatch", 2),
        ("@UnconditionalMatch", 1),
        ("TX", 290),
        ("XML", 351),
        ("ARGS", 191),
        ("ARGS_NAMES", 189),
        ("REQUEST_COOKIES", 166),
        ("REQUEST_COOKIES_NAMES", 165),
        ("REQUEST_HEADERS", 166),
        ("RESPONSE_BODY", 59),
        ("t:none", 432),
        ("t:url_decode_uni", 140),
        ("t:lowercase", 46),
        ("t:html_entity_decode", 35),
        ("t:utf8_to_unicode", 32),
        ("t:js_decode", 37),
        ("t:remove_nulls", 27),
        ("t:css_decode", 23),
        ("t:cmd_line", 13),
        ("t:remove_whitespace", 11),
        ("t:replace_comments", 9),
        ("t:normalize_path", 8),
        ("t:escape_seq_decode", 7),
        ("t:remove_comments_char", 1),
    ]);
    counts.assert(&[
        ("Id", 630),
        ("Message", 355),
        ("LogData", 331),
        ("Tag", 3089),
        ("Version", 630),
        ("Severity", 346),
        ("Capture", 279),
        ("MultiMatch", 8),
        ("SkipAfter", 206),
        ("Chain", 73),
        ("setvar", 684),
        ("setvar on TX", 684),
        ("setvar adds a macro", 609),
        ("InitCollection", 2),
        ("block", 345),
        ("deny", 6),
        ("Status", 2),
        ("ctl remove Tag", 3),
        ("ctl remove Ids", 1),
        ("ctl remove targets of Tag", 1),
        ("ctl ForceRequestBodyVariable", 2),
        ("ctl AuditEngine", 2),
        ("ctl RequestBodyProcessor", 1),
    ]);
}

#[test]
fn v3_is_read_whole() {
    let Some(script) = Entry::v3().map(|entry| entry.read()) else { return };
    let counts = Counts::of(&script);
    assert_eq!(counts.ids.len(), 634);
    counts.assert(&[
        ("heads", 634),
        ("links", 166),
        ("SecRule", 790),
        ("SecAction", 10),
        ("markers", 40),
        ("defaults", 2),
        ("signatures", 1),
        ("timeouts", 1),
        ("chains of 1", 519),
        ("chains of 2", 74),
        ("chains of 3", 34),
        ("chains of 4", 4),
        ("chains of 5", 3),
        ("phase 1", 147),
        ("phase 2", 389),
        ("phase 3", 24),
        ("phase 4", 58),
        ("phase 5", 16),
        ("@Rx", 265 - 1),
        ("!@Rx", 18 - 1),
        ("@RxMacro", 1),
        ("!@RxMacro", 1),
        ("@Pm", 6 + 19),
        ("@Rbl", 1),
        ("@GeoLookup", 1),
        ("TX", 312),
        ("IP", 13),
        ("t:none", 493),
        ("t:url_decode", 6),
        ("t:normalize_path", 5),
        ("setvar", 546),
        ("setvar on IP", 36),
        ("setvar unsets", 2),
        ("ExpireVar", 20),
        ("drop", 2),
        ("ctl remove targets of Ids", 202),
        ("ctl remove targets of Tag", 169),
        ("ctl remove Ids", 46),
        ("ctl AuditLogParts", 110),
        ("ctl RuleEngine", 3),
    ]);
}

/// A backslash before a backslash is dropped, and before a quote; 17 patterns of v3 depend on it.
#[test]
fn v3_loses_its_doubled_backslashes() {
    let Some(script) = Entry::v3().map(|entry| entry.read()) else { return };
    let rules = script.statements.iter().filter_map(|statement| match &statement.directive {
        Directive::Rule(links) => Some(links),
        _ => None,
    });
    let doubled = rules.flatten().filter(|link| {
        let span = &link.operator.span;
        span.source.text[span.start..span.end].contains(r"\\")
    });
    let mut seen = 0;
    for link in doubled {
        let Test::Rx(regex) = &link.operator.test else { continue };
        let span = &link.operator.span;
        let written = &span.source.text[span.start..span.end];
        let plain = written.replace(r"\\", "\u{1}").replace(r#"\""#, "\"").replace('\u{1}', r"\");
        let pattern = String::from_utf8_lossy(&regex.written);
        assert!(plain.ends_with(&*pattern), "{written}");
        seen += 1;
    }
    assert_eq!(seen, 17);
}

/// Every rule becomes one of the engine, with its links, and every skip of CRS leads forward to the
/// end of a group of rules.
#[test]
fn v4_is_lowered_whole() {
    let Some(loaded) = Entry::v4().map(|entry| entry.load()) else { return };
    assert_eq!((loaded.rules.len(), loaded.warnings.len()), (630, 0));
    let links: usize =
        loaded.rules.iter().map(|rule| rule.chain.as_ref().unwrap().links.len()).sum();
    assert_eq!(links, 630 + 73);
    let skips = find(&loaded, |_, chain| chain.skip_to.is_some());
    assert_eq!(skips.len(), 206);
    let count = loaded.rules.len() as u32;
    for (ordinal, rule) in loaded.rules.iter().enumerate() {
        let to = rule.chain.as_ref().unwrap().skip_to;
        assert!(to.is_none_or(|to| ordinal < to as usize && to <= count), "{}", rule.id);
    }
    // What blocks inherits `pass`, so that matches are only scored.
    assert_eq!(find(&loaded, |_, chain| chain.disruptive == rule::Disruptive::Deny).len(), 6);
    let levels = |level| find(&loaded, move |rule, _| rule.paranoia == level).len();
    assert_eq!((levels(2), levels(3), levels(4)), (90, 32, 9));
    assert_eq!(find(&loaded, |_, chain| uses_backtracking(chain)).len(), 0);
}

/// Five patterns need a backtracking engine: three look around or back, two repeat possessively.
#[test]
fn v3_is_lowered_whole() {
    let Some(loaded) = Entry::v3().map(|entry| entry.load()) else { return };
    assert_eq!(loaded.rules.len(), 634);
    let backtracking = find(&loaded, |_, chain| uses_backtracking(chain));
    assert_eq!(backtracking.len(), 5);
    // What asks a database or a name server is warned of.
    let warnings: Vec<_> = loaded.warnings.iter().map(|report| report.message.as_str()).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings.iter().all(|message| message.ends_with("never matches")), "{warnings:?}");
}

fn uses_backtracking(chain: &Chain) -> bool {
    chain.links.iter().any(|link| matches!(link.operator, LinkOperator::Backtrack(_)))
}

#[test]
fn v4_compiles() {
    let Some(loaded) = Entry::v4().map(|entry| entry.load()) else { return };
    let settings = PolicySettings { program: loaded.settings, ..PolicySettings::default() };
    let compiled = compile(loaded.rules, vec![settings]).map_err(|reports| told(&reports)).unwrap();
    assert_eq!(compiled.policies.len(), 1);
}
