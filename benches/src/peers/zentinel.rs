//! `zentinel-modsec`.

use waf_corpus::Request;
use zentinel_modsec::{ModSecurity, Result, Transaction};

use super::{Engine, PAGE, RuleFiles};

pub(super) struct Zentinel(ModSecurity);

impl Zentinel {
    pub(super) fn new(rules: &RuleFiles) -> std::result::Result<Self, String> {
        let path = rules.all.display().to_string();
        Ok(Self(ModSecurity::from_file(&path).map_err(|error| error.to_string())?))
    }

    fn judge(transaction: &mut Transaction, request: &Request) -> Result<bool> {
        let head = &request.head;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        transaction.set_client_addr("127.0.0.1", 40_000);
        transaction.process_uri(&text(&head.target), &text(&head.method), &text(&head.version))?;
        for (name, value) in &head.headers {
            transaction.add_request_header(&text(name), &text(value))?;
        }
        transaction.process_request_headers()?;
        if transaction.has_intervention() {
            return Ok(true);
        }
        transaction.append_request_body(&request.body)?;
        transaction.process_request_body()?;
        if transaction.has_intervention() {
            return Ok(true);
        }
        transaction.add_response_header("Content-Type", "text/html")?;
        transaction.add_response_header("Content-Length", &PAGE.len().to_string())?;
        transaction.process_response_headers()?;
        if transaction.has_intervention() {
            return Ok(true);
        }
        transaction.append_response_body(PAGE.as_bytes())?;
        transaction.process_response_body()?;
        Ok(transaction.has_intervention())
    }
}

impl Engine for Zentinel {
    fn rules(&self) -> usize {
        self.0.rule_count()
    }

    fn blocks(&mut self, request: &Request) -> bool {
        let mut transaction = self.0.new_transaction();
        let blocks = Self::judge(&mut transaction, request).expect("it runs");
        transaction.process_logging().expect("it runs");
        blocks
    }
}
