# The front door; meson does the work.
#
#   make run      installs what is missing, builds, runs the main job on the demo, prints the bulletin
#   make check    installs what the tests need, builds, runs every test; last line: N passed, N failed
#   make conformance  runs the cases in ../shared/conformance, if they are there; prints a table by protocol
#                 (tools/conformance --help: one list, one word, with sanitizers)
#   make fuzz     fuzzes each target for ten minutes of processor time; TARGET=, MINUTES=, JOBS= (docs/fuzzing.md)
#   make bench    speed against yardsticks, as ratios, and build/bench.json; QUICK=1: less, sooner;
#                 PLOTS=1: also the curves of docs/performance.md
#   make rates    false alarms, recall and time to detect of the detectors of behaviour (docs/detectors.md); WRITE=1: into it
#   make count    a week of 50,000 events a day by every counting rule (docs/formats/counting.md); WRITE=1: into it
#   make logbench the evidence log from 10^4 to 10^7 leaves: appends, commits, proofs, bytes; WRITE=1: into docs/performance.md
#   make load     the rate at which packets get lost, live, and how long verdicts take: build/load.json; as root, on a
#                 quiet machine. ARGS="--inline --plots" (tools/load)
#   make soak     MINUTES=20 at 80 % of that rate, reloads, memory watched; ASAN=1: under AddressSanitizer
#   make flood    a million flows at once, ten million SYNs: memory, and what was not kept
#   make release  build-release/dewline: optimised as a whole, by a profile of tests/golden; some ten minutes
#   make install  PREFIX=/usr/local by default; DESTDIR is honoured
#   make format   clang-format over the sources
#   make clean    removes the build folders
PREFIX ?= /usr/local
MAKEFLAGS += --no-print-directory

.PHONY: all run check conformance fuzz bench rates count logbench load soak flood release install format clean build/dewline

all: build/dewline

build/build.ninja:
	@tools/setup run
	@echo 'building, a minute or two'
	@meson setup build --prefix $(PREFIX) >build.log 2>&1 || { cat build.log; exit 1; }
	@rm -f build.log

# Silent, unless something goes wrong.
build/dewline: build/build.ninja
	@ninja -C build dewline >build/last.log 2>&1 || { cat build/last.log; exit 1; }

run: build/dewline
	@tools/demo build/dewline build/demo

check:
	@tools/setup check
	@tools/interop build
	@tools/check

conformance: build/dewline
	@tools/conformance build; s=$$?; [ $$s -eq 77 ] || exit $$s

fuzz:
	@tools/setup check
	@tools/fuzz $(if $(MINUTES),--minutes $(MINUTES)) $(if $(JOBS),--jobs $(JOBS)) $(TARGET)

bench: build/build.ninja
	@tools/setup bench
	@ninja -C build bench/dewline-bench >build/last.log 2>&1 || { cat build/last.log; exit 1; }
	@tools/bench $(if $(QUICK),--quick) $(if $(PLOTS),--plots)

rates: build/dewline
	@ninja -C build bench/dewline-detectors >build/last.log 2>&1 || { cat build/last.log; exit 1; }
	@tools/rates --json build/rates.json $(if $(QUICK),--quick) $(if $(WRITE),--write docs/detectors.md)

count: build/build.ninja
	@ninja -C build bench/dewline-incidents >build/last.log 2>&1 || { cat build/last.log; exit 1; }
	@tools/count $(if $(QUICK),--seeds 1) $(if $(WRITE),--write docs/formats/counting.md)

logbench: build/build.ninja
	@ninja -C build evidence_ledger_ledger_bench >build/last.log 2>&1 || { cat build/last.log; exit 1; }
	@tools/logbench build/evidence_ledger_ledger_bench $(if $(WRITE),--write docs) $(ARGS)

load: build/dewline
	@tools/setup bench
	@ninja -C build bench/dewline-bench tests/load/load-send >build/last.log 2>&1 || { cat build/last.log; exit 1; }
	@tools/load curve $(ARGS)

soak: build/dewline
	@ninja -C build bench/dewline-bench tests/load/load-send >build/last.log 2>&1 || { cat build/last.log; exit 1; }
	@$(if $(ASAN),test -d build-asan || meson setup build-asan -Db_sanitize=address -Db_lundef=false >build/last.log 2>&1; \
		ninja -C build-asan dewline >build/last.log 2>&1 || { cat build/last.log; exit 1; };) \
		tools/load soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ASAN),--program build-asan/dewline) $(ARGS)

flood: build/build.ninja
	@tools/setup bench
	@ninja -C build bench/dewline-bench >build/last.log 2>&1 || { cat build/last.log; exit 1; }
	@tools/flood

release:
	@tools/setup run
	@tools/release --prefix $(PREFIX)

install: build/build.ninja
	@meson configure build --prefix $(PREFIX)
	@$(MAKE) build/dewline
	@meson install -C build --no-rebuild --quiet
	@echo 'installed: $(DESTDIR)$(PREFIX)/bin/dewline and its man pages'

format:
	@find src bench tests -name '*.[ch]' -print0 | xargs -0 clang-format -i

clean:
	rm -rf build build-*
