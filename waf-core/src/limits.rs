//! Every bound on memory and work, with its reason.
//!
//! [`Limits`] are the bounds an operator may change (`limits:` and `body:` in the configuration).
//! The constants are the bounds of fixed tables: a sender who fills one causes a finding, never
//! growth.

use std::ops::RangeInclusive;

const KIB: usize = 1024;

/// The bounds an operator may change. One value per route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body that are scanned whole before the first verdict; a block in them means that
    /// nothing reached the origin.
    pub hold: u64,
    /// Bytes of request target. Longer ones are refused with 414: no back end reads more.
    pub url: usize,
    /// Bytes of all header lines together. More is refused with 431.
    pub header_bytes: usize,
    /// Number of header lines. More is refused with 431.
    pub headers: usize,
    /// Bytes of a body, where the operator wants a bound at all: our memory does not grow with it.
    pub body: Option<u64>,
    /// Number of fields of a request that are told apart. Frameworks stop at about a thousand.
    pub fields: usize,
    /// Bytes of a field's name (for JSON of its whole path).
    pub field_name: usize,
    /// Bytes of a value that are kept, so that everything about it is exact. Beyond it the value is
    /// scanned as a stream.
    pub field_window: usize,
    /// Nesting of JSON and XML. Parsers of back ends stop between 64 and 1,000.
    pub depth: usize,
    /// Number of multipart parts.
    pub parts: usize,
    /// Bytes of the header lines of one multipart part.
    pub part_headers: usize,
    /// Decoded bytes per encoded byte of a compressed body, after the first 64 KiB. Honest text
    /// stays under 20, a bomb is near 1,000.
    pub inflate_ratio: u64,
    /// Matches listed in one record.
    pub record_matches: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hold: 128 * KIB as u64,
            url: 8 * KIB,
            header_bytes: 64 * KIB,
            headers: 100,
            body: None,
            fields: 10_000,
            field_name: KIB,
            field_window: 128 * KIB,
            depth: 64,
            parts: 1_000,
            part_headers: 8 * KIB,
            inflate_ratio: 100,
            record_matches: 100,
        }
    }
}

/// Decoded bytes of a compressed body before `inflate_ratio` is looked at: small bodies of zeros
/// are honest.
pub const INFLATE_FREE: u64 = 64 * KIB as u64;

/// Bytes of a request method. The longest registered one has 17; a first word longer than this is
/// some other protocol.
pub const METHOD: usize = 32;

/// Bytes of an HTTP version, generously: `HTTP/1.1` has 8.
pub const VERSION: usize = 16;

/// Empty lines read before a request line. One is refused already; the head behind a few is still
/// read, for the record.
pub const EMPTY_LINES: usize = 8;

/// Bytes of chunk extensions in one body. No client sends any, and a chunk of one byte may carry
/// many.
pub const CHUNK_EXTENSIONS: usize = 4 * KIB;

/// Bytes of trailer lines behind a chunked body; they are read and dropped.
pub const TRAILERS: usize = 8 * KIB;

/// Window of a brotli stream as a power of two: 4 MiB, what encoders use unless told otherwise. The
/// format allows 16 MiB, which a sender could make us hold for each request.
pub const BROTLI_WINDOW: u32 = 22;

/// Facts kept per request: one per (signature, collection, selector class).
pub const CELLS: usize = 1_024;

/// Bytes of one such fact, its evidence apart.
pub const CELL_BYTES: usize = 160;

/// Fields of a request that SecLang rules tell apart; what comes after is counted by kind.
pub const ROWS: usize = 2_048;

/// Bytes of values kept for them: the exact zone three times over, as a form is its body, its
/// values and its names.
pub const ROW_BYTES: usize = 512 * KIB;

/// Bytes of what transformations made of them, kept so that no step is done twice: a window of text
/// after the two steps that most rules begin with. What finds no room costs time only.
pub const OUTPUT_BYTES: usize = 256 * KIB;

/// What became true of fields between two verdict points, for verdicts before the end of a body:
/// one for each fourth byte of what is read at once ([`PIECE`]).
pub const SIGHTINGS: usize = 16 * KIB;

/// Bytes of a body that are judged at once, however many come: what waits for a verdict stays small.
pub const PIECE: usize = 64 * KIB;

/// Variables of `TX` beside those that the rules name.
pub const TX_KEYS: usize = 4_096;

/// Bytes of one value of `TX`, and of a capture.
pub const TX_VALUE: usize = 4 * KIB;

/// Bytes of all variables of `TX`.
pub const TX_BYTES: usize = 64 * KIB;

/// Bytes of `msg` and `logdata` after their macros are expanded.
pub const MESSAGE: usize = 2 * KIB;

/// Matches of SecLang rules told of one request.
pub const FIRED: usize = 512;

/// Fields beside the one that is shown in which a SecLang rule matched, kept of each rule: an exclusion
/// that lets the request pass has to name them all, and a person reads it.
pub const ALSO: usize = 9;

