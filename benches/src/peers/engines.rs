//! Which engines there are, and how each becomes a worker.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::pinpoint::Pinpoint;
use super::{Engine, RuleFiles};

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This one.
    Pinpoint,
    /// The C++ library under nginx.
    Modsecurity,
    /// `barbacane-waf`, in Rust.
    Barbacane,
    /// `zentinel-modsec`, in Rust.
    Zentinel,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pinpoint, Self::Modsecurity, Self::Barbacane, Self::Zentinel];

    /// Its name in tables and arguments.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pinpoint => "pinpoint",
            Self::Modsecurity => "libmodsecurity",
            Self::Barbacane => "barbacane-waf",
            Self::Zentinel => "zentinel-modsec",
        }
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it was compiled in.
    pub fn is_here(self) -> bool {
        match self {
            Self::Pinpoint | Self::Modsecurity => true,
            Self::Barbacane => cfg!(feature = "barbacane"),
            Self::Zentinel => cfg!(feature = "zentinel"),
        }
    }

    /// The engine in this process.
    pub(super) fn load(self, rules: &RuleFiles) -> Result<Box<dyn Engine>, String> {
        match self {
            Self::Pinpoint => Ok(Box::new(Pinpoint::new(rules)?)),
            #[cfg(feature = "barbacane")]
            Self::Barbacane => Ok(Box::new(super::barbacane::Barbacane::new(rules)?)),
            #[cfg(feature = "zentinel")]
            Self::Zentinel => Ok(Box::new(super::zentinel::Zentinel::new(rules)?)),
            _ => Err(format!("{self} is not part of this program")),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name())
    }
}

/// Compiles the program around libmodsecurity; where it is.
///
/// # Errors
/// Without `cc` or the library's headers.
pub fn compile_modsecurity(folder: &Path) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/peers/modsecurity.c");
    let program = folder.join("modsecurity");
    let mut command = Command::new("cc");
    command.args(["-O2", "-Wall", "-Wextra", "-o"]).arg(&program).arg(source).arg("-lmodsecurity");
    let output = command.output().map_err(|error| format!("cc: {error}"))?;
    if output.status.success() {
        return Ok(program);
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(format!("install gcc and libmodsecurity-dev\n{why}"))
}
