//! Operators made ready: one file each, one table.
