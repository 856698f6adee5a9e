# attune: every target in one file, every object under build/.
#
#   make                 build every program                  make test         build and run everything that must hold
#   make sentiment       fine-tune on the embedded corpus     make test-golden  GOLDEN=dir: other golden values, same form
#   make debug           the tests under the address and      make check        the include directions of the folders
#                        undefined-behaviour sanitizers       make format       rewrite the sources in the house style
#   make bench           speed: kernels and whole steps       make compare      beside PyTorch and ONNX Runtime
#   make monitor         ninety days of a stream, its alerts
#   make libattune.so    the C interface, tasks/capi, to      make libattune.a  the same and all of C++, to be linked;
#                        be loaded                                              both in build/release
#   make install         programs, header, both libraries,    make uninstall    take them away again, of the same
#                        and the models that ship                               PREFIX and DESTDIR
#   make serve           models over HTTP, with a page        make bench-serve  what serving costs
#   make test-clients    other people's clients (npm) and     make test-browser the page in Chromium
#                        Prometheus against it                (both say what is missing, and pass, without)
#   make torture         programs over a disk that fails,     make fuzz         every parser, by libFuzzer (clang);
#                        fails, killed at every call                            SECONDS=60 TARGETS='table packed'
#   make soak            servers and the C interface for
#                        an hour, under everything
#   make mutate          break the arithmetic, see the tests  make coverage     lines and branches that tests reach
#                        fail; ARGS='--sample 200'
#   make valgrind        a short run of each program by       make race         the same and tests by ThreadSanitizer
#                        memcheck; ARGS='serve tune'                            (clang), two threads and more
#   make lint            clang-tidy and cppcheck              make sbom         packages and models, as CycloneDX
#   make reproducible    build in two folders, compare
#   make clean           remove build/                        make format-check say whether they are in it
#   make abi             the C interface as it is now is the  make translate    learn to translate the embedded phrases
#                        one that tests hold it to            make help         this list
#   make answer          an assistant for the embedded shop   make recommend    lists out of the catalogue that ships
#
# Yours to override on the command line:
#   CXX=g++              the compiler (C++20)
#   ARCH=native          the processor to build for; x86-64-v3 runs on anything with AVX2
#   OPT=-O3              the optimisation of the release and double builds; of tests, options, files and reports -O1
#   LDLIBS=              more libraries to link
#   UNITS=yes            a folder's sources are compiled together, eight at most; no: each alone
#   PREFIX=/usr/local    where `make install` puts bin, lib, include and share; DESTDIR=  a folder to put that into
#   ARGS=                further arguments: make sentiment ARGS='--model pool', make test ARGS='-tc=softmax*'
# Never add -ffast-math: it breaks NaN checks and exact results.

CXX  ?= g++
ARCH ?= native
OPT  ?= -O3
ARGS ?=
PREFIX ?= /usr/local
GOLDEN ?= tests/golden
CLANG_FORMAT ?= clang-format

# A folder of tasks with a main.cpp is a program; the others, with the floors below, are the library.
sources  = $(wildcard $(foreach folder,$(1),$(folder)/*.cpp $(folder)/*/*.cpp $(folder)/*/*/*.cpp))
PROGRAMS := $(patsubst tasks/%/main.cpp,%,$(wildcard tasks/*/main.cpp))
PARTS    := $(call sources,$(PROGRAMS:%=tasks/%))
ENGINE   := $(call sources,engine nn optim)
LIB      := $(ENGINE) $(filter-out $(PARTS),$(call sources,tasks))
TESTS    := $(call sources,tests)
ENGINE_TESTS := $(wildcard tests/*.cpp) $(call sources,tests/engine tests/nn tests/optim)
TOOLS    := $(call sources,tools)
SOURCES  := $(LIB) $(PARTS) $(TESTS) $(TOOLS)
HEADERS  := $(wildcard $(foreach folder,engine nn optim tasks tests tools,$(folder)/*.h $(folder)/*/*.h $(folder)/*/*/*.h))

# All processors, unless the command line says how many.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

