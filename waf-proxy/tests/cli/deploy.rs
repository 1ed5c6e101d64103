//! What is shipped for those who run the proxy.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::harness::{Folder, free_port, pinpoint, rule, signal, wait};

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(deploy(file)).unwrap()
}

#[test]
fn the_example_configuration_loads_and_only_watches() {
    let path = deploy("pinpoint.yaml");
    let json = pinpoint(&["check", "-c", path.to_str().unwrap(), "--format", "json"]);
    assert_eq!(json.status, Some(0), "{json:?}");
    for policy in json.json()["policies"].as_array().unwrap() {
        assert_eq!(policy["mode"], "detect", "{policy}");
    }
}

/// What stands behind a comment sign is meant to be uncommented.
#[test]
fn every_example_in_its_comments_loads_too() {
    let folder = Folder::new("deploy");
    folder.write("crs/crs-setup.conf", "SecRuleEngine On\n");
    folder.write("crs/rules/a.conf", "SecRule ARGS \"@contains zzz\" \"id:100,phase:2,pass\"\n");
    let mut text = String::new();
    for line in read("pinpoint.yaml").lines() {
        let code = line.trim_start().strip_prefix("# ").unwrap_or_default();
        let indent = &line[..line.len() - line.trim_start().len()];
        let is_code = code.trim_start().starts_with("- {")
            || code.split_once(':').is_some_and(|(key, _)| {
                let key = key.trim_start();
                !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase())
            });
        match code {
            code if code.starts_with("mode:") => text = text.replace("mode: detect", code),
            code if code.starts_with("rules:") => text = text.replace("rules: [builtin]", code),
            // It needs a certificate.
            code if code.contains("site.pem") => {}
            code if is_code => text += &format!("{indent}{code}\n"),
            _ => text += &format!("{line}\n"),
        }
    }
    for part in ["mode: block\n", "enforce: 10%\n", "candidate:\n", "format: ecs", "crs-setup"] {
        assert!(text.contains(part) && !text.contains(&format!("# {part}")), "{part}: {text}");
    }
    let config = folder.write("pinpoint.yaml", &text);
    let output = pinpoint(&["check", "-c", &config]);
    assert_eq!(output.status, Some(0), "{output:?}");
    assert!(output.stdout.contains("\ncandidate 10% of requests: "), "{}", output.stdout);
}

/// The memory of what runs beside is in the bound.
#[test]
fn a_candidate_is_in_the_memory_bound() {
    let folder = Folder::new("candidate");
    folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let text = "upstreams: {app: {servers: [\"127.0.0.1:3000\"]}}\nrules: [shop/*.yaml]\n";
    let memory = |more: &str| {
        let config = folder.write("p.yaml", &format!("{text}{more}"));
        let json = pinpoint(&["check", "-c", &config, "--format", "json"]).json();
        let memory = json["policies"][0]["memory_bytes"].as_u64().unwrap();
        (memory, json["candidate"]["share"].clone())
    };
    let (alone, none) = memory("");
    let (both, share) = memory("candidate: {share: 2.5%, scoring: {inbound_threshold: 3}}\n");
    let held = 128 * 1024;
    assert_eq!(both - held, 2 * (alone - held), "two engines and one held body");
    assert_eq!((none.is_null(), share.as_str()), (true, Some("2.5%")));
}

#[test]
fn every_alert_fires_in_its_test() {
    let (rules, tests) = (read("prometheus/alerts.yml"), read("prometheus/alerts.test.yml"));
    let alerts: Vec<&str> =
        rules.lines().filter_map(|l| l.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10);
    for alert in alerts {
        let fires = format!("alertname: {alert}\n        exp_alerts:\n          - exp_labels:");
        let rests = format!("alertname: {alert}, exp_alerts: []");
        assert!(tests.contains(&fires) && tests.contains(&rests), "{alert}");
    }
    let folder = deploy("prometheus");
    let ran = Command::new("promtool")
        .args(["test", "rules", "alerts.test.yml"])
        .current_dir(folder)
        .output();
    match ran {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        // `.ci/run` sees to it that it is there.
        Err(error) => eprintln!("not tried: promtool: {error}"),
    }
}

