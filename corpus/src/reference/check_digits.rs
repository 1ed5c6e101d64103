//! Numbers with check digits, looked for from every byte on.

/// Whether a card's number with a right check digit stands in the value.
pub(crate) fn card(value: &[u8]) -> bool {
    let numbers = numbers(value, |byte| byte.is_ascii_digit());
    numbers.iter().any(|groups| {
        let lengths: Vec<usize> = groups.iter().map(Vec::len).collect();
        let amex_or_diners = matches!(lengths[..], [4, 6, 4] | [4, 6, 5]);
        let number = groups.concat();
        (amex_or_diners || in_fours(&lengths)) && (13..=19).contains(&number.len()) && luhn(&number)
    })
}

/// Whether an IBAN with right check digits stands in the value.
pub(crate) fn iban(value: &[u8]) -> bool {
    let numbers = numbers(value, |byte| byte.is_ascii_alphanumeric());
    numbers.iter().any(|groups| {
        let lengths: Vec<usize> = groups.iter().map(Vec::len).collect();
        let number = String::from_utf8_lossy(&groups.concat()).to_ascii_uppercase();
        in_fours(&lengths) && length_of(&number) == Some(number.len()) && is_one_of_97(&number)
    })
}

/// Every number in the value, as its groups: from each beginning of a group, ever more groups with
/// one and the same separator between them.
fn numbers(value: &[u8], takes: fn(&u8) -> bool) -> Vec<Vec<Vec<u8>>> {
    let is_taken = |at: usize| value.get(at).is_some_and(takes);
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let begins = |at: usize| is_taken(at) && (at == 0 || !is_taken(at - 1));
    let mut found = Vec::new();
    for start in (0..value.len()).filter(|at| begins(*at)) {
        if !is_free(value, start, takes) {
            continue;
        }
        let (mut groups, mut at, mut separator) = (Vec::new(), start, None);
        loop {
            let end = (at..).find(|at| !is_taken(*at)).unwrap_or(at);
            groups.push(value[at..end].to_vec());
            if !value.get(end).is_some_and(is_word) {
                found.push(groups.clone());
            }
            let Some(between @ (b' ' | b'-')) = value.get(end) else { break };
            if *separator.get_or_insert(between) != between
                || !is_taken(end + 1)
                || end - start > 64
            {
                break;
            }
            at = end + 1;
        }
    }
    found
}

/// Whether what stands before a group leaves it on its own: no word, no point, and a hyphen only
/// behind a group that is free itself.
fn is_free(value: &[u8], start: usize, takes: fn(&u8) -> bool) -> bool {
    let Some((last, before)) = value[..start].split_last() else { return true };
    match last {
        b'-' => match before.iter().rev().take_while(|byte| takes(byte)).count() {
            0 => false,
            length => is_free(value, before.len() - length, takes),
        },
        b'.' | b'_' => false,
        other => !other.is_ascii_alphanumeric(),
    }
}

fn in_fours(lengths: &[usize]) -> bool {
    match lengths {
        [_] => true,
        [before @ .., last] => *last <= 4 && before.iter().all(|length| *length == 4),
        [] => false,
    }
}

fn luhn(number: &[u8]) -> bool {
    const DOUBLED: [usize; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
    let mut sum = 0;
    for (at, digit) in number.iter().enumerate() {
        let digit = usize::from(digit - b'0');
        sum += if (number.len() - at).is_multiple_of(2) { DOUBLED[digit] } else { digit };
    }
    sum % 10 == 0
}

/// By country, from the IBAN registry.
fn length_of(number: &str) -> Option<usize> {
    let digits = number.get(2..4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(match number.get(..2)? {
        "AD" | "CZ" | "ES" | "MD" | "PK" | "RO" | "SA" | "SE" | "SK" | "TN" | "VG" => 24,
        "AE" | "GI" | "IL" | "IQ" | "OM" | "SO" | "TL" => 23,
        "AL" | "AZ" | "BY" | "CY" | "DO" | "GT" | "HN" | "HU" | "LB" | "NI" | "PL" | "SV" => 28,
        "AT" | "BA" | "EE" | "KZ" | "LT" | "LU" | "MN" | "XK" => 20,
        "BE" => 16,
        "BG" | "BH" | "DE" | "GB" | "GE" | "IE" | "ME" | "RS" | "VA" => 22,
        "BI" | "DJ" | "FR" | "GR" | "IT" | "MC" | "SM" => 27,
        "BR" | "EG" | "PS" | "QA" | "UA" => 29,
        "CH" | "CR" | "HR" | "LI" | "LV" => 21,
        "DK" | "FI" | "FK" | "FO" | "GL" | "NL" | "SD" => 18,
        "IS" | "TR" => 26,
        "JO" | "KW" | "MU" | "YE" => 30,
        "LC" => 32,
        "LY" | "PT" | "ST" => 25,
        "MK" | "SI" => 19,
        "MT" | "SC" => 31,
        "NO" => 15,
        "RU" => 33,
        _ => return None,
    })
}

/// Written out in digits with the first four characters last, by long division.
fn is_one_of_97(number: &str) -> bool {
    let turned = format!("{}{}", &number[4..], &number[..4]);
    let digits: String =
        turned.chars().filter_map(|c| c.to_digit(36)).map(|digit| digit.to_string()).collect();
    digits.bytes().fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97) == 1
}

#[cfg(test)]
mod tests {
    use waf_core::operator::Check;
    use waf_core::rule::Operator;

    use super::*;
    use crate::cut::Cut;
    use crate::random::Random;

    /// Groups that make right numbers, wrong ones, and what stands around them.
    const PARTS: [&str; 16] = [
        "4111",
        "1111",
        "1111",
        "3782",
        "822463",
        "10005",
        "378282246310005",
        "DE89",
        "3704",
        "0044",
        "0532",
        "0130",
        "00",
        "BE68539007547034",
        "x",
        "7",
    ];
    const BETWEEN: [&str; 10] = ["", " ", " ", " ", "-", "-", ".", "_", "  ", "\u{5361}"];

    #[test]
    fn the_engine_says_the_same() {
        let (luhn, iban_) = (Check::new(&Operator::Luhn), Check::new(&Operator::Iban));
        let mut random = Random::new(7);
        let mut right = [0, 0];
        for _ in 0..5_000 {
            let mut value = String::new();
            let start = random.below(PARTS.len());
            for part in 0..random.below(9) {
                // Mostly what follows in the list, so that whole numbers come up.
                let next = if random.once_in(6) { random.below(PARTS.len()) } else { start + part };
                let between = if random.once_in(4) { random.below(BETWEEN.len()) } else { 1 };
                value += PARTS[next % PARTS.len()];
                value += BETWEEN[between];
            }
            for (at, check, expected) in
                [(0, &luhn, card(value.as_bytes())), (1, &iban_, iban(value.as_bytes()))]
            {
                right[at] += usize::from(expected);
                for cut in [Cut::Whole, Cut::Every(1), Cut::Random(random.number())] {
                    let Some(check) = check else { continue };
                    let mut state = check.start();
                    for piece in cut.pieces(value.as_bytes()) {
                        check.feed(&mut state, piece);
                    }
                    assert_eq!(check.finish(state), expected, "{value:?} {cut:?}");
                }
            }
        }
        assert!(right.iter().all(|right| (200..4_800).contains(right)), "{right:?}");
    }
}
