//! A connection to a target that is kept from request to request, for as long as nothing on it can be
//! read in two ways.

use std::io::{self, ErrorKind};
use std::net::TcpStream;

use waf_core::limits::Limits;
use waf_core::parse::framing::Framing;
use waf_core::parse::head::{HeadParser, HeadState, RequestHead};

use crate::cut::Cut;
use crate::wire::{Answer, Came, Target, pass_chunks};

/// Sends one request after the other. A request that a strict reader would refuse, or that does not
/// end where its head says, has a connection of its own: what is left of it would stand before the
/// next.
#[derive(Debug)]
pub struct Connection<'a> {
    target: &'a Target,
    kept: Option<TcpStream>,
}

impl<'a> Connection<'a> {
    /// To this target; nothing is opened yet.
    pub fn new(target: &'a Target) -> Self {
        Self { target, kept: None }
    }

    /// Sends a request, its body cut into writes, and waits for the answer. `None` when there is none.
    /// On a kept connection that the peer has closed without a byte of an answer, once more on a new
    /// one. An error means that nobody listens.
    pub fn send(&mut self, request: &[u8], cut: Cut) -> io::Result<Option<Answer>> {
        let may_stay = ends_itself(request);
        if let Some(stream) = self.kept.take_if(|_| may_stay).filter(is_quiet) {
            let came = self.exchange(stream, request, cut, may_stay);
            if !came.is_closed {
                return Ok(came.answer);
            }
        }
        let stream = self.target.connect()?;
        Ok(self.exchange(stream, request, cut, may_stay).answer)
    }

    fn exchange(
        &mut self,
        mut stream: TcpStream,
        request: &[u8],
        cut: Cut,
        may_stay: bool,
    ) -> Came {
        let came = self.target.exchange(&mut stream, request, cut);
        let stays = |answer: &Answer| came.is_sent && answer.keeps_connection();
        if may_stay && came.answer.as_ref().is_some_and(stays) {
            self.kept = Some(stream);
        }
        came
    }
}

/// Whether the peer has neither closed the connection nor said anything that no request asked for.
fn is_quiet(stream: &TcpStream) -> bool {
    let peeked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    let is_quiet = peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    is_quiet && stream.set_nonblocking(false).is_ok()
}

/// Whether every reader sees the end of a request where we do, and expects another one behind it.
fn ends_itself(request: &[u8]) -> bool {
    let mut parser = HeadParser::new(&Limits::default());
    let progress = parser.feed(request);
    if progress.state != HeadState::Complete || !parser.findings().is_empty() {
        return false;
    }
    let head = parser.partial();
    let mut rest = &request[progress.consumed..];
    let is_whole = match Framing::of(&head) {
        Ok(Framing::None) => rest.is_empty(),
        Ok(Framing::Length(length)) => rest.len() as u64 == length,
        Ok(Framing::Chunked) => matches!(pass_chunks(&mut rest), Ok(true)) && rest.is_empty(),
        Err(_) => false,
    };
    is_whole && asks_to_stay(&head)
}

/// HTTP/1.1 without anything about the connection but that it is kept.
fn asks_to_stay(head: &RequestHead) -> bool {
    let is_named = |name| head.values(name).next().is_some();
    let mut about = head.values("connection");
    head.version == b"HTTP/1.1"
        && about.all(|value| value.eq_ignore_ascii_case(b"keep-alive"))
        && !["upgrade", "expect", "proxy-connection"].into_iter().any(is_named)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};
    use std::thread;
    use std::time::Duration;

    use super::*;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const FINE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    /// What each connection of a server was sent: it answers so after every empty line, and closes
    /// after so many answers without a word.
    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Seen {
        fn serve(&self, answer: &'static [u8], most: usize) -> Target {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let seen = self.clone();
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let number = seen.0.lock().unwrap().len();
                    seen.0.lock().unwrap().push(Vec::new());
                    let seen = seen.clone();
                    thread::spawn(move || seen.answer(number, stream, answer, most));
                }
            });
            Target::parse(&url, Duration::from_secs(2)).unwrap()
        }

        fn answer(&self, number: usize, mut stream: TcpStream, answer: &[u8], most: usize) {
            let (mut answered, mut byte) = (0, [0]);
            while answered < most && stream.read(&mut byte).is_ok_and(|read| read > 0) {
                let ends = {
                    let mut all = self.0.lock().unwrap();
                    all[number].push(byte[0]);
                    all[number].ends_with(b"\r\n\r\n")
                };
                if ends {
                    stream.write_all(answer).unwrap();
                    answered += 1;
                }
            }
        }

        fn connections(&self) -> Vec<Vec<u8>> {
            self.0.lock().unwrap().clone()
        }
    }

    /// Sends requests to such a server, which all have to be answered.
    fn sent(requests: &[&[u8]], answer: &'static [u8], most: usize) -> Vec<Vec<u8>> {
        let seen = Seen::default();
        let target = seen.serve(answer, most);
        let mut connection = Connection::new(&target);
        for request in requests {
            let came = connection.send(request, Cut::Whole).unwrap();
            assert!(came.is_some(), "{}", String::from_utf8_lossy(request));
            // A close that is under way is seen before the next request, or it is sent once more.
            thread::sleep(Duration::from_millis(5));
        }
        seen.connections()
    }

    #[test]
    fn a_connection_carries_one_request_after_the_other_byte_for_byte() {
        let odd: &[u8] = b"GET /?q=%41 HTTP/1.1\r\nhOST:a\r\nX-A:  b \r\n\r\n";
        let chunked: &[u8] =
            b"GET /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        let connections = sent(&[GET, odd, GET], FINE, 9);
        assert_eq!(connections, [[GET, odd, GET].concat()]);
        assert!(ends_itself(chunked));
    }

    #[test]
    fn what_a_peer_closes_is_opened_again() {
        let connections = sent(&[GET; 7], FINE, 3);
        assert_eq!(connections.len(), 3);
        assert_eq!(connections.concat(), GET.repeat(7));
    }

    #[test]
    fn an_answer_that_says_so_or_has_no_clear_end_is_the_last() {
        for last in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"[..],
            b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            assert_eq!(sent(&[GET; 3], last, 9).len(), 3, "{}", String::from_utf8_lossy(last));
        }
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
        assert_eq!(sent(&[GET; 3], chunked, 9).len(), 1);
    }

    #[test]
    fn a_request_that_can_be_read_in_two_ways_is_alone() {
        for odd in [
            &b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"[..],
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\nHost: a\n\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
            b"GE T  \\ HTTP/4.0\r\nA : b\nc\r\n\r\n",
        ] {
            let connections = sent(&[GET, odd, GET], FINE, 9);
            let text = String::from_utf8_lossy(odd);
            // The kept one goes on after it, and never carries it.
            assert_eq!(connections.len(), 2, "{text}");
            assert_eq!(connections[0], GET.repeat(2), "{text}");
        }
    }

    #[test]
    fn silence_is_not_asked_twice() {
        let seen = Seen::default();
        let mut target = seen.serve(b"", 9);
        target.set_patience(Duration::from_millis(100));
        let mut connection = Connection::new(&target);
        assert_eq!(connection.send(GET, Cut::Whole).unwrap(), None);
        assert_eq!(seen.connections().len(), 1);
    }
}
