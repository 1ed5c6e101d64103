//! What the schemas of others say of every field that is written: facts taken from the published texts
//! named above each table, and held against them by `published`.

use std::net::IpAddr;

use serde_json::Value;

/// A schema, as far as it is used.
pub(super) struct Schema {
    /// A line for each field: its path, `!` where it is required, its type, `array` where a list holds
    /// it, and the values that are used of those allowed.
    pub(super) fields: &'static str,
    /// Objects of which one of some members is asked for; the document itself has no name.
    pub(super) one_of: &'static [(&'static str, &'static [&'static str])],
    /// Where our own words stand, which it says nothing of.
    pub(super) beside: &'static str,
}

/// `elastic/ecs`, v9.4.0: `generated/csv/fields.csv`, and `generated/ecs/ecs_flat.yml` for what is
/// required and allowed.
pub(super) const ECS: Schema = Schema {
    fields: "\
@timestamp! date
message match_only_text
tags keyword array
labels.route keyword
ecs! object
ecs.version! keyword
event.kind keyword = alert|event
event.category keyword array = web|intrusion_detection
event.type keyword array = access|allowed|denied
event.action keyword
event.outcome keyword = failure|success|unknown
event.id keyword
event.module keyword
event.dataset keyword
event.duration long
event.risk_score float
rule.id keyword
rule.name keyword
rule.category keyword
rule.description keyword
rule.ruleset keyword
client.ip ip
source.ip ip
related.ip ip array
related.hosts keyword array
http.request.id keyword
http.request.method keyword
http.request.mime_type keyword
http.request.body.bytes long
http.response.status_code long
url.domain keyword
url.path wildcard
url.query keyword
user_agent.original keyword
observer.vendor keyword
observer.product keyword
observer.type keyword
observer.version keyword",
    one_of: &[],
    beside: "pinpoint.",
};

/// `ocsf/ocsf-schema`, v1.8.0: `events/base_event.json`, `events/network/network.json`,
/// `events/network/http_activity.json`, `profiles/security_control.json`, `dictionary.json` and the
/// objects.
pub(super) const OCSF: Schema = Schema {
    fields: "\
activity_id! integer_t
activity_name string_t
category_uid! integer_t = 4
category_name string_t = Network Activity
class_uid! integer_t = 4002
class_name string_t = HTTP Activity
type_uid! long_t
type_name string_t
time! timestamp_t
severity_id! integer_t = 1|2|3|4|5
severity string_t = Informational|Low|Medium|High|Critical
status_code string_t
http_status integer_t
message string_t
action_id integer_t = 1|2|3
action string_t = Allowed|Denied|Observed
disposition_id integer_t = 1|2|15
disposition string_t = Allowed|Blocked|Detected
is_alert boolean_t
firewall_rule.uid string_t
firewall_rule.name string_t
firewall_rule.category string_t
firewall_rule.desc string_t
firewall_rule.match_location string_t
firewall_rule.match_details string_t array
firewall_rule.sensitivity string_t
http_request.uid string_t
http_request.http_method string_t
http_request.url.hostname hostname_t
http_request.url.path string_t
http_request.url.query_string string_t
http_request.user_agent string_t
http_request.body_length integer_t
http_request.http_headers.name! string_t
http_request.http_headers.value! string_t
http_response.code! integer_t
src_endpoint.ip ip_t
dst_endpoint.hostname hostname_t
metadata! object
metadata.version! string_t = 1.8.0
metadata.uid string_t
metadata.correlation_uid string_t
metadata.log_name string_t
metadata.original_time string_t
metadata.profiles string_t array = security_control
metadata.product! object
metadata.product.name string_t
metadata.product.vendor_name string_t
metadata.product.version string_t",
    one_of: &[
        ("", &["dst_endpoint", "src_endpoint"]),
        ("", &["http_request", "http_response"]),
        ("firewall_rule", &["name", "uid"]),
        ("http_request.url", &["path"]),
        ("src_endpoint", &["ip"]),
        ("dst_endpoint", &["hostname"]),
        ("metadata.product", &["name", "uid"]),
    ],
    beside: "unmapped.",
};

