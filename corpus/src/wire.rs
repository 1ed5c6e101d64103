//! Requests over a connection, byte for byte: what a client library would repair is sent as it is.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use waf_core::finding::Finding;
use waf_core::parse::framing::{Chunk, Chunked};

use crate::cut::Cut;

/// Bytes of an answer that are read: enough to see who answered and what.
const ANSWER: usize = 1 << 20;

/// Where requests are sent, in the clear.
#[derive(Clone, Debug)]
pub struct Target {
    address: SocketAddr,
    patience: Duration,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Header lines in order.
    pub headers: Vec<(String, String)>,
    /// Everything as it came, without interim answers (1xx).
    pub bytes: Vec<u8>,
    /// Where the body begins in it.
    body_at: usize,
    /// The request was one whose answers have no body.
    bodiless: bool,
}

/// What came of a request on one connection.
#[derive(Debug, Default)]
pub(crate) struct Came {
    pub(crate) answer: Option<Answer>,
    /// All of the request went out.
    pub(crate) is_sent: bool,
    /// The peer closed the connection before it had answered anything.
    pub(crate) is_closed: bool,
}

impl Target {
    #[cfg(test)]
    pub(crate) fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// The target of a URL such as `http://127.0.0.1:8080`. `patience` is how long an answer may
    /// take.
    pub fn parse(url: &str, patience: Duration) -> Result<Self, String> {
        let rest = url.strip_prefix("http://").ok_or("only `http://` is spoken to a target")?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '@']) {
            return Err("a target is a host and a port: the requests have paths".to_owned());
        }
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| {
            !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
        });
        let named = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        let mut addresses = named.to_socket_addrs().map_err(|error| error.to_string())?;
        let address = addresses.next().ok_or("the host has no address")?;
        Ok(Self { address, patience })
    }

    /// Sends a request on a connection of its own, its body cut into writes, and waits for the
    /// answer. `None` when there is none: the connection was closed, or the patience is spent. An
    /// error means that nobody listens.
    pub fn send(&self, request: &[u8], cut: Cut) -> io::Result<Option<Answer>> {
        Ok(self.exchange(&mut self.connect()?, request, cut).answer)
    }

    pub(crate) fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, self.patience)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(self.patience))?;
        Ok(stream)
    }

    /// Sends a request on an open connection and waits for the answer.
    pub(crate) fn exchange(&self, stream: &mut TcpStream, request: &[u8], cut: Cut) -> Came {
        let head_end = find(request, b"\r\n\r\n").map_or(request.len(), |at| at + 4);
        let (head, body) = request.split_at(head_end);
        // Who answers early need not read to the end.
        let is_sent = std::iter::once(head)
            .chain(cut.pieces(body))
            .all(|piece| stream.write_all(piece).is_ok());
        Came { is_sent, ..self.receive(stream, request.starts_with(b"HEAD ")) }
    }

    fn receive(&self, stream: &mut TcpStream, bodiless: bool) -> Came {
        let deadline = Instant::now() + self.patience;
        let mut bytes = Vec::new();
        let mut block = vec![0; 1 << 16];
        loop {
            let answer = Answer::parse(&mut bytes);
            if answer.as_ref().is_some_and(|answer| bodiless || answer.is_complete()) {
                let answer = answer.map(|answer| Answer { bodiless, ..answer });
                return Came { answer, ..Came::default() };
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let ready = !left.is_zero() && stream.set_read_timeout(Some(left)).is_ok();
            match stream.read(&mut block) {
                Ok(length) if length > 0 && ready && bytes.len() < ANSWER => {
                    bytes.extend_from_slice(&block[..length]);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // What was answered before the connection ended is an answer.
                ended => {
                    let is_closed =
                        bytes.is_empty() && ended.map_or_else(|e| is_reset(&e), |n| n == 0);
                    return Came { answer, is_closed, ..Came::default() };
                }
            }
        }
    }
}

impl Answer {
    /// The first value of a header.
    pub fn value(&self, name: &str) -> Option<&str> {
        let named = |(have, _): &&(String, String)| have.eq_ignore_ascii_case(name);
        self.headers.iter().find(named).map(|(_, value)| value.as_str())
    }

    /// The answer whose head is whole; interim answers are taken off the bytes.
    fn parse(bytes: &mut Vec<u8>) -> Option<Self> {
        loop {
            let body_at = find(bytes, b"\r\n\r\n")? + 4;
            let head = String::from_utf8_lossy(&bytes[..body_at]).into_owned();
            let mut lines = head.lines();
            let mut words = lines.next()?.split(' ');
            words.next().filter(|version| version.starts_with("HTTP/1."))?;
            let status = words.next()?.parse().ok()?;
            if matches!(status, 100 | 102..200) {
                bytes.drain(..body_at);
                continue;
            }
            let header = |line: &str| {
                let (name, value) = line.split_once(':')?;
                Some((name.to_owned(), value.trim().to_owned()))
            };
            let headers = lines.filter_map(header).collect();
            let bytes = bytes.clone();
            return Some(Self { status, headers, bytes, body_at, bodiless: false });
        }
    }

    /// Whether the body is there to its end, as far as the head tells where that is.
    fn is_complete(&self) -> bool {
        self.behind_body().is_some()
    }

    /// Whether another answer can follow: the head says where this one ends, and nothing is behind it.
    pub(crate) fn keeps_connection(&self) -> bool {
        let is_plain =
            self.value("content-length").is_none() || self.value("transfer-encoding").is_none();
        self.bytes.starts_with(b"HTTP/1.1 ")
            && self.status != 101
            && is_plain
            && self.value("connection").is_none_or(|say| say.eq_ignore_ascii_case("keep-alive"))
            && self.behind_body() == Some(0)
    }

    /// Bytes behind the body; `None` when it is not there to its end, or has none that the head tells.
    fn behind_body(&self) -> Option<usize> {
        let mut body = &self.bytes[self.body_at..];
        if self.bodiless || matches!(self.status, 101 | 204 | 304) {
            return Some(body.len());
        }
        if self.value("transfer-encoding").is_some() {
            return match pass_chunks(&mut body) {
                Ok(true) => Some(body.len()),
                // It ends here, and whatever follows is no answer.
                Err(_) => Some(usize::MAX),
                Ok(false) => None,
            };
        }
        let length = self.value("content-length")?.parse::<usize>().ok()?;
        body.len().checked_sub(length)
    }
}

/// How fast requests go out: all threads together.
#[derive(Debug)]
pub struct Pace {
    gap: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    /// So many requests a second at most; 0 is as fast as they can.
    pub fn new(rate: f64) -> Self {
        let gap = if rate > 0.0 { Duration::from_secs_f64(1.0 / rate) } else { Duration::ZERO };
        Self { gap, next: Mutex::new(Instant::now()) }
    }

    /// Waits for the next place.
    pub fn wait(&self) {
        if self.gap.is_zero() {
            return;
        }
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mine = (*next).max(now);
        *next = mine + self.gap;
        drop(next);
        thread::sleep(mine.saturating_duration_since(now));
    }
}

/// Takes a chunked body off. Whether it is there to its end.
pub(crate) fn pass_chunks(body: &mut &[u8]) -> Result<bool, Finding> {
    let mut chunked = Chunked::new();
    loop {
        match chunked.next(body)? {
            Chunk::Data(_) => {}
            Chunk::End => return Ok(true),
            Chunk::NeedMore => return Ok(false),
        }
    }
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(500);

    /// What a server that reads `length` bytes and answers so is sent, and what is made of it.
    fn exchange(
        request: &[u8],
        answer: &'static [u8],
        hangs: bool,
    ) -> (Vec<u8>, Option<(u16, Vec<u8>)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let length = request.len();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut received = vec![0; length];
            stream.read_exact(&mut received).unwrap();
            for byte in answer {
                stream.write_all(&[*byte]).unwrap();
            }
            if hangs {
                thread::sleep(PATIENCE * 2);
            }
            received
        });
        let target = Target::parse(&url, PATIENCE).unwrap();
        let came = target.send(request, Cut::Every(1)).unwrap();
        let body = |answer: Answer| (answer.status, answer.bytes[answer.body_at..].to_vec());
        (server.join().unwrap(), came.map(body))
    }

    #[test]
    fn bytes_go_out_as_they_are() {
        let request = b"GE T  \\ HTTP/4.0\r\nA : b\nc\r\n\r\n\0\xff";
        let (sent, came) = exchange(request, b"HTTP/1.1 400 Bad\r\n\r\nno", false);
        assert_eq!(sent, request);
        assert_eq!(came, Some((400, b"no".to_vec())));
    }

    #[test]
    fn an_answer_ends_where_its_head_says() {
        let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let came = |answer| exchange(get, answer, true).1;
        let length = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
        assert_eq!(came(length), Some((200, b"ab".to_vec())));
        let chunked = b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
        assert_eq!(came(chunked).unwrap().0, 200);
        assert_eq!(came(b"HTTP/1.1 204 No Content\r\n\r\n"), Some((204, Vec::new())));
        let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 F\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(came(interim), Some((403, Vec::new())));
        let head = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
        let (_, came) = exchange(head, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true);
        assert_eq!(came, Some((200, Vec::new())));
    }

    #[test]
    fn no_answer_is_none() {
        let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(exchange(get, b"", false).1, None);
        assert_eq!(exchange(get, b"", true).1, None);
        assert_eq!(exchange(get, b"<html>not HTTP</html>\r\n\r\n", false).1, None);
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let target = Target::parse(&format!("http://{nobody}"), PATIENCE).unwrap();
        assert!(target.send(get, Cut::Whole).is_err());
    }

    #[test]
    fn a_target_is_a_host_and_a_port() {
        let parse = |url| Target::parse(url, PATIENCE).map(|target| target.address.to_string());
        assert_eq!(parse("http://127.0.0.1").unwrap(), "127.0.0.1:80");
        assert_eq!(parse("http://[::1]:81/").unwrap(), "[::1]:81");
        for wrong in ["https://127.0.0.1", "127.0.0.1:80", "http://127.0.0.1/a", "http://"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pace_is_kept_by_all_threads_together() {
        let pace = Pace::new(200.0);
        let began = Instant::now();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5).for_each(|_| pace.wait()));
            }
        });
        // The first goes at once, nineteen wait for 5 ms each.
        assert!(began.elapsed() >= Duration::from_millis(95), "{:?}", began.elapsed());
    }
}
