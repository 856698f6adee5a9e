// The signals that ask for an end. Read tasks/run/stop.h first.
#include "tasks/run/stop.h"

#include <csignal>
#include <ctime>

#include "tasks/run/run.h"

namespace run {
namespace {

volatile std::sig_atomic_t asked_by = 0;
timespec asked_at;  // written once, by the handler, before asked_by

double seconds_since(const timespec& then) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return double(now.tv_sec - then.tv_sec) + 1e-9 * double(now.tv_nsec - then.tv_nsec);
}

void ask(int signal) {
  if (!asked_by) {
    clock_gettime(CLOCK_MONOTONIC, &asked_at);
    asked_by = signal;
  } else if (seconds_since(asked_at) >= 1) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);  // delivered when this returns
  }
}

void on_signals(void (*action)(int)) {
  std::signal(SIGINT, action);
  std::signal(SIGTERM, action);
}

}  // namespace

void listen_for_stop() {
  asked_by = 0;
  on_signals(ask);
}

void end_listening() { on_signals(SIG_DFL); }

int stop_signal() { return asked_by; }

bool stop_requested() { return asked_by != 0; }

}  // namespace run
