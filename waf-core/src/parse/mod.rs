//! Bytes to field events. Every parser can be stopped at any byte and goes on with the next.

pub mod cookie;
pub mod encoding;
pub mod framing;
pub mod head;
pub mod media_type;
pub mod request;
pub mod uri;
pub mod urlencoded;
