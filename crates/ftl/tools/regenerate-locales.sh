#!/bin/sh
# Writes src/locale/*.txt and src/builtins/charsets.txt anew from what the installed JDK knows. Java 17 is what the golden cases are made with.
set -eu
cd "$(dirname "$0")"
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
javac -d "$classes" LocaleData.java CollationData.java CharsetData.java
java -Duser.language=en -Duser.country=US -Duser.timezone=UTC -cp "$classes" LocaleData ../src/locale
java -Duser.language=en -Duser.country=US -cp "$classes" CollationData ../src/locale/collation.txt
java -cp "$classes" CharsetData ../src/builtins/charsets.txt
