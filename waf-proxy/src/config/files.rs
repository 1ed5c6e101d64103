//! Reading files through a small trait, so that tests can pass a map.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use waf_core::limits;

/// Where configuration and rules are read from.
pub trait Files: Send + Sync {
    /// The text of a file of at most [`limits::RULE_FILE`] bytes.
    fn read(&self, path: &Path) -> io::Result<String> {
        let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8");
        String::from_utf8(self.read_bytes(path)?).map_err(not_text)
    }

    /// The same, whatever bytes they are.
    fn read_bytes(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The files that `pattern` names, sorted: a file itself, every `.yaml` and `.yml` file in a
    /// folder and its folders, or what a glob matches. Nothing found is an empty list.
    fn find(&self, pattern: &Path) -> io::Result<Vec<PathBuf>>;
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read_bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(limits::RULE_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limits::RULE_FILE {
            let message = format!("longer than {} bytes", limits::RULE_FILE);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(bytes)
    }

    fn find(&self, pattern: &Path) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        if pattern.is_dir() {
            walk(pattern, &mut found)?;
        } else if pattern.exists() {
            found.push(pattern.to_owned());
        } else if let Some(text) = pattern.to_str().filter(|text| is_glob(text)) {
            let paths = glob::glob(text)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.msg))?;
            for path in paths {
                found.push(path.map_err(io::Error::from)?);
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Whether the text has a character that globs give a meaning to.
pub fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Whether the name ends as a YAML file's does.
pub fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // `file_type` does not follow links: a link to a folder above would never end.
        if entry.file_type()?.is_dir() {
            walk(&path, found)?;
        } else if is_yaml(&path) {
            found.push(path);
        }
    }
    Ok(())
}

/// Files in memory.
#[cfg(test)]
impl Files for std::collections::BTreeMap<PathBuf, String> {
    fn read_bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        let text = self.get(path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(text.clone().into_bytes())
    }

    fn find(&self, pattern: &Path) -> io::Result<Vec<PathBuf>> {
        let glob = pattern.to_str().and_then(|text| glob::Pattern::new(text).ok());
        let is_meant = |path: &&PathBuf| {
            path.starts_with(pattern) || glob.as_ref().is_some_and(|glob| glob.matches_path(path))
        };
        Ok(self.keys().filter(is_meant).cloned().collect())
    }
}
