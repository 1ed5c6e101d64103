#!/usr/bin/env python3
"""Resident memory of the proxy with the Core Rule Set: at its start, and after every request of both corpora.

  benches/resident.py target/release/pinpoint --crs DIR --corpora DIR [--most MB]

The proxy runs in detection-only mode with two workers and the response rules, before nginx, which answers every request
with a page. `pinpoint replay` sends the corpora over the wire. A table is printed, in Markdown, of proc(5)'s smaps_rollup:
`own` is memory that is no part of the binary. With --most, more than so many MB (2^20 bytes) at the end is a failure.
"""
import argparse
import json
import pathlib
import re
import signal
import subprocess
import tempfile

from proxy import TICK, free_port, origin, wait_for

LEVELS = ["paranoia_level", "executing_paranoia_level", "blocking_paranoia_level", "detection_paranoia_level"]


def start(folder, options, port, behind):
    setups = [options.crs / "crs-setup.conf", options.crs / "crs-setup.conf.example"]
    setup = next(path for path in setups if path.exists())
    level = folder / "level.conf"
    levels = "".join(f",setvar:tx.{name}={options.paranoia}" for name in LEVELS)
    level.write_text(f'SecAction "id:9000000,phase:1,pass,t:none,nolog{levels}"\n')
    config = folder / "pinpoint.yaml"
    config.write_text(f"""threads: 2
mode: detect
listeners: [{{address: "127.0.0.1:{port}"}}]
admin: {{address: "127.0.0.1:{free_port()}"}}
upstreams: {{app: {{servers: ["127.0.0.1:{behind}"]}}}}
rules: {json.dumps([str(setup), str(level), f"{options.crs}/rules/*.conf"])}
response: {{body: block}}
audit: {{file: {folder}/audit.jsonl}}
""")
    log = open(folder / "log", "w", encoding="utf-8")
    return subprocess.Popen([options.pinpoint, "run", "-c", config], stdout=log, stderr=log)


def row(what, process):
    """A row of the table; the resident MB."""
    process = pathlib.Path(f"/proc/{process}")
    sizes = dict(re.findall(r"^(\w+): +(\d+) kB", (process / "smaps_rollup").read_text(), re.MULTILINE))
    peak = re.search(r"^VmHWM:\s+(\d+)", (process / "status").read_text(), re.MULTILINE)[1]
    resident, own, peak = (int(size) / 1024 for size in [sizes["Rss"], sizes["Anonymous"], peak])
    ticks = (process / "stat").read_text().rsplit(")", 1)[1].split()[11:13]
    print(f"| {what} | {resident:.1f} | {own:.1f} | {peak:.1f} | {sum(map(int, ticks)) / TICK:.1f} |", flush=True)
    return resident


def measure(process, options, port):
    print(f"| paranoia {options.paranoia} | resident MB | own | most | CPU s |")
    print("|---|---:|---:|---:|---:|")
    row("started", process)
    for name in ["dev-attack.jsonl.gz", "dev-benign.jsonl.gz"]:
        replay = [options.pinpoint, "replay", "--jobs", "2", "--target", f"http://127.0.0.1:{port}", options.corpora / name]
        subprocess.run(replay, check=True, stdout=subprocess.DEVNULL)
        resident = row(f"after {name.split('.')[0]}", process)
    if options.most and resident > options.most:
        raise SystemExit(f"more than {options.most} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pinpoint", type=pathlib.Path, help="the binary")
    parser.add_argument("--crs", type=lambda path: pathlib.Path(path).resolve(), required=True, help="a checkout of the CRS")
    parser.add_argument("--corpora", type=pathlib.Path, required=True, help="a folder with both corpora")
    parser.add_argument("--paranoia", type=int, default=1)
    parser.add_argument("--most", type=float, help="MB that are allowed at the end")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # nginx drops root: its workers read and write here, too.
        folder.chmod(0o755)
        behind, port = free_port(), free_port()
        _, stop = origin(folder / "origin", behind)
        try:
            wait_for(behind)
            proxy = start(folder, options, port, behind)
            try:
                wait_for(port)
                measure(proxy.pid, options, port)
            finally:
                proxy.send_signal(signal.SIGTERM)
                proxy.wait(timeout=20)
        finally:
            stop()


if __name__ == "__main__":
    main()
