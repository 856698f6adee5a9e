// The queue and its worker. Read tasks/http/scheduler.h first.
#include "tasks/http/scheduler.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace http {

using Clock = Job::Clock;

// The jobs of one call; its thread waits for them.
struct Scheduler::Group {
  std::mutex mutex;
  std::condition_variable done;
  size_t left = 0;
};

Scheduler::Scheduler(Run run, long batch_tokens, long queue_tokens)
    : run_(std::move(run)), batch_tokens_(batch_tokens), queue_tokens_(queue_tokens), worker_([this] { work(); }) {}

Scheduler::~Scheduler() { drain(); }

void Scheduler::drain() {
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
  }
  some_.notify_all();
  room_.notify_all();
  if (worker_.joinable()) worker_.join();
}

long Scheduler::seconds_to_wait() const {
  const double seconds = tokens_a_second_ > 0 ? double(waiting_) / tokens_a_second_ : 1;
  return std::clamp(long(std::ceil(seconds)), 1L, 60L);
}

void Scheduler::submit(const std::vector<Job*>& jobs, bool patient) {
  if (jobs.empty()) return;
  const auto group = std::make_shared<Group>();
  group->left = jobs.size();
  long tokens = 0;
  for (const Job* job : jobs) tokens += job->tokens;
  {
    std::unique_lock lock(mutex_);
    const auto fits = [&] { return draining_ || waiting_ == 0 || waiting_ + tokens <= queue_tokens_; };
    if (patient) room_.wait(lock, fits);
    if (draining_) throw Refusal(503, "the server is being stopped; ask again in a moment", 1);
    if (!fits())
      throw Refusal(429,
                    fmt::format("{} tokens are waiting already, and no more than {} may; ask again in {} s", waiting_,
                                queue_tokens_, seconds_to_wait()),
                    seconds_to_wait());
    waiting_ += tokens;
    for (Job* job : jobs) {
      job->asked = Clock::now();
      queue_.push_back({job, group});
    }
  }
  some_.notify_one();
  std::unique_lock lock(group->mutex);
  group->done.wait(lock, [&] { return group->left == 0; });
  for (const Job* job : jobs)
    if (job->error) std::rethrow_exception(job->error);
}

void Scheduler::compute(const std::vector<Job*>& jobs) { submit(jobs, false); }

void Scheduler::compute_patiently(const std::vector<Job*>& jobs) {
  for (size_t begin = 0, end; begin < jobs.size(); begin = end) {
    long tokens = 0;
    for (end = begin; end < jobs.size() && (end == begin || tokens + jobs[end]->tokens <= batch_tokens_); ++end)
      tokens += jobs[end]->tokens;
    submit({jobs.begin() + long(begin), jobs.begin() + long(end)}, true);
  }
}

std::vector<Scheduler::Entry> Scheduler::take() {
  std::unique_lock lock(mutex_);
  some_.wait(lock, [&] { return draining_ || !queue_.empty(); });
  std::vector<Entry> batch;
  long tokens = 0;
  while (!queue_.empty() && (batch.empty() || tokens + queue_.front().job->tokens <= batch_tokens_)) {
    tokens += queue_.front().job->tokens;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  waiting_ -= tokens;
  return batch;
}

void Scheduler::run(const std::vector<Entry>& batch) {
  std::map<size_t, std::vector<Job*>> lanes;
  for (const Entry& entry : batch) lanes[entry.job->lane].push_back(entry.job);
  const auto attempt = [&](size_t lane, const std::vector<Job*>& jobs) {
    for (Job* job : jobs) job->begun = Clock::now();
    try {
      run_(lane, jobs);
    } catch (...) {
      for (Job* job : jobs) job->error = std::current_exception();
    }
    for (Job* job : jobs) job->done = Clock::now();
  };
  for (const auto& [lane, jobs] : lanes) {
    attempt(lane, jobs);
    if (!jobs[0]->error || jobs.size() == 1) continue;
    for (Job* job : jobs) {
      job->error = nullptr;
      attempt(lane, {job});
    }
  }
}

void Scheduler::work() {
  for (std::vector<Entry> batch = take(); !batch.empty();
       batch = take()) {  // empty: nothing is left, and no more comes
    room_.notify_all();
    long tokens = 0;
    for (const Entry& entry : batch) tokens += entry.job->tokens;
    const auto start = Clock::now();
    run(batch);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    {
      const std::lock_guard lock(mutex_);
      const double speed = double(tokens) / std::max(seconds, 1e-6);
      tokens_a_second_ = tokens_a_second_ > 0 ? 0.9 * tokens_a_second_ + 0.1 * speed : speed;
    }
    for (const Entry& entry : batch) {
      const std::lock_guard lock(entry.group->mutex);
      if (--entry.group->left == 0) entry.group->done.notify_one();
    }
  }
}

}  // namespace http
