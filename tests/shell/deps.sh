#!/usr/bin/env bash
# What make says where packages are missing, on machines that are made of stand-ins: nothing is installed.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
unset MAKEFLAGS MAKELEVEL MFLAGS DEPS PKG_CONFIG PKG_CONFIG_PATH
CXX=${CXX:-g++}

# A Debian of one installed package, where we are not root; apt-get takes note of what it is asked for.
mkdir debian
fake() { printf '#!/bin/sh\n%s\n' "$2" >"debian/$1" && chmod +x "debian/$1"; }
fake dpkg-query 'for last; do :; done; [ "$last" = here ] && echo "install ok installed"'
fake id 'echo 1000'
fake apt-get 'echo "$*" >>asked'
for program in cat env sh; do ln -s "$(command -v $program)" debian/; done
# on_debian COMMAND...: with these programs alone. Without a terminal, as in a job.
on_debian() { rm -f asked; setsid -w env PATH="$PWD/debian" "$@"; }
asked() { printf '%s\n' "update -qq" "install -y -qq --no-install-recommends $1" | cmp - asked; }
# helps: the message names the packages for an administrator, and the ways without one.
helps() {
  says '^  apt-get install --no-install-recommends lacking too$'
  says 'make DEPS=no PKG_CONFIG_PATH=.* LDFLAGS=-Wl,--disable-new-dtags,-rpath,.* PREFIX='
  ok "... and asks for nothing" test ! -e asked
}
# silent PATTERN: the last command of ok wrote no such thing.
silent() {
  cat tap.out tap.err >said
  ok "... and does not say: $1" fails grep -qE -- "$1" said
}
fails() { ! "$@"; }
deps=$TOP/tests/deps

ok "nothing is missing" on_debian "$deps" install here
ok "packages are missing, and there is no sudo" fails on_debian "$deps" install here lacking name:-lx:x.h:too
says '^espalier: packages are missing, you are not root, and there is no sudo$'
helps
ok "DEPS=no asks for nothing" on_debian env DEPS=no "$deps" install lacking
fake sudo 'echo "sudo: a password is required" >&2; exit 1'
ok "sudo wants a password, and there is no terminal" fails on_debian "$deps" install here lacking name:-lx:x.h:too
says '^espalier: packages are missing, you are not root, and sudo refuses$'
silent password
ok "... with the same help" fails on_debian "$deps" install here lacking name:-lx:x.h:too
helps
if command -v script >/dev/null; then
  ok "sudo refuses at a terminal" fails script -qec "env PATH=$PWD/debian $deps install lacking too" /dev/null
  says 'sudo refuses'
  fake sudo '[ "$1" != -n ] || exit 1; [ "$1" = -v ] || exec "$@"'
  ok "sudo asks for a password at a terminal" script -qec "env PATH=$PWD/debian $deps install lacking" /dev/null
  ok "... and installs" asked lacking
else
  skip "sudo at a terminal" "no script(1)"
fi
fake sudo '[ "$1" != -n ] || shift; [ "$1" = true ] || exec "$@"'
ok "sudo is free to use" on_debian "$deps" install here lacking name:-lx:x.h:too
says '^sudo apt-get update && sudo apt-get install -y --no-install-recommends lacking too$'
ok "... and installs" asked "lacking too"
fake id 'echo 0'
rm debian/sudo
ok "root needs no sudo" on_debian "$deps" install lacking
ok "... and installs" asked lacking
fake apt-get 'echo "E: Unable to locate package" >&2; exit 100'
ok "apt-get fails" fails on_debian "$deps" install lacking
says '^espalier: packages are missing, and apt-get could not install them$'
rm debian/dpkg-query
ok "not a Debian: the compiler is asked instead" on_debian "$deps" install lacking

# A library counts as found with its header and its link option, wherever these come from.
mkdir -p prefix/include/fmt prefix/pkgconfig
touch prefix/include/fmt/format.h prefix/include/cxxopts.hpp
compile="$CXX -std=c++20 -I$PWD/prefix/include"
fmt=fmt:-lfmt:fmt/format.h:libfmt-dev
ok "libraries are found" "$deps" found "$compile" "-L/x -lfmt" $fmt cxxopts::cxxopts.hpp:libcxxopts-dev
ok "a header is missing" fails "$deps" found "$compile" "-lfmt" $fmt none::no/such.hpp:libnone-dev
says '^  none \(Debian: libnone-dev\): no <no/such.hpp>$'
silent libfmt-dev
ok "a library is missing of which the header is there" fails "$deps" found "$compile" "-lz" $fmt
says '^  fmt \(Debian: libfmt-dev\): no -lfmt from pkg-config$'
printf '%s\n' "Name: fmt" "Description: a stand-in" "Version: 1" "Requires: nowhere" >prefix/pkgconfig/fmt.pc
ok "a library is missing that another one wants" fails env PKG_CONFIG_PATH="$PWD/prefix/pkgconfig" "$deps" found "$compile" "" $fmt
says '^  fmt \(Debian: libfmt-dev\): no -lfmt from pkg-config; pkg-config: .*nowhere'
ok "there is no pkg-config" fails env PKG_CONFIG=no-such-program "$deps" found "$compile" "" $fmt
says '^  pkg-config \(Debian: pkg-config\)$'
ok "there is no compiler" fails "$deps" found "no-such-program -std=c++20" "" $fmt
says '^espalier: no C\+\+20 compiler: no-such-program does not run'

# The same from make, in a folder of its own.
in_make() { make -C "$TOP" --no-print-directory BUILD="$SCRATCH/build" BIN="$SCRATCH/bin" MODE=release CXX="$CXX" "$@"; }
exits_2() { "$@"; [ $? = 2 ]; }
ok "make stops where pkg-config knows nothing" exits_2 in_make PKG_CONFIG=false
says '^  hdf5 \(Debian: libhdf5-dev\): '
silent 'CXX|-c |fatal error'
for target in help clean dist uninstall; do
  ok "make $target wants no library and no compiler" in_make -n PKG_CONFIG=no-such-program CXX=no-such-program $target
done
ok "make -n wants none, either" in_make -n PKG_CONFIG=no-such-program CXX=no-such-program

# What PKG_CONFIG_PATH names goes before the system's, also on the command line, and HDF5 by its own name.
for name in hdf5 openblas cairo libpng libjpeg zlib matio fmt eigen3; do
  printf '%s\n' "Name: $name" "Description: a stand-in" "Version: 1" "Cflags: -I/our/$name" "Libs: -L/our/lib -l${name#lib}" >prefix/pkgconfig/$name.pc
done
in_make -n PKG_CONFIG_PATH="$SCRATCH/prefix/pkgconfig" LDFLAGS=-Wl,--disable-new-dtags,-rpath,/our/lib all >commands 2>&1
ok "make takes libraries of PKG_CONFIG_PATH, HDF5 by its own name" \
  grep -qE -- ' -L/our/lib -lhdf5 -lopenblas -lcairo -lpng -ljpeg -lzlib -lmatio -lfmt -leigen3 .*/bin/qsne$' commands
ok "... and no other" fails grep -q -- '-L/usr' commands
ok "... which the programs find where they run" grep -qE -- '-Wl,--disable-new-dtags,-rpath,/our/lib .*/bin/qsne$' commands
ok "... and their headers" grep -qE -- '-I/our/hdf5 .*-I/our/fmt .*qsne.cpp' commands
done_testing
