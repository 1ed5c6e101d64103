//! What a link looks at.

use super::super::target::{Selector as Written, Target};
use super::super::variable::Variable as Named;
use crate::field::Collection;
use crate::rule::{LinkTarget, LinkVariable, Selector, State, TargetKind, Variable, is_xml_path};
use crate::source::Report;

/// Lowers an entry of a link.
pub(super) fn target(written: &Target) -> Result<LinkTarget, Report> {
    let is_looked_at = written.kind == TargetKind::Include;
    if is_looked_at && written.variable == Named::Xml && written.selector == Written::All {
        let report = Report::error(Some(written.span.clone()), "`XML` needs a path");
        return Err(report.help("`XML:/*` is all text, `XML://@*` all attribute values"));
    }
    any_target(written)
}

/// Lowers an entry of a link, or of a list of what is taken away from links.
pub(super) fn any_target(written: &Target) -> Result<LinkTarget, Report> {
    let error = |message: String| Report::error(Some(written.span.clone()), message);
    let name = written.variable.name();
    let variable = variable(written.variable)
        .ok_or_else(|| error(format!("`{name}` is not known to this engine")))?;
    let selector = match &written.selector {
        Written::All => Selector::All,
        Written::Regex(regex) => Selector::Regex(regex.pattern.text.clone()),
        Written::Name(name) => Selector::Name(
            String::from_utf8(name.clone())
                .map_err(|_| error("a name that is not UTF-8 can only be matched".into()))?,
        ),
        Written::XPath(path) => {
            let path = String::from_utf8_lossy(path).into_owned();
            if !is_xml_path(&path) {
                let report = error(format!("`{path}` is not an XML path that rules can name"));
                return Err(report.help("the paths are `/*`, `//@*`, `/a/b` and `/a/@c`"));
            }
            Selector::Path(path)
        }
    };
    Ok(LinkTarget { kind: written.kind, variable, selector })
}

/// Where a variable of SecLang is found; `None` for what the engine does not know.
pub(super) fn variable(named: Named) -> Option<LinkVariable> {
    let field = |collection| Some(LinkVariable::Fields(Variable::One(collection)));
    match named {
        Named::Tx => Some(LinkVariable::Tx),
        Named::UseragentIp => field(Collection::RemoteAddr),
        Named::MultipartFilename => field(Collection::Files),
        Named::MultipartName => field(Collection::FilesNames),
        Named::RequestFilename => field(Collection::DecodedFilename),
        Named::RequestBasename => field(Collection::DecodedBasename),
        _ => {
            let fields = Variable::from_name(named.name()).map(LinkVariable::Fields);
            fields.or_else(|| State::from_name(named.name()).map(LinkVariable::State))
        }
    }
}
