//! What a refused client sees: a status, its request id, and nothing of what it sent.

use waf_core::parse::head::RequestHead;
use waf_core::record::Source;
use waf_core::verdict::Refusal;

use crate::settings::BlockPage;

/// An answer of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Who gives it.
    pub source: Source,
}

impl Answer {
    /// Our own 404, 502, 503, 504.
    pub fn proxy(status: u16) -> Self {
        Self { status, source: Source::Proxy }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self { status: refusal.status, source: refusal.source }
    }
}

/// What an answer may tell besides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Details<'a> {
    /// The methods that a 405 must name.
    pub allow: &'a [String],
    /// The rules that matched, where the operator reveals them.
    pub rules: &'a [String],
}

/// An answer as it is sent: header lines and body, the length included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// Header lines, in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// Empty for HEAD, whose `content-length` tells the length all the same.
    pub body: String,
}

impl Page {
    /// The page for a request, in the form that it accepts.
    pub fn new(
        answer: Answer,
        head: &RequestHead,
        request_id: &str,
        look: &BlockPage,
        details: &Details<'_>,
    ) -> Self {
        let form = Form::accepted_by(head);
        let (media_type, body) = form.write(answer.status, request_id, look, details.rules);
        let mut headers = vec![
            ("content-type", media_type.to_owned()),
            ("content-length", body.len().to_string()),
            ("cache-control", "no-store".to_owned()),
            ("x-request-id", request_id.to_owned()),
        ];
        match answer.status {
            405 => headers.push(("allow", details.allow.join(", "))),
            503 => headers.push(("retry-after", look.retry_after.unwrap_or(1).to_string())),
            _ => headers.extend(look.retry_after.map(|after| ("retry-after", after.to_string()))),
        }
        let body = if head.method == b"HEAD" { String::new() } else { body };
        Self { status: answer.status, headers, body }
    }

    /// The page as an HTTP/1.1 message that ends the connection.
    pub fn to_http1(&self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            text.extend([name, ": ", value, "\r\n"]);
        }
        text.extend(["connection: close\r\n\r\n", &self.body]);
        text.into_bytes()
    }
}

enum Form {
    Problem,
    Html,
    Text,
}

impl Form {
    /// Browsers name `text/html`; programs get JSON unless they ask for text.
    fn accepted_by(head: &RequestHead) -> Self {
        let accept = head.value("accept").unwrap_or_default().to_ascii_lowercase();
        let names = |part: &[u8]| accept.windows(part.len()).any(|window| window == part);
        match (names(b"text/html"), names(b"json"), names(b"text/")) {
            (true, ..) => Self::Html,
            (false, false, true) => Self::Text,
            _ => Self::Problem,
        }
    }

    fn write(
        &self,
        status: u16,
        request_id: &str,
        look: &BlockPage,
        rules: &[String],
    ) -> (&'static str, String) {
        let title = reason(status);
        let listed = rules.join(" ");
        match self {
            Self::Problem => {
                let rules = rules.iter().map(|rule| format!("\"{rule}\"")).collect::<Vec<_>>();
                let rules = match rules.as_slice() {
                    [] => String::new(),
                    some => format!(r#","rules":[{}]"#, some.join(",")),
                };
                let body = format!(
                    r#"{{"type":"about:blank","title":"{title}","status":{status},"request_id":"{request_id}"{rules}}}"#
                );
                ("application/problem+json", body + "\n")
            }
            Self::Text => {
                let rules = if rules.is_empty() { listed } else { format!("Rules: {listed}\n") };
                let body = format!("{status} {title}\nRequest id: {request_id}\n{rules}");
                ("text/plain; charset=utf-8", body)
            }
            Self::Html => {
                let ours = || {
                    format!(
                        "<!doctype html>\n<html lang=\"en\"><title>{status} {title}</title>\n\
                         <h1>{title}</h1>\n<p>Request id: <code>{request_id}</code> {listed}</p></html>\n"
                    )
                };
                let html = look.html.as_ref().map(|html| html.replace("{request_id}", request_id));
                ("text/html; charset=utf-8", html.unwrap_or_else(ours))
            }
        }
    }
}

fn reason(status: u16) -> &'static str {
    let known = http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
    known.unwrap_or("Refused")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(method: &str, accept: &str, status: u16) -> Page {
        let headers = vec![(b"Accept".to_vec(), accept.as_bytes().to_vec())];
        let head = RequestHead::from_parts(method, "/<x>", "HTTP/1.1", headers);
        let answer = Answer { status, source: Source::Waf };
        let allow = ["GET".to_owned(), "POST".to_owned()];
        let details = Details { allow: &allow, rules: &[] };
        Page::new(answer, &head, "id-1", &BlockPage::default(), &details)
    }

