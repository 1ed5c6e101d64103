//! Results as `JUnit` XML, which build servers read.

use std::fmt::Write;

use waf_core::record::printable;
use waf_corpus::ftw::{Results, Suite};

/// A suite for each file, a case for each test.
pub(super) fn xml(suite: &Suite, results: &Results) -> String {
    let total = results.total();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let sum = total.passed + total.failed;
    // Writing to a String cannot fail.
    let _ = writeln!(xml, "<testsuites tests=\"{sum}\" failures=\"{}\">", total.failed);
    for (file, count) in results.by_file(suite) {
        let (name, sum) = (attribute(file), count.passed + count.failed);
        let failed = count.failed;
        let _ = writeln!(xml, "  <testsuite name={name} tests=\"{sum}\" failures=\"{failed}\">");
        for outcome in &results.outcomes {
            let test = &suite.tests[outcome.test];
            if test.file != file {
                continue;
            }
            let (rule, id) = (attribute(&test.rule), attribute(&test.id));
            let _ = write!(xml, "    <testcase classname={rule} name={id}");
            if outcome.passed() {
                xml.push_str("/>\n");
            } else {
                let message = attribute(&outcome.failures.join("; "));
                let _ = writeln!(xml, "><failure message={message}/></testcase>");
            }
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// A text in quotes. Control characters, which XML cannot have, are spelled.
fn attribute(text: &str) -> String {
    let text = printable(text.as_bytes(), usize::MAX).replace("\\\\", "\\");
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    format!("\"{text}\"")
}
