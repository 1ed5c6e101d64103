//! Files and what they include to one script.

use std::path::{Path, PathBuf};

use super::chain::Chains;
use super::complaints::Complaints;
use super::data::{DataFiles, beside};
use super::directive::{Line, line};
use super::files::{File, Files};
use super::flow;
use super::line::lines;
use super::statement::{Script, Statement};
use super::text::Text;
use super::word::words;
use crate::limits;
use crate::source::{Report, Span};

/// Reads the files `paths` in this order, and the files they include where they include them.
/// Fails with everything that is wrong in all of them, warnings at the end.
pub fn read(files: &dyn Files, paths: &[PathBuf]) -> Result<Script, Vec<Report>> {
    let mut reader = Reader {
        files,
        data: DataFiles::new(files),
        complaints: Complaints::default(),
        chains: Chains::default(),
        statements: Vec::new(),
        open: Vec::new(),
        count: 0,
        bytes: 0,
    };
    for path in paths {
        reader.file(path, None);
    }
    if !reader.complaints.has_errors() {
        flow::check(&reader.statements, &mut reader.complaints);
    }
    let warnings = reader.complaints.into_result()?;
    Ok(Script { statements: reader.statements, warnings, files: reader.count })
}

struct Reader<'f> {
    files: &'f dyn Files,
    data: DataFiles<'f>,
    complaints: Complaints,
    chains: Chains,
    statements: Vec<Statement>,
    /// The files being read, the outermost first.
    open: Vec<PathBuf>,
    /// Files and bytes read so far.
    count: usize,
    bytes: usize,
}

impl Reader<'_> {
    /// Reads one file; `from` is where it is included.
    fn file(&mut self, path: &Path, from: Option<&Text>) {
        if self.complaints.is_full() {
            return;
        }
        let read = self.open_file(path, from);
        let Some(file) = self.complaints.note(read) else { return };
        self.open.push(path.to_owned());
        for text in lines(&file, &mut self.complaints) {
            if self.complaints.is_full() {
                break;
            }
            let read = words(&text);
            let Some(words) = self.complaints.note(read) else { continue };
            let read = line(&words, path, &mut self.data, &mut self.complaints);
            let Some(read) = self.complaints.note(read) else { continue };
            let span = words.first().map_or_else(|| text.span(), Text::span);
            self.take(read, span, path);
        }
        self.chains.close(&mut self.complaints);
        self.open.pop();
    }

    /// The text of a file, within the bounds of a rule set.
    fn open_file(&mut self, path: &Path, from: Option<&Text>) -> Result<File, Report> {
        let name = path.display().to_string();
        let error = |why: String| {
            Report::error(from.map(Text::span), format!("cannot read `{name}`: {why}"))
        };
        if self.open.iter().any(|open| open == path) {
            return Err(error("it includes itself".into()));
        }
        if self.open.len() >= limits::INCLUDE_DEPTH {
            return Err(error(format!("more than {} files deep", limits::INCLUDE_DEPTH)));
        }
        if self.count >= limits::SECLANG_FILES {
            return Err(error(format!("it is one of more than {}", limits::SECLANG_FILES)));
        }
        let bytes = self.files.read(path).map_err(error)?;
        self.count += 1;
        self.bytes += bytes.len();
        if bytes.len() > limits::SECLANG_FILE || self.bytes > limits::SECLANG_BYTES {
            return Err(error("it has too many bytes".into()));
        }
        Ok(File::new(&name, bytes))
    }

    fn take(&mut self, line: Line, span: Span, path: &Path) {
        match line {
            Line::Rule(link, sound) => {
                let whole = self.chains.rule(link, sound, &mut self.complaints);
                self.statements.extend(whole);
            }
            Line::Other(directive) => {
                self.chains.close(&mut self.complaints);
                self.statements.push(Statement { directive, span });
            }
            Line::Include { pattern, optional } => {
                self.chains.close(&mut self.complaints);
                self.include(&pattern, optional, path);
            }
            Line::Nothing => {}
        }
    }

    fn include(&mut self, pattern: &Text, optional: bool, path: &Path) {
        let wanted = beside(path, pattern);
        let found = self
            .files
            .find(&wanted)
            .map_err(|why| pattern.error(format!("cannot read `{}`: {why}", wanted.display())));
        let Some(found) = self.complaints.note(found) else { return };
        if found.is_empty() && !optional {
            let report = pattern.error(format!("there is no file `{}`", wanted.display()));
            let help = "`IncludeOptional` takes what is there; paths start at this file's folder";
            self.complaints.push(report.help(help));
        }
        for file in found {
            self.file(&file, Some(pattern));
        }
    }
}
