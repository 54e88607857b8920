#!/bin/sh
# Stops a PostgreSQL server when no test has held the lock for ten seconds, and removes its folder.
# The system frees the lock of a test that ends, however it ends.
# Standard input is the lock's file; the arguments: the server's folder, and the command that stops it.
trap '' HUP INT
folder=$1
shift
free=0
while [ "$free" -lt 10 ]; do
    sleep 1
    [ -d "$folder" ] || exit 0
    if flock --exclusive --nonblock 0; then
        free=$((free + 1))
        # Kept at last: a test that comes now waits, and finds the server gone.
        [ "$free" -eq 10 ] || flock --unlock 0
    else
        free=0
    fi
done
"$@"
rm -rf "$folder"
