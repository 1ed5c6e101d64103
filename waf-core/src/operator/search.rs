//! The searches of the tokenizers of SQL and HTML.
//!
//! All that reads a value byte by byte is here or says so to [`count`], so that the tests can hold
//! the tokenizers to a number of reads that is linear in the value.

/// The first place of a byte.
pub(super) fn byte(text: &[u8], byte: u8) -> Option<usize> {
    counted(text, memchr::memchr(byte, text))
}

/// The first place of a text.
pub(super) fn text(text: &[u8], wanted: &[u8]) -> Option<usize> {
    counted(text, memchr::memmem::find(text, wanted))
}

/// The first place of a byte that is one of the wanted.
pub(super) fn any(text: &[u8], is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    counted(text, text.iter().position(|&byte| is_wanted(byte)))
}

/// The length of what begins the text and is all wanted.
pub(super) fn span(text: &[u8], is_wanted: impl Fn(u8) -> bool) -> usize {
    any(text, |byte| !is_wanted(byte)).unwrap_or(text.len())
}

/// How many of a byte end the text.
pub(super) fn trailing(text: &[u8], byte: u8) -> usize {
    let count = text.iter().rev().take_while(|&&other| other == byte).count();
    self::count(count + 1);
    count
}

fn counted(text: &[u8], found: Option<usize>) -> Option<usize> {
    count(found.map_or(text.len(), |at| at + 1));
    found
}

/// Tells that bytes have been read.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn count(_: usize) {}

#[cfg(test)]
pub(super) use counter::count;

#[cfg(test)]
mod counter {
    use std::cell::Cell;

    thread_local!(static READ: Cell<usize> = const { Cell::new(0) });

    pub(in super::super) fn count(bytes: usize) {
        READ.set(READ.get() + bytes);
    }

    /// Bytes that `run` reads.
    fn read_by<T>(run: impl FnOnce() -> T) -> usize {
        READ.set(0);
        run();
        READ.get()
    }

    /// What is repeated, with a `~` between.
    const PIECES: [&str; 5] = [
        "a~1~a.~a`~1.~.~1 ~a ~1,~a,~x'~b'0~e'~n'~q'(~nq'a~u&'~'~''~\\'~\\~\"~`~`a`.~$~$a",
        "$a$~$$~$.~@~@@~@'~/*~/*!~*/~/**/~--~--\n~-~#~#\n~(~((~)~+~[~]~{~{a ~}~;~select.",
        "like.~int.~in ~or ~not ~! ~collate ~union ~lock in ~user(~1e~0x~0b~1f~\0~<~<a",
        "<a ~<!~<!--~<!-~-\0~-!~<%~%~<?~</~</>~/~/ ~=~=a ~a=~a=b ~a='~<a b=~on~onerror",
        "x\0~<![CDATA[~]]~&~&#~&#x0~&#0~href=&#32;~href=\n~\n~ ~>~<>",
    ];

    /// The most reads a byte that any of the beginnings leads to, in a value of about that length.
    fn reads_per_byte(piece: &str, length: usize) -> usize {
        let contexts = ["", "1 ' ", "<a href=", "<!--", "1 or \"'`"];
        let reads = contexts.iter().map(|context| {
            let mut value = context.as_bytes().to_vec();
            value.extend(piece.bytes().cycle().take(length));
            value.extend_from_slice(b"'\"`=<>");
            let sqli = read_by(|| super::super::detect_sqli(&value));
            let xss = read_by(|| super::super::detect_xss(&value));
            sqli.max(xss) / value.len()
        });
        reads.max().unwrap_or(0)
    }

    #[test]
    fn the_work_is_linear_in_the_value() {
        let worst = PIECES.iter().flat_map(|line| line.split('~')).map(|piece| {
            let [short, long] = [8, 128].map(|kib| reads_per_byte(piece, kib * 1024));
            assert!(long <= short + 1, "{piece:?}: {short} reads a byte, then {long}");
            long
        });
        let worst = worst.max().unwrap_or(0);
        assert!((2..=100).contains(&worst), "at most {worst} reads a byte");
        println!("at most {worst} reads a byte");
    }
}
