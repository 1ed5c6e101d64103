//! However a request is cut into pieces on the wire, its record is the same.

use std::time::Duration;

use waf_core::record::{DecisionRecord, Mode, TimingRecord};

use crate::harness::http1::{Client, post_chunked, post_with_length};
use crate::harness::{Origin, Proxy, attack_at_end, benign, settings};

/// The record without what may differ, and the status.
async fn sent_in_pieces(proxy: &Proxy, request: &[u8], piece: usize, nth: usize) -> DecisionRecord {
    let mut client = Client::connect(proxy.address).await;
    let pieces = request.chunks(piece).map(<[u8]>::to_vec).collect();
    let answer = client.exchange(pieces).await.expect("no answer");
    let mut record = proxy.records(nth).await.pop().unwrap();
    assert_eq!(record.status, Some(answer.status));
    record.time.clear();
    record.request_id.clear();
    record.timing_us = TimingRecord::default();
    record
}

async fn same_for_all_pieces(mode: Mode, requests: Vec<Vec<u8>>) {
    let origin = Origin::start().await;
    let proxy = Proxy::with(settings(origin.address, mode));
    let mut nth = 0;
    for (index, request) in requests.into_iter().enumerate() {
        let mut first = None;
        for piece in [usize::MAX, 7, 1, 4096] {
            nth += 1;
            let record = sent_in_pieces(&proxy, &request, piece, nth).await;
            let expected = first.get_or_insert_with(|| record.clone());
            assert_eq!(&record, expected, "request {index} in pieces of {piece}");
        }
    }
}

fn requests(length: usize) -> Vec<Vec<u8>> {
    let bodies = [benign(length), attack_at_end(length), {
        let mut early = attack_at_end(length / 2);
        early.extend(benign(length / 2));
        early
    }];
    let framed = bodies.iter().flat_map(|body| {
        [post_with_length("/a?b=c", body).concat(), post_chunked("/", body, 97).concat()]
    });
    framed.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn under_the_hold() {
    for mode in [Mode::Block, Mode::Detect] {
        same_for_all_pieces(mode, requests(3_000)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_hold() {
    for mode in [Mode::Block, Mode::Detect] {
        same_for_all_pieces(mode, requests(150_000)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_only() {
    let heads = ["GET /?q=<script> HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n"];
    same_for_all_pieces(Mode::Block, heads.map(|head| head.as_bytes().to_vec()).to_vec()).await;
}

/// The pieces really arrive one by one.
#[tokio::test(flavor = "multi_thread")]
async fn with_pauses() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let request = post_chunked("/", &attack_at_end(40), 3).concat();
    let whole = sent_in_pieces(&proxy, &request, usize::MAX, 1).await;
    let mut client = Client::connect(proxy.address).await;
    for piece in request.chunks(11) {
        client.write(piece).await;
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    assert_eq!(client.read(false).await.unwrap().status, 403);
    let mut record = proxy.records(2).await.pop().unwrap();
    record.time.clear();
    record.request_id.clear();
    record.timing_us = TimingRecord::default();
    assert_eq!(record, whole);
}
