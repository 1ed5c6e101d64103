//! Bodies that are no text. Read as a form, their bytes are names and values of nonsense, in which
//! rules see attacks by chance: so such a form ends where no form goes on.

use super::quiet::{Mute, Quiet};
use crate::field::FieldSink;
use crate::parse::urlencoded::Urlencoded;

/// Types whose name does not say so by its first part.
const TYPES: [&[u8]; 23] = [
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
const FAMILIES: [&[u8]; 7] = [
    b"image/",
    b"audio/",
    b"video/",
    b"font/",
    b"application/grpc",
    b"application/vnd.oasis.opendocument.",
    b"application/vnd.openxmlformats-officedocument.",
];

/// Whether a body of this type, in lower case and without parameters, is no text.
pub(super) fn is_binary(essence: &[u8]) -> bool {
    TYPES.contains(&essence) || FAMILIES.iter().any(|family| essence.starts_with(family))
}

/// A body read as a form that it may not be: nobody is told what is wrong with it. Of a type that is
/// no text it ends at the first control character other than a tab or a line end, which a form
/// writes as `%01`.
pub(super) struct GuessedForm {
    form: Urlencoded,
    mute: Mute,
    is_binary: bool,
    is_over: bool,
}

impl GuessedForm {
    pub(super) fn new(form: Urlencoded, is_binary: bool) -> Self {
        Self { form, mute: Mute::default(), is_binary, is_over: false }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut dyn FieldSink) {
        if self.is_over {
            return;
        }
        let is_control = |byte: &u8| byte.is_ascii_control() && !b"\t\r\n".contains(byte);
        let end = if self.is_binary { bytes.iter().position(is_control) } else { None };
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
