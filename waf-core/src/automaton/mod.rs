//! Many patterns at once over a value that comes in pieces.
