//! The last records, in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use waf_core::record::DecisionRecord;

/// How many are kept. A record has at most some tens of kilobytes, a common one has one.
const KEPT: usize = 1_000;

/// The last records that somebody may ask about.
#[derive(Debug, Default)]
pub struct Recent {
    records: Mutex<VecDeque<Arc<DecisionRecord>>>,
}

impl Recent {
    /// Adds one; the oldest goes.
    pub(super) fn push(&self, record: Arc<DecisionRecord>) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() == KEPT {
            records.pop_front();
        }
        records.push_back(record);
    }

    /// All of them, newest first.
    pub fn newest_first(&self) -> Vec<Arc<DecisionRecord>> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.iter().rev().cloned().collect()
    }

    /// The record of a request, by our id or by the client's.
    pub fn find(&self, request_id: &str) -> Option<Arc<DecisionRecord>> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.iter().rev().find(|record| is_of(record, request_id)).cloned()
    }
}

/// Whether the record is of this request.
pub(crate) fn is_of(record: &DecisionRecord, request_id: &str) -> bool {
    record.request_id == request_id || record.client_request_id.as_deref() == Some(request_id)
}
