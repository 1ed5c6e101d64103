//! What hooks above Pingora and the wire below it tell each other about one request.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use waf_core::finding::Finding;

/// One per request.
#[derive(Debug, Default)]
pub struct Control {
    tunnel: AtomicBool,
    broken: OnceLock<Finding>,
}

impl Control {
    /// The request has become another protocol: everything passes from now on.
    pub fn open_tunnel(&self) {
        self.tunnel.store(true, Ordering::Release);
    }

    /// Why the body could not be followed, if it could not.
    pub fn broken(&self) -> Option<Finding> {
        self.broken.get().copied()
    }

    pub(super) fn is_tunnel(&self) -> bool {
        self.tunnel.load(Ordering::Acquire)
    }

    pub(super) fn break_off(&self, finding: Finding) {
        let _ = self.broken.set(finding);
    }
}
