//! Best fit of 16-bit codes in US-ASCII (Windows code page 20127), as IIS and `%uhhhh` use it.

use super::text::low_byte;

/// No best fit. Nothing in code page 20127 fits to a question mark but the full-width one.
const NONE: u8 = b'?';

/// Codes in a row: the first one, and what it and the following fit to. Rows are in order.
///
/// From the code page's best-fit table, as published in ModSecurity's `unicode.mapping`; the
/// full-width forms U+FF01 to U+FF5E are [`low_byte`]'s.
const ROWS: &[(u16, &[u8])] = &[
    (0x00a0, b" !c?$Y|??Ca<?-R???23???.,1o>"),
    (0x00c0, b"AAAAAAACEEEEIIIIDNOOOOO?OUUUUY??aaaaaaaceeeeiiii?nooooo?ouuuuy?y"),
    (0x0100, b"AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi??JjKk?LlLlLl"),
    (0x0141, b"LlNnNnNn???OoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZ?ZzZz"),
    (0x0180, b"b"),
    (0x0189, b"D???????Ff????I??l????OOo"),
    (0x01ab, b"t??TUu?????z"),
    (0x01cd, b"AaIiOoUuUuUuUuUu?Aa????GgGgKkOoOo??j"),
    (0x0261, b"g"),
    (0x02b9, b"'\"?'???????^?^?'??`?_"),
    (0x02dc, b"~"),
    (0x0300, b"`?^~"),
    (0x030e, b"\""),
    (0x0331, b"__"),
    (0x2000, b"       "),
    (0x2010, b"--?--???'',?\"\"\"???.???."),
    (0x2032, b"'??`???<>"),
    (0x2122, b"T"),
];

/// The byte that `code` is read as: its best fit, else its low byte.
pub(super) fn best_fit(code: u16) -> u8 {
    fit(code).unwrap_or_else(|| low_byte(code))
}

fn fit(code: u16) -> Option<u8> {
    let after = ROWS.partition_point(|&(first, _)| first <= code);
    let (first, row) = ROWS.get(after.checked_sub(1)?)?;
    let byte = *row.get(usize::from(code - first))?;
    (byte != NONE).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row that ran into the next would hide it.
    #[test]
    fn rows_are_in_order_and_apart() {
        for pair in ROWS.windows(2) {
            assert!(usize::from(pair[0].0) + pair[0].1.len() <= usize::from(pair[1].0));
        }
    }

    /// Letters with marks fit to the letter, case kept.
    #[test]
    fn letters_fit_to_their_base() {
        for (text, base) in [("ÀÁÂÃÄÅĀĂĄǍǞ", 'A'), ("àáâãäåāăą", 'a'), ("ŚŜŞŠ", 'S'), ("ñńņň", 'n')]
        {
            for letter in text.chars() {
                let code = u16::try_from(u32::from(letter)).unwrap_or(0);
                assert_eq!(char::from(best_fit(code)), base, "{letter}");
            }
        }
    }

    /// Quotes and angle quotes are what attacks need.
    #[test]
    fn punctuation_fits_to_ascii() {
        let cases = [
            (0x2018, b'\''),
            (0x2019, b'\''),
            (0x02bc, b'\''),
            (0x2032, b'\''),
            (0x201c, b'"'),
            (0x2039, b'<'),
            (0x203a, b'>'),
            (0x00ab, b'<'),
            (0x00bb, b'>'),
            (0x2013, b'-'),
            (0x00a0, b' '),
            (0x2003, b' '),
            (0x00b7, b'.'),
            (0x02dc, b'~'),
            (0x2035, b'`'),
        ];
        for (code, byte) in cases {
            assert_eq!(best_fit(code), byte, "{code:04x}");
        }
    }

    /// Full-width forms and codes without a fit.
    #[test]
    fn others_are_their_low_byte() {
        let cases = [
            (0x0041, b'A'),
            (0xff01, b'!'),
            (0xff1f, b'?'),
            (0xff5e, b'~'),
            (0xff5f, 0x5f),
            (0xff00, 0),
            (0x4e27, b'\''),
            (0x00d7, 0xd7),
            (0x017a, b'z'),
            (0xffff, 0xff),
        ];
        for (code, byte) in cases {
            assert_eq!(best_fit(code), byte, "{code:04x}");
        }
    }
}
