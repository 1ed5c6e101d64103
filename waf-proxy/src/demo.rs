//! An origin for the first command of the README: it says hello to whatever comes through.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of a head; what comes here was normalised by us.
const HEAD: usize = 128 * 1024;

const PAGE: &str = "<!doctype html>\n<html lang=\"en\"><title>Pinpoint</title>\n\
    <h1>It works</h1>\n<p>This page comes from the built-in demo origin. Try an attack:\n\
    <code>curl 'http://127.0.0.1:8080/?id=1+union+select+1'</code></p></html>\n";

/// Starts it on a free loopback port, in a thread of its own that lives as long as the process.
pub fn start() -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("demo".into()).spawn(move || {
        runtime.block_on(accept(listener));
    })?;
    Ok(address)
}

async fn accept(listener: std::net::TcpListener) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            if let Err(error) = answer(stream).await {
                tracing::debug!(%error, "demo origin");
            }
        });
    }
}

/// One request a connection: it reads what comes until we close, so no framing is needed.
async fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 || head.len() > HEAD {
            return Ok(());
        }
    }
    let page = if head.starts_with(b"HEAD ") { "" } else { PAGE };
    let length = PAGE.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{page}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // A body still on its way would turn the close into a reset.
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    Ok(())
}