.DEFAULT_GOAL := all
.PHONY: all test sentiment translate recommend answer monitor serve bench-serve test-clients test-browser debug bench compare check install uninstall abi \
        format format-check clean help test-golden torture soak fuzz mutate coverage sbom reproducible lint valgrind race
.DELETE_ON_ERROR:
.SECONDARY:

# build/deps.mk: what tools/deps.sh found (and installed): OPENBLAS_CFLAGS, OPENBLAS_LIBS, PACKAGE_LIBS. Make remakes an
# included file first, so a fresh machine has its packages before the first line is compiled.
ifneq ($(filter-out help clean format format-check check uninstall mutate reproducible,$(or $(MAKECMDGOALS),all)),)
include build/deps.mk build/programs.mk
endif
build/deps.mk: tools/deps.sh
	@mkdir -p $(@D) && tools/deps.sh $@
# UNIT_SOURCE and NEEDS_PROGRAM; again after each change of a source, of what is included, or of what there is.
build/programs.mk: tools/sources.sh $(LIB) $(PARTS) $(TESTS) $(HEADERS) $(sort $(dir $(LIB) $(PARTS) $(TESTS)))
	@mkdir -p $(@D) && tools/sources.sh $(PROGRAMS) > $@

# -Wno-stringop-overflow, -Wno-restrict: g++ 12 imagines them inside fmt 9 and std::string; with the
# sanitizers also -Wmaybe-uninitialized, inside std::regex.
# -fno-math-errno and -fno-trapping-math let loops with sqrt and comparisons vectorise; neither changes a result.
CXXFLAGS = -std=c++20 -Wall -Wextra -Wshadow=local -Werror -Wno-stringop-overflow -Wno-restrict -fopenmp -fno-math-errno -fno-trapping-math -mprefer-vector-width=512 -I. -MMD -MP \
           $(OPENBLAS_CFLAGS) $(VARIANT_FLAGS)
# The library is linked into programs and into libattune.so: relocatable, and of its names only those of attune.h are
# seen, so that its own calls need no table. In a program the linker takes the detours out again.
build/release/%: PIC = -fPIC -fvisibility=hidden
build/release/tests/% build/release/tools/%: PIC =
build/release/%: VARIANT_FLAGS = -march=$(ARCH) $(OPT) $(PIC)
build/double/%:  VARIANT_FLAGS = -march=$(ARCH) $(OPT) -DREAL_IS_DOUBLE
build/single/%:  VARIANT_FLAGS = -march=$(ARCH) $(OPT)  # the lower floors alone: for `make mutate`
build/release/tests/% build/double/tests/% build/single/tests/%: OPT = -O1
# So are the folders that read options and files, lead through a run and report: a third less to wait for, and nothing
# in them runs long. The arithmetic of the others' loops is compiled with OPT.
PLAIN := attack attribution capi command events explain few_shot files http model multitask objective pretrain report run search \
         sentiment serve spec transfer tune vocab
$(foreach folder,$(PLAIN),$(eval build/release/tasks/$(folder)/%: OPT = -O1))
build/debug/%:   VARIANT_FLAGS = -march=$(ARCH) -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined \
                                 -fno-sanitize-recover=undefined -Wno-maybe-uninitialized
# What is tested is watched, the tests are not, which takes a third of the time to build: they see SANITIZED.
build/debug/tests/%: VARIANT_FLAGS = -march=$(ARCH) -O1 -DSANITIZED

# A build variant is a folder, so switching variants never mixes objects. build/VARIANT/flags changes only when the
# flags do, and everything is rebuilt then; its OPT is its own, not that of the object for which it is looked at first.
define variant
build/$(1)/flags: OPT := $(OPT)
build/$(1)/flags: FORCE | build/deps.mk
	@mkdir -p $$(@D) && echo '$$(CXX) $$(CXXFLAGS)' | cmp -s - $$@ || echo '$$(CXX) $$(CXXFLAGS)' > $$@
build/$(1)/%.o: %.cpp build/$(1)/flags
	@mkdir -p $$(@D) && echo '  compile  $(1)/$$<' && $$(CXX) $$(CXXFLAGS) -c $$< -o $$@
build/$(1)/%.o: build/units/%.cpp build/$(1)/flags
	@mkdir -p $$(@D) && echo '  compile  $(1)/$$*' && $$(CXX) $$(CXXFLAGS) -Wno-subobject-linkage -c $$< -o $$@
