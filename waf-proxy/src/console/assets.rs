//! The style sheet, the script and the icon.

use crate::chart;

/// The script that renews live pages.
const SCRIPT: &str = include_str!("script.js");

/// The look of pages; that of charts stands with charts.
const STYLE: &str = include_str!("style.css");

const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">\
    <circle cx=\"8\" cy=\"8\" r=\"7\" fill=\"#2166ac\"/>\
    <circle cx=\"8\" cy=\"8\" r=\"2.5\" fill=\"#fff\"/></svg>";

/// The media type and text of what is at `path`. It holds nothing that anybody may not see.
pub(super) fn at(path: &str) -> Option<(&'static str, String)> {
    match path {
        "/console/style.css" => Some(("text/css; charset=utf-8", [STYLE, chart::CSS].concat())),
        "/console/script.js" => Some(("text/javascript; charset=utf-8", SCRIPT.into())),
        "/console/icon.svg" => Some(("image/svg+xml", ICON.into())),
        _ => None,
    }
}
