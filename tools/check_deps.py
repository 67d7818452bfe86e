#!/usr/bin/env python3
"""Keep the architecture true: deps.list against every #include under src/.

  check_deps.py ROOT [--dot]
Says nothing and exits 0 when the tree obeys. deps.list is topologically ordered, so cycles
between modules cannot be written down, let alone built.
"""
import os, re, sys

root = sys.argv[1]
src = os.path.join(root, "src")
allowed, order, bad = {}, [], []

for n, line in enumerate(open(os.path.join(root, "deps.list")), 1):
    line = line.split("#")[0].split("|")[0].strip()
    if not line:
        continue
    mod, _, deps = (x.strip() for x in line.partition(":"))
    for d in deps.split():
        if d not in allowed:
            bad.append(f"deps.list:{n}: {mod} names {d}, which is not above it")
    allowed[mod] = set(deps.split())
    order.append(mod)

# Headers that give a module powers it should not have; only these modules may include them.
POWERS = {
    r"pthread\.h|sched\.h": {"os", "sensor/pipeline", "daemon"},
    r"sys/socket\.h|netinet/.*|arpa/.*|sys/epoll\.h|sys/un\.h": {"os", "sensor/source", "daemon"},
    r"stdio\.h|unistd\.h|fcntl\.h|sys/mman\.h|sys/stat\.h|dirent\.h":
        {"os", "daemon", "console/cli", "evidence/ledger", "sensor/source"},
    r"time\.h|sys/time\.h": {"os", "daemon"},
    r"pcre2\.h|immintrin\.h": {"sensor/detect"},
    r"sodium.*|openssl/.*": {"crypto"},
    r"zlib\.h": {"sensor/app", "sensor/detect", "sensor/keep"},
    r"magic\.h": {"sensor/file"},
    r"yaml\.h": {"sensor/config"},
    r"curl/.*|microhttpd\.h": {"os"},
    r"jansson\.h": {"record", "sensor/detect", "evidence/disclose", "evidence/bundle", "evidence/release", "assess/duty", "assess/dossier", "exchange/stix", "daemon", "console/cli"},
    r"libloc/.*|maxminddb\.h": {"assess/origin"},
    r"linux/.*|net/.*|pcap.*": {"sensor/source", "os"},
    r"seccomp.*": {"os"},
    r"nftables/.*": {"os"},
    r"libmnl/.*|libnetfilter_queue/.*": {"sensor/source"},
}
EXEMPT = re.compile(r"(_test|_fuzz|_bench)\.[ch]$")   # tests may do what they like, but not skip layers
FORMATS = ("base/status.c", "base/buf.c", "base/time.c", "base/addr.c")  # vsnprintf, inet_ntop: no I/O

def module(path):
    best = [m for m in order if path == m or path.startswith(m + "/")]
    return max(best, key=len) if best else None

used = {m: set() for m in order}
for d, _, files in os.walk(src):
    for f in files:
        if not f.endswith((".c", ".h")):
            continue
        path = os.path.relpath(os.path.join(d, f), src)
        mod = module(path)
        if mod is None:
            bad.append(f"src/{path}: its folder is not in deps.list")
            continue
        for n, line in enumerate(open(os.path.join(d, f), errors="replace"), 1):
            m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not m:
                continue
            kind, inc = m.groups()
            where = f"src/{path}:{n}"
            if kind == "<":
                for pat, mods in POWERS.items():
                    if re.fullmatch(pat, inc) and mod not in mods and not EXEMPT.search(path) \
                            and path not in FORMATS:
                        bad.append(f"{where}: <{inc}> is for {', '.join(sorted(mods))} only")
                continue
            if inc.startswith(".") or "/../" in inc:
                bad.append(f"{where}: write \"{inc}\" from src/ down")
            target = module(inc)
            if target is None:
                continue                                # generated, or the test harness
            if target != mod:
                used[mod].add(target)
                if target not in allowed[mod]:
                    bad.append(f"{where}: {mod} may not include {target} (see deps.list)")
                if inc.endswith("_priv.h"):
                    bad.append(f"{where}: {inc} is private to {target}")
for m in order:
    for d in sorted(allowed[m] - used[m]):
        if os.path.isdir(os.path.join(src, m)):
            bad.append(f"deps.list: {m} no longer uses {d}; take it out")

if "--dot" in sys.argv:
    print("digraph dewline { rankdir=BT;")
    for m in order:
        for d in sorted(used[m]):
            print(f'  "{m}" -> "{d}";')
    print("}")
for b in bad:
    print(b, file=sys.stderr)
sys.exit(bool(bad))
