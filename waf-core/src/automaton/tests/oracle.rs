//! What is right, worked out slowly by other means: `regex_automata::meta` says whether a pattern
//! matches, and its `PikeVM`, asked of every stretch, where the first match ends.

use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, meta};

/// One pattern, to be asked.
pub(super) struct Oracle {
    regex: meta::Regex,
    vm: PikeVM,
}

impl Oracle {
    pub(super) fn new(pattern: &str) -> Self {
        let syntax = syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true);
        let config = meta::Config::new().utf8_empty(false);
        let regex = meta::Builder::new().syntax(syntax).configure(config).build(pattern).unwrap();
        let nfa = thompson::Config::new().utf8(false).which_captures(WhichCaptures::Implicit);
        let vm = PikeVM::builder()
            .syntax(syntax)
            .thompson(nfa)
            .configure(PikeVM::config().match_kind(MatchKind::All))
            .build(pattern)
            .unwrap();
        Self { regex, vm }
    }

    /// Whether the pattern matches somewhere.
    pub(super) fn matches(&self, value: &[u8]) -> bool {
        self.regex.is_match(value)
    }

    /// The smallest end of any match: the first `end` for which some stretch up to it, in the whole
    /// value, is a match.
    pub(super) fn first_end(&self, value: &[u8]) -> Option<usize> {
        let mut cache = self.vm.create_cache();
        (0..=value.len()).find(|&end| {
            // Under `All` an anchored search gives the longest match in the stretch; an unanchored
            // one bounded by `end` gives the first start only, so every start is tried.
            (0..=end).any(|start| {
                let input = Input::new(value).range(start..end).anchored(Anchored::Yes);
                self.vm.find(&mut cache, input).is_some_and(|found| found.end() == end)
            })
        })
    }

    /// Whether a match ends at `end` whatever follows there.
    pub(super) fn certain(&self, value: &[u8], end: usize) -> bool {
        [&b""[..], b"a", b"-", b"\n", b"\r", b"\r\n"].iter().all(|more| {
            let value = [&value[..end], more].concat();
            self.first_end(&value).is_some_and(|first| first <= end)
        })
    }
}
