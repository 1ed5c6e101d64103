//! Rule files that are not on the disk, among those that are.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::files::Files;

/// Files, and texts among them.
pub(super) struct Overlay<'a> {
    files: &'a dyn Files,
    texts: Vec<(String, String)>,
}

impl<'a> Overlay<'a> {
    pub(super) fn new(files: &'a dyn Files) -> Self {
        Self { files, texts: Vec::new() }
    }

    /// A list of rules with the text, which messages call `name`, before its first SecLang file.
    pub(super) fn before_seclang(
        &mut self,
        rules: &[String],
        name: &str,
        text: &str,
    ) -> Vec<String> {
        let mut rules = rules.to_vec();
        if let Some(first) = rules.iter().position(|rule| is_seclang(rule)) {
            rules.insert(first, name.to_owned());
            self.texts.push((name.to_owned(), text.to_owned()));
        }
        rules
    }

    /// A list of rules that run at a paranoia level of the CRS, said before each of its SecLang
    /// files: an earlier file may say another, a later one may look.
    pub(super) fn at_level(&mut self, rules: &[String], level: u8) -> Vec<String> {
        let mut leveled = Vec::new();
        for rule in rules {
            if is_seclang(rule) {
                let number = self.texts.len();
                let name = format!("paranoia-{level}-{number}.conf");
                self.texts.push((name.clone(), set_level(level, number)));
                leveled.push(name);
            }
            leveled.push(rule.clone());
        }
        leveled
    }

    fn text(&self, path: &Path) -> Option<&str> {
        let named = path.file_name()?.to_str()?;
        self.texts.iter().find(|(name, _)| name == named).map(|(_, text)| text.as_str())
    }
}

fn is_seclang(rule: &str) -> bool {
    rule.ends_with(".conf") || rule.ends_with(".conf.example")
}

/// The variables of CRS 3 and of CRS 4.
fn set_level(level: u8, number: usize) -> String {
    let variables = [
        "paranoia_level",
        "executing_paranoia_level",
        "blocking_paranoia_level",
        "detection_paranoia_level",
    ];
    let set = variables.map(|variable| format!("setvar:tx.{variable}={level}")).join(",");
    // Ids up to 99,999 are for local use.
    format!("SecAction \"id:{},phase:1,pass,nolog,t:none,{set}\"\n", 99_900 + number)
}

impl Files for Overlay<'_> {
    fn read_bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.text(path) {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => self.files.read_bytes(path),
        }
    }

    fn find(&self, pattern: &Path) -> io::Result<Vec<PathBuf>> {
        match self.text(pattern) {
            Some(_) => Ok(vec![pattern.to_owned()]),
            None => self.files.find(pattern),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use std::collections::BTreeMap;

    use super::*;

    fn list(rules: &[&str]) -> Vec<String> {
        rules.iter().map(|rule| (*rule).to_owned()).collect()
    }

    fn disk() -> BTreeMap<PathBuf, String> {
        [(PathBuf::from("a.conf"), "A".to_owned())].into()
    }

    #[test]
    fn settings_come_before_the_first_seclang_file() {
        let disk = disk();
        let mut files = Overlay::new(&disk);
        let mut before =
            |rules: &[&str]| files.before_seclang(&list(rules), "ftw-settings.conf", "text");
        assert_eq!(before(&["builtin"]), list(&["builtin"]));
        let expected = list(&["builtin", "ftw-settings.conf", "a.conf", "b/*.conf"]);
        assert_eq!(before(&["builtin", "a.conf", "b/*.conf"]), expected);
        let found = files.find(Path::new("ftw-settings.conf")).unwrap();
        assert_eq!(files.read(&found[0]).unwrap(), "text");
        assert_eq!(files.read(Path::new("a.conf")).unwrap(), "A");
    }

    #[test]
    fn a_level_comes_before_every_seclang_file_with_an_id_of_its_own() {
        let disk = disk();
        let mut files = Overlay::new(&disk);
        let rules = files.at_level(&list(&["crs-setup.conf", "builtin", "a.conf"]), 3);
        let names = ["paranoia-3-0.conf", "paranoia-3-1.conf"];
        let expected = list(&[names[0], "crs-setup.conf", "builtin", names[1], "a.conf"]);
        assert_eq!(rules, expected);
        let texts = names.map(|name| files.read(Path::new(name)).unwrap());
        assert!(texts[0].contains("id:99900,") && texts[1].contains("id:99901,"));
        assert!(texts.iter().all(|text| text.contains("setvar:tx.blocking_paranoia_level=3,")));
    }
}
