//! `curl` commands, one or more in a file: what browsers copy and reports hold.
//!
//! An option that would change the request and is not known is an error; those about the connection
//! and the output are passed over. Files and variables are not read.

use std::path::Path;

use super::base64::to_base64;
use super::{Wrong, of_folder, request, shell, url};
use crate::request::Request;

/// Options with a value that change nothing of the request.
const PASSED_OVER: &[&str] = &[
    "-o",
    "--output",
    "-m",
    "--max-time",
    "--connect-timeout",
    "-w",
    "--write-out",
    "--retry",
    "-x",
    "--proxy",
    "--cacert",
    "--cert",
    "--key",
    "--resolve",
    "-c",
    "--cookie-jar",
    "-D",
    "--dump-header",
    "--limit-rate",
    "--interface",
    "--max-redirs",
    "--ciphers",
];

/// Flags that change nothing of the request.
const FLAGS: &[&str] = &[
    "-k",
    "--insecure",
    "-s",
    "--silent",
    "-S",
    "--show-error",
    "-L",
    "--location",
    "-v",
    "--verbose",
    "-i",
    "--include",
    "-f",
    "--fail",
    "-g",
    "--globoff",
    "-N",
    "--no-buffer",
    "--compressed",
    "--http1.1",
    "--http2",
    "--tlsv1.2",
    "--tlsv1.3",
    "-4",
    "-6",
    "-O",
    "--remote-name",
    "-#",
    "--progress-bar",
    "--no-keepalive",
];

/// Options with a value, by their short names.
const LONG: &[(&str, &str)] = &[
    ("-X", "--request"),
    ("-H", "--header"),
    ("-d", "--data"),
    ("-F", "--form"),
    ("-b", "--cookie"),
    ("-A", "--user-agent"),
    ("-e", "--referer"),
    ("-u", "--user"),
    ("-G", "--get"),
    ("-I", "--head"),
];

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Option<Vec<Request>>, Wrong> {
    let text = std::str::from_utf8(bytes).map_err(|_| (None, "it is not UTF-8".to_owned()))?;
    let mut requests = Vec::new();
    for (line, words) in shell::commands(text)? {
        let wrong = |why: String| (Some(line), why);
        let Some(("curl", rest)) = words.split_first().map(|(name, rest)| (name.as_str(), rest))
        else {
            return Err(wrong("a command that is not `curl`".to_owned()));
        };
        let request = Call::parse(rest).and_then(Call::request).map_err(wrong)?;
        let id = format!("{}:{line}", path.display());
        requests.push(of_folder(path, Request { id, source: "curl".to_owned(), ..request }));
    }
    Ok(Some(requests))
}

/// What a command asks for.
#[derive(Default)]
struct Call {
    url: Option<String>,
    method: Option<String>,
    /// Name and value; no value takes curl's own header away.
    headers: Vec<(String, Option<String>)>,
    data: Vec<String>,
    parts: Vec<(String, String)>,
    json: bool,
    in_query: bool,
    only_head: bool,
    path_as_is: bool,
}

impl Call {
    fn parse(words: &[String]) -> Result<Self, String> {
        let mut call = Self::default();
        let mut words = split(words).into_iter();
        while let Some(word) = words.next() {
            if !word.starts_with('-') || word == "-" {
                call.set_url(word)?;
                continue;
            }
            let long = LONG.iter().find(|(short, _)| *short == word).map(|(_, long)| *long);
            let option = long.unwrap_or(&word);
            if call.flag(option) || FLAGS.contains(&option) {
                continue;
            }
            let value = words.next().ok_or_else(|| format!("`{word}` has no value"))?;
            if !PASSED_OVER.contains(&option) {
                call.option(option, &value)?;
            }
        }
        Ok(call)
    }

    fn set_url(&mut self, url: String) -> Result<(), String> {
        match self.url.replace(url) {
            None => Ok(()),
            Some(_) => Err("a second URL".to_owned()),
        }
    }

    fn flag(&mut self, option: &str) -> bool {
        let flag = match option {
            "--get" => &mut self.in_query,
            "--head" => &mut self.only_head,
            "--path-as-is" => &mut self.path_as_is,
            _ => return false,
        };
        *flag = true;
        true
    }

