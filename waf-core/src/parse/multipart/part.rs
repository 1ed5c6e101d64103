//! One part: its header lines, what they make of it, and its end.

use memchr::memchr;

use super::disposition::{Disposition, Parameter};
use super::{Kind, Multipart, State};
use crate::field::{Collection, Field, FieldName, FieldSink};
use crate::finding::Finding;
use crate::parse::media_type::is_token;

/// The part being read.
#[derive(Default)]
pub(super) struct Part {
    /// The name its fields go by, cut to `limits.field_name`.
    name: Vec<u8>,
    upload: bool,
    /// Bytes of content.
    pub(super) size: u64,
}

impl Multipart {
    /// Gathers header lines.
    pub(super) fn headers(&mut self, input: &[u8], sink: &mut dyn FieldSink) -> usize {
        let line_end = memchr(b'\n', input);
        let wanted = line_end.map_or(input.len(), |at| at + 1);
        let taken = wanted.min(self.max_headers.saturating_sub(self.block.len()));
        if taken == 0 {
            self.tally.finding(Finding::LimitParts, self.offset, sink);
            self.tell_headers(self.offset + 1, sink);
            self.rest(self.offset, sink);
            return 0;
        }
        self.block.extend(input.iter().take(taken));
        if line_end.is_some() && taken == wanted {
            self.end_line(self.offset + taken as u64, sink);
        }
        taken
    }

    /// A line of the block is complete.
    fn end_line(&mut self, known: u64, sink: &mut dyn FieldSink) {
        let line = self.block.get(self.line..).unwrap_or(&[]);
        let at = self.block_at + self.line as u64;
        if self.delimiter.begins(line) {
            return self.boundary_in_headers(known, sink);
        }
        let (text, crlf) = match line.strip_suffix(b"\r\n") {
            Some(text) => (text, true),
            None => (line.strip_suffix(b"\n").unwrap_or(line), false),
        };
        let (blank, clean) = (text.is_empty(), text.is_empty() || is_header(text));
        if !crlf || !clean {
            self.odd_line.get_or_insert(if crlf { at } else { known - 1 });
        }
        self.line = self.block.len();
        if blank {
            self.begin_content(known, sink);
        }
    }

    /// A boundary where a header should be: what the part is nobody can tell.
    fn boundary_in_headers(&mut self, known: u64, sink: &mut dyn FieldSink) {
        let at = self.block_at + self.line as u64;
        let line = self.block.split_off(self.line);
        self.odd_line.get_or_insert(at);
        self.tell_headers(known, sink);
        self.rest(at, sink);
        sink.decoded(&line, known);
    }

    fn begin_content(&mut self, known: u64, sink: &mut dyn FieldSink) {
        self.tell_headers(known, sink);
        let collection =
            if self.part.upload { Collection::FilesTmpContent } else { Collection::ArgsPost };
        sink.begin(Field { collection, name: FieldName::flat(&self.part.name), at: known });
        self.delimiter.reset_to_line_start();
        self.state = State::Content;
    }

    /// The header lines are complete: tells them and what they say. What is wrong with them comes
    /// last: a sink takes a finding to be known when the event before it is.
    pub(super) fn tell_headers(&mut self, known: u64, sink: &mut dyn FieldSink) {
        let block = std::mem::take(&mut self.block);
        let dispositions: Vec<(usize, Disposition)> = dispositions(&block).collect();
        let none = Disposition::default();
        let disposition = dispositions.first().map_or(&none, |(_, disposition)| disposition);
        self.begin_part(disposition);
        for (at, line) in lines(&block) {
            self.tell_part(Collection::MultipartPartHeaders, line, at, known, sink);
        }
        let names =
            if self.part.upload { Collection::FilesNames } else { Collection::ArgsPostNames };
        for Parameter { value, at } in &disposition.filenames {
            self.tell_part(Collection::Files, value, *at, known, sink);
        }
        for Parameter { value, at } in &disposition.names {
            self.tell_part(names, value, *at, known, sink);
        }
        self.judge_headers(&block, &dispositions, sink);
        self.judge_part(disposition, sink);
        self.block = block;
    }

    fn begin_part(&mut self, disposition: &Disposition) {
        self.parts = self.parts.saturating_add(1);
        let name = disposition.names.first().map_or(&[][..], |name| &name.value);
        self.part = Part {
            name: name.iter().copied().take(self.max_name).collect(),
            upload: self.kind == Kind::Mixed || !disposition.filenames.is_empty(),
            size: 0,
        };
    }

