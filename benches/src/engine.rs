//! Pinpoint, called as the proxy calls it.

use std::sync::Arc;

use waf_core::Scratch;
use waf_core::parse::head::RequestHead;
use waf_core::parse::request::{HeadPolicy, validate};
use waf_core::parse::response::ResponseHead;
use waf_core::policy::{Policy, PolicySettings};
use waf_core::record::{DecisionRecord, Masking, Mode};
use waf_core::transaction::{About, Transaction};
use waf_corpus::Request;

use crate::PIECE;
use crate::cost::cpu;

/// CPU nanoseconds between two looks at the tables.
const SECOND: u64 = 1_000_000_000;

/// One worker of Pinpoint.
pub struct Engine {
    policy: Arc<Policy>,
    head: HeadPolicy,
    scratch: Scratch,
}

/// Settings under which nothing is cut short by a verdict.
pub fn detecting() -> PolicySettings {
    PolicySettings { mode: Mode::Detect, ..PolicySettings::default() }
}

impl Engine {
    /// A worker that has seen nothing yet, with rules that are warm, as they are in the proxy.
    pub fn warm(policy: Arc<Policy>) -> Self {
        policy.ruleset().warm();
        Self::new(policy)
    }

    /// A worker that has seen nothing yet.
    pub fn new(policy: Arc<Policy>) -> Self {
        let head = HeadPolicy { limits: policy.settings().limits.clone(), ..HeadPolicy::default() };
        Self { policy, head, scratch: Scratch::default() }
    }

    /// Its policy.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Begins a request; whether it is refused.
    pub fn begin(&mut self, head: &RequestHead) -> (Transaction, bool) {
        let mut transaction = Transaction::new(Arc::clone(&self.policy));
        let findings = validate(head, &self.head);
        let refusal =
            transaction.request_head(head.clone(), "127.0.0.1", &findings, &mut self.scratch);
        (transaction, refusal.is_some())
    }

    /// Gives the next bytes of its body; whether it is refused.
    pub fn feed(&mut self, transaction: &mut Transaction, piece: &[u8]) -> bool {
        transaction.request_body(piece, &mut self.scratch).refusal.is_some()
    }

    /// Its body is complete; whether it is refused.
    pub fn end(&mut self, transaction: &mut Transaction) -> bool {
        transaction.request_end(&mut self.scratch).refusal.is_some()
    }

    /// Gives a whole response; whether it is refused.
    pub fn answer(
        &mut self,
        transaction: &mut Transaction,
        head: &ResponseHead,
        body: &[u8],
    ) -> bool {
        if transaction.response_head(head, &mut self.scratch).is_some() {
            return true;
        }
        assert!(transaction.reads_response_body(), "the answer is inspected");
        transaction.response_body(body, &mut self.scratch).refusal.is_some()
            || transaction.response_end(&mut self.scratch).is_some()
    }

    /// A request without its answer, in pieces as from a socket.
    pub fn request(&mut self, request: &Request) -> Transaction {
        let (mut transaction, mut refused) = self.begin(&request.head);
        for piece in request.body.chunks(PIECE) {
            refused = refused || self.feed(&mut transaction, piece);
        }
        if !refused {
            self.end(&mut transaction);
        }
        transaction.finish();
        transaction
    }
}

/// Looks for full tables once in a second of CPU time, as the proxy does in a second.
pub struct Upkeep {
    next: u64,
}

impl Upkeep {
    /// The first look is a second away.
    pub fn begin() -> Self {
        Self { next: cpu() + SECOND }
    }

    /// Begins the full tables of an engine anew, if it is time; whether there were any.
    pub fn look(&mut self, engine: &Engine) -> bool {
        if cpu() <= self.next {
            return false;
        }
        let renewed = engine.policy().ruleset().renew_full_tables();
        self.next = cpu() + SECOND;
        renewed
    }
}

/// What is known of a request at its end; nothing is masked.
pub fn record(transaction: &Transaction) -> DecisionRecord {
    transaction.record(&About {
        time: String::new(),
        request_id: "",
        client_request_id: None,
        route: "default",
        client_ip: "127.0.0.1",
        status: None,
        intended_status: None,
        source: None,
        decision: None,
        audit_headers: &[],
        masking: &Masking::default(),
        total_us: 0,
        body_total: None,
    })
}
