//! A client that writes exactly the bytes it is told to.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (have, value) = line.split_once(':')?;
            have.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

pub struct Client {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    pub writer: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    ahead: Vec<u8>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (reader, writer) = stream.into_split();
        Self { reader: Box::new(reader), writer: Some(Box::new(writer)), ahead: Vec::new() }
    }

    pub fn over(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self { reader: Box::new(reader), writer: Some(Box::new(writer)), ahead: Vec::new() }
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.writer.as_mut().unwrap().write_all(bytes).await.unwrap();
    }

    /// Writes in pieces while it reads the answer, as browsers do.
    pub async fn exchange(&mut self, pieces: Vec<Vec<u8>>) -> Option<Response> {
        let mut writer = self.writer.take().unwrap();
        let writing = tokio::spawn(async move {
            for piece in pieces {
                if writer.write_all(&piece).await.is_err() {
                    break;
                }
            }
            writer
        });
        let response = self.read(false).await;
        self.writer = writing.await.ok();
        response
    }

    /// The next answer; none when the connection ends before it does.
    pub async fn read(&mut self, to_head: bool) -> Option<Response> {
        timeout(Duration::from_secs(20), self.read_patiently(to_head)).await.expect("no answer")
    }

    /// Whether the other side has closed.
    pub async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        let read = timeout(Duration::from_secs(5), self.reader.read(&mut byte)).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }

    pub async fn read_raw(&mut self, length: usize) -> Vec<u8> {
        while self.ahead.len() < length {
            self.fill().await.unwrap();
        }
        self.ahead.drain(..length).collect()
    }

    async fn read_patiently(&mut self, to_head: bool) -> Option<Response> {
        loop {
            let end = loop {
                if let Some(at) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                    break at + 4;
                }
                self.fill().await?;
            };
            let head: Vec<u8> = self.ahead.drain(..end).collect();
            let head = String::from_utf8(head).unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            if status == 100 {
                continue;
            }
            let mut response = Response { status, head, body: Vec::new() };
            if !to_head && status != 101 {
                response.body = self.read_body(&response).await?;
            }
            return Some(response);
        }
    }

    async fn read_body(&mut self, response: &Response) -> Option<Vec<u8>> {
        if let Some(length) = response.header("content-length") {
            let length: usize = length.parse().unwrap();
            while self.ahead.len() < length {
                self.fill().await?;
            }
            return Some(self.ahead.drain(..length).collect());
        }
        if response.header("transfer-encoding").is_some() {
            while !self.ahead.ends_with(b"0\r\n\r\n") {
                self.fill().await?;
            }
        } else {
            while self.fill().await.is_some() {}
        }
        Some(std::mem::take(&mut self.ahead))
    }

    async fn fill(&mut self) -> Option<()> {
        match self.reader.read_buf(&mut self.ahead).await {
            Ok(read) if read > 0 => Some(()),
            _ => None,
        }
    }
}

/// One request on a connection of its own.
pub async fn send(address: SocketAddr, pieces: Vec<Vec<u8>>) -> Option<Response> {
    Client::connect(address).await.exchange(pieces).await
}

pub async fn get(address: SocketAddr, path: &str) -> Response {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    send(address, vec![request.into_bytes()]).await.unwrap()
}

pub fn post_with_length(path: &str, body: &[u8]) -> Vec<Vec<u8>> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    vec![head.into_bytes(), body.to_vec()]
}

pub fn post_chunked(path: &str, body: &[u8], chunk: usize) -> Vec<Vec<u8>> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunks = body
        .chunks(chunk)
        .map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    [head.into_bytes()].into_iter().chain(chunks).chain([b"0\r\n\r\n".to_vec()]).collect()
}