/// A line of a table.
pub(super) struct Field {
    pub(super) path: &'static str,
    pub(super) required: bool,
    pub(super) kind: &'static str,
    pub(super) array: bool,
    pub(super) values: Vec<&'static str>,
}

impl Field {
    fn read(line: &'static str) -> Self {
        let (definition, values) = line.split_once(" = ").unwrap_or((line, ""));
        let mut words = definition.split(' ');
        let path = words.next().unwrap_or_default();
        Self {
            path: path.trim_end_matches('!'),
            required: path.ends_with('!'),
            kind: words.next().unwrap_or_default(),
            array: words.next() == Some("array"),
            values: values.split('|').filter(|value| !value.is_empty()).collect(),
        }
    }
}

impl Schema {
    pub(super) fn fields(&self) -> Vec<Field> {
        self.fields.lines().map(Field::read).collect()
    }

    /// What is wrong with a document; nothing, where it keeps to the schema.
    pub(super) fn faults(&self, document: &Value) -> Vec<String> {
        let (fields, mut faults) = (self.fields(), Vec::new());
        let mut leaves = Vec::new();
        collect_leaves(document, "", false, &mut leaves);
        leaves.retain(|leaf| !leaf.path.starts_with(self.beside));
        for leaf in &leaves {
            match fields.iter().find(|field| field.path == leaf.path) {
                None => faults.push(format!("{} is not in the schema", leaf.path)),
                Some(field) => faults.extend(leaf.fault(field)),
            }
        }
        for field in fields.iter().filter(|field| field.required) {
            let (object, name) = field.path.rsplit_once('.').unwrap_or(("", field.path));
            if at(document, object).iter().any(|object| object.get(name).is_none()) {
                faults.push(format!("{} is required", field.path));
            }
        }
        for (object, members) in self.one_of {
            let has_one = |object: &&Value| members.iter().any(|name| object.get(name).is_some());
            if !at(document, object).iter().all(has_one) {
                faults.push(format!("`{object}` has none of {members:?}"));
            }
        }
        faults
    }
}

/// The values at a path, of which lists on the way make many.
fn at<'a>(document: &'a Value, path: &str) -> Vec<&'a Value> {
    let steps = path.split('.').filter(|step| !step.is_empty());
    steps.fold(vec![document], |values, step| {
        let next = values.into_iter().filter_map(|value| value.get(step));
        next.flat_map(|value| value.as_array().map_or(vec![value], |all| all.iter().collect()))
            .collect()
    })
}

/// A text, a number or a truth in a document.
struct Leaf {
    path: String,
    /// A list holds it.
    in_list: bool,
    value: Value,
}

impl Leaf {
    fn fault(&self, field: &Field) -> Option<String> {
        let (path, value) = (&self.path, &self.value);
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if !is_of_kind(field.kind, value) {
            Some(format!("{path} is no {}: {value}", field.kind))
        } else if self.in_list != field.array {
            Some(format!("{path} is a list, or should be one"))
        } else if !field.values.is_empty() && !field.values.contains(&&*text) {
            Some(format!("{path} has a value of its own: {text}"))
        } else {
            None
        }
    }
}

fn collect_leaves(value: &Value, path: &str, in_list: bool, leaves: &mut Vec<Leaf>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect_leaves(value, &path, false, leaves);
            }
        }
        Value::Array(items) => {
            items.iter().for_each(|item| collect_leaves(item, path, !item.is_object(), leaves));
        }
        leaf => leaves.push(Leaf { path: path.to_owned(), in_list, value: leaf.clone() }),
    }
}

fn is_of_kind(kind: &str, value: &Value) -> bool {
    match kind {
        "keyword" | "wildcard" | "match_only_text" | "string_t" | "hostname_t" => value.is_string(),
        "date" => value.as_str().and_then(crate::ids::milliseconds).is_some(),
        "long" | "long_t" => value.is_i64() || value.is_u64(),
        "integer_t" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        // Milliseconds, of this century.
        "timestamp_t" => value.as_u64().is_some_and(|time| time > 1_000_000_000_000),
        "float" => value.is_number(),
        "boolean_t" => value.is_boolean(),
        "ip" | "ip_t" => value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok()),
        _ => false,
    }
}