endef
# A folder's sources are compiled together, in units of eight at most (tools/sources.sh): reading what they include takes
# longer than they do. So the names in their unnamed namespaces are all different. UNITS=no: each alone, as `make
# mutate` needs them and `make lint` sees them.
UNITS ?= yes
unit = $(or $(and $(filter yes,$(UNITS)),$(UNIT_$(1))),$(1:.cpp=))
compiled = $(sort $(foreach s,$(2),build/$(1)/$(call unit,$(s)).o))
objects = $(patsubst %.cpp,build/$(1)/%.o,$(2))  # each source alone
either = $(sort $(compiled) $(objects))
# archive VARIANT SOURCES
define archive
build/$(1)/libattune.a: $(call compiled,$(1),$(2))
	@echo '  archive  $$@' && rm -f $$@ && $$(AR) rcs $$@ $$^
endef
build/coverage/%: VARIANT_FLAGS = -march=$(ARCH) -O1 --coverage -fprofile-update=atomic -Wno-maybe-uninitialized
# The fuzzers: by clang, whose runtime has libFuzzer. Small sizes and one processor's instructions are enough.
FUZZ_CXX ?= clang++
build/fuzz/%: override CXX = $(FUZZ_CXX)  # whatever CXX the others are built by
build/fuzz/%: VARIANT_FLAGS = -march=$(ARCH) -O1 -gline-tables-only -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
                              -fno-sanitize-recover=undefined -Wno-unknown-warning-option -Wno-error

# What memcheck runs: instructions that valgrind knows. It also tells the program that there are no others.
build/valgrind/%: VARIANT_FLAGS = -march=$(WATCHED_ARCH) -O1 -g1 -fno-omit-frame-pointer -Wno-maybe-uninitialized
WATCHED_ARCH ?= x86-64-v3
# ThreadSanitizer by clang, whose OpenMP says to it where threads meet; that of g++ does not.
build/race/%: override CXX = $(FUZZ_CXX)
build/race/%: VARIANT_FLAGS = -march=$(ARCH) -O1 -gline-tables-only -fno-omit-frame-pointer -fsanitize=thread -DSANITIZED \
                              -Wno-unknown-warning-option -Wno-error
AS_CLANG_race := tools/fuzz/fmt.cpp

# link VARIANT PROGRAM SOURCES [compiled]: what they need of the library comes with them; `compiled`: whole folders, in units
define link
build/$(1)/$(2): $(call $(or $(4),objects),$(1),$(3)) $(call objects,$(1),$(AS_CLANG_$(1))) build/$(1)/libattune.a
	@echo '  link     $$@' && $$(CXX) $$(CXXFLAGS) $$(LDFLAGS) $$(filter-out %.a,$$^) $$(filter %.a,$$^) $$(OPENBLAS_LIBS) $$(PACKAGE_LIBS) $$(LDLIBS) -o $$@
endef
# The variants in which there is every program.
WHOLE := release debug coverage valgrind race
$(foreach v,$(WHOLE) double single fuzz,$(eval $(call variant,$(v))))
$(foreach v,double single,$(eval $(call archive,$(v),$(ENGINE))))
$(foreach v,$(WHOLE),$(eval $(call archive,$(v),$(LIB))))
$(eval $(call archive,fuzz,$(filter-out tasks/capi/%,$(LIB))))
$(foreach v,double single,$(eval $(call link,$(v),run-tests,$(ENGINE_TESTS),compiled)))
$(foreach v,release debug,$(eval $(call link,$(v),run-tests,$(filter-out %/main.cpp,$(PARTS)) $(TESTS),compiled)))
$(eval $(call link,coverage,run-tests,$(filter-out %/main.cpp,$(PARTS)),compiled))
build/coverage/run-tests: $(call compiled,release,$(TESTS))  # the tests' own lines are not counted
# A program needs no more of the library than its includes lead to: the first command compiles that alone.
define link_program
build/$(1)/$(2): $(call compiled,$(1),$(NEEDS_$(2))) $(call objects,$(1),$(AS_CLANG_$(1)))
	@echo '  link     $$@' && $$(CXX) $$(CXXFLAGS) $$(LDFLAGS) $$^ $$(OPENBLAS_LIBS) $$(PACKAGE_LIBS) $$(LDLIBS) -o $$@
