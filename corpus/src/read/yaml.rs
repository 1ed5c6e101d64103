//! YAML files: which of several tools wrote them.

use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use waf_core::limits::Limits;
use waf_core::source::{Report, Source};

use super::{Wrong, gotestwaf, nuclei, of_folder};
use crate::ftw::Suite;
use crate::request::{Label, Request};

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Option<Vec<Request>>, Wrong> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(None) };
    let has = |key: &str| {
        text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))
    };
    if has("payload") && has("placeholder") {
        gotestwaf::read(path, text).map(Some)
    } else if has("id") && (has("http") || has("requests")) {
        nuclei::read(path, text).map(Some)
    } else if has("tests") {
        suite(path).map(Some)
    } else {
        Ok(None)
    }
}

/// A text as a `T`.
pub(super) fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Wrong> {
    let source: Arc<Source> = Source::new(path.display().to_string(), text);
    waf_core::yaml::read(&source).map_err(|report| wrong(&report))
}

fn wrong(report: &Report) -> Wrong {
    (report.span.as_ref().map(waf_core::source::Span::line), report.message.clone())
}

/// The requests of a test file of the OWASP CRS. One that a rule should log is an attack; of the
/// others it is not known. (`replay --ftw` looks at what exactly is expected.)
fn suite(path: &Path) -> Result<Vec<Request>, Wrong> {
    let told = |reports: Vec<Report>| {
        reports.first().map_or((None, "it cannot be read".to_owned()), wrong)
    };
    let suite = Suite::read(&[path.to_owned()]).map_err(told)?;
    let mut requests = Vec::new();
    for test in &suite.tests {
        for stage in &test.stages {
            let request = Request::from_raw(&stage.request, &Limits::default());
            let mut request = of_folder(path, request);
            if !stage.expected.ids.is_empty() || stage.expected.line.is_some() {
                request.label = Some(Label::Attack);
            }
            request.id.clone_from(&test.id);
            request.source = "crs".to_owned();
            request.wire = Some(stage.request.clone());
            requests.push(request);
        }
    }
    Ok(requests)
}
