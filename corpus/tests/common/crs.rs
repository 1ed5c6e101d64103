//! A Core Rule Set of this machine under a policy: Debian's, or a checkout that `CRS_DIR` lists.
//! Nothing of it is in the repository.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use waf_core::compile::compile;
use waf_core::policy::{Policy, PolicySettings};
use waf_core::seclang::{self, Files};

/// A rule set: its setup, and the folder of its rules.
#[derive(Clone, Debug)]
pub(crate) struct Crs {
    pub(crate) name: String,
    setup: PathBuf,
    rules: PathBuf,
    /// The name of its counters of scores without the level.
    scores: &'static str,
}

impl Crs {
    /// Those of this machine. What is not installed is said.
    pub(crate) fn all() -> Vec<Self> {
        let debian = Self {
            name: "Debian's".to_owned(),
            setup: "/etc/modsecurity/crs/crs-setup.conf".into(),
            rules: "/usr/share/modsecurity-crs/rules".into(),
            scores: "anomaly_score",
        };
        let listed = std::env::var("CRS_DIR").unwrap_or_default();
        let listed = listed.split(':').filter(|name| !name.is_empty()).map(|folder| Self {
            name: folder.to_owned(),
            setup: Path::new(folder).join("crs-setup.conf.example"),
            rules: Path::new(folder).join("rules"),
            scores: "inbound_anomaly_score",
        });
        let found = [debian].into_iter().chain(listed).filter(|crs| {
            let found = crs.rules.is_dir();
            if !found {
                eprintln!("SKIPPED: there is no {}", crs.rules.display());
            }
            found
        });
        found.collect()
    }

    /// The rules between ours, at a paranoia level, a policy for each of the settings; `more` is
    /// read after everything.
    pub(crate) fn policies(
        &self,
        level: u8,
        more: &str,
        settings: &[PolicySettings],
    ) -> Vec<Arc<Policy>> {
        let before = include_str!("../data/modsecurity/before.conf");
        let before = before.replace("DetectionOnly", "On").replace("LEVEL", &level.to_string());
        let after = include_str!("../data/modsecurity/after.conf").replace("SCORES", self.scores);
        let files = Texts { before, after: after + more };
        let rules = std::fs::read_dir(&self.rules).unwrap().map(|entry| entry.unwrap().path());
        let rules: BTreeSet<_> =
            rules.filter(|path| path.extension().is_some_and(|end| end == "conf")).collect();
        let ours = |name: &str| PathBuf::from(name);
        let mut order = vec![ours(BEFORE), self.setup.clone()];
        order.extend(rules);
        order.push(ours(AFTER));
        let loaded = seclang::load(&files, &order).unwrap_or_else(|r| panic!("{r:?}"));
        let program = loaded.settings;
        let with = |settings: &PolicySettings| PolicySettings {
            program: program.clone(),
            ..settings.clone()
        };
        let settings = settings.iter().map(with).collect();
        compile(loaded.rules, settings).unwrap_or_else(|r| panic!("{r:?}")).policies
    }
}

const BEFORE: &str = "before.conf";
const AFTER: &str = "after.conf";

/// Our two files, and those of the disk.
struct Texts {
    before: String,
    after: String,
}

impl Files for Texts {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        match path.to_str() {
            Some(BEFORE) => Ok(self.before.clone().into_bytes()),
            Some(AFTER) => Ok(self.after.clone().into_bytes()),
            _ => std::fs::read(path).map_err(|error| error.to_string()),
        }
    }

    fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        Ok(vec![pattern.to_owned()])
    }
}
