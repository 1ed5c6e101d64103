//! Queries and form bodies.

use waf_core::field::{Collection, Recorder};
use waf_core::limits::Limits;
use waf_core::parse::urlencoded::Urlencoded;

use crate::lanes::{assert_sound, findings, rows};
use crate::{cuts, limits, percent};

/// `data` as a form: the same in pieces, and split as a splitter would.
pub fn check(data: &[u8]) {
    for limits in limits::both() {
        let recorder = cuts::same(data, |pieces| read(pieces, &limits));
        assert_sound(&recorder, data.len());
        if !findings(&recorder).iter().any(|id| id.starts_with("limit-")) {
            assert_agrees(data, &recorder);
        }
    }
}

fn read(pieces: &[&[u8]], limits: &Limits) -> Recorder {
    let mut recorder = Recorder::new();
    let mut form = Urlencoded::new(Collection::ArgsPostNames, Collection::ArgsPost, limits);
    pieces.iter().for_each(|piece| form.feed(piece, &mut recorder));
    form.finish(&mut recorder);
    recorder
}

fn assert_agrees(data: &[u8], recorder: &Recorder) {
    let (mut names, mut values, mut any_broken) = (Vec::new(), Vec::new(), false);
    for pair in data.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
        let mark = pair.iter().position(|&byte| byte == b'=');
        let name = &pair[..mark.unwrap_or(pair.len())];
        let value = mark.map_or(&b""[..], |mark| &pair[mark + 1..]);
        let (name, broken_name) = percent::decode_form(name);
        let (value, broken_value) = percent::decode_form(value);
        any_broken |= broken_name || broken_value;
        names.push((name.clone(), name.clone()));
        values.push((name, value));
    }
    assert_eq!(!findings(recorder).is_empty(), any_broken, "broken escapes are told");
    let owned = |collection| -> Vec<(Vec<u8>, Vec<u8>)> {
        let rows = rows(recorder, collection);
        rows.into_iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
    };
    assert_eq!(owned(Collection::ArgsPostNames), names);
    assert_eq!(owned(Collection::ArgsPost), values);
}
