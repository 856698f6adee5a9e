// The page, and what it asks beyond the other routes: what a model looked at, and a file with labels. The assembler
// includes page.html; the Makefile knows that this object depends on it. Read tasks/serve/service.h first.
#include <algorithm>

#include "nn/format/json.h"
#include "tasks/attribution/viewer.h"
#include "tasks/attribution/words.h"
#include "tasks/files/embed.h"
#include "tasks/serve/routes.h"

EMBED(page, "tasks/serve/page.html");

namespace serve {

using http::ask;
using http::Request;
using http::Response;

namespace {

ordered_json words_of(const model::TextModel& model, size_t head, const TextJob& job, int best) {
  ordered_json words = ordered_json::array();
  const auto shares = attribution::word_shares(model, head, {job.example}, job.set, {best});
  for (const attribution::WordShare& word : shares[0])
    words.push_back({{"word", word.word}, {"second", word.second}, {"share", word.share}});
  return words;
}

void look(Service& service, const Request& in, Response& out) {
  const json body = body_of(in, {"inputs", "pair"});
  const Target target = service.target(in, body);
  const text::Example example{.text = word(body, "inputs", ""), .pair = word(body, "pair", "")};
  ask(!text::is_blank(example.text), 422, "inputs must be a text with a word in it");
  std::vector<std::unique_ptr<TextJob>> jobs;
  const bool says = target.classifies() || target.task().head == nn::Predicts::number;
  if (says) jobs.push_back(service.job(target, example, TextJob::Want::heads));
  jobs.push_back(service.job(target, example, TextJob::Want::look));
  ordered_json answer{{"model", target.name}};
  TextJob& looking = *jobs.back();
  looking.look = [&](TextJob& job, const model::TextModel& model) {
    const text::Batch batch = text::pack(job.set, {0});
    for (int t = 0; t < batch.tokens.offsets[1]; ++t)
      answer["tokens"].push_back(model.tokenizer.piece(batch.tokens.ids[size_t(t)]));
    answer["layers"] = attribution::attention_to_view(model, target.head, batch);
    if (says) answer["words"] = words_of(model, target.head, job, jobs[0]->said[target.head].best);
  };
  if (says) {  // which class the words are asked about is known first
    std::vector<std::unique_ptr<TextJob>> first;
    first.push_back(std::move(jobs[0]));
    service.compute(target, first, out);
    jobs[0] = std::move(first[0]);
    answer["scores"] = label_scores(ranked(target, jobs[0]->said[target.head]));
  }
  std::vector<std::unique_ptr<TextJob>> second;
  second.push_back(std::move(jobs.back()));
  service.compute(target, second, out);
  out.json(answer);
}

std::string csv_cell(const std::string& cell, char separator) {
  const bool plain = cell.find_first_of(std::string("\"\r\n") + separator) == std::string::npos;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return plain ? cell : quoted + "\"";
}

std::string csv_row(const std::vector<std::string>& cells) {
  std::string row;
  for (size_t c = 0; c < cells.size(); ++c) row += (c ? "," : "") + csv_cell(cells[c], ',');
  return row + "\r\n";
}

std::string new_column(const text::Table& table, std::string name) {
  while (std::ranges::find(table.columns, name) != table.columns.end()) name += "_predicted";
  return name;
}

// A file of texts, and where in a row they stand.
struct TextFile {
  text::Table table;
  size_t text = 0;
  std::optional<size_t> pair = {};
};

// Read as `predict` reads it: by the columns that the model was made with, where the query names no other.
TextFile read_texts(const Target& target, const Request& in) {
  const spec::DataOptions& made = target.task().files.how;
  spec::DataOptions how;
  how.format = "csv";
  how.text_column = how.recorded_text = made.text_column;
  how.pair_column = made.pair_column;
  how.recorded_delimiter = made.delimiter;
  how.no_header = made.no_header;
  try {
    TextFile texts{text::parse_table(in.body, "file", how.table_options())};
    if (const auto given = in.query.find("column"); given != in.query.end())
      how.text_column = given->second;
    else
      how.find_columns(texts.table, false);
    texts.text = texts.table.column(how.text_column);
    if (!how.pair_column.empty()) texts.pair = texts.table.column(how.pair_column);
    return texts;
  } catch (const engine::Error& e) { throw http::Refusal(422, e.what()); }
}

// Fills the last two cells of each row with a word in it, about a batch at a time, as long as somebody waits for it.
void label_rows(Service& service, const Target& target, const Request& in, TextFile& texts, Response& out) {
  const bool refuses = target.model().reading.how() == text::TooLong::error;  // for one long text the whole file
  const std::optional<bool> truncate = refuses ? std::optional(true) : std::nullopt;
  for (size_t next = 0; next < texts.table.rows.size();) {
    if (!in.is_awaited()) throw http::Refusal(503, "the server is being stopped, or the client has gone", 1);
    std::vector<std::unique_ptr<TextJob>> jobs;
    std::vector<std::vector<std::string>*> rows;
    for (long tokens = 0; next < texts.table.rows.size() && tokens < service.options().batch_tokens; ++next) {
      std::vector<std::string>& row = texts.table.rows[next];
      if (text::is_blank(row[texts.text])) continue;
      const text::Example example{.text = row[texts.text], .pair = texts.pair ? row[*texts.pair] : ""};
      jobs.push_back(service.job(target, example, TextJob::Want::heads, truncate));
      rows.push_back(&row);
      tokens += jobs.back()->tokens;
    }
    service.compute(target, jobs, out, true);
    for (size_t j = 0; j < jobs.size(); ++j) {
      const auto best = ranked(target, jobs[j]->said[target.head])[0];
      std::vector<std::string>& row = *rows[j];
      row[row.size() - 2] = best.first;
      row[row.size() - 1] = fmt::format("{:.4f}", best.second);
    }
  }
}

// The rows as they were, and behind them the label that is said and its score; a row without a word has none.
void label(Service& service, const Request& in, Response& out) {
  http::check_query(in, {"model", "column"});
  const Target target = service.target(in, json::object());
  ask(target.classifies() || target.task().head == nn::Predicts::number, 422, "'{}' says no labels", target.name);
  TextFile texts = read_texts(target, in);
  text::Table& table = texts.table;
  for (const char* name : {"label", "score"}) table.columns.push_back(new_column(table, name));
  for (std::vector<std::string>& row : table.rows) row.resize(table.columns.size());
  label_rows(service, target, in, texts, out);
  out.type = "text/csv; charset=utf-8";
  out.body = csv_row(table.columns);
  for (const std::vector<std::string>& row : table.rows) out.body += csv_row(row);
  out.headers.emplace_back("Content-Disposition", "attachment; filename=\"labelled.csv\"");
}

void page(const Request&, Response& out) { out.page(attribution::with_viewer({attune_page_begin, attune_page_end})); }

}  // namespace

void page_routes(http::Server& server, Service& service) {
  server.on("GET", "/ui", page, http::Server::Access::open);
  server.on(
      "GET", "/",
      [&](const Request& in, Response& out) {
        if (in.header("Accept").find("text/html") == std::string::npos) {
          service.check_ready();
          return;
        }
        out.status = 302;
        out.headers.emplace_back("Location", "/ui");
      },
      http::Server::Access::open);
  server.on("POST", "/ui/look", [&](const Request& in, Response& out) { look(service, in, out); });
  server.on("POST", "/ui/label", [&](const Request& in, Response& out) { label(service, in, out); });
}

}  // namespace serve
