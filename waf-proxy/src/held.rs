//! The memory that held bodies may use together: a budget that is asked, not a hope.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of bodies held at this moment, over all requests.
#[derive(Debug, Default)]
pub struct HeldBytes(AtomicUsize);

/// One request's share. Gives it back when dropped.
#[derive(Debug)]
pub struct Share {
    all: Arc<HeldBytes>,
    mine: usize,
}

impl HeldBytes {
    /// Bytes held now.
    pub fn now(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A share of nothing, to begin with.
    pub fn share(self: &Arc<Self>) -> Share {
        Share { all: Arc::clone(self), mine: 0 }
    }
}

impl Share {
    /// Makes the share `bytes` long, if all shares stay within `total`. Shrinking always works.
    #[must_use]
    pub fn resize(&mut self, bytes: usize, total: usize) -> bool {
        if bytes <= self.mine {
            self.all.0.fetch_sub(self.mine - bytes, Ordering::Relaxed);
            self.mine = bytes;
            return true;
        }
        let more = bytes - self.mine;
        let grown = self.all.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            now.checked_add(more).filter(|sum| *sum <= total)
        });
        if grown.is_ok() {
            self.mine = bytes;
        }
        grown.is_ok()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.mine, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_pass_the_total_and_come_back() {
        let all = Arc::new(HeldBytes::default());
        let (mut a, mut b) = (all.share(), all.share());
        assert!(a.resize(60, 100));
        assert!(!b.resize(41, 100));
        assert!(b.resize(40, 100));
        assert!(a.resize(10, 100) && b.resize(90, 100));
        assert_eq!(all.now(), 100);
        drop(b);
        assert_eq!(all.now(), 10);
    }
}
