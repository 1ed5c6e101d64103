//! Counts in a file: lines of a key, a name and a number, apart by tabs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::callgrind::Count;

const HEAD: &str = "# Instructions of one request, by callgrind: key, request, count. Kept by\n\
                    # `cost gate --update`.\n";

/// Counts by key and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept(BTreeMap<(String, String), u64>);

impl Kept {
    /// Reads a file; one that is not there holds nothing.
    ///
    /// # Errors
    /// When it has another form.
    pub fn read(path: &Path) -> Result<Self, String> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|why| format!("{}: {why}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let entries = lines.map(|line| {
            let parts: Vec<&str> = line.split('\t').collect();
            let [key, name, count] = parts[..] else { return Err(format!("bad line `{line}`")) };
            let count = count.parse().map_err(|_| format!("bad count in `{line}`"))?;
            Ok(((key.to_owned(), name.to_owned()), count))
        });
        entries.collect::<Result<_, _>>().map(Self)
    }

    /// The count of a request under a key.
    pub fn of(&self, key: &str, name: &str) -> Option<u64> {
        self.0.get(&(key.to_owned(), name.to_owned())).copied()
    }

    /// With all counts of a key replaced by these.
    #[must_use]
    pub fn with(mut self, key: &str, counts: &[Count]) -> Self {
        self.0.retain(|(known, _), _| known != key);
        let entries = counts.iter();
        self.0.extend(
            entries.map(|count| ((key.to_owned(), count.name.clone()), count.instructions)),
        );
        self
    }

    /// Writes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        std::fs::write(path, self.text())
    }

    fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for ((key, name), count) in &self.0 {
            let _ = writeln!(text, "{key}\t{name}\t{count}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let count = |name: &str, instructions| Count { name: name.to_owned(), instructions };
        let kept = Kept::default()
            .with("a", &[count("get", 1), count("form", 2)])
            .with("b", &[count("get", 3)])
            .with("a", &[count("get", 4)]);
        assert_eq!(Kept::parse(&kept.text()), Ok(kept.clone()));
        let of = |key, name| kept.of(key, name);
        assert_eq!((of("a", "get"), of("a", "form"), of("b", "get")), (Some(4), None, Some(3)));
        assert!(Kept::parse("a\tb\n").is_err() && Kept::parse("a\tb\tc\n").is_err());
    }
}
