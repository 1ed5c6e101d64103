//! An audit log that somebody else is writing: the record of a request, by its id.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use waf_core::record::DecisionRecord;

/// Records kept that nobody has asked for: answers without an id leave them behind.
const KEPT: usize = 4_096;

/// How long between two looks at the file.
const LOOK: Duration = Duration::from_millis(5);

/// Follows one file from where it ends now.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// The last line so far, still without its end.
    line: Vec<u8>,
    records: HashMap<String, DecisionRecord>,
    order: VecDeque<String>,
}

impl Follower {
    /// Opens the file. `patience` is how long a record may take to be written.
    pub fn open(path: &Path, patience: Duration) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(0))?;
        let (records, order) = (HashMap::new(), VecDeque::new());
        let state = Mutex::new(State { file, line: Vec::new(), records, order });
        Ok(Self { path: path.to_owned(), patience, state })
    }

    /// Waits for the record of a request. An error when it does not come: a verdict that is not
    /// known is no verdict.
    pub fn record(&self, request_id: &str) -> io::Result<DecisionRecord> {
        let deadline = Instant::now() + self.patience;
        loop {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.read()?;
            if let Some(record) = state.records.remove(request_id) {
                state.order.retain(|id| id != request_id);
                return Ok(record);
            }
            drop(state);
            if Instant::now() >= deadline {
                let path = self.path.display();
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    format!("{path} has no record of {request_id}: is `audit.log` set to `all`?"),
                ));
            }
            thread::sleep(LOOK);
        }
    }
}

impl State {
    fn read(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let record = serde_json::from_slice::<DecisionRecord>(&self.line)?;
                self.line.clear();
                self.keep(record);
            }
        }
        Ok(())
    }

    fn keep(&mut self, record: DecisionRecord) {
        self.order.push_back(record.request_id.clone());
        self.records.insert(record.request_id.clone(), record);
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.records.remove(&oldest);
        }
    }
}
