//! What the service manager is told (`sd_notify(3)`, `Type=notify-reload`): ready, reloading, ready
//! again, stopping. Without one nothing is said.

use sd_notify::NotifyState;

/// The listeners are bound; said again when a reload is over, with how it went.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// A reload begins. systemd holds it against the time at which it sent SIGHUP.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "there is no monotonic clock"),
    }
}

/// No new connection is taken.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager does not listen");
    }
}
