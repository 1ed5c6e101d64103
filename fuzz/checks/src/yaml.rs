//! Rule files, exclusions and configuration.

use std::sync::Arc;

use waf_core::compile::compile;
use waf_core::policy::PolicySettings;
use waf_core::source::{Report, Source};
use waf_core::yaml::{RuleContext, exclusions, read, rule};

/// `data` as a rule, as exclusions and as a configuration: it is read, or every complaint points
/// into it. A rule that is read compiles, or is complained about.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let source = Source::new("rules/fuzz/input.yaml", text);
    if let Err(report) = read::<serde_json::Value>(&source) {
        assert_points(&source, &[report]);
    }
    if let Err(reports) = exclusions(&source) {
        assert_points(&source, &reports);
    }
    match rule(&source, "fuzz", &RuleContext::default()) {
        Err(reports) => assert_points(&source, &reports),
        Ok(rule) => match compile(vec![rule], vec![PolicySettings::default()]) {
            Err(reports) => assert_points(&source, &reports),
            Ok(compiled) => assert_points(&source, &compiled.warnings),
        },
    }
}

/// There is a complaint only if there is something to say, and what it points at is text.
fn assert_points(source: &Arc<Source>, reports: &[Report]) {
    for report in reports {
        assert!(!report.message.is_empty() && !report.to_string().is_empty());
        let related = report.related.iter().map(|related| &related.0);
        for span in report.span.iter().chain(related) {
            assert!(source.text.get(span.start..span.end).is_some(), "{report:?}");
            assert!(span.line() >= 1);
        }
    }
}
