# espalier: build, test, install.  `make help` lists the targets.

# Variables. CXXFLAGS, LDFLAGS, PREFIX, DESTDIR and PROGRAM_PREFIX are the user's.
MODE           ?= release
PREFIX         ?= /usr/local
MANDIR         ?= $(PREFIX)/share/man
PROGRAM_PREFIX ?=
PKG_CONFIG     ?= pkg-config
BUILD          ?= build
VERSION        := 0.1.0
ARCH           := $(firstword $(subst -, ,$(shell $(CXX) -dumpmachine 2>/dev/null)))

PKG       := $(if $(PKG_CONFIG_PATH),PKG_CONFIG_PATH='$(PKG_CONFIG_PATH)') $(PKG_CONFIG)
# Each library: its name for pkg-config, what its link option begins with (none: headers alone), a header, its Debian package.
# Debian has HDF5 under a name of its own; one that the user names goes first.
HDF5      ?= $(if $(wildcard $(addsuffix /hdf5.pc,$(subst :, ,$(PKG_CONFIG_PATH)))),hdf5,$(shell \
               $(PKG) --exists hdf5-serial 2>/dev/null && echo hdf5-serial || echo hdf5))
LIBRARIES := $(HDF5):-lhdf5:hdf5.h:libhdf5-dev openblas:-lopenblas:cblas.h:libopenblas-dev cairo:-lcairo:cairo.h:libcairo2-dev \
             libpng:-lpng:png.h:libpng-dev libjpeg:-ljpeg:jpeglib.h:libjpeg-dev zlib:-lz:zlib.h:zlib1g-dev \
             matio:-lmatio:matio.h:libmatio-dev fmt:-lfmt:fmt/format.h:libfmt-dev eigen3::Eigen/Core:libeigen3-dev \
             cxxopts::cxxopts.hpp:libcxxopts-dev nlohmann_json::nlohmann/json.hpp:nlohmann-json3-dev
TESTING   := doctest::doctest/doctest.h:doctest-dev hdf5-tools curl mandoc
DEBIAN    := g++ make pkg-config $(LIBRARIES) $(TESTING)
LINTERS   := clang-format clang-tidy cppcheck mandoc shellcheck

FLAGS.release := -DNDEBUG
FLAGS.debug   := -g -D_GLIBCXX_ASSERTIONS
FLAGS.asan    := -g -D_GLIBCXX_ASSERTIONS -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS.tsan    := -g -fsanitize=thread
FLAGS.fuzz    := $(FLAGS.asan) -fsanitize=fuzzer-no-link -DESPALIER_LIBFUZZER  # clang's libFuzzer: `make fuzz`
ifeq ($(FLAGS.$(MODE)),)
$(error MODE is '$(MODE)': release, debug, asan, tsan or fuzz)
endif

# How much is optimised where numbers are crunched, and where files are read and written, which compiles in half the time.
LEVELS.release := -O2 -O1
LEVELS.debug   := -O0
LEVELS := $(or $(LEVELS.$(MODE)),-O1)
COLD := lib/base/json.cpp lib/shape/% lib/import/% lib/cli/% lib/h5/% lib/plot/% tools/% data/% tests/unit/%

WARNINGS := -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-psabi
# What pkg-config knows of the libraries. The others are found by the compiler alone, or reported before it compiles.
PACKAGES := $(shell for name in $(foreach library,$(LIBRARIES),$(firstword $(subst :, ,$(library)))); do \
              $(PKG) --exists $$name && echo $$name; done 2>/dev/null)
CFLAGS   := $(if $(PACKAGES),$(shell $(PKG) --cflags $(PACKAGES)))
COMPILE   = $(CXX) -std=c++20 $(WARNINGS) $(FLAGS.$(MODE)) $(LEVEL) -Ilib -DESPALIER_VERSION='"$(VERSION)"' \
            $(CFLAGS) $(CPPFLAGS) $(CXXFLAGS) -pthread
LINK     := $(CXX) $(FLAGS.$(MODE)) $(CXXFLAGS) -pthread
LIBS     := $(if $(PACKAGES),$(shell $(PKG) --libs $(PACKAGES))) $(LDFLAGS)

