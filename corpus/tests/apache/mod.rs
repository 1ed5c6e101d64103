//! Debian's Apache with `ModSecurity` 2, as a process of the test's own on the loopback: its
//! configuration, log and pid file are in a folder of the test, nothing of the machine's is touched.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

const PROGRAM: &str = "/usr/sbin/apache2";
const MODULES: &str = "/usr/lib/apache2/modules";
/// Code page 20127, as the recommended configuration has it.
const UNICODE_MAP: &str = "/etc/modsecurity/unicode.mapping";

/// A server that answers every request with a small file.
pub(crate) struct Apache {
    folder: PathBuf,
    port: u16,
    child: Child,
    /// Local ports that requests came from.
    used: RefCell<BTreeSet<u16>>,
}

/// What was logged of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logged {
    /// The rules that matched, each with its `msg`, in order.
    pub(crate) rules: Vec<(String, String)>,
    /// A regex was given up at a limit of PCRE.
    pub(crate) gave_up: bool,
}

impl Apache {
    /// Whether the packages `apache2-bin` and `libapache2-mod-security2` are there.
    pub(crate) fn is_installed() -> bool {
        let module = Path::new(MODULES).join("mod_security2.so");
        [Path::new(PROGRAM), &module, Path::new(UNICODE_MAP)].iter().all(|path| path.exists())
    }

    /// Starts a server with these rules. `folder` is made; it must be one that every user can read.
    pub(crate) fn start(folder: &Path, rules: &[PathBuf]) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::write(folder.join("ok.txt"), "ok\n").unwrap();
        std::fs::write(folder.join("error.log"), "").unwrap();
        // A port that is free now; the listener is closed again at once.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = folder.join("httpd.conf");
        std::fs::write(&file, configuration(folder, port, rules)).unwrap();
        let mut command = Command::new(PROGRAM);
        // `-X`: one process, which this one can end by itself.
        command.arg("-X").arg("-f").arg(&file).stdin(Stdio::null());
        let child = command.spawn().unwrap();
        let mut server = Self { folder: folder.to_owned(), port, child, used: RefCell::default() };
        server.wait();
        server
    }

    fn wait(&mut self) {
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("apache2 ended, {status}: {}", self.log());
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("apache2 does not listen: {}", self.log());
    }

    /// Sends a request, which must ask to close the connection. Tells the local port, by which the
    /// log knows it, and the status of the answer, 0 when there is none.
    pub(crate) fn send(&self, request: &[u8]) -> (u16, u16) {
        let (mut stream, port) = self.connect();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // Who answers early need not read to the end, and may close at once.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let status = answer.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
        (port, std::str::from_utf8(status).ok().and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    /// A connection from a port that no request came from yet.
    fn connect(&self) -> (TcpStream, u16) {
        loop {
            let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
            let port = stream.local_addr().unwrap().port();
            if self.used.borrow_mut().insert(port) {
                return (stream, port);
            }
        }
    }

    /// Stops the server; then what it logged, by local port.
    pub(crate) fn stop(mut self) -> BTreeMap<u16, Logged> {
        // What was answered is logged before the connection is closed.
        self.end();
        let mut logged: BTreeMap<u16, Logged> = BTreeMap::new();
        for line in self.log().lines() {
            let Some(port) = between(line, "[client 127.0.0.1:", "]") else { continue };
            let Some(id) = between(line, "[id \"", "\"]") else { continue };
            let of_port = logged.entry(port.parse().unwrap()).or_default();
            if line.contains("PCRE limits exceeded") {
                of_port.gave_up = true;
                continue;
            }
            let message = between(line, "[msg \"", "\"]").unwrap_or_default().to_owned();
            of_port.rules.push((id.to_owned(), message));
        }
        logged
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.join("error.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Apache {
    fn drop(&mut self) {
        self.end();
        // A folder left behind is no harm.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Every path is one small file, and Apache itself refuses as little as it can be told to.
fn configuration(folder: &Path, port: u16, rules: &[PathBuf]) -> String {
    let home = folder.display();
    let modules = ["mpm_event", "authz_core", "alias", "unique_id", "security2"]
        .map(|name| format!("LoadModule {name}_module {MODULES}/mod_{name}.so\n"))
        .concat();
    let rules: String = rules.iter().map(|path| format!("Include {}\n", path.display())).collect();
    format!(
        "ServerRoot {home}\nDefaultRuntimeDir {home}\nPidFile {home}/httpd.pid\n\
         Listen 127.0.0.1:{port}\nServerName localhost\n{modules}\
         User www-data\nGroup www-data\nThreadsPerChild 4\nMaxRequestWorkers 4\n\
         LimitRequestFieldSize 65000\nLimitRequestLine 65000\nAllowEncodedSlashes On\n\
         ErrorLog {home}/error.log\nLogLevel notice\nDocumentRoot {home}\n\
         AliasMatch \"(?s)^.*$\" {home}/ok.txt\n\
         <Directory {home}>\nRequire all granted\n</Directory>\n\
         SecDataDir {home}\nSecTmpDir {home}\nSecUnicodeMapFile {UNICODE_MAP} 20127\n{rules}"
    )
}

fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = line.get(line.find(start)? + start.len()..)?;
    rest.get(..rest.find(end)?)
}
