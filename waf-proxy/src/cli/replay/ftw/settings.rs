//! The suite's engine settings as a rule file that is not on the disk.

use std::io;
use std::path::{Path, PathBuf};

use waf_corpus::ftw::Schema;

use crate::config::files::Files;

/// How messages name the settings.
const NAME: &str = "ftw-settings.conf";

/// Files, and the settings of a suite among them.
pub(super) struct WithSettings<'a> {
    files: &'a dyn Files,
    schema: Option<Schema>,
}

impl<'a> WithSettings<'a> {
    pub(super) fn new(files: &'a dyn Files, schema: Option<Schema>) -> Self {
        Self { files, schema }
    }

    /// A list of rules with the settings before its first SecLang file.
    pub(super) fn before_seclang(&self, rules: &[String]) -> Vec<String> {
        let mut rules = rules.to_vec();
        let first = rules
            .iter()
            .position(|rule| rule.ends_with(".conf") || rule.ends_with(".conf.example"));
        if let Some(first) = first.filter(|_| self.schema.is_some()) {
            rules.insert(first, NAME.to_owned());
        }
        rules
    }

    fn text(&self, path: &Path) -> Option<&'static str> {
        let is_ours = path.file_name().is_some_and(|name| name == NAME);
        self.schema.filter(|_| is_ours).map(Schema::settings)
    }
}

impl Files for WithSettings<'_> {
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

    #[test]
    fn settings_come_before_the_first_seclang_file() {
        let disk: BTreeMap<PathBuf, String> = [(PathBuf::from("a.conf"), "A".to_owned())].into();
        let files = WithSettings::new(&disk, Some(Schema::V4));
        let expected = list(&["builtin", NAME, "a.conf", "b/*.conf"]);
        assert_eq!(files.before_seclang(&list(&["builtin", "a.conf", "b/*.conf"])), expected);
        assert_eq!(files.before_seclang(&list(&["builtin"])), list(&["builtin"]));
        let found = files.find(Path::new(NAME)).unwrap();
        assert!(files.read(&found[0]).unwrap().contains("tx.blocking_paranoia_level=4"));
        assert_eq!(files.read(Path::new("a.conf")).unwrap(), "A");
    }

    #[test]
    fn without_settings_nothing_is_added() {
        let disk = BTreeMap::new();
        let files = WithSettings::new(&disk, None);
        assert_eq!(files.before_seclang(&list(&["a.conf"])), list(&["a.conf"]));
        assert!(files.read(Path::new(NAME)).is_err());
    }
}
