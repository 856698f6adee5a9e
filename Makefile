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
#   make clean           remove build/                        make format-check say whether they are in it
#   make abi             the C interface as it is now is the  make translate    learn to translate the embedded phrases
#                        one that tests hold it to            make help         this list
#
# Yours to override on the command line:
#   CXX=g++              the compiler (C++20)
#   ARCH=native          the processor to build for; x86-64-v3 runs on anything with AVX2
#   OPT=-O3              the optimisation of the release and double builds; of the tests themselves -O1
#   LDLIBS=              more libraries to link
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
.PHONY: all test sentiment translate monitor serve bench-serve test-clients test-browser debug bench compare check install uninstall abi \
        format format-check clean help test-golden
.DELETE_ON_ERROR:
.SECONDARY:

# build/deps.mk: what tools/deps.sh found (and installed): OPENBLAS_CFLAGS, OPENBLAS_LIBS, PACKAGE_LIBS. Make remakes an
# included file first, so a fresh machine has its packages before the first line is compiled.
ifneq ($(filter-out help clean format format-check check uninstall,$(or $(MAKECMDGOALS),all)),)
include build/deps.mk
endif
build/deps.mk: tools/deps.sh
	@mkdir -p $(@D) && tools/deps.sh $@

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
build/release/tests/% build/double/tests/%: OPT = -O1
build/debug/%:   VARIANT_FLAGS = -march=$(ARCH) -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
                                 -fno-sanitize-recover=undefined -Wno-maybe-uninitialized

# A build variant is a folder, so switching variants never mixes objects. build/VARIANT/flags changes only when the
# flags do, and everything is rebuilt then.
define variant
build/$(1)/flags: FORCE | build/deps.mk
	@mkdir -p $$(@D) && echo '$$(CXX) $$(CXXFLAGS)' | cmp -s - $$@ || echo '$$(CXX) $$(CXXFLAGS)' > $$@
build/$(1)/%.o: %.cpp build/$(1)/flags
	@mkdir -p $$(@D) && echo '  compile  $(1)/$$<' && $$(CXX) $$(CXXFLAGS) -c $$< -o $$@
endef
objects = $(patsubst %.cpp,build/$(1)/%.o,$(2))
# archive VARIANT SOURCES
define archive
build/$(1)/libattune.a: $(call objects,$(1),$(2))
	@echo '  archive  $$@' && rm -f $$@ && $$(AR) rcs $$@ $$^
endef
# link VARIANT PROGRAM SOURCES: what they need of the library comes with them
define link
build/$(1)/$(2): $(call objects,$(1),$(3)) build/$(1)/libattune.a
	@echo '  link     $$@' && $$(CXX) $$(CXXFLAGS) $$(LDFLAGS) $$^ $$(OPENBLAS_LIBS) $$(PACKAGE_LIBS) $$(LDLIBS) -o $$@
