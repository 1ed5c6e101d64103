//! A candidate beside the engine: it sees what the engine sees, and nothing waits for it or listens
//! to it. Its memory is in the bound that `pinpoint check` prints; a bug that it meets ends it and
//! leaves the request alone.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use waf_core::record::{CandidateRecord, Decision, DecisionRecord};

use crate::engine::api::{About, Policy, Scratch, Transaction};

thread_local! {
    /// Apart from the engine's: a rule set finds in it what it left there.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The candidate's view of one request.
pub struct Candidate {
    transaction: Transaction,
    failed: bool,
}

impl Candidate {
    /// Before the first byte of a request.
    pub fn new(policy: Arc<Policy>) -> Self {
        Self { transaction: Transaction::new(policy), failed: false }
    }

    /// Shows it something. After a panic it is shown nothing more.
    pub fn run(&mut self, show: impl FnOnce(&mut Transaction, &mut Scratch)) {
        if self.failed {
            return;
        }
        let transaction = &mut self.transaction;
        self.failed = SCRATCH.with_borrow_mut(|scratch| {
            let failed = catch_unwind(AssertUnwindSafe(|| show(transaction, scratch))).is_err();
            if failed {
                *scratch = Scratch::default();
            }
            failed
        });
        if self.failed {
            tracing::error!("the candidate's engine panicked; the request goes on without it");
        }
    }

    /// How it differs from what the engine `decided`, and tells in its record.
    pub fn record(
        &self,
        decided: Decision,
        active: &DecisionRecord,
        about: &About<'_>,
    ) -> CandidateRecord {
        if self.failed {
            return CandidateRecord::failed();
        }
        // Both engines' own words: what the proxy decided besides holds for either.
        let about = About { source: None, decision: None, ..about.clone() };
        let own = catch_unwind(AssertUnwindSafe(|| self.transaction.record(&about)));
        match own {
            Ok(own) => CandidateRecord::between(decided, active, own, self.transaction.has_ended()),
            Err(_) => CandidateRecord::failed(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "the panic is what is tested")]

    use super::*;
    use crate::engine::Inspection;
    use crate::settings::OnError;
    use crate::test_record::passed;
    use waf_core::compile::compile;
    use waf_core::policy::PolicySettings;
    use waf_core::record::{CandidateResult, Masking};

    fn policy() -> Arc<Policy> {
        let compiled = compile(Vec::new(), vec![PolicySettings::default()]);
        compiled.unwrap_or_else(|reports| panic!("{reports:?}")).policies.remove(0)
    }

    #[test]
    fn a_panic_ends_the_candidate_and_nothing_else() {
        let mut candidate = Candidate::new(policy());
        candidate.run(|_, _| panic!("a bug"));
        candidate.run(|_, _| panic!("it is shown nothing more"));
        let masking = Masking::default();
        let told = candidate.record(Decision::Pass, &passed("a"), &about(&masking));
        assert_eq!((told.result, told.decision), (CandidateResult::Error, None));

        let mut inspection = Inspection::new(policy(), OnError::Block).beside(policy());
        inspection.try_candidate(|_, _| panic!("a bug"));
        assert_eq!(inspection.end().refusal, None);
        let record = inspection.record(&about(&masking));
        let record = record.unwrap_or_else(|| panic!("no record"));
        assert_eq!(record.decision, Decision::Pass);
        assert_eq!(record.candidate.map(|told| told.result), Some(CandidateResult::Error));
    }

    fn about(masking: &Masking) -> About<'_> {
        About {
            time: String::new(),
            request_id: "a",
            client_request_id: None,
            route: "",
            client_ip: "203.0.113.7",
            status: None,
            intended_status: None,
            source: None,
            decision: None,
            audit_headers: &[],
            masking,
            total_us: 0,
            body_total: None,
        }
    }
}
