//! [`Pending`]: input held back until it is certain what becomes of it.

/// At most `N` bytes of an escape that is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending<const N: usize> {
    /// Zero from `len` on, so that equal contents are equal values.
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> Default for Pending<N> {
    fn default() -> Self {
        Self { bytes: [0; N], len: 0 }
    }
}

impl<const N: usize> Pending<N> {
    /// Holds `byte` too. A full one stays as it is; the machines stop before.
    pub(super) fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(usize::from(self.len)) {
            *slot = byte;
            self.len += 1;
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What was held; nothing is held any more.
    pub(super) fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}
