//! Which records a page shows.

use std::net::IpAddr;

use ipnet::IpNet;
use waf_core::record::{Decision, DecisionRecord, Source};

/// What a record must have. An empty text asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// This decision.
    pub(super) decision: Option<Decision>,
    /// An answer by this one.
    pub(super) source: Option<Source>,
    /// This route.
    pub(super) route: String,
    /// A match of a rule whose id begins so: `942` is a family, `sqli-` a class.
    pub(super) rule: String,
    /// This address, one of this network, or one that begins so.
    pub(super) client: String,
    /// A path that begins so.
    pub(super) path: String,
    /// An id, ours or the client's, that begins so.
    pub(super) id: String,
}

impl Filter {
    /// Whether the record is shown.
    pub(super) fn takes(&self, record: &DecisionRecord) -> bool {
        let has_rule = |begin: &str| record.matches.iter().any(|m| m.rule_id.starts_with(begin));
        let own_id = record.request_id.starts_with(&self.id);
        let id = record.client_request_id.as_ref().is_some_and(|id| id.starts_with(&self.id));
        self.decision.is_none_or(|decision| decision == record.decision)
            && self.source.is_none_or(|source| source == record.source)
            && (self.route.is_empty() || self.route == record.route)
            && (self.rule.is_empty() || has_rule(&self.rule))
            && is_of(&record.client.ip, &self.client)
            && record.request.path.starts_with(&self.path)
            && (own_id || id)
    }

    /// Asks for a path, as much of it as a filter may hold.
    pub(super) fn set_path(&mut self, path: &str) {
        path[..path.floor_char_boundary(128)].clone_into(&mut self.path);
    }

    /// Whether it takes every record.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether an address is the one, in the network, or begins as `wanted` says.
fn is_of(address: &str, wanted: &str) -> bool {
    if let Ok(network) = wanted.parse::<IpNet>() {
        return address.parse::<IpAddr>().is_ok_and(|address| network.contains(&address));
    }
    match wanted.parse::<IpAddr>() {
        Ok(wanted) => address.parse() == Ok(wanted),
        Err(_) => address.starts_with(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_record::blocked;

    fn takes(change: impl FnOnce(&mut Filter)) -> bool {
        let mut record = blocked("01JD-a");
        record.client_request_id = Some("shop-7".into());
        let mut filter = Filter::default();
        change(&mut filter);
        filter.takes(&record)
    }

    #[test]
    fn each_part_is_compared_with_its_own() {
        assert!(takes(|_| ()));
        assert!(takes(|f| f.decision = Some(Decision::Block)));
        assert!(!takes(|f| f.decision = Some(Decision::WouldBlock)));
        assert!(takes(|f| f.source = Some(Source::Waf)));
        assert!(!takes(|f| f.source = Some(Source::Origin)));
        assert!(takes(|f| f.route = "default".into()) && !takes(|f| f.route = "def".into()));
        assert!(takes(|f| f.rule = "sqli-".into()) && !takes(|f| f.rule = "xss-".into()));
        assert!(takes(|f| f.path = "/log".into()) && !takes(|f| f.path = "/in".into()));
        assert!(takes(|f| f.id = "01JD".into()) && takes(|f| f.id = "shop-7".into()));
        assert!(!takes(|f| f.id = "JD".into()));
    }

    #[test]
    fn clients_are_addresses_and_networks() {
        for (address, wanted, expected) in [
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.70", "203.0.113.7", false),
            ("203.0.113.7", "203.0.113.0/24", true),
            ("203.0.114.7", "203.0.113.0/24", false),
            ("203.0.113.7", "203.0.", true),
            ("2001:db8::1", "2001:DB8:0::1", true),
            ("2001:db8::1", "2001:db8::/32", true),
            ("2001:db8::1", "", true),
            ("not an address", "::/0", false),
        ] {
            assert_eq!(is_of(address, wanted), expected, "{address} {wanted}");
        }
    }

    #[test]
    fn all_parts_must_hold() {
        assert!(!takes(|f| {
            f.rule = "sqli-".into();
            f.source = Some(Source::Origin);
        }));
    }
}
