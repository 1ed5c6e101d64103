//! The files that `@pmFromFile` and `@ipMatchFromFile` name.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;

use super::files::Files;
use super::text::{Text, is_blank};
use crate::limits;
use crate::source::Report;

/// Phrases of `@pm` or `@pmFromFile`.
pub type Phrases = Arc<[Vec<u8>]>;

/// Networks of `@ipMatch` or `@ipMatchFromFile`.
pub type Networks = Arc<[IpNet]>;

/// Reads data files, each once.
pub(super) struct DataFiles<'f> {
    files: &'f dyn Files,
    phrases: BTreeMap<PathBuf, Phrases>,
    networks: BTreeMap<PathBuf, Networks>,
}

impl<'f> DataFiles<'f> {
    pub(super) fn new(files: &'f dyn Files) -> Self {
        Self { files, phrases: BTreeMap::new(), networks: BTreeMap::new() }
    }

    /// The phrases of one or more files, named relative to the file `rules`.
    pub(super) fn phrases(&mut self, rules: &Path, names: &Text) -> Result<Phrases, Report> {
        let mut lists = Vec::new();
        for name in names.split(is_blank).iter().filter(|name| !name.is_empty()) {
            let path = beside(rules, name);
            if !self.phrases.contains_key(&path) {
                let bytes = self.read(&path, name)?;
                let phrases: Phrases = entries(&bytes).map(<[u8]>::to_vec).collect();
                if phrases.is_empty() {
                    return Err(name.error(format!("`{}` holds no phrase", name.shown())));
                }
                self.phrases.insert(path.clone(), phrases);
            }
            lists.extend(self.phrases.get(&path).cloned());
        }
        match lists.as_slice() {
            [] => Err(names.error("the name of a file is expected behind `@pmFromFile`")),
            [one] => Ok(Arc::clone(one)),
            _ => Ok(lists.iter().flat_map(|list| list.iter().cloned()).collect()),
        }
    }

    /// The networks of a file, named relative to the file `rules`.
    pub(super) fn networks(&mut self, rules: &Path, name: &Text) -> Result<Networks, Report> {
        if name.is_empty() {
            return Err(name.error("the name of a file is expected behind `@ipMatchFromFile`"));
        }
        let path = beside(rules, name);
        if let Some(known) = self.networks.get(&path) {
            return Ok(Arc::clone(known));
        }
        let bytes = self.read(&path, name)?;
        let mut networks = Vec::new();
        for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            for entry in entries(line).flat_map(|line| line.split(|&byte| byte == b',')) {
                let entry = entry.trim_ascii();
                networks.push(network(entry).ok_or_else(|| {
                    let entry = String::from_utf8_lossy(entry);
                    let place = format!("`{}`, line {}", name.shown(), at + 1);
                    name.error(format!("{place}: `{entry}` is no address and no network"))
                })?);
            }
        }
        let networks: Networks = networks.into();
        self.networks.insert(path, Arc::clone(&networks));
        Ok(networks)
    }

    fn read(&self, path: &Path, name: &Text) -> Result<Vec<u8>, Report> {
        let cannot = |why: String| name.error(format!("cannot read `{}`: {why}", path.display()));
        let bytes = self.files.read(path).map_err(cannot)?;
        if bytes.len() > limits::SECLANG_FILE {
            return Err(cannot(format!("it has more than {} bytes", limits::SECLANG_FILE)));
        }
        Ok(bytes)
    }
}

/// A path as a rule file names it: relative to the folder of that file.
pub(super) fn beside(rules: &Path, name: &Text) -> PathBuf {
    rules.parent().unwrap_or(Path::new("")).join(name.shown())
}

/// The entries of a data file: one a line, blanks around them cut, without empty lines and those
/// that begin with `#`.
fn entries(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"))
}

/// `10.0.0.0/8`, or one address.
pub(super) fn network(text: &[u8]) -> Option<IpNet> {
    let text = std::str::from_utf8(text).ok()?;
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_files_may_have_comments() {
        let found: Vec<_> =
            entries(b"# shells\r\n\r\n  bash \r\nsh # not a comment\n\xe9").collect();
        assert_eq!(found, [&b"bash"[..], b"sh # not a comment", b"\xe9"]);
    }

    #[test]
    fn networks_and_addresses() {
        assert_eq!(network(b"10.0.0.0/8").map(|net| net.prefix_len()), Some(8));
        assert_eq!(network(b"::1").map(|net| net.prefix_len()), Some(128));
        assert_eq!(network(b"10.0.0.0/33"), None);
        assert_eq!(network(b"\xff"), None);
    }
}
