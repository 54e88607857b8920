#!/bin/sh
# Runs every golden case on Apache FreeMarker (Debian: libfreemarker-java, a JDK) and rewrites the files of what is expected.
set -eu
cd "$(dirname "$0")"
jar=${FREEMARKER_JAR:-/usr/share/java/freemarker.jar}
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
javac -cp "$jar" -d "$classes" Golden.java Cases.java
java -Duser.language=en -Duser.country=US -cp "$jar:$classes" Golden data.json blocks.txt lines.txt > expected.jsonl
java -Duser.language=en -Duser.country=US -cp "$jar:$classes" Cases language-data.json < language.jsonl > language-expected.jsonl
wc -l expected.jsonl language-expected.jsonl
