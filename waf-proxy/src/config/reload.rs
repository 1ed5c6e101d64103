//! What a reload cannot change: sockets, threads and the audit files are opened once.

use super::Config;

/// The keys that differ between the two and that only a restart can change.
pub fn fixed_keys_changed(old: &Config, new: &Config) -> Vec<&'static str> {
    let mut changed = Vec::new();
    if old.listeners != new.listeners {
        changed.push("listeners");
    }
    if old.admin != new.admin {
        changed.push("admin");
    }
    if old.threads != new.threads {
        changed.push("threads");
    }
    if old.audit.file != new.audit.file {
        changed.push("audit.file");
    }
    if old.audit.outputs != new.audit.outputs {
        changed.push("audit.outputs");
    }
    changed
}
