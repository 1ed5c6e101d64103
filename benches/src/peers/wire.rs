//! Workloads as `modsecurity.c` reads them.

use waf_corpus::Request;

use super::PAGE;
use crate::workload::Workload;

/// Everything that the program needs.
pub(super) fn encode(workloads: &[Workload]) -> Vec<u8> {
    let mut out = Vec::new();
    text(&mut out, PAGE.as_bytes());
    number(&mut out, workloads.len());
    for workload in workloads {
        number(&mut out, workload.requests.len());
        workload.requests.iter().for_each(|one| request(&mut out, one));
    }
    out
}

fn request(out: &mut Vec<u8>, request: &Request) {
    let head = &request.head;
    text(out, &head.method);
    text(out, &head.target);
    text(out, &head.version);
    number(out, head.headers.len());
    for (name, value) in &head.headers {
        text(out, name);
        text(out, value);
    }
    text(out, &request.body);
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    number(out, text.len());
    out.extend_from_slice(text);
    out.push(0);
}

fn number(out: &mut Vec<u8>, number: usize) {
    let number = u32::try_from(number).expect("workloads are small");
    out.extend_from_slice(&number.to_ne_bytes());
}
