//! What body parsers tell, recorded and looked over.

use waf_core::field::{Collection, FieldSink, Recorder};
use waf_core::parse::lane::{Lane, Streams};

/// A recorder for each lane.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Lanes {
    pub(crate) raw: Recorder,
    pub(crate) main: Recorder,
    pub(crate) guess: Recorder,
}

impl Streams for Lanes {
    fn stream(&mut self, lane: Lane) -> &mut dyn FieldSink {
        match lane {
            Lane::Raw => &mut self.raw,
            Lane::Main => &mut self.main,
            Lane::Guess => &mut self.guess,
        }
    }
}

impl Lanes {
    /// Asserts what every sink may rely on, for each lane.
    pub(crate) fn assert_sound(&self, length: usize) {
        for recorder in [&self.raw, &self.main, &self.guess] {
            assert_sound(recorder, length);
        }
    }
}

/// Asserts what every sink may rely on: calls in order, no field left open, offsets that never go
/// back and stay within the source.
pub(crate) fn assert_sound(recorder: &Recorder, length: usize) {
    assert_eq!(recorder.misuse, Vec::<&str>::new());
    let mut last = 0;
    for field in &recorder.fields {
        let end = field.end.expect("a field was left open");
        for &known in field.known.iter().chain([&end]) {
            assert!(last <= known && known <= length as u64, "{known} after {last}: {field:?}");
            last = known;
        }
        assert!(field.at <= end, "it ends before it begins: {field:?}");
    }
    let inside = |&(_, at): &(_, u64)| at <= length as u64;
    assert!(recorder.findings.iter().all(inside), "{:?}", recorder.findings);
}

/// The fields of a collection in order: name and value.
pub(crate) fn rows(recorder: &Recorder, collection: Collection) -> Vec<(&[u8], &[u8])> {
    let fields = recorder.fields.iter().filter(|field| field.collection == collection);
    fields.map(|field| (&field.name[..], &field.value[..])).collect()
}

/// The ids of the findings.
pub(crate) fn findings(recorder: &Recorder) -> Vec<&'static str> {
    recorder.findings.iter().map(|(finding, _)| finding.id()).collect()
}
