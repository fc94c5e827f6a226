#!/bin/sh
# Two hosts reason about one project, and each ends up with what both know.
# All in a temporary folder. Runs the crdt-agent and crdt-backup in PATH; ends with an error if anything is off.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
HOME=$folder/home
XDG_DATA_HOME=$folder/home/data
export HOME XDG_DATA_HOME
mkdir -p "$HOME"
unset CRDT_STORE CRDT_AGENT_DATA
# shellcheck disable=SC2046 # A list of names.
unset $(git rev-parse --local-env-vars)
git -c init.defaultBranch=main init --quiet --bare "$folder/remote.git"

step() { printf '\n== %s\n' "$1"; }
fail() {
  echo "reasoning: $1" >&2
  exit 1
}
crs() { # crs HOST COMMAND [OPTION…]
  host=$1
  shift
  echo "+ $host: crdt-agent crs $*" >&2
  crdt-agent crs "$@" --project server --store "$folder/$host" --data "$folder/$host-agent"
}
backup() { # backup HOST [OPTION…]
  host=$1
  shift
  crdt-backup --quiet --store "$folder/$host" "$@"
}

for host in laptop desktop; do
  echo '[]' > "$folder/$host.json"
  backup "$host" --host "$host" --memory "$folder/$host.json" --remote "$folder/remote.git"
done

step 'the laptop proves something, and learns that two tools exclude each other'
crs laptop apply - << 'END'
{"type":"proof","source":"hard","updates":[{"node":"cache-is-stale","proof":0,"disproof":"infinite","status":"proven"}]}
{"type":"dependency","source":"hard","add":[{"from":"slow-start","to":"cache-is-stale"}]}
{"type":"streaming","source":"soft","items":[{"item":"timeout","count":2}]}
{"type":"clause","source":"hard","learn":[{"literals":["!tool:index","!tool:rebuild"],"failure":"deadlock"}]}
END
crs laptop save
backup laptop

step 'the desktop counts as well, and closes a circle that neither sees alone'
crs desktop apply - << 'END'
{"type":"dependency","source":"hard","add":[{"from":"cache-is-stale","to":"slow-start"}]}
{"type":"streaming","source":"soft","items":[{"item":"timeout","count":3}]}
END
crs desktop save
backup desktop
backup laptop

step 'each joins what the other knows'
crs laptop load
crs desktop load
crs desktop query streaming
crs desktop query propagate tool:index
crs desktop query cycles
crs desktop verify

step 'both are the same'
for host in laptop desktop; do
  crs "$host" export -o "$folder/$host-export.json"
  sed 's/.*"state"://' "$folder/$host-export.json" > "$folder/$host-state.json"
done
cmp "$folder/laptop-state.json" "$folder/desktop-state.json" || fail 'the states differ'
crs desktop query streaming | grep -qF '"count":5' || fail 'the counts were not summed'
crs desktop query propagate tool:index | grep -qF '!tool:rebuild' || fail 'the clause did not arrive'

step 'what cannot be is refused'
if echo '{"type":"proof","source":"soft","updates":[{"node":"x","status":"disproven"}]}' | crs laptop apply -; then
  fail 'a guess disproved something'
fi
echo 'done'
