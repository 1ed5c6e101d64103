//! Cookie headers.

use waf_core::parse::cookie::{cookies, join_crumbs};

/// `data` as the value of a Cookie header: cookies stand where they say, none is lost; its lines as
/// crumbs of one.
pub fn check(data: &[u8]) {
    let (mut told, mut last) = (0, 0);
    for cookie in cookies(data) {
        assert_eq!(&data[cookie.name_at..][..cookie.name.len()], cookie.name);
        assert_eq!(&data[cookie.value_at..][..cookie.value.len()], cookie.value);
        assert!(last <= cookie.name_at && cookie.name_at + cookie.name.len() <= cookie.value_at);
        assert!(!cookie.name.iter().any(|byte| matches!(byte, b'=' | b';')), "{cookie:?}");
        assert!(!cookie.name.is_empty() && !cookie.value.contains(&b';'), "{cookie:?}");
        last = cookie.value_at + cookie.value.len();
        told += 1;
    }
    assert_eq!(told, data.split(|&byte| byte == b';').filter(|piece| has_name(piece)).count());
    assert_crumbs(data);
}

fn has_name(piece: &[u8]) -> bool {
    let blank = |byte: &u8| matches!(byte, b'\t'..=b'\r' | b' ');
    piece.iter().find(|byte| !blank(byte)).is_some_and(|&byte| byte != b'=')
}

fn assert_crumbs(data: &[u8]) {
    let crumbs: Vec<&[u8]> = data.split(|&byte| byte == b'\n').collect();
    let mut headers = vec![(b"a".to_vec(), b"1".to_vec())];
    for crumb in &crumbs {
        headers.push((b"Cookie".to_vec(), crumb.to_vec()));
        headers.push((b"cookies".to_vec(), b"2".to_vec()));
    }
    join_crumbs(&mut headers);
    assert_eq!(headers.len(), 2 + crumbs.len());
    assert_eq!(headers[1].1, crumbs.join(&b"; "[..]));
}
