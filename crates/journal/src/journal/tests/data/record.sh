#!/bin/sh
# Prints the rows of a database that an earlier revision wrote, as `version-*.sql` has them:
#
#   export TEST_DATABASE_URL=postgres://…
#   record.sh 3018b81 > version-7.sql
#   record.sh c27d2fa > version-12.sql
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -r "$tree"' EXIT
cd "$(git -C "$here" rev-parse --show-toplevel)"
git archive "$1" | tar -x -m -C "$tree"
cd "$tree/crates/journal"
cp "$here/record.rs" src/tests/record.rs
echo 'mod record;' >> src/tests/mod.rs
# Lines for what the first of the two revisions lacks.
grep -rq 'fn roll_back' src || sed -i '/since landings$/d' src/tests/record.rs
cargo test --locked --package journal --lib tests::record -- --nocapture > "$tree/rows"
sed -n '/^INSERT INTO /,/;$/p' "$tree/rows"
