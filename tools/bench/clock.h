// What a program under comparison measures of itself, and how it tells: tools/bench/compare.sh asks both sides in turn.
#pragma once

#include <functional>

#include "nn/format/json_value.h"

namespace bench {

double now();                // seconds of a clock that never goes back
double processor_seconds();  // of this process, all threads
long peak_rss();             // bytes

struct Sample {
  double seconds, processor_seconds;
};
Sample once(const std::function<void()>& pass);      // one pass
Sample repeated(const std::function<void()>& pass);  // of one pass; passes are repeated until 0.2 s are over

// A line `ready` on standard output; for every line of standard input one sample, {"seconds": s, "processor_seconds":
// p}; at the end `peak_rss_bytes`, with what `end` adds.
void answer(const nn::ordered_json& ready, const std::function<Sample()>& sample,
            const std::function<nn::ordered_json()>& end = nullptr);

}  // namespace bench
