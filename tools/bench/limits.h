// What the machine can do, measured when first asked: the bounds that everything else is compared with.
#pragma once

namespace bench {

double flops_limit();  // single-precision multiply-adds a second on all threads, each counted as two operations
double bytes_limit();  // bytes a second that all threads read and write in a pass like AdamW's over 768 MiB

}  // namespace bench
