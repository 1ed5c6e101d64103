//! Bounds on what tuning keeps, each with its reason. Records hold what senders wrote, so their
//! names, paths and clients are as many as they like.

/// Bytes of shapes that one gatherer keeps. Two gatherers and their tables stay under 200 MB with
/// room for the attacks of a corpus; a site's own false positives are some thousand shapes of a few
/// hundred bytes.
pub const SHAPE_BYTES: usize = 32 << 20;

/// Matches of a record that are looked at, each a rule in a field: as many rules as a record lists by
/// default, and less than there are bits in the numbers that tell which are gone.
pub const HITS: usize = 100;

/// Bytes of a field's name in a target. Longer names are data that stands where names do.
pub const NAME: usize = 64;

/// Bytes of a path pattern, and segments: deeper ones end with `*` earlier.
pub const PATH: usize = 128;
/// See [`PATH`].
pub const SEGMENTS: usize = 6;

/// Clients whose behaviour is followed: a fair sample, whatever their number.
pub const CLIENTS: usize = 16_384;

/// The smallest hashes kept to tell clients of one shape apart. The estimate is exact below it and
/// about a quarter off beyond, while judging asks for no more than a handful.
pub const SKETCH: usize = 16;

/// Fields in one exclusion. It is read by a person; more are one collection on one path.
pub const TARGETS: usize = 10;

/// Exclusions that are weighed: those of the most records. Each costs a list of shapes.
pub const CANDIDATES: usize = 100_000;

/// Bytes of a line; `audit.record` is at most 1 MiB.
pub const LINE: usize = 2 << 20;

/// Fields of one rule on one path that are weighed one by one: those of the most records.
pub const FIELDS: usize = 64;

/// Exclusions that are ever proposed: more than anyone reads in an afternoon.
pub const PROPOSALS: usize = 1_000;

/// Shapes for which exclusions are sought in a round: those of the most records that do not pass yet.
pub const SEEDS: usize = 1_024;

/// Exclusions with `characters` of one rule: as many as may always meet
/// (`waf_core::limits::CHARACTER_COMBINATIONS`).
pub const NARROW: usize = 5;
