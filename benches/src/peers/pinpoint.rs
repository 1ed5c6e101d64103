//! Pinpoint itself.

use waf_core::parse::response::ResponseHead;
use waf_core::policy::PolicySettings;
use waf_core::transaction::Transaction;
use waf_corpus::Request;

use super::{PAGE, RuleFiles};
use crate::PIECE;
use crate::engine::Engine;

pub(super) struct Pinpoint {
    engine: Engine,
    answer: ResponseHead,
}

impl Pinpoint {
    pub(super) fn new(rules: &RuleFiles) -> Result<Self, String> {
        let engine = Engine::new(rules.crs.policy(rules.paranoia, PolicySettings::default())?);
        let headers = [("Content-Type", "text/html"), ("Content-Length", &PAGE.len().to_string())]
            .map(|(name, value)| (name.into(), value.into()))
            .to_vec();
        Ok(Self { engine, answer: ResponseHead { status: 200, headers } })
    }

    /// The phases in order, up to a refusal.
    fn judge(&mut self, request: &Request) -> (Transaction, bool) {
        let (mut transaction, mut refused) = self.engine.begin(&request.head);
        for piece in request.body.chunks(PIECE) {
            refused = refused || self.engine.feed(&mut transaction, piece);
        }
        refused = refused || self.engine.end(&mut transaction);
        refused = refused || self.engine.answer(&mut transaction, &self.answer, PAGE.as_bytes());
        (transaction, refused)
    }
}

impl super::Engine for Pinpoint {
    fn rules(&self) -> usize {
        let rules = self.engine.policy().ruleset().rules();
        rules.filter(|rule| rule.chain.is_some()).count()
    }

    fn blocks(&mut self, request: &Request) -> bool {
        let (mut transaction, refused) = self.judge(request);
        transaction.finish();
        refused
    }
}
