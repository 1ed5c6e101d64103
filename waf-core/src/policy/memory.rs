//! What one request may take of memory, worked out from what is allocated for it.

use super::{Policy, ResponseBody};
use crate::field::Collection;
use crate::limits;

/// Bytes that a step of a streamed value takes beside the end that it keeps: where each automaton
/// stands, what it still looks for.
const STEP: usize = 1_536;

/// Bytes of what holds of a rule: its conditions, and whether it has matched.
const HELD: usize = 16;

/// Bytes of one entry of a hash table, the key and what an empty place costs included.
const ENTRY: usize = 40;

/// Bytes of what became true of a field, and where.
const SIGHTING: usize = 32;

/// Bytes of one remembered JSON key: its hash in a table that is half empty, and in a list.
const KEY: usize = 28;

/// A stream of fields: the collections that it may bring, and whether their values may be spelled
/// otherwise in the source.
struct Stream(&'static [Collection], bool);

/// The raw body stands in the source as it is.
const RAW: Stream = Stream(&[Collection::RequestBody, Collection::Xml], false);

const MAIN: Stream = Stream(
    &[
        Collection::ArgsPost,
        Collection::ArgsPostNames,
        Collection::Files,
        Collection::FilesNames,
        Collection::FilesTmpContent,
        Collection::MultipartPartHeaders,
        Collection::RequestBody,
        Collection::Xml,
    ],
    true,
);

const GUESS: Stream =
    Stream(&[Collection::ArgsPost, Collection::ArgsPostNames, Collection::Xml], true);

const RESPONSE: Stream = Stream(&[Collection::ResponseBody], false);

impl Policy {
    /// Most bytes the engine keeps for one request, beside the body held by the proxy and without
    /// the window of [`Self::brotli_bound`].
    pub fn memory_bound(&self) -> usize {
        let limits = &self.settings.limits;
        let mut streams = self.stream(&RAW) + self.stream(&MAIN) + self.stream(&GUESS);
        if self.settings.response.body != ResponseBody::Off {
            streams += self.stream(&RESPONSE) + limits::DECODER;
        }
        // Each parser keeps the path to where it is; the deepest is the name.
        let names = 3 * (limits.depth * 32 + 4 * limits.field_name) + limits.part_headers;
        let keys = limits::JSON_KEYS * KEY;
        // The head as received, and as the parsers split it.
        let head = 2 * limits.url + limits.header_bytes + limits.headers * 64;
        streams + names + keys + head + self.facts() + self.program() + limits::DECODER
    }

    /// Most bytes that a body coded with brotli takes besides: the sender chooses the window, up
    /// to [`limits::BROTLI_WINDOW`].
    pub fn brotli_bound(&self) -> usize {
        // The window and what is read ahead of it, and the tables of its codes.
        (1 << limits::BROTLI_WINDOW) + 512 * 1024
    }

    /// A value up to the window, twice as much for how it is spelled, and the steps that it takes
    /// beyond.
    fn stream(&self, stream: &Stream) -> usize {
        let Stream(collections, spelled) = stream;
        let classes = self.ruleset.names.len();
        let plans = collections.iter().flat_map(|&collection| {
            let first = collection as usize * classes;
            self.plans.get(first..first + classes).unwrap_or_default()
        });
        let asked = plans.filter(|plan| !plan.is_empty());
        let Some(steps) = asked.map(|plan| plan.nodes.len()).max() else { return 0 };
        let window = self.settings.limits.field_window.max(limits::STREAM_BLOCK);
        let spelling = if *spelled { 2 * window } else { 0 };
        window + spelling + steps * (limits::STREAM_TAIL + STEP)
    }

    /// What was found, and what is known of each rule.
    fn facts(&self) -> usize {
        let found = limits::CELLS * (ENTRY + limits::CELL_BYTES);
        let shown = limits::CELLS * (limits::NAME_KEPT + limits::EXCERPT);
        let rules = self.stances.len() * (HELD + limits::CELL_BYTES);
        found + shown + limits::EVIDENCE + rules
    }

    /// What SecLang rules remember, where there are any.
    fn program(&self) -> usize {
        if self.ruleset.program.is_empty() {
            return 0;
        }
        limits::ROW_BYTES
            + limits::ROWS * 4 * ENTRY
            + limits::SIGHTINGS * SIGHTING
            + limits::OUTPUT_BYTES
            + limits::TX_BYTES
            + limits::FIRED * 2 * limits::MESSAGE
            + limits::ALSO_KEPT * limits::NAME_KEPT
    }
}
