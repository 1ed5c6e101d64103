//! `barbacane-waf` (its library is called parapet).

use parapet::{DirDataLoader, EngineMode, RuleSet, Transaction, Verdict, parse};
use waf_corpus::Request;

use super::{Engine, PAGE, RuleFiles};
use crate::crs::Crs;

pub(super) struct Barbacane(RuleSet);

impl Barbacane {
    /// It knows rules, and no directives that set engines; it chooses a body's parser itself.
    pub(super) fn new(rules: &RuleFiles) -> Result<Self, String> {
        let mut texts = vec![(rules.crs.setup.display().to_string(), read(&rules.crs.setup)?)];
        texts.push(("level.conf".to_owned(), Crs::level(rules.paranoia)));
        for path in &rules.crs.rules {
            texts.push((path.display().to_string(), read(path)?));
        }
        let mut directives = Vec::new();
        for (name, text) in texts {
            directives.extend(parse(&text, &name).map_err(|error| error.to_string())?);
        }
        let folder = rules.crs.rules[0].parent().unwrap_or(std::path::Path::new("."));
        let loader = DirDataLoader::new(folder);
        Ok(Self(RuleSet::compile(&directives, &loader).map_err(|error| error.to_string())?))
    }

    fn judge(transaction: &mut Transaction<'_>, request: &Request) -> bool {
        let head = &request.head;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        transaction.set_remote_addr("127.0.0.1");
        transaction.process_uri(&text(&head.method), &text(&head.target), &text(&head.version));
        for (name, value) in &head.headers {
            transaction.add_request_header(&text(name), &text(value));
        }
        if denies(&transaction.process_request_headers()) {
            return true;
        }
        if !request.body.is_empty() {
            transaction.set_request_body(&request.body, None);
        }
        if denies(&transaction.process_request_body()) {
            return true;
        }
        transaction.set_response_status(200);
        transaction.add_response_header("Content-Type", "text/html");
        transaction.add_response_header("Content-Length", &PAGE.len().to_string());
        if denies(&transaction.process_response_headers()) {
            return true;
        }
        transaction.set_response_body(PAGE.as_bytes());
        denies(&transaction.process_response_body())
    }
}

fn read(path: &std::path::Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn denies(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Deny { .. })
}

impl Engine for Barbacane {
    fn rules(&self) -> usize {
        self.0.rule_count()
    }

    fn blocks(&mut self, request: &Request) -> bool {
        let mut transaction = Transaction::new(&self.0, EngineMode::Blocking);
        let blocks = Self::judge(&mut transaction, request);
        transaction.process_logging();
        blocks
    }
}
