//! C libraries as oracles: small programs that are compiled here and answer over pipes.
//!
//! Plain Debian with `gcc` has what PCRE2 needs; libinjection comes with `libmodsecurity3`.
#![allow(dead_code, reason = "each test uses some of it")]

pub(crate) mod random;

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program that answers what is written to it.
pub(crate) struct Oracle {
    program: PathBuf,
    /// Whether it is made of the sources that `LIBINJECTION` names.
    is_newest: bool,
}

impl Oracle {
    /// PCRE2: `pcre2.c`.
    pub(crate) fn pcre2() -> Option<Self> {
        Self::compile("pcre2", "libpcre2-8.so.0", "libpcre2-8-0")
    }

    /// libinjection: `injection.c`, with Debian's ModSecurity, or with the sources of libinjection
    /// that `LIBINJECTION` names, a checkout.
    pub(crate) fn injection() -> Option<Self> {
        let Some(checkout) = std::env::var_os("LIBINJECTION").map(PathBuf::from) else {
            return Self::compile("injection", "libmodsecurity.so.3", "libmodsecurity3");
        };
        let sources = ["sqli", "html5", "xss"]
            .map(|part| checkout.join(format!("src/libinjection_{part}.c")));
        let version = "-DLIBINJECTION_VERSION=\"newest\"";
        let built =
            Self::build("injection", sources.iter().map(|source| source.as_os_str()), version);
        Some(Self { program: built.unwrap(), is_newest: true })
    }

    pub(crate) fn is_newest(&self) -> bool {
        self.is_newest
    }

    /// Without the library the test fails, unless it is allowed to go without.
    fn compile(name: &str, library: &str, package: &str) -> Option<Self> {
        let library = format!("-l:{library}");
        let why = match Self::build(name, [OsStr::new(&library)], "-Wl,--allow-shlib-undefined") {
            Ok(program) => return Some(Self { program, is_newest: false }),
            Err(why) => why,
        };
        assert!(
            std::env::var_os("PINPOINT_NO_ORACLES").is_some(),
            "no oracle: install {package} and gcc, or set PINPOINT_NO_ORACLES\n{why}"
        );
        eprintln!("SKIPPED: no {package}, and PINPOINT_NO_ORACLES is set");
        None
    }

    /// Compiles a program with what it needs; or what the compiler says.
    fn build<'a>(
        name: &str,
        needs: impl IntoIterator<Item = &'a OsStr>,
        option: &str,
    ) -> Result<PathBuf, String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(name);
        // Tests that run side by side compile one each.
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
            "{name}-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let output = Command::new("cc")
            .args(["-O2", "-Wall", "-o"])
            .arg(&program)
            .arg(source.with_extension("c"))
            .args(needs)
            .arg(option)
            .output()
            .unwrap();
        if output.status.success() {
            return Ok(program);
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Everything it answers to `question`.
    pub(crate) fn ask(&self, question: &[u8]) -> Vec<u8> {
        // From a file, so that neither side waits for the other.
        let path = self.program.with_extension("question");
        File::create(&path).unwrap().write_all(question).unwrap();
        let stdin = Stdio::from(File::open(&path).unwrap());
        let output = Command::new(&self.program).stdin(stdin).output().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(output.status.success(), "{}: {}", self.program.display(), output.status);
        output.stdout
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // A file left behind is no harm.
        let _ = std::fs::remove_file(&self.program);
    }
}

/// A text as the programs read it.
pub(crate) fn push_text(question: &mut Vec<u8>, text: &[u8]) {
    push_number(question, text.len());
    question.extend_from_slice(text);
}

/// A number as the programs read it.
pub(crate) fn push_number(question: &mut Vec<u8>, number: usize) {
    question.extend_from_slice(&u32::try_from(number).unwrap().to_ne_bytes());
}

/// What a program answered, read on.
pub(crate) struct Answers(std::vec::IntoIter<u8>);

impl Answers {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into_iter())
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.0.next().unwrap()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    pub(crate) fn number(&mut self) -> u32 {
        u32::from_ne_bytes(self.bytes(4).try_into().unwrap())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_slice().is_empty()
    }
}
