# The front door; meson does the work.
#
#   make run      installs what is missing, builds, runs the main job on the demo, prints the bulletin
#   make check    installs what the tests need, builds, runs every test; last line: N passed, N failed
#   make install  PREFIX=/usr/local by default
#   make format   clang-format over the sources
#   make clean    removes the build folders
PREFIX ?= /usr/local
MAKEFLAGS += --no-print-directory

.PHONY: all run check install format clean

all: build/dewline

build/build.ninja:
	@tools/setup run
	@meson setup build --prefix $(PREFIX) >build.log 2>&1 || { cat build.log; exit 1; }
	@rm -f build.log

.PHONY: build/dewline
build/dewline: build/build.ninja
	@ninja -C build --quiet dewline

run: build/dewline
	@tools/demo build/dewline build/demo

check:
	@tools/setup check
	@tools/check

install: build/dewline
	@meson install -C build --no-rebuild

format:
	@find src tests -name '*.[ch]' -print0 | xargs -0 clang-format -i

clean:
	rm -rf build build-*
