//! `normalize_path` and `normalize_path_win`: the path without `//`, `.` and `..`.
//!
//! A relative path keeps the `..` that lead out of it, an absolute one loses them. A trailing `/`
//! stays where there was one. As in ModSecurity 2 a name that ends in two dots, such as `x..`, is
//! taken for a way back: it goes, and nothing before it.

use super::Machine;
use crate::bytes::ByteSet;

/// Gathers the value; a later `..` may delete anything before it. With `WINDOWS`, `\` is `/`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NormalizePath<const WINDOWS: bool> {
    path: Vec<u8>,
    changed: bool,
}

impl<const WINDOWS: bool> Machine for NormalizePath<WINDOWS> {
    const TRIGGERS: ByteSet = ByteSet::of(if WINDOWS { b"/.\\" } else { b"/." });

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.feed(&[byte], out);
    }

    fn feed(&mut self, input: &[u8], _out: &mut Vec<u8>) {
        self.path.extend_from_slice(input);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let mut path = std::mem::take(&mut self.path);
        if WINDOWS {
            for byte in path.iter_mut().filter(|byte| **byte == b'\\') {
                *byte = b'/';
                self.changed = true;
            }
        }
        let mut normal = Normal::new(&path, out);
        normal.run(&path);
        self.changed |= normal.changed;
        path.clear();
        self.path = path;
    }

    fn restart(&mut self) {
        self.path.clear();
        self.changed = false;
    }

    fn changed(&self) -> bool {
        self.changed
    }

    /// What stands before a trigger matters too.
    fn is_idle(&self) -> bool {
        false
    }
}

/// The path as normalised so far.
struct Normal<'a> {
    out: &'a mut Vec<u8>,
    /// Where in `out` it begins.
    start: usize,
    relative: bool,
    /// A `..` led out of the path; the following ones do too.
    above: bool,
    changed: bool,
}

impl<'a> Normal<'a> {
    fn new(path: &[u8], out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start, relative: path.first() != Some(&b'/'), above: false, changed: false }
    }

    fn run(&mut self, path: &[u8]) {
        let mut rest = path;
        while !rest.is_empty() {
            let end = rest.iter().position(|&byte| byte == b'/');
            let (segment, tail) = rest.split_at(end.unwrap_or(rest.len()));
            let slashes = tail.iter().take_while(|&&byte| byte == b'/').count();
            rest = tail.get(slashes..).unwrap_or_default();
            self.segment(segment, slashes == 0);
            self.changed |= slashes > 1;
            if slashes > 0 && !(self.relative && self.is_empty()) {
                self.slash();
            }
        }
        if path.last() != Some(&b'/') && self.out.len() > self.start {
            self.out.pop_if(|last| *last == b'/');
        }
    }

    fn is_empty(&self) -> bool {
        self.out.len() == self.start
    }

    fn slash(&mut self) {
        if self.is_empty() || self.out.last() != Some(&b'/') {
            self.out.push(b'/');
        }
    }

    fn segment(&mut self, segment: &[u8], is_last: bool) {
        match segment {
            [] => {}
            b"." => self.changed = true,
            [.., b'.', b'.'] if !self.leads_out(segment) => self.back(segment, is_last),
            _ => self.name(segment),
        }
    }

    /// Whether this `..` of a relative path has nothing to delete.
    fn leads_out(&self, segment: &[u8]) -> bool {
        self.relative && (self.above || (self.is_empty() && segment.len() <= 3))
    }

    fn name(&mut self, segment: &[u8]) {
        let is_first_letter = self.is_empty() && segment.len() == 1;
        if segment.ends_with(b"..") {
            self.above = true;
        } else if !is_first_letter && !segment.ends_with(b".") {
            self.above = false;
        }
        self.out.extend_from_slice(segment);
    }

    /// Deletes the segment before; after a name with two dots at its end only that name goes.
    fn back(&mut self, segment: &[u8], is_last: bool) {
        if segment.len() == 2 {
            self.out.truncate(self.parent());
        }
        self.above |= self.is_empty();
        // ModSecurity does not report a last one.
        self.changed |= !is_last;
    }

    /// Where the segment before begins. Here `out` ends in `/`.
    fn parent(&self) -> usize {
        let segments = self.out.get(self.start..).unwrap_or_default();
        let names = segments.strip_suffix(b"/").unwrap_or(segments);
        let slash = names.iter().rposition(|&byte| byte == b'/');
        self.start + slash.map_or(usize::from(!self.relative), |slash| slash + 1)
    }
}
