//! The rules that a configuration asks for: the built-in ones, files, folders and globs.
//!
//! The rules of `rules/protocol/` are always loaded: without them a parser's findings would have no
//! severity and no text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use waf_core::rule::{Exclusion, ProgramSettings, Rule};
use waf_core::seclang;
use waf_core::source::{Report, Source};
use waf_core::yaml::{self, RuleContext, RuleSource};

use crate::config::Entry;
use crate::config::files::Files;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../rules");

/// The class of the rules that name findings.
const PROTOCOL: &str = "protocol";

/// Rules, and one line about where they are from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// All of them.
    pub rules: Vec<Rule>,
    /// What the directives of SecLang files set.
    pub program: ProgramSettings,
    /// What the operator should know of them.
    pub warnings: Vec<Report>,
    /// Such as `builtin (62 rules), shop/ (3 rules), protocol findings (35)`.
    pub summary: String,
}

impl Loaded {
    /// The rules of each class, by name.
    pub fn classes(&self) -> BTreeMap<&str, usize> {
        let mut classes = BTreeMap::new();
        for rule in &self.rules {
            *classes.entry(rule.class.as_str()).or_default() += 1;
        }
        classes
    }
}

/// Reads everything in the list, or tells everything that is wrong with it.
pub fn load(files: &dyn Files, entries: &[Entry]) -> Result<Loaded, Vec<Report>> {
    let mut sources = builtin(|class| class == PROTOCOL);
    let mut parts = Vec::new();
    let mut reports = Vec::new();
    let mut scripts = Vec::new();
    for entry in entries {
        if is_seclang(entry) {
            match find(files, entry) {
                Ok(found) => {
                    parts.push(entry.text.clone());
                    scripts.extend(found);
                }
                Err(report) => reports.push(report),
            }
            continue;
        }
        match sources_of(files, entry, entries.len()) {
            Ok(found) => {
                if entry.text != "none" {
                    parts.push(format!("{} ({})", entry.text, count(found.len())));
                }
                sources.extend(found);
            }
            Err(report) => reports.push(report),
        }
    }
    if parts.is_empty() {
        parts.push("no rules".into());
    }
    let findings = sources.iter().filter(|source| source.builtin && source.class == PROTOCOL);
    parts.push(format!("protocol findings ({})", findings.count()));
    let phrases = |source: &Source, name: &str| phrases(files, source, name);
    let context = RuleContext { phrases: &phrases, ..RuleContext::default() };
    let mut rules = yaml::rules(&sources, &context).unwrap_or_else(|more| {
        reports.extend(more);
        Vec::new()
    });
    // One program, however many files: a marker or an exclusion may stand in another.
    let script = seclang::load(&Scripts(files), &scripts).unwrap_or_else(|more| {
        reports.extend(more);
        seclang::Loaded::default()
    });
    if !script.rules.is_empty() {
        parts.push(format!("{} of SecLang", count(script.rules.len())));
    }
    rules.extend(script.rules);
    if !reports.is_empty() {
        return Err(reports);
    }
    let (program, warnings) = (script.settings, script.warnings);
    Ok(Loaded { rules, program, warnings, summary: parts.join(", ") })
}

/// Whether an id is that of a SecLang rule, which are numbers; ours are words.
pub(crate) fn is_seclang_id(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether an entry names SecLang files.
fn is_seclang(entry: &Entry) -> bool {
    entry.text.ends_with(".conf") || entry.text.ends_with(".conf.example")
}

/// Files as the SecLang front end asks for them.
struct Scripts<'a>(&'a dyn Files);

impl seclang::Files for Scripts<'_> {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        self.0.read_bytes(path).map_err(|error| error.to_string())
    }

    fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        self.0.find(pattern).map_err(|error| error.to_string())
    }
}

/// Reads every exclusion file in the list.
pub fn exclusions(files: &dyn Files, entries: &[Entry]) -> Result<Vec<Exclusion>, Vec<Report>> {
    let mut exclusions = Vec::new();
    let mut reports = Vec::new();
    for entry in entries {
        match read_all(files, entry) {
            Ok(sources) => {
                for source in sources {
                    match yaml::exclusions(&source) {
                        Ok(found) => exclusions.extend(found),
                        Err(more) => reports.extend(more),
                    }
                }
            }
            Err(report) => reports.push(report),
        }
    }
    if reports.is_empty() { Ok(exclusions) } else { Err(reports) }
}

fn count(rules: usize) -> String {
    format!("{rules} rule{}", if rules == 1 { "" } else { "s" })
}

/// The files of one entry of `rules:`.
fn sources_of(files: &dyn Files, entry: &Entry, entries: usize) -> Result<Vec<RuleSource>, Report> {
    let error = |message: String| Report::error(entry.span.clone(), message);
    match entry.text.as_str() {
        "builtin" => Ok(builtin(|class| class != PROTOCOL)),
        "none" if entries == 1 => Ok(Vec::new()),
        "none" => Err(error("`none` stands alone in the list of rules".into())),
        _ => {
            let sources = read_all(files, entry)?.into_iter().map(rule_source);
            Ok(sources.filter(|source| !is_loaded_already(source)).collect())
        }
    }
}

fn rule_source(source: std::sync::Arc<Source>) -> RuleSource {
    RuleSource { class: class_of(Path::new(&source.name)), source, builtin: false }
}

/// Whether a file is one of the findings' own, which are always loaded: the folder of the built-in
/// rules can be named as it is.
fn is_loaded_already(source: &RuleSource) -> bool {
    let name = Path::new(&source.source.name).file_name().unwrap_or_default();
    let known = BUILTIN.get_file(Path::new(PROTOCOL).join(name));
    source.class == PROTOCOL
        && known.and_then(|file| file.contents_utf8()) == Some(source.source.text.as_str())
}

