//! Pinpoint itself, called as the proxy calls it.

use std::sync::Arc;

use waf_core::Scratch;
use waf_core::parse::request::{HeadPolicy, validate};
use waf_core::parse::response::ResponseHead;
use waf_core::policy::{Policy, PolicySettings};
use waf_core::transaction::Transaction;
use waf_corpus::Request;

use super::{Engine, PAGE, RuleFiles};
use crate::PIECE;

pub(super) struct Pinpoint {
    policy: Arc<Policy>,
    head: HeadPolicy,
    answer: ResponseHead,
    scratch: Scratch,
}

impl Pinpoint {
    pub(super) fn new(rules: &RuleFiles) -> Result<Self, String> {
        let policy = rules.crs.policy(rules.paranoia, PolicySettings::default())?;
        let head = HeadPolicy { limits: policy.settings().limits.clone(), ..HeadPolicy::default() };
        let headers = [("Content-Type", "text/html"), ("Content-Length", &PAGE.len().to_string())]
            .map(|(name, value)| (name.into(), value.into()))
            .to_vec();
        let answer = ResponseHead { status: 200, headers };
        Ok(Self { policy, head, answer, scratch: Scratch::default() })
    }

    /// The phases in order, up to a refusal.
    fn judge(&mut self, transaction: &mut Transaction, request: &Request) -> bool {
        let scratch = &mut self.scratch;
        let findings = validate(&request.head, &self.head);
        if transaction.request_head(&request.head, "127.0.0.1", &findings, scratch).is_some() {
            return true;
        }
        for piece in request.body.chunks(PIECE) {
            if transaction.request_body(piece, scratch).refusal.is_some() {
                return true;
            }
        }
        if transaction.request_end(scratch).refusal.is_some()
            || transaction.response_head(&self.answer, scratch).is_some()
        {
            return true;
        }
        assert!(transaction.reads_response_body(), "the answer is inspected");
        transaction.response_body(PAGE.as_bytes(), scratch).refusal.is_some()
            || transaction.response_end(scratch).is_some()
    }
}

impl Engine for Pinpoint {
    fn rules(&self) -> usize {
        let rules = self.policy.ruleset().rules();
        rules.filter(|rule| rule.chain.is_some()).count()
    }

    fn blocks(&mut self, request: &Request) -> bool {
        let mut transaction = Transaction::new(Arc::clone(&self.policy));
        let blocks = self.judge(&mut transaction, request);
        transaction.finish();
        blocks
    }
}
