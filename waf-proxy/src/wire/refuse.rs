//! The answer to a head that Pingora never sees.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use waf_core::finding::Finding;
use waf_core::record::{Source, Stop};

use super::stream::Wire;
use super::streams::Unseen;
use crate::block::Answer;
use crate::exchange::Exchange;

/// Bytes read away behind a refused head at most.
const LINGER: usize = 1024 * 1024;

/// Answers, records, and closes so that the client gets to read the answer.
pub(super) async fn answer(wire: Wire, mut exchange: Exchange, found: Vec<(Finding, u64)>) {
    // Fail closed: what was to be refused is, whatever the rules say about it.
    let answer = exchange.judge_head(Some(found));
    let answer = answer.unwrap_or(Answer { status: 400, source: Source::Protocol });
    exchange.answer = Some(answer);
    let page = exchange.page(answer).to_http1();
    let patience = exchange.settings.timeouts.body_gap;
    let mut stream = wire.into_inner();
    let sent = timeout(patience, async {
        stream.write_all(&page).await?;
        stream.flush().await
    });
    let sent = matches!(sent.await, Ok(Ok(())));
    exchange.finish(sent.then_some(answer.status));
    linger(stream, exchange.settings.timeouts.drain).await;
}

/// Records a request that was refused below the hooks, of which nothing but that is known.
pub(super) fn record_unseen(mut exchange: Exchange, unseen: Unseen) {
    let status = match unseen {
        Unseen::Refused(finding, status) => {
            exchange.find(finding);
            status
        }
        Unseen::TooMany => {
            exchange.answer = Some(Answer::proxy(503));
            None
        }
        Unseen::Gone => {
            exchange.inspection.stop(Stop::ClientAbort);
            None
        }
    };
    exchange.finish(status);
}

/// Closes our side, then reads what still comes: a close with unread bytes would be a reset, which
/// may overtake the answer.
async fn linger(mut stream: pingora::protocols::Stream, within: Duration) {
    let reading = async {
        AsyncWriteExt::shutdown(&mut stream).await?;
        let mut buffer = vec![0; 8 * 1024];
        let mut left = LINGER;
        while left > 0 {
            match stream.read(&mut buffer).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        std::io::Result::Ok(())
    };
    let _ = timeout(within, reading).await;
}
