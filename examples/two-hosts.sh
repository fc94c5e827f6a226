#!/bin/sh
# Two hosts, one remote, no server: each backs up its own memory, both end up with the memory of both.
# All in a temporary folder. Runs the crdt-backup and crdt-merge in PATH; ends with an error if anything is off.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
HOME=$folder/home
XDG_DATA_HOME=$folder/home/data
export HOME XDG_DATA_HOME
mkdir -p "$HOME"
unset CRDT_STORE
# shellcheck disable=SC2046 # A list of names.
unset $(git rev-parse --local-env-vars)
git -c init.defaultBranch=main init --quiet --bare "$folder/remote.git"

step() { printf '\n== %s\n' "$1"; }
fail() {
  echo "two-hosts: $1" >&2
  exit 1
}
backup() { # backup HOST [OPTION…]
  host=$1
  shift
  echo "+ $host: crdt-backup $*"
  crdt-backup --store "$folder/$host" "$@"
}
unified() { printf '%s' "$folder/$1/unified-memory.json"; }
expect_text() { # expect_text FILE TEXT: the file holds the text
  grep -qF -- "$2" "$1" || fail "'$2' is not in $1"
}
expect_agreement() { cmp "$(unified laptop)" "$(unified desktop)" || fail 'the hosts differ'; }

step 'the laptop backs up'
cat > "$folder/laptop.json" << 'END'
[
  {"id": "editor", "content": "tabs, not spaces"},
  {"id": "build", "content": "make test takes two minutes"}
]
END
backup laptop --host laptop --memory "$folder/laptop.json" --remote "$folder/remote.git"

step 'the desktop backs up: it gets what the laptop knows'
cat > "$folder/desktop.json" << 'END'
[
  {"id": "deploy", "content": "never on Fridays", "confidence": 1.0}
]
END
backup desktop --host desktop --memory "$folder/desktop.json" --remote "$folder/remote.git"
expect_text "$(unified desktop)" 'tabs, not spaces'
expect_text "$(unified desktop)" '"confidence":1.0'

step 'the laptop backs up again: now it has the memory of both'
backup laptop
expect_agreement
cat "$(unified laptop)"

step 'both learn something new about one thing at the same time'
cat > "$folder/laptop.json" << 'END'
[
  {"id": "editor", "content": "tabs, not spaces"},
  {"id": "build", "content": "make test takes two minutes"},
  {"id": "release", "content": "tag on the laptop"}
]
END
cat > "$folder/desktop.json" << 'END'
[
  {"id": "deploy", "content": "never on Fridays", "confidence": 1.0},
  {"id": "release", "content": "tag on the desktop"}
]
END
backup laptop
backup desktop
backup laptop
expect_agreement
expect_text "$(unified laptop)" 'tag on the laptop'
expect_text "$(unified laptop)" 'tag on the desktop'
echo '+ laptop: crdt-backup conflicts'
crdt-backup conflicts --store "$folder/laptop"
echo '+ crdt-merge --view: one value for each thing'
crdt-merge --view "$folder/laptop" -o "$folder/view.json"
cat "$folder/view.json"
[ "$(grep -c '"id":[ ]*"release"' "$folder/view.json")" -eq 1 ] || fail 'the view shows two values'

step 'a quiet round changes nothing'
before=$(git --git-dir="$folder/remote.git" rev-parse --all)
backup desktop
backup laptop
expect_agreement
[ "$before" = "$(git --git-dir="$folder/remote.git" rev-parse --all)" ] || fail 'a quiet round made a commit'

printf '\nBoth hosts hold the same memory, to the byte.\n'
