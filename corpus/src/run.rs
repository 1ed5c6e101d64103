//! Requests through the engine, in process.

use std::sync::Arc;

use waf_core::Scratch;
use waf_core::parse::framing::Framing;
use waf_core::parse::request::{HeadPolicy, validate};
use waf_core::policy::Policy;
use waf_core::record::{DecisionRecord, Masking, Source, TraceRecord};
use waf_core::transaction::{About, Transaction};

use crate::cut::Cut;
use crate::request::Request;
use crate::response::Response;

/// What answers a request that is let through.
pub type Origin = fn(&Request) -> Response;

/// Requests after which tables are begun anew where they are full, as the proxy does once a second.
const RENEWED_AFTER: u64 = 64;

/// Runs requests under one policy.
pub struct Runner {
    policy: Arc<Policy>,
    head: HeadPolicy,
    masking: Masking,
    scratch: Scratch,
    without_last: usize,
    judged: u64,
}

impl Runner {
    /// A runner that hides nothing in its records.
    pub fn new(policy: Arc<Policy>, masking: Masking) -> Self {
        let head = HeadPolicy { limits: policy.settings().limits.clone(), ..HeadPolicy::default() };
        Self { policy, head, masking, scratch: Scratch::default(), without_last: 0, judged: 0 }
    }

    /// From now on without the last `count` exclusions of the policy.
    pub fn without_last(&mut self, count: usize) -> &mut Self {
        self.without_last = count;
        self
    }

    /// The record of a request whose body comes in pieces.
    pub fn run(&mut self, request: &Request, cut: Cut) -> DecisionRecord {
        self.judge(&mut self.transaction(), request, cut, None)
    }

    fn transaction(&self) -> Transaction {
        Transaction::new(Arc::clone(&self.policy)).without_last(self.without_last)
    }

    /// The record of a request and of what `origin` answers to it.
    pub fn exchange(&mut self, request: &Request, cut: Cut, origin: Origin) -> DecisionRecord {
        let transaction = &mut self.transaction();
        self.judge(transaction, request, cut, Some(origin))
    }

    /// The record of a request, and what happened to every field of it.
    pub fn trace(&mut self, request: &Request, cut: Cut) -> (DecisionRecord, TraceRecord) {
        let mut transaction = self.transaction().traced();
        let record = self.judge(&mut transaction, request, cut, None);
        (record, transaction.trace(&self.masking).unwrap_or_default())
    }

    fn judge(
        &mut self,
        transaction: &mut Transaction,
        request: &Request,
        cut: Cut,
        origin: Option<Origin>,
    ) -> DecisionRecord {
        self.judged += 1;
        if self.judged.is_multiple_of(RENEWED_AFTER) {
            self.policy.ruleset().renew_full_tables();
        }
        let scratch = &mut self.scratch;
        let mut findings = request.findings.clone();
        for found in validate(&request.head, &self.head) {
            if !findings.iter().any(|(known, _)| *known == found.0) {
                findings.push(found);
            }
        }
        let mut refusal =
            transaction.request_head(request.head.clone(), "127.0.0.1", &findings, scratch);
        if refusal.is_none() {
            for piece in cut.pieces(&request.body) {
                refusal = transaction.request_body(piece, scratch).refusal;
                if refusal.is_some() {
                    break;
                }
            }
        }
        if refusal.is_none() {
            refusal = transaction.request_end(scratch).refusal;
        }
        let response = origin.filter(|_| refusal.is_none()).map(|origin| origin(request));
        if let Some(response) = &response {
            refusal = transaction.response_head(&response.head, scratch);
            if refusal.is_none() && transaction.reads_response_body() {
                for piece in cut.pieces(&response.body) {
                    transaction.response_body(piece, scratch);
                }
            }
            if refusal.is_none() {
                refusal = transaction.response_end(scratch);
            }
        }
        let body_total = match Framing::of(&request.head) {
            Ok(Framing::Length(_)) => Some(request.body.len() as u64),
            _ => None,
        };
        transaction.finish();
        transaction.record(&About {
            time: "1970-01-01T00:00:00.000Z".to_owned(),
            request_id: &request.id,
            client_request_id: None,
            route: "default",
            client_ip: "127.0.0.1",
            status: Some(match (refusal, response) {
                (Some(refusal), _) => refusal.status,
                (None, Some(response)) => response.head.status,
                (None, None) => 200,
            }),
            intended_status: None,
            source: refusal.is_none().then_some(Source::Origin),
            decision: None,
            audit_headers: &[],
            masking: &self.masking,
            total_us: 0,
            body_total,
        })
    }
}
