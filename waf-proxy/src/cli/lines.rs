//! JSON Lines, one at a time: files, compressed ones, and standard input.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::Failure;

/// Bytes of one line: the longest records, of thousands of matches, have a few hundred KB.
const LINE: u64 = 16 << 20;

/// The lines of a file.
pub(super) struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    number: usize,
    text: Vec<u8>,
}

impl Lines {
    /// `-` is standard input; what ends in `.gz` is decompressed.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let opened: io::Result<Box<dyn BufRead>> = match path.to_str() {
            Some("-") => Ok(Box::new(BufReader::new(io::stdin()))),
            _ => waf_corpus::read::open(path),
        };
        match opened {
            Ok(reader) => Ok(Self::new(path, reader)),
            Err(error) => {
                Err(Failure::unreadable(format!("cannot read {}: {error}", path.display())))
            }
        }
    }

    pub(super) fn new(path: &Path, reader: Box<dyn BufRead>) -> Self {
        Self { path: path.to_owned(), reader, number: 0, text: Vec::new() }
    }

    /// The next line that is not blank.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        loop {
            self.number += 1;
            self.text.clear();
            let read = self.reader.by_ref().take(LINE).read_until(b'\n', &mut self.text);
            match read {
                Ok(0) => return Ok(None),
                Ok(length) if length as u64 == LINE => {
                    return Err(self.wrong(&format!("the line is longer than {LINE} bytes")));
                }
                Ok(_) if self.text.iter().all(u8::is_ascii_whitespace) => {}
                Ok(_) => return Ok(Some(&self.text)),
                Err(error) => return Err(self.wrong(&error.to_string())),
            }
        }
    }

    /// The next line as a value; `what` it should be is told where it is none.
    pub(super) fn next_as<T: DeserializeOwned>(
        &mut self,
        what: &str,
    ) -> Result<Option<T>, Failure> {
        let read = match self.next()? {
            None => return Ok(None),
            Some(line) => serde_json::from_slice(line),
        };
        read.map(Some).map_err(|error| self.wrong(&format!("this is no {what}: {error}")))
    }

    /// A complaint about the line that was read last.
    pub(super) fn wrong(&self, why: &str) -> Failure {
        Failure::unreadable(format!("{}:{}: {why}", self.path.display(), self.number))
    }
}
