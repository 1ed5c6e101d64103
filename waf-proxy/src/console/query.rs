//! What an operator asked to see: the query of a page's address, and links to others like it.

use form_urlencoded::Serializer;
use waf_core::record::{Decision, Source};

use super::filter::Filter;

/// Bytes of a value: ids, names, addresses and the beginnings of paths.
const VALUE: usize = 256;

/// Rows of a page that may be asked for: the ring holds the largest number.
pub(super) const ROWS: [usize; 3] = [100, 250, 1_000];

/// What a page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// Which records.
    pub(super) filter: Filter,
    /// Only those older than the record of this request.
    pub(super) before: String,
    /// How many of them, one of [`ROWS`].
    pub(super) rows: usize,
    /// Whether the page renews itself.
    pub(super) is_live: bool,
}

impl Default for Query {
    fn default() -> Self {
        Self { filter: Filter::default(), before: String::new(), rows: ROWS[0], is_live: true }
    }
}

impl Query {
    /// Reads a query. What is not known is an error: a filter that is silently left out misleads.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut query = Self::default();
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            let value = value.trim();
            if value.len() > VALUE {
                return Err(format!("the value of `{key}` is longer than {VALUE} bytes"));
            }
            query.set(&key, value)?;
        }
        Ok(query)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let filter = &mut self.filter;
        let text = match key {
            "decision" => {
                filter.decision = word(key, value, &DECISIONS, Decision::name)?;
                return Ok(());
            }
            "source" => {
                filter.source = word(key, value, &SOURCES, Source::name)?;
                return Ok(());
            }
            "rows" => {
                let rows = ROWS.into_iter().find(|rows| rows.to_string() == value);
                self.rows = rows.ok_or_else(|| format!("`rows` is one of {ROWS:?}"))?;
                return Ok(());
            }
            "live" => {
                self.is_live = value != "off";
                return Ok(());
            }
            "route" => &mut filter.route,
            "rule" => &mut filter.rule,
            "client" => &mut filter.client,
            "path" => &mut filter.path,
            "id" => &mut filter.id,
            "before" => &mut self.before,
            _ => return Err(format!("`{key}` is nothing to filter by")),
        };
        value.clone_into(text);
        Ok(())
    }

    /// The address of the page at `path` that shows this, after a change.
    pub(super) fn link(&self, path: &str, change: impl FnOnce(&mut Self)) -> String {
        let mut other = self.clone();
        other.before.clear();
        change(&mut other);
        let mut text = Serializer::new(String::new());
        for (key, value) in other.pairs() {
            if !value.is_empty() {
                text.append_pair(key, value);
            }
        }
        if other.rows != ROWS[0] {
            text.append_pair("rows", &other.rows.to_string());
        }
        match text.finish() {
            text if text.is_empty() => path.to_owned(),
            text => format!("{path}?{text}"),
        }
    }

    fn pairs(&self) -> [(&'static str, &str); 9] {
        let filter = &self.filter;
        [
            ("decision", filter.decision.map_or("", Decision::name)),
            ("source", filter.source.map_or("", Source::name)),
            ("route", &filter.route),
            ("rule", &filter.rule),
            ("client", &filter.client),
            ("path", &filter.path),
            ("id", &filter.id),
            ("before", &self.before),
            ("live", if self.is_live { "" } else { "off" }),
        ]
    }
}

/// Every decision and source, in the order in which they are offered.
pub(super) const DECISIONS: [Decision; 3] = [Decision::Block, Decision::WouldBlock, Decision::Pass];
/// See [`DECISIONS`].
pub(super) const SOURCES: [Source; 6] =
    [Source::Waf, Source::Protocol, Source::Size, Source::Ip, Source::Proxy, Source::Origin];

/// The one of `known` that is called `value`; none for no value.
fn word<T: Copy>(
    key: &str,
    value: &str,
    known: &[T],
    name: fn(T) -> &'static str,
) -> Result<Option<T>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    let found = known.iter().copied().find(|one| name(*one) == value);
    let names = || known.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
    found.map(Some).ok_or_else(|| format!("`{key}` is one of {}", names()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::*;

    #[test]
    fn a_link_reads_back_as_what_it_was_made_of() {
        let mut query = Query { rows: 250, is_live: false, ..Query::default() };
        query.filter.decision = Some(Decision::WouldBlock);
        query.filter.source = Some(Source::Origin);
        query.filter.path = "/a b?&=%\"<ü>".into();
        query.filter.rule = "100200".into();
        let link = query.link("/console", |_| ());
        assert!(link.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<> ".contains(&byte)));
        assert_eq!(Query::parse(link.strip_prefix("/console?").unwrap()).unwrap(), query);
        assert_eq!(Query::default().link("/console", |_| ()), "/console");
    }

    #[test]
    fn a_changed_filter_begins_at_its_first_page() {
        let query = Query { before: "x".into(), ..Query::default() };
        assert_eq!(query.link("/c", |query| query.filter.route = "a".into()), "/c?route=a");
        assert_eq!(query.link("/c", |query| query.before = "y".into()), "/c?before=y");
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        for text in ["decision=deny", "source=me", "rows=7", "colour=red", &"id=x".repeat(100)] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
        assert_eq!(Query::parse("").unwrap(), Query::default());
        assert_eq!(Query::parse("decision=&rule=+&route=").unwrap(), Query::default());
    }
}