    fn header<'a>(page: &'a Page, name: &str) -> Option<&'a str> {
        page.headers.iter().find(|(have, _)| *have == name).map(|(_, value)| &value[..])
    }

    #[test]
    fn the_form_follows_accept() {
        let form = |accept| page("GET", accept, 403).headers[0].1.clone();
        assert_eq!(form("text/html,application/xhtml+xml;q=0.9"), "text/html; charset=utf-8");
        assert_eq!(form("*/*"), "application/problem+json");
        assert_eq!(form("application/json"), "application/problem+json");
        assert_eq!(form("text/plain"), "text/plain; charset=utf-8");
    }

    #[test]
    fn each_form_tells_the_rules_where_they_are_revealed_and_not_else() {
        let head = |accept: &str| {
            let headers = vec![(b"Accept".to_vec(), accept.as_bytes().to_vec())];
            RequestHead::from_parts("GET", "/", "HTTP/1.1", headers)
        };
        let answer = Answer { status: 403, source: Source::Waf };
        let look = BlockPage { retry_after: Some(30), ..BlockPage::default() };
        let rules = ["sqli-a".to_owned(), "100200".to_owned()];
        for (accept, told) in [
            ("application/json", r#""rules":["sqli-a","100200"]"#),
            ("text/plain", "Rules: sqli-a 100200"),
            ("text/html", "sqli-a 100200"),
        ] {
            let page = |rules: &[String]| {
                let details = Details { allow: &[], rules };
                Page::new(answer, &head(accept), "id-1", &look, &details)
            };
            let (revealed, silent) = (page(&rules), page(&[]));
            assert!(revealed.body.contains(told) && revealed.body.contains("id-1"), "{accept}");
            assert!(
                !silent.body.contains("sqli-a") && !silent.body.to_lowercase().contains("rules")
            );
            assert_eq!(header(&silent, "retry-after"), Some("30"));
        }
        let own = BlockPage { html: Some("<p>Sorry. {request_id}</p>".into()), ..look };
        let page = Page::new(answer, &head("text/html"), "id-1", &own, &Details::default());
        assert_eq!(page.body, "<p>Sorry. id-1</p>");
        let page = Page::new(answer, &head("*/*"), "id-1", &own, &Details::default());
        assert!(page.body.starts_with(r#"{"type":"about:blank","title":"Forbidden","status":403"#));
    }

    #[test]
    fn nothing_of_the_request_comes_back() {
        let page = page("GET", "text/html", 403);
        assert!(!page.body.contains("<x>"));
        assert!(page.body.contains("id-1"));
        assert_eq!(header(&page, "cache-control"), Some("no-store"));
    }

    #[test]
    fn head_has_a_length_and_no_body() {
        let (head, get) = (page("HEAD", "", 403), page("GET", "", 403));
        assert_eq!(head.body, "");
        assert_eq!(header(&head, "content-length"), header(&get, "content-length"));
    }

    #[test]
    fn statuses_bring_the_headers_they_must() {
        assert_eq!(header(&page("TRACE", "", 405), "allow"), Some("GET, POST"));
        assert_eq!(header(&page("GET", "", 503), "retry-after"), Some("1"));
        assert_eq!(header(&page("GET", "", 403), "retry-after"), None);
    }
}
