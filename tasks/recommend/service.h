// Service: lists over HTTP, and the page to try them.
#pragma once

#include "nn/format/json_value.h"
#include "tasks/http/server.h"
#include "tasks/recommend/recommender.h"
#include "tasks/run/console.h"

namespace recommend {

// {"user": ..., "items": [{"id", "title", "score", "probability", "because": {"id", "title", "part"}}, ...]}
nn::ordered_json list_json(const Recommender& r, const std::string& user, const std::vector<Recommended>& list);

// The body of POST /recommend: {"items": [id or title, ...], "user": id, "k": 10, "diversity": 0, "rerank": "mmr-mean",
// "exclude": [...]} -> list_json.   http::Refusal: 400 no JSON, 404 no such item or user, 422 another type.
nn::ordered_json answer_json(const Answering& answering, const std::string& body);

// Routes: POST /recommend; GET /items?q=WORDS&n=20: items whose titles or tags have the words; GET /health, /metrics;
// the page at /.
void add_routes(http::Server& server, const Answering& answering);

void serve_command(run::Options& options, const run::Parse& parse);

}  // namespace recommend
