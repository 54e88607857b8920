#!/bin/sh
# Runs every golden case on Apache FreeMarker (Debian: libfreemarker-java, a JDK) and rewrites the answers
# beside them (NAME.txt: NAME.expected.jsonl). Names of case files may be given; without, all are run.
set -eu
cd "$(dirname "$0")"
jar=${FREEMARKER_JAR:-/usr/share/java/freemarker.jar}
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
javac -cp "$jar" -d "$classes" Golden.java Cases.java
run() {
	java -Duser.language=en -Duser.country=US -Duser.timezone=UTC -Dfile.encoding=UTF-8 -cp "$jar:$classes" "$@"
}
if [ $# -eq 0 ]; then
	run Cases language-data.json < language.jsonl > language-expected.jsonl
	wc -l language-expected.jsonl
	set -- *.txt
fi
run Golden data.json "$@"
wc -l *.expected.jsonl
