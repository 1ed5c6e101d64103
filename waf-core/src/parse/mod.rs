//! Bytes to field events. Every parser can be stopped at any byte and goes on with the next.

pub mod body;
pub mod cookie;
pub mod encoding;
pub mod framing;
pub mod head;
pub mod json;
pub mod lane;
pub mod media_type;
pub mod multipart;
pub mod request;
pub mod response;
pub mod uri;
pub mod urlencoded;
pub mod xml;

mod path;
mod tally;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)] // a test that meets the unexpected should stop
mod testing;