endef
$(foreach v,release double debug,$(eval $(call variant,$(v))))
$(eval $(call archive,double,$(ENGINE)))
$(foreach v,release debug,$(eval $(call archive,$(v),$(LIB))))
$(eval $(call link,double,run-tests,$(ENGINE_TESTS)))
$(foreach v,release debug,$(eval $(call link,$(v),run-tests,$(filter-out %/main.cpp,$(PARTS)) $(TESTS))))
$(foreach p,$(PROGRAMS),$(foreach v,release debug,$(eval $(call link,$(v),$(p),$(call sources,tasks/$(p))))))
$(eval $(call link,release,bench,tools/bench/bench.cpp tools/bench/works.cpp tools/bench/limits.cpp))
$(eval $(call link,release,kernels,tools/bench/kernels.cpp tools/bench/limits.cpp))
$(eval $(call link,release,bench-serve,tools/bench/serve.cpp))
# The C interface and what it needs of the library. It stays loaded: its threads and their memory outlive dlclose(). The
# second name is the one that programs ask for.
SONAME := libattune.so.$(shell sed -n 's/^.define ATTUNE_VERSION_MAJOR \([0-9]*\).*/\1/p' tasks/capi/attune.h)
build/release/libattune.so: $(call objects,release,$(wildcard tasks/capi/*.cpp)) build/release/libattune.a tasks/capi/attune.map
	@echo '  link     $@' && $(CXX) $(CXXFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME),--version-script=tasks/capi/attune.map,-z,defs,-z,nodelete \
	  $(filter %.o %.a,$^) $(OPENBLAS_LIBS) $(PACKAGE_LIBS) $(LDLIBS) -o $@ && ln -sf libattune.so build/release/$(SONAME)
build/release/tasks/capi/%.o: private CXXFLAGS += -g  # what abidw reads
build/release/kernels: PACKAGE_LIBS += -lbenchmark
build/release/tools/bench/kernels.o: build/bench-deps.mk
build/bench-deps.mk: tools/deps.sh
	@mkdir -p $(@D) && tools/deps.sh $@ bench
# SentencePiece is asked for when what needs it is built: the program and, with its parts, the tests.
build/release/translate build/debug/translate: PACKAGE_LIBS += -lsentencepiece_train -lsentencepiece
build/release/tasks/translate/pieces.o build/debug/tasks/translate/pieces.o: build/translate-deps.mk
build/translate-deps.mk: tools/deps.sh
	@mkdir -p $(@D) && tools/deps.sh $@ translate
build/release/run-tests build/debug/run-tests: PACKAGE_LIBS += -lsentencepiece_train -lsentencepiece
# Who includes httplib.h needs its flags: without them a Request has another size than inside the library.
HTTP_CLIENTS := tests/tools/fetch_model.cpp tests/tasks/http/server.cpp tests/tasks/serve/served.cpp
$(foreach v,release debug,$(addprefix build/$(v)/,run-tests serve monitor)): PACKAGE_LIBS += $(HTTPLIB_LIBS)
$(foreach v,release debug,$(call objects,$(v),$(HTTP_CLIENTS) tasks/http/connections.cpp)): private CXXFLAGS += $(HTTPLIB_CFLAGS)
.PHONY: FORCE
-include $(foreach v,release debug double,$(patsubst %.cpp,build/$(v)/%.d,$(SOURCES)))

all: $(PROGRAMS:%=build/release/%)

# The embedded corpus is part of the program: text/embedded.cpp includes its bytes.
build/release/tasks/text/embedded.o build/debug/tasks/text/embedded.o: $(wildcard tasks/data/*.tsv)

build/release/tasks/serve/page.o build/debug/tasks/serve/page.o: tasks/serve/page.html
build/release/tasks/monitor/serve.o build/debug/tasks/monitor/serve.o: tasks/monitor/page.html

sentiment: build/release/sentiment
	build/release/sentiment train $(ARGS)

serve: build/release/serve
	build/release/serve $(ARGS)

bench-serve: build/release/bench-serve build/release/serve
	build/release/bench-serve $(ARGS)

test-clients: build/release/serve build/release/sentiment
	tests/clients/run.sh $(ARGS)

test-browser: build/release/serve build/release/sentiment
	tests/browser/run.sh $(ARGS)

# Ninety days of a stream that was drawn, by the labels of its texts: its three surges are found, and not the decoy.
monitor: build/release/monitor
	@mkdir -p runs && build/release/monitor example > runs/monitor.jsonl
	build/release/monitor replay runs/monitor.jsonl --labelled --bin 6h --repeats 6h --watch negative --form text $(ARGS)

# On the embedded phrases; then sentences that are not among them.
translate: build/release/translate
	build/release/translate train --out runs/translate --overwrite --layers 2 --vocab-size 1500 --batch-size 700 --lr 0.003 $(ARGS)
	build/release/translate translate --model runs/translate/best --explain runs/translate/alignment.html $(SENTENCES)
SENTENCES ?= 'The train to Vienna is late.' 'My sister has lost her umbrella.' 'How much does this coat cost?' 'Do you know where the bakery is?'

test: check build/release/run-tests build/double/run-tests build/release/libattune.so all
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

compare: build/release/bench build/release/sentiment
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
