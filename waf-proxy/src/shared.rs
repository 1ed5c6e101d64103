//! What all requests share: the settings in force, the observer, the counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arc_swap::ArcSwap;

use crate::held::HeldBytes;
use crate::observer::Observer;
use crate::settings::Settings;

/// One per process; everything else holds a reference.
pub struct Shared {
    /// Loaded once per request; a reload stores a new value.
    pub settings: ArcSwap<Settings>,
    /// Told about every request.
    pub observer: Arc<dyn Observer>,
    /// Bytes of bodies held at this moment.
    pub held: Arc<HeldBytes>,
    in_flight: Arc<AtomicUsize>,
    draining: AtomicBool,
}

impl Shared {
    /// At start.
    pub fn new(settings: Settings, observer: Arc<dyn Observer>) -> Arc<Self> {
        Arc::new(Self {
            settings: ArcSwap::from_pointee(settings),
            observer,
            held: Arc::default(),
            in_flight: Arc::default(),
            draining: AtomicBool::new(false),
        })
    }

    /// Requests that are being served.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Counts a request until the result is dropped.
    pub fn enter(&self) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        InFlight(Arc::clone(&self.in_flight))
    }

    /// From now on connections are closed after their request.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether [`Self::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

/// A request that is being served.
#[derive(Debug)]
pub struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    /// All of them, this one included.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
