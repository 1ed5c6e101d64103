//! A table in Markdown for people, and the same rows as JSON for programs.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};

/// What stands in a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A word.
    Text(String),
    /// A number, and how many digits of it mean something.
    Number(f64, usize),
    /// Nothing was measured.
    Empty,
}

impl Cell {
    /// A count.
    pub fn count(count: u64) -> Self {
        Self::Number(count as f64, 0)
    }

    fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.replace('|', "\\|"),
            Self::Number(number, digits) => thousands(&format!("{number:.digits$}")),
            Self::Empty => "–".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number, 0) => json!(number.round() as i64),
            Self::Number(number, _) => json!(number),
            Self::Empty => Value::Null,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// `1234567.8` as `1,234,567.8`.
fn thousands(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut shown = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len() - place;
        if place > 0 && left % 3 == 0 && !shown.ends_with('-') {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown + rest
}

/// Rows under names.
#[derive(Debug)]
pub struct Table {
    measured: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows; `measured` says in JSON what they are about.
    pub fn new(measured: &'static str, columns: &'static [&'static str]) -> Self {
        Self { measured, columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table in Markdown, numbers to the right.
    pub fn markdown(&self) -> String {
        let number =
            |column: usize| self.rows.iter().any(|row| matches!(row[column], Cell::Number(..)));
        let rules = (0..self.columns.len()).map(|at| if number(at) { "---:" } else { "---" });
        let mut text = format!("| {} |\n", self.columns.join(" | "));
        let _ = writeln!(text, "|{}|", rules.collect::<Vec<_>>().join("|"));
        for row in &self.rows {
            let row: Vec<String> = row.iter().map(Cell::shown).collect();
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        text
    }

    /// A line for each row.
    pub fn json_lines(&self) -> String {
        let line = |row: &Vec<Cell>| {
            let mut members = Map::new();
            members.insert("measured".to_owned(), json!(self.measured));
            let cells = self.columns.iter().zip(row);
            members.extend(cells.map(|(&name, cell)| (name.to_owned(), cell.json())));
            format!("{}\n", Value::Object(members))
        };
        self.rows.iter().map(line).collect()
    }

    /// Prints the table, and adds its rows to a file of JSON lines.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn publish(&self, lines: Option<&Path>) -> std::io::Result<()> {
        println!("{}", self.markdown());
        let Some(path) = lines else { return Ok(()) };
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(self.json_lines().as_bytes())
    }
}

/// The middle of some numbers, which are not none.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    f64::midpoint(low, high)
}

/// One line about where this was measured.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.and_then(|rest| rest.split_once(": ")).map_or("unknown", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let loads = read("/proc/loadavg");
    let load = loads.split(' ').next().unwrap_or("?");
    format!("{cores} cores of {model}, load {load}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_twice() {
        let mut table = Table::new("speed", &["what", "MB/s", "note"]);
        table.push(vec!["a|b".into(), Cell::Number(1_234.56, 1), Cell::Empty]);
        table.push(vec!["c".into(), Cell::count(7), "x".into()]);
        let shown =
            "| what | MB/s | note |\n|---|---:|---|\n| a\\|b | 1,234.6 | – |\n| c | 7 | x |\n";
        assert_eq!(table.markdown(), shown);
        let lines = "{\"measured\":\"speed\",\"what\":\"a|b\",\"MB/s\":1234.56,\"note\":null}\n\
                     {\"measured\":\"speed\",\"what\":\"c\",\"MB/s\":7,\"note\":\"x\"}\n";
        let parsed = |text: &str| -> Vec<Value> {
            text.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
        };
        assert_eq!(parsed(&table.json_lines()), parsed(lines));
    }

    #[test]
    fn numbers_are_readable() {
        let shown = |number: f64| Cell::Number(number, 0).shown();
        assert_eq!(
            [999.0, 1_000.0, 1_234_567.0, -1_234.0, -123.0].map(shown),
            ["999", "1,000", "1,234,567", "-1,234", "-123"]
        );
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[1.0, 4.0])), (2.0, 2.5));
    }
}
