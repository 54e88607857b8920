#!/bin/sh
# Runs every golden case on Apache FreeMarker (Debian: libfreemarker-java, a JDK) and rewrites the answers
# beside them (NAME.txt: NAME.expected.jsonl, NAME.jsonl: NAME-expected.jsonl). Names of .txt files may
# be given; without, all are run.
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
	for cases in *.jsonl; do
		case $cases in
		*-expected.jsonl | *.expected.jsonl) ;;
		*) run Cases language-data.json < "$cases" > "${cases%.jsonl}-expected.jsonl" ;;
		esac
	done
	wc -l ./*-expected.jsonl
	set -- *.txt
fi
run Golden data.json "$@"
wc -l *.expected.jsonl
