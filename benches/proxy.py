#!/usr/bin/env python3
"""The proxy with rules, the same binary with none, and nginx with and without ModSecurity.

  benches/proxy.py target/release/pinpoint target/release/measure --crs DIR --peers DIR

Needs `wrk` and `nginx` (the origin). All run at the same time and are loaded in turns, so that what
else happens on the machine meets all of them; each has one worker. CPU time is that of the proxy's
processes, by proc(5). Without --crs the built-in rules are measured; without --peers no nginx with
ModSecurity is (DIR has `nginx-modsec.sh`). A table of medians is printed, in Markdown; --json FILE
adds its rows as lines of JSON. Every answer's status is checked, and attacks are sent first: a proxy
with rules has to refuse each of them, one without none.
"""
import argparse
import json
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
WORKLOADS = ["GET", "form 1 KB", "JSON 10 KB", "upload 1 MB"]
PAGE = ("<!doctype html><html><head><title>Order 1042</title></head><body><h1>Thank you</h1><p>Your order was received "
        "and will leave the warehouse on Monday.</p><ul><li>2 x blue mug</li><li>1 x tea towel</li></ul></body></html>")

# Sends the requests of a file in turn, and tells what came of them.
SCRIPT = """
local list, at = {}, 0
init = function()
  local file = assert(io.open("%s", "rb"))
  while true do
    local length = file:read("*l")
    if not length then break end
    list[#list + 1] = file:read(tonumber(length))
  end
  file:close()
end
request = function()
  at = at %% #list + 1
  return list[at]
end
other = 0
response = function(status) if status ~= 200 then other = other + 1 end end
local threads = {}
setup = function(thread) threads[#threads + 1] = thread end
done = function(summary, latency)
  local others = 0
  for _, thread in ipairs(threads) do others = others + (thread:get("other") or 0) end
  local e = summary.errors
  print(("RESULT %%d %%d %%d %%d %%d"):format(summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), others + e.connect + e.read + e.write + e.timeout))
end
"""


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


class Proxy:
    """A proxy that runs, with the processes whose CPU time is its own."""

    def __init__(self, name, protects, port, process, stop):
        self.name, self.protects, self.port = name, protects, port
        self.process, self.stop = process, stop

    def cpu(self):
        children = pathlib.Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()
        ticks = 0
        for process in [str(self.process), *children]:
            stat = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(stat[11]) + int(stat[12])
        return ticks / TICK

    def status(self, request):
        """The status of the answer to one request."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as one:
            one.sendall(request)
            return int(one.recv(4096).split(b" ")[1])


def running(process):
    def stop():
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    return process.pid, stop


def nginx(folder, port, location):
    """nginx with one location; in the foreground, so that it can be ended."""
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(f"""daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 2048; }}
http {{ access_log off; client_max_body_size 0; client_body_temp_path {folder}; proxy_temp_path {folder};
  keepalive_requests 1000000; default_type text/html; {location} }}
""")
    return running(subprocess.Popen(["nginx", "-c", config, "-p", folder], stderr=subprocess.DEVNULL))


def origin(folder, port):
    return nginx(folder, port, f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{PAGE}'; }} }}")


def pass_through(folder, port, behind):
    return nginx(folder, port, f"""upstream app {{ server 127.0.0.1:{behind}; keepalive 64; }}
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://app; proxy_http_version 1.1;
    proxy_set_header Host $host; proxy_set_header Connection ""; }} }}""")


def pinpoint(binary, folder, name, rules, response, port, behind):
    config = folder / f"{name}.yaml"
    config.write_text(f"""threads: 1
