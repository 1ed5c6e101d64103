//! `t:` and its names.

use super::text::Text;
use crate::rule::Transformation;
use crate::source::Report;
use crate::suggest;

/// SecLang's names. `None` is what ModSecurity has and this engine has not.
const NAMES: &[(&str, Option<Transformation>)] = &[
    ("base64Decode", Some(Transformation::Base64Decode)),
    ("base64DecodeExt", None),
    ("base64Encode", None),
    ("cmdLine", Some(Transformation::CmdLine)),
    ("compressWhitespace", Some(Transformation::CompressWhitespace)),
    ("cssDecode", Some(Transformation::CssDecode)),
    ("escapeSeqDecode", Some(Transformation::EscapeSeqDecode)),
    ("hexDecode", None),
    ("hexEncode", Some(Transformation::HexEncode)),
    ("htmlEntityDecode", Some(Transformation::HtmlEntityDecode)),
    ("jsDecode", Some(Transformation::JsDecode)),
    ("length", Some(Transformation::Length)),
    ("lowercase", Some(Transformation::Lowercase)),
    ("md5", None),
    ("normalisePath", Some(Transformation::NormalizePath)),
    ("normalizePath", Some(Transformation::NormalizePath)),
    ("normalisePathWin", Some(Transformation::NormalizePathWin)),
    ("normalizePathWin", Some(Transformation::NormalizePathWin)),
    ("parityEven7bit", None),
    ("parityOdd7bit", None),
    ("parityZero7bit", None),
    ("removeComments", None),
    ("removeCommentsChar", Some(Transformation::RemoveCommentsChar)),
    ("removeNulls", Some(Transformation::RemoveNulls)),
    ("removeWhitespace", Some(Transformation::RemoveWhitespace)),
    ("replaceComments", Some(Transformation::ReplaceComments)),
    ("replaceNulls", None),
    ("sha1", Some(Transformation::Sha1)),
    ("sqlHexDecode", None),
    ("trim", None),
    ("trimLeft", None),
    ("trimRight", None),
    ("uppercase", None),
    ("urlDecode", Some(Transformation::UrlDecode)),
    ("urlDecodeUni", Some(Transformation::UrlDecodeUni)),
    ("urlEncode", None),
    ("utf8toUnicode", Some(Transformation::Utf8ToUnicode)),
];

/// Reads the argument of `t`; `None` is `t:none`.
pub(super) fn transformation(text: &Text) -> Result<Option<Transformation>, Report> {
    let name = text.shown();
    if name.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    match NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
        Some(&(_, Some(transformation))) => Ok(Some(transformation)),
        Some((known, None)) => {
            Err(text.error(format!("the transformation `{known}` is not supported")))
        }
        None => {
            let report = text.error(format!("unknown transformation `{name}`"));
            let names = NAMES.iter().map(|&(known, _)| known).chain(["none"]);
            Err(match suggest::nearest(&name, names) {
                Some(nearest) => report.help(format!("did you mean `{nearest}`?")),
                None => report,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transformation_of_the_engine_has_a_name() {
        for wanted in Transformation::ALL {
            assert!(NAMES.iter().any(|(_, found)| found == &Some(*wanted)), "{}", wanted.name());
        }
    }
}
