//! Actions that write collections: `setvar`, `initcol`, `expirevar`.

use super::complaints::Complaints;
use super::macro_text::MacroText;
use super::text::Text;
use super::variable::Variable;
use crate::source::Report;

/// `setvar:tx.score=+5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetVar {
    /// `TX` or a persistent collection.
    pub collection: Variable,
    /// What is written; any bytes after expansion.
    pub key: MacroText,
    /// What becomes of it.
    pub change: Change,
}

/// What `setvar` does to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `=text`; a name alone means `=1`.
    Set(MacroText),
    /// `=+n`: adds; what is absent or no number counts as 0.
    Add(MacroText),
    /// `=-n`: subtracts, never below 0.
    Subtract(MacroText),
    /// `!name`: removes it.
    Unset,
}

/// `initcol:ip=%{REMOTE_ADDR}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitCollection {
    /// The persistent collection.
    pub collection: Variable,
    /// Whose record of it.
    pub key: MacroText,
}

/// `expirevar:ip.blocked=300`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpireVar {
    /// The persistent collection.
    pub collection: Variable,
    /// What expires.
    pub key: MacroText,
    /// In how many seconds.
    pub seconds: MacroText,
}

/// Reads the argument of `setvar`.
pub(super) fn setvar(text: &Text, complaints: &mut Complaints) -> Result<SetVar, Report> {
    let unset = text.byte(0) == Some(b'!');
    let text = if unset { text.tail(1) } else { text.clone() };
    let (name, value) = match text.split_once(b'=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let (collection, key) = variable(&name, complaints)?;
    let change = match value {
        Some(value) if unset => {
            return Err(value.error("`!` removes the variable, so it cannot have a value"));
        }
        _ if unset => Change::Unset,
        None => Change::Set(MacroText::plain(b"1")),
        Some(value) => change(&value, complaints),
    };
    Ok(SetVar { collection, key, change })
}

/// Reads the argument of `initcol`.
pub(super) fn initcol(text: &Text, complaints: &mut Complaints) -> Result<InitCollection, Report> {
    let Some((name, key)) = text.split_once(b'=') else {
        return Err(text.error("`initcol` takes `collection=key`"));
    };
    let collection = writable(&name)?;
    Ok(InitCollection { collection, key: MacroText::read(&key, complaints) })
}

/// Reads the argument of `expirevar`.
pub(super) fn expirevar(text: &Text, complaints: &mut Complaints) -> Result<ExpireVar, Report> {
    let Some((name, seconds)) = text.split_once(b'=') else {
        return Err(text.error("`expirevar` takes `collection.name=seconds`"));
    };
    let (collection, key) = variable(&name, complaints)?;
    Ok(ExpireVar { collection, key, seconds: MacroText::read(&seconds, complaints) })
}

/// Reads `collection.key`.
fn variable(name: &Text, complaints: &mut Complaints) -> Result<(Variable, MacroText), Report> {
    let name = name.trim();
    let Some((collection, key)) = name.split_once(b'.').filter(|(_, key)| !key.is_empty()) else {
        let report = name.error("a collection and a name are expected, as in `tx.score`");
        return Err(report);
    };
    Ok((writable(&collection)?, MacroText::read(&key, complaints)))
}

fn writable(name: &Text) -> Result<Variable, Report> {
    let variable = Variable::read(name)?;
    if variable.is_writable() {
        return Ok(variable);
    }
    Err(name
        .error(format!("`{}` cannot be written", variable.name()))
        .help("one of: TX, IP, GLOBAL, SESSION, USER, RESOURCE"))
}

/// Reads what stands behind `=`.
fn change(value: &Text, complaints: &mut Complaints) -> Change {
    match value.byte(0) {
        Some(b'+') => Change::Add(MacroText::read(&value.tail(1), complaints)),
        Some(b'-') => Change::Subtract(MacroText::read(&value.tail(1), complaints)),
        _ => Change::Set(MacroText::read(value, complaints)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::super::macro_text::MacroPart;
    use super::*;
    use crate::source::Source;

    fn text(text: &str) -> Text {
        let mut whole = Text::new(&Source::new("a.conf", text), 0);
        whole.push(text.as_bytes(), 0);
        whole
    }

    fn read(line: &str) -> Result<SetVar, String> {
        setvar(&text(line), &mut Complaints::default()).map_err(|report| report.message)
    }

    fn plain(text: &str) -> MacroText {
        MacroText::plain(text.as_bytes())
    }

    fn of(variable: Variable, key: Option<&str>) -> MacroPart {
        MacroPart::Macro { variable, key: key.map(Into::into) }
    }

    #[test]
    fn every_form() {
        for (line, key, change) in [
            ("tx.a=b c", "a", Change::Set(plain("b c"))),
            ("TX.a.b=", "a.b", Change::Set(plain(""))),
            ("tx.a=+5", "a", Change::Add(plain("5"))),
            ("tx.a=-5", "a", Change::Subtract(plain("5"))),
            ("tx.a==5", "a", Change::Set(plain("=5"))),
            ("tx.a", "a", Change::Set(plain("1"))),
            ("!tx.a", "a", Change::Unset),
        ] {
            let expected = SetVar { collection: Variable::Tx, key: plain(key), change };
            assert_eq!(read(line), Ok(expected), "{line}");
        }
        assert_eq!(read("ip.a=1").unwrap().collection, Variable::Ip);
    }

    #[test]
    fn macros_in_name_and_value() {
        let read = read("tx.p_%{MATCHED_VAR_NAME}=+%{tx.score}").unwrap();
        let name = MacroPart::Text("p_".into());
        assert_eq!(read.key.parts, [name, of(Variable::MatchedVarName, None)]);
        let score = MacroText { parts: vec![of(Variable::Tx, Some("score"))] };
        assert_eq!(read.change, Change::Add(score));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let message = |line: &str| read(line).unwrap_err();
        let expected = "a collection and a name are expected, as in `tx.score`";
        assert_eq!((message("a=1").as_str(), message("tx.=1").as_str()), (expected, expected));
        assert_eq!(message("args.a=1"), "`ARGS` cannot be written");
        assert_eq!(message("tz.a=1"), "unknown variable `tz`");
        assert_eq!(message("!tx.a=1"), "`!` removes the variable, so it cannot have a value");
    }

    #[test]
    fn persistent_collections() {
        let mut complaints = Complaints::default();
        let ip = initcol(&text("ip=%{remote_addr}"), &mut complaints).unwrap();
        let key = MacroText { parts: vec![of(Variable::RemoteAddr, None)] };
        assert_eq!(ip, InitCollection { collection: Variable::Ip, key });
        let expire = expirevar(&text("ip.a=300"), &mut complaints).unwrap();
        let (key, seconds) = (plain("a"), plain("300"));
        assert_eq!(expire, ExpireVar { collection: Variable::Ip, key, seconds });
        assert!(initcol(&text("ip"), &mut complaints).is_err());
    }
}
