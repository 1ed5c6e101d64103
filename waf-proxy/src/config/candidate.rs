//! `candidate`: settings on trial beside the active ones.

use waf_core::record::Mode;

use super::routes::Base;
use super::{Builder, Entry, RouteSettings, written};
use crate::share::Share;
use written::Written;

/// What runs beside the routes' own rules and has no say: the configuration with the keys of
/// `candidate` in place of its own. A route's settings stand over them as over the file's.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The requests that it looks at.
    pub share: Share,
    /// `rules:`, in order.
    pub rules: Vec<Entry>,
    /// For each route, in the order of the file; always in detection-only mode.
    pub routes: Vec<RouteSettings>,
}

impl Builder<'_> {
    pub(super) fn candidate(&mut self, file: &Written) -> Option<Candidate> {
        let written = file.candidate.as_ref()?;
        let is_silent = written.rules.is_none()
            && written.exclusions.is_none()
            && written.overrides.is_none()
            && written.scoring.is_none();
        if is_silent {
            self.check.error_help(
                "candidate",
                "the candidate is what is active already",
                "give it `rules`, `exclusions`, `overrides` or `scoring` of its own",
            );
        }
        let base = Base { file, candidate: Some(written) };
        if written.scoring.is_some() {
            // Where it is written, before the routes that inherit it.
            self.scoring("candidate.scoring", &base.scoring());
        }
        let mut routes = match file.routes.as_deref() {
            None => vec![self.global(base)],
            Some(routes) => self.candidate_routes(routes, base),
        };
        for settings in &mut routes {
            settings.policy.mode = Mode::Detect;
        }
        let rules = match &written.rules {
            Some(entries) => self.entries("candidate.rules", entries),
            None => self.rules(file.rules.as_deref()),
        };
        Some(Candidate { share: written.share.unwrap_or(Share::ALL), rules, routes })
    }

    fn candidate_routes(
        &mut self,
        routes: &[written::Route],
        base: Base<'_>,
    ) -> Vec<RouteSettings> {
        let settings =
            |(index, route)| self.route_settings(&format!("routes[{index}]."), route, base);
        routes.iter().enumerate().map(settings).collect()
    }
}
