//! The tables of `schemas` against the texts that are published, in checkouts of their repositories:
//!
//! ```sh
//! ECS_DIR=ecs-9.4.0 OCSF_DIR=ocsf-schema-1.8.0 cargo test -p waf-proxy --lib -- --ignored published
//! ```
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test should stop where it fails")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::ocsf;
use super::schemas::{ECS, Field, OCSF};
use crate::test_record::passed;

/// A file of the checkout that a variable names.
fn file(variable: &str, name: &str) -> String {
    let folder = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} names no checkout"));
    let path = PathBuf::from(folder).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
#[ignore = "needs a checkout of elastic/ecs"]
fn ecs_is_as_published() {
    assert_eq!(file("ECS_DIR", "version").trim(), "9.4.0");
    let (csv, flat) = (
        file("ECS_DIR", "generated/csv/fields.csv"),
        file("ECS_DIR", "generated/ecs/ecs_flat.yml"),
    );
    // Version, indexed, set, field, type, level, normalisation; what may be quoted comes after.
    let published: Vec<Vec<&str>> = csv.lines().map(|line| line.splitn(8, ',').collect()).collect();
    let flat = format!("\n{flat}");
    let block = |path: &str| {
        let quote = if path.starts_with('@') { "'" } else { "" };
        let rest = flat
            .split(&format!("\n{quote}{path}{quote}:\n"))
            .nth(1)
            .unwrap_or_else(|| panic!("{path}"));
        let end = rest.match_indices('\n').find(|(at, _)| !rest[at + 1..].starts_with([' ', '\n']));
        &rest[..end.map_or(rest.len(), |(at, _)| at)]
    };
    for field in ECS.fields().into_iter().filter(|field| field.kind != "object") {
        // Keys of `labels` are the writer's, their values keywords.
        let path = if field.path.starts_with("labels.") { "labels" } else { field.path };
        let row = published.iter().find(|row| row.get(3) == Some(&path));
        let row = row.unwrap_or_else(|| panic!("{path} is not published"));
        let kind = if path == "labels" { "object" } else { field.kind };
        assert_eq!((row[4], row[6] == "array"), (kind, field.array), "{path}");
        let block = block(path);
        assert_eq!(block.contains("\n  required: true"), field.required, "{path}");
        for value in field.values {
            assert!(block.contains(&format!("\n    name: {value}\n")), "{path}: {value}");
        }
    }
    let required = flat.matches("\n  required: true").count();
    let asked = |field: &&Field| field.required && field.kind != "object";
    assert_eq!(required, ECS.fields().iter().filter(asked).count());
}

type Attributes = Map<String, Value>;

/// The attributes of an object or a class with those that it extends, and what it constrains.
fn definition(name: &str) -> (Attributes, Vec<Value>) {
    let published: Value = serde_json::from_str(&file("OCSF_DIR", name)).unwrap();
    let parent = published["extends"].as_str().unwrap_or("object");
    let (mut attributes, mut constraints) = match (parent, name.starts_with("events/")) {
        ("object", _) => (Attributes::new(), Vec::new()),
        ("network", true) => definition("events/network/network.json"),
        (parent, true) => definition(&format!("events/{parent}.json")),
        (parent, false) => definition(&format!("objects/{parent}.json")),
    };
    for (name, attribute) in published["attributes"].as_object().unwrap() {
        let Some(attribute) = attribute.as_object() else { continue };
        let known = attributes.entry(name).or_insert_with(|| Value::Object(Map::new()));
        known.as_object_mut().unwrap().extend(attribute.clone());
    }
    // They replace those that are inherited.
    if let Some(own) = published.get("constraints") {
        constraints = vec![own.clone()];
    }
    (attributes, constraints)
}

/// The class with the profile that its events declare.
fn http_activity() -> (Attributes, Vec<Value>) {
    let (mut attributes, constraints) = definition("events/network/http_activity.json");
    let (of_profile, _) = definition("profiles/security_control.json");
    of_profile.into_iter().for_each(|(name, attribute)| {
        attributes.entry(name).or_insert(attribute);
    });
    (attributes, constraints)
}

