//! Texts, bodies and requests of wanted lengths.

use waf_core::parse::head::RequestHead;
use waf_corpus::Request;

use crate::random::Random;

/// The boundary of the multipart bodies.
pub const BOUNDARY: &str = "----pinpoint7MA4YWxkTrZu0gW";

const WORDS: [&str; 32] = [
    "the", "order", "was", "shipped", "to", "a", "customer", "in", "Zürich", "who", "said", "that",
    "it", "arrives", "on", "Monday", "and", "select", "items", "from", "our", "union", "of",
    "shops", "are", "script", "free", "(see", "page", "12);", "O'Neil's", "50%",
];

/// At least `length` bytes of words, as in comments and forms.
pub fn prose(length: usize) -> String {
    let mut random = Random::new(1);
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        text.push_str(WORDS[random.below(WORDS.len())]);
        text.push(if random.below(12) == 0 { '\n' } else { ' ' });
    }
    text
}

/// The same text with every third byte as an escape of some kind.
pub fn encoded(length: usize) -> String {
    let mut random = Random::new(2);
    let mut text = String::with_capacity(length + 16);
    for byte in prose(length).bytes() {
        match random.below(18) {
            0 | 1 => text.push_str(&format!("%{byte:02x}")),
            2 => text.push_str(&format!("%u00{byte:02x}")),
            3 => text.push_str(&format!("&#x{byte:x};")),
            4 => text.push_str(&format!("\\x{byte:02x}")),
            5 => text.push_str("/**/"),
            _ => text.push(char::from(byte & 0x7f)),
        }
        if text.len() >= length {
            break;
        }
    }
    text
}

/// A form of many short fields.
pub fn form(length: usize) -> Vec<u8> {
    let mut form = String::with_capacity(length + 64);
    for (number, value) in words(&prose(length), 8).into_iter().enumerate() {
        let value = value.replace('%', "%25").replace('\'', "%27").replace(' ', "+");
        form.push_str(&format!("field{number}={value}&"));
        if form.len() >= length {
            break;
        }
    }
    form.pop();
    form.into_bytes()
}

/// An array of orders.
pub fn json(length: usize) -> Vec<u8> {
    let text = prose(length).replace('\n', "\\n");
    let mut orders = Vec::new();
    let mut written = 0;
    for (number, note) in text.split('.').flat_map(|part| words(part, 12)).enumerate() {
        let order = format!(
            "{{\"id\":{number},\"price\":{number}.50,\"open\":true,\"customer\":{{\"name\":\"Ann \
             Example\",\"note\":\"{note}\"}}}}"
        );
        written += order.len() + 1;
        orders.push(order);
        if written >= length {
            break;
        }
    }
    format!("[{}]", orders.join(",")).into_bytes()
}

/// A document of orders.
pub fn xml(length: usize) -> Vec<u8> {
    let text = prose(length).replace('&', "&amp;").replace('<', "&lt;");
    let mut document = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<orders>\n");
    for (number, note) in words(&text, 12).into_iter().enumerate() {
        document
            .push_str(&format!("<order id=\"{number}\" open='yes'><note>{note}</note></order>\n"));
        if document.len() >= length {
            break;
        }
    }
    document.push_str("</orders>\n");
    document.into_bytes()
}

/// A form with a comment and an upload that has almost all of the bytes, text and binary by turns.
pub fn multipart(length: usize) -> Vec<u8> {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"comment\"\r\n\r\n{}\r\n--{BOUNDARY}\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"report.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n",
        prose(400)
    )
    .into_bytes();
    let (mut random, text) = (Random::new(3), prose(4_096));
    while body.len() < length {
        body.extend_from_slice(text.as_bytes());
        body.extend((0..4_096).map(|_| random.below(256) as u8));
    }
    body.truncate(length);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// A request as browsers send it.
pub fn request(method: &str, target: &str, content_type: Option<&str>, body: Vec<u8>) -> Request {
    let mut headers = vec![
        ("Host", "shop.example".to_owned()),
        (
            "User-Agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0".to_owned(),
        ),
        ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8".to_owned()),
        ("Accept-Language", "en-US,en;q=0.5".to_owned()),
        ("Accept-Encoding", "gzip, deflate, br".to_owned()),
        ("Cookie", "session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; cart=3".to_owned()),
        ("Referer", "https://shop.example/catalogue?page=2".to_owned()),
    ];
    if let Some(content_type) = content_type {
        headers.push(("Content-Type", content_type.to_owned()));
        headers.push(("Content-Length", body.len().to_string()));
    }
    let headers = headers.into_iter().map(|(name, value)| (name.into(), value.into_bytes()));
    let head = RequestHead::from_parts(method, target, "HTTP/1.1", headers.collect());
    Request { head, body, ..Request::default() }
}

/// The requests that are measured, by name.
pub fn requests() -> Vec<(&'static str, Request)> {
    with_upload("multipart 1 MB", 1_000_000)
}

/// The same with an upload that is short enough to be counted instruction by instruction, and too
/// long for the window of a field.
pub fn counted() -> Vec<(&'static str, Request)> {
    with_upload("multipart 200 KB", 200_000)
}

fn with_upload(name: &'static str, length: usize) -> Vec<(&'static str, Request)> {
    let multipart_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let target = "/catalogue/shoes?q=red+shoes&page=2&sort=price&size=42";
    let post = |content_type: &str, body| request("POST", "/orders", Some(content_type), body);
    vec![
        ("get", request("GET", target, None, Vec::new())),
        ("form 1 KB", post("application/x-www-form-urlencoded", form(1_000))),
        ("json 10 KB", post("application/json", json(10_000))),
        (name, post(&multipart_type, multipart(length))),
    ]
}

/// A word of letters.
pub fn word(random: &mut Random) -> String {
    const LETTERS: &str = "aeinorstlbcdfghkmpuvwy";
    let length = random.within(4, 9);
    random.text(LETTERS, length)
}

/// A text in stretches of so many words.
fn words(text: &str, count: usize) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.chunks(count).map(|chunk| chunk.join(" ")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use waf_core::policy::PolicySettings;
    use waf_core::record::Decision;

    use super::*;

    /// What is measured is the work on requests that pass: a block would end it early.
    #[test]
    fn requests_pass_the_rules() {
        let mut runner = crate::rules::runner(PolicySettings::default());
        for (name, request) in requests() {
            let record = runner.run(&request, waf_corpus::Cut::Every(crate::PIECE));
            assert_eq!(record.decision, Decision::Pass, "{name}: {:?}", record.matches);
            assert_eq!(record.coverage.body_seen, request.body.len() as u64, "{name}");
        }
    }

    #[test]
    fn bodies_have_about_the_length_asked_for() {
        for make in [form, json, xml, multipart] {
            let length = make(10_000).len();
            assert!((9_900..10_400).contains(&length), "{length}");
        }
    }
}
