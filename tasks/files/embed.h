// EMBED(name, "path"): a file's bytes as part of the program, from attune_name_begin to attune_name_end. The Makefile's
// `embeds` says that the object hangs on the file.
#pragma once

#define EMBED(name, path)                       \
  __asm__(                                      \
      ".pushsection .rodata\n"                  \
      "attune_" #name "_begin: .incbin \"" path \
      "\"\n"                                    \
      "attune_" #name                           \
      "_end: .byte 0\n"                         \
      ".popsection\n");                         \
  extern "C" const char attune_##name##_begin[], attune_##name##_end[]
