// The queue of a server and its worker, with work that a test holds up.
#include "tasks/http/scheduler.h"

#include <future>

#include "tests/support/support.h"

using namespace test;
using http::Job;
using http::Refusal;
using http::Scheduler;

namespace {

struct Numbered : Job {
  int number;
  Numbered(int n, long t = 1, size_t l = 0) : number(n) {
    tokens = t;
    lane = l;
  }
};

// Notes what is computed together. While it is held, its worker waits in the middle of a batch.
struct Held {
  std::mutex mutex;
  std::condition_variable changed;
  bool held = false, working = false;
  std::vector<std::vector<int>> batches;
  Scheduler scheduler;

  explicit Held(long batch_tokens = 100, long queue_tokens = 100)
      : scheduler([this](size_t, const std::vector<Job*>& jobs) { run(jobs); }, batch_tokens, queue_tokens) {}
  void run(const std::vector<Job*>& jobs) {
    std::unique_lock lock(mutex);
    std::vector<int> numbers;
    for (const Job* job : jobs) numbers.push_back(static_cast<const Numbered*>(job)->number);
    batches.push_back(numbers);
    working = true;
    changed.notify_all();
    changed.wait(lock, [&] { return !held; });
    for (const int n : numbers) check(n >= 0, "job {} cannot be computed", n);
  }
  // A first job that is being computed until release().
  std::future<std::string> hold() {
    held = true, working = false;
    auto first = ask({Numbered(0)});
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return working; });
    return first;
  }
  void release() {
    const std::lock_guard lock(mutex);
    held = false;
    changed.notify_all();
  }
  // The error, or nothing, of jobs that a thread of its own asks for.
  std::future<std::string> ask(std::vector<Numbered> jobs) {
    return std::async(std::launch::async, [this, jobs = std::move(jobs)]() mutable {
      std::vector<Job*> all;
      for (Numbered& job : jobs) all.push_back(&job);
      return error_of([&] { scheduler.compute(all); });
    });
  }
  void wait_for_tokens(long tokens) {
    while (scheduler.waiting() != tokens) std::this_thread::yield();
  }
};

int status_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Refusal& e) { return e.status; }
  return 200;
}

}  // namespace

TEST_CASE("scheduler: what waits becomes batches in the order of arrival, within the budget, a lane at a time") {
  Held h(10);
  auto first = h.hold();
  std::vector<std::future<std::string>> others;
  long waiting = 0;
  for (const auto& [number, tokens, lane] : {std::tuple{1, 4L, 0}, {2, 5L, 1}, {3, 1L, 0}, {4, 20L, 0}, {5, 1L, 0}}) {
    others.push_back(h.ask({Numbered(number, tokens, size_t(lane))}));
    h.wait_for_tokens(waiting += tokens);
  }
  h.release();
  for (auto& one : others) CHECK(one.get() == "");
  CHECK(first.get() == "");
  CHECK(h.batches == std::vector<std::vector<int>>{{0}, {1, 3}, {2}, {4}, {5}});  // one that is too large goes alone
}

TEST_CASE("scheduler: more than may wait is refused at once, all of a request or none, and says when to come again") {
  Held h(100, 10);
  auto first = h.hold();
  auto second = h.ask({Numbered(1, 6)});
  h.wait_for_tokens(6);
  Numbered a(2, 3), b(3, 2);
  CHECK(status_of([&] { h.scheduler.compute({&a, &b}); }) == 429);
  CHECK(h.scheduler.waiting() == 6);
  try {
    h.scheduler.compute({&a, &b});
  } catch (const Refusal& e) {
    CHECK(e.retry_after >= 1);
    CHECK(std::string(e.what()).find("6 tokens are waiting already, and no more than 10 may") == 0);
  }
  auto third = h.ask({Numbered(4, 4)});
  h.wait_for_tokens(10);
  h.release();
  CHECK(first.get() + second.get() + third.get() == "");
  Numbered large(5, 1000);
  CHECK(status_of([&] { h.scheduler.compute({&large}); }) == 200);  // an empty queue takes anything
}

TEST_CASE("scheduler: of a batch that fails, the others are computed") {
  Held h;
  auto first = h.hold();
  auto bad = h.ask({Numbered(-1)}), good = h.ask({Numbered(1), Numbered(2)});
  h.wait_for_tokens(3);
  h.release();
  CHECK(first.get() == "");
  CHECK(good.get() == "");
  CHECK(bad.get() == "job -1 cannot be computed");
}

TEST_CASE("scheduler: drain() finishes what was taken and refuses what comes after; patient work waits for room") {
  Held h(2, 4);
  auto first = h.hold();
  std::vector<Numbered> jobs;
  for (int i = 1; i <= 9; ++i) jobs.push_back(Numbered(i));
  std::vector<Job*> all;
  for (Numbered& job : jobs) all.push_back(&job);
  auto patient = std::async(std::launch::async, [&] { return error_of([&] { h.scheduler.compute_patiently(all); }); });
  h.wait_for_tokens(2);
  h.release();
  CHECK(patient.get() == "");
  CHECK(h.batches.size() == 6);  // {0}, {1, 2}, ... {9}
  auto held = h.hold(), waiting = h.ask({Numbered(50)});
  h.wait_for_tokens(1);
  auto drained = std::async(std::launch::async, [&] { h.scheduler.drain(); });
  Numbered late(51, 100);  // until then it is too much
  while (status_of([&] { h.scheduler.compute({&late}); }) != 503) std::this_thread::yield();
  h.release();
  drained.get();
  CHECK(held.get() + waiting.get() + first.get() == "");
}