endef
$(foreach p,$(PROGRAMS),$(foreach v,$(WHOLE),$(eval $(call link_program,$(v),$(p)))))
$(eval $(call link,release,bench,tools/bench/bench.cpp tools/bench/first_step.cpp tools/bench/works.cpp tools/bench/limits.cpp tools/bench/clock.cpp))
$(eval $(call link,release,bench-translate,tools/bench/translate.cpp tools/bench/clock.cpp $(filter-out %/main.cpp,$(call sources,tasks/translate)),compiled))
build/release/bench-translate: PACKAGE_LIBS += -lsentencepiece_train -lsentencepiece
$(eval $(call link,release,kernels,tools/bench/kernels.cpp tools/bench/limits.cpp tools/bench/clock.cpp))
$(eval $(call link,release,bench-serve,tools/bench/serve.cpp))
FUZZ_PARTS := $(filter-out %/main.cpp,$(call sources,tasks/serve tasks/recommend)) $(addprefix tasks/,tune/study_file.cpp report/run_files.cpp \
  $(patsubst %,answer/%.cpp,assistant conversation forms index knowledge reader scope templates wording) \
  $(patsubst %,monitor/%.cpp,alerts board clock nab reader repeats series state stream judge))
$(eval $(call link,fuzz,fuzz,$(filter-out %/replay.cpp,$(call sources,tests/fuzz)) $(call sources,tools/fuzz) $(FUZZ_PARTS)))
build/fuzz/fuzz: LDFLAGS += -fsanitize=fuzzer
build/fuzz/fuzz: PACKAGE_LIBS += $(HTTPLIB_LIBS)
# Of the tests those of the lower floors and of the server's threads, but for what clang 14 does not read: structured
# bindings that a CHECK sees.
RACE_TESTS := $(filter-out $(addprefix tests/,engine/packed.cpp nn/adapter/golden.cpp nn/format/config.cpp nn/format/json_value.cpp \
  nn/loss/attention.cpp nn/model/bert_golden.cpp nn/model/marian_golden.cpp nn/model/seams.cpp optim/several/weighting_rules.cpp),$(ENGINE_TESTS)) \
  $(call sources,tests/tasks/http)
$(eval $(call link,race,run-tests,$(RACE_TESTS)))
$(foreach v,valgrind race,$(eval $(call link,$(v),threads,tools/threads.cpp)))
build/fuzz/flags build/race/flags: | build/fuzz-deps.mk
build/fuzz-deps.mk: tools/deps.sh
	@mkdir -p $(@D) && tools/deps.sh $@ fuzz
