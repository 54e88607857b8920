#!/bin/sh
# Fuzzes a target with the stable compiler: fuzz/stable.sh parse|render [options of libFuzzer]. Needs a C++ compiler.
# What cargo-fuzz asks of a nightly one is the address sanitizer alone; there is no unsafe code here to watch.
set -eu
cd "$(dirname "$0")"
target=$1
shift
# Counters and places of all edges, for libFuzzer to know what is new.
coverage="-Cpasses=sancov-module"
for option in level=4 inline-8bit-counters pc-table trace-compares; do
	coverage="$coverage -Cllvm-args=-sanitizer-coverage-$option"
done
# With --target the flags aren't those of build scripts too.
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="$coverage --cfg fuzzing -Cdebug-assertions -Ccodegen-units=1" \
	${CARGO:-cargo} build --release --bin "$target" --target "$host"
[ "${1:-}" = build ] && exit
if [ -f "${1:-}" ]; then
	exec "./target/$host/release/$target" "$@"
fi
mkdir -p "corpus/$target" "artifacts/$target"
exec "./target/$host/release/$target" -dict=ftl.dict -artifact_prefix="artifacts/$target/" "$@" \
	"corpus/$target" "seeds/$target"
