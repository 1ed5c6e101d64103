#!/usr/bin/env python3
"""The proxy with its rules against the same binary with `--rules none`.

  benches/proxy.py target/release/pinpoint [--rounds 5] [--seconds 3] [--connections 8]

Needs `wrk` and `nginx` (the origin). Both proxies run at the same time and are loaded in turns, so
that what else happens on the machine meets both. CPU time is that of the proxy's process, by
proc(5); a table of medians is printed, in Markdown.
"""
import argparse
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")
BOUNDARY = "frontier"


def words(length):
    """Text without anything to find."""
    text, number = [], 1
    while sum(map(len, text)) + len(text) < length:
        number = (number * 48271) % 0x7FFFFFFF
        text.append(f"{'abcdefghijklmnopqrstuvwxyz'[number % 26:][:5]}{number % 97}")
    return " ".join(text)[:length]


def workloads():
    """Name, Content-Type and body; GET where there is none."""
    form = "&".join(f"field{n}={words(48).replace(' ', '+')}" for n in range(18))[:1024]
    rows = ",".join(f'{{"id":{n},"name":"{words(60)}"}}' for n in range(120))
    json = f'{{"rows":[{rows[:10_000].rsplit(",{", 1)[0]}]}}'
    file = (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n"
            f"Content-Type: text/plain\r\n\r\n{words(1 << 14) * 64}\r\n--{BOUNDARY}--\r\n")
    return [
        ("GET", None, None),
        ("form, 1 KB", "application/x-www-form-urlencoded", form),
        ("JSON, 10 KB", "application/json", json),
        ("upload, 1 MB", f"multipart/form-data; boundary={BOUNDARY}", file),
    ]


def script(folder, number, kind, body):
    """A wrk script; the path of its file."""
    path = folder / f"{number}.lua"
    lines = ['wrk.path = "/shop/items?page=2&sort=name"',
             'wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0)"',
             'wrk.headers["Cookie"] = "session=5f2b9c1e; theme=dark"']
    if body is not None:
        (folder / f"{number}.body").write_text(body, newline="")
        lines += ['wrk.method = "POST"', f'wrk.headers["Content-Type"] = "{kind}"',
                  f'local file = io.open("{folder}/{number}.body", "rb")',
                  'wrk.body = file:read("*a")', 'file:close()']
    path.write_text("\n".join(lines) + "\n")
    return path


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port):
    for _ in range(1200):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on {port}")


def origin(folder, port):
    """nginx that answers everything."""
    config = folder / "nginx.conf"
    config.write_text(f"""daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
events {{}}
http {{ access_log off; client_max_body_size 0; client_body_temp_path {folder}; keepalive_requests 1000000;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok"; }} }} }}
""")
    return subprocess.Popen(["nginx", "-c", config, "-p", folder], stderr=subprocess.DEVNULL)


def proxy(binary, folder, name, rules, port, behind):
    config = folder / f"{name}.yaml"
    config.write_text(f"""listeners: [{{address: "127.0.0.1:{port}"}}]
admin: {{address: "127.0.0.1:{free_port()}"}}
upstreams: {{app: {{servers: ["127.0.0.1:{behind}"]}}}}
rules: [{rules}]
audit: {{file: {folder}/{name}.jsonl}}
""")
    return subprocess.Popen([binary, "run", "-c", config], stderr=subprocess.DEVNULL)


def cpu(process):
    stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(stat[11]) + int(stat[12])) / TICK


def load(process, port, path, options):
    """Requests a second, and microseconds of CPU for each."""
    before = cpu(process)
    output = subprocess.run(
        ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "--timeout", "20s",
         "-s", path, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(output)
    count = int(re.search(r"(\d+) requests in", output)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])
    return rate, (cpu(process) - before) / max(count, 1) * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(pathlib.Path(name), options)


def measure(folder, options):
    ports = {"origin": free_port(), "builtin": free_port(), "none": free_port()}
    started = {"origin": origin(folder, ports["origin"])}
    try:
        for rules in ("builtin", "none"):
            started[rules] = proxy(options.binary, folder, rules, rules, ports[rules], ports["origin"])
        for port in ports.values():
            wait_for(port)
        print("| Workload | req/s, rules | req/s, none | CPU µs, rules | CPU µs, none | CPU ratio |")
        print("|---|---:|---:|---:|---:|---:|")
        for number, (name, kind, body) in enumerate(workloads()):
            path = script(folder, number, kind, body)
            samples = {"builtin": [], "none": []}
            for one in range(options.rounds + 1):
                for rules, seen in samples.items():
                    sample = load(started[rules], ports[rules], path, options)
                    # The first round warms the tables.
                    seen.extend([sample] if one else [])
            middle = {rules: [statistics.median(column) for column in zip(*seen)]
                      for rules, seen in samples.items()}
            (rate, spent), (bare_rate, bare) = middle["builtin"], middle["none"]
            print(f"| {name} | {rate:,.0f} | {bare_rate:,.0f} | {spent:,.0f} | {bare:,.0f} "
                  f"| {spent / bare:.2f} |", flush=True)
    finally:
        for process in started.values():
            process.send_signal(signal.SIGTERM)
        for process in started.values():
            process.wait(timeout=20)


if __name__ == "__main__":
    main()
