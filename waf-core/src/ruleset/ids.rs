//! Numbers of things in a compiled program. Each indexes its own table only.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! ids {
    ($( $(#[doc = $doc:literal])* $name:ident($inner:ty); )*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
            pub struct $name(pub $inner);

            impl $name {
                /// As an index of its table.
                pub fn index(self) -> usize {
                    self.0 as usize
                }
            }
        )*
    };
}

ids! {
    /// A step: a node of the tree of transformation chains.
    StepId(u16);
    /// A signature: an operator asked of the values of one step.
    SignatureId(u16);
    /// A selector class: fields whose names satisfy the same selectors.
    ClassId(u16);
    /// A rule, by its place in the set.
    RuleIndex(u16);
    /// An exclusion of a policy.
    ExclusionId(u16);
}

/// A number that no one else of the process has, and not 0.
pub(super) fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
