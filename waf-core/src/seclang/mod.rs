//! The SecLang front end: ModSecurity's rule language, as the OWASP Core Rule Set is written in it.
//!
//! ```text
//! bytes ── lines ── words ── directive ──> Statement ── chain, flow ──> Script
//!                              ├─ targets, operator (data files)
//!                              └─ action: setvar, ctl, t, macros
//! ```
//!
//! Where engines differ, ModSecurity 2 is followed; each departure is told where it is made. Nothing
//! is dropped silently: what cannot be read, or would not do what it says, is an error that points
//! at its place.

mod action;
mod action_text;
mod chain;
mod complaints;
mod ctl;
mod data;
mod directive;
mod files;
mod flow;
mod ids;
mod line;
mod lower;
mod macro_text;
mod operator;
pub mod pcre;
mod reader;
mod regex;
mod setting;
mod setvar;
mod statement;
mod target;
mod text;
mod transformation;
mod update;
mod value;
mod variable;
mod word;

pub use action::{Action, ActionKind, AllowScope, Disruptive, Phase};
pub use ctl::{AuditMode, BodyProcessor, Ctl, EngineMode, RuleSet};
pub use data::{Networks, Phrases};
pub use files::Files;
pub use ids::IdRange;
pub use lower::{Loaded, load, lower};
pub use macro_text::{MacroPart, MacroText};
pub use operator::{Operator, Test};
pub use reader::read;
pub use regex::Regex;
pub use setting::{LimitAction, Setting};
pub use setvar::{Change, ExpireVar, InitCollection, SetVar};
pub use statement::{Directive, Link, Script, Statement};
pub use target::{Selector, Target};
pub use update::{UpdateActions, UpdateTargets};
pub use variable::Variable;
