#!/usr/bin/env bash
# The EXAMPLES of every page run: each .Dl line, and each line of a .Bd -literal block, in order, in a folder that holds
# the files that the examples name.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

examples() {
  awk '/^\.Sh /{ inside = $2 == "EXAMPLES" } !inside { next }
       /^\.Bd -literal/ { block = 1; next } /^\.Ed/ { block = 0; next }
       /^\.Dl / { sub(/^\.Dl /, ""); print; next } block' "$1" | sed 's/\\e/\\/g; s/\\&//g; s/\\-/-/g; s/^\$ //'
}

for source in "$TOP"/data/*.cpp; do
  generator=$(basename "$source" .cpp)
  ok "$generator, which has no page, names none" sh -c "$generator --help | grep '^usage' && ! $generator --help | grep '^See'"
done

mkdir fixtures
(
  cd fixtures || exit 1
  blobs --samples 300 --dims 20 --clusters 5 --quiet -o mnist.h5
  blobs --samples 40 --dims 20 --clusters 5 --seed 1 --quiet -o new.h5
  qsne --quiet --iterations 60 mnist.h5 -o map.h5
) || echo "fixtures could not be made"

for page in "$TOP"/man/*.[157]; do
  name=$(basename "$page")
  examples "$page" >script
  [ -s script ] || continue
  rm -rf work && cp -r fixtures work
  ok "the examples of $name run" sh -c 'cd work && exec bash -eo pipefail ../script'
done
done_testing
