// From a directory and lines of options to a model that can be asked. Read tasks/model/directory.h first.
#include "tasks/capi/handle.h"

#include <omp.h>

#include <algorithm>
#include <future>
#include <mutex>

#include "engine/debug.h"
#include "engine/startup.h"
#include "tasks/model/adapter.h"
#include "tasks/model/directory.h"
#include "tasks/run/arguments.h"
#include "tasks/run/console.h"
#include "tasks/run/options_file.h"
#include "tasks/text/labels.h"
#include "tasks/text/utf8.h"

namespace {

using engine::check;

struct LoadOptions {
  std::string base, pooling = "mean";
  model::Reading reading;
  int threads = 0;

  void declare(run::Options& options) {
    model::declare_base(options, base);
    reading.declare(options);
    options.add("--pooling", pooling, "what makes a text's vector of its tokens'").one_of({"mean", "first"});
    options.add("--threads", threads, "so many for each call").between(1, 1024);
  }
};

void set(run::Options& options, const std::string& lines) {
  std::vector<std::string> known;
  for (const std::string& name : options.names()) known.push_back(name.substr(2));
  for (const run::OptionLine& line : run::parse_option_lines(lines, "options")) {
    const std::string where = fmt::format("options:{}", line.line);
    check(std::ranges::count(known, line.name) > 0, "{}: there is no option '{}'{}", where, engine::shown(line.name),
          text::did_you_mean(line.name, known));
    check(line.values.size() == 1, "{}: {} takes one value: `{} = ...`", where, line.name, line.name);
    check(options.set("--" + line.name, line.values), "{}: {} is there twice", where, line.name);
  }
}

// Where no classifier has been trained, the only task is to give a vector. Whether it is so.
bool becomes_encoder(model::ModelDirectory& from, nn::Reads pooling) {
  if (from.named() || from.has("classifier.weight")) return false;
  spec::TaskSpec task;
  task.where = from.path;
  task.head = nn::Predicts::vector;
  task.reads = pooling;
  if (const auto projection = nn::stored_parameter(from.path, "projection.weight")) task.width = projection->dim(0);
  from.tasks = {task};
  return true;
}

void load(attune_model& to, const char* directory, const run::Options& options, const LoadOptions& asked) {
  const run::Quiet quiet;  // as in border.h, for this thread
  const capi::Threads own(to.threads);
  model::ModelDirectory from(directory, asked.base);
  to.encoder = becomes_encoder(from, to.pooling);
  to.model = model::load_model(from);
  check(to.pooling == nn::Reads::mean || to.model->net.encoder.bert(),
        "{}: word embeddings alone have no [CLS]; pooling = mean is what they have", from.path);
  to.model->reading = model::Reading::settle(options, asked.reading, to.model->reading);
  model::check_positions(to.model->reading, to.model->net, from.path);
  to.model->net.pack();
}

// Once in a process, before the first product.
void settle_process() {
  static std::once_flag once;
  std::call_once(once, [] {
    engine::all_switches_off();
    engine::use_best_kernel();
  });
}

}  // namespace

attune_model::attune_model(const char* directory, const char* lines) {
  check(directory != nullptr, "attune_load: the directory is NULL");
  check(*directory, "attune_load: the directory's name is empty");
  check(text::is_utf8(lines ? lines : ""), "attune_load: the options are not UTF-8");
  LoadOptions asked;
  run::Options options("attune_load", "");
  asked.declare(options);
  set(options, lines ? lines : "");
  settle_process();
  threads = asked.threads;
  pooling = asked.pooling == "first" ? nn::Reads::first : nn::Reads::mean;
  // By a thread that takes its team away with it: beside this thread's, another that asks would compute 2.5 times as
  // long (mini, one sentence, two processors; engine/startup.h, release_team()), and this one's may be the host's.
  std::async(std::launch::async, [&] { load(*this, directory, options, asked); }).get();
}

namespace capi {

Threads::Threads(int threads) : before_(threads > 0 ? omp_get_max_threads() : 0) {
  if (before_) omp_set_num_threads(threads);
}

Threads::~Threads() {
  if (before_) omp_set_num_threads(before_);
}

}  // namespace capi
