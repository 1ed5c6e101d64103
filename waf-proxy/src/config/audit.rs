//! What is recorded, and what records do not tell.

use std::path::{Path, PathBuf};

use waf_core::record::{Masking, MaskingSettings, SecretPattern};
use waf_core::source::Span;

pub use super::written::{AuditLevel, Format, OnFull};
use super::{Builder, written};
use crate::share::Share;

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
    /// Where else records go.
    pub outputs: Vec<Output>,
    /// Rules whose matches alone are written on a share of requests only.
    pub sample: Vec<Sample>,
}

/// Where else records go, in which format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How they are written.
    pub format: Format,
    /// Where to.
    pub to: Destination,
}

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Appended to this file.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// A rule whose records are sampled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its id.
    pub rule: String,
    /// The requests that are recorded for it.
    pub share: Share,
    /// Where it is written.
    pub span: Option<Span>,
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
            outputs: Vec::new(),
            sample: Vec::new(),
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
            outputs: self.outputs(written.outputs.as_deref().unwrap_or_default()),
            sample: self.samples(written.sample.as_ref()),
        }
    }

    fn outputs(&mut self, written: &[written::Output]) -> Vec<Output> {
        let mut outputs = Vec::new();
        for (index, output) in written.iter().enumerate() {
            let path = format!("audit.outputs[{index}]");
            let Some(format) = output.format else {
                self.check.error(&path, "an output needs a `format`");
                continue;
            };
            match (&output.file, output.stdout.unwrap_or(false)) {
                (Some(file), false) => {
                    let to = Destination::File(self.folder.join(file));
                    outputs.push(Output { format, to });
                }
                (None, true) => outputs.push(Output { format, to: Destination::Stdout }),
                _ => self.check.error(&path, "an output goes to a `file` or to `stdout: true`"),
            }
        }
        outputs
    }

    fn samples(&mut self, written: Option<&written::Ordered<Share>>) -> Vec<Sample> {
        let all = written.iter().flat_map(|written| &written.0);
        let sample = |(rule, share): &(String, Share)| Sample {
            rule: rule.clone(),
            share: *share,
            span: self.check.key(&format!("audit.sample.{rule}")),
        };
        all.map(sample).collect()
    }

    fn audit_file(&self, written: Option<PathBuf>, default: Option<PathBuf>) -> Option<PathBuf> {
        let from_command_line = self.command_line.audit_log.clone();
        let in_folder = |file: PathBuf| self.folder.join(file);
        if from_command_line.is_none() && written.as_deref() == Some(Path::new("none")) {
            return None;
        }
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
            classes: written.classes.unwrap_or(default.classes),
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
