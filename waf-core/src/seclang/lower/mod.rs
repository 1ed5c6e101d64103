//! The syntax tree to the rules of the engine: what directives change is changed, what rules
//! inherit is written out, names become places.

mod defaults;
mod effect;
mod operator;
mod rule;
mod skip;
mod target;
mod text;
mod update;

use std::path::PathBuf;

use defaults::Defaults;
use skip::Places;

use super::complaints::Complaints;
use super::ctl::EngineMode;
use super::files::Files;
use super::reader::read;
use super::setting::Setting;
use super::statement::{Directive, Link, Script};
use crate::rule::{Engine, ProgramSettings, Rule};
use crate::source::Report;

/// What SecLang files ask for.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The rules, in the order in which they run within a phase. Each has a chain.
    pub rules: Vec<Rule>,
    /// What directives set for all of them.
    pub settings: ProgramSettings,
    /// What should be looked at, though it can be loaded.
    pub warnings: Vec<Report>,
    /// How many files were read.
    pub files: usize,
}

/// Reads the files `paths` in this order, with what they include, and lowers them.
///
/// # Errors
/// Everything that is wrong in all of them, up to [`limits::COMPLAINTS`](crate::limits::COMPLAINTS)
/// errors, then the warnings.
pub fn load(files: &dyn Files, paths: &[PathBuf]) -> Result<Loaded, Vec<Report>> {
    lower(read(files, paths)?)
}

/// Lowers a script.
pub fn lower(script: Script) -> Result<Loaded, Vec<Report>> {
    let mut complaints = Complaints::default();
    script.warnings.into_iter().for_each(|warning| complaints.push(warning));
    let mut state = State::default();
    for (place, statement) in script.statements.into_iter().enumerate() {
        state.places.note(place, &statement.directive);
        state.directive(place, statement.directive, &mut complaints);
    }
    let mut rules = Vec::with_capacity(state.rules.len());
    for (ordinal, loaded) in state.rules.iter().enumerate() {
        let skip_to = skip::skip_to(&state.places, &state.rules, ordinal);
        rules.extend(rule::rule(loaded, skip_to, &mut complaints));
    }
    let warnings = complaints.into_result()?;
    Ok(Loaded { rules, settings: state.settings, warnings, files: script.files })
}

/// What the directives so far amount to.
#[derive(Default)]
struct State {
    rules: Vec<LoadedRule>,
    defaults: Defaults,
    places: Places,
    settings: ProgramSettings,
}

/// A rule on its way: later directives may change or remove it.
struct LoadedRule {
    /// The number of its statement.
    place: usize,
    links: Vec<Link>,
    /// What it inherits.
    defaults: Defaults,
}

impl State {
    fn directive(&mut self, place: usize, directive: Directive, complaints: &mut Complaints) {
        match directive {
            Directive::Rule(links) => {
                let defaults = self.defaults.clone();
                self.rules.push(LoadedRule { place, links, defaults });
            }
            Directive::Marker(_) => {}
            Directive::DefaultAction(actions) => self.defaults.set(&actions),
            Directive::RemoveRules(rules) => update::remove(&mut self.rules, &rules, complaints),
            Directive::UpdateTargets(change) => {
                update::targets(&mut self.rules, &change, complaints);
            }
            Directive::UpdateActions(change) => {
                update::actions(&mut self.rules, &change, complaints);
            }
            Directive::Setting(setting) => self.setting(setting),
        }
    }

    /// Settings without a line here have no meaning for this engine: its own limits and its own
    /// log are set by its own configuration.
    fn setting(&mut self, setting: Setting) {
        let settings = &mut self.settings;
        match setting {
            Setting::RuleEngine(mode) => settings.engine = engine(mode),
            Setting::RequestBodyAccess(access) => settings.request_body = Some(access),
            Setting::RequestBodyNoFilesLimit(bytes) => {
                settings.request_body_no_files_limit = Some(bytes);
            }
            Setting::ArgumentsLimit(count) => {
                settings.arguments_limit = usize::try_from(count).ok();
            }
            Setting::ResponseBodyAccess(access) => settings.response_body = Some(access),
            Setting::ResponseBodyMimeTypes(types) => {
                let types = types.iter().map(|name| name.to_ascii_lowercase());
                settings.response_types.extend(types);
            }
            Setting::ResponseBodyMimeTypesClear => settings.response_types.clear(),
            _ => {}
        }
    }
}

fn engine(mode: EngineMode) -> Engine {
    match mode {
        EngineMode::On => Engine::On,
        EngineMode::Off => Engine::Off,
        EngineMode::DetectionOnly => Engine::DetectionOnly,
    }
}
