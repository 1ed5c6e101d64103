//! Bodies of any size, made while they are sent, and an origin that only counts them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use flate2::{Compression, Crc, write::GzEncoder};

const BLOCK: usize = 64 * 1024;

/// What a body is made of.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Random bytes.
    Raw,
    /// Bytes that gzip makes about ten times shorter.
    Gzip,
    /// One JSON string.
    JsonString,
    /// A JSON array of numbers.
    JsonNumbers,
    /// A multipart form with one file.
    MultipartFile,
    /// A form with one field.
    FormField,
}

impl Kind {
    /// Its header lines.
    pub fn headers(self) -> &'static str {
        match self {
            Self::Raw => "Content-Type: application/octet-stream\r\n",
            Self::Gzip => "Content-Type: application/octet-stream\r\nContent-Encoding: gzip\r\n",
            Self::JsonString | Self::JsonNumbers => "Content-Type: application/json\r\n",
            Self::MultipartFile => "Content-Type: multipart/form-data; boundary=frontier\r\n",
            Self::FormField => "Content-Type: application/x-www-form-urlencoded\r\n",
        }
    }

    /// Writes a body with `size` bytes of content, before compression. What is around the content
    /// comes on top.
    pub fn write(self, size: u64, mut to: impl Write) -> io::Result<()> {
        match self {
            Self::Raw => repeat(&random(1), size, &mut to),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(to, Compression::fast());
                repeat(&random(12), size, &mut encoder)?;
                encoder.finish().map(drop)
            }
            Self::JsonString => {
                to.write_all(b"\"")?;
                repeat(&words(' '), size, &mut to)?;
                to.write_all(b"\"")
            }
            Self::JsonNumbers => {
                to.write_all(b"[")?;
                // Whole numbers only, so that the last comma is where it is taken for.
                repeat(b"1234567,", size / 8 * 8, &mut to)?;
                to.write_all(b"0]")
            }
            Self::MultipartFile => {
                to.write_all(
                    b"--frontier\r\nContent-Disposition: form-data; name=\"f\"; \
                      filename=\"a.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n",
                )?;
                repeat(&random(1), size, &mut to)?;
                to.write_all(b"\r\n--frontier--\r\n")
            }
            Self::FormField => {
                to.write_all(b"a=")?;
                repeat(&words('+'), size, &mut to)
            }
        }
    }
}

/// Random bytes, each run of 64 written so many times. The tables of the automata grow with what
/// they have not met yet, up to their own bound; so bodies repeat a block, and what grows is the
/// memory of the request alone.
fn random(times: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = Vec::with_capacity(BLOCK + 1024);
    while block.len() < BLOCK {
        let run: Vec<u8> = (0..8).flat_map(|_| next(&mut state).to_le_bytes()).collect();
        (0..times).for_each(|_| block.extend_from_slice(&run));
    }
    block
}

/// Words of letters and digits.
fn words(gap: char) -> Vec<u8> {
    let mut state = 1_u64;
    let mut text = String::new();
    while text.len() < BLOCK {
        let number = next(&mut state);
        text += &format!("{:x}{gap}{}{gap}", number % 0xf_ffff, number % 89);
    }
    text.into_bytes()
}

/// Marsaglia's xorshift64.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn repeat(block: &[u8], size: u64, to: &mut impl Write) -> io::Result<()> {
    let block = block.repeat(BLOCK.div_ceil(block.len()));
    let mut left = size;
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        to.write_all(&block[..length])?;
        left -= length as u64;
    }
    Ok(())
}

/// How many bytes of a body, and their CRC-32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    pub bytes: u64,
    pub crc: u32,
}

impl From<Crc> for Sum {
    /// Of less than 4 GiB: `Crc` counts modulo 2^32.
    fn from(crc: Crc) -> Self {
        Self { bytes: u64::from(crc.amount()), crc: crc.sum() }
    }
}

/// Uploads a body in chunks; what was sent, and the status.
pub fn upload(to: SocketAddr, kind: Kind, size: u64) -> (Sum, u16) {
    let mut stream = TcpStream::connect(to).unwrap();
    let head = format!(
        "POST /{kind:?} HTTP/1.1\r\nHost: a\r\n{}Transfer-Encoding: chunked\r\n\r\n",
        kind.headers()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut chunks = Chunks { stream: &stream, sum: Crc::new() };
    kind.write(size, &mut chunks).unwrap();
    let sum = chunks.sum.into();
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    (sum, line.split(' ').nth(1).unwrap().parse().unwrap())
}

struct Chunks<'a> {
    stream: &'a TcpStream,
    sum: Crc,
}

impl Write for Chunks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
        self.stream.write_all(bytes)?;
        self.stream.write_all(b"\r\n")?;
        self.sum.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An origin that tells what it received and forgets it.
pub struct Counter {
    pub address: SocketAddr,
    sums: Receiver<Sum>,
}

impl Counter {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, sums) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let sender = sender.clone();
                std::thread::spawn(move || count(&stream.unwrap(), &sender));
            }
        });
        Self { address, sums }
    }

    /// Of the next complete body.
    pub fn received(&self) -> Sum {
        self.sums.recv().unwrap()
    }
}

/// An error is the end of the connection; a body without its end is not told.
fn count(stream: &TcpStream, sums: &Sender<Sum>) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(BLOCK, stream);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        if line == "\r\n" {
            let _ = sums.send(read_chunks(&mut reader)?);
            let mut stream = stream;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        }
        line.clear();
    }
    Ok(())
}

fn read_chunks(reader: &mut BufReader<&TcpStream>) -> io::Result<Sum> {
    let mut sum = Crc::new();
    let mut buffer = vec![0; BLOCK];
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
        let mut left = size;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let read = reader.read(&mut buffer[..most])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            sum.update(&buffer[..read]);
            left -= read as u64;
        }
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(sum.into());
        }
    }
}