    fn option(&mut self, option: &str, value: &str) -> Result<(), String> {
        let file = |value: &str| match value.starts_with('@') {
            true => Err(format!("the file {value} is not read")),
            false => Ok(value.to_owned()),
        };
        match option {
            "--url" => self.set_url(value.to_owned())?,
            "--request" => self.method = Some(value.to_owned()),
            "--header" => self.headers.push(header(value)?),
            "--data" | "--data-ascii" | "--data-binary" => self.data.push(file(value)?),
            "--data-raw" => self.data.push(value.to_owned()),
            "--data-urlencode" => self.data.push(urlencode(value)?),
            "--json" => {
                self.json = true;
                self.data.push(file(value)?);
            }
            "--form" | "--form-string" => {
                let (name, value) = value.split_once('=').ok_or("a form field is name=value")?;
                if option == "--form" && value.starts_with(['@', '<']) {
                    return Err(format!("the file {value} is not read"));
                }
                self.parts.push((name.to_owned(), value.to_owned()));
            }
            "--cookie" => self.add("Cookie", value),
            "--user-agent" => self.add("User-Agent", value),
            "--referer" => self.add("Referer", value),
            "--user" => {
                self.add("Authorization", &format!("Basic {}", to_base64(value.as_bytes())));
            }
            _ => return Err(format!("the option `{option}` is not known")),
        }
        Ok(())
    }

    fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), Some(value.to_owned())));
    }

    fn request(mut self) -> Result<Request, String> {
        const BOUNDARY: &str = "------------------------a1b2c3d4e5f6a7b8";
        let text = self.url.take().ok_or("there is no URL")?;
        let text = if text.contains("://") { text } else { format!("http://{text}") };
        let (host, mut target) = url(&text).ok_or_else(|| format!("`{text}` is no HTTP URL"))?;
        if !self.path_as_is {
            target = without_dots(&target);
        }
        let mut body = self.data.join(if self.json { "" } else { "&" });
        if self.in_query && !body.is_empty() {
            target.push(if target.contains('?') { '&' } else { '?' });
            target.push_str(&std::mem::take(&mut body));
        }
        let content_type = match (self.parts.is_empty(), self.json, body.is_empty()) {
            (false, ..) => {
                body = multipart(&self.parts, BOUNDARY);
                Some(format!("multipart/form-data; boundary={BOUNDARY}"))
            }
            (true, true, _) => Some("application/json".to_owned()),
            (true, false, false) => Some("application/x-www-form-urlencoded".to_owned()),
            (true, false, true) => None,
        };
        let default = match (self.only_head, body.is_empty()) {
            (true, _) => "HEAD",
            (false, false) => "POST",
            (false, true) => "GET",
        };
        let method = self.method.clone().unwrap_or_else(|| default.to_owned());
        Ok(request(&method, &target, host, self.all_headers(content_type), body.into_bytes()))
    }

    /// curl's own headers where they are neither given nor taken away, then those given.
    fn all_headers(self, content_type: Option<String>) -> Vec<(String, String)> {
        let accept = if self.json { "application/json" } else { "*/*" };
        let own = [
            ("User-Agent", Some("curl/8.14.1".to_owned())),
            ("Accept", Some(accept.to_owned())),
            ("Content-Type", content_type),
        ];
        let given =
            |name: &str| self.headers.iter().any(|(have, _)| have.eq_ignore_ascii_case(name));
        let own = own.into_iter().filter(|(name, _)| !given(name));
        let own: Vec<_> = own.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let own = own.into_iter();
        own.chain(self.headers.into_iter().filter_map(|(name, value)| Some((name, value?))))
            .collect()
    }
}

/// Options and values as words of their own: `-XPOST`, `-sk` and `--data=x` are taken apart.
fn split(words: &[String]) -> Vec<String> {
    let mut parts = Vec::new();
    for word in words {
        let is_short = word.starts_with('-') && !word.starts_with("--");
        if !is_short {
            parts.push(word.clone());
            continue;
        }
        let mut rest = &word[1..];
        while let Some(letter) = rest.chars().next() {
            let option = format!("-{letter}");
            rest = &rest[letter.len_utf8()..];
            let is_flag = FLAGS.contains(&option.as_str()) || matches!(letter, 'G' | 'I');
            parts.push(option);
            if !is_flag {
                parts.extend((!rest.is_empty()).then(|| rest.to_owned()));
                break;
            }
        }
    }
    parts
}

/// `Name: value`; `Name;` has no value, `Name:` is taken away.
fn header(text: &str) -> Result<(String, Option<String>), String> {
    if let Some((name, value)) = text.split_once(':') {
        let value = value.trim_start();
        return Ok((name.to_owned(), (!value.is_empty()).then(|| value.to_owned())));
    }
    match text.strip_suffix(';') {
        Some(name) => Ok((name.to_owned(), Some(String::new()))),
        None => Err(format!("`{text}` is no header")),
    }
}

/// `content`, `=content` or `name=content`, the content encoded.
fn urlencode(text: &str) -> Result<String, String> {
    let escape = |text: &str| -> String {
        let escape = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        };
        text.bytes().map(escape).collect()
    };
    match text.split_once(['=', '@']) {
        None => Ok(escape(text)),
        Some((name, _)) if text[name.len()..].starts_with('@') => {
            Err(format!("the file in `{text}` is not read"))
        }
        Some(("", content)) => Ok(escape(content)),
        Some((name, content)) => Ok(format!("{name}={}", escape(content))),
    }
}

