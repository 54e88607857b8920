#!/bin/sh
# Runs every 20th golden case on Apache FreeMarker (Debian: libfreemarker-java, a JDK) and compares what it answers with
# the committed answers. Fails with each answer that isn't among them.
set -eu
cd "$(dirname "$0")"
jar=${FREEMARKER_JAR:-/usr/share/java/freemarker.jar}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
javac -cp "$jar" -d "$work" Golden.java Cases.java
run() {
	java -XX:TieredStopAtLevel=1 -Duser.language=en -Duser.country=US -Duser.timezone=UTC -Dfile.encoding=UTF-8 \
		-cp "$jar:$work" "$@"
}
count=0
differing=0
# compare EXPECTED ANSWERS: the answers that aren't lines of EXPECTED.
compare() {
	count=$((count + $(wc -l < "$2")))
	# What shows an object of Java's by its identity is another text each time.
	grep -v 'freemarker.core.Environment@' "$2" > "$work/answered" || true
	if grep -Fxv -f "$1" "$work/answered" > "$work/differing"; then
		differing=$((differing + $(wc -l < "$work/differing")))
		echo "$1 lacks what FreeMarker answers:"
		cat "$work/differing"
	fi
}
for expected in *-expected.jsonl; do
	cases=${expected%-expected.jsonl}.jsonl
	awk 'NR % 20 == 1' "$cases" | run Cases language-data.json > "$work/answers"
	compare "$expected" "$work/answers"
done
# In files of lines `## ` begins a heading with the settings of what follows; files of blocks are run whole.
for cases in *.txt; do
	awk 'NR == 1 && /^=== / { blocks = 1 } blocks || /^## / || NR % 20 == 1' "$cases" > "$work/$cases"
done
run Golden data.json "$work"/*.txt
for answers in "$work"/*.expected.jsonl; do
	compare "$(basename "$answers")" "$answers"
done
echo "$count golden cases asked again of FreeMarker, $differing answered otherwise"
[ "$differing" -eq 0 ] && [ "$count" -gt 300 ]
