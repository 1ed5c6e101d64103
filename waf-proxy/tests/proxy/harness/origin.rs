//! A toy origin that remembers every byte it was given.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request, as far as it came.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub head: String,
    /// The body, chunks taken apart.
    pub body: Vec<u8>,
    pub complete: bool,
}

#[derive(Clone)]
pub struct Origin {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub struct State {
    pub connections: usize,
    pub requests: Vec<Seen>,
    /// What is answered to a path, in pieces with pauses between them.
    answers: HashMap<String, Vec<Vec<u8>>>,
}

/// Between two pieces of an answer.
pub const PAUSE: Duration = Duration::from_millis(700);

impl Origin {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                shared.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Answers a path with these bytes, in pieces with pauses between them. Behind an answer that
    /// has no length of its own, or says so, the connection is closed.
    pub fn answer(&self, path: &str, pieces: Vec<Vec<u8>>) {
        self.state().answers.insert(path.to_owned(), pieces);
    }

    /// The only request.
    pub fn only(&self) -> Seen {
        let state = self.state();
        assert_eq!(state.requests.len(), 1, "{:?}", state.requests.len());
        state.requests[0].clone()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) -> Option<()> {
    let mut ahead = Vec::new();
    loop {
        let head_end = loop {
            if let Some(at) = ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            fill(&mut stream, &mut ahead).await?;
        };
        let head = String::from_utf8_lossy(&ahead[..head_end]).into_owned();
        ahead.drain(..head_end);
        let index = {
            let mut state = state.lock().unwrap();
            state.requests.push(Seen { head: head.clone(), ..Seen::default() });
            state.requests.len() - 1
        };
        read_body(&mut stream, &mut ahead, &head, |bytes| {
            state.lock().unwrap().requests[index].body.extend_from_slice(bytes);
        })
        .await?;
        state.lock().unwrap().requests[index].complete = true;
        let asked = |seen: &&Seen| seen.head.split(' ').nth(1) == head.split(' ').nth(1);
        let times = state.lock().unwrap().requests.iter().filter(asked).count();
        if head.contains(" /hangup ") || (head.contains(" /hangup-once ") && times == 1) {
            return None;
        }
        let path = head.split(' ').nth(1).unwrap();
        let pieces = state.lock().unwrap().answers.get(path).cloned();
        match pieces {
            Some(pieces) => answer_with(&mut stream, &pieces).await?,
            None => answer(&mut stream, &head).await?,
        }
    }
}

async fn answer_with(stream: &mut TcpStream, pieces: &[Vec<u8>]) -> Option<()> {
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        stream.write_all(piece).await.ok()?;
    }
    let head = pieces.concat();
    let end = head.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
    let framed = ["content-length", "transfer-encoding", " 204", " 304"];
    let closes = head.contains("connection: close");
    (!closes && framed.iter().any(|sign| head.contains(sign))).then_some(())
}

async fn read_body(
    stream: &mut TcpStream,
    ahead: &mut Vec<u8>,
    head: &str,
    mut seen: impl FnMut(&[u8]),
) -> Option<()> {
    let lower = head.to_ascii_lowercase();
    if lower.contains("transfer-encoding: chunked") {
        loop {
            let line_end = loop {
                if let Some(at) = ahead.windows(2).position(|two| two == b"\r\n") {
                    break at;
                }
                fill(stream, ahead).await?;
            };
            let size = usize::from_str_radix(std::str::from_utf8(&ahead[..line_end]).unwrap(), 16);
            let mut left = size.unwrap();
            ahead.drain(..line_end + 2);
            let last = left == 0;
            while left > 0 {
                if ahead.is_empty() {
                    fill(stream, ahead).await?;
                }
                let take = left.min(ahead.len());
                seen(&ahead[..take]);
                ahead.drain(..take);
                left -= take;
            }
            while ahead.len() < 2 {
                fill(stream, ahead).await?;
            }
            ahead.drain(..2);
            if last {
                return Some(());
            }
        }
    }
    let length = lower
        .split("content-length: ")
        .nth(1)
        .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
    let mut left = length;
    while left > 0 {
        if ahead.is_empty() {
            fill(stream, ahead).await?;
        }
        let take = left.min(ahead.len());
        seen(&ahead[..take]);
        ahead.drain(..take);
        left -= take;
    }
    Some(())
}

/// The path tells what to do.
async fn answer(stream: &mut TcpStream, head: &str) -> Option<()> {
    let path = head.split(' ').nth(1).unwrap();
    let answer = match path {
        "/leak" => "HTTP/1.1 200 OK\r\nx-leak: 1\r\ncontent-length: 2\r\n\r\nok",
        "/chunked" => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "/ws" => {
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
        }
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(500)).await;
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        }
        "/never" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            ""
        }
        _ if head.starts_with("HEAD ") => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
        _ => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    };
    if path == "/ws" {
        // Pingora 0.9.1 closes the tunnel when the 101 comes before its own note that the request
        // has no body, which takes an origin that answers at once and a busy machine.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stream.write_all(answer.as_bytes()).await.ok()?;
    if path == "/ws" {
        let (mut from, mut to) = stream.split();
        tokio::io::copy(&mut from, &mut to).await.ok()?;
        return None;
    }
    Some(())
}

async fn fill(stream: &mut TcpStream, ahead: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(ahead).await {
        Ok(read) if read > 0 => Some(()),
        _ => None,
    }
}
