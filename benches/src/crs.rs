//! A Core Rule Set that is installed or checked out, as operators load it. Nothing of it is in the
//! repository.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use waf_core::compile::compile;
use waf_core::policy::{Policy, PolicySettings, ResponseBody, ResponsePolicy};
use waf_core::seclang;
use waf_core::source::Report;

use crate::rules;

/// What ModSecurity's recommended configuration says that changes verdicts, without logs. Every
/// engine that knows the directives gets these.
pub const ENGINE: &str = r#"SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 131072
SecRequestBodyLimitAction Reject
SecArgumentsLimit 1000
SecPcreMatchLimit 100000
SecPcreMatchLimitRecursion 100000
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html text/xml
SecResponseBodyLimit 1048576
SecResponseBodyLimitAction ProcessPartial
SecAuditEngine Off
SecArgumentSeparator &
SecCookieFormat 0
"#;

/// The rules that the same file has: a parser for bodies, and what is refused when it fails.
pub const BODIES: &str = r#"SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\+|/)|text/)xml" "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,t:none,log,deny,status:400,msg:'Failed to parse request body.',severity:2"
"#;

/// A checkout of the rule set (`crs-setup.conf.example` and `rules/`), or Debian's package.
#[derive(Clone, Debug)]
pub struct Crs {
    /// Its settings.
    pub setup: PathBuf,
    /// Its rules, in order.
    pub rules: Vec<PathBuf>,
}

impl Crs {
    /// The rule set in a folder.
    ///
    /// # Errors
    /// When it has not what it should.
    pub fn new(folder: &Path) -> Result<Self, String> {
        let setups = ["crs-setup.conf", "crs-setup.conf.example"].map(|name| folder.join(name));
        // Debian's settings lie apart from the rules.
        let debian = PathBuf::from("/etc/modsecurity/crs/crs-setup.conf");
        let is_debian = folder.starts_with("/usr/share/modsecurity-crs");
        let mut setups = setups.into_iter().chain(is_debian.then_some(debian));
        let none = || format!("no crs-setup.conf in {}", folder.display());
        let setup = setups.find(|path| path.is_file()).ok_or_else(none)?;
        let found = rules::entries(&folder.join("rules"));
        let is_conf = |path: &PathBuf| path.extension().is_some_and(|end| end == "conf");
        let rules: Vec<PathBuf> = found.into_iter().filter(is_conf).collect();
        if rules.is_empty() {
            return Err(format!("no rules/*.conf in {}", folder.display()));
        }
        Ok(Self { setup, rules })
    }

    /// What sets the paranoia level, to stand between the settings and the rules. Version 3 and
    /// version 4 call it differently.
    pub fn level(paranoia: u8) -> String {
        let names = [
            "paranoia_level",
            "executing_paranoia_level",
            "blocking_paranoia_level",
            "detection_paranoia_level",
        ];
        let set: String = names.map(|name| format!(",setvar:tx.{name}={paranoia}")).concat();
        format!("SecAction \"id:9000000,phase:1,pass,t:none,nolog{set}\"\n")
    }

    /// The rule set at a paranoia level, ready to run. Bodies of responses are looked at.
    ///
    /// # Errors
    /// When it does not load.
    pub fn policy(&self, paranoia: u8, settings: PolicySettings) -> Result<Arc<Policy>, String> {
        let texts =
            [("engine.conf", ENGINE.to_owned() + BODIES), ("level.conf", Self::level(paranoia))];
        let mut paths: Vec<PathBuf> = vec!["engine.conf".into(), self.setup.clone()];
        paths.push("level.conf".into());
        paths.extend(self.rules.iter().cloned());
        policy(&Disk(&texts), &paths, settings)
    }
}

/// SecLang files under a policy, with our own names for findings.
///
/// # Errors
/// When they do not load.
pub fn policy(
    files: &dyn seclang::Files,
    paths: &[PathBuf],
    settings: PolicySettings,
) -> Result<Arc<Policy>, String> {
    let loaded = seclang::load(files, paths).map_err(|reports| told(&reports))?;
    let mut all = rules::yaml(|class| class == "protocol");
    all.extend(loaded.rules);
    let response = ResponsePolicy { body: ResponseBody::Block, ..settings.response.clone() };
    let settings = PolicySettings { program: loaded.settings, response, ..settings };
    let compiled = compile(all, vec![settings]).map_err(|reports| told(&reports))?;
    Ok(Arc::clone(&compiled.policies[0]))
}

/// The first of many complaints.
fn told(reports: &[Report]) -> String {
    reports.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Files of the disk, and some texts under names of their own.
struct Disk<'a>(&'a [(&'a str, String)]);

impl seclang::Files for Disk<'_> {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        match self.0.iter().find(|(name, _)| path == Path::new(name)) {
            Some((_, text)) => Ok(text.clone().into_bytes()),
            None => std::fs::read(path).map_err(|error| error.to_string()),
        }
    }

    fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        Ok(vec![pattern.to_owned()])
    }
}
