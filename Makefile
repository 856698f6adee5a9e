# attune: every target in one file, every object under build/.
#
#   make                 build every program                  make test         build and run everything that must hold
#   make sentiment       fine-tune on the embedded corpus     make test-golden  GOLDEN=dir: other golden values, same form
#   make debug           the tests under the address and      make check        the include directions of the folders
#                        undefined-behaviour sanitizers       make format       rewrite the sources in the house style
#   make bench           speed: kernels and whole steps       make compare      beside PyTorch and ONNX Runtime
#   make clean           remove build/                        make format-check say whether they are in it
#   make help            this list
#
# Yours to override on the command line:
#   CXX=g++              the compiler (C++20)
#   ARCH=native          the processor to build for; x86-64-v3 runs on anything with AVX2
#   OPT=-O3              the optimisation of the release and double builds
#   LDLIBS=              more libraries to link
#   ARGS=                further arguments: make sentiment ARGS='--model pool', make test ARGS='-tc=softmax*'
# Never add -ffast-math: it breaks NaN checks and exact results.

CXX  ?= g++
ARCH ?= native
OPT  ?= -O3
ARGS ?=
GOLDEN ?= tests/golden
CLANG_FORMAT ?= clang-format

PROGRAMS := $(patsubst tasks/%/main.cpp,%,$(wildcard tasks/*/main.cpp))
# A folder of tasks/ with a main.cpp is a program; the others are libraries.
ENGINE   := $(wildcard engine/*.cpp nn/*.cpp nn/*/*.cpp optim/*.cpp optim/*/*.cpp)
LIB      := $(ENGINE) $(filter-out $(PROGRAMS:%=tasks/%/%),$(wildcard tasks/*/*.cpp))
PARTS    := $(filter-out $(LIB) %/main.cpp,$(wildcard tasks/*/*.cpp))
TESTS    := $(wildcard tests/*.cpp tests/*/*.cpp tests/*/*/*.cpp)
BENCH    := $(wildcard tools/bench/*.cpp)
SOURCES  := $(LIB) $(TESTS) $(BENCH) $(foreach p,$(PROGRAMS),$(wildcard tasks/$(p)/*.cpp))
HEADERS  := $(wildcard engine/*.h nn/*.h nn/*/*.h optim/*.h optim/*/*.h tasks/*/*.h tests/*/*.h tools/*/*.h)

# All processors, unless the command line says how many.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

.DEFAULT_GOAL := all
.PHONY: all test sentiment debug bench compare check format format-check clean help test-golden
.DELETE_ON_ERROR:
.SECONDARY:

# build/deps.mk: what tools/deps.sh found (and installed): OPENBLAS_CFLAGS, OPENBLAS_LIBS, PACKAGE_LIBS. Make remakes an
# included file first, so a fresh machine has its packages before the first line is compiled.
ifneq ($(filter-out help clean format format-check check,$(or $(MAKECMDGOALS),all)),)
include build/deps.mk
endif
build/deps.mk: tools/deps.sh
	@mkdir -p $(@D) && tools/deps.sh $@

# -Wno-stringop-overflow, -Wno-restrict: g++ 12 imagines them inside fmt 9 and std::string.
# -fno-math-errno and -fno-trapping-math let loops with sqrt and comparisons vectorise; neither changes a result.
CXXFLAGS = -std=c++20 -Wall -Wextra -Wshadow=local -Werror -Wno-stringop-overflow -Wno-restrict -fopenmp -fno-math-errno -fno-trapping-math -mprefer-vector-width=512 -I. -MMD -MP \
           $(OPENBLAS_CFLAGS) $(VARIANT_FLAGS)
build/release/%: VARIANT_FLAGS = -march=$(ARCH) $(OPT)
build/double/%:  VARIANT_FLAGS = -march=$(ARCH) $(OPT) -DREAL_IS_DOUBLE
build/debug/%:   VARIANT_FLAGS = -march=$(ARCH) -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
                                 -fno-sanitize-recover=undefined

# A build variant is a folder, so switching variants never mixes objects. build/VARIANT/flags changes only when the
# flags do, and everything is rebuilt then.
define variant
build/$(1)/flags: FORCE | build/deps.mk
	@mkdir -p $$(@D) && echo '$$(CXX) $$(CXXFLAGS)' | cmp -s - $$@ || echo '$$(CXX) $$(CXXFLAGS)' > $$@
build/$(1)/%.o: %.cpp build/$(1)/flags
	@mkdir -p $$(@D) && echo '  compile  $(1)/$$<' && $$(CXX) $$(CXXFLAGS) -c $$< -o $$@
endef
# link VARIANT PROGRAM SOURCES
define link
build/$(1)/$(2): $(patsubst %.cpp,build/$(1)/%.o,$(3))
	@echo '  link     $$@' && $$(CXX) $$(CXXFLAGS) $$(LDFLAGS) $$^ $$(OPENBLAS_LIBS) $$(PACKAGE_LIBS) $$(LDLIBS) -o $$@
endef
ENGINE_TESTS := $(wildcard tests/*.cpp tests/engine/*.cpp tests/nn/*.cpp tests/nn/*/*.cpp tests/optim/*.cpp tests/optim/*/*.cpp)
$(foreach v,release double debug,$(eval $(call variant,$(v))))
$(eval $(call link,release,run-tests,$(LIB) $(PARTS) $(TESTS)))
$(eval $(call link,double,run-tests,$(ENGINE) $(ENGINE_TESTS)))
$(eval $(call link,debug,run-tests,$(LIB) $(PARTS) $(TESTS)))
$(foreach p,$(PROGRAMS),$(foreach v,release debug,$(eval $(call link,$(v),$(p),$(LIB) $(wildcard tasks/$(p)/*.cpp)))))
$(eval $(call link,release,bench,$(LIB) tools/bench/bench.cpp tools/bench/limits.cpp))
$(eval $(call link,release,kernels,$(LIB) tools/bench/kernels.cpp tools/bench/limits.cpp))
build/release/kernels: PACKAGE_LIBS += -lbenchmark
build/release/tools/bench/kernels.o: build/bench-deps.mk
build/bench-deps.mk: tools/deps.sh
	@mkdir -p $(@D) && tools/deps.sh $@ bench
build/release/run-tests build/debug/run-tests: PACKAGE_LIBS += $(HTTPLIB_LIBS)
build/release/tests/tools/fetch_model.o build/debug/tests/tools/fetch_model.o: private CXXFLAGS += $(HTTPLIB_CFLAGS)
.PHONY: FORCE
-include $(patsubst %.cpp,build/release/%.d,$(SOURCES)) $(patsubst %.cpp,build/debug/%.d,$(SOURCES)) \
         $(patsubst %.cpp,build/double/%.d,$(ENGINE) $(ENGINE_TESTS))

all: $(PROGRAMS:%=build/release/%)

# The embedded corpus is part of the program: text/embedded.cpp includes its bytes.
build/release/tasks/text/embedded.o build/debug/tasks/text/embedded.o: $(wildcard tasks/data/*.tsv)

sentiment: build/release/sentiment
	build/release/sentiment train $(ARGS)

test: check build/release/run-tests build/double/run-tests all
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
