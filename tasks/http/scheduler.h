// Scheduler: what many threads ask of a model, in batches, on one thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "tasks/http/refusal.h"

namespace http {

// One text, or what else is asked for as one. Who asks derives it and finds the answer there.
struct Job {
  using Clock = std::chrono::steady_clock;
  size_t lane = 0;  // what can be computed together: a model
  long tokens = 1;
  Clock::time_point asked = {}, begun = {}, done = {};
  std::exception_ptr error = nullptr;
  virtual ~Job() = default;
};

// One queue, in the order of arrival; nobody is overtaken. When the worker is free it takes what is waiting, up to a
// budget of tokens, and never waits for more: alone, a text is computed at once, and under load batches grow by
// themselves. Jobs of one lane in a batch are computed together, the lanes one after another.
class Scheduler {
 public:
  using Run = std::function<void(size_t lane, const std::vector<Job*>& jobs)>;

  // Of a batch that fails, each job is computed by itself, so that only those fail that cannot be computed.
  Scheduler(Run run, long batch_tokens, long queue_tokens);
  ~Scheduler();  // as drain()
  Scheduler(const Scheduler&) = delete;

  // Returns when all of them are done; the first error of theirs is thrown. All are taken, or none.
  // Refusal: 429 with Retry-After, at once, if more tokens would wait than may (a queue that is empty takes anything);
  // 503 after drain().
  void compute(const std::vector<Job*>& jobs);
  // The same for work that has time: waits for room. In parts, so that others get their turn.
  void compute_patiently(const std::vector<Job*>& jobs);

  void drain();                              // no new jobs; returns when all that were taken are done
  long waiting() const { return waiting_; }  // tokens

 private:
  struct Group;
  struct Entry {
    Job* job;
    std::shared_ptr<Group> group;
  };
  void submit(const std::vector<Job*>& jobs, bool patient);
  void work();
  std::vector<Entry> take();
  void run(const std::vector<Entry>& batch);
  long seconds_to_wait() const;

  Run run_;
  const long batch_tokens_, queue_tokens_;
  std::mutex mutex_;
  std::condition_variable some_, room_;
  std::deque<Entry> queue_;
  std::atomic<long> waiting_ = 0;
  double tokens_a_second_ = 0;  // of the batches so far, the last ones most
  bool draining_ = false;
  std::thread worker_;
};

}  // namespace http
