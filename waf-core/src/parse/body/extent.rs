//! How far a body that is no declared form may be one. Read as a form, the bytes of a picture and the
//! lines of a program are names and values of nonsense, in which rules see attacks by chance: so
//! such a form ends where no form goes on.

use super::quiet::{Mute, Quiet};
use crate::field::FieldSink;
use crate::parse::urlencoded::Urlencoded;

/// Types that are no text, of which the first part does not say so.
const BINARY_TYPES: [&[u8]; 23] = [
    b"application/cbor",
    b"application/gzip",
    b"application/java-archive",
    b"application/msgpack",
    b"application/octet-stream",
    b"application/pdf",
    b"application/protobuf",
    b"application/vnd.android.package-archive",
    b"application/vnd.google.protobuf",
    b"application/vnd.ms-excel",
    b"application/vnd.ms-powerpoint",
    b"application/vnd.rar",
    b"application/wasm",
    b"application/x-7z-compressed",
    b"application/x-bzip2",
    b"application/x-gzip",
    b"application/x-msgpack",
    b"application/x-protobuf",
    b"application/x-tar",
    b"application/x-zip-compressed",
    b"application/zip",
    b"application/zstd",
    b"binary/octet-stream",
];

/// Beginnings of such types, and of the families of documents that are archives.
const BINARY_FAMILIES: [&[u8]; 7] = [
    b"image/",
    b"audio/",
    b"video/",
    b"font/",
    b"application/grpc",
    b"application/vnd.oasis.opendocument.",
    b"application/vnd.openxmlformats-officedocument.",
];

/// Types of texts that are lines: pages, programs, tables, messages.
const LINE_TYPES: [&[u8]; 34] = [
    b"application/ecmascript",
    b"application/javascript",
    b"application/rtf",
    b"application/sql",
    b"application/toml",
    b"application/x-javascript",
    b"application/x-sh",
    b"application/x-yaml",
    b"application/yaml",
    b"text/calendar",
    b"text/css",
    b"text/csv",
    b"text/ecmascript",
    b"text/html",
    b"text/javascript",
    b"text/markdown",
    b"text/tab-separated-values",
    b"text/troff",
    b"text/vcard",
    b"text/vtt",
    b"text/x-c",
    b"text/x-c++",
    b"text/x-diff",
    b"text/x-java",
    b"text/x-log",
    b"text/x-markdown",
    b"text/x-perl",
    b"text/x-php",
    b"text/x-python",
    b"text/x-ruby",
    b"text/x-sh",
    b"text/x-shellscript",
    b"text/x-yaml",
    b"text/yaml",
];

/// Up to where a body may be a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Up to the first line end: a form writes it as `%0A`.
    Line,
    /// Up to the first control character other than a tab or a line end.
    Text,
}

impl Extent {
    /// Of a type, in lower case and without parameters.
    pub(super) fn of(essence: &[u8]) -> Self {
        let is_family = |family: &&[u8]| essence.starts_with(family);
        if BINARY_TYPES.contains(&essence) || BINARY_FAMILIES.iter().any(is_family) {
            Self::Text
        } else if LINE_TYPES.contains(&essence) || essence.starts_with(b"message/") {
            Self::Line
        } else {
            Self::Whole
        }
    }

    /// How many of these bytes stand before its end, when it is among them.
    fn end(self, bytes: &[u8]) -> Option<usize> {
        let is_control = |byte: &u8| byte.is_ascii_control() && !b"\t\r\n".contains(byte);
        match self {
            Self::Whole => None,
            Self::Line => memchr::memchr2(b'\r', b'\n', bytes),
            Self::Text => bytes.iter().position(is_control),
        }
    }
}

/// A body read as a form that it may not be: nobody is told what is wrong with it.
pub(super) struct GuessedForm {
    form: Urlencoded,
    mute: Mute,
    extent: Extent,
    is_over: bool,
}

impl GuessedForm {
    pub(super) fn new(form: Urlencoded, extent: Extent) -> Self {
        Self { form, mute: Mute::default(), extent, is_over: false }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut dyn FieldSink) {
        if self.is_over {
            return;
        }
        let end = self.extent.end(bytes);
        let text = &bytes[..end.unwrap_or(bytes.len())];
        self.form.feed(text, &mut Quiet::new(sink, &mut self.mute));
        if end.is_some() {
            self.finish(sink);
        }
    }

    pub(super) fn finish(&mut self, sink: &mut dyn FieldSink) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.form.finish(&mut Quiet::new(sink, &mut self.mute));
        }
    }
}