/// See [`ALSO`]; of all rules of a request.
pub const ALSO_KEPT: usize = 256;

/// Matches that exclusions took away, of which a request keeps where they were: one for each rule and
/// condition, and no more than a record could list.
pub const EXCLUDED: usize = 100;

/// Bytes that a content decoder takes: its window and tables, but for the window of brotli.
pub const DECODER: usize = 64 * KIB;

/// Conditions of one rule: they are the bits of one word.
pub const CONDITIONS: usize = 64;

/// Combinations of exclusions with `characters` that may hold together for one rule and target: each is
/// a signature of its own. Five that all meet, or thirty on as many paths.
pub const CHARACTER_COMBINATIONS: usize = 32;

/// Fields named in `coverage.inexact` of one record.
pub const INEXACT: usize = 16;

/// Bytes of a value shown around a match, before masking cuts it further.
pub const EXCERPT: usize = 256;

/// Bytes of a field's name kept for a record.
pub const NAME_KEPT: usize = 256;

/// Bytes of evidence (names and excerpts) kept per request.
pub const EVIDENCE: usize = 32 * KIB;

/// Bytes of a streamed value's end that are kept, so that the start of a match can be told.
pub const STREAM_TAIL: usize = 4 * KIB;

/// Bytes of a streamed value that are gathered before they are scanned: less is slow, more is
/// memory.
pub const STREAM_BLOCK: usize = 16 * KIB;

/// Fields, steps and candidates of one trace. It is for a person: nobody reads more, and with their
/// names and excerpts they stay under 10 MB.
pub const TRACE: usize = 10_000;

/// Keys of JSON objects remembered to tell duplicates, per request.
pub const JSON_KEYS: usize = 4_096;

/// Bytes of a multipart boundary (RFC 2046 section 5.1.1).
pub const BOUNDARY: usize = 70;

/// Bytes that a parser may hold before it tells what they are: a multipart delimiter.
pub const LOOK_BACK: u64 = 80;

/// Nesting of `all`, `any` and `not` in a rule.
pub const MATCH_DEPTH: usize = 4;

/// Bytes of one rule or configuration file.
pub const RULE_FILE: u64 = 4 * 1024 * 1024;

/// Bytes of one SecLang file or of one data file that it names. The largest of the Core Rule Set
/// have 150 KB; lists made by programs are larger.
pub const SECLANG_FILE: usize = 32 * 1024 * KIB;

/// Bytes of all SecLang files of a rule set: 100,000 rules have about 20 MB.
pub const SECLANG_BYTES: usize = 128 * 1024 * KIB;

/// SecLang files of a rule set, each counted as often as it is included.
pub const SECLANG_FILES: usize = 2_000;

/// Nesting of `Include`; the Core Rule Set needs three.
pub const INCLUDE_DEPTH: usize = 16;

/// Errors told of one load, and as many warnings: nobody reads more at once.
pub const COMPLAINTS: usize = 100;

/// Nesting of lists and mappings in a YAML file. Rules and configuration need about ten.
pub const YAML_DEPTH: usize = 64;

/// Bytes that the tables of a rule set's automata may grow to. The rules of paranoia 1 settle at
/// about 20 MB on rich text.
pub const TABLES: usize = 24 * 1024 * KIB;

/// Sets of tables that were full, and on which bodies stand that have not come on since: with more, full
/// ones stay.
pub const TABLES_BEFORE: usize = 32;

/// Bytes that one regex may learn in searches by itself, in each direction; past it, it forgets and
/// begins again. The default of `regex-automata`, which is too little for none of the Core Rule Set.
pub const REGEX_MEMORY: usize = 2 * 1024 * KIB;

/// Bytes that all regexes of a rule set keep of it between searches: at least and at most. Ordinary
/// traffic would fill 40 MiB with the built-in rules; with the Core Rule Set more than 7 helps little, and
/// with 9 the proxy passes 80 MB.
pub const REGEX_MEMORIES: RangeInclusive<usize> = 7 * 1024 * KIB..=32 * 1024 * KIB;

/// Bytes of it for each state of their NFAs: what large ones learn is large. The built-in rules have
/// 320,000 states, of which this makes 31 MB; the Core Rule Set at paranoia 1, with an eighth of them,
/// keeps the least.
pub const REGEX_MEMORY_PER_STATE: usize = 96;

/// Rules of one rule set: their numbers are 16 bits wide, and no rule set has a tenth of as many.
pub const RULES: usize = u16::MAX as usize;

/// Patterns of a rule set: ids of signatures are 16 bits.
pub const SIGNATURES: usize = 32_768;

/// Bytes of a path, a query or a header in a record. Longer ones are cut: what matched in them is
/// in the excerpt.
pub const RECORD_TEXT: usize = 2 * KIB;