# One short line for each command; the whole of it with V=1.
say = $(if $(filter-out 0,$(V)),,@echo '  $(1)' && )

# Instruction sets of the hot kernels: NAME.kernel.cpp is compiled once for each.
ISAS := baseline
ifeq ($(ARCH),x86_64)
ISAS += avx2 avx512
endif
ISA.avx2   := -mavx2 -mfma
ISA.avx512 := $(ISA.avx2) -mavx512f -mavx512dq -mavx512bw -mavx512vl -mprefer-vector-width=512

# Discovery: one file in tools/ is one program, every file in lib/ belongs to the library.
OUT     := $(BUILD)/$(MODE)
BIN     := $(BUILD)/bin$(if $(filter-out release,$(MODE)),-$(MODE))
TOOLS   := $(patsubst tools/%.cpp,%,$(wildcard tools/*.cpp))
MAKERS  := $(patsubst data/%.cpp,%,$(wildcard data/*.cpp))
BENCHES := $(patsubst tests/bench/%.cpp,%,$(wildcard tests/bench/*.cpp))
FUZZERS := $(patsubst tests/fuzz/%.cpp,%,$(filter-out %/driver.cpp,$(wildcard tests/fuzz/*.cpp)))
KERNELS := $(wildcard lib/*/*.kernel.cpp)
OBJECTS := $(patsubst %.cpp,$(OUT)/%.o,$(filter-out $(KERNELS),$(wildcard lib/*/*.cpp))) \
           $(foreach isa,$(ISAS),$(patsubst %.cpp,$(OUT)/%.$(isa).o,$(KERNELS)))
UNITS   := $(patsubst %.cpp,$(OUT)/%.o,$(wildcard tests/unit/*.cpp))
LIBRARY := $(OUT)/libespalier.a

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

all: $(TOOLS:%=$(BIN)/%) $(MAKERS:%=$(BIN)/data/%)  ## build every program into build/bin

# Rules. The stamps hold the flags: changing them compiles or links again, and asks anew whether the libraries are there.
quoted    = '$(subst ','\'',$(1))'
stamp     = $(shell mkdir -p $(OUT) && echo $(2) | cmp -s - $(1) || echo $(2) > $(1))
COMPILED  := $(OUT)/compiled
LINKED    := $(OUT)/linked
$(call stamp,$(COMPILED),$(call quoted,$(COMPILE) $(LEVELS)))
$(call stamp,$(LINKED),$(call quoted,$(LINK) $(LIBS)))

$(OUT)/found $(OUT)/found-testing: $(COMPILED) $(LINKED)
	@tests/deps found $(call quoted,$(COMPILE)) $(call quoted,$(LIBS)) $(if $(filter %-testing,$@),$(TESTING),$(LIBRARIES))
	@touch $@

$(LIBRARY): $(OBJECTS) $(LINKED)
	@rm -f $@
	$(call say,AR  $@)$(AR) rcs $@ $(OBJECTS)

# What most files include is compiled once for each level. PRECOMPILE=no does without (for caches of compilers).
LEVEL       = $(if $(filter $(COLD),$<),$(lastword $(LEVELS)),$(firstword $(LEVELS)))
PRECOMPILED := $(if $(filter no,$(PRECOMPILE)),,$(LEVELS:%=$(OUT)/precompiled%.h.gch))
$(OUT)/precompiled%.h.gch: lib/precompiled.h $(COMPILED) | $(OUT)/found
	$(call say,CXX $< ($*))$(COMPILE) $* -x c++-header $< -o $@

$(OUT)/%.o: %.cpp $(COMPILED) $(PRECOMPILED) | $(OUT)/found
	@mkdir -p $(@D)
	$(call say,CXX $<)$(COMPILE) $(if $(PRECOMPILED),-include $(OUT)/precompiled$(LEVEL).h) -MMD -MP -c $< -o $@

define kernel_rule
$(OUT)/%.kernel.$(1).o: %.kernel.cpp $(COMPILED) | $(OUT)/found
	@mkdir -p $$(@D)
	$$(call say,CXX $$< ($(1)))$$(COMPILE) -MMD -MP $(if $(filter-out debug,$(MODE)),-O3) -ffp-contract=fast -fno-math-errno -fno-trapping-math $$(ISA.$(1)) \
	  -DESPALIER_KERNEL=$(1) -c $$< -o $$@
endef
$(foreach isa,$(ISAS),$(eval $(call kernel_rule,$(isa))))

$(BIN)/%: $(OUT)/tools/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD  $@)$(LINK) $^ $(LIBS) -o $@

$(BIN)/data/%: $(OUT)/data/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD  $@)$(LINK) $^ $(LIBS) -o $@

$(BIN)/bench/%: $(OUT)/tests/bench/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD  $@)$(LINK) $^ $(LIBS) -o $@

$(BIN)/fuzz/%: $(OUT)/tests/fuzz/%.o $(OUT)/tests/fuzz/driver.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD  $@)$(LINK) $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer) $^ $(LIBS) -o $@

$(UNITS): | $(OUT)/found-testing
$(OUT)/unit: $(UNITS) $(LIBRARY)
	$(call say,LD  $@)$(LINK) $^ $(LIBS) -o $@

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)

# Tests.
export BIN OUT MODE DEPS VERSION
ESPALIER_DATA ?= data/cache
export ESPALIER_DATA

check: deps  ## build and run all tests (ten minutes at most on two cores)
	@$(MAKE) --no-print-directory -j$$(nproc) all $(OUT)/unit
	tests/run

check-unit: $(OUT)/unit  ## unit tests only; ARGS go to doctest
	$(OUT)/unit $(ARGS)

check-shell: all  ## shell tests only; ARGS name files of tests/shell
	tests/run --shell $(ARGS)

demo: deps  ## the main job end to end on generated data, pictures in demo/
	@$(MAKE) --no-print-directory -j$$(nproc) all
	data/demo

bench: all $(BENCHES:%=$(BIN)/bench/%)  ## measure speed; ARGS names one benchmark and its arguments
	tests/bench/run $(ARGS)

fuzzers: $(FUZZERS:%=$(BIN)/fuzz/%)

fuzz:  ## libFuzzer (clang) on every reader, or those that ARGS name, FUZZ_SECONDS each
	tests/fuzz/run $(ARGS)

soak: all $(OUT)/unit fuzzers  ## the tests with other seeds, and runs killed and restarted; ROUNDS=n, KILLS=n
	tests/soak

lint:  ## floors, formatting, static analysis, man pages, shell scripts
	tests/lint/run

deps:  ## install missing packages (Debian, Ubuntu; DEPS=no skips), or say what is missing
	@tests/deps install $(DEBIAN)
	@$(MAKE) --no-print-directory $(OUT)/found $(OUT)/found-testing

# Install.
install: all  ## install programs, man pages and completions under PREFIX
	tests/install install '$(DESTDIR)' '$(PREFIX)' '$(MANDIR)' '$(PROGRAM_PREFIX)' '$(BIN)' $(TOOLS)

uninstall:  ## remove what install put there
	tests/install uninstall '$(DESTDIR)' '$(PREFIX)' '$(MANDIR)' '$(PROGRAM_PREFIX)' '$(BIN)' $(TOOLS)

DIST := espalier-$(VERSION)
dist:  ## a source archive: of HEAD, or, in an unpacked archive, of what lies there
	@if [ -e .git ]; then git archive --prefix=$(DIST)/ -o $(DIST).tar.gz HEAD; else \
	  tar -c --sort=name --owner=0 --group=0 --numeric-owner --mtime=./Makefile --transform 's,^\.,$(DIST),' \
	    $(addprefix --exclude=./,$(BUILD) demo data/cache experiments *.tar.gz) . | gzip -n >$(DIST).tar.gz; fi

deb: all  ## a Debian package of the programs, in build/
	data/packaging/deb '$(BUILD)' '$(BIN)' '$(VERSION)' $(TOOLS)

clean:  ## remove build/ and demo/
	rm -rf $(BUILD) demo

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14
	@echo 'Tried on Debian 12 (bookworm) and 13 (trixie); README.md says what else is known.'

.PHONY: all check check-unit check-shell demo bench fuzzers fuzz soak lint deps install uninstall dist deb clean help
