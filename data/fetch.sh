# Sourced by the fetch-* scripts: fetch, check, unpack, import. A file or folder gets its final name only when it is
# whole and checked, so what stands under its name needs no second look; what has half arrived is FILE.part and is
# resumed. Exit codes are the suite's: 64 usage, 65 wrong contents, 66 cannot be fetched, 71 a program is missing, 74
# cannot be written.
# shellcheck shell=sh
set -eu

TOP=$(cd "$(dirname "$0")/.." && pwd)
SELF=$(basename "$0")
DATA=${ESPALIER_DATA:-$TOP/data/cache}
BIN=${BIN:-build/bin}
case $BIN in /*) ;; *) BIN=$TOP/$BIN ;; esac

say() { printf '%s: %s\n' "$SELF" "$*"; }
die() {
  code=$1
  shift
  say "$*" >&2
  exit "$code"
}

# begin NAME DESCRIPTION "$@": options, and the folder NAME under the data.
begin() {
  NAME=$1 description=$2
  shift 2
  case ${1:-} in
  -h | --help)
    cat <<HELP
usage: $SELF [--help]

Fetches $description,
into \$ESPALIER_DATA/$NAME (data/cache/$NAME by default) and imports it as $NAME.h5 beside that folder.
What is there already is not fetched again; an interrupted transfer goes on where it stopped.

  -h, --help    print this and exit

environment:
  ESPALIER_DATA    where data sets are kept [data/cache]
  ESPALIER_MIRROR  a URL that holds NAME/FILE for every file, instead of the public homes
HELP
    exit 0
    ;;
  ?*) die 64 "no operand or option expected, got '$1' (--help)" ;;
  esac
  mkdir -p "$DATA/$NAME" 2>/dev/null || die 74 "cannot make $DATA/$NAME"
  DATA=$(cd "$DATA" && pwd)
  cd "$DATA/$NAME"
}

# matches FILE CHECK: CHECK is md5:HEX, sha256:HEX, or bytes:COUNT where no checksum is published.
matches() {
  case $2 in
  md5:*) [ "$(md5sum <"$1")" = "${2#md5:}  -" ] ;;
  sha256:*) [ "$(sha256sum <"$1")" = "${2#sha256:}  -" ] ;;
  bytes:*) [ "$(wc -c <"$1")" -eq "${2#bytes:}" ] ;;
  unpublished) say "no checksum is published; sha256 $(sha256sum <"$1" | cut -d' ' -f1)" ;;
  esac
}

# resume URL FILE OPTION...: one attempt by curl; a line that stands still for a minute counts as broken.
resume() {
  url=$1 part=$2
  shift 2
  curl "$@" --fail --location --connect-timeout 30 --speed-limit 1 --speed-time 60 --continue-at - --output "$part" "$url"
}

# transfer URL FILE: resumes FILE, tries four times where the line breaks. On a terminal curl shows a bar.
transfer() {
  for pause in 1 4 15 0; do
    status=0 reason=
    if [ -t 2 ]; then
      resume "$1" "$2" --progress-bar || status=$?
    else
      reason=$(resume "$1" "$2" --silent --show-error 2>&1) || status=$?
    fi
    case $status in
    0) return 0 ;;
    18 | 28 | 52 | 55 | 56) sleep $pause ;;
    23) die 74 "cannot write $PWD/$2" ;;
    33 | 36) rm -f "$2" ;; # the server cannot resume: from the start
    *) break ;;
    esac
  done
  die 66 "cannot fetch $1: ${reason:-curl failed} (exit $status; what has arrived is kept)"
}

# fetch URL CHECK [FILE]: one file, named like the URL's last part where no name is given.
fetch() {
  url=$1 check=$2 file=${3:-${1##*/}}
  if [ -n "${ESPALIER_MIRROR:-}" ]; then url=$ESPALIER_MIRROR/$NAME/$file; fi
  if [ -e "$file" ]; then
    matches "$file" "$check" || die 65 "$PWD/$file is not what was published ($check); remove it to fetch it anew"
    say "$file is there"
    return 0
  fi
  command -v curl >/dev/null || die 71 "curl is not installed"
  if ! { [ -s "$file.part" ] && [ "$check" != unpublished ] && matches "$file.part" "$check"; }; then
    say "fetching $url"
    transfer "$url" "$file.part"
    if ! matches "$file.part" "$check"; then
      found=$(wc -c <"$file.part")
      rm -f "$file.part"
      die 65 "$file is not what was published: $found bytes, expected $check; removed, run again to fetch it anew"
    fi
  fi
  mv "$file.part" "$file"
}

# unpack ARCHIVE [MEMBER], into the folder unpacking.
unpack() {
  case $1 in
  *.zip) unzip -q "$@" -d unpacking ;;
  *) tar -xf "$1" -C unpacking ;;
  esac
}

# fetch_archive URL CHECK TARGET [MEMBER]: fetches an archive and unpacks from it TARGET, a file or a folder; from a
# zip file only MEMBER, if that is given. The archive goes when it has been unpacked.
fetch_archive() {
  archive=${1##*/} target=$3
  if [ -e "$target" ]; then
    say "$target is there"
    return 0
  fi
  fetch "$1" "$2"
  say "unpacking $archive"
  case $archive in *.zip) command -v unzip >/dev/null || die 71 "unzip is not installed" ;; esac
  rm -rf unpacking
  mkdir unpacking
  reason=$(unpack "$archive" ${4:+"$4"} 2>&1 && mv "unpacking/$target" . 2>&1) || {
    rm -rf unpacking
    die 65 "$PWD/$archive cannot be unpacked: $(echo "$reason" | tr -s '\n ' ' ' | head -c 200); remove it to fetch it anew"
  }
  rm -rf unpacking "$archive"
}

# expect COUNT FOLDER PATTERN: the folder holds that many files, for archives without a published checksum.
expect() {
  found=$(find "$2" -type f -name "$3" | wc -l)
  [ "$found" -eq "$1" ] || die 65 "$PWD/$2 has $found files $3, expected $1"
}

# import_as_hdf5 PATH [OPTION...]: what was fetched becomes NAME.h5.
import_as_hdf5() {
  importer=$BIN/tensor-import
  if [ -e "$DATA/$NAME.h5" ]; then
    say "$DATA/$NAME.h5 is there"
  elif [ -x "$importer" ]; then
    "$importer" "$@" -o "$DATA/$NAME.h5"
    say "made $DATA/$NAME.h5"
  else
    say "fetched; tensor-import is not built: 'make', then run this again for $DATA/$NAME.h5"
  fi
}
