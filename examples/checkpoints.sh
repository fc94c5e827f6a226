#!/bin/sh
# An agent freezes its state on one host and goes on with it on another.
# All in a temporary folder. Runs the crdt-agent and crdt-backup in PATH; ends with an error if anything is off.
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
  echo "checkpoints: $1" >&2
  exit 1
}
checkpoint() { # checkpoint HOST COMMAND [OPTION…]
  host=$1
  shift
  echo "+ $host: crdt-agent checkpoint $*" >&2
  crdt-agent checkpoint "$@" --store "$folder/$host"
}
backup() { # backup HOST [OPTION…]
  host=$1
  shift
  crdt-backup --quiet --store "$folder/$host" "$@"
}

step 'the laptop freezes a state, looks further, and freezes it again'
checkpoint laptop session start 'slow start' --host laptop
cat > "$folder/state.json" << 'END'
{
  "workingFolder": "/src/server",
  "metrics": {"startSeconds": 4.20},
  "hypotheses": [{"id": "dns", "statement": "a look-up times out", "prior": 0.3, "status": "testing"}],
  "plan": ["measure", "bisect"]
}
END
checkpoint laptop create --message 'before the bisect' --tag safe --state "$folder/state.json"
sed 's/4.20/0.31/; s/"testing"/"confirmed"/' "$folder/state.json" |
  checkpoint laptop create --message 'found it' --trigger hypothesis-status-change --state -
checkpoint laptop annotate latest 'the fix is one line' --level info
checkpoint laptop diff 1 2
backup laptop --remote "$folder/remote.git"

step 'the desktop gets it, and goes back to it'
echo '[]' > "$folder/desktop.json"
backup desktop --host desktop --memory "$folder/desktop.json" --remote "$folder/remote.git"
checkpoint desktop list
checkpoint desktop restore 2@laptop -o "$folder/restored.json"
cat "$folder/restored.json"
grep -qF '"startSeconds":0.31' "$folder/restored.json" || fail 'the state did not arrive'
checkpoint desktop create --message 'goes on here' --state "$folder/restored.json"

step 'both make checkpoints, one is deleted, and both agree'
checkpoint laptop create --message 'meanwhile' --state "$folder/state.json"
checkpoint desktop compact --keep 1 --preserve-tagged --dry-run
checkpoint desktop delete 2@laptop
backup desktop
backup laptop
backup desktop
checkpoint laptop list > "$folder/laptop.list"
checkpoint desktop list > "$folder/desktop.list"
cat "$folder/laptop.list"
cmp "$folder/laptop.list" "$folder/desktop.list" || fail 'the hosts differ'
[ "$(wc -l < "$folder/laptop.list")" -eq 4 ] || fail 'there should be three checkpoints'
checkpoint desktop validate
checkpoint desktop timeline

printf '\nBoth hosts hold the same checkpoints.\n'