    /// What is wrong with the header lines.
    fn judge_headers(
        &mut self,
        block: &[u8],
        dispositions: &[(usize, Disposition)],
        sink: &mut dyn FieldSink,
    ) {
        if let Some(at) = self.odd_line.take() {
            self.fault(at, sink);
        }
        let nested = lines(block).find(|(_, line)| {
            let (name, value_at) = header_name(line);
            name.eq_ignore_ascii_case(b"content-type")
                && is_multipart(line.get(value_at..).unwrap_or(&[]))
        });
        if let Some((at, _)) = nested {
            self.tally.finding(Finding::ParseMultipartNested, self.block_at + at as u64, sink);
        }
        let form = self.kind == Kind::Form;
        let wrong = dispositions
            .iter()
            .enumerate()
            .find(|(number, (_, disposition))| *number > 0 || (form && disposition.malformed));
        if let Some((_, (at, _))) = wrong {
            self.fault(self.block_at + *at as u64, sink);
        }
        if form && dispositions.first().is_none_or(|(_, first)| first.names.is_empty()) {
            self.fault(self.block_at, sink);
        }
    }

    /// What is too much of a part.
    fn judge_part(&mut self, disposition: &Disposition, sink: &mut dyn FieldSink) {
        if self.parts > self.max_parts {
            self.tally.finding(Finding::LimitParts, self.block_at, sink);
        }
        self.tally.field(self.block_at, sink);
        if disposition.names.first().is_some_and(|name| name.value.len() > self.max_name) {
            self.tally.finding(Finding::LimitName, self.block_at, sink);
        }
    }

    /// The content ends.
    pub(super) fn end_part(&mut self, known: u64, sink: &mut dyn FieldSink) {
        sink.end(known);
        if self.part.upload {
            self.uploaded = self.uploaded.saturating_add(self.part.size);
            let size = self.part.size.to_string();
            let Part { name, .. } = &self.part;
            tell(Collection::FilesSizes, name, size.as_bytes(), known, known, sink);
        }
    }

    /// Tells a value that begins at `at` in the block.
    fn tell_part(
        &self,
        collection: Collection,
        value: &[u8],
        at: usize,
        known: u64,
        sink: &mut dyn FieldSink,
    ) {
        tell(collection, &self.part.name, value, self.block_at + at as u64, known, sink);
    }
}

/// A whole field. All of it is known only where its name is, which may be later than its bytes.
pub(super) fn tell(
    collection: Collection,
    name: &[u8],
    value: &[u8],
    at: u64,
    known: u64,
    sink: &mut dyn FieldSink,
) {
    sink.begin(Field { collection, name: FieldName::flat(name), at });
    if !value.is_empty() {
        sink.decoded(value, known);
    }
    sink.end(known);
}

/// The header lines of a block without their line ends, each with its place; folded ones whole.
fn lines(block: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        while at < block.len() && (at == start || matches!(block.get(at), Some(b' ' | b'\t'))) {
            let rest = block.get(at..).unwrap_or(&[]);
            at += memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        }
        let line = block.get(start..at).unwrap_or(&[]);
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        (start < at).then(|| (start, line.strip_suffix(b"\r").unwrap_or(line)))
    })
    .filter(|(_, line)| !line.is_empty())
}

/// The Content-Disposition lines of a block, each with its place.
fn dispositions(block: &[u8]) -> impl Iterator<Item = (usize, Disposition)> {
    lines(block).filter_map(|(at, line)| {
        let (name, value_at) = header_name(line);
        let value = line.get(value_at..).unwrap_or(&[]);
        let wanted = name.eq_ignore_ascii_case(b"content-disposition");
        wanted.then(|| (at, Disposition::parse(value).shifted(at + value_at)))
    })
}

/// A header's name, and where its value begins.
fn header_name(line: &[u8]) -> (&[u8], usize) {
    let colon = line.iter().position(|&byte| byte == b':');
    let name = line.get(..colon.unwrap_or(0)).unwrap_or(&[]);
    (name.trim_ascii(), colon.map_or(line.len(), |at| at + 1))
}

/// Whether a line is a header that every parser reads alike: not folded, a token before the colon,
/// no control bytes.
fn is_header(line: &[u8]) -> bool {
    let control = |&byte: &u8| byte.is_ascii_control() && byte != b'\t';
    let colon = line.iter().position(|&byte| byte == b':');
    let name = colon.and_then(|at| line.get(..at));
    name.is_some_and(is_token) && !line.iter().any(control)
}

fn is_multipart(media_type: &[u8]) -> bool {
    let prefix = b"multipart/";
    let start = media_type.trim_ascii_start().get(..prefix.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
