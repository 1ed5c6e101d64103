//! The binary in a process of its own, so that its memory can be measured.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running `pinpoint run` with the built-in rules, in detection mode. It and its folder are gone
/// when this is dropped.
pub struct Process {
    pub address: SocketAddr,
    child: Child,
    folder: PathBuf,
}

impl Process {
    /// In front of this origin.
    pub fn start(origin: SocketAddr) -> Self {
        let (address, admin) = (free_address(), free_address());
        let name = format!("pinpoint-process-{}-{}", std::process::id(), address.port());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let config = folder.join("pinpoint.yaml");
        let text = format!(
            "mode: detect\nthreads: 2\nlisteners: [{{address: \"{address}\"}}]\n\
             admin: {{address: \"{admin}\"}}\nupstreams: {{app: {{servers: [\"{origin}\"]}}}}\n\
             audit: {{log: all, file: audit.jsonl}}\n"
        );
        fs::write(&config, text).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_pinpoint"))
            .args(["run", "-c"])
            .arg(&config)
            // One heap, as in `deploy/`: with one for each thread memory grows by chance.
            .env("MALLOC_ARENA_MAX", "1")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let process = Self { address, child, folder };
        until("the start", || TcpStream::connect(address).is_ok());
        process
    }

    /// The most memory that was ever resident, in bytes.
    pub fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The memory that is resident, in bytes.
    pub fn resident(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The newest record, once there are so many.
    pub fn record(&self, count: usize) -> Value {
        let read = || fs::read_to_string(self.folder.join("audit.jsonl")).unwrap_or_default();
        until("the record", || read().matches('\n').count() >= count);
        serde_json::from_str(read().lines().nth(count - 1).unwrap()).unwrap()
    }

    /// See proc(5).
    fn status(&self, name: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whatever fails here does no harm to the next test.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What one request takes at most, in bytes, as `pinpoint check` tells it.
pub fn memory_of_a_request() -> u64 {
    let mut check = Command::new(env!("CARGO_BIN_EXE_pinpoint"));
    let output = check.args(["check", "--format", "json"]).output().unwrap();
    let checked: Value = serde_json::from_slice(&output.stdout).unwrap();
    checked["policies"][0]["memory_bytes"].as_u64().unwrap()
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits until it is so, at most half a minute: the start of many processes at once is slow.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}
