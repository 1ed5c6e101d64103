//! Numbers as people read them.

/// A whole number with its thousands apart: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A number in the few characters that an axis has room for: `1.5M`, `20k`, `0.25`.
pub fn compact(number: f64) -> String {
    let (scaled, unit) = match number.abs() {
        size if size >= 1e9 => (number / 1e9, "G"),
        size if size >= 1e6 => (number / 1e6, "M"),
        size if size >= 1e3 => (number / 1e3, "k"),
        _ => (number, ""),
    };
    // As many digits as tell neighbouring ticks apart, no trailing zeros.
    let text = format!("{scaled:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), shown);
        }
    }

    #[test]
    fn compact_numbers_have_a_unit_and_no_idle_zeros() {
        for (number, shown) in [
            (0.0, "0"),
            (0.25, "0.25"),
            (100.0, "100"),
            (1_500.0, "1.5k"),
            (2e6, "2M"),
            (3e9, "3G"),
        ] {
            assert_eq!(compact(number), shown);
        }
    }
}