$(eval $(call link,release,torture,$(wildcard tools/torture/*.cpp)))
build/torture/fault.so: tools/torture/fault.c
	@mkdir -p $(@D) && echo '  link     $@' && $(CC) -shared -fPIC -O1 -Wall -Wextra -Werror $< -o $@ -ldl
# The C interface and what it needs of the library. It stays loaded: its threads and their memory outlive dlclose(). The
# second name is the one that programs ask for.
SONAME := libattune.so.$(shell sed -n 's/^.define ATTUNE_VERSION_MAJOR \([0-9]*\).*/\1/p' tasks/capi/attune.h)
build/release/libattune.so: $(call compiled,release,$(wildcard tasks/capi/*.cpp)) build/release/libattune.a tasks/capi/attune.map
	@echo '  link     $@' && $(CXX) $(CXXFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME),--version-script=tasks/capi/attune.map,-z,defs,-z,nodelete \
	  $(filter %.o %.a,$^) $(OPENBLAS_LIBS) $(PACKAGE_LIBS) $(LDLIBS) -o $@ && ln -sf libattune.so build/release/$(SONAME)
build/release/tasks/capi/%.o: private CXXFLAGS += -g -ffile-prefix-map='$(CURDIR)=.'  # what abidw reads
build/release/kernels: PACKAGE_LIBS += -lbenchmark
build/release/tools/bench/kernels.o: build/bench-deps.mk
build/bench-deps.mk: tools/deps.sh
	@mkdir -p $(@D) && tools/deps.sh $@ bench
# SentencePiece is asked for when what needs it is built: the program and, with its parts, the tests.
$(WHOLE:%=build/%/translate): PACKAGE_LIBS += -lsentencepiece_train -lsentencepiece
$(foreach v,$(WHOLE),$(call either,$(v),tasks/translate/pieces.cpp)): build/translate-deps.mk
build/translate-deps.mk: tools/deps.sh
	@mkdir -p $(@D) && tools/deps.sh $@ translate
build/release/run-tests build/debug/run-tests build/coverage/run-tests: PACKAGE_LIBS += -lsentencepiece_train -lsentencepiece
# Who includes httplib.h needs its flags: without them a Request has another size than inside the library.
HTTP_CLIENTS := tests/tools/fetch_model.cpp tests/tasks/http/server.cpp $(call sources,tests/tasks/serve)
$(foreach v,$(WHOLE),$(addprefix build/$(v)/,run-tests serve answer recommend monitor)): PACKAGE_LIBS += $(HTTPLIB_LIBS)
$(foreach v,$(WHOLE) fuzz,$(call either,$(v),$(HTTP_CLIENTS) tasks/http/connections.cpp)): private CXXFLAGS += $(HTTPLIB_CFLAGS)
.PHONY: FORCE
-include $(shell find $(foreach v,$(WHOLE) double single fuzz,build/$(v)) -name '*.d' 2>/dev/null)

all: $(PROGRAMS:%=build/release/%)

# Files that are part of a program: a source includes their bytes.
embeds = $(foreach v,$(WHOLE) fuzz,$(call either,$(v),tasks/$(1).cpp)): $(wildcard tasks/$(2))
$(eval $(call embeds,text/embedded,data/*.tsv))
$(eval $(call embeds,serve/page,serve/page.html))
$(eval $(call embeds,explain/page,explain/page.html))
$(eval $(call embeds,attribution/viewer,attribution/viewer.?s*))
$(eval $(call embeds,answer/serve,answer/page.html))
$(eval $(call embeds,answer/shop,data/shop/*))
$(eval $(call embeds,recommend/service,recommend/page.html))
$(eval $(call embeds,recommend/data,data/*.tsv))
$(eval $(call embeds,monitor/serve,monitor/page.html))

sentiment: build/release/sentiment
	build/release/sentiment train $(ARGS)

# On the embedded shop; then a conversation with it.
answer: build/release/answer
	build/release/answer train --out runs/answer --overwrite --ask 0.4 --refuse 0.2 $(ARGS)
	build/release/answer ask --model runs/answer --explain <tasks/data/shop/conversation.txt

serve: build/release/serve
	build/release/serve $(ARGS)

bench-serve: build/release/bench-serve build/release/serve
	build/release/bench-serve $(ARGS)

test-clients: build/release/serve build/release/sentiment
	tests/clients/run.sh $(ARGS)

test-browser: $(addprefix build/release/,serve sentiment report explain monitor answer recommend)
	tests/browser/run.sh $(ARGS)
	tests/browser/report.sh
	tests/browser/monitor.sh
	tests/browser/answer.sh
	tests/browser/recommend.sh

# Ninety days of a stream that was drawn, by the labels of its texts: its three surges are found, and not the decoy.
monitor: build/release/monitor
	@mkdir -p runs && build/release/monitor example > runs/monitor.jsonl
	build/release/monitor replay runs/monitor.jsonl --labelled --bin 6h --repeats 6h --watch negative --form text $(ARGS)

# On the embedded phrases; then sentences that are not among them.
translate: build/release/translate
	build/release/translate train --out runs/translate --overwrite --layers 2 --vocab-size 1500 --batch-size 700 --lr 0.003 $(ARGS)
	build/release/translate translate --model runs/translate/best --explain runs/translate/alignment.html $(SENTENCES)
SENTENCES ?= 'The train to Vienna is late.' 'My sister has lost her umbrella.' 'How much does this coat cost?' 'Do you know where the bakery is?'

# On the catalogue that ships: what is learned, how good it is, and lists for somebody new.
recommend: build/release/recommend
	build/release/recommend train --out runs/recommend --overwrite $(ARGS)
	build/release/recommend evaluate --model runs/recommend
	build/release/recommend recommend --model runs/recommend --k 5 $(PICKS)
PICKS ?= 'Small Boats' 'Knitting on Trains' 'The Salt Witch'

# Two servers and the C interface under everything at once; ARGS='--seconds 60': not the whole hour.
soak: build/release/serve build/release/libattune.so
	tools/soak.py $(ARGS)

# Every training program over a disk that fails at every call; ARGS='sentiment --every 5': fewer.
torture: build/release/torture build/torture/fault.so all
	build/release/torture $(ARGS)

mutate:
	tools/mutate.py $(ARGS)

# Lines and branches by folder: all tests and all programs, built so that they count.
coverage: build/coverage/run-tests $(PROGRAMS:%=build/coverage/%)
	-GOLDEN=$(GOLDEN) build/coverage/run-tests
	tools/coverage.py $(ARGS)

sbom: all build/release/libattune.so
	@mkdir -p build && tools/sbom.py >build/sbom.json && echo 'build/sbom.json: CycloneDX 1.6'

reproducible:
	tools/reproducible.sh $(ARGS)

valgrind: build/valgrind-deps.mk build/valgrind/threads $(PROGRAMS:%=build/valgrind/%)
	tools/short_runs.sh valgrind $(ARGS)
build/valgrind-deps.mk: tools/deps.sh
	@mkdir -p $(@D) && tools/deps.sh $@ valgrind

race: build/race/run-tests build/race/threads $(PROGRAMS:%=build/race/%)
	tools/short_runs.sh race $(ARGS)

lint: build/lint-deps.mk
	tools/lint.sh $(ARGS)
build/lint-deps.mk: tools/deps.sh
	@mkdir -p $(@D) && tools/deps.sh $@ lint

# SECONDS of each target, or of those in TARGETS; what is found stays in build/fuzz/found.
SECONDS ?= 60
fuzz: build/fuzz/fuzz
	tools/fuzz/run.sh $(SECONDS) $(TARGETS)

test: check build/release/run-tests build/double/run-tests build/release/libattune.so build/release/torture build/torture/fault.so all
	GOLDEN=$(GOLDEN) build/double/run-tests $(ARGS)
	GOLDEN=$(GOLDEN) build/release/run-tests $(ARGS)

test-golden: build/release/run-tests all
	GOLDEN=$(GOLDEN) build/release/run-tests -tc='*golden*' $(ARGS)

debug: build/debug/run-tests $(PROGRAMS:%=build/debug/%)
	GOLDEN=$(GOLDEN) build/debug/run-tests $(ARGS)

bench: build/release/kernels build/release/bench
	@mkdir -p build/bench
	build/release/kernels --benchmark_out=build/bench/kernels.json --benchmark_out_format=json --benchmark_counters_tabular=true
	build/release/bench steps --out build/bench/steps.json
	build/release/bench growth --out build/bench/growth.json

libattune.a: build/release/libattune.a
libattune.so: build/release/libattune.so
.PHONY: libattune.a libattune.so

install: all libattune.a libattune.so
	DESTDIR='$(DESTDIR)' tools/install.sh install '$(PREFIX)' $(PROGRAMS)

uninstall:
	DESTDIR='$(DESTDIR)' tools/install.sh uninstall '$(PREFIX)' $(PROGRAMS)

abi: build/release/libattune.so
	tools/abi.sh write

compare: build/release/bench build/release/sentiment build/release/bench-translate
	tools/bench/compare.sh $(ARGS)

check:
	@tools/check_layers.sh

format:
	$(CLANG_FORMAT) -i $(SOURCES) $(HEADERS)

format-check:
	@$(CLANG_FORMAT) --dry-run -Werror $(SOURCES) $(HEADERS) && echo 'format: $(words $(SOURCES) $(HEADERS)) files are in the house style'

clean:
	rm -rf build

help:
	@sed -n '3,/^# Never/p' Makefile | sed 's/^# \{0,1\}//'