fn multipart(parts: &[(String, String)], boundary: &str) -> String {
    let part = |(name, value): &(String, String)| {
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
    };
    parts.iter().map(part).collect::<String>() + &format!("--{boundary}--\r\n")
}

/// The path without `.` and `..`, as curl sends it (RFC 3986 section 5.2.4).
fn without_dots(target: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    for (place, segment) in segments.iter().enumerate() {
        let last = place + 1 == segments.len();
        match *segment {
            "." | ".." => {
                if *segment == ".." {
                    kept.pop();
                }
                kept.extend(last.then_some(""));
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}{query}", kept.join("/"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::super::tests::shown;
    use super::*;

    fn sent(command: &str) -> String {
        let requests = read(Path::new("a.curl"), command.as_bytes()).unwrap().unwrap();
        let common = "Host: a|User-Agent: curl/8.14.1|Accept: */*|";
        requests.iter().map(|request| shown(request).replace(common, "")).collect()
    }

    #[test]
    fn a_url_alone_is_a_get() {
        assert_eq!(sent("curl a/b/../c?d=../e"), "GET /c?d=../e HTTP/1.1||");
        assert_eq!(sent("curl --path-as-is http://a/b/../c"), "GET /b/../c HTTP/1.1||");
        assert_eq!(sent("curl -skI 'https://a'"), "HEAD / HTTP/1.1||");
        assert_eq!(sent("curl -XPURGE -o x --url a"), "PURGE / HTTP/1.1||");
    }

    #[test]
    fn data_is_a_form_that_is_posted() {
        let form = "Content-Type: application/x-www-form-urlencoded|";
        let expected = format!("POST / HTTP/1.1|{form}Content-Length: 13||a=b&c=%26d&@e");
        assert_eq!(sent("curl a -d a=b --data-urlencode 'c=&d' --data-raw @e"), expected);
        assert_eq!(sent("curl a?x=1 -G -d a=b"), "GET /?x=1&a=b HTTP/1.1||");
        let json = sent("curl a --json '{\"a\":1}'");
        let expected = "Accept: application/json|Content-Type: application/json|\
                        Content-Length: 7||{\"a\":1}";
        assert!(json.ends_with(expected), "{json}");
        let put = sent("curl -X PUT a -H 'Content-Type: text/x' -d b");
        assert_eq!(put, "PUT / HTTP/1.1|Content-Type: text/x|Content-Length: 1||b");
    }

    #[test]
    fn a_form_is_multipart() {
        let sent = sent("curl a -F 'x=1' --form-string y=@2");
        let parts = "name=\"x\"||1|--------------------------a1b2c3d4e5f6a7b8|\
                     Content-Disposition: form-data; name=\"y\"||@2|--";
        assert!(sent.contains(parts), "{sent}");
        assert!(sent.contains("boundary=------------------------a1b2c3d4e5f6a7b8|"), "{sent}");
    }

    #[test]
    fn headers_are_given_and_taken_away() {
        let text = "curl a -A x -e y -b 'c=d' -u u:p -H 'accept:' -H 'X-Empty;' -H \"Z: 1: 2\"";
        let headers =
            "User-Agent: x|Referer: y|Cookie: c=d|Authorization: Basic dTpw|X-Empty: |Z: 1: 2";
        assert_eq!(sent(text), format!("GET / HTTP/1.1|Host: a|{headers}||"));
        let copied =
            "curl 'http://a/' \\\n  -H 'host: b' \\\n  --data-raw $'q=\\'\\u0021' --compressed";
        assert!(sent(copied).contains("|host: b|"), "{}", sent(copied));
        assert!(sent(copied).ends_with("||q='!"), "{}", sent(copied));
    }

    #[test]
    fn several_commands_are_several_requests() {
        assert_eq!(sent("# one\ncurl a\n\ncurl a/b\n"), "GET / HTTP/1.1||GET /b HTTP/1.1||");
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let wrong = |text: &str| read(Path::new("a.curl"), text.as_bytes()).unwrap_err();
        assert_eq!(wrong("curl a\nwget b"), (Some(2), "a command that is not `curl`".to_owned()));
        for (text, why) in [
            ("curl", "no URL"),
            ("curl a b", "second URL"),
            ("curl a --proto-default x", "not known"),
            ("curl a -d @file", "not read"),
            ("curl a -F x=@file", "not read"),
            ("curl a -H nothing", "no header"),
            ("curl a -X", "no value"),
            ("curl ftp://a", "no HTTP URL"),
            ("curl a/$x", "not expanded"),
        ] {
            assert!(wrong(text).1.contains(why), "{text}: {:?}", wrong(text));
        }
    }
}
