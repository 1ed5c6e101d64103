//! Exclusions as text: our own YAML, or SecLang.

use std::fmt::Write;

use waf_core::record::Alphabet;
use waf_core::rule::Date;

use super::Proposal;
use crate::rules::is_seclang_id;

/// What a person has to say of exclusions.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Who answers for them.
    pub owner: String,
    /// The last day they apply.
    pub expires: Date,
}

/// A YAML text: plain where it can be, else in double quotes, with the escapes of JSON and of YAML.
pub fn yaml_text(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte);
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    if starts_well && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    // What YAML does not allow even in quotes, or what nobody sees there.
    let is_odd = |sign: char| sign.is_control() || u32::from(sign) & 0xfffe == 0xfffe;
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let escape = |sign: char| match u32::from(sign) {
        _ if !is_odd(sign) => sign.to_string(),
        low @ ..0x100 => format!("\\x{low:02x}"),
        high => format!("\\U{high:08x}"),
    };
    quoted.chars().map(escape).collect()
}

/// An exclusion file of ours. It loads as it is.
pub fn yaml(proposals: &[Proposal], signature: &Signature) -> String {
    proposals.iter().map(|proposal| yaml_item(proposal, signature)).collect()
}

/// One exclusion, in the comment above it what is known of it.
pub fn yaml_item(proposal: &Proposal, signature: &Signature) -> String {
    let candidate = &proposal.candidate;
    let mut text = comment(proposal);
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(text, "- rule: {}", yaml_text(&candidate.rule));
    if candidate.targets.is_empty() {
        text.push_str("  whole_rule: true   # it looks at no field of its own\n");
    } else {
        let targets: Vec<String> = candidate.targets.iter().map(|t| yaml_text(t)).collect();
        let _ = writeln!(text, "  targets: [{}]", targets.join(", "));
    }
    if let Some(path) = &candidate.path {
        let _ = writeln!(text, "  path: {}", yaml_text(path));
    }
    if !proposal.methods.is_empty() {
        let _ = writeln!(text, "  methods: [{}]", proposal.methods.join(", "));
    }
    if let Some(characters) = candidate.characters.and_then(Alphabet::characters) {
        let _ = writeln!(text, "  characters: {}", yaml_text(&characters));
    }
    let _ = writeln!(text, "  reason: {}", yaml_text(&proposal.reason()));
    let _ = writeln!(text, "  owner: {}", yaml_text(&signature.owner));
    let _ = writeln!(text, "  expires: {}", signature.expires);
    text
}

fn comment(proposal: &Proposal) -> String {
    format!("\n# {}\n# {}\n", proposal.brings(), proposal.costs())
}

/// SecLang in two parts: what stands before the rules, and what stands after them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecLang {
    /// `ctl` actions of rules of their own.
    pub before: String,
    /// Directives that change loaded rules.
    pub after: String,
}

/// Line that divides the parts where both are in one text.
pub const BEFORE: &str =
    "# --- Before the rules, as REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf ---\n";
/// See [`BEFORE`].
pub const AFTER: &str =
    "# --- After the rules, as RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf ---\n";

impl SecLang {
    /// Both parts, each under a line that says where it goes.
    pub fn text(&self) -> String {
        let part = |head: &str, part: &str| match part.is_empty() {
            true => String::new(),
            false => format!("{head}{part}"),
        };
        part(BEFORE, &self.before) + &part(AFTER, &self.after)
    }
}

/// The exclusions for ModSecurity, its rules numbered from `first_id` on. SecLang knows no owner and
/// no last day: they stand in comments.
pub fn seclang(proposals: &[Proposal], signature: &Signature, first_id: u64) -> SecLang {
    let mut text = SecLang::default();
    let mut ids = first_id..;
    for proposal in proposals {
        let candidate = &proposal.candidate;
        let head = format!(
            "{}# {}\n# owner: {}, ends {}\n",
            comment(proposal),
            proposal.reason(),
            one_line(&signature.owner),
            signature.expires
        );
        let targets: Option<Vec<String>> =
            candidate.targets.iter().map(|target| seclang_target(target)).collect();
        // What our own rules tell apart, SecLang may call by one name.
        let targets = targets.map(|mut targets| {
            targets.sort();
            targets.dedup();
            targets
        });
        let Some(targets) = targets.filter(|_| is_seclang_id(&candidate.rule)) else {
            let _ = writeln!(text.before, "{head}# SecLang cannot say it: write it as YAML.");
            continue;
        };
        let is_plain = candidate.path.is_none() && proposal.methods.is_empty();
        if is_plain && candidate.characters.is_none() && !targets.is_empty() {
            let targets: Vec<String> = targets.iter().map(|target| format!("!{target}")).collect();
            let rule = &candidate.rule;
            let targets = targets.join("|");
            let _ = writeln!(text.after, "{head}SecRuleUpdateTargetById {rule} \"{targets}\"");
        } else {
            text.before += &head;
            text.before += &conditional(proposal, &targets, &mut ids);
        }
    }
    text
}

