//! [`Lane`]: one body, several readings of it at the same time.

use crate::field::FieldSink;

/// A stream of fields. The lanes of a body are independent: in each, offsets only grow and fields
/// never nest, but a field of one lane may be open while others come and go in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The body as it is; for XML what stands aside of its text: comments and instructions.
    Raw,
    /// What the declared type says.
    Main,
    /// What a body of unknown type looks like.
    Guess,
}

/// Takes the lanes of one body.
pub trait Streams {
    /// The sink of a lane.
    fn stream(&mut self, lane: Lane) -> &mut dyn FieldSink;
}
