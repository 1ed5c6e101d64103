//! What is recorded, and what records do not tell.

use std::path::PathBuf;

use waf_core::record::{Masking, MaskingSettings, SecretPattern};

pub use super::written::{AuditLevel, OnFull};
use super::{Builder, written};

/// The audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Which requests have a record written.
    pub level: AuditLevel,
    /// Where records are appended; `None` for no file.
    pub file: Option<PathBuf>,
    /// Whether records go to standard output, too.
    pub stdout: bool,
    /// Request headers that records show, in lower case.
    pub headers: Vec<String>,
    /// Records that wait to be written; at least 1.
    pub queue: usize,
    /// What happens when as many wait.
    pub on_full: OnFull,
    /// Bytes of one record; longer ones lose matches from the end.
    pub record: usize,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            level: AuditLevel::Relevant,
            file: Some("pinpoint-audit.jsonl".into()),
            stdout: false,
            headers: vec!["user-agent".into(), "content-type".into()],
            queue: 8_192,
            on_full: OnFull::Drop,
            record: 32 * 1024,
        }
    }
}

impl Builder<'_> {
    pub(super) fn audit(&mut self, written: Option<&written::Audit>) -> Audit {
        let written = written.cloned().unwrap_or_default();
        let default = Audit::default();
        let queue = written.queue.unwrap_or(default.queue);
        let record = written.record.map_or(default.record as u64, |size| size.0);
        let record = self.check.between("audit.record", record, (4 << 10, 1 << 20));
        let lower = |names: Vec<String>| names.iter().map(|n| n.to_ascii_lowercase()).collect();
        Audit {
            level: written.log.unwrap_or(default.level),
            file: self.audit_file(written.file, default.file),
            stdout: written.stdout.unwrap_or(default.stdout),
            headers: written.headers.map_or(default.headers, lower),
            queue: self.check.between("audit.queue", queue, (1, 1 << 20)),
            on_full: written.on_full.unwrap_or(default.on_full),
            record: usize::try_from(record).unwrap_or(usize::MAX),
        }
    }

    fn audit_file(&self, written: Option<PathBuf>, default: Option<PathBuf>) -> Option<PathBuf> {
        let from_command_line = self.command_line.audit_log.clone();
        let in_folder = |file: PathBuf| self.folder.join(file);
        from_command_line.or_else(|| written.or(default).map(in_folder))
    }

    pub(super) fn masking(&mut self, written: Option<&written::Masking>) -> Masking {
        let written = written.cloned().unwrap_or_default();
        let default = MaskingSettings::default();
        let excerpt = written.excerpt.map_or(default.excerpt as u64, |size| size.0);
        let most = waf_core::limits::EXCERPT as u64;
        let excerpt = self.check.between("masking.excerpt", excerpt, (0, most));
        let patterns = match written.patterns {
            Some(names) => self.patterns(&names),
            None => default.patterns,
        };
        let settings = MaskingSettings {
            query_values: written.query_values.unwrap_or(default.query_values),
            fields: written.fields.unwrap_or(default.fields),
            headers: written.headers.unwrap_or(default.headers),
            patterns,
            excerpt: usize::try_from(excerpt).unwrap_or(usize::MAX),
        };
        Masking::new(&settings).unwrap_or_else(|mut report| {
            report.span = self.check.span("masking.fields");
            self.check.push(report);
            Masking::default()
        })
    }

    fn patterns(&mut self, names: &[String]) -> Vec<SecretPattern> {
        let mut patterns = Vec::new();
        for (index, name) in names.iter().enumerate() {
            match SecretPattern::from_name(name) {
                Some(pattern) => patterns.push(pattern),
                None => self.check.error_help(
                    &format!("masking.patterns[{index}]"),
                    format!("`{name}` is no pattern"),
                    "one of: card, jwt, bearer",
                ),
            }
        }
        patterns
    }
}
