#!/bin/sh
# Runs every golden case on Apache FreeMarker (Debian: libfreemarker-java, a JDK) and rewrites the answers
# beside them (NAME.txt: NAME.expected.jsonl). Names of case files may be given; without, all are run.
set -eu
cd "$(dirname "$0")"
jar=${FREEMARKER_JAR:-/usr/share/java/freemarker.jar}
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
javac -cp "$jar" -d "$classes" Golden.java
[ $# -gt 0 ] || set -- *.txt
java -Duser.language=en -Duser.country=US -Duser.timezone=UTC -Dfile.encoding=UTF-8 -cp "$jar:$classes" Golden data.json "$@"
wc -l *.expected.jsonl
