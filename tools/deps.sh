#!/bin/sh
# deps.sh FILE [bench | translate | fuzz | lint | valgrind]: make sure that the packages are here (with the name also what `make
# bench` or the program needs), then write into FILE the flags that the Makefile includes.
# What is missing is installed with apt-get when that is allowed (root, or sudo without a password); otherwise the
# command to run is printed and the exit status is 2.
set -eu
out=${1:?usage: tools/deps.sh FILE [bench | translate | fuzz | lint | valgrind]}
for_whom=${2:-}
export PKG_CONFIG_PATH="${PKG_CONFIG_PATH:-}"
triplet=$(${CXX:-g++} -print-multiarch 2>/dev/null || true)
openblas=/usr/lib/$triplet/openblas-openmp

missing=""
need() {  # need PACKAGE COMMAND...: the command tells whether the package is here
  package=$1
  shift
  "$@" >/dev/null 2>&1 || missing="$missing $package"
}
header() { printf '#include <%s>\n' "$1" | ${CXX:-g++} -E -x c++ - >/dev/null 2>&1; }

# A compiler with libFuzzer and OpenMP.
fuzzes() {
  echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' |
    ${FUZZ_CXX:-clang++} -x c++ -fopenmp -fsanitize=fuzzer,address -o /dev/null -
}

look() {
  missing=""
  need pkg-config pkg-config --version
  need libopenblas-openmp-dev test -e "$openblas/libopenblas.so"
  need libfmt-dev pkg-config --exists fmt
  need nlohmann-json3-dev pkg-config --exists nlohmann_json
  need libutf8proc-dev pkg-config --exists libutf8proc
  need zlib1g-dev pkg-config --exists zlib
  need libzip-dev pkg-config --exists libzip
  need libexpat1-dev pkg-config --exists expat
  need doctest-dev header doctest/doctest.h
  need libcpp-httplib-dev pkg-config --exists cpp-httplib
  need curl curl --version
  [ "$for_whom" != bench ] || need libbenchmark-dev header benchmark/benchmark.h
  [ "$for_whom" != fuzz ] && [ "$for_whom" != lint ] || need "clang libclang-rt-14-dev libomp-dev" fuzzes
  [ "$for_whom" != lint ] || need clang-tidy clang-tidy --version
  [ "$for_whom" != valgrind ] || need valgrind valgrind --version
  [ "$for_whom" != lint ] || need cppcheck cppcheck --version
  [ "$for_whom" != translate ] || need libsentencepiece-dev header sentencepiece_processor.h
}

command -v "$(echo "${CXX:-g++}" | cut -d' ' -f1)" >/dev/null 2>&1 || { echo "error: no C++ compiler: apt-get install g++" >&2; exit 2; }
look
if [ -n "$missing" ]; then
  install="apt-get install --no-install-recommends -y$missing"
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: missing packages (Debian's names):$missing" >&2
    exit 2
  elif [ "$(id -u)" = 0 ]; then
    sudo=""
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    sudo="sudo"
  else
    echo "error: missing packages; install them with" >&2
    echo "  sudo $install" >&2
    exit 2
  fi
  echo "installing:$missing"
  $sudo apt-get update -qq || true
  DEBIAN_FRONTEND=noninteractive $sudo $install >/dev/null || { echo "error: could not run: $install" >&2; exit 2; }
  look
  [ -z "$missing" ] || { echo "error: installed, yet not found:$missing" >&2; exit 2; }
fi

# The OpenMP build by its own folder, whatever the system's alternatives point at; -rpath finds it again at run time.
{
  echo "OPENBLAS_CFLAGS := -isystem /usr/include/$triplet/openblas-openmp"
  echo "OPENBLAS_LIBS   := -L$openblas -Wl,-rpath,$openblas -lopenblas"
  echo "PACKAGE_LIBS    := $(pkg-config --libs fmt libutf8proc libzip zlib expat)"
  echo "HTTPLIB_CFLAGS  := $(pkg-config --cflags cpp-httplib)"
  echo "HTTPLIB_LIBS    := $(pkg-config --libs cpp-httplib)"
} >"$out.part"
mv "$out.part" "$out"
