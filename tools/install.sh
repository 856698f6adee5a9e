#!/bin/sh
# install.sh install|uninstall PREFIX PROGRAM...: what build/release holds, into $DESTDIR and PREFIX, or away again.
#   bin/PROGRAM   include/attune.h   lib/libattune.so.MAJOR.MINOR with its two links   lib/libattune.a
#   lib/pkgconfig/attune.pc   share/attune/models/NAME: where programs and library look for the models that ship
# It compiles nothing: `make install` does that before.
set -eu
cd "$(dirname "$0")/.."
what=${1:?usage: tools/install.sh install|uninstall PREFIX PROGRAM...}
prefix=${2:?usage: tools/install.sh install|uninstall PREFIX PROGRAM...}
shift 2
case $prefix in
  /*) ;;
  *) echo "error: PREFIX must begin with /; got '$prefix'" >&2; exit 2 ;;
esac
to=${DESTDIR:-}$prefix
number() { sed -n "s/^#define ATTUNE_VERSION_$1 \([0-9]*\).*/\1/p" tasks/capi/attune.h; }
major=$(number MAJOR)
version=$major.$(number MINOR)

pkg_config() {
  value() { sed -n "s/^$1 *:= *//p" build/deps.mk; }
  cat <<END
prefix=$prefix
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: attune
Description: classify, embed and tokenize texts with models of attune
Version: $version
Cflags: -I"\${includedir}"
Libs: -L"\${libdir}" -lattune
Libs.private: $(value OPENBLAS_LIBS) $(value PACKAGE_LIBS) -fopenmp -lstdc++ -lm
END
}

remove() {
  for program in "$@"; do rm -f "$to/bin/$program"; done
  rm -f "$to/include/attune.h" "$to/lib/libattune.so.$version" "$to/lib/libattune.so.$major" "$to/lib/libattune.so" \
    "$to/lib/libattune.a" "$to/lib/pkgconfig/attune.pc"
  for model in tasks/models/*/; do rm -rf "$to/share/attune/models/$(basename "$model")"; done
  rmdir "$to/share/attune/models" "$to/share/attune" 2>/dev/null || true  # somebody else's may stand there
}

put() {
  mkdir -p "$to/bin" "$to/include" "$to/lib/pkgconfig" "$to/share/attune/models"
  for program in "$@"; do install -m 755 "build/release/$program" "$to/bin/"; done
  install -m 644 tasks/capi/attune.h "$to/include/"
  install -m 644 build/release/libattune.a "$to/lib/"
  install -m 644 build/release/libattune.so "$to/lib/libattune.so.$version"
  ln -sf "libattune.so.$version" "$to/lib/libattune.so.$major"
  ln -sf "libattune.so.$major" "$to/lib/libattune.so"
  pkg_config >"$to/lib/pkgconfig/attune.pc"
  chmod 644 "$to/lib/pkgconfig/attune.pc"
  for model in tasks/models/*/; do
    mkdir -p "$to/share/attune/models/$(basename "$model")"
    install -m 644 "$model"* "$to/share/attune/models/$(basename "$model")/"
  done
}

case $what in
  install)  # not with &&, within which a shell goes on after errors
    put "$@"
    echo "attune $version is in $to"
    ;;
  uninstall)
    remove "$@"
    echo "attune $version is gone from $to"
    ;;
  *) echo "error: '$what' is neither install nor uninstall" >&2; exit 2 ;;
esac