/// The folder a rule file lies in.
fn class_of(path: &Path) -> String {
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    folder.unwrap_or("custom").to_owned()
}

/// The texts of the files that an entry names; there must be one.
fn read_all(files: &dyn Files, entry: &Entry) -> Result<Vec<std::sync::Arc<Source>>, Report> {
    let found = find(files, entry)?;
    let read = |path: &PathBuf| {
        let text = files.read(path).map_err(|error| cannot(entry, path, &error))?;
        Ok(Source::new(path.display().to_string(), text))
    };
    found.iter().map(read).collect()
}

/// The files that an entry names; there must be one.
fn find(files: &dyn Files, entry: &Entry) -> Result<Vec<PathBuf>, Report> {
    let found = files.find(&entry.path).map_err(|error| cannot(entry, &entry.path, &error))?;
    if found.is_empty() {
        let message = format!("there is no file {}", entry.path.display());
        return Err(Report::error(entry.span.clone(), message));
    }
    Ok(found)
}

fn cannot(entry: &Entry, path: &Path, error: &std::io::Error) -> Report {
    Report::error(entry.span.clone(), format!("cannot read {}: {error}", path.display()))
}

/// The built-in rules of the classes that are wanted.
fn builtin(wanted: impl Fn(&str) -> bool) -> Vec<RuleSource> {
    let mut sources = Vec::new();
    for folder in BUILTIN.dirs() {
        let class = folder.path().to_str().unwrap_or_default();
        if !wanted(class) {
            continue;
        }
        for file in folder.files().filter(|file| crate::config::files::is_yaml(file.path())) {
            let name = format!("rules/{}", file.path().display());
            let source = Source::new(name, file.contents_utf8().unwrap_or_default());
            sources.push(RuleSource { source, class: class.to_owned(), builtin: true });
        }
    }
    sources
}

/// A phrase file lies next to the rule that names it.
fn phrases(files: &dyn Files, rule: &Source, name: &str) -> Result<String, String> {
    let beside = Path::new(&rule.name).with_file_name(name);
    if let Ok(inside) = beside.strip_prefix("rules")
        && BUILTIN.contains(Path::new(&rule.name).strip_prefix("rules").unwrap_or(inside))
    {
        let file = BUILTIN.get_file(inside).ok_or("there is no such file")?;
        return Ok(file.contents_utf8().unwrap_or_default().to_owned());
    }
    files.read(&beside).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::*;

    type Map = BTreeMap<PathBuf, String>;

    fn rule(id: &str) -> String {
        format!(
            "id: {id}\nname: A test\nwhy: For a test.\nreferences: [CWE-1]\nseverity: notice\n\
             targets: [ARGS]\nmatch: {{contains: zzz}}\ntests: {{attack: [zzz], benign: [zz]}}\n"
        )
    }

    fn files() -> Map {
        let file = |name: &str, text: String| (PathBuf::from(name), text);
        [
            file("mine/shop/a.yaml", rule("shop-a")),
            file("mine/shop/b.yaml", rule("shop-b")),
            file("mine/other/c.yaml", rule("other-c")),
            file("bad/x.yaml", "id: x\n".into()),
        ]
        .into()
    }

    fn entries(texts: &[&str]) -> Vec<Entry> {
        let entry = |text: &&str| Entry { text: (*text).into(), path: text.into(), span: None };
        texts.iter().map(entry).collect()
    }

    fn own(texts: &[&str]) -> Vec<(String, String)> {
        let loaded = load(&files(), &entries(texts)).unwrap();
        let own = loaded.rules.iter().filter(|rule| rule.class != PROTOCOL);
        own.map(|rule| (rule.class.clone(), rule.id.to_string())).collect()
    }

    #[test]
    fn a_file_a_folder_and_a_glob_are_read() {
        let pair = |class: &str, id: &str| (class.to_owned(), id.to_owned());
        assert_eq!(own(&["mine/shop/a.yaml"]), [pair("shop", "shop-a")]);
        assert_eq!(own(&["mine/shop"]), [pair("shop", "shop-a"), pair("shop", "shop-b")]);
        assert_eq!(own(&["mine/*/[bc].yaml"]), [pair("other", "other-c"), pair("shop", "shop-b")]);
        assert_eq!(own(&["none"]), []);
        // The folder of the built-in rules, findings and all, as it lies here.
        let builtin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules");
        let entry = Entry { text: "rules".into(), path: builtin, span: None };
        let all = load(&crate::config::files::Disk, &[entry]).unwrap();
        assert_eq!(all.rules.len(), load(&files(), &entries(&["builtin"])).unwrap().rules.len());
    }

    #[test]
    fn the_summary_says_what_is_loaded() {
        let summary = |texts: &[&str]| load(&files(), &entries(texts)).unwrap().summary;
        assert!(summary(&["mine/shop"]).starts_with("mine/shop (2 rules), protocol findings ("));
        assert!(summary(&["none"]).starts_with("no rules, protocol findings ("));
        assert!(summary(&["builtin"]).starts_with("builtin ("));
    }

    #[test]
    fn what_cannot_be_loaded_is_told() {
        let told = |texts: &[&str]| {
            let reports = load(&files(), &entries(texts)).unwrap_err();
            reports.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert!(told(&["gone.yaml"]).contains("there is no file gone.yaml"));
        assert!(told(&["crs.conf"]).contains("there is no file crs.conf"));
        assert!(told(&["none", "builtin"]).contains("`none` stands alone"));
        assert!(told(&["bad", "mine/shop/a.yaml"]).contains("bad/x.yaml"));
        assert!(told(&["mine/shop", "mine/shop/a.yaml"]).contains("the id `shop-a` is taken"));
    }
}
