//! Questions to the admin listener of the proxy that runs on this host.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::config::Admin;

/// Bytes of an answer.
const ANSWER: u64 = 4 << 20;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// `GET`: the status and the body.
pub(super) fn get(admin: &Admin, path: &str) -> io::Result<(u16, Vec<u8>)> {
    let mut address = admin.address;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let host = admin.hosts.first().map_or("localhost", String::as_str);
    let token =
        admin.token.as_ref().map(|token| format!("Authorization: Bearer {}\r\n", token.show()));
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\n{}Connection: close\r\n\r\n",
        token.unwrap_or_default()
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER).read_to_end(&mut answer)?;
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "this is no admin listener");
    let body = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(wrong)? + 4;
    let line = answer.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status = line.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    Ok((status.ok_or_else(wrong)?, answer.split_off(body)))
}