/// Rules that take targets from another one where path, method and value are right.
fn conditional(
    proposal: &Proposal,
    targets: &[String],
    ids: &mut impl Iterator<Item = u64>,
) -> String {
    let rule = &proposal.candidate.rule;
    let remove = |target: &String| format!("ctl:ruleRemoveTargetById={rule};{target}");
    let mut conditions = Vec::new();
    if !proposal.methods.is_empty() {
        conditions.push(format!("REQUEST_METHOD \"@rx ^(?:{})$\"", proposal.methods.join("|")));
    }
    if let Some(path) = &proposal.candidate.path {
        conditions.push(match path.strip_suffix('*') {
            Some(prefix) => format!("REQUEST_FILENAME \"@beginsWith {}\"", quoted(prefix)),
            None => format!("REQUEST_FILENAME \"@streq {}\"", quoted(path)),
        });
    }
    let Some(characters) = proposal.candidate.characters else {
        let all: Vec<String> = match targets {
            [] => vec![format!("ctl:ruleRemoveById={rule}")],
            targets => targets.iter().map(remove).collect(),
        };
        return chain(&conditions, &all, 1, ids);
    };
    let mut text = String::new();
    for target in targets {
        // Every value that the target names has to be right: nothing less can be taken away.
        let is_head = target.starts_with("REQUEST_") && !target.starts_with("REQUEST_BODY");
        let phase = if is_head { 1 } else { 2 };
        let other = ids.next().unwrap_or_default();
        let _ = writeln!(
            text,
            "SecRule {target} \"@rx {}\" \\\n    \"id:{other},phase:{phase},pass,nolog,t:none,\\\n    \
             setvar:tx.pinpoint_{other}=1\"",
            outside(characters)
        );
        let none = format!("&TX:pinpoint_{other} \"@eq 0\"");
        let conditions: Vec<String> = std::iter::once(none).chain(conditions.clone()).collect();
        text += &chain(&conditions, &[remove(target)], phase, ids);
    }
    text
}

/// A rule that does something where all conditions hold.
fn chain(
    conditions: &[String],
    actions: &[String],
    phase: u8,
    ids: &mut impl Iterator<Item = u64>,
) -> String {
    let mut text = String::new();
    for (at, condition) in conditions.iter().enumerate() {
        let is_last = at + 1 == conditions.len();
        let mut all = match at {
            0 => format!("id:{},phase:{phase},pass,nolog,t:none", ids.next().unwrap_or_default()),
            _ => "t:none".to_owned(),
        };
        if is_last {
            actions.iter().for_each(|action| all += &format!(",\\\n    {action}"));
        } else {
            all.push_str(",chain");
        }
        let _ = writeln!(text, "SecRule {condition} \\\n    \"{all}\"");
    }
    text
}

/// A pattern of one byte that is none of these characters.
fn outside(characters: Alphabet) -> String {
    let mut class = String::new();
    let mut bytes = characters.bytes().iter().peekable();
    while let Some(first) = bytes.next() {
        let mut last = first;
        while let Some(next) = bytes.next_if(|next| *next == last + 1) {
            last = next;
        }
        class += &spelled(first);
        if last > first {
            class += &format!("-{}", spelled(last));
        }
    }
    format!("[^{class}]")
}

/// A byte within brackets and quotes.
fn spelled(byte: u8) -> String {
    match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("\\x{byte:02x}"),
    }
}

/// The field as SecLang's rules name it: `ARGS` for arguments of any place, `json.` names.
fn seclang_target(target: &str) -> Option<String> {
    let (name, field) = match target.split_once(':') {
        Some((name, field)) => (name, Some(field)),
        None => (target, None),
    };
    let name = match name {
        "ARGS_GET" | "ARGS_POST" => "ARGS",
        "ARGS_GET_NAMES" | "ARGS_POST_NAMES" => "ARGS_NAMES",
        other => other,
    };
    let Some(field) = field else { return Some(name.to_owned()) };
    if field.contains(['\'', '"', ',', '|', ' ']) {
        return None;
    }
    Some(match field.strip_prefix('$') {
        Some(steps) if steps.starts_with(['.', '[']) => format!("{name}:{}", json_name(steps)),
        _ => format!("{name}:{field}"),
    })
}

/// `.a[0].b` is `json.a.array_0.b`; with `[*]` it is a pattern.
fn json_name(steps: &str) -> String {
    let is_pattern = steps.contains("[*]");
    let mut name = String::from("json");
    for part in steps.split_inclusive(['.', ']']).flat_map(|part| part.split('[')) {
        match (part.trim_end_matches(['.', ']']), part.ends_with(']')) {
            ("", _) => {}
            ("*", true) => name.push_str("\\.array_[0-9]+"),
            (index, true) if is_pattern => name += &format!("\\.array_{index}"),
            (index, true) => name += &format!(".array_{index}"),
            (key, false) if is_pattern => name += &format!("\\.{}", key.replace('$', "\\$")),
            (key, false) => name += &format!(".{key}"),
        }
    }
    if is_pattern { format!("/^{name}$/") } else { name }
}

/// Within double quotes of a directive.
fn quoted(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('"', "\\\"")
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_seclang_names_them() {
        for (target, seclang) in [
            ("ARGS_POST:comment", Some("ARGS:comment")),
            ("ARGS_GET", Some("ARGS")),
            ("ARGS_POST_NAMES:a", Some("ARGS_NAMES:a")),
            ("ARGS_POST:$.a.b", Some("ARGS:json.a.b")),
            ("ARGS_POST:$[0].a[12]", Some("ARGS:json.array_0.a.array_12")),
            ("ARGS_POST:$.a[*].b", Some(r"ARGS:/^json\.a\.array_[0-9]+\.b$/")),
            ("ARGS_POST:$.a['b c']", None),
            ("REQUEST_HEADERS:User-Agent", Some("REQUEST_HEADERS:User-Agent")),
            ("REQUEST_METHOD", Some("REQUEST_METHOD")),
        ] {
            assert_eq!(seclang_target(target).as_deref(), seclang, "{target}");
        }
    }
}