/// States a request may add to the tables of the automata, before what its bytes earn. Honest short
/// requests need fewer once the tables are warm; a flood of attack tokens spends them at once.
pub const WORK_STATES: u64 = 256;

/// Bytes of a request that earn it one more state in the tables of the automata: cold rich text
/// (HTML, code) needs about one in three to seven bytes, warm text one in hundreds.
pub const WORK_BYTES_PER_STATE: u64 = 8;

/// States of the NFA of one pattern. The largest rules in use have some thousands. The scan of a byte
/// never costs more than some multiple of it, and 16 bits number them.
pub const NFA_STATES: usize = 65_536;

/// States of the NFA of a cluster of several: more patterns go to another cluster. However little the
/// states of small patterns multiply in the text on which they are measured, of a hundred of them some
/// multiply in others: with twice as many a form of a megabyte takes up to ten times as long.
pub const CLUSTER_STATES: usize = 32_768;

/// Bytes of one pattern's NFA while it is built, before its states are counted.
pub const PATTERN_NFA_BYTES: usize = 8 * 1024 * KIB;

/// Clusters of one group of patterns, unless their NFAs are too large for so few: as many as step
/// side by side at the price of one. On the first paranoia level of the Core Rule Set eight halve
/// the states, and the speed.
pub const GROUP_CLUSTERS: usize = 4;

/// Phrases that a full transition table is made of; above, the form with 10 to 40 times less memory
/// at half the speed.
pub const PHRASES_DFA: usize = 500;

/// Places of a value where phrases may stand that are remembered; of a value with more all is looked at.
pub const PHRASE_PLACES: usize = 256;

/// Entries of the table that every value passes first, of two bytes each: 2 MiB, as much as stays in
/// a processor's cache.
pub const SIEVE_ENTRIES: usize = 1 << 20;

/// Bytes of a literal or phrase that it looks for: more make the table larger and rule out little.
pub const SIEVE_BYTES: usize = 6;

/// Literal texts of one way to match that a gate asks for: more cost more than they save.
pub const GATE_LITERALS: usize = 64;

/// Literal texts of all the ways in which one pattern may match.
pub const GATE_TEXTS: usize = 128;

/// Ways of one pattern that its gate tells apart, with literals and without.
pub const GATE_WAYS: usize = 8;

/// Ways of all patterns, with literals or without: with more each pattern has one of either.
pub const GATE_ALL_WAYS: usize = 4_096;

/// Bytes of a literal worth asking for: single bytes occur everywhere, and of pairs only those
/// without a letter, a digit or a blank are rare.
pub const GATE_MIN_BYTES: usize = 2;

/// Byte sets of one pattern that its gate asks for.
pub const GATE_MASKS: usize = 4;

/// Steps of one search by a pattern that needs backtracking, however short the value. None of
/// 73,000 recorded benign values needs more than this and the next together, whatever the pattern.
pub const BACKTRACK_STEPS: usize = 20_000;

/// Steps that each byte of the value adds. Rich text needs 10 on average under the worst pattern of
/// the Core Rule Set 3; a step takes some nanoseconds.
pub const BACKTRACK_STEPS_PER_BYTE: usize = 64;

/// Entries of the stack of such a search, 32 bytes each.
pub const BACKTRACK_STACK: usize = 65_536;

/// Bytes of the NFA of a regex that a request's own variables are part of: small, as it is made for
/// each value.
pub const EXPANDED_NFA_BYTES: usize = 256 * KIB;

/// Sets of four values whose answer a worker remembers: 200 KiB. What an application is sent again
/// and again (headers, names of fields, short values) are some hundreds to thousands.
pub const KNOWN_SETS: usize = 256;

/// Bytes of such a value: what browsers say of themselves takes up to 140. With its marks it fills
/// three cache lines.
pub const KNOWN_BYTES: usize = 169;

/// The same of short values, which are most: 576 KiB.
pub const KNOWN_SHORT_SETS: usize = 2048;

/// Bytes of a short value. With its marks it fills a cache line.
pub const KNOWN_SHORT_BYTES: usize = 41;

/// The same of long values: 260 KiB. A client sends the same token and cookies with each of some
/// dozens of requests, and all clients of an application the same few queries.
pub const KNOWN_LONG_SETS: usize = 32;

/// Bytes of a long value: tokens take up to some 1,500, queries of GraphQL mostly less than 2,000.
pub const KNOWN_LONG_BYTES: usize = 2048;

/// Names whose class a worker remembers: 20 KiB. A form or the headers have some dozens.
pub const KNOWN_NAMES: usize = 512;

/// Bytes of such a name. Most are shorter; with its class it takes forty.
pub const KNOWN_NAME_BYTES: usize = 29;

/// Signatures in the row of such a value: a well-formed header has two or three.
pub const KNOWN_SIGNATURES: usize = 6;

/// Combinations of steps that a plan remembers: values of one kind of field wake some dozens.
pub const CLOSURES: usize = 256;