#[test]
#[ignore = "needs a checkout of ocsf/ocsf-schema"]
fn ocsf_is_as_published() {
    let version: Value = serde_json::from_str(&file("OCSF_DIR", "version.json")).unwrap();
    assert_eq!(version["version"], "1.8.0");
    let dictionary: Value = serde_json::from_str(&file("OCSF_DIR", "dictionary.json")).unwrap();
    let known = |name: &str| &dictionary["attributes"][name];
    let fields = OCSF.fields();
    let mut objects = BTreeSet::from([""]);
    for field in &fields {
        let (mut attributes, _) = http_activity();
        let steps: Vec<&str> = field.path.split('.').collect();
        let (name, above) = steps.split_last().unwrap();
        for step in above {
            assert!(attributes.contains_key(*step), "{}", field.path);
            (attributes, _) = definition(&format!("objects/{}.json", kind_of(known(step))));
        }
        objects.extend(field.path.match_indices('.').map(|(at, _)| &field.path[..at]));
        let attribute = attributes.get(*name).unwrap_or_else(|| panic!("{}", field.path));
        let published = known(name);
        match field.kind {
            "object" => drop(definition(&format!("objects/{}.json", kind_of(published)))),
            kind => assert_eq!(kind_of(published), kind, "{}", field.path),
        }
        let is_array = published["is_array"] == true;
        assert!(is_array == field.array || field.kind == "object", "{}", field.path);
        assert_eq!(attribute["requirement"] == "required", field.required, "{}", field.path);
        let allowed = attribute.get("enum").unwrap_or(&published["enum"]);
        // Those of the class itself are looked at below.
        let is_listed = allowed.is_object() && !["category_uid", "class_uid"].contains(name);
        for value in field.values.iter().filter(|_| is_listed) {
            assert!(allowed.get(value).is_some(), "{}: {value}", field.path);
        }
        // Words stand beside the number that they caption.
        let number = format!("{name}_id");
        let captions = attributes.get(&number).and_then(|attribute| attribute.get("enum"));
        let captions = captions.unwrap_or(&known(&number)["enum"]);
        for value in field.values.iter().filter(|_| captions.is_object()) {
            let is_caption = |one: &Value| one["caption"] == *value;
            assert!(
                captions.as_object().unwrap().values().any(is_caption),
                "{}: {value}",
                field.path
            );
        }
    }
    let categories: Value = serde_json::from_str(&file("OCSF_DIR", "categories.json")).unwrap();
    let class = file("OCSF_DIR", "events/network/http_activity.json");
    let (category, class) =
        (&categories["attributes"]["network"], serde_json::from_str::<Value>(&class).unwrap());
    assert_eq!((&category["uid"], &category["caption"]), (&4.into(), &"Network Activity".into()));
    assert_eq!((&class["uid"], &class["caption"]), (&2.into(), &"HTTP Activity".into()));
    for object in objects {
        is_whole(object, |name| kind_of(known(name)).to_owned());
    }
}

fn kind_of(attribute: &Value) -> &str {
    attribute["type"].as_str().unwrap()
}

/// Whether the table has all that is asked for in an object: what is required, and of what one is.
fn is_whole(object: &'static str, kind_of: impl Fn(&str) -> String) {
    let (attributes, constraints) = match object.rsplit('.').next() {
        Some("") | None => http_activity(),
        Some(name) => definition(&format!("objects/{}.json", kind_of(name))),
    };
    let within = |name: &str| match object {
        "" => name.to_owned(),
        object => format!("{object}.{name}"),
    };
    for (name, _) in attributes.iter().filter(|(_, one)| one["requirement"] == "required") {
        let is_asked = |field: &Field| field.required && field.path == within(name);
        assert!(OCSF.fields().iter().any(is_asked), "{} is required", within(name));
    }
    for constraint in constraints {
        let published = constraint["at_least_one"].as_array().unwrap();
        let is_kept = |(of, members): &&(&str, &[&str])| {
            *of == object && members.iter().all(|member| published.contains(&(*member).into()))
        };
        assert!(OCSF.one_of.iter().any(|one| is_kept(&one)), "{object}: {constraint}");
    }
}

#[test]
#[ignore = "needs a checkout of ocsf/ocsf-schema"]
fn methods_are_the_activities_of_that_name() {
    let (attributes, _) = http_activity();
    for (id, activity) in attributes["activity_id"]["enum"].as_object().unwrap() {
        let mut record = passed("a");
        record.request.method = activity["caption"].as_str().unwrap().to_uppercase();
        let told = ocsf::event(&record)["activity_id"].to_string();
        // The first nine are those of RFC 9110 and RFC 5789; the others are told by name.
        let is_known = id.parse::<u32>().unwrap() <= 9;
        assert_eq!(told, if is_known { id.as_str() } else { "99" }, "{activity}");
    }
}