/// What systemd says of the unit: nothing, and that little is left to a process that was taken over.
#[test]
fn the_unit_is_understood_and_hardened() {
    let folder = Folder::new("unit");
    // The program is looked for.
    let unit = read("pinpoint.service");
    let unit = unit.replace("/usr/bin/pinpoint", env!("CARGO_BIN_EXE_pinpoint"));
    let path = folder.write("pinpoint.service", &unit);
    let analyze =
        |arguments: &[&str]| Command::new("systemd-analyze").args(arguments).arg(&path).output();
    let Ok(verified) = analyze(&["verify", "--man=no"]) else {
        assert!(std::env::var_os("CI").is_none(), "CI has no systemd");
        eprintln!("SKIPPED: systemd is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    let of_ours = said.lines().filter(|line| line.contains("pinpoint.service"));
    // Before 253.
    let left = of_ours.filter(|line| !line.ends_with("ignoring: notify-reload"));
    assert_eq!(left.collect::<Vec<_>>(), [""; 0]);
    // Of 100, where a unit that says nothing has 96.
    let hardened =
        analyze(&["security", "--offline=true", "--no-pager", "--threshold=16"]).unwrap();
    assert!(hardened.status.success(), "{hardened:?}");
}

#[test]
fn the_dashboard_is_json_with_panels() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("grafana/pinpoint.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.iter().all(|panel| panel["targets"][0]["expr"].is_string()));
}

#[test]
fn shells_and_man_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = pinpoint(&["completions", shell]);
        assert_eq!(script.status, Some(0));
        for word in ["inspect", "replay", "completions", "audit-log"] {
            assert!(script.stdout.contains(word), "{shell}: {word}");
        }
    }
    let page = pinpoint(&["man"]).stdout;
    assert!(page.contains(".TH pinpoint 1") && page.contains("Exit status"), "{page}");
    let folder = Folder::new("man");
    folder.write("here", "");
    assert_eq!(pinpoint(&["man", "--out", &folder.path("")]).status, Some(0));
    assert!(folder.read("pinpoint-run.1").contains("emergency switch"));
    assert_eq!(pinpoint(&["man", "--out", "/nowhere/at/all"]).status, Some(2));
}

/// Ends the proxy where a test fails.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // Gone already where the test has stopped it.
        let _ = self.0.kill();
    }
}

/// `sd_notify(3)`, and `Type=notify-reload` of `systemd.service(5)`.
#[test]
fn the_service_manager_is_told() {
    let folder = Folder::new("notify");
    folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let config = folder.write(
        "p.yaml",
        &format!(
            "listeners: [{{address: \"127.0.0.1:{}\"}}]\nadmin: {{address: \"127.0.0.1:{}\"}}\n\
             upstreams: {{app: {{servers: [\"127.0.0.1:1\"]}}}}\nrules: [shop/*.yaml]\n",
            free_port(),
            free_port()
        ),
    );
    let socket = UnixDatagram::bind(folder.path("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_pinpoint"))
        .args(["run", "-c", &config])
        .env("NOTIFY_SOCKET", folder.path("notify"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut child = Guard(child);
    let told = || {
        let mut bytes = [0; 4096];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let ready = told();
    assert!(ready.lines().any(|line| line == "READY=1"), "{ready}");
    // Its clock is the one behind `Instant`: so far apart are the reloads.
    let mut last: Option<(Instant, u64)> = None;
    for (rules, status) in [("shop-a", "reloaded"), ("A", "refused")] {
        folder.write("shop/a.yaml", &rule(rules, "critical"));
        signal(child.0.id(), "HUP");
        let reloading = told();
        let since = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
        let since: u64 = since.unwrap().parse().unwrap();
        assert!(reloading.lines().any(|line| line == "RELOADING=1"), "{reloading}");
        if let Some((seen, earlier)) = last {
            assert!(since > earlier, "{earlier} before {since}");
            let apart = Duration::from_micros(since - earlier);
            assert!(apart < seen.elapsed() + Duration::from_secs(2), "{apart:?}");
        }
        last = Some((Instant::now(), since));
        let ready = told();
        assert!(ready.starts_with("READY=1") && ready.contains(status), "{ready}");
    }
    signal(child.0.id(), "TERM");
    assert_eq!(told().trim(), "STOPPING=1");
    assert_eq!(wait(&mut child.0), Some(0));
}
