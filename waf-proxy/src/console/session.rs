//! Browsers that have shown the token.
//!
//! A browser cannot send the token with every request by itself, so it gets a random value in a
//! cookie for it. The table is bounded and in memory only: a restart ends every session.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::{self, HeaderMap};

use crate::config::Secret;

/// Browsers at the same time; one more ends the one that was idle longest.
const SESSIONS: usize = 64;

/// Without a request for so long, a session ends.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// A session ends after a working day, however busy: a page that renews itself is never idle.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// The cookie. Not `Secure`: the listener speaks plain HTTP.
const COOKIE: &str = "pinpoint_session";

/// Bytes of a value: nobody guesses 256 bits.
const BYTES: usize = 32;

/// The open sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: Mutex<Vec<Session>>,
}

#[derive(Debug)]
struct Session {
    value: Secret,
    began: Instant,
    used: Instant,
}

impl Sessions {
    /// Opens one; the cookie to set. `None` where the system has no random numbers.
    pub(super) fn begin(&self, now: Instant) -> Option<String> {
        let mut bytes = [0_u8; BYTES];
        getrandom::fill(&mut bytes).ok()?;
        let value: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut open = self.living(now);
        if open.len() >= SESSIONS
            && let Some(idle) = (0..open.len()).min_by_key(|&index| open[index].used)
        {
            open.swap_remove(idle);
        }
        open.push(Session { value: Secret::new(&value), began: now, used: now });
        let age = LONGEST.as_secs();
        Some(format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/console; Max-Age={age}"))
    }

    /// Whether the request is of an open session, which it keeps open.
    pub(super) fn has(&self, headers: &HeaderMap, now: Instant) -> bool {
        let mut open = self.living(now);
        let Some(index) = find(&open, headers) else { return false };
        open[index].used = now;
        true
    }

    /// Ends the request's session; the cookie that takes its place.
    pub(super) fn end(&self, headers: &HeaderMap, now: Instant) -> String {
        let mut open = self.living(now);
        if let Some(index) = find(&open, headers) {
            open.swap_remove(index);
        }
        format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/console; Max-Age=0")
    }

    /// The sessions that have not ended by themselves.
    fn living(&self, now: Instant) -> MutexGuard<'_, Vec<Session>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|session| {
            now.duration_since(session.used) < IDLE && now.duration_since(session.began) < LONGEST
        });
        open
    }
}

/// Which session the request's cookies show. Every session is compared, each in constant time.
fn find(open: &[Session], headers: &HeaderMap) -> Option<usize> {
    let shown = headers
        .get_all(header::COOKIE)
        .into_iter()
        .flat_map(|cookies| cookies.as_bytes().split(|&byte| byte == b';').map(<[u8]>::trim_ascii));
    let name = COOKIE.as_bytes();
    let values = shown.filter_map(|cookie| cookie.strip_prefix(name)?.strip_prefix(b"="));
    values.fold(None, |found, value| {
        open.iter().enumerate().fold(found, |found, (index, session)| {
            if session.value.is(value) { Some(index) } else { found }
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::*;

    fn showing(cookie: &str) -> HeaderMap {
        let pair = cookie.split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("a=b; {pair}; c=d").parse().unwrap());
        headers
    }

    #[test]
    fn a_session_is_known_by_its_whole_value() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let cookie = sessions.begin(now).unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Strict; Path=/console; "));
        assert!(sessions.has(&showing(&cookie), now));
        let value = cookie.split(['=', ';']).nth(1).unwrap();
        assert_eq!(value.len(), 2 * BYTES);
        for wrong in [&value[1..], "", &value.to_uppercase(), &"0".repeat(64)] {
            assert!(!sessions.has(&showing(&format!("{COOKIE}={wrong}")), now), "{wrong}");
        }
        assert!(!sessions.has(&HeaderMap::new(), now));
        assert_ne!(sessions.begin(now), Some(cookie));
    }

    #[test]
    fn sessions_end() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let cookie = showing(&sessions.begin(start).unwrap());
        assert!(sessions.has(&cookie, start + IDLE / 2));
        assert!(sessions.has(&cookie, start + IDLE));
        assert!(!sessions.has(&cookie, start + 2 * IDLE), "idle");

        let cookie = showing(&sessions.begin(start).unwrap());
        let mut now = start;
        while now < start + LONGEST {
            assert!(sessions.has(&cookie, now));
            now += IDLE / 2;
        }
        assert!(!sessions.has(&cookie, now), "never idle, and over");

        let cookie = showing(&sessions.begin(now).unwrap());
        assert!(sessions.end(&cookie, now).contains("Max-Age=0"));
        assert!(!sessions.has(&cookie, now));
    }

    #[test]
    fn one_too_many_ends_the_idlest() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let second = Duration::from_secs(1);
        let cookies: Vec<_> =
            (0..SESSIONS).map(|_| showing(&sessions.begin(start).unwrap())).collect();
        assert!(cookies.iter().skip(1).all(|cookie| sessions.has(cookie, start + second)));
        let last = showing(&sessions.begin(start + 2 * second).unwrap());
        assert!(!sessions.has(&cookies[0], start + 3 * second));
        assert!(cookies.iter().skip(1).all(|cookie| sessions.has(cookie, start + 3 * second)));
        assert!(sessions.has(&last, start + 3 * second));
    }
}
