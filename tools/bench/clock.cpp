#include "tools/bench/clock.h"

#include <sys/resource.h>

#include <chrono>
#include <ctime>
#include <iostream>

#include "engine/profile.h"

namespace bench {

using nn::ordered_json;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double processor_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

long peak_rss() {
  rusage use;
  getrusage(RUSAGE_SELF, &use);
  return use.ru_maxrss * 1024;
}

Sample once(const std::function<void()>& pass) {
  const double start = now(), processor = processor_seconds();
  pass();
  return {now() - start, processor_seconds() - processor};
}

Sample repeated(const std::function<void()>& pass) {
  long passes = 0;
  const Sample all = once([&] {
    for (const double start = now(); now() - start < 0.2; ++passes) pass();
  });
  return {all.seconds / double(passes), all.processor_seconds / double(passes)};
}

void answer(const ordered_json& ready, const std::function<Sample()>& sample,
            const std::function<ordered_json()>& end) {
  std::cout << ready.dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    engine::profile_end("waiting", engine::Pass::other);
    const Sample took = sample();
    std::cout << ordered_json{{"seconds", took.seconds}, {"processor_seconds", took.processor_seconds}}.dump()
              << std::endl;
  }
  ordered_json last{{"peak_rss_bytes", peak_rss()}};
  if (end) last.update(end());
  std::cout << last.dump() << std::endl;
}

}  // namespace bench
