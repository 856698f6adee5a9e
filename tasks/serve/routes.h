// The routes, by who asks: each function adds its own to a server.
#pragma once

#include "tasks/serve/service.h"

namespace serve {

using http::Server;

// Hugging Face's pipelines: /; text-embeddings-inference: /predict
void classify_routes(Server& server, Service& service);
void vector_routes(Server& server, Service& service);  // /embed, /similarity, /rerank, /tokenize; /v1: OpenAI
void kserve_routes(Server& server, Service& service);  // /v2
void page_routes(Server& server, Service& service);    // /ui
void about_routes(Server& server, Service& service);   // /health, /info, /metrics, ...
void all_routes(Server& server, Service& service);     // and error_body()

// What a head says of a text: labels with their scores, the one that is said first; of a number one, called "value".
// `raw`: logits instead of probabilities.
std::vector<std::pair<std::string, double>> ranked(const Target& target, const Said& said, bool raw = false);
ordered_json label_scores(const std::vector<std::pair<std::string, double>>& ranked);  // [{"label", "score"}, ...]

// `inputs` of /embed and of the root: vectors, one for each text.
ordered_json embeddings(Service& service, const Target& target, const json& body, http::Response& out);
ordered_json similarities(Service& service, const Target& target, const json& body, http::Response& out);

// The form of an error that this path's clients read.
ordered_json error_body(const http::Request& in, int status, const std::string& sentence);

}  // namespace serve
