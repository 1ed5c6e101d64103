//! "did you mean": the name nearest to a word that is none.

use strsim::osa_distance;

/// The name of `names` that `word` was probably meant to be. `urlDecodeUni` and `URL_DECODE_UNI`
/// are near to `url_decode_uni`.
pub(crate) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = plain(word);
    let furthest = (plain.chars().count() / 3).clamp(1, 3);
    names
        .into_iter()
        .map(|name| (osa_distance(&plain, &self::plain(name)), name))
        .filter(|&(distance, _)| distance <= furthest)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// The help for an unknown name: the nearest one, or all of them where they are few.
pub(crate) fn help<'a>(
    word: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    /// More names than this help nobody.
    const FEW: usize = 30;

    if let Some(name) = nearest(word, names.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let names: Vec<_> = names.into_iter().collect();
    (!names.is_empty() && names.len() <= FEW).then(|| format!("one of: {}", names.join(", ")))
}

/// Without what spellings differ in.
fn plain(word: &str) -> String {
    let word = word.strip_prefix("t:").unwrap_or(word);
    let word = word.strip_prefix('@').unwrap_or(word);
    word.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["url_decode", "url_decode_uni", "lowercase", "length"];

    #[test]
    fn the_nearest_name_wins() {
        assert_eq!(nearest("urlDecodeUni", NAMES), Some("url_decode_uni"));
        assert_eq!(nearest("t:lowercase", NAMES), Some("lowercase"));
        assert_eq!(nearest("lenght", NAMES), Some("length"));
        assert_eq!(nearest("sha256", NAMES), None);
    }
}