listeners: [{{address: "127.0.0.1:{port}"}}]
admin: {{address: "127.0.0.1:{free_port()}"}}
upstreams: {{app: {{servers: ["127.0.0.1:{behind}"]}}}}
rules: {json.dumps(rules)}
response: {{body: "{response}"}}
audit: {{file: {folder}/{name}.jsonl}}
""")
    log = open(folder / f"{name}.log", "w")
    return running(subprocess.Popen([binary, "run", "-c", config], stdout=log, stderr=log))


def modsecurity(folder, options, port, behind):
    """nginx + ModSecurity, by the script of the peers."""
    script = [options.peers / "nginx-modsec.sh"]
    arguments = [str(options.crs), str(options.paranoia), str(port), str(behind)]
    environment = dict(os.environ, RUNDIR=str(folder / "modsecurity"))
    said = subprocess.run([*script, "start", *arguments], env=environment, capture_output=True, text=True)
    if said.returncode:
        raise SystemExit(said.stdout + said.stderr)
    process = int(re.search(r"pid (\d+)", said.stdout)[1])
    return process, lambda: subprocess.run([*script, "stop", str(port)], env=environment, check=True)


def start(proxies, folder, options, behind):
    """Adds all proxies, Pinpoint with rules first."""

    def add(name, protects, begin):
        port = free_port()
        proxies.append(Proxy(name, protects, port, *begin(port)))
        wait_for(port)

    rules, response = ["builtin"], "off"
    if options.crs:
        # ModSecurity looks at responses, so beside it Pinpoint does.
        response = "off" if options.requests_only else "block"
        setups = [options.crs / "crs-setup.conf", options.crs / "crs-setup.conf.example"]
        setup = next(path for path in setups if path.exists())
        rules = [str(setup), str(folder / "level.conf"), f"{options.crs}/rules/*.conf"]
    add("pinpoint", True, lambda port: pinpoint(options.pinpoint, folder, "rules", rules, response, port, behind))
    add("pinpoint, no rules", False,
        lambda port: pinpoint(options.pinpoint, folder, "none", ["none"], "off", port, behind))
    add("nginx", False, lambda port: pass_through(folder / "nginx", port, behind))
    if options.peers and options.crs:
        add("nginx + ModSecurity", True, lambda port: modsecurity(folder, options, port, behind))


def requests(path):
    """The requests of a file."""
    found, rest = [], path.read_bytes()
    while rest:
        length, _, rest = rest.partition(b"\n")
        found.append(rest[:int(length)])
        rest = rest[int(length):]
    return found


def check(proxies, folder):
    """What has rules refuses attacks; nothing refuses what is measured."""
    for proxy in proxies:
        for name in [*WORKLOADS, "attack"]:
            want = 403 if name == "attack" and proxy.protects else 200
            for number, request in enumerate(requests(folder / name)[:20]):
                status = proxy.status(request)
                if status != want:
                    raise SystemExit(f"{proxy.name} answers {status} and not {want} to {name} {number}")


def load(proxy, script, options):
    """CPU seconds for 1000 requests, requests a second, p50 and p99 in milliseconds."""
    before = proxy.cpu()
    said = subprocess.run(
        ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "--timeout", "30s",
         "-s", script, f"http://127.0.0.1:{proxy.port}"], capture_output=True, text=True, check=True).stdout
    count, spent, p50, p99, wrong = map(int, re.search(r"RESULT (.*)", said)[1].split())
    if not count:
        raise SystemExit(f"{proxy.name} answers nothing in {options.seconds} s: give it more --seconds")
    if wrong:
        raise SystemExit(f"{proxy.name}: {wrong} of {count} answers are wrong\n{said}")
    return (proxy.cpu() - before) / count * 1000, count / spent * 1e6, p50 / 1000, p99 / 1000


def measure(proxies, folder, options):
    print("| workload | proxy | CPU s / 1000 | × pinpoint | req/s | p50 ms | p99 ms |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name in WORKLOADS:
        script = folder / f"{name}.lua"
        script.write_text(SCRIPT % (folder / name))
        samples = {proxy.name: [] for proxy in proxies}
        for one in range(options.rounds + 1):
            for proxy in proxies:
                sample = load(proxy, script, options)
                # The first round warms the tables.
                samples[proxy.name].extend([sample] if one else [])
        for proxy in proxies:
            seen = samples[proxy.name]
            pairs = zip(seen, samples["pinpoint"])
            ratio = statistics.median(theirs[0] / max(ours[0], 1e-9) for theirs, ours in pairs)
            cost, rate, p50, p99 = (statistics.median(column) for column in zip(*seen))
            print(f"| {name} | {proxy.name} | {cost:.3f} | {ratio:.2f} | {rate:,.0f} | {p50:.1f} | {p99:.1f} |",
                  flush=True)
            if options.json:
                row = {"measured": "proxies", "workload": name, "proxy": proxy.name, "cpu_s_per_1000": cost,
                       "ratio": ratio, "per_second": rate, "p50_ms": p50, "p99_ms": p99}
                with open(options.json, "a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pinpoint", type=pathlib.Path, help="the binary")
    parser.add_argument("measure", type=pathlib.Path, help="the binary of the benches, which makes the requests")
    parser.add_argument("--crs", type=lambda path: pathlib.Path(path).resolve(), help="a checkout of the CRS")
    parser.add_argument("--peers", type=pathlib.Path, default=os.environ.get("PEERS_DIR"))
    parser.add_argument("--paranoia", type=int, default=1)
    parser.add_argument("--requests-only", action="store_true", help="inspect no responses, as by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json")
    options = parser.parse_args()
    options.peers = options.peers and pathlib.Path(options.peers)
    if options.requests_only and options.peers:
        parser.error("ModSecurity looks at responses: --requests-only goes without --peers")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # nginx drops root: its workers read and write here, too.
        folder.chmod(0o755)
        crs = ["--crs", options.crs, "--paranoia", str(options.paranoia)] if options.crs else []
        subprocess.run([options.measure, "requests", folder, *crs], check=True)
        behind = free_port()
        _, stop = origin(folder / "origin", behind)
        proxies = []
        try:
            wait_for(behind)
            start(proxies, folder, options, behind)
            check(proxies, folder)
            measure(proxies, folder, options)
        finally:
            for proxy in proxies:
                proxy.stop()
            stop()


if __name__ == "__main__":
    main()
